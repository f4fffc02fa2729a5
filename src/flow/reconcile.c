/* reconcile: a table's schema and the type of what comes in, brought together by Iceberg's
 * evolution rules. */
#include "flow/flow.h"

#define SUMMARY_MAX   4096 /* about; what is beyond is not told */
#define TYPE_TEXT_MAX 400

struct merge {
    struct tarn_op *op;
    bool changed;
    bool replaced; /* within the top-level column at work */
    bool cut;
    struct tarn_buf summary;
};

static void note(struct merge *m, const char *fmt, ...) TARN_PRINTF(2, 3);
static void note(struct merge *m, const char *fmt, ...)
{
    va_list ap;
    m->changed = true;
    if (m->cut)
        return;
    m->cut = m->summary.len > SUMMARY_MAX;
    if (m->summary.len)
        tarn_buf_z(&m->summary, m->cut ? "; and more" : "; ");
    if (m->cut)
        return;
    va_start(ap, fmt);
    tarn_buf_vprintf(&m->summary, fmt, ap);
    va_end(ap);
}

/* Can a column of type `have` take every value of type `want` without loss? Then it stays as it
 * is. */
static bool holds(const struct tarn_type *have, const struct tarn_type *want)
{
    if (tarn_type_same_shape(have, want) || tarn_type_promotes(want, have, 2))
        return true;
    if (have->kind == TARN_TYPE_DECIMAL && want->kind == TARN_TYPE_LONG)
        return have->precision - have->scale >= 19;
    if (have->kind == TARN_TYPE_DECIMAL && want->kind == TARN_TYPE_INT)
        return have->precision - have->scale >= 10;
    return have->kind == TARN_TYPE_DOUBLE && want->kind == TARN_TYPE_INT;
}

static enum tarn_status merge_fields(struct merge *m, struct tarn_str path,
                                     const struct tarn_type *have, const struct tarn_type *want,
                                     struct tarn_str before, struct tarn_type *out);

static struct tarn_str child_path(struct merge *m, struct tarn_str path, struct tarn_str name)
{
    return path.len ? tarn_sprintf(m->op, "%.*s.%.*s", TARN_STR_ARG(path), TARN_STR_ARG(name))
                    : name;
}

/* A type for people, cut where it is very long. */
static struct tarn_str short_text(struct merge *m, const struct tarn_type *t)
{
    struct tarn_str text = tarn_type_text(m->op, t);
    size_t n = TYPE_TEXT_MAX;
    if (!text.ptr || text.len <= n)
        return text;
    while (n > 0 && ((unsigned char)text.ptr[n] & 0xc0) == 0x80)
        n--;
    return tarn_sprintf(m->op, "%.*s...", (int)n, text.ptr);
}

/* One field that both sides have. */
static enum tarn_status merge_field(struct merge *m, struct tarn_str path,
                                    const struct tarn_field *have, const struct tarn_field *want,
                                    struct tarn_field *out)
{
    *out = *have;
    if (tarn_type_is_nested(&have->type) && have->type.kind == want->type.kind)
        return merge_fields(m, path, &have->type, &want->type, (struct tarn_str){NULL, 0},
                            &out->type);
    if (holds(&have->type, &want->type))
        return TARN_OK;
    struct tarn_str from = short_text(m, &have->type);
    struct tarn_str to = short_text(m, &want->type);
    if (!from.ptr || !to.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_type_copy(m->op, &want->type, &out->type));
    if (tarn_type_promotes(&have->type, &want->type, 2)) {
        note(m, "widens %.*s: %s -> %s", TARN_STR_ARG(path), from.ptr, to.ptr);
        return TARN_OK;
    }
    note(m, "replaces %.*s: %s -> %s", TARN_STR_ARG(path), from.ptr, to.ptr);
    out->id = 0;
    out->required = false;
    m->replaced = true;
    return TARN_OK;
}

static const struct tarn_field *find(const struct tarn_type *t, struct tarn_str name)
{
    const struct tarn_field *exact = tarn_type_field_by_name(t, name);
    for (size_t i = 0; !exact && i < t->field_count; i++)
        if (tarn_str_eq_nocase(t->fields[i].name, name))
            exact = &t->fields[i];
    return exact;
}

static enum tarn_status merge_fields(struct merge *m, struct tarn_str path,
                                     const struct tarn_type *have, const struct tarn_type *want,
                                     struct tarn_str before, struct tarn_type *out)
{
    size_t n = 0, added = 0;
    *out = *have;
    for (size_t i = 0; i < want->field_count; i++)
        added += find(have, want->fields[i].name) == NULL;
    TARN_NEW_ARRAY(m->op, out->fields, have->field_count + added + 1);
    bool placed = added == 0;
    for (size_t i = 0; i <= have->field_count; i++) {
        bool at_end = i == have->field_count;
        bool here = at_end || (before.ptr && tarn_str_eq(have->fields[i].name, before));
        for (size_t k = 0; here && !placed && k < want->field_count; k++) {
            const struct tarn_field *f = &want->fields[k];
            if (find(have, f->name))
                continue;
            struct tarn_str text = short_text(m, &f->type);
            struct tarn_str full = child_path(m, path, f->name);
            if (!text.ptr || !full.ptr)
                return TARN_NOMEM;
            note(m, "adds %.*s %s", TARN_STR_ARG(full), text.ptr);
            out->fields[n++] = *f;
        }
        placed = placed || here;
        if (at_end)
            break;
        const struct tarn_field *w = find(want, have->fields[i].name);
        struct tarn_str full = child_path(m, path, have->fields[i].name);
        if (!full.ptr)
            return TARN_NOMEM;
        if (w)
            TARN_TRY(merge_field(m, full, &have->fields[i], w, &out->fields[n]));
        else
            out->fields[n] = have->fields[i];
        n++;
    }
    out->field_count = n;
    return TARN_OK;
}

static void renew_ids(struct tarn_type *t)
{
    for (size_t i = 0; i < t->field_count; i++) {
        t->fields[i].id = 0;
        t->fields[i].required = t->kind == TARN_TYPE_MAP && i == 0;
        renew_ids(&t->fields[i].type);
    }
}

/* A column that holds a replaced field is new as a whole: files of before and after are told apart
 * by its id, while inside of it engines go by names. */
static enum tarn_status replace_column(struct merge *m, struct tarn_type *merged,
                                       struct tarn_str name)
{
    for (size_t i = 0; i < merged->field_count; i++) {
        struct tarn_field *f = &merged->fields[i]; /* merge_fields made the array */
        struct tarn_type own;
        if (!tarn_str_eq(f->name, name))
            continue;
        TARN_TRY(tarn_type_copy(m->op, &f->type, &own));
        renew_ids(&own);
        f->type = own;
        f->id = 0;
        f->required = false;
    }
    return TARN_OK;
}

/* Top level column by column, to know which ones hold a replaced field. */
static enum tarn_status list_replaced(struct merge *m, const struct tarn_schema *table,
                                      const struct tarn_type *wanted, struct tarn_reconciled *out)
{
    TARN_NEW_ARRAY(m->op, out->replaced, table->root.field_count + 1);
    for (size_t i = 0; i < table->root.field_count; i++) {
        const struct tarn_field *f = &table->root.fields[i], *w = find(wanted, f->name);
        struct merge one = {.op = m->op};
        struct tarn_field ignored;
        if (!w)
            continue;
        tarn_buf_init(&one.summary, 1 << 16);
        enum tarn_status status = merge_field(&one, f->name, f, w, &ignored);
        tarn_buf_release(&one.summary);
        TARN_TRY(status);
        if (!one.replaced)
            continue;
        out->replaced[out->replaced_count++] = f->name;
        TARN_TRY(replace_column(m, &out->merged.root, f->name));
    }
    return TARN_OK;
}

/* A name in two cases would be one column. */
static enum tarn_status check_cases(struct tarn_op *op, const struct tarn_type *t)
{
    for (size_t i = 0; i < t->field_count; i++) {
        for (size_t k = 0; k < i; k++)
            if (tarn_str_eq_nocase(t->fields[k].name, t->fields[i].name))
                return tarn_fail(op, TARN_SCHEMA,
                                 "columns \"%.*s\" and \"%.*s\" differ only in case",
                                 TARN_STR_ARG(t->fields[k].name), TARN_STR_ARG(t->fields[i].name));
        TARN_TRY(check_cases(op, &t->fields[i].type));
    }
    return TARN_OK;
}

enum tarn_status tarn_reconcile(struct tarn_op *op, const struct tarn_schema *table,
                                const struct tarn_type *wanted, struct tarn_str before,
                                struct tarn_reconciled *out)
{
    *out = (struct tarn_reconciled){.summary = TARN_STR("")};
    TARN_TRY(check_cases(op, wanted));
    if (!table) {
        out->changed = true;
        return tarn_type_copy(op, wanted, &out->merged.root);
    }
    struct merge m = {.op = op};
    tarn_buf_init(&m.summary, 1 << 16);
    out->merged = *table;
    enum tarn_status status = merge_fields(&m, (struct tarn_str){NULL, 0}, &table->root, wanted,
                                           before, &out->merged.root);
    if (status == TARN_OK && m.replaced)
        status = list_replaced(&m, table, wanted, out);
    out->changed = m.changed;
    if (status == TARN_OK && m.changed)
        status = (enum tarn_status)tarn_buf_take(op, &m.summary, "schema change", &out->summary);
    tarn_buf_release(&m.summary);
    return status;
}

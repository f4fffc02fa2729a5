/* reconcile: a table's schema and the type of what comes in, brought together by Iceberg's evolution rules. */
#include "flow/flow.h"

struct merge {
    struct tarn_op *op;
    bool changed;
    bool replaced; /* within the top-level column at work */
    struct tarn_buf summary;
};

static void note(struct merge *m, const char *fmt, ...) TARN_PRINTF(2, 3);
static void note(struct merge *m, const char *fmt, ...)
{
    va_list ap;
    if (m->summary.len)
        tarn_buf_z(&m->summary, "; ");
    va_start(ap, fmt);
    tarn_buf_vprintf(&m->summary, fmt, ap);
    va_end(ap);
    m->changed = true;
}

/* Can a column of type `have` take every value of type `want` without loss? Then it stays as it is. */
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
    struct tarn_str from = tarn_type_text(m->op, &have->type);
    struct tarn_str to = tarn_type_text(m->op, &want->type);
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
            struct tarn_str text = tarn_type_text(m->op, &f->type);
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
        if (one.replaced)
            out->replaced[out->replaced_count++] = f->name;
    }
    return TARN_OK;
}

enum tarn_status tarn_reconcile(struct tarn_op *op, const struct tarn_schema *table,
                                const struct tarn_type *wanted, struct tarn_str before,
                                struct tarn_reconciled *out)
{
    *out = (struct tarn_reconciled){.summary = TARN_STR("")};
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
    if (status == TARN_OK && m.summary.len)
        status = (enum tarn_status)tarn_buf_take(op, &m.summary, "schema change", &out->summary);
    tarn_buf_release(&m.summary);
    return status;
}

/* delete_covered: DELETE of whole files without a look inside, and without asking the engine what
 * the statement means.
 *
 * A condition of comparisons between columns and constants, all of which must hold, is compared with
 * a file's bounds and partition: when the least and the greatest value both meet it and no value is
 * null, every row does. Bounds may be wider than the values are, which only errs to the safe side.
 * Anything that is not understood, and floating-point numbers with their NaN, cover nothing.
 */
#include "sql/dml_int.h"

#define PIECES_MAX 16
#define VALUES_MAX 64

enum compare {
    LESS,
    LESS_OR_EQUAL,
    GREATER,
    GREATER_OR_EQUAL,
    EQUAL,
    NOT_EQUAL,
    BETWEEN,
    ONE_OF,
    IS_NULL,
    IS_NOT_NULL
};
struct term {
    const struct tarn_field *field;
    enum compare compare;
    struct tarn_value values[VALUES_MAX];
    size_t count;
};

/* ---- reading a term */

/* column, t.column: of a type with a plain order */
static const struct tarn_field *take_column(const struct tarn__dml *d, struct tarn__words *w)
{
    struct tarn__dotted name;
    if ((w->token.kind != TARN_SQL_WORD && w->token.kind != TARN_SQL_QUOTED) ||
        tarn__take_dotted(w, &name) != TARN_OK || name.count > 2 ||
        (name.count == 2 && !tarn_str_eq_nocase(name.parts[0], d->alias)))
        return NULL;
    size_t at = tarn__dml_column(d->root, name.parts[name.count - 1]);
    if (at == SIZE_MAX || (name.count == 2 && tarn__dml_column(d->root, name.parts[0]) != SIZE_MAX))
        return NULL;
    const struct tarn_field *f = &d->root->fields[at];
    switch (f->type.kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_DECIMAL:
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_STRING:
        return f;
    default:
        return NULL;
    }
}

/* 12, -1.5, 'text', DATE '2024-01-01', TIMESTAMP '..' */
static bool take_constant(struct tarn_op *op, struct tarn__words *w, const struct tarn_type *type,
                          struct tarn_value *out)
{
    bool is_date = tarn__take(w, "DATE"), is_ts = !is_date && tarn__take(w, "TIMESTAMP");
    bool number = type->kind == TARN_TYPE_INT || type->kind == TARN_TYPE_LONG ||
                  type->kind == TARN_TYPE_DECIMAL;
    struct tarn_str text;
    size_t begin = w->token.begin, end = begin;
    if ((is_date && type->kind != TARN_TYPE_DATE) || (is_ts && type->kind != TARN_TYPE_TIMESTAMP))
        return false;
    if (w->token.kind == TARN_SQL_STRING) {
        if (number || tarn__word(w).ptr[0] != '\'' || tarn__take_string(w, &text) != TARN_OK)
            return false;
        return tarn_value_from_text(op, type, text, out) == TARN_OK;
    }
    if (!number || is_date || is_ts)
        return false;
    while (tarn__at(w, "-") || tarn__at(w, ".") || w->token.kind == TARN_SQL_NUMBER) {
        if (w->end || (w->token.begin != end && end != begin))
            return false; /* 1 -1 */
        end = w->token.end;
        tarn__skip(w);
    }
    text = tarn_str_of(w->text.sql.ptr + begin, end - begin);
    return text.len && tarn_value_from_text(op, type, text, out) == TARN_OK;
}

static bool take_values(struct tarn_op *op, struct tarn__words *w, struct term *t,
                        const char *between, size_t max)
{
    do {
        if (t->count == max || !take_constant(op, w, &t->field->type, &t->values[t->count]))
            return false;
        t->count++;
    } while (tarn__take(w, between));
    return true;
}

static bool take_comparison(struct tarn__words *w, enum compare *out)
{
    static const struct {
        const char *signs;
        enum compare compare;
    } all[] = {{"< =", LESS_OR_EQUAL},
               {"> =", GREATER_OR_EQUAL},
               {"< >", NOT_EQUAL},
               {"! =", NOT_EQUAL},
               {"<", LESS},
               {">", GREATER},
               {"=", EQUAL}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (tarn__take(w, all[i].signs)) {
            *out = all[i].compare;
            return true;
        }
    return false;
}

static bool read_term(struct tarn__dml *d, struct tarn_str piece, struct term *t)
{
    struct tarn__words w;
    tarn__words_begin(&w, d->op, (struct tarn_sql_text){.sql = tarn__condition_bare(piece)});
    *t = (struct term){.field = take_column(d, &w)};
    if (!t->field || w.end)
        return false;
    if (tarn__take(&w, "IS NOT NULL")) {
        t->compare = IS_NOT_NULL;
    } else if (tarn__take(&w, "IS NULL")) {
        t->compare = IS_NULL;
    } else if (tarn__take(&w, "BETWEEN")) {
        t->compare = BETWEEN;
        if (!take_values(d->op, &w, t, "AND", 2) || t->count != 2)
            return false;
    } else if (tarn__take(&w, "IN")) {
        t->compare = ONE_OF;
        if (!tarn__take(&w, "(") || !take_values(d->op, &w, t, ",", VALUES_MAX) ||
            !tarn__take(&w, ")"))
            return false;
    } else if (!take_comparison(&w, &t->compare) || !take_values(d->op, &w, t, ";", 1)) {
        return false;
    }
    return w.end;
}

/* ---- what is known of a column in a file */

struct known {
    bool range; /* all values, which are not null, lie from low to high */
    struct tarn_value low, high;
    bool some_null, only_null; /* may be; is */
};

static bool number_of(const struct tarn_id_count *items, size_t n, int32_t id, int64_t *out)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].id == id) {
            *out = items[i].count;
            return true;
        }
    return false;
}

static bool bound_of(struct tarn_op *op, const struct tarn_id_bytes *items, size_t n,
                     const struct tarn_field *f, struct tarn_value *out)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].id == f->id)
            return tarn_value_from_bytes(op, &f->type, items[i].bytes, out) == TARN_OK;
    return false;
}

/* A partition by the column itself says it exactly. */
static bool of_partition(const struct tarn_metadata *m, const struct tarn_data_file *file,
                         const struct tarn_field *f, struct known *k)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(m, file->spec_id);
    for (size_t i = 0; spec && i < spec->field_count && i < file->partition_count; i++) {
        if (spec->fields[i].source_id != f->id ||
            spec->fields[i].transform.kind != TARN_TRANSFORM_IDENTITY)
            continue;
        *k = (struct known){.low = file->partition[i], .high = file->partition[i]};
        k->range = !file->partition[i].is_null;
        k->some_null = k->only_null = file->partition[i].is_null;
        return true;
    }
    return false;
}

static struct known known_of(struct tarn__dml *d, const struct tarn_data_file *file,
                             const struct tarn_field *f)
{
    struct known k = {.some_null = true};
    int64_t nulls = 0, values = 0;
    if (of_partition(&d->table->metadata, file, f, &k))
        return k;
    bool counted = number_of(file->null_counts, file->null_count_count, f->id, &nulls);
    k.some_null = !f->required && (!counted || nulls != 0);
    k.only_null = counted &&
                  number_of(file->value_counts, file->value_count_count, f->id, &values) &&
                  nulls == values && values == file->record_count;
    k.range = bound_of(d->op, file->lower, file->lower_count, f, &k.low) &&
              bound_of(d->op, file->upper, file->upper_count, f, &k.high);
    tarn_clear(d->op);
    return k;
}

/* ---- covered? */

static bool all_equal(const struct term *t, const struct known *k, const struct tarn_value *v)
{
    return tarn_value_cmp(&t->field->type, &k->low, v) == 0 &&
           tarn_value_cmp(&t->field->type, &k->high, v) == 0;
}

static bool covers(const struct term *t, const struct known *k)
{
    const struct tarn_type *type = &t->field->type;
    if (t->compare == IS_NULL)
        return k->only_null;
    if (t->compare == IS_NOT_NULL)
        return !k->some_null;
    if (k->some_null || !k->range)
        return false;
    int low = tarn_value_cmp(type, &k->low, &t->values[0]),
        high = tarn_value_cmp(type, &k->high, &t->values[0]);
    switch (t->compare) {
    case LESS:
        return high < 0;
    case LESS_OR_EQUAL:
        return high <= 0;
    case GREATER:
        return low > 0;
    case GREATER_OR_EQUAL:
        return low >= 0;
    case EQUAL:
        return low == 0 && high == 0;
    case NOT_EQUAL:
        return high < 0 || low > 0;
    case BETWEEN:
        return low >= 0 && tarn_value_cmp(type, &k->high, &t->values[1]) <= 0;
    default:
        for (size_t i = 0; i < t->count; i++)
            if (all_equal(t, k, &t->values[i]))
                return true;
        return false;
    }
}

static bool covered(struct tarn__dml *d, const struct tarn_data_file *file,
                    const struct term *terms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct known k = known_of(d, file, terms[i].field);
        if (!covers(&terms[i], &k))
            return false;
    }
    return true;
}

/* ---- the same as a filter, to choose files by */

static enum tarn_status add_filter(struct tarn_op *op, const struct term *t, enum tarn_expr_op what,
                                   size_t first, size_t count, struct tarn_expr *all)
{
    struct tarn_expr *e = &all->args[all->arg_count++];
    *e = (struct tarn_expr){
        .op = what, .field_id = t->field->id, .type = t->field->type, .value_count = count};
    if (count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, e->values, count);
    for (size_t i = 0; i < count; i++)
        e->values[i] = t->values[first + i];
    return TARN_OK;
}

static enum tarn_status filter_of(struct tarn_op *op, const struct term *terms, size_t count,
                                  const struct tarn_expr **out)
{
    static const enum tarn_expr_op ops[] = {
        [LESS] = TARN_EXPR_LT,         [LESS_OR_EQUAL] = TARN_EXPR_LE,
        [GREATER] = TARN_EXPR_GT,      [GREATER_OR_EQUAL] = TARN_EXPR_GE,
        [EQUAL] = TARN_EXPR_EQ,        [NOT_EQUAL] = TARN_EXPR_NE,
        [BETWEEN] = TARN_EXPR_GE,      [ONE_OF] = TARN_EXPR_IN,
        [IS_NULL] = TARN_EXPR_IS_NULL, [IS_NOT_NULL] = TARN_EXPR_NOT_NULL};
    struct tarn_expr *all;
    TARN_NEW(op, all);
    all->op = TARN_EXPR_AND;
    TARN_NEW_ARRAY(op, all->args, 2 * count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct term *t = &terms[i];
        size_t n = t->compare == BETWEEN ? 1 : t->count;
        TARN_TRY(add_filter(op, t, ops[t->compare], 0, n, all));
        if (t->compare == BETWEEN)
            TARN_TRY(add_filter(op, t, TARN_EXPR_LE, 1, 1, all));
    }
    *out = all;
    return TARN_OK;
}

/* ---- both */

static enum tarn_status drop_covered(struct tarn__dml *d, const struct term *terms, size_t count,
                                     int64_t *out_rows)
{
    struct tarn_scan *rest;
    bool *keep;
    TARN_NEW_ARRAY(d->op, keep, d->scan->file_count + 1);
    for (size_t i = 0; i < d->scan->file_count; i++) {
        const struct tarn_data_file *file = d->scan->files[i].file;
        keep[i] = !covered(d, file, terms, count);
        if (keep[i])
            continue;
        TARN_TRY(tarn_change_delete_files(d->change, d->op, &file->path, 1));
        *out_rows += tarn_scan_rows(d->scan, i);
    }
    TARN_NEW(d->op, rest);
    TARN_TRY(tarn_scan_subset(d->op, d->scan, keep, rest));
    d->scan = rest;
    return TARN_OK;
}

enum tarn_status tarn__delete_covered(struct tarn__dml *d, struct tarn_str where, bool *out_planned,
                                      int64_t *out_rows)
{
    struct tarn_str pieces[PIECES_MAX + 1];
    struct term *terms;
    size_t n = tarn__condition_split(where, pieces, PIECES_MAX + 1);
    *out_rows = 0;
    *out_planned = false;
    TARN_NEW_ARRAY(d->op, terms, PIECES_MAX);
    for (size_t i = 0; i < n; i++)
        if (n > PIECES_MAX || !read_term(d, pieces[i], &terms[i])) {
            tarn_clear(d->op); /* what it is not is no failure */
            return TARN_OK;
        }
    TARN_TRY(filter_of(d->op, terms, n, &d->filter));
    TARN_TRY(tarn__dml_scan(d));
    *out_planned = true;
    return d->scan->equality_count ? TARN_OK : drop_covered(d, terms, n, out_rows);
}

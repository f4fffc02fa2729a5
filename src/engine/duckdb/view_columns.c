/* view_columns: how a file's top-level columns are found and named, and what stands for those that
 * it lacks (spec "Column Projection", "Default values").
 */
#include "engine/duckdb/view_int.h"

/* ---- names */

/* Columns that read_parquet has of itself. */
static bool name_is_taken(struct tarn_str name)
{
    static const char *const taken[] = {"filename", "file_row_number", "file_index", "rowid",
                                        "file_size"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (tarn_str_eq_nocase(name, tarn_str_view(taken[i])))
            return true;
    return false;
}

struct tarn_str tarn__inner_name(struct tarn_op *op, const struct tarn_field *f)
{
    return name_is_taken(f->name) ? tarn_sprintf(op, "tarn_field_%d", f->id) : f->name;
}

/* ---- read_parquet's own map of columns */

static enum tarn_status map_entry(struct tarn_op *op, struct tarn_buf *b,
                                  const struct tarn_field *f, const struct tarn__key *key,
                                  const struct tarn__nested *nested)
{
    struct tarn_buf type;
    struct tarn_str type_text, name = tarn__inner_name(op, f);
    if (!name.ptr)
        return TARN_NOMEM;
    tarn_buf_init(&type, (size_t)16 << 20);
    tarn__type_sql(&type, nested && nested->differs ? &nested->type : &f->type);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &type, "a column's type", &type_text));
    if (key)
        tarn_buf_sql_text(b, key->name);
    else
        tarn_buf_printf(b, "%d", f->id);
    tarn_buf_z(b, ":{name:");
    tarn_buf_sql_text(b, name);
    tarn_buf_z(b, ",type:");
    tarn_buf_sql_text(b, type_text);
    tarn_buf_z(b, ",default_value:");
    if (key && key->value.ptr)
        tarn_buf_sql_text(b, key->value);
    else if (nested && nested->differs) /* it is there, or made by view_nested.c */
        tarn_buf_z(b, "NULL");
    else
        TARN_TRY(tarn__default_text_sql(op, b, f));
    tarn_buf_put(b, '}');
    return TARN_OK;
}

enum tarn_status tarn__map_sql(struct tarn_op *op, struct tarn_buf *b, const struct tarn_type *root,
                               const struct tarn__key *keys, const struct tarn__layout *layout)
{
    for (size_t i = 0; i < root->field_count; i++) {
        tarn_buf_z(b, i > 0 ? "," : "");
        TARN_TRY(map_entry(op, b, &root->fields[i], keys ? &keys[i] : NULL,
                           layout ? &layout->columns[i] : NULL));
    }
    return TARN_OK;
}

void tarn__extra_sql(struct tarn_buf *b, const struct tarn__extra *extra)
{
    tarn_buf_printf(b, ",%d:{name:", extra->id);
    tarn_buf_sql_text(b, extra->name);
    tarn_buf_z(b, ",type:");
    tarn_buf_sql_text(b, extra->type);
    tarn_buf_z(b, ",default_value:");
    tarn_buf_str(b, extra->value.ptr ? extra->value : TARN_STR("NULL"));
    tarn_buf_put(b, '}');
}

/* A field of a variant that is a struct's: the engine's optimizer takes both for fields of structs,
 * and fails. What it cannot see through it leaves alone. */
static bool hides_variant(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_STRUCT && tarn__holds_variant(t);
}

static void inner_sql(struct tarn_buf *b, struct tarn_str inner, bool hidden)
{
    if (hidden) {
        tarn_buf_z(b, "CASE WHEN ");
        tarn_buf_sql_name(b, inner);
        tarn_buf_z(b, " IS NOT NULL THEN ");
    }
    tarn_buf_sql_name(b, inner);
    tarn_buf_z(b, hidden ? " END" : "");
}

enum tarn_status tarn__select_sql(struct tarn_op *op, struct tarn_buf *b,
                                  const struct tarn_type *root, const struct tarn__layout *layout)
{
    for (size_t i = 0; i < root->field_count; i++) {
        const struct tarn_field *f = &root->fields[i];
        const struct tarn__nested *nested = layout ? &layout->columns[i] : NULL;
        struct tarn_str inner = tarn__inner_name(op, f);
        if (!inner.ptr)
            return TARN_NOMEM;
        tarn_buf_z(b, i > 0 ? ", " : "");
        bool made = (nested && nested->differs) || hides_variant(&f->type);
        if (nested && nested->differs)
            TARN_TRY(tarn__nested_sql(op, b, f, nested, inner));
        else
            inner_sql(b, inner, hides_variant(&f->type));
        if (tarn_str_eq(inner, f->name) && !made)
            continue;
        tarn_buf_z(b, " AS ");
        tarn_buf_sql_name(b, f->name);
    }
    return TARN_OK;
}

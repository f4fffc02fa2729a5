/* show_create: the statement that makes a table again.
 *
 * Identifier fields inside of columns, which PRIMARY KEY cannot say, follow as ALTER TABLE, and so
 * do defaults of what is inside of columns. A location is told only where it is not the one that a new table of that name would get.
 */
#include <string.h>

#include "sql/show_int.h"

/* " DEFAULT 5"; nothing where there is none. A struct's fields have their own. */
static enum tarn_status put_default(struct tarn_op *op, struct tarn_buf *b,
                                    const struct tarn_field *f)
{
    struct tarn_json *j;
    struct tarn_value v;
    if (!f->write_default.ptr)
        return TARN_OK;
    TARN_TRY(tarn_json_parse(op, f->write_default, "a column's default", &j));
    if (j->kind == TARN_JSON_K_NULL)
        return TARN_OK;
    if (f->type.kind == TARN_TYPE_STRUCT) {
        tarn_buf_z(b, " DEFAULT {}");
        return TARN_OK;
    }
    if (tarn_type_is_nested(&f->type)) {
        tarn_buf_z(b, " DEFAULT ");
        return tarn_engine_default_sql(op, b, f, TARN_DEFAULT_WRITE);
    }
    TARN_TRY(tarn_value_from_json(op, &f->type, j, &v));
    struct tarn_str text = tarn_value_text(op, &f->type, &v);
    if (!text.ptr)
        return op->report.status;
    bool bytes = f->type.kind == TARN_TYPE_BINARY || f->type.kind == TARN_TYPE_FIXED;
    bool bare = f->type.kind < TARN_TYPE_DATE && v.d == v.d; /* truth values and numbers */
    tarn_buf_z(b, bytes ? " DEFAULT unhex(" : " DEFAULT ");
    if (bare)
        tarn_buf_str(b, text);
    else
        tarn_buf_sql_text(b, text);
    tarn_buf_z(b, bytes ? ")" : "");
    return TARN_OK;
}

static enum tarn_status put_columns(struct tarn_op *op, struct tarn_buf *b,
                                    const struct tarn_type *root)
{
    for (size_t i = 0; i < root->field_count; i++) {
        const struct tarn_field *f = &root->fields[i];
        tarn_buf_z(b, i ? ",\n  " : "  ");
        tarn__put_name(b, f->name);
        tarn_buf_put(b, ' ');
        tarn__put_type(b, &f->type);
        tarn_buf_z(b, f->required ? " NOT NULL" : "");
        TARN_TRY(put_default(op, b, f));
        if (f->doc.ptr) {
            tarn_buf_z(b, " COMMENT ");
            tarn_buf_sql_text(b, f->doc);
        }
    }
    return TARN_OK;
}

static void put_identifier_list(struct tarn_op *op, struct tarn_buf *b, const struct tarn_schema *s)
{
    for (size_t i = 0; i < s->identifier_count; i++) {
        tarn_buf_z(b, i ? ", " : "");
        tarn__put_column(b, op, s, s->identifier_ids[i]);
    }
}

static bool is_top_level(const struct tarn_schema *s, int32_t id)
{
    for (size_t i = 0; i < s->root.field_count; i++)
        if (s->root.fields[i].id == id)
            return true;
    return false;
}

/* Can PRIMARY KEY name them? */
static bool has_primary_key(const struct tarn_schema *s)
{
    for (size_t i = 0; i < s->identifier_count; i++)
        if (!is_top_level(s, s->identifier_ids[i]))
            return false;
    return s->identifier_count > 0;
}

static void put_primary_key(struct tarn_op *op, struct tarn_buf *b, const struct tarn_schema *s)
{
    if (!has_primary_key(s))
        return;
    tarn_buf_z(b, ",\n  PRIMARY KEY (");
    put_identifier_list(op, b, s);
    tarn_buf_put(b, ')');
}

static void put_partitioning(struct tarn_buf *b, struct tarn_op *op, const struct tarn_metadata *m)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec(m);
    bool any = false;
    for (size_t i = 0; i < spec->field_count; i++) {
        if (spec->fields[i].transform.kind == TARN_TRANSFORM_VOID)
            continue; /* a field that was dropped from a table of version 1 */
        tarn_buf_z(b, any ? ", " : "\nPARTITIONED BY (");
        tarn__put_transform(b, op, tarn_metadata_schema(m), &spec->fields[i].transform,
                            spec->fields[i].source_id);
        any = true;
    }
    tarn_buf_z(b, any ? ")" : "");
}

static void put_location(struct tarn__run *r, struct tarn_buf *b, const struct tarn_table *t)
{
    struct tarn_str place = r->sql->env->warehouse;
    struct tarn_buf usual;
    tarn_buf_init(&usual, 65536);
    tarn_buf_printf(&usual, "%.*s/%.*s/%.*s", TARN_STR_ARG(place), TARN_STR_ARG(t->ident.ns),
                    TARN_STR_ARG(t->ident.name));
    if (!tarn_str_eq(tarn_buf_view(&usual), t->metadata.location)) {
        tarn_buf_z(b, "\nLOCATION ");
        tarn_buf_sql_text(b, t->metadata.location);
    }
    tarn_buf_release(&usual);
}

static void put_properties(struct tarn_buf *b, const struct tarn_metadata *m)
{
    const struct tarn_str *comment = tarn_kvs_get(&m->properties, "comment");
    if (comment) {
        tarn_buf_z(b, "\nCOMMENT ");
        tarn_buf_sql_text(b, *comment);
    }
    tarn_buf_printf(b, "\nTBLPROPERTIES (\n  'format-version' = '%d'", m->format_version);
    for (size_t i = 0; i < m->properties.count; i++) {
        if (tarn_str_is(m->properties.items[i].key, "comment"))
            continue;
        tarn_buf_z(b, ",\n  ");
        tarn_buf_sql_text(b, m->properties.items[i].key);
        tarn_buf_z(b, " = ");
        tarn_buf_sql_text(b, m->properties.items[i].value);
    }
    tarn_buf_z(b, ")");
}

static void put_sort_order(struct tarn_buf *b, struct tarn_op *op, const struct tarn_metadata *m)
{
    for (size_t i = 0; i < m->sort_order_count; i++) {
        const struct tarn_sort_order *o = &m->sort_orders[i];
        if (o->order_id != m->default_sort_order_id || o->field_count == 0)
            continue;
        tarn_buf_z(b, "\nSORTED BY (");
        tarn__put_order(b, op, tarn_metadata_schema(m), o);
        tarn_buf_put(b, ')');
    }
}

static void put_identifiers(struct tarn_buf *b, struct tarn_op *op, const struct tarn_table *t)
{
    const struct tarn_schema *s = tarn_metadata_schema(&t->metadata);
    if (!s->identifier_count || has_primary_key(s))
        return;
    tarn_buf_z(b, ";\nALTER TABLE ");
    tarn__put_ident(b, t->ident);
    tarn_buf_z(b, " SET IDENTIFIER FIELDS ");
    put_identifier_list(op, b, s);
}

static enum tarn_status put_inner_defaults(struct tarn_buf *b, struct tarn_op *op,
                                           const struct tarn_table *t, const struct tarn_type *of)
{
    const struct tarn_schema *s = tarn_metadata_schema(&t->metadata);
    for (size_t i = 0; i < of->field_count; i++) {
        const struct tarn_field *f = &of->fields[i];
        if (of != &s->root && f->write_default.ptr) {
            tarn_buf_z(b, ";\nALTER TABLE ");
            tarn__put_ident(b, t->ident);
            tarn_buf_z(b, " ALTER COLUMN ");
            tarn__put_column(b, op, s, f->id);
            tarn_buf_z(b, " SET");
            TARN_TRY(put_default(op, b, f));
        }
        TARN_TRY(put_inner_defaults(b, op, t, &f->type));
    }
    return TARN_OK;
}

static enum tarn_status put_table(struct tarn__run *r, struct tarn_buf *b,
                                  const struct tarn_table *t)
{
    const struct tarn_schema *schema = tarn_metadata_schema(&t->metadata);
    tarn_buf_z(b, "CREATE TABLE ");
    tarn__put_ident(b, t->ident);
    tarn_buf_z(b, " (\n");
    TARN_TRY(put_columns(r->op, b, &schema->root));
    put_primary_key(r->op, b, schema);
    tarn_buf_z(b, ")\nUSING iceberg");
    put_partitioning(b, r->op, &t->metadata);
    put_sort_order(b, r->op, &t->metadata);
    put_location(r, b, t);
    put_properties(b, &t->metadata);
    put_identifiers(b, r->op, t);
    return put_inner_defaults(b, r->op, t, &schema->root);
}

static enum tarn_status create_text(struct tarn__run *r, const struct tarn_table *t,
                                    struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)64 << 20);
    enum tarn_status status = put_table(r, &b, t);
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_take(r->op, &b, "the statement", out);
    tarn_buf_release(&b);
    return status;
}

enum tarn_status tarn__show_create(struct tarn__run *r)
{
    struct tarn__target target;
    struct tarn__list list;
    struct tarn_table *t;
    struct tarn_str text, none = {NULL, 0};
    if (tarn__take(&r->words, "VIEW"))
        return tarn__show_create_view(r);
    TARN_TRY(tarn__expect(&r->words, "TABLE"));
    struct tarn__words name = r->words;
    TARN_TRY(tarn__take_target(r, &target));
    TARN_TRY(tarn__expect_end(&r->words));
    enum tarn_status status = tarn__target_table(r, &target, &t);
    struct tarn_report told = r->op->report;
    if (status == TARN_INVALID) { /* a view? */
        tarn_clear(r->op);
        r->words = name;
        status = tarn__show_create_view(r);
        if (status == TARN_TABLE) {
            r->op->report = told;
            return told.status;
        }
        return status;
    }
    TARN_TRY(status);
    TARN_TRY(create_text(r, t, &text));
    TARN_TRY(tarn__list_begin(&list, r, "createtab_stmt"));
    TARN_TRY(tarn__list_texts(&list, text, none, none));
    return tarn__list_end(&list, "SHOW");
}

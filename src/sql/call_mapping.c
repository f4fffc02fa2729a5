/* call_mapping: schema.name-mapping.default (spec "Column Projection", "Name Mapping
 * Serialization"): how columns of files without field ids are found.
 */
#include "sql/call_files_int.h"

static const struct tarn_json *entry_of(const struct tarn_json *fields, int32_t id)
{
    for (const struct tarn_json *e = fields ? fields->first : NULL; e; e = e->next) {
        const struct tarn_json *field_id = tarn_json_get(e, "field-id");
        int64_t n;
        if (field_id && tarn_str_to_i64(field_id->text, &n) && n == id)
            return e;
    }
    return NULL;
}

static bool has_name(const struct tarn_json *entry, struct tarn_str name)
{
    const struct tarn_json *names = entry ? tarn_json_get(entry, "names") : NULL;
    for (const struct tarn_json *n = names ? names->first : NULL; n; n = n->next)
        if (n->kind == TARN_JSON_K_STRING && tarn_str_eq(n->text, name))
            return true;
    return false;
}

/* A name stands for one column: one that another entry has is not given twice. */
static bool is_taken(const struct tarn_json *fields, const struct tarn_json *but,
                     struct tarn_str name)
{
    for (const struct tarn_json *e = fields ? fields->first : NULL; e; e = e->next)
        if (e != but && has_name(e, name))
            return true;
    return false;
}

static void put_fields(struct tarn_json_writer *w, const struct tarn_type *t,
                       const struct tarn_json *old)
{
    tarn_json_begin_array(w);
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        const struct tarn_json *entry = entry_of(old, f->id),
                               *names = entry ? tarn_json_get(entry, "names") : NULL;
        tarn_json_begin_object(w);
        tarn_json_member_i64(w, "field-id", f->id);
        tarn_json_key(w, "names");
        tarn_json_begin_array(w);
        for (const struct tarn_json *n = names ? names->first : NULL; n; n = n->next)
            tarn_json_put_tree(w, n);
        if (!has_name(entry, f->name) && !is_taken(old, entry, f->name))
            tarn_json_put_str(w, f->name);
        tarn_json_end_array(w);
        if (tarn_type_is_nested(&f->type)) {
            tarn_json_key(w, "fields");
            put_fields(w, &f->type, entry ? tarn_json_get(entry, "fields") : NULL);
        }
        tarn_json_end_object(w);
    }
    tarn_json_end_array(w);
}

enum tarn_status tarn__name_mapping(struct tarn_op *op, const struct tarn_schema *s,
                                    struct tarn_str old, struct tarn_str *out)
{
    struct tarn_json *fields = NULL;
    struct tarn_json_writer w;
    struct tarn_buf b;
    if (old.ptr)
        TARN_TRY(tarn_json_parse(op, old, "the table's name mapping", &fields));
    tarn_buf_init(&b, (size_t)16 << 20);
    tarn_json_writer_init(&w, &b);
    put_fields(&w, &s->root, fields);
    return (enum tarn_status)tarn_buf_take(op, &b, "a name mapping", out);
}

/* The column that a name of a file stands for; 0 = none. */
static int64_t id_of(const struct tarn_json *fields, struct tarn_str name)
{
    int64_t id = 0;
    for (const struct tarn_json *e = fields->first; e; e = e->next) {
        const struct tarn_json *field_id = tarn_json_get(e, "field-id");
        if (has_name(e, name) && (!field_id || !tarn_str_to_i64(field_id->text, &id)))
            return 0;
        if (id)
            return id;
    }
    return 0;
}

enum tarn_status tarn__mapping_check(struct tarn__source *s, const struct tarn_schema *schema,
                                     struct tarn_str mapping)
{
    struct tarn__call *c = s->call;
    struct tarn_json *fields;
    TARN_TRY(tarn_json_parse(c->op, mapping, "the table's name mapping", &fields));
    for (size_t i = 0; i < s->shape_count; i++) {
        const struct tarn_type *columns = &s->shapes[i]->type;
        for (size_t k = 0; !s->shapes[i]->any_id && k < columns->field_count; k++) {
            struct tarn_str name = columns->fields[k].name;
            const struct tarn_field *f = tarn_type_field_by_name(&schema->root, name);
            int64_t id = id_of(fields, name);
            if (f && f->id == id)
                continue;
            (void)tarn__fail_arg(c, s->arg, TARN_SCHEMA,
                                 "column \"%.*s\" of the files is another one by the table's name "
                                 "mapping",
                                 TARN_STR_ARG(name));
            tarn_detail(c->op,
                        "the files have no field ids, and schema.name-mapping.default gives "
                        "that name to field %lld",
                        (long long)id);
            return TARN_SCHEMA;
        }
    }
    return TARN_OK;
}

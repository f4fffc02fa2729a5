/* call_mapping: schema.name-mapping.default (spec "Column Projection", "Name Mapping
 * Serialization"): how columns of files without field ids are found.
 */
#include "format/iceberg/mapping.h"
#include "sql/call_files_int.h"

static bool has_id(const struct tarn_type *t, int32_t id)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (t->fields[i].id == id)
            return true;
    return false;
}

static void put_level(struct tarn_json_writer *w, const struct tarn_type *t,
                      const struct tarn_json *old);

/* What the entry says stays. A name stands for one field: one that another entry has is not given
 * twice. */
static void put_field(struct tarn_json_writer *w, const struct tarn_field *f,
                      const struct tarn_json *old)
{
    const struct tarn_json *entry = tarn_mapping_by_id(old, f->id);
    tarn_json_begin_object(w);
    tarn_json_member_i64(w, "field-id", f->id);
    tarn_json_key(w, "names");
    tarn_json_begin_array(w);
    for (const struct tarn_json *n = tarn_mapping_names(entry); n; n = n->next)
        tarn_json_put_tree(w, n);
    if (!tarn_mapping_by_name(old, f->name))
        tarn_json_put_str(w, f->name);
    tarn_json_end_array(w);
    if (tarn_type_is_nested(&f->type)) {
        tarn_json_key(w, "fields");
        put_level(w, &f->type, tarn_mapping_below(entry));
    }
    tarn_json_end_object(w);
}

/* Entries of fields that are no more stay, too: their names in old files are not free for others. */
static void put_level(struct tarn_json_writer *w, const struct tarn_type *t,
                      const struct tarn_json *old)
{
    tarn_json_begin_array(w);
    for (size_t i = 0; i < t->field_count; i++)
        put_field(w, &t->fields[i], old);
    for (const struct tarn_json *e = old ? old->first : NULL; e; e = e->next)
        if (!has_id(t, tarn_mapping_id(e)))
            tarn_json_put_tree(w, e);
    tarn_json_end_array(w);
}

enum tarn_status tarn__name_mapping(struct tarn_op *op, const struct tarn_schema *s,
                                    struct tarn_str old, struct tarn_str *out)
{
    const struct tarn_json *level = NULL;
    struct tarn_json_writer w;
    struct tarn_buf b;
    if (old.ptr)
        TARN_TRY(tarn_mapping_parse(op, old, &level));
    tarn_buf_init(&b, (size_t)16 << 20);
    tarn_json_writer_init(&w, &b);
    put_level(&w, &s->root, level);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &b, "a name mapping", out));
    /* an id that stood where the schema does not have it stands twice now */
    return tarn_mapping_parse(op, *out, &level);
}

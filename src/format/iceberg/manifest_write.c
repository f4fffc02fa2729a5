/* manifest_write: entries -> a manifest of version 2 or 3, and its entry in a list (spec
 * "Manifests", "Manifest Lists"). */
#include "format/iceberg/manifest_int.h"

/* 6 makes statistics a tenth smaller than 3, and takes more than twice the time. */
#define DEFLATE_LEVEL 3

struct writer {
    struct tarn_op *op;
    const struct tarn_manifest_write *in;
    struct tarn_type tuple;
    struct tarn_avro_writer avro;
    size_t index; /* of the entry, for messages */
};

static enum tarn_status refuse(struct writer *w, enum tarn_status status, const char *why)
{
    struct tarn_str path = w->in->entries[w->index].file.path;
    return tarn_fail(w->op, status, "could not write manifest entry \"%.*s\": %s",
                     TARN_STR_ARG(path), why);
}

/* ---- checks */

static enum tarn_status check_ids(struct writer *w, const struct tarn_manifest_entry *e)
{
    if (e->status == TARN_ENTRY_ADDED) {
        /* A null sequence number becomes that of the snapshot which adds the manifest. */
        if (e->sequence_number < 0 && e->snapshot_id > 0 && e->snapshot_id != w->in->snapshot_id)
            return refuse(w, TARN_INVALID,
                          "it was added by another snapshot, without a sequence number");
        return TARN_OK;
    }
    if (e->sequence_number < 0)
        return refuse(w, TARN_INVALID, "it is existing or deleted, and has no sequence number");
    if (e->status == TARN_ENTRY_EXISTING && e->snapshot_id <= 0)
        return refuse(w, TARN_INVALID, "it is existing, and has no snapshot id");
    return TARN_OK;
}

static enum tarn_status check_file(struct writer *w, const struct tarn_data_file *f)
{
    if (f->path.len == 0 || f->format.len == 0 || !tarn_utf8_valid(f->path) ||
        !tarn_utf8_valid(f->format))
        return refuse(w, TARN_INVALID, "it has no path or no format");
    if (f->record_count < 0 || f->size_bytes < 0)
        return refuse(w, TARN_INVALID, "its record count or its size is negative");
    if ((f->content != TARN_CONTENT_DATA) != w->in->deletes)
        return refuse(w, TARN_INVALID, "data and deletes do not go into one manifest");
    if ((f->content == TARN_CONTENT_EQUALITY_DELETES) != (f->equality_id_count > 0))
        return refuse(w, TARN_INVALID, "equality deletes have equality ids, and nothing else has");
    if (f->partition_count != w->in->spec->field_count)
        return refuse(w, TARN_INVALID, "its partition tuple is not of the manifest's spec");
    return TARN_OK;
}

static bool is_vector(const struct tarn_data_file *f)
{
    return tarn_str_is(f->format, "PUFFIN") || f->content_offset >= 0 || f->content_size >= 0;
}

/* A deletion vector is a blob of a Puffin file, and belongs to one data file. */
static enum tarn_status check_vector(struct writer *w, const struct tarn_data_file *f)
{
    if (f->content != TARN_CONTENT_POSITION_DELETES || !tarn_str_is(f->format, "PUFFIN"))
        return refuse(w, TARN_INVALID, "a file that is no deletion vector has a content offset");
    if (f->content_offset < 0 || f->content_size <= 0)
        return refuse(w, TARN_INVALID, "a deletion vector has no content offset or size");
    if (f->referenced_data_file.len == 0)
        return refuse(w, TARN_INVALID, "a deletion vector names no data file");
    return TARN_OK;
}

static enum tarn_status check_version(struct writer *w, const struct tarn_manifest_entry *e)
{
    const struct tarn_data_file *f = &e->file;
    bool v3 = w->in->metadata->format_version >= 3;
    if (!v3 && (f->first_row_id >= 0 || is_vector(f)))
        return refuse(w, TARN_UNSUPPORTED, "row ids and deletion vectors need format version 3");
    if (is_vector(f))
        return check_vector(w, f);
    /* spec "Delete Formats": those of an upgraded table stay valid, new ones are not added */
    if (v3 && e->status == TARN_ENTRY_ADDED && f->content == TARN_CONTENT_POSITION_DELETES)
        return refuse(w, TARN_INVALID,
                      "position delete files are not added to tables of format version 3, which "
                      "has deletion vectors");
    return TARN_OK;
}

/* ---- the data_file struct */

static void put_counts(struct tarn_buf *b, const struct tarn_id_count *a, size_t n)
{
    tarn_avro_put_long(b, n ? 1 : 0);
    if (n == 0)
        return;
    tarn_avro_put_items_begin(b, n);
    for (size_t i = 0; i < n; i++) {
        tarn_avro_put_long(b, a[i].id);
        tarn_avro_put_long(b, a[i].count);
    }
    tarn_avro_put_items_end(b, n);
}

/* Absent bounds (of columns that have none) are left out. */
static void put_bounds(struct tarn_buf *b, const struct tarn_id_bytes *a, size_t n)
{
    size_t some = 0;
    for (size_t i = 0; i < n; i++)
        some += a[i].bytes.ptr != NULL;
    tarn_avro_put_long(b, some ? 1 : 0);
    if (some == 0)
        return;
    tarn_avro_put_items_begin(b, some);
    for (size_t i = 0; i < n; i++) {
        if (!a[i].bytes.ptr)
            continue;
        tarn_avro_put_long(b, a[i].id);
        tarn_avro_put_bytes(b, a[i].bytes);
    }
    tarn_avro_put_items_end(b, some);
}

static void put_longs(struct tarn_buf *b, const int64_t *a, size_t n)
{
    tarn_avro_put_long(b, n ? 1 : 0);
    if (n == 0)
        return;
    tarn_avro_put_items_begin(b, n);
    for (size_t i = 0; i < n; i++)
        tarn_avro_put_long(b, a[i]);
    tarn_avro_put_items_end(b, n);
}

static void put_ints(struct tarn_buf *b, const int32_t *a, size_t n)
{
    tarn_avro_put_long(b, n ? 1 : 0);
    if (n == 0)
        return;
    tarn_avro_put_items_begin(b, n);
    for (size_t i = 0; i < n; i++)
        tarn_avro_put_long(b, a[i]);
    tarn_avro_put_items_end(b, n);
}

static void put_optional_long(struct tarn_buf *b, bool present, int64_t v)
{
    tarn_avro_put_long(b, present ? 1 : 0);
    if (present)
        tarn_avro_put_long(b, v);
}

static void put_optional_bytes(struct tarn_buf *b, struct tarn_str v)
{
    tarn_avro_put_long(b, v.ptr ? 1 : 0);
    if (v.ptr)
        tarn_avro_put_bytes(b, v);
}

/* A new file's is inherited from the manifest, whose own is given when a list is written; what has
 * one keeps it. Delete files have none (trap 11). */
static void put_row_id(struct writer *w, const struct tarn_manifest_entry *e)
{
    bool own = e->status != TARN_ENTRY_ADDED && e->file.content == TARN_CONTENT_DATA;
    if (w->in->metadata->format_version >= 3)
        put_optional_long(&w->avro.block, own && e->file.first_row_id >= 0, e->file.first_row_id);
}

/* The fields in the order of tarn__manifest_file_fields. */
static enum tarn_status put_file(struct writer *w, const struct tarn_manifest_entry *e)
{
    struct tarn_buf *b = &w->avro.block;
    const struct tarn_data_file *f = &e->file;
    TARN_TRY(check_file(w, f));
    TARN_TRY(check_version(w, e));
    tarn_avro_put_long(b, f->content);
    tarn_avro_put_bytes(b, f->path);
    tarn_avro_put_bytes(b, f->format);
    for (size_t i = 0; i < f->partition_count; i++)
        TARN_TRY_WHILE(
            w->op,
            tarn__manifest_value_encode(w->op, b, &w->tuple.fields[i].type, &f->partition[i]),
            "writing partition field \"%.*s\" of \"%.*s\"", TARN_STR_ARG(w->tuple.fields[i].name),
            TARN_STR_ARG(f->path));
    tarn_avro_put_long(b, f->record_count);
    tarn_avro_put_long(b, f->size_bytes);
    put_counts(b, f->column_sizes, f->column_size_count);
    put_counts(b, f->value_counts, f->value_count_count);
    put_counts(b, f->null_counts, f->null_count_count);
    put_counts(b, f->nan_counts, f->nan_count_count);
    put_bounds(b, f->lower, f->lower_count);
    put_bounds(b, f->upper, f->upper_count);
    put_optional_bytes(b, f->key_metadata);
    put_longs(b, f->split_offsets, f->split_offset_count);
    put_ints(b, f->equality_ids, f->equality_id_count);
    put_optional_long(b, f->sort_order_id >= 0, f->sort_order_id);
    put_row_id(w, e);
    put_optional_bytes(b, f->referenced_data_file);
    if (w->in->metadata->format_version >= 3) {
        put_optional_long(b, f->content_offset >= 0, f->content_offset);
        put_optional_long(b, f->content_size >= 0, f->content_size);
    }
    return TARN_OK;
}

/* The fields in the order of tarn__manifest_entry_fields. */
static enum tarn_status put_entry(struct writer *w, const struct tarn_manifest_entry *e)
{
    struct tarn_buf *b = &w->avro.block;
    TARN_TRY(check_ids(w, e));
    tarn_avro_put_long(b, e->status);
    put_optional_long(b, true, e->snapshot_id > 0 ? e->snapshot_id : w->in->snapshot_id);
    put_optional_long(b, e->sequence_number >= 0, e->sequence_number);
    put_optional_long(b, e->file_sequence_number >= 0, e->file_sequence_number);
    TARN_TRY(put_file(w, e));
    return tarn_avro_writer_item(&w->avro, w->op);
}

static enum tarn_status put_entries(struct writer *w)
{
    for (w->index = 0; w->index < w->in->count; w->index++)
        TARN_TRY(put_entry(w, &w->in->entries[w->index]));
    return TARN_OK;
}

/* ---- the entry in the list */

static bool is_nan(const struct tarn_type *t, const struct tarn_value *v)
{
    return (t->kind == TARN_TYPE_FLOAT || t->kind == TARN_TYPE_DOUBLE) && v->d != v->d;
}

/* Summary of partition field k. NaN is in no bound; -0.0 comes before 0.0. */
static enum tarn_status summarise(struct writer *w, size_t k, struct tarn_field_summary *out)
{
    const struct tarn_type *t = &w->tuple.fields[k].type;
    const struct tarn_value *low = NULL, *high = NULL;
    *out = (struct tarn_field_summary){0};
    for (size_t i = 0; i < w->in->count; i++) {
        const struct tarn_value *v = &w->in->entries[i].file.partition[k];
        if (v->is_null) {
            out->contains_null = true;
        } else if (is_nan(t, v)) {
            out->contains_nan = 1;
        } else {
            low = !low || tarn_value_cmp(t, v, low) < 0 ? v : low;
            high = !high || tarn_value_cmp(t, v, high) > 0 ? v : high;
        }
    }
    if (!low)
        return TARN_OK;
    TARN_TRY(tarn_value_to_bytes(w->op, t, low, &out->lower));
    return tarn_value_to_bytes(w->op, t, high, &out->upper);
}

static void count(const struct tarn_manifest_write *in, struct tarn_manifest_file *out)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < in->count; i++) {
        const struct tarn_manifest_entry *e = &in->entries[i];
        int64_t rows = e->file.record_count;
        int64_t sequence = e->sequence_number < 0 ? in->next_sequence_number : e->sequence_number;
        if (e->status == TARN_ENTRY_ADDED) {
            out->added_files++;
            out->added_rows += rows;
        } else if (e->status == TARN_ENTRY_EXISTING) {
            out->existing_files++;
            out->existing_rows += rows;
        } else {
            out->deleted_files++;
            out->deleted_rows += rows;
            continue; /* only live files count for the least sequence number */
        }
        if (sequence < least)
            least = sequence;
    }
    out->min_sequence_number = least == INT64_MAX ? in->next_sequence_number : least;
}

static enum tarn_status describe(struct writer *w, size_t length, struct tarn_manifest_file *out)
{
    const struct tarn_manifest_write *in = w->in;
    struct tarn_manifest_file f = {.path = out->path,
                                   .length_bytes = (int64_t)length,
                                   .spec_id = in->spec->spec_id,
                                   .deletes = in->deletes,
                                   .sequence_number = out->sequence_number,
                                   .added_snapshot_id = in->snapshot_id,
                                   .key_metadata = out->key_metadata,
                                   .first_row_id = -1,
                                   .partition_count = in->spec->field_count};
    count(in, &f);
    if (f.partition_count > 0)
        TARN_NEW_ARRAY(w->op, f.partitions, f.partition_count);
    for (size_t k = 0; k < f.partition_count; k++)
        TARN_TRY(summarise(w, k, &f.partitions[k]));
    *out = f;
    return TARN_OK;
}

/* ---- the file */

static enum tarn_status spec_text(struct tarn_op *op, const struct tarn_partition_spec *spec,
                                  struct tarn_str *out)
{
    struct tarn_buf b;
    struct tarn_json_writer w;
    tarn_buf_init(&b, TARN_AVRO_SCHEMA_BYTES_MAX);
    tarn_json_writer_init(&w, &b);
    tarn_json_begin_array(&w);
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct tarn_partition_field *f = &spec->fields[i];
        tarn_json_begin_object(&w);
        tarn_json_member_str(&w, "name", f->name);
        tarn_json_member_str(&w, "transform", tarn_transform_text(op, &f->transform));
        tarn_json_member_i64(&w, "source-id", f->source_id);
        tarn_json_member_i64(&w, "field-id", f->field_id);
        tarn_json_end_object(&w);
    }
    tarn_json_end_array(&w);
    return (enum tarn_status)tarn_buf_take(op, &b, "partition spec", out);
}

static enum tarn_status schema_text(struct tarn_op *op, const struct tarn_schema *schema,
                                    struct tarn_str *out)
{
    struct tarn_buf b;
    struct tarn_json_writer w;
    tarn_buf_init(&b, TARN_AVRO_SCHEMA_BYTES_MAX);
    tarn_json_writer_init(&w, &b);
    tarn_schema_to_json(&w, schema);
    return (enum tarn_status)tarn_buf_take(op, &b, "table schema", out);
}

static enum tarn_status file_open(struct writer *w)
{
    const struct tarn_manifest_write *in = w->in;
    struct tarn__manifest_avro_texts texts;
    struct tarn_str schema, spec;
    TARN_TRY(tarn__manifest_schema(w->op, in->metadata->format_version, &w->tuple, &texts));
    TARN_TRY(schema_text(w->op, in->schema, &schema));
    TARN_TRY(spec_text(w->op, in->spec, &spec));
    const struct tarn_avro_meta meta[] = {
        {TARN_STR("schema"), schema},
        {TARN_STR("schema-id"), tarn_sprintf(w->op, "%d", (int)in->schema->schema_id)},
        {TARN_STR("partition-spec"), spec},
        {TARN_STR("partition-spec-id"), tarn_sprintf(w->op, "%d", (int)in->spec->spec_id)},
        {TARN_STR("format-version"),
         in->metadata->format_version == 2 ? TARN_STR("2") : TARN_STR("3")},
        {TARN_STR("content"), in->deletes ? TARN_STR("deletes") : TARN_STR("data")},
        {TARN_STR("iceberg.schema"), texts.iceberg},
    };
    for (size_t i = 0; i < sizeof meta / sizeof meta[0]; i++)
        if (!meta[i].value.ptr)
            return TARN_NOMEM;
    struct tarn_avro_write options = {.schema = texts.avro,
                                      .meta = meta,
                                      .meta_count = sizeof meta / sizeof meta[0],
                                      .codec = TARN_AVRO_CODEC_DEFLATE,
                                      .level = DEFLATE_LEVEL,
                                      .checksum = true};
    tarn__manifest_sync_of((uint64_t)in->snapshot_id, in->count,
                           in->count ? in->entries[0].file.path : TARN_STR(""), options.sync);
    return tarn_avro_writer_init(&w->avro, w->op, &options);
}

static enum tarn_status check_table(struct tarn_op *op, const struct tarn_manifest_write *in)
{
    if (in->metadata->format_version != 2 && in->metadata->format_version != 3)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "could not write a manifest: the table has format version %d, and only 2 "
                         "and 3 are written",
                         in->metadata->format_version);
    for (size_t i = 0; i < in->spec->field_count; i++)
        if (in->spec->fields[i].transform.kind == TARN_TRANSFORM_OTHER)
            return tarn_fail(op, TARN_UNSUPPORTED,
                             "could not write a manifest: the transform of partition field "
                             "\"%.*s\" is not known",
                             TARN_STR_ARG(in->spec->fields[i].name));
    return TARN_OK;
}

enum tarn_status tarn_manifest_write(struct tarn_op *op, const struct tarn_manifest_write *in,
                                     struct tarn_str *out_bytes,
                                     struct tarn_manifest_file *out_entry)
{
    struct writer w = {.op = op, .in = in};
    TARN_TRY(check_table(op, in));
    TARN_TRY(tarn_partition_type(op, in->metadata, in->spec, &w.tuple));
    enum tarn_status status = file_open(&w);
    if (status == TARN_OK)
        status = put_entries(&w);
    if (status == TARN_OK)
        status = tarn_avro_writer_finish(&w.avro, op, out_bytes);
    if (status == TARN_OK)
        status = describe(&w, out_bytes->len, out_entry);
    tarn_avro_writer_release(&w.avro);
    return status;
}

/* ---- sync markers */

static uint64_t mix(uint64_t x) /* the finaliser of splitmix64 */
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27) * 0x94D049BB133111EBU;
    return x ^ x >> 31;
}

void tarn__manifest_sync_of(uint64_t a, uint64_t b, struct tarn_str text,
                            uint8_t out[TARN_AVRO_SYNC_BYTES])
{
    uint64_t h = 0xCBF29CE484222325U; /* FNV-1a */
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ (uint8_t)text.ptr[i]) * 0x100000001B3U;
    uint64_t words[2] = {mix(h ^ mix(a)), mix(h + 0x9E3779B97F4A7C15U + mix(b))};
    memcpy(out, words, TARN_AVRO_SYNC_BYTES);
}

/* Manifests and manifest lists that are written: they come back whole, in the form that others
 * demand. */
#include "test_manifest_fixture.h"

#include <math.h>

#include "base/arena.h"
#include "format/avro/avro.h"

/* ---- comparison */

/* As a table of version 2 writes it. */
static enum tarn_status list_write(struct tarn_op *op, const struct tarn_manifest_list *list,
                                   int64_t snapshot_id, int64_t parent_id, int64_t sequence_number,
                                   struct tarn_str *out)
{
    struct tarn_manifest_list_write in = {.format_version = 2,
                                          .snapshot_id = snapshot_id,
                                          .parent_id = parent_id,
                                          .sequence_number = sequence_number};
    int64_t next_row_id;
    return tarn_manifest_list_write(op, list, &in, out, &next_row_id);
}

static void same_counts(const struct tarn_id_count *a, size_t n, const struct tarn_id_count *b,
                        size_t m)
{
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a[i].id, b[i].id);
        assert_true(a[i].count == b[i].count);
    }
}

static void same_bounds(const struct tarn_id_bytes *a, size_t n, const struct tarn_id_bytes *b,
                        size_t m)
{
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a[i].id, b[i].id);
        assert_true(tarn_str_eq(a[i].bytes, b[i].bytes));
    }
}

static void same_file(struct tarn_op *op, const struct tarn_data_file *a,
                      const struct tarn_data_file *b)
{
    assert_int_equal(a->content, b->content);
    assert_true(tarn_str_eq(a->path, b->path));
    assert_true(tarn_str_eq(a->format, b->format));
    assert_true(a->record_count == b->record_count && a->size_bytes == b->size_bytes);
    same_counts(a->column_sizes, a->column_size_count, b->column_sizes, b->column_size_count);
    same_counts(a->value_counts, a->value_count_count, b->value_counts, b->value_count_count);
    same_counts(a->null_counts, a->null_count_count, b->null_counts, b->null_count_count);
    same_counts(a->nan_counts, a->nan_count_count, b->nan_counts, b->nan_count_count);
    same_bounds(a->lower, a->lower_count, b->lower, b->lower_count);
    same_bounds(a->upper, a->upper_count, b->upper, b->upper_count);
    assert_int_equal(a->key_metadata.ptr == NULL, b->key_metadata.ptr == NULL);
    assert_true(tarn_str_eq(a->key_metadata, b->key_metadata));
    assert_int_equal(a->split_offset_count, b->split_offset_count);
    for (size_t i = 0; i < a->split_offset_count; i++)
        assert_true(a->split_offsets[i] == b->split_offsets[i]);
    assert_int_equal(a->equality_id_count, b->equality_id_count);
    for (size_t i = 0; i < a->equality_id_count; i++)
        assert_int_equal(a->equality_ids[i], b->equality_ids[i]);
    assert_int_equal(a->sort_order_id, b->sort_order_id);
    assert_int_equal(a->referenced_data_file.ptr == NULL, b->referenced_data_file.ptr == NULL);
    assert_true(tarn_str_eq(a->referenced_data_file, b->referenced_data_file));
    assert_true(a->first_row_id == b->first_row_id && a->content_offset == b->content_offset &&
                a->content_size == b->content_size);
    assert_int_equal(a->partition_count, b->partition_count);
    for (size_t i = 0; i < a->partition_count; i++) {
        struct tarn_type t = part_type(op, i);
        struct tarn_str x = tarn_transform_human(
            op, &(struct tarn_transform){.kind = TARN_TRANSFORM_IDENTITY}, &t, &a->partition[i]);
        if (!tarn_value_eq(&t, &a->partition[i], &b->partition[i]))
            fail_msg("partition field %zu differs: %.*s", i, TARN_STR_ARG(x));
    }
}

/* ---- round trips */

static void every_partition_type_comes_back(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_manifest_entry e[4];
    for (size_t i = 0; i < COUNT(e); i++) {
        e[i] = entry_plain(i == 0 ? "s3://b/first.parquet" : "s3://b/other.parquet");
        e[i].file.partition = tuple_of(op, i == 0 ? part_values : NULL);
        e[i].file.partition_count = PART_FIELDS;
    }
    e[2].file.partition[3] = (struct tarn_value){.d = (double)NAN};
    e[2].file.partition[4] = (struct tarn_value){.d = (double)-INFINITY};
    e[3].file.partition[3] = (struct tarn_value){.d = -0.0};
    e[3].file.partition[4] = (struct tarn_value){.d = 5e-324};
    e[3].file.key_metadata = TARN_STR("key");
    e[3].file.sort_order_id = -1;
    struct tarn_manifest_write in = write_of(m, 1, e, COUNT(e));
    struct tarn_manifest_file f;
    struct tarn_manifest got;
    struct tarn_str bytes = manifest_of(op, &in, &f);
    file_out("partitioned.avro", bytes);
    ice_ok(op, tarn_manifest_parse(op, bytes, m, &f, &got));
    assert_int_equal(got.count, COUNT(e));
    for (size_t i = 0; i < COUNT(e); i++) {
        same_file(op, &got.entries[i].file, &e[i].file);
        assert_int_equal(got.entries[i].file.spec_id, 1);
        assert_true(got.entries[i].snapshot_id == SNAPSHOT);
    }
    assert_true(signbit(got.entries[3].file.partition[3].d));
}

static void deletes_come_back(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    static int32_t ids[] = {2, 12};
    struct tarn_manifest_entry e[2] = {entry_plain("p.parquet"), entry_plain("e.parquet")};
    e[0].file.content = TARN_CONTENT_POSITION_DELETES;
    e[0].file.sort_order_id = -1;
    e[0].file.referenced_data_file = TARN_STR("s3://b/first.parquet");
    e[1].file.content = TARN_CONTENT_EQUALITY_DELETES;
    e[1].file.equality_ids = ids;
    e[1].file.equality_id_count = 2;
    struct tarn_manifest_write in = write_of(m, 0, e, 2);
    in.deletes = true;
    struct tarn_manifest_file f;
    struct tarn_manifest got;
    struct tarn_str bytes = manifest_of(op, &in, &f);
    file_out("deletes.avro", bytes);
    assert_true(f.deletes);
    ice_ok(op, tarn_manifest_parse(op, bytes, m, &f, &got));
    assert_int_equal(got.count, 2);
    same_file(op, &got.entries[0].file, &e[0].file);
    same_file(op, &got.entries[1].file, &e[1].file);
    f.deletes = false;
    ice_fails(op, tarn_manifest_parse(op, bytes, m, &f, &got), TARN_CORRUPT,
              "a delete file in a manifest of data");
}

static void empty_manifests_come_back(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_manifest_write in = write_of(m, 1, NULL, 0);
    struct tarn_manifest_file f;
    struct tarn_manifest got;
    struct tarn_str bytes = manifest_of(op, &in, &f);
    assert_true(f.min_sequence_number == 10);
    assert_int_equal(f.partition_count, PART_FIELDS);
    assert_null(f.partitions[0].lower.ptr);
    ice_ok(op, tarn_manifest_parse(op, bytes, m, &f, &got));
    assert_int_equal(got.count, 0);
}

/* Several blocks: more than fits one. */
static void long_manifests_come_back(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    enum { N = 2000 };
    struct tarn_manifest_entry *e = tarn_alloc_array(op, N, sizeof *e);
    for (size_t i = 0; i < N; i++) {
        struct tarn_str path = tarn_sprintf(op, "s3://bucket/t/data/part-%05zu.parquet", i);
        e[i] = entry_plain(path.ptr);
        e[i].file.record_count = (int64_t)i;
    }
    struct tarn_manifest_write in = write_of(m, 0, e, N);
    struct tarn_manifest_file f;
    struct tarn_manifest got;
    struct tarn_str bytes = manifest_of(op, &in, &f);
    assert_true(f.length_bytes == (int64_t)bytes.len);
    assert_true(bytes.len < N * 100); /* it is deflated */
    ice_ok(op, tarn_manifest_parse(op, bytes, m, &f, &got));
    assert_int_equal(got.count, N);
    for (size_t i = 0; i < N; i++)
        same_file(op, &got.entries[i].file, &e[i].file);
    assert_int_equal(f.added_files, N);
    assert_true(f.added_rows == (int64_t)N * (N - 1) / 2);
}

/* ---- the entry in the list */

static void counts_are_by_status(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_manifest_entry e[5];
    for (size_t i = 0; i < COUNT(e); i++)
        e[i] = entry_plain("f.parquet");
    e[1].status = e[2].status = TARN_ENTRY_EXISTING;
    e[1].sequence_number = e[1].file_sequence_number = 7;
    e[2].sequence_number = 5;
    e[2].file_sequence_number = 6;
    e[1].snapshot_id = e[2].snapshot_id = 77;
    e[3].status = TARN_ENTRY_DELETED;
    e[3].sequence_number = e[3].file_sequence_number = 1; /* not live: does not count */
    e[3].file.record_count = 1000;
    e[4].sequence_number = 8; /* added with an older data sequence number (compaction) */
    struct tarn_manifest_write in = write_of(m, 0, e, COUNT(e));
    struct tarn_manifest_file f = {.path = TARN_STR("m"), .sequence_number = 10};
    struct tarn_str bytes = manifest_of(op, &in, &f);
    assert_int_equal(f.added_files, 2);
    assert_int_equal(f.existing_files, 2);
    assert_int_equal(f.deleted_files, 1);
    assert_true(f.added_rows == 20 && f.existing_rows == 20 && f.deleted_rows == 1000);
    assert_true(f.min_sequence_number == 5);
    assert_true(f.added_snapshot_id == SNAPSHOT && f.spec_id == 0 && f.first_row_id == -1);
    assert_int_equal(f.partition_count, 0);

    struct tarn_manifest got;
    ice_ok(op, tarn_manifest_parse(op, bytes, m, &f, &got));
    static const int64_t sequences[] = {10, 7, 5, 1, 8}, files[] = {10, 7, 6, 1, 10};
    for (size_t i = 0; i < COUNT(e); i++) {
        assert_true(got.entries[i].sequence_number == sequences[i]);
        assert_true(got.entries[i].file_sequence_number == files[i]);
        assert_true(got.entries[i].snapshot_id == e[i].snapshot_id);
        assert_int_equal(got.entries[i].status, e[i].status);
    }
    in = write_of(m, 0, e, 1);
    (void)manifest_of(op, &in, &f);
    assert_true(f.min_sequence_number == 10);
    in = write_of(m, 0, e + 3, 1);
    (void)manifest_of(op, &in, &f);
    assert_true(f.min_sequence_number == 10); /* no live file */
}

static void summary_is(const struct tarn_field_summary *s, bool null, bool nan, const char *lower,
                       const char *upper, size_t n)
{
    assert_int_equal(s->contains_null, null);
    assert_int_equal(s->contains_nan, nan);
    assert_int_equal(s->lower.ptr != NULL, lower != NULL);
    assert_int_equal(s->upper.ptr != NULL, upper != NULL);
    if (lower) {
        assert_true(tarn_str_eq(s->lower, tarn_str_of(lower, n)));
        assert_true(tarn_str_eq(s->upper, tarn_str_of(upper, n)));
    }
}

static void summaries_bound_the_tuples(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_manifest_entry e[3];
    for (size_t i = 0; i < COUNT(e); i++) {
        e[i] = entry_plain("f.parquet");
        e[i].file.partition = tuple_of(op, NULL);
        e[i].file.partition_count = PART_FIELDS;
    }
    static const double reals[] = {0.0, (double)NAN, -0.0};
    static const int64_t ints[] = {-1, 256, 3};
    for (size_t i = 0; i < COUNT(e); i++) {
        struct tarn_value *v = e[i].file.partition;
        v[4] = (struct tarn_value){.d = reals[i]};
        v[1] = (struct tarn_value){.i = ints[i]};
    }
    e[1].file.partition[3] = (struct tarn_value){.d = (double)NAN};
    e[0].file.partition[11] = (struct tarn_value){.bytes = TARN_STR("b")};
    e[2].file.partition[11] = (struct tarn_value){.bytes = TARN_STR("a")};
    struct tarn_manifest_write in = write_of(m, 1, e, COUNT(e));
    struct tarn_manifest_file f;
    (void)manifest_of(op, &in, &f);
    assert_int_equal(f.partition_count, PART_FIELDS);
    summary_is(&f.partitions[0], true, false, NULL, NULL, 0);
    summary_is(&f.partitions[1], false, false, "\xff\xff\xff\xff", "\0\1\0\0", 4);
    summary_is(&f.partitions[3], true, true, NULL, NULL, 0);
    summary_is(&f.partitions[4], false, true, "\0\0\0\0\0\0\0\x80", "\0\0\0\0\0\0\0\0", 8);
    summary_is(&f.partitions[11], true, false, "a", "b", 1);
}

/* ---- the form that other readers demand */

static bool has(struct tarn_str text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void manifests_have_the_form_of_java(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_manifest_write in = write_of(m, 1, NULL, 0);
    struct tarn_manifest_file f;
    struct tarn_avro_reader r;
    ice_ok(op, tarn_avro_reader_init(&r, op, manifest_of(op, &in, &f), "m", NULL));
    ice_text_is(tarn_avro_reader_meta(&r, "format-version"), "2");
    ice_text_is(tarn_avro_reader_meta(&r, "content"), "data");
    ice_text_is(tarn_avro_reader_meta(&r, "schema-id"), "3");
    ice_text_is(tarn_avro_reader_meta(&r, "partition-spec-id"), "1");
    ice_text_is(tarn_avro_reader_meta(&r, "avro.codec"), "deflate");
    struct tarn_str spec = tarn_avro_reader_meta(&r, "partition-spec");
    assert_true(tarn_str_starts(spec, TARN_STR("[{\"name\":\"1st\",\"transform\":\"identity\","
                                               "\"source-id\":1,\"field-id\":1000}")));
    assert_true(has(tarn_avro_reader_meta(&r, "schema"), "\"schema-id\":3"));
    assert_true(has(tarn_avro_reader_meta(&r, "iceberg.schema"), "\"name\":\"data_file\""));

    struct tarn_str avro = tarn_avro_reader_meta(&r, "avro.schema");
    static const char *const parts[] = {
        "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":[{\"name\":\"status\","
        "\"type\":\"int\",\"field-id\":0},{\"name\":\"snapshot_id\",\"type\":[\"null\",\"long\"],"
        "\"default\":null,\"field-id\":1}",
        "{\"type\":\"record\",\"name\":\"r2\",\"fields\":[",
        "{\"type\":\"record\",\"name\":\"r102\",\"fields\":[{\"name\":\"_1st\","
        "\"type\":[\"null\",\"boolean\"],\"default\":null,\"iceberg-field-name\":\"1st\","
        "\"field-id\":1000}",
        "\"name\":\"a_x2Eb\"",
        "\"name\":\"gr_xF6_xDFe\"",
        "\"name\":\"x_xD83D_xDE0E\"",
        "{\"type\":\"int\",\"logicalType\":\"date\"}",
        "{\"type\":\"long\",\"logicalType\":\"time-micros\"}",
        "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":false}",
        "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":true}",
        "\"size\":16,\"logicalType\":\"uuid\"}",
        "\"size\":4,\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}",
        "\"size\":16,\"logicalType\":\"decimal\",\"precision\":38,\"scale\":10}",
        "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"k117_v118\",\"fields\":[{"
        "\"name\":\"key\",\"type\":\"int\",\"field-id\":117},{\"name\":\"value\",\"type\":\"long\","
        "\"field-id\":118}]},\"logicalType\":\"map\"}",
        "{\"type\":\"array\",\"items\":\"int\",\"element-id\":136}",
    };
    for (size_t i = 0; i < COUNT(parts); i++)
        if (!has(avro, parts[i]))
            fail_msg("there is no %s in %.*s", parts[i], TARN_STR_ARG(avro));
    /* Some readers know no references to a named type: each is defined in place, under a name
     * of its own. */
    assert_true(has(avro, "\"decimal_9_2_f1005\"") && has(avro, "\"decimal_9_2_f1023\""));
    assert_false(has(avro, "first_row_id"));
    assert_false(has(avro, "distinct_counts"));
}

static void names_that_become_one_are_told_apart(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    m->specs[1].fields[2].name = TARN_STR("a_x2Eb"); /* what field 1001, "a.b", becomes */
    m->specs[1].field_count = 3;
    struct tarn_manifest_write in = write_of(m, 1, NULL, 0);
    struct tarn_manifest_file f;
    struct tarn_avro_reader r;
    ice_ok(op, tarn_avro_reader_init(&r, op, manifest_of(op, &in, &f), "m", NULL));
    struct tarn_str avro = tarn_avro_reader_meta(&r, "avro.schema");
    assert_true(has(avro, "{\"name\":\"a_x2Eb\",") && has(avro, "{\"name\":\"a_x2Eb_1002\","));
}

/* Spec: fixed of the least bytes for a precision. */
static void decimals_take_the_least_bytes(void **state)
{
    struct tarn_op *op = *state;
    static const int8_t bytes[] = {1,  1,  2,  2,  3,  3,  4,  4,  4,  5,  5,  6,  6,
                                   6,  7,  7,  8,  8,  9,  9,  9,  10, 10, 11, 11, 11,
                                   12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16};
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_field *field = &m->schemas[0].root.fields[0];
    for (int32_t p = 1; p <= 38; p++) {
        struct tarn_partition_field pf = {
            .source_id = 1,
            .field_id = 1000,
            .name = TARN_STR("d"),
            .transform = {.kind = TARN_TRANSFORM_IDENTITY, .text = TARN_STR("identity")}};
        struct tarn_partition_spec spec = {.spec_id = 7, .fields = &pf, .field_count = 1};
        field->type = (struct tarn_type){.kind = TARN_TYPE_DECIMAL, .precision = p};
        __int128 most = 0;
        for (int i = 0; i < p; i++)
            most = most * 10 + 9;
        struct tarn_value values[] = {{.dec = most}, {.dec = -most}, {.dec = most + 1}};
        struct tarn_manifest_entry e[3];
        for (size_t i = 0; i < 3; i++) {
            e[i] = entry_plain("f.parquet");
            e[i].file.partition = &values[i];
            e[i].file.partition_count = 1;
        }
        struct tarn_manifest_write in = write_of(m, 0, e, 2);
        in.spec = &spec;
        struct tarn_manifest_file f;
        struct tarn_manifest got;
        struct tarn_avro_reader r;
        m->specs[1] = spec;
        struct tarn_str file = manifest_of(op, &in, &f);
        ice_ok(op, tarn_manifest_parse(op, file, m, &f, &got));
        assert_true(got.entries[0].file.partition[0].dec == most);
        assert_true(got.entries[1].file.partition[0].dec == -most);
        ice_ok(op, tarn_avro_reader_init(&r, op, file, "m", NULL));
        char size[32];
        (void)snprintf(size, sizeof size, "\"size\":%d,", bytes[p - 1]);
        assert_true(has(tarn_avro_reader_meta(&r, "avro.schema"), size));
        in.count = 3;
        ice_fails(op, tarn_manifest_write(op, &in, &file, &f), TARN_INVALID, "does not fit");
    }
}

/* ---- what is refused */

static void refused(struct tarn_op *op, const struct tarn_manifest_write *in,
                    enum tarn_status status, const char *why)
{
    struct tarn_str bytes;
    struct tarn_manifest_file f = {.path = TARN_STR("m")};
    ice_fails(op, tarn_manifest_write(op, in, &bytes, &f), status, why);
}

static void broken_entries_are_refused(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_manifest_entry e = entry_plain("f.parquet"), good = e;
    struct tarn_manifest_write in = write_of(m, 0, &e, 1);
    e.status = TARN_ENTRY_EXISTING;
    refused(op, &in, TARN_INVALID, "has no sequence number");
    e.sequence_number = 3;
    e.snapshot_id = 0;
    refused(op, &in, TARN_INVALID, "no snapshot id");
    e = good;
    e.snapshot_id = 5;
    refused(op, &in, TARN_INVALID, "added by another snapshot");
    e = good;
    e.file.path = TARN_STR("");
    refused(op, &in, TARN_INVALID, "no path");
    e = good;
    e.file.record_count = -1;
    refused(op, &in, TARN_INVALID, "negative");
    e = good;
    e.file.content = TARN_CONTENT_POSITION_DELETES;
    refused(op, &in, TARN_INVALID, "one manifest");
    in.deletes = true;
    e.file.content = TARN_CONTENT_EQUALITY_DELETES;
    refused(op, &in, TARN_INVALID, "equality ids");
    in.deletes = false;
    e = good;
    e.file.first_row_id = 0;
    refused(op, &in, TARN_UNSUPPORTED, "format version 3");
    e = good;
    e.file.partition_count = 1;
    refused(op, &in, TARN_INVALID, "not of the manifest's spec");
    m->format_version = 1;
    refused(op, &in, TARN_UNSUPPORTED, "format version 1");
    m->format_version = 2;
    in.spec = tarn_metadata_spec_by_id(m, 1);
    m->specs[1].fields[0].transform.kind = TARN_TRANSFORM_OTHER;
    refused(op, &in, TARN_UNSUPPORTED, "transform");
}

static void values_that_do_not_fit_are_refused(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_manifest_entry e = entry_plain("f.parquet");
    e.file.partition_count = PART_FIELDS;
    struct tarn_manifest_write in = write_of(m, 1, &e, 1);
    const struct {
        size_t field;
        struct tarn_value v;
    } bad[] = {
        {0, {.i = 2}},
        {1, {.i = INT64_C(1) << 31}},
        {3, {.d = 0.1}},
        {5, {.dec = 1000000000}},
        {7, {.i = INT64_MIN}},
        {11, {.bytes = TARN_STR("\xff")}},
        {12, {.bytes = TARN_STR("short")}},
        {13, {.bytes = TARN_STR("123456")}},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        e.file.partition = tuple_of(op, NULL);
        e.file.partition[bad[i].field] = bad[i].v;
        refused(op, &in, TARN_INVALID, "does not fit");
    }
}

/* ---- lists */

static struct tarn_manifest_list list_of(struct tarn_op *op)
{
    struct tarn_manifest_list l = {tarn_alloc_array(op, 3, sizeof *l.files), 3};
    struct tarn_field_summary *s = tarn_alloc_array(op, 2, sizeof *s);
    assert_true(l.files && s);
    s[0] = (struct tarn_field_summary){true, 1, TARN_STR(""), TARN_STR("zz")};
    s[1] = (struct tarn_field_summary){false, -1, {NULL, 0}, {NULL, 0}};
    l.files[0] = (struct tarn_manifest_file){.path = TARN_STR("s3://b/m1.avro"),
                                             .length_bytes = 5000,
                                             .spec_id = 1,
                                             .sequence_number = 3,
                                             .min_sequence_number = 1,
                                             .added_snapshot_id = 42,
                                             .added_files = 1,
                                             .existing_files = 2,
                                             .deleted_files = 3,
                                             .added_rows = INT64_C(1) << 40,
                                             .existing_rows = 5,
                                             .deleted_rows = 6,
                                             .partitions = s,
                                             .partition_count = 2,
                                             .key_metadata = TARN_STR("k"),
                                             .first_row_id = -1};
    l.files[1] = l.files[0];
    l.files[1].path = TARN_STR("s3://b/m2.avro");
    l.files[1].deletes = true;
    l.files[1].partition_count = 0;
    l.files[1].key_metadata = (struct tarn_str){NULL, 0};
    l.files[2] = l.files[1];
    l.files[2].path = TARN_STR("s3://b/m3.avro");
    l.files[2].added_snapshot_id = SNAPSHOT;
    l.files[2].sequence_number = l.files[2].min_sequence_number = -1; /* of this commit */
    return l;
}

static void same_manifest_file(const struct tarn_manifest_file *a,
                               const struct tarn_manifest_file *b)
{
    assert_true(tarn_str_eq(a->path, b->path));
    assert_true(a->length_bytes == b->length_bytes && a->spec_id == b->spec_id);
    assert_int_equal(a->deletes, b->deletes);
    assert_true(a->added_snapshot_id == b->added_snapshot_id);
    assert_true(a->added_files == b->added_files && a->existing_files == b->existing_files &&
                a->deleted_files == b->deleted_files);
    assert_true(a->added_rows == b->added_rows && a->existing_rows == b->existing_rows &&
                a->deleted_rows == b->deleted_rows);
    assert_int_equal(a->key_metadata.ptr == NULL, b->key_metadata.ptr == NULL);
    assert_true(tarn_str_eq(a->key_metadata, b->key_metadata));
    assert_true(a->first_row_id == b->first_row_id);
    assert_int_equal(a->partition_count, b->partition_count);
    for (size_t i = 0; i < a->partition_count; i++) {
        const struct tarn_field_summary *x = &a->partitions[i], *y = &b->partitions[i];
        assert_int_equal(x->contains_null, y->contains_null);
        assert_int_equal(x->contains_nan, y->contains_nan);
        assert_int_equal(x->lower.ptr == NULL, y->lower.ptr == NULL);
        assert_true(tarn_str_eq(x->lower, y->lower) && tarn_str_eq(x->upper, y->upper));
    }
}

static void lists_come_back(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_manifest_list l = list_of(op), got;
    struct tarn_str bytes;
    struct tarn_avro_reader r;
    ice_ok(op, list_write(op, &l, SNAPSHOT, 41, 10, &bytes));
    file_out("list.avro", bytes);
    ice_ok(op, tarn_manifest_list_parse(op, bytes, "snap.avro", &got));
    assert_int_equal(got.count, 3);
    for (size_t i = 0; i < 3; i++)
        same_manifest_file(&got.files[i], &l.files[i]);
    assert_true(got.files[0].sequence_number == 3 && got.files[0].min_sequence_number == 1);
    assert_true(got.files[2].sequence_number == 10 && got.files[2].min_sequence_number == 10);

    ice_ok(op, tarn_avro_reader_init(&r, op, bytes, "l", NULL));
    ice_text_is(tarn_avro_reader_meta(&r, "snapshot-id"), "7126312345678901234");
    ice_text_is(tarn_avro_reader_meta(&r, "parent-snapshot-id"), "41");
    ice_text_is(tarn_avro_reader_meta(&r, "sequence-number"), "10");
    ice_text_is(tarn_avro_reader_meta(&r, "format-version"), "2");
    struct tarn_str avro = tarn_avro_reader_meta(&r, "avro.schema");
    assert_true(
        tarn_str_starts(avro, TARN_STR("{\"type\":\"record\",\"name\":\"manifest_file\",")));
    assert_true(has(avro, "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"r508\","));
    assert_true(has(avro, "\"element-id\":508}"));
    assert_true(has(avro, "{\"name\":\"added_files_count\",\"type\":\"int\","));
    assert_false(has(avro, "first_row_id"));

    struct tarn_manifest_list none = {NULL, 0};
    ice_ok(op, list_write(op, &none, SNAPSHOT, 0, 10, &bytes));
    ice_ok(op, tarn_manifest_list_parse(op, bytes, "snap.avro", &got));
    assert_int_equal(got.count, 0);
    ice_ok(op, tarn_avro_reader_init(&r, op, bytes, "l", NULL));
    ice_text_is(tarn_avro_reader_meta(&r, "parent-snapshot-id"), "null");
}

static void broken_lists_are_refused(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_manifest_list l = list_of(op);
    struct tarn_str bytes;
    l.files[2].added_snapshot_id = 5;
    ice_fails(op, list_write(op, &l, SNAPSHOT, 41, 10, &bytes), TARN_INVALID, "another snapshot");
    l = list_of(op);
    l.files[0].added_rows = -1;
    ice_fails(op, list_write(op, &l, SNAPSHOT, 41, 10, &bytes), TARN_INVALID,
              "counts are not known");
    l = list_of(op);
    l.files[0].first_row_id = 0;
    ice_fails(op, list_write(op, &l, SNAPSHOT, 41, 10, &bytes), TARN_UNSUPPORTED,
              "format version 3");
    l = list_of(op);
    l.files[0].length_bytes = 0;
    ice_fails(op, list_write(op, &l, SNAPSHOT, 41, 10, &bytes), TARN_INVALID, "no length");
}

/* ---- damage */

struct damaged {
    struct tarn_metadata *m;
    struct tarn_manifest_file f;
    struct tarn_str manifest, list;
};

static struct damaged damaged_of(struct tarn_op *op)
{
    struct damaged d = {.m = metadata_new(op)};
    struct tarn_manifest_entry e[2] = {entry_plain("s3://b/1.parquet"),
                                       entry_plain("s3://b/2.parquet")};
    for (size_t i = 0; i < 2; i++) {
        e[i].file.partition = tuple_of(op, part_values);
        e[i].file.partition_count = PART_FIELDS;
    }
    struct tarn_manifest_write in = write_of(d.m, 1, e, 2);
    struct tarn_manifest_list l = list_of(op);
    d.manifest = manifest_of(op, &in, &d.f);
    ice_ok(op, list_write(op, &l, SNAPSHOT, 41, 10, &d.list));
    return d;
}

static enum tarn_status read_copy(struct tarn_op *op, const struct damaged *d, const char *bytes,
                                  size_t n, bool list)
{
    struct tarn_arena_mark mark = tarn_arena_mark(op->arena);
    struct tarn_manifest got;
    struct tarn_manifest_list files;
    struct tarn_str s = tarn_str_of(bytes, n);
    enum tarn_status status = list ? tarn_manifest_list_parse(op, s, "snap.avro", &files)
                                   : tarn_manifest_parse(op, s, d->m, &d->f, &got);
    if (status == TARN_OK && list && n < d->list.len)
        assert_int_equal(files.count, 3);
    if (status == TARN_OK && !list && n < d->manifest.len)
        assert_int_equal(got.count, 2);
    tarn_arena_rewind(op->arena, mark);
    return status;
}

/* Not one truncation of a manifest or list of ours reads as a shorter one. */
static void cut_files_fail(void **state)
{
    struct tarn_op *op = *state;
    struct damaged d = damaged_of(op);
    for (int list = 0; list < 2; list++) {
        struct tarn_str whole = list ? d.list : d.manifest;
        for (size_t n = 0; n < whole.len; n++) {
            char *copy = malloc(n ? n : 1);
            assert_non_null(copy);
            memcpy(copy, whole.ptr, n);
            assert_int_equal(read_copy(op, &d, copy, n, list == 1), TARN_CORRUPT);
            free(copy);
        }
    }
    /* Without the length, the counts tell. */
    struct tarn_avro_reader r;
    ice_ok(op, tarn_avro_reader_init(&r, op, d.manifest, "m", NULL));
    d.f.length_bytes = 0;
    assert_int_equal(
        read_copy(op, &d, d.manifest.ptr, (size_t)(r.rest.ptr - d.manifest.ptr), false),
        TARN_CORRUPT);
    ice_ok(op, read_copy(op, &d, d.manifest.ptr, d.manifest.len, false));
}

static void flipped_bits_never_crash(void **state)
{
    struct tarn_op *op = *state;
    struct damaged d = damaged_of(op);
    for (int list = 0; list < 2; list++) {
        struct tarn_str whole = list ? d.list : d.manifest;
        char *copy = malloc(whole.len);
        assert_non_null(copy);
        memcpy(copy, whole.ptr, whole.len);
        /* Every bit of the header would take long under sanitizers: each byte in one of its
         * bits. */
        for (size_t i = 0; i < whole.len; i++) {
            copy[i] = (char)(copy[i] ^ 1 << i % 8);
            enum tarn_status status = read_copy(op, &d, copy, whole.len, list == 1);
            assert_true(status == TARN_OK || status == TARN_CORRUPT || status == TARN_LIMIT ||
                        status == TARN_UNSUPPORTED);
            copy[i] = (char)(copy[i] ^ 1 << i % 8);
        }
        free(copy);
    }
}

/* ---- memory */

static enum tarn_status write_and_read(struct tarn_op *op, void *arg)
{
    struct damaged *d = arg;
    struct tarn_manifest_entry e = entry_plain("s3://b/1.parquet");
    struct tarn_value v[PART_FIELDS];
    for (size_t i = 0; i < PART_FIELDS; i++)
        v[i] = (struct tarn_value){.is_null = true};
    v[1] = (struct tarn_value){.i = 7};
    e.file.partition = v;
    e.file.partition_count = PART_FIELDS;
    struct tarn_manifest_write in = write_of(d->m, 1, &e, 1);
    struct tarn_manifest_file f = {.path = TARN_STR("m"), .sequence_number = 10};
    struct tarn_manifest_list l = {&f, 1}, files;
    struct tarn_manifest got;
    struct tarn_str bytes;
    TARN_TRY(tarn_manifest_write(op, &in, &bytes, &f));
    TARN_TRY(tarn_manifest_parse(op, bytes, d->m, &f, &got));
    assert_int_equal(got.count, 1);
    TARN_TRY(list_write(op, &l, SNAPSHOT, 41, 10, &bytes));
    TARN_TRY(tarn_manifest_list_parse(op, bytes, "snap.avro", &files));
    assert_int_equal(files.count, 1);
    return TARN_OK;
}

static void memory_failures_are_told(void **state)
{
    struct damaged d = damaged_of(*state);
    ice_alloc_sweep(write_and_read, &d);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, ice_setup, ice_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_partition_type_comes_back),
        TEST(deletes_come_back),
        TEST(empty_manifests_come_back),
        TEST(long_manifests_come_back),
        TEST(counts_are_by_status),
        TEST(summaries_bound_the_tuples),
        TEST(manifests_have_the_form_of_java),
        TEST(names_that_become_one_are_told_apart),
        TEST(decimals_take_the_least_bytes),
        TEST(broken_entries_are_refused),
        TEST(values_that_do_not_fit_are_refused),
        TEST(lists_come_back),
        TEST(broken_lists_are_refused),
        TEST(cut_files_fail),
        TEST(flipped_bits_never_crash),
        TEST(memory_failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Manifests that Iceberg Java 1.11 (Spark 4.0) wrote, of three tables that differ in their format
 * version only:
 *
 *   create table t (id bigint, ts timestamp, d date, amount decimal(9, 2), `odd name` string,
 *       x double) partitioned by (days(ts), bucket(4, id), amount, `odd name`,
 *       truncate(2, `odd name`), x)
 *   insert 3 rows: two of them (-0.0) in one file, the third (NaN) in another
 *   delete one of the two: v1 rewrites the file, v2 makes a position delete file, v3 a
 *       deletion vector
 *   insert 1 row
 *
 * data/manifest_java_v<n>.json is the table's metadata, _list its last manifest list, _m<i> that
 * list's manifests. */
#include "test_manifest_fixture.h"

#include <math.h>

#include "format/avro/avro.h"

struct table {
    struct tarn_metadata m;
    struct tarn_manifest_list list;
    struct tarn_manifest manifests[3];
    struct tarn_str bytes[3], list_bytes;
};

static struct table *table_read(struct tarn_op *op, int version)
{
    struct table *t = tarn_alloc(op, sizeof *t);
    struct tarn_str name = tarn_sprintf(op, "manifest_java_v%d.json", version);
    ice_ok(op, tarn_metadata_parse(op, ice_file(op, name.ptr), name.ptr, &t->m));
    name = tarn_sprintf(op, "manifest_java_v%d_list.avro", version);
    t->list_bytes = ice_file(op, name.ptr);
    ice_ok(op, tarn_manifest_list_parse(op, t->list_bytes, name.ptr, &t->list));
    assert_int_equal(t->list.count, version == 1 ? 2 : 3);
    for (size_t i = 0; i < t->list.count; i++) {
        name = tarn_sprintf(op, "manifest_java_v%d_m%zu.avro", version, i);
        t->bytes[i] = ice_file(op, name.ptr);
        assert_true(t->list.files[i].length_bytes == (int64_t)t->bytes[i].len);
        ice_ok(op,
               tarn_manifest_parse(op, t->bytes[i], &t->m, &t->list.files[i], &t->manifests[i]));
    }
    return t;
}

/* The tuple (ts_day, id_bucket, amount, odd name, odd name_trunc, x) as text. */
static void tuple_is(struct tarn_op *op, const struct table *t, const struct tarn_data_file *f,
                     const char *const *want)
{
    struct tarn_type type;
    ice_ok(op, tarn_partition_type(op, &t->m, tarn_metadata_spec(&t->m), &type));
    assert_int_equal(f->partition_count, 6);
    for (size_t i = 0; i < 6; i++) {
        struct tarn_value v = ice_value(op, &type.fields[i].type, want[i]);
        if (!tarn_value_eq(&type.fields[i].type, &v, &f->partition[i]))
            fail_msg("partition field %zu is not %s", i, want[i]);
    }
}

static const char *const green[] = {"1969-12-31", "0", "12.34", "gr\xc3\xbcn", "gr", "-0.0"};
static const char *const nan_row[] = {"2024-02-29", "0", "-0.01", "null", "null", "NaN"};
static const char *const late[] = {"null", "3", "null", "b", "b", "null"};

static void summaries_are(const struct tarn_manifest_file *f)
{
    assert_int_equal(f->partition_count, 6);
    assert_false(f->partitions[0].contains_null);
    assert_true(tarn_str_eq(f->partitions[0].lower, TARN_STR("\xff\xff\xff\xff")));
    assert_true(tarn_str_eq(f->partitions[2].lower, TARN_STR("\xff")));     /* -0.01 */
    assert_true(tarn_str_eq(f->partitions[2].upper, TARN_STR("\x04\xd2"))); /* 12.34 */
    assert_true(f->partitions[3].contains_null);
    ice_text_is(f->partitions[4].upper, "gr");
    assert_int_equal(f->partitions[4].contains_nan, 0);
    assert_int_equal(f->partitions[5].contains_nan, 1);
    assert_true(tarn_str_eq(f->partitions[5].upper, TARN_STR("\0\0\0\0\0\0\0\x80")));
}

static void version_1_is_read(void **state)
{
    struct tarn_op *op = *state;
    const struct table *t = table_read(op, 1);
    const struct tarn_manifest *old = &t->manifests[1];
    summaries_are(&t->list.files[1]);
    assert_true(t->list.files[0].sequence_number == 0 && !t->list.files[0].deletes);
    assert_int_equal(t->list.files[0].added_files, 1);
    assert_int_equal(t->manifests[0].count, 1);
    assert_int_equal(t->manifests[0].entries[0].status, TARN_ENTRY_ADDED);
    tuple_is(op, t, &t->manifests[0].entries[0].file, late);
    assert_int_equal(old->count, 2);
    tuple_is(op, t, &old->entries[0].file, green);
    tuple_is(op, t, &old->entries[1].file, nan_row);
    assert_true(signbit(old->entries[0].file.partition[5].d));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(old->entries[i].status, TARN_ENTRY_EXISTING);
        assert_true(old->entries[i].sequence_number == 0);
        assert_true(old->entries[i].file_sequence_number == 0);
    }
    assert_true(old->entries[0].snapshot_id == INT64_C(6358760691298487151));
    assert_true(old->entries[1].snapshot_id == INT64_C(4029823186421859675));
    /* Java's map is in no order; ours is in that of the ids. */
    assert_int_equal(old->entries[0].file.lower_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(old->entries[0].file.lower[i].id, i + 1);
    assert_true(tarn_str_eq(old->entries[0].file.lower[3].bytes, TARN_STR("\x04\xd2")));
    assert_true(old->entries[1].file.nan_counts[0].count == 1);
}

static void data_is_read(struct tarn_op *op, const struct table *t)
{
    summaries_are(&t->list.files[1]);
    const struct tarn_manifest_entry *first = t->manifests[0].entries,
                                     *second = t->manifests[1].entries;
    assert_int_equal(t->manifests[0].count, 1);
    assert_int_equal(t->manifests[1].count, 2);
    assert_int_equal(t->manifests[2].count, 1);
    assert_true(first->sequence_number == 3 && first->file_sequence_number == 3);
    assert_true(first->snapshot_id == t->list.files[0].added_snapshot_id);
    assert_true(second->sequence_number == 1 && second[1].sequence_number == 1);
    tuple_is(op, t, &first->file, late);
    tuple_is(op, t, &second[0].file, green);
    tuple_is(op, t, &second[1].file, nan_row);
    assert_true(second->file.record_count == 2 && second->file.size_bytes == 1908);
    ice_text_is(first->file.format, "PARQUET");
    assert_int_equal(first->file.sort_order_id, 0);
}

static void version_2_is_read(void **state)
{
    struct tarn_op *op = *state;
    const struct table *t = table_read(op, 2);
    data_is_read(op, t);
    const struct tarn_manifest_entry *d = t->manifests[2].entries;
    assert_true(t->list.files[2].deletes && d->sequence_number == 2);
    assert_int_equal(d->file.content, TARN_CONTENT_POSITION_DELETES);
    assert_int_equal(d->file.sort_order_id, -1);
    tuple_is(op, t, &d->file, green);
    assert_int_equal(d->file.lower[1].id, 2147483546); /* file_path */
    assert_true(tarn_str_eq(d->file.lower[1].bytes, t->manifests[1].entries[0].file.path));
    assert_null(d->file.referenced_data_file.ptr);
}

static void version_3_is_read(void **state)
{
    struct tarn_op *op = *state;
    const struct table *t = table_read(op, 3);
    data_is_read(op, t);
    const struct tarn_manifest_entry *d = t->manifests[2].entries;
    assert_int_equal(d->file.content, TARN_CONTENT_POSITION_DELETES);
    ice_text_is(d->file.format, "PUFFIN");
    assert_true(d->file.content_offset == 4 && d->file.content_size == 42);
    assert_true(tarn_str_eq(d->file.referenced_data_file, t->manifests[1].entries[0].file.path));
    assert_true(d->file.first_row_id == -1);
    assert_true(t->manifests[0].entries[0].file.first_row_id == 3);
    assert_true(t->manifests[1].entries[0].file.first_row_id == 0);
    assert_true(t->manifests[1].entries[1].file.first_row_id == 2);
}

/* Java's manifest read and written by us: the same schema (but for the names of fixed types),
 * keys and list entry. */
static void same_form(struct tarn_op *op, int version)
{
    const struct table *t = table_read(op, version);
    static const char *const keys[] = {"schema", "partition-spec", "partition-spec-id",
                                       "format-version", "content"};
    for (size_t i = 0; i < 3; i++) {
        const struct tarn_manifest_file *java = &t->list.files[i];
        struct tarn_manifest_write in =
            write_of(&t->m, 0, t->manifests[i].entries, t->manifests[i].count);
        struct tarn_manifest_file f = {0};
        struct tarn_avro_reader ours, theirs;
        struct tarn_str bytes;
        in.deletes = java->deletes;
        in.snapshot_id = java->added_snapshot_id;
        ice_ok(op, tarn_manifest_write(op, &in, &bytes, &f));
        ice_ok(op, tarn_avro_reader_init(&ours, op, bytes, "ours", NULL));
        ice_ok(op, tarn_avro_reader_init(&theirs, op, t->bytes[i], "theirs", NULL));
        for (size_t k = 0; k < COUNT(keys); k++)
            assert_true(tarn_str_eq(tarn_avro_reader_meta(&ours, keys[k]),
                                    tarn_avro_reader_meta(&theirs, keys[k])));
        struct tarn_str avro = ice_replaced(op, tarn_avro_reader_meta(&ours, "avro.schema"),
                                            "decimal_9_2_f1002", "decimal_9_2");
        assert_true(tarn_str_eq(avro, tarn_avro_reader_meta(&theirs, "avro.schema")));
        assert_true(f.min_sequence_number == java->min_sequence_number);
        assert_int_equal(f.added_files, java->added_files);
        assert_true(f.added_rows == java->added_rows && f.deleted_rows == java->deleted_rows);
        for (size_t k = 0; k < 6; k++) {
            const struct tarn_field_summary *a = &f.partitions[k], *b = &java->partitions[k];
            assert_int_equal(a->contains_null, b->contains_null);
            assert_int_equal(a->contains_nan, b->contains_nan);
            assert_int_equal(a->lower.ptr == NULL, b->lower.ptr == NULL);
            assert_true(tarn_str_eq(a->lower, b->lower) && tarn_str_eq(a->upper, b->upper));
        }
    }
    struct tarn_avro_reader ours, theirs;
    struct tarn_str bytes;
    struct tarn_manifest_list_write in = {
        .format_version = version, .snapshot_id = 1, .sequence_number = 3, .first_row_id = 4};
    int64_t next_row_id;
    ice_ok(op, tarn_manifest_list_write(op, &t->list, &in, &bytes, &next_row_id));
    ice_ok(op, tarn_avro_reader_init(&ours, op, bytes, "ours", NULL));
    ice_ok(op, tarn_avro_reader_init(&theirs, op, t->list_bytes, "theirs", NULL));
    assert_true(tarn_str_eq(tarn_avro_reader_meta(&ours, "avro.schema"),
                            tarn_avro_reader_meta(&theirs, "avro.schema")));
}

static void what_is_written_has_the_form_of_java(void **state)
{
    same_form(*state, 2);
    same_form(*state, 3);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, ice_setup, ice_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(version_1_is_read),
        TEST(version_2_is_read),
        TEST(version_3_is_read),
        TEST(what_is_written_has_the_form_of_java),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

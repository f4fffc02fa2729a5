/* Row ids: given out when a manifest list is written, inherited when manifests are read (spec "Row
 * Lineage", "First Row ID Inheritance", "First Row ID Assignment"), and version 3 in manifests. */
#include "test_manifest_fixture.h"

#include "format/avro/avro.h"

static struct tarn_manifest_file manifest_file(const char *path, int64_t added, int64_t existing,
                                               int64_t first_row_id)
{
    return (struct tarn_manifest_file){.path = tarn_str_view(path),
                                       .length_bytes = 1000,
                                       .sequence_number = -1,
                                       .min_sequence_number = -1,
                                       .added_snapshot_id = SNAPSHOT,
                                       .added_files = added > 0,
                                       .existing_files = existing > 0,
                                       .added_rows = added,
                                       .existing_rows = existing,
                                       .first_row_id = first_row_id};
}

static struct tarn_manifest_list_write list_of_3(int64_t first_row_id)
{
    return (struct tarn_manifest_list_write){.format_version = 3,
                                             .snapshot_id = SNAPSHOT,
                                             .parent_id = 41,
                                             .sequence_number = 10,
                                             .first_row_id = first_row_id};
}

static struct tarn_metadata *metadata_3(struct tarn_op *op)
{
    struct tarn_metadata *m = metadata_new(op);
    ice_ok(op, tarn_metadata_upgrade(op, m, 3));
    return m;
}

static struct tarn_manifest read_back(struct tarn_op *op, const struct tarn_metadata *m,
                                      struct tarn_str bytes, const struct tarn_manifest_file *f)
{
    struct tarn_manifest got;
    ice_ok(op, tarn_manifest_parse(op, bytes, m, f, &got));
    return got;
}

/* The example of the specification: next-row-id 1000, three new manifests beside an old one. */
static void the_example_of_the_specification(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_manifest_file files[] = {
        manifest_file("existing", 75, 0, 925),
        manifest_file("added1", 100, 25, -1),
        manifest_file("added2", 0, 100, -1),
        manifest_file("added3", 125, 25, -1),
    };
    struct tarn_manifest_list list = {files, COUNT(files)}, got;
    struct tarn_manifest_list_write in = list_of_3(1000);
    struct tarn_str bytes;
    int64_t next;
    ice_ok(op, tarn_manifest_list_write(op, &list, &in, &bytes, &next));
    file_out("list_v3.avro", bytes);
    assert_int_equal(next, 1375);
    ice_ok(op, tarn_manifest_list_parse(op, bytes, "snap.avro", &got));
    static const int64_t wanted[] = {925, 1000, 1125, 1225};
    for (size_t i = 0; i < COUNT(files); i++)
        assert_int_equal(got.files[i].first_row_id, wanted[i]);

    struct tarn_metadata *m = metadata_3(op);
    struct tarn_manifest_entry e[] = {entry_plain("data1"), entry_plain("data2"),
                                      entry_plain("data3")};
    e[0].status = TARN_ENTRY_EXISTING;
    e[0].sequence_number = e[0].file_sequence_number = 4;
    e[0].file.record_count = 25;
    e[0].file.first_row_id = 800;
    e[1].file.record_count = e[2].file.record_count = 50;
    struct tarn_manifest_write w = write_of(m, 0, e, 3);
    struct tarn_manifest_file f;
    bytes = manifest_of(op, &w, &f);
    file_out("manifest_v3.avro", bytes);
    assert_true(f.added_rows == 100 && f.existing_rows == 25 && f.first_row_id == -1);
    f.first_row_id = got.files[1].first_row_id;
    struct tarn_manifest read = read_back(op, m, bytes, &f);
    assert_int_equal(read.entries[0].file.first_row_id, 800);
    assert_int_equal(read.entries[1].file.first_row_id, 1000);
    assert_int_equal(read.entries[2].file.first_row_id, 1050);
}

/* Ids belong to data, and to what is live (trap 11). */
static void deletes_have_no_row_ids(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_3(op);
    struct tarn_manifest_file files[] = {manifest_file("deletes", 7, 0, -1),
                                         manifest_file("others-deletes", 7, 0, 55),
                                         manifest_file("data", 3, 0, -1)};
    files[0].deletes = files[1].deletes = true;
    struct tarn_manifest_list list = {files, 3}, got;
    struct tarn_manifest_list_write in = list_of_3(20);
    struct tarn_str bytes;
    int64_t next;
    ice_ok(op, tarn_manifest_list_write(op, &list, &in, &bytes, &next));
    ice_ok(op, tarn_manifest_list_parse(op, bytes, "snap.avro", &got));
    assert_int_equal(next, 23);
    assert_int_equal(got.files[0].first_row_id, -1);
    assert_int_equal(got.files[1].first_row_id, -1);
    assert_int_equal(got.files[2].first_row_id, 20);

    struct tarn_manifest_entry e[] = {entry_plain("gone"), entry_plain("new"), entry_plain("old")};
    e[0].status = TARN_ENTRY_DELETED;
    e[0].sequence_number = e[0].file_sequence_number = 4;
    e[2].status = TARN_ENTRY_EXISTING;
    e[2].sequence_number = e[2].file_sequence_number = 4; /* from before the upgrade */
    e[1].file.first_row_id = 77;                          /* of a new file: not written */
    struct tarn_manifest_write w = write_of(m, 0, e, 3);
    struct tarn_manifest_file f;
    bytes = manifest_of(op, &w, &f);
    f.first_row_id = 20;
    struct tarn_manifest read = read_back(op, m, bytes, &f);
    assert_int_equal(read.entries[0].file.first_row_id, -1);
    assert_int_equal(read.entries[1].file.first_row_id, 20);
    assert_int_equal(read.entries[2].file.first_row_id, 30);
    f.first_row_id = -1; /* a snapshot of before the upgrade */
    read = read_back(op, m, bytes, &f);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(read.entries[i].file.first_row_id, -1);
    e[0].file.first_row_id = 5;
    bytes = manifest_of(op, &w, &f);
    f.first_row_id = 20;
    read = read_back(op, m, bytes, &f);
    assert_int_equal(read.entries[0].file.first_row_id, 5);
    assert_int_equal(read.entries[1].file.first_row_id, 20);
}

/* The manifests of an upgraded table were written as version 2 and inherit ids all the same. */
static void manifests_of_version_2_inherit(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_manifest_entry e[] = {entry_plain("a"), entry_plain("b")};
    struct tarn_manifest_write w = write_of(m, 0, e, 2);
    struct tarn_manifest_file f;
    struct tarn_str bytes = manifest_of(op, &w, &f);
    f.first_row_id = 100;
    ice_ok(op, tarn_metadata_upgrade(op, m, 3));
    struct tarn_manifest read = read_back(op, m, bytes, &f);
    assert_int_equal(read.entries[0].file.first_row_id, 100);
    assert_int_equal(read.entries[1].file.first_row_id, 110);
    f.first_row_id = INT64_MAX - 12;
    ice_fails(op, tarn_manifest_parse(op, bytes, m, &f, &read), TARN_CORRUPT, "row ids overflow");
}

static void deletion_vectors_come_back(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_3(op);
    static int32_t ids[] = {3, 1};
    struct tarn_manifest_entry e[2] = {entry_plain("s3://b/dv.puffin"), entry_plain("eq.parquet")};
    struct tarn_data_file *dv = &e[0].file;
    dv->content = TARN_CONTENT_POSITION_DELETES;
    dv->format = TARN_STR("PUFFIN");
    dv->sort_order_id = -1;
    dv->referenced_data_file = TARN_STR("s3://b/data.parquet");
    dv->content_offset = 4;
    dv->content_size = INT64_C(1) << 33;
    dv->first_row_id = 9; /* never of a delete file */
    e[1].file.content = TARN_CONTENT_EQUALITY_DELETES;
    e[1].file.equality_ids = ids;
    e[1].file.equality_id_count = 2;
    struct tarn_manifest_write w = write_of(m, 0, e, 2);
    struct tarn_manifest_file f;
    w.deletes = true;
    struct tarn_str bytes = manifest_of(op, &w, &f);
    file_out("deletes_v3.avro", bytes);
    f.first_row_id = 50;
    struct tarn_manifest read = read_back(op, m, bytes, &f);
    const struct tarn_data_file *got = &read.entries[0].file;
    assert_true(got->content_offset == 4 && got->content_size == INT64_C(1) << 33);
    assert_true(got->first_row_id == -1 && read.entries[1].file.first_row_id == -1);
    ice_text_is(got->referenced_data_file, "s3://b/data.parquet");
    assert_int_equal(read.entries[1].file.equality_id_count, 2);
    assert_int_equal(read.entries[1].file.equality_ids[0], 3);

    /* equality_ids are Avro ints, not longs (trap 7), and the new fields have their ids (trap 22) */
    struct tarn_avro_reader r;
    ice_ok(op, tarn_avro_reader_init(&r, op, bytes, "m", NULL));
    ice_text_is(tarn_avro_reader_meta(&r, "format-version"), "3");
    const char *avro = tarn_avro_reader_meta(&r, "avro.schema").ptr;
    assert_non_null(strstr(avro, "{\"type\":\"array\",\"items\":\"int\",\"element-id\":136}"));
    static const char *const fields[] = {"first_row_id", "referenced_data_file", "content_offset",
                                         "content_size_in_bytes"};
    for (size_t i = 0; i < COUNT(fields); i++) {
        const char *at = strstr(avro, fields[i]);
        assert_non_null(at);
        assert_int_equal(atoi(strstr(at, "\"field-id\":") + 11), 142 + (int)i);
    }
}

static void refused(struct tarn_op *op, const struct tarn_manifest_write *in,
                    enum tarn_status status, const char *part)
{
    struct tarn_manifest_file f = {.path = TARN_STR("m")};
    struct tarn_str bytes;
    ice_fails(op, tarn_manifest_write(op, in, &bytes, &f), status, part);
}

static void broken_vectors_are_refused(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_3(op);
    struct tarn_manifest_entry e = entry_plain("dv.puffin"), good;
    struct tarn_manifest_write w = write_of(m, 0, &e, 1);
    w.deletes = true;
    e.file.content = TARN_CONTENT_POSITION_DELETES;
    good = e;
    refused(op, &w, TARN_INVALID, "position delete files are not added");
    e.file.format = TARN_STR("PUFFIN");
    refused(op, &w, TARN_INVALID, "no content offset");
    e.file.content_offset = 4;
    refused(op, &w, TARN_INVALID, "no content offset or size");
    e.file.content_size = 40;
    refused(op, &w, TARN_INVALID, "names no data file");
    e.file.referenced_data_file = TARN_STR("d");
    m->format_version = 2;
    refused(op, &w, TARN_UNSUPPORTED, "format version 3");
    e = good;
    m->format_version = 3;
    e.file.content_offset = 4;
    refused(op, &w, TARN_INVALID, "no deletion vector");
    /* Position delete files of before the upgrade stay valid. */
    e = good;
    e.status = TARN_ENTRY_EXISTING;
    e.sequence_number = e.file_sequence_number = 3;
    struct tarn_manifest_file f;
    assert_int_equal(read_back(op, m, manifest_of(op, &w, &f), &f).count, 1);
}

static void broken_lists_are_refused(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_manifest_file file = manifest_file("m", 10, INT64_MAX - 20, -1);
    struct tarn_manifest_list list = {&file, 1};
    struct tarn_manifest_list_write in = list_of_3(11);
    struct tarn_str bytes;
    int64_t next;
    ice_fails(op, tarn_manifest_list_write(op, &list, &in, &bytes, &next), TARN_LIMIT,
              "no more row ids");
    in.first_row_id = -1;
    ice_fails(op, tarn_manifest_list_write(op, &list, &in, &bytes, &next), TARN_INVALID,
              "no first row id");
    in.format_version = 1;
    ice_fails(op, tarn_manifest_list_write(op, &list, &in, &bytes, &next), TARN_UNSUPPORTED,
              "only 2 and 3");
}

/* ---- metadata of version 3 */

static struct tarn_metadata parse(struct tarn_op *op, struct tarn_str text)
{
    struct tarn_metadata m;
    ice_ok(op, tarn_metadata_parse(op, text, "test.metadata.json", &m));
    return m;
}

static struct tarn_str written(struct tarn_op *op, const struct tarn_metadata *m)
{
    struct tarn_str out;
    ice_ok(op, tarn_metadata_write(op, m, &out));
    return out;
}

static void version_3_is_written(void **state)
{
    struct tarn_op *op = *state;
    static const char *const files[] = {"metadata_v3.json", "manifest_java_v3.json"};
    for (size_t i = 0; i < COUNT(files); i++) {
        struct tarn_metadata m = parse(op, ice_file(op, files[i]));
        struct tarn_str once = written(op, &m);
        struct tarn_metadata again = parse(op, once);
        ice_text_is(written(op, &again), once.ptr);
        assert_int_equal(again.next_row_id, m.next_row_id);
        for (size_t k = 0; k < m.snapshot_count; k++) {
            assert_int_equal(again.snapshots[k].first_row_id, m.snapshots[k].first_row_id);
            assert_int_equal(again.snapshots[k].added_rows, m.snapshots[k].added_rows);
        }
    }
    struct tarn_metadata m = parse(op, ice_file(op, "metadata_v3.json"));
    m.snapshots = &(struct tarn_snapshot){.snapshot_id = 5,
                                          .manifest_list = TARN_STR("l.avro"),
                                          .schema_id = -1,
                                          .first_row_id = 0,
                                          .added_rows = 250,
                                          .key_id = TARN_STR("5f819b")};
    m.snapshot_count = 1;
    const char *json = written(op, &m).ptr;
    static const char *const parts[] = {
        "\"next-row-id\":250",
        "\"current-snapshot-id\":null",
        "\"first-row-id\":0,\"added-rows\":250,\"key-id\":\"5f819b\"",
        "\"source-ids\":[1, 2]",
        "\"initial-default\":\"0db3e2a8-9d1d-42b9-aa7b-74ebe558dceb\"",
        "\"write-default\":{}",
        "\"type\":\"timestamptz_ns\"",
        "\"type\":\"variant\"",
        "\"type\":\"unknown\"",
        "\"geography(srid:4326, spherical)\"",
        "\"encryption-keys\":[{\"key-id\"",
    };
    for (size_t i = 0; i < COUNT(parts); i++)
        if (!strstr(json, parts[i]))
            fail_msg("%s is not in %s", parts[i], json);
}

/* What stands in Java's file of version 3 stands in ours, in its order. */
static void members_are_those_of_java(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str java = ice_file(op, "manifest_java_v3.json");
    struct tarn_metadata m = parse(op, java);
    const struct tarn_json *a = ice_json(op, java.ptr), *b = ice_json(op, written(op, &m).ptr);
    assert_int_equal(a->count + 1, b->count); /* the checksum, which is ours */
    for (a = a->first, b = b->first->next; a; a = a->next, b = b->next)
        assert_true(tarn_str_eq(a->key, b->key));
}

static void row_ids_are_never_given_twice(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata m = parse(op, ice_file(op, "metadata_v3.json"));
    struct tarn_snapshot s = {.snapshot_id = 5,
                              .manifest_list = TARN_STR("l.avro"),
                              .schema_id = -1,
                              .first_row_id = 200,
                              .added_rows = 51};
    struct tarn_str out;
    m.snapshots = &s;
    m.snapshot_count = 1;
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_INVALID, "above the table's next-row-id");
    s.added_rows = -1;
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_INVALID, "no added-rows");
    s.added_rows = 50;
    out = written(op, &m);
    /* A file whose writer left it too low. */
    out = ice_replaced(op, out, "\"tarn-crc32\"", "\"x\"");
    m = parse(op, ice_replaced(op, out, "\"next-row-id\":250", "\"next-row-id\":3"));
    assert_int_equal(m.next_row_id, 250);
}

static void tables_are_upgraded(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str v1 =
        ice_replaced(op, ice_file(op, "metadata_v1.json"), "\"table-uuid\"", "\"no-uuid\"");
    struct tarn_metadata m = parse(op, v1);
    assert_int_equal(m.uuid.len, 0);
    ice_ok(op, tarn_metadata_upgrade(op, &m, 2));
    assert_int_equal(m.uuid.len, 36);
    struct tarn_metadata again = parse(op, written(op, &m));
    assert_int_equal(again.format_version, 2);
    assert_true(tarn_str_eq(again.uuid, m.uuid));
    assert_int_equal(again.last_sequence_number, 0);
    assert_int_equal(again.snapshots[0].sequence_number, 0);
    assert_int_equal(tarn_metadata_ref(&again, TARN_STR("main"))->snapshot_id,
                     m.current_snapshot_id);
    ice_ok(op, tarn_metadata_upgrade(op, &again, 3));
    again = parse(op, written(op, &again));
    assert_true(again.format_version == 3 && again.next_row_id == 0);
    assert_int_equal(again.snapshots[0].first_row_id, -1);
    assert_int_equal(again.snapshots[0].added_rows, -1);
    again.next_row_id = 12;
    ice_ok(op, tarn_metadata_upgrade(op, &again, 3));
    assert_int_equal(again.next_row_id, 12);
    ice_fails(op, tarn_metadata_upgrade(op, &again, 2), TARN_INVALID, "does not go back");
    ice_fails(op, tarn_metadata_upgrade(op, &again, 4), TARN_UNSUPPORTED, "only 1 to 3");
}

static void defaults_are_checked(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata m = parse(op, ice_file(op, "metadata_v3.json"));
    struct tarn_field *f = tarn_metadata_schema(&m)->root.fields;
    struct tarn_str out, uuid = f[0].write_default;
    f[0].write_default = TARN_STR("12");
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_INVALID, "write-default");
    f[0].write_default = uuid;
    f[3].initial_default = TARN_STR("1");
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_INVALID, "other than null");
    f[3].initial_default = TARN_STR("null");
    (void)written(op, &m);
    f[7].write_default = TARN_STR("{\"9\": 1}"); /* sub-fields have their own */
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_INVALID, "no value of its type");
    m = *metadata_new(op);
    tarn_metadata_schema(&m)->root.fields[1].initial_default = TARN_STR("1");
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_UNSUPPORTED, "needs format version 3");
}

static enum tarn_status upgrade_and_write(struct tarn_op *op, void *arg)
{
    struct tarn_metadata m;
    struct tarn_str out;
    TARN_TRY(tarn_metadata_parse(op, *(struct tarn_str *)arg, "test", &m));
    TARN_TRY(tarn_metadata_upgrade(op, &m, 3));
    return tarn_metadata_write(op, &m, &out);
}

static void every_allocation_may_fail(void **state)
{
    struct tarn_op *op = *state;
    static const char *const files[] = {"metadata_v1.json", "metadata_v3.json"};
    for (size_t i = 0; i < COUNT(files); i++) {
        struct tarn_str text = ice_file(op, files[i]);
        ice_alloc_sweep(upgrade_and_write, &text);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, ice_setup, ice_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_example_of_the_specification),
        TEST(deletes_have_no_row_ids),
        TEST(manifests_of_version_2_inherit),
        TEST(deletion_vectors_come_back),
        TEST(broken_vectors_are_refused),
        TEST(broken_lists_are_refused),
        TEST(version_3_is_written),
        TEST(members_are_those_of_java),
        TEST(row_ids_are_never_given_twice),
        TEST(tables_are_upgraded),
        TEST(defaults_are_checked),
        TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

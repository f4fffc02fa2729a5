/* Metadata that must not be taken: one change to a sound file, and what is said about it. */
#include "iceberg_fixture.h"

#include <stdlib.h>

#include "format/gzip.h"
#include "format/iceberg/view.h"

static const struct {
    const char *from, *to;
    enum tarn_status status;
    const char *part;
} CHANGES[] = {
    {"\"format-version\": 2", "\"format-version\": 4", TARN_UNSUPPORTED, "format version 4"},
    {"\"format-version\": 2", "\"format-version\": 0", TARN_CORRUPT, "does not exist"},
    {"\"format-version\": 2", "\"format-version\": \"2\"", TARN_CORRUPT, "must be a number"},
    {"\"format-version\": 2,", "", TARN_CORRUPT, "\"format-version\" is missing"},
    {"\"table-uuid\"", "\"x\"", TARN_CORRUPT, "\"table-uuid\" is missing"},
    {"\"s3://bucket/test/location\"", "\"\"", TARN_CORRUPT, "\"location\" is empty"},
    {"\"s3://bucket/test/location\"", "null", TARN_CORRUPT, "\"location\" is null"},
    {"\"last-sequence-number\"", "\"x\"", TARN_CORRUPT, "\"last-sequence-number\" is missing"},
    {"\"last-updated-ms\": 1602638573590", "\"last-updated-ms\": 1.5", TARN_CORRUPT,
     "integer of 64 bits"},
    {"\"last-column-id\": 22", "\"last-column-id\": 2147483648", TARN_CORRUPT,
     "integer of 32 bits"},
    {"\"current-schema-id\": 1", "\"current-schema-id\": 7", TARN_CORRUPT,
     "current schema 7 is missing"},
    {"\"schema-id\": 0", "\"schema-id\": 1", TARN_CORRUPT, "two schemas have the id 1"},
    {"\"id\": 22, \"name\": \"hash\"", "\"id\": 0, \"name\": \"hash\"", TARN_CORRUPT,
     "without a positive id"},
    {"\"id\": 22, \"name\": \"hash\"", "\"id\": 10, \"name\": \"hash\"", TARN_CORRUPT,
     "have the id 10"},
    {"\"default-spec-id\": 1", "\"default-spec-id\": 7", TARN_CORRUPT,
     "default partition spec 7 is missing"},
    {"\"spec-id\": 0", "\"spec-id\": 1", TARN_CORRUPT, "two partition specs have the id 1"},
    {"\"field-id\": 1001", "\"field-id\": 1000", TARN_CORRUPT, "two fields of a partition spec"},
    {", \"field-id\": 1001", "", TARN_CORRUPT, "1 of 4 fields have no id"},
    {"\"source-id\": 21", "\"source-id\": -1", TARN_CORRUPT, "negative"},
    {"\"source-id\": 21", "\"source-ids\": []", TARN_CORRUPT, "is empty"},
    {"bucket[16]", "bucket[0]", TARN_CORRUPT, "\"transform\" cannot be \"bucket[0]\""},
    {"\"last-partition-id\": 1003,", "", TARN_CORRUPT, "\"last-partition-id\" is missing"},
    {"\"default-sort-order-id\": 3", "\"default-sort-order-id\": 7", TARN_CORRUPT,
     "default sort order 7 is missing"},
    {"{\"order-id\": 0, \"fields\": []},", "{\"order-id\": 3, \"fields\": []},", TARN_CORRUPT,
     "two sort orders"},
    {"\"order-id\": 3", "\"order-id\": 0", TARN_CORRUPT, "unsorted"},
    {"\"direction\": \"desc\"", "\"direction\": \"down\"", TARN_CORRUPT,
     "\"direction\" cannot be \"down\""},
    {"\"null-order\": \"nulls-last\"", "\"null-order\": \"last\"", TARN_CORRUPT,
     "cannot be \"last\""},
    {"\"empty\": \"\"", "\"empty\": []", TARN_CORRUPT, "\"empty\" is not a string"},
    {"\"current-snapshot-id\": 3055729675574597004", "\"current-snapshot-id\": 1", TARN_CORRUPT,
     "current snapshot 1 is missing"},
    {"\"current-snapshot-id\": 3055729675574597004", "\"current-snapshot-id\": 3051729675574597004",
     TARN_CORRUPT, "branch main is at"},
    {"\"current-snapshot-id\": 3055729675574597004", "\"current-snapshot-id\": null", TARN_CORRUPT,
     "branch main is at"},
    {"\"snapshot-id\": 3051729675574597004", "\"snapshot-id\": 3055729675574597004", TARN_CORRUPT,
     "two snapshots have the id"},
    {"\"snapshot-id\": 3051729675574597004", "\"snapshot-id\": 0", TARN_CORRUPT, "cannot be 0"},
    {"\"snapshot-id\": 3051729675574597004", "\"snapshot-id\": \"3051729675574597004\"",
     TARN_CORRUPT, "must be a number"},
    {"\"sequence-number\": 34", "\"sequence-number\": 35", TARN_CORRUPT, "above the last one, 34"},
    {"\"sequence-number\": 34", "\"sequence-number\": -4", TARN_CORRUPT,
     "sequence number is negative"},
    {"\"timestamp-ms\": 1555100955770", "\"timestamp-ms\": null", TARN_CORRUPT,
     "\"timestamp-ms\" is null"},
    {"\"manifest-list\": \"s3://a/b/2.avro\"", "\"x\": 1", TARN_CORRUPT, "without a manifest list"},
    {"\"summary\": {\"operation\": \"append\"}", "\"summary\": []", TARN_CORRUPT,
     "must be an object"},
    {"\"type\": \"tag\"", "\"type\": \"twig\"", TARN_CORRUPT, "neither a branch nor a tag"},
    {"\"test\": {\"snapshot-id\": 3051729675574597004", "\"test\": {\"snapshot-id\": 7",
     TARN_CORRUPT, "points to snapshot 7"},
    {"\"test\":", "\"main\":", TARN_CORRUPT, "stands twice"},
    {"\"partition-statistics\": []", "\"partition-statistics\": {}", TARN_CORRUPT,
     "must be an array"},
    {"\"partition-statistics\": []", "\"partition-statistics\": [", TARN_CORRUPT, "not valid JSON"},
};

static void one_change_is_found(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str sound = ice_file(op, "metadata_v2.json");
    struct tarn_metadata m;
    ice_ok(op, tarn_metadata_parse(op, sound, "a.json", &m));
    for (size_t i = 0; i < COUNT(CHANGES); i++) {
        struct tarn_str bad = ice_replaced(op, sound, CHANGES[i].from, CHANGES[i].to);
        enum tarn_status status = tarn_metadata_parse(op, bad, "a.json", &m);
        if (status != CHANGES[i].status || !strstr(op->report.message, CHANGES[i].part))
            fail_msg("%s -> %s: status %d, %s", CHANGES[i].from, CHANGES[i].to, (int)status,
                     op->report.message);
    }
}

static void v1_needs_a_schema_and_a_spec(void **state)
{
    struct tarn_op *op = *state;
    static const char *const changes[][3] = {
        {"\"schema\"", "\"x\"", "no schema"},
        {"\"partition-spec\"", "\"x\"", "\"partition-spec\" is missing"},
        {"\"partition-spec\": [", "\"partition-spec\": 7, \"x\": [", "must be an array"}};
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct tarn_metadata m;
        struct tarn_str bad =
            ice_replaced(op, ice_file(op, "metadata_v1.json"), changes[i][0], changes[i][1]);
        ice_fails(op, tarn_metadata_parse(op, bad, "a.json", &m), TARN_CORRUPT, changes[i][2]);
    }
    struct tarn_metadata m;
    struct tarn_str v3 =
        ice_replaced(op, ice_file(op, "metadata_v3.json"), "\"next-row-id\": 250,", "");
    ice_fails(op, tarn_metadata_parse(op, v3, "a.json", &m), TARN_CORRUPT,
              "\"next-row-id\" is missing");
}

/* Every cut of the file is refused, and nothing beyond it is read (the sanitizer sees to that). */
static void a_file_that_was_cut_is_refused(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str sound = tarn_str_trim(ice_file(op, "metadata_v2.json"));
    for (size_t n = 0; n < sound.len; n += 7) {
        struct tarn_op child;
        struct tarn_metadata m;
        assert_int_equal(tarn_op_init(&child, 0, 0), TARN_OK);
        struct tarn_str cut = tarn_strdup(&child, tarn_str_of(sound.ptr, n));
        assert_int_equal(tarn_metadata_parse(&child, cut, "a.json", &m), TARN_CORRUPT);
        tarn_op_release(&child);
    }
}

static void a_scalar_is_no_metadata(void **state)
{
    struct tarn_op *op = *state;
    static const char *const texts[] = {"[]", "7", "null", "\"x\"", "{}"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct tarn_metadata m;
        ice_fails(op, tarn_metadata_parse(op, tarn_str_view(texts[i]), "a.json", &m), TARN_CORRUPT,
                  NULL);
    }
}

/* ---- files of ours: whatever bit flips, they read the same or not at all */

static enum tarn_status view_as_written(struct tarn_op *op, struct tarn_str json,
                                        struct tarn_str *out)
{
    struct tarn_view_metadata m;
    TARN_TRY(tarn_view_parse(op, json, "v.json", &m));
    m.extra = (struct tarn_kvs){0};
    return tarn_view_write(op, &m, out);
}

static enum tarn_status table_as_written(struct tarn_op *op, struct tarn_str json,
                                         struct tarn_str *out)
{
    struct tarn_metadata m;
    TARN_TRY(tarn_metadata_parse(op, json, "t.json", &m));
    m.extra = (struct tarn_kvs){0}; /* the checksum's own member, where the flip hit its name */
    return tarn_metadata_write(op, &m, out);
}

static size_t flip_all(struct tarn_str whole,
                       enum tarn_status (*again)(struct tarn_op *, struct tarn_str,
                                                 struct tarn_str *))
{
    size_t told = 0;
    char *copy = memcpy(malloc(whole.len), whole.ptr, whole.len);
    for (size_t bit = 0; bit < whole.len * 8; bit++) {
        struct tarn_op op;
        struct tarn_str out;
        assert_int_equal(tarn_op_init(&op, (size_t)16 << 20, (size_t)16 << 20), TARN_OK);
        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        enum tarn_status status = again(&op, tarn_str_of(copy, whole.len), &out);
        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        assert_true(status == TARN_OK || status == TARN_CORRUPT);
        assert_true(status != TARN_OK || tarn_str_eq(out, whole));
        told += status != TARN_OK;
        tarn_op_release(&op);
    }
    free(copy);
    return told;
}

static void every_flipped_bit_is_told(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str table, view, packed;
    ice_ok(op, table_as_written(op, ice_file(op, "metadata_v3.json"), &table));
    ice_ok(op, view_as_written(op, ice_file(op, "view.json"), &view));
    ice_ok(op, tarn_gzip_pack(op, table, &packed));
    assert_true(flip_all(table, table_as_written) > table.len * 8 - 200);
    assert_true(flip_all(view, view_as_written) > view.len * 8 - 200);
    for (size_t i = 0; i < packed.len; i++) {
        char *copy = memcpy(tarn_alloc(op, packed.len), packed.ptr, packed.len);
        copy[i] = (char)(copy[i] ^ 1 << i % 8);
        struct tarn_str out = {0};
        if (table_as_written(op, tarn_str_of(copy, packed.len), &out) == TARN_OK)
            assert_true(tarn_str_eq(out, table));
    }
}

/* What another program wrote anew is its own: the member counts in our spelling alone. */
static void files_of_others_have_no_checksum(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata m;
    struct tarn_str ours;
    ice_ok(op, table_as_written(op, ice_file(op, "metadata_v3.json"), &ours));
    struct tarn_str edited =
        ice_replaced(op, ours, "\"last-updated-ms\":", "\"last-updated-ms\": ");
    ice_fails(op, tarn_metadata_parse(op, edited, "t.json", &m), TARN_CORRUPT,
              "could not read \"t.json\": its checksum does not match");
    ice_ok(op, tarn_metadata_parse(
                   op, ice_replaced(op, edited, "{\"tarn-crc32\":", "{\"tarn-crc32\": "), "t.json",
                   &m));
    assert_int_equal(m.extra.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_change_is_found, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(v1_needs_a_schema_and_a_spec, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_was_cut_is_refused, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(a_scalar_is_no_metadata, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_told, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(files_of_others_have_no_checksum, ice_setup, ice_teardown),
    };
    return cmocka_run_group_tests_name("metadata_bad", tests, NULL, NULL);
}

/* test_manifest_fixture: a table whose spec 1 has a partition field of every type, spec 0
 * none, and short ways to files. */
#ifndef TARN_TEST_MANIFEST_FIXTURE_H
#define TARN_TEST_MANIFEST_FIXTURE_H

#include "iceberg_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "format/iceberg/manifest.h"

#define SNAPSHOT INT64_C(7126312345678901234) /* above 2^53 */

static const char *const part_columns[] = {
    "boolean", "int",  "long",      "float",       "double", "decimal(9, 2)", "decimal(38, 10)",
    "date",    "time", "timestamp", "timestamptz", "string", "uuid",          "fixed[5]",
    "binary",
};
/* Fields of spec 1 behind the identities: source column (from 1), transform, type of the result. */
static const struct {
    int source;
    const char *transform, *result;
} part_transforms[] = {
    {10, "day", "date"},
    {10, "hour", "int"},
    {8, "month", "int"},
    {8, "year", "int"},
    {12, "bucket[16]", "int"},
    {12, "truncate[4]", "string"},
    {6, "truncate[50]", "decimal(9, 2)"},
    {3, "void", "long"},
    {6, "identity", "decimal(9, 2)"},
};
#define PART_COLUMNS COUNT(part_columns)
#define PART_FIELDS  (PART_COLUMNS + COUNT(part_transforms))

/* Texts of one tuple: identities first, then the transforms' results. */
static const char *const part_values[PART_FIELDS] = {
    "true",
    "-2147483648",
    "9223372036854775807",
    "1.5",
    "-2.25",
    "-1234567.89",
    "-9999999999999999999999999999.9999999999",
    "1969-12-31",
    "23:59:59.999999",
    "2017-11-16 22:31:08.123456",
    "1969-12-31 23:59:59.999999+00:00",
    "gr\xc3\xbc\xc3\x9f, \xf0\x9f\x98\x8e",
    "f79c3e09-677c-4bbd-a479-3f349cb785e7",
    "0001feff80",
    "",
    "2017-11-16",
    "419806",
    "-1",
    "-1",
    "15",
    "gr\xc3\xbc\xc3\x9f",
    "-1234568.00",
    "null",
    "1234567.89",
};

/* Names that Avro does not take are among the fields' names. */
static inline void part_name(size_t i, char out[64])
{
    static const char *const odd[] = {"1st", "a.b", "gr\303\266\303\237e", "x\xf0\x9f\x98\x8e"};
    if (i < COUNT(odd))
        (void)snprintf(out, 64, "%s", odd[i]);
    else
        (void)snprintf(out, 64, "p%zu", i);
}

static inline void metadata_specs(struct tarn_buf *b)
{
    tarn_buf_z(b, "{\"spec-id\":0,\"fields\":[]},{\"spec-id\":1,\"fields\":[");
    for (size_t i = 0; i < PART_FIELDS; i++) {
        char name[64];
        part_name(i, name);
        bool identity = i < PART_COLUMNS;
        int source = identity ? (int)i + 1 : part_transforms[i - PART_COLUMNS].source;
        const char *transform = identity ? "identity" : part_transforms[i - PART_COLUMNS].transform;
        tarn_buf_printf(b,
                        "%s{\"name\":\"%s\",\"transform\":\"%s\",\"source-id\":%d,"
                        "\"field-id\":%zu}",
                        i ? "," : "", name, transform, source, 1000 + i);
    }
    tarn_buf_z(b, "]}");
}

static inline struct tarn_metadata *metadata_new(struct tarn_op *op)
{
    struct tarn_buf b;
    struct tarn_str json;
    struct tarn_metadata *m = tarn_alloc(op, sizeof *m);
    tarn_buf_init(&b, 1 << 20);
    tarn_buf_z(&b, "{\"format-version\":2,\"table-uuid\":\"f79c3e09-677c-4bbd-a479-3f349cb785e7\","
                   "\"location\":\"s3://bucket/t\",\"last-sequence-number\":9,"
                   "\"last-updated-ms\":1600000000000,\"last-column-id\":15,"
                   "\"current-schema-id\":3,\"schemas\":[{\"type\":\"struct\",\"schema-id\":3,"
                   "\"fields\":[");
    for (size_t i = 0; i < PART_COLUMNS; i++)
        tarn_buf_printf(&b, "%s{\"id\":%zu,\"name\":\"c%zu\",\"required\":false,\"type\":\"%s\"}",
                        i ? "," : "", i + 1, i + 1, part_columns[i]);
    tarn_buf_z(&b, "]}],\"default-spec-id\":1,\"partition-specs\":[");
    metadata_specs(&b);
    tarn_buf_printf(&b,
                    "],\"last-partition-id\":%zu,\"default-sort-order-id\":0,"
                    "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"properties\":{}}",
                    999 + PART_FIELDS);
    ice_ok(op, (enum tarn_status)tarn_buf_take(op, &b, "test", &json));
    ice_ok(op, tarn_metadata_parse(op, json, "test.metadata.json", m));
    return m;
}

static inline struct tarn_type part_type(struct tarn_op *op, size_t i)
{
    return ice_type(op,
                    i < PART_COLUMNS ? part_columns[i] : part_transforms[i - PART_COLUMNS].result);
}

static inline struct tarn_value *tuple_of(struct tarn_op *op, const char *const *texts)
{
    struct tarn_value *v = tarn_alloc_array(op, PART_FIELDS, sizeof *v);
    assert_non_null(v);
    for (size_t i = 0; i < PART_FIELDS; i++) {
        struct tarn_type t = part_type(op, i);
        v[i] = ice_value(op, &t, texts ? texts[i] : "null");
    }
    return v;
}

/* An added data file without partition, with statistics of two columns. */
static inline struct tarn_manifest_entry entry_plain(const char *path)
{
    static struct tarn_id_count sizes[] = {{1, 100}, {2, INT64_MAX}}, counts[] = {{1, 10}, {2, 10}},
                                nulls[] = {{1, 0}, {2, 10}}, nans[] = {{4, 3}};
    static struct tarn_id_bytes lower[] = {{1, {"\0", 1}}, {12, {"", 0}}},
                                upper[] = {{1, {"\1", 1}}, {12, {"zz", 2}}};
    static int64_t offsets[] = {4, 4096};
    return (struct tarn_manifest_entry){.status = TARN_ENTRY_ADDED,
                                        .snapshot_id = SNAPSHOT,
                                        .sequence_number = -1,
                                        .file_sequence_number = -1,
                                        .file = {.path = tarn_str_view(path),
                                                 .format = TARN_STR("PARQUET"),
                                                 .record_count = 10,
                                                 .size_bytes = INT64_C(1) << 40,
                                                 .column_sizes = sizes,
                                                 .column_size_count = 2,
                                                 .value_counts = counts,
                                                 .value_count_count = 2,
                                                 .null_counts = nulls,
                                                 .null_count_count = 2,
                                                 .nan_counts = nans,
                                                 .nan_count_count = 1,
                                                 .lower = lower,
                                                 .lower_count = 2,
                                                 .upper = upper,
                                                 .upper_count = 2,
                                                 .split_offsets = offsets,
                                                 .split_offset_count = 2,
                                                 .sort_order_id = 0,
                                                 .first_row_id = -1,
                                                 .content_offset = -1,
                                                 .content_size = -1}};
}

static inline struct tarn_manifest_write write_of(const struct tarn_metadata *m, int32_t spec_id,
                                                  const struct tarn_manifest_entry *entries,
                                                  size_t count)
{
    return (struct tarn_manifest_write){.metadata = m,
                                        .schema = tarn_metadata_schema(m),
                                        .spec = tarn_metadata_spec_by_id(m, spec_id),
                                        .snapshot_id = SNAPSHOT,
                                        .next_sequence_number = 10,
                                        .entries = entries,
                                        .count = count};
}

/* Writes a manifest and gives its list entry a path and the sequence number 10. */
static inline struct tarn_str manifest_of(struct tarn_op *op, const struct tarn_manifest_write *in,
                                          struct tarn_manifest_file *out)
{
    struct tarn_str bytes;
    *out = (struct tarn_manifest_file){.path = TARN_STR("s3://bucket/t/metadata/m0.avro"),
                                       .sequence_number = 10};
    ice_ok(op, tarn_manifest_write(op, in, &bytes, out));
    return bytes;
}

/* Puts a file into $TARN_TEST_OUT, for readers of others. */
static inline void file_out(const char *name, struct tarn_str bytes)
{
    const char *dir = getenv("TARN_TEST_OUT");
    char path[512];
    if (!dir)
        return;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
    assert_int_equal(fclose(f), 0);
}

#endif

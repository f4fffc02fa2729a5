/* room: format */
/* Manifests and manifest lists. The first byte picks: a list, or a manifest with a spec of the
 * table's or of its own header, of data or deletes, in a list of v1, v2 or v3. A file that is
 * read is written again, as version 2 or 3, and must come back. */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "format/iceberg/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char table[] =
    "{\"format-version\":2,\"table-uuid\":\"f79c3e09-677c-4bbd-a479-3f349cb785e7\",\"location\":"
    "\"s3://b/"
    "t\",\"last-sequence-number\":9,\"last-updated-ms\":1600000000000,\"last-column-id\":4,"
    "\"current-schema-id\":0,\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":\"decimal(9, 2)\"},"
    "{\"id\":2,\"name\":\"b\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":3,\"name\":\"c\",\"required\":false,\"type\":\"timestamp\"},"
    "{\"id\":4,\"name\":\"d\",\"required\":false,\"type\":\"uuid\"}]}],\"default-spec-id\":0,"
    "\"partition-specs\":[{\"spec-id\":0,\"fields\":[]},{\"spec-id\":1,\"fields\":["
    "{\"name\":\"a\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000},"
    "{\"name\":\"b\",\"transform\":\"identity\",\"source-id\":2,\"field-id\":1001},"
    "{\"name\":\"c\",\"transform\":\"day\",\"source-id\":3,\"field-id\":1002},"
    "{\"name\":\"d\",\"transform\":\"identity\",\"source-id\":4,\"field-id\":1003}]}],"
    "\"last-partition-id\":1003,\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,"
    "\"fields\":[]}],\"properties\":{}}";

static void manifest_again(struct tarn_op *op, const struct tarn_metadata *m,
                           const struct tarn_manifest_file *f, const struct tarn_manifest *got)
{
    struct tarn_manifest_write in = {.metadata = m,
                                     .schema = tarn_metadata_schema(m),
                                     .spec = tarn_metadata_spec_by_id(m, f->spec_id),
                                     .deletes = f->deletes,
                                     .snapshot_id = 1,
                                     .next_sequence_number = 10,
                                     .entries = got->entries,
                                     .count = got->count};
    struct tarn_manifest_file out = {.path = TARN_STR("again"), .sequence_number = 10};
    struct tarn_manifest again;
    struct tarn_str bytes;
    if (!in.spec || tarn_manifest_write(op, &in, &bytes, &out) != TARN_OK)
        return;
    TARN_ASSERT(tarn_manifest_parse(op, bytes, m, &out, &again) == TARN_OK);
    TARN_ASSERT(again.count == got->count);
    for (size_t i = 0; i < got->count; i++)
        TARN_ASSERT(tarn_str_eq(again.entries[i].file.path, got->entries[i].file.path) &&
                    again.entries[i].file.record_count == got->entries[i].file.record_count);
}

static void manifest(struct tarn_op *op, uint8_t pick, struct tarn_str bytes)
{
    struct tarn_metadata m;
    struct tarn_manifest got;
    struct tarn_manifest_file f = {.path = TARN_STR("input"),
                                   .spec_id = pick & 3,
                                   .deletes = (pick & 4) != 0,
                                   .sequence_number = pick & 8 ? 5 : 0,
                                   .added_snapshot_id = 1,
                                   .first_row_id = pick & 16 ? 100 : -1,
                                   .added_files = -1};
    TARN_ASSERT(tarn_metadata_parse(op, TARN_STR(table), "table", &m) == TARN_OK);
    if (pick & 32)
        TARN_ASSERT(tarn_metadata_upgrade(op, &m, 3) == TARN_OK);
    if (tarn_manifest_parse(op, bytes, &m, &f, &got) == TARN_OK)
        manifest_again(op, &m, &f, &got);
}

/* As a table of version 3 writes it, which takes what version 2 does. */
static enum tarn_status list_write(struct tarn_op *op, const struct tarn_manifest_list *list,
                                   int64_t snapshot_id, int64_t parent_id, int64_t sequence_number,
                                   struct tarn_str *out)
{
    struct tarn_manifest_list_write in = {.format_version = 3,
                                          .snapshot_id = snapshot_id,
                                          .parent_id = parent_id,
                                          .sequence_number = sequence_number};
    int64_t next_row_id;
    return tarn_manifest_list_write(op, list, &in, out, &next_row_id);
}

static void list(struct tarn_op *op, struct tarn_str bytes)
{
    struct tarn_manifest_list got, again;
    if (tarn_manifest_list_parse(op, bytes, "input", &got) != TARN_OK ||
        list_write(op, &got, 1, 0, 10, &bytes) != TARN_OK)
        return;
    TARN_ASSERT(tarn_manifest_list_parse(op, bytes, "again", &again) == TARN_OK);
    TARN_ASSERT(again.count == got.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    if (size == 0 || tarn_op_init(&op, (size_t)256 << 20, 0) != TARN_OK)
        return 0;
    struct tarn_str bytes = tarn_str_of(data + 1, size - 1);
    if (data[0] & 128)
        list(&op, bytes);
    else
        manifest(&op, data[0], bytes);
    tarn_op_release(&op);
    return 0;
}

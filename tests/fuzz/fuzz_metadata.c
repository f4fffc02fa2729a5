/* room: format */
/* Table metadata: what is taken can be written (version 1 as 2), unless it says that it cannot; what was written is taken again and
 * written byte for byte the same. */
#include "format/iceberg/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool may_refuse_to_write(enum tarn_status status)
{
    return status == TARN_UNSUPPORTED || status == TARN_INVALID || status == TARN_NOMEM ||
           status == TARN_LIMIT;
}

static void walk(struct tarn_op *op, const struct tarn_metadata *m)
{
    struct tarn_type type;
    (void)tarn_metadata_nested_names_changed(m);
    for (size_t i = 0; i < m->snapshot_count && i < 8; i++)
        (void)tarn_metadata_is_ancestor(m, m->snapshots[i].snapshot_id, m->current_snapshot_id);
    for (size_t i = 0; i < m->spec_count && i < 8; i++)
        if (tarn_partition_type(op, m, &m->specs[i], &type) == TARN_OK)
            (void)tarn_type_text(op, &type);
}

static void run(struct tarn_op *op, struct tarn_str text)
{
    struct tarn_metadata m, again;
    struct tarn_str once, twice;
    if (tarn_metadata_parse(op, text, "fuzz", &m) != TARN_OK)
        return;
    TARN_ASSERT(tarn_metadata_schema(&m) && tarn_metadata_spec(&m));
    walk(op, &m);
    enum tarn_status status =
        tarn_metadata_upgrade(op, &m, m.format_version == 1 ? 2 : m.format_version);
    if (status == TARN_OK)
        status = tarn_metadata_write(op, &m, &once);
    if (status != TARN_OK) {
        TARN_ASSERT(may_refuse_to_write(status));
        return;
    }
    status = tarn_metadata_parse(op, once, "written", &again);
    if (status == TARN_NOMEM)
        return;
    TARN_ASSERT(status == TARN_OK);
    TARN_ASSERT(again.snapshot_count == m.snapshot_count && again.ref_count == m.ref_count);
    TARN_ASSERT(tarn_type_eq(&tarn_metadata_schema(&m)->root, &tarn_metadata_schema(&again)->root));
    if (tarn_metadata_write(op, &again, &twice) == TARN_OK)
        TARN_ASSERT(tarn_str_eq(once, twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    if (tarn_op_init(&op, (size_t)64 << 20, (size_t)16 << 20) == TARN_OK)
        run(&op, tarn_str_of(data, size));
    tarn_op_release(&op);
    return 0;
}

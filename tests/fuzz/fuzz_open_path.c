/* room: lake
 *
 * A folder of a table that no catalog knows: what its version hint says, and which of its metadata
 * files counts. The input is the hint, and after a line each the names of files. */
#include <string.h>

#include "lake/open_path.h"

#define FOLDER "mem://t/metadata/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char table[] =
    "{\"format-version\":2,\"table-uuid\":\"f79c3e09-677c-4bbd-a479-3f349cb785e7\",\"location\":"
    "\"mem://t\",\"last-sequence-number\":0,\"last-updated-ms\":1600000000000,\"last-column-id\":1,"
    "\"current-schema-id\":0,\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":\"int\"}]}],\"default-spec-id\":0,"
    "\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],\"last-partition-id\":999,"
    "\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}]}";

static void put_files(struct tarn_lake *lake, struct tarn_op *op, struct tarn_str rest)
{
    struct tarn_str line;
    for (int i = 0; rest.len && i < 16; i++) {
        if (!tarn_str_cut(&rest, '\n', &line)) {
            line = rest;
            rest.len = 0;
        }
        struct tarn_str path = tarn_sprintf(op, FOLDER "%.*s", TARN_STR_ARG(line));
        struct tarn_str text = i == 0 ? line : tarn_str_view(table);
        if (i == 0)
            path = TARN_STR(FOLDER "version-hint.text");
        if (line.len && !memchr(line.ptr, 0, line.len))
            (void)tarn_storage_put(lake->storage, op, path, text);
        tarn_clear(op);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct tarn_lake lake = {0};
    struct tarn_table *t = NULL;
    if (size > 4096 || tarn_op_init(&op, (size_t)64 << 20, 0) != TARN_OK)
        return 0;
    TARN_ASSERT(tarn_storage_mem_open(&op, &lake.storage) == TARN_OK);
    put_files(&lake, &op, tarn_str_of(data, size));
    if (tarn_table_open_path(&lake, &op, TARN_STR("mem://t/"), &t) == TARN_OK)
        TARN_ASSERT(tarn_str_starts(t->metadata_location, TARN_STR(FOLDER)));
    tarn_storage_close(lake.storage);
    tarn_op_release(&op);
    return 0;
}

/* room: sql
 *
 * Name mappings of others, widened by a table's columns: what comes out is a mapping of every
 * column, which can be widened again. */
#include "format/iceberg/mapping.h"
#include "sql/call_files_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct tarn_schema schema = {0};
    struct tarn_str once, twice;
    struct tarn_json *fields;
    int32_t next = 1;
    if (tarn_op_init(&op, (size_t)64 << 20, 0) != TARN_OK)
        return 0;
    TARN_ASSERT(tarn_type_parse(&op,
                                TARN_STR("struct<id: long, name: string, at: struct<x: int, y: "
                                         "list<int>>, m: map<string, struct<z: int>>>"),
                                &schema.root) == TARN_OK);
    tarn_type_assign_ids(&schema.root, &next);
    if (tarn__name_mapping(&op, &schema, tarn_str_of(data, size), &once) == TARN_OK) {
        TARN_ASSERT(tarn_json_parse(&op, once, "written", &fields) == TARN_OK);
        for (int32_t id = 1; id <= 4; id++)
            TARN_ASSERT(tarn_mapping_names(tarn_mapping_by_id(fields, id)) ||
                        tarn_mapping_by_name(fields, schema.root.fields[id - 1].name));
        TARN_ASSERT(tarn__name_mapping(&op, &schema, once, &twice) == TARN_OK);
    }
    tarn_op_release(&op);
    return 0;
}

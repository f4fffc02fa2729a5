/* write: what a table's properties ask of a write. */
#include "flow/flow_int.h"

/* Spec "Reserved Field IDs". */
#define ID_ROW_ID       2147483540
#define ID_ROW_SEQUENCE 2147483539

/* ---- a write's options */

static struct tarn_str property(const struct tarn_metadata *m, const char *key,
                                const char *otherwise)
{
    const struct tarn_str *v = tarn_kvs_get(&m->properties, key);
    return v ? *v : tarn_str_view(otherwise);
}

static enum tarn_status number_property(struct tarn_op *op, const struct tarn_metadata *m,
                                        const char *key, int64_t otherwise, int64_t min,
                                        int64_t max, int64_t *out)
{
    const struct tarn_str *v = tarn_kvs_get(&m->properties, key);
    *out = otherwise;
    if (v && (!tarn_str_to_i64(*v, out) || *out < min || *out > max))
        return tarn_fail(op, TARN_CONFIG, "table property \"%s\" is not a number from %lld to %lld",
                         key, (long long)min, (long long)max);
    return TARN_OK;
}

/* Columns are packed once they are encoded: zstd's first level makes files as small as its third,
 * within a few per cent either way, with a good part less work. 0: the codec's own. */
static int64_t codec_level_of(struct tarn_str codec)
{
    return tarn_str_eq_nocase(codec, TARN_STR("zstd")) ? 1 : 0;
}

/* Partition values that follow from ingest_ts alone are the same for all rows of a run. */
static enum tarn_status constant_tuple(struct tarn_op *op, const struct tarn_metadata *m,
                                       const struct tarn_partition_spec *spec, int64_t ingest_ts_us,
                                       const struct tarn_value **out)
{
    const struct tarn_field *ts =
        tarn_type_field_by_name(&tarn_metadata_schema(m)->root, TARN_STR("ingest_ts"));
    struct tarn_value *values;
    *out = NULL;
    for (size_t i = 0; i < spec->field_count; i++)
        if (ingest_ts_us == INT64_MIN || !ts || spec->fields[i].source_id != ts->id ||
            spec->fields[i].transform.kind == TARN_TRANSFORM_OTHER)
            return TARN_OK;
    TARN_NEW_ARRAY(op, values, spec->field_count + 1);
    for (size_t i = 0; i < spec->field_count; i++) {
        struct tarn_value v = {.i = ingest_ts_us};
        TARN_TRY(tarn_transform_apply(op, &spec->fields[i].transform, &ts->type, &v, &values[i]));
    }
    *out = values;
    return TARN_OK;
}

/* The table's default order; NULL = none. */
static const struct tarn_sort_order *sort_order(const struct tarn_metadata *m)
{
    for (size_t i = 0; i < m->sort_order_count; i++)
        if (m->sort_orders[i].order_id == m->default_sort_order_id)
            return m->sort_orders[i].field_count ? &m->sort_orders[i] : NULL;
    return NULL;
}

/* The first of these properties that is set; else hash. Nothing is to be gathered without
 * partitions, and an order is kept whatever the mode, so that none differs from the others by the
 * files of partitions alone. */
static enum tarn_status distribution(struct tarn_op *op, const struct tarn_metadata *m,
                                     const char *const *keys, size_t count,
                                     enum tarn_distribution *out)
{
    static const struct {
        const char *name;
        enum tarn_distribution mode;
    } modes[] = {{"none", TARN_DISTRIBUTE_NONE},
                 {"hash", TARN_DISTRIBUTE_HASH},
                 {"range", TARN_DISTRIBUTE_RANGE}};
    *out = TARN_DISTRIBUTE_HASH;
    for (size_t k = 0; k < count; k++) {
        const struct tarn_str *v = tarn_kvs_get(&m->properties, keys[k]);
        for (size_t i = 0; v && i < sizeof modes / sizeof modes[0]; i++)
            if (tarn_str_eq_nocase(*v, tarn_str_view(modes[i].name))) {
                *out = modes[i].mode;
                return TARN_OK;
            }
        if (v)
            return tarn_fail(op, TARN_CONFIG,
                             "table property \"%s\" is \"%.*s\", not none, hash or range", keys[k],
                             TARN_STR_ARG(*v));
    }
    return TARN_OK;
}

enum tarn_status tarn_flow_write_statement(struct tarn_op *op, const char *statement,
                                           struct tarn_write *w)
{
    static const char *const known[][2] = {{"delete", "write.delete.distribution-mode"},
                                           {"update", "write.update.distribution-mode"},
                                           {"merge", "write.merge.distribution-mode"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(statement, known[i][0]) == 0)
            return distribution(op, w->metadata, &known[i][1], 1, &w->distribution);
    return TARN_OK;
}

static struct tarn_str data_folder(struct tarn_op *op, const struct tarn_metadata *m)
{
    static const char *const keys[] = {"write.data.path", "write.folder-storage.path"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct tarn_str path = property(m, keys[i], "");
        while (path.len > 1 && path.ptr[path.len - 1] == '/')
            path.len--;
        if (path.len)
            return tarn_strdup(op, path);
    }
    return tarn_path_join(op, m->location, TARN_STR("data"));
}

enum tarn_status tarn_flow_write(const struct tarn_flow *flow, struct tarn_op *op,
                                 const struct tarn_change *change, int64_t ingest_ts_us,
                                 struct tarn_write *out)
{
    const struct tarn_metadata *m = tarn_change_metadata(change);
    int64_t level;
    *out = (struct tarn_write){
        .metadata = m,
        .schema = tarn_metadata_schema(m),
        .spec = tarn_metadata_spec(m),
        .codec = property(m, "write.parquet.compression-codec", "zstd"),
        .sort = sort_order(m),
        .spread = tarn_str_eq_nocase(property(m, "write.object-storage.enabled", "false"),
                                     TARN_STR("true")),
    };
    TARN_TRY(number_property(op, m, "write.target-file-size-bytes", 512 << 20, 1 << 16,
                             (int64_t)1 << 40, &out->target_file_size_bytes));
    TARN_TRY(number_property(op, m, "write.parquet.compression-level", codec_level_of(out->codec),
                             -100, 22, &level));
    out->codec_level = (int32_t)level;
    TARN_TRY(number_property(op, m, "write.parquet.row-group-size-bytes", 0, 1 << 16,
                             (int64_t)1 << 40, &out->row_group_bytes));
    static const char *const mode = "write.distribution-mode";
    TARN_TRY(distribution(op, m, &mode, 1, &out->distribution));
    TARN_TRY(tarn__write_metrics(op, m, out));
    TARN_TRY(constant_tuple(op, m, out->spec, ingest_ts_us, &out->constants));
    struct tarn_str folder = data_folder(op, m);
    if (!folder.ptr)
        return TARN_NOMEM;
    return tarn_storage_local_path(flow->lake->storage, op, folder, &out->folder);
}

enum tarn_status tarn_flow_write_lineage(struct tarn_op *op, struct tarn_write *w)
{
    struct tarn_schema *s;
    size_t n = w->schema->root.field_count;
    TARN_NEW(op, s);
    *s = *w->schema;
    TARN_NEW_ARRAY(op, s->root.fields, n + 2);
    if (n)
        memcpy(s->root.fields, w->schema->root.fields, n * sizeof *s->root.fields);
    s->root.fields[n] = (struct tarn_field){
        .id = ID_ROW_ID, .name = TARN_STR("_row_id"), .type = {.kind = TARN_TYPE_LONG}};
    s->root.fields[n + 1] = (struct tarn_field){.id = ID_ROW_SEQUENCE,
                                                .name = TARN_STR("_last_updated_sequence_number"),
                                                .type = {.kind = TARN_TYPE_LONG}};
    s->root.field_count = n + 2;
    w->schema = s;
    return TARN_OK;
}

enum tarn_status tarn_flow_properties(struct tarn_op *op, const struct tarn_kvs *given,
                                      struct tarn_kvs *out)
{
    static const char *const own[][2] = {{"write.parquet.compression-codec", "zstd"},
                                         {"write.delete.mode", "merge-on-read"},
                                         {"write.update.mode", "merge-on-read"},
                                         {"write.merge.mode", "merge-on-read"}};
    *out = (struct tarn_kvs){0};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        TARN_TRY(tarn_kvs_with(op, out, tarn_str_view(own[i][0]), tarn_str_view(own[i][1]), out));
    for (size_t i = 0; i < given->count; i++)
        TARN_TRY(tarn_kvs_with(op, out, given->items[i].key, given->items[i].value, out));
    return TARN_OK;
}

enum tarn_status tarn_flow_set_properties(struct tarn_op *op, const struct tarn_kvs *given,
                                          struct tarn_change *change)
{
    for (size_t i = 0; i < given->count; i++) {
        const struct tarn_kv *kv = &given->items[i];
        int64_t version;
        if (!tarn_str_is(kv->key, "format-version")) {
            TARN_TRY(tarn_change_set_property(change, op, kv->key, kv->value));
            continue;
        }
        if (!tarn_str_to_i64(kv->value, &version) || version < 1 || version > 3)
            return tarn_fail(op, TARN_INVALID, "format version \"%.*s\" is none of 1 to 3",
                             TARN_STR_ARG(kv->value));
        if (version > tarn_change_metadata(change)->format_version)
            TARN_TRY(tarn_change_upgrade(change, op, (int)version));
    }
    return TARN_OK;
}

void tarn_flow_remove(const struct tarn_flow *flow, struct tarn_op *op,
                      const struct tarn_written *written)
{
    struct tarn_report keep = op->report;
    for (size_t i = 0; i < written->count; i++)
        (void)!tarn_storage_remove(flow->lake->storage, op, written->files[i].path);
    op->report = keep;
}

/* ---- reading small results */

enum tarn_status tarn_each_row(const struct tarn_flow *flow, struct tarn_op *op,
                               struct tarn_str sql, tarn_row_fn *fn, void *ctx)
{
    struct tarn_result *result;
    struct tarn_batch batch;
    enum tarn_status status;
    TARN_TRY(tarn_session_query(flow->session, op, (struct tarn_sql_text){.sql = sql, .line0 = 1},
                                &result));
    do {
        TARN_GO(tarn_result_next(result, op, &batch));
        for (size_t i = 0; i < batch.rows; i++)
            TARN_GO(fn(ctx, op, &batch, i));
    } while (batch.rows);
out:
    tarn_result_close(result);
    return status;
}

struct tarn_str tarn_cell_text(const struct tarn_batch *b, size_t column, size_t row)
{
    const struct tarn_column *c = &b->columns[column];
    if (tarn_column_is_null(c, row))
        return (struct tarn_str){NULL, 0};
    return tarn_str_of(c->bytes + c->offsets[row], c->offsets[row + 1] - c->offsets[row]);
}

int64_t tarn_cell_long(const struct tarn_batch *b, size_t column, size_t row)
{
    const struct tarn_column *c = &b->columns[column];
    return tarn_column_is_null(c, row) ? 0 : ((const int64_t *)c->data)[row];
}

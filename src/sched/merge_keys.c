/* merge_keys: the rows of a merge model's result, told apart by their key. */
#include "sched/sched_int.h"

static void put_names(struct tarn_buf *sql, const struct tarn_strs *columns, const char *between,
                      const char *behind)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (i)
            tarn_buf_z(sql, between);
        tarn_buf_sql_name(sql, columns->items[i]);
        tarn_buf_z(sql, behind);
    }
}

static enum tarn_status offends(const struct tarn__build *b, const struct tarn_model *model,
                                struct tarn_buf *sql, const char *what)
{
    struct tarn_str sample;
    struct tarn_buf counting;
    int64_t n = 0;
    enum tarn_status status;
    tarn_buf_init(&counting, 16 << 20);
    tarn_buf_printf(&counting, "SELECT count(*) FROM (%.*s)", TARN_STR_ARG(tarn_buf_view(sql)));
    status = (enum tarn_status)tarn_buf_finish(b->op, &counting, "key query");
    if (status == TARN_OK)
        status = tarn_session_int(b->w->session, b->op, tarn_buf_view(&counting), &n);
    tarn_buf_release(&counting);
    TARN_TRY(status);
    if (n == 0)
        return TARN_OK;
    struct tarn_sql_text text = {.sql = tarn_buf_view(sql), .line0 = 1};
    TARN_TRY(tarn__sample_rows(b, text, 10, &sample));
    (void)tarn_place_fail(b->op, TARN_CHECK,
                          tarn_place_of(model->key.node ? model->key.node : model->node),
                          "model %.*s.%.*s makes %lld %s", TARN_STR_ARG(model->ident.ns),
                          TARN_STR_ARG(model->ident.name), (long long)n, what);
    tarn_detail(b->op, "%.*s", TARN_STR_ARG(sample));
    tarn_hint(b->op, "a merge needs one row a key: deduplicate in the model, or name the columns "
                     "that tell rows apart");
    return TARN_CHECK;
}

/* As many hashes as rows: all keys differ, without grouping by them. Anything else is looked at
 * closely. */
static enum tarn_status surely_unique(const struct tarn__build *b, const struct tarn_model *model,
                                      const struct tarn_written *result, bool *out)
{
    struct tarn_buf sql;
    int64_t missing = 0;
    tarn_buf_init(&sql, 16 << 20);
    bool small = result->rows <= TARN_DISTINCT_ROWS_MAX;
    tarn_buf_printf(&sql, "SELECT count(*) - %shash(",
                    small ? "tarn_count_distinct(" : "count(DISTINCT ");
    put_names(&sql, &model->key, ", ", "");
    tarn_buf_z(&sql, ")) + count(*) FILTER (WHERE ");
    put_names(&sql, &model->key, " OR ", " IS NULL");
    tarn_buf_z(&sql, ") FROM ");
    tarn__written_relation(&sql, result);
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(b->op, &sql, "key query");
    if (status == TARN_OK)
        status = tarn_session_int(b->w->session, b->op, tarn_buf_view(&sql), &missing);
    tarn_buf_release(&sql);
    *out = missing == 0;
    return status;
}

enum tarn_status tarn__check_keys(const struct tarn__build *b, const struct tarn_model *model,
                                  const struct tarn_written *result)
{
    struct tarn_buf sql;
    enum tarn_status status = TARN_OK;
    bool unique;
    if (result->count == 0)
        return TARN_OK;
    TARN_TRY(surely_unique(b, model, result, &unique));
    if (unique)
        return TARN_OK;
    tarn_buf_init(&sql, 16 << 20);
    tarn_buf_z(&sql, "SELECT * FROM ");
    tarn__written_relation(&sql, result);
    tarn_buf_z(&sql, " WHERE ");
    put_names(&sql, &model->key, " OR ", " IS NULL");
    status = offends(b, model, &sql, "rows whose key is null");
    if (status == TARN_OK) {
        tarn_buf_reset(&sql);
        tarn_buf_z(&sql, "SELECT ");
        put_names(&sql, &model->key, ", ", "");
        tarn_buf_z(&sql, ", count(*) AS rows FROM ");
        tarn__written_relation(&sql, result);
        tarn_buf_z(&sql, " GROUP BY ALL HAVING count(*) > 1");
        status = offends(b, model, &sql, "keys with more than one row");
    }
    tarn_buf_release(&sql);
    return status;
}

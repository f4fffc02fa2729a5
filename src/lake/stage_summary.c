/* stage_summary: a snapshot's summary (spec "Optional Snapshot Summary Fields", trap 30). */
#include "lake/change_int.h"

static enum tarn_status put_count(struct tarn_op *op, struct tarn_kvs *kvs, const char *key,
                                  int64_t n)
{
    struct tarn_str text = tarn_sprintf(op, "%lld", (long long)n);
    if (!text.ptr)
        return TARN_NOMEM;
    return tarn_kvs_with(op, kvs, tarn_str_view(key), text, kvs);
}

/* A total is written only when the parent's is known (trap 30). */
static enum tarn_status put_total(struct tarn_op *op, struct tarn_kvs *kvs,
                                  const struct tarn_snapshot *parent, const char *key,
                                  int64_t delta)
{
    int64_t before = 0;
    if (parent) {
        const struct tarn_str *v = tarn_kvs_get(&parent->summary, key);
        if (!v || !tarn_str_to_i64(*v, &before))
            return TARN_OK;
    }
    return before + delta < 0 ? TARN_OK : put_count(op, kvs, key, before + delta);
}

/* Spec "Snapshots": what the files say that are added and removed. */
static const char *operation_name(const struct tarn__rows *r)
{
    bool removes = r->removed.count || r->remove_all;
    if (r->operation)
        return r->operation;
    if (!removes && !r->deletes.count)
        return "append";
    return r->appended.count ? "overwrite" : "delete";
}

/* Names that belong to metrics, whether this snapshot has them or not (trap 30). */
static bool is_own_key(struct tarn_str key)
{
    static const char *const own[] = {"added-", "deleted-", "removed-", "total-"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (tarn_str_starts(key, tarn_str_view(own[i])))
            return true;
    return tarn_str_is(key, "operation") || tarn_str_is(key, "changed-partition-count");
}

static enum tarn_status put_texts(struct tarn_op *op, const struct tarn__rows *rows,
                                  struct tarn_kvs *out)
{
    *out = (struct tarn_kvs){0};
    TARN_TRY(
        tarn_kvs_with(op, out, TARN_STR("operation"), tarn_str_view(operation_name(rows)), out));
    for (size_t i = 0; i < rows->summary.count; i++) {
        const struct tarn_kv *kv = &rows->summary.items[i];
        if (!is_own_key(kv->key) && kv->value.ptr)
            TARN_TRY(tarn_kvs_with(op, out, kv->key, kv->value, out));
    }
    return tarn_kvs_with(op, out, TARN_STR("engine-name"), TARN_STR("tarn"), out);
}

static enum tarn_status put_changes(struct tarn_op *op, const struct tarn__totals *t,
                                    struct tarn_kvs *out)
{
    const struct {
        const char *key;
        int64_t n;
    } counts[] = {
        {"added-data-files", t->added_files},
        {"added-records", t->added_records},
        {"added-delete-files", t->added_delete_files},
        {"added-position-delete-files", t->added_position_files},
        {"added-dvs", t->added_vectors},
        {"added-position-deletes", t->added_position_deletes},
        {"added-equality-delete-files", t->added_equality_files},
        {"added-equality-deletes", t->added_equality_deletes},
        {"added-files-size", t->added_bytes},
        {"deleted-data-files", t->removed_files},
        {"deleted-records", t->removed_records},
        {"removed-delete-files", t->removed_delete_files},
        {"removed-position-delete-files", t->removed_position_files},
        {"removed-dvs", t->removed_vectors},
        {"removed-position-deletes", t->removed_position_deletes},
        {"removed-equality-delete-files", t->removed_equality_files},
        {"removed-equality-deletes", t->removed_equality_deletes},
        {"removed-files-size", t->removed_bytes},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (counts[i].n)
            TARN_TRY(put_count(op, out, counts[i].key, counts[i].n));
    return TARN_OK;
}

enum tarn_status tarn__make_summary(struct tarn_op *op, const struct tarn__rows *rows,
                                    const struct tarn_snapshot *parent,
                                    const struct tarn__totals *t, struct tarn_kvs *out)
{
    TARN_TRY(put_texts(op, rows, out));
    TARN_TRY(put_changes(op, t, out));
    TARN_TRY(put_total(op, out, parent, "total-records", t->added_records - t->removed_records));
    TARN_TRY(put_total(op, out, parent, "total-files-size", t->added_bytes - t->removed_bytes));
    TARN_TRY(put_total(op, out, parent, "total-data-files", t->added_files - t->removed_files));
    TARN_TRY(put_total(op, out, parent, "total-delete-files",
                       t->added_delete_files - t->removed_delete_files));
    TARN_TRY(put_total(op, out, parent, "total-position-deletes",
                       t->added_position_deletes - t->removed_position_deletes));
    return put_total(op, out, parent, "total-equality-deletes",
                     t->added_equality_deletes - t->removed_equality_deletes);
}

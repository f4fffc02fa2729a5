/* type_members: members of JSON objects that this version does not know, and lists of key and value. */
#include "base/arena.h"
#include "format/iceberg/type_int.h"

static bool is_known(struct tarn_str key, const char *const *known, size_t known_count)
{
    for (size_t i = 0; i < known_count; i++)
        if (tarn_str_is(key, known[i]))
            return true;
    return false;
}

/* A copy with the zero behind it; absent stays absent. */
static enum tarn_status copy_str(struct tarn_op *op, struct tarn_str s, struct tarn_str *out)
{
    *out = (struct tarn_str){0};
    if (!s.ptr)
        return TARN_OK;
    *out = tarn_strdup(op, s);
    return out->ptr ? TARN_OK : op->report.status;
}

enum tarn_status tarn__json_extra(struct tarn_op *op, const struct tarn_json *o,
                                  const char *const *known, size_t known_count,
                                  struct tarn_kvs *out)
{
    *out = (struct tarn_kvs){0};
    size_t unknown = 0;
    for (const struct tarn_json *m = o->first; m; m = m->next)
        unknown += !is_known(m->key, known, known_count);
    if (unknown == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->items, unknown);
    for (const struct tarn_json *m = o->first; m; m = m->next) {
        if (is_known(m->key, known, known_count))
            continue;
        struct tarn_kv *kv = &out->items[out->count++];
        kv->key = m->key;
        TARN_TRY(copy_str(op, m->raw, &kv->value));
    }
    return TARN_OK;
}

void tarn__json_put_extra(struct tarn_json_writer *w, const struct tarn_kvs *extra)
{
    for (size_t i = 0; i < extra->count; i++) {
        tarn_json_key_str(w, extra->items[i].key);
        tarn_json_put_raw(w, extra->items[i].value);
    }
}

enum tarn_status tarn__kvs_copy(struct tarn_op *op, const struct tarn_kvs *kvs,
                                struct tarn_kvs *out)
{
    struct tarn_kvs copy = {0};
    if (kvs->count > 0)
        TARN_NEW_ARRAY(op, copy.items, kvs->count);
    for (; copy.count < kvs->count; copy.count++) {
        struct tarn_kv *to = &copy.items[copy.count];
        TARN_TRY(copy_str(op, kvs->items[copy.count].key, &to->key));
        TARN_TRY(copy_str(op, kvs->items[copy.count].value, &to->value));
    }
    *out = copy;
    return TARN_OK;
}

enum tarn_status tarn__json_to_i32(struct tarn_op *op, const struct tarn_json *j, const char *what,
                                   int32_t *out)
{
    int64_t v;
    if (j->kind != TARN_JSON_K_NUMBER || !tarn_str_to_i64(j->text, &v) || v < INT32_MIN ||
        v > INT32_MAX)
        return tarn_fail(op, TARN_CORRUPT, "%s is not an integer of 32 bits", what);
    *out = (int32_t)v;
    return TARN_OK;
}

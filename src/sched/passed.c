/* passed: which checks were green, and over what: .tarn/passed.json,
 * {"v":1,"checks":{"raw.x.not_null_id":"<mark>"}}.
 *
 * A mark is made of the check's query and, for each table that it reads, the last snapshot that
 * changed rows. A check is left out of a run only when it was green over exactly what it would read
 * now: a red one, one that was never seen green, and one whose answer depends on more than tables
 * (the clock) runs every time. The file may be deleted or be unreadable at the price of checks that
 * run once more.
 */
#include <string.h>

#include "base/hash.h"
#include "sched/sched_int.h"

#define PASSED_MAX ((size_t)16 << 20)

static struct tarn_str passed_path(struct tarn_workspace *w, struct tarn_op *op)
{
    return tarn_path_join(op, w->state, TARN_STR("passed.json"));
}

static enum tarn_status read_file(struct tarn_workspace *w, struct tarn_op *op,
                                  struct tarn_kvs *out)
{
    struct tarn_str path = passed_path(w, op), text;
    struct tarn_storage *fs;
    struct tarn_json *json;
    if (!path.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_storage_fs_open(op, &fs));
    enum tarn_status status = tarn_storage_read(fs, op, path, &text);
    tarn_storage_close(fs);
    TARN_TRY(status);
    TARN_TRY(tarn_json_parse(op, text, path.ptr, &json));
    const struct tarn_json *checks = tarn_json_get(json, "checks");
    TARN_NEW_ARRAY(op, out->items, checks ? checks->count + 1 : 1);
    for (const struct tarn_json *c = checks ? checks->first : NULL; c; c = c->next)
        if (c->kind == TARN_JSON_K_STRING)
            out->items[out->count++] = (struct tarn_kv){c->key, c->text};
    return TARN_OK;
}

void tarn__passed_read(struct tarn_workspace *w, struct tarn_op *op, struct tarn__passed *out)
{
    *out = (struct tarn__passed){0};
    if (read_file(w, op, &out->checks) == TARN_OK)
        return;
    tarn_clear(op); /* none yet, or not readable: every check runs */
    out->checks.count = 0;
}

bool tarn__passed_holds(const struct tarn__passed *p, struct tarn_str id, struct tarn_str mark)
{
    for (size_t i = 0; i < p->checks.count; i++)
        if (tarn_str_eq(p->checks.items[i].key, id))
            return tarn_str_eq(p->checks.items[i].value, mark);
    return false;
}

enum tarn_status tarn__passed_set(struct tarn__passed *p, struct tarn_op *op, struct tarn_str id,
                                  struct tarn_str mark)
{
    if (mark.ptr ? tarn__passed_holds(p, id, mark) : p->checks.count == 0)
        return TARN_OK;
    p->changed = true;
    return tarn_kvs_with(op, &p->checks, id, mark, &p->checks);
}

static bool is_check(const struct tarn_graph *g, struct tarn_str id)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->nodes[i].kind == TARN_NODE_CHECK && tarn_str_eq(g->nodes[i].id, id))
            return true;
    return false;
}

static enum tarn_status write_file(struct tarn_workspace *w, struct tarn_op *op,
                                   const struct tarn__passed *p)
{
    struct tarn_str path = passed_path(w, op);
    struct tarn_json_writer j;
    struct tarn_buf b;
    if (!path.ptr)
        return TARN_NOMEM;
    tarn_buf_init(&b, PASSED_MAX);
    tarn_json_writer_init(&j, &b);
    tarn_json_begin_object(&j);
    tarn_json_member_i64(&j, "v", 1);
    tarn_json_key(&j, "checks");
    tarn_json_begin_object(&j);
    for (size_t i = 0; i < p->checks.count; i++)
        if (is_check(w->graph, p->checks.items[i].key)) {
            tarn_json_key_str(&j, p->checks.items[i].key);
            tarn_json_put_str(&j, p->checks.items[i].value);
        }
    tarn_json_end_object(&j);
    tarn_json_end_object(&j);
    tarn_buf_put(&b, '\n');
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(op, &b, "list of passed checks");
    if (status == TARN_OK)
        status = tarn__state_write(op, path, tarn_buf_view(&b));
    tarn_buf_release(&b);
    return status;
}

void tarn__passed_write(struct tarn_workspace *w, struct tarn_op *op, const struct tarn__passed *p)
{
    struct tarn_report keep = op->report;
    if (p->changed)
        (void)!write_file(w, op, p);
    op->report = keep;
}

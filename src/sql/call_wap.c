/* call_wap: SET wap_id: write, audit, publish.
 *
 *     SET wap_id = 'x'      rows of tables with write.wap.enabled = true are staged: their snapshots
 *                           are there to be read by id, and no branch points to them
 *     RESET wap_id
 *     CALL system.publish_changes('t', 'x')
 */
#include <stdlib.h>
#include <string.h>

#include "sql/call_int.h"

static bool take_wap(struct tarn__words *w)
{
    return tarn__take(w, "wap_id") || tarn__take(w, "tarn . wap_id") ||
           tarn__take(w, "spark . wap . id");
}

static enum tarn_status set_wap(struct tarn__run *r, struct tarn_str id)
{
    char *copy = NULL;
    if (id.ptr && id.len) {
        copy = strndup(id.ptr, id.len);
        if (!copy)
            return tarn_fail(r->op, TARN_NOMEM, "could not set wap_id: out of memory");
    }
    free(r->sql->wap_id);
    r->sql->wap_id = copy;
    return TARN_OK;
}

enum tarn_status tarn__sql_set(struct tarn__run *r)
{
    struct tarn__words *w = &r->words;
    struct tarn_str id;
    (void)tarn__take(w, "SESSION");
    if (!take_wap(w))
        return tarn__answer_query(r, r->text); /* which says what it thinks of it */
    if (!tarn__take(w, "=") && !tarn__take(w, "TO"))
        return tarn__expect(w, "=");
    if (!w->end && w->token.kind == TARN_SQL_STRING)
        TARN_TRY(tarn__take_string(w, &id));
    else
        TARN_TRY(tarn__take_ident(w, &id));
    TARN_TRY(tarn__expect_end(w));
    TARN_TRY(set_wap(r, id));
    tarn__done(r, "SET", -1);
    return TARN_OK;
}

enum tarn_status tarn__sql_reset(struct tarn__run *r)
{
    struct tarn__words *w = &r->words;
    if (!take_wap(w))
        return tarn__answer_query(r, r->text);
    TARN_TRY(tarn__expect_end(w));
    TARN_TRY(set_wap(r, (struct tarn_str){NULL, 0}));
    tarn__done(r, "RESET", -1);
    return TARN_OK;
}

enum tarn_status tarn__stage_wap(struct tarn__run *r, struct tarn_change *change)
{
    const struct tarn_sql_env *env = r->sql->env;
    const struct tarn_str *enabled =
        tarn_kvs_get(&tarn_change_metadata(change)->properties, "write.wap.enabled");
    struct tarn_table *there;
    if (!r->sql->wap_id || !tarn_change_has_rows(change) || !enabled ||
        !tarn_str_eq_nocase(*enabled, TARN_STR("true")))
        return TARN_OK;
    struct tarn_op *op = tarn__change_op(r);
    TARN_TRY(env->find(env->ctx, op, tarn_change_ident(change), &there));
    if (!there) /* it is being made: there is nothing to audit it against */
        return TARN_OK;
    struct tarn_str id = tarn_strdup(op, tarn_str_view(r->sql->wap_id));
    return id.ptr ? tarn_change_stage_wap(change, op, id) : TARN_NOMEM;
}

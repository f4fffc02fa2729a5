/* txn: BEGIN, COMMIT, ROLLBACK. */
#include "base/arena.h"
#include "sql/sql_int.h"

void tarn__transaction_end(struct tarn_sql *s, bool discard)
{
    if (!s->in_transaction)
        return;
    for (size_t i = s->change_count; discard && i-- > 0;)
        tarn_change_discard(s->changes[i], &s->op);
    tarn__unpin_all(s, &s->op);
    s->env->hold(s->env->ctx, NULL);
    s->changes = NULL;
    s->change_count = s->change_cap = 0;
    s->in_transaction = false;
}

static void optional_words(struct tarn__run *r)
{
    if (!tarn__take(&r->words, "TRANSACTION"))
        (void)tarn__take(&r->words, "WORK");
}

enum tarn_status tarn__sql_begin(struct tarn__run *r)
{
    optional_words(r);
    TARN_TRY(tarn__expect_end(&r->words));
    if (r->sql->in_transaction) {
        (void)tarn_fail(r->op, TARN_INVALID, "a transaction is open already");
        tarn_hint(r->op, "COMMIT or ROLLBACK first");
        return TARN_INVALID;
    }
    if (!(r->sql->env->flow.lake->catalog->ops->abilities & TARN_CATALOG_MULTI_TABLE))
        return tarn_fail(r->op, TARN_UNSUPPORTED,
                         "this catalog cannot commit several tables at once");
    r->sql->in_transaction = true;
    r->sql->env->hold(r->sql->env->ctx, &r->sql->op);
    tarn__done(r, "BEGIN", -1);
    return TARN_OK;
}

static enum tarn_status none_open(struct tarn__run *r, const char *tag)
{
    r->answer->notice = TARN_STR("no transaction is open");
    tarn__done(r, tag, -1);
    return TARN_OK;
}

/* Whatever the outcome is, the transaction is over. */
enum tarn_status tarn__sql_commit(struct tarn__run *r)
{
    struct tarn_sql *s = r->sql;
    optional_words(r);
    TARN_TRY(tarn__expect_end(&r->words));
    if (!s->in_transaction)
        return none_open(r, "COMMIT");
    enum tarn_status status = tarn_changes_commit(s->env->flow.lake, &s->op, s->changes,
                                                  s->change_count, (struct tarn_commit_options){0});
    struct tarn_report told = s->op.report;
    tarn__transaction_end(s, status != TARN_OK && status != TARN_UNKNOWN);
    s->op.report = told;
    if (status == TARN_OK)
        tarn__done(r, "COMMIT", -1);
    return status;
}

enum tarn_status tarn__sql_rollback(struct tarn__run *r)
{
    optional_words(r);
    TARN_TRY(tarn__expect_end(&r->words));
    if (!r->sql->in_transaction)
        return none_open(r, "ROLLBACK");
    tarn__transaction_end(r->sql, true);
    tarn__done(r, "ROLLBACK", -1);
    return TARN_OK;
}

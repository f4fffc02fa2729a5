/* workspace_sql: a conversation in SQL over a workspace: which table a name means, and which
 * version of it a transaction holds.
 *
 * Pinned tables stand in the workspace's list of staged ones, so that the engine's names, the
 * changes and whoever lists tables see the same.
 */
#include "base/clock.h"
#include "sched/sched_int.h"

struct conversation {
    struct tarn_sql_env env;
    struct tarn_workspace *w;
    struct tarn_op *op; /* the workspace's: what outlives a statement */
};

static enum tarn_status find(void *ctx, struct tarn_op *op, struct tarn_ident ident,
                             struct tarn_table **out)
{
    struct conversation *c = ctx;
    return tarn_workspace_table(c->w, op, ident, out);
}

static void unstage(struct tarn_workspace *w, struct tarn_ident ident)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->staged_count; i++) {
        struct tarn_ident is = w->staged[i]->ident;
        if (!tarn_str_eq(is.ns, ident.ns) || !tarn_str_eq(is.name, ident.name))
            w->staged[kept++] = w->staged[i];
    }
    w->staged_count = kept;
    tarn_session_forget_views(w->session);
}

static enum tarn_status pin(void *ctx, struct tarn_op *op, struct tarn_ident ident,
                            struct tarn_table *table)
{
    struct conversation *c = ctx;
    unstage(c->w, ident);
    if (!table)
        return TARN_OK;
    enum tarn_status status = tarn_workspace_stage(c->w, c->op, table);
    if (status != TARN_OK && c->op != op) {
        (void)tarn_op_adopt(op, c->op);
        tarn_clear(c->op);
    }
    return status;
}

static void hold(void *ctx, struct tarn_op *op)
{
    struct conversation *c = ctx;
    c->w->hold = op;
    c->w->held = NULL;
    c->w->held_count = c->w->held_cap = 0;
}

static enum tarn_status names(void *ctx, struct tarn_op *op, struct tarn_str **out,
                              size_t *out_count)
{
    struct conversation *c = ctx;
    return c->w->resolver.names(&c->w->resolver, op, out, out_count);
}

enum tarn_status tarn_workspace_sql(struct tarn_workspace *w, struct tarn_op *op,
                                    struct tarn_sql **out)
{
    struct conversation *c;
    *out = NULL;
    TARN_ASSERT(w->session);
    TARN_NEW(op, c);
    *c = (struct conversation){
        .env = {.flow = tarn_workspace_flow(w, tarn_clock_now_us(tarn_clock_real()),
                                            (struct tarn_str){NULL, 0}),
                .warehouse = w->warehouse,
                .temps = &w->temps,
                .ctx = c,
                .find = find,
                .pin = pin,
                .hold = hold,
                .names = names},
        .w = w,
        .op = op};
    return tarn_sql_open(op, &c->env, out);
}

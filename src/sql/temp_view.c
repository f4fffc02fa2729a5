/* temp_view: views of the session: CREATE [OR REPLACE] TEMP VIEW.
 *
 * They are kept as text and stand in front of the catalog's names of one part. A view's text means the
 * temporary views that it named when it was made, as in Spark: one that comes later takes no table's
 * place in it. Nobody else sees them, transactions do not hold them, and they go with the session.
 */
#include <stdlib.h>
#include <string.h>

#include "sql/view_int.h"

static void release(struct tarn_temp_view *v)
{
    free(v->name);
    free(v->sql);
    free(v->ns);
    for (size_t i = 0; i < v->refers_count; i++)
        free((char *)(uintptr_t)v->refers[i].ptr);
    free(v->refers);
    *v = (struct tarn_temp_view){0};
}

void tarn_temp_views_release(struct tarn_temp_views *all)
{
    for (size_t i = 0; i < all->count; i++)
        release(&all->items[i]);
    free(all->items);
    *all = (struct tarn_temp_views){0};
}

const struct tarn_temp_view *tarn_temp_view(const struct tarn_temp_views *all, struct tarn_str name)
{
    for (size_t i = 0; all && i < all->count; i++)
        if (tarn_str_eq_nocase(tarn_str_view(all->items[i].name), name))
            return &all->items[i];
    return NULL;
}

const struct tarn_temp_view *tarn__temp_view(const struct tarn__run *r,
                                             const struct tarn__target *t)
{
    return t->bare ? tarn_temp_view(r->sql->env->temps, t->ident.name) : NULL;
}

static bool copied(char **to, struct tarn_str from)
{
    *to = from.ptr ? strndup(from.ptr, from.len) : NULL;
    return *to || !from.ptr;
}

/* The temporary views that the text names. */
static enum tarn_status take_refers(struct tarn__run *r, struct tarn_str query,
                                    struct tarn_temp_view *v)
{
    struct tarn_table_refs refs;
    struct tarn_sql_text text = {.sql = query, .line0 = 1};
    const struct tarn_temp_views *all = r->sql->env->temps;
    TARN_TRY(tarn_session_refs(r->sql->env->flow.session, r->op, text, &refs));
    v->refers = calloc(refs.count + 1, sizeof *v->refers);
    if (!v->refers)
        return tarn_fail(r->op, TARN_NOMEM, "could not keep a view: out of memory");
    for (size_t i = 0; i < refs.count; i++) {
        struct tarn_str name = refs.items[i].name;
        char *copy;
        if (refs.items[i].ns.ptr || refs.items[i].at != TARN_AT_NOW || !tarn_temp_view(all, name))
            continue;
        if (tarn_str_eq_nocase(name, tarn_str_view(v->name)))
            return tarn_fail(r->op, TARN_INVALID, "view %s would read itself", v->name);
        if (!copied(&copy, name))
            return tarn_fail(r->op, TARN_NOMEM, "could not keep a view: out of memory");
        v->refers[v->refers_count++] = tarn_str_view(copy);
    }
    return TARN_OK;
}

static enum tarn_status make(struct tarn__run *r, struct tarn_str name, struct tarn_str sql,
                             struct tarn_temp_view *out)
{
    struct tarn_str ns = {r->sql->ns, r->sql->ns ? strlen(r->sql->ns) : 0};
    *out = (struct tarn_temp_view){0};
    if (!copied(&out->name, name) || !copied(&out->sql, sql) || !copied(&out->ns, ns))
        return tarn_fail(r->op, TARN_NOMEM, "could not keep a view: out of memory");
    return take_refers(r, sql, out);
}

/* Views that read one another in a circle are found by asking for the columns. */
static enum tarn_status try_out(struct tarn__run *r, const struct tarn_temp_view *v)
{
    struct tarn_buf b;
    struct tarn_sql_text text = {.line0 = 1};
    struct tarn_type type;
    tarn_session_forget_views(r->sql->env->flow.session);
    tarn_buf_init(&b, 65536);
    tarn_buf_z(&b, "SELECT * FROM ");
    tarn__put_name(&b, tarn_str_view(v->name));
    TARN_TRY((enum tarn_status)tarn_buf_take(r->op, &b, "a query", &text.sql));
    return tarn_session_describe(r->sql->env->flow.session, r->op, text, &type);
}

enum tarn_status tarn__temp_view_put(struct tarn__run *r, struct tarn_str name, struct tarn_str sql)
{
    struct tarn_temp_views *all = r->sql->env->temps;
    struct tarn_temp_view made, old = {0};
    enum tarn_status status = make(r, name, sql, &made);
    if (status != TARN_OK) {
        release(&made);
        return status;
    }
    size_t at = 0;
    while (at < all->count && !tarn_str_eq_nocase(tarn_str_view(all->items[at].name), name))
        at++;
    if (at == all->count) {
        struct tarn_temp_view *more = realloc(all->items, (at + 1) * sizeof *more);
        if (!more) {
            release(&made);
            return tarn_fail(r->op, TARN_NOMEM, "could not keep a view: out of memory");
        }
        all->items = more;
        all->count++;
    } else {
        old = all->items[at];
    }
    all->items[at] = made;
    status = try_out(r, &all->items[at]);
    if (status == TARN_OK) {
        release(&old);
        return TARN_OK;
    }
    release(&all->items[at]);
    if (old.name)
        all->items[at] = old;
    else
        all->items[at] = all->items[--all->count];
    tarn_session_forget_views(r->sql->env->flow.session);
    return status;
}

void tarn__temp_view_drop(struct tarn__run *r, const struct tarn_temp_view *v)
{
    struct tarn_temp_views *all = r->sql->env->temps;
    struct tarn_temp_view *at = &all->items[v - all->items];
    release(at);
    *at = all->items[--all->count];
    tarn_session_forget_views(r->sql->env->flow.session);
}

enum tarn_status tarn__fail_temp_view(struct tarn__run *r, const struct tarn__target *t)
{
    (void)tarn_fail(r->op, TARN_INVALID, "\"%.*s\" is a temporary view",
                    TARN_STR_ARG(t->ident.name));
    tarn_hint(r->op, "a table or view of the catalog is meant by namespace.%.*s",
              TARN_STR_ARG(t->ident.name));
    tarn__place_at(&r->words, t->offset);
    return TARN_INVALID;
}

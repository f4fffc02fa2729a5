/* star: metadata columns that a statement names are columns of the tables' views, but no part of
 * their "*": it is written as * EXCLUDE ("t"."_pos"), for the tables that stand in the same FROM. */
#include "engine/duckdb/engine_int.h"

struct tarn__star {
    size_t at;                /* in the rewritten text; the engine's place of it */
    struct tarn_str relation; /* t.*; absent = all */
    const struct tarn_json *excluded;
    const struct tarn_json *from;
    struct tarn__star *next;
};

static struct tarn_str member(const struct tarn_json *o, const char *key)
{
    const struct tarn_json *m = tarn_json_get(o, key);
    return m && m->kind == TARN_JSON_K_STRING ? m->text : TARN_STR("");
}

static bool place_of(const struct tarn_json *node, size_t body, size_t *out)
{
    const struct tarn_json *m = tarn_json_get(node, "query_location");
    int64_t at;
    if (!m || !tarn_str_to_i64(m->text, &at) || at < 0)
        return false;
    *out = body + (size_t)at;
    return true;
}

enum tarn_status tarn__stars_note(struct tarn_op *op, struct tarn__refs *refs, size_t body,
                                  const struct tarn_json *select)
{
    const struct tarn_json *list = tarn_json_get(select, "select_list"),
                           *from = tarn_json_get(select, "from_table");
    for (const struct tarn_json *x = list ? list->first : NULL; x && from; x = x->next) {
        const struct tarn_json *columns = tarn_json_get(x, "columns");
        struct tarn__star *star;
        size_t at;
        if (!tarn_str_is(member(x, "class"), "STAR") || (columns && columns->boolean) ||
            !place_of(x, body, &at))
            continue;
        TARN_NEW(op, star);
        *star = (struct tarn__star){.at = at,
                                    .relation = member(x, "relation_name"),
                                    .excluded = tarn_json_get(x, "exclude_list"),
                                    .from = from,
                                    .next = refs->stars};
        refs->stars = star;
    }
    return TARN_OK;
}

/* ---- writing them out */

struct hiding {
    struct tarn__refs *refs;
    const struct tarn__names *names;
    size_t body;
    const struct tarn__star *star;
    struct tarn_buf list;
};

static const struct tarn__name *name_at(const struct hiding *h, size_t offset)
{
    for (size_t i = 0; i < h->refs->count; i++)
        if (h->refs->items[i].offset == offset && h->refs->found[i] < h->names->count)
            return &h->names->items[h->refs->found[i]];
    return NULL;
}

static bool is_excluded(const struct tarn_json *list, struct tarn_str name)
{
    for (const struct tarn_json *x = list ? list->first : NULL; x; x = x->next)
        if (x->kind == TARN_JSON_K_STRING && tarn_str_eq_nocase(x->text, name))
            return true;
    return false;
}

static void hide_table(struct hiding *h, const struct tarn_json *table)
{
    size_t offset;
    struct tarn_str alias = member(table, "alias");
    const struct tarn__name *n = place_of(table, h->body, &offset) ? name_at(h, offset) : NULL;
    if (alias.len == 0)
        alias = member(table, "table_name");
    if (!n || !n->meta ||
        (h->star->relation.len > 0 && !tarn_str_eq_nocase(alias, h->star->relation)))
        return;
    for (unsigned one = 1; one < TARN__META_ALL; one <<= 1) {
        struct tarn_str name = tarn_str_view(tarn__meta_name((enum tarn__meta)one));
        if (!(n->meta & one) || is_excluded(h->star->excluded, name))
            continue;
        tarn_buf_z(&h->list, h->list.len > 0 ? ", " : "");
        tarn_buf_sql_name(&h->list, alias);
        tarn_buf_put(&h->list, '.');
        tarn_buf_sql_name(&h->list, name);
    }
}

/* Tables that are joined; those of queries inside have no part in this star. */
static void hide_tables(struct hiding *h, const struct tarn_json *from)
{
    if (tarn_str_is(member(from, "type"), "BASE_TABLE")) {
        hide_table(h, from);
    } else if (tarn_str_is(member(from, "type"), "JOIN")) {
        const struct tarn_json *left = tarn_json_get(from, "left"),
                               *right = tarn_json_get(from, "right");
        if (left)
            hide_tables(h, left);
        if (right)
            hide_tables(h, right);
    }
}

/* The sign of the star that begins at `at`: "*", "t.*", or FROM where there is none. */
static bool sign_of(struct tarn_str sql, size_t at, struct tarn_sql_token *out)
{
    struct tarn_sql_token t;
    if (!tarn_sql_token(sql, at, out))
        return false;
    if (tarn_sql_token_is(sql, out, "*") || tarn_sql_token_is(sql, out, "FROM"))
        return true;
    return (out->kind == TARN_SQL_WORD || out->kind == TARN_SQL_QUOTED) &&
           tarn_sql_token(sql, out->end, &t) && tarn_sql_token_is(sql, &t, ".") &&
           tarn_sql_token(sql, t.end, out) && tarn_sql_token_is(sql, out, "*");
}

static enum tarn_status splice_star(struct tarn_op *op, struct hiding *h)
{
    struct tarn_str sql = h->refs->rewritten.text.sql, list = tarn_buf_view(&h->list);
    struct tarn_sql_token sign, t, open;
    struct tarn__splice splice = {0};
    if (!sign_of(sql, h->star->at, &sign))
        return TARN_OK;
    if (tarn_sql_token_is(sql, &sign, "FROM")) {
        splice.at = sign.begin;
        splice.put = tarn_sprintf(op, "SELECT * EXCLUDE (%.*s) ", TARN_STR_ARG(list));
    } else if (tarn_sql_token(sql, sign.end, &t) &&
               (tarn_sql_token_is(sql, &t, "EXCLUDE") || tarn_sql_token_is(sql, &t, "EXCEPT")) &&
               h->star->excluded && h->star->excluded->count > 0) {
        if (!tarn_sql_token(sql, t.end, &open) || !tarn_sql_token_is(sql, &open, "("))
            return TARN_OK;
        splice.at = open.end;
        splice.put = tarn_sprintf(op, "%.*s, ", TARN_STR_ARG(list));
    } else {
        splice.at = sign.end;
        splice.put = tarn_sprintf(op, " EXCLUDE (%.*s)", TARN_STR_ARG(list));
    }
    return splice.put.ptr ? tarn__splice_add(op, h->refs, splice) : TARN_NOMEM;
}

enum tarn_status tarn__stars_hide(struct tarn_op *op, struct tarn__refs *refs, size_t body,
                                  const struct tarn__names *names)
{
    struct hiding h = {.refs = refs, .names = names, .body = body};
    enum tarn_status status = TARN_OK;
    tarn_buf_init(&h.list, (size_t)1 << 20);
    for (h.star = refs->stars; h.star && status == TARN_OK; h.star = h.star->next) {
        tarn_buf_reset(&h.list);
        hide_tables(&h, h.star->from);
        status = (enum tarn_status)tarn_buf_finish(op, &h.list, "a list of columns");
        if (status == TARN_OK && h.list.len > 0)
            status = splice_star(op, &h);
    }
    tarn_buf_release(&h.list);
    return status;
}

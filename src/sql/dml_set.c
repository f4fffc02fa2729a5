/* dml_set: SET lists, and the values of INSERT in a MERGE. */
#include <string.h>

#include "sql/ddl_int.h"
#include "sql/dml_int.h"

/* ---- names */

/* How many leading parts of a name say which table it is of. */
static size_t table_parts(const struct tarn__dml *d, const struct tarn__dotted *name)
{
    if (name->count < 2)
        return 0;
    if (tarn_str_eq_nocase(name->parts[0], d->alias) &&
        (tarn__dml_column(d->root, name->parts[1]) != SIZE_MAX ||
         tarn__dml_column(d->root, name->parts[0]) == SIZE_MAX))
        return 1;
    for (size_t n = 2; d->name_count && n < name->count; n++) { /* ns.t.column */
        struct tarn_str rest = d->names[0].full, part;
        size_t first =
            tarn_str_eq_nocase(name->parts[0], d->r->sql->env->flow.lake->catalog->catalog_name);
        for (size_t skip = 0; skip <= first; skip++) {
            size_t i = skip;
            rest = d->names[0].full;
            while (i < n && rest.ptr && tarn_str_cut(&rest, '.', &part) &&
                   tarn_str_eq_nocase(part, name->parts[i]))
                i++;
            if (i + 1 == n && !rest.ptr && tarn_str_eq_nocase(part, name->parts[i]))
                return n;
        }
    }
    return 0;
}

static bool overlap(const struct tarn__set *a, const struct tarn__set *b)
{
    size_t n = a->depth < b->depth ? a->depth : b->depth;
    for (size_t i = 0; i < n; i++)
        if (a->path[i] != b->path[i])
            return false;
    return true;
}

static enum tarn_status check_twice(struct tarn__dml *d, const struct tarn__action *a,
                                    const struct tarn__set *s)
{
    for (size_t i = 0; i < a->count; i++)
        if (&a->sets[i] != s && a->sets[i].depth && overlap(&a->sets[i], s)) {
            (void)tarn_fail(d->r->op, TARN_SQL, "column \"%.*s\" is assigned to twice",
                            TARN_STR_ARG(s->path[s->depth - 1]->name));
            tarn__place_at(&d->r->words, s->offset);
            return TARN_SQL;
        }
    return TARN_OK;
}

enum tarn_status tarn__dml_add_set(struct tarn__dml *d, struct tarn__action *a,
                                   struct tarn__set **out)
{
    TARN_GROW(d->op, a->sets, a->count, a->cap);
    *out = &a->sets[a->count++];
    **out = (struct tarn__set){.row = -1};
    return TARN_OK;
}

/* a, t.a, a.b.c */
static enum tarn_status take_name(struct tarn__dml *d, struct tarn__action *a,
                                  struct tarn__set **out)
{
    struct tarn__dotted name;
    struct tarn__set *s;
    const struct tarn_type *in = d->root;
    TARN_TRY(tarn__take_dotted(&d->r->words, &name));
    TARN_TRY(tarn__dml_add_set(d, a, &s));
    s->offset = name.begin;
    for (size_t i = table_parts(d, &name); i < name.count; i++) {
        size_t at = in->kind == TARN_TYPE_STRUCT ? tarn__dml_column(in, name.parts[i]) : SIZE_MAX;
        if (at == SIZE_MAX)
            return tarn__fail_column(d->r, in, name.parts[i], name.begin);
        if (s->depth == 0)
            s->column = at;
        s->path[s->depth++] = &in->fields[at];
        in = &in->fields[at].type;
    }
    *out = s;
    return check_twice(d, a, s);
}

enum tarn_status tarn__dml_take_columns(struct tarn__dml *d, struct tarn__action *a)
{
    struct tarn__words *w = &d->r->words;
    struct tarn__set *s;
    do {
        TARN_TRY(take_name(d, a, &s));
        if (s->depth > 1) {
            (void)tarn_fail(d->r->op, TARN_SQL, "a field of a column cannot be inserted alone");
            tarn__place_at(w, s->offset);
            return TARN_SQL;
        }
    } while (tarn__take(w, ","));
    return tarn__expect(w, ")");
}

enum tarn_status tarn__dml_all_columns(struct tarn__dml *d, struct tarn__action *a)
{
    for (size_t i = 0; i < d->root->field_count; i++) {
        struct tarn__set *s;
        TARN_TRY(tarn__dml_add_set(d, a, &s));
        *s = (struct tarn__set){
            .column = i, .depth = 1, .offset = d->r->words.token.begin, .row = -1};
        s->path[0] = &d->root->fields[i];
    }
    return TARN_OK;
}

/* ---- values */

static enum tarn_status take_value(struct tarn__dml *d, const char *stops, struct tarn__set *s)
{
    struct tarn_sql_token t;
    TARN_TRY(tarn__dml_expr(d, stops, "a value", &s->expr));
    if (tarn_sql_token(s->expr, 0, &t) && tarn_sql_token_is(s->expr, &t, "DEFAULT") &&
        t.end == s->expr.len)
        s->expr = (struct tarn_str){NULL, 0};
    return TARN_OK;
}

enum tarn_status tarn__dml_take_values(struct tarn__dml *d, struct tarn__action *a, size_t first)
{
    struct tarn__words *w = &d->r->words;
    for (size_t i = first; i < a->count; i++) {
        TARN_TRY(take_value(d, ",", &a->sets[i]));
        if (i + 1 < a->count && !tarn__at(w, ","))
            return tarn__fail_here(w, TARN_SQL, "there are %zu columns and %zu values",
                                   a->count - first, i + 1 - first);
        if (i + 1 < a->count)
            tarn__skip(w);
    }
    if (tarn__at(w, ","))
        return tarn__fail_here(w, TARN_SQL, "there are more values than columns");
    return tarn__expect(w, ")");
}

static enum tarn_status take_row_query(struct tarn__dml *d, struct tarn__action *a, size_t first)
{
    struct tarn__words *w = &d->r->words;
    if (a->row_count == sizeof a->rows / sizeof a->rows[0])
        return tarn__fail_here(w, TARN_LIMIT, "a SET list has more than %zu queries", a->row_count);
    struct tarn__row_query *q = &a->rows[a->row_count];
    q->query = tarn__take_until(w, "");
    q->columns = a->count - first;
    for (size_t i = first; i < a->count; i++) {
        a->sets[i].expr = q->query;
        a->sets[i].row = (long)a->row_count;
        a->sets[i].row_column = i - first;
    }
    a->row_count++;
    return tarn__expect(w, ")");
}

/* (x, y) = (1, 2), (x, y) = (SELECT ..) */
static enum tarn_status take_several(struct tarn__dml *d, struct tarn__action *a)
{
    struct tarn__words *w = &d->r->words;
    struct tarn__set *s;
    size_t first = a->count;
    do
        TARN_TRY(take_name(d, a, &s));
    while (tarn__take(w, ","));
    TARN_TRY(tarn__expect(w, ")"));
    TARN_TRY(tarn__expect(w, "="));
    (void)tarn__take(w, "ROW");
    TARN_TRY(tarn__expect(w, "("));
    if (tarn__at(w, "SELECT") || tarn__at(w, "WITH") || tarn__at(w, "VALUES") ||
        tarn__at(w, "FROM"))
        return take_row_query(d, a, first);
    return tarn__dml_take_values(d, a, first);
}

/* ---- all columns */

enum tarn_status tarn__dml_set_all(struct tarn__dml *d, struct tarn__action *a,
                                   const struct tarn_type *source)
{
    size_t offset = d->r->words.token.begin;
    for (size_t i = 0; i < d->root->field_count; i++) {
        struct tarn_str name = d->root->fields[i].name;
        struct tarn__set *s;
        struct tarn_buf b;
        bool there = tarn__dml_column(source, name) != SIZE_MAX;
        if (!there && d->evolve)
            continue;
        if (!there) {
            (void)tarn_fail(d->r->op, TARN_COLUMN,
                            "the source has no column \"%.*s\", which * asks for",
                            TARN_STR_ARG(name));
            tarn__place_at(&d->r->words, offset);
            return TARN_COLUMN;
        }
        TARN_TRY(tarn__dml_add_set(d, a, &s));
        *s = (struct tarn__set){.column = i, .depth = 1, .offset = offset, .row = -1};
        s->path[0] = &d->root->fields[i];
        tarn_buf_init(&b, 65536);
        tarn_buf_sql_name(&b, d->source);
        tarn_buf_put(&b, '.');
        tarn_buf_sql_name(&b, name);
        TARN_TRY((enum tarn_status)tarn_buf_take(d->op, &b, "a name", &s->expr));
    }
    return TARN_OK;
}

/* t.* = s.* */
static bool takes_star(struct tarn__dml *d)
{
    struct tarn__words *w = &d->r->words, ahead = *w;
    struct tarn_str name;
    if (tarn__take(w, "*"))
        return true;
    if (ahead.token.kind != TARN_SQL_WORD && ahead.token.kind != TARN_SQL_QUOTED)
        return false;
    for (int side = 0; side < 2; side++) {
        name = tarn__word(&ahead);
        tarn__skip(&ahead);
        if (name.len == 0 || !tarn__take(&ahead, ".") || !tarn__take(&ahead, "*") ||
            (side == 0 && !tarn__take(&ahead, "=")))
            return false;
    }
    *w = ahead;
    return true;
}

enum tarn_status tarn__dml_take_sets(struct tarn__dml *d, struct tarn__action *a, const char *stops,
                                     const struct tarn_type *source)
{
    struct tarn__words *w = &d->r->words;
    struct tarn__set *s;
    struct tarn_str with_comma = tarn_sprintf(d->op, ",|%s", stops);
    if (!with_comma.ptr)
        return TARN_NOMEM;
    if (source && takes_star(d))
        return tarn__dml_set_all(d, a, source);
    do {
        if (tarn__take(w, "(")) {
            TARN_TRY(take_several(d, a));
            continue;
        }
        TARN_TRY(take_name(d, a, &s));
        TARN_TRY(tarn__expect(w, "="));
        TARN_TRY(take_value(d, with_comma.ptr, s));
    } while (tarn__take(w, ","));
    return TARN_OK;
}

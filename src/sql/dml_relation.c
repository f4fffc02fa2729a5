/* dml_relation: relations of a FROM clause, by the names that they go by. */
#include <string.h>

#include "sql/ddl_int.h"
#include "sql/dml_int.h"

/* ---- names */

struct element { /* of a relation at bracket depth 0: a word, a sign, or all that is in brackets */
    enum { WORD, DOT, GROUP, OTHER } kind;
    struct tarn_str text;
    bool quoted;
};

static size_t elements_of(struct tarn_str piece, struct element *out, size_t max)
{
    struct tarn_sql_token t;
    size_t n = 0;
    int depth = 0;
    for (size_t p = 0; n < max && tarn_sql_token(piece, p, &t); p = t.end) {
        struct tarn_str text = tarn_str_of(piece.ptr + t.begin, t.end - t.begin);
        if (tarn_str_is(text, "(") && depth++ == 0)
            out[n++] = (struct element){.kind = GROUP, .text = text};
        if (tarn_str_is(text, ")"))
            depth--;
        else if (depth > 0)
            continue;
        else if (t.kind == TARN_SQL_QUOTED && text.len >= 2)
            out[n++] = (struct element){WORD, tarn_str_of(text.ptr + 1, text.len - 2), true};
        else
            out[n++] = (struct element){.kind = t.kind == TARN_SQL_WORD  ? WORD
                                                : tarn_str_is(text, ".") ? DOT
                                                                         : OTHER,
                                        .text = text};
    }
    return n;
}

static bool is_word(const struct element *e, const char *word)
{
    return e->kind == WORD && !e->quoted && tarn_str_eq_nocase(e->text, tarn_str_view(word));
}

/* s in "x AS s", "x s", "(..) AS s(a, b)"; absent if there is none. */
static struct tarn_str given_alias(const struct element *e, size_t n)
{
    struct tarn_str none = {NULL, 0};
    if (n >= 3 && e[n - 1].kind == GROUP && e[n - 2].kind == WORD && !is_word(&e[n - 2], "AT") &&
        (e[n - 3].kind == GROUP || e[n - 3].kind == WORD))
        n--; /* names of columns */
    if (n < 2 || e[n - 1].kind != WORD || is_word(&e[n - 2], "OF") ||
        (e[n - 2].kind != WORD && e[n - 2].kind != GROUP))
        return none;
    return e[n - 1].text;
}

/* ns.t at the beginning; *last is t */
static enum tarn_status table_name(struct tarn__dml *d, const struct element *e, size_t n,
                                   struct tarn_str *full, struct tarn_str *last)
{
    struct tarn_str catalog = d->r->sql->env->flow.lake->catalog->catalog_name;
    struct tarn_buf b;
    size_t i = 0;
    *full = *last = (struct tarn_str){NULL, 0};
    if (n == 0 || e[0].kind != WORD)
        return TARN_OK;
    tarn_buf_init(&b, 65536);
    if (n > 4 && e[1].kind == DOT && e[3].kind == DOT && tarn_str_eq_nocase(e[0].text, catalog))
        i = 2;
    for (;; i += 2) {
        tarn_buf_str(&b, e[i].text);
        *last = e[i].text;
        if (i + 2 >= n || e[i + 1].kind != DOT || e[i + 2].kind != WORD)
            break;
        tarn_buf_put(&b, '.');
    }
    return (enum tarn_status)tarn_buf_take(d->op, &b, "a name", full);
}

enum tarn_status tarn__relation_name(struct tarn__dml *d, struct tarn_str piece,
                                     struct tarn_str *given, struct tarn_str *full,
                                     struct tarn_str *last)
{
    struct element e[64];
    size_t n = elements_of(piece, e, sizeof e / sizeof e[0]);
    *given = given_alias(e, n);
    return table_name(d, e, n, full, last);
}

/* ---- several: a, b JOIN c ON .. */

static bool is_one_of(struct tarn_str text, const struct tarn_sql_token *t,
                      const char *const *words)
{
    for (; *words; words++)
        if (tarn_sql_token_is(text, t, *words))
            return true;
    return false;
}

static size_t split(struct tarn_str from, struct tarn_str *out, size_t max)
{
    static const char *const joins[] = {"NATURAL", "LEFT", "RIGHT",      "FULL", "INNER", "OUTER",
                                        "CROSS",   "ASOF", "POSITIONAL", "JOIN", NULL};
    static const char *const ends[] = {"ON", "USING", NULL}, *const hidden[] = {"SEMI", "ANTI",
                                                                                NULL};
    struct tarn_sql_token t;
    size_t n = 0, begin = 0;
    bool inside = true, hides = false; /* of a relation; of a join whose right side is not seen */
    int depth = 0;
    for (size_t p = 0; tarn_sql_token(from, p, &t); p = t.end) {
        bool comma = depth == 0 && tarn_sql_token_is(from, &t, ",");
        bool join = depth == 0 && is_one_of(from, &t, joins);
        bool hide = depth == 0 && is_one_of(from, &t, hidden);
        depth += tarn_sql_token_is(from, &t, "(") - tarn_sql_token_is(from, &t, ")");
        if (depth > 0 || !(comma || join || hide || is_one_of(from, &t, ends)))
            continue;
        struct tarn_str piece = tarn_str_trim(tarn_str_of(from.ptr + begin, t.begin - begin));
        if (inside && !hides && piece.len && n < max)
            out[n++] = piece;
        hides = hide || (hides && join);
        inside = comma || join || hide;
        begin = t.end;
    }
    struct tarn_str piece = tarn_str_trim(tarn_str_of(from.ptr + begin, from.len - begin));
    if (inside && !hides && piece.len && n < max)
        out[n++] = piece;
    return n;
}

/* The row of the relation as a struct; no failure if that is none. */
static enum tarn_status row_type(struct tarn__dml *d, struct tarn_str from, struct tarn_str alias,
                                 struct tarn_type *out)
{
    struct tarn__compose c;
    struct tarn_sql_text text;
    struct tarn_type rows;
    *out = (struct tarn_type){0};
    tarn__compose_begin(&c, d->op, d->r->text);
    tarn__compose_piece(&c, d->with);
    tarn_buf_z(&c.sql, d->with.len ? "\nSELECT " : "SELECT ");
    tarn_buf_sql_name(&c.sql, alias);
    tarn_buf_z(&c.sql, " FROM ");
    tarn__dml_put_target(d, &c);
    tarn__dml_put_where(d, &c, from, (struct tarn_str){NULL, 0});
    TARN_TRY(tarn__compose_end(&c, &text));
    enum tarn_status status =
        tarn_session_describe(d->r->sql->env->flow.session, d->op, text, &rows);
    if (status == TARN_NOMEM || status == TARN_CANCELLED)
        return status;
    tarn_clear(d->op);
    if (status == TARN_OK && rows.field_count == 1 && rows.fields[0].type.kind == TARN_TYPE_STRUCT)
        *out = rows.fields[0].type;
    return TARN_OK;
}

/* ---- for RETURNING */

static bool is_metadata(struct tarn_str name)
{
    static const char *const names[] = {"_file", "_pos", "_spec_id", "_row_id",
                                        "_last_updated_sequence_number"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (tarn_str_is(name, names[i]))
            return true;
    return false;
}

const struct tarn__from *tarn__dml_from(const struct tarn__dml *d, struct tarn_str text,
                                        const struct tarn_sql_token *t)
{
    struct tarn_str word = tarn_str_of(text.ptr + t->begin, t->end - t->begin);
    if (t->kind == TARN_SQL_QUOTED && word.len >= 2)
        word = tarn_str_of(word.ptr + 1, word.len - 2);
    else if (t->kind != TARN_SQL_WORD)
        return NULL;
    for (size_t i = 0; i < d->from_count; i++)
        if (tarn_str_eq_nocase(d->froms[i].alias, word))
            return &d->froms[i];
    return NULL;
}

void tarn__dml_put_star(const struct tarn__from *f, struct tarn_buf *b)
{
    const char *between = "";
    for (size_t i = 0; i < f->row.field_count; i++) {
        if (is_metadata(f->row.fields[i].name))
            continue; /* they are here because the statement needs the target's */
        tarn_buf_z(b, between);
        tarn_buf_sql_name(b, f->alias);
        tarn_buf_put(b, '.');
        tarn_buf_sql_name(b, f->row.fields[i].name);
        between = ", ";
    }
}

/* s.nothing: the engine would speak of keys of a struct. */
static enum tarn_status check_names(struct tarn__dml *d)
{
    struct tarn_str text = d->returning;
    struct tarn_sql_token t, back[3] = {0};
    for (size_t p = 0; d->from_count && tarn_sql_token(text, p, &t); p = t.end) {
        const struct tarn__from *from = NULL;
        if (tarn_sql_token_is(text, &back[0], ".") && !tarn_sql_token_is(text, &back[2], "."))
            from = tarn__dml_from(d, text, &back[1]);
        back[2] = back[1];
        back[1] = back[0];
        back[0] = t;
        struct tarn_str name = tarn_str_of(text.ptr + t.begin, t.end - t.begin);
        if (t.kind == TARN_SQL_QUOTED && name.len >= 2)
            name = tarn_str_of(name.ptr + 1, name.len - 2);
        else if (t.kind != TARN_SQL_WORD)
            continue;
        if (from && tarn__dml_column(&from->row, name) == SIZE_MAX &&
            !memchr(name.ptr, '"', name.len))
            return tarn__fail_column(d->r, &from->row, name,
                                     tarn__offset(&d->r->words, text) + t.begin);
    }
    return TARN_OK;
}

enum tarn_status tarn__dml_froms(struct tarn__dml *d, struct tarn_str from)
{
    struct tarn_str pieces[TARN__FROMS_MAX];
    size_t n = from.ptr && d->returning.ptr ? split(from, pieces, TARN__FROMS_MAX) : 0;
    for (size_t i = 0; i < n; i++) {
        struct tarn__from *f = &d->froms[d->from_count];
        struct tarn_str full, last;
        TARN_TRY(tarn__relation_name(d, pieces[i], &f->alias, &full, &last));
        if (!f->alias.ptr)
            f->alias = last;
        if (!f->alias.ptr || tarn_str_eq_nocase(f->alias, d->alias) ||
            tarn__dml_column(d->root, f->alias) != SIZE_MAX)
            continue;
        TARN_TRY(row_type(d, from, f->alias, &f->row));
        d->from_count += f->row.field_count > 0;
    }
    return check_names(d);
}

/* Of the target, or of two relations? */
static bool is_taken(const struct tarn__dml *d, size_t from, struct tarn_str name)
{
    bool taken = tarn__dml_column(d->root, name) != SIZE_MAX;
    for (size_t i = 0; i < d->from_count; i++)
        taken = taken || tarn_str_eq_nocase(d->froms[i].alias, name) ||
                (i != from && tarn__dml_column(&d->froms[i].row, name) != SIZE_MAX);
    return taken;
}

void tarn__dml_put_froms(const struct tarn__dml *d, struct tarn_buf *b)
{
    for (size_t i = 0; i < d->from_count; i++) {
        const struct tarn__from *f = &d->froms[i];
        tarn_buf_printf(b, ", \"tarn f%zu\" AS ", i);
        tarn_buf_sql_name(b, f->alias);
        for (size_t k = 0; k < f->row.field_count; k++) {
            if (is_taken(d, i, f->row.fields[k].name))
                continue;
            tarn_buf_printf(b, ", struct_extract(\"tarn f%zu\", ", i);
            tarn_buf_sql_text(b, f->row.fields[k].name);
            tarn_buf_z(b, ") AS ");
            tarn_buf_sql_name(b, f->row.fields[k].name);
        }
    }
}

/* merge_evolve: MERGE WITH SCHEMA EVOLUTION, as Spark has it: a column of the source changes the
 * table's columns where a clause assigns it to the column of its name: by *, by SET new = s.new, by
 * INSERT (new) VALUES (s.new), SET p.new = s.p.new.
 *
 * The clauses are read twice: with all that the source has, to see what they assign; then, by the
 * caller, with the table's columns as they will be.
 */
#include "sql/ddl_int.h"
#include "sql/merge_int.h"

struct paths {
    struct tarn__column_path *items;
    size_t count, cap;
};

/* [s.]a.b, where a.b is what is assigned to? */
static bool is_direct(const struct tarn__dml *d, const struct tarn__set *s)
{
    struct tarn_str parts[TARN__PATH_MAX + 1];
    struct tarn_sql_token t;
    size_t n = 0, from = 0;
    bool dot = true;
    for (size_t p = 0; tarn_sql_token(s->expr, p, &t); p = t.end, dot = !dot) {
        struct tarn_str word = tarn_str_of(s->expr.ptr + t.begin, t.end - t.begin);
        if (!dot && tarn_str_is(word, "."))
            continue;
        if (!dot || n > TARN__PATH_MAX || (t.kind != TARN_SQL_WORD && t.kind != TARN_SQL_QUOTED))
            return false;
        if (t.kind == TARN_SQL_QUOTED && word.len >= 2)
            word = tarn_str_of(word.ptr + 1, word.len - 2);
        parts[n++] = word;
    }
    if (n == s->depth + 1 && tarn_str_eq_nocase(parts[0], d->source))
        from = 1;
    if (n - from != s->depth || n == 0)
        return false;
    for (size_t i = 0; i < s->depth; i++)
        if (!tarn_str_eq_nocase(parts[from + i], s->path[i]->name))
            return false;
    return true;
}

static enum tarn_status collect(struct tarn__dml *d, const struct tarn__merge_clauses *clauses,
                                struct paths *out)
{
    for (size_t k = 0; k < clauses->count; k++)
        for (size_t i = 0; i < clauses->items[k].count; i++) {
            const struct tarn__set *s = &clauses->items[k].sets[i];
            if (!s->expr.ptr || s->row >= 0 || !is_direct(d, s))
                continue;
            TARN_GROW(d->op, out->items, out->count, out->cap);
            struct tarn__column_path *path = &out->items[out->count++];
            path->count = s->depth;
            for (size_t n = 0; n < s->depth; n++)
                path->parts[n] = s->path[n]->name;
        }
    return TARN_OK;
}

/* What the clauses assign, in a table that has all that the source has. */
static enum tarn_status assigned(struct tarn__dml *d, const struct tarn__merging *m,
                                 const struct tarn_schema *all, struct paths *out)
{
    const struct tarn_type *root = d->root;
    struct tarn__words words = d->r->words;
    struct tarn__merging *trial;
    TARN_NEW(d->op, trial);
    *trial = *m;
    d->root = &all->root;
    enum tarn_status status = tarn__merge_whens(d, trial);
    d->root = root;
    TARN_TRY(status);
    d->r->words = words;
    TARN_TRY(collect(d, &trial->matched, out));
    return collect(d, &trial->missing, out);
}

enum tarn_status tarn__merge_evolve(struct tarn__dml *d, struct tarn__merging *m)
{
    const struct tarn_schema *now = tarn_metadata_schema(&d->table->metadata);
    struct tarn__evolution how = {.format_version = d->table->metadata.format_version, .all = true};
    struct tarn_schema schema;
    struct paths paths = {0};
    bool changed;
    TARN_TRY(tarn_schema_copy(d->op, now, &schema));
    TARN_TRY(tarn__evolve(d->op, &how, &m->source_type, &schema, &changed));
    if (!changed)
        return TARN_OK;
    TARN_TRY(assigned(d, m, &schema, &paths));
    how.all = false;
    how.assigned = paths.items;
    how.assigned_count = paths.count;
    TARN_TRY(tarn_schema_copy(d->op, now, &schema));
    TARN_TRY(tarn__evolve(d->op, &how, &m->source_type, &schema, &changed));
    return changed ? tarn__dml_set_schema(d, &schema) : TARN_OK;
}

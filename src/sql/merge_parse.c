/* merge_parse: MERGE INTO t USING s ON .. WHEN .. THEN .., read into clauses. */
#include "sql/merge_int.h"

/* ---- the source's name */

static enum tarn_status name_source(struct tarn__dml *d, struct tarn__merging *m)
{
    struct tarn_str full, last;
    TARN_TRY(tarn__relation_name(d, m->source, &d->source, &full, &last));
    if (d->source.ptr && tarn_str_eq_nocase(d->source, d->alias)) {
        (void)tarn_fail(d->r->op, TARN_SQL, "table and source are both called \"%.*s\"",
                        TARN_STR_ARG(d->alias));
        tarn_hint(d->r->op, "give one of them another name: .. AS s");
        tarn__place_at(&d->r->words, tarn__offset(&d->r->words, d->source));
        return TARN_SQL;
    }
    if (d->source.ptr)
        return TARN_OK;
    d->source = last.ptr ? last : TARN_STR("unnamed_subquery");
    if (!last.ptr || tarn_str_eq(full, last))
        return TARN_OK;
    if (tarn_str_eq_nocase(last, d->alias)) /* staging.t into raw.t: only full names tell */
        d->source = full;
    d->names[d->name_count].full = full;
    d->names[d->name_count++].alias = d->source;
    return TARN_OK;
}

static enum tarn_status describe_source(struct tarn__dml *d, struct tarn__merging *m)
{
    struct tarn__compose c;
    struct tarn_sql_text text;
    tarn__compose_begin(&c, d->op, d->r->text);
    tarn__compose_piece(&c, d->with);
    tarn_buf_z(&c.sql, d->with.len ? "\nSELECT * FROM " : "SELECT * FROM ");
    tarn__compose_piece(&c, m->source);
    TARN_TRY(tarn__compose_end(&c, &text));
    TARN_TRY(tarn__pin_refs(d->r, text));
    TARN_TRY(tarn_session_describe(d->r->sql->env->flow.session, d->op, text, &m->source_type));
    if (tarn__dml_column(&m->source_type, TARN_STR("rowid")) == SIZE_MAX)
        return TARN_OK;
    (void)tarn_fail(d->r->op, TARN_UNSUPPORTED, "a source cannot have a column named \"rowid\"");
    tarn__place_at(&d->r->words, tarn__offset(&d->r->words, m->source));
    return TARN_UNSUPPORTED;
}

/* ---- ON */

/* USING (a, b): t.a = s.a AND t.b = s.b */
static enum tarn_status take_using(struct tarn__dml *d, struct tarn__merging *m)
{
    struct tarn__words *w = &d->r->words;
    struct tarn_str name;
    struct tarn_buf b;
    bool any = false;
    TARN_TRY(tarn__expect(w, "("));
    tarn_buf_init(&b, 65536);
    do {
        enum tarn_status status = tarn__take_ident(w, &name);
        if (status != TARN_OK) {
            tarn_buf_release(&b);
            return status;
        }
        tarn_buf_z(&b, any ? " AND " : "");
        tarn_buf_sql_name(&b, d->alias);
        tarn_buf_put(&b, '.');
        tarn_buf_sql_name(&b, name);
        tarn_buf_z(&b, " = ");
        tarn_buf_sql_name(&b, d->source);
        tarn_buf_put(&b, '.');
        tarn_buf_sql_name(&b, name);
        any = true;
    } while (tarn__take(w, ","));
    TARN_TRY((enum tarn_status)tarn_buf_take(d->op, &b, "a condition", &m->on));
    return tarn__expect(w, ")");
}

/* ---- WHEN */

static enum tarn_status take_update(struct tarn__dml *d, struct tarn__merging *m,
                                    struct tarn__action *a, bool source)
{
    a->act = TARN__ACT_UPDATE;
    TARN_TRY(tarn__expect(&d->r->words, "SET"));
    return tarn__dml_take_sets(d, a, "WHEN|RETURNING", source ? &m->source_type : NULL);
}

static enum tarn_status take_insert(struct tarn__dml *d, struct tarn__merging *m,
                                    struct tarn__action *a)
{
    struct tarn__words *w = &d->r->words;
    a->act = TARN__ACT_INSERT;
    if (tarn__take(w, "*"))
        return tarn__dml_set_all(d, a, &m->source_type);
    if (tarn__take(w, "DEFAULT VALUES"))
        return TARN_OK;
    if (tarn__take(w, "("))
        TARN_TRY(tarn__dml_take_columns(d, a));
    else
        TARN_TRY(tarn__dml_all_columns(d, a));
    TARN_TRY(tarn__expect(w, "VALUES"));
    TARN_TRY(tarn__expect(w, "("));
    return tarn__dml_take_values(d, a, 0);
}

static enum tarn_status take_act(struct tarn__dml *d, struct tarn__merging *m,
                                 const struct tarn__merge_clauses *of, struct tarn__action *a)
{
    struct tarn__words *w = &d->r->words;
    if (tarn__take(w, "DO NOTHING"))
        return TARN_OK;
    if (of == &m->missing) {
        TARN_TRY(tarn__expect(w, "INSERT"));
        return take_insert(d, m, a);
    }
    if (tarn__take(w, "UPDATE"))
        return take_update(d, m, a, of == &m->matched);
    if (!tarn__take(w, "DELETE"))
        return tarn__expect(w, "UPDATE, DELETE or DO NOTHING");
    a->act = TARN__ACT_DELETE;
    return TARN_OK;
}

static enum tarn_status take_when(struct tarn__dml *d, struct tarn__merging *m)
{
    struct tarn__words *w = &d->r->words, at = *w;
    struct tarn__merge_clauses *of = &m->matched;
    TARN_TRY(tarn__expect(w, "WHEN"));
    if (tarn__take(w, "NOT MATCHED BY SOURCE"))
        of = &m->orphans;
    else if (tarn__take(w, "NOT MATCHED BY TARGET") || tarn__take(w, "NOT MATCHED"))
        of = &m->missing;
    else
        TARN_TRY(tarn__expect(w, "MATCHED"));
    if (of->count == TARN__WHENS_MAX)
        return tarn__fail_here(w, TARN_LIMIT, "there are more than %d WHEN clauses of a kind",
                               TARN__WHENS_MAX);
    if (of->count && !of->items[of->count - 1].condition.ptr)
        return tarn__fail_here(&at, TARN_SQL,
                               "no row is left for this clause: the one before it takes them all");
    struct tarn__action *a = &of->items[of->count++];
    *a = (struct tarn__action){.act = TARN__ACT_NOTHING};
    if (tarn__take(w, "AND"))
        TARN_TRY(tarn__dml_expr(d, "THEN", "a condition", &a->condition));
    TARN_TRY(tarn__expect(w, "THEN"));
    return take_act(d, m, of, a);
}

enum tarn_status tarn__merge_whens(struct tarn__dml *d, struct tarn__merging *m)
{
    do
        TARN_TRY(take_when(d, m));
    while (tarn__at(&d->r->words, "WHEN"));
    return TARN_OK;
}

enum tarn_status tarn__merge_parse(struct tarn__dml *d, struct tarn__merging *m)
{
    struct tarn__words *w = &d->r->words;
    d->evolve = tarn__take(w, "WITH SCHEMA EVOLUTION");
    TARN_TRY(tarn__expect(w, "INTO"));
    TARN_TRY(tarn__dml_target(d, "USING"));
    TARN_TRY(tarn__expect(w, "USING"));
    TARN_TRY(tarn__dml_expr(d, "ON|USING|WHEN", "a source", &m->source));
    TARN_TRY(name_source(d, m));
    TARN_TRY(describe_source(d, m));
    if (tarn__take(w, "USING")) {
        TARN_TRY(take_using(d, m));
    } else {
        TARN_TRY(tarn__expect(w, "ON"));
        TARN_TRY(tarn__dml_expr(d, "WHEN", "a condition", &m->on));
    }
    if (d->evolve)
        TARN_TRY(tarn__merge_evolve(d, m));
    TARN_TRY(tarn__merge_whens(d, m));
    return tarn__dml_returning(d);
}

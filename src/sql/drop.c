/* drop: DROP TABLE, and which of DROP's statements it is.
 *
 *     DROP TABLE [IF EXISTS] t [PURGE]
 *
 * Without PURGE the files stay, and the table can be registered again. A table whose metadata file
 * cannot be read can still be dropped.
 */
#include "sql/drop_int.h"

struct drop {
    struct tarn__run *r;
    struct tarn__target target;
    bool quiet, purge;
    struct tarn_swap swap; /* the table's entry in the catalog */
};

static enum tarn_status not_there(struct drop *d)
{
    struct tarn_table *t;
    if (!d->quiet)
        return tarn__target_table(d->r, &d->target, &t);
    d->r->answer->notice =
        tarn_sprintf(d->r->op, "there is no table %.*s%s%.*s", TARN_STR_ARG(d->target.ident.ns),
                     d->target.ident.ns.len ? "." : "", TARN_STR_ARG(d->target.ident.name));
    return d->r->answer->notice.ptr ? TARN_OK : TARN_NOMEM;
}

/* The table's entry in the catalog: its metadata may be unreadable. */
static enum tarn_status find(struct drop *d, struct tarn_table **table)
{
    struct tarn__run *r = d->r;
    struct tarn_catalog *catalog = r->sql->env->flow.lake->catalog;
    enum tarn_status status = tarn__target_find(r, &d->target, table);
    struct tarn_swap *swap = &d->swap;
    *swap = (struct tarn_swap){.ident = d->target.ident};
    if (status == TARN_OK && *table) {
        swap->ident = (*table)->ident;
        swap->expected = (*table)->metadata_location;
        return TARN_OK;
    }
    if (status == TARN_OK || d->purge || !d->target.ident.ns.ptr ||
        (status != TARN_NOT_FOUND && status != TARN_CORRUPT && status != TARN_UNSUPPORTED))
        return status;
    tarn_clear(r->op);
    return tarn_catalog_load(catalog, r->op, d->target.ident, &swap->expected);
}

/* Files that could not be read: because another process drops the table, too? */
static enum tarn_status unless_moved(struct drop *d, enum tarn_status status)
{
    struct tarn_report told = d->r->op->report;
    struct tarn_str before = d->swap.expected, now = {NULL, 0};
    if (status == TARN_OK)
        return TARN_OK;
    struct tarn_catalog *catalog = d->r->sql->env->flow.lake->catalog;
    enum tarn_status look = tarn_catalog_load(catalog, d->r->op, d->swap.ident, &now);
    if (look != TARN_OK || (before.ptr && !tarn_str_eq(before, now)))
        (void)!tarn__raced(d->r, TARN_CONFLICT);
    d->r->op->report = told;
    return status;
}

static enum tarn_status drop_table(struct drop *d)
{
    struct tarn__run *r = d->r;
    struct tarn_table *table = NULL;
    struct tarn__doomed_files files = {0};
    TARN_TRY(unless_moved(d, find(d, &table)));
    if (!d->swap.expected.ptr)
        return not_there(d);
    if (d->purge)
        TARN_TRY(unless_moved(d, tarn__files_of_table(r, table, &files)));
    struct tarn_catalog *catalog = r->sql->env->flow.lake->catalog;
    TARN_TRY(tarn__raced(r, tarn_catalog_commit(catalog, r->op, &d->swap, 1)));
    tarn__unpin(r, d->swap.ident);
    if (d->purge)
        tarn__remove_files(r, &files);
    return TARN_OK;
}

static enum tarn_status take_drop_table(struct tarn__run *r)
{
    struct drop d = {.r = r};
    TARN_TRY(tarn__outside_transaction(r, "DROP TABLE"));
    d.quiet = tarn__take(&r->words, "IF EXISTS");
    TARN_TRY(tarn__take_target(r, &d.target));
    d.purge = tarn__take(&r->words, "PURGE");
    if (!d.purge && !tarn__take(&r->words, "CASCADE"))
        (void)tarn__take(&r->words, "RESTRICT");
    TARN_TRY(tarn__expect_end(&r->words));
    if (d.target.suffix.ptr) {
        (void)tarn_fail(r->op, TARN_INVALID,
                        "a branch or tag is dropped by ALTER TABLE .. DROP "
                        "BRANCH or DROP TAG");
        tarn__place_at(&r->words, d.target.offset);
        return TARN_INVALID;
    }
    TARN_TRY(drop_table(&d));
    tarn__done(r, "DROP TABLE", -1);
    return TARN_OK;
}

enum tarn_status tarn__sql_drop(struct tarn__run *r)
{
    struct tarn__words *w = &r->words;
    if (tarn__take(w, "TABLE"))
        return take_drop_table(r);
    if (tarn__take(w, "VIEW"))
        return tarn__sql_drop_view(r);
    if (tarn__take(w, "NAMESPACE") || tarn__take(w, "SCHEMA") || tarn__take(w, "DATABASE"))
        return tarn__drop_namespace(r);
    return tarn__expect(w, "TABLE, VIEW or NAMESPACE");
}

/* ---- COMMENT ON */

static enum tarn_status take_text(struct tarn__words *w, struct tarn_str *out)
{
    *out = (struct tarn_str){NULL, 0};
    TARN_TRY(tarn__expect(w, "IS"));
    return tarn__take(w, "NULL") ? TARN_OK : tarn__take_string(w, out);
}

static enum tarn_status comment_table(struct tarn__run *r)
{
    struct tarn__target target;
    struct tarn_table *t;
    struct tarn_change *change;
    struct tarn_str text;
    TARN_TRY(tarn__take_target(r, &target));
    TARN_TRY(take_text(&r->words, &text));
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(tarn__target_table(r, &target, &t));
    TARN_TRY(tarn_change_open(r->sql->env->flow.lake, r->op, t, &change));
    TARN_TRY(tarn_change_set_property(change, r->op, TARN_STR("comment"), text));
    return tarn_change_is_empty(change) ? TARN_OK : tarn__publish(r, change);
}

enum tarn_status tarn__sql_comment(struct tarn__run *r)
{
    struct tarn__words *w = &r->words;
    tarn__use_change_op(r);
    TARN_TRY(tarn__expect(w, "ON"));
    if (tarn__take(w, "TABLE"))
        TARN_TRY(comment_table(r));
    else if (tarn__take(w, "COLUMN"))
        TARN_TRY(tarn__comment_column(r));
    else
        return tarn__expect(w, "TABLE or COLUMN");
    tarn__done(r, "COMMENT", -1);
    return TARN_OK;
}

/* views: what the names of a statement mean, as views in the session's catalog.
 *
 * A table's view is a SELECT over its scan, a view's its own text, a metadata table's a SELECT over
 * a temporary table that its rows were read into. They are made anew by every statement, so none
 * outlives what it stood for.
 */
#include "engine/duckdb/engine_int.h"

#include <stdlib.h>

void tarn__name_sql(struct tarn_buf *b, const struct tarn_session *s, struct tarn_str ns,
                    struct tarn_str name)
{
    tarn_buf_sql_name(b, tarn_str_view(s->catalog));
    tarn_buf_put(b, '.');
    tarn_buf_sql_name(b, ns.ptr ? ns : TARN_STR(TARN__SCHEMA_BARE));
    if (name.ptr) {
        tarn_buf_put(b, '.');
        tarn_buf_sql_name(b, name);
    }
}

/* ---- views of earlier statements */

static bool same_place(const struct tarn__view *v, struct tarn_str schema, struct tarn_str name)
{
    return tarn_str_eq_nocase(tarn_str_view(v->ns), schema) &&
           tarn_str_eq_nocase(tarn_str_view(v->name), name);
}

static void view_free(struct tarn__view *v)
{
    free(v->ns);
    free(v->name);
    free(v);
}

static enum tarn_status view_drop(struct tarn_session *s, struct tarn_op *op,
                                  const struct tarn__view *v)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 65536);
    tarn_buf_z(&b, "DROP VIEW IF EXISTS ");
    tarn__name_sql(&b, s, tarn_str_view(v->ns), tarn_str_view(v->name));
    return tarn__do_buf(s, op, &b);
}

enum tarn_status tarn__view_forget(struct tarn_session *s, struct tarn_op *op,
                                   struct tarn_str schema, struct tarn_str name)
{
    for (struct tarn__view **at = &s->views; *at; at = &(*at)->next) {
        struct tarn__view *v = *at;
        if (!same_place(v, schema, name))
            continue;
        TARN_TRY(view_drop(s, op, v));
        *at = v->next;
        view_free(v);
        return TARN_OK;
    }
    return TARN_OK;
}

static enum tarn_status view_remember(struct tarn_session *s, struct tarn_op *op,
                                      struct tarn_str schema, struct tarn_str name)
{
    for (struct tarn__view *v = s->views; v; v = v->next)
        if (same_place(v, schema, name))
            return TARN_OK;
    struct tarn__view *v = calloc(1, sizeof *v);
    if (v) {
        v->ns = strndup(schema.ptr, schema.len);
        v->name = strndup(name.ptr, name.len);
    }
    if (!v || !v->ns || !v->name) {
        if (v)
            view_free(v);
        return tarn_fail(op, TARN_NOMEM, "could not open a table: out of memory");
    }
    v->next = s->views;
    s->views = v;
    return TARN_OK;
}

void tarn_session_forget_views(struct tarn_session *s)
{
    struct tarn_op op;
    if (s->open || tarn_op_init(&op, 0, 0) != TARN_OK)
        return; /* the next statement makes its views anew in any case */
    while (s->views) {
        struct tarn__view *v = s->views;
        s->views = v->next;
        if (view_drop(s, &op, v) != TARN_OK)
            tarn_clear(&op);
        view_free(v);
    }
    tarn_op_release(&op);
}

/* ---- making views */

static void skips_add(struct tarn_scan_skips *sum, const struct tarn_scan_skips *k)
{
    sum->manifests += k->manifests;
    sum->manifests_skipped += k->manifests_skipped;
    sum->files += k->files;
    sum->files_skipped_partition += k->files_skipped_partition;
    sum->files_skipped_bounds += k->files_skipped_bounds;
    sum->bytes += k->bytes;
    sum->bytes_skipped += k->bytes_skipped;
    sum->rows += k->rows;
    sum->rows_skipped += k->rows_skipped;
}

static bool schema_known(const struct tarn_session *s, struct tarn_str ns)
{
    if (tarn_str_is(ns, TARN__SCHEMA_BARE))
        return true;
    for (const struct tarn__view *v = s->views; v; v = v->next)
        if (tarn_str_eq_nocase(tarn_str_view(v->ns), ns))
            return true;
    return false;
}

static enum tarn_status plan_table(struct tarn_session *s, struct tarn_op *op, struct tarn__name *n)
{
    TARN_TRY(s->resolver->plan(s->resolver, op, &n->relation, n->filter, &n->scan));
    skips_add(&s->skips, &n->scan->skips);
    return TARN_OK;
}

/* ---- metadata tables */

static struct tarn_str row_table(struct tarn_op *op, int number)
{
    return tarn_sprintf(op, "temp.main.\"tarn_rows_%d\"", number);
}

enum tarn_status tarn__view_rows_drop(struct tarn_session *s, struct tarn_op *op)
{
    for (; s->row_tables > 0; s->row_tables--) {
        struct tarn_buf sql;
        struct tarn_str table = row_table(op, s->row_tables);
        if (!table.ptr)
            return TARN_NOMEM;
        tarn_buf_init(&sql, 4096);
        tarn_buf_z(&sql, "DROP TABLE IF EXISTS ");
        tarn_buf_str(&sql, table);
        TARN_TRY(tarn__do_buf(s, op, &sql));
    }
    return TARN_OK;
}

static enum tarn_status read_rows(struct tarn_session *s, struct tarn_op *op,
                                  struct tarn_producer *p, struct tarn_str table)
{
    struct tarn__feed *feed;
    struct tarn_buf sql;
    TARN_TRY(tarn__feed_open(s->engine, op, p, &feed));
    tarn_buf_init(&sql, TARN__SQL_MAX);
    tarn_buf_printf(&sql, "CREATE OR REPLACE TEMP TABLE %.*s AS SELECT ", TARN_STR_ARG(table));
    for (size_t i = 0; i < p->schema->field_count; i++) {
        tarn_buf_printf(&sql, "%sc%zu AS ", i > 0 ? ", " : "", i);
        tarn_buf_sql_name(&sql, p->schema->fields[i].name);
    }
    tarn_buf_printf(&sql, " FROM tarn_feed(%lld)", (long long)feed->id);
    enum tarn_status status = tarn__do_buf(s, op, &sql);
    if (status != TARN_OK && feed->report.status != TARN_OK) {
        op->report = feed->report; /* the cause, not what the engine made of it */
        status = op->report.status;
    }
    tarn__feed_close(s->engine, feed);
    return status;
}

static enum tarn_status rows_sql(struct tarn_session *s, struct tarn_op *op, struct tarn_buf *b,
                                 const struct tarn__name *n)
{
    struct tarn_str table = row_table(op, ++s->row_tables);
    if (!table.ptr)
        return TARN_NOMEM;
    TARN_TRY(read_rows(s, op, n->relation.rows, table));
    tarn_buf_z(b, "SELECT * FROM ");
    tarn_buf_str(b, table);
    return TARN_OK;
}

/* ---- views */

static enum tarn_status body_sql(struct tarn_session *s, struct tarn_op *op, struct tarn_buf *b,
                                 struct tarn__name *n, enum tarn__views how)
{
    const struct tarn_relation *r = &n->relation;
    if (!r->schema) {
        tarn_buf_str(b, n->view_sql);
        return TARN_OK;
    }
    if (how == TARN__VIEWS_EMPTY)
        return tarn__empty_sql(op, b, r->schema, n->meta);
    if (r->rows)
        return rows_sql(s, op, b, n);
    struct tarn_str name = tarn__name_text(op, n);
    if (!name.ptr)
        return TARN_NOMEM;
    TARN_TRY(plan_table(s, op, n));
    return tarn__scan_sql(s, op, b, n->scan, name, n->meta, &s->lives);
}

enum tarn_status tarn__view_make(struct tarn_session *s, struct tarn_op *op, struct tarn__name *n,
                                 enum tarn__views how)
{
    struct tarn_buf sql;
    tarn_buf_init(&sql, TARN__SQL_MAX);
    if (!schema_known(s, n->schema)) {
        tarn_buf_z(&sql, "CREATE SCHEMA IF NOT EXISTS ");
        tarn__name_sql(&sql, s, n->schema, (struct tarn_str){NULL, 0});
        tarn_buf_z(&sql, "; ");
    }
    tarn_buf_z(&sql, "CREATE OR REPLACE VIEW ");
    tarn__name_sql(&sql, s, n->schema, n->name);
    tarn_buf_z(&sql, " AS ");
    enum tarn_status status = body_sql(s, op, &sql, n, how);
    if (status == TARN_OK)
        status = tarn__do_buf(s, op, &sql);
    tarn_buf_release(&sql);
    if (status == TARN_OK)
        status = view_remember(s, op, n->schema, n->name);
    return status;
}

/* ---- filters of joins */

static bool differs(const struct tarn_type *a, const struct tarn_type *b)
{
    return a->kind != b->kind || a->precision != b->precision || a->scale != b->scale;
}

/* May a column be of a narrower type in some of the files? */
bool tarn__view_promoted(const struct tarn_scan *scan)
{
    const struct tarn_metadata *m = scan->metadata;
    const struct tarn_type *root = &scan->schema->root;
    for (size_t i = 0; i < m->schema_count; i++)
        for (size_t k = 0; k < root->field_count; k++) {
            const struct tarn_field *old =
                tarn_schema_field_by_id(&m->schemas[i], root->fields[k].id);
            if (old && differs(&old->type, &root->fields[k].type))
                return true;
        }
    return scan->schemas_gone || scan->files_without_ids_possible;
}

/* The engine (1.5.5) makes a filter of a join's keys and pushes it into the scan of the other side;
 * where a file holds the column in another type it cannot, and fails. */
enum tarn_status tarn__views_filters(struct tarn_session *s, struct tarn_op *op,
                                     const struct tarn__names *names)
{
    bool off = false;
    for (size_t i = 0; i < names->count && !off; i++)
        off = names->items[i].scan && tarn__view_promoted(names->items[i].scan);
    for (const struct tarn__binding *b = s->bindings; b; b = b->next)
        off = off || b->promoted;
    if (off == s->filters_off)
        return TARN_OK;
    struct tarn_buf sql;
    tarn_buf_init(&sql, 4096);
    tarn_buf_z(&sql, off ? "SET disabled_optimizers='join_filter_pushdown'"
                         : "RESET disabled_optimizers");
    TARN_TRY(tarn__do_buf(s, op, &sql));
    s->filters_off = off;
    return TARN_OK;
}

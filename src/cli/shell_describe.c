/* shell_describe: \d and its kin: what there is, and what a table or view is made of. */
#include <fnmatch.h>

#include "cli/shell_int.h"

static const struct tarn_output_column relation_columns[] = {
    {"namespace", TARN_OUTPUT_TEXT}, {"name", TARN_OUTPUT_TEXT}, {"kind", TARN_OUTPUT_TEXT}};

/* Lists and descriptions are tables, whatever the format of results is. */
static void listing(struct tarn__shell *s, struct tarn_buf *text, struct tarn_output *out)
{
    tarn__console_output(s->console, text, out);
    if (out->options.format == TARN_FORMAT_EXPANDED)
        out->options.format = TARN_FORMAT_TABLE;
    out->options.rows_max = 1000000;
}

/* A pattern with * and ?; without them the whole name or its last part. */
static bool fits(struct tarn_op *op, struct tarn_str pattern, struct tarn_ident ident)
{
    struct tarn_str p = tarn_strdup(op, pattern), name = tarn_strdup(op, ident.name);
    struct tarn_str full =
        tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
    if (!pattern.len)
        return true;
    return p.ptr && name.ptr && full.ptr &&
           (fnmatch(p.ptr, name.ptr, FNM_CASEFOLD) == 0 ||
            fnmatch(p.ptr, full.ptr, FNM_CASEFOLD) == 0);
}

static struct tarn_ident split(struct tarn_str full)
{
    for (size_t i = full.len; i-- > 0;)
        if (full.ptr[i] == '.')
            return (struct tarn_ident){tarn_str_of(full.ptr, i),
                                       tarn_str_of(full.ptr + i + 1, full.len - i - 1)};
    return (struct tarn_ident){.name = full};
}

static bool is_table(const struct tarn_workspace *w, const struct tarn_idents *tables,
                     struct tarn_ident ident)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tarn_str_eq(tables->items[i].ns, ident.ns) &&
            tarn_str_eq(tables->items[i].name, ident.name))
            return true;
    for (size_t i = 0; i < w->staged_count; i++)
        if (tarn_str_eq(w->staged[i]->ident.ns, ident.ns) &&
            tarn_str_eq(w->staged[i]->ident.name, ident.name))
            return true;
    return false;
}

/* Names that SQL may use: tables, and what is none of them is a view. */
static enum tarn_status relations(struct tarn__shell *s, struct tarn_op *op, struct tarn_str what,
                                  struct tarn_str pattern, struct tarn_output *out)
{
    struct tarn_workspace *w = s->console->workspace;
    struct tarn_str *names;
    struct tarn_idents tables;
    size_t count;
    TARN_TRY(w->resolver.names(&w->resolver, op, &names, &count));
    TARN_TRY(tarn_catalog_list_tables(w->catalog, op, (struct tarn_str){NULL, 0}, &tables));
    TARN_TRY(tarn_output_begin_listing(out, op, relation_columns, 3));
    for (size_t i = 0; i < count; i++) {
        struct tarn_ident ident = split(names[i]);
        bool table = is_table(w, &tables, ident), twice = false;
        for (size_t k = 0; k < i && !twice; k++) /* staged ones stand in the catalog too */
            twice = tarn_str_eq(names[k], names[i]);
        if (twice || !fits(op, pattern, ident) || tarn_str_is(what, table ? "dv" : "dt"))
            continue;
        struct tarn_str row[] = {ident.ns, ident.name, tarn_str_view(table ? "table" : "view")};
        TARN_TRY(tarn_output_row(out, op, row));
    }
    return TARN_OK;
}

static enum tarn_status namespaces(struct tarn__shell *s, struct tarn_op *op,
                                   struct tarn_str pattern, struct tarn_output *out)
{
    static const struct tarn_output_column columns[] = {{"namespace", TARN_OUTPUT_TEXT}};
    struct tarn_names all;
    TARN_TRY(tarn_catalog_list_namespaces(s->console->workspace->catalog, op, &all));
    TARN_TRY(tarn_output_begin_listing(out, op, columns, 1));
    for (size_t i = 0; i < all.count; i++)
        if (fits(op, pattern, (struct tarn_ident){.name = all.items[i]}))
            TARN_TRY(tarn_output_row(out, op, &all.items[i]));
    return TARN_OK;
}

static enum tarn_status catalogs(struct tarn__shell *s, struct tarn_op *op, struct tarn_output *out)
{
    static const struct tarn_output_column columns[] = {
        {"catalog", TARN_OUTPUT_TEXT}, {"kind", TARN_OUTPUT_TEXT}, {"warehouse", TARN_OUTPUT_TEXT}};
    const struct tarn_workspace *w = s->console->workspace;
    struct tarn_str row[] = {w->catalog->catalog_name, tarn_str_view(w->catalog->ops->name),
                             w->warehouse};
    TARN_TRY(tarn_output_begin_listing(out, op, columns, 3));
    return tarn_output_row(out, op, row);
}

/* ---- a table */

static const struct tarn_output_column field_columns[] = {{"column", TARN_OUTPUT_TEXT},
                                                          {"type", TARN_OUTPUT_TEXT},
                                                          {"required", TARN_OUTPUT_TEXT},
                                                          {"comment", TARN_OUTPUT_TEXT}};

static enum tarn_status fields(struct tarn_op *op, const struct tarn_type *type,
                               struct tarn_output *out)
{
    TARN_TRY(tarn_output_begin_listing(out, op, field_columns, 4));
    for (size_t i = 0; i < type->field_count; i++) {
        const struct tarn_field *f = &type->fields[i];
        struct tarn_str row[] = {f->name, tarn_type_text(op, &f->type),
                                 f->required ? TARN_STR("not null") : TARN_STR(""),
                                 f->doc.ptr ? f->doc : TARN_STR("")};
        TARN_TRY(tarn_output_row(out, op, row));
    }
    return TARN_OK;
}

static void put_order(struct tarn_buf *b, struct tarn_op *op, const struct tarn_metadata *m)
{
    const struct tarn_sort_order *order = NULL;
    for (size_t i = 0; i < m->sort_order_count; i++)
        if (m->sort_orders[i].order_id == m->default_sort_order_id)
            order = &m->sort_orders[i];
    if (!order || order->field_count == 0)
        return;
    tarn_buf_z(b, "Sort order: ");
    for (size_t i = 0; i < order->field_count; i++) {
        const struct tarn_sort_field *f = &order->fields[i];
        struct tarn_str path = tarn_schema_path_of(op, tarn_metadata_schema(m), f->source_id);
        struct tarn_str transform = tarn_transform_text(op, &f->transform);
        tarn_buf_z(b, i ? ", " : "");
        if (f->transform.kind == TARN_TRANSFORM_IDENTITY)
            tarn_buf_str(b, path);
        else
            tarn_buf_printf(b, "%.*s(%.*s)", TARN_STR_ARG(transform), TARN_STR_ARG(path));
        tarn_buf_printf(b, " %s nulls %s", f->descending ? "desc" : "asc",
                        f->nulls_last ? "last" : "first");
    }
    tarn_buf_put(b, '\n');
}

static void put_refs(struct tarn_buf *b, const struct tarn_metadata *m)
{
    for (int tag = 0; tag < 2; tag++) {
        bool any = false;
        for (size_t i = 0; i < m->ref_count; i++) {
            const struct tarn_ref *r = &m->refs[i];
            if (r->is_tag != (tag == 1) || tarn_str_is(r->name, "main"))
                continue;
            tarn_buf_z(b, any ? ", " : tag ? "Tags: " : "Branches: ");
            tarn_buf_printf(b, "%.*s (%lld)", TARN_STR_ARG(r->name), (long long)r->snapshot_id);
            any = true;
        }
        if (any)
            tarn_buf_put(b, '\n');
    }
}

static enum tarn_status table_text(struct tarn__shell *s, struct tarn_op *op,
                                   const struct tarn_table *t, struct tarn_buf *b)
{
    const struct tarn_metadata *m = &t->metadata;
    struct tarn_output out;
    tarn_buf_printf(b, "Table \"%.*s.%.*s\"\n", TARN_STR_ARG(t->ident.ns),
                    TARN_STR_ARG(t->ident.name));
    listing(s, b, &out);
    out.options.no_count = true;
    enum tarn_status status = fields(op, &tarn_metadata_schema(m)->root, &out);
    if (status == TARN_OK)
        status = tarn_output_end(&out, op);
    tarn_output_release(&out);
    TARN_TRY(status);
    if (tarn_metadata_spec(m)->field_count)
        tarn_buf_printf(b, "Partitioned by: %.*s\n", TARN_STR_ARG(tarn__partition_text(op, m)));
    put_order(b, op, m);
    tarn_buf_printf(b, "Format: Iceberg v%d, ", m->format_version);
    tarn_put_plural(b, (int64_t)m->snapshot_count, "snapshot", "snapshots");
    tarn_buf_put(b, '\n');
    tarn_buf_printf(b, "Location: %.*s\n", TARN_STR_ARG(m->location));
    put_refs(b, m);
    for (size_t i = 0; i < m->properties.count; i++)
        tarn_buf_printf(b, "%s %.*s = %.*s\n",
                        i ? "           " : "Properties:", TARN_STR_ARG(m->properties.items[i].key),
                        TARN_STR_ARG(m->properties.items[i].value));
    return TARN_OK;
}

/* A view, or a part of a table (raw.t.snapshots): what a query of it has. */
static enum tarn_status query_text(struct tarn__shell *s, struct tarn_op *op, struct tarn_str name,
                                   const char *kind, struct tarn_buf *b)
{
    struct tarn_type type;
    struct tarn_output out;
    struct tarn_str sql = tarn_sprintf(op, "SELECT * FROM %.*s", TARN_STR_ARG(name));
    if (!sql.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_session_describe(s->console->workspace->session, op,
                                   (struct tarn_sql_text){.sql = sql, .line0 = 1}, &type));
    tarn_buf_printf(b, "%s \"%.*s\"\n", kind, TARN_STR_ARG(name));
    listing(s, b, &out);
    out.options.no_count = true;
    enum tarn_status status = fields(op, &type, &out);
    if (status == TARN_OK)
        status = tarn_output_end(&out, op);
    tarn_output_release(&out);
    return status;
}

static enum tarn_status one(struct tarn__shell *s, struct tarn_op *op, struct tarn_str name,
                            struct tarn_buf *b)
{
    struct tarn_workspace *w = s->console->workspace;
    struct tarn_table *t;
    struct tarn_relation relation;
    struct tarn_str path = name, head;
    if (tarn_str_cut(&path, '.', &head) && tarn_str_eq(head, w->catalog->catalog_name))
        name = path;
    struct tarn_ident ident = split(name);
    struct tarn_table_ref ref = {.ns = ident.ns, .name = ident.name};
    TARN_TRY(w->resolver.lookup(&w->resolver, op, &ref, &relation));
    if (relation.found && relation.view_sql.ptr) {
        TARN_TRY(query_text(s, op, name, "View", b));
        tarn_buf_printf(b, "View definition:\n%.*s\n", TARN_STR_ARG(relation.view_sql));
        return TARN_OK;
    }
    if (tarn_workspace_find(w, op, name, &t) == TARN_OK)
        return table_text(s, op, t, b);
    struct tarn_report why = op->report;
    tarn_clear(op);
    if (query_text(s, op, name, "Metadata of a table:", b) == TARN_OK)
        return TARN_OK;
    op->report = why;
    return why.status;
}

enum tarn_status tarn__describe(struct tarn__shell *s, struct tarn_op *op, struct tarn_str what,
                                struct tarn_str argument)
{
    struct tarn_buf b;
    struct tarn_output out;
    bool pattern = argument.len && (memchr(argument.ptr, '*', argument.len) ||
                                    memchr(argument.ptr, '?', argument.len));
    enum tarn_status status;
    tarn_buf_init(&b, (size_t)64 << 20);
    if (tarn_str_is(what, "d") && argument.len && !pattern) {
        status = one(s, op, argument, &b);
    } else {
        listing(s, &b, &out);
        if (tarn_str_is(what, "dn"))
            status = namespaces(s, op, argument, &out);
        else if (tarn_str_is(what, "l"))
            status = catalogs(s, op, &out);
        else
            status = relations(s, op, what, argument, &out);
        if (status == TARN_OK)
            status = tarn_output_end(&out, op);
        tarn_output_release(&out);
    }
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_finish(op, &b, "the list");
    if (status == TARN_OK)
        status = tarn__console_show(s->console, tarn_buf_view(&b));
    tarn_buf_release(&b);
    return status;
}

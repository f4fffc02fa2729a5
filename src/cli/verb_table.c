/* ls and table: what the catalog and a table's metadata say. The engine is needed only to count rows
 * that equality deletes may hide. */
#include "base/clock.h"
#include "cli/cli.h"
#include "lake/table.h"

static struct tarn_str full_name(struct tarn_op *op, struct tarn_ident i)
{
    return tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(i.ns), TARN_STR_ARG(i.name));
}

static struct tarn_str number(struct tarn_op *op, int64_t n)
{
    return tarn_sprintf(op, "%lld", (long long)n);
}

/* ---- ls */

static void json_table(struct tarn_json_writer *w, const struct tarn_table *t,
                       const struct tarn_table_totals *totals)
{
    tarn_json_begin_object(w);
    tarn_json_member_str(w, "namespace", t->ident.ns);
    tarn_json_member_str(w, "name", t->ident.name);
    tarn_json_member_i64(w, "rows", totals->rows);
    tarn_json_member_i64(w, "data_files", totals->data_files);
    tarn_json_member_i64(w, "delete_files", totals->delete_files);
    tarn_json_member_i64(w, "bytes", totals->bytes);
    tarn_json_member_i64(w, "format_version", t->metadata.format_version);
    tarn_json_member_i64(w, "snapshot_id", t->metadata.current_snapshot_id);
    tarn_json_member_i64(w, "last_updated_ms", t->metadata.last_updated_ms);
    tarn_json_member_str(w, "metadata_location", t->metadata_location);
    tarn_json_end_object(w);
}

/* Views stand behind the tables, with what they have of a table's columns: a name. */
static enum tarn_status list_views(struct tarn_op *op, struct tarn_workspace *w,
                                   struct tarn_output *out, struct tarn_str ns)
{
    struct tarn_idents all = {0};
    enum tarn_status status = tarn_catalog_list_views(w->catalog, op, ns, &all);
    if (status == TARN_UNSUPPORTED) {
        tarn_clear(op); /* the catalog keeps none */
        return TARN_OK;
    }
    for (size_t i = 0; status == TARN_OK && i < all.count; i++) {
        struct tarn_str row[5] = {full_name(op, all.items[i])};
        status = tarn_output_row(out, op, row);
    }
    return status;
}

static enum tarn_status list_tables(struct tarn_cli *cli, struct tarn_workspace *w,
                                    struct tarn_output *out)
{
    static const struct tarn_output_column columns[] = {{"table", TARN_OUTPUT_TEXT},
                                                        {"rows", TARN_OUTPUT_NUMBER},
                                                        {"files", TARN_OUTPUT_NUMBER},
                                                        {"size", TARN_OUTPUT_NUMBER},
                                                        {"changed", TARN_OUTPUT_TEXT}};
    struct tarn_op *op = cli->op;
    const struct tarn_str_list *args = &cli->options->args;
    struct tarn_idents all;
    TARN_TRY(tarn_catalog_list_tables(
        w->catalog, op, args->count ? args->items[0] : (struct tarn_str){NULL, 0}, &all));
    TARN_TRY(tarn_output_begin_listing(out, op, columns, 5));
    for (size_t i = 0; i < all.count; i++) {
        struct tarn_table_totals totals;
        struct tarn_table *t;
        TARN_TRY(tarn_table_load(&w->lake, op, all.items[i], &t));
        TARN_TRY(tarn_workspace_totals(w, op, t, &totals));
        struct tarn_str row[] = {full_name(op, t->ident), number(op, totals.rows),
                                 number(op, totals.data_files + totals.delete_files),
                                 tarn__cli_bytes(cli, totals.bytes),
                                 tarn__cli_time_ms(op, t->metadata.last_updated_ms)};
        TARN_TRY(tarn_output_row(out, op, row));
    }
    return list_views(op, w, out, args->count ? args->items[0] : (struct tarn_str){NULL, 0});
}

static enum tarn_status ls(struct tarn_cli *cli, struct tarn_workspace *w)
{
    return tarn__cli_listing(cli, w, list_tables);
}

enum tarn_status tarn__verb_ls(struct tarn_cli *cli)
{
    return tarn__cli_with_workspace(cli, ls);
}

/* ---- show */

static void put_field(struct tarn_op *op, struct tarn_buf *b, const struct tarn_metadata *m,
                      const struct tarn_transform *transform, int32_t source_id)
{
    struct tarn_str path = tarn_schema_path_of(op, tarn_metadata_schema(m), source_id);
    struct tarn_str text = tarn_transform_text(op, transform);
    if (transform->kind == TARN_TRANSFORM_IDENTITY)
        tarn_buf_str(b, path);
    else
        tarn_buf_printf(b, "%.*s(%.*s)", TARN_STR_ARG(text), TARN_STR_ARG(path));
}

struct tarn_str tarn__partition_text(struct tarn_op *op, const struct tarn_metadata *m)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec(m);
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 1 << 16);
    for (size_t i = 0; i < spec->field_count; i++) {
        if (i)
            tarn_buf_z(&b, ", ");
        put_field(op, &b, m, &spec->fields[i].transform, spec->fields[i].source_id);
    }
    if (spec->field_count == 0)
        tarn_buf_z(&b, "none");
    return tarn_buf_take(op, &b, "partition text", &out) == TARN_OK ? out : TARN_STR("");
}

/* "region, bucket(4, id) DESC NULLS LAST"; nulls are told where they do not stand as usual. */
static struct tarn_str sort_text(struct tarn_op *op, const struct tarn_metadata *m)
{
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 1 << 16);
    for (size_t i = 0; i < m->sort_order_count; i++) {
        const struct tarn_sort_order *o = &m->sort_orders[i];
        for (size_t k = 0; o->order_id == m->default_sort_order_id && k < o->field_count; k++) {
            const struct tarn_sort_field *f = &o->fields[k];
            tarn_buf_z(&b, k ? ", " : "");
            put_field(op, &b, m, &f->transform, f->source_id);
            tarn_buf_z(&b, f->descending ? " DESC" : "");
            if (f->nulls_last != f->descending)
                tarn_buf_z(&b, f->nulls_last ? " NULLS LAST" : " NULLS FIRST");
        }
    }
    if (b.len == 0)
        tarn_buf_z(&b, "none");
    return tarn_buf_take(op, &b, "sort order", &out) == TARN_OK ? out : TARN_STR("");
}

static void put_openers(struct tarn_buf *b, const struct tarn_workspace *w,
                        const struct tarn_table *t)
{
    tarn_buf_printf(b, "\nopen it in\n  DuckDB     FROM iceberg_scan('%.*s');\n",
                    TARN_STR_ARG(t->metadata_location));
    tarn_buf_printf(
        b,
        "  PyIceberg  SqlCatalog(\"%.*s\", "
        "uri=\"sqlite:///%.*s/catalog.db\").load_table(\"%.*s.%.*s\").scan().to_arrow()\n",
        TARN_STR_ARG(w->catalog->catalog_name), TARN_STR_ARG(w->warehouse),
        TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name));
    tarn_buf_printf(b, "  Spark      spark.read.format(\"iceberg\").load(\"%.*s\")\n",
                    TARN_STR_ARG(t->metadata_location));
}

static void put_refs(struct tarn_buf *b, const struct tarn_metadata *m, bool tags)
{
    const char *between = tags ? "  tags          " : "  branches      ";
    bool any = false;
    for (size_t i = 0; i < m->ref_count; i++) {
        const struct tarn_ref *r = &m->refs[i];
        if (r->is_tag != tags || tarn_str_is(r->name, "main"))
            continue;
        tarn_buf_printf(b, "%s%.*s (%lld)", between, TARN_STR_ARG(r->name),
                        (long long)r->snapshot_id);
        between = ", ";
        any = true;
    }
    tarn_buf_z(b, any ? "\n" : "");
}

/* What pipelines keep with a table for themselves. */
static bool is_bookkeeping(struct tarn_str key)
{
    return tarn_str_starts(key, TARN_STR("tarn.position.")) ||
           tarn_str_starts(key, TARN_STR("tarn.shape.")) ||
           tarn_str_starts(key, TARN_STR("tarn.model"));
}

static void put_properties(struct tarn_buf *b, const struct tarn_metadata *m)
{
    const char *label = "properties   ";
    for (size_t i = 0; i < m->properties.count; i++) {
        if (is_bookkeeping(m->properties.items[i].key))
            continue;
        tarn_buf_printf(b, "  %s %.*s = %.*s\n", label, TARN_STR_ARG(m->properties.items[i].key),
                        TARN_STR_ARG(m->properties.items[i].value));
        label = "             ";
    }
}

static enum tarn_status show(struct tarn_cli *cli, struct tarn_workspace *w,
                             const struct tarn_table *t, struct tarn_str ref)
{
    struct tarn_op *op = cli->op;
    struct tarn_buf *b = &cli->text;
    const struct tarn_metadata *m = &t->metadata;
    struct tarn_table_totals totals;
    TARN_TRY(tarn_workspace_totals(w, op, t, &totals));
    if (cli->json) {
        struct tarn_json_writer j;
        tarn__cli_json_begin(cli, &j);
        tarn_json_key(&j, "table");
        json_table(&j, t, &totals);
        tarn_json_member_str(&j, "location", m->location);
        tarn_json_member_str(&j, "uuid", m->uuid);
        if (ref.ptr)
            tarn_json_member_str(&j, "ref", ref);
        tarn_json_member_str(&j, "partition_by", tarn__partition_text(op, m));
        tarn_json_member_str(&j, "sort_by", sort_text(op, m));
        tarn_json_key(&j, "properties");
        tarn_json_begin_object(&j);
        for (size_t i = 0; i < m->properties.count; i++) {
            tarn_json_key_str(&j, m->properties.items[i].key);
            tarn_json_put_str(&j, m->properties.items[i].value);
        }
        tarn_json_end_object(&j);
        return tarn__cli_json_end(cli, &j);
    }
    tarn_buf_printf(b, "%s%s%.*s\n", full_name(op, t->ident).ptr, ref.ptr ? "." : "",
                    TARN_STR_ARG(ref));
    tarn_buf_printf(b, "  format        Iceberg v%d\n", m->format_version);
    tarn_buf_printf(b, "  rows          %s\n", tarn__cli_count(op, totals.rows).ptr);
    tarn_buf_printf(b, "  files         %lld data, %lld delete, %s\n", (long long)totals.data_files,
                    (long long)totals.delete_files, tarn__cli_size(op, totals.bytes).ptr);
    tarn_buf_printf(b, "  columns       %zu\n", tarn_metadata_schema(m)->root.field_count);
    tarn_buf_printf(b, "  partitions    %s\n", tarn__partition_text(op, m).ptr);
    tarn_buf_printf(b, "  sorted by     %s\n", sort_text(op, m).ptr);
    tarn_buf_printf(b, "  snapshots     %zu, current %lld\n", m->snapshot_count,
                    (long long)m->current_snapshot_id);
    put_refs(b, m, false);
    put_refs(b, m, true);
    tarn_buf_printf(b, "  changed       %s\n", tarn__cli_time_ms(op, m->last_updated_ms).ptr);
    tarn_buf_printf(b, "  location      %.*s\n", TARN_STR_ARG(m->location));
    tarn_buf_printf(b, "  metadata      %.*s\n", TARN_STR_ARG(t->metadata_location));
    put_properties(b, m);
    if (!ref.ptr)
        put_openers(b, w, t);
    return tarn__cli_flush(cli);
}

/* ---- schema */

static struct tarn_str type_word(struct tarn_op *op, const struct tarn_type *t)
{
    switch (t->kind) {
    case TARN_TYPE_STRUCT:
        return TARN_STR("struct");
    case TARN_TYPE_LIST:
        return TARN_STR("list");
    case TARN_TYPE_MAP:
        return TARN_STR("map");
    default:
        return tarn_type_text(op, t);
    }
}

static enum tarn_status schema_rows(struct tarn_op *op, struct tarn_output *out,
                                    const struct tarn_type *type, struct tarn_str prefix)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct tarn_field *f = &type->fields[i];
        struct tarn_str path =
            prefix.len ? tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(prefix), TARN_STR_ARG(f->name))
                       : f->name;
        struct tarn_str row[] = {number(op, f->id), path, type_word(op, &f->type),
                                 f->required ? TARN_STR("true") : TARN_STR("false"), f->doc};
        TARN_TRY(tarn_output_row(out, op, row));
        TARN_TRY(schema_rows(op, out, &f->type, path));
    }
    return TARN_OK;
}

static enum tarn_status schema(struct tarn_cli *cli, const struct tarn_table *t,
                               struct tarn_output *out)
{
    static const struct tarn_output_column columns[] = {{"id", TARN_OUTPUT_NUMBER},
                                                        {"column", TARN_OUTPUT_TEXT},
                                                        {"type", TARN_OUTPUT_TEXT},
                                                        {"required", TARN_OUTPUT_BOOLEAN},
                                                        {"doc", TARN_OUTPUT_TEXT}};
    TARN_TRY(tarn_output_begin_listing(out, cli->op, columns, 5));
    return schema_rows(cli->op, out, &tarn_metadata_schema(&t->metadata)->root,
                       (struct tarn_str){NULL, 0});
}

/* ---- history and snapshots */

static struct tarn_str summary(const struct tarn_snapshot *s, const char *key,
                               const char *otherwise)
{
    const struct tarn_str *v = s ? tarn_kvs_get(&s->summary, key) : NULL;
    return v ? *v : tarn_str_view(otherwise);
}

static int64_t summary_number(const struct tarn_snapshot *s, const char *key)
{
    int64_t n = 0;
    (void)tarn_str_to_i64(summary(s, key, "0"), &n);
    return n;
}

static enum tarn_status snapshots(struct tarn_cli *cli, const struct tarn_table *t,
                                  struct tarn_output *out)
{
    static const struct tarn_output_column columns[] = {
        {"committed", TARN_OUTPUT_TEXT}, {"snapshot", TARN_OUTPUT_NUMBER},
        {"parent", TARN_OUTPUT_NUMBER},  {"operation", TARN_OUTPUT_TEXT},
        {"added", TARN_OUTPUT_NUMBER},   {"removed", TARN_OUTPUT_NUMBER},
        {"rows", TARN_OUTPUT_NUMBER},    {"run", TARN_OUTPUT_TEXT}};
    const struct tarn_metadata *m = &t->metadata;
    struct tarn_op *op = cli->op;
    TARN_TRY(tarn_output_begin_listing(out, op, columns, 8));
    for (size_t i = 0; i < m->snapshot_count; i++) {
        const struct tarn_snapshot *s = &m->snapshots[i];
        int64_t removed =
            summary_number(s, "deleted-records") + summary_number(s, "added-position-deletes");
        int64_t rows =
            summary_number(s, "total-records") - summary_number(s, "total-position-deletes");
        bool known = tarn_kvs_get(&s->summary, "total-records") != NULL &&
                     summary_number(s, "total-equality-deletes") == 0;
        bool counted = summary_number(s, "added-equality-deletes") == 0;
        struct tarn_str row[] = {tarn__cli_time_ms(op, s->timestamp_ms),
                                 number(op, s->snapshot_id),
                                 s->parent_id ? number(op, s->parent_id)
                                              : (struct tarn_str){NULL, 0},
                                 summary(s, "operation", ""),
                                 summary(s, "added-records", "0"),
                                 counted ? number(op, removed) : (struct tarn_str){NULL, 0},
                                 known ? number(op, rows) : (struct tarn_str){NULL, 0},
                                 summary(s, "tarn.run-id", "")};
        TARN_TRY(tarn_output_row(out, op, row));
    }
    return TARN_OK;
}

static enum tarn_status history(struct tarn_cli *cli, const struct tarn_table *t,
                                struct tarn_output *out)
{
    static const struct tarn_output_column columns[] = {{"made_current", TARN_OUTPUT_TEXT},
                                                        {"snapshot", TARN_OUTPUT_NUMBER},
                                                        {"operation", TARN_OUTPUT_TEXT},
                                                        {"added", TARN_OUTPUT_NUMBER},
                                                        {"is_ancestor", TARN_OUTPUT_BOOLEAN}};
    const struct tarn_metadata *m = &t->metadata;
    TARN_TRY(tarn_output_begin_listing(out, cli->op, columns, 5));
    for (size_t i = 0; i < m->snapshot_log_count; i++) {
        const struct tarn_snapshot_log_entry *e = &m->snapshot_log[i];
        const struct tarn_snapshot *s = tarn_metadata_snapshot(m, e->snapshot_id);
        bool ancestor = tarn_metadata_is_ancestor(m, e->snapshot_id, m->current_snapshot_id);
        struct tarn_str row[] = {
            tarn__cli_time_ms(cli->op, e->timestamp_ms), number(cli->op, e->snapshot_id),
            summary(s, "operation", "(expired)"), summary(s, "added-records", "0"),
            ancestor ? TARN_STR("true") : TARN_STR("false")};
        TARN_TRY(tarn_output_row(out, cli->op, row));
    }
    return TARN_OK;
}

/* ---- files */

static struct tarn_str tuple_text(struct tarn_op *op, const struct tarn_metadata *m,
                                  const struct tarn_data_file *f)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(m, f->spec_id);
    struct tarn_type type;
    struct tarn_buf b;
    struct tarn_str out;
    if (!spec || tarn_partition_type(op, m, spec, &type) != TARN_OK)
        return TARN_STR("?");
    tarn_buf_init(&b, 1 << 16);
    for (size_t i = 0; i < spec->field_count && i < f->partition_count; i++) {
        struct tarn_str v = tarn_transform_human(op, &spec->fields[i].transform,
                                                 &type.fields[i].type, &f->partition[i]);
        tarn_buf_printf(&b, "%s%.*s=%.*s", i ? ", " : "", TARN_STR_ARG(spec->fields[i].name),
                        TARN_STR_ARG(v));
    }
    return tarn_buf_take(op, &b, "partition", &out) == TARN_OK ? out : TARN_STR("?");
}

static enum tarn_status files(struct tarn_cli *cli, struct tarn_workspace *w,
                              const struct tarn_table *t, struct tarn_output *out)
{
    static const struct tarn_output_column columns[] = {{"content", TARN_OUTPUT_TEXT},
                                                        {"partition", TARN_OUTPUT_TEXT},
                                                        {"rows", TARN_OUTPUT_NUMBER},
                                                        {"size", TARN_OUTPUT_NUMBER},
                                                        {"sequence_number", TARN_OUTPUT_NUMBER},
                                                        {"path", TARN_OUTPUT_TEXT}};
    static const char *const contents[] = {"data", "position deletes", "equality deletes"};
    const struct tarn_metadata *m = &t->metadata;
    struct tarn_op *op = cli->op;
    struct tarn_live_files live;
    TARN_TRY(tarn_table_live_files(&w->lake, op, m, tarn_metadata_current(m), &live));
    TARN_TRY(tarn_output_begin_listing(out, op, columns, 6));
    for (size_t i = 0; i < live.count; i++) {
        const struct tarn_data_file *f = &live.items[i].file;
        struct tarn_str row[] = {tarn_str_view(contents[f->content]),
                                 tuple_text(op, m, f),
                                 number(op, f->record_count),
                                 tarn__cli_bytes(cli, f->size_bytes),
                                 number(op, live.items[i].sequence_number),
                                 f->path};
        TARN_TRY(tarn_output_row(out, op, row));
    }
    return TARN_OK;
}

/* ---- */

static enum tarn_status list(struct tarn_cli *cli, struct tarn_workspace *w,
                             struct tarn_output *out)
{
    struct tarn_table *t;
    struct tarn_str ref;
    TARN_TRY(tarn_workspace_find_at(w, cli->op, cli->options->args.items[0], &t, &ref));
    switch ((enum tarn_table_action)cli->options->action) {
    case TARN_TABLE_SCHEMA:
        return schema(cli, t, out);
    case TARN_TABLE_HISTORY:
        return history(cli, t, out);
    case TARN_TABLE_FILES:
        return files(cli, w, t, out);
    default:
        return snapshots(cli, t, out);
    }
}

static enum tarn_status look(struct tarn_cli *cli, struct tarn_workspace *w)
{
    struct tarn_table *t;
    struct tarn_str ref;
    if (cli->options->action != TARN_TABLE_SHOW)
        return tarn__cli_listing(cli, w, list);
    TARN_TRY(tarn_workspace_find_at(w, cli->op, cli->options->args.items[0], &t, &ref));
    return show(cli, w, t, ref);
}

enum tarn_status tarn__verb_table(struct tarn_cli *cli)
{
    return tarn__cli_with_workspace(cli, look);
}

/* describe: DESCRIBE of tables, columns, namespaces, views and queries, laid out as Spark does.
 *
 *     DESCRIBE [TABLE] [EXTENDED | FORMATTED] t [column]
 *     DESCRIBE {NAMESPACE | SCHEMA | DATABASE} [EXTENDED] ns
 *     DESCRIBE [QUERY] SELECT ..                               the engine's own answer
 */
#include <string.h>

#include "sql/view_int.h"

static const struct tarn_str absent = {NULL, 0};

/* ---- a table */

static enum tarn_status put_columns(struct tarn__list *list, const struct tarn_type *root)
{
    for (size_t i = 0; i < root->field_count; i++) {
        struct tarn_str type = tarn__type_spelled(list->run->op, &root->fields[i].type);
        if (!type.ptr)
            return list->run->op->report.status;
        TARN_TRY(tarn__list_texts(list, root->fields[i].name, type, root->fields[i].doc));
    }
    return TARN_OK;
}

static enum tarn_status head(struct tarn__list *list, const char *title)
{
    TARN_TRY(tarn__list_texts(list, TARN_STR(""), TARN_STR(""), TARN_STR("")));
    return tarn__list_texts(list, tarn_str_view(title), TARN_STR(""), TARN_STR(""));
}

static enum tarn_status put_partitioning(struct tarn__list *list, const struct tarn_metadata *m)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec(m);
    struct tarn_op *op = list->run->op;
    if (spec->field_count)
        TARN_TRY(head(list, "# Partitioning"));
    for (size_t i = 0; i < spec->field_count; i++) {
        struct tarn_buf b;
        struct tarn_str text, part = tarn_sprintf(op, "Part %zu", i);
        tarn_buf_init(&b, 65536);
        tarn__put_transform(&b, op, tarn_metadata_schema(m), &spec->fields[i].transform,
                            spec->fields[i].source_id);
        TARN_TRY((enum tarn_status)tarn_buf_take(op, &b, "a partition field", &text));
        TARN_TRY(tarn__list_texts(list, part, text, TARN_STR("")));
    }
    return TARN_OK;
}

static enum tarn_status put_metadata_columns(struct tarn__list *list)
{
    static const char *const columns[][3] = {
        {"_file", "string", "path of the data file in which a row is stored"},
        {"_pos", "bigint", "ordinal position of a row in its data file"},
        {"_spec_id", "int", "id of the partition spec of the row's data file"},
        {"_row_id", "bigint", "id of the row, kept over changes of it (format version 3)"},
        {"_last_updated_sequence_number", "bigint",
         "sequence number of the commit that last changed the row (format version 3)"}};
    TARN_TRY(head(list, "# Metadata Columns"));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        TARN_TRY(tarn__list_texts(list, tarn_str_view(columns[i][0]), tarn_str_view(columns[i][1]),
                                  tarn_str_view(columns[i][2])));
    return TARN_OK;
}

static enum tarn_status properties_text(struct tarn_op *op, const struct tarn_metadata *m,
                                        struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)64 << 20);
    tarn_buf_z(&b, "[current-snapshot-id=");
    if (m->current_snapshot_id)
        tarn_buf_printf(&b, "%lld", (long long)m->current_snapshot_id);
    else
        tarn_buf_z(&b, "none");
    tarn_buf_printf(&b, ",format=iceberg/parquet,format-version=%d", m->format_version);
    for (size_t i = 0; i < m->properties.count; i++)
        tarn_buf_printf(&b, ",%.*s=%.*s", TARN_STR_ARG(m->properties.items[i].key),
                        TARN_STR_ARG(m->properties.items[i].value));
    tarn_buf_put(&b, ']');
    return (enum tarn_status)tarn_buf_take(op, &b, "the table's properties", out);
}

static enum tarn_status order_text(struct tarn_op *op, const struct tarn_metadata *m,
                                   struct tarn_str *out)
{
    struct tarn_buf b;
    *out = absent;
    for (size_t i = 0; i < m->sort_order_count; i++) {
        const struct tarn_sort_order *o = &m->sort_orders[i];
        if (o->order_id != m->default_sort_order_id || o->field_count == 0)
            continue;
        tarn_buf_init(&b, 65536);
        tarn__put_order(&b, op, tarn_metadata_schema(m), o);
        return (enum tarn_status)tarn_buf_take(op, &b, "a sort order", out);
    }
    return TARN_OK;
}

static enum tarn_status put_details(struct tarn__list *list, const struct tarn_table *t)
{
    struct tarn_op *op = list->run->op;
    const struct tarn_flow *flow = &list->run->sql->env->flow;
    const struct tarn_lake *lake = flow->lake;
    const struct tarn_metadata *m = &t->metadata;
    const struct tarn_str *comment = tarn_kvs_get(&m->properties, "comment");
    struct tarn_table_totals totals;
    struct tarn_str properties, order;
    TARN_TRY(tarn_flow_totals(lake, flow->session, op, t, &totals));
    TARN_TRY(properties_text(op, m, &properties));
    TARN_TRY(order_text(op, m, &order));
    TARN_TRY(head(list, "# Detailed Table Information"));
    const struct tarn_kv rows[] = {
        {TARN_STR("Name"),
         tarn_sprintf(op, "%.*s.%.*s.%.*s", TARN_STR_ARG(lake->catalog->catalog_name),
                      TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name))},
        {TARN_STR("Type"), TARN_STR("MANAGED")},
        {TARN_STR("Comment"), comment ? *comment : absent},
        {TARN_STR("Location"), m->location},
        {TARN_STR("Metadata"), t->metadata_location},
        {TARN_STR("Provider"), TARN_STR("iceberg")},
        {TARN_STR("Sort Order"), order},
        {TARN_STR("Statistics"), tarn_sprintf(op, "%lld bytes, %lld rows", (long long)totals.bytes,
                                              (long long)totals.rows)},
        {TARN_STR("Table Properties"), properties}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].value.ptr)
            TARN_TRY(tarn__list_texts(list, rows[i].key, rows[i].value, TARN_STR("")));
    return TARN_OK;
}

static enum tarn_status describe_table(struct tarn__run *r, const struct tarn_table *t,
                                       bool extended)
{
    struct tarn__list list;
    TARN_TRY(tarn__list_begin(&list, r, "col_name data_type comment"));
    TARN_TRY(put_columns(&list, &tarn_metadata_schema(&t->metadata)->root));
    TARN_TRY(put_partitioning(&list, &t->metadata));
    if (extended) {
        TARN_TRY(put_metadata_columns(&list));
        TARN_TRY(put_details(&list, t));
    }
    return tarn__list_end(&list, "DESCRIBE");
}

/* ---- one column */

static enum tarn_status no_column(struct tarn__run *r, const struct tarn_table *t,
                                  struct tarn_str path, size_t offset)
{
    const struct tarn_type *root = &tarn_metadata_schema(&t->metadata)->root;
    const char **z, *nearest;
    TARN_NEW_ARRAY(r->op, z, root->field_count + 1);
    for (size_t i = 0; i < root->field_count; i++) {
        struct tarn_str copy = tarn_strdup(r->op, root->fields[i].name);
        if (!copy.ptr)
            return TARN_NOMEM;
        z[i] = copy.ptr;
    }
    nearest = tarn_str_nearest(path, z, root->field_count);
    (void)tarn_fail(r->op, TARN_COLUMN, "table %.*s.%.*s has no column \"%.*s\"",
                    TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name), TARN_STR_ARG(path));
    if (nearest)
        tarn_hint(r->op, "did you mean %s?", nearest);
    tarn__place_at(&r->words, offset);
    return TARN_COLUMN;
}

static const struct tarn_field *column_at(const struct tarn_metadata *m, struct tarn_str path)
{
    const struct tarn_type *root = &tarn_metadata_schema(m)->root;
    const struct tarn_field *any = NULL;
    const struct tarn_field *f = tarn_schema_field_by_path(tarn_metadata_schema(m), path);
    for (size_t i = 0; !f && i < root->field_count; i++)
        if (tarn_str_eq_nocase(root->fields[i].name, path)) {
            if (any)
                return NULL;
            any = &root->fields[i];
        }
    return f ? f : any;
}

static enum tarn_status describe_column(struct tarn__run *r, const struct tarn_table *t,
                                        struct tarn_str path, size_t offset)
{
    struct tarn__list list;
    const struct tarn_field *f = column_at(&t->metadata, path);
    if (!f)
        return no_column(r, t, path, offset);
    struct tarn_str type = tarn__type_spelled(r->op, &f->type),
                    name = tarn_schema_path_of(r->op, tarn_metadata_schema(&t->metadata), f->id);
    if (!type.ptr || !name.ptr)
        return r->op->report.status;
    TARN_TRY(tarn__list_begin(&list, r, "info_name info_value"));
    TARN_TRY(tarn__list_texts(&list, TARN_STR("col_name"), name, absent));
    TARN_TRY(tarn__list_texts(&list, TARN_STR("data_type"), type, absent));
    TARN_TRY(tarn__list_texts(&list, TARN_STR("comment"), f->doc, absent));
    TARN_TRY(tarn__list_texts(&list, TARN_STR("nullable"),
                              f->required ? TARN_STR("false") : TARN_STR("true"), absent));
    if (f->write_default.ptr)
        TARN_TRY(tarn__list_texts(&list, TARN_STR("default"), f->write_default, absent));
    return tarn__list_end(&list, "DESCRIBE");
}

/* ---- namespaces */

static enum tarn_status describe_namespace(struct tarn__run *r)
{
    struct tarn__list list;
    struct tarn_properties all;
    struct tarn_str ns, comment = absent, location = absent;
    bool extended = tarn__take(&r->words, "EXTENDED") || tarn__take(&r->words, "FORMATTED");
    struct tarn_catalog *catalog = r->sql->env->flow.lake->catalog;
    TARN_TRY(tarn__take_namespace(r, true, &ns));
    TARN_TRY(tarn__expect_end(&r->words));
    enum tarn_status status = tarn_catalog_namespace_properties(catalog, r->op, ns, &all);
    if (status == TARN_NOT_FOUND) { /* of the project's views alone */
        tarn_clear(r->op);
        all.count = 0;
    } else {
        TARN_TRY(status);
    }
    struct tarn_buf b;
    struct tarn_str text;
    tarn_buf_init(&b, (size_t)16 << 20);
    tarn_buf_put(&b, '(');
    for (size_t i = 0; i < all.count; i++) {
        if (tarn_str_is(all.items[i].key, "comment"))
            comment = all.items[i].value;
        if (tarn_str_is(all.items[i].key, "location"))
            location = all.items[i].value;
        tarn_buf_printf(&b, "%s(%.*s,%.*s)", i ? ", " : "", TARN_STR_ARG(all.items[i].key),
                        TARN_STR_ARG(all.items[i].value));
    }
    tarn_buf_put(&b, ')');
    TARN_TRY((enum tarn_status)tarn_buf_take(r->op, &b, "the namespace's properties", &text));
    TARN_TRY(tarn__list_begin(&list, r, "info_name info_value"));
    TARN_TRY(tarn__list_texts(&list, TARN_STR("Catalog Name"), catalog->catalog_name, absent));
    TARN_TRY(tarn__list_texts(&list, TARN_STR("Namespace Name"), ns, absent));
    if (comment.ptr)
        TARN_TRY(tarn__list_texts(&list, TARN_STR("Comment"), comment, absent));
    if (location.ptr)
        TARN_TRY(tarn__list_texts(&list, TARN_STR("Location"), location, absent));
    if (extended)
        TARN_TRY(tarn__list_texts(&list, TARN_STR("Properties"), text, absent));
    return tarn__list_end(&list, "DESCRIBE");
}

/* ---- what is no table of the catalog: views, metadata tables, temporary tables */

/* Comments of a view's columns are in its metadata. */
static enum tarn_status put_comments(struct tarn__run *r, struct tarn_ident ident,
                                     struct tarn_type *type)
{
    struct tarn__view view;
    bool found = false;
    if (ident.ns.ptr)
        TARN_TRY(tarn__view_load(r, ident, &view, &found));
    const struct tarn_view_version *now = found ? tarn_view_current(&view.metadata) : NULL;
    const struct tarn_schema *schema = now ? tarn_view_schema(&view.metadata, now) : NULL;
    for (size_t i = 0; schema && i < type->field_count; i++) {
        const struct tarn_field *f = tarn_type_field_by_name(&schema->root, type->fields[i].name);
        type->fields[i].doc = f ? f->doc : absent;
    }
    return TARN_OK;
}

enum tarn_status tarn__relation_columns(struct tarn__run *r, const struct tarn__target *target,
                                        struct tarn_type *out)
{
    struct tarn_str name = tarn_str_of(r->text.sql.ptr + target->offset, target->length);
    struct tarn__compose c;
    struct tarn_sql_text text;
    tarn__compose_begin(&c, r->op, r->text);
    tarn__compose_piece(&c, TARN_STR("SELECT * FROM "));
    tarn__compose_piece(&c, name);
    TARN_TRY(tarn__compose_end(&c, &text));
    return tarn_session_describe(r->sql->env->flow.session, r->op, text, out);
}

static enum tarn_status describe_relation(struct tarn__run *r, const struct tarn__target *target)
{
    struct tarn_type type;
    struct tarn__list list;
    TARN_TRY(tarn__relation_columns(r, target, &type));
    if (!target->suffix.ptr && !tarn__temp_view(r, target))
        TARN_TRY(put_comments(r, target->ident, &type));
    TARN_TRY(tarn__list_begin(&list, r, "col_name data_type comment"));
    TARN_TRY(put_columns(&list, &type));
    return tarn__list_end(&list, "DESCRIBE");
}

/* ---- */

/* "raw.t.items.price": the longest front part that is a table, and the column behind it. */
static enum tarn_status cut_column(struct tarn__run *r, const struct tarn__words *start,
                                   struct tarn_table **t, struct tarn_str *column, size_t *offset)
{
    struct tarn__words w = *start;
    struct tarn__dotted d;
    *t = NULL;
    TARN_TRY(tarn__take_dotted(&w, &d));
    for (size_t keep = d.count; --keep > 0 && !*t;) {
        struct tarn__words at = *start;
        size_t end = 0;
        for (size_t i = 0; i < keep; i++) {
            end = at.token.end;
            tarn__skip(&at);
            *offset = at.token.end; /* behind the dot */
            tarn__skip(&at);
        }
        struct tarn__run part = *r;
        struct tarn__target target;
        part.text.sql.len = end;
        part.words = *start;
        part.words.text.sql.len = end;
        TARN_TRY(tarn__take_target(&part, &target));
        TARN_TRY(tarn__target_find(&part, &target, t));
        struct tarn_buf b;
        tarn_buf_init(&b, 65536);
        for (size_t i = keep; i < d.count; i++) {
            tarn_buf_z(&b, i > keep ? "." : "");
            tarn_buf_str(&b, d.parts[i]);
        }
        TARN_TRY((enum tarn_status)tarn_buf_take(r->op, &b, "a column's name", column));
    }
    return TARN_OK;
}

static enum tarn_status describe_name(struct tarn__run *r, bool extended)
{
    struct tarn__words start = r->words;
    struct tarn__target target;
    struct tarn_table *t = NULL;
    struct tarn__dotted d;
    TARN_TRY(tarn__take_target(r, &target));
    bool temporary = tarn__temp_view(r, &target) != NULL;
    if (!target.suffix.ptr && !temporary)
        TARN_TRY(tarn__target_find(r, &target, &t));
    if (t && !r->words.end && !tarn__at(&r->words, ";")) {
        TARN_TRY(tarn__take_dotted(&r->words, &d));
        TARN_TRY(tarn__expect_end(&r->words));
        return describe_column(r, t, tarn_str_of(r->text.sql.ptr + d.begin, d.end - d.begin),
                               d.begin);
    }
    TARN_TRY(tarn__expect_end(&r->words));
    if (t)
        return describe_table(r, t, extended);
    struct tarn_str column;
    enum tarn_status status = describe_relation(r, &target);
    if (status != TARN_TABLE || temporary)
        return status;
    struct tarn_report told = r->op->report;
    size_t offset = 0;
    tarn_clear(r->op);
    TARN_TRY(cut_column(r, &start, &t, &column, &offset));
    if (t)
        return describe_column(r, t, column, offset);
    r->op->report = told;
    return status;
}

static bool at_query(const struct tarn__words *w)
{
    return tarn__at(w, "SELECT") || tarn__at(w, "WITH") || tarn__at(w, "FROM") ||
           tarn__at(w, "VALUES") || tarn__at(w, "(");
}

/* DESCRIBE [QUERY] SELECT ..; DESC is no word of the engine's. */
static enum tarn_status describe_query(struct tarn__run *r)
{
    struct tarn__compose c;
    struct tarn_sql_text text;
    size_t begin = r->words.token.begin;
    tarn__compose_begin(&c, r->op, r->text);
    tarn__compose_piece(&c, TARN_STR("DESCRIBE "));
    tarn__compose_piece(&c, tarn_str_of(r->text.sql.ptr + begin, r->text.sql.len - begin));
    TARN_TRY(tarn__compose_end(&c, &text));
    tarn__done(r, "DESCRIBE", -1);
    return tarn__answer_query(r, text);
}

enum tarn_status tarn__sql_describe(struct tarn__run *r)
{
    static const char *const namespaces[] = {"NAMESPACE", "SCHEMA", "DATABASE"};
    struct tarn__words start = r->words;
    for (size_t i = 0; i < 3; i++)
        if (tarn__take(&r->words, namespaces[i])) {
            if (!r->words.end && !tarn__at(&r->words, ".") && !tarn__at(&r->words, ";"))
                return describe_namespace(r);
            r->words = start; /* a table of that name */
        }
    if (at_query(&r->words) || (tarn__take(&r->words, "QUERY") && at_query(&r->words)))
        return describe_query(r);
    r->words = start;
    if (tarn__take(&r->words, "TABLE") && r->words.end)
        r->words = start;
    bool extended = tarn__take(&r->words, "EXTENDED") || tarn__take(&r->words, "FORMATTED");
    return describe_name(r, extended);
}

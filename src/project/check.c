/* check: what must hold of a table: the items of a `checks:` list, and the queries of checks/.
 *
 *     - not_null: [entry_id, account_id]           short form: the columns
 *     - not_null: {columns: [...], severity: warn} long form
 *     - unique: [entry_id]
 *       severity: warn                              severity, name, description may also stand
 *                                                   beside
 */
#include "project/project_int.h"

#include <stdio.h>
#include <stdlib.h>

const char *const tarn_check_kind_names[] = {"not_null",     "unique",     "accepted_values",
                                             "relationship", "expression", "row_count",
                                             "sql",          NULL};
const char *const tarn_severity_names[] = {"error", "warn", NULL};

#define LISTED_KINDS 6 /* those of a `checks:` list */

/* What every form may say; first in each raw struct. */
struct about_raw {
    int severity;
    bool has_severity;
    struct tarn_str name, description;
};
struct item_raw {
    struct about_raw about;
    const struct tarn_yaml *node;
    const struct tarn_yaml *kinds[LISTED_KINDS];
};
struct columns_raw {
    struct about_raw about;
    struct tarn_yaml_list columns;
};
struct values_raw {
    struct about_raw about;
    struct tarn_str column;
    struct tarn_yaml_list values;
};
struct relationship_raw {
    struct about_raw about;
    struct tarn_str column, to;
};
struct expression_raw {
    struct about_raw about;
    struct tarn_str expression;
};
struct row_count_raw {
    struct about_raw about;
    int64_t min, max;
    bool has_min, has_max;
};
struct sql_raw {
    struct about_raw about;
    struct tarn_str model;
    struct tarn_yaml_list tags;
};

#define ABOUT_FIELDS                                                                  \
    {"severity",                                                                      \
     TARN_YAML_ENUM,                                                                  \
     offsetof(struct about_raw, severity),                                            \
     .names = tarn_severity_names,                                                    \
     .has_offset = offsetof(struct about_raw, has_severity),                          \
     .doc = "`error` keeps the run from publishing, `warn` only tells; error"},       \
        {"name", TARN_YAML_STRING, offsetof(struct about_raw, name),                  \
         .doc = "made of the kind and the columns; of a query the name of its file"}, \
    {                                                                                 \
        "description", TARN_YAML_STRING, offsetof(struct about_raw, description),     \
            .doc = "for people"                                                       \
    }

static const struct tarn_yaml_field item_fields[] = {
    {.type = TARN_YAML_SELF, .offset = offsetof(struct item_raw, node)},
    {"not_null", TARN_YAML_ANY, offsetof(struct item_raw, kinds[TARN_CHECK_NOT_NULL]),
     .doc = "columns that hold no null"},
    {"unique", TARN_YAML_ANY, offsetof(struct item_raw, kinds[TARN_CHECK_UNIQUE]),
     .doc = "columns whose values together stand once; rows with a null among them do not count"},
    {"accepted_values", TARN_YAML_ANY, offsetof(struct item_raw, kinds[TARN_CHECK_ACCEPTED_VALUES]),
     .doc = "a column and all its values; null passes"},
    {"relationship", TARN_YAML_ANY, offsetof(struct item_raw, kinds[TARN_CHECK_RELATIONSHIP]),
     .doc = "a column whose values stand in a column of another table; null passes"},
    {"expression", TARN_YAML_ANY, offsetof(struct item_raw, kinds[TARN_CHECK_EXPRESSION]),
     .doc = "an SQL expression that is false for no row; null passes"},
    {"row_count", TARN_YAML_ANY, offsetof(struct item_raw, kinds[TARN_CHECK_ROW_COUNT]),
     .doc = "how many rows the table has"},
    ABOUT_FIELDS,
};
static const struct tarn_yaml_schema item_schema =
    TARN_YAML_SCHEMA("check", struct item_raw, item_fields);

static const struct tarn_yaml_field columns_fields[] = {
    {"columns", TARN_YAML_LIST, offsetof(struct columns_raw, columns), .elem = &tarn__text_field,
     .one_is_list = true, .required = true, .doc = "of the table"},
    ABOUT_FIELDS,
};
static const struct tarn_yaml_schema columns_schema =
    TARN_YAML_SCHEMA("not_null, unique", struct columns_raw, columns_fields);

static const struct tarn_yaml_field values_fields[] = {
    {"column", TARN_YAML_STRING, offsetof(struct values_raw, column), .required = true,
     .doc = "of the table"},
    {"values", TARN_YAML_LIST, offsetof(struct values_raw, values), .elem = &tarn__text_field,
     .required = true, .doc = "all that it may hold, besides null"},
    ABOUT_FIELDS,
};
static const struct tarn_yaml_schema values_schema =
    TARN_YAML_SCHEMA("accepted_values", struct values_raw, values_fields);

static const struct tarn_yaml_field relationship_fields[] = {
    {"column", TARN_YAML_STRING, offsetof(struct relationship_raw, column), .required = true,
     .doc = "of the table"},
    {"to", TARN_YAML_STRING, offsetof(struct relationship_raw, to), .required = true,
     .doc = "`namespace.table.column`"},
    ABOUT_FIELDS,
};
static const struct tarn_yaml_schema relationship_schema =
    TARN_YAML_SCHEMA("relationship", struct relationship_raw, relationship_fields);

static const struct tarn_yaml_field expression_fields[] = {
    {"expression", TARN_YAML_STRING, offsetof(struct expression_raw, expression), .required = true,
     .doc = "over the table's columns"},
    ABOUT_FIELDS,
};
static const struct tarn_yaml_schema expression_schema =
    TARN_YAML_SCHEMA("expression", struct expression_raw, expression_fields);

static const struct tarn_yaml_field row_count_fields[] = {
    {"min", TARN_YAML_INT, offsetof(struct row_count_raw, min), .min = 0, .max = INT64_MAX,
     .has_offset = offsetof(struct row_count_raw, has_min), .doc = "fewest rows; 0"},
    {"max", TARN_YAML_INT, offsetof(struct row_count_raw, max), .min = 0, .max = INT64_MAX,
     .has_offset = offsetof(struct row_count_raw, has_max), .doc = "most rows; no limit"},
    ABOUT_FIELDS,
};
static const struct tarn_yaml_schema row_count_schema =
    TARN_YAML_SCHEMA("row_count", struct row_count_raw, row_count_fields);

static const struct tarn_yaml_field sql_fields[] = {
    {"model", TARN_YAML_STRING, offsetof(struct sql_raw, model),
     .doc = "`namespace.table` that the check belongs to; without it, to all that it reads"},
    {"tags", TARN_YAML_LIST, offsetof(struct sql_raw, tags), .elem = &tarn__text_field,
     .one_is_list = true, .doc = "for `--select tag:x`"},
    ABOUT_FIELDS,
};
const struct tarn_yaml_schema tarn__sql_check_schema =
    TARN_YAML_SCHEMA("check query", struct sql_raw, sql_fields);

const struct tarn_yaml_schema *const tarn__check_schemas[] = {&item_schema,
                                                              &columns_schema,
                                                              &values_schema,
                                                              &relationship_schema,
                                                              &expression_schema,
                                                              &row_count_schema,
                                                              NULL};

/* ---- the forms */

/* Severity, name and description of the inner form over those beside it. */
static enum tarn_status merge_about(struct tarn_op *op, const struct tarn_yaml *node,
                                    const struct about_raw *beside, struct about_raw *inner)
{
    if ((beside->has_severity && inner->has_severity) || (beside->name.ptr && inner->name.ptr) ||
        (beside->description.ptr && inner->description.ptr))
        return tarn_yaml_fail(op, node,
                              "the check says the same thing beside and inside its braces");
    if (beside->has_severity)
        inner->severity = beside->severity;
    if (beside->name.ptr)
        inner->name = beside->name;
    if (beside->description.ptr)
        inner->description = beside->description;
    return TARN_OK;
}

static enum tarn_status take_about(struct tarn_op *op, const struct item_raw *item,
                                   struct about_raw *inner, struct tarn_check *c)
{
    TARN_TRY(merge_about(op, item->node, &item->about, inner));
    c->severity = (enum tarn_severity)inner->severity;
    c->name = inner->name;
    c->description = inner->description;
    return TARN_OK;
}

/* One name as a list. */
static enum tarn_status one_column(struct tarn_op *op, const struct tarn_yaml *node,
                                   struct tarn_str name, struct tarn_strs *out)
{
    *out = (struct tarn_strs){.count = 1, .node = tarn_yaml_get(node, "column")};
    TARN_NEW_ARRAY(op, out->items, 1);
    out->items[0] = tarn_strdup(op, tarn_str_trim(name));
    if (!out->items[0].ptr)
        return TARN_NOMEM;
    if (out->items[0].len == 0)
        return tarn_yaml_fail(op, out->node, "an empty name of a column");
    return TARN_OK;
}

/* The short form: a name, or a list of names. */
static enum tarn_status short_columns(struct tarn_op *op, const struct tarn_yaml *body,
                                      struct tarn_yaml_list *out)
{
    bool several = body->kind == TARN_YAML_K_SEQUENCE;
    const struct tarn_yaml *child = several ? body->first : body;
    struct tarn_str *items;
    *out = (struct tarn_yaml_list){.count = several ? body->count : 1, .node = body};
    TARN_NEW_ARRAY(op, items, out->count);
    for (size_t i = 0; i < out->count; i++, child = child->next) {
        if (child->kind != TARN_YAML_K_SCALAR || tarn_yaml_is_null(child))
            return tarn_yaml_fail(op, child, "expected the name of a column");
        items[i] = child->text;
    }
    out->items = items;
    return TARN_OK;
}

static enum tarn_status read_columns(struct tarn_op *op, const struct item_raw *item,
                                     const struct tarn_yaml *body, struct tarn_check *c)
{
    struct columns_raw raw = {0};
    if (body->kind == TARN_YAML_K_MAPPING)
        TARN_TRY(tarn_yaml_fill(op, body, &columns_schema, &raw));
    else
        TARN_TRY(short_columns(op, body, &raw.columns));
    TARN_TRY(take_about(op, item, &raw.about, c));
    if (raw.columns.count == 0)
        return tarn_yaml_fail(op, body, "the check names no column");
    return tarn__strs_of(op, &raw.columns, &c->columns);
}

static enum tarn_status read_values(struct tarn_op *op, const struct item_raw *item,
                                    const struct tarn_yaml *body, struct tarn_check *c)
{
    struct values_raw raw;
    TARN_TRY(tarn_yaml_fill(op, body, &values_schema, &raw));
    TARN_TRY(take_about(op, item, &raw.about, c));
    TARN_TRY(one_column(op, body, raw.column, &c->columns));
    if (raw.values.count == 0)
        return tarn_yaml_fail(op, raw.values.node, "the check accepts no value");
    c->values = (struct tarn_strs){raw.values.items, raw.values.count, raw.values.node};
    return TARN_OK;
}

static enum tarn_status read_relationship(struct tarn_op *op, const struct item_raw *item,
                                          const struct tarn_yaml *body, struct tarn_check *c)
{
    struct relationship_raw raw;
    TARN_TRY(tarn_yaml_fill(op, body, &relationship_schema, &raw));
    TARN_TRY(take_about(op, item, &raw.about, c));
    TARN_TRY(one_column(op, body, raw.column, &c->columns));
    const struct tarn_yaml *to = tarn_yaml_get(body, "to");
    const char *dot = raw.to.len > 0 ? memrchr(raw.to.ptr, '.', raw.to.len) : NULL;
    size_t before = dot ? (size_t)(dot - raw.to.ptr) : 0;
    if (!memchr(raw.to.ptr, '.', before) || before + 1 == raw.to.len)
        return tarn_yaml_fail(op, to, "\"%.*s\" names no column: write namespace.table.column",
                              TARN_STR_ARG(raw.to));
    c->to_column = tarn_str_of(dot + 1, raw.to.len - before - 1);
    return tarn__ident_parse(op, to, tarn_str_of(raw.to.ptr, before), &c->to);
}

static enum tarn_status read_expression(struct tarn_op *op, const struct item_raw *item,
                                        const struct tarn_yaml *body, struct tarn_check *c)
{
    struct expression_raw raw = {.expression = body->text};
    const struct tarn_yaml *place = body;
    if (body->kind != TARN_YAML_K_SCALAR) {
        TARN_TRY(tarn_yaml_fill(op, body, &expression_schema, &raw));
        place = tarn_yaml_get(body, "expression");
    }
    TARN_TRY(take_about(op, item, &raw.about, c));
    c->sql = tarn_strdup(op, tarn_str_trim(raw.expression));
    if (!c->sql.ptr)
        return TARN_NOMEM;
    c->sql_line = place->line;
    c->place = tarn_place_of(place);
    return c->sql.len > 0 ? TARN_OK : tarn_yaml_fail(op, place, "an empty expression");
}

static enum tarn_status read_row_count(struct tarn_op *op, const struct item_raw *item,
                                       const struct tarn_yaml *body, struct tarn_check *c)
{
    struct row_count_raw raw;
    TARN_TRY(tarn_yaml_fill(op, body, &row_count_schema, &raw));
    TARN_TRY(take_about(op, item, &raw.about, c));
    c->row_min = raw.min;
    c->row_max = raw.has_max ? raw.max : INT64_MAX;
    if (!raw.has_min && !raw.has_max)
        return tarn_yaml_fail(op, body, "row_count needs min, max or both");
    if (c->row_min > c->row_max)
        return tarn_yaml_fail(op, body, "min is greater than max");
    return TARN_OK;
}

static enum tarn_status read_item(struct tarn_op *op, const struct tarn_yaml *node,
                                  struct tarn_check *c)
{
    static enum tarn_status (*const readers[LISTED_KINDS])(
        struct tarn_op *, const struct item_raw *, const struct tarn_yaml *,
        struct tarn_check *) = {read_columns,      read_columns,    read_values,
                                read_relationship, read_expression, read_row_count};
    struct item_raw item;
    int kind = -1;
    TARN_TRY(tarn_yaml_fill(op, node, &item_schema, &item));
    for (int i = 0; i < LISTED_KINDS; i++) {
        if (!item.kinds[i])
            continue;
        if (kind >= 0)
            return tarn_yaml_fail_key(op, item.kinds[i],
                                      "one check holds both \"%s\" and \"%s\": write two items",
                                      tarn_check_kind_names[kind], tarn_check_kind_names[i]);
        kind = i;
    }
    if (kind < 0)
        return tarn_yaml_fail(op, node,
                              "the check says nothing: one of not_null, unique, accepted_values, "
                              "relationship, expression and row_count is needed");
    c->kind = (enum tarn_check_kind)kind;
    return readers[kind](op, &item, item.kinds[kind], c);
}

/* ---- names */

static struct tarn_str made_name(struct tarn_op *op, const struct tarn_check *c)
{
    struct tarn_buf b;
    struct tarn_str name;
    tarn_buf_init(&b, 1 << 16);
    tarn_buf_z(&b, tarn_check_kind_names[c->kind]);
    for (size_t i = 0; i < c->columns.count; i++)
        tarn_buf_printf(&b, "_%.*s", TARN_STR_ARG(c->columns.items[i]));
    if (tarn_buf_take(op, &b, "the name of a check", &name) != TARN_OK)
        name.ptr = NULL;
    return name;
}

static const struct tarn_check *named(const struct tarn_checks *checks, struct tarn_str name)
{
    for (size_t i = 0; i < checks->count; i++)
        if (tarn_str_eq(checks->items[i].name, name))
            return &checks->items[i];
    return NULL;
}

/* Given names stand once; made ones get a number. `before`: the checks that have theirs. */
static enum tarn_status take_name(struct tarn_op *op, const struct tarn_checks *before,
                                  struct tarn_check *c)
{
    if (c->name.ptr) {
        const struct tarn_check *other = named(before, c->name);
        if (!tarn__name_ok(c->name))
            return tarn_yaml_fail(op, c->node,
                                  "\"%.*s\" is no name of a check: letters, digits, _ and -",
                                  TARN_STR_ARG(c->name));
        if (other)
            return tarn_yaml_fail(op, c->node,
                                  "check \"%.*s\" stands twice; the first is in line %d",
                                  TARN_STR_ARG(c->name), other->place.line);
        return TARN_OK;
    }
    struct tarn_str base = made_name(op, c);
    c->name = base;
    for (int i = 2; base.ptr && c->name.ptr && named(before, c->name); i++)
        c->name = tarn_sprintf(op, "%.*s_%d", TARN_STR_ARG(base), i);
    return base.ptr && c->name.ptr ? TARN_OK : TARN_NOMEM;
}

enum tarn_status tarn__checks_of(struct tarn_op *op, const struct tarn_yaml_list *list,
                                 struct tarn_ident table, struct tarn_checks *out)
{
    const struct tarn_yaml *const *nodes = list->items;
    *out = (struct tarn_checks){0};
    TARN_NEW_ARRAY(op, out->items, list->count);
    for (size_t i = 0; i < list->count; i++) {
        struct tarn_check *c = &out->items[i];
        *c =
            (struct tarn_check){.table = table, .node = nodes[i], .place = tarn_place_of(nodes[i])};
        TARN_TRY(read_item(op, nodes[i], c));
        TARN_TRY(take_name(op, out, c));
        out->count = i + 1;
    }
    return TARN_OK;
}

/* ---- checks/ */

static enum tarn_status read_sql_header(struct tarn_op *op, const struct tarn__file *file,
                                        const struct tarn__sql_file *parts, struct tarn_check *c)
{
    struct tarn_yaml *node;
    struct sql_raw raw;
    TARN_TRY(tarn__sql_header(op, file, parts, &node));
    TARN_TRY(tarn_yaml_fill(op, node, &tarn__sql_check_schema, &raw));
    c->node = node;
    c->severity = (enum tarn_severity)raw.about.severity;
    c->description = raw.about.description;
    if (raw.about.name.ptr)
        c->name = raw.about.name;
    TARN_TRY(tarn__strs_of(op, &raw.tags, &c->tags));
    return raw.model.ptr ? tarn__ident_parse(op, tarn_yaml_get(node, "model"), raw.model, &c->table)
                         : TARN_OK;
}

/* "checks/a/balance.sql" -> "balance" */
static struct tarn_str stem_of(struct tarn_str path)
{
    const char *slash = memrchr(path.ptr, '/', path.len);
    size_t from = slash ? (size_t)(slash + 1 - path.ptr) : 0;
    return tarn_str_of(path.ptr + from, path.len - from - 4);
}

static enum tarn_status load_sql(struct tarn_op *op, const struct tarn_project *p,
                                 struct tarn_str relative, struct tarn_check *c)
{
    struct tarn__file file = {0};
    struct tarn__sql_file parts;
    c->path = tarn_sprintf(op, "checks/%.*s", TARN_STR_ARG(relative));
    file.path = tarn__path_absolute(op, p->folder, c->path);
    if (!c->path.ptr || !file.path.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn__file_read(op, "check", TARN_MODEL, TARN_MODEL_SIZE_MAX, &file));
    TARN_TRY(tarn__sql_split(op, &file, "check", &parts));
    c->kind = TARN_CHECK_SQL;
    c->name = tarn_strdup(op, stem_of(relative));
    c->file = file.shown;
    c->text = file.text;
    c->sql = parts.sql;
    c->sql_line = parts.sql_line;
    c->place = (struct tarn_place){file.shown, file.text, parts.sql_line, 1};
    if (!c->name.ptr)
        return TARN_NOMEM;
    if (parts.has_header)
        TARN_TRY(read_sql_header(op, &file, &parts, c));
    if (!tarn__name_ok(c->name))
        return tarn_place_fail(op, TARN_MODEL, c->place,
                               "\"%.*s\" is no name of a check: letters, digits, _ and -",
                               TARN_STR_ARG(c->name));
    return TARN_OK;
}

static int compare_checks(const void *a, const void *b)
{
    const struct tarn_check *x = a, *y = b;
    return tarn_str_cmp(x->name, y->name);
}

enum tarn_status tarn__sql_checks_load(struct tarn_op *op, struct tarn_project *p)
{
    struct tarn_strs files;
    struct tarn_str folder = tarn__path_absolute(op, p->folder, TARN_STR("checks"));
    if (!folder.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn__files_below(op, folder, &files));
    TARN_NEW_ARRAY(op, p->checks.items, files.count);
    for (size_t i = 0; i < files.count; i++)
        if (tarn_str_ends(files.items[i], TARN_STR(".sql")))
            TARN_TRY(load_sql(op, p, files.items[i], &p->checks.items[p->checks.count++]));
    if (p->checks.count > 1)
        qsort(p->checks.items, p->checks.count, sizeof *p->checks.items, compare_checks);
    for (size_t i = 1; i < p->checks.count; i++) {
        const struct tarn_check *a = &p->checks.items[i - 1], *b = &p->checks.items[i];
        if (tarn_str_eq(a->name, b->name))
            return tarn_place_fail(
                op, TARN_MODEL, b->place, "two checks are named \"%.*s\": %.*s and %.*s",
                TARN_STR_ARG(a->name), TARN_STR_ARG(a->path), TARN_STR_ARG(b->path));
    }
    return TARN_OK;
}

struct tarn_sql_text tarn_check_sql(const struct tarn_check *check)
{
    return (struct tarn_sql_text){.sql = check->sql,
                                  .file = check->place.file.ptr,
                                  .line0 = check->sql_line,
                                  .whole = check->place.text};
}

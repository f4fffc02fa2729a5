/* model: models/<namespace>/<table>.sql, each one SELECT with its options in a leading comment. */
#include "project/project_int.h"

#include <stdlib.h>

const char *const tarn_model_kind_names[] = {"view", "table", "append", "merge", NULL};

/* Kinds of later versions stand behind those of enum tarn_model_kind. */
static const char *const all_kinds[] = {"view", "table",  "append", "merge", "overwrite_partitions",
                                        "scd2", "stream", NULL};

struct model_raw {
    const struct tarn_yaml *node;
    int kind;
    struct tarn_yaml_list key, replace_by, audit, partition_by, tags, checks;
    struct tarn_yaml_map properties, columns;
    struct tarn_str description, app;
};

#define NAMES_FIELD(member, text)                                       \
    {                                                                   \
#member, TARN_YAML_LIST, offsetof(struct model_raw, member),    \
            .elem = &tarn__text_field, .one_is_list = true, .doc = text \
    }

static const struct tarn_yaml_field model_fields[] = {
    {.type = TARN_YAML_SELF, .offset = offsetof(struct model_raw, node)},
    {"kind", TARN_YAML_ENUM, offsetof(struct model_raw, kind), .names = all_kinds,
     .preset = "table",
     .doc = "`table`: all rows anew; `append`: the result is added; `merge`: rows are matched by "
            "`key`; `view`: no table, "
            "its SELECT is put where its name is read. The other three are not in this version"},
    NAMES_FIELD(key, "`merge`: the columns that tell rows apart; needed. Result rows that share a "
                     "key are an error"),
    NAMES_FIELD(replace_by, "`merge`: all rows that share these columns with a result row are "
                            "replaced, so that what vanished is deleted"),
    NAMES_FIELD(audit, "`merge`: columns that are ignored when deciding whether a row has changed"),
    NAMES_FIELD(partition_by, "as in an [ingest](#ingest) entry"),
    NAMES_FIELD(tags, "for `--select tag:x`"),
    {"columns", TARN_YAML_MAP, offsetof(struct model_raw, columns), .elem = &tarn__text_field,
     .doc = "contract: exactly these columns of these types, in this order"},
    {"checks", TARN_YAML_LIST, offsetof(struct model_raw, checks), .elem = &tarn__any_field,
     .doc = "see \"Checks\""},
    {"properties", TARN_YAML_MAP, offsetof(struct model_raw, properties), .elem = &tarn__text_field,
     .doc = "table properties"},
    {"app", TARN_YAML_STRING, offsetof(struct model_raw, app),
     .doc = "`{app}` of the layout; the project's"},
    {"description", TARN_YAML_STRING, offsetof(struct model_raw, description), .doc = "for people"},
};
const struct tarn_yaml_schema tarn__model_schema =
    TARN_YAML_SCHEMA("model", struct model_raw, model_fields);

/* ---- what fits what */

/* A key that means nothing for the model's kind. */
static enum tarn_status refuse(struct tarn_op *op, const struct model_raw *raw, const char *key,
                               const char *why)
{
    const struct tarn_yaml *node = tarn_yaml_get(raw->node, key);
    if (!node)
        return TARN_OK;
    return tarn_yaml_fail_key(op, node, "\"%s\" %s, this model is of kind %s", key, why,
                              all_kinds[raw->kind]);
}

static enum tarn_status check_kind(struct tarn_op *op, const struct model_raw *raw)
{
    if (raw->kind > TARN_MODEL_MERGE) {
        (void)tarn_fail(op, TARN_UNSUPPORTED, "models of kind %s are not in this version",
                        all_kinds[raw->kind]);
        return tarn_yaml_place(op, tarn_yaml_get(raw->node, "kind"));
    }
    if (raw->kind == TARN_MODEL_VIEW) {
        TARN_TRY(refuse(op, raw, "partition_by", "is for tables"));
        TARN_TRY(refuse(op, raw, "properties", "are for tables"));
        TARN_TRY(refuse(op, raw, "app", "is for tables"));
    }
    if (raw->kind != TARN_MODEL_MERGE) {
        TARN_TRY(refuse(op, raw, "key", "is for kind merge"));
        TARN_TRY(refuse(op, raw, "replace_by", "is for kind merge"));
        return refuse(op, raw, "audit", "is for kind merge");
    }
    if (raw->key.count > 0)
        return TARN_OK;
    const struct tarn_yaml *place =
        raw->key.node ? raw->key.node : tarn_yaml_get(raw->node, "kind");
    enum tarn_status status = tarn_yaml_fail(op, place, "a model of kind merge needs a \"key\"");
    tarn_hint(op, "add the columns that tell its rows apart, such as key: [id]");
    return status;
}

/* A column is named once over key and audit, else no change of it could ever count. */
static enum tarn_status check_audit(struct tarn_op *op, const struct tarn_model *m)
{
    for (size_t i = 0; i < m->audit.count; i++)
        for (size_t k = 0; k < m->key.count; k++)
            if (tarn_str_eq_nocase(m->audit.items[i], m->key.items[k]))
                return tarn_yaml_fail(op, tarn_strs_node(&m->audit, i),
                                      "\"%.*s\" stands in \"key\" too",
                                      TARN_STR_ARG(m->audit.items[i]));
    return TARN_OK;
}

/* ---- the header */

static enum tarn_status take_lists(struct tarn_op *op, const struct model_raw *raw,
                                   struct tarn_model *m)
{
    TARN_TRY(tarn__strs_of(op, &raw->key, &m->key));
    TARN_TRY(tarn__strs_of(op, &raw->replace_by, &m->replace_by));
    TARN_TRY(tarn__strs_of(op, &raw->audit, &m->audit));
    TARN_TRY(tarn__strs_of(op, &raw->partition_by, &m->partition_by));
    TARN_TRY(tarn__strs_of(op, &raw->tags, &m->tags));
    return check_audit(op, m);
}

static enum tarn_status take_header(struct tarn_op *op, const struct tarn__file *file,
                                    const struct tarn__sql_file *parts,
                                    const struct tarn_project *p, struct tarn_model *m)
{
    struct model_raw raw;
    struct tarn_yaml *node;
    TARN_TRY(tarn__sql_header(op, file, parts, &node));
    TARN_TRY(tarn_yaml_fill(op, node, &tarn__model_schema, &raw));
    TARN_TRY(check_kind(op, &raw));
    m->node = node;
    m->kind = (enum tarn_model_kind)raw.kind;
    m->description = raw.description;
    m->app = raw.app.ptr ? raw.app : p->app;
    if (!tarn__name_ok(m->app))
        return tarn_yaml_fail(op, tarn_yaml_get(node, "app"), "\"%.*s\" is no name of an app",
                              TARN_STR_ARG(m->app));
    TARN_TRY(take_lists(op, &raw, m));
    m->properties = tarn__kvs_of(op, &raw.properties);
    if (!m->properties.items)
        return TARN_NOMEM;
    m->columns_node = raw.columns.node;
    TARN_TRY(tarn__declared_of(op, &raw.columns, &m->columns, &m->column_count));
    return tarn__checks_of(op, &raw.checks, m->ident, &m->checks);
}

/* ---- files */

/* "raw/x.sql" -> raw, x; folders in folders are namespaces in namespaces: "a/b/x.sql" -> a.b, x */
static enum tarn_status take_name(struct tarn_op *op, const struct tarn__file *file,
                                  struct tarn_str relative, struct tarn_model *m)
{
    struct tarn_place place = {file->shown, file->text, 1, 1};
    const char *slash = memrchr(relative.ptr, '/', relative.len);
    if (!slash) {
        enum tarn_status status = tarn_place_fail(
            op, TARN_MODEL, place, "the model lies in no folder that names its namespace");
        tarn_hint(op, "move it to models/<namespace>/%.*s", TARN_STR_ARG(relative));
        return status;
    }
    size_t before = (size_t)(slash - relative.ptr);
    m->ident.ns = tarn_strdup(op, tarn_str_of(relative.ptr, before));
    m->ident.name = tarn_strdup(op, tarn_str_of(slash + 1, relative.len - before - 5));
    if (!m->ident.ns.ptr || !m->ident.name.ptr)
        return TARN_NOMEM;
    struct tarn_str rest = m->ident.ns, part;
    bool ok = tarn__name_ok(m->ident.name);
    while (rest.ptr) {
        (void)tarn_str_cut(&rest, '/', &part);
        ok = ok && tarn__name_ok(part);
    }
    for (char *c = (char *)m->ident.ns.ptr; *c; c++)
        *c = *c == '/' ? '.' : *c;
    return ok ? TARN_OK
              : tarn_place_fail(
                    op, TARN_MODEL, place,
                    "\"%.*s\" makes no table name: folders and files are named with letters, "
                    "digits, _ and -",
                    TARN_STR_ARG(relative));
}

static enum tarn_status load_model(struct tarn_op *op, const struct tarn_project *p,
                                   struct tarn_str relative, struct tarn_model *m)
{
    struct tarn__file file = {0};
    struct tarn__sql_file parts;
    *m = (struct tarn_model){.kind = TARN_MODEL_TABLE, .app = p->app};
    m->path = tarn_sprintf(op, "models/%.*s", TARN_STR_ARG(relative));
    file.path = tarn__path_absolute(op, p->folder, m->path);
    if (!m->path.ptr || !file.path.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn__file_read(op, "model", TARN_MODEL, TARN_MODEL_SIZE_MAX, &file));
    m->file = file.shown;
    m->text = file.text;
    TARN_TRY(take_name(op, &file, relative, m));
    TARN_TRY(tarn__sql_split(op, &file, "model", &parts));
    m->sql = parts.sql;
    m->sql_line = parts.sql_line;
    if (parts.has_header)
        TARN_TRY(take_header(op, &file, &parts, p, m));
    if (m->kind == TARN_MODEL_VIEW)
        return TARN_OK;
    return tarn_project_location(op, p, m->ident, m->app, &m->location);
}

static int compare_models(const void *a, const void *b)
{
    const struct tarn_model *x = a, *y = b;
    int order = tarn_str_cmp(x->ident.ns, y->ident.ns);
    return order ? order : tarn_str_cmp(x->ident.name, y->ident.name);
}

static enum tarn_status refuse_yaml(struct tarn_op *op, struct tarn_str relative)
{
    enum tarn_status status =
        tarn_fail(op, TARN_MODEL, "models/%.*s is not read", TARN_STR_ARG(relative));
    tarn_hint(op,
              "options of a model stand in a comment at the top of its .sql file: /* tarn ... */");
    return status;
}

enum tarn_status tarn__models_load(struct tarn_op *op, struct tarn_project *p)
{
    struct tarn_strs files;
    struct tarn_str folder = tarn__path_absolute(op, p->folder, TARN_STR("models"));
    if (!folder.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn__files_below(op, folder, &files));
    TARN_NEW_ARRAY(op, p->models, files.count);
    for (size_t i = 0; i < files.count; i++) {
        struct tarn_str path = files.items[i];
        if (tarn_str_ends(path, TARN_STR(".yml")) || tarn_str_ends(path, TARN_STR(".yaml")))
            return refuse_yaml(op, path);
        if (!tarn_str_ends(path, TARN_STR(".sql")))
            continue;
        if (p->model_count == TARN_MODEL_FILES_MAX)
            return tarn_fail(op, TARN_LIMIT, "the project has more than %d models",
                             TARN_MODEL_FILES_MAX);
        TARN_TRY(load_model(op, p, path, &p->models[p->model_count++]));
    }
    if (p->model_count > 1)
        qsort(p->models, p->model_count, sizeof *p->models, compare_models);
    return TARN_OK;
}

struct tarn_sql_text tarn_model_sql(const struct tarn_model *model)
{
    return (struct tarn_sql_text){
        .sql = model->sql, .file = model->file.ptr, .line0 = model->sql_line, .whole = model->text};
}

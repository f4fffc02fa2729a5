/* profile: where things are: the warehouse, its catalog, the sources; and how a source's bytes are
 * read. */
#include "project/project_int.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#define DELIMITER_DEFAULT ','
#define QUOTE_DEFAULT     '"'

const char *const tarn_file_format_names[] = {"ejson", "json", "csv", "parquet", NULL};
const char *const tarn__encoding_names[] = {"utf-8", "latin-1", "windows-1252", "utf-16", NULL};

/* Kinds that projects may name in profiles which are not in use; the first is the one of this
 * version. */
static const char *const catalog_kinds[] = {"sqlite", "postgresql", "rest", "glue", NULL};
static const char *const source_kinds[] = {"files", "mongodb", "postgresql", "kafka", "http", NULL};

struct catalog_raw {
    struct tarn_str kind, name, path;
    const struct tarn_yaml *node;
};
struct profile_raw {
    const struct tarn_yaml *node;
    struct tarn_str warehouse;
    const struct tarn_yaml *catalog;
    struct tarn_yaml_map sources;
    uint64_t memory_limit;
    int64_t threads;
};
struct source_raw {
    const struct tarn_yaml *node;
    struct tarn_str kind, path;
    struct tarn__format_raw format;
};

static const struct tarn_yaml_field catalog_fields[] = {
    {.type = TARN_YAML_SELF, .offset = offsetof(struct catalog_raw, node)},
    {"kind", TARN_YAML_STRING, offsetof(struct catalog_raw, kind), .preset = "sqlite",
     .doc = "`sqlite`: a file beside the data, in the layout of Iceberg's SQL catalog"},
    {"name", TARN_YAML_STRING, offsetof(struct catalog_raw, name), .preset = "iceberg",
     .doc = "first part of three-part table names, and the catalog's name for other clients"},
    {"path", TARN_YAML_STRING, offsetof(struct catalog_raw, path),
     .doc = "the file; `<warehouse>/catalog.db`. Relative to the project's folder"},
};
const struct tarn_yaml_schema tarn__catalog_schema =
    TARN_YAML_SCHEMA("catalog", struct catalog_raw, catalog_fields);

static const struct tarn_yaml_field source_fields[] = {
    {.type = TARN_YAML_SELF, .offset = offsetof(struct source_raw, node)},
    {"kind", TARN_YAML_STRING, offsetof(struct source_raw, kind), .required = true,
     .doc = "`files`"},
    {"path", TARN_YAML_STRING, offsetof(struct source_raw, path), .required = true,
     .doc = "folder of the files, relative to the project's folder"},
    TARN__FORMAT_FIELDS(struct source_raw, format),
};
const struct tarn_yaml_schema tarn__files_source_schema =
    TARN_YAML_SCHEMA("source", struct source_raw, source_fields);

static const struct tarn_yaml_field source_elem = {.type = TARN_YAML_ANY,
                                                   .sub = &tarn__files_source_schema};
static const struct tarn_yaml_field profile_fields[] = {
    {.type = TARN_YAML_SELF, .offset = offsetof(struct profile_raw, node)},
    {"warehouse", TARN_YAML_STRING, offsetof(struct profile_raw, warehouse), .required = true,
     .doc = "folder of the tables, relative to the project's folder"},
    {"catalog", TARN_YAML_ANY, offsetof(struct profile_raw, catalog), .sub = &tarn__catalog_schema,
     .doc = "which tables there are: [catalog](#catalog)"},
    {"sources", TARN_YAML_MAP, offsetof(struct profile_raw, sources), .elem = &source_elem,
     .doc = "where rows come from: a [source](#source) a name"},
    {"memory_limit", TARN_YAML_SIZE, offsetof(struct profile_raw, memory_limit),
     .doc = "for the whole process, such as `4GB`; 60 % of the machine's or the cgroup's memory"},
    {"threads", TARN_YAML_INT, offsetof(struct profile_raw, threads), .min = 1, .max = 1024,
     .doc = "all cores"},
};
const struct tarn_yaml_schema tarn__profile_schema =
    TARN_YAML_SCHEMA("profile", struct profile_raw, profile_fields);

/* ---- kinds */

/* Is the kind of a catalog or source one that some version knows? */
static enum tarn_status check_kind(struct tarn_op *op, const struct tarn_yaml *kind,
                                   const char *what, const char *const *known)
{
    size_t count = 0;
    for (; known[count]; count++)
        if (tarn_str_is(kind->text, known[count]))
            return TARN_OK;
    const char *nearest = tarn_str_nearest(kind->text, known, count);
    enum tarn_status status = tarn_yaml_fail(op, kind, "there is no kind of %s named \"%.*s\"",
                                             what, TARN_STR_ARG(kind->text));
    if (nearest)
        tarn_hint(op, "did you mean \"%s\"?", nearest);
    return status;
}

/* The chosen profile's: only known[0] works. */
static enum tarn_status require_kind(struct tarn_op *op, const struct tarn_yaml *node,
                                     const char *what, const char *const *known)
{
    const struct tarn_yaml *kind = tarn_yaml_get(node, "kind");
    if (!kind || kind->kind != TARN_YAML_K_SCALAR)
        return TARN_OK; /* the schema has its own message */
    TARN_TRY(check_kind(op, kind, what, known));
    if (tarn_str_is(kind->text, known[0]))
        return TARN_OK;
    (void)tarn_fail(op, TARN_UNSUPPORTED, "%ss of kind \"%.*s\" are not in this version", what,
                    TARN_STR_ARG(kind->text));
    tarn_hint(op, "use kind: %s, or choose another profile with --profile", known[0]);
    return tarn_yaml_place(op, kind);
}

static enum tarn_status check_kind_within(struct tarn_op *op, const struct tarn_yaml *node,
                                          const char *what, const char *const *known)
{
    const struct tarn_yaml *kind = tarn_yaml_get(node, "kind");
    if (!kind || kind->kind != TARN_YAML_K_SCALAR ||
        memmem(kind->text.ptr, kind->text.len, "${", 2))
        return TARN_OK;
    return check_kind(op, kind, what, known);
}

enum tarn_status tarn__profile_check_keys(struct tarn_op *op, const struct tarn_yaml *node)
{
    /* The profile's keys with values of any form: they may hold variables. */
    struct tarn_yaml_field fields[sizeof profile_fields / sizeof *profile_fields];
    const struct tarn_yaml *values[sizeof fields / sizeof *fields];
    struct tarn_yaml_schema schema = tarn__profile_schema;
    for (size_t i = 0; i < schema.count; i++) {
        fields[i] = (struct tarn_yaml_field){
            .name = profile_fields[i].name,
            .type = profile_fields[i].type == TARN_YAML_SELF ? TARN_YAML_SELF : TARN_YAML_ANY,
            .offset = i * sizeof *values,
            .required = profile_fields[i].required,
            .doc = profile_fields[i].doc};
    }
    schema.fields = fields;
    schema.size = sizeof values;
    TARN_TRY(tarn_yaml_fill(op, node, &schema, values));
    TARN_TRY(check_kind_within(op, tarn_yaml_get(node, "catalog"), "catalog", catalog_kinds));
    const struct tarn_yaml *sources = tarn_yaml_get(node, "sources");
    for (const struct tarn_yaml *s = sources ? sources->first : NULL; s; s = s->next)
        TARN_TRY(check_kind_within(op, s, "source", source_kinds));
    return TARN_OK;
}

/* ---- formats */

static enum tarn_status one_character(struct tarn_op *op, const struct tarn_yaml *node,
                                      const char *key, struct tarn_str text, char *out)
{
    const struct tarn_yaml *value = tarn_yaml_get(node, key);
    if (text.len != 1 || strchr("\r\n", text.ptr[0]) || (text.ptr[0] & 0x80))
        return tarn_yaml_fail(op, value ? value : node,
                              "%s must be one ASCII character, not \"%.*s\"", key,
                              TARN_STR_ARG(text));
    *out = text.ptr[0];
    return TARN_OK;
}

/* Keys that mean nothing for the format are an error where they stand. */
static enum tarn_status check_fits(struct tarn_op *op, const struct tarn_yaml *node,
                                   const struct tarn__format_raw *raw, enum tarn_file_format format)
{
    const struct {
        const char *key;
        bool given, csv;
    } keys[] = {
        {"delimiter", raw->has_delimiter, true}, {"quote", raw->has_quote, true},
        {"header", raw->has_header, true},       {"encoding", raw->has_encoding, true},
        {"null", raw->has_null, true},           {"records", raw->has_records, false},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        bool fits = keys[i].csv ? format == TARN_FILE_CSV
                                : format == TARN_FILE_JSON || format == TARN_FILE_EJSON;
        if (keys[i].given && !fits)
            return tarn_yaml_fail_key(op, tarn_yaml_get(node, keys[i].key),
                                      "\"%s\" is for %s files, the format here is %s", keys[i].key,
                                      keys[i].csv ? "csv" : "json", tarn_file_format_names[format]);
    }
    return TARN_OK;
}

enum tarn_status tarn__format_apply(struct tarn_op *op, const struct tarn_yaml *node,
                                    const struct tarn__format_raw *raw,
                                    struct tarn_format_config *f)
{
    static const enum tarn_input_format inputs[] = {TARN_INPUT_EJSON, TARN_INPUT_JSON,
                                                    TARN_INPUT_CSV, TARN_INPUT_JSON};
    if (raw->has_format)
        f->format = (enum tarn_file_format)raw->format;
    f->decode.format = inputs[f->format];
    TARN_TRY(check_fits(op, node, raw, f->format));
    if (raw->has_delimiter)
        TARN_TRY(one_character(op, node, "delimiter", raw->delimiter, &f->decode.delimiter));
    if (raw->has_quote)
        TARN_TRY(one_character(op, node, "quote", raw->quote, &f->decode.quote));
    if (raw->has_header)
        f->decode.no_header = !raw->header;
    if (raw->has_encoding)
        f->decode.encoding = tarn_str_view(tarn__encoding_names[raw->encoding]);
    if (raw->has_null)
        f->decode.null_text = raw->null_text;
    if (raw->has_records)
        f->decode.records = raw->records;
    if (f->format == TARN_FILE_CSV && f->decode.delimiter == f->decode.quote)
        return tarn_yaml_fail(op, node, "delimiter and quote are the same character");
    return TARN_OK;
}

/* ---- the chosen profile */

/* A local folder or file of the profile, absolute. */
static enum tarn_status local_path(struct tarn_op *op, const struct tarn_yaml *node,
                                   const char *what, struct tarn_str text, struct tarn_str folder,
                                   struct tarn_str *out)
{
    enum tarn_status status = TARN_OK;
    if (tarn_str_starts(text, TARN_STR("file://"))) {
        text = tarn_str_of(text.ptr + 7, text.len - 7);
        if (text.len == 0 || text.ptr[0] != '/')
            status =
                tarn_fail(op, TARN_CONFIG, "%s \"file://%.*s\" names a host: write file:///folder",
                          what, TARN_STR_ARG(text));
    } else if (text.len > 0 && memmem(text.ptr, text.len, "://", 3)) {
        status =
            tarn_fail(op, TARN_UNSUPPORTED, "%s \"%.*s\": this version works on local folders only",
                      what, TARN_STR_ARG(text));
    } else if (text.len == 0) {
        status = tarn_fail(op, TARN_CONFIG, "%s is empty", what);
    } else if (tarn_str_is(text, "~") || tarn_str_starts(text, TARN_STR("~/"))) {
        status = tarn_fail(op, TARN_CONFIG, "%s \"%.*s\": ~ is not expanded, write ${HOME}", what,
                           TARN_STR_ARG(text));
    }
    if (status != TARN_OK)
        return node ? tarn_yaml_place(op, node) : status;
    *out = tarn__path_absolute(op, folder, text);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status load_catalog(struct tarn_op *op, const struct tarn_yaml *node,
                                     struct tarn_str name, struct tarn_project *p)
{
    static const struct tarn_yaml_source nowhere = {.text = {"", 0}};
    static const struct tarn_yaml none = {
        .kind = TARN_YAML_K_SCALAR, .plain = true, .source = &nowhere};
    struct catalog_raw raw;
    struct tarn_catalog_config *c = &p->profile.catalog;
    if (node)
        TARN_TRY(require_kind(op, node, "catalog", catalog_kinds));
    TARN_TRY(tarn_yaml_fill(op, node ? node : &none, &tarn__catalog_schema, &raw));
    c->kind = raw.kind;
    c->name = name.ptr ? name : raw.name;
    if (!tarn__name_ok(c->name)) {
        const struct tarn_yaml *place = name.ptr ? NULL : tarn_yaml_get(node, "name");
        enum tarn_status status =
            tarn_fail(op, TARN_CONFIG, "\"%.*s\" is no name of a catalog: letters, digits, _ and -",
                      TARN_STR_ARG(c->name));
        return place ? tarn_yaml_place(op, place) : status;
    }
    if (raw.path.ptr)
        return local_path(op, tarn_yaml_get(node, "path"), "catalog path", raw.path, p->folder,
                          &c->path);
    c->path = tarn__path_absolute(op, p->profile.warehouse, TARN_STR("catalog.db"));
    return c->path.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status load_source(struct tarn_op *op, const struct tarn_yaml *node,
                                    const struct tarn_project *p, struct tarn_source_config *out)
{
    struct source_raw raw;
    if (!tarn__name_ok(node->key))
        return tarn_yaml_fail_key(op, node,
                                  "\"%.*s\" is no name of a source: letters, digits, _ and -",
                                  TARN_STR_ARG(node->key));
    TARN_TRY(require_kind(op, node, "source", source_kinds));
    TARN_TRY(tarn_yaml_fill(op, node, &tarn__files_source_schema, &raw));
    *out = (struct tarn_source_config){.name = node->key, .kind = raw.kind, .node = node};
    out->format.format = TARN_FILE_JSON;
    out->format.decode.delimiter = DELIMITER_DEFAULT;
    out->format.decode.quote = QUOTE_DEFAULT;
    out->format.decode.encoding = tarn_str_view(tarn__encoding_names[0]);
    TARN_TRY(local_path(op, tarn_yaml_get(node, "path"), "path", raw.path, p->folder, &out->path));
    return tarn__format_apply(op, node, &raw.format, &out->format);
}

/* The option, else the process's variable, else that of .env; absent: none of them. *out_here:
 * relative paths in it start from the working directory, as they do in what is typed by hand. */
static struct tarn_str first_of(struct tarn_str given, const struct tarn__env *env,
                                const char *variable, bool *out_here)
{
    *out_here = true;
    if (given.ptr)
        return given;
    struct tarn_str value = tarn__env_process_get(env->process, tarn_str_view(variable));
    if (!value.ptr) {
        *out_here = false;
        value = tarn__env_get(env, tarn_str_view(variable));
    }
    return value.len > 0 ? value : (struct tarn_str){NULL, 0};
}

static enum tarn_status load_warehouse(struct tarn_op *op,
                                       const struct tarn_project_options *options,
                                       const struct tarn__env *env, const struct profile_raw *raw,
                                       struct tarn_project *p)
{
    bool here;
    char folder[PATH_MAX];
    struct tarn_str given = first_of(options->warehouse, env, "TARN_WAREHOUSE", &here);
    if (!given.ptr)
        return local_path(op, tarn_yaml_get(raw->node, "warehouse"), "warehouse", raw->warehouse,
                          p->folder, &p->profile.warehouse);
    if (here && !getcwd(folder, sizeof folder))
        return tarn_fail_errno(op, errno, "could not find the working directory");
    return local_path(op, NULL, "warehouse", given, here ? tarn_str_view(folder) : p->folder,
                      &p->profile.warehouse);
}

enum tarn_status tarn__profile_load(struct tarn_op *op, const struct tarn_project_options *options,
                                    const struct tarn__env *env, const struct tarn_yaml *node,
                                    struct tarn_project *p)
{
    bool ignored;
    struct profile_raw raw;
    struct tarn_str catalog_name =
        first_of(options->catalog_name, env, "TARN_CATALOG_NAME", &ignored);
    TARN_TRY(tarn_yaml_fill(op, node, &tarn__profile_schema, &raw));
    p->profile.name = node->key;
    p->profile.node = node;
    p->profile.memory_limit_bytes = raw.memory_limit;
    p->profile.threads = (int)raw.threads;
    TARN_TRY(load_warehouse(op, options, env, &raw, p));
    TARN_TRY(load_catalog(op, raw.catalog, catalog_name, p));
    p->profile.source_count = raw.sources.count;
    TARN_NEW_ARRAY(op, p->profile.sources, raw.sources.count);
    const struct tarn_yaml *source = raw.sources.node ? raw.sources.node->first : NULL;
    for (size_t i = 0; source; source = source->next)
        TARN_TRY(load_source(op, source, p, &p->profile.sources[i++]));
    return TARN_OK;
}

const struct tarn_source_config *tarn__profile_source(const struct tarn_profile *profile,
                                                      struct tarn_str name)
{
    for (size_t i = 0; i < profile->source_count; i++)
        if (tarn_str_eq(profile->sources[i].name, name))
            return &profile->sources[i];
    return NULL;
}

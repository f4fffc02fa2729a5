/* ingest: the entries of `ingest:`, each a stream of a source and the table that it lands in. */
#include "project/project_int.h"

struct ingest_raw {
    const struct tarn_yaml *node, *from;
    struct tarn_str to, app, description;
    struct tarn_yaml_list files, partition_by, tags, checks;
    struct tarn_yaml_map columns, properties;
    struct tarn__format_raw format;
    int on_change, on_type_conflict;
    uint64_t rewrite_max;
    int64_t max_dead_letters;
    bool has_max_dead_letters;
};
struct from_raw {
    struct tarn_str source, stream;
    struct tarn_yaml_list files;
};

static const char *const on_change_names[] = {"replace", "refuse", NULL};
static const char *const on_type_conflict_names[] = {"widen", "dead_letter", NULL};

static const struct tarn_yaml_field ingest_fields[] = {
    {.type = TARN_YAML_SELF, .offset = offsetof(struct ingest_raw, node)},
    {"from", TARN_YAML_ANY, offsetof(struct ingest_raw, from), .required = true,
     .doc = "`source.stream`, or `{source: ..., stream: ..., files: [...]}`"},
    {"to", TARN_YAML_STRING, offsetof(struct ingest_raw, to), .required = true,
     .doc = "the table: `namespace.table`"},
    {"files", TARN_YAML_LIST, offsetof(struct ingest_raw, files), .elem = &tarn__text_field,
     .one_is_list = true,
     .doc = "globs (`*`, `?`, `[..]`, `**`, `{a,b}`) below the source's path; see \"Files of a "
            "stream\""},
    {"partition_by", TARN_YAML_LIST, offsetof(struct ingest_raw, partition_by),
     .elem = &tarn__text_field, .one_is_list = true,
     .doc = "`day(ingest_ts)`, `bucket(16, id)`, `truncate(4, name)`, `year(d)`, `month(d)`, "
            "`hour(t)`, or a column"},
    {"columns", TARN_YAML_MAP, offsetof(struct ingest_raw, columns), .elem = &tarn__text_field,
     .doc = "types by path, such as `lines.element.debit: \"decimal(18,2)\"`: they win over what "
            "is inferred"},
    TARN__FORMAT_FIELDS(struct ingest_raw, format),
    {"on_change", TARN_YAML_ENUM, offsetof(struct ingest_raw, on_change), .names = on_change_names,
     .preset = "replace",
     .doc = "a file that was read has changed: `replace` its rows, or `refuse` with an error"},
    {"on_type_conflict", TARN_YAML_ENUM, offsetof(struct ingest_raw, on_type_conflict),
     .names = on_type_conflict_names, .preset = "widen",
     .doc = "a value does not fit its inferred column: `widen` the column, or put the record into "
            "the dead-letter table"},
    {"rewrite_max", TARN_YAML_SIZE, offsetof(struct ingest_raw, rewrite_max), .preset = "1GB",
     .doc = "most bytes of old rows that a widened column may have rewritten in one commit; above "
            "it the record is a dead letter"},
    {"max_dead_letters", TARN_YAML_INT, offsetof(struct ingest_raw, max_dead_letters), .min = 0,
     .max = INT64_MAX, .has_offset = offsetof(struct ingest_raw, has_max_dead_letters),
     .doc = "records of one run that may be set aside; more make it fail. No limit"},
    {"app", TARN_YAML_STRING, offsetof(struct ingest_raw, app),
     .doc = "`{app}` of the layout; the source's name"},
    {"tags", TARN_YAML_LIST, offsetof(struct ingest_raw, tags), .elem = &tarn__text_field,
     .one_is_list = true, .doc = "for `--select tag:x`"},
    {"properties", TARN_YAML_MAP, offsetof(struct ingest_raw, properties),
     .elem = &tarn__text_field,
     .doc = "table properties, such as `write.parquet.compression-codec: zstd`"},
    {"checks", TARN_YAML_LIST, offsetof(struct ingest_raw, checks), .elem = &tarn__any_field,
     .doc = "see \"Checks\""},
    {"description", TARN_YAML_STRING, offsetof(struct ingest_raw, description),
     .doc = "for people"},
};
const struct tarn_yaml_schema tarn__ingest_schema =
    TARN_YAML_SCHEMA("ingest", struct ingest_raw, ingest_fields);

static const struct tarn_yaml_field from_fields[] = {
    {"source", TARN_YAML_STRING, offsetof(struct from_raw, source), .required = true,
     .doc = "a name of the profile's sources"},
    {"stream", TARN_YAML_STRING, offsetof(struct from_raw, stream), .doc = "the table's name"},
    {"files", TARN_YAML_LIST, offsetof(struct from_raw, files), .elem = &tarn__text_field,
     .one_is_list = true, .doc = "globs"},
};
static const struct tarn_yaml_schema from_schema =
    TARN_YAML_SCHEMA("from", struct from_raw, from_fields);

/* ---- where from */

static enum tarn_status read_from(struct tarn_op *op, const struct tarn_yaml *from,
                                  struct from_raw *out)
{
    if (from->kind != TARN_YAML_K_SCALAR)
        return tarn_yaml_fill(op, from, &from_schema, out);
    struct tarn_str source;
    *out = (struct from_raw){.stream = from->text};
    if (tarn_str_cut(&out->stream, '.', &source)) {
        out->source = tarn_strdup(op, source);
        return out->source.ptr ? TARN_OK : TARN_NOMEM;
    }
    enum tarn_status status = tarn_yaml_fail(
        op, from, "\"%.*s\" names no stream: write source.stream", TARN_STR_ARG(from->text));
    tarn_hint(op, "or {source: %.*s, files: [...]}", TARN_STR_ARG(from->text));
    return status;
}

static enum tarn_status find_source(struct tarn_op *op, const struct tarn_yaml *from,
                                    const struct tarn_project *p, struct tarn_ingest *in)
{
    const struct tarn_profile *profile = &p->profile;
    struct tarn_str *names;
    in->source = tarn__profile_source(profile, in->source_name);
    if (in->source)
        return TARN_OK;
    TARN_NEW_ARRAY(op, names, profile->source_count);
    for (size_t i = 0; i < profile->source_count; i++)
        names[i] = profile->sources[i].name;
    const char *nearest = tarn__nearest(op, in->source_name, names, profile->source_count);
    enum tarn_status status =
        tarn_yaml_fail(op, from, "profile \"%.*s\" has no source \"%.*s\"",
                       TARN_STR_ARG(profile->name), TARN_STR_ARG(in->source_name));
    if (nearest)
        tarn_hint(op, "did you mean \"%s\"?", nearest);
    return status;
}

/* The files that a stream has when nobody says: <stream>.json, <stream>-*.json and <stream>/ with
 * any of them, plain or compressed. */
static enum tarn_status stream_globs(struct tarn_op *op, struct tarn_ingest *in)
{
    static const char *const endings[] = {
        [TARN_FILE_EJSON] =
            "{json,ndjson,jsonl,json.gz,ndjson.gz,jsonl.gz,json.zst,ndjson.zst,jsonl.zst}",
        [TARN_FILE_JSON] =
            "{json,ndjson,jsonl,json.gz,ndjson.gz,jsonl.gz,json.zst,ndjson.zst,jsonl.zst}",
        [TARN_FILE_CSV] = "{csv,tsv,csv.gz,tsv.gz,csv.zst,tsv.zst}",
        [TARN_FILE_PARQUET] = "parquet",
    };
    const char *ending = endings[in->format.format];
    in->files = (struct tarn_strs){.count = 3};
    TARN_NEW_ARRAY(op, in->files.items, 3);
    in->files.items[0] = tarn_sprintf(op, "%.*s.%s", TARN_STR_ARG(in->stream), ending);
    in->files.items[1] = tarn_sprintf(op, "%.*s-*.%s", TARN_STR_ARG(in->stream), ending);
    in->files.items[2] = tarn_sprintf(op, "%.*s/**/*.%s", TARN_STR_ARG(in->stream), ending);
    for (size_t i = 0; i < 3; i++)
        if (!in->files.items[i].ptr)
            return TARN_NOMEM;
    return TARN_OK;
}

/* A glob stays below the source's folder. */
static enum tarn_status check_glob(struct tarn_op *op, const struct tarn_yaml *node,
                                   struct tarn_str glob)
{
    struct tarn_str step, rest = glob;
    if (glob.ptr[0] == '/')
        return tarn_yaml_fail(op, node, "glob \"%.*s\" must be relative to the source's path",
                              TARN_STR_ARG(glob));
    while (rest.ptr) {
        (void)tarn_str_cut(&rest, '/', &step);
        if (tarn_str_is(step, ".."))
            return tarn_yaml_fail(op, node, "glob \"%.*s\" leaves the source's path",
                                  TARN_STR_ARG(glob));
    }
    return TARN_OK;
}

static enum tarn_status load_files(struct tarn_op *op, const struct ingest_raw *raw,
                                   const struct from_raw *from, struct tarn_ingest *in)
{
    if (raw->files.node && from->files.node)
        return tarn_yaml_fail_key(op, raw->files.node, "\"files\" stands in \"from\" already");
    const struct tarn_yaml_list *given = raw->files.node ? &raw->files : &from->files;
    if (!given->node)
        return stream_globs(op, in);
    TARN_TRY(tarn__strs_of(op, given, &in->files));
    if (in->files.count == 0)
        return tarn_yaml_fail(op, given->node, "\"files\" names no file");
    for (size_t i = 0; i < in->files.count; i++)
        TARN_TRY(check_glob(op, tarn_strs_node(&in->files, i), in->files.items[i]));
    return TARN_OK;
}

static enum tarn_status load_from(struct tarn_op *op, const struct ingest_raw *raw,
                                  const struct tarn_project *p, struct tarn_ingest *in)
{
    struct from_raw from;
    TARN_TRY(read_from(op, raw->from, &from));
    in->source_name = from.source;
    in->stream = from.stream.ptr ? from.stream : in->to.name;
    if (!tarn__name_ok(in->stream))
        return tarn_yaml_fail(op, raw->from,
                              "\"%.*s\" is no name of a stream: letters, digits, _ and -",
                              TARN_STR_ARG(in->stream));
    TARN_TRY(find_source(op, raw->from, p, in));
    in->format = in->source->format;
    TARN_TRY(tarn__format_apply(op, raw->node, &raw->format, &in->format));
    return load_files(op, raw, &from, in);
}

/* ---- the table */

static enum tarn_status load_columns(struct tarn_op *op, const struct ingest_raw *raw,
                                     struct tarn_ingest *in)
{
    struct tarn_declared *declared;
    in->columns = raw->columns.node;
    TARN_TRY(tarn__declared_of(op, &raw->columns, &declared, &in->format.decode.declared_count));
    in->format.decode.declared = declared;
    if (declared && in->format.format == TARN_FILE_PARQUET)
        return tarn_yaml_fail_key(op, in->columns,
                                  "\"columns\" declares types of text: Parquet files have theirs");
    return TARN_OK;
}

static enum tarn_status load_one(struct tarn_op *op, const struct ingest_raw *raw,
                                 const struct tarn_project *p, struct tarn_ingest *in)
{
    *in = (struct tarn_ingest){.node = raw->node, .place = tarn_place_of(raw->node)};
    TARN_TRY(tarn__ident_parse(op, tarn_yaml_get(raw->node, "to"), raw->to, &in->to));
    TARN_TRY(load_from(op, raw, p, in));
    in->description = raw->description;
    in->app = raw->app.ptr ? raw->app : in->source_name;
    if (!tarn__name_ok(in->app))
        return tarn_yaml_fail(op, tarn_yaml_get(raw->node, "app"), "\"%.*s\" is no name of an app",
                              TARN_STR_ARG(in->app));
    TARN_TRY(tarn__strs_of(op, &raw->partition_by, &in->partition_by));
    TARN_TRY(tarn__strs_of(op, &raw->tags, &in->tags));
    TARN_TRY(load_columns(op, raw, in));
    in->on_change = (enum tarn_on_change)raw->on_change;
    in->on_type_conflict = (enum tarn_on_type_conflict)raw->on_type_conflict;
    in->rewrite_max_bytes = raw->rewrite_max;
    in->max_dead_letters = raw->has_max_dead_letters ? raw->max_dead_letters : -1;
    in->properties = tarn__kvs_of(op, &raw->properties);
    if (!in->properties.items)
        return TARN_NOMEM;
    TARN_TRY(tarn__checks_of(op, &raw->checks, in->to, &in->checks));
    return tarn_project_location(op, p, in->to, in->app, &in->location);
}

enum tarn_status tarn__ingest_load(struct tarn_op *op, const struct tarn_yaml_list *list,
                                   struct tarn_project *p)
{
    const struct ingest_raw *raws = list->items;
    TARN_NEW_ARRAY(op, p->ingest, list->count);
    for (size_t i = 0; i < list->count; i++)
        TARN_TRY(load_one(op, &raws[i], p, &p->ingest[i]));
    p->ingest_count = list->count;
    return TARN_OK;
}

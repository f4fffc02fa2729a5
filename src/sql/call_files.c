/* call_files: add_files, snapshot and migrate: Parquet files become data files of a table without
 * being written anew.
 *
 *     add_files   into a table that is there
 *     snapshot    a new table of its own place over the files of a folder, which it never removes
 *     migrate     a new table whose place is the folder itself
 */
#include <stdlib.h>
#include <string.h>

#include "sql/call_files_int.h"

#define MAPPING "schema.name-mapping.default"

static enum tarn_status check_parallelism(struct tarn__call *c)
{
    const struct tarn__arg *a = tarn__arg(c, "parallelism");
    if (a->given && a->number < 1)
        return tarn__fail_arg(c, a, TARN_INVALID, "argument \"parallelism\" must be 1 or more");
    return TARN_OK; /* footers are read one after the other */
}

/* ---- into a change */

static void drop_empty(struct tarn__source *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->files[i].rows > 0)
            s->files[kept++] = s->files[i];
    s->count = kept;
}

static enum tarn_status set_mapping(struct tarn__source *s, struct tarn_change *change)
{
    struct tarn__call *c = s->call;
    const struct tarn_metadata *m = tarn_change_metadata(change);
    const struct tarn_str *old = tarn_kvs_get(&m->properties, MAPPING);
    struct tarn_str mapping, none = {NULL, 0};
    TARN_TRY(tarn__name_mapping(c->op, tarn_metadata_schema(m), old ? *old : none, &mapping));
    if (old && tarn_str_eq(*old, mapping))
        return TARN_OK;
    return tarn_change_set_property(change, c->op, TARN_STR(MAPPING), mapping);
}

static enum tarn_status add_to(struct tarn__source *s, struct tarn_change *change,
                               struct tarn_data_file **out)
{
    struct tarn__call *c = s->call;
    const struct tarn_metadata *m = tarn_change_metadata(change);
    bool mapping_needed;
    TARN_TRY(tarn__files_fit(s, m, &mapping_needed));
    TARN_TRY(tarn__files_make(s, m, out));
    if (mapping_needed && s->count)
        TARN_TRY(set_mapping(s, change));
    tarn_change_keep_appended(change);
    return tarn_change_append(change, c->op, *out, s->count);
}

/* ---- add_files */

static struct tarn_str bare(struct tarn_str path)
{
    static const char *const schemes[] = {"file://", "file:"};
    for (size_t i = 0; i < 2; i++)
        if (tarn_str_starts(path, tarn_str_view(schemes[i])))
            return tarn_str_of(path.ptr + strlen(schemes[i]), path.len - strlen(schemes[i]));
    return path;
}

static int by_bare_path(const void *a, const void *b)
{
    return tarn_str_cmp(*(const struct tarn_str *)a, *(const struct tarn_str *)b);
}

static enum tarn_status check_duplicates(struct tarn__source *s, const struct tarn_table *t)
{
    struct tarn__call *c = s->call;
    struct tarn_live_files live;
    struct tarn_str *paths;
    TARN_TRY(tarn_table_live_files(c->run->sql->env->flow.lake, c->op, &t->metadata,
                                   tarn_metadata_current(&t->metadata), &live));
    TARN_NEW_ARRAY(c->op, paths, live.count + 1);
    for (size_t i = 0; i < live.count; i++)
        paths[i] = bare(live.items[i].file.path);
    qsort(paths, live.count, sizeof *paths, by_bare_path);
    for (size_t i = 0; i < s->count; i++) {
        struct tarn_str path = bare(s->files[i].path);
        if (!bsearch(&path, paths, live.count, sizeof *paths, by_bare_path))
            continue;
        (void)tarn__fail_arg(c, s->arg, TARN_EXISTS, "table %.*s.%.*s has \"%.*s\" already",
                             TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name),
                             TARN_STR_ARG(s->files[i].path));
        tarn_hint(c->op, "its rows would be there twice: check_duplicate_files => false adds it "
                         "all the same");
        return TARN_EXISTS;
    }
    return TARN_OK;
}

static bool same_partition(const struct tarn_type *type, const struct tarn_data_file *a,
                           const struct tarn_data_file *b)
{
    for (size_t i = 0; i < a->partition_count; i++)
        if (!tarn_value_eq(&type->fields[i].type, &a->partition[i], &b->partition[i]))
            return false;
    return true;
}

static enum tarn_status count_partitions(struct tarn__call *c, const struct tarn_metadata *m,
                                         const struct tarn_data_file *files, size_t count,
                                         int64_t *out)
{
    struct tarn_type type;
    TARN_TRY(tarn_partition_type(c->op, m, tarn_metadata_spec(m), &type));
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = i; /* files of one partition mostly stand together */
        while (k > 0 && !same_partition(&type, &files[k - 1], &files[i]))
            k--;
        *out += k == 0;
    }
    return TARN_OK;
}

static enum tarn_status answer_added(struct tarn__call *c, int64_t files, int64_t partitions)
{
    struct tarn__list list;
    struct tarn_value values[] = {tarn__long_value(files), tarn__long_value(partitions)};
    TARN_TRY(
        tarn__list_begin(&list, c->run, "added_files_count:long changed_partition_count:long"));
    TARN_TRY(tarn__list_add(&list, values));
    return tarn__list_end(&list, "CALL");
}

enum tarn_status tarn__add_files(struct tarn__call *c)
{
    const struct tarn__arg *filter = tarn__arg(c, "partition_filter"),
                           *check = tarn__arg(c, "check_duplicate_files");
    struct tarn__source source;
    struct tarn_table *t;
    struct tarn_change *change;
    struct tarn_data_file *files;
    int64_t partitions;
    TARN_TRY(check_parallelism(c));
    TARN_TRY(tarn__arg_table(c, "table", &t));
    TARN_TRY(tarn__source_open(c, tarn__arg(c, "source_table"), false, &source));
    if (filter->given)
        TARN_TRY(tarn__source_filter(&source, filter));
    if (!check->given || check->yes)
        TARN_TRY(check_duplicates(&source, t));
    TARN_TRY(tarn__footers_read(&source));
    drop_empty(&source);
    if (source.count == 0) {
        c->run->answer->notice = TARN_STR("no file with rows was found");
        return answer_added(c, 0, 0);
    }
    TARN_TRY(tarn_change_open(c->run->sql->env->flow.lake, c->op, t, &change));
    TARN_TRY(add_to(&source, change, &files));
    TARN_TRY(count_partitions(c, &t->metadata, files, source.count, &partitions));
    TARN_TRY(tarn__publish(c->run, change));
    return answer_added(c, (int64_t)source.count, partitions);
}

/* ---- a new table */

static enum tarn_status make_properties(struct tarn__call *c, bool snapshot, struct tarn_kvs *out)
{
    const struct tarn__arg *given = tarn__arg(c, "properties");
    struct tarn_str yes = TARN_STR("true");
    TARN_TRY(tarn_flow_properties(c->op, &given->map, out));
    if (!snapshot)
        return tarn_kvs_with(c->op, out, TARN_STR("migrated"), yes, out);
    TARN_TRY(tarn_kvs_with(c->op, out, TARN_STR("snapshot"), yes, out));
    return tarn_kvs_with(c->op, out, TARN_STR("gc.enabled"), TARN_STR("false"), out);
}

/* Partitioned by the columns of the paths, as they are. */
static enum tarn_status make_spec(struct tarn__source *s, struct tarn_schema *schema,
                                  struct tarn_partition_spec *out)
{
    int32_t next = tarn_schema_highest_id(schema) + 1;
    tarn_type_assign_ids(&schema->root, &next);
    *out = (struct tarn_partition_spec){.field_count = s->key_count};
    TARN_NEW_ARRAY(s->call->op, out->fields, s->key_count + 1);
    for (size_t i = 0; i < s->key_count; i++)
        out->fields[i] = (struct tarn_partition_field){
            .source_id = tarn_type_field_by_name(&schema->root, s->keys[i])->id,
            .name = s->keys[i],
            .transform = {.kind = TARN_TRANSFORM_IDENTITY}};
    return TARN_OK;
}

static enum tarn_status answer_imported(struct tarn__call *c, const char *column, size_t count)
{
    struct tarn__list list;
    struct tarn_value value = tarn__long_value((int64_t)count);
    TARN_TRY(tarn__list_begin(&list, c->run, column));
    TARN_TRY(tarn__list_add(&list, &value));
    return tarn__list_end(&list, "CALL");
}

static enum tarn_status make_table(struct tarn__source *s, struct tarn_ident ident,
                                   struct tarn_str location, bool snapshot)
{
    struct tarn__call *c = s->call;
    struct tarn_schema schema;
    struct tarn_create create = {.location = location, .schema = &schema};
    struct tarn_change *change;
    struct tarn_data_file *files;
    TARN_TRY(tarn__footers_read(s));
    drop_empty(s);
    if (s->count == 0)
        return tarn__fail_arg(c, s->arg, TARN_NOT_FOUND,
                              "there are no Parquet files with rows in \"%.*s\"",
                              TARN_STR_ARG(s->root));
    TARN_TRY(tarn__files_schema(s, &schema));
    TARN_TRY(make_spec(s, &schema, &create.spec));
    TARN_TRY(make_properties(c, snapshot, &create.properties));
    TARN_TRY(tarn_change_create(c->run->sql->env->flow.lake, c->op, ident, &create, &change));
    TARN_TRY(add_to(s, change, &files));
    return tarn__publish(c->run, change);
}

/* <warehouse>/<ns>/<name> */
static enum tarn_status usual_place(struct tarn__call *c, struct tarn_ident ident,
                                    struct tarn_str *out)
{
    TARN_TRY(tarn_catalog_check_name(c->op, ident));
    struct tarn_str place = tarn_path_join(c->op, c->run->sql->env->warehouse, ident.ns);
    if (place.ptr)
        place = tarn_path_join(c->op, place, ident.name);
    *out = place;
    return place.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status take_location(struct tarn__call *c, struct tarn_ident ident,
                                      struct tarn_str *out)
{
    const struct tarn__arg *a = tarn__arg(c, "location");
    if (!a->given)
        return usual_place(c, ident, out);
    *out = a->text;
    while (out->len > 1 && out->ptr[out->len - 1] == '/')
        out->len--;
    if (!tarn_str_starts(*out, TARN_STR("/")) && !tarn_str_starts(*out, TARN_STR("file:/")))
        return tarn__fail_arg(c, a, TARN_INVALID, "a location must be an absolute path");
    return TARN_OK;
}

static bool inside(struct tarn_str path, struct tarn_str folder)
{
    path = bare(path);
    folder = bare(folder);
    return tarn_str_starts(path, folder) && (path.len == folder.len || path.ptr[folder.len] == '/');
}

enum tarn_status tarn__snapshot(struct tarn__call *c)
{
    const struct tarn__arg *from = tarn__arg(c, "source_table"), *at = tarn__arg(c, "location");
    struct tarn__source source;
    struct tarn_ident ident;
    struct tarn_str location;
    TARN_TRY(check_parallelism(c));
    TARN_TRY(tarn__arg_new_table(c, "table", &ident));
    TARN_TRY(take_location(c, ident, &location));
    TARN_TRY(tarn__source_open(c, from, false, &source));
    if (inside(location, source.root) || inside(source.root, location))
        return tarn__fail_arg(c, at->given ? at : from, TARN_INVALID,
                              "a snapshot cannot lie where its source lies");
    TARN_TRY(make_table(&source, ident, location, true));
    return answer_imported(c, "imported_files_count:long", source.count);
}

enum tarn_status tarn__migrate(struct tarn__call *c)
{
    const struct tarn__arg *backup = tarn__arg(c, "backup_table_name"),
                           *at = tarn__arg(c, "location");
    struct tarn__source source;
    struct tarn_ident ident;
    struct tarn_str location;
    TARN_TRY(check_parallelism(c));
    if (backup->given)
        return tarn__fail_arg(c, backup, TARN_UNSUPPORTED,
                              "migrate takes a folder of files: there is no table to be kept as a "
                              "backup");
    TARN_TRY(tarn__arg_new_table(c, "table", &ident));
    TARN_TRY(take_location(c, ident, &location));
    TARN_TRY(tarn__source_list(c, at->given ? at : tarn__arg(c, "table"), location, true, &source));
    TARN_TRY(make_table(&source, ident, source.root, false));
    return answer_imported(c, "migrated_files_count:long", source.count);
}

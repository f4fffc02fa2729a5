/* call_source: the files of a folder, and the partition values that their paths hold.
 *
 * Hive's layout: folders "region=eu/day=2024-02-29"; a value is percent-encoded where a path could
 * not hold it, __HIVE_DEFAULT_PARTITION__ is null. Names that begin with "." or "_" are no data.
 */
#include <string.h>

#include "sql/call_files_int.h"

/* ---- where */

/* parquet.`/path`, `parquet`.`/path`, or a path as it is. */
static enum tarn_status path_of(struct tarn__call *c, const struct tarn__arg *a,
                                struct tarn_str *out)
{
    struct tarn__words w;
    struct tarn__dotted d = {.count = 0};
    *out = tarn_str_trim(a->text);
    if (tarn_str_starts(*out, TARN_STR("/")) || tarn_str_starts(*out, TARN_STR("file:/")))
        return TARN_OK;
    tarn__words_begin(&w, c->op, (struct tarn_sql_text){.sql = a->text, .line0 = 1});
    if (tarn__take_dotted(&w, &d) != TARN_OK || !w.end)
        tarn_clear(c->op);
    struct tarn_str format = d.count == 2 ? d.parts[0] : TARN_STR("");
    *out = d.count == 2 ? d.parts[1] : a->text;
    if (tarn_str_eq_nocase(format, TARN_STR("orc")) || tarn_str_eq_nocase(format, TARN_STR("avro")))
        return tarn__fail_arg(c, a, TARN_UNSUPPORTED, "%.*s files are not in this version",
                              TARN_STR_ARG(format));
    if (!tarn_str_eq_nocase(format, TARN_STR("parquet")) ||
        (!tarn_str_starts(*out, TARN_STR("/")) && !tarn_str_starts(*out, TARN_STR("file:/")))) {
        (void)tarn__fail_arg(c, a, TARN_INVALID,
                             "argument \"%s\" must name Parquet files by an absolute path",
                             a == &c->args[0] ? c->procedure->params[0].name : "source_table");
        tarn_hint(c->op, "write '`parquet`.`/path/of/the/folder`'");
        return TARN_INVALID;
    }
    return TARN_OK;
}

/* ---- partition values */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum tarn_status decoded(struct tarn_op *op, struct tarn_str s, struct tarn_str *out)
{
    char *text = tarn_alloc(op, s.len + 1);
    size_t n = 0;
    if (!text)
        return TARN_NOMEM;
    for (size_t i = 0; i < s.len; i++) {
        bool coded =
            s.ptr[i] == '%' && i + 2 < s.len && hex(s.ptr[i + 1]) >= 0 && hex(s.ptr[i + 2]) >= 0;
        text[n++] = coded ? (char)(hex(s.ptr[i + 1]) * 16 + hex(s.ptr[i + 2])) : s.ptr[i];
        i += coded ? 2 : 0;
    }
    *out = tarn_str_of(text, n);
    return TARN_OK;
}

static enum tarn_status put_value(struct tarn_op *op, struct tarn__file *f, struct tarn_str segment)
{
    struct tarn_str key, value = segment;
    struct tarn_kv *items;
    if (!tarn_str_cut(&value, '=', &key) || key.len == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, items, f->partition.count + 1);
    if (f->partition.count)
        memcpy(items, f->partition.items, f->partition.count * sizeof *items);
    struct tarn_kv *kv = &items[f->partition.count];
    TARN_TRY(decoded(op, key, &kv->key));
    if (!tarn_str_is(value, "__HIVE_DEFAULT_PARTITION__"))
        TARN_TRY(decoded(op, value, &kv->value));
    f->partition = (struct tarn_kvs){items, f->partition.count + 1};
    return TARN_OK;
}

const struct tarn_kv *tarn__file_key(const struct tarn__file *f, struct tarn_str key)
{
    for (size_t i = 0; i < f->partition.count; i++)
        if (tarn_str_eq(f->partition.items[i].key, key))
            return &f->partition.items[i];
    return NULL;
}

/* ---- files */

static bool hidden(struct tarn_str segment, bool folder)
{
    if (segment.len == 0 || segment.ptr[0] == '.')
        return true;
    return segment.ptr[0] == '_' && !(folder && memchr(segment.ptr, '=', segment.len));
}

/* *skip: no data file. */
static enum tarn_status walk_path(struct tarn__source *s, struct tarn_str path, bool skip_metadata,
                                  struct tarn__file *f, bool *skip)
{
    struct tarn_str rest = tarn_str_of(path.ptr + s->root.len, path.len - s->root.len), segment;
    while (rest.len && rest.ptr[0] == '/')
        rest = tarn_str_of(rest.ptr + 1, rest.len - 1);
    for (bool first = true, more = true; more; first = false) {
        more = tarn_str_cut(&rest, '/', &segment);
        if (more && segment.len == 0)
            continue;
        *skip = hidden(segment, more) ||
                (first && more && skip_metadata && tarn_str_is(segment, "metadata"));
        if (*skip)
            return TARN_OK;
        if (more)
            TARN_TRY(put_value(s->call->op, f, segment));
    }
    return TARN_OK;
}

static enum tarn_status add_file(struct tarn__source *s, const struct tarn_object *o,
                                 bool skip_metadata)
{
    struct tarn_op *op = s->call->op;
    struct tarn__file *f = &s->files[s->count];
    bool skip = false;
    *f = (struct tarn__file){.path = o->path, .size_bytes = (int64_t)o->size_bytes};
    TARN_TRY(walk_path(s, o->path, skip_metadata, f, &skip));
    if (skip)
        return TARN_OK;
    TARN_TRY(tarn_storage_local_path(s->call->run->sql->env->flow.lake->storage, op, f->path,
                                     &f->local));
    s->count++;
    return TARN_OK;
}

/* All paths must have the same keys. */
static enum tarn_status take_keys(struct tarn__source *s)
{
    const struct tarn__file *first = &s->files[0];
    s->key_count = s->count ? first->partition.count : 0;
    TARN_NEW_ARRAY(s->call->op, s->keys, s->key_count + 1);
    for (size_t i = 0; i < s->key_count; i++)
        s->keys[i] = first->partition.items[i].key;
    for (size_t i = 1; i < s->count; i++) {
        const struct tarn__file *f = &s->files[i];
        bool same = f->partition.count == s->key_count;
        for (size_t k = 0; same && k < s->key_count; k++)
            same = tarn_str_eq(f->partition.items[k].key, s->keys[k]);
        if (same)
            continue;
        (void)tarn__fail_arg(s->call, s->arg, TARN_INVALID,
                             "files of one folder have other partition columns in their paths");
        tarn_detail(s->call->op, "%.*s\n%.*s", TARN_STR_ARG(first->path), TARN_STR_ARG(f->path));
        return TARN_INVALID;
    }
    return TARN_OK;
}

enum tarn_status tarn__source_list(struct tarn__call *c, const struct tarn__arg *a,
                                   struct tarn_str path, bool skip_metadata,
                                   struct tarn__source *out)
{
    struct tarn_storage *storage = c->run->sql->env->flow.lake->storage;
    struct tarn_listing files;
    *out = (struct tarn__source){.call = c, .arg = a};
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    out->root = path;
    TARN_TRY(tarn_storage_list(storage, c->op, path, &files));
    if (files.count == 0) { /* not a folder, or an empty one */
        struct tarn_object one;
        enum tarn_status status = tarn_storage_head(storage, c->op, path, &one);
        if (status != TARN_OK) {
            tarn_clear(c->op);
            return tarn__fail_arg(c, a, TARN_NOT_FOUND, "there are no files in \"%.*s\"",
                                  TARN_STR_ARG(path));
        }
        size_t end = path.len - tarn_path_base(path).len;
        out->root = tarn_str_of(path.ptr, end > 1 ? end - 1 : end);
        TARN_NEW_ARRAY(c->op, files.objects, 1);
        files.objects[0] = one;
        files.objects[0].path = path;
        files.count = 1;
    }
    TARN_NEW_ARRAY(c->op, out->files, files.count + 1);
    for (size_t i = 0; i < files.count; i++)
        TARN_TRY(add_file(out, &files.objects[i], skip_metadata));
    return take_keys(out);
}

enum tarn_status tarn__source_open(struct tarn__call *c, const struct tarn__arg *a,
                                   bool skip_metadata, struct tarn__source *out)
{
    struct tarn_str path;
    TARN_TRY(path_of(c, a, &path));
    return tarn__source_list(c, a, path, skip_metadata, out);
}

enum tarn_status tarn__source_filter(struct tarn__source *s, const struct tarn__arg *filter)
{
    size_t kept = 0;
    for (size_t i = 0; i < filter->map.count; i++) {
        bool known = false;
        for (size_t k = 0; k < s->key_count; k++)
            known = known || tarn_str_eq(s->keys[k], filter->map.items[i].key);
        if (!known)
            return tarn__fail_arg(s->call, filter, TARN_INVALID,
                                  "the files' paths have no partition column \"%.*s\"",
                                  TARN_STR_ARG(filter->map.items[i].key));
    }
    for (size_t i = 0; i < s->count; i++) {
        bool fits = true;
        for (size_t k = 0; fits && k < filter->map.count; k++) {
            const struct tarn_kv *kv = tarn__file_key(&s->files[i], filter->map.items[k].key);
            fits = kv->value.ptr && tarn_str_eq(kv->value, filter->map.items[k].value);
        }
        if (fits)
            s->files[kept++] = s->files[i];
    }
    s->count = kept;
    return TARN_OK;
}

/* init_look: the files below a folder as streams: which belong together, how they are read, what
 * columns they have. See init.h.
 *
 * 1. Every file of a stream is matched by its globs and no other file is: checked by listing them,
 * else the files are named one by one. So no file is read twice, and none that was seen is
 * forgotten.
 * 2. Types come from samples, by the same readers as a run's; a run looks at everything and may
 * widen them.
 * 3. What cannot be read is told with its reason and left out; the rest goes on.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/init.h"

#define FILES_MAX   100000
#define STREAMS_MAX 1000
#define STEMS_MAX   64 /* more names than that in one folder are no names of streams */
#define GLOBS_MAX   8
#define NAMED_MAX   1000 /* files named one by one */

#define JSON_ENDINGS "{json,ndjson,jsonl,json.gz,ndjson.gz,jsonl.gz,json.zst,ndjson.zst,jsonl.zst}"
#define CSV_ENDINGS  "{csv,tsv,csv.gz,tsv.gz,csv.zst,tsv.zst}"

static const char *const looked_for[] = {
    "**/*.{json,ndjson,jsonl,ejson,JSON,NDJSON,JSONL}",
    "**/*.{json,ndjson,jsonl,ejson,JSON,NDJSON,JSONL}.{gz,zst,GZ}",
    "**/*.{csv,tsv,psv,CSV,TSV,PSV}",
    "**/*.{csv,tsv,psv,CSV,TSV,PSV}.{gz,zst,GZ}",
    "**/*.{parquet,PARQUET}",
};
#define LOOKED_FOR (sizeof looked_for / sizeof *looked_for)

struct entry {
    struct tarn_input_file *file;
    struct tarn__init_name name;
};
struct look {
    struct tarn_op *op;
    struct tarn_str base;
    struct tarn_str single; /* the one file that was named, below base; absent: a folder was */
    struct entry *entries;
    size_t count;
    struct tarn__init_engine engine;
};

/* What is wrong with one stream is its problem; what is wrong with this process ends the verb. */
static enum tarn_status as_problem(struct tarn_op *op, enum tarn_status status,
                                   struct tarn_str *out)
{
    if (status == TARN_OK || status == TARN_NOMEM || status == TARN_CANCELLED ||
        status == TARN_INTERNAL)
        return status;
    *out = tarn_sprintf(op, "%s", op->report.message);
    tarn_clear(op);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

/* ---- the files */

static enum tarn_status resolve(struct look *l, struct tarn_str path)
{
    struct stat st;
    char resolved[PATH_MAX];
    struct tarn_op *op = l->op;
    struct tarn_str z = tarn_strdup(op, path);
    if (!z.ptr)
        return TARN_NOMEM;
    if (!realpath(z.ptr, resolved) || stat(resolved, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? tarn_fail(op, TARN_NOT_FOUND, "there is no file or folder \"%s\"", z.ptr)
                   : tarn_fail_errno(op, errno, "could not look at \"%s\"", z.ptr);
    if (!tarn_utf8_valid(tarn_str_view(resolved)))
        return tarn_fail(op, TARN_UNSUPPORTED, "the path of \"%s\" is not UTF-8", z.ptr);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return tarn_fail(op, TARN_INVALID, "\"%s\" is neither a file nor a folder", z.ptr);
    if (S_ISREG(st.st_mode)) {
        char *slash = strrchr(resolved, '/');
        l->single = tarn_strdup(op, tarn_str_view(slash + 1));
        slash[slash == resolved] = 0;
        if (!l->single.ptr)
            return TARN_NOMEM;
    }
    l->base = tarn_strdup(op, tarn_str_view(resolved));
    return l->base.ptr ? TARN_OK : TARN_NOMEM;
}

/* The name as a glob that fits it; '?' for what globs give a meaning. */
static struct tarn_str as_glob(struct tarn_op *op, struct tarn_str name)
{
    struct tarn_str out = tarn_strdup(op, name);
    for (size_t i = 0; out.ptr && i < out.len; i++)
        if (strchr("*?[{", out.ptr[i]))
            ((char *)out.ptr)[i] = '?'; /* our own copy */
    return out;
}

/* The project's own tables and texts are no input. */
static bool is_own(struct tarn_str path, struct tarn_str project)
{
    static const char *const own[] = {"/warehouse/", "/models/", "/checks/", "/.tarn/"};
    if (!project.ptr || !tarn_str_starts(path, project))
        return false;
    struct tarn_str rest = tarn_str_of(path.ptr + project.len, path.len - project.len);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (tarn_str_starts(rest, tarn_str_view(own[i])))
            return true;
    return false;
}

static enum tarn_status list_files(struct look *l, struct tarn_str project)
{
    struct tarn_op *op = l->op;
    struct tarn_input_files files;
    struct tarn_str globs[LOOKED_FOR] = {{NULL, 0}};
    for (size_t i = 0; i < LOOKED_FOR; i++)
        globs[i] = tarn_str_view(looked_for[i]);
    if (l->single.ptr && !(globs[0] = as_glob(op, l->single)).ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_files_list(op, l->base, globs, l->single.ptr ? 1 : LOOKED_FOR, &files));
    if (files.count > FILES_MAX)
        return tarn_fail(op, TARN_LIMIT, "more than %d files below \"%.*s\": name a smaller folder",
                         FILES_MAX, TARN_STR_ARG(l->base));
    TARN_NEW_ARRAY(op, l->entries, files.count + 1);
    for (size_t i = 0; i < files.count; i++) {
        struct tarn_input_file *f = &files.items[i];
        if (l->single.ptr ? !tarn_str_eq(f->name, l->single) : is_own(f->path, project))
            continue;
        l->entries[l->count].file = f;
        TARN_TRY(tarn__init_name(op, f->name, false, &l->entries[l->count].name));
        l->count++;
    }
    return TARN_OK;
}

/* ---- one stream */

/* Entries [begin, end) as a stream. */
static enum tarn_status make_stream(struct look *l, size_t begin, size_t end,
                                    struct tarn__init_stream *s)
{
    struct tarn_op *op = l->op;
    const struct tarn__init_name *n = &l->entries[begin].name;
    *s = (struct tarn__init_stream){.files.count = end - begin};
    TARN_NEW_ARRAY(op, s->files.items, end - begin);
    for (size_t i = begin; i < end; i++) {
        s->files.items[i - begin] = *l->entries[i].file;
        s->bytes += l->entries[i].file->size_bytes;
    }
    return as_problem(op, tarn__init_types(op, &l->engine, s, n), &s->problem);
}

/* ---- globs */

static int by_file_name(const void *a, const void *b)
{
    const struct tarn_input_file *x = a, *y = b;
    return tarn_str_cmp(x->name, y->name);
}

/* Do the globs match the stream's files, and none beside them? */
static enum tarn_status globs_fit(const struct look *l, const struct tarn__init_stream *s,
                                  const struct tarn_str *globs, size_t count, bool *out)
{
    struct tarn_op op;
    struct tarn_input_files found;
    *out = false;
    TARN_TRY(tarn_op_child(l->op, &op));
    enum tarn_status status = tarn_files_list(&op, l->base, globs, count, &found);
    if (status == TARN_OK) {
        *out = found.count == s->files.count;
        for (size_t i = 0; *out && i < found.count; i++)
            *out = tarn_str_eq(found.items[i].name, s->files.items[i].name);
    } else if (status == TARN_CONFIG) {
        status = TARN_OK; /* a glob that is too long, say: it does not fit */
    } else {
        status = tarn_op_adopt(l->op, &op);
    }
    tarn_op_release(&op);
    return status;
}

/* Those that a stream has by its name alone (docs/project.md, "Files of a stream"). */
static enum tarn_status fit_by_name(const struct look *l, const struct tarn__init_stream *s,
                                    bool *out)
{
    const char *e = s->sniff.format == TARN_FILE_CSV       ? CSV_ENDINGS
                    : s->sniff.format == TARN_FILE_PARQUET ? "parquet"
                                                           : JSON_ENDINGS;
    struct tarn_str globs[3] = {tarn_sprintf(l->op, "%.*s.%s", TARN_STR_ARG(s->name), e),
                                tarn_sprintf(l->op, "%.*s-*.%s", TARN_STR_ARG(s->name), e),
                                tarn_sprintf(l->op, "%.*s/**/*.%s", TARN_STR_ARG(s->name), e)};
    if (!globs[0].ptr || !globs[1].ptr || !globs[2].ptr)
        return TARN_NOMEM;
    return globs_fit(l, s, globs, 3, out);
}

static bool add_glob(struct tarn__init_stream *s, struct tarn_str glob)
{
    for (size_t i = 0; i < s->glob_count; i++)
        if (tarn_str_eq(s->globs[i], glob))
            return true;
    if (s->glob_count == GLOBS_MAX)
        return false;
    s->globs[s->glob_count++] = glob;
    return true;
}

/* Patterns of the names; merged: everything in the named folder with these endings. */
static enum tarn_status fit_by_pattern(const struct look *l, struct tarn__init_stream *s,
                                       bool merged, bool *out)
{
    struct tarn_op *op = l->op;
    bool few = true;
    *out = false;
    for (size_t i = 0; few && i < s->files.count; i++) {
        struct tarn__init_name n;
        TARN_TRY(tarn__init_name(op, s->files.items[i].name, s->files.count == 1, &n));
        struct tarn_str glob = n.glob;
        if (merged) /* a stream of the top folder does not reach into those below */
            glob = tarn_sprintf(op, "%.*s%s*.%.*s", TARN_STR_ARG(n.below), n.below.len ? "**/" : "",
                                TARN_STR_ARG(n.ending));
        if (!glob.ptr)
            return TARN_NOMEM;
        few = add_glob(s, glob);
    }
    if (!few)
        return TARN_OK;
    return globs_fit(l, s, s->globs, s->glob_count, out);
}

static enum tarn_status find_globs(const struct look *l, struct tarn__init_stream *s, bool merged)
{
    struct tarn_op *op = l->op;
    bool fits;
    s->glob_count = 0;
    TARN_TRY(fit_by_name(l, s, &fits));
    if (fits)
        return TARN_OK;
    TARN_NEW_ARRAY(op, s->globs, NAMED_MAX);
    if (!l->single.ptr) {
        TARN_TRY(fit_by_pattern(l, s, merged, &fits));
        if (fits)
            return TARN_OK;
    }
    s->glob_count = 0;
    for (size_t i = 0; i < s->files.count && s->glob_count < NAMED_MAX; i++) {
        s->globs[s->glob_count] = as_glob(op, s->files.items[i].name);
        if (!s->globs[s->glob_count++].ptr)
            return TARN_NOMEM;
    }
    fits = s->glob_count == s->files.count;
    if (fits)
        TARN_TRY(globs_fit(l, s, s->globs, s->glob_count, &fits));
    if (fits)
        return TARN_OK;
    return tarn_fail(op, TARN_LIMIT, "no pattern tells its %zu files from others", s->files.count);
}

/* ---- streams */

static int by_group(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int c = tarn_str_cmp(x->name.folder, y->name.folder);
    if (c == 0)
        c = (int)x->name.family - (int)y->name.family;
    if (c == 0)
        c = tarn_str_cmp(x->name.stem, y->name.stem);
    return c ? c : tarn_str_cmp(x->file->name, y->file->name);
}

static bool same_folder(const struct entry *a, const struct entry *b)
{
    return tarn_str_eq(a->name.folder, b->name.folder) && a->name.family == b->name.family;
}

static bool alike(const struct tarn__init_stream *a, const struct tarn__init_stream *b)
{
    size_t common = 0, most = a->type.field_count;
    if (b->type.field_count > most)
        most = b->type.field_count;
    for (size_t i = 0; i < a->type.field_count; i++)
        common += tarn_type_field_by_name(&b->type, a->type.fields[i].name) != NULL;
    return most > 0 && !a->problem.ptr && !b->problem.ptr && common * 10 >= most * 8;
}

/* Three or more names in one folder whose columns are the same: those are not the names of streams.
 */
static bool all_alike(const struct tarn__init_stream *streams, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (!alike(&streams[0], &streams[i]))
            return false;
    return count >= 3;
}

static bool name_taken(const struct tarn__init_found *found, struct tarn_str name)
{
    for (size_t i = 0; i < found->count; i++)
        if (tarn_str_eq(found->streams[i].name, name))
            return true;
    return false;
}

/* A name of its own, out of the first file's path; folder only when all its files are one stream.
 */
static enum tarn_status name_stream(const struct look *l, const struct tarn__init_found *found,
                                    bool merged, struct tarn__init_stream *s)
{
    static const char *const formats[] = {"json", "json", "csv", "parquet"};
    struct tarn_op *op = l->op;
    struct tarn__init_name n;
    TARN_TRY(tarn__init_name(op, s->files.items[0].name, s->files.count == 1, &n));
    struct tarn_str text = tarn__init_join(op, n.folder, merged ? TARN_STR("") : n.stem);
    if (text.ptr && text.len == 0)
        text = tarn_path_base(l->base);
    struct tarn_str word = text.ptr ? tarn__init_word(op, text, "stream") : text;
    struct tarn_str name = word;
    for (int i = 1; name.ptr && name_taken(found, name); i++)
        name = i == 1 ? tarn_sprintf(op, "%.*s_%s", TARN_STR_ARG(word), formats[s->sniff.format])
                      : tarn_sprintf(op, "%.*s_%d", TARN_STR_ARG(word), i);
    s->name = name;
    s->table = tarn_sprintf(op, TARN__INIT_NAMESPACE ".%.*s", TARN_STR_ARG(name));
    return name.ptr && s->table.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status add_stream(struct look *l, struct tarn__init_found *out, bool merged,
                                   struct tarn__init_stream *s)
{
    if (out->count == STREAMS_MAX)
        return tarn_fail(l->op, TARN_LIMIT,
                         "more than %d streams below \"%.*s\": name a smaller folder", STREAMS_MAX,
                         TARN_STR_ARG(l->base));
    qsort(s->files.items, s->files.count, sizeof *s->files.items, by_file_name);
    TARN_TRY(name_stream(l, out, merged, s));
    if (!s->problem.ptr)
        TARN_TRY(as_problem(l->op, find_globs(l, s, merged), &s->problem));
    out->streams[out->count++] = *s;
    out->good += !s->problem.ptr;
    return TARN_OK;
}

/* All of one folder and family: a stream a name, or one of all. */
static enum tarn_status look_at_folder(struct look *l, size_t begin, size_t end,
                                       struct tarn__init_found *out)
{
    size_t starts[STEMS_MAX + 1], count = 0;
    struct tarn__init_stream *streams;
    for (size_t i = begin; i < end && count <= STEMS_MAX; i++)
        if (i == begin || !tarn_str_eq(l->entries[i].name.stem, l->entries[i - 1].name.stem))
            starts[count++] = i;
    TARN_NEW_ARRAY(l->op, streams, count + 1);
    bool merged = count > STEMS_MAX;
    for (size_t i = 0; !merged && i < count; i++)
        TARN_TRY(make_stream(l, starts[i], i + 1 < count ? starts[i + 1] : end, &streams[i]));
    if (!merged && l->entries[begin].name.folder.len > 0)
        merged = all_alike(streams, count);
    if (!merged) {
        for (size_t i = 0; i < count; i++)
            TARN_TRY(add_stream(l, out, false, &streams[i]));
        return TARN_OK;
    }
    TARN_TRY(make_stream(l, begin, end, &streams[0]));
    streams[0].note = tarn_sprintf(l->op, "files of different names were taken for one stream");
    return streams[0].note.ptr ? add_stream(l, out, true, &streams[0]) : TARN_NOMEM;
}

static int by_stream_name(const void *a, const void *b)
{
    const struct tarn__init_stream *x = a, *y = b;
    return tarn_str_cmp(x->name, y->name);
}

static enum tarn_status look(struct look *l, struct tarn_str path, struct tarn_str project,
                             struct tarn__init_found *out)
{
    TARN_TRY(resolve(l, path));
    TARN_TRY(list_files(l, project));
    out->base = l->base;
    TARN_NEW_ARRAY(l->op, out->streams, STREAMS_MAX);
    if (l->count == 0) {
        (void)tarn_fail(l->op, TARN_NOT_FOUND, "no files were found below \"%.*s\"",
                        TARN_STR_ARG(l->base));
        tarn_hint(
            l->op,
            "init knows .json, .ndjson, .jsonl, .csv, .tsv and .parquet, also with .gz or .zst");
        return TARN_NOT_FOUND;
    }
    qsort(l->entries, l->count, sizeof *l->entries, by_group);
    for (size_t begin = 0, end; begin < l->count; begin = end) {
        for (end = begin + 1; end < l->count && same_folder(&l->entries[begin], &l->entries[end]);)
            end++;
        TARN_TRY(look_at_folder(l, begin, end, out));
    }
    qsort(out->streams, out->count, sizeof *out->streams, by_stream_name);
    return TARN_OK;
}

enum tarn_status tarn__init_look(struct tarn_op *op, struct tarn_str path, struct tarn_str project,
                                 struct tarn__init_found *out)
{
    struct look l = {.op = op};
    *out = (struct tarn__init_found){0};
    enum tarn_status status = look(&l, path, project, out);
    tarn__init_engine_close(&l.engine);
    return status;
}

/* init_look: the files below a folder as streams: which belong together, how they are read, what columns they have. See init_int.h.
 *
 * 1. Every file of a stream is matched by its globs and no other file is: checked by listing them, else the files are named one by one.
 *    So no file is read twice, and none that was seen is forgotten.
 * 2. Types come from samples, by the same readers as a run's; a run looks at everything and may widen them.
 * 3. What cannot be read is told with its reason and left out; the rest goes on.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "cli/init_int.h"
#include "source/file_stream.h"

#define FILES_MAX   100000
#define STREAMS_MAX 1000
#define STEMS_MAX   64   /* more names than that in one folder are no names of streams */
#define GLOBS_MAX   8
#define NAMED_MAX   1000 /* files named one by one */
#define HEAD_BYTES  ((size_t)64 << 10)
#define SNIFFED_MAX 16
#define SAMPLED_MAX 64

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
    struct tarn_resolver nothing;
    struct tarn_engine *engine; /* opened for the first Parquet file */
    struct tarn_session *session;
};

/* What is wrong with one stream is its problem; what is wrong with this process ends the verb. */
static enum tarn_status as_problem(struct tarn_op *op, enum tarn_status status, struct tarn_str *out)
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

/* ---- heads */

static enum tarn_status read_head(struct tarn_op *op, const struct tarn_input_file *file, char *dst,
                                  size_t cap, size_t *out)
{
    struct tarn_file_stream *s = NULL;
    size_t got = 1;
    *out = 0;
    TARN_TRY(tarn_file_stream_open(op, file, 0, &s));
    enum tarn_status status = TARN_OK;
    while (status == TARN_OK && got > 0 && *out < cap) {
        status = tarn_file_stream_read(s, op, dst + *out, cap - *out, &got);
        *out += status == TARN_OK ? got : 0;
    }
    tarn_file_stream_close(s);
    return status;
}

/* The i-th of `wanted` files spread evenly over all. */
static const struct tarn_input_file *spread(const struct tarn_input_files *files, size_t i, size_t wanted)
{
    return &files->items[wanted < 2 ? 0 : i * (files->count - 1) / (wanted - 1)];
}

static enum tarn_status join_sniff(struct tarn_op *op, struct tarn__init_stream *s,
                                   const struct tarn__init_sniff *one)
{
    struct tarn__init_sniff *all = &s->sniff;
    if (!one->known)
        return TARN_OK;
    if (!all->known) {
        *all = *one;
        return TARN_OK;
    }
    if (one->format == TARN_FILE_EJSON)
        all->format = TARN_FILE_EJSON;
    all->single = all->single && one->single;
    all->no_header = all->no_header && one->no_header;
    if (one->encoding && !all->encoding)
        all->encoding = one->encoding;
    if (one->delimiter != all->delimiter && !s->note.ptr) {
        s->note = tarn_sprintf(op, "its files differ in their delimiter: give each kind an entry of its own");
        return s->note.ptr ? TARN_OK : TARN_NOMEM;
    }
    return TARN_OK;
}

static enum tarn_status sniff(struct tarn_op *op, struct tarn__init_stream *s,
                              enum tarn_file_format family, bool known)
{
    char *head = malloc(HEAD_BYTES);
    size_t wanted = s->files.count < SNIFFED_MAX ? s->files.count : SNIFFED_MAX, got;
    enum tarn_status status = head ? TARN_OK : tarn_fail(op, TARN_NOMEM, "no memory to read files");
    for (size_t i = 0; status == TARN_OK && i < wanted; i++) {
        struct tarn__init_sniff one;
        status = read_head(op, spread(&s->files, i, wanted), head, HEAD_BYTES, &got);
        if (status != TARN_OK)
            break;
        struct tarn_str text = tarn_str_of(head, got);
        tarn__init_sniff(text, known ? family : tarn__init_family(text), got < HEAD_BYTES, &one);
        status = join_sniff(op, s, &one);
    }
    free(head);
    return status;
}

/* ---- types */

static enum tarn_status sample(struct tarn_op *op, struct tarn__init_stream *s, struct tarn_json **out_shape)
{
    static const enum tarn_input_format inputs[] = {TARN_INPUT_EJSON, TARN_INPUT_JSON, TARN_INPUT_CSV};
    struct tarn_decode_options o = {.format = inputs[s->sniff.format],
                                    .delimiter = s->sniff.delimiter,
                                    .no_header = s->sniff.no_header,
                                    .workers = 1};
    struct tarn_input_files files = {.count = s->files.count < SAMPLED_MAX ? s->files.count : SAMPLED_MAX};
    struct tarn_shape *shape = NULL;
    struct tarn_str json;
    o.encoding = s->sniff.encoding ? tarn_str_view(s->sniff.encoding) : TARN_STR("utf-8");
    if (s->records_sure)
        o.records = s->records;
    TARN_NEW_ARRAY(op, files.items, files.count);
    for (size_t i = 0; i < files.count; i++)
        files.items[i] = *spread(&s->files, i, files.count);
    s->sampled = files.count;
    TARN_TRY(tarn_decode_sample(op, &files, &o, &shape));
    enum tarn_status status = tarn_shape_type(op, shape, NULL, 0, &s->type);
    if (status == TARN_OK)
        status = tarn_shape_to_json(op, shape, &json);
    if (status == TARN_OK)
        status = tarn_json_parse(op, json, "shape", out_shape);
    tarn_shape_free(shape);
    return status;
}

static enum tarn_status look_up_nothing(struct tarn_resolver *self, struct tarn_op *op, struct tarn_str ns,
                                        struct tarn_str name, struct tarn_relation *out)
{
    (void)self, (void)op, (void)ns, (void)name;
    *out = (struct tarn_relation){0};
    return TARN_OK;
}

static enum tarn_status no_names(struct tarn_resolver *self, struct tarn_op *op, struct tarn_str **out, size_t *n)
{
    (void)self, (void)op;
    *out = NULL;
    *n = 0;
    return TARN_OK;
}

static enum tarn_status open_session(struct look *l)
{
    struct tarn_engine_options o = {.threads = 1};
    if (l->session)
        return TARN_OK;
    l->nothing = (struct tarn_resolver){.lookup = look_up_nothing, .names = no_names};
    TARN_TRY(tarn_engine_open(l->op, &o, &l->engine));
    return tarn_session_open(l->engine, l->op, &l->nothing, &l->session);
}

static enum tarn_status describe_parquet(struct look *l, struct tarn__init_stream *s)
{
    struct tarn_buf sql;
    struct tarn_str text;
    TARN_TRY(open_session(l));
    s->sampled = s->files.count < SNIFFED_MAX ? s->files.count : SNIFFED_MAX;
    tarn_buf_init(&sql, (size_t)1 << 20);
    tarn_buf_z(&sql, "SELECT * FROM read_parquet([");
    for (size_t i = 0; i < s->sampled; i++) {
        tarn_buf_z(&sql, i ? ", " : "");
        tarn_buf_sql_text(&sql, spread(&s->files, i, s->sampled)->path);
    }
    tarn_buf_z(&sql, "], union_by_name = true, hive_partitioning = false)");
    TARN_TRY((enum tarn_status)tarn_buf_take(l->op, &sql, "query", &text));
    return tarn_session_describe(l->session, l->op, (struct tarn_sql_text){.sql = text, .line0 = 1},
                                 &s->type);
}

/* ---- columns */

static size_t rows_of(const struct tarn_type *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->field_count; i++)
        n += 1 + rows_of(&t->fields[i].type);
    return n;
}

static const struct tarn_json *shape_of(const struct tarn_json *shape, struct tarn_str name)
{
    const struct tarn_json *fields = shape ? tarn_json_get(shape, "fields") : NULL;
    for (const struct tarn_json *f = fields ? fields->first : NULL; f; f = f->next) {
        const struct tarn_json *n = tarn_json_get(f, "name");
        if (n && tarn_str_eq(n->text, name))
            return f;
    }
    return NULL;
}

static bool shape_says(const struct tarn_json *shape, const char *word)
{
    const struct tarn_json *seen = tarn_json_get(shape, "seen");
    for (const struct tarn_json *s = seen ? seen->first : NULL; s; s = s->next)
        if (tarn_str_is(s->text, word))
            return true;
    return false;
}

/* A double whose digits look like money's: few decimals, and a name or exactly two of them. */
static enum tarn_status suggest(struct tarn_op *op, const struct tarn_json *shape, struct tarn_str name,
                                struct tarn__init_column *c)
{
    int64_t whole = 0, scale = 0;
    const struct tarn_json *digits = shape ? tarn_json_get(shape, "digits") : NULL;
    if (!digits || digits->count != 2 || !shape_says(shape, "frac") || shape_says(shape, "double"))
        return TARN_OK;
    if (!tarn_str_to_i64(digits->first->text, &whole) ||
        !tarn_str_to_i64(digits->first->next->text, &scale) || scale < 1 || scale > 6 || whole > 30)
        return TARN_OK;
    if (scale != 2 && !tarn__init_is_money(name))
        return TARN_OK;
    scale = scale < 2 ? 2 : scale;
    c->suggest = tarn_sprintf(op, "decimal(%d,%d)", whole + scale > 18 ? 38 : 18, (int)scale);
    return c->suggest.ptr ? TARN_OK : TARN_NOMEM;
}

static struct tarn_str type_word(struct tarn_op *op, const struct tarn_type *t)
{
    if (t->kind == TARN_TYPE_STRUCT)
        return TARN_STR("struct");
    if (t->kind == TARN_TYPE_MAP)
        return TARN_STR("map");
    if (t->kind == TARN_TYPE_LIST && tarn_type_is_nested(&t->fields[0].type))
        return t->fields[0].type.kind == TARN_TYPE_STRUCT ? TARN_STR("list<struct>") : TARN_STR("list<list>");
    return tarn_type_text(op, t);
}

static enum tarn_status add_columns(struct tarn_op *op, struct tarn__init_stream *s, const struct tarn_type *t,
                                    const struct tarn_json *shape, struct tarn_str prefix, struct tarn_str named)
{
    bool list = t->kind == TARN_TYPE_LIST;
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        const struct tarn_json *below = list ? (shape ? tarn_json_get(shape, "element") : NULL) : shape_of(shape, f->name);
        struct tarn__init_column c = {.unseen = !list && below && !tarn_json_get(below, "seen")};
        struct tarn_str name = list ? named : f->name; /* elements go by their list's name */
        c.path = prefix.len == 0 ? f->name
                                 : tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(prefix), TARN_STR_ARG(f->name));
        c.type = type_word(op, &f->type);
        if (!c.path.ptr || !c.type.ptr)
            return TARN_NOMEM;
        if (f->type.kind == TARN_TYPE_DOUBLE && !memchr(name.ptr, '.', name.len))
            TARN_TRY(suggest(op, below, name, &c));
        /* a list says what its elements are, unless there is more to tell of them */
        if (!list || c.suggest.ptr)
            s->columns[s->column_count++] = c;
        if (f->type.field_count > 0)
            TARN_TRY(add_columns(op, s, &f->type, below, c.path, name));
    }
    return TARN_OK;
}

/* ---- records in a document */

/* The list of documents inside a document, if there is exactly one; sure: nothing else stands beside it. */
static enum tarn_status find_records(struct tarn_op *op, struct tarn__init_stream *s)
{
    const struct tarn_type *t = &s->type;
    struct tarn_str path = TARN_STR("");
    bool sure = true;
    while (t->kind == TARN_TYPE_STRUCT) {
        const struct tarn_field *list = NULL, *document = NULL;
        size_t lists = 0, documents = 0;
        for (size_t i = 0; i < t->field_count; i++) {
            const struct tarn_field *f = &t->fields[i];
            bool is_list = f->type.kind == TARN_TYPE_LIST && f->type.fields[0].type.kind == TARN_TYPE_STRUCT;
            list = is_list ? f : list;
            document = f->type.kind == TARN_TYPE_STRUCT ? f : document;
            lists += is_list;
            documents += f->type.kind == TARN_TYPE_STRUCT;
        }
        const struct tarn_field *next = lists == 1 ? list : lists == 0 && documents == 1 ? document : NULL;
        if (!next || memchr(next->name.ptr, '.', next->name.len))
            return TARN_OK;
        sure = sure && t->field_count == 1;
        path = tarn_sprintf(op, "%.*s%s%.*s", TARN_STR_ARG(path), path.len ? "." : "", TARN_STR_ARG(next->name));
        if (!path.ptr)
            return TARN_NOMEM;
        if (next == list) {
            s->records = path;
            s->records_sure = sure;
            return TARN_OK;
        }
        t = &next->type;
    }
    return TARN_OK;
}

/* ---- one stream */

static enum tarn_status look_at(struct look *l, struct tarn__init_stream *s, enum tarn_file_format family,
                                bool known)
{
    struct tarn_op *op = l->op;
    struct tarn_json *shape = NULL;
    TARN_TRY(sniff(op, s, family, known));
    if (!s->sniff.known)
        return tarn_fail(op, TARN_DATA, "its files are empty");
    if (s->sniff.format == TARN_FILE_PARQUET) {
        TARN_TRY(describe_parquet(l, s));
    } else {
        TARN_TRY(sample(op, s, &shape));
        if (s->sniff.single)
            TARN_TRY(find_records(op, s));
        if (s->records_sure)
            TARN_TRY(sample(op, s, &shape));
    }
    if (s->type.field_count == 0)
        return tarn_fail(op, TARN_DATA, "no record could be read");
    TARN_NEW_ARRAY(op, s->columns, rows_of(&s->type));
    return add_columns(op, s, &s->type, shape, TARN_STR(""), TARN_STR(""));
}

/* Entries [begin, end) as a stream. */
static enum tarn_status make_stream(struct look *l, size_t begin, size_t end, struct tarn__init_stream *s)
{
    struct tarn_op *op = l->op;
    const struct tarn__init_name *n = &l->entries[begin].name;
    *s = (struct tarn__init_stream){.files.count = end - begin};
    TARN_NEW_ARRAY(op, s->files.items, end - begin);
    for (size_t i = begin; i < end; i++) {
        s->files.items[i - begin] = *l->entries[i].file;
        s->bytes += l->entries[i].file->size_bytes;
    }
    return as_problem(op, look_at(l, s, n->family, n->known), &s->problem);
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
static enum tarn_status fit_by_name(const struct look *l, const struct tarn__init_stream *s, bool *out)
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
static enum tarn_status fit_by_pattern(const struct look *l, struct tarn__init_stream *s, bool merged, bool *out)
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

/* Three or more names in one folder whose columns are the same: those are not the names of streams. */
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

/* A name of its own, out of the first file's path; folder only when all its files are one stream. */
static enum tarn_status name_stream(const struct look *l, const struct tarn__init_found *found, bool merged,
                                    struct tarn__init_stream *s)
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
        return tarn_fail(l->op, TARN_LIMIT, "more than %d streams below \"%.*s\": name a smaller folder",
                         STREAMS_MAX, TARN_STR_ARG(l->base));
    qsort(s->files.items, s->files.count, sizeof *s->files.items, by_file_name);
    TARN_TRY(name_stream(l, out, merged, s));
    if (!s->problem.ptr)
        TARN_TRY(as_problem(l->op, find_globs(l, s, merged), &s->problem));
    out->streams[out->count++] = *s;
    out->good += !s->problem.ptr;
    return TARN_OK;
}

/* All of one folder and family: a stream a name, or one of all. */
static enum tarn_status look_at_folder(struct look *l, size_t begin, size_t end, struct tarn__init_found *out)
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
        (void)tarn_fail(l->op, TARN_NOT_FOUND, "no files were found below \"%.*s\"", TARN_STR_ARG(l->base));
        tarn_hint(l->op, "init knows .json, .ndjson, .jsonl, .csv, .tsv and .parquet, also with .gz or .zst");
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
    tarn_session_close(l.session);
    tarn_engine_close(l.engine);
    return status;
}

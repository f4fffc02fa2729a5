/* init_types: how a stream's files are read, and what columns they have, out of samples. See
 * init.h.
 *
 * The samples go through the readers of a run. A run looks at everything, and may widen what is
 * shown here.
 */
#include <stdlib.h>

#include "cli/init.h"
#include "source/file_stream.h"

#define HEAD_BYTES  ((size_t)64 << 10)
#define SNIFFED_MAX 16
#define SAMPLED_MAX 64

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
static const struct tarn_input_file *spread(const struct tarn_input_files *files, size_t i,
                                            size_t wanted)
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
        s->note = tarn_sprintf(
            op, "its files differ in their delimiter: give each kind an entry of its own");
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

static enum tarn_status sample(struct tarn_op *op, struct tarn__init_stream *s,
                               struct tarn_json **out_shape)
{
    static const enum tarn_input_format inputs[] = {TARN_INPUT_EJSON, TARN_INPUT_JSON,
                                                    TARN_INPUT_CSV};
    struct tarn_decode_options o = {.format = inputs[s->sniff.format],
                                    .delimiter = s->sniff.delimiter,
                                    .no_header = s->sniff.no_header,
                                    .workers = 1};
    struct tarn_input_files files = {.count = s->files.count < SAMPLED_MAX ? s->files.count
                                                                           : SAMPLED_MAX};
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

static enum tarn_status look_up_nothing(struct tarn_resolver *self, struct tarn_op *op,
                                        const struct tarn_table_ref *ref, struct tarn_relation *out)
{
    (void)self, (void)op, (void)ref;
    *out = (struct tarn_relation){0};
    return TARN_OK;
}

static enum tarn_status no_names(struct tarn_resolver *self, struct tarn_op *op,
                                 struct tarn_str **out, size_t *n)
{
    (void)self, (void)op;
    *out = NULL;
    *n = 0;
    return TARN_OK;
}

static enum tarn_status open_session(struct tarn_op *op, struct tarn__init_engine *e)
{
    struct tarn_engine_options o = {.threads = 1};
    if (e->session)
        return TARN_OK;
    e->nothing = (struct tarn_resolver){.lookup = look_up_nothing, .names = no_names};
    TARN_TRY(tarn_engine_open(op, &o, &e->engine));
    return tarn_session_open(e->engine, op, &e->nothing, &e->session);
}

static enum tarn_status describe_parquet(struct tarn_op *op, struct tarn__init_engine *e,
                                         struct tarn__init_stream *s)
{
    struct tarn_buf sql;
    struct tarn_str text;
    TARN_TRY(open_session(op, e));
    s->sampled = s->files.count < SNIFFED_MAX ? s->files.count : SNIFFED_MAX;
    tarn_buf_init(&sql, (size_t)1 << 20);
    tarn_buf_z(&sql, "SELECT * FROM read_parquet([");
    for (size_t i = 0; i < s->sampled; i++) {
        tarn_buf_z(&sql, i ? ", " : "");
        tarn_engine_path_sql(&sql, spread(&s->files, i, s->sampled)->path);
    }
    tarn_buf_z(&sql, "], union_by_name = true, hive_partitioning = false)");
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &sql, "query", &text));
    return tarn_session_describe(e->session, op, (struct tarn_sql_text){.sql = text, .line0 = 1},
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
static enum tarn_status suggest(struct tarn_op *op, const struct tarn_json *shape,
                                struct tarn_str name, struct tarn__init_column *c)
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
        return t->fields[0].type.kind == TARN_TYPE_STRUCT ? TARN_STR("list<struct>")
                                                          : TARN_STR("list<list>");
    return tarn_type_text(op, t);
}

static enum tarn_status add_columns(struct tarn_op *op, struct tarn__init_stream *s,
                                    const struct tarn_type *t, const struct tarn_json *shape,
                                    struct tarn_str prefix, struct tarn_str named)
{
    bool list = t->kind == TARN_TYPE_LIST;
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        const struct tarn_json *below =
            list ? (shape ? tarn_json_get(shape, "element") : NULL) : shape_of(shape, f->name);
        struct tarn__init_column c = {.unseen = !list && below && !tarn_json_get(below, "seen")};
        struct tarn_str name = list ? named : f->name; /* elements go by their list's name */
        c.path = prefix.len == 0
                     ? f->name
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

/* The list of documents inside a document, if there is exactly one; sure: nothing else stands
 * beside it. */
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
            bool is_list =
                f->type.kind == TARN_TYPE_LIST && f->type.fields[0].type.kind == TARN_TYPE_STRUCT;
            list = is_list ? f : list;
            document = f->type.kind == TARN_TYPE_STRUCT ? f : document;
            lists += is_list;
            documents += f->type.kind == TARN_TYPE_STRUCT;
        }
        const struct tarn_field *next = lists == 1                     ? list
                                        : lists == 0 && documents == 1 ? document
                                                                       : NULL;
        if (!next || memchr(next->name.ptr, '.', next->name.len))
            return TARN_OK;
        sure = sure && t->field_count == 1;
        path = tarn_sprintf(op, "%.*s%s%.*s", TARN_STR_ARG(path), path.len ? "." : "",
                            TARN_STR_ARG(next->name));
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

enum tarn_status tarn__init_types(struct tarn_op *op, struct tarn__init_engine *e,
                                  struct tarn__init_stream *s, const struct tarn__init_name *n)
{
    struct tarn_json *shape = NULL;
    TARN_TRY(sniff(op, s, n->family, n->known));
    if (!s->sniff.known)
        return tarn_fail(op, TARN_DATA, "its files are empty");
    if (s->sniff.format == TARN_FILE_PARQUET) {
        TARN_TRY(describe_parquet(op, e, s));
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

void tarn__init_engine_close(struct tarn__init_engine *e)
{
    tarn_session_close(e->session);
    tarn_engine_close(e->engine);
}

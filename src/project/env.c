/* env: the environment of the process, and below it the file .env.
 *
 *     # a comment             NAME=value # a comment behind white space
 *     export NAME='as it is'  NAME="with \n \t \" \\ \$"
 *
 * Quoted values may go over several lines. Nothing is expanded inside a value. Messages never show
 * a line of .env: it may hold a secret.
 */
#include "project/project_int.h"

#include <ctype.h>
#include <unistd.h>

#define ENV_SIZE_MAX ((size_t)1 << 20)

/* ---- looking up */

struct tarn_str tarn__env_process_get(const char *const *process, struct tarn_str name)
{
    if (!process)
        process = (const char *const *)environ;
    for (; process && *process; process++)
        if (strncmp(*process, name.ptr, name.len) == 0 && (*process)[name.len] == '=')
            return tarn_str_view(*process + name.len + 1);
    return (struct tarn_str){NULL, 0};
}

static const struct tarn_str *kvs_find(const struct tarn_kvs *kvs, struct tarn_str name)
{
    for (size_t i = 0; i < kvs->count; i++)
        if (tarn_str_eq(kvs->items[i].key, name))
            return &kvs->items[i].value;
    return NULL;
}

struct tarn_str tarn__env_get(const struct tarn__env *env, struct tarn_str name)
{
    struct tarn_str value = tarn__env_process_get(env->process, name);
    if (value.ptr)
        return value;
    const struct tarn_str *in_file = kvs_find(&env->file, name);
    return in_file ? *in_file : (struct tarn_str){NULL, 0};
}

/* ---- .env */

struct env_parser {
    struct tarn_op *op;
    const struct tarn__file *file;
    const char *p, *end;
    struct tarn_kvs *out;
    int *lines; /* of the entries */
    size_t cap;
};

static int line_at(const struct env_parser *e, const char *p)
{
    int line = 1;
    for (const char *q = e->file->text.ptr; q < p; q++)
        line += *q == '\n';
    return line;
}

static enum tarn_status fail_at(struct env_parser *e, const char *p, const char *message)
{
    const char *begin = p;
    while (begin > e->file->text.ptr && begin[-1] != '\n')
        begin--;
    (void)tarn_fail(e->op, TARN_CONFIG, "%s", message);
    tarn_place(e->op, e->file->shown.ptr, line_at(e, p), (int)(p - begin) + 1, NULL);
    return TARN_CONFIG;
}

static void skip_blanks(struct env_parser *e)
{
    while (e->p < e->end && (*e->p == ' ' || *e->p == '\t'))
        e->p++;
}

static void skip_line(struct env_parser *e)
{
    while (e->p < e->end && *e->p != '\n')
        e->p++;
}

static struct tarn_str take_name(struct env_parser *e)
{
    const char *begin = e->p;
    while (e->p < e->end && (isalnum((unsigned char)*e->p) || *e->p == '_'))
        e->p++;
    return tarn_str_of(begin, (size_t)(e->p - begin));
}

static enum tarn_status take_quoted(struct env_parser *e, struct tarn_str *out)
{
    const char *begin = e->p;
    char quote = *e->p++;
    struct tarn_buf b;
    tarn_buf_init(&b, ENV_SIZE_MAX);
    for (; e->p < e->end && *e->p != quote; e->p++) {
        char c = *e->p;
        if (c == '\\' && quote == '"' && e->p + 1 < e->end) {
            c = *++e->p;
            if (!strchr("nrt\"\\$", c))
                tarn_buf_put(&b, '\\');
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
        tarn_buf_put(&b, c);
    }
    if (e->p == e->end) {
        tarn_buf_release(&b);
        return fail_at(e, begin, "the quoted value is not closed");
    }
    e->p++;
    TARN_TRY((enum tarn_status)tarn_buf_take(e->op, &b, "a value of .env", out));
    skip_blanks(e);
    if (e->p < e->end && *e->p != '\n' && *e->p != '\r' && *e->p != '#')
        return fail_at(e, e->p, "text behind a quoted value");
    skip_line(e);
    return TARN_OK;
}

static enum tarn_status take_plain(struct env_parser *e, struct tarn_str *out)
{
    const char *begin = e->p;
    skip_line(e);
    const char *end = e->p;
    for (const char *q = begin; q < end; q++)
        if (*q == '#' && (q == begin || q[-1] == ' ' || q[-1] == '\t'))
            end = q;
    *out = tarn_strdup(e->op, tarn_str_trim(tarn_str_of(begin, (size_t)(end - begin))));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status add(struct env_parser *e, const char *at, struct tarn_kv kv)
{
    struct tarn_kvs *out = e->out;
    for (size_t i = 0; i < out->count; i++)
        if (tarn_str_eq(out->items[i].key, kv.key)) {
            enum tarn_status status = fail_at(e, at, "a variable stands twice");
            tarn_detail(e->op, "%.*s stands in line %d already", TARN_STR_ARG(kv.key), e->lines[i]);
            return status;
        }
    if (out->count == e->cap) {
        struct tarn_kv *items;
        int *lines;
        e->cap = e->cap ? e->cap * 2 : 32;
        TARN_NEW_ARRAY(e->op, items, e->cap);
        TARN_NEW_ARRAY(e->op, lines, e->cap);
        if (out->count) {
            memcpy(items, out->items, out->count * sizeof *items);
            memcpy(lines, e->lines, out->count * sizeof *lines);
        }
        out->items = items;
        e->lines = lines;
    }
    e->lines[out->count] = line_at(e, at);
    out->items[out->count++] = kv;
    return TARN_OK;
}

static enum tarn_status take_line(struct env_parser *e)
{
    struct tarn_kv kv;
    skip_blanks(e);
    const char *begin = e->p;
    struct tarn_str name = take_name(e);
    if (tarn_str_is(name, "export") && e->p < e->end && (*e->p == ' ' || *e->p == '\t')) {
        skip_blanks(e);
        begin = e->p;
        name = take_name(e);
    }
    skip_blanks(e);
    if (name.len == 0 || isdigit((unsigned char)name.ptr[0]) || e->p == e->end || *e->p != '=')
        return fail_at(e, begin, "expected NAME=value");
    e->p++;
    skip_blanks(e);
    kv.key = tarn_strdup(e->op, name);
    if (!kv.key.ptr)
        return TARN_NOMEM;
    bool quoted = e->p < e->end && (*e->p == '"' || *e->p == '\'');
    TARN_TRY(quoted ? take_quoted(e, &kv.value) : take_plain(e, &kv.value));
    return add(e, begin, kv);
}

enum tarn_status tarn__env_parse(struct tarn_op *op, const struct tarn__file *file,
                                 struct tarn_kvs *out)
{
    struct env_parser e = {.op = op, .file = file, .out = out};
    *out = (struct tarn_kvs){0};
    e.p = file->text.ptr;
    e.end = e.p + file->text.len;
    if (tarn_str_starts(file->text, TARN_STR("\xEF\xBB\xBF")))
        e.p += 3;
    while (e.p < e.end) {
        if (isspace((unsigned char)*e.p))
            e.p++;
        else if (*e.p == '#')
            skip_line(&e);
        else
            TARN_TRY(take_line(&e));
    }
    return TARN_OK;
}

static enum tarn_status load_file(struct tarn_op *op, struct tarn_str folder, const char *name,
                                  struct tarn_kvs *out)
{
    struct tarn__file file = {0};
    *out = (struct tarn_kvs){0};
    file.path = tarn_sprintf(op, "%.*s/%s", TARN_STR_ARG(folder), name);
    if (!file.path.ptr)
        return TARN_NOMEM;
    enum tarn_status status = tarn__file_read(op, "settings", TARN_CONFIG, ENV_SIZE_MAX, &file);
    if (status == TARN_NOT_FOUND) {
        tarn_clear(op);
        return TARN_OK;
    }
    TARN_TRY(status);
    return tarn__env_parse(op, &file, out);
}

enum tarn_status tarn__env_load(struct tarn_op *op, struct tarn_str folder,
                                const char *const *process, struct tarn__env *out)
{
    *out = (struct tarn__env){.process = process ? process : (const char *const *)environ};
    TARN_TRY(load_file(op, folder, ".env", &out->file));
    enum tarn_status status = load_file(op, folder, ".env.example", &out->example);
    if (status == TARN_NOMEM)
        return status;
    if (status != TARN_OK) { /* it only serves hints */
        tarn_clear(op);
        out->example = (struct tarn_kvs){0};
    }
    return TARN_OK;
}

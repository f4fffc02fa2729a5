/* fixture: see fixture.h. */
#include "fixture.h"

#include <ctype.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[4096];

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || tarn_op_init(&f->op, 0, 0) != TARN_OK || !getcwd(home, sizeof home))
        return -1;
    strcpy(f->folder, "/tmp/tarn-project-XXXXXX");
    if (!mkdtemp(f->folder) || chdir(f->folder) != 0)
        return -1;
    f->options.environment = f->environment;
    *state = f;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    int status = chdir(home);
    status |= nftw(f->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    tarn_op_release(&f->op);
    free(f);
    return status;
}

void put(struct fixture *f, const char *path, const char *text)
{
    char full[512];
    (void)snprintf(full, sizeof full, "%s/%s", f->folder, path);
    for (char *p = full + strlen(f->folder) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        (void)mkdir(full, 0777);
        *p = '/';
    }
    FILE *file = fopen(full, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

void put_project(struct fixture *f, const char *more)
{
    char text[16384];
    (void)snprintf(text, sizeof text,
                   "tarn: 1\nproject: books\nprofiles:\n  local:\n    warehouse: w\n"
                   "    sources: {app: {kind: files, path: data, format: ejson}}\n%s",
                   more);
    put(f, "tarn.yaml", text);
}

void set_env(struct fixture *f, const char *variable)
{
    size_t n = 0;
    while (f->environment[n])
        n++;
    assert_true(n + 1 < sizeof f->environment / sizeof *f->environment);
    f->environment[n] = variable;
}

const struct tarn_project *load(struct fixture *f)
{
    if (tarn_project_load(&f->op, &f->options, &f->project) != TARN_OK)
        fail_msg("%s (%s:%d:%d)", f->op.report.message, f->op.report.file, f->op.report.line,
                 f->op.report.column);
    return f->project;
}

void report_is(struct fixture *f, enum tarn_status got, enum tarn_status status,
               const char *message, const char *place, const char *hint)
{
    const struct tarn_report *r = &f->op.report;
    char here[600] = "";
    assert_string_equal(r->message, message);
    assert_string_equal(tarn_status_info(got)->name, tarn_status_info(status)->name);
    assert_int_equal(r->status, got);
    if (r->file[0])
        (void)snprintf(here, sizeof here, "%s:%d:%d", r->file, r->line, r->column);
    assert_string_equal(here, place);
    if (hint)
        assert_string_equal(r->hint, hint);
}

void load_fails(struct fixture *f, enum tarn_status status, const char *message, const char *place,
                const char *hint)
{
    report_is(f, tarn_project_load(&f->op, &f->options, &f->project), status, message, place, hint);
}

const char *text_of(struct tarn_str s)
{
    static char texts[8][2048];
    static int next;
    char *t = texts[next++ & 7];
    (void)snprintf(t, sizeof texts[0], "%.*s", (int)s.len, s.ptr ? s.ptr : "(absent)");
    return t;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

static struct tarn_str next_word(const char **p)
{
    while (**p && !is_name(**p))
        ++*p;
    const char *begin = *p;
    while (is_name(**p))
        ++*p;
    return tarn_str_of(begin, (size_t)(*p - begin));
}

enum tarn_status words_refs(void *ctx, struct tarn_op *op, struct tarn_sql_text text,
                            struct tarn_table_refs *out)
{
    (void)ctx;
    out->items = tarn_alloc_array(op, 64, sizeof *out->items);
    if (!out->items)
        return TARN_NOMEM;
    struct tarn_str sql = tarn_strdup(op, text.sql), word;
    const char *p = sql.ptr;
    while ((word = next_word(&p)).len > 0) {
        if (!tarn_str_is(word, "from") && !tarn_str_is(word, "join"))
            continue;
        struct tarn_str rest = next_word(&p), parts[3];
        struct tarn_table_ref *ref = &out->items[out->count++];
        size_t n = 0;
        *ref = (struct tarn_table_ref){.offset = (size_t)(rest.ptr - sql.ptr)};
        while (rest.ptr && n < 3)
            (void)tarn_str_cut(&rest, '.', &parts[n++]);
        ref->name = parts[n - 1];
        if (n > 1)
            ref->ns = parts[n - 2];
        if (n > 2)
            ref->catalog = parts[0];
    }
    return TARN_OK;
}

const struct tarn_graph *graph(struct fixture *f)
{
    struct tarn_graph *g;
    if (tarn_graph_build(&f->op, load(f), words_refs, NULL, &g) != TARN_OK)
        fail_msg("%s", f->op.report.message);
    return g;
}

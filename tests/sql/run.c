/* room: sched
 *
 * run: sqllogictest files against a fresh warehouse each: what Tarn's SQL does, as documentation
 * that is run. tests/sql/README.md tells the format.
 *
 *     build/dev/tests/sqllogic tests/sql/select/basics.slt ...
 *
 * A record that fails is told with its place, what was expected and what came; the next records
 * still run. A file's last line on stdout: "N passed, N failed".
 */
#include <errno.h>
#include <ftw.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/report.h"
#include "format/batch_text.h"
#include "sched/workspace.h"

#define TEXT_MAX        ((size_t)64 << 20)
#define CONNECTIONS_MAX 8
#define FAILURES_MAX    20 /* of a file: what follows is mostly their echo */

enum sort { NOSORT, ROWSORT, VALUESORT };

struct connection {
    struct tarn_str name;
    struct tarn_op op;
    struct tarn_workspace *w;
    struct tarn_sql *sql;
};
struct runner {
    const char *file;
    struct tarn_op op; /* the file's: its text, its lines, variables */
    struct tarn_str text;
    struct tarn_str *lines;
    size_t line_count, at;
    char warehouse[512];
    struct connection connections[CONNECTIONS_MAX];
    size_t connection_count;
    struct connection *now;
    struct tarn_kvs variables, labels;
    int passed, failed;
    bool halted;
};
/* A record's text, variables put in. */
struct record {
    size_t line; /* from 1 */
    struct tarn_str head, sql;
    bool has_expected; /* a line ---- */
    size_t expected_begin, expected_end;
};
/* What a statement did. */
struct outcome {
    struct tarn_op op;
    enum tarn_status status;
    struct tarn_answer answer;
    struct tarn_str *cells;
    size_t columns, rows;
    struct tarn_buf error; /* the whole report */
};

_Noreturn static void die(const char *what, const struct tarn_op *op)
{
    fprintf(stderr, "sqllogic: %s%s%s\n", what, op ? ": " : "", op ? op->report.message : "");
    exit(2);
}

static void must(enum tarn_status status, const char *what, const struct tarn_op *op)
{
    if (status != TARN_OK)
        die(what, op);
}

/* ---- the warehouse */

static void make_folder(struct runner *r)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp || !*tmp)
        tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)!snprintf(r->warehouse, sizeof r->warehouse, "%s/tarn-sql-XXXXXX", tmp);
    if (!mkdtemp(r->warehouse))
        die("no folder for the warehouse", NULL);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

static void connection_close(struct connection *c)
{
    if (!c->w)
        return;
    tarn_sql_close(c->sql);
    tarn_workspace_close(c->w);
    tarn_op_release(&c->op);
    c->w = NULL;
}

static void connection_open(struct runner *r, struct connection *c)
{
    struct tarn_workspace_options o = {
        .outside = true, .warehouse = tarn_str_view(r->warehouse), .create = true, .engine = true};
    must(tarn_op_init(&c->op, 0, 0), "no memory", NULL);
    must(tarn_workspace_open(&c->op, &o, &c->w), "could not open the warehouse", &c->op);
    must(tarn_workspace_sql(c->w, &c->op, &c->sql), "could not open a conversation", &c->op);
}

static void connection_use(struct runner *r, struct tarn_str name)
{
    size_t i = 0;
    while (i < r->connection_count && !tarn_str_eq(r->connections[i].name, name))
        i++;
    if (i == CONNECTIONS_MAX)
        die("too many connections in a file", NULL);
    r->now = &r->connections[i];
    if (i == r->connection_count) {
        r->now->name = name;
        r->connection_count++;
    }
    if (!r->now->w)
        connection_open(r, r->now);
}

/* ---- failures */

static void fail(struct runner *r, const struct record *rec, const char *fmt, ...)
    TARN_PRINTF(3, 4);
static void fail(struct runner *r, const struct record *rec, const char *fmt, ...)
{
    va_list ap;
    r->failed++;
    printf("%s:%zu: %.*s\n", r->file, rec->line, TARN_STR_ARG(rec->head));
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    if (rec->sql.len)
        printf("  sql: %.*s\n", TARN_STR_ARG(rec->sql));
}

/* ---- reading records */

static struct tarn_str *split_lines(struct tarn_op *op, struct tarn_str text, size_t *out)
{
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    struct tarn_str *lines = tarn_alloc_array(op, n, sizeof *lines), line;
    if (!lines)
        die("no memory", NULL);
    *out = 0;
    while (text.ptr) {
        (void)tarn_str_cut(&text, '\n', &line);
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        lines[(*out)++] = line;
    }
    return lines;
}

/* ${NAME} out of the variables; an unknown one stays as it is, and the statement tells. */
static struct tarn_str put_variables(struct runner *r, struct tarn_str text)
{
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, TEXT_MAX);
    for (size_t i = 0; i < text.len;) {
        const char *end = i + 1 < text.len && text.ptr[i] == '$' && text.ptr[i + 1] == '{'
                              ? memchr(text.ptr + i, '}', text.len - i)
                              : NULL;
        const struct tarn_str *value = NULL;
        if (end) {
            char key[128];
            (void)!snprintf(key, sizeof key, "%.*s", (int)(end - (text.ptr + i) - 2),
                            text.ptr + i + 2);
            value = tarn_kvs_get(&r->variables, key);
        }
        if (value) {
            tarn_buf_str(&b, *value);
            i = (size_t)(end - text.ptr) + 1;
        } else {
            tarn_buf_put(&b, text.ptr[i++]);
        }
    }
    must((enum tarn_status)tarn_buf_take(&r->op, &b, "a record", &out), "a record", &r->op);
    return out;
}

static void set(struct runner *r, struct tarn_kvs *kvs, struct tarn_str key, struct tarn_str value)
{
    struct tarn_kvs next;
    key = tarn_strdup(&r->op, key);
    value = tarn_strdup(&r->op, value);
    if (!key.ptr || !value.ptr)
        die("no memory", NULL);
    must(tarn_kvs_with(&r->op, kvs, key, value, &next), "no memory", &r->op);
    *kvs = next;
}

static bool is_blank(struct tarn_str line)
{
    return tarn_str_trim(line).len == 0;
}

/* SQL lines up to a blank line or ----, then what is expected up to a blank line. */
static void read_body(struct runner *r, struct record *rec)
{
    size_t begin = r->at;
    while (r->at < r->line_count && !is_blank(r->lines[r->at]) &&
           !tarn_str_is(r->lines[r->at], "----"))
        r->at++;
    if (r->at > begin) {
        const char *from = r->lines[begin].ptr;
        struct tarn_str last = r->lines[r->at - 1];
        rec->sql = put_variables(r, tarn_str_of(from, (size_t)(last.ptr + last.len - from)));
    }
    rec->has_expected = r->at < r->line_count && tarn_str_is(r->lines[r->at], "----");
    if (rec->has_expected)
        r->at++;
    rec->expected_begin = r->at;
    while (rec->has_expected && r->at < r->line_count && !is_blank(r->lines[r->at]))
        r->at++;
    rec->expected_end = r->at;
}

/* The next word of a line. */
static struct tarn_str word(struct tarn_str *line)
{
    struct tarn_str head;
    *line = tarn_str_trim(*line);
    (void)tarn_str_cut(line, ' ', &head);
    if (!line->ptr)
        *line = TARN_STR("");
    *line = tarn_str_trim(*line);
    return head;
}

/* ---- running */

static struct tarn_str cell_text(struct tarn_op *op, const struct tarn_column *c, size_t row)
{
    struct tarn_buf plain, b;
    struct tarn_str out;
    if (tarn_column_is_null(c, row))
        return TARN_STR("NULL");
    tarn_buf_init(&plain, TEXT_MAX);
    tarn_buf_init(&b, TEXT_MAX);
    tarn_column_text(&plain, c, row);
    for (size_t i = 0; i < plain.len; i++) {
        char ch = plain.ptr[i];
        if (ch == '\n' || ch == '\t' || ch == '\r')
            tarn_buf_printf(&b, "\\%c", ch == '\n' ? 'n' : ch == '\t' ? 't' : 'r');
        else
            tarn_buf_put(&b, ch);
    }
    if (b.len == 0)
        tarn_buf_z(&b, "(empty)");
    tarn_buf_release(&plain);
    must((enum tarn_status)tarn_buf_take(op, &b, "a cell", &out), "a cell", op);
    return out;
}

static enum tarn_status read_rows(struct outcome *o)
{
    struct tarn_result *result = o->answer.result;
    struct tarn_batch batch;
    size_t cap = 0;
    o->columns = tarn_result_type(result)->field_count;
    for (;;) {
        TARN_TRY(tarn_result_next(result, &o->op, &batch));
        if (batch.rows == 0)
            return TARN_OK;
        for (size_t i = 0; i < batch.rows; i++, o->rows++) {
            if (o->rows == cap) {
                cap = cap ? cap * 2 : 64;
                struct tarn_str *grown;
                TARN_NEW_ARRAY(&o->op, grown, cap * o->columns);
                if (o->rows)
                    memcpy(grown, o->cells, o->rows * o->columns * sizeof *grown);
                o->cells = grown;
            }
            for (size_t k = 0; k < o->columns; k++)
                o->cells[o->rows * o->columns + k] = cell_text(&o->op, &batch.columns[k], i);
        }
    }
}

static void run_sql(struct runner *r, struct tarn_str sql, struct outcome *o)
{
    *o = (struct outcome){0};
    must(tarn_op_init(&o->op, 0, 0), "no memory", NULL);
    tarn_buf_init(&o->error, TEXT_MAX);
    struct tarn_sql_text text = {.sql = sql, .file = "statement", .line0 = 1};
    o->status = tarn_sql_run(r->now->sql, &o->op, text, &o->answer);
    if (o->status == TARN_OK && o->answer.result)
        o->status = read_rows(o);
    tarn_result_close(o->answer.result);
    o->answer.result = NULL;
    if (o->status != TARN_OK)
        tarn_report_text(&o->error, &o->op.report, (struct tarn_report_style){false});
}

static void release(struct outcome *o)
{
    tarn_buf_release(&o->error);
    tarn_op_release(&o->op);
}

/* ---- comparing */

static bool matches(struct runner *r, const char *text, struct tarn_str pattern)
{
    regex_t re;
    struct tarn_str z = tarn_strdup(&r->op, pattern);
    if (!z.ptr || regcomp(&re, z.ptr, REG_EXTENDED | REG_NOSUB) != 0) {
        printf("%s: no regular expression: %.*s\n", r->file, TARN_STR_ARG(pattern));
        return false;
    }
    bool yes = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return yes;
}

/* The expected lines as cells: by tabs where a line has one, else by blanks; a query of one column
 * has a line a value. False: a line has another number of them. */
static bool expected_cells(struct runner *r, const struct record *rec, size_t columns,
                           struct tarn_str *cells)
{
    for (size_t i = rec->expected_begin; i < rec->expected_end; i++) {
        struct tarn_str line = put_variables(r, r->lines[i]), cell;
        bool tabs = memchr(line.ptr, '\t', line.len) != NULL;
        for (size_t k = 0; k < columns; k++, cells++) {
            if (!line.ptr || (!tabs && line.len == 0))
                return false;
            if (columns == 1)
                cell = line, line = TARN_STR("");
            else if (tabs)
                (void)tarn_str_cut(&line, '\t', &cell);
            else
                cell = word(&line);
            *cells = cell;
        }
        if (line.ptr && line.len)
            return false;
    }
    return true;
}

static size_t compare_width; /* qsort takes no context; one thread */
static int compare_rows(const void *a, const void *b)
{
    const struct tarn_str *x = a, *y = b;
    for (size_t i = 0; i < compare_width; i++) {
        int c = tarn_str_cmp(x[i], y[i]);
        if (c)
            return c;
    }
    return 0;
}

static void sort_cells(struct tarn_str *cells, size_t rows, size_t columns, enum sort sort)
{
    if (sort == NOSORT || rows * columns == 0)
        return;
    compare_width = sort == ROWSORT ? columns : 1;
    qsort(cells, rows * columns / compare_width, compare_width * sizeof *cells, compare_rows);
}

static void put_cells(struct tarn_buf *b, const struct tarn_str *cells, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows * columns; i++) {
        tarn_buf_z(b, i % columns ? "\t" : "    ");
        tarn_buf_str(b, cells[i]);
        if (i % columns == columns - 1)
            tarn_buf_put(b, '\n');
    }
}

static void tell_difference(struct runner *r, const struct record *rec, const struct outcome *o)
{
    struct tarn_buf expected, got;
    tarn_buf_init(&expected, TEXT_MAX);
    tarn_buf_init(&got, TEXT_MAX);
    for (size_t i = rec->expected_begin; i < rec->expected_end; i++)
        tarn_buf_printf(&expected, "    %.*s\n", TARN_STR_ARG(put_variables(r, r->lines[i])));
    put_cells(&got, o->cells, o->rows, o->columns);
    fail(r, rec, "  expected:\n%s  got:\n%s", tarn_buf_view(&expected).ptr,
         tarn_buf_view(&got).ptr);
    tarn_buf_release(&expected);
    tarn_buf_release(&got);
}

static bool same_rows(struct runner *r, const struct record *rec, struct outcome *o, enum sort sort)
{
    size_t rows = rec->expected_end - rec->expected_begin;
    struct tarn_str *cells = tarn_alloc_array(&r->op, rows * o->columns + 1, sizeof *cells);
    if (!cells)
        die("no memory", NULL);
    if (rows != o->rows || !expected_cells(r, rec, o->columns, cells))
        return false;
    sort_cells(cells, rows, o->columns, sort);
    sort_cells(o->cells, o->rows, o->columns, sort);
    for (size_t i = 0; i < rows * o->columns; i++)
        if (!tarn_str_eq(cells[i], o->cells[i]))
            return false;
    return true;
}

/* Queries with the same label have the same rows. */
static bool same_label(struct runner *r, struct tarn_str label, const struct outcome *o)
{
    struct tarn_buf b;
    struct tarn_str z = tarn_strdup(&r->op, label);
    if (!label.len)
        return true;
    tarn_buf_init(&b, TEXT_MAX);
    put_cells(&b, o->cells, o->rows, o->columns);
    const struct tarn_str *before = tarn_kvs_get(&r->labels, z.ptr);
    bool same = !before || tarn_str_eq(*before, tarn_buf_view(&b));
    if (!before)
        set(r, &r->labels, label, tarn_buf_view(&b));
    tarn_buf_release(&b);
    return same;
}

/* ---- records */

static void expect_error(struct runner *r, const struct record *rec, struct outcome *o,
                         struct tarn_str pattern)
{
    const char *text = tarn_buf_view(&o->error).ptr;
    bool lines_there = true;
    for (size_t i = rec->expected_begin; i < rec->expected_end; i++) {
        struct tarn_str line = put_variables(r, tarn_str_trim(r->lines[i]));
        lines_there = lines_there && strstr(text, line.ptr);
    }
    if (o->status == TARN_OK)
        fail(r, rec, "  expected an error, it went well");
    else if ((pattern.len && !matches(r, text, put_variables(r, pattern))) || !lines_there)
        fail(r, rec, "  another error:\n%s", text);
    else
        r->passed++;
}

static void statement(struct runner *r, struct record *rec, struct tarn_str rest)
{
    struct outcome o;
    struct tarn_str how = word(&rest);
    int64_t count = 0;
    if (!tarn_str_is(how, "ok") && !tarn_str_is(how, "error") && !tarn_str_is(how, "notice") &&
        !(tarn_str_is(how, "count") && tarn_str_to_i64(rest, &count))) {
        fail(r, rec, "  expected: statement ok, error REGEX, count N or notice REGEX");
        return;
    }
    run_sql(r, rec->sql, &o);
    const char *notice = o.answer.notice.ptr ? o.answer.notice.ptr : "";
    if (tarn_str_is(how, "error"))
        expect_error(r, rec, &o, rest);
    else if (o.status != TARN_OK)
        fail(r, rec, "  it failed:\n%s", tarn_buf_view(&o.error).ptr);
    else if (tarn_str_is(how, "count") && o.answer.rows != count)
        fail(r, rec, "  expected %lld rows, got %lld", (long long)count, (long long)o.answer.rows);
    else if (tarn_str_is(how, "notice") && !matches(r, notice, put_variables(r, rest)))
        fail(r, rec, "  the notice was: %s", notice);
    else
        r->passed++;
    release(&o);
}

static void query(struct runner *r, struct record *rec, struct tarn_str rest)
{
    struct outcome o;
    struct tarn_str types = word(&rest), how = {NULL, 0};
    enum sort sort = NOSORT;
    if (!tarn_str_is(types, "error")) {
        how = word(&rest);
        sort = tarn_str_is(how, "rowsort")     ? ROWSORT
               : tarn_str_is(how, "valuesort") ? VALUESORT
                                               : NOSORT;
    }
    if (how.len && sort == NOSORT && !tarn_str_is(how, "nosort")) {
        fail(r, rec, "  expected nosort, rowsort or valuesort behind the types");
        return;
    }
    run_sql(r, rec->sql, &o);
    if (tarn_str_is(types, "error"))
        expect_error(r, rec, &o, rest);
    else if (o.status != TARN_OK)
        fail(r, rec, "  it failed:\n%s", tarn_buf_view(&o.error).ptr);
    else if (o.columns != types.len)
        fail(r, rec, "  expected %zu columns, got %zu", types.len, o.columns);
    else if (rec->has_expected && !same_rows(r, rec, &o, sort))
        tell_difference(r, rec, &o);
    else if (!same_label(r, rest, &o))
        fail(r, rec, "  other rows than the query with this label before it");
    else
        r->passed++;
    release(&o);
}

/* The first value of a query becomes ${NAME}. */
static void let(struct runner *r, struct record *rec, struct tarn_str name)
{
    struct outcome o;
    run_sql(r, rec->sql, &o);
    if (o.status != TARN_OK)
        fail(r, rec, "  it failed:\n%s", tarn_buf_view(&o.error).ptr);
    else if (o.rows == 0 || o.columns == 0)
        fail(r, rec, "  it gave no value");
    else
        set(r, &r->variables, name, o.cells[0]);
    release(&o);
}

static void pause_ms(struct runner *r, const struct record *rec, struct tarn_str text)
{
    int64_t ms;
    if (tarn_str_ends(text, TARN_STR("ms")))
        text.len -= 2;
    if (!tarn_str_to_i64(text, &ms) || ms < 0 || ms > 10000)
        fail(r, rec, "  expected milliseconds: sleep 5");
    else
        usleep((useconds_t)ms * 1000);
}

static void restart(struct runner *r)
{
    struct tarn_str name = r->now->name;
    for (size_t i = 0; i < r->connection_count; i++)
        connection_close(&r->connections[i]);
    connection_use(r, name);
}

static void run_record(struct runner *r, struct record *rec, bool skip)
{
    struct tarn_str rest = rec->head, kind = word(&rest);
    bool has_body =
        tarn_str_is(kind, "statement") || tarn_str_is(kind, "query") || tarn_str_is(kind, "let");
    if (has_body)
        read_body(r, rec);
    if (skip)
        return;
    if (has_body && !rec->sql.len)
        fail(r, rec, "  there is no statement below it");
    else if (tarn_str_is(kind, "statement"))
        statement(r, rec, rest);
    else if (tarn_str_is(kind, "query"))
        query(r, rec, rest);
    else if (tarn_str_is(kind, "let"))
        let(r, rec, rest);
    else if (tarn_str_is(kind, "connection"))
        connection_use(r, rest);
    else if (tarn_str_is(kind, "restart"))
        restart(r);
    else if (tarn_str_is(kind, "sleep"))
        pause_ms(r, rec, rest);
    else if (tarn_str_is(kind, "halt"))
        r->halted = true;
    else
        fail(r, rec, "  unknown record");
}

static void run_records(struct runner *r)
{
    bool skip = false;
    while (r->at < r->line_count && !r->halted && r->failed < FAILURES_MAX) {
        struct tarn_str line = tarn_str_trim(r->lines[r->at]), rest = line;
        struct record rec = {.line = r->at + 1, .head = line};
        r->at++;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        struct tarn_str kind = word(&rest);
        if (tarn_str_is(kind, "skipif") || tarn_str_is(kind, "onlyif")) {
            struct tarn_str engine = word(&rest);
            skip = skip || tarn_str_is(engine, "tarn") == tarn_str_is(kind, "skipif");
            continue;
        }
        run_record(r, &rec, skip);
        skip = false;
    }
}

static void read_text(struct runner *r)
{
    struct tarn_buf b;
    char piece[65536];
    size_t n;
    FILE *f = fopen(r->file, "rb");
    if (!f) {
        fprintf(stderr, "sqllogic: could not open %s: %s\n", r->file, strerror(errno));
        exit(2);
    }
    tarn_buf_init(&b, TEXT_MAX);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        tarn_buf_append(&b, piece, n);
    fclose(f);
    must((enum tarn_status)tarn_buf_take(&r->op, &b, "the file", &r->text), "the file", &r->op);
    r->lines = split_lines(&r->op, r->text, &r->line_count);
}

static int run_file(const char *file)
{
    struct runner r = {.file = file};
    must(tarn_op_init(&r.op, 0, 0), "no memory", NULL);
    read_text(&r);
    make_folder(&r);
    set(&r, &r.variables, TARN_STR("WAREHOUSE"), tarn_str_view(r.warehouse));
    connection_use(&r, TARN_STR("default"));
    run_records(&r);
    for (size_t i = 0; i < r.connection_count; i++)
        connection_close(&r.connections[i]);
    if (getenv("TARN_KEEP"))
        printf("the warehouse is in %s\n", r.warehouse);
    else
        (void)!nftw(r.warehouse, remove_one, 32, FTW_DEPTH | FTW_PHYS);
    printf("%s: %d passed, %d failed\n", file, r.passed, r.failed);
    tarn_op_release(&r.op);
    return r.failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 2) {
        fprintf(stderr, "usage: sqllogic FILE.slt ...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        failed += run_file(argv[i]);
    return failed ? 1 : 0;
}

/* A producer's batches into files: every type and depth, many workers, failures. */
#include "engine_fixture.h"

#include <stdatomic.h>

#include "base/arena.h"

#define TYPES                                                                                      \
    "struct<id: long, b: boolean, i: int, f: float, d: double, d4: decimal(4,2), d9: "             \
    "decimal(9,2), d18: decimal(18,2), d38: decimal(38,2), dt: date,"                              \
    " ts: timestamp, s: string, u: uuid, bin: binary, li: list<struct<a: int, t: list<string>>>, " \
    "st: struct<x: int, y: struct<z: string>>,"                                                    \
    " ma: map<string, int>>"

/* Rows 0..rows-1 in batches, of which every worker takes the next. */
struct source {
    struct tarn_producer producer; /* first */
    atomic_llong next;
    int64_t rows, batch_rows;
    struct tarn_arena *arenas[8];
    atomic_int seen[8];
    int64_t fail_at; /* -1: never */
    bool bad_text, null_id;
};

static void *take(struct tarn_arena *a, size_t n)
{
    void *p = tarn_arena_alloc(a, n);
    assert_non_null(p);
    return p;
}

static bool is_null(int64_t row)
{
    return row % 7 == 3;
}

static void nulls(struct tarn_arena *a, struct tarn_column *c, const int64_t *rows)
{
    c->validity = take(a, (c->length + 63) / 64 * 8 + 8);
    for (size_t i = 0; i < c->length; i++) {
        if (is_null(rows[i]))
            c->null_count++;
        else
            c->validity[i / 64] |= (uint64_t)1 << (i % 64);
    }
}

static void text(struct tarn_arena *a, struct tarn_column *c, const int64_t *rows,
                 const char *format)
{
    c->offsets = take(a, (c->length + 1) * sizeof *c->offsets);
    c->bytes = take(a, c->length * 48 + 1);
    for (size_t i = 0; i < c->length; i++) {
        int n = is_null(rows[i])
                    ? 0
                    : snprintf(c->bytes + c->offsets[i], 48, format, (long long)rows[i]);
        c->offsets[i + 1] = c->offsets[i] + (uint32_t)n;
    }
}

static void make(struct source *s, struct tarn_arena *a, struct tarn_column *c,
                 const struct tarn_type *t, const int64_t *rows, size_t n, bool nullable);

/* Row r has r % 4 elements; a null row none. */
static void make_list(struct source *s, struct tarn_arena *a, struct tarn_column *c,
                      const int64_t *rows)
{
    size_t total = 0, n = c->type->field_count;
    c->offsets = take(a, (c->length + 1) * sizeof *c->offsets);
    int64_t *below = take(a, (c->length * 4 + 1) * sizeof *below);
    for (size_t i = 0; i < c->length; i++) {
        for (int64_t k = 0; !is_null(rows[i]) && k < rows[i] % 4; k++)
            below[total++] = rows[i] * 10 + k;
        c->offsets[i + 1] = (uint32_t)total;
    }
    c->children = take(a, n * sizeof *c->children);
    c->child_count = n;
    for (size_t i = 0; i < n; i++)
        make(s, a, &c->children[i], &c->type->fields[i].type, below, total,
             c->type->kind == TARN_TYPE_LIST || i == 1);
}

static void make(struct source *s, struct tarn_arena *a, struct tarn_column *c,
                 const struct tarn_type *t, const int64_t *rows, size_t n, bool nullable)
{
    *c = (struct tarn_column){.type = t, .length = n};
    if (nullable)
        nulls(a, c, rows);
    c->data = take(a, n * 16 + 16);
    for (size_t i = 0; i < n; i++) {
        int64_t v = is_null(rows[i]) && nullable ? 0 : rows[i];
        switch (t->kind) {
        case TARN_TYPE_BOOLEAN:
            ((uint8_t *)c->data)[i] = v & 1;
            break;
        case TARN_TYPE_INT:
        case TARN_TYPE_DATE:
            ((int32_t *)c->data)[i] = (int32_t)(v % 100000);
            break;
        case TARN_TYPE_FLOAT:
            ((float *)c->data)[i] = (float)(v % 1000) / 4;
            break;
        case TARN_TYPE_DOUBLE:
            ((double *)c->data)[i] = (double)v / 8;
            break;
        case TARN_TYPE_DECIMAL:
            ((__int128 *)c->data)[i] = t->precision == 4 ? -(v % 1000)
                                       : t->precision == 38
                                           ? (__int128)v * 1000000000000000000 * 1000
                                           : -v;
            break;
        case TARN_TYPE_UUID:
            memcpy((char *)c->data + i * 16 + 8, &v, sizeof v);
            break;
        default:
            ((int64_t *)c->data)[i] = v;
        }
    }
    if (t->kind == TARN_TYPE_STRING || t->kind == TARN_TYPE_BINARY)
        text(a, c, rows,
             rows && n > 0 && rows[0] % 2 ? "%lld" : "a text that is longer than twelve: %lld");
    if (t->kind == TARN_TYPE_LIST || t->kind == TARN_TYPE_MAP)
        make_list(s, a, c, rows);
    if (t->kind == TARN_TYPE_STRUCT) {
        c->children = take(a, t->field_count * sizeof *c->children);
        c->child_count = t->field_count;
        for (size_t i = 0; i < t->field_count; i++)
            make(s, a, &c->children[i], &t->fields[i].type, rows, n, true);
    }
}

static enum tarn_status next(struct tarn_producer *p, struct tarn_op *op, int worker,
                             struct tarn_batch *out)
{
    struct source *s = (struct source *)p;
    assert_true(worker >= 0 && worker < p->workers_max);
    assert_int_equal(atomic_fetch_add(&s->seen[worker], 1), 0); /* one thread at a time */
    int64_t from = atomic_fetch_add(&s->next, s->batch_rows), n = s->rows - from;
    if (n > s->batch_rows)
        n = s->batch_rows;
    *out = (struct tarn_batch){0};
    enum tarn_status status = TARN_OK;
    if (s->fail_at >= 0 && from + n > s->fail_at && n > 0) {
        status = tarn_fail(op, TARN_CORRUPT, "file \"x.json\" ends in the middle of row %lld",
                           (long long)s->fail_at);
        tarn_hint(op, "fetch it again");
    } else if (n > 0) {
        struct tarn_arena *a = s->arenas[worker];
        tarn_arena_reset(a); /* the batch before is void from here on */
        int64_t *rows = take(a, (size_t)n * sizeof *rows);
        for (int64_t i = 0; i < n; i++)
            rows[i] = from + i;
        out->rows = (size_t)n;
        out->column_count = p->schema->field_count;
        out->columns = take(a, out->column_count * sizeof *out->columns);
        for (size_t i = 0; i < out->column_count; i++)
            make(s, a, &out->columns[i], &p->schema->fields[i].type, rows, (size_t)n,
                 i > 0 || s->null_id);
        if (s->bad_text)
            out->columns[11].bytes[0] = '\xFF';
    }
    atomic_fetch_sub(&s->seen[worker], 1);
    return status;
}

static void source_init(struct source *s, struct table *t, int64_t rows, int64_t batch_rows,
                        int workers)
{
    *s = (struct source){.producer = {.schema = &t->schema.root,
                                      .workers_max = workers,
                                      .rows_estimate = rows,
                                      .next = next},
                         .rows = rows,
                         .batch_rows = batch_rows,
                         .fail_at = -1};
    for (int i = 0; i < workers; i++)
        s->arenas[i] = tarn_arena_new((size_t)1 << 30);
}

static void source_release(struct source *s)
{
    for (int i = 0; i < 8; i++)
        tarn_arena_free(s->arenas[i]);
}

/* The same rows by SQL. */
#define N(expr)   "CASE WHEN r % 7 = 3 THEN NULL ELSE " expr " END"
#define TEXT(odd) "'a text that is longer than twelve: ' || r"

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", TYPES);
    struct tarn_write write = table_write(f, t);
    struct tarn_written w;
    struct source s;
    source_init(&s, t, 50000, 5000, 2); /* batches begin at even rows: long texts */
    ok(f, tarn_session_write_producer(f->session, &f->op, &s.producer, &write, &w));
    source_release(&s);
    assert_int_equal(w.rows, 50000);
    table_take(f, t, &w);
    assert_string_equal(
        rows_of(f, "SELECT count(*), count(DISTINCT id), sum(id), count(s), count(li) FROM raw.t"),
        "50000|50000|1249975000|42857|42857\n");
    const char *sql = "WITH want AS (SELECT r AS id, " N("r % 2 = 1") " AS b, " N(
        "(r % "
        "100000)::int") " AS i, " N("((r % 1000) / 4)::float") " AS f, " N("r / 8") " AS d," N("-(("
                                                                                               "r "
                                                                                               "% "
                                                                                               "100"
                                                                                               "0) "
                                                                                               "/ "
                                                                                               "100"
                                                                                               ")::"
                                                                                               "dec"
                                                                                               "ima"
                                                                                               "l("
                                                                                               "4,"
                                                                                               "2)") " AS d4, " N("-(r::decimal(18,2) / 100)::decimal(9,2)") " AS d9, " N("(-r::decimal(9,0) * 0.01::decimal(3,2))::decimal(18,2)") " AS d18," N("(r::decimal(38,2) * 10000000000000000000)") " AS d38, " N("(date '1970-01-01' + (r % 100000)::int)") " AS dt, " N("make_timestamp(r)") " AS ts, " N(TEXT("s")) " AS s," N("(" TEXT("s") ")::blob") " AS bin, " N("list_transform(range(r % 4), "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "lambda k: {'a': CASE WHEN (r * 10 "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "+ k) % 7 = 3 THEN NULL ELSE ((r * "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "10 + k) % 100000)::int END})") " A"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "S "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "li"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "," N(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                       "{'x': (r % 100000)::int, 'y': {'z': " TEXT("z") "}}") " AS st FROM range(50000) t(r))"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              " SELECT count(*) FROM want JOIN raw.t g USING (id) WHERE want.b IS DISTINCT FROM g.b OR want.i IS DISTINCT FROM g.i OR want.f IS DISTINCT FROM g.f OR want.d IS DISTINCT FROM g.d"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              " OR want.d4 IS DISTINCT FROM g.d4 OR want.d9 IS DISTINCT FROM g.d9 OR want.d18 IS DISTINCT FROM g.d18 OR want.d38 IS DISTINCT FROM g.d38 OR want.dt IS DISTINCT FROM g.dt"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              " OR want.ts IS DISTINCT FROM g.ts OR want.s IS DISTINCT FROM g.s OR want.bin IS DISTINCT FROM g.bin OR want.st IS DISTINCT FROM g.st"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              " OR list_transform(want.li, lambda e: e.a) IS DISTINCT FROM list_transform(g.li, lambda e: e.a)";
    assert_string_equal(rows_of(f, sql), "0\n");
    assert_string_equal(
        rows_of(f, "SELECT li, ma, u FROM raw.t WHERE id = 2"),
        "[{a: 20, t: []}, {a: 21, t: [a text that is longer than twelve: 210]}]|{a text that is "
        "longer than twelve: 20: 20, a text that is longer than twelve: 21: 21}|"
        "00000000-0000-0000-0200-000000000000\n");
}

static void test_odd_batches(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", TYPES);
    struct tarn_write write = table_write(f, t);
    struct tarn_written w;
    static const int64_t sizes[][2] = {{0, 10},      {1, 1},   {2047, 1},
                                       {2049, 2049}, {100, 7}, {5000, 4097}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct source s;
        t->scan.file_count = 0;
        source_init(&s, t, sizes[i][0], sizes[i][1], 3);
        ok(f, tarn_session_write_producer(f->session, &f->op, &s.producer, &write, &w));
        source_release(&s);
        assert_int_equal(w.rows, sizes[i][0]);
        assert_int_equal(w.count == 0, sizes[i][0] == 0);
        table_take(f, t, &w);
        struct tarn_str want =
            tarn_sprintf(&f->op, "%lld|%lld\n", (long long)sizes[i][0], (long long)sizes[i][0]);
        assert_string_equal(rows_of(f, "SELECT count(*), count(DISTINCT id) FROM raw.t"), want.ptr);
        assert_string_equal(
            rows_of(f, "SELECT count(*) FROM raw.t WHERE NOT (li IS NULL OR len(li) = id % 4) OR "
                       "(st IS NULL) <> (id % 7 = 3) OR (ma IS NULL) <> (id % 7 = 3)"),
            "0\n");
    }
}

static void test_partitioned(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", TYPES);
    const char *const exprs[] = {"bucket(4, id)", "b", NULL};
    struct source s;
    struct tarn_written w;
    table_partition(f, t, exprs);
    struct tarn_write write = table_write(f, t);
    source_init(&s, t, 20000, 3000, 2);
    ok(f, tarn_session_write_producer(f->session, &f->op, &s.producer, &write, &w));
    source_release(&s);
    assert_int_equal(w.rows, 20000);
    assert_true(w.count >= 12);
    for (size_t i = 0; i < w.count; i++) {
        assert_int_equal(w.files[i].partition_count, 2);
        assert_true(w.files[i].partition[0].i >= 0 && w.files[i].partition[0].i < 4);
    }
}

static void fails_with(struct fixture *f, struct table *t, struct source *s,
                       enum tarn_status expected, const char *message)
{
    struct tarn_write write = table_write(f, t);
    struct tarn_written w;
    int64_t left;
    enum tarn_status status =
        tarn_session_write_producer(f->session, &f->op, &s->producer, &write, &w);
    source_release(s);
    assert_int_equal(status, expected);
    assert_string_equal(f->op.report.message, message);
    ok(f, tarn_session_int(
              f->session, &f->op,
              tarn_sprintf(&f->op, "SELECT count(*) FROM glob('%s/raw.t/data/**')", f->folder),
              &left));
    assert_int_equal(left, 0);
}

static void test_failures(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", TYPES);
    struct source s;
    source_init(&s, t, 1000000, 5000, 2);
    s.fail_at = 300000;
    fails_with(f, t, &s, TARN_CORRUPT, "file \"x.json\" ends in the middle of row 300000");
    assert_string_equal(f->op.report.hint, "fetch it again");
    source_init(&s, t, 10000, 5000, 1);
    s.bad_text = true;
    fails_with(f, t, &s, TARN_DATA, "column \"s\" holds text that is not valid UTF-8");
    t->schema.root.fields[0].required = true;
    source_init(&s, t, 10000, 5000, 2);
    s.null_id = true;
    fails_with(f, t, &s, TARN_DATA, "column \"id\" is required, but a row has no value");
    struct tarn_cancel cancel = {.level = 2};
    f->op.cancel = &cancel;
    source_init(&s, t, 10000, 5000, 2);
    struct tarn_write write = table_write(f, t);
    struct tarn_written w;
    assert_int_equal(tarn_session_write_producer(f->session, &f->op, &s.producer, &write, &w),
                     TARN_CANCELLED);
    source_release(&s);
    f->op.cancel = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_odd_batches, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_partitioned, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_failures, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

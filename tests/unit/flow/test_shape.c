/* The lattice: every pair of docs/types.md in both orders, the laws of a join, JSON and back,
 * and the promise that the split of the input does not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "decode_fixture.h"

static int setup(void **state)
{
    static struct fixture f;
    fixture_open(&f, TARN_INPUT_EJSON);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

/* ---- docs/types.md */

#define NAMES_MAX 32
#define CELL      400

struct table {
    char cells[NAMES_MAX][NAMES_MAX][CELL]; /* [line][column], as far as a line goes */
    int lines, columns[NAMES_MAX];
};

static void trim(char *s)
{
    struct tarn_str t = tarn_str_trim(tarn_str_view(s));
    if (t.len >= 2 && t.ptr[0] == '`' && t.ptr[t.len - 1] == '`')
        t = tarn_str_of(t.ptr + 1, t.len - 2);
    memmove(s, t.ptr, t.len);
    s[t.len] = '\0';
}

/* The table below a heading, without its line of dashes. */
static void read_table(const char *heading, struct table *out)
{
    static char line[8192];
    bool below = false;
    FILE *file = fopen("docs/types.md", "r");
    assert_non_null(file);
    memset(out, 0, sizeof *out);
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#')
            below = strncmp(line, heading, strlen(heading)) == 0;
        if (!below || line[0] != '|' || strncmp(line, "|---", 4) == 0)
            continue;
        assert_true(out->lines < NAMES_MAX);
        struct tarn_str rest = tarn_str_view(line + 1), cell;
        while (tarn_str_cut(&rest, '|', &cell)) {
            char *to = out->cells[out->lines][out->columns[out->lines]++];
            assert_true(cell.len < CELL);
            memcpy(to, cell.ptr, cell.len);
            trim(to);
        }
        out->lines++;
    }
    (void)fclose(file);
}

static const char *value_of(const char *cell)
{
    static char digits[301];
    if (strcmp(cell, "7 x 300") != 0)
        return cell;
    memset(digits, '7', 300);
    return digits;
}

static void every_pair_both_ways(void **state)
{
    static struct table values, pairs;
    struct fixture *f = *state;
    int checked = 0;
    read_table("## What can be seen", &values);
    read_table("## Every pair", &pairs);
    assert_int_equal(values.lines, 22);
    assert_int_equal(pairs.lines, values.lines);
    for (int i = 1; i < pairs.lines; i++) {
        assert_string_equal(pairs.cells[i][0], values.cells[i][0]);
        assert_string_equal(pairs.cells[0][i], values.cells[i][0]);
        for (int j = i; j < pairs.columns[0]; j++) {
            for (int turned = 0; turned < 2; turned++) {
                char text[2048], expected[CELL];
                const char *a = value_of(values.cells[turned ? j : i][1]);
                const char *b = value_of(values.cells[turned ? i : j][1]);
                (void)snprintf(text, sizeof text, "{\"v\":%s}\n{\"v\":%s}\n", a, b);
                fixture_text(f, "in", text);
                assert_int_equal(fixture_decode(f), TARN_OK);
                assert_int_equal(f->row_count, 2);
                size_t n = 0; /* the page writes decimal(38,2) */
                for (size_t k = 3; k + 1 < f->schema.len + 1; k++)
                    if (!(f->schema.ptr[k] == ' ' && f->schema.ptr[k - 1] == ','))
                        expected[n++] = f->schema.ptr[k];
                expected[n] = '\0';
                if (strcmp(expected, pairs.cells[i][j]) != 0)
                    fail_msg("%s with %s: %s, the page says %s", a, b, expected, pairs.cells[i][j]);
                checked++;
            }
        }
    }
    assert_int_equal(checked, 21 * 22);
    fixture_forget(f);
}

/* ---- laws */

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void random_value(struct tarn_buf *b, uint64_t *seed, int depth)
{
    static const char *const scalars[] = {
        "null",
        "true",
        "1",
        "-70000",
        "9007199254740993",
        "9223372036854775808",
        "0.5",
        "1.25e3",
        "0.1234567890123456789",
        "\"text\"",
        "\"2025-01-01\"",
        "{\"$numberDouble\":\"1.5\"}",
        "{\"$numberDouble\":\"NaN\"}",
        "{\"$numberDecimal\":\"1.250\"}",
        "{\"$numberDecimal\":\"NaN\"}",
        "{\"$date\":\"2025-05-31T00:00:00Z\"}",
        "{\"$oid\":\"64b7f0000000000000000001\"}",
        "{\"$uuid\":\"c8edabc3-f738-4ca3-b68d-ab92a91478a3\"}",
        "{\"$timestamp\":{\"t\":1,\"i\":2}}",
        "{\"$minKey\":1}",
        "1e30",
        "12345678901234567890123456789012345678",
        "-0",
        "-0.0",
        "1e400",
    };
    static const char *const keys[] = {"a", "A",         "b", "c", "Long Key \\u00e4",
                                       "d", "ingest_ts", "e"};
    uint64_t r = next_random(seed) % 10;
    if (depth > 3 || r < 6) {
        /* mostly of one kind a place, so that not everything becomes text */
        uint64_t few = next_random(seed) % 3
                           ? 2 + next_random(seed) % 2
                           : next_random(seed) % (sizeof scalars / sizeof *scalars);
        tarn_buf_z(b, scalars[few]);
    } else if (r < 8) {
        tarn_buf_put(b, '[');
        for (uint64_t i = 0, n = next_random(seed) % 3; i < n; i++) {
            if (i)
                tarn_buf_put(b, ',');
            random_value(b, seed, depth + 1);
        }
        tarn_buf_put(b, ']');
    } else {
        tarn_buf_put(b, '{');
        bool first = true;
        for (uint64_t i = next_random(seed) % 2; i < 8; i += 1 + next_random(seed) % 4) {
            tarn_buf_printf(b, "%s\"%s\":", first ? "" : ",", keys[i]);
            random_value(b, seed, depth + 1);
            first = false;
        }
        tarn_buf_put(b, '}');
    }
}

static void random_document(struct tarn_buf *b, uint64_t *seed)
{
    static const char *const keys[] = {"id", "Name", "name",      "tags",        "sub",
                                       "x",  "y",    "INGEST_TS", "_source_file"};
    bool first = true;
    tarn_buf_put(b, '{');
    for (uint64_t i = next_random(seed) % 2; i < 9; i += 1 + next_random(seed) % 3) {
        tarn_buf_printf(b, "%s\"%s\":", first ? "" : ",", keys[i]);
        random_value(b, seed, 0);
        first = false;
    }
    tarn_buf_z(b, next_random(seed) % 40 ? "}\n" : "\n");
}

static struct tarn_shape *random_shape(struct fixture *f, uint64_t *seed)
{
    struct tarn_input_files files;
    struct tarn_shape *s;
    struct tarn_str glob = TARN_STR("*");
    struct tarn_buf b;
    char name[32];
    tarn_buf_init(&b, 1 << 20);
    for (uint64_t i = 0, n = 1 + next_random(seed) % 3; i < n; i++)
        random_document(&b, seed);
    fixture_text(f, "a", "{}");
    fixture_text(f, "b", "{}");
    (void)snprintf(name, sizeof name, "%c", (char)('a' + next_random(seed) % 2));
    fixture_file(f, name, b.ptr, b.len);
    tarn_buf_release(&b);
    assert_int_equal(tarn_files_list(&f->op, tarn_str_view(f->dir), &glob, 1, &files), TARN_OK);
    assert_int_equal(tarn_decode_sample(&f->op, &files, &f->options, &s), TARN_OK);
    return s;
}

static struct tarn_shape *joined(struct fixture *f, const struct tarn_shape *a,
                                 const struct tarn_shape *b)
{
    struct tarn_shape *s = tarn_shape_new(&f->op);
    assert_non_null(s);
    assert_int_equal(tarn_shape_join(&f->op, s, a), TARN_OK);
    if (b)
        assert_int_equal(tarn_shape_join(&f->op, s, b), TARN_OK);
    return s;
}

static void assert_same(struct fixture *f, struct tarn_shape *a, struct tarn_shape *b)
{
    if (!tarn_shape_eq(a, b))
        fail_msg("%s\n%s", fixture_shape_json(f, a).ptr, fixture_shape_json(f, b).ptr);
    assert_string_equal(fixture_shape_json(f, a).ptr, fixture_shape_json(f, b).ptr);
    tarn_shape_free(a);
    tarn_shape_free(b);
}

static void join_is_a_join(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 42;
    int differ = 0;
    for (int i = 0; i < 400; i++) {
        struct tarn_shape *a = random_shape(f, &seed), *b = random_shape(f, &seed),
                          *c = random_shape(f, &seed);
        differ += !tarn_shape_eq(a, b);
        assert_same(f, joined(f, a, b), joined(f, b, a));
        assert_same(f, joined(f, a, a), joined(f, a, NULL));
        struct tarn_shape *ab = joined(f, a, b), *bc = joined(f, b, c);
        assert_same(f, joined(f, ab, c), joined(f, a, bc));
        assert_same(f, joined(f, ab, a), joined(f, ab, NULL));
        tarn_shape_free(ab);
        tarn_shape_free(bc);
        /* and through a table's property */
        struct tarn_shape *back;
        assert_int_equal(tarn_shape_from_json(&f->op, fixture_shape_json(f, a), &back), TARN_OK);
        assert_same(f, back, joined(f, a, NULL));
        tarn_shape_free(a);
        tarn_shape_free(b);
        tarn_shape_free(c);
    }
    assert_true(differ > 350);
}

/* The same documents in one file, in several, by one worker or three, along a shape from a
 * sample, from nothing, or from an earlier run: one shape, the same rows. */
static void the_split_does_not_matter(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 7;
    for (int round = 0; round < 60; round++) {
        struct tarn_buf b;
        size_t cuts[4] = {0};
        tarn_buf_init(&b, 1 << 20);
        for (int i = 0; i < 12; i++) {
            if (i % 4 == 0)
                cuts[i / 4] = b.len;
            random_document(&b, &seed);
        }
        cuts[3] = b.len;
        fixture_file(f, "a", b.ptr, b.len);
        f->options.workers = 1;
        assert_int_equal(fixture_decode(f), TARN_OK);
        struct tarn_str whole_json = fixture_shape_json(f, f->shape), schema = f->schema;
        struct tarn_str *rows = f->rows;
        size_t count = f->row_count, letters = f->decoded.letter_count;

        /* from nothing: the first round learns what the sample would have */
        struct tarn_shape *nothing = tarn_shape_new(&f->op);
        assert_int_equal(fixture_decode_once(f, nothing), TARN_OK);
        assert_string_equal(fixture_shape_json(f, f->decoded.shape).ptr, whole_json.ptr);
        tarn_shape_free(nothing);

        for (int i = 0; i < 3; i++) {
            const char name[2] = {(char)('a' + i), 0};
            fixture_file(f, name, b.ptr + cuts[i], cuts[i + 1] - cuts[i]);
        }
        f->options.workers = 3;
        assert_int_equal(fixture_decode(f), TARN_OK);
        assert_string_equal(fixture_shape_json(f, f->shape).ptr, whole_json.ptr);
        assert_string_equal(f->schema.ptr, schema.ptr);
        assert_int_equal(f->row_count, count);
        assert_int_equal(f->decoded.letter_count, letters);
        for (size_t i = 0; i < count; i++)
            assert_string_equal(f->rows[i].ptr, rows[i].ptr);
        for (int i = 1; i < 3; i++) {
            char path[128];
            (void)snprintf(path, sizeof path, "%s/%c", f->dir, 'a' + i);
            assert_int_equal(unlink(path), 0);
        }
        tarn_buf_release(&b);
    }
}

/* ---- stored shapes, types of others */

static void stored_shapes(void **state)
{
    struct fixture *f = *state;
    struct tarn_shape *s;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"v\":2}",
        "{\"v\":1,\"seen\":[\"text\"]}",
        "{\"v\":1,\"seen\":[\"what\"]}",
        "{\"v\":1,\"seen\":[\"doc\"],\"fields\":[1]}",
        "{\"v\":1,\"fields\":[{\"name\":\"a\"}]}",
        "{\"v\":1,\"seen\":[\"doc\"],\"fields\":[{}]}",
        "{\"v\":1,\"seen\":[\"doc\"],\"fields\":[{\"name\":\"a\"},{\"name\":\"A\"}]}",
        "{\"v\":1,\"seen\":[\"doc\"],\"fields\":[{\"name\":\"\"}]}",
        "{\"v\":1,\"seen\":[\"doc\"],\"fields\":[{\"name\":\"a\",\"seen\":[\"text\",\"int\"]}]}",
        "{\"v\":1,\"seen\":[\"doc\"],\"fields\":[{\"name\":\"a\",\"seen\":[\"int\"],\"digits\":[1]}"
        "]}",
        "{\"v\":1,\"seen\":[\"doc\"],\"fields\":[{\"name\":\"a\",\"seen\":[\"int\"],\"digits\":["
        "999,1]}]}",
        "{\"v\":1,\"seen\":[\"doc\"],\"fields\":[{\"name\":\"a\",\"seen\":[\"int\"],\"element\":{}}"
        "]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        enum tarn_status status = tarn_shape_from_json(&f->op, tarn_str_view(bad[i]), &s);
        if (status != TARN_CORRUPT && status != TARN_UNSUPPORTED)
            fail_msg("%s: %d", bad[i], (int)status);
        assert_null(s);
    }
    assert_int_equal(tarn_shape_from_json(&f->op, TARN_STR("{\"v\":1}"), &s), TARN_OK);
    assert_string_equal(fixture_shape_json(f, s).ptr, "{\"v\":1}");
    tarn_shape_free(s);
    fixture_text(f, "in", "{\"b\":1.25,\"a\":[{\"x\":null}],\"t\":{\"$date\":0}}\n");
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_string_equal(fixture_shape_json(f, f->shape).ptr,
                        "{\"v\":1,\"seen\":[\"doc\"],\"fields\":[{\"name\":\"b\",\"seen\":["
                        "\"frac\",\"not_long\"],\"digits\":[1,2]},"
                        "{\"name\":\"a\",\"seen\":[\"list\"],\"element\":{\"seen\":[\"doc\"],"
                        "\"fields\":[{\"name\":\"x\"}]}},"
                        "{\"name\":\"t\",\"seen\":[\"date\"]}]}");
}

static void an_earlier_run_keeps_its_order(void **state)
{
    struct fixture *f = *state;
    struct tarn_shape *earlier;
    assert_int_equal(
        tarn_shape_from_json(&f->op,
                             TARN_STR("{\"v\":1,\"seen\":[\"doc\"],\"fields\":[{\"name\":\"Z\","
                                      "\"seen\":[\"int\"],\"digits\":[1,0]},{\"name\":\"y\"}]}"),
                             &earlier),
        TARN_OK);
    fixture_text(f, "in", "{\"a\":1,\"y\":2.5,\"z\":0.5}\n");
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_int_equal(tarn_shape_join(&f->op, earlier, f->shape), TARN_OK);
    assert_int_equal(fixture_decode_once(f, earlier), TARN_OK);
    assert_false(f->decoded.misfit);
    assert_string_equal(f->schema.ptr, "Z: double, y: double, a: long>");
    assert_rows(f, "{Z:0.5,y:2.5,a:1}");
    tarn_shape_free(earlier);
}

static void shapes_of_types(void **state)
{
    static const struct {
        const char *type, *back;
    } cases[] = {
        {"struct<a: boolean, b: int, c: long, d: double, e: float>",
         "a: boolean, b: long, c: long, d: double, e: double>"},
        {"struct<a: decimal(9,2), b: string, c: timestamptz, d: uuid, e: binary>",
         "a: decimal(38, 2), b: string, c: timestamptz, d: uuid, e: binary>"},
        {"struct<a: list<struct<x: int>>, ingest_ts: timestamptz, _source_file: string>",
         "a: list<struct<x: long>>>"},
        {"struct<a: date, b: time, c: timestamp>", "a: string, b: string, c: string>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture *f = *state;
        struct tarn_type t, back;
        struct tarn_shape *s;
        assert_int_equal(tarn_type_parse(&f->op, tarn_str_view(cases[i].type), &t), TARN_OK);
        assert_int_equal(tarn_shape_from_type(&f->op, &t, &s), TARN_OK);
        assert_int_equal(tarn_shape_type(&f->op, s, NULL, 0, &back), TARN_OK);
        assert_string_equal(tarn_type_text(&f->op, &back).ptr + 7, cases[i].back);
        tarn_shape_free(s);
    }
}

static void a_table_of_longs_meets_fractions(void **state)
{
    /* What the table may hold already decides: a long column may hold what no double does. */
    struct fixture *f = *state;
    struct tarn_type t;
    struct tarn_shape *s;
    assert_int_equal(tarn_type_parse(&f->op, TARN_STR("struct<a: long, b: int>"), &t), TARN_OK);
    assert_int_equal(tarn_shape_from_type(&f->op, &t, &s), TARN_OK);
    fixture_text(f, "in", "{\"a\":0.5,\"b\":0.5}\n");
    assert_int_equal(fixture_decode_once(f, s), TARN_OK);
    assert_true(f->decoded.misfit);
    assert_int_equal(tarn_shape_join(&f->op, s, f->decoded.shape), TARN_OK);
    assert_int_equal(fixture_decode_once(f, s), TARN_OK);
    assert_string_equal(f->schema.ptr, "a: decimal(38, 1), b: double>");
    tarn_shape_free(s);
}

static void too_many_fields(void **state)
{
    struct fixture *f = *state;
    struct tarn_buf b;
    tarn_buf_init(&b, 8 << 20);
    for (int i = 0; i < 10001; i++)
        tarn_buf_printf(&b, "{\"key%d\":1}\n", i);
    fixture_file(f, "in", b.ptr, b.len);
    assert_int_equal(fixture_decode(f), TARN_LIMIT);
    tarn_buf_release(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_pair_both_ways),
        TEST(join_is_a_join),
        TEST(the_split_does_not_matter),
        TEST(stored_shapes),
        TEST(an_earlier_run_keeps_its_order),
        TEST(shapes_of_types),
        TEST(a_table_of_longs_meets_fractions),
        TEST(too_many_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Avro container files: values, schemas, blocks and codecs, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/arena.h"
#include "format/avro/avro.h"

static int setup(void **state)
{
    struct tarn_op *op = calloc(1, sizeof *op);
    if (!op || tarn_op_init(op, 0, 0) != TARN_OK)
        return -1;
    *state = op;
    return 0;
}

static int teardown(void **state)
{
    tarn_alloc_fail_at(0);
    tarn_op_release(*state);
    free(*state);
    return 0;
}

static void assert_report(struct tarn_op *op, enum tarn_status got, enum tarn_status want,
                          const char *part)
{
    if (got != want || !strstr(op->report.message, part))
        print_message("status %d: %s\n", (int)got, op->report.message);
    assert_int_equal(got, want);
    assert_non_null(strstr(op->report.message, part));
    tarn_clear(op);
}

/* ---- values */

static void assert_long(int64_t v, const char *bytes, size_t n)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 100);
    tarn_avro_put_long(&b, v);
    assert_int_equal(b.len, n);
    assert_memory_equal(b.ptr, bytes, n);
    struct tarn_avro_cursor c = tarn_avro_cursor_of(tarn_buf_view(&b));
    assert_true(tarn_avro_read_long(&c) == v);
    assert_null(c.error);
    assert_ptr_equal(c.p, c.end);
    tarn_buf_release(&b);
}

static void longs_are_zigzag(void **state)
{
    (void)state;
    assert_long(0, "\x00", 1);
    assert_long(-1, "\x01", 1);
    assert_long(1, "\x02", 1);
    assert_long(-2, "\x03", 1);
    assert_long(2, "\x04", 1);
    assert_long(-64, "\x7f", 1);
    assert_long(64, "\x80\x01", 2);
    assert_long(INT64_MAX, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    assert_long(INT64_MIN, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
}

static void long_fails(const char *bytes, size_t n)
{
    struct tarn_avro_cursor c = tarn_avro_cursor_of(tarn_str_of(bytes, n));
    assert_true(tarn_avro_read_long(&c) == 0);
    assert_non_null(c.error);
    assert_ptr_equal(c.p, c.end);
    assert_true(tarn_avro_read_long(&c) == 0); /* and stays so */
}

static void longs_overflow(void **state)
{
    (void)state;
    long_fails("", 0);
    long_fails("\x80", 1);
    long_fails("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    long_fails("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
}

static void ints_are_held_to_32_bits(void **state)
{
    (void)state;
    const int64_t values[] = {INT32_MIN, INT32_MAX, (int64_t)INT32_MAX + 1, (int64_t)INT32_MIN - 1};
    for (size_t i = 0; i < 4; i++) {
        struct tarn_buf b;
        tarn_buf_init(&b, 100);
        tarn_avro_put_long(&b, values[i]);
        struct tarn_avro_cursor c = tarn_avro_cursor_of(tarn_buf_view(&b));
        assert_int_equal(tarn_avro_read_int(&c), i < 2 ? (int32_t)values[i] : 0);
        assert_int_equal(c.error != NULL, i >= 2);
        tarn_buf_release(&b);
    }
}

static void other_values_come_back(void **state)
{
    (void)state;
    struct tarn_buf b;
    tarn_buf_init(&b, 1000);
    tarn_avro_put_boolean(&b, true);
    tarn_avro_put_boolean(&b, false);
    tarn_avro_put_float(&b, -0.0F);
    tarn_avro_put_double(&b, 1.5e300);
    tarn_avro_put_bytes(&b, TARN_STR(""));
    tarn_avro_put_bytes(&b, TARN_STR("foo"));
    tarn_avro_put_fixed(&b, TARN_STR("abcd"));
    struct tarn_avro_cursor c = tarn_avro_cursor_of(tarn_buf_view(&b));
    assert_true(tarn_avro_read_boolean(&c));
    assert_false(tarn_avro_read_boolean(&c));
    float f = tarn_avro_read_float(&c);
    assert_true(f == 0 && __builtin_signbit(f));
    assert_true(tarn_avro_read_double(&c) == 1.5e300);
    struct tarn_str s = tarn_avro_read_bytes(&c);
    assert_true(s.ptr && s.len == 0);
    assert_true(tarn_str_is(tarn_avro_read_bytes(&c), "foo"));
    assert_true(tarn_str_is(tarn_avro_read_fixed(&c, 4), "abcd"));
    assert_null(c.error);
    assert_ptr_equal(c.p, c.end);
    assert_int_equal(tarn_avro_read_fixed(&c, 1).len, 0);
    assert_non_null(c.error);
    tarn_buf_release(&b);
}

static void lengths_and_booleans_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x08"
                                      "foo",
                                      "\x01"
                                      "foo",
                                      "\x02"};
    for (size_t i = 0; i < 2; i++) {
        struct tarn_avro_cursor c = tarn_avro_cursor_of(tarn_str_view(bad[i]));
        assert_int_equal(tarn_avro_read_bytes(&c).len, 0);
        assert_non_null(c.error);
    }
    struct tarn_avro_cursor c = tarn_avro_cursor_of(tarn_str_view(bad[2]));
    assert_false(tarn_avro_read_boolean(&c));
    assert_non_null(c.error);
}

/* ---- schemas */

/* Parses JSON that has ' for ". */
static enum tarn_status quoted_status(struct tarn_op *op, const char *json,
                                      const struct tarn_avro_type **out)
{
    struct tarn_str s = tarn_strdup(op, tarn_str_view(json));
    for (char *p = (char *)(uintptr_t)s.ptr; *p; p++)
        if (*p == '\'')
            *p = '"';
    return tarn_avro_schema_parse(op, s, "test", out);
}

static const struct tarn_avro_type *quoted(struct tarn_op *op, const char *json)
{
    const struct tarn_avro_type *t = NULL;
    enum tarn_status status = quoted_status(op, json, &t);
    if (status != TARN_OK)
        print_message("%s\n", op->report.message);
    assert_int_equal(status, TARN_OK);
    return t;
}

static void schema_attributes_are_read(void **state)
{
    const struct tarn_avro_type *t = quoted(
        *state,
        "{'type':'record','name':'manifest_entry','doc':'x','fields':["
        "{'name':'a','type':'int','field-id':0},"
        "{'name':'b','type':['null',{'type':'long','logicalType':'timestamp-micros',"
        "'adjust-to-utc':true}],'default':null,'field-id':'17'},"
        "{'name':'c','iceberg-field-name':'c.d','type':{'type':'array','element-id':9,'items':"
        "{'type':'record','name':'k1_v2','fields':[{'name':'key','type':'int','field-id':1},"
        "{'name':'value','type':'bytes','field-id':2}]},'logicalType':'map'}},"
        "{'name':'d','type':{'type':'fixed','name':'dec','size':4,'logicalType':'decimal',"
        "'precision':9,'scale':2}},"
        "{'name':'e','type':{'type':'map','values':'k1_v2','key-id':10,'value-id':11}},"
        "{'name':'f','type':{'type':{'type':'string'}}},"
        "{'name':'g','type':{'type':'enum','name':'E','symbols':['X','Y']}},"
        "{'name':'h','type':{'type':'int','logicalType':'date'}},"
        "{'name':'i','type':{'type':'long','logicalType':'who-knows'}}"
        "]}");
    assert_int_equal(t->kind, TARN_AVRO_RECORD);
    assert_true(tarn_str_is(t->name, "manifest_entry"));
    assert_int_equal(t->field_count, 9);
    const struct tarn_avro_field *f = t->fields;
    assert_int_equal(f[0].field_id, 0);
    assert_int_equal(f[1].field_id, 17);
    const struct tarn_avro_type *ts = tarn_avro_beside_null(f[1].type);
    assert_int_equal(ts->logical, TARN_AVRO_TIMESTAMP_MICROS);
    assert_true(ts->adjust_to_utc);
    assert_int_equal(f[2].field_id, -1);
    assert_true(tarn_str_is(f[2].iceberg_name, "c.d"));
    assert_int_equal(f[2].type->logical, TARN_AVRO_LOGICAL_MAP);
    assert_int_equal(f[2].type->element_id, 9);
    assert_int_equal(f[3].type->size, 4);
    assert_int_equal(f[3].type->precision, 9);
    assert_int_equal(f[3].type->scale, 2);
    assert_int_equal(f[4].type->key_id, 10);
    assert_int_equal(f[4].type->value_id, 11);
    assert_ptr_equal(f[4].type->items, f[2].type->items);
    assert_int_equal(f[5].type->kind, TARN_AVRO_STRING);
    assert_int_equal(f[6].type->symbol_count, 2);
    assert_int_equal(f[7].type->logical, TARN_AVRO_DATE);
    assert_int_equal(f[8].type->logical, TARN_AVRO_PLAIN);
}

/* The specification's example of full names. */
static void names_resolve_in_namespaces(void **state)
{
    const struct tarn_avro_type *t = quoted(
        *state,
        "{'type':'record','name':'Example','fields':["
        "{'name':'inheritNull','type':{'type':'enum','name':'Simple','symbols':['a','b']}},"
        "{'name':'explicitNamespace','type':{'type':'fixed','name':'Simple','namespace':'explicit',"
        "'size':12}},"
        "{'name':'fullName','type':{'type':'record','name':'a.full.Name','namespace':'ignored',"
        "'fields':[{'name':'inheritNamespace','type':{'type':'enum','name':'Understanding',"
        "'symbols':['d','e']}},{'name':'again','type':'Understanding'}]}},"
        "{'name':'one','type':'explicit.Simple'},{'name':'two','type':'Simple'}]}");
    assert_true(tarn_str_is(t->fields[0].type->name, "Simple"));
    assert_true(tarn_str_is(t->fields[1].type->name, "explicit.Simple"));
    const struct tarn_avro_type *full = t->fields[2].type;
    assert_true(tarn_str_is(full->name, "a.full.Name"));
    assert_true(tarn_str_is(full->fields[0].type->name, "a.full.Understanding"));
    assert_ptr_equal(full->fields[1].type, full->fields[0].type);
    assert_ptr_equal(t->fields[3].type, t->fields[1].type);
    assert_ptr_equal(t->fields[4].type, t->fields[0].type);
}

static void least_sizes_are_known(void **state)
{
    struct tarn_op *op = *state;
    const struct tarn_avro_type *t =
        quoted(op, "{'type':'record','name':'r','fields':[{'name':'a','type':'double'},"
                   "{'name':'b','type':'boolean'},{'name':'c','type':'null'},"
                   "{'name':'d','type':'string'},{'name':'e','type':'float'}]}");
    assert_int_equal(t->min_bytes, 14);
    assert_false(t->constant);
    assert_int_equal(t->fields[0].run_bytes, 9);
    assert_int_equal(t->fields[0].run_next, 3);
    assert_int_equal(t->fields[3].run_next, 3);
    assert_int_equal(t->fields[4].run_next, 5);
    t = quoted(op, "{'type':'record','name':'LongList','fields':[{'name':'value','type':'long'},"
                   "{'name':'next','type':['null','LongList']}]}");
    assert_int_equal(t->min_bytes, 2);
    assert_ptr_equal(t->fields[1].type->branches[1], t);
    assert_null(tarn_avro_beside_null(quoted(op, "['null','int','string']")));
    assert_null(tarn_avro_beside_null(quoted(op, "['null']")));
}

static void bad_schemas_are_refused(void **state)
{
    static const char *const bad[] = {
        "'nothing'",
        "{'type':'nothing'}",
        "{'name':'x'}",
        "{'type':'record','name':'r'}",
        "{'type':'record','fields':[]}",
        "{'type':'record','name':'r','fields':[{'type':'int'}]}",
        "{'type':'record','name':'r','fields':[{'name':'a'}]}",
        "{'type':'array'}",
        "{'type':'map'}",
        "{'type':'fixed','name':'f'}",
        "{'type':'fixed','name':'f','size':-1}",
        "{'type':'fixed','name':'f','size':99999999999}",
        "{'type':'enum','name':'e','symbols':[]}",
        "{'type':'enum','name':'e','symbols':[1]}",
        "['null',['null','int']]",
        "[]",
        "17",
        "{'type':'array','items':17}",
        "{'type':'record'",
    };
    struct tarn_op *op = *state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct tarn_avro_type *t;
        enum tarn_status status = quoted_status(op, bad[i], &t);
        if (status != TARN_CORRUPT)
            print_message("%s\n", bad[i]);
        assert_int_equal(status, TARN_CORRUPT);
    }
}

static void schemas_have_limits(void **state)
{
    struct tarn_op *op = *state;
    const struct tarn_avro_type *t;
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)64 << 20);
    for (int i = 0; i < TARN_AVRO_DEPTH_MAX; i++)
        tarn_buf_z(&b, "{\"type\":\"array\",\"items\":");
    tarn_buf_z(&b, "\"int\"");
    for (int i = 0; i < TARN_AVRO_DEPTH_MAX; i++)
        tarn_buf_z(&b, "}");
    enum tarn_status status = tarn_avro_schema_parse(op, tarn_buf_view(&b), "test", &t);
    assert_report(op, status, TARN_LIMIT, "nested deeper");

    tarn_buf_reset(&b);
    tarn_buf_z(&b, "[\"null\"");
    for (int i = 0; i < TARN_AVRO_NODES_MAX - 2; i++)
        tarn_buf_z(&b, ",\"int\"");
    size_t fits = b.len;
    tarn_buf_z(&b, "]");
    assert_int_equal(tarn_avro_schema_parse(op, tarn_buf_view(&b), "test", &t), TARN_OK);
    b.len = fits;
    tarn_buf_z(&b, ",\"int\"]");
    status = tarn_avro_schema_parse(op, tarn_buf_view(&b), "test", &t);
    assert_report(op, status, TARN_LIMIT, "more than");
    tarn_buf_release(&b);
}

/* ---- passing over */

static const char everything[] =
    "{'type':'record','name':'r','fields':["
    "{'name':'n','type':'null'},{'name':'b','type':'boolean'},{'name':'i','type':'int'},"
    "{'name':'l','type':'long'},{'name':'f','type':'float'},{'name':'d','type':'double'},"
    "{'name':'y','type':'bytes'},{'name':'s','type':'string'},"
    "{'name':'x','type':{'type':'fixed','name':'x','size':3}},"
    "{'name':'e','type':{'type':'enum','name':'e','symbols':['A','B']}},"
    "{'name':'u','type':['null','string']},"
    "{'name':'a','type':{'type':'array','items':'double'}},"
    "{'name':'c','type':{'type':'array','items':['null','long']}},"
    "{'name':'m','type':{'type':'map','values':'int'}},"
    "{'name':'z','type':{'type':'array','items':'null'}}]}";

static void put_everything(struct tarn_buf *b)
{
    tarn_avro_put_boolean(b, true);
    tarn_avro_put_long(b, 1);
    tarn_avro_put_long(b, INT64_MIN);
    tarn_avro_put_float(b, 1);
    tarn_avro_put_double(b, 2);
    tarn_avro_put_bytes(b, TARN_STR("bytes"));
    tarn_avro_put_bytes(b, TARN_STR("string"));
    tarn_avro_put_fixed(b, TARN_STR("xyz"));
    tarn_avro_put_long(b, 1);
    tarn_avro_put_long(b, 1);
    tarn_avro_put_bytes(b, TARN_STR("u"));
    tarn_avro_put_items_begin(b, 2);
    tarn_avro_put_double(b, 1);
    tarn_avro_put_double(b, 2);
    tarn_avro_put_items_end(b, 2);
    tarn_avro_put_long(b, -2); /* two items in 3 bytes */
    tarn_avro_put_long(b, 3);
    tarn_avro_put_long(b, 0);
    tarn_avro_put_long(b, 1);
    tarn_avro_put_long(b, 9);
    tarn_avro_put_items_end(b, 2);
    tarn_avro_put_items_begin(b, 1);
    tarn_avro_put_bytes(b, TARN_STR("key"));
    tarn_avro_put_long(b, 7);
    tarn_avro_put_items_end(b, 1);
    tarn_avro_put_long(b, INT64_MAX); /* items without bytes */
    tarn_avro_put_items_end(b, 1);
}

static void skipping_lands_behind_the_value(void **state)
{
    const struct tarn_avro_type *t = quoted(*state, everything);
    struct tarn_buf b;
    tarn_buf_init(&b, 1000);
    put_everything(&b);
    size_t one = b.len;
    put_everything(&b);
    struct tarn_avro_cursor c = tarn_avro_cursor_of(tarn_buf_view(&b));
    tarn_avro_skip(&c, t);
    assert_null(c.error);
    assert_int_equal((const char *)c.p - b.ptr, one);
    tarn_avro_skip(&c, t);
    assert_null(c.error);
    assert_ptr_equal(c.p, c.end);
    for (size_t n = 0; n < one; n++) { /* no prefix of a value is a value */
        c = tarn_avro_cursor_of(tarn_str_of(b.ptr, n));
        tarn_avro_skip(&c, t);
        assert_non_null(c.error);
    }
    tarn_buf_release(&b);
}

/* Forty records, each twice in the next: 2^40 nulls that take no bytes. Time must not follow. */
static void values_without_bytes_cost_nothing(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_buf b;
    tarn_buf_init(&b, 100000);
    for (int i = 0; i < 40; i++)
        tarn_buf_printf(&b, "{'type':'record','name':'r%d','fields':[{'name':'a','type':", i);
    tarn_buf_z(&b, "'null'");
    for (int i = 39; i >= 0; i--) {
        if (i == 39)
            tarn_buf_z(&b, "},{'name':'b','type':'null'}]}");
        else
            tarn_buf_printf(&b, "},{'name':'b','type':'r%d'}]}", i + 1);
    }
    const struct tarn_avro_type *t = quoted(op, b.ptr);
    assert_true(t->constant);
    assert_int_equal(t->min_bytes, 0);
    struct tarn_avro_cursor c = tarn_avro_cursor_of(TARN_STR(""));
    tarn_avro_skip(&c, t);
    assert_null(c.error);
    tarn_buf_release(&b);
}

static void deep_values_are_refused(void **state)
{
    const struct tarn_avro_type *t =
        quoted(*state, "{'type':'record','name':'L','fields':[{'name':'v','type':'boolean'},"
                       "{'name':'n','type':['null','L']}]}");
    struct tarn_buf b;
    tarn_buf_init(&b, 1000);
    for (int i = 0; i < 100; i++)
        tarn_buf_append(&b, "\x01\x02", 2);
    tarn_buf_append(&b, "\x01\x00", 2);
    struct tarn_avro_cursor c = tarn_avro_cursor_of(tarn_buf_view(&b));
    tarn_avro_skip(&c, t);
    assert_non_null(strstr(c.error, "deep"));
    c = tarn_avro_cursor_of(tarn_str_of(b.ptr + 2 * 80, b.len - 2 * 80));
    tarn_avro_skip(&c, t);
    assert_null(c.error);
    tarn_buf_release(&b);
}

static size_t count_items(struct tarn_avro_cursor *c, const struct tarn_avro_type *t)
{
    struct tarn_avro_items it = {0};
    size_t n = 0;
    while (tarn_avro_items_next(c, &it, t)) {
        if (t->items->kind == TARN_AVRO_LONG)
            (void)tarn_avro_read_long(c);
        n++;
    }
    return n;
}

static void items_are_bounded(void **state)
{
    struct tarn_op *op = *state;
    const struct tarn_avro_type *longs = quoted(op, "{'type':'array','items':'long'}");
    const struct tarn_avro_type *nulls = quoted(op, "{'type':'array','items':'null'}");
    static const struct {
        const char *bytes;
        size_t len, items;
        bool bad;
    } cases[] = {
        {"\x04\x06\x36\x00", 4, 2, false},     /* the specification's example */
        {"\x03\x04\x06\x36\x00", 5, 2, false}, /* with its size in bytes */
        {"\x02\x06\x02\x36\x00", 5, 2, false}, /* in two blocks */
        {"\x00", 1, 0, false},
        {"\x03\x06\x06\x36\x00\x00", 6, 2, true},                      /* size too large by one */
        {"\x03\x02\x06\x36\x00", 5, 2, true},                          /* too small */
        {"\x10\x06\x36\x00", 4, 0, true},                              /* more items than bytes */
        {"\x01\x7f\x06", 3, 0, true},                                  /* negative size */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 11, 0, true}, /* INT64_MIN items */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tarn_avro_cursor c = tarn_avro_cursor_of(tarn_str_of(cases[i].bytes, cases[i].len));
        size_t n = count_items(&c, longs);
        if (n != cases[i].items || (c.error != NULL) != cases[i].bad)
            print_message("case %zu: %zu items, %s\n", i, n, c.error ? c.error : "no error");
        assert_int_equal(c.error != NULL, cases[i].bad);
        assert_int_equal(n, cases[i].items);
    }
    struct tarn_buf b;
    tarn_buf_init(&b, 100);
    tarn_avro_put_long(&b, TARN_AVRO_EMPTY_ITEMS_MAX);
    tarn_buf_put(&b, 0);
    struct tarn_avro_cursor c = tarn_avro_cursor_of(tarn_buf_view(&b));
    assert_int_equal(count_items(&c, nulls), TARN_AVRO_EMPTY_ITEMS_MAX);
    assert_null(c.error);
    b.len--;
    tarn_avro_put_long(&b, 1);
    tarn_buf_put(&b, 0);
    c = tarn_avro_cursor_of(tarn_buf_view(&b));
    assert_int_equal(count_items(&c, nulls), TARN_AVRO_EMPTY_ITEMS_MAX);
    assert_non_null(c.error);
    tarn_buf_release(&b);
}

/* ---- container files */

#define ROWS 1000
static const char row_schema[] = "{\"type\":\"record\",\"name\":\"row\",\"fields\":["
                                 "{\"name\":\"i\",\"type\":\"long\"},"
                                 "{\"name\":\"s\",\"type\":\"string\"}]}";

static struct tarn_avro_write row_options(enum tarn_avro_codec codec)
{
    static const struct tarn_avro_meta meta[] = {{{"format-version", 14}, {"2", 1}},
                                                 {{"empty", 5}, {"", 0}}};
    return (struct tarn_avro_write){.schema = TARN_STR(row_schema),
                                    .meta = meta,
                                    .meta_count = 2,
                                    .codec = codec,
                                    .block_bytes = 1000,
                                    .sync = "0123456789abcde"};
}

static enum tarn_status rows_write(struct tarn_op *op, const struct tarn_avro_write *options,
                                   int rows, struct tarn_str *out)
{
    struct tarn_avro_writer w = {0};
    enum tarn_status status;
    TARN_GO(tarn_avro_writer_init(&w, op, options));
    for (int i = 0; i < rows; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "row number %d of a file", i);
        tarn_avro_put_long(&w.block, i);
        tarn_avro_put_bytes(&w.block, tarn_str_of(text, (size_t)n));
        TARN_GO(tarn_avro_writer_item(&w, op));
    }
    status = tarn_avro_writer_finish(&w, op, out);
out:
    tarn_avro_writer_release(&w);
    return status;
}

/* Reads rows as rows_write made them; *out_rows is how many came before the end or the failure. */
static enum tarn_status rows_read(struct tarn_op *op, struct tarn_str bytes,
                                  const struct tarn_avro_limits *limits, int *out_rows)
{
    struct tarn_avro_reader r;
    struct tarn_avro_block b;
    *out_rows = 0;
    TARN_TRY(tarn_avro_reader_init(&r, op, bytes, "rows.avro", limits));
    for (;;) {
        TARN_TRY(tarn_avro_reader_next(&r, op, &b));
        if (!b.data.ptr)
            return TARN_OK;
        struct tarn_avro_cursor c = tarn_avro_cursor_of(b.data);
        for (int64_t i = 0; i < b.count && !c.error; i++) {
            char text[64];
            (void)snprintf(text, sizeof text, "row number %d of a file", *out_rows);
            bool same = tarn_avro_read_long(&c) == *out_rows;
            same &= tarn_str_is(tarn_avro_read_bytes(&c), text);
            if (!c.error && !same)
                return tarn_fail(op, TARN_DATA, "row %d differs", *out_rows);
            *out_rows += !c.error;
        }
        TARN_TRY(tarn_avro_cursor_finish(&c, op, &r));
    }
}

static void files_come_back_in_every_codec(void **state)
{
    struct tarn_op *op = *state;
    for (int codec = TARN_AVRO_CODEC_NULL; codec <= TARN_AVRO_CODEC_SNAPPY; codec++) {
        struct tarn_avro_write options = row_options((enum tarn_avro_codec)codec);
        struct tarn_str bytes, again;
        struct tarn_avro_reader r;
        int rows;
        assert_int_equal(rows_write(op, &options, ROWS, &bytes), TARN_OK);
        assert_int_equal(rows_read(op, bytes, NULL, &rows), TARN_OK);
        assert_int_equal(rows, ROWS);
        assert_int_equal(rows_write(op, &options, ROWS, &again), TARN_OK);
        assert_true(tarn_str_eq(bytes, again)); /* the same for the same input */
        assert_int_equal(tarn_avro_reader_init(&r, op, bytes, "x", NULL), TARN_OK);
        assert_true(tarn_str_is(tarn_avro_reader_meta(&r, "format-version"), "2"));
        assert_true(tarn_avro_reader_meta(&r, "empty").ptr != NULL);
        assert_null(tarn_avro_reader_meta(&r, "missing").ptr);
        assert_int_equal(r.codec, codec);
        assert_true(tarn_str_is(tarn_avro_reader_meta(&r, "avro.schema"), row_schema));
        assert_int_equal(rows_write(op, &options, 0, &bytes), TARN_OK);
        assert_int_equal(rows_read(op, bytes, NULL, &rows), TARN_OK);
        assert_int_equal(rows, 0);
    }
}

static void cut_files_read_the_same_or_fail(void **state)
{
    struct tarn_op *op = *state;
    for (int codec = TARN_AVRO_CODEC_NULL; codec <= TARN_AVRO_CODEC_SNAPPY; codec++) {
        struct tarn_avro_write options = row_options((enum tarn_avro_codec)codec);
        struct tarn_str bytes;
        int whole = 0;
        assert_int_equal(rows_write(op, &options, 100, &bytes), TARN_OK);
        for (size_t n = 0; n < bytes.len; n++) {
            struct tarn_arena_mark mark = tarn_arena_mark(op->arena);
            char *copy = malloc(n ? n : 1); /* so that reading past the end shows */
            int rows;
            assert_non_null(copy);
            memcpy(copy, bytes.ptr, n);
            enum tarn_status status = rows_read(op, tarn_str_of(copy, n), NULL, &rows);
            assert_true(status == TARN_OK || status == TARN_CORRUPT);
            whole += status == TARN_OK;
            assert_true(rows < 100);
            free(copy);
            tarn_arena_rewind(op->arena, mark);
        }
        assert_in_range(whole, 1, 10); /* between blocks only */
    }
}

static void flipped_bits_never_crash(void **state)
{
    struct tarn_op *op = *state;
    for (int codec = TARN_AVRO_CODEC_NULL; codec <= TARN_AVRO_CODEC_SNAPPY; codec++) {
        struct tarn_avro_write options = row_options((enum tarn_avro_codec)codec);
        struct tarn_str bytes;
        int rows;
        assert_int_equal(rows_write(op, &options, 60, &bytes), TARN_OK);
        char *copy = malloc(bytes.len);
        assert_non_null(copy);
        memcpy(copy, bytes.ptr, bytes.len);
        for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
            struct tarn_arena_mark mark = tarn_arena_mark(op->arena);
            copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
            (void)rows_read(op, tarn_str_of(copy, bytes.len), NULL, &rows);
            copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
            tarn_arena_rewind(op->arena, mark);
        }
        free(copy);
    }
}

/* Header with these keys, then blocks as given. */
static struct tarn_str file_of(struct tarn_op *op, const char *codec, const char *json,
                               struct tarn_str blocks)
{
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, (size_t)64 << 20);
    tarn_buf_append(&b, "Obj\x01", 4);
    size_t keys = (codec ? 1U : 0U) + (json ? 1U : 0U);
    tarn_avro_put_items_begin(&b, keys);
    if (codec) {
        tarn_avro_put_bytes(&b, TARN_STR("avro.codec"));
        tarn_avro_put_bytes(&b, tarn_str_view(codec));
    }
    if (json) {
        tarn_avro_put_bytes(&b, TARN_STR("avro.schema"));
        tarn_avro_put_bytes(&b, tarn_str_view(json));
    }
    tarn_avro_put_items_end(&b, keys);
    tarn_buf_append(&b, "0123456789abcdef", 16);
    tarn_buf_str(&b, blocks);
    assert_int_equal(tarn_buf_take(op, &b, "test", &out), TARN_OK);
    return out;
}

static struct tarn_str block_of(struct tarn_op *op, int64_t count, struct tarn_str data)
{
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, (size_t)64 << 20);
    tarn_avro_put_long(&b, count);
    tarn_avro_put_bytes(&b, data);
    tarn_buf_append(&b, "0123456789abcdef", 16);
    assert_int_equal(tarn_buf_take(op, &b, "test", &out), TARN_OK);
    return out;
}

static enum tarn_status first_block(struct tarn_op *op, struct tarn_str file,
                                    struct tarn_avro_block *out)
{
    struct tarn_avro_reader r;
    TARN_TRY(tarn_avro_reader_init(&r, op, file, "x.avro", NULL));
    return tarn_avro_reader_next(&r, op, out);
}

static void headers_are_checked(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_avro_block b;
    enum tarn_status status = first_block(op, TARN_STR("PAR1"), &b);
    assert_report(op, status, TARN_CORRUPT, "no Avro container");
    status = first_block(op, file_of(op, "xz", "\"int\"", TARN_STR("")), &b);
    assert_report(op, status, TARN_UNSUPPORTED, "codec \"xz\"");
    status = first_block(op, file_of(op, "null", NULL, TARN_STR("")), &b);
    assert_report(op, status, TARN_CORRUPT, "no schema");
    assert_int_equal(first_block(op, file_of(op, NULL, "\"int\"", TARN_STR("")), &b), TARN_OK);
    assert_null(b.data.ptr); /* no codec means "null"; no blocks is an empty file */

    /* A header map in a block with its size. */
    struct tarn_buf h;
    tarn_buf_init(&h, 1000);
    tarn_buf_append(&h, "Obj\x01", 4);
    tarn_avro_put_long(&h, -1);
    tarn_avro_put_long(&h, 1 + 11 + 1 + 6);
    tarn_avro_put_bytes(&h, TARN_STR("avro.schema"));
    tarn_avro_put_bytes(&h, TARN_STR("\"long\""));
    tarn_buf_put(&h, 0);
    tarn_buf_append(&h, "0123456789abcdef", 16);
    tarn_buf_str(&h, block_of(op, 1, TARN_STR("\x54")));
    assert_int_equal(first_block(op, tarn_buf_view(&h), &b), TARN_OK);
    assert_int_equal(b.count, 1);
    assert_int_equal(b.data.len, 1);
    tarn_buf_release(&h);
}

static void blocks_are_checked(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_avro_block b;
    struct tarn_str good = block_of(op, 2, TARN_STR("\x02\x04"));
    assert_int_equal(first_block(op, file_of(op, "null", "\"int\"", good), &b), TARN_OK);
    assert_int_equal(b.count, 2);
    ((char *)(uintptr_t)good.ptr)[good.len - 1] = 'X';
    enum tarn_status status = first_block(op, file_of(op, "null", "\"int\"", good), &b);
    assert_report(op, status, TARN_CORRUPT, "sync");
    struct tarn_str many = block_of(op, 3, TARN_STR("\x02\x04"));
    status = first_block(op, file_of(op, "null", "\"int\"", many), &b);
    assert_report(op, status, TARN_CORRUPT, "more items than bytes");
    many = block_of(op, INT64_MAX, TARN_STR(""));
    status = first_block(op, file_of(op, "null", "\"null\"", many), &b);
    assert_report(op, status, TARN_CORRUPT, "more items than bytes");
    status = first_block(op, file_of(op, "null", "\"int\"", block_of(op, -1, TARN_STR(""))), &b);
    assert_report(op, status, TARN_CORRUPT, "cut off");
    /* Bytes behind the last item. */
    struct tarn_avro_reader r;
    struct tarn_str file = file_of(op, "null", "\"int\"", block_of(op, 1, TARN_STR("\x02\x04")));
    assert_int_equal(tarn_avro_reader_init(&r, op, file, "x.avro", NULL), TARN_OK);
    assert_int_equal(tarn_avro_reader_next(&r, op, &b), TARN_OK);
    struct tarn_avro_cursor c = tarn_avro_cursor_of(b.data);
    (void)tarn_avro_read_long(&c);
    status = tarn_avro_cursor_finish(&c, op, &r);
    assert_report(op, status, TARN_CORRUPT, "1 bytes too many");
}

/* zlib.compress(x)[2:-1], as fastavro writes: three bytes of zlib's checksum stay behind. */
static void zlib_remnants_are_tolerated(void **state)
{
    struct tarn_op *op = *state;
    unsigned char packed[100];
    uLongf n = sizeof packed;
    struct tarn_avro_block b;
    assert_int_equal(compress(packed, &n, (const Bytef *)"\x02\x04\x06", 3), Z_OK);
    struct tarn_str cut = tarn_str_of(packed + 2, n - 3);
    struct tarn_str file = file_of(op, "deflate", "\"int\"", block_of(op, 3, cut));
    assert_int_equal(first_block(op, file, &b), TARN_OK);
    assert_int_equal(b.data.len, 3);
    assert_memory_equal(b.data.ptr, "\x02\x04\x06", 3);
    struct tarn_str longer = tarn_str_of(packed + 2, n - 2);
    char more[110];
    memcpy(more, longer.ptr, longer.len);
    memset(more + longer.len, 0, 8);
    file = file_of(op, "deflate", "\"int\"", block_of(op, 3, tarn_str_of(more, longer.len + 8)));
    enum tarn_status status = first_block(op, file, &b);
    assert_report(op, status, TARN_CORRUPT, "deflate");
}

static void snappy_checksums_are_checked(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_avro_block b;
    /* snappy: length 3, literal of 3 bytes; CRC-32 of "\2\4\6" big-endian. */
    unsigned char packed[] = "\x03\x08\x02\x04\x06....";
    unsigned long crc = crc32(0, (const Bytef *)"\x02\x04\x06", 3);
    for (int i = 0; i < 4; i++)
        packed[5 + i] = (unsigned char)(crc >> (24 - 8 * i));
    struct tarn_str data = tarn_str_of(packed, 9);
    assert_int_equal(first_block(op, file_of(op, "snappy", "\"int\"", block_of(op, 3, data)), &b),
                     TARN_OK);
    assert_memory_equal(b.data.ptr, "\x02\x04\x06", 3);
    packed[8] ^= 1;
    enum tarn_status status =
        first_block(op, file_of(op, "snappy", "\"int\"", block_of(op, 3, data)), &b);
    assert_report(op, status, TARN_CORRUPT, "checksum");
    status =
        first_block(op, file_of(op, "snappy", "\"int\"", block_of(op, 3, TARN_STR("abc"))), &b);
    assert_report(op, status, TARN_CORRUPT, "snappy");
}

static void bombs_are_refused(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_avro_block b;
    size_t plain = (size_t)64 << 20, bound = ZSTD_compressBound(plain);
    char *zeros = calloc(1, plain), *packed = malloc(bound);
    assert_true(zeros && packed);
    size_t n = ZSTD_compress(packed, bound, zeros, plain, 3);
    assert_false(ZSTD_isError(n));
    struct tarn_str file =
        file_of(op, "zstandard", "\"int\"", block_of(op, 1, tarn_str_of(packed, n)));
    enum tarn_status status = first_block(op, file, &b);
    assert_report(op, status, TARN_LIMIT, "x.avro is larger than 16777216 bytes");
    /* A snappy block that says it is 4 GB. */
    file = file_of(op, "snappy", "\"int\"",
                   block_of(op, 1, TARN_STR("\xff\xff\xff\xff\x0f\x00\x00\x00\x00")));
    status = first_block(op, file, &b);
    assert_report(op, status, TARN_LIMIT, "larger than");
    free(zeros);
    free(packed);

    struct tarn_avro_write options = row_options(TARN_AVRO_CODEC_DEFLATE);
    struct tarn_avro_limits limits = {.total_bytes_max = 10000};
    struct tarn_str bytes;
    int rows;
    assert_int_equal(rows_write(op, &options, ROWS, &bytes), TARN_OK);
    status = rows_read(op, bytes, &limits, &rows);
    assert_report(op, status, TARN_LIMIT, "rows.avro");
    assert_true(rows > 100);
    limits = (struct tarn_avro_limits){.block_bytes_max = 900};
    status = rows_read(op, bytes, &limits, &rows);
    assert_report(op, status, TARN_LIMIT, "rows.avro");
    assert_int_equal(rows, 0);
}

/* ---- memory */

static void memory_failures_are_told(void **state)
{
    struct tarn_op *op = *state;
    for (int codec = TARN_AVRO_CODEC_NULL; codec <= TARN_AVRO_CODEC_SNAPPY; codec++) {
        struct tarn_avro_write options = row_options((enum tarn_avro_codec)codec);
        bool done = false;
        for (long n = 1; !done; n++) {
            struct tarn_arena_mark mark = tarn_arena_mark(op->arena);
            struct tarn_str bytes = {NULL, 0};
            int rows = 0;
            tarn_alloc_fail_at(n);
            enum tarn_status status = rows_write(op, &options, 100, &bytes);
            if (status == TARN_OK)
                status = rows_read(op, bytes, NULL, &rows);
            done = status == TARN_OK;
            tarn_alloc_fail_at(0);
            assert_true(status == TARN_OK || status == TARN_NOMEM);
            assert_int_equal(rows == 100, done);
            assert_true(n < 10000);
            tarn_arena_rewind(op->arena, mark);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longs_are_zigzag),
        cmocka_unit_test(longs_overflow),
        cmocka_unit_test(ints_are_held_to_32_bits),
        cmocka_unit_test(other_values_come_back),
        cmocka_unit_test(lengths_and_booleans_are_checked),
        cmocka_unit_test_setup_teardown(schema_attributes_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(names_resolve_in_namespaces, setup, teardown),
        cmocka_unit_test_setup_teardown(least_sizes_are_known, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_schemas_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(schemas_have_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(skipping_lands_behind_the_value, setup, teardown),
        cmocka_unit_test_setup_teardown(values_without_bytes_cost_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(deep_values_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(items_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(files_come_back_in_every_codec, setup, teardown),
        cmocka_unit_test_setup_teardown(cut_files_read_the_same_or_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(flipped_bits_never_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(headers_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(blocks_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(zlib_remnants_are_tolerated, setup, teardown),
        cmocka_unit_test_setup_teardown(snappy_checksums_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(bombs_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_failures_are_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

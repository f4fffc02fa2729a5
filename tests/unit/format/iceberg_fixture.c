#include "iceberg_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

int ice_setup(void **state)
{
    struct tarn_op *op = calloc(1, sizeof *op);
    if (!op || tarn_op_init(op, 0, 0) != TARN_OK)
        return -1;
    *state = op;
    return 0;
}

int ice_teardown(void **state)
{
    tarn_op_release(*state);
    free(*state);
    return 0;
}

void ice_ok(struct tarn_op *op, enum tarn_status status)
{
    if (status != TARN_OK)
        fail_msg("%s: %s", tarn_status_info(status)->name, op->report.message);
}

void ice_fails(struct tarn_op *op, enum tarn_status status, enum tarn_status wanted,
               const char *part)
{
    if (status != wanted)
        fail_msg("status %d instead of %d (%s)", (int)status, (int)wanted, op->report.message);
    assert_int_equal(op->report.status, wanted);
    if (part && !strstr(op->report.message, part))
        fail_msg("\"%s\" does not say \"%s\"", op->report.message, part);
    tarn_clear(op);
}

void ice_text_is(struct tarn_str s, const char *z)
{
    if (!s.ptr || !tarn_str_is(s, z))
        fail_msg("\"%.*s\" instead of \"%s\"", TARN_STR_ARG(s), z);
}

struct tarn_type ice_type(struct tarn_op *op, const char *text)
{
    struct tarn_type t;
    ice_ok(op, tarn_type_parse(op, tarn_str_view(text), &t));
    return t;
}

struct tarn_value ice_value(struct tarn_op *op, const struct tarn_type *t, const char *text)
{
    struct tarn_value v = {.is_null = true};
    if (strcmp(text, "null") != 0)
        ice_ok(op, tarn_value_from_text(op, t, tarn_str_view(text), &v));
    return v;
}

const struct tarn_json *ice_json(struct tarn_op *op, const char *text)
{
    struct tarn_json *j;
    ice_ok(op, tarn_json_parse(op, tarn_str_view(text), "test", &j));
    return j;
}

struct tarn_str ice_type_json(struct tarn_op *op, const struct tarn_type *t)
{
    struct tarn_buf b;
    struct tarn_json_writer w;
    struct tarn_str out;
    tarn_buf_init(&b, 1 << 20);
    tarn_json_writer_init(&w, &b);
    tarn_type_to_json(&w, t);
    ice_ok(op, (enum tarn_status)tarn_buf_take(op, &b, "type", &out));
    return out;
}

struct tarn_str ice_file(struct tarn_op *op, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "tests/unit/format/data/%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s cannot be opened", path);
    char *p = tarn_alloc(op, 1 << 20);
    assert_non_null(p);
    size_t n = fread(p, 1, (1 << 20) - 1, f);
    (void)fclose(f);
    return tarn_str_of(p, n);
}

struct tarn_str ice_replaced(struct tarn_op *op, struct tarn_str text, const char *from,
                             const char *to)
{
    const char *at = memmem(text.ptr, text.len, from, strlen(from));
    if (!at)
        fail_msg("there is no %s", from);
    const char *tail = at + strlen(from);
    return tarn_sprintf(op, "%.*s%s%.*s", (int)(at - text.ptr), text.ptr, to,
                        (int)(text.ptr + text.len - tail), tail);
}

void ice_alloc_sweep(enum tarn_status (*fn)(struct tarn_op *op, void *arg), void *arg)
{
    for (long n = 1; n < 100000; n++) {
        struct tarn_op op;
        assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
        tarn_alloc_fail_at(n);
        enum tarn_status status = fn(&op, arg);
        tarn_alloc_fail_at(0);
        tarn_op_release(&op);
        if (status == TARN_OK) {
            assert_true(n > 1);
            return;
        }
        assert_int_equal(status, TARN_NOMEM);
    }
    fail_msg("the sweep does not end");
}

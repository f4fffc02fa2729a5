#include "decode_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/decimal.h"

void fixture_open(struct fixture *f, enum tarn_input_format format)
{
    *f = (struct fixture){.options = {.format = format, .workers = 1, .ingest_ts_us = 1000000}};
    assert_int_equal(tarn_op_init(&f->op, 0, 0), TARN_OK);
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/tarn_decode_XXXXXX");
    assert_non_null(mkdtemp(f->dir));
}

void fixture_forget(struct fixture *f)
{
    tarn_decoder_close(f->decoder);
    tarn_shape_free(f->shape);
    f->decoder = NULL;
    f->shape = NULL;
    f->row_count = 0;
}

static void list(struct fixture *f, struct tarn_input_files *out)
{
    struct tarn_str glob = TARN_STR("*");
    if (tarn_files_list(&f->op, tarn_str_view(f->dir), &glob, 1, out) != TARN_OK)
        fail_msg("%s", f->op.report.message);
}

void fixture_close(struct fixture *f)
{
    struct tarn_input_files files;
    fixture_forget(f);
    list(f, &files);
    for (size_t i = 0; i < files.count; i++)
        (void)unlink(files.items[i].path.ptr);
    (void)rmdir(f->dir);
    tarn_op_release(&f->op);
}

void fixture_file(struct fixture *f, const char *name, const char *bytes, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", f->dir, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void fixture_text(struct fixture *f, const char *name, const char *text)
{
    fixture_file(f, name, text, strlen(text));
}

void fixture_declare(struct fixture *f, const char *path, const char *type)
{
    struct tarn_declared *d = &f->declared[f->options.declared_count++];
    d->path = tarn_str_view(path);
    assert_int_equal(tarn_type_parse(&f->op, tarn_str_view(type), &d->type), TARN_OK);
    f->options.declared = f->declared;
}

/* ---- rows as text */

static void put_value(struct tarn_buf *b, const struct tarn_column *c, size_t row);

static void put_primitive(struct tarn_buf *b, const struct tarn_column *c, size_t row)
{
    char text[64];
    struct tarn_date day;
    switch (c->type->kind) {
    case TARN_TYPE_BOOLEAN:
        tarn_buf_z(b, ((uint8_t *)c->data)[row] ? "true" : "false");
        break;
    case TARN_TYPE_INT:
        tarn_buf_printf(b, "%d", ((int32_t *)c->data)[row]);
        break;
    case TARN_TYPE_DATE:
        day = tarn_date_of_days(((int32_t *)c->data)[row]);
        tarn_buf_printf(b, "%04lld-%02d-%02d", (long long)day.year, day.month, day.day);
        break;
    case TARN_TYPE_LONG:
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        tarn_buf_printf(b, "%lld", (long long)((int64_t *)c->data)[row]);
        break;
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
        (void)tarn_time_format(((int64_t *)c->data)[row], 6, text);
        tarn_buf_z(b, text);
        break;
    case TARN_TYPE_FLOAT:
        tarn_buf_printf(b, "%.9g", (double)((float *)c->data)[row]);
        break;
    case TARN_TYPE_DOUBLE:
        for (int digits = 1; digits <= 17; digits++) {
            (void)snprintf(text, sizeof text, "%.*g", digits, ((double *)c->data)[row]);
            if (strtod(text, NULL) == ((double *)c->data)[row])
                break;
        }
        tarn_buf_z(b, text);
        break;
    case TARN_TYPE_DECIMAL:
        (void)tarn_decimal_format(((__int128 *)c->data)[row], c->type->scale, text);
        tarn_buf_z(b, text);
        break;
    case TARN_TYPE_UUID:
        tarn_buf_hex(b, (char *)c->data + row * 16, 16);
        break;
    case TARN_TYPE_FIXED:
        tarn_buf_hex(b, (char *)c->data + row * (size_t)c->type->length, (size_t)c->type->length);
        break;
    case TARN_TYPE_BINARY:
        tarn_buf_hex(b, c->bytes + c->offsets[row], c->offsets[row + 1] - c->offsets[row]);
        break;
    default:
        tarn_buf_put(b, '"');
        tarn_buf_append(b, c->bytes + c->offsets[row], c->offsets[row + 1] - c->offsets[row]);
        tarn_buf_put(b, '"');
        break;
    }
}

static void put_fields(struct tarn_buf *b, const struct tarn_type *t, const struct tarn_column *c,
                       size_t count, size_t row)
{
    tarn_buf_put(b, '{');
    for (size_t i = 0; i < count; i++) {
        tarn_buf_printf(b, "%s%.*s:", i ? "," : "", TARN_STR_ARG(t->fields[i].name));
        put_value(b, &c[i], row);
    }
    tarn_buf_put(b, '}');
}

static void put_value(struct tarn_buf *b, const struct tarn_column *c, size_t row)
{
    assert_true(row < c->length);
    if (tarn_column_is_null(c, row)) {
        tarn_buf_z(b, "null");
    } else if (c->type->kind == TARN_TYPE_STRUCT) {
        put_fields(b, c->type, c->children, c->child_count, row);
    } else if (c->type->kind == TARN_TYPE_LIST || c->type->kind == TARN_TYPE_MAP) {
        bool map = c->type->kind == TARN_TYPE_MAP;
        tarn_buf_put(b, '[');
        for (uint32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++) {
            if (i > c->offsets[row])
                tarn_buf_put(b, ',');
            if (map) {
                put_value(b, &c->children[0], i);
                tarn_buf_put(b, ':');
            }
            put_value(b, &c->children[map], i);
        }
        tarn_buf_put(b, ']');
    } else {
        put_primitive(b, c, row);
    }
}

/* A column's own account must agree with itself: lengths, null counts, nothing under a null. */
static void check_column(const struct tarn_column *c, size_t length)
{
    size_t nulls = 0;
    assert_int_equal(c->length, length);
    for (size_t i = 0; i < length; i++)
        nulls += tarn_column_is_null(c, i);
    assert_int_equal(c->null_count, nulls);
    if (c->offsets) {
        assert_int_equal(c->offsets[0], 0);
        for (size_t i = 0; i < length; i++) {
            assert_true(c->offsets[i] <= c->offsets[i + 1]);
            if (tarn_column_is_null(c, i))
                assert_int_equal(c->offsets[i], c->offsets[i + 1]);
        }
    }
    for (size_t k = 0; k < c->child_count; k++) {
        check_column(&c->children[k],
                     c->type->kind == TARN_TYPE_STRUCT ? length : c->offsets[length]);
        if (c->type->kind == TARN_TYPE_STRUCT)
            for (size_t i = 0; i < length; i++)
                if (tarn_column_is_null(c, i))
                    assert_true(tarn_column_is_null(&c->children[k], i));
    }
}

struct row {
    struct tarn_str file;
    int64_t offset;
    struct tarn_str text;
};

static int row_order(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int c = tarn_str_cmp(x->file, y->file);
    return c ? c : (x->offset > y->offset) - (x->offset < y->offset);
}

struct rows {
    struct row *items;
    size_t count, cap;
};

static void take_batch(struct fixture *f, const struct tarn_batch *batch, struct rows *rows)
{
    size_t n = batch->column_count - 3;
    const struct tarn_column *c = batch->columns;
    for (size_t k = 0; k < batch->column_count; k++)
        check_column(&c[k], batch->rows);
    for (size_t i = 0; i < batch->rows; i++) {
        struct tarn_buf b;
        struct row row;
        tarn_buf_init(&b, (size_t)64 << 20);
        put_fields(&b, &f->target, c, n, i);
        assert_int_equal(tarn_buf_take(&f->op, &b, "row", &row.text), TARN_OK);
        assert_int_equal(((int64_t *)c[n].data)[i], f->options.ingest_ts_us);
        row.file = tarn_strdup(&f->op, tarn_str_of(c[n + 1].bytes + c[n + 1].offsets[i],
                                                   c[n + 1].offsets[i + 1] - c[n + 1].offsets[i]));
        row.offset = ((int64_t *)c[n + 2].data)[i];
        if (rows->count == rows->cap) {
            rows->cap = rows->cap ? rows->cap * 2 : 64;
            rows->items = realloc(rows->items, rows->cap * sizeof row);
            assert_non_null(rows->items);
        }
        rows->items[rows->count++] = row;
    }
}

static void make_target(struct fixture *f, const struct tarn_type *document)
{
    static const char *const names[] = {"ingest_ts", "_source_file", "_source_offset"};
    static const enum tarn_type_kind kinds[] = {TARN_TYPE_TIMESTAMPTZ, TARN_TYPE_STRING,
                                                TARN_TYPE_LONG};
    size_t n = document->field_count;
    struct tarn_str text = tarn_type_text(&f->op, document); /* struct<...> */
    f->schema = tarn_str_of(text.ptr + 7, text.len - 8);
    f->target = (struct tarn_type){.kind = TARN_TYPE_STRUCT, .field_count = n + 3};
    f->target.fields = tarn_alloc_array(&f->op, n + 3, sizeof(struct tarn_field));
    assert_non_null(f->target.fields);
    if (n > 0)
        memcpy(f->target.fields, document->fields, n * sizeof(struct tarn_field));
    for (size_t i = 0; i < 3; i++)
        f->target.fields[n + i] =
            (struct tarn_field){.name = tarn_str_view(names[i]), .type = {.kind = kinds[i]}};
}

enum tarn_status fixture_decode_once(struct fixture *f, const struct tarn_shape *shape)
{
    struct tarn_input_files files;
    struct tarn_type document;
    struct tarn_batch batch;
    struct rows rows = {0};
    enum tarn_status status = TARN_OK;
    tarn_decoder_close(f->decoder);
    f->decoder = NULL;
    f->row_count = 0;
    list(f, &files);
    TARN_TRY(
        tarn_shape_type(&f->op, shape, f->options.declared, f->options.declared_count, &document));
    make_target(f, &document);
    TARN_TRY(tarn_decoder_open(&f->op, &files, &f->options, shape, &f->target, &f->decoder));
    struct tarn_producer *p = &f->decoder->producer;
    assert_ptr_equal(p->schema, &f->target);
    for (int ended = 0, i = 0; status == TARN_OK && ended < p->workers_max; i++) {
        status = p->next(p, &f->op, i % p->workers_max, &batch);
        ended = status == TARN_OK && batch.rows == 0 ? ended + 1 : 0;
        if (status == TARN_OK && batch.rows > 0)
            take_batch(f, &batch, &rows);
    }
    if (status == TARN_OK)
        status = tarn_decoder_finish(f->decoder, &f->op, &f->decoded);
    if (status == TARN_OK && !f->decoded.misfit) {
        assert_int_equal(f->decoded.rows, rows.count);
        if (rows.count > 0)
            qsort(rows.items, rows.count, sizeof *rows.items, row_order);
        f->rows = tarn_alloc_array(&f->op, rows.count + 1, sizeof *f->rows);
        f->offsets = tarn_alloc_array(&f->op, rows.count + 1, sizeof *f->offsets);
        for (size_t i = 0; i < rows.count; i++) {
            f->rows[i] = rows.items[i].text;
            f->offsets[i] = rows.items[i].offset;
        }
        f->row_count = rows.count;
    }
    free(rows.items);
    return status;
}

enum tarn_status fixture_decode(struct fixture *f)
{
    struct tarn_input_files files;
    fixture_forget(f);
    list(f, &files);
    TARN_TRY(tarn_decode_sample(&f->op, &files, &f->options, &f->shape));
    for (f->rounds = 1;; f->rounds++) {
        assert_true(f->rounds <= 3);
        TARN_TRY(fixture_decode_once(f, f->shape));
        TARN_TRY(tarn_shape_join(&f->op, f->shape, f->decoded.shape));
        if (!f->decoded.misfit)
            return TARN_OK;
    }
}

struct tarn_str fixture_letter(struct fixture *f, size_t i)
{
    if (i >= f->decoded.letter_count)
        return TARN_STR("(no letter)");
    const struct tarn_dead_letter *l = &f->decoded.letters[i];
    return tarn_sprintf(&f->op, "%zu:%lld:%lld %.*s | %.*s", l->file, (long long)l->line,
                        (long long)l->offset, TARN_STR_ARG(l->column), TARN_STR_ARG(l->reason));
}

struct tarn_str fixture_shape_json(struct fixture *f, const struct tarn_shape *s)
{
    struct tarn_str json;
    assert_int_equal(tarn_shape_to_json(&f->op, s, &json), TARN_OK);
    return json;
}

/* ---- asserts */

void assert_letter(struct fixture *f, size_t i, const char *expected)
{
    assert_string_equal(fixture_letter(f, i).ptr, expected);
}

void assert_rows(struct fixture *f, const char *rows)
{
    struct tarn_buf b;
    struct tarn_str all;
    tarn_buf_init(&b, (size_t)64 << 20);
    for (size_t i = 0; i < f->row_count; i++)
        tarn_buf_printf(&b, "%s%.*s", i ? "\n" : "", TARN_STR_ARG(f->rows[i]));
    assert_int_equal(tarn_buf_take(&f->op, &b, "rows", &all), TARN_OK);
    assert_string_equal(all.ptr, rows);
}

void assert_decodes(struct fixture *f, const char *text, const char *schema, const char *rows)
{
    fixture_text(f, "in", text);
    if (fixture_decode(f) != TARN_OK)
        fail_msg("%s", f->op.report.message);
    assert_string_equal(tarn_sprintf(&f->op, "%.*s", TARN_STR_ARG(f->schema)).ptr, schema);
    assert_rows(f, rows);
}

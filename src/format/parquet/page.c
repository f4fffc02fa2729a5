/* page: the pages of a column chunk of BYTE_ARRAY, as those of FIXED_LEN_BYTE_ARRAY (parquet-format,
 * Encodings.md): PLAIN values lose the length before each; indexes into a dictionary stay. Or with
 * other bytes in values that stay as long as they are.
 *
 * A data page (version 1) is [repetition levels][definition levels][values], packed as a whole; levels
 * that the column can have begin with their length, 4 bytes.
 */
#include "format/parquet/parquet_int.h"

#define HEADER_FIRST ((size_t)1024) /* bytes that a page's header is looked for in */
#define HEADER_MAX   ((size_t)16 << 20)

enum { PAGE_DATA, PAGE_INDEX, PAGE_DICTIONARY };
enum { ENCODING_PLAIN = 0, ENCODING_PLAIN_DICTIONARY = 2, ENCODING_RLE_DICTIONARY = 8 };

struct page {
    int32_t type, plain_bytes, packed_bytes, values, encoding;
    bool has_values;
    size_t header_bytes;
    const char *header;
};

static enum tarn_status corrupt(struct tarn__chunk_work *w, const char *why)
{
    return tarn_fail(w->op, TARN_CORRUPT, "column \"%.*s\" of a Parquet file cannot be read: %s",
                     TARN_STR_ARG(w->element->name), why);
}

/* ---- headers */

static void read_sub(struct tarn_thrift *t, const struct tarn_thrift_field *f, struct page *p)
{
    struct tarn_thrift_field g;
    int16_t id = 0;
    if (!tarn_thrift_struct(t, f))
        return;
    while (tarn_thrift_next(t, &id, &g)) {
        if (g.id == 1) {
            p->values = tarn_thrift_i32(t, &g);
            p->has_values = true;
        } else if (g.id == 2) {
            p->encoding = tarn_thrift_i32(t, &g);
        } else {
            tarn_thrift_skip(t, g.type);
        }
    }
}

/* False: not whole within the bytes. */
static bool parse_header(struct tarn_str bytes, struct page *p)
{
    struct tarn_thrift t;
    struct tarn_thrift_field f;
    int16_t id = 0;
    *p = (struct page){.type = -1, .plain_bytes = -1, .packed_bytes = -1, .encoding = -1};
    tarn_thrift_init(&t, bytes);
    while (tarn_thrift_next(&t, &id, &f)) {
        if (f.id == 1)
            p->type = tarn_thrift_i32(&t, &f);
        else if (f.id == 2)
            p->plain_bytes = tarn_thrift_i32(&t, &f);
        else if (f.id == 3)
            p->packed_bytes = tarn_thrift_i32(&t, &f);
        else if (f.id == 5 || f.id == 7)
            read_sub(&t, &f, p);
        else
            tarn_thrift_skip(&t, f.type);
    }
    p->header = bytes.ptr;
    p->header_bytes = (size_t)((const char *)t.at - bytes.ptr);
    return !t.failed;
}

static enum tarn_status fetch(struct tarn__chunk_work *w, struct tarn_buf *b, size_t n)
{
    tarn_buf_reset(b);
    if (!tarn_buf_reserve(b, n + 1))
        return (enum tarn_status)tarn_buf_finish(w->op, b, "a page");
    TARN_TRY(w->io->read(w->io->ctx, w->op, w->at, b->ptr, n));
    b->len = n;
    return TARN_OK;
}

/* The header stays in w->packed. */
static enum tarn_status read_header(struct tarn__chunk_work *w, struct page *p)
{
    size_t left = (size_t)(w->end - w->at);
    for (size_t n = HEADER_FIRST;; n *= 4) {
        if (n > left)
            n = left;
        TARN_TRY(fetch(w, &w->packed, n));
        if (parse_header(tarn_buf_view(&w->packed), p))
            break;
        if (n == left || n >= HEADER_MAX)
            return corrupt(w, "a page has no header");
    }
    if (p->plain_bytes < 0 || p->packed_bytes < 0 || p->values < 0 || !p->has_values ||
        (size_t)p->packed_bytes > left - p->header_bytes)
        return corrupt(w, "a page has an impossible header");
    return TARN_OK;
}

/* The old header with other sizes, without a checksum and without statistics of values. */
static enum tarn_status make_header(struct tarn__chunk_work *w, const struct page *p,
                                    size_t plain_bytes, size_t packed_bytes)
{
    struct tarn_thrift t;
    struct tarn_thrift_field f, g;
    int16_t id = 0, to = 0;
    tarn_thrift_init(&t, tarn_str_of(p->header, p->header_bytes));
    while (tarn_thrift_next(&t, &id, &f)) {
        int16_t sub = 0, sub_to = 0;
        if (f.id == 2 || f.id == 3) {
            tarn_thrift_skip(&t, f.type);
            tarn_thrift_put_int_field(&w->out, &to, f.id, TARN_THRIFT_I32,
                                      (int64_t)(f.id == 2 ? plain_bytes : packed_bytes));
        } else if (f.id == 4) {
            tarn_thrift_skip(&t, f.type);
        } else if (f.id == 5) {
            tarn_thrift_put_field(&w->out, &to, f.id, TARN_THRIFT_STRUCT);
            while (tarn_thrift_next(&t, &sub, &g))
                if (g.id == 5)
                    tarn_thrift_skip(&t, g.type);
                else
                    tarn_thrift_copy(&t, &g, &w->out, &sub_to);
            tarn_thrift_put_stop(&w->out);
        } else {
            tarn_thrift_copy(&t, &f, &w->out, &to);
        }
    }
    tarn_thrift_put_stop(&w->out);
    return t.failed ? corrupt(w, "a page has an impossible header") : TARN_OK;
}

/* ---- values */

static uint32_t length_at(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static enum tarn_status cut_levels(struct tarn__chunk_work *w, struct tarn_str *values)
{
    int kinds = (w->element->rep_max > 0) + (w->element->def_max > 0);
    for (int i = 0; i < kinds; i++) {
        if (values->len < 4 || length_at(values->ptr) > values->len - 4)
            return corrupt(w, "levels of a page are longer than it");
        size_t n = 4 + (size_t)length_at(values->ptr);
        *values = tarn_str_of(values->ptr + n, values->len - n);
    }
    return TARN_OK;
}

static enum tarn_status wrong_length(struct tarn__chunk_work *w, uint32_t length)
{
    (void)tarn_fail(w->op, TARN_DATA, "column \"%.*s\" is fixed[%d], and a value has %u byte%s",
                    TARN_STR_ARG(w->element->name), w->length, length, length == 1 ? "" : "s");
    tarn_hint(w->op, "values of fixed[%d] are of %d bytes each: nothing is added or cut", w->length,
              w->length);
    return TARN_DATA;
}

/* The first byte of a variant's metadata: version, "sorted and unique", size of offsets (Variant
 * Encoding Spec). */
#define VARIANT_SORTED 0x10

static void put_unsorted(struct tarn__chunk_work *w, const char *length_and_value, uint32_t n)
{
    size_t at = w->made.len + 4;
    tarn_buf_append(&w->made, length_and_value, 4 + (size_t)n);
    if (n > 0 && !w->made.failed)
        w->made.ptr[at] = (char)((unsigned char)w->made.ptr[at] & ~VARIANT_SORTED);
}

/* w->plain from values.ptr on: "length value length value .." into w->made, which has the levels. */
static enum tarn_status fix_values(struct tarn__chunk_work *w, struct tarn_str values)
{
    while (values.len > 0) {
        if (values.len < 4 || length_at(values.ptr) > values.len - 4)
            return corrupt(w, "a value is longer than its page");
        uint32_t n = length_at(values.ptr);
        if (w->kind == TARN_PARQUET_EDIT_UNSORTED)
            put_unsorted(w, values.ptr, n);
        else if (n != (uint32_t)w->length)
            return wrong_length(w, n);
        else
            tarn_buf_append(&w->made, values.ptr + 4, n);
        values = tarn_str_of(values.ptr + 4 + n, values.len - 4 - n);
    }
    return (enum tarn_status)tarn_buf_finish(w->op, &w->made, "a page");
}

static enum tarn_status put(struct tarn__chunk_work *w, const void *bytes, size_t n)
{
    TARN_TRY(w->io->write(w->io->ctx, w->op, bytes, n));
    *w->written += (int64_t)n;
    w->size_bytes += (int64_t)n;
    return TARN_OK;
}

static enum tarn_status fix_page(struct tarn__chunk_work *w, struct page *p)
{
    struct tarn_str values;
    tarn_buf_reset(&w->plain);
    tarn_buf_reset(&w->made);
    tarn_buf_reset(&w->out);
    TARN_TRY(tarn__page_unpack(w->op, w->codec,
                               tarn_str_of(p->header + p->header_bytes, (size_t)p->packed_bytes),
                               (size_t)p->plain_bytes, &w->plain));
    values = tarn_buf_view(&w->plain);
    if (p->type == PAGE_DATA)
        TARN_TRY(cut_levels(w, &values));
    tarn_buf_append(&w->made, w->plain.ptr, (size_t)(values.ptr - tarn_buf_view(&w->plain).ptr));
    TARN_TRY(fix_values(w, values));
    tarn_buf_reset(&w->plain);
    TARN_TRY(tarn__page_pack(w->op, w->codec, w->level, tarn_buf_view(&w->made), &w->plain));
    TARN_TRY(make_header(w, p, w->made.len, w->plain.len));
    w->plain_bytes += (int64_t)(w->out.len + w->made.len);
    TARN_TRY((enum tarn_status)tarn_buf_finish(w->op, &w->out, "a page's header"));
    TARN_TRY(put(w, w->out.ptr, w->out.len));
    return put(w, w->plain.ptr, w->plain.len);
}

static bool is_dictionary(int32_t encoding)
{
    return encoding == ENCODING_PLAIN_DICTIONARY || encoding == ENCODING_RLE_DICTIONARY;
}

static enum tarn_status next_page(struct tarn__chunk_work *w)
{
    struct page p;
    TARN_TRY(read_header(w, &p));
    size_t whole = p.header_bytes + (size_t)p.packed_bytes;
    TARN_GROW(w->op, w->moves->items, w->moves->count, w->moves->cap);
    w->moves->items[w->moves->count++] = (struct tarn__move){w->at, *w->written};
    TARN_TRY(fetch(w, &w->packed, whole));
    p.header = w->packed.ptr;
    w->at += (int64_t)whole;
    if (p.type == PAGE_DATA && is_dictionary(p.encoding)) {
        w->plain_bytes += (int64_t)p.header_bytes + p.plain_bytes;
        return put(w, w->packed.ptr, whole);
    }
    if ((p.type == PAGE_DATA && p.encoding == ENCODING_PLAIN) ||
        (p.type == PAGE_DICTIONARY &&
         (p.encoding == ENCODING_PLAIN || p.encoding == ENCODING_PLAIN_DICTIONARY)))
        return fix_page(w, &p);
    return tarn_fail(w->op, TARN_UNSUPPORTED,
                     "column \"%.*s\" is written in a way that cannot be changed",
                     TARN_STR_ARG(w->element->name));
}

enum tarn_status tarn__chunk_fix(struct tarn__chunk_work *w)
{
    w->size_bytes = w->plain_bytes = 0;
    while (w->at < w->end) {
        TARN_TRY(tarn_poll(w->op, 2));
        TARN_TRY(next_page(w));
    }
    return TARN_OK;
}

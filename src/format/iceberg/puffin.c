/* puffin: Puffin files, version 1 (spec "Puffin file format"):
 *
 *   magic, blobs ..., magic, footer payload (JSON), i32 its length, 4 bytes of flags, magic
 *
 * Flag bit 0: the payload is an LZ4 frame. Integers are little-endian.
 */
#include "format/iceberg/puffin.h"

#include <lz4frame.h>

#include "format/iceberg/metadata_int.h"

#define MAGIC             "PFA1"
#define MAGIC_BYTES       4U
#define TAIL_BYTES        12U /* payload length, flags, magic */
#define FLAG_COMPRESSED   1U
#define FILE_BYTES_MAX    ((size_t)1 << 32)
#define PAYLOAD_BYTES_MAX ((size_t)256 << 20)

static enum tarn_status corrupt(struct tarn_op *op, const char *what, const char *why)
{
    return tarn_fail(op, TARN_CORRUPT, "could not read Puffin file \"%s\": %s", what, why);
}

/* ---- the footer's place */

struct footer {
    struct tarn_str payload;
    size_t begin; /* of the footer: where blobs end */
    bool compressed;
};

static uint32_t u32_of(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static enum tarn_status footer_find(struct tarn_op *op, struct tarn_str bytes, const char *what,
                                    struct footer *out)
{
    const char *end = bytes.ptr + bytes.len;
    if (bytes.len < 2 * MAGIC_BYTES + TAIL_BYTES)
        return corrupt(op, what, "it is too short");
    if (memcmp(bytes.ptr, MAGIC, MAGIC_BYTES) != 0 ||
        memcmp(end - MAGIC_BYTES, MAGIC, MAGIC_BYTES) != 0)
        return corrupt(op, what, "it does not begin or end as a Puffin file");
    uint32_t length = u32_of(end - TAIL_BYTES), flags = u32_of(end - 2 * MAGIC_BYTES);
    if (length > bytes.len - 2 * MAGIC_BYTES - TAIL_BYTES)
        return corrupt(op, what, "its footer is longer than the file");
    out->begin = bytes.len - TAIL_BYTES - length - MAGIC_BYTES;
    if (memcmp(bytes.ptr + out->begin, MAGIC, MAGIC_BYTES) != 0)
        return corrupt(op, what, "its footer does not begin as one");
    if (flags & ~FLAG_COMPRESSED)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "could not read Puffin file \"%s\": its flags %08x are not known", what,
                         (unsigned)flags);
    out->compressed = (flags & FLAG_COMPRESSED) != 0;
    out->payload = tarn_str_of(bytes.ptr + out->begin + MAGIC_BYTES, length);
    return TARN_OK;
}

/* One whole frame, whose header tells the size (spec "Footer Payload"). */
static bool lz4_frame(LZ4F_dctx *ctx, struct tarn_str frame, char *out, size_t size)
{
    size_t from = 0, to = 0, left = 1;
    while (left != 0) {
        size_t in_n = frame.len - from, out_n = size - to;
        left = LZ4F_decompress(ctx, out + to, &out_n, frame.ptr + from, &in_n, NULL);
        if (LZ4F_isError(left) || (in_n == 0 && out_n == 0 && left != 0))
            return false;
        from += in_n;
        to += out_n;
    }
    return from == frame.len && to == size;
}

static enum tarn_status footer_unpack(struct tarn_op *op, const char *what, struct footer *f)
{
    LZ4F_dctx *ctx;
    LZ4F_frameInfo_t info = {0};
    size_t header = f->payload.len;
    if (!f->compressed)
        return TARN_OK;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)))
        return tarn_fail(op, TARN_NOMEM, "out of memory while reading Puffin file \"%s\"", what);
    size_t told = LZ4F_getFrameInfo(ctx, &info, f->payload.ptr, &header);
    bool sound = !LZ4F_isError(told) && info.contentSize <= PAYLOAD_BYTES_MAX;
    char *text = sound ? tarn_alloc(op, (size_t)info.contentSize + 1) : NULL;
    if (text)
        sound = lz4_frame(ctx, tarn_str_of(f->payload.ptr + header, f->payload.len - header), text,
                          (size_t)info.contentSize);
    LZ4F_freeDecompressionContext(ctx);
    if (sound && !text)
        return op->report.status;
    f->payload = tarn_str_of(text, (size_t)info.contentSize);
    return sound ? TARN_OK : corrupt(op, what, "its footer cannot be decompressed");
}

/* ---- the footer's content */

static enum tarn_status read_fields(struct tarn_op *op, const struct tarn_json *j,
                                    struct tarn_puffin_blob *out)
{
    const struct tarn_json *list;
    struct tarn_json_field must = {.what = "Puffin blob", .required = true};
    TARN_TRY(tarn_json_array(op, j, "fields", must, &list));
    TARN_TRY(tarn__list_check(op, list, "fields of a Puffin blob"));
    if (list->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->fields, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next)
        TARN_TRY(tarn__json_to_i32(op, e, "a field id", &out->fields[out->field_count++]));
    return TARN_OK;
}

static enum tarn_status read_properties(struct tarn_op *op, const struct tarn_json *j,
                                        struct tarn_kvs *out)
{
    const struct tarn_json *o;
    TARN_TRY(tarn_json_object(op, j, "properties",
                              (struct tarn_json_field){.what = "Puffin footer"}, &o));
    return o ? tarn__kvs_from_json(op, o, "properties of a Puffin footer", out) : TARN_OK;
}

static enum tarn_status read_blob(struct tarn_op *op, const struct tarn_json *j,
                                  struct tarn_str file, size_t blobs_end,
                                  struct tarn_puffin_blob *out)
{
    struct tarn_json_field must = {.what = "Puffin blob", .required = true},
                           may = {.what = "Puffin blob"};
    TARN_TRY(tarn_json_str(op, j, "type", must, &out->type));
    TARN_TRY(read_fields(op, j, out));
    TARN_TRY(tarn_json_i64(op, j, "snapshot-id", must, &out->snapshot_id));
    TARN_TRY(tarn_json_i64(op, j, "sequence-number", must, &out->sequence_number));
    TARN_TRY(tarn_json_i64(op, j, "offset", must, &out->offset));
    TARN_TRY(tarn_json_i64(op, j, "length", must, &out->length));
    TARN_TRY(tarn_json_str(op, j, "compression-codec", may, &out->codec));
    TARN_TRY(read_properties(op, j, &out->properties));
    if (out->offset < (int64_t)MAGIC_BYTES || out->length < 0 || out->offset > (int64_t)blobs_end ||
        out->length > (int64_t)blobs_end - out->offset)
        return tarn_fail(op, TARN_CORRUPT,
                         "a blob lies at %lld with %lld bytes, and blobs from %u to %zu",
                         (long long)out->offset, (long long)out->length, MAGIC_BYTES, blobs_end);
    out->bytes = tarn_str_of(file.ptr + out->offset, (size_t)out->length);
    return TARN_OK;
}

static enum tarn_status read_payload(struct tarn_op *op, struct tarn_str file, const char *what,
                                     const struct footer *f, struct tarn_puffin *out)
{
    struct tarn_json *j;
    const struct tarn_json *list;
    struct tarn_json_field must = {.what = "Puffin footer", .required = true};
    TARN_TRY(tarn_json_parse(op, f->payload, what, &j));
    TARN_TRY(tarn_json_array(op, j, "blobs", must, &list));
    TARN_TRY(tarn__list_check(op, list, "blobs of a Puffin file"));
    TARN_TRY(read_properties(op, j, &out->properties));
    if (list->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->blobs, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next)
        TARN_TRY(read_blob(op, e, file, f->begin, &out->blobs[out->count++]));
    return TARN_OK;
}

enum tarn_status tarn_puffin_parse(struct tarn_op *op, struct tarn_str bytes, const char *what,
                                   struct tarn_puffin *out)
{
    struct footer f = {0};
    *out = (struct tarn_puffin){0};
    TARN_TRY(footer_find(op, bytes, what, &f));
    TARN_TRY(footer_unpack(op, what, &f));
    TARN_TRY_WHILE(op, read_payload(op, bytes, what, &f, out), "reading Puffin file \"%s\"", what);
    return TARN_OK;
}

/* ---- writing */

static void put_u32(struct tarn_buf *b, uint32_t v)
{
    char bytes[4] = {(char)v, (char)(v >> 8), (char)(v >> 16), (char)(v >> 24)};
    tarn_buf_append(b, bytes, 4);
}

static void put_blob(struct tarn_json_writer *w, const struct tarn_puffin_blob *blob)
{
    tarn_json_begin_object(w);
    tarn_json_member_str(w, "type", blob->type);
    tarn_json_key(w, "fields");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < blob->field_count; i++)
        tarn_json_put_i64(w, blob->fields[i]);
    tarn_json_end_array(w);
    tarn_json_member_i64(w, "snapshot-id", blob->snapshot_id);
    tarn_json_member_i64(w, "sequence-number", blob->sequence_number);
    tarn_json_member_i64(w, "offset", blob->offset);
    tarn_json_member_i64(w, "length", blob->length);
    if (blob->codec.ptr)
        tarn_json_member_str(w, "compression-codec", blob->codec);
    if (blob->properties.count > 0) {
        tarn_json_key(w, "properties");
        tarn__kvs_put(w, &blob->properties);
    }
    tarn_json_end_object(w);
}

static void put_footer(struct tarn_buf *b, const struct tarn_puffin *p)
{
    struct tarn_json_writer w;
    tarn_buf_z(b, MAGIC);
    size_t begin = b->len;
    tarn_json_writer_init(&w, b);
    tarn_json_begin_object(&w);
    tarn_json_key(&w, "blobs");
    tarn_json_begin_array(&w);
    for (size_t i = 0; i < p->count; i++)
        put_blob(&w, &p->blobs[i]);
    tarn_json_end_array(&w);
    if (p->properties.count > 0) {
        tarn_json_key(&w, "properties");
        tarn__kvs_put(&w, &p->properties);
    }
    tarn_json_end_object(&w);
    if (b->len - begin > INT32_MAX)
        b->failed = b->over_limit = true;
    put_u32(b, (uint32_t)(b->len - begin));
    put_u32(b, 0);
    tarn_buf_z(b, MAGIC);
}

enum tarn_status tarn_puffin_write(struct tarn_op *op, struct tarn_puffin *p, struct tarn_str *out)
{
    struct tarn_buf b;
    for (size_t i = 0; i < p->count; i++)
        if (p->blobs[i].type.len == 0 || !p->blobs[i].bytes.ptr)
            return tarn_fail(op, TARN_INVALID,
                             "could not write a Puffin file: a blob has no type or no bytes");
    tarn_buf_init(&b, FILE_BYTES_MAX);
    tarn_buf_z(&b, MAGIC);
    for (size_t i = 0; i < p->count; i++) {
        p->blobs[i].offset = (int64_t)b.len;
        p->blobs[i].length = (int64_t)p->blobs[i].bytes.len;
        tarn_buf_str(&b, p->blobs[i].bytes);
    }
    put_footer(&b, p);
    return (enum tarn_status)tarn_buf_take(op, &b, "Puffin file", out);
}

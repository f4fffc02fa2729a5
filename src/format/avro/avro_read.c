/* avro_read: a container file's header and blocks. See avro.h.
 *
 *     "Obj" 1, map<string, bytes> metadata, 16 bytes sync
 *     blocks: long count, long size, size bytes, sync
 *
 * The file has no end mark: one that is cut off between two blocks reads as a shorter file.
 * Callers that know the length or the number of items check it.
 */
#include "format/avro/avro_int.h"

#define MAGIC "Obj\x01"

/* Types of the header's own map. */
static const struct tarn_avro_type bytes_type = {.kind = TARN_AVRO_BYTES, .min_bytes = 1};
static const struct tarn_avro_type meta_type = {
    .kind = TARN_AVRO_MAP, .items = &bytes_type, .min_bytes = 1};

static enum tarn_status corrupt(struct tarn_op *op, const char *what, const char *why)
{
    return tarn_fail(op, TARN_CORRUPT, "could not read %s: %s", what, why);
}

static enum tarn_status meta_read(struct tarn_avro_reader *r, struct tarn_op *op,
                                  struct tarn_avro_cursor *c)
{
    struct tarn_avro_items it = {0};
    size_t cap = 0;
    while (tarn_avro_items_next(c, &it, &meta_type)) {
        if (r->meta_count == TARN_AVRO_META_MAX)
            return tarn_fail(op, TARN_LIMIT, "the header of %s has more than %d keys", r->what,
                             TARN_AVRO_META_MAX);
        if (r->meta_count == cap) {
            struct tarn_avro_meta *more;
            cap = cap ? 2 * cap : 16;
            TARN_NEW_ARRAY(op, more, cap);
            for (size_t i = 0; i < r->meta_count; i++)
                more[i] = r->meta[i];
            r->meta = more;
        }
        struct tarn_avro_meta m = {tarn_avro_read_bytes(c), {NULL, 0}};
        m.value = tarn_avro_read_bytes(c);
        r->meta[r->meta_count++] = m;
    }
    return c->error ? corrupt(op, r->what, c->error) : TARN_OK;
}

struct tarn_str tarn_avro_reader_meta(const struct tarn_avro_reader *r, const char *key)
{
    for (size_t i = 0; i < r->meta_count; i++)
        if (tarn_str_is(r->meta[i].key, key))
            return r->meta[i].value;
    return (struct tarn_str){NULL, 0};
}

static void limits_set(struct tarn_avro_limits *to, const struct tarn_avro_limits *from)
{
    *to = (struct tarn_avro_limits){TARN_AVRO_TOTAL_BYTES_MAX, TARN_AVRO_BLOCK_BYTES_MAX};
    if (from && from->total_bytes_max && from->total_bytes_max < to->total_bytes_max)
        to->total_bytes_max = from->total_bytes_max;
    if (from && from->block_bytes_max && from->block_bytes_max < to->block_bytes_max)
        to->block_bytes_max = from->block_bytes_max;
}

static enum tarn_status checksum_check(const struct tarn_avro_reader *r, struct tarn_op *op,
                                       struct tarn_str bytes)
{
    char digits[TARN_AVRO_CHECKSUM_DIGITS + 1];
    struct tarn_str told = tarn_avro_reader_meta(r, TARN_AVRO_CHECKSUM_KEY);
    if (!told.ptr)
        return TARN_OK;
    if (told.len != TARN_AVRO_CHECKSUM_DIGITS)
        return corrupt(op, r->what, "its checksum is none");
    tarn__avro_checksum(bytes, (size_t)(told.ptr - bytes.ptr), digits);
    return tarn_str_is(told, digits) ? TARN_OK
                                     : corrupt(op, r->what, "its checksum does not match");
}

enum tarn_status tarn_avro_reader_init(struct tarn_avro_reader *r, struct tarn_op *op,
                                       struct tarn_str bytes, const char *what,
                                       const struct tarn_avro_limits *limits)
{
    *r = (struct tarn_avro_reader){.what = what};
    limits_set(&r->limits, limits);
    if (!tarn_str_starts(bytes, TARN_STR(MAGIC)))
        return corrupt(op, what, "it is no Avro container file");
    struct tarn_avro_cursor c = tarn_avro_cursor_of(
        tarn_str_of(bytes.ptr + sizeof MAGIC - 1, bytes.len - sizeof MAGIC + 1));
    TARN_TRY(meta_read(r, op, &c));
    struct tarn_str sync = tarn_avro_read_fixed(&c, TARN_AVRO_SYNC_BYTES);
    if (c.error)
        return corrupt(op, what, "its header is cut off");
    memcpy(r->sync, sync.ptr, sizeof r->sync);
    TARN_TRY(checksum_check(r, op, bytes));
    struct tarn_str codec = tarn_avro_reader_meta(r, "avro.codec");
    if (!tarn__avro_codec_of(codec, &r->codec))
        return tarn_fail(op, TARN_UNSUPPORTED, "could not read %s: codec \"%.*s\" is not supported",
                         what, TARN_STR_ARG(codec));
    struct tarn_str schema = tarn_avro_reader_meta(r, "avro.schema");
    if (!schema.ptr)
        return corrupt(op, what, "its header has no schema");
    r->rest = tarn_str_of(c.p, (size_t)(c.end - c.p));
    return tarn_avro_schema_parse(op, schema, what, &r->schema);
}

/* The most that a block of so many packed bytes may become. */
static size_t block_max(const struct tarn_avro_reader *r, size_t packed)
{
    size_t most = r->limits.total_bytes_max - r->total_bytes;
    if (r->limits.block_bytes_max < most)
        most = r->limits.block_bytes_max;
    if (packed >= most / TARN_AVRO_RATIO_MAX)
        return most;
    size_t by_ratio = packed * TARN_AVRO_RATIO_MAX;
    if (by_ratio < TARN_AVRO_RATIO_FREE)
        by_ratio = TARN_AVRO_RATIO_FREE;
    return by_ratio < most ? by_ratio : most;
}

static enum tarn_status block_unpack(struct tarn_avro_reader *r, struct tarn_op *op,
                                     struct tarn_str packed, struct tarn_str *out)
{
    struct tarn_buf plain;
    tarn_buf_init(&plain, block_max(r, packed.len));
    enum tarn_status status = tarn__avro_unpack(op, r->codec, packed, r->what, &plain);
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_take(op, &plain, r->what, out);
    tarn_buf_release(&plain);
    if (status == TARN_LIMIT)
        tarn_detail(op, "a block of %zu bytes decompresses to more than %zu bytes", packed.len,
                    block_max(r, packed.len));
    if (status == TARN_OK)
        r->total_bytes += out->len;
    return status;
}

enum tarn_status tarn_avro_reader_next(struct tarn_avro_reader *r, struct tarn_op *op,
                                       struct tarn_avro_block *out)
{
    *out = (struct tarn_avro_block){0};
    if (r->rest.len == 0)
        return TARN_OK;
    struct tarn_avro_cursor c = tarn_avro_cursor_of(r->rest);
    out->count = tarn_avro_read_long(&c);
    struct tarn_str packed = tarn_avro_read_bytes(&c);
    struct tarn_str sync = tarn_avro_read_fixed(&c, TARN_AVRO_SYNC_BYTES);
    if (c.error || out->count < 0)
        return corrupt(op, r->what, "a block is cut off or its head is damaged");
    if (memcmp(sync.ptr, r->sync, sizeof r->sync) != 0)
        return corrupt(op, r->what, "the sync marker behind a block does not match");
    r->rest = tarn_str_of(c.p, (size_t)(c.end - c.p));
    TARN_TRY(block_unpack(r, op, packed, &out->data));
    size_t least = r->schema->min_bytes;
    if (least ? (uint64_t)out->count > out->data.len / least
              : out->count > TARN_AVRO_EMPTY_ITEMS_MAX)
        return corrupt(op, r->what, "a block has more items than bytes");
    return TARN_OK;
}

/* avro: object container files both ways (Avro specification 1.12: "Schema Declaration", "Binary
 * Encoding", "Object Container Files"), with the attributes that Iceberg adds to schemas (Iceberg
 * spec, appendix A).
 *
 * Pure: bytes <-> structs. What is read comes from outside: every length, count, depth and size
 * after decompression has a limit with a name, below. A reader goes over a file's blocks, a
 * cursor over the values of a block by the *writer's* schema; the caller steps through the
 * schema's tree itself and passes over what it does not want:
 *
 *     struct tarn_avro_reader r;
 *     struct tarn_avro_block b;
 *     TARN_TRY(tarn_avro_reader_init(&r, op, bytes, "manifest x.avro", NULL));
 *     for (;;) {
 *         TARN_TRY(tarn_avro_reader_next(&r, op, &b));
 *         if (!b.data.ptr)
 *             break;
 *         struct tarn_avro_cursor c = tarn_avro_cursor_of(b.data);
 *         for (int64_t i = 0; i < b.count; i++)
 *             ... tarn_avro_read_long(&c) ... tarn_avro_skip(&c, field->type) ...
 *         TARN_TRY(tarn_avro_cursor_finish(&c, op, &r));
 *     }
 *
 * Deliberately absent: schema resolution by defaults and promotions (callers decide), JSON
 * encoding, bzip2 and xz.
 */
#ifndef TARN_FORMAT_AVRO_AVRO_H
#define TARN_FORMAT_AVRO_AVRO_H

#include "base/op.h"

#define TARN_AVRO_SYNC_BYTES 16

/* ---- limits */
#define TARN_AVRO_TOTAL_BYTES_MAX  ((size_t)1 << 30)   /* all blocks of a file, decompressed */
#define TARN_AVRO_BLOCK_BYTES_MAX  ((size_t)256 << 20) /* one block, decompressed */
#define TARN_AVRO_RATIO_MAX        1100 /* decompressed to compressed; deflate cannot pass 1032 */
#define TARN_AVRO_RATIO_FREE       ((size_t)16 << 20) /* a block below this may pass it */
#define TARN_AVRO_SCHEMA_BYTES_MAX ((size_t)16 << 20) /* the schema's text */
#define TARN_AVRO_NODES_MAX        16384              /* types in a schema; symbols of one enum */
#define TARN_AVRO_DEPTH_MAX        64 /* nesting of a schema, and of a value while it is skipped */
#define TARN_AVRO_META_MAX         4096  /* keys of a file's header */
#define TARN_AVRO_EMPTY_ITEMS_MAX  65536 /* items without bytes in one array */

struct tarn_avro_limits {
    size_t total_bytes_max, block_bytes_max; /* 0 = the maxima above */
};

/* ---- schema */
enum tarn_avro_kind {
    TARN_AVRO_NULL,
    TARN_AVRO_BOOLEAN,
    TARN_AVRO_INT,
    TARN_AVRO_LONG,
    TARN_AVRO_FLOAT,
    TARN_AVRO_DOUBLE,
    TARN_AVRO_BYTES,
    TARN_AVRO_STRING,
    TARN_AVRO_RECORD,
    TARN_AVRO_ENUM,
    TARN_AVRO_ARRAY,
    TARN_AVRO_MAP,
    TARN_AVRO_FIXED,
    TARN_AVRO_UNION
};
enum tarn_avro_logical {
    TARN_AVRO_PLAIN, /* none, or one that is not known: the specification says to ignore it */
    TARN_AVRO_DECIMAL,
    TARN_AVRO_UUID,
    TARN_AVRO_DATE,
    TARN_AVRO_TIME_MILLIS,
    TARN_AVRO_TIME_MICROS,
    TARN_AVRO_TIMESTAMP_MILLIS, /* the local-timestamp-* types too */
    TARN_AVRO_TIMESTAMP_MICROS,
    TARN_AVRO_TIMESTAMP_NANOS,
    TARN_AVRO_LOGICAL_MAP /* Iceberg: an array of key/value records */
};

struct tarn_avro_type;
struct tarn_avro_field {
    struct tarn_str name;
    struct tarn_str
        iceberg_name; /* "iceberg-field-name": what it was before sanitising; absent = none */
    int32_t field_id; /* -1 = none */
    const struct tarn_avro_type *type;
    /* The run of fields of constant size from here on: its bytes, and the field behind it. */
    size_t run_bytes, run_next;
};
struct tarn_avro_type {
    enum tarn_avro_kind kind;
    enum tarn_avro_logical logical;
    struct tarn_str name;     /* RECORD, ENUM, FIXED: the full name */
    size_t size;              /* FIXED */
    int32_t precision, scale; /* DECIMAL */
    bool adjust_to_utc;
    int32_t element_id, key_id, value_id; /* ARRAY; MAP; -1 = none */
    struct tarn_avro_field *fields;       /* RECORD */
    size_t field_count;
    const struct tarn_avro_type *items;     /* ARRAY; MAP: of the values */
    const struct tarn_avro_type **branches; /* UNION */
    size_t branch_count;
    struct tarn_str *symbols; /* ENUM */
    size_t symbol_count;
    size_t min_bytes; /* no value takes fewer (a lower bound for types that contain themselves) */
    bool constant;    /* every value takes exactly min_bytes */
};

/* Parses a schema's JSON into op->arena. A type may contain itself by name. A name that is
 * defined twice, which the specification forbids and some writers do, means the later
 * definition from there on. */
enum tarn_status tarn_avro_schema_parse(struct tarn_op *op, struct tarn_str json, const char *what,
                                        const struct tarn_avro_type **out) TARN_MUST_USE;
/* The type beside null: t itself if it is no union, the only other branch of a union with null
 * (or of one), else NULL. */
const struct tarn_avro_type *tarn_avro_beside_null(const struct tarn_avro_type *t);

/* ---- container files */
enum tarn_avro_codec {
    TARN_AVRO_CODEC_NULL,
    TARN_AVRO_CODEC_DEFLATE, /* raw, RFC 1951 */
    TARN_AVRO_CODEC_ZSTANDARD,
    TARN_AVRO_CODEC_SNAPPY /* with a CRC-32 of the plain bytes, big-endian, behind it */
};
struct tarn_avro_meta {
    struct tarn_str key, value;
};
struct tarn_avro_reader {
    const char *what; /* kept by the caller */
    struct tarn_avro_meta *meta;
    size_t meta_count;
    enum tarn_avro_codec codec;
    const struct tarn_avro_type *schema;
    /* inside */
    struct tarn_str rest;
    uint8_t sync[TARN_AVRO_SYNC_BYTES];
    struct tarn_avro_limits limits;
    size_t total_bytes;
};
struct tarn_avro_block {
    int64_t count;
    struct tarn_str data; /* in op->arena; ptr NULL behind the last block */
};

/* Reads the header. `bytes` must live as long as the reader; blocks are copied or decompressed
 * into op->arena. TARN_CORRUPT, TARN_UNSUPPORTED (a codec), TARN_LIMIT. limits may be NULL. */
enum tarn_status tarn_avro_reader_init(struct tarn_avro_reader *r, struct tarn_op *op,
                                       struct tarn_str bytes, const char *what,
                                       const struct tarn_avro_limits *limits) TARN_MUST_USE;
/* The value of a header key; absent if there is none. */
struct tarn_str tarn_avro_reader_meta(const struct tarn_avro_reader *r, const char *key);
enum tarn_status tarn_avro_reader_next(struct tarn_avro_reader *r, struct tarn_op *op,
                                       struct tarn_avro_block *out) TARN_MUST_USE;

/* ---- cursor: over the bytes of a block. The first error sticks (a constant text); from then
 * on everything reads as zero, empty or over, so that one check an item suffices. Bytes and
 * strings point into the block. */
struct tarn_avro_cursor {
    const uint8_t *p, *end;
    const char *error;
};
struct tarn_avro_items { /* zeroed before the first tarn_avro_items_next */
    int64_t left;        /* items of the present block that follow the present one */
    const uint8_t *block_end;
    size_t empty;
};
static inline struct tarn_avro_cursor tarn_avro_cursor_of(struct tarn_str bytes)
{
    const uint8_t *p = (const uint8_t *)(bytes.ptr ? bytes.ptr : "");
    return (struct tarn_avro_cursor){p, p + bytes.len, NULL};
}
/* TARN_CORRUPT if an error has stuck or bytes are left over. */
enum tarn_status tarn_avro_cursor_finish(const struct tarn_avro_cursor *c, struct tarn_op *op,
                                         const struct tarn_avro_reader *r) TARN_MUST_USE;
void tarn_avro_cursor_fail(struct tarn_avro_cursor *c, const char *error);

int64_t tarn_avro_read_long(struct tarn_avro_cursor *c);
int32_t tarn_avro_read_int(
    struct tarn_avro_cursor *c); /* of an int or a long; out of range is an error */
bool tarn_avro_read_boolean(struct tarn_avro_cursor *c);
float tarn_avro_read_float(struct tarn_avro_cursor *c);
double tarn_avro_read_double(struct tarn_avro_cursor *c);
struct tarn_str tarn_avro_read_bytes(
    struct tarn_avro_cursor *c); /* bytes and string; never absent */
struct tarn_str tarn_avro_read_fixed(struct tarn_avro_cursor *c, size_t size);
/* Reads a union's index and returns that branch; any other type is returned as it is. After an
 * error: a null type. */
const struct tarn_avro_type *tarn_avro_read_branch(struct tarn_avro_cursor *c,
                                                   const struct tarn_avro_type *t);
/* Is there one more item of an ARRAY or MAP `t`? The caller then reads it (of a map: a string,
 * then a value). */
bool tarn_avro_items_next(struct tarn_avro_cursor *c, struct tarn_avro_items *it,
                          const struct tarn_avro_type *t);
/* Passes over one value. Its time is bounded by the bytes it takes, not by the schema. */
void tarn_avro_skip(struct tarn_avro_cursor *c, const struct tarn_avro_type *t);

/* ---- writer
 *     tarn_avro_writer_init(&w, op, &options);
 *     tarn_avro_put_long(&w.block, 1); ...;  TARN_GO(tarn_avro_writer_item(&w, op));
 *     status = tarn_avro_writer_finish(&w, op, &bytes);
 * out: tarn_avro_writer_release(&w); */
struct tarn_avro_write {
    struct tarn_str schema; /* JSON; written as it stands */
    const struct tarn_avro_meta *meta;
    size_t meta_count;
    enum tarn_avro_codec codec;
    int level;          /* of deflate (1-9) or zstandard; 0 = the codec's default */
    size_t block_bytes; /* a block is closed when it reaches this; 0 = TARN_AVRO_BLOCK_BYTES */
    uint8_t sync[TARN_AVRO_SYNC_BYTES]; /* should differ from file to file */
    bool checksum; /* of the whole file, under a key in its header; readers check it */
};
#define TARN_AVRO_BLOCK_BYTES ((size_t)64 << 10)
struct tarn_avro_writer {
    struct tarn_buf block; /* the values of the present block, encoded by the caller */
    /* inside */
    size_t checksum_at; /* of its digits in the file; 0 = none */
    struct tarn_buf file, packed;
    struct tarn_avro_write options;
    int64_t count;
    void *codec_state;
};
enum tarn_status tarn_avro_writer_init(struct tarn_avro_writer *w, struct tarn_op *op,
                                       const struct tarn_avro_write *options) TARN_MUST_USE;
/* One value of the file's schema has been put whole into w->block. */
enum tarn_status tarn_avro_writer_item(struct tarn_avro_writer *w,
                                       struct tarn_op *op) TARN_MUST_USE;
/* The file's bytes, in op->arena. The writer is spent. */
enum tarn_status tarn_avro_writer_finish(struct tarn_avro_writer *w, struct tarn_op *op,
                                         struct tarn_str *out) TARN_MUST_USE;
void tarn_avro_writer_release(struct tarn_avro_writer *w); /* safe on a zeroed writer, and twice */

void tarn_avro_put_long(struct tarn_buf *b, int64_t v); /* int, enum and union index too */
void tarn_avro_put_boolean(struct tarn_buf *b, bool v);
void tarn_avro_put_float(struct tarn_buf *b, float v);
void tarn_avro_put_double(struct tarn_buf *b, double v);
void tarn_avro_put_bytes(struct tarn_buf *b, struct tarn_str v); /* string too */
void tarn_avro_put_fixed(struct tarn_buf *b, struct tarn_str v);
/* An array or map of `count` items as one block: begin, the items, end. */
void tarn_avro_put_items_begin(struct tarn_buf *b, size_t count);
void tarn_avro_put_items_end(struct tarn_buf *b, size_t count);

#endif

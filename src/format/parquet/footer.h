/* footer: what the footer of a Parquet file says (parquet-format, parquet.thrift): its schema, its
 * row groups, where column chunks lie and their statistics.
 *
 *     "PAR1" ... pages ... footer (Thrift) | length, 4 bytes | "PAR1"
 *
 * Texts and statistics are borrowed from the bytes that were read; the rest lives in op->arena.
 * Members that a file lacks are -1, or absent texts. Enums of the file are kept as its numbers:
 * what this reader does not know is no error.
 */
#ifndef TARN_FORMAT_PARQUET_FOOTER_H
#define TARN_FORMAT_PARQUET_FOOTER_H

#include "format/parquet/thrift.h"

#define TARN_PARQUET_TAIL          8 /* length and magic */
#define TARN_PARQUET_FOOTER_MAX    ((size_t)256 << 20)
#define TARN_PARQUET_NESTING_LIMIT 64

/* parquet.thrift: Type */
enum {
    TARN_PARQUET_BOOLEAN,
    TARN_PARQUET_INT32,
    TARN_PARQUET_INT64,
    TARN_PARQUET_INT96,
    TARN_PARQUET_FLOAT,
    TARN_PARQUET_DOUBLE,
    TARN_PARQUET_BYTE_ARRAY,
    TARN_PARQUET_FIXED
};
/* ConvertedType, those that mean something to us */
enum {
    TARN_PARQUET_CONVERTED_UTF8,
    TARN_PARQUET_CONVERTED_DECIMAL = 5,
    TARN_PARQUET_CONVERTED_DATE,
    TARN_PARQUET_CONVERTED_TIME_MILLIS,
    TARN_PARQUET_CONVERTED_TIME_MICROS,
    TARN_PARQUET_CONVERTED_TIMESTAMP_MILLIS,
    TARN_PARQUET_CONVERTED_TIMESTAMP_MICROS,
    TARN_PARQUET_CONVERTED_UINT_8,
    TARN_PARQUET_CONVERTED_UINT_64 = 14,
    TARN_PARQUET_CONVERTED_INT_8,
    TARN_PARQUET_CONVERTED_INT_16,
    TARN_PARQUET_CONVERTED_INT_32,
    TARN_PARQUET_CONVERTED_INT_64
};
/* LogicalType: the union's field ids */
enum {
    TARN_PARQUET_LOGICAL_NONE,
    TARN_PARQUET_LOGICAL_STRING,
    TARN_PARQUET_LOGICAL_MAP,
    TARN_PARQUET_LOGICAL_LIST,
    TARN_PARQUET_LOGICAL_ENUM,
    TARN_PARQUET_LOGICAL_DECIMAL,
    TARN_PARQUET_LOGICAL_DATE,
    TARN_PARQUET_LOGICAL_TIME,
    TARN_PARQUET_LOGICAL_TIMESTAMP,
    TARN_PARQUET_LOGICAL_INTEGER = 10,
    TARN_PARQUET_LOGICAL_UNKNOWN,
    TARN_PARQUET_LOGICAL_JSON,
    TARN_PARQUET_LOGICAL_BSON,
    TARN_PARQUET_LOGICAL_UUID,
    TARN_PARQUET_LOGICAL_FLOAT16,
    TARN_PARQUET_LOGICAL_VARIANT,
    TARN_PARQUET_LOGICAL_GEOMETRY,
    TARN_PARQUET_LOGICAL_GEOGRAPHY
};
enum { TARN_PARQUET_MILLIS = 1, TARN_PARQUET_MICROS, TARN_PARQUET_NANOS };
enum { TARN_PARQUET_REQUIRED, TARN_PARQUET_OPTIONAL, TARN_PARQUET_REPEATED };

struct tarn_parquet_element { /* a node of the schema, depth first; the first is the root */
    struct tarn_str name;
    int32_t physical; /* -1: a group */
    int32_t length;   /* of TARN_PARQUET_FIXED */
    int32_t repetition;
    int32_t children;
    int32_t field_id; /* -1: none */
    int32_t converted, scale, precision;
    int32_t logical; /* TARN_PARQUET_LOGICAL_NONE: none */
    int32_t unit;    /* of TIME and TIMESTAMP */
    bool utc;
    size_t utc_at; /* of TIMESTAMP: the offset in the footer of the byte that says so */
    int32_t bits;  /* of INTEGER; 0: not told */
    bool is_unsigned;
    struct tarn_str crs;
    int32_t algorithm; /* of GEOGRAPHY */
    size_t parent;     /* index; of the root: itself */
    size_t leaf;       /* of a leaf: its number */
    int16_t def_max, rep_max;
};
struct tarn_parquet_chunk {
    int32_t physical, codec;
    int64_t values, size_bytes, plain_bytes;
    int64_t data_page, dictionary_page; /* offsets; -1 = none */
    int64_t nulls;
    struct tarn_str min, max; /* in the order of the column's type */
    bool min_exact, max_exact;
    /* of the days before column orders: of signed numbers alone */
    struct tarn_str old_min, old_max;
    size_t
        bloom_at; /* the offset in the footer of the field that says where its Bloom filter is; 0: none */
    bool elsewhere; /* in another file, or encrypted */
    bool indexed;   /* a page index goes with it */
};
struct tarn_parquet_group {
    struct tarn_parquet_chunk *chunks; /* one a leaf */
    int64_t rows;
};
struct tarn_parquet_footer {
    struct tarn_parquet_element *elements;
    size_t element_count, leaf_count;
    size_t *leaves; /* indexes of elements */
    struct tarn_parquet_group *groups;
    size_t group_count;
    int64_t rows;
    bool typed_order; /* min and max of every leaf are in the order of its type */
};

/* The last TARN_PARQUET_TAIL bytes of a file of `size_bytes`: how many bytes of footer stand before
 * them. TARN_CORRUPT; TARN_UNSUPPORTED for an encrypted footer. */
enum tarn_status tarn_parquet_tail(struct tarn_op *op, struct tarn_str tail, uint64_t size_bytes,
                                   size_t *out_length) TARN_MUST_USE;
/* The whole footer. TARN_CORRUPT says what is wrong with it. */
enum tarn_status tarn_parquet_footer_read(struct tarn_op *op, struct tarn_str bytes,
                                          struct tarn_parquet_footer *out) TARN_MUST_USE;
/* Its schema alone: no groups. */
enum tarn_status tarn_parquet_schema_read(struct tarn_op *op, struct tarn_str bytes,
                                          struct tarn_parquet_footer *out) TARN_MUST_USE;

#endif

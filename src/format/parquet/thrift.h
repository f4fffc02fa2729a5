/* thrift: Thrift's compact protocol, as Parquet's footers and page headers have it (Apache Thrift,
 * "Thrift Compact protocol encoding").
 *
 * The reader pulls fields out of bytes that it borrows. Its first failure sticks: getters then give
 * zeros, loops over fields end, and the caller looks at `failed` once. No input makes it read beyond
 * the bytes, recurse deeper than TARN_THRIFT_DEPTH_MAX or loop more often than there are bytes.
 *
 *     int16_t id = 0;
 *     struct tarn_thrift_field f;
 *     while (tarn_thrift_next(t, &id, &f))
 *         if (f.id == 3)
 *             rows = tarn_thrift_int(t, &f);
 *         else
 *             tarn_thrift_skip(t, f.type);
 */
#ifndef TARN_FORMAT_PARQUET_THRIFT_H
#define TARN_FORMAT_PARQUET_THRIFT_H

#include "base/op.h"

#define TARN_THRIFT_DEPTH_MAX 64

enum tarn_thrift_type {
    TARN_THRIFT_STOP,
    TARN_THRIFT_TRUE, /* a field's value lies in its header; an element of a list is a byte */
    TARN_THRIFT_FALSE,
    TARN_THRIFT_I8,
    TARN_THRIFT_I16,
    TARN_THRIFT_I32,
    TARN_THRIFT_I64,
    TARN_THRIFT_DOUBLE,
    TARN_THRIFT_BINARY,
    TARN_THRIFT_LIST,
    TARN_THRIFT_SET,
    TARN_THRIFT_MAP,
    TARN_THRIFT_STRUCT,
    TARN_THRIFT_UUID
};

struct tarn_thrift {
    const unsigned char *at, *end;
    bool failed;
};
struct tarn_thrift_field {
    int16_t id;
    enum tarn_thrift_type type;
};

static inline void tarn_thrift_init(struct tarn_thrift *t, struct tarn_str bytes)
{
    *t = (struct tarn_thrift){.at = (const unsigned char *)bytes.ptr,
                              .end = (const unsigned char *)bytes.ptr + bytes.len};
}
/* The next field of a struct; *last_id is 0 before the first. False: its end, or a failure. */
bool tarn_thrift_next(struct tarn_thrift *t, int16_t *last_id, struct tarn_thrift_field *out);
/* The value of the field just read, which is skipped, with a failure, when it is of another kind. */
int64_t tarn_thrift_int(struct tarn_thrift *t, const struct tarn_thrift_field *f);
int32_t tarn_thrift_i32(struct tarn_thrift *t, const struct tarn_thrift_field *f);
bool tarn_thrift_bool(struct tarn_thrift *t, const struct tarn_thrift_field *f);
struct tarn_str tarn_thrift_binary(struct tarn_thrift *t, const struct tarn_thrift_field *f);
/* A list of structs: the number of its items, of which each is at least a byte of what is left. */
size_t tarn_thrift_structs(struct tarn_thrift *t, const struct tarn_thrift_field *f);
/* False, with a failure: the field is no struct. Its fields follow. */
bool tarn_thrift_struct(struct tarn_thrift *t, const struct tarn_thrift_field *f);
void tarn_thrift_skip(struct tarn_thrift *t, enum tarn_thrift_type type);

/* ---- writing, at the end of a buf, which keeps its failures itself */

void tarn_thrift_put_field(struct tarn_buf *b, int16_t *last_id, int16_t id,
                           enum tarn_thrift_type type);
void tarn_thrift_put_int(struct tarn_buf *b, int64_t value); /* zigzag */
void tarn_thrift_put_binary(struct tarn_buf *b, struct tarn_str bytes);
void tarn_thrift_put_structs(struct tarn_buf *b, size_t count);
static inline void tarn_thrift_put_stop(struct tarn_buf *b)
{
    tarn_buf_put(b, '\0');
}
/* An integer field, header and all. */
void tarn_thrift_put_int_field(struct tarn_buf *b, int16_t *last_id, int16_t id,
                               enum tarn_thrift_type type, int64_t value);
/* The field just read out of `t`, as it is. */
void tarn_thrift_copy(struct tarn_thrift *t, const struct tarn_thrift_field *f, struct tarn_buf *b,
                      int16_t *last_id);

#endif

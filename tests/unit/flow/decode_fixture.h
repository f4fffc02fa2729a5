/* decode_fixture: files in a folder of their own, decoded as ingestion does it, and the result
 * as text. */
#ifndef TESTS_DECODE_FIXTURE_H
#define TESTS_DECODE_FIXTURE_H

#include "flow/decode.h"
#include "flow/shape_int.h"

struct fixture {
    struct tarn_op op;
    char dir[64];
    struct tarn_decode_options options;
    struct tarn_declared declared[16];
    /* the result of fixture_decode */
    struct tarn_shape *shape;
    struct tarn_type target; /* with the last three columns */
    struct tarn_str schema;  /* "a: long, b: string", without them */
    struct tarn_str *rows; /* "{a:1,b:\"x\"}" in order of file and offset, without the last three */
    int64_t *offsets;
    size_t row_count;
    struct tarn_decoder *decoder;
    struct tarn_decoded decoded;
    int rounds;
};

void fixture_open(struct fixture *f, enum tarn_input_format format);
void fixture_close(struct fixture *f);
/* Writes a file of that name; decoded files are all that lie in the folder. */
void fixture_file(struct fixture *f, const char *name, const char *bytes, size_t size);
void fixture_text(struct fixture *f, const char *name, const char *text);
void fixture_declare(struct fixture *f, const char *path, const char *type);
/* Sample, then rounds until nothing misfits. Answers the first failure. */
enum tarn_status fixture_decode(struct fixture *f);
/* One round along a given shape; the shape afterwards is in decoded.shape. */
enum tarn_status fixture_decode_once(struct fixture *f, const struct tarn_shape *shape);
void fixture_forget(struct fixture *f); /* the last result */
/* "file:line:offset column | reason" of letter i */
struct tarn_str fixture_letter(struct fixture *f, size_t i);
struct tarn_str fixture_shape_json(struct fixture *f, const struct tarn_shape *s);

/* One file with one text, decoded: what the tests mostly want. */
void assert_decodes(struct fixture *f, const char *text, const char *schema, const char *rows);
void assert_letter(struct fixture *f, size_t i, const char *expected);
void assert_rows(struct fixture *f, const char *rows); /* rows joined by newlines */

#endif

/* decode_rows: from a file's bytes to records: a window over its stream, and the layouts that
 * cut it into documents or rows.
 *
 *     window   bytes as UTF-8, refilled from the stream, growing only to hold one record
 *     lines    one document a line (a range of the file: many workers)
 *     values   documents one behind another over any lines, or in one array
 *     records  the elements of an array within each document
 *     csv      rows of fields, quoted newlines included
 */
#ifndef TARN_FLOW_DECODE_ROWS_H
#define TARN_FLOW_DECODE_ROWS_H

#include "flow/decode_int.h"
#include "source/file_stream.h"

enum tarn__encoding { TARN__UTF8, TARN__LATIN1, TARN__WINDOWS1252, TARN__UTF16LE, TARN__UTF16BE };

struct tarn__window {
    struct tarn_file_stream *stream;
    char *buf;
    size_t cap;        /* TARN__PAD bytes lie behind */
    size_t begin, end; /* what is not consumed yet */
    uint64_t offset;   /* of buf[begin], in bytes of the decompressed file */
    uint64_t left;     /* how much may still be read: a sample's end */
    bool eof, cut;     /* no more bytes; because `left` ran out */
    enum tarn__encoding encoding;
    unsigned char *raw; /* bytes that are not UTF-8 yet */
    size_t raw_len;
    bool raw_end;
};
/* encoding absent: UTF-8, or UTF-16 if a byte order mark says so. `limit`: UINT64_MAX for the
 * whole file. */
struct tarn__window_options {
    uint64_t offset, limit;
    struct tarn_str encoding;
};
enum tarn_status tarn__encoding_parse(struct tarn_op *op, struct tarn_str name,
                                      enum tarn__encoding *out) TARN_MUST_USE;
enum tarn_status tarn__window_open(struct tarn__window *w, struct tarn_op *op,
                                   const struct tarn_input_file *file,
                                   struct tarn__window_options o) TARN_MUST_USE;
void tarn__window_close(struct tarn__window *w); /* keeps the buffer for the next file */
void tarn__window_release(struct tarn__window *w);
/* Reads on; what is not consumed is kept and may move. Sets eof when nothing came. */
enum tarn_status tarn__window_more(struct tarn__window *w, struct tarn_op *op) TARN_MUST_USE;
void tarn__window_take(struct tarn__window *w, size_t n); /* consumes n bytes of the buffer */

enum tarn__layout { TARN__LINES, TARN__VALUES, TARN__RECORDS, TARN__CSV };

/* Passing over a value by its brackets and quotes, in pieces. */
struct tarn__pass {
    size_t at; /* bytes seen */
    int depth;
    bool started, in_string, escaped, scalar;
    uint64_t in_object[TARN_JSON_DEPTH_MAX / 64];
};

struct tarn__record {
    char *begin, *end; /* in the window; whole unless `letter` */
    uint64_t offset;
    int64_t line; /* counted from the range's first line, from 1 */
    bool high;    /* some byte is not ASCII */
    bool rest;    /* malformed, and where it ends cannot be told: it takes the rest of the file */
    const char *letter; /* it is a dead letter already, for this reason; begin..end is its start */
};

struct tarn__rows {
    struct tarn__window window;
    enum tarn__layout layout;
    uint64_t range_end; /* LINES: records that start here or behind belong to the next range */
    uint64_t bytes_max; /* of a record */
    int64_t lines;      /* lines begun so far */
    bool line_open;     /* a line was begun and its end not seen: values and csv */
    bool ended;
    /* values and records */
    struct tarn__pass pass;
    bool in_array, after_value;
    const char *rest_reason;
    /* records */
    struct tarn_str path[16];
    int path_len, level; /* level: objects entered on the way, -1 = top */
    bool found;
    uint64_t document_offset;
    int64_t document_line;
    char *prefix; /* the start of what is passed over, for its letter */
    size_t prefix_len;
    /* csv */
    char delimiter, quote;
    char reason[96];
};

/* *has false: the end. */
enum tarn_status tarn__rows_next(struct tarn__rows *r, struct tarn_op *op, struct tarn__record *out,
                                 bool *has) TARN_MUST_USE;
enum tarn_status tarn__lines_next(struct tarn__rows *r, struct tarn_op *op,
                                  struct tarn__record *out, bool *has) TARN_MUST_USE;
enum tarn_status tarn__values_next(struct tarn__rows *r, struct tarn_op *op,
                                   struct tarn__record *out, bool *has) TARN_MUST_USE;
enum tarn_status tarn__records_next(struct tarn__rows *r, struct tarn_op *op,
                                    struct tarn__record *out, bool *has) TARN_MUST_USE;
enum tarn_status tarn__csv_next(struct tarn__rows *r, struct tarn_op *op, struct tarn__record *out,
                                bool *has) TARN_MUST_USE;
/* LINES: moves to the first line that starts at or behind the range's begin (the window was
 * opened one byte before it). */
enum tarn_status tarn__lines_begin(struct tarn__rows *r, struct tarn_op *op) TARN_MUST_USE;
/* Looks at the start of a JSON file: lines or values? */
enum tarn_status tarn__layout_detect(struct tarn__rows *r, struct tarn_op *op,
                                     enum tarn__layout *out) TARN_MUST_USE;
/* Passes over the rest of the file, a letter of which was told. */
enum tarn_status tarn__rows_end(struct tarn__rows *r, struct tarn_op *op) TARN_MUST_USE;
enum tarn_status tarn__records_path(struct tarn_op *op, struct tarn_str path,
                                    struct tarn__rows *r) TARN_MUST_USE;

/* ---- helpers of the layouts */

enum tarn__pass_result { TARN__PASS_DONE, TARN__PASS_MORE, TARN__PASS_BROKEN };
/* Goes on at p + s->at, up to `end`. DONE: the value is the first s->at bytes. BROKEN: its
 * brackets do not pair, or a quote is not closed in its line. */
enum tarn__pass_result tarn__pass_on(struct tarn__pass *s, const char *p, const char *end);
/* The next byte that is no white space, 0 at the end. */
enum tarn_status tarn__peek(struct tarn__rows *r, struct tarn_op *op, char *out) TARN_MUST_USE;
/* What stands between values. *c: the first byte of the next one, 0 = the end; else *reason says
 * what is wrong. */
enum tarn_status tarn__value_start(struct tarn__rows *r, struct tarn_op *op, char *c,
                                   const char **reason) TARN_MUST_USE;
/* The whole value that starts at the window's begin as a record. */
enum tarn_status tarn__value_take(struct tarn__rows *r, struct tarn_op *op,
                                  struct tarn__record *out, bool *has) TARN_MUST_USE;
/* Makes the record a letter whose text is what was kept. */
void tarn__rows_letter(struct tarn__rows *r, struct tarn__record *out, const char *reason);
/* The line that the next byte stands in. */
static inline int64_t tarn__line_here(const struct tarn__rows *r)
{
    return r->lines + !r->line_open;
}

/* The first newline in [p, end), or end; *high |= some byte is not ASCII. */
const char *tarn__find_line(const char *p, const char *end, bool *high);
bool tarn__has_high(const char *p, const char *end);
/* The rest of the file as one letter. */
enum tarn_status tarn__rows_rest(struct tarn__rows *r, struct tarn_op *op, const char *reason,
                                 struct tarn__record *out, bool *has) TARN_MUST_USE;
/* Consumes n bytes and counts the lines that they begin. */
void tarn__rows_take(struct tarn__rows *r, size_t n);
/* Keeps the window's first bytes as the start of a letter whose end is still to come. */
enum tarn_status tarn__rows_keep(struct tarn__rows *r, struct tarn_op *op, size_t n) TARN_MUST_USE;

/* ---- csv */

/* The header's columns, as the plan's fields in order. */
struct tarn__csv_header {
    struct tarn__plan_field **fields;
    size_t count, cap;
};
struct tarn__csv_options {
    char delimiter, quote;
    struct tarn_str null_text;
};
/* The record as the header of a file, or (no_header) the names column0, column1 ... for as many
 * fields as it has. TARN_DATA for doubled or empty names. */
enum tarn_status tarn__csv_header_read(struct tarn__decode *d, struct tarn_op *op,
                                       const struct tarn__csv_options *o,
                                       const struct tarn__record *record, bool no_header,
                                       uint64_t position, struct tarn_str file,
                                       struct tarn__csv_header *h) TARN_MUST_USE;
/* One row into the columns; as tarn__document_read. */
bool tarn__csv_read(struct tarn__decode *d, const struct tarn__csv_options *o,
                    const struct tarn__csv_header *h, const struct tarn__record *record);

#endif

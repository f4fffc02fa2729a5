/* decode_state: a decoder's workers, the files they share, and the letters they write. For
 * decode.c, decode_work.c, decode_sample.c.
 *
 * Lock: `lock` guards the hand-out of work (cursor, files' opened/ranges) and `failure`. A
 * worker's own struct is touched by its thread alone until finish. Counts are atomic.
 */
#ifndef TARN_FLOW_DECODE_STATE_H
#define TARN_FLOW_DECODE_STATE_H

#include <pthread.h>

#include "flow/decode_rows.h"

#define TARN__RANGE_BYTES      ((uint64_t)4 << 20)
#define TARN__BATCH_ROWS_MAX   ((size_t)65536)
#define TARN__BATCH_BYTES_MAX  ((size_t)32 << 20)
#define TARN__LETTERS_MAX      ((size_t)1000000)
#define TARN__LETTER_BYTES_MAX ((size_t)256 << 20)
#define TARN__TAIL_COLUMNS     3 /* ingest_ts, _source_file, _source_offset */

struct tarn__file {
    bool opened; /* it is known how it is split */
    enum tarn__layout layout;
    bool detected;               /* layout is known */
    uint64_t ranges, next_range; /* 1 = one worker reads it all */
    int64_t *range_lines;        /* one a range */
    atomic_int_fast64_t rows, letters;
};

struct tarn__letter_record {
    struct tarn_dead_letter letter;
    uint64_t range; /* of the file; its line counts from the range's start */
};

struct tarn__work {
    size_t file;
    uint64_t range;
};

struct tarn__worker {
    struct tarn__decode decode;
    struct tarn__rows rows;
    struct tarn__work work;
    bool active;  /* rows is open over work */
    bool bloated; /* a document filled the budget: the batch ends, and memory is given back */
    bool pending; /* `record` was read ahead */
    struct tarn__record record;
    struct tarn__csv_header header;
    struct tarn__letter_record *letters;
    size_t letter_count, letter_cap;
    struct tarn_arena *letter_arena;
    struct tarn_column view; /* of the whole table */
    int64_t row_count, byte_count;
};

struct tarn__decoder {
    struct tarn_decoder decoder; /* first */
    struct tarn_decode_options options;
    struct tarn_input_files files;
    struct tarn__csv_options csv;
    struct tarn_arena *arena;
    struct tarn__file *state; /* one a file */
    struct tarn__worker *workers;
    int worker_count;
    struct tarn_shape *shape; /* joined at finish */
    pthread_mutex_t lock;
    bool has_lock;
    size_t cursor;
    bool sampling;       /* only looks: bad documents and columns are nobody's concern */
    uint64_t read_limit; /* bytes of each file */
    atomic_bool misfit, failed;
    struct tarn_report failure;
    atomic_size_t letter_count, letter_bytes;
};

enum tarn_status tarn__decoder_new(struct tarn_op *op, const struct tarn_input_files *files,
                                   const struct tarn_decode_options *options,
                                   const struct tarn_shape *shape, const struct tarn_type *target,
                                   bool sampling, struct tarn__decoder **out) TARN_MUST_USE;
/* Opens the worker's next piece of work. *has false: there is none left. */
enum tarn_status tarn__work_take(struct tarn__decoder *s, struct tarn_op *op,
                                 struct tarn__worker *w, bool *has) TARN_MUST_USE;
void tarn__work_close(struct tarn__decoder *s, struct tarn__worker *w);
/* Reads one record of the open work; *has false: it is at its end. A row is in the columns, or a
 * letter was written, or neither (sampling). */
enum tarn_status tarn__work_step(struct tarn__decoder *s, struct tarn_op *op,
                                 struct tarn__worker *w, bool *has) TARN_MUST_USE;

#endif

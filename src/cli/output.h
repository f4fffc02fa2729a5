/* output: results to standard output as a table, JSON, NDJSON, CSV, Markdown or records.
 *
 * Rows come as batches of the engine or as texts of a listing; both look alike:
 *
 *     struct tarn_output out;
 *     tarn_output_init(&out, &options);
 *     TARN_GO(tarn_output_begin(&out, op, tarn_result_type(result)));
 *     while (tarn_output_wants_more(&out)) {
 *         next batch, or break;
 *         TARN_GO(tarn_output_batch(&out, op, &batch));
 *     }
 *     TARN_GO(tarn_output_end(&out, op));
 *   out:
 *     tarn_output_release(&out);
 *
 *     static const struct tarn_output_column columns[] = {{"table", TARN_OUTPUT_TEXT},
 *                                                         {"rows", TARN_OUTPUT_NUMBER}};
 *     tarn_output_begin_listing(&out, op, columns, 2);
 *     tarn_output_row(&out, op, cells);                     absent cells are null
 *
 * table    is kept until the end (rows_max at most) and followed by "(4 rows)"; on a terminal long
 *          cells are cut so that lines fit
 * json     {"v":1,"columns":[{"name":"id","type":"long"}],"rows":[{"id":1}],"row_count":1}
 * ndjson   an object a line
 * csv      RFC 4180 with line feeds and a header
 * md       a table of GitHub's Markdown
 * expanded a line a column, a block a row: for rows too wide to stand side by side; rows_max as for
 *          tables
 * In JSON two columns of one name get _2, _3 ... behind it, so that no value is lost.
 *
 * A reader that has gone away (EPIPE) is no error: reader_gone is set, nothing more is written,
 * tarn_output_wants_more is false, and the verb leaves quietly with TARN_OUTPUT_EXIT_GONE. SIGPIPE
 * must be ignored (main does). Other failures to write are reported.
 */
#ifndef TARN_CLI_OUTPUT_H
#define TARN_CLI_OUTPUT_H

#include "cli/options.h"
#include "format/batch.h"

#define TARN_OUTPUT_EXIT_GONE 141 /* what a shell reports for a program that SIGPIPE ended */

struct tarn_output_options {
    enum tarn_format format;
    int fd;           /* 1 */
    int width;        /* table: columns of the terminal; 0 = no limit */
    int64_t rows_max; /* table: 0 = 1000 */
    bool no_count;    /* table: without "(4 rows)" */
    /* table: the count tells the time since then: "(4 rows, 12 ms)"; 0 = it does not */
    uint64_t started_ns;
    struct tarn_str tag;   /* json: a member "tag" behind the rows; absent = none */
    struct tarn_buf *into; /* takes the bytes in place of fd; NULL = fd */
};

/* Of a listing's cells. */
enum tarn_output_kind {
    TARN_OUTPUT_TEXT,
    TARN_OUTPUT_NUMBER,
    TARN_OUTPUT_BOOLEAN,
    TARN_OUTPUT_JSON
};
struct tarn_output_column {
    const char *name;
    enum tarn_output_kind kind;
};

struct tarn_output {
    struct tarn_output_options options;
    int64_t rows; /* taken so far, those that a table does not show included */
    bool more;    /* table: there were more than rows_max */
    bool reader_gone;
    /* inside */
    struct tarn__output_state *state;
};

void tarn_output_init(struct tarn_output *out, const struct tarn_output_options *options);
/* NULL-safe; after tarn_output_init at any time. */
void tarn_output_release(struct tarn_output *out);
/* type: a STRUCT whose fields are the columns; borrowed until the end. */
enum tarn_status tarn_output_begin(struct tarn_output *out, struct tarn_op *op,
                                   const struct tarn_type *type) TARN_MUST_USE;
enum tarn_status tarn_output_begin_listing(struct tarn_output *out, struct tarn_op *op,
                                           const struct tarn_output_column *columns,
                                           size_t count) TARN_MUST_USE;
enum tarn_status tarn_output_batch(struct tarn_output *out, struct tarn_op *op,
                                   const struct tarn_batch *batch) TARN_MUST_USE;
enum tarn_status tarn_output_row(struct tarn_output *out, struct tarn_op *op,
                                 const struct tarn_str *cells) TARN_MUST_USE;
/* False when further rows would not be written: the reader is gone, or a table is full and it is
 * known that there are more. */
bool tarn_output_wants_more(const struct tarn_output *out);
enum tarn_status tarn_output_end(struct tarn_output *out, struct tarn_op *op) TARN_MUST_USE;

/* Writes all bytes; *out_reader_gone (may be NULL) on EPIPE, which is then TARN_OK. For whatever is
 * no table: help, JSON documents. */
enum tarn_status tarn_output_bytes(struct tarn_op *op, int fd, struct tarn_str bytes,
                                   bool *out_reader_gone) TARN_MUST_USE;

#endif

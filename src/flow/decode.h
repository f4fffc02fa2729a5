/* decode: bytes of files to columns, in parallel (a tarn_producer), with dead letters and the
 * shape on the side.
 *
 * A decoder reads files as documents or rows and hands out batches of the target columns, whose
 * last three are always ingest_ts (timestamptz), _source_file (string),
 * _source_offset (long: byte offset of the document in the decompressed file). A document that
 * is malformed, or holds a value that a *declared* column cannot hold exactly, or breaks a
 * limit, becomes a dead letter as a whole; the rest of its batch goes on. A value that does not
 * fit an undeclared target column, or an unknown key, is no dead letter: it widens the shape
 * and sets `misfit`; from then on the decoder only infers (its batches are void) and the caller
 * starts anew with the wider shape.
 *
 *     infer a first shape from samples (tarn_decode_sample)      -> shape joined with the
 *     table's own
 *     loop: type = shape's type; decode; misfit? join and again  (at most a few rounds: the
 *     second has seen everything)
 */
#ifndef TARN_FLOW_DECODE_H
#define TARN_FLOW_DECODE_H

#include "flow/shape.h"
#include "format/batch.h"
#include "source/source.h"

/* Parquet goes through the engine */
enum tarn_input_format { TARN_INPUT_EJSON, TARN_INPUT_JSON, TARN_INPUT_CSV };

struct tarn_decode_options {
    enum tarn_input_format format;
    /* JSON: dotted path of the array of records in a document ("data.invoices"); absent = each
     * top-level document (NDJSON, concatenated, or one array) */
    struct tarn_str records;
    char delimiter, quote; /* CSV: ',' and '"' by default (0) */
    bool no_header;        /* CSV: columns are column0, column1, ... */
    /* "utf-8" (default; a BOM is passed over), "latin-1", "windows-1252", "utf-16" */
    struct tarn_str encoding;
    /* CSV: unquoted text that means null besides the empty one; absent = none */
    struct tarn_str null_text;
    const struct tarn_declared *declared;
    size_t declared_count;
    int64_t ingest_ts_us;
    uint64_t document_bytes_max; /* 0 = 16 MiB... the limit's name is document_size_max */
    int depth_max;               /* 0 = 100; the limit's name is nesting_max */
    int workers;                 /* 0 = cores */
};
struct tarn_dead_letter {
    size_t file;            /* index into the input */
    int64_t line;           /* from 1, in the decompressed file; 0 = not known */
    int64_t offset;         /* bytes in the decompressed file */
    struct tarn_str raw;    /* the record's bytes, cut at 64 KiB */
    struct tarn_str column; /* dotted path; absent = the whole record */
    struct tarn_str reason; /* "lines.element.debit: 'abc' is not a number" */
};
struct tarn_decode_file {
    int64_t rows, letters, lines;
};
struct tarn_decoder {
    struct tarn_producer producer; /* schema = the target type that was given */
    /* inside */
    void *state;
};
/* `target` ends with the three columns; field ids are the table's. Files are opened lazily. */
enum tarn_status tarn_decoder_open(struct tarn_op *op, const struct tarn_input_files *files,
                                   const struct tarn_decode_options *,
                                   const struct tarn_shape *shape, const struct tarn_type *target,
                                   struct tarn_decoder **out) TARN_MUST_USE;
/* After all workers have ended: letters sorted by (file, offset) in op->arena; per-file counts;
 * the widened shape (owned by the decoder) and whether there was a misfit.
 * Checks that no input changed under the read. More letters than `letters_max` (memory) is
 * TARN_LIMIT. */
struct tarn_decoded {
    struct tarn_dead_letter *letters;
    size_t letter_count;
    struct tarn_decode_file *files; /* one an input file */
    int64_t rows, bytes;
    bool misfit;
    const struct tarn_shape *shape;
};
enum tarn_status tarn_decoder_finish(struct tarn_decoder *, struct tarn_op *op,
                                     struct tarn_decoded *out) TARN_MUST_USE;
void tarn_decoder_close(struct tarn_decoder *);
/* A shape from the first documents of each file (about 1 MiB a file, at most 64 MiB). Never an
 * error for bad documents. */
enum tarn_status tarn_decode_sample(struct tarn_op *op, const struct tarn_input_files *files,
                                    const struct tarn_decode_options *,
                                    struct tarn_shape **out) TARN_MUST_USE;

#endif

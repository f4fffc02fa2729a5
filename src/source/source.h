/* source: where rows come from. In this version: files on disk (source/files).
 *
 * A files source lists what a stream's globs match, with what is needed to know a file again
 * (path, size, modification time, checksum),
 * and hands the bytes of chosen files out in chunks that can be read in parallel: a chunk starts
 * at a record's start and ends at a record's end where the format
 * allows it (line formats), else a file is one chunk after another on one worker (JSON arrays,
 * gz, zstd). A chunk is {file, byte offset in the decompressed file, bytes}.
 * Its position is the set of files that are committed in the table's ledger; the caller keeps that.
 * Truncated or corrupt gz/zstd: the whole file is refused (TARN_CORRUPT naming it) before any of
 * its rows is handed on, so reading checks a compressed file to its end first
 * (or decodes it whole under a size limit). A file that changes while it is read (size or mtime
 * differ afterwards): TARN_IO, nothing of it may be committed.
 */
#ifndef TARN_SOURCE_H
#define TARN_SOURCE_H

#include "format/batch.h"
#include "io/storage/storage.h"

enum tarn_compression { TARN_COMPRESSION_NONE, TARN_COMPRESSION_GZIP, TARN_COMPRESSION_ZSTD };
struct tarn_input_file {
    struct tarn_str path; /* absolute */
    /* relative to the source's base folder: what _source_file and the ledger say */
    struct tarn_str name;
    uint64_t size_bytes;
    int64_t modified_us;
    /* "xxh64:0123456789abcdef" of the raw bytes; filled by tarn_files_checksum */
    struct tarn_str checksum;
    enum tarn_compression compression; /* by magic bytes, not by name */
};
struct tarn_input_files {
    struct tarn_input_file *items; /* sorted by name */
    size_t count;
};
/* Files below `base` that match any of the globs (*, ?, [..], ** over folders, {a,b}), relative
 * to base; hidden files and *.tmp, *.part are passed over.
 * A missing base folder is TARN_CONFIG; an unreadable file TARN_DENIED naming it; no match is an
 * empty list. */
enum tarn_status tarn_files_list(struct tarn_op *op, struct tarn_str base,
                                 const struct tarn_str *globs, size_t glob_count,
                                 struct tarn_input_files *out) TARN_MUST_USE;
/* Parallel over files and big files' ranges are not needed: memory bandwidth is. */
enum tarn_status tarn_files_checksum(struct tarn_op *op, struct tarn_input_files *files,
                                     int threads) TARN_MUST_USE;

#endif

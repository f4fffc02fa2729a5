/* scan_text: what a scan reads and what it passes over, in a line for people (EXPLAIN). */
#include "lake/scan.h"

static struct tarn_str megabytes(struct tarn_op *op, int64_t bytes)
{
    if (bytes < 1000000)
        return tarn_sprintf(op, "%.1f kB", (double)bytes / 1e3);
    return tarn_sprintf(op, "%.1f MB", (double)bytes / 1e6);
}

static const char *files_word(int64_t n)
{
    return n == 1 ? "file" : "files";
}

/* What deletes hide of the files that are read. */
static void put_deletes(struct tarn_buf *b, const struct tarn_scan *scan)
{
    int64_t positions = 0, equality = 0;
    for (size_t i = 0; i < scan->file_count; i++)
        positions += scan->files[i].file->record_count - tarn_scan_file_rows(&scan->files[i]);
    for (size_t i = 0; i < scan->equality_count; i++)
        equality += (int64_t)scan->equality[i].delete_count;
    if (positions > 0)
        tarn_buf_printf(b, "; %lld %s deleted by position", (long long)positions,
                        positions == 1 ? "row" : "rows");
    if (equality > 0)
        tarn_buf_printf(b, "; %lld equality delete %s", (long long)equality, files_word(equality));
}

enum tarn_status tarn_scan_text(struct tarn_op *op, struct tarn_str name,
                                const struct tarn_scan *scan, const struct tarn_expr *filter,
                                struct tarn_str *out)
{
    const struct tarn_scan_skips *k = &scan->skips;
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)1 << 20);
    struct tarn_str read = megabytes(op, k->bytes - k->bytes_skipped),
                    all = megabytes(op, k->bytes);
    tarn_buf_printf(&b, "%.*s: %zu of %lld %s, %lld of %lld rows, %.*s of %.*s read",
                    TARN_STR_ARG(name), scan->file_count, (long long)k->files, files_word(k->files),
                    (long long)(k->rows - k->rows_skipped), (long long)k->rows, TARN_STR_ARG(read),
                    TARN_STR_ARG(all));
    if (k->files_skipped_partition > 0 || k->files_skipped_bounds > 0)
        tarn_buf_printf(&b, "; %lld %s skipped by partition, %lld by bounds",
                        (long long)k->files_skipped_partition,
                        files_word(k->files_skipped_partition), (long long)k->files_skipped_bounds);
    tarn_buf_printf(&b, "; %lld of %lld manifests skipped", (long long)k->manifests_skipped,
                    (long long)k->manifests);
    put_deletes(&b, scan);
    if (filter) {
        struct tarn_str text = tarn_expr_text(op, scan->schema, filter);
        tarn_buf_printf(&b, "; filter %.*s", TARN_STR_ARG(text));
    }
    if (scan->snapshot)
        tarn_buf_printf(&b, "; snapshot %lld", (long long)scan->snapshot->snapshot_id);
    return (enum tarn_status)tarn_buf_take(op, &b, "a line of the plan", out);
}

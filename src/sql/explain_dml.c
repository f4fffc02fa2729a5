/* explain_dml: how a statement that changes rows changes the files of its table. */
#include "sql/dml_int.h"
#include "sql/explain_int.h"
#include "sql/insert_int.h"

#include <stdio.h>

/* ---- DELETE, UPDATE, MERGE */

static enum tarn_status how_rows_go(struct tarn__dml *d, size_t files)
{
    struct tarn__run *r = d->r;
    char key[64];
    (void)snprintf(key, sizeof key, "write.%s.mode", d->what);
    bool said = tarn_kvs_get(&d->table->metadata.properties, key) != NULL;
    if (d->copy_on_write)
        return tarn__explain_line(r,
                                  "%s: copy-on-write (%s%s): of the %zu file%s read, those that "
                                  "hold rows which change are written anew",
                                  d->what, said ? "" : "the default of ", key, files,
                                  files == 1 ? "" : "s");
    if (d->by_key.count)
        return tarn__explain_line(r,
                                  "%s: merge-on-read (%s): old rows are deleted by their "
                                  "identifier in equality delete files, none is written anew",
                                  d->what, key);
    return tarn__explain_line(r,
                              "%s: merge-on-read (%s): old rows are marked in %s, files without "
                              "others are removed, none is written anew",
                              d->what, key,
                              d->lineage ? "deletion vectors" : "position delete files");
}

/* Files that go as a whole were taken out of the scan: they are not read. */
static struct tarn_scan what_is_read(const struct tarn_scan *scan)
{
    struct tarn_scan out = *scan;
    out.skips.bytes_skipped = out.skips.bytes;
    out.skips.rows_skipped = out.skips.rows;
    for (size_t i = 0; i < scan->file_count; i++) {
        out.skips.bytes_skipped -= scan->files[i].file->size_bytes;
        out.skips.rows_skipped -= scan->files[i].file->record_count;
    }
    return out;
}

enum tarn_status tarn__explain_dml(struct tarn__dml *d, bool whole)
{
    struct tarn__run *r = d->r;
    struct tarn_str line, name = d->table->ident.name;
    if (!r->explain)
        return TARN_OK;
    const struct tarn_scan_skips *k = &d->scan->skips;
    size_t met = (size_t)(k->files - k->files_skipped_partition - k->files_skipped_bounds);
    name = tarn_sprintf(r->op,
                        "%.*s.%.*s"
                        "%s%.*s",
                        TARN_STR_ARG(d->table->ident.ns), TARN_STR_ARG(d->table->ident.name),
                        d->target.suffix.ptr ? "." : "", TARN_STR_ARG(d->target.suffix));
    if (!name.ptr)
        return TARN_NOMEM;
    if (whole)
        return tarn__explain_line(r, "%.*s: all %zu file%s go as a whole, unread",
                                  TARN_STR_ARG(name), d->scan->file_count,
                                  d->scan->file_count == 1 ? "" : "s");
    struct tarn_scan scan = what_is_read(d->scan);
    TARN_TRY(tarn_scan_text(r->op, name, &scan, d->filter, &line));
    TARN_TRY(tarn__explain_line(r, "%.*s", TARN_STR_ARG(line)));
    if (met > d->scan->file_count)
        TARN_TRY(tarn__explain_line(
            r, "%s: %zu file%s go%s as a whole, unread: all rows meet the condition", d->what,
            met - d->scan->file_count, met - d->scan->file_count == 1 ? "" : "s",
            met - d->scan->file_count == 1 ? "es" : ""));
    return d->scan->file_count ? how_rows_go(d, d->scan->file_count) : TARN_OK;
}

/* ---- INSERT */

static const char *replaced(const struct tarn__insert *x)
{
    const struct tarn_str *mode =
        tarn_kvs_get(&x->table->metadata.properties, "tarn.overwrite-mode");
    bool dynamic = mode && tarn_str_is(*mode, "dynamic") && !x->has_partition;
    for (size_t i = 0; i < x->key_count; i++)
        dynamic = dynamic || !x->keys[i].value.ptr;
    if (x->where.ptr)
        return "rows for which the condition holds";
    if (dynamic && x->key_count)
        return "of the PARTITION named, the partitions that new rows fall into";
    if (dynamic)
        return "the partitions that new rows fall into (tarn.overwrite-mode)";
    return x->key_count ? "the rows of the PARTITION named" : "all rows, unread";
}

enum tarn_status tarn__explain_insert(struct tarn__insert *x)
{
    struct tarn__run *r = x->r;
    if (!r->explain)
        return TARN_OK;
    struct tarn_ident i = x->table->ident;
    if (!x->overwrite)
        return tarn__explain_line(r,
                                  "insert: files are added to "
                                  "%.*s.%.*s",
                                  TARN_STR_ARG(i.ns), TARN_STR_ARG(i.name));
    return tarn__explain_line(r,
                              "insert: replaced in "
                              "%.*s.%.*s"
                              ": %s",
                              TARN_STR_ARG(i.ns), TARN_STR_ARG(i.name), replaced(x));
}

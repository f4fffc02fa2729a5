/* table: an Iceberg table of a catalog, opened at one metadata file; scan planning over it.
 *
 * A tarn_table is a value in the op's arena that never changes: what a query, a model or a
 * change is based on. `staged` ones are metadata files that no
 * catalog points to yet.
 */
#ifndef TARN_LAKE_TABLE_H
#define TARN_LAKE_TABLE_H

#include "catalog/catalog.h"
#include "lake/scan.h"

/* What lake/ works with; borrowed, thread-safe. */
struct tarn_lake {
    struct tarn_storage *storage;
    struct tarn_catalog *catalog;
    struct tarn_delete_reader *deletes; /* NULL: tables with position deletes cannot be planned */
};

struct tarn_table {
    struct tarn_ident ident;
    struct tarn_str metadata_location;
    struct tarn_metadata metadata;
    bool staged;
    /* of a staged one: the published table below it; NULL: one that is only being made */
    const struct tarn_table *root;
};

/* TARN_TABLE (with the ident) when the catalog does not have it; TARN_CORRUPT naming the
 * metadata file; TARN_NOT_FOUND with a hint when the metadata file
 * is gone (a moved warehouse). */
enum tarn_status tarn_table_load(const struct tarn_lake *, struct tarn_op *, struct tarn_ident,
                                 struct tarn_table **out) TARN_MUST_USE;
/* As tarn_table_load, but an absent table is TARN_OK with *out NULL. */
enum tarn_status tarn_table_find(const struct tarn_lake *, struct tarn_op *, struct tarn_ident,
                                 struct tarn_table **out) TARN_MUST_USE;
enum tarn_status tarn_table_read(const struct tarn_lake *, struct tarn_op *, struct tarn_ident,
                                 struct tarn_str metadata_location,
                                 struct tarn_table **out) TARN_MUST_USE;

/* All live entries of a snapshot (NULL = none): data and delete files with inheritance applied. */
struct tarn_live_files {
    struct tarn_manifest_entry *items;
    size_t count;
};
enum tarn_status tarn_table_manifests(const struct tarn_lake *, struct tarn_op *,
                                      const struct tarn_metadata *, const struct tarn_snapshot *,
                                      struct tarn_manifest_list *out) TARN_MUST_USE;
enum tarn_status tarn_table_manifest(const struct tarn_lake *, struct tarn_op *,
                                     const struct tarn_metadata *,
                                     const struct tarn_manifest_file *,
                                     struct tarn_manifest *out) TARN_MUST_USE;
enum tarn_status tarn_table_live_files(const struct tarn_lake *, struct tarn_op *,
                                       const struct tarn_metadata *, const struct tarn_snapshot *,
                                       struct tarn_live_files *out) TARN_MUST_USE;

/* Time travel. A version is a snapshot id or the name of a branch or tag (a name wins over a number
 * that is also a name); a time picks what was current then, by the snapshot log (trap 28).
 * TARN_NOT_FOUND names what there is. */
enum tarn_status tarn_table_version(struct tarn_op *, const struct tarn_table *,
                                    struct tarn_str version,
                                    const struct tarn_snapshot **out) TARN_MUST_USE;
enum tarn_status tarn_table_as_of(struct tarn_op *, const struct tarn_table *, int64_t timestamp_us,
                                  const struct tarn_snapshot **out) TARN_MUST_USE;
/* The columns that a version shows, as Spark has it: a branch the table's current ones, an id, a
 * tag or a time those that the snapshot was written with. */
const struct tarn_schema *tarn_table_columns(const struct tarn_table *,
                                             const struct tarn_snapshot *, bool of_branch);

/* Plans a scan of a snapshot (NULL = the current one). filter may be NULL. Position deletes
 * and deletion vectors are applied, equality deletes handed on; file formats other than Parquet are
 * TARN_UNSUPPORTED naming the table. A file or manifest that
 * cannot be read is named. The columns are the table's current ones for the current snapshot and for
 * the head of a branch, else those of the snapshot. */
enum tarn_status tarn_table_scan(const struct tarn_lake *, struct tarn_op *,
                                 const struct tarn_table *, const struct tarn_snapshot *,
                                 const struct tarn_expr *filter,
                                 struct tarn_scan **out) TARN_MUST_USE;
/* With these columns (tarn_table_columns). */
enum tarn_status tarn_table_scan_columns(const struct tarn_lake *, struct tarn_op *,
                                         const struct tarn_table *, const struct tarn_snapshot *,
                                         const struct tarn_schema *, const struct tarn_expr *filter,
                                         struct tarn_scan **out) TARN_MUST_USE;

/* Rows, files and bytes of the current snapshot, out of its summary where it has the totals,
 * else counted. Rows that position deletes
 * name are counted exactly by a scan; without lake->deletes, and where a scan is not supported,
 * by the deletes' own counts. */
struct tarn_table_totals {
    int64_t rows, data_files, delete_files, bytes;
    bool rows_open; /* equality deletes may hide some of the rows */
};
enum tarn_status tarn_table_totals(const struct tarn_lake *, struct tarn_op *,
                                   const struct tarn_table *,
                                   struct tarn_table_totals *out) TARN_MUST_USE;

/* For a name that is no branch or tag: "did you mean" the nearest one? */
void tarn_metadata_hint_ref(struct tarn_op *, const struct tarn_metadata *, struct tarn_str name);

#endif

/* change: everything that turns one version of a table into the next, and the commit of several.
 *
 *     tarn_change_open(lake, op, base, &c);           or tarn_change_create: makes the table
 *     tarn_change_set_schema, _append, _delete_files, _set_property, _require_property ...
 *     tarn_change_stage(c, op, &table);               written, and pointed to by no catalog
 *     tarn_changes_commit(lake, op, changes, n, o);   one catalog transaction; on conflict:
 *                                                     refresh, validate, stage anew, retry
 *
 * Rules
 * 1. No manifest names a file before the file and its folders are synced: stage calls
 *    tarn_storage_finish on every file that was added.
 * 2. The snapshot id is chosen at open and kept through every retry; sequence number, parent and
 *    metadata file are not.
 * 3. Preconditions (tarn_change_require_property) are checked against the newest metadata at every
 *    try: a mismatch is TARN_FENCED and never retried.
 * 4. A change that removes files or rows, or replaces all rows, conflicts (TARN_CONFLICT) with any
 *    commit in between that changed rows; a pure append does not. A schema change conflicts with
 *    another one in between. Commits in between that only rewrote files ("replace") conflict with
 *    row deletes only.
 * 5. UNKNOWN is looked up by snapshot id; nothing is deleted until the outcome is known. After a
 *    failure that is known, manifests and metadata that stage wrote are removed; data files belong
 *    to the caller (tarn_change_discard removes them).
 * 6. A change without any effect stages nothing: tarn_change_is_empty.
 * Owner: the op's arena; one thread.
 */
#ifndef TARN_LAKE_CHANGE_H
#define TARN_LAKE_CHANGE_H

#include "lake/table.h"

struct tarn_change;

struct tarn_create {
    struct tarn_str location;         /* of the table */
    const struct tarn_schema *schema; /* ids 0 are assigned */
    /* source ids refer to the schema; field ids are assigned from 1000 */
    struct tarn_partition_spec spec;
    struct tarn_sort_order order; /* no fields: unsorted */
    /* "format-version" in it picks the version (2 when absent) and is not kept */
    struct tarn_kvs properties;
};
/* A spec out of expressions such as "day(ingest_ts)", "bucket(16, id)", "region" over a schema
 * whose ids are assigned; partition fields are named as Spark
 * names them (ingest_ts_day, id_bucket, name_trunc, region). TARN_COLUMN for an unknown column,
 * TARN_INVALID for a transform that its type does not take. */
enum tarn_status tarn_spec_make(struct tarn_op *, const struct tarn_schema *,
                                const struct tarn_str *exprs, size_t count,
                                struct tarn_partition_spec *out) TARN_MUST_USE;

/* Base is a loaded table, or the staged table of another change of the same transaction: then both
 * are given to tarn_changes_commit in that order, the last one's metadata is published, and a
 * conflict is not retried (its rows were made from rows that nobody else has seen). A table of
 * format version 1 can be opened, but nothing is written to it unless tarn_change_upgrade is called:
 * TARN_UNSUPPORTED, with a hint, from append, add_deletes, delete_files and stage. */
enum tarn_status tarn_change_open(const struct tarn_lake *, struct tarn_op *,
                                  const struct tarn_table *base,
                                  struct tarn_change **out) TARN_MUST_USE;
enum tarn_status tarn_change_create(const struct tarn_lake *, struct tarn_op *, struct tarn_ident,
                                    const struct tarn_create *,
                                    struct tarn_change **out) TARN_MUST_USE;

/* The metadata as the change has it so far: schema and spec for writing files. */
const struct tarn_metadata *tarn_change_metadata(const struct tarn_change *);
struct tarn_ident tarn_change_ident(const struct tarn_change *);
int64_t tarn_change_snapshot_id(const struct tarn_change *);

/* A new current schema: fields with id 0 get fresh ids; the others must exist and may be
 * renamed, promoted, made optional, reordered or left out. */
enum tarn_status tarn_change_set_schema(struct tarn_change *, struct tarn_op *,
                                        const struct tarn_schema *) TARN_MUST_USE;
/* A new default spec (fields by source id): equal historical fields keep their ids (trap 24). */
enum tarn_status tarn_change_set_spec(struct tarn_change *, struct tarn_op *,
                                      const struct tarn_partition_spec *) TARN_MUST_USE;
/* value absent: removed */
enum tarn_status tarn_change_set_property(struct tarn_change *, struct tarn_op *,
                                          struct tarn_str key, struct tarn_str value) TARN_MUST_USE;
/* Adds to the snapshot's summary. Metrics and "operation" cannot be overridden (trap 30). */
enum tarn_status tarn_change_set_summary(struct tarn_change *, struct tarn_op *,
                                         struct tarn_str key, struct tarn_str value) TARN_MUST_USE;
/* The property must have this value (absent: must not be set) whenever the change is committed. */
enum tarn_status tarn_change_require_property(struct tarn_change *, struct tarn_op *,
                                              struct tarn_str key,
                                              struct tarn_str value) TARN_MUST_USE;

/* data */
enum tarn_status tarn_change_append(struct tarn_change *, struct tarn_op *,
                                    const struct tarn_data_file *files, size_t count) TARN_MUST_USE;
/* Paths of data files, and of delete files that go by themselves. TARN_CONFLICT at stage if one is
 * not there. With a data file go its deletion vector and the position deletes of it alone. */
enum tarn_status tarn_change_delete_files(struct tarn_change *, struct tarn_op *,
                                          const struct tarn_str *paths, size_t count) TARN_MUST_USE;
/* Position deletes (v2), deletion vectors (v3 only; one live vector a data file: those that it
 * replaces go, and those of data files that are removed, trap 9), equality deletes. The latter hide
 * every older row of their columns' values, and a commit that is tried again is younger than what
 * came in meanwhile: data files that may hold such values are a conflict, whatever the isolation. */
enum tarn_status tarn_change_add_deletes(struct tarn_change *, struct tarn_op *,
                                         const struct tarn_data_file *files,
                                         size_t count) TARN_MUST_USE;
/* A data file that holds rows which the change's equality deletes are about, and was read: it must be
 * as it was (tarn_change_set_isolation). An equality delete in a change that names none of them may
 * be about any file. */
enum tarn_status tarn_change_touch(struct tarn_change *, struct tarn_op *,
                                   struct tarn_str path) TARN_MUST_USE;
void tarn_change_delete_all(struct tarn_change *); /* all rows that there are */
bool tarn_change_is_empty(const struct tarn_change *);
/* Does it add or remove rows? Then its version has a snapshot of its own, of
 * tarn_change_snapshot_id. */
bool tarn_change_has_rows(const struct tarn_change *);

/* ---- versions, branches and tags, history. Each may be combined with rows unless it says so. */

/* Format version upwards only (spec "Version 3", upgrade rules): TARN_INVALID downwards. */
enum tarn_status tarn_change_upgrade(struct tarn_change *, struct tarn_op *,
                                     int version) TARN_MUST_USE;
/* Rows of this change go to a branch: parent, validation and removal look at its head (trap 28).
 * "main" is the default. A branch that is not there: TARN_NOT_FOUND. A tag: TARN_INVALID. */
enum tarn_status tarn_change_set_branch(struct tarn_change *, struct tarn_op *,
                                        struct tarn_str branch) TARN_MUST_USE;
/* Makes or replaces a branch or tag; retention members of -1 are absent. The snapshot must exist,
 * or be tarn_change_snapshot_id: that of this change's rows, an empty one if it has none (CREATE
 * BRANCH in a table without snapshots). A branch does not become a tag or the reverse:
 * TARN_INVALID. Here and below, a ref that another commit moved meanwhile is a conflict. */
enum tarn_status tarn_change_set_ref(struct tarn_change *, struct tarn_op *,
                                     const struct tarn_ref *) TARN_MUST_USE;
/* main cannot go: TARN_INVALID. TARN_NOT_FOUND names what there is. */
enum tarn_status tarn_change_remove_ref(struct tarn_change *, struct tarn_op *,
                                        struct tarn_str name) TARN_MUST_USE;
/* Points main at a snapshot that exists: rollback and set-current. must_be_ancestor: TARN_INVALID
 * unless it is one of the current snapshot. */
enum tarn_status tarn_change_set_current(struct tarn_change *, struct tarn_op *,
                                         int64_t snapshot_id, bool must_be_ancestor) TARN_MUST_USE;
/* `branch` moves on to the head of `to`, of which it must be an ancestor (else TARN_CONFLICT). */
enum tarn_status tarn_change_fast_forward(struct tarn_change *, struct tarn_op *,
                                          struct tarn_str branch, struct tarn_str to) TARN_MUST_USE;
/* Applies an append, a dynamic overwrite or what was staged for audit onto main, as Iceberg Java
 * does: if its parent is main's head, main moves to it; else its files are added by a new snapshot
 * with source-snapshot-id. Picked already: TARN_INVALID. No other rows in this change. */
enum tarn_status tarn_change_cherry_pick(struct tarn_change *, struct tarn_op *,
                                         int64_t snapshot_id) TARN_MUST_USE;
/* The snapshot is added but nothing points to it (write-audit-publish); wap.id in the summary. */
enum tarn_status tarn_change_stage_wap(struct tarn_change *, struct tarn_op *,
                                       struct tarn_str wap_id) TARN_MUST_USE;
/* A new default sort order (fields by source id, 0 fields = unsorted); an equal one keeps its id. */
enum tarn_status tarn_change_set_sort_order(struct tarn_change *, struct tarn_op *,
                                            const struct tarn_sort_order *) TARN_MUST_USE;
enum tarn_status tarn_change_set_location(struct tarn_change *, struct tarn_op *,
                                          struct tarn_str location) TARN_MUST_USE;
/* CREATE OR REPLACE: schema, spec, sort order and properties of a new table (fields keep the id of
 * their name and nested path where the type can be promoted, as Iceberg Java does); main has no
 * snapshot, or the rows that this change adds; history stays. Properties that are not among the
 * new ones go; without a location or a format version the table keeps its own. Before any rows;
 * whatever else was committed meanwhile is a conflict. */
enum tarn_status tarn_change_replace(struct tarn_change *, struct tarn_op *,
                                     const struct tarn_create *) TARN_MUST_USE;
/* What a change that removes or replaces rows conflicts with (rule 4), as write.<statement>.
 * isolation-level says: serializable (the default) with commits in between that add rows which may
 * match `filter` (NULL = any), snapshot only with such that remove rows of the files that this
 * change touches. Either way files that it names must still be there, and have lost no rows; who
 * deletes all rows conflicts with rows that came in. Without this call rule 4 holds as it stands.
 * filter is copied; it is bound to the base's current schema. */
enum tarn_isolation { TARN_ISOLATION_SERIALIZABLE, TARN_ISOLATION_SNAPSHOT };
enum tarn_status tarn_change_set_isolation(struct tarn_change *, struct tarn_op *,
                                           enum tarn_isolation,
                                           const struct tarn_expr *filter) TARN_MUST_USE;
/* The files that are added hold no new rows (compaction): operation "replace", lineage stays. It
 * conflicts only with what touched the files that it replaces. */
void tarn_change_only_rewrites(struct tarn_change *);

/* Writes what the next version needs and gives it as a table; may be called again after a
 * conflict. */
enum tarn_status tarn_change_stage(struct tarn_change *, struct tarn_op *,
                                   struct tarn_table **out) TARN_MUST_USE;
struct tarn_commit_options {
    int tries; /* 0 = 8 */
};
/* All or none. TARN_CONFLICT, TARN_FENCED, TARN_UNKNOWN as above. On TARN_OK each change's table
 * is the published one. */
enum tarn_status tarn_changes_commit(const struct tarn_lake *, struct tarn_op *,
                                     struct tarn_change **changes, size_t count,
                                     struct tarn_commit_options) TARN_MUST_USE;
const struct tarn_table *tarn_change_table(const struct tarn_change *); /* after stage or commit */
/* The data files given to append are somebody else's until they are committed: whatever happens,
 * they are left where they are and not counted below. */
void tarn_change_keep_appended(struct tarn_change *);
/* Every file that the change wrote or was given: data, delete files, manifests, metadata. */
size_t tarn_change_file_count(const struct tarn_change *);
struct tarn_str tarn_change_file(const struct tarn_change *, size_t index);
/* Removes every file that the change wrote or was given, best effort. Only when it is known not
 * to be committed. */
void tarn_change_discard(struct tarn_change *, struct tarn_op *);

#endif

/* change_int: a change's inside, shared by change*.c (recording), stage*.c (writing the next
 * version), validate.c (what came in between) and commit.c. */
#ifndef TARN_LAKE_CHANGE_INT_H
#define TARN_LAKE_CHANGE_INT_H

#include "lake/lake_int.h"

#define TARN__MAIN "main"

struct tarn__str_list {
    struct tarn_str *items;
    size_t count, cap;
};
enum tarn_status tarn__str_list_add(struct tarn_op *op, struct tarn__str_list *list,
                                    struct tarn_str s) TARN_MUST_USE;

struct tarn__file_list {
    struct tarn_data_file *items;
    size_t count, cap, finished; /* the first `finished` are synced */
};
enum tarn_status tarn__file_list_add(struct tarn_op *op, struct tarn__file_list *list,
                                     const struct tarn_data_file *files,
                                     size_t count) TARN_MUST_USE;

/* What a snapshot is made of: a change's own rows, or those of the snapshot that it picks. */
struct tarn__rows {
    struct tarn__file_list appended, deletes;
    struct tarn__str_list removed; /* paths of data and delete files */
    bool remove_all;
    const char *operation;   /* NULL: as the files say */
    struct tarn_kvs summary; /* value absent: not there */
};

/* Something done to branches and tags. Steps are kept in order and done again at every try. */
enum tarn__step_kind {
    TARN__STEP_SET_REF,     /* ref */
    TARN__STEP_REMOVE_REF,  /* ref.name */
    TARN__STEP_SET_CURRENT, /* ref.snapshot_id, must_be_ancestor */
    TARN__STEP_FAST_FORWARD /* ref.name, to */
};
struct tarn__step {
    enum tarn__step_kind kind;
    struct tarn_ref ref;
    struct tarn_str to;
    bool must_be_ancestor;
};

struct tarn_change {
    const struct tarn_lake *lake;
    struct tarn_ident ident;
    const struct tarn_table *base; /* NULL: created by this change; staged: see change.h, chains */
    /* base with everything but snapshots applied */
    struct tarn_metadata metadata;
    bool has_schema, has_spec, has_order, has_properties, has_location, has_version;
    bool replaced; /* CREATE OR REPLACE: everything is `metadata`'s, main is empty */
    struct tarn_kvs set_properties; /* value absent = remove */
    struct tarn_kvs required;       /* value absent = must not be set */
    struct tarn__rows rows;
    bool asked_remove_all;         /* rows.remove_all unless there is nothing to remove */
    struct tarn__str_list touched; /* data files of rows that equality deletes are about */
    bool only_rewrites;
    bool keeps_appended; /* appended files are somebody else's: never removed */
    bool has_isolation;
    enum tarn_isolation isolation;
    const struct tarn_expr *filter;
    struct tarn_str branch; /* absent: main */
    struct tarn_str wap_id; /* absent: the branch moves on to the snapshot */
    int64_t pick;           /* snapshot to be picked, 0 = none */
    struct tarn__step *steps;
    size_t step_count;
    bool has_own_ref; /* a step names this change's own snapshot */
    int64_t snapshot_id;
    struct tarn_table *staged;
    struct tarn_table *published;  /* of the middle of a chain: what its end became */
    struct tarn__str_list written; /* manifests, list, metadata of the last stage */
    struct tarn__str_list stale;   /* those of earlier stages */
};

static inline bool tarn__change_has_rows(const struct tarn_change *c)
{
    const struct tarn__rows *r = &c->rows;
    return r->appended.count || r->deletes.count || r->removed.count || r->remove_all;
}
static inline bool tarn__change_removes(const struct tarn_change *c)
{
    return c->rows.deletes.count || c->rows.removed.count || c->rows.remove_all;
}
static inline struct tarn_str tarn__change_branch(const struct tarn_change *c)
{
    return c->branch.ptr ? c->branch : TARN_STR(TARN__MAIN);
}
/* A deletion vector: position deletes as a blob of a Puffin file. */
static inline bool tarn__is_vector(const struct tarn_data_file *f)
{
    return f->content == TARN_CONTENT_POSITION_DELETES &&
           (f->content_offset >= 0 || tarn_str_eq_nocase(f->format, TARN_STR("PUFFIN")));
}
int64_t tarn__now_ms(void);
enum tarn_status tarn__new_uuid(struct tarn_op *op, struct tarn_str *out) TARN_MUST_USE;
enum tarn_status tarn__new_snapshot_id(struct tarn_op *op, int64_t *out) TARN_MUST_USE;
/* As tarn_kvs_with, but an absent value is kept as an entry. */
enum tarn_status tarn__kvs_record(struct tarn_op *op, struct tarn_kvs *list, struct tarn_str key,
                                  struct tarn_str value) TARN_MUST_USE;

/* ---- change_schema.c: schemas, versions, CREATE OR REPLACE; change_layout.c: specs, sort orders */
/* Names and types that a table of this format version may have. */
enum tarn_status tarn__schema_check(struct tarn_op *op, const struct tarn_schema *schema,
                                    int format_version) TARN_MUST_USE;
/* TARN_UNSUPPORTED for version 1. */
enum tarn_status tarn__check_writable(const struct tarn_change *c, struct tarn_op *op,
                                      int format_version) TARN_MUST_USE;
/* "format-version" of a new table's properties, out of which it is taken; `otherwise` if absent. */
enum tarn_status tarn__take_version(struct tarn_op *op, struct tarn_kvs *properties, int otherwise,
                                    int *out) TARN_MUST_USE;

/* ---- change_refs.c */
/* The head of a branch; NULL: it has no snapshot yet, or is not there. */
const struct tarn_snapshot *tarn__branch_head(const struct tarn_metadata *m, struct tarn_str name);
/* Moves a branch to a snapshot; its settings stay (trap 28). A branch that is not there is made. */
enum tarn_status tarn__branch_move(struct tarn_op *op, struct tarn_metadata *m,
                                   struct tarn_str name, int64_t snapshot_id) TARN_MUST_USE;
/* Does the change's steps anew. own: those that name the change's own snapshot, else the others. */
enum tarn_status tarn__steps_apply(struct tarn_change *c, struct tarn_op *op,
                                   struct tarn_metadata *m, bool own) TARN_MUST_USE;

/* ---- change_pick.c */
/* What picking c->pick onto main means now: *out_forward: main only moves to it; else out's rows
 * are to be added. */
enum tarn_status tarn__pick_resolve(struct tarn_change *c, struct tarn_op *op,
                                    const struct tarn_metadata *m, bool *out_forward,
                                    struct tarn__rows *out) TARN_MUST_USE;

/* ---- stage.c */
/* metadata = base's, with the change's schema, spec, properties and steps. */
enum tarn_status tarn__change_apply(struct tarn_change *c, struct tarn_op *op,
                                    const struct tarn_metadata *base,
                                    struct tarn_metadata *out) TARN_MUST_USE;
enum tarn_status tarn__change_check_required(struct tarn_change *c, struct tarn_op *op,
                                             const struct tarn_metadata *m) TARN_MUST_USE;
enum tarn_status tarn__put_object(struct tarn_change *c, struct tarn_op *op, struct tarn_str path,
                                  struct tarn_str bytes) TARN_MUST_USE;
/* "<location>/metadata", or what write.metadata.path says. */
enum tarn_status tarn__metadata_folder(struct tarn_op *op, const struct tarn_metadata *m,
                                       struct tarn_str *out) TARN_MUST_USE;

/* ---- stage_rows.c: what a snapshot's manifests hold, before they are written */
struct tarn__pending {                        /* a manifest to be */
    const struct tarn_manifest_file *carried; /* as it is, or NULL: */
    const struct tarn_manifest_entry *entries;
    size_t count;
    int32_t spec_id;
    bool deletes;
};
struct tarn__totals {
    int64_t added_files, added_records, added_bytes;
    int64_t added_delete_files, added_position_files, added_vectors, added_position_deletes,
        added_equality_files, added_equality_deletes;
    int64_t removed_files, removed_records, removed_bytes;
    int64_t removed_delete_files, removed_position_files, removed_vectors, removed_position_deletes,
        removed_equality_files, removed_equality_deletes;
};
struct tarn__plan {
    struct tarn__pending *items; /* new files first, then the parent's, in their order */
    size_t count;
    struct tarn__totals totals;
};
enum tarn_status tarn__rows_plan(struct tarn_change *c, struct tarn_op *op,
                                 const struct tarn_metadata *m, const struct tarn_snapshot *parent,
                                 const struct tarn__rows *rows,
                                 struct tarn__plan *out) TARN_MUST_USE;

/* ---- stage_merge.c: small manifests become one (commit.manifest.*) */
enum tarn_status tarn__plan_merge(struct tarn_change *c, struct tarn_op *op,
                                  const struct tarn_metadata *m,
                                  struct tarn__plan *plan) TARN_MUST_USE;

/* ---- stage_summary.c */
enum tarn_status tarn__make_summary(struct tarn_op *op, const struct tarn__rows *rows,
                                    const struct tarn_snapshot *parent,
                                    const struct tarn__totals *t,
                                    struct tarn_kvs *out) TARN_MUST_USE;

/* ---- stage_snapshot.c */
/* Writes the snapshot's manifests and list, fills in out_snapshot; m->next_row_id moves on. */
enum tarn_status tarn__snapshot_write(struct tarn_change *c, struct tarn_op *op,
                                      struct tarn_metadata *m, const struct tarn_snapshot *parent,
                                      const struct tarn__rows *rows,
                                      struct tarn_snapshot *out_snapshot) TARN_MUST_USE;

/* ---- validate.c */
enum tarn_status tarn__change_conflict(struct tarn_change *c, struct tarn_op *op,
                                       const char *why) TARN_MUST_USE;
/* May the change be made on top of `now` instead of its base? */
enum tarn_status tarn__change_validate(struct tarn_change *c, struct tarn_op *op,
                                       const struct tarn_metadata *now) TARN_MUST_USE;

#endif

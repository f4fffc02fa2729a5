/* change_int: a change's inside, shared by change.c (recording), stage.c (writing the next
 * version) and commit.c. */
#ifndef TARN_LAKE_CHANGE_INT_H
#define TARN_LAKE_CHANGE_INT_H

#include "lake/lake_int.h"

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

struct tarn_change {
    const struct tarn_lake *lake;
    struct tarn_ident ident;
    const struct tarn_table *base; /* NULL: created by this change */
    /* base with schema, spec and properties applied; no snapshot yet */
    struct tarn_metadata metadata;
    bool has_schema, has_spec, has_properties;
    struct tarn_kvs set_properties; /* value absent = remove */
    struct tarn_kvs summary;
    struct tarn_kvs required; /* value absent = must not be set */
    struct tarn__file_list appended, deletes;
    struct tarn__str_list removed;
    bool remove_all;
    int64_t snapshot_id;
    struct tarn_table *staged;
    struct tarn__str_list written; /* manifests, list, metadata of the last stage */
    struct tarn__str_list stale;   /* those of earlier stages */
};

static inline bool tarn__change_has_rows(const struct tarn_change *c)
{
    return c->appended.count || c->deletes.count || c->removed.count || c->remove_all;
}
static inline bool tarn__change_removes(const struct tarn_change *c)
{
    return c->deletes.count || c->removed.count || c->remove_all;
}
int64_t tarn__now_ms(void);
enum tarn_status tarn__new_uuid(struct tarn_op *op, struct tarn_str *out) TARN_MUST_USE;
enum tarn_status tarn__new_snapshot_id(struct tarn_op *op, int64_t *out) TARN_MUST_USE;
/* metadata = base's, with the change's schema, spec and properties. */
enum tarn_status tarn__change_apply(struct tarn_change *c, struct tarn_op *op,
                                    const struct tarn_metadata *base,
                                    struct tarn_metadata *out) TARN_MUST_USE;
enum tarn_status tarn__change_check_required(struct tarn_change *c, struct tarn_op *op,
                                             const struct tarn_metadata *m) TARN_MUST_USE;
/* Writes the snapshot's manifests and list, fills in out_snapshot. */
enum tarn_status tarn__snapshot_write(struct tarn_change *c, struct tarn_op *op,
                                      const struct tarn_metadata *m,
                                      struct tarn_snapshot *out_snapshot) TARN_MUST_USE;

#endif

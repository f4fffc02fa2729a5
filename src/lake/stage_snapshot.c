/* stage_snapshot: writes a snapshot's manifests and manifest list.
 *
 * Sequence numbers and row ids of added files are left null in manifests and inherited (traps 4
 * and 11), so a retry only has to write anew.
 */
#include "lake/change_int.h"

struct writer {
    struct tarn_change *c;
    struct tarn_op *op;
    const struct tarn_metadata *m;
    struct tarn_str folder, uuid;
    int64_t sequence_number;
    int counter;
    struct tarn_manifest_list list;
};

static enum tarn_status write_manifest(struct writer *w, const struct tarn__pending *p)
{
    struct tarn_manifest_file *f = &w->list.files[w->list.count];
    struct tarn_str bytes;
    struct tarn_manifest_write in = {
        .metadata = w->m,
        .schema = tarn_metadata_schema(w->m),
        .spec = tarn_metadata_spec_by_id(w->m, p->spec_id),
        .deletes = p->deletes,
        .snapshot_id = w->c->snapshot_id,
        .next_sequence_number = w->sequence_number,
        .entries = p->entries,
        .count = p->count,
    };
    if (!in.spec)
        return tarn_fail(w->op, TARN_INTERNAL, "partition spec %d is not in the table metadata",
                         p->spec_id);
    TARN_TRY(tarn_manifest_write(w->op, &in, &bytes, f));
    f->path = tarn_sprintf(w->op, "%.*s/%.*s-m%d.avro", TARN_STR_ARG(w->folder),
                           TARN_STR_ARG(w->uuid), w->counter++);
    if (!f->path.ptr)
        return TARN_NOMEM;
    f->sequence_number = w->sequence_number;
    f->added_snapshot_id = w->c->snapshot_id;
    f->first_row_id = -1;
    TARN_TRY(tarn__put_object(w->c, w->op, f->path, bytes));
    w->list.count++;
    return TARN_OK;
}

static enum tarn_status write_manifests(struct writer *w, const struct tarn__plan *plan)
{
    TARN_NEW_ARRAY(w->op, w->list.files, plan->count + 1);
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->items[i].carried)
            w->list.files[w->list.count++] = *plan->items[i].carried;
        else
            TARN_TRY(write_manifest(w, &plan->items[i]));
    }
    return TARN_OK;
}

/* Spec "Snapshot Row IDs": the ids start at the table's next one, which moves on by what the list
 * gave away. */
static enum tarn_status write_list(struct writer *w, struct tarn_metadata *m,
                                   struct tarn_snapshot *s)
{
    struct tarn_str bytes;
    struct tarn_manifest_list_write in = {.format_version = m->format_version,
                                          .snapshot_id = s->snapshot_id,
                                          .parent_id = s->parent_id,
                                          .sequence_number = s->sequence_number,
                                          .first_row_id = m->next_row_id};
    int64_t next_row_id;
    s->manifest_list = tarn_sprintf(w->op, "%.*s/snap-%lld-%lld-%.*s.avro", TARN_STR_ARG(w->folder),
                                    (long long)s->snapshot_id, (long long)s->sequence_number,
                                    TARN_STR_ARG(w->uuid));
    if (!s->manifest_list.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_manifest_list_write(w->op, &w->list, &in, &bytes, &next_row_id));
    if (m->format_version >= 3) {
        s->first_row_id = m->next_row_id;
        s->added_rows = next_row_id - m->next_row_id;
        m->next_row_id = next_row_id;
    }
    return tarn__put_object(w->c, w->op, s->manifest_list, bytes);
}

enum tarn_status tarn__snapshot_write(struct tarn_change *c, struct tarn_op *op,
                                      struct tarn_metadata *m, const struct tarn_snapshot *parent,
                                      const struct tarn__rows *rows, struct tarn_snapshot *s)
{
    struct tarn__plan plan;
    struct writer w = {.c = c, .op = op, .m = m, .sequence_number = m->last_sequence_number + 1};
    TARN_TRY(tarn__new_uuid(op, &w.uuid));
    TARN_TRY(tarn__metadata_folder(op, m, &w.folder));
    TARN_TRY(tarn__rows_plan(c, op, m, parent, rows, &plan));
    TARN_TRY(tarn__plan_merge(c, op, m, &plan));
    TARN_TRY(write_manifests(&w, &plan));
    *s = (struct tarn_snapshot){
        .snapshot_id = c->snapshot_id,
        .parent_id = parent ? parent->snapshot_id : 0,
        .sequence_number = w.sequence_number,
        .schema_id = m->current_schema_id,
        .first_row_id = -1,
        .added_rows = -1,
    };
    TARN_TRY(write_list(&w, m, s));
    return tarn__make_summary(op, rows, parent, &plan.totals, &s->summary);
}

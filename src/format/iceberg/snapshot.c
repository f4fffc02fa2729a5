/* snapshot: snapshots and references of a metadata file (spec "Snapshots", "Snapshot References", appendix C). */
#include "format/iceberg/metadata_int.h"

/* ---- snapshots */

static enum tarn_status read_manifests(struct tarn_op *op, const struct tarn_json *j,
                                       struct tarn_snapshot *out)
{
    const struct tarn_json *list;
    struct tarn_json_field must = {.what = "snapshot without a manifest list", .required = true};
    TARN_TRY(tarn_json_array(op, j, "manifests", must, &list));
    TARN_TRY(tarn__list_check(op, list, "manifests of a snapshot"));
    if (list->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->manifests, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next) {
        if (e->kind != TARN_JSON_K_STRING)
            return tarn_fail(op, TARN_CORRUPT, "snapshot: a manifest's path is not a string");
        out->manifests[out->manifest_count++] = e->text;
    }
    return TARN_OK;
}

/* 0 stands for "none" in our structs, -1 in the files of others: neither can be a snapshot. */
static enum tarn_status read_ids(struct tarn_op *op, const struct tarn_json *j,
                                 struct tarn_snapshot *out)
{
    struct tarn_json_field must = {.what = "snapshot", .required = true},
                           may = {.what = "snapshot"};
    TARN_TRY(tarn_json_i64(op, j, "snapshot-id", must, &out->snapshot_id));
    if (out->snapshot_id == 0 || out->snapshot_id == -1)
        return tarn_fail(op, TARN_CORRUPT, "snapshot: field \"snapshot-id\" cannot be %d",
                         (int)out->snapshot_id);
    TARN_TRY(tarn_json_i64(op, j, "parent-snapshot-id", may, &out->parent_id));
    if (out->parent_id == -1)
        out->parent_id = 0;
    TARN_TRY(tarn_json_i64(op, j, "sequence-number", may, &out->sequence_number));
    if (out->sequence_number < 0)
        return tarn_fail(op, TARN_CORRUPT, "snapshot %lld: its sequence number is negative",
                         (long long)out->snapshot_id);
    return TARN_OK;
}

static const char *const SNAPSHOT_KEYS[] = {
    "snapshot-id",  "parent-snapshot-id", "sequence-number", "timestamp-ms",
    "summary",      "manifest-list",      "manifests",       "schema-id",
    "first-row-id", "added-rows",         "key-id",
};

enum tarn_status tarn__snapshot_from_json(struct tarn_op *op, const struct tarn_json *j,
                                          struct tarn_snapshot *out)
{
    struct tarn_json_field must = {.what = "snapshot", .required = true},
                           may = {.what = "snapshot"};
    const struct tarn_json *summary;
    *out = (struct tarn_snapshot){.schema_id = -1, .first_row_id = -1, .added_rows = -1};
    TARN_TRY(read_ids(op, j, out));
    TARN_TRY(tarn_json_i64(op, j, "timestamp-ms", must, &out->timestamp_ms));
    TARN_TRY(tarn_json_object(op, j, "summary", may, &summary));
    if (summary)
        TARN_TRY(tarn__kvs_from_json(op, summary, "summary of a snapshot", &out->summary));
    TARN_TRY(tarn_json_str(op, j, "manifest-list", may, &out->manifest_list));
    if (!out->manifest_list.ptr)
        TARN_TRY(read_manifests(op, j, out));
    TARN_TRY(tarn_json_i32(op, j, "schema-id", may, &out->schema_id));
    TARN_TRY(tarn_json_i64(op, j, "first-row-id", may, &out->first_row_id));
    TARN_TRY(tarn_json_i64(op, j, "added-rows", may, &out->added_rows));
    TARN_TRY(tarn_json_str(op, j, "key-id", may, &out->key_id));
    return tarn__json_extra(op, j, SNAPSHOT_KEYS, sizeof SNAPSHOT_KEYS / sizeof SNAPSHOT_KEYS[0],
                            &out->extra);
}

/* "operation" stands first, as Iceberg Java has it. */
static void put_summary(struct tarn_json_writer *w, const struct tarn_kvs *summary)
{
    const struct tarn_str *operation = tarn_kvs_get(summary, "operation");
    tarn_json_key(w, "summary");
    tarn_json_begin_object(w);
    if (operation)
        tarn_json_member_str(w, "operation", *operation);
    for (size_t i = 0; i < summary->count; i++) {
        if (tarn_str_is(summary->items[i].key, "operation"))
            continue;
        tarn_json_key_str(w, summary->items[i].key);
        tarn_json_put_str(w, summary->items[i].value);
    }
    tarn_json_end_object(w);
}

static void put_manifests(struct tarn_json_writer *w, const struct tarn_snapshot *s)
{
    if (s->manifest_list.ptr) {
        tarn_json_member_str(w, "manifest-list", s->manifest_list);
        return;
    }
    tarn_json_key(w, "manifests");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < s->manifest_count; i++)
        tarn_json_put_str(w, s->manifests[i]);
    tarn_json_end_array(w);
}

/* A member that is absent is left out: Iceberg Java takes no null for a parent. */
void tarn__snapshot_put(struct tarn_json_writer *w, const struct tarn_snapshot *s)
{
    tarn_json_begin_object(w);
    tarn_json_member_i64(w, "sequence-number", s->sequence_number);
    tarn_json_member_i64(w, "snapshot-id", s->snapshot_id);
    if (s->parent_id != 0)
        tarn_json_member_i64(w, "parent-snapshot-id", s->parent_id);
    tarn_json_member_i64(w, "timestamp-ms", s->timestamp_ms);
    if (s->summary.count > 0)
        put_summary(w, &s->summary);
    put_manifests(w, s);
    if (s->schema_id >= 0)
        tarn_json_member_i64(w, "schema-id", s->schema_id);
    if (s->first_row_id >= 0)
        tarn_json_member_i64(w, "first-row-id", s->first_row_id);
    if (s->added_rows >= 0)
        tarn_json_member_i64(w, "added-rows", s->added_rows);
    if (s->key_id.ptr)
        tarn_json_member_str(w, "key-id", s->key_id);
    tarn__json_put_extra(w, &s->extra);
    tarn_json_end_object(w);
}

/* ---- references */

static const char *const REF_KEYS[] = {"snapshot-id", "type", "min-snapshots-to-keep",
                                       "max-snapshot-age-ms", "max-ref-age-ms"};

enum tarn_status tarn__ref_from_json(struct tarn_op *op, const struct tarn_json *j,
                                     struct tarn_ref *out)
{
    struct tarn_json_field must = {.what = "reference", .required = true};
    struct tarn_json_field may = {.what = "reference"};
    struct tarn_str type;
    *out = (struct tarn_ref){.name = j->key,
                             .min_snapshots_to_keep = -1,
                             .max_snapshot_age_ms = -1,
                             .max_ref_age_ms = -1};
    TARN_TRY(tarn_json_i64(op, j, "snapshot-id", must, &out->snapshot_id));
    TARN_TRY(tarn_json_str(op, j, "type", must, &type));
    out->is_tag = tarn_str_eq_nocase(type, TARN_STR("tag"));
    if (!out->is_tag && !tarn_str_eq_nocase(type, TARN_STR("branch")))
        return tarn_fail(op, TARN_CORRUPT, "reference \"%.*s\" is neither a branch nor a tag",
                         TARN_STR_ARG(out->name));
    TARN_TRY(tarn_json_i64(op, j, "min-snapshots-to-keep", may, &out->min_snapshots_to_keep));
    TARN_TRY(tarn_json_i64(op, j, "max-snapshot-age-ms", may, &out->max_snapshot_age_ms));
    TARN_TRY(tarn_json_i64(op, j, "max-ref-age-ms", may, &out->max_ref_age_ms));
    return tarn__json_extra(op, j, REF_KEYS, sizeof REF_KEYS / sizeof REF_KEYS[0], &out->extra);
}

void tarn__ref_put(struct tarn_json_writer *w, const struct tarn_ref *r)
{
    tarn_json_key_str(w, r->name);
    tarn_json_begin_object(w);
    tarn_json_member_i64(w, "snapshot-id", r->snapshot_id);
    tarn_json_member_z(w, "type", r->is_tag ? "tag" : "branch");
    if (r->min_snapshots_to_keep >= 0)
        tarn_json_member_i64(w, "min-snapshots-to-keep", r->min_snapshots_to_keep);
    if (r->max_snapshot_age_ms >= 0)
        tarn_json_member_i64(w, "max-snapshot-age-ms", r->max_snapshot_age_ms);
    if (r->max_ref_age_ms >= 0)
        tarn_json_member_i64(w, "max-ref-age-ms", r->max_ref_age_ms);
    tarn__json_put_extra(w, &r->extra);
    tarn_json_end_object(w);
}

/* commit: publishing staged changes, with refresh, validation and retry.
 *
 *   stage every change -> one catalog transaction -> OK       tidy up stale manifests, done
 *                                  |  CONFLICT -> refresh every base; validate; stage anew; again
 *                                     (with jitter)
 *                                  |  UNKNOWN  -> look our snapshot up; published: OK; not: again;
 *                                     cannot tell: UNKNOWN
 *                                  `  else     -> that error
 *
 * A commit whose answer was lost may still happen while every table is where it expected it: until
 * one has moved on, no failure is known, and no file goes. Known failures take the manifests and
 * metadata with them. Guarded by tests/unit/lake/test_commit*.c.
 */
#include "base/clock.h"
#include "base/random.h"
#include "lake/change_int.h"

static enum tarn_status conflict(struct tarn_change *c, struct tarn_op *op, const char *why)
{
    (void)tarn_fail(op, TARN_CONFLICT, "table " TARN_IDENT_FMT " was changed by another commit: %s",
                    TARN_IDENT_ARG(c->ident), why);
    tarn_hint(op, "nothing was committed; run again");
    return TARN_CONFLICT;
}

static bool same_schema_state(const struct tarn_metadata *a, const struct tarn_metadata *b)
{
    return a->current_schema_id == b->current_schema_id && a->last_column_id == b->last_column_id &&
           a->default_spec_id == b->default_spec_id &&
           a->last_partition_id == b->last_partition_id && a->schema_count == b->schema_count &&
           a->spec_count == b->spec_count;
}

static bool only_rewrites(const struct tarn_snapshot *s)
{
    const struct tarn_str *operation = tarn_kvs_get(&s->summary, "operation");
    return operation && tarn_str_is(*operation, "replace");
}

/* Rule 4 of change.h over the snapshots between the base and what is current now. */
static enum tarn_status validate_rows(struct tarn_change *c, struct tarn_op *op,
                                      const struct tarn_metadata *now)
{
    int64_t known = c->base->metadata.current_snapshot_id;
    if (!tarn__change_removes(c) || now->current_snapshot_id == known)
        return TARN_OK;
    bool positions = c->deletes.count || c->removed.count;
    const struct tarn_snapshot *s = tarn_metadata_current(now);
    for (; s && s->snapshot_id != known;
         s = s->parent_id ? tarn_metadata_snapshot(now, s->parent_id) : NULL) {
        if (!only_rewrites(s))
            return conflict(c, op, "rows were added or removed");
        if (positions)
            return conflict(c, op, "its files were rewritten");
    }
    if (!s && known)
        return conflict(c, op, "it was rolled back or its history expired");
    return TARN_OK;
}

/* Values of columns that another commit dropped, or replaced under another id, would be seen by
 * nobody. */
static enum tarn_status validate_columns(struct tarn_change *c, struct tarn_op *op,
                                         const struct tarn_metadata *now)
{
    const struct tarn_schema *mine = tarn_metadata_schema(&c->base->metadata);
    const struct tarn_schema *theirs = tarn_metadata_schema(now);
    for (size_t i = 0; c->appended.count && i < mine->root.field_count; i++)
        if (!tarn_schema_field_by_id(theirs, mine->root.fields[i].id))
            return conflict(c, op, "columns that the new rows have were dropped or replaced");
    return TARN_OK;
}

static enum tarn_status validate(struct tarn_change *c, struct tarn_op *op,
                                 const struct tarn_metadata *now)
{
    const struct tarn_metadata *before = &c->base->metadata;
    if (!tarn_str_eq(before->uuid, now->uuid))
        return conflict(c, op, "it was dropped and made anew");
    TARN_TRY(tarn__change_check_required(c, op, now));
    if ((c->has_schema || c->has_spec) && !same_schema_state(before, now))
        return conflict(c, op, "its schema or partition spec was changed");
    if (now->format_version != 2)
        return conflict(c, op, "its format version was changed");
    TARN_TRY(validate_columns(c, op, now));
    return validate_rows(c, op, now);
}

static enum tarn_status refresh(struct tarn_change *c, struct tarn_op *op)
{
    struct tarn_table *now;
    TARN_TRY(tarn_table_find(c->lake, op, c->ident, &now));
    if (!c->base)
        return now ? conflict(c, op, "it was created meanwhile") : TARN_OK;
    if (!now)
        return conflict(c, op, "it was dropped");
    if (tarn_str_eq(now->metadata_location, c->base->metadata_location))
        return TARN_OK;
    TARN_TRY(validate(c, op, &now->metadata));
    c->base = now;
    c->staged = NULL;
    return TARN_OK;
}

/* Did a commit whose answer was lost happen? Our metadata file is the current one or stands in the
 * current one's log, or our snapshot is among its snapshots. */
static bool published(const struct tarn_change *c, const struct tarn_table *now)
{
    if (tarn_str_eq(now->metadata_location, c->staged->metadata_location))
        return true;
    if (tarn__change_has_rows(c) && tarn_metadata_snapshot(&now->metadata, c->snapshot_id))
        return true;
    for (size_t i = 0; i < now->metadata.metadata_log_count; i++)
        if (tarn_str_eq(now->metadata.metadata_log[i].file, c->staged->metadata_location))
            return true;
    return false;
}

/* All changes are in one transaction: one of them tells for all. */
static enum tarn_status look_up(struct tarn_change **changes, size_t count, struct tarn_op *op,
                                bool *out_published)
{
    *out_published = false;
    for (size_t i = 0; i < count; i++) {
        struct tarn_table *now;
        TARN_TRY(tarn_table_find(changes[i]->lake, op, changes[i]->ident, &now));
        if (now && published(changes[i], now)) {
            *out_published = true;
            return TARN_OK;
        }
    }
    return TARN_OK;
}

static enum tarn_status try_once(const struct tarn_lake *lake, struct tarn_op *op,
                                 struct tarn_change **changes, size_t count)
{
    struct tarn_swap *swaps;
    TARN_NEW_ARRAY(op, swaps, count);
    for (size_t i = 0; i < count; i++) {
        struct tarn_change *c = changes[i];
        struct tarn_table *staged = c->staged;
        if (!staged)
            TARN_TRY(tarn_change_stage(c, op, &staged));
        swaps[i].ident = c->ident;
        swaps[i].next = staged->metadata_location;
        if (c->base)
            swaps[i].expected = c->base->metadata_location;
    }
    return tarn_catalog_commit(lake->catalog, op, swaps, count);
}

static enum tarn_status wait_jitter(struct tarn_op *op, int attempt)
{
    uint64_t r, cap_ns = 20000000u * (uint64_t)(1u << (attempt < 6 ? attempt : 6));
    TARN_TRY(tarn_random_bytes(op, &r, sizeof r));
    return tarn_clock_sleep(tarn_clock_real(), op, r % cap_ns, 2);
}

/* Best effort, also when the act was cancelled: its files would lie about for ever. */
static void remove_quietly(struct tarn_change *c, struct tarn_op *op, struct tarn_str path)
{
    struct tarn_report keep = op->report;
    struct tarn_cancel *cancel = op->cancel;
    uint64_t deadline = op->deadline_ns;
    op->cancel = NULL;
    op->deadline_ns = 0;
    (void)!tarn_storage_remove(c->lake->storage, op, path);
    op->cancel = cancel;
    op->deadline_ns = deadline;
    op->report = keep;
}

/* What earlier attempts wrote is in nobody's list now. */
static void remove_stale(struct tarn_change *c, struct tarn_op *op)
{
    for (size_t i = 0; i < c->stale.count; i++)
        remove_quietly(c, op, c->stale.items[i]);
    c->stale.count = 0;
}

/* Nothing was committed: what stage wrote goes, data files stay the caller's. */
static void remove_written(struct tarn_change *c, struct tarn_op *op)
{
    remove_stale(c, op);
    for (size_t i = 0; i < c->written.count; i++)
        remove_quietly(c, op, c->written.items[i]);
    c->written.count = 0;
    c->staged = NULL;
}

static bool is_true(const struct tarn_str *text)
{
    return text && tarn_str_eq_nocase(*text, TARN_STR("true"));
}

/* write.metadata.delete-after-commit.enabled: metadata files that fell out of the log go. */
static void remove_old_metadata(struct tarn_change *c, struct tarn_op *op)
{
    const struct tarn_metadata *now = &c->staged->metadata;
    if (!c->base ||
        !is_true(tarn_kvs_get(&now->properties, "write.metadata.delete-after-commit.enabled")))
        return;
    const struct tarn_metadata *before = &c->base->metadata;
    for (size_t i = 0; i < before->metadata_log_count; i++) {
        struct tarn_str old = before->metadata_log[i].file;
        bool kept = false;
        for (size_t k = 0; k < now->metadata_log_count && !kept; k++)
            kept = tarn_str_eq(old, now->metadata_log[k].file);
        if (!kept)
            remove_quietly(c, op, old);
    }
}

static void settle(struct tarn_change **changes, size_t count, struct tarn_op *op)
{
    for (size_t i = 0; i < count; i++) {
        changes[i]->staged->staged = false;
        remove_stale(changes[i], op);
        remove_old_metadata(changes[i], op);
    }
}

/* Every base anew; *out_moved: one of them is another one now. */
static enum tarn_status refresh_all(struct tarn_change **changes, size_t count, struct tarn_op *op,
                                    bool *out_moved)
{
    *out_moved = false;
    for (size_t i = 0; i < count; i++) {
        const struct tarn_table *before = changes[i]->base;
        TARN_TRY(refresh(changes[i], op));
        *out_moved = *out_moved || changes[i]->base != before;
    }
    return TARN_OK;
}

/* The catalog does not know a table (or a namespace): if it is one that we started from, that is a
 * conflict like others. */
static enum tarn_status not_found(struct tarn_change **changes, size_t count, struct tarn_op *op)
{
    struct tarn_report told = op->report;
    for (size_t i = 0; i < count; i++) {
        struct tarn_str location;
        if (!changes[i]->base)
            continue;
        enum tarn_status status =
            tarn_catalog_load(changes[i]->lake->catalog, op, changes[i]->ident, &location);
        if (status == TARN_NOT_FOUND || status == TARN_TABLE)
            return conflict(changes[i], op, "it was dropped");
    }
    op->report = told;
    return told.status;
}

/* *lost: the report of a commit whose answer is missing and which may still happen; its status is
 * TARN_OK if there is none. */
static enum tarn_status attempt_once(const struct tarn_lake *lake, struct tarn_op *op,
                                     struct tarn_change **changes, size_t count,
                                     struct tarn_report *lost)
{
    bool happened = false;
    enum tarn_status status = try_once(lake, op, changes, count);
    if (status == TARN_EXISTS) /* a table to be made: another commit was first */
        status = op->report.status = TARN_CONFLICT;
    if (status == TARN_NOT_FOUND)
        status = not_found(changes, count, op);
    struct tarn_report told = op->report;
    if (status == TARN_UNKNOWN)
        *lost = told;
    if (lost->status == TARN_OK || (status != TARN_UNKNOWN && status != TARN_CONFLICT))
        return status;
    if (look_up(changes, count, op, &happened) != TARN_OK)
        return TARN_UNKNOWN;
    if (happened)
        return TARN_OK;
    op->report = told;
    if (status == TARN_CONFLICT) /* a table has moved on without it */
        lost->status = TARN_OK;
    return TARN_CONFLICT;
}

static enum tarn_status commit_all(const struct tarn_lake *lake, struct tarn_op *op,
                                   struct tarn_change **changes, size_t count, int tries,
                                   struct tarn_report *lost)
{
    enum tarn_status status = TARN_OK;
    for (int attempt = 0; attempt < tries; attempt++) {
        bool moved;
        status = attempt_once(lake, op, changes, count, lost);
        if (status != TARN_CONFLICT || attempt + 1 == tries)
            return status;
        tarn_clear(op);
        TARN_TRY(wait_jitter(op, attempt));
        TARN_TRY(refresh_all(changes, count, op, &moved));
        if (moved)
            lost->status = TARN_OK;
    }
    return status;
}

enum tarn_status tarn_changes_commit(const struct tarn_lake *lake, struct tarn_op *op,
                                     struct tarn_change **changes, size_t count,
                                     struct tarn_commit_options options)
{
    struct tarn_report lost = {.status = TARN_OK};
    if (count == 0)
        return TARN_OK;
    enum tarn_status status =
        commit_all(lake, op, changes, count, options.tries ? options.tries : 8, &lost);
    if (status == TARN_OK) {
        tarn_clear(op);
        settle(changes, count, op);
        return TARN_OK;
    }
    if (lost.status != TARN_OK) {
        op->report = lost;
        return TARN_UNKNOWN;
    }
    for (size_t i = 0; i < count; i++)
        remove_written(changes[i], op);
    return status;
}

size_t tarn_change_file_count(const struct tarn_change *c)
{
    return c->written.count + c->stale.count + c->appended.count + c->deletes.count;
}

struct tarn_str tarn_change_file(const struct tarn_change *c, size_t i)
{
    if (i < c->written.count)
        return c->written.items[i];
    i -= c->written.count;
    if (i < c->stale.count)
        return c->stale.items[i];
    i -= c->stale.count;
    return i < c->appended.count ? c->appended.items[i].path
                                 : c->deletes.items[i - c->appended.count].path;
}

void tarn_change_discard(struct tarn_change *c, struct tarn_op *op)
{
    for (size_t i = 0; i < tarn_change_file_count(c); i++)
        remove_quietly(c, op, tarn_change_file(c, i));
    c->written.count = c->stale.count = c->appended.count = c->deletes.count = 0;
    c->staged = NULL;
}

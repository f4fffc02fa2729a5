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

/* ---- chains: changes each of which starts from what the one before it staged */

static bool is_on(const struct tarn_change *c, const struct tarn_change *below)
{
    return c->base && c->base->staged && below->staged &&
           tarn_str_eq(c->base->metadata_location, below->staged->metadata_location);
}

/* The change that starts from what `c` staged; NULL: none does. */
static struct tarn_change *next_in_chain(struct tarn_change **changes, size_t count,
                                         const struct tarn_change *c)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i] != c && is_on(changes[i], c))
            return changes[i];
    return NULL;
}

static bool in_chain(struct tarn_change **changes, size_t count, const struct tarn_change *c)
{
    return (c->base && c->base->staged) || next_in_chain(changes, count, c);
}

/* A change on what was staged stands behind the one that staged it. */
static void assert_order(struct tarn_change **changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool found = !changes[i]->base || !changes[i]->base->staged;
        for (size_t k = 0; k < i && !found; k++)
            found = is_on(changes[i], changes[k]);
        TARN_ASSERT(found);
    }
}

/* ---- */

static enum tarn_status refresh(struct tarn_change *c, struct tarn_op *op, bool chained)
{
    struct tarn_table *now;
    if (c->base && c->base->staged)
        return TARN_OK; /* the one at the bottom of its chain tells */
    TARN_TRY(tarn_table_find(c->lake, op, c->ident, &now));
    if (!c->base)
        return now ? tarn__change_conflict(c, op, "it was created meanwhile") : TARN_OK;
    if (!now)
        return tarn__change_conflict(c, op, "it was dropped");
    if (tarn_str_eq(now->metadata_location, c->base->metadata_location))
        return TARN_OK;
    TARN_TRY(tarn__change_validate(c, op, &now->metadata));
    if (chained)
        return tarn__change_conflict(c, op, "a transaction of several statements saw it as it was");
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
    if (tarn_metadata_snapshot(&now->metadata, c->snapshot_id))
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

/* Of a chain only the last version is published, on what was below the first. */
static enum tarn_status try_once(const struct tarn_lake *lake, struct tarn_op *op,
                                 struct tarn_change **changes, size_t count)
{
    struct tarn_swap *swaps;
    size_t n = 0;
    TARN_NEW_ARRAY(op, swaps, count);
    for (size_t i = 0; i < count; i++) {
        struct tarn_change *c = changes[i];
        struct tarn_table *staged = c->staged;
        if (!staged)
            TARN_TRY(tarn_change_stage(c, op, &staged));
        if (next_in_chain(changes, count, c))
            continue;
        swaps[n] = (struct tarn_swap){.ident = c->ident, .next = staged->metadata_location};
        if (staged->root)
            swaps[n].expected = staged->root->metadata_location;
        n++;
    }
    return tarn_catalog_commit(lake->catalog, op, swaps, n);
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
    if (!c->staged->root ||
        !is_true(tarn_kvs_get(&now->properties, "write.metadata.delete-after-commit.enabled")))
        return;
    const struct tarn_metadata *before = &c->staged->root->metadata;
    for (size_t i = 0; i < before->metadata_log_count; i++) {
        struct tarn_str old = before->metadata_log[i].file;
        bool kept = false;
        for (size_t k = 0; k < now->metadata_log_count && !kept; k++)
            kept = tarn_str_eq(old, now->metadata_log[k].file);
        if (!kept)
            remove_quietly(c, op, old);
    }
}

/* Metadata of the middle of a chain is nobody's: the table is what the last one made of it. */
static void settle_inner(struct tarn_change *c, struct tarn_op *op)
{
    size_t n = 0;
    for (size_t i = 0; i < c->written.count; i++) {
        if (tarn_str_eq(c->written.items[i], c->staged->metadata_location))
            remove_quietly(c, op, c->written.items[i]);
        else
            c->written.items[n++] = c->written.items[i];
    }
    c->written.count = n;
}

static void settle(struct tarn_change **changes, size_t count, struct tarn_op *op)
{
    for (size_t i = count; i-- > 0;) { /* the last of a chain first */
        struct tarn_change *next = next_in_chain(changes, count, changes[i]);
        remove_stale(changes[i], op);
        if (!next) {
            remove_old_metadata(changes[i], op);
            continue;
        }
        settle_inner(changes[i], op);
        changes[i]->published = next->published ? next->published : next->staged;
    }
    for (size_t i = 0; i < count; i++) {
        if (changes[i]->published)
            changes[i]->staged = changes[i]->published;
        changes[i]->staged->staged = false;
    }
}

/* Every base anew; *out_moved: one of them is another one now. */
static enum tarn_status refresh_all(struct tarn_change **changes, size_t count, struct tarn_op *op,
                                    bool *out_moved)
{
    *out_moved = false;
    for (size_t i = 0; i < count; i++) {
        const struct tarn_table *before = changes[i]->base;
        TARN_TRY(refresh(changes[i], op, in_chain(changes, count, changes[i])));
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
        if (!changes[i]->base || changes[i]->base->staged)
            continue;
        enum tarn_status status =
            tarn_catalog_load(changes[i]->lake->catalog, op, changes[i]->ident, &location);
        if (status == TARN_NOT_FOUND || status == TARN_TABLE)
            return tarn__change_conflict(changes[i], op, "it was dropped");
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
    assert_order(changes, count);
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

void tarn_change_keep_appended(struct tarn_change *c)
{
    c->keeps_appended = true;
}

static size_t own_appended(const struct tarn_change *c)
{
    return c->keeps_appended ? 0 : c->rows.appended.count;
}

size_t tarn_change_file_count(const struct tarn_change *c)
{
    return c->written.count + c->stale.count + own_appended(c) + c->rows.deletes.count;
}

struct tarn_str tarn_change_file(const struct tarn_change *c, size_t i)
{
    if (i < c->written.count)
        return c->written.items[i];
    i -= c->written.count;
    if (i < c->stale.count)
        return c->stale.items[i];
    i -= c->stale.count;
    return i < own_appended(c) ? c->rows.appended.items[i].path
                               : c->rows.deletes.items[i - own_appended(c)].path;
}

void tarn_change_discard(struct tarn_change *c, struct tarn_op *op)
{
    for (size_t i = 0; i < tarn_change_file_count(c); i++)
        remove_quietly(c, op, tarn_change_file(c, i));
    c->written.count = c->stale.count = c->rows.appended.count = c->rows.deletes.count = 0;
    c->staged = NULL;
}

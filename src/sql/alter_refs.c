/* alter_refs: branches and tags.
 *
 *     CREATE [OR REPLACE] BRANCH|TAG [IF NOT EXISTS] b [AS OF VERSION v] [RETAIN n DAYS]
 *         [WITH SNAPSHOT RETENTION [n SNAPSHOTS] [n DAYS]]
 *     REPLACE BRANCH|TAG b ..      DROP BRANCH|TAG [IF EXISTS] b      FAST FORWARD a TO b
 *
 * and Hive's EXECUTE ROLLBACK(id), CHERRY-PICK id, SET_CURRENT_SNAPSHOT(id), FAST-FORWARD 'a' 'b'.
 */
#include "sql/alter_int.h"

/* ---- reading */

/* n DAYS | HOURS | MINUTES, as milliseconds */
static enum tarn_status take_age(struct tarn__words *w, int64_t *out)
{
    static const struct {
        const char *word, *one;
        int64_t ms;
    } units[] = {
        {"DAYS", "DAY", 86400000}, {"HOURS", "HOUR", 3600000}, {"MINUTES", "MINUTE", 60000}};
    struct tarn__words start = *w;
    int64_t n;
    TARN_TRY(tarn__take_int(w, &n));
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (tarn__take(w, units[i].word) || tarn__take(w, units[i].one)) {
            if (n > 0 && !__builtin_mul_overflow(n, units[i].ms, out))
                return TARN_OK;
            *w = start;
            return tarn__fail_here(w, TARN_INVALID, "a time must be more than 0");
        }
    return tarn__expect(w, "DAYS, HOURS or MINUTES");
}

static enum tarn_status take_snapshots(struct tarn__words *w, int64_t *out, bool *taken)
{
    struct tarn__words start = *w;
    int64_t n;
    *taken = false;
    TARN_TRY(tarn__take_int(w, &n));
    if (!tarn__take(w, "SNAPSHOTS") && !tarn__take(w, "SNAPSHOT")) {
        *w = start;
        return TARN_OK;
    }
    if (n < 1 || n > INT32_MAX) {
        *w = start;
        return tarn__fail_here(w, TARN_INVALID, "a number of snapshots is 1 at least");
    }
    *out = n;
    *taken = true;
    return TARN_OK;
}

static enum tarn_status take_retention(struct tarn__words *w, struct tarn_ref *ref)
{
    bool taken;
    if (tarn__take(w, "RETAIN"))
        TARN_TRY(take_age(w, &ref->max_ref_age_ms));
    if (!tarn__at(w, "WITH SNAPSHOT RETENTION"))
        return TARN_OK;
    if (ref->is_tag)
        return tarn__fail_here(w, TARN_INVALID,
                               "a tag keeps one snapshot: it has no retention of "
                               "more");
    (void)tarn__take(w, "WITH SNAPSHOT RETENTION");
    TARN_TRY(take_snapshots(w, &ref->min_snapshots_to_keep, &taken));
    if (!taken || (!w->end && w->token.kind == TARN_SQL_NUMBER))
        TARN_TRY(take_age(w, &ref->max_snapshot_age_ms));
    return TARN_OK;
}

/* A snapshot's id, or a branch or tag by name. */
static enum tarn_status take_version(struct tarn__words *w, struct tarn_str *out)
{
    if (!w->end && w->token.kind == TARN_SQL_STRING)
        return tarn__take_string(w, out);
    if (!w->end && (w->token.kind == TARN_SQL_NUMBER || tarn__at(w, "-"))) {
        int64_t id;
        TARN_TRY(tarn__take_int(w, &id));
        *out = tarn_sprintf(w->op, "%lld", (long long)id);
        return out->ptr ? TARN_OK : TARN_NOMEM;
    }
    return tarn__take_ident(w, out);
}

static enum tarn_status snapshot_of(struct tarn__alter *a, struct tarn_str version, size_t offset,
                                    int64_t *out)
{
    const struct tarn_snapshot *s;
    enum tarn_status status = tarn_table_version(a->r->op, a->table, version, &s);
    if (status != TARN_OK) {
        tarn__place_at(&a->r->words, offset);
        return status;
    }
    *out = s->snapshot_id;
    return TARN_OK;
}

/* AS OF VERSION v; else what main is at. Where main is at nothing, a new branch begins with an empty
 * snapshot of its own, as Iceberg's SnapshotManager makes it. */
static enum tarn_status take_as_of(struct tarn__alter *a, bool new_branch, int64_t *out)
{
    struct tarn__words *w = &a->r->words;
    const struct tarn_snapshot *now = tarn_metadata_current(&a->table->metadata);
    struct tarn_str version;
    if (!tarn__take(w, "FOR"))
        (void)tarn__at(w, "AS OF");
    if (tarn__take(w, "AS OF VERSION") || tarn__take(w, "SYSTEM_VERSION AS OF") ||
        tarn__take(w, "VERSION AS OF")) {
        size_t offset = w->token.begin;
        TARN_TRY(take_version(w, &version));
        return snapshot_of(a, version, offset, out);
    }
    if (tarn__at(w, "AS"))
        return tarn__expect(w, "AS OF VERSION");
    if (!now && !new_branch) {
        (void)tarn_fail(a->r->op, TARN_INVALID, "the table has no snapshot yet");
        tarn_hint(a->r->op, "INSERT something first");
        tarn__place_at(w, a->target.offset);
        return TARN_INVALID;
    }
    *out = now ? now->snapshot_id : tarn_change_snapshot_id(a->change);
    return TARN_OK;
}

/* ---- branches and tags */

static enum tarn_status check_old(struct tarn__alter *a, const struct tarn_ref *old,
                                  const struct tarn_ref *ref, bool create, bool replace,
                                  size_t offset)
{
    struct tarn_op *op = a->r->op;
    const char *what = ref->is_tag ? "tag" : "branch";
    if (old && !replace) {
        (void)tarn_fail(op, TARN_EXISTS, "%s \"%.*s\" is there already",
                        old->is_tag ? "tag" : "branch", TARN_STR_ARG(ref->name));
        tarn_hint(op, "CREATE OR REPLACE moves it");
    } else if (!old && !create) {
        (void)tarn_fail(op, TARN_NOT_FOUND, "%s \"%.*s\" not found", what, TARN_STR_ARG(ref->name));
        tarn_metadata_hint_ref(op, &a->table->metadata, ref->name);
        if (replace && ref->snapshot_id)
            tarn_hint(op, "CREATE makes it");
    } else if (old && old->is_tag != ref->is_tag) {
        (void)tarn_fail(op, TARN_INVALID, "\"%.*s\" is a %s, not a %s", TARN_STR_ARG(ref->name),
                        old->is_tag ? "tag" : "branch", what);
    } else {
        return TARN_OK;
    }
    tarn__place_at(&a->r->words, offset);
    return op->report.status;
}

enum tarn_status tarn__alter_make_ref(struct tarn__alter *a, bool is_tag, bool create, bool replace)
{
    struct tarn__words *w = &a->r->words;
    struct tarn_ref ref = {.is_tag = is_tag,
                           .min_snapshots_to_keep = -1,
                           .max_snapshot_age_ms = -1,
                           .max_ref_age_ms = -1};
    bool quiet = tarn__take(w, "IF NOT EXISTS");
    size_t offset = w->token.begin;
    struct tarn_str name;
    TARN_TRY(tarn__take_ident(w, &name));
    const struct tarn_ref *old = tarn_metadata_ref(tarn_change_metadata(a->change), name);
    if (old && replace) /* what is not said anew stays */
        ref = *old;
    ref.name = name;
    ref.is_tag = is_tag;
    TARN_TRY(take_as_of(a, !is_tag && create && (!old || quiet), &ref.snapshot_id));
    TARN_TRY(take_retention(w, &ref));
    if (old && quiet && !replace) {
        a->r->answer->notice = tarn_sprintf(a->r->op, "%s %.*s is there already",
                                            old->is_tag ? "tag" : "branch", TARN_STR_ARG(name));
        return a->r->answer->notice.ptr ? TARN_OK : TARN_NOMEM;
    }
    TARN_TRY(check_old(a, old, &ref, create, replace, offset));
    enum tarn_status status = tarn_change_set_ref(a->change, a->r->op, &ref);
    if (status != TARN_OK)
        tarn__place_at(w, offset);
    return status;
}

enum tarn_status tarn__alter_drop_ref(struct tarn__alter *a, bool is_tag)
{
    struct tarn__words *w = &a->r->words;
    bool quiet = tarn__take(w, "IF EXISTS");
    size_t offset = w->token.begin;
    struct tarn_str name;
    TARN_TRY(tarn__take_ident(w, &name));
    const struct tarn_ref *old = tarn_metadata_ref(tarn_change_metadata(a->change), name);
    if (!old && quiet) {
        a->r->answer->notice = tarn_sprintf(a->r->op, "there is no %s %.*s",
                                            is_tag ? "tag" : "branch", TARN_STR_ARG(name));
        return a->r->answer->notice.ptr ? TARN_OK : TARN_NOMEM;
    }
    const struct tarn_ref wanted = {.name = name, .is_tag = is_tag};
    TARN_TRY(check_old(a, old, &wanted, false, true, offset));
    enum tarn_status status = tarn_change_remove_ref(a->change, a->r->op, name);
    if (status != TARN_OK)
        tarn__place_at(w, offset);
    return status;
}

static enum tarn_status fast_forward(struct tarn__alter *a, struct tarn_str branch,
                                     struct tarn_str to, size_t offset)
{
    enum tarn_status status = tarn_change_fast_forward(a->change, a->r->op, branch, to);
    if (status != TARN_OK)
        tarn__place_at(&a->r->words, offset);
    return status;
}

enum tarn_status tarn__alter_fast_forward(struct tarn__alter *a)
{
    struct tarn__words *w = &a->r->words;
    size_t offset = w->token.begin;
    struct tarn_str branch, to;
    TARN_TRY(take_version(w, &branch));
    TARN_TRY(tarn__expect(w, "TO"));
    TARN_TRY(take_version(w, &to));
    return fast_forward(a, branch, to, offset);
}

/* ---- EXECUTE */

static enum tarn_status take_id(struct tarn__alter *a, int64_t *out)
{
    struct tarn__words *w = &a->r->words;
    bool brackets = tarn__take(w, "(");
    size_t offset = w->token.begin;
    struct tarn_str version;
    TARN_TRY(take_version(w, &version));
    TARN_TRY(snapshot_of(a, version, offset, out));
    return brackets ? tarn__expect(w, ")") : TARN_OK;
}

static enum tarn_status execute_fast_forward(struct tarn__alter *a)
{
    struct tarn__words *w = &a->r->words;
    size_t offset = w->token.begin;
    struct tarn_str branch = TARN_STR("main"), to, second;
    TARN_TRY(take_version(w, &to));
    if (!w->end && !tarn__at(w, ";") && !tarn__at(w, ",")) {
        (void)tarn__take(w, "TO");
        TARN_TRY(take_version(w, &second));
        branch = to;
        to = second;
    }
    return fast_forward(a, branch, to, offset);
}

enum tarn_status tarn__alter_execute(struct tarn__alter *a)
{
    struct tarn__words *w = &a->r->words;
    struct tarn_op *op = a->r->op;
    size_t offset = w->token.begin;
    enum tarn_status status;
    int64_t id;
    if (tarn__take(w, "FAST-FORWARD") || tarn__take(w, "FAST - FORWARD") ||
        tarn__take(w, "FAST FORWARD"))
        return execute_fast_forward(a);
    if (tarn__take(w, "ROLLBACK")) {
        TARN_TRY(take_id(a, &id));
        status = tarn_change_set_current(a->change, op, id, true);
    } else if (tarn__take(w, "SET_CURRENT_SNAPSHOT")) {
        TARN_TRY(take_id(a, &id));
        status = tarn_change_set_current(a->change, op, id, false);
    } else if (tarn__take(w, "CHERRY - PICK") || tarn__take(w, "CHERRY-PICK")) {
        TARN_TRY(take_id(a, &id));
        status = tarn_change_cherry_pick(a->change, op, id);
    } else {
        struct tarn_str word = tarn__word(w);
        if (w->end)
            return tarn__expect(w, "what to execute");
        (void)tarn__fail_here(w, TARN_UNSUPPORTED, "EXECUTE %.*s is not in this version",
                              TARN_STR_ARG(word));
        tarn_hint(op, "procedures are called: CALL system.expire_snapshots(..)");
        return TARN_UNSUPPORTED;
    }
    if (status != TARN_OK)
        tarn__place_at(w, offset);
    return status;
}

/* Random histories of a table of version 3: appends, files and rows deleted, branches, merges of
 * manifests, chains, commits that others came before. After each commit, for every branch:
 *   - live files are what the model has, each once, and totals say so
 *   - no row id stands for two rows, and a file keeps its ids while it lives on a branch
 *   - a data file has at most one deletion vector, and none is about a file that is gone
 *   - the table's next-row-id is above all that were given */
#include "lake_fixture.h"

#include <string.h>

#define FILES    400
#define BRANCHES 3

static const char *const NONE[] = {NULL};
static const char *const NAMES[BRANCHES] = {"main", "dev", "audit"};

struct model_file {
    char path[64];
    int64_t rows;
    int64_t first_row_id[BRANCHES]; /* -1 = not seen there yet */
};
struct model {
    struct model_file files[FILES];
    size_t file_count;
    bool live[BRANCHES][FILES];
    int vector[BRANCHES][FILES]; /* number of its vector, 0 = none */
    int vectors;
    uint64_t seed;
};

static unsigned roll(struct model *m, unsigned sides)
{
    m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(m->seed >> 33) % sides;
}

/* A live file of a branch, or FILES. */
static size_t some_file(struct model *m, int branch)
{
    for (int tries = 0; tries < 50 && m->file_count; tries++) {
        size_t i = roll(m, (unsigned)m->file_count);
        if (m->live[branch][i])
            return i;
    }
    return FILES;
}

/* ---- acts: each is recorded in a change and in the model */

static void act_append(struct lake_world *w, struct model *m, struct tarn_change *c, int branch)
{
    struct model_file *f = &m->files[m->file_count];
    if (m->file_count == FILES)
        return;
    (void)snprintf(f->path, sizeof f->path, "mem://w/raw/t/data/%zu", m->file_count);
    f->rows = 1 + roll(m, 9);
    for (int b = 0; b < BRANCHES; b++)
        f->first_row_id[b] = -1;
    lake_append(w, c, f->path, f->rows);
    m->live[branch][m->file_count++] = true;
}

static void act_delete_file(struct lake_world *w, struct model *m, struct tarn_change *c,
                            int branch)
{
    size_t i = some_file(m, branch);
    if (i == FILES)
        return;
    struct tarn_str path = tarn_str_view(m->files[i].path);
    lake_ok(w, tarn_change_delete_files(c, &w->op, &path, 1));
    m->live[branch][i] = false;
    m->vector[branch][i] = 0;
}

static void act_vector(struct lake_world *w, struct model *m, struct tarn_change *c, int branch)
{
    char puffin[64];
    size_t i = some_file(m, branch);
    if (i == FILES)
        return;
    m->vector[branch][i] = ++m->vectors;
    (void)snprintf(puffin, sizeof puffin, "mem://w/raw/t/data/%d.puffin", m->vectors);
    struct tarn_data_file f = lake_file(w, puffin, 1);
    f.content = TARN_CONTENT_POSITION_DELETES;
    f.format = TARN_STR("PUFFIN");
    f.referenced_data_file = tarn_str_view(m->files[i].path);
    f.content_offset = 1;
    f.content_size = 2;
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &f, 1));
}

static void some_rows(struct lake_world *w, struct model *m, struct tarn_change *c, int branch)
{
    unsigned what = roll(m, 8);
    lake_ok(w, tarn_change_set_branch(c, &w->op, tarn_str_view(NAMES[branch])));
    if (what == 0 && some_file(m, branch) < FILES) {
        tarn_change_delete_all(c);
        memset(m->live[branch], 0, sizeof m->live[branch]);
        memset(m->vector[branch], 0, sizeof m->vector[branch]);
    } else if (what == 1 || what == 2) {
        act_delete_file(w, m, c, branch);
    } else if (what == 3 || what == 4) {
        act_vector(w, m, c, branch);
    }
    for (unsigned n = what < 5 ? roll(m, 2) : 1 + roll(m, 3); n > 0; n--)
        act_append(w, m, c, branch);
}

/* ---- looking */

struct seen {
    struct tarn_manifest_entry *entry[FILES];
    int vector[FILES];
    size_t data, vectors;
    int64_t rows;
};

static size_t index_of(const struct model *m, struct tarn_str path)
{
    for (size_t i = 0; i < m->file_count; i++)
        if (tarn_str_is(path, m->files[i].path))
            return i;
    fail();
    return 0;
}

static void look(const struct model *m, struct tarn_live_files *files, struct seen *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < files->count; i++) {
        struct tarn_data_file *f = &files->items[i].file;
        if (f->content == TARN_CONTENT_DATA) {
            size_t k = index_of(m, f->path);
            assert_null(out->entry[k]);
            out->entry[k] = &files->items[i];
            out->data++;
            out->rows += f->record_count;
        } else {
            size_t k = index_of(m, f->referenced_data_file);
            assert_int_equal(out->vector[k], 0);
            out->vector[k] = atoi(tarn_path_base(f->path).ptr);
            out->vectors++;
        }
    }
}

static void assert_total(const struct tarn_snapshot *s, const char *key, int64_t n)
{
    const struct tarn_str *text = tarn_kvs_get(&s->summary, key);
    int64_t found = -1;
    assert_non_null(text);
    assert_true(tarn_str_to_i64(*text, &found));
    assert_int_equal(found, n);
}

static void check_branch(struct lake_world *w, struct model *m, const struct tarn_table *t,
                         int branch)
{
    static bool taken[1 << 20];
    const struct tarn_ref *ref = tarn_metadata_ref(&t->metadata, tarn_str_view(NAMES[branch]));
    struct tarn_live_files files;
    struct seen seen;
    if (!ref)
        return;
    const struct tarn_snapshot *s = tarn_metadata_snapshot(&t->metadata, ref->snapshot_id);
    assert_non_null(s);
    lake_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata, s, &files));
    look(m, &files, &seen);
    memset(taken, 0, sizeof taken);
    for (size_t i = 0; i < m->file_count; i++) {
        assert_int_equal(seen.entry[i] != NULL, m->live[branch][i]);
        assert_int_equal(seen.vector[i], m->vector[branch][i]);
        if (!seen.entry[i])
            continue;
        int64_t first = seen.entry[i]->file.first_row_id;
        assert_true(first >= 0 && first + m->files[i].rows <= t->metadata.next_row_id);
        assert_int_equal(seen.entry[i]->file.record_count, m->files[i].rows);
        if (m->files[i].first_row_id[branch] >= 0)
            assert_int_equal(first, m->files[i].first_row_id[branch]);
        m->files[i].first_row_id[branch] = first;
        for (int64_t r = first; r < first + m->files[i].rows; r++) {
            assert_true(r < (int64_t)sizeof taken && !taken[r]);
            taken[r] = true;
        }
    }
    assert_total(s, "total-records", seen.rows);
    assert_total(s, "total-data-files", (int64_t)seen.data);
    assert_total(s, "total-delete-files", (int64_t)seen.vectors);
    assert_total(s, "total-position-deletes", (int64_t)seen.vectors);
}

/* ---- histories */

static void set_branches(struct lake_world *w, struct model *m)
{
    struct tarn_change *c = lake_open(w);
    act_append(w, m, c, 0);
    for (int b = 1; b < BRANCHES; b++) {
        struct tarn_ref r = {.name = tarn_str_view(NAMES[b]),
                             .snapshot_id = tarn_change_snapshot_id(c),
                             .min_snapshots_to_keep = -1,
                             .max_snapshot_age_ms = -1,
                             .max_ref_age_ms = -1};
        lake_ok(w, tarn_change_set_ref(c, &w->op, &r));
        m->live[b][0] = true;
    }
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    lake_ok(w, tarn_change_set_property(c, &w->op, TARN_STR("commit.manifest.min-count-to-merge"),
                                        TARN_STR("3")));
    lake_commit(w, c);
}

static void one_step(struct lake_world *w, struct model *m)
{
    int branch = (int)roll(m, BRANCHES), other = (branch + 1) % BRANCHES;
    struct tarn_change *changes[2] = {lake_open(w), NULL}, *theirs = NULL;
    struct tarn_table *staged;
    size_t count = 1;
    some_rows(w, m, changes[0], branch);
    if (tarn_change_is_empty(changes[0]))
        return;
    unsigned how = roll(m, 4);
    if (how == 0) { /* staged, and somebody comes before it on another branch */
        lake_ok(w, tarn_change_stage(changes[0], &w->op, &staged));
        theirs = lake_open(w);
        some_rows(w, m, theirs, other);
        if (!tarn_change_is_empty(theirs))
            lake_commit(w, theirs);
    } else if (how == 1) { /* a chain */
        lake_ok(w, tarn_change_stage(changes[0], &w->op, &staged));
        lake_ok(w, tarn_change_open(&w->lake, &w->op, staged, &changes[1]));
        some_rows(w, m, changes[1], roll(m, 2) ? branch : other);
        count += !tarn_change_is_empty(changes[1]);
    }
    lake_ok(w,
            tarn_changes_commit(&w->lake, &w->op, changes, count, (struct tarn_commit_options){0}));
}

static void random_histories(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct lake_world *w;
        struct model *m = calloc(1, sizeof *m);
        assert_non_null(m);
        m->seed = seed;
        lake_begin((void **)&w);
        lake_create(w, "struct<id: long>", NONE);
        set_branches(w, m);
        for (int step = 0; step < 40; step++) {
            one_step(w, m);
            struct tarn_table *t = lake_load(w);
            for (int b = 0; b < BRANCHES; b++)
                check_branch(w, m, t, b);
        }
        lake_end((void **)&w);
        free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What snapshots did to rows: files added and removed, rows deleted in files that stay by position and
 * by value, deletes that are taken back; and incremental reads of appends. */
#include "lake_fixture.h"

#include <string.h>

#include "lake/changes.h"
#include "lake/deletes.h"

static const char *const NONE[] = {NULL};
#define PATH "mem://w/raw/t/data/"

static int64_t now(struct lake_world *w)
{
    const struct tarn_snapshot *s = tarn_metadata_current(&lake_load(w)->metadata);
    return s ? s->snapshot_id : 0;
}

static void positions(struct tarn_buf *b, const struct tarn_scan_file *f)
{
    if (!f->deleted_count)
        return;
    tarn_buf_put(b, f->only_deleted ? '[' : '(');
    for (size_t i = 0; i < f->deleted_count; i++)
        tarn_buf_printf(b, "%s%lld", i ? "," : "", (long long)f->deleted[i]);
    tarn_buf_put(b, f->only_deleted ? ']' : ')');
}

static void groups(struct tarn_buf *b, const struct tarn_scan *s,
                   const struct tarn_equality_group *g, size_t count, char sign)
{
    for (size_t i = 0; i < count; i++) {
        tarn_buf_put(b, sign);
        for (size_t k = 0; k < g[i].delete_count; k++)
            tarn_buf_str(b, tarn_path_base(g[i].deletes[k].file->path));
        tarn_buf_put(b, '@');
        for (size_t k = 0; k < g[i].file_count; k++)
            tarn_buf_str(b, tarn_path_base(s->files[g[i].files[k]].file->path));
    }
}

/* "0+a 1-a[1,2]-e@a": ordinal, sign, files with (positions left out) or [wanted ones], then
 * equality deletes that hide (-) or are asked for (=), with the files that they concern. */
static const char *changes(struct lake_world *w, int64_t from, const struct tarn_snapshot *to)
{
    struct tarn_changes all;
    struct tarn_buf b;
    struct tarn_str out;
    lake_ok(w, tarn_table_changes(&w->lake, &w->op, lake_load(w), from, to, NULL, &all));
    tarn_buf_init(&b, 65536);
    tarn_buf_z(&b, "");
    for (size_t i = 0; i < all.count; i++) {
        const struct tarn_row_changes *c = &all.items[i];
        assert_ptr_equal(c->snapshot, all.snapshots[c->ordinal]);
        tarn_buf_printf(&b, "%s%d%c", i ? " " : "", c->ordinal, c->deleted ? '-' : '+');
        for (size_t k = 0; k < c->scan->file_count; k++) {
            tarn_buf_str(&b, tarn_path_base(c->scan->files[k].file->path));
            positions(&b, &c->scan->files[k]);
        }
        groups(&b, c->scan, c->scan->equality, c->scan->equality_count, '-');
        groups(&b, c->scan, c->scan->matching, c->scan->matching_count, '=');
    }
    lake_ok(w, (enum tarn_status)tarn_buf_take(&w->op, &b, "text", &out));
    return out.ptr;
}

static struct tarn_data_file equality(struct lake_world *w, const char *path)
{
    static int32_t ids[] = {1};
    struct tarn_data_file f = lake_file(w, path, 1);
    f.content = TARN_CONTENT_EQUALITY_DELETES;
    f.equality_ids = ids;
    f.equality_id_count = 1;
    return f;
}

static void appends_and_removals(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    assert_string_equal(changes(w, 0, NULL), "");
    lake_append_now(w, PATH "a", 10);
    int64_t first = now(w);
    lake_append_now(w, PATH "b", 10);
    struct tarn_change *c = lake_open(w); /* copy on write: b becomes c */
    struct tarn_str b = lake_text(w, PATH "b");
    lake_ok(w, tarn_change_delete_files(c, &w->op, &b, 1));
    lake_append(w, c, PATH "c", 9);
    lake_commit(w, c);
    assert_string_equal(changes(w, 0, NULL), "0+a 1+b 2-b 2+c");
    assert_string_equal(changes(w, first, NULL), "0+b 1-b 1+c");
    assert_string_equal(changes(w, now(w), NULL), "");
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    assert_string_equal(changes(w, 0, tarn_metadata_snapshot(m, first)), "0+a");
    /* compaction changes no rows */
    c = lake_open(w);
    tarn_change_only_rewrites(c);
    struct tarn_str old = lake_text(w, PATH "c");
    lake_ok(w, tarn_change_delete_files(c, &w->op, &old, 1));
    lake_append(w, c, PATH "d", 9);
    lake_commit(w, c);
    c = lake_open(w);
    tarn_change_delete_all(c);
    lake_commit(w, c);
    assert_string_equal(changes(w, first, NULL), "0+b 1-b 1+c 3-da");
}

static void stretches_that_cannot_be(void **state)
{
    struct lake_world *w = *state;
    struct tarn_changes out;
    struct tarn_scan *scan;
    lake_create(w, "struct<id: long>", NONE);
    lake_fails(w, tarn_table_changes(&w->lake, &w->op, lake_load(w), 5, NULL, NULL, &out),
               TARN_NOT_FOUND, "no snapshot");
    lake_append_now(w, PATH "a", 1);
    int64_t first = now(w);
    lake_append_now(w, PATH "b", 1);
    struct tarn_table *t = lake_load(w);
    const struct tarn_snapshot *old = tarn_metadata_snapshot(&t->metadata, first);
    lake_fails(w, tarn_table_changes(&w->lake, &w->op, t, 5, NULL, NULL, &out), TARN_NOT_FOUND,
               "no snapshot 5");
    lake_fails(w, tarn_table_changes(&w->lake, &w->op, t, now(w), old, NULL, &out), TARN_INVALID,
               "no ancestor");
    lake_fails(w, tarn_table_scan_added(&w->lake, &w->op, t, now(w), old, NULL, &scan),
               TARN_INVALID, "no ancestor");
}

static void rows_by_position(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, PATH "a", 10);
    lake_append(w, c, PATH "b", 10);
    lake_commit(w, c);
    int64_t first = now(w);
    c = lake_open(w);
    lake_delete_row(w, c, PATH "x", PATH "a", 3);
    lake_commit(w, c);
    c = lake_open(w);
    lake_delete_row(w, c, PATH "y", PATH "a", 3); /* again */
    lake_delete_row(w, c, PATH "z", PATH "a", 5);
    lake_append(w, c, PATH "c", 10);
    lake_delete_row(w, c, PATH "v", PATH "c", 0); /* a row that never was seen */
    lake_commit(w, c);
    c = lake_open(w);
    struct tarn_str a = lake_text(w, PATH "a");
    lake_ok(w, tarn_change_delete_files(c, &w->op, &a, 1));
    lake_commit(w, c);
    assert_string_equal(changes(w, first, NULL), "0-a[3] 1-a[5] 1+c(0) 2-a(3,5)");
}

static void vector(struct lake_world *w, const char *path, int64_t position, bool fresh)
{
    struct tarn_scan *s;
    struct tarn_data_file *out;
    lake_ok(w, tarn_table_scan(&w->lake, &w->op, lake_load(w), NULL, NULL, &s));
    assert_int_equal(s->file_count, 1);
    assert_true(tarn_str_is(s->files[0].file->path, path));
    if (fresh)
        s->files[0].deleted_count = 0;
    struct tarn_doomed_rows d = {&s->files[0], &position, 1};
    lake_ok(w, tarn_deletion_vectors_write(&w->lake, &w->op, &lake_load(w)->metadata, &d, 1, &out));
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, out, 1));
    lake_commit(w, c);
}

static void rows_by_vectors(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    lake_commit(w, c);
    lake_append_now(w, PATH "a", 10);
    vector(w, PATH "a", 2, false);
    vector(w, PATH "a", 7, false); /* replaces the one before */
    vector(w, PATH "a", 7, true);  /* another writer's, which takes 2 back */
    assert_string_equal(changes(w, 0, NULL), "0+a 1-a[2] 2-a[7] 3+a[2]");
}

static void add(struct lake_world *w, struct tarn_data_file *f, size_t count)
{
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, f, count));
    lake_commit(w, c);
}

static void rows_by_value(void **state)
{
    static int32_t other[] = {2};
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long, k: int>", NONE);
    lake_append_now(w, PATH "a", 10);
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, PATH "b", 10);
    struct tarn_data_file e = equality(w, PATH "e");
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &e, 1)); /* an upsert */
    lake_commit(w, c);
    c = lake_open(w);
    lake_delete_row(w, c, PATH "x", PATH "a", 4);
    lake_commit(w, c);
    struct tarn_data_file two[] = {equality(w, PATH "f"), equality(w, PATH "g")};
    two[1].equality_ids = other;
    add(w, two, 2);
    assert_string_equal(changes(w, 0, NULL), "0+a "
                                             "1-a=e@a 1+b "
                                             "2-a[4]-e@a "
                                             "3-ba(4)-e@a=f@ba 3-ba(4)-e@a-f@ba=g@ba");
    /* removed with what had been deleted of it */
    c = lake_open(w);
    struct tarn_str a = lake_text(w, PATH "a");
    int64_t before = now(w);
    lake_ok(w, tarn_change_delete_files(c, &w->op, &a, 1));
    lake_commit(w, c);
    const char *last = changes(w, before, NULL);
    assert_string_equal(last, "0-a(4)-fe@a-g@a");
}

static void only_appends_are_read(void **state)
{
    struct lake_world *w = *state;
    struct tarn_scan *s;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, PATH "a", 10);
    int64_t first = now(w);
    struct tarn_change *c = lake_open(w);
    struct tarn_str a = lake_text(w, PATH "a");
    lake_ok(w, tarn_change_delete_files(c, &w->op, &a, 1));
    lake_append(w, c, PATH "b", 10); /* an overwrite */
    lake_commit(w, c);
    lake_append_now(w, PATH "c", 10);
    int64_t third = now(w);
    lake_append_now(w, PATH "d", 10);
    struct tarn_table *t = lake_load(w);
    lake_ok(w, tarn_table_scan_added(&w->lake, &w->op, t, first, NULL, NULL, &s));
    assert_int_equal(s->file_count, 2);
    assert_true(tarn_str_is(s->files[0].file->path, PATH "c"));
    assert_true(tarn_str_is(s->files[1].file->path, PATH "d"));
    lake_ok(w, tarn_table_scan_added(&w->lake, &w->op, t, 0,
                                     tarn_metadata_snapshot(&t->metadata, third), NULL, &s));
    assert_int_equal(s->file_count, 2);
    assert_true(tarn_str_is(s->files[0].file->path, PATH "a"));
    lake_ok(w, tarn_table_scan_added(&w->lake, &w->op, t, now(w), NULL, NULL, &s));
    assert_int_equal(s->file_count, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        T(appends_and_removals), T(stretches_that_cannot_be),
        T(rows_by_position),     T(rows_by_vectors),
        T(rows_by_value),        T(only_appends_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What scans leave out: deletion vectors, position deletes and equality deletes within their scope;
 * and scans of other versions of the table. */
#include "lake_fixture.h"

#include <string.h>

#include "format/iceberg/puffin.h"
#include "lake/deletes.h"

static const char *const NONE[] = {NULL};
static const char *const BY_P[] = {"p", NULL};
#define A "mem://w/raw/t/data/a"
#define B "mem://w/raw/t/data/b"

static struct tarn_scan *scan(struct lake_world *w)
{
    struct tarn_scan *s;
    lake_ok(w, tarn_table_scan(&w->lake, &w->op, lake_load(w), NULL, NULL, &s));
    return s;
}

static void scan_fails(struct lake_world *w, enum tarn_status status, const char *part)
{
    struct tarn_scan *s;
    lake_fails(w, tarn_table_scan(&w->lake, &w->op, lake_load(w), NULL, NULL, &s), status, part);
}

static const struct tarn_scan_file *file_of(const struct tarn_scan *s, const char *path)
{
    for (size_t i = 0; i < s->file_count; i++)
        if (tarn_str_is(s->files[i].file->path, path))
            return &s->files[i];
    fail();
    return NULL;
}

/* "1 2 3" */
static const char *deleted(struct lake_world *w, const char *path)
{
    struct tarn_scan *s = scan(w);
    const struct tarn_scan_file *f = file_of(s, path);
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 4096);
    tarn_buf_z(&b, "");
    for (size_t i = 0; i < f->deleted_count; i++)
        tarn_buf_printf(&b, "%s%lld", i ? " " : "", (long long)f->deleted[i]);
    assert_int_equal(f->deleted == NULL, f->deleted_count == 0);
    lake_ok(w, (enum tarn_status)tarn_buf_take(&w->op, &b, "text", &out));
    return out.ptr;
}

static void version_3(struct lake_world *w, const char *type, const char *const *partitions)
{
    lake_create(w, type, partitions);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    lake_commit(w, c);
}

static struct tarn_str bytes_of(struct lake_world *w, struct tarn_str path)
{
    struct tarn_str out;
    lake_ok(w, tarn_storage_read(w->lake.storage, &w->op, path, &out));
    return out;
}

/* ---- deletion vectors */

static struct tarn_data_file *vectors(struct lake_world *w, const char *path, int64_t one,
                                      int64_t two)
{
    struct tarn_data_file *out;
    struct tarn_scan *s = scan(w);
    int64_t positions[] = {one, two};
    struct tarn_doomed_rows d = {file_of(s, path), positions, two > one ? 2 : 1};
    lake_ok(w, tarn_deletion_vectors_write(&w->lake, &w->op, &lake_load(w)->metadata, &d, 1, &out));
    return out;
}

static void add(struct lake_world *w, const struct tarn_data_file *f)
{
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, f, 1));
    lake_commit(w, c);
}

static void vectors_are_read_and_grow(void **state)
{
    struct lake_world *w = *state;
    version_3(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 100);
    lake_append_now(w, B, 100);
    struct tarn_data_file *f = vectors(w, A, 3, 70);
    assert_int_equal(f->record_count, 2);
    assert_true(tarn_str_is(f->format, "PUFFIN"));
    assert_true(tarn_str_is(f->referenced_data_file, A));
    assert_true(f->content_offset > 0);
    add(w, f);
    assert_string_equal(deleted(w, A), "3 70");
    assert_string_equal(deleted(w, B), "");
    f = vectors(w, A, 4, 70);
    assert_int_equal(f->record_count, 3);
    add(w, f);
    assert_string_equal(deleted(w, A), "3 4 70");
    assert_int_equal(lake_live(w, lake_load(w)), 3); /* two data files, one vector */
    struct tarn_table_totals totals;
    lake_ok(w, tarn_table_totals(&w->lake, &w->op, lake_load(w), &totals));
    assert_int_equal(totals.rows, 197);
}

/* The blob is described in the file itself, as other readers need it. */
static void vectors_lie_in_a_puffin_file(void **state)
{
    struct lake_world *w = *state;
    struct tarn_puffin puffin;
    struct tarn_data_file *out;
    version_3(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 100);
    lake_append_now(w, B, 100);
    struct tarn_scan *s = scan(w);
    int64_t one[] = {0}, two[] = {1, 99};
    struct tarn_doomed_rows d[] = {{file_of(s, A), one, 1}, {file_of(s, B), two, 2}};
    lake_ok(w, tarn_deletion_vectors_write(&w->lake, &w->op, &lake_load(w)->metadata, d, 2, &out));
    assert_true(tarn_str_eq(out[0].path, out[1].path));
    assert_true(tarn_str_starts(out[0].path, TARN_STR("mem://w/raw/t/data/")));
    assert_true(tarn_str_ends(out[0].path, TARN_STR("-deletes.puffin")));
    struct tarn_str bytes = bytes_of(w, out[0].path);
    assert_int_equal(bytes.len, out[1].size_bytes);
    lake_ok(w, tarn_puffin_parse(&w->op, bytes, "test", &puffin));
    assert_int_equal(puffin.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct tarn_puffin_blob *b = &puffin.blobs[i];
        assert_true(tarn_str_is(b->type, "deletion-vector-v1"));
        assert_int_equal(b->offset, out[i].content_offset);
        assert_int_equal(b->length, out[i].content_size);
        assert_int_equal(b->snapshot_id, -1);
        assert_int_equal(b->sequence_number, -1);
        assert_null(b->codec.ptr);
        assert_int_equal(b->field_count, 1);
        assert_int_equal(b->fields[0], 2147483645);
        assert_true(tarn_str_is(*tarn_kvs_get(&b->properties, "referenced-data-file"), i ? B : A));
        assert_true(tarn_str_is(*tarn_kvs_get(&b->properties, "cardinality"), i ? "2" : "1"));
    }
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, out, 2));
    lake_commit(w, c);
    assert_string_equal(deleted(w, A), "0");
    assert_string_equal(deleted(w, B), "1 99");
}

/* Position deletes of a file with a vector were taken into it (spec "Scan Planning"). */
static void vectors_win_over_position_deletes(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 100);
    lake_append_now(w, B, 100);
    struct tarn_change *c = lake_open(w);
    lake_delete_row(w, c, "mem://w/raw/t/data/x", A, 7);
    lake_delete_row(w, c, "mem://w/raw/t/data/y", B, 8);
    lake_commit(w, c);
    c = lake_open(w);
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    lake_commit(w, c);
    assert_string_equal(deleted(w, A), "7");
    /* a vector that does not say so: the position delete is not looked at */
    struct tarn_scan *s = scan(w);
    struct tarn_scan_file clean = *file_of(s, A);
    clean.deleted_count = 0;
    int64_t nine[] = {9};
    struct tarn_doomed_rows d = {&clean, nine, 1};
    struct tarn_data_file *out;
    lake_ok(w, tarn_deletion_vectors_write(&w->lake, &w->op, &lake_load(w)->metadata, &d, 1, &out));
    add(w, out);
    assert_string_equal(deleted(w, A), "9");
    assert_string_equal(deleted(w, B), "8");
    add(w, vectors(w, B, 9, 9));
    assert_string_equal(deleted(w, B), "8 9");
}

static void vectors_need_version_3(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 100);
    struct tarn_scan *s = scan(w);
    int64_t one[] = {1};
    struct tarn_doomed_rows d = {file_of(s, A), one, 1};
    struct tarn_data_file *out;
    lake_fails(w,
               tarn_deletion_vectors_write(&w->lake, &w->op, &lake_load(w)->metadata, &d, 1, &out),
               TARN_UNSUPPORTED, "version 3");
}

/* Entries that a scan must not believe: tried on the planner through the table's own manifests. */
static void broken_vectors_are_named(void **state)
{
    struct lake_world *w = *state;
    version_3(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 100);
    struct tarn_data_file *f = vectors(w, A, 3, 70);
    add(w, f);
    struct tarn_str bytes = bytes_of(w, f->path);
    for (int64_t at = f->content_offset; at < f->content_offset + f->content_size; at++) {
        struct tarn_str bad = tarn_strdup(&w->op, bytes);
        ((char *)bad.ptr)[at] ^= 1;
        lake_overwrite(w, f->path, bad);
        scan_fails(w, TARN_CORRUPT, "mem://w/raw/t/data/a");
    }
    lake_overwrite(w, f->path, tarn_str_of(bytes.ptr, (size_t)f->content_offset + 4));
    scan_fails(w, TARN_CORRUPT, "mem://w/raw/t/data/a");
    lake_ok(w, tarn_storage_remove(w->lake.storage, &w->op, f->path));
    scan_fails(w, TARN_NOT_FOUND, "mem://w/raw/t/data/a");
}

/* ---- equality deletes */

static struct tarn_data_file equality(struct lake_world *w, const char *path)
{
    static int32_t ids[] = {1};
    struct tarn_data_file f = lake_file(w, path, 1);
    f.content = TARN_CONTENT_EQUALITY_DELETES;
    f.equality_ids = ids;
    f.equality_id_count = 1;
    return f;
}

/* "e:a,b f:b" : delete file, and the data files of its group, by the last letters */
static const char *groups(struct lake_world *w)
{
    struct tarn_scan *s = scan(w);
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 4096);
    tarn_buf_z(&b, "");
    for (size_t g = 0; g < s->equality_count; g++) {
        const struct tarn_equality_group *e = &s->equality[g];
        tarn_buf_z(&b, g ? " " : "");
        for (size_t i = 0; i < e->delete_count; i++) {
            struct tarn_str name = tarn_path_base(e->deletes[i].file->path);
            tarn_buf_str(&b, name);
        }
        tarn_buf_put(&b, ':');
        for (size_t i = 0; i < e->file_count; i++)
            tarn_buf_str(&b, tarn_path_base(s->files[e->files[i]].file->path));
    }
    lake_ok(w, (enum tarn_status)tarn_buf_take(&w->op, &b, "text", &out));
    return out.ptr;
}

static void equality_applies_to_older_files(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 1);
    struct tarn_change *c = lake_open(w);
    struct tarn_data_file e = equality(w, "mem://w/raw/t/data/e");
    lake_append(w, c, B, 1); /* of the same sequence number */
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &e, 1));
    lake_commit(w, c);
    assert_string_equal(groups(w), "e:a");
    lake_append_now(w, "mem://w/raw/t/data/c", 1);
    assert_string_equal(groups(w), "e:a");
    struct tarn_data_file f = equality(w, "mem://w/raw/t/data/f");
    add(w, &f);
    /* one group: which of them applies to which file is told by sequence numbers */
    struct tarn_scan *s = scan(w);
    assert_int_equal(s->equality_count, 1);
    assert_int_equal(s->equality[0].delete_count, 2);
    assert_int_equal(s->equality[0].file_count, 3);
    assert_int_equal(s->equality[0].field_ids[0], 1);
    assert_int_equal(file_of(s, A)->sequence_number, 1);
}

static void equality_applies_in_its_partition(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long, p: int>", BY_P);
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    struct tarn_change *c = lake_open(w);
    static const char *const names[] = {"a", "b", "c"}, *const values[] = {"1", "2", "null"};
    for (size_t i = 0; i < 3; i++) {
        struct tarn_data_file f =
            lake_file(w, tarn_sprintf(&w->op, "mem://w/raw/t/data/%s", names[i]).ptr, 1);
        lake_partition(w, &f, m, 0, (const char *const[]){values[i], NULL});
        lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
    }
    lake_commit(w, c);
    c = lake_open(w);
    static const char *const deletes[] = {"e", "f", "g"}, *const of[] = {"2", "null", "3"};
    for (size_t i = 0; i < 3; i++) {
        struct tarn_data_file f =
            equality(w, tarn_sprintf(&w->op, "mem://w/raw/t/data/%s", deletes[i]).ptr);
        lake_partition(w, &f, m, 0, (const char *const[]){of[i], NULL});
        lake_ok(w, tarn_change_add_deletes(c, &w->op, &f, 1));
    }
    lake_commit(w, c);
    assert_string_equal(groups(w), "e:b f:c"); /* nothing lies in partition 3 */
    /* an unpartitioned spec's deletes are for all, whatever the data's spec */
    c = lake_open(w);
    lake_ok(w, tarn_change_set_spec(c, &w->op, &(struct tarn_partition_spec){0}));
    lake_commit(w, c);
    c = lake_open(w);
    struct tarn_data_file all = equality(w, "mem://w/raw/t/data/z");
    all.spec_id = tarn_metadata_spec(&lake_load(w)->metadata)->spec_id;
    assert_int_not_equal(all.spec_id, 0);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &all, 1));
    lake_commit(w, c);
    assert_string_equal(groups(w), "e:b f:c z:abc");
}

static void metrics_rule_equality_out(void **state)
{
    static const struct {
        const char *lower, *upper; /* of the delete file; the data is 10 to 20 */
        int64_t nulls, data_nulls; /* -1 = not known; 5 = all are */
        bool applies;
    } cases[] = {
        {"15", "16", 0, 0, true},  {"20", "99", 0, 0, true},  {"21", "99", 0, 0, false},
        {"1", "9", 0, 0, false},   {"1", "9", 1, 0, false},   {"1", "9", 1, 1, true},
        {"1", "9", -1, 1, true},   {NULL, NULL, 5, 0, false}, {NULL, NULL, 5, 1, true},
        {NULL, NULL, 0, 5, false}, {NULL, NULL, 0, 0, true},
    };
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    const struct tarn_schema *s = tarn_metadata_schema(&lake_load(w)->metadata);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn_change *c = lake_open(w);
        struct tarn_data_file data =
            lake_file(w, tarn_sprintf(&w->op, "mem://w/raw/t/data/a%zu", i).ptr, 5);
        struct tarn_data_file e =
            equality(w, tarn_sprintf(&w->op, "mem://w/raw/t/data/e%zu", i).ptr);
        e.record_count = 5;
        bool all = cases[i].data_nulls == 5;
        lake_metrics(w, &data, s, "id", all ? NULL : "10", all ? NULL : "20", cases[i].data_nulls);
        lake_metrics(w, &e, s, "id", cases[i].lower, cases[i].upper, cases[i].nulls);
        if (cases[i].nulls < 0)
            e.null_count_count = 0;
        tarn_change_delete_all(c);
        lake_ok(w, tarn_change_append(c, &w->op, &data, 1));
        lake_commit(w, c);
        add(w, &e);
        assert_int_equal(scan(w)->equality_count, cases[i].applies);
    }
}

static void equality_without_columns_is_named(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 1);
    struct tarn_data_file e = equality(w, "mem://w/raw/t/data/e");
    e.equality_id_count = 0;
    struct tarn_change *c = lake_open(w);
    enum tarn_status status = tarn_change_add_deletes(c, &w->op, &e, 1);
    if (status != TARN_OK) { /* nobody can write it here */
        tarn_clear(&w->op);
        return;
    }
    struct tarn_table *t;
    status = tarn_change_stage(c, &w->op, &t);
    struct tarn_scan *s;
    if (status == TARN_OK)
        lake_fails(w, tarn_table_scan(&w->lake, &w->op, t, NULL, NULL, &s), TARN_CORRUPT,
                   "mem://w/raw/t/data/e");
    tarn_clear(&w->op);
}

/* ---- position deletes and partitions */

static void position_deletes_keep_to_their_partition(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long, p: int>", BY_P);
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    struct tarn_change *c = lake_open(w);
    struct tarn_data_file a = lake_file(w, A, 10), b = lake_file(w, B, 10);
    lake_partition(w, &a, m, 0, (const char *const[]){"1", NULL});
    lake_partition(w, &b, m, 0, (const char *const[]){"2", NULL});
    lake_ok(w, tarn_change_append(c, &w->op, &a, 1));
    lake_ok(w, tarn_change_append(c, &w->op, &b, 1));
    lake_commit(w, c);
    struct tarn_data_file d = lake_file(w, "mem://w/raw/t/data/d", 2);
    d.content = TARN_CONTENT_POSITION_DELETES;
    lake_partition(w, &d, m, 0, (const char *const[]){"2", NULL});
    w->said[0] = (struct delete_said){"mem://w/raw/t/data/d", A, 1};
    w->said[1] = (struct delete_said){"mem://w/raw/t/data/d", B, 2};
    w->said_count = 2;
    add(w, &d);
    assert_string_equal(deleted(w, A), "");
    assert_string_equal(deleted(w, B), "2");
    /* a filter on the other partition reads no delete file at all */
    size_t before = w->delete_files_read;
    struct tarn_value one = {.i = 1};
    struct tarn_expr filter = {.op = TARN_EXPR_EQ,
                               .field_id = 2,
                               .type = {.kind = TARN_TYPE_INT},
                               .values = &one,
                               .value_count = 1};
    struct tarn_scan *s;
    lake_ok(w, tarn_table_scan(&w->lake, &w->op, lake_load(w), NULL, &filter, &s));
    assert_int_equal(s->file_count, 1);
    assert_int_equal(w->delete_files_read, before);
    /* one that says whose it is, in the wrong place */
    struct tarn_data_file e = d;
    e.path = TARN_STR("mem://w/raw/t/data/e");
    (void)lake_file(w, "mem://w/raw/t/data/e", 1);
    e.referenced_data_file = TARN_STR(A);
    w->said[w->said_count++] = (struct delete_said){"mem://w/raw/t/data/e", A, 5};
    add(w, &e);
    scan_fails(w, TARN_CORRUPT, "mem://w/raw/t/data/e");
}

/* ---- versions */

static void versions_resolve(void **state)
{
    struct lake_world *w = *state;
    const struct tarn_snapshot *s;
    lake_create(w, "struct<id: long>", NONE);
    lake_fails(w, tarn_table_version(&w->op, lake_load(w), TARN_STR("main"), &s), TARN_NOT_FOUND,
               "no snapshot");
    lake_append_now(w, A, 1);
    int64_t first = tarn_metadata_current(&lake_load(w)->metadata)->snapshot_id;
    lake_append_now(w, B, 1);
    struct tarn_change *c = lake_open(w);
    struct tarn_ref tag = {.name = TARN_STR("v1"),
                           .snapshot_id = first,
                           .is_tag = true,
                           .min_snapshots_to_keep = -1,
                           .max_snapshot_age_ms = -1,
                           .max_ref_age_ms = -1};
    lake_ok(w, tarn_change_set_ref(c, &w->op, &tag));
    tag.name = tarn_sprintf(&w->op, "%lld",
                            (long long)tarn_metadata_current(&lake_load(w)->metadata)->snapshot_id);
    tag.is_tag = false;
    lake_ok(w, tarn_change_set_ref(c, &w->op, &tag));
    struct tarn_schema wider = *tarn_metadata_schema(&lake_load(w)->metadata);
    struct tarn_field fields[] = {wider.root.fields[0],
                                  {.name = TARN_STR("more"), .type = {.kind = TARN_TYPE_INT}}};
    wider.root.fields = fields;
    wider.root.field_count = 2;
    lake_ok(w, tarn_change_set_schema(c, &w->op, &wider));
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    int64_t second = tarn_metadata_current(&t->metadata)->snapshot_id;
    lake_ok(w, tarn_table_version(&w->op, t, TARN_STR("v1"), &s));
    assert_int_equal(s->snapshot_id, first);
    assert_int_equal(tarn_table_columns(t, s, false)->root.field_count, 1);
    assert_int_equal(tarn_table_columns(t, s, true)->root.field_count, 2);
    assert_int_equal(tarn_table_columns(t, NULL, false)->root.field_count, 2);
    lake_ok(w, tarn_table_version(&w->op, t, TARN_STR("main"), &s));
    assert_int_equal(s->snapshot_id, second);
    lake_ok(w, tarn_table_version(&w->op, t, tarn_sprintf(&w->op, "%lld", (long long)first), &s));
    assert_int_equal(s->snapshot_id, first);
    /* a branch that is called like the second snapshot wins over it */
    lake_ok(w, tarn_table_version(&w->op, t, tag.name, &s));
    assert_int_equal(s->snapshot_id, first);
    lake_fails(w, tarn_table_version(&w->op, t, TARN_STR("audit"), &s), TARN_NOT_FOUND, "tag v1");
    lake_fails(w, tarn_table_version(&w->op, t, TARN_STR("7"), &s), TARN_NOT_FOUND, "branch main");
    /* the columns of a scan: of a branch's head the table's own */
    struct tarn_scan *plan;
    lake_ok(w, tarn_table_version(&w->op, t, tag.name, &s));
    lake_ok(w, tarn_table_scan(&w->lake, &w->op, t, s, NULL, &plan));
    assert_int_equal(plan->schema->root.field_count, 2);
    assert_int_equal(plan->file_count, 1);
    lake_ok(w, tarn_table_scan_columns(&w->lake, &w->op, t, s, tarn_table_columns(t, s, false),
                                       NULL, &plan));
    assert_int_equal(plan->schema->root.field_count, 1);
}

static void times_follow_the_log(void **state)
{
    struct lake_world *w = *state;
    const struct tarn_snapshot *s;
    struct tarn_snapshot_log_entry log[] = {{1000, 1}, {2000, 2}, {2000, 3}, {3000, 1}, {4000, 9}};
    struct tarn_snapshot snapshots[] = {{.snapshot_id = 1}, {.snapshot_id = 2}, {.snapshot_id = 3}};
    struct tarn_table t = {.ident = LAKE_TABLE,
                           .metadata = {.snapshots = snapshots,
                                        .snapshot_count = 3,
                                        .snapshot_log = log,
                                        .snapshot_log_count = 5}};
    static const struct {
        int64_t us, want; /* 0: not found */
    } cases[] = {{999999, 0},  {1000000, 1}, {1999999, 1}, {2000000, 3},
                 {2500000, 3}, {3000000, 1}, {3999999, 1}, {4000000, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum tarn_status status = tarn_table_as_of(&w->op, &t, cases[i].us, &s);
        if (cases[i].want == 0) {
            lake_fails(w, status, TARN_NOT_FOUND, i == 0 ? "1970-01-01 00:00:01" : "expired");
            continue;
        }
        lake_ok(w, status);
        assert_int_equal(s->snapshot_id, cases[i].want);
    }
    t.metadata.snapshot_log_count = 0;
    lake_fails(w, tarn_table_as_of(&w->op, &t, -1, &s), TARN_NOT_FOUND, "no snapshot");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        T(vectors_are_read_and_grow),
        T(vectors_lie_in_a_puffin_file),
        T(vectors_win_over_position_deletes),
        T(vectors_need_version_3),
        T(broken_vectors_are_named),
        T(equality_applies_to_older_files),
        T(equality_applies_in_its_partition),
        T(metrics_rule_equality_out),
        T(equality_without_columns_is_named),
        T(position_deletes_keep_to_their_partition),
        T(versions_resolve),
        T(times_follow_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

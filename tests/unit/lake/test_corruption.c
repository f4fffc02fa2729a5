/* Damage to a table's metadata, end to end: tables of each kind are planned with every truncation
 * and with flipped bits in their metadata file, manifest lists, manifests and Puffin files. A plan
 * then has the same files, rows and deleted positions, or it fails and names the file.
 *
 * What can be told, and by what:
 *   manifests and manifest lists that Tarn wrote   all of it: a CRC-32 in the Avro header
 *   deletion vectors                               all of it: a CRC-32 around the bitmap
 *   metadata files that Tarn wrote                 all of it: a CRC-32 in their first member, or
 *                                                  gzip's own
 *   manifests and lists of other writers           their blocks have no checksum (deflate): cuts
 *                                                  and lost or doubled entries are told by the
 *                                                  list's lengths and counts, a value that became
 *                                                  another one is not. What is asserted of them is
 *                                                  that a plan is well-formed or an error.
 * A file that is named but not there counts as an error that names it: reading it is one.
 */
#include "lake_fixture.h"

#include <string.h>

#include "lake/deletes.h"

#define FOLDER    "mem://w/raw/t/data/"
#define FILES_MAX 16
/* More than any plan here needs by far: what damage may cost. */
#define MEMORY ((size_t)48 << 20)

struct target {
    struct tarn_str path, bytes;
    const char *kind;
};
struct bench {
    struct lake_world *w;
    struct tarn_expr filter;
    struct tarn_value three;
    struct tarn_str want; /* the plan as text */
    struct target targets[FILES_MAX];
    size_t count;
    size_t same, told, changed; /* what damage came to */
};

/* ---- a plan as text */

static enum tarn_status exists(const struct lake_world *w, struct tarn_op *op, struct tarn_str path)
{
    struct tarn_object o;
    return tarn_storage_head(w->lake.storage, op, path, &o);
}

static enum tarn_status tell_scan(struct bench *b, struct tarn_op *op, const struct tarn_scan *s,
                                  struct tarn_buf *out)
{
    for (size_t i = 0; i < s->file_count; i++) {
        const struct tarn_scan_file *f = &s->files[i];
        TARN_TRY(exists(b->w, op, f->file->path));
        tarn_buf_printf(out, "%.*s rows %lld number %lld gone", TARN_STR_ARG(f->file->path),
                        (long long)f->file->record_count, (long long)f->sequence_number);
        for (size_t k = 0; k < f->deleted_count; k++)
            tarn_buf_printf(out, " %lld", (long long)f->deleted[k]);
        tarn_buf_z(out, "\n");
    }
    for (size_t g = 0; g < s->equality_count; g++) {
        const struct tarn_equality_group *e = &s->equality[g];
        tarn_buf_z(out, "equal");
        for (size_t i = 0; i < e->field_id_count; i++)
            tarn_buf_printf(out, " %d", (int)e->field_ids[i]);
        for (size_t i = 0; i < e->delete_count; i++) {
            TARN_TRY(exists(b->w, op, e->deletes[i].file->path));
            tarn_buf_printf(out, " %.*s number %lld", TARN_STR_ARG(e->deletes[i].file->path),
                            (long long)e->deletes[i].sequence_number);
        }
        for (size_t i = 0; i < e->file_count; i++)
            tarn_buf_printf(out, " of %zu", e->files[i]);
        tarn_buf_z(out, "\n");
    }
    return TARN_OK;
}

/* Well-formed: what an engine relies on without looking. */
static void check_scan(const struct tarn_scan *s)
{
    for (size_t i = 0; i < s->file_count; i++) {
        const struct tarn_scan_file *f = &s->files[i];
        assert_true(f->file->path.len > 0 && f->file->record_count >= 0);
        assert_true((f->deleted == NULL) == (f->deleted_count == 0));
        for (size_t k = 1; k < f->deleted_count; k++)
            assert_true(f->deleted[k - 1] < f->deleted[k]);
    }
    for (size_t g = 0; g < s->equality_count; g++) {
        assert_true(s->equality[g].field_id_count > 0 && s->equality[g].delete_count > 0);
        for (size_t i = 0; i < s->equality[g].file_count; i++)
            assert_true(s->equality[g].files[i] < s->file_count);
    }
}

/* All that a metadata file says. The member of the checksum, once damaged, is one that nobody
 * knows. */
static enum tarn_status tell_metadata(struct tarn_op *op, const struct tarn_metadata *m,
                                      struct tarn_buf *out)
{
    struct tarn_metadata copy = *m;
    struct tarn_str json;
    copy.extra = (struct tarn_kvs){0};
    TARN_TRY(tarn_metadata_write(op, &copy, &json));
    tarn_buf_str(out, json);
    tarn_buf_z(out, "\n");
    return TARN_OK;
}

/* All of the table, and what of it a filter leaves. */
static enum tarn_status plan(struct bench *b, struct tarn_op *op, struct tarn_str *out)
{
    struct tarn_table *t;
    struct tarn_buf text;
    tarn_buf_init(&text, (size_t)1 << 20);
    enum tarn_status status = tarn_table_load(&b->w->lake, op, LAKE_TABLE, &t);
    if (status == TARN_OK)
        status = tell_metadata(op, &t->metadata, &text);
    for (int filtered = 0; filtered < 2 && status == TARN_OK; filtered++) {
        struct tarn_scan *s;
        TARN_GO(tarn_table_scan(&b->w->lake, op, t, NULL, filtered ? &b->filter : NULL, &s));
        check_scan(s);
        TARN_GO(tell_scan(b, op, s, &text));
        tarn_buf_z(&text, "--\n");
    }
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_take(op, &text, "plan", out);
out:
    tarn_buf_release(&text);
    return status;
}

/* ---- position deletes: as the fixture's reader, but a file that it does not know is not there */

static enum tarn_status read_known(struct tarn_delete_reader *self, struct tarn_op *op,
                                   const struct tarn_str *paths, size_t count,
                                   struct tarn_position_deletes *out)
{
    struct lake_world *w =
        (struct lake_world *)(void *)((char *)self - offsetof(struct lake_world, deletes));
    *out = (struct tarn_position_deletes){0};
    TARN_NEW_ARRAY(op, out->runs, w->said_count * count + 1);
    for (size_t f = 0; f < count; f++) {
        size_t before = out->run_count;
        for (size_t i = 0; i < w->said_count; i++)
            if (tarn_str_is(paths[f], w->said[i].delete_file))
                out->runs[out->run_count++] =
                    (struct tarn_position_run){.source = f,
                                               .path = tarn_str_view(w->said[i].data_file),
                                               .positions = &w->said[i].position,
                                               .count = 1};
        if (out->run_count == before)
            return tarn_fail(op, TARN_NOT_FOUND, "file \"%.*s\" does not exist",
                             TARN_STR_ARG(paths[f]));
    }
    return TARN_OK;
}

/* ---- tables */

static const char *const BY_P[] = {"p", NULL};
static const char *const NONE[] = {NULL};

static void set_p(struct lake_world *w, struct tarn_data_file *f, bool partitioned, const char *p)
{
    const char *const tuple[] = {p, NULL};
    if (partitioned)
        lake_partition(w, f, &lake_load(w)->metadata, 0, tuple);
}

static void append_file(struct lake_world *w, struct tarn_change *c, bool partitioned,
                        const char *name, const char *p)
{
    struct tarn_data_file f = lake_file(w, tarn_sprintf(&w->op, FOLDER "%s", name).ptr, 100);
    lake_metrics(w, &f, tarn_metadata_schema(&lake_load(w)->metadata), "p", p, p, 0);
    set_p(w, &f, partitioned, p);
    lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
}

static void make_data(struct lake_world *w, int version, bool partitioned)
{
    lake_create(w, "struct<id: long, p: int>", partitioned ? BY_P : NONE);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_upgrade(c, &w->op, version));
    append_file(w, c, partitioned, "a", "1");
    append_file(w, c, partitioned, "b", "3");
    lake_commit(w, c);
    c = lake_open(w);
    append_file(w, c, partitioned, "c", "3");
    lake_commit(w, c);
}

static void add_vectors(struct lake_world *w)
{
    static const int64_t some[] = {0, 7, 70}, one[] = {99};
    struct tarn_scan *s;
    struct tarn_data_file *files;
    lake_ok(w, tarn_table_scan(&w->lake, &w->op, lake_load(w), NULL, NULL, &s));
    assert_int_equal(s->file_count, 3);
    struct tarn_doomed_rows doomed[] = {{&s->files[0], some, 3}, {&s->files[2], one, 1}};
    lake_ok(w, tarn_deletion_vectors_write(&w->lake, &w->op, s->metadata, doomed, 2, &files));
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, files, 2));
    lake_commit(w, c);
}

static void add_delete_files(struct lake_world *w, bool partitioned)
{
    static int32_t id[] = {1};
    struct tarn_change *c = lake_open(w);
    struct tarn_data_file d = lake_file(w, FOLDER "d", 1), e = lake_file(w, FOLDER "e", 1);
    d.content = TARN_CONTENT_POSITION_DELETES;
    w->said[w->said_count++] = (struct delete_said){FOLDER "d", FOLDER "b", 5};
    set_p(w, &d, partitioned, "3");
    e.content = TARN_CONTENT_EQUALITY_DELETES;
    e.equality_ids = id;
    e.equality_id_count = 1;
    set_p(w, &e, partitioned, "3");
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &d, 1));
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &e, 1));
    lake_commit(w, c);
}

/* ---- damage */

static void add_target(struct bench *b, struct tarn_str path, const char *kind)
{
    struct target *t = &b->targets[b->count++];
    assert_true(b->count <= FILES_MAX);
    *t = (struct target){.path = path, .kind = kind};
    lake_ok(b->w, tarn_storage_read(b->w->lake.storage, &b->w->op, path, &t->bytes));
}

static void bench_begin(struct bench *b, struct lake_world *w)
{
    struct tarn_manifest_list list;
    struct tarn_table *t = lake_load(w);
    *b = (struct bench){.w = w, .three = {.i = 3}};
    b->filter = (struct tarn_expr){.op = TARN_EXPR_EQ,
                                   .field_id = 2,
                                   .type = {.kind = TARN_TYPE_INT},
                                   .values = &b->three,
                                   .value_count = 1};
    w->deletes.read = read_known;
    lake_ok(w, plan(b, &w->op, &b->want));
    const struct tarn_snapshot *s = tarn_metadata_current(&t->metadata);
    add_target(b, t->metadata_location, "metadata");
    add_target(b, s->manifest_list, "list");
    lake_ok(w, tarn_table_manifests(&w->lake, &w->op, &t->metadata, s, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct tarn_manifest m;
        add_target(b, list.files[i].path, "manifest");
        lake_ok(w, tarn_table_manifest(&w->lake, &w->op, &t->metadata, &list.files[i], &m));
        if (m.entries[0].file.content_offset >= 0)
            add_target(b, m.entries[0].file.path, "puffin");
    }
}

static bool names(const struct tarn_report *r, struct tarn_str path)
{
    struct tarn_str name = tarn_path_base(path);
    char text[256];
    snprintf(text, sizeof text, "%.*s", TARN_STR_ARG(name));
    if (strstr(r->message, text) || strstr(r->detail, text))
        return true;
    for (int i = 0; i < r->frame_count; i++)
        if (strstr(r->frames[i], text))
            return true;
    return false;
}

/* Two files that contradict each other: either may be the one that is named, also a data file. A
 * path that was damaged is named as it is now. */
static bool is_told(const struct bench *b, const struct tarn_report *r, enum tarn_status status)
{
    bool path = status == TARN_NOT_FOUND || strstr(r->message, FOLDER) ||
                (status == TARN_INVALID && strstr(r->message, "path"));
    for (size_t i = 0; i < b->count && !path; i++)
        path = names(r, b->targets[i].path);
    return path;
}

static void put(struct bench *b, struct tarn_op *op, const struct target *t, struct tarn_str bytes)
{
    lake_ok(b->w, tarn_storage_remove(b->w->lake.storage, op, t->path));
    lake_ok(b->w, tarn_storage_put(b->w->lake.storage, op, t->path, bytes));
}

static bool is_known_error(enum tarn_status s)
{
    return s == TARN_CORRUPT || s == TARN_NOT_FOUND || s == TARN_UNSUPPORTED || s == TARN_LIMIT ||
           s == TARN_INVALID;
}

/* Plans with the damaged bytes in the file's place. `exact`: the plan must not change. */
static void try(struct bench *b, const struct target *t, struct tarn_str bytes, bool exact,
                const char *what, size_t at)
{
    struct tarn_op op;
    struct tarn_str got;
    assert_int_equal(tarn_op_init(&op, MEMORY, MEMORY), TARN_OK);
    put(b, &op, t, bytes);
    enum tarn_status status = plan(b, &op, &got);
    bool same = status == TARN_OK && tarn_str_eq(got, b->want);
    b->same += same;
    b->told += status != TARN_OK;
    b->changed += status == TARN_OK && !same;
    if (status == TARN_OK && !same && exact) {
        print_error("%s of %s at %zu: another plan\n%.*s", what, t->kind, at, TARN_STR_ARG(got));
        fail();
    }
    if (status != TARN_OK && (!is_known_error(status) || !is_told(b, &op.report, status))) {
        print_error("%s of %s at %zu: %s: %s\n", what, t->kind, at, tarn_status_info(status)->name,
                    op.report.message);
        fail();
    }
    tarn_op_release(&op);
}

struct dose {
    int bits;         /* of a byte that are flipped */
    size_t step, cut; /* every how many bytes */
    bool exact;
};

static void damage(struct bench *b, const struct target *t, struct tarn_str whole, struct dose d)
{
    char *copy = malloc(whole.len + 1);
    assert_non_null(copy);
    memcpy(copy, whole.ptr, whole.len);
    for (size_t at = 0; at < whole.len; at += d.step)
        for (int k = 0; k < d.bits; k++) {
            unsigned bit = (unsigned)(at + (size_t)k * 8 / (size_t)d.bits) % 8;
            copy[at] = (char)(copy[at] ^ 1 << bit);
            try(b, t, tarn_str_of(copy, whole.len), d.exact, "a flipped bit", at * 8 + bit);
            copy[at] = (char)(copy[at] ^ 1 << bit);
        }
    copy[whole.len] = 'x';
    try(b, t, tarn_str_of(copy, whole.len + 1), d.exact, "one byte more", whole.len);
    free(copy);
    for (size_t at = 0; at < whole.len; at += d.cut)
        try(b, t, tarn_str_of(whole.ptr, at), d.exact, "a cut", at);
    try(b, t, tarn_str_of(whole.ptr, whole.len - 1), d.exact, "a cut", whole.len - 1);
    put(b, &b->w->op, t, t->bytes);
}

/* Small files in all bits. The Avro files are mostly the text of their schema: steps are prime to
 * the lengths that repeat in it. */
static struct dose dose_of(const struct target *t)
{
    if (t->bytes.len < 700)
        return (struct dose){8, 1, 1, true};
    if (strcmp(t->kind, "metadata") == 0) /* all bits of one: test_metadata_bad */
        return (struct dose){1, 1, 5, true};
    return (struct dose){1, 3, 11, true};
}

static void as_it_was(struct bench *b)
{
    struct tarn_str got;
    lake_ok(b->w, plan(b, &b->w->op, &got));
    assert_true(tarn_str_eq(got, b->want));
}

static void damage_all(struct lake_world *w)
{
    struct bench b;
    bench_begin(&b, w);
    for (size_t i = 0; i < b.count; i++) {
        const struct target *t = &b.targets[i];
        b.told = 0;
        damage(&b, t, t->bytes, dose_of(t));
        assert_true(b.told > 0);
    }
    as_it_was(&b);
}

/* Files as others write them: the key of the checksum is another one, of the same length. */
static void damage_foreign(struct lake_world *w)
{
    struct bench b;
    bench_begin(&b, w);
    for (size_t i = 0; i < b.count; i++) {
        struct target *t = &b.targets[i];
        char *copy = memcpy(tarn_alloc(&w->op, t->bytes.len), t->bytes.ptr, t->bytes.len);
        char *key = memmem(copy, t->bytes.len, "tarn.crc32", 10);
        if (!key)
            continue;
        *key = 'x';
        t->bytes.ptr = copy;
        put(&b, &w->op, t, t->bytes);
        as_it_was(&b);
        b.changed = b.told = 0;
        damage(&b, t, t->bytes, (struct dose){1, 3, 29, false});
        print_message("%s of %zu bytes: told %zu, changed %zu\n", t->kind, t->bytes.len, b.told,
                      b.changed);
        assert_true(b.told > 0);
    }
}

/* ---- tests */

static void version_2(void **state)
{
    struct lake_world *w = *state;
    make_data(w, 2, false);
    add_delete_files(w, false);
    damage_all(w);
}

static void version_2_partitioned(void **state)
{
    struct lake_world *w = *state;
    make_data(w, 2, true);
    add_delete_files(w, true);
    damage_all(w);
}

static void version_3(void **state)
{
    struct lake_world *w = *state;
    make_data(w, 3, false);
    add_vectors(w);
    damage_all(w);
}

static void version_3_partitioned(void **state)
{
    struct lake_world *w = *state;
    make_data(w, 3, true);
    add_vectors(w);
    damage_all(w);
}

static void files_of_others(void **state)
{
    struct lake_world *w = *state;
    make_data(w, 2, true);
    add_delete_files(w, true);
    damage_foreign(w);
}

static void files_of_others_with_vectors(void **state)
{
    struct lake_world *w = *state;
    make_data(w, 3, true);
    add_vectors(w);
    damage_foreign(w);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        T(version_2),       T(version_2_partitioned),        T(version_3), T(version_3_partitioned),
        T(files_of_others), T(files_of_others_with_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tables opened by where they lie. */
#include "lake_fixture.h"

#include "lake/open_path.h"

#define FOLDER "mem://w/t"

static struct tarn_str text_of_table(struct lake_world *w)
{
    struct tarn_field field = {.name = TARN_STR("id"), .type = {.kind = TARN_TYPE_LONG}};
    struct tarn_schema schema = {
        .root = {.kind = TARN_TYPE_STRUCT, .fields = &field, .field_count = 1}};
    struct tarn_create create = {.location = TARN_STR("mem://w/other"), .schema = &schema};
    struct tarn_change *change;
    struct tarn_table *t;
    struct tarn_str json;
    lake_ok(w, tarn_change_create(&w->lake, &w->op,
                                  (struct tarn_ident){TARN_STR("raw"), TARN_STR("t")}, &create,
                                  &change));
    lake_ok(w, tarn_change_stage(change, &w->op, &t));
    lake_ok(w, tarn_storage_read(w->lake.storage, &w->op, t->metadata_location, &json));
    return json;
}

static void put(struct lake_world *w, const char *name, struct tarn_str text)
{
    struct tarn_str path = tarn_sprintf(&w->op, "%s/metadata/%s", FOLDER, name);
    lake_ok(w, tarn_storage_put(w->lake.storage, &w->op, path, text));
}

static void opens(struct lake_world *w, const char *path, const char *file)
{
    struct tarn_table *t;
    lake_ok(w, tarn_table_open_path(&w->lake, &w->op, tarn_str_view(path), &t));
    assert_true(tarn_str_ends(t->metadata_location, tarn_str_view(file)));
    assert_int_equal(tarn_metadata_schema(&t->metadata)->root.field_count, 1);
}

static void the_highest_number_counts(void **state)
{
    struct lake_world *w = *state;
    struct tarn_str json = text_of_table(w);
    struct tarn_table *t;
    lake_fails(w, tarn_table_open_path(&w->lake, &w->op, TARN_STR(FOLDER), &t), TARN_NOT_FOUND,
               "no Iceberg table in");
    put(w, "00009-aaa.metadata.json", json);
    put(w, "00010-bbb.metadata.json", json);
    put(w, "snap-99-1.avro", TARN_STR("x"));
    put(w, "readme.metadata.json", TARN_STR("x"));
    opens(w, FOLDER, "00010-bbb.metadata.json");
    opens(w, FOLDER "/", "00010-bbb.metadata.json");
    opens(w, FOLDER "/metadata/00009-aaa.metadata.json", "00009-aaa.metadata.json");
    put(w, "v11.metadata.json", json);
    opens(w, FOLDER, "v11.metadata.json");
}

static void the_hint_wins(void **state)
{
    struct lake_world *w = *state;
    struct tarn_str json = text_of_table(w);
    struct tarn_table *t;
    put(w, "v1.metadata.json", json);
    put(w, "v2.metadata.json", json);
    put(w, "version-hint.text", TARN_STR(" 1\n"));
    opens(w, FOLDER, "v1.metadata.json");
    put(w, "version-hint.text", TARN_STR("7"));
    opens(w, FOLDER, "v2.metadata.json");
    put(w, "version-hint.text", TARN_STR("x"));
    lake_fails(w, tarn_table_open_path(&w->lake, &w->op, TARN_STR(FOLDER), &t), TARN_CORRUPT,
               "does not name a version");
}

static void what_is_a_path(void **state)
{
    (void)state;
    assert_true(tarn_is_table_path(TARN_STR("/a/b")));
    assert_true(tarn_is_table_path(TARN_STR("file:///a")));
    assert_false(tarn_is_table_path(TARN_STR("/")));
    assert_false(tarn_is_table_path(TARN_STR("a/b")));
    assert_false(tarn_is_table_path(TARN_STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_highest_number_counts, lake_begin, lake_end),
        cmocka_unit_test_setup_teardown(the_hint_wins, lake_begin, lake_end),
        cmocka_unit_test(what_is_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

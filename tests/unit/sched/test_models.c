/* Models of each kind over runs that follow each other: what is written, what is left alone, what
 * is refused. */
#include "sched_fixture.h"

static void model(struct sched_world *w, const char *name, const char *header, const char *sql)
{
    char path[64], text[2048];
    snprintf(path, sizeof path, "models/%s.sql", name);
    snprintf(text, sizeof text, "%s%s%s%s\n", header ? "/* tarn\n" : "", header ? header : "",
             header ? "\n*/\n" : "", sql);
    sched_put(w, path, text);
}

static void full_refresh(struct sched_world *w)
{
    struct tarn_run_options o = {.full_refresh = true};
    sched_run_with(w, &o);
    assert_int_equal(w->status, TARN_OK);
}

/* ---- merge */

static const char MERGE[] = "kind: merge\nkey: [id]\naudit: [ingest_ts]";
static const char MERGE_SQL[] = "select id, v, ingest_ts from (select *, row_number() over "
                                "(partition by id order by ingest_ts desc, "
                                "_source_file desc) as n from raw.docs) where n = 1";

static void merge_inserts_and_updates(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/m", MERGE, MERGE_SQL);
    sched_put(w, "data/docs1.json",
              "{\"id\": 1, \"v\": \"a\"}\n{\"id\": 2, \"v\": \"b\"}\n{\"id\": 3, \"v\": null}\n");
    sched_run_ok(w);
    sched_is(w, "silver.m", TARN_STEP_OK);
    assert_string_equal(sched_rows(w, "select id, v from silver.m order by id"),
                        "1|a\n2|b\n3|NULL\n");
    sched_put(w, "data/docs2.json",
              "{\"id\": 2, \"v\": \"B\"}\n{\"id\": 4, \"v\": \"d\"}\n{\"id\": 1, \"v\": \"a\"}\n");
    sched_run_ok(w);
    const struct said *s = sched_step(w, "silver.m");
    assert_int_equal(
        s->rows_out,
        2); /* one other, one new; the same again is not written: only audit columns differ */
    assert_int_equal(s->rows_deleted, 1);
    assert_string_equal(sched_rows(w, "select id, v from silver.m order by id"),
                        "1|a\n2|B\n3|NULL\n4|d\n");
    assert_string_equal(sched_rows(w, "select count(distinct ingest_ts) from silver.m"), "2\n");
    sched_put(w, "data/docs3.json", "{\"id\": 3, \"v\": \"c\"}\n{\"id\": 2, \"v\": null}\n");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select id, v from silver.m order by id"),
                        "1|a\n2|NULL\n3|c\n4|d\n");
}

static void nothing_new_writes_nothing(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/m", MERGE, MERGE_SQL);
    model(w, "gold/t", NULL, "select count(*) as n from silver.m");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n");
    sched_run_ok(w);
    assert_int_equal(w->published, 2);
    size_t files = sched_count_files(w, "warehouse");
    sched_run_ok(w);
    assert_true(w->up_to_date);
    assert_int_equal(w->published, 0);
    assert_int_equal(sched_count_files(w, "warehouse"), files);
    sched_is(w, "silver.m", TARN_STEP_CURRENT);
    sched_is(w, "gold.t", TARN_STEP_CURRENT);
    /* rows that change nothing: the inputs move, the tables do not */
    sched_put(w, "data/docs2.json", "{\"id\": 1, \"v\": \"a\"}\n");
    sched_open(w);
    int64_t silver = sched_snapshot(w, "silver", "m"), gold = sched_snapshot(w, "gold", "t");
    sched_run_ok(w);
    assert_int_equal(sched_snapshot(w, "silver", "m"), silver);
    assert_int_equal(sched_snapshot(w, "gold", "t"), gold);
    files = sched_count_files(w, "warehouse");
    sched_run_ok(w);
    assert_true(w->up_to_date);
    assert_int_equal(sched_count_files(w, "warehouse"), files);
}

static void merge_replaces_by_group(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/lines", "kind: merge\nkey: [id, line]\nreplace_by: [id]",
          "select id, u.unnest.n as line, u.unnest.amount as amount from (select * from raw.docs "
          "qualify row_number() over (partition by id order by ingest_ts desc) = 1) d, "
          "unnest(d.lines) u");
    sched_put(w, "data/docs1.json",
              "{\"id\": 1, \"lines\": [{\"n\": 1, \"amount\": 10}, {\"n\": 2, \"amount\": 20}]}\n"
              "{\"id\": 2, \"lines\": [{\"n\": 1, \"amount\": 30}]}\n");
    sched_run_ok(w);
    sched_put(w, "data/docs2.json",
              "{\"id\": 1, \"lines\": [{\"n\": 1, \"amount\": 11}, {\"n\": 3, \"amount\": 5}]}\n");
    sched_run_ok(w);
    const struct said *s = sched_step(w, "silver.lines");
    assert_int_equal(s->rows_deleted, 2);
    assert_int_equal(s->rows_out, 2);
    assert_string_equal(sched_rows(w, "select * from silver.lines order by all"),
                        "1|1|11\n1|3|5\n2|1|30\n");
}

static void keys_that_are_none(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/m", "kind: merge\nkey: [id]", "select id, v from raw.docs");
    sched_put(w, "data/docs1.json",
              "{\"id\": 1, \"v\": \"a\"}\n{\"id\": 1, \"v\": \"b\"}\n{\"id\": 2, \"v\": \"c\"}\n");
    sched_run(w);
    assert_true(w->failed);
    assert_int_equal(w->result_status, TARN_CHECK);
    assert_non_null(strstr(sched_step(w, "silver.m")->message, "1 keys with more than one row"));
    assert_null(sched_table(w, "silver", "m"));
    sched_put(w, "data/docs1.json", "{\"id\": null, \"v\": \"a\"}\n{\"id\": 2, \"v\": \"c\"}\n");
    sched_run(w);
    assert_non_null(strstr(sched_step(w, "silver.m")->message, "key is null"));
    assert_null(sched_table(w, "silver", "m"));
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select * from silver.m"), "1|a\n");
    sched_put(w, "data/docs2.json", "{\"id\": 1, \"v\": \"b\"}\n");
    sched_run(w);
    assert_true(w->failed);
    assert_string_equal(sched_rows(w, "select * from silver.m"), "1|a\n");
}

static void merge_with_columns_that_come_and_go(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/m", "kind: merge\nkey: [id]", "select id, v, 'x' as w from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n{\"id\": 2, \"v\": \"b\"}\n");
    sched_run_ok(w);
    model(w, "silver/m", "kind: merge\nkey: [id]",
          "select id, v, length(v) as n from raw.docs"); /* w goes, n comes */
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select id, v, w, n from silver.m order by 1"),
                        "1|a|x|1\n2|b|x|1\n");
    sched_put(w, "data/docs2.json", "{\"id\": 3, \"v\": \"ccc\"}\n");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select id, v, w, n from silver.m order by 1"),
                        "1|a|x|1\n2|b|x|1\n3|ccc|NULL|3\n");
    assert_int_equal(sched_step(w, "silver.m")->rows_out, 1);
    model(w, "silver/m", "kind: merge\nkey: [id]",
          "select id, v, length(v) as n, null::int as empty from raw.docs");
    sched_run_ok(w); /* a column without values is no reason to write rows */
    assert_int_equal(sched_step(w, "silver.m")->rows_out, 0);
    assert_string_equal(sched_rows(w, "select id, empty from silver.m order by 1"),
                        "1|NULL\n2|NULL\n3|NULL\n");
}

/* Names are the same in any case, in keys and in columns. */
static void merge_with_names_in_another_case(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/m", "kind: merge\nkey: [id]", "select id, v from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n");
    sched_run_ok(w);
    model(w, "silver/m", "kind: merge\nkey: [ID]", "select id as \"Id\", v as \"V\" from raw.docs");
    sched_run_ok(w);
    assert_int_equal(sched_step(w, "silver.m")->rows_out, 0);
    sched_put(w, "data/docs2.json", "{\"id\": 2, \"v\": \"b\"}\n");
    sched_run_ok(w);
    assert_int_equal(sched_step(w, "silver.m")->rows_out, 1);
    assert_string_equal(sched_rows(w, "select * from silver.m order by 1"), "1|a\n2|b\n");
}

static void merge_with_structs_that_grow(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/m", "kind: merge\nkey: [id]", "select id, {'x': v} as s from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n{\"id\": 2, \"v\": null}\n");
    sched_run_ok(w);
    model(w, "silver/m", "kind: merge\nkey: [id]",
          "select id, {'x': v, 'y': if(id = 1, 7, null)} as s from raw.docs");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select * from silver.m order by id"),
                        "1|{x: a, y: 7}\n2|{x: NULL, y: NULL}\n");
}

static void refuse_types(struct sched_world *w, const char *header, const char *sql)
{
    const char *before = sched_rows(w, "select typeof(v), v from silver.m order by all");
    char kept[256];
    snprintf(kept, sizeof kept, "%s", before);
    model(w, "silver/m", header, sql);
    sched_run(w);
    assert_true(w->failed);
    assert_int_equal(w->result_status, TARN_SCHEMA);
    assert_non_null(strstr(sched_step(w, "silver.m")->hint, "--full-refresh"));
    assert_string_equal(sched_rows(w, "select typeof(v), v from silver.m order by all"), kept);
    full_refresh(w);
    assert_false(w->failed);
}

static void an_append_of_other_types_needs_a_full_refresh(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/m", "kind: append", "select id, v from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": 5}\n");
    sched_run_ok(w);
    refuse_types(w, "kind: append", "select id, v::varchar as v from raw.docs");
    assert_string_equal(sched_rows(w, "select typeof(v), v from silver.m"), "VARCHAR|5\n");
    refuse_types(w, "kind: append", "select id, v from raw.docs"); /* and back */
    assert_string_equal(sched_rows(w, "select typeof(v), v from silver.m"), "BIGINT|5\n");
}

/* A merge of other types stands for its table if it loses nothing of it: no row, no column, no
 * key. */
static void a_merge_of_other_types(void **state)
{
    struct sched_world *w = *state;
    static const char header[] = "kind: merge\nkey: [id]";
    model(w, "silver/m", header, "select id, v from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": 5}\n{\"id\": 2, \"v\": 6}\n");
    sched_run_ok(w);
    model(w, "silver/m", header, "select id, v::varchar as v from raw.docs");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select typeof(v), v from silver.m order by 2"),
                        "VARCHAR|5\nVARCHAR|6\n");
    refuse_types(w, header, "select id, v from raw.docs where id = 1"); /* a row */
    assert_string_equal(sched_rows(w, "select typeof(v), v from silver.m"), "BIGINT|5\n");
    model(w, "silver/m", header, "select id, v, 'kept' as w from raw.docs");
    sched_run_ok(w);
    model(w, "silver/m", header, "select id, v from raw.docs"); /* w keeps its values */
    sched_run_ok(w);
    refuse_types(w, header, "select id, v::varchar as v from raw.docs"); /* a column */
    model(w, "silver/m", header, "select id, v::varchar as v from raw.docs where id = 1");
    full_refresh(w);
    refuse_types(w, header, "select id::varchar as id, v from raw.docs"); /* a key */
}

static void wider_types_need_none(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/m", "kind: merge\nkey: [id]",
          "select id, v::int as v, v::decimal(9,2) as d from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": 5}\n");
    sched_run_ok(w);
    model(w, "silver/m", "kind: merge\nkey: [id]",
          "select id, v::bigint as v, v::decimal(12,2) as d from raw.docs");
    sched_run_ok(w);
    assert_int_equal(sched_step(w, "silver.m")->rows_out, 0);
    assert_string_equal(sched_rows(w, "select typeof(v), typeof(d), v, d from silver.m"),
                        "BIGINT|DECIMAL(12,2)|5|5.00\n");
}

/* ---- append */

static void append_adds_what_is_not_there(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/a", "kind: append", "select id, v from raw.docs");
    sched_put(w, "data/docs1.json",
              "{\"id\": 1, \"v\": \"a\"}\n{\"id\": 1, \"v\": \"a\"}\n{\"id\": 2, \"v\": null}\n");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select * from silver.a order by 1"), "1|a\n1|a\n2|NULL\n");
    sched_put(w, "data/docs2.json", "{\"id\": 1, \"v\": \"a\"}\n{\"id\": 3, \"v\": \"c\"}\n");
    sched_run_ok(w);
    assert_int_equal(sched_step(w, "silver.a")->rows_out, 2);
    assert_string_equal(sched_rows(w, "select * from silver.a order by 1"),
                        "1|a\n1|a\n1|a\n2|NULL\n3|c\n");
    sched_put(w, "data/docs2.json", ""); /* what was appended stays */
    sched_run_ok(w);
    assert_int_equal(sched_step(w, "silver.a")->rows_out, 0);
    assert_string_equal(sched_rows(w, "select count(*) from silver.a"), "5\n");
    full_refresh(w);
    assert_string_equal(sched_rows(w, "select count(*) from silver.a"), "3\n");
}

static void append_with_columns_that_come_and_go(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/a", "kind: append", "select id, v, 'x' as w from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n{\"id\": 2, \"v\": \"b\"}\n");
    sched_run_ok(w);
    model(w, "silver/a", "kind: append",
          "select id, v from raw.docs"); /* w goes: its values stay, and no row comes again */
    sched_run_ok(w);
    assert_int_equal(sched_step(w, "silver.a")->rows_out, 0);
    assert_string_equal(sched_rows(w, "select id, v, w from silver.a order by 1"),
                        "1|a|x\n2|b|x\n");
    model(w, "silver/a", "kind: append",
          "select id, v, length(v) as n from raw.docs"); /* n comes: for new rows */
    sched_put(w, "data/docs2.json", "{\"id\": 3, \"v\": \"cc\"}\n");
    sched_run_ok(w);
    assert_int_equal(sched_step(w, "silver.a")->rows_out, 1);
    assert_string_equal(sched_rows(w, "select id, v, w, n from silver.a order by 1"),
                        "1|a|x|NULL\n2|b|x|NULL\n3|cc|NULL|2\n");
    sched_run_ok(w);
    assert_true(w->up_to_date);
}

/* ---- table */

static void a_table_is_replaced_whole(void **state)
{
    struct sched_world *w = *state;
    model(w, "gold/t", NULL, "select id, v from raw.docs where id < 10");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n{\"id\": 2, \"v\": \"b\"}\n");
    sched_run_ok(w);
    sched_put(w, "data/docs1.json", "{\"id\": 2, \"v\": \"b\"}\n");
    sched_run_ok(w);
    assert_int_equal(sched_step(w, "gold.t")->rows_deleted, 2);
    assert_string_equal(sched_rows(w, "select * from gold.t"), "2|b\n");
    int64_t before = sched_snapshot(w, "gold", "t");
    sched_put(w, "data/docs2.json", "{\"id\": 11, \"v\": \"k\"}\n"); /* not among its rows */
    sched_run_ok(w);
    assert_int_equal(sched_snapshot(w, "gold", "t"), before);
    sched_put(w, "data/docs1.json", ""); /* to nothing, and back */
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select count(*) from gold.t"), "0\n");
    sched_put(w, "data/docs1.json", "{\"id\": 2, \"v\": \"b\"}\n");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select * from gold.t"), "2|b\n");
}

/* As many rows, but others; the same rows in other numbers; NaN, null and zeros. */
static void a_table_of_the_same_size(void **state)
{
    struct sched_world *w = *state;
    model(w, "gold/t", NULL, "select v from raw.docs");
    sched_put(w, "data/docs1.json", "{\"v\": \"a\"}\n{\"v\": \"a\"}\n{\"v\": \"b\"}\n");
    sched_run_ok(w);
    sched_put(w, "data/docs1.json", "{\"v\": \"a\"}\n{\"v\": \"b\"}\n{\"v\": \"b\"}\n");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select v from gold.t order by 1"), "a\nb\nb\n");
    sched_put(w, "data/docs1.json", "{\"v\": \"b\"}\n{\"v\": null}\n{\"v\": \"b\"}\n");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select v from gold.t order by 1 nulls first"),
                        "NULL\nb\nb\n");
}

static void a_table_of_other_columns(void **state)
{
    struct sched_world *w = *state;
    model(w, "gold/t", "partition_by: [v]", "select id, v, 1 as x from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": 5}\n");
    sched_run_ok(w);
    model(w, "gold/t", "partition_by: [v]", "select v::varchar as v, id, true as y from raw.docs");
    sched_run_ok(w); /* another type of the partition's column, one goes, one comes */
    assert_string_equal(sched_rows(w, "select id, v, y, typeof(v) from gold.t"),
                        "1|5|true|VARCHAR\n");
    assert_string_equal(sched_rows(w, "select count(*) from (describe gold.t)"), "3\n");
    assert_string_equal(sched_rows(w, "select id from gold.t where v = '5'"), "1\n");
}

static void another_partitioning(void **state)
{
    struct sched_world *w = *state;
    model(w, "gold/t", "partition_by: [v]", "select id, v from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": 5}\n{\"id\": 2, \"v\": 6}\n");
    sched_run_ok(w);
    model(w, "gold/t", "partition_by: [\"bucket(4, id)\"]", "select id, v from raw.docs");
    sched_run_ok(w);
    const struct tarn_metadata *m = &sched_table(w, "gold", "t")->metadata;
    assert_int_equal(tarn_metadata_spec(m)->field_count, 1);
    assert_int_equal(tarn_metadata_spec(m)->fields[0].transform.kind, TARN_TRANSFORM_BUCKET);
    assert_string_equal(sched_rows(w, "select id, v from gold.t order by 1"), "1|5\n2|6\n");
    model(w, "gold/t", NULL, "select id, v from raw.docs");
    sched_run_ok(w);
    assert_int_equal(tarn_metadata_spec(&sched_table(w, "gold", "t")->metadata)->field_count, 0);
    sched_run_ok(w);
    assert_true(w->up_to_date);
}

/* ---- views */

static void views_stand_for_what_they_read(void **state)
{
    struct sched_world *w = *state;
    model(w, "silver/v", "kind: view", "select id, upper(v) as v from raw.docs");
    model(w, "silver/vv", "kind: view", "select * from silver.v where id > 0");
    model(w, "gold/t", NULL, "select v, count(*) as n from silver.vv group by 1");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n{\"id\": 2, \"v\": \"b\"}\n");
    sched_run_ok(w);
    assert_null(sched_table(w, "silver", "v"));
    assert_string_equal(sched_rows(w, "select * from gold.t order by 1"), "A|1\nB|1\n");
    assert_string_equal(sched_rows(w, "select * from silver.vv order by 1"), "1|A\n2|B\n");
    sched_run_ok(w);
    assert_true(w->up_to_date);
    model(w, "silver/v", "kind: view", "select id, lower(v) as v from raw.docs");
    sched_run_ok(w);
    sched_is(w, "gold.t", TARN_STEP_OK);
    assert_string_equal(sched_rows(w, "select * from gold.t order by 1"), "a|1\nb|1\n");
    sched_put(w, "data/docs2.json", "{\"id\": 3, \"v\": \"C\"}\n");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select * from gold.t order by 1"), "a|1\nb|1\nc|1\n");
}

/* ---- when a model must run */

static void rewrites_of_inputs_change_nothing(void **state)
{
    struct sched_world *w = *state;
    model(w, "gold/t", NULL, "select id from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n");
    sched_run_ok(w);
    struct tarn_table *t = sched_table(w, "raw", "docs");
    struct tarn_metadata m = t->metadata;
    struct tarn_snapshot *all = tarn_alloc_array(&w->op, m.snapshot_count + 1, sizeof *all);
    assert_non_null(all);
    memcpy(all, m.snapshots, m.snapshot_count * sizeof *all);
    struct tarn_snapshot *s = &all[m.snapshot_count++];
    *s = *tarn_metadata_current(&t->metadata);
    s->parent_id = s->snapshot_id;
    s->snapshot_id ^= 1;
    s->sequence_number = ++m.last_sequence_number;
    s->timestamp_ms = ++m.last_updated_ms;
    sched_ok(w, tarn_kvs_with(&w->op, &s->summary, TARN_STR("operation"), TARN_STR("replace"),
                              &s->summary));
    struct tarn_ref main_ref = *tarn_metadata_ref(&m, TARN_STR("main"));
    main_ref.snapshot_id = m.current_snapshot_id = s->snapshot_id;
    m.snapshots = all;
    m.refs = &main_ref;
    sched_publish(w, t, &m);
    sched_run_ok(w);
    sched_is(w, "gold.t", TARN_STEP_CURRENT);
    assert_true(w->up_to_date);
    sched_put(w, "data/docs2.json", "{\"id\": 2, \"v\": \"b\"}\n");
    sched_run_ok(w);
    sched_is(w, "gold.t", TARN_STEP_OK);
}

/* A column more without a row more: `select *` has another result. */
static void schemas_of_inputs_count(void **state)
{
    struct sched_world *w = *state;
    model(w, "gold/t", NULL,
          "select * exclude (ingest_ts, _source_file, _source_offset) from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n");
    sched_run_ok(w);
    struct tarn_table *t = sched_table(w, "raw", "docs");
    struct tarn_change *c;
    struct tarn_schema s;
    sched_ok(w, tarn_change_open(&w->w->lake, &w->op, t, &c));
    sched_ok(w, tarn_schema_copy(&w->op, tarn_metadata_schema(&t->metadata), &s));
    for (size_t i = 0; i < s.root.field_count; i++)
        if (tarn_str_is(s.root.fields[i].name, "v"))
            s.root.fields[i].name = TARN_STR("renamed");
    sched_ok(w, tarn_change_set_schema(c, &w->op, &s));
    sched_ok(w, tarn_changes_commit(&w->w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select id, renamed from gold.t"), "1|a\n");
}

static void roll_back(struct sched_world *w, const char *ns, const char *name, size_t snapshot)
{
    struct tarn_table *t = sched_table(w, ns, name);
    struct tarn_metadata m = t->metadata;
    struct tarn_ref main_ref = *tarn_metadata_ref(&m, TARN_STR("main"));
    main_ref.snapshot_id = m.current_snapshot_id = m.snapshots[snapshot].snapshot_id;
    m.refs = &main_ref;
    m.ref_count = 1;
    m.last_updated_ms++;
    sched_publish(w, t, &m);
}

/* An input that went back, and the model's own table that went back: what it says it holds, it does
 * not. */
static void rolled_back_tables_are_made_anew(void **state)
{
    struct sched_world *w = *state;
    model(w, "gold/t", NULL, "select id from raw.docs");
    model(w, "gold/m", "kind: merge\nkey: [id]", "select id from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1}\n");
    sched_run_ok(w);
    sched_put(w, "data/docs2.json", "{\"id\": 2}\n");
    sched_run_ok(w);
    roll_back(w, "gold", "t", 0);
    roll_back(w, "gold", "m", 0);
    assert_string_equal(sched_rows(w, "select id from gold.t"), "1\n");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select id from gold.t order by 1"), "1\n2\n");
    assert_string_equal(sched_rows(w, "select id from gold.m order by 1"), "1\n2\n");
    sched_run_ok(w);
    assert_true(w->up_to_date);
}

static void insert(struct sched_world *w, const char *name, const char *rows)
{
    struct tarn_change *c;
    struct tarn_flow flow = tarn_workspace_flow(w->w, 0, TARN_STR("foreign"));
    struct tarn_write write;
    struct tarn_written written;
    struct tarn_sql_text text = {.sql = tarn_str_view(rows), .line0 = 1};
    sched_ok(w, tarn_change_open(&w->w->lake, &w->op, sched_table(w, "gold", name), &c));
    sched_ok(w, tarn_flow_write(&flow, &w->op, c, INT64_MIN, &write));
    sched_ok(w, tarn_session_write(w->w->session, &w->op, text, &write, &written));
    sched_ok(w, tarn_change_append(c, &w->op, written.files, written.count));
    sched_ok(w, tarn_changes_commit(&w->w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
}

/* Rows that somebody else put into a model's table do not survive a model that is all of its
 * rows. */
static void foreign_rows_in_a_models_table(void **state)
{
    struct sched_world *w = *state;
    model(w, "gold/t", NULL, "select id from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1}\n");
    sched_run_ok(w);
    insert(w, "t", "select 99::bigint as id");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select id from gold.t order by 1"), "1\n");
    sched_run_ok(w);
    assert_true(w->up_to_date);
}

/* ... but they do in a merge, unless they share a key: then which is meant cannot be known. */
static void foreign_rows_in_a_merge(void **state)
{
    struct sched_world *w = *state;
    model(w, "gold/m", "kind: merge\nkey: [id]", "select id, v from raw.docs");
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n");
    sched_run_ok(w);
    insert(w, "m", "select 99::bigint as id, 'theirs' as v");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select * from gold.m order by 1"), "1|a\n99|theirs\n");
    insert(w, "m", "select 1::bigint as id, 'A' as v");
    sched_run(w);
    assert_true(w->failed);
    assert_int_equal(w->result_status, TARN_CHECK);
    assert_non_null(strstr(sched_step(w, "gold.m")->message, "1 keys more than once"));
    assert_string_equal(sched_rows(w, "select count(*) from gold.m"), "3\n");
    full_refresh(w);
    assert_string_equal(sched_rows(w, "select * from gold.m order by 1"), "1|a\n");
}

static void properties_of_the_header(void **state)
{
    struct sched_world *w = *state;
    sched_put(w, "data/docs1.json", "{\"id\": 1}\n");
    model(w, "gold/t", NULL, "select id from raw.docs");
    sched_run_ok(w);
    model(w, "gold/t", "properties: {write.parquet.compression-codec: snappy}",
          "select id from raw.docs");
    sched_run_ok(w);
    const struct tarn_metadata *m = &sched_table(w, "gold", "t")->metadata;
    assert_string_equal(tarn_kvs_get(&m->properties, "write.parquet.compression-codec")->ptr,
                        "snappy");
    sched_run_ok(w);
    assert_true(w->up_to_date);
}

static void a_table_that_is_not_the_models(void **state)
{
    struct sched_world *w = *state;
    sched_put(w, "data/docs1.json", "{\"id\": 1}\n");
    model(w, "gold/t", NULL, "select id from raw.docs");
    sched_run_ok(w);
    struct tarn_table *t = sched_table(w, "gold", "t");
    struct tarn_change *c;
    sched_ok(w, tarn_change_open(&w->w->lake, &w->op, t, &c));
    sched_ok(
        w, tarn_change_set_property(c, &w->op, TARN_STR("tarn.model"), (struct tarn_str){NULL, 0}));
    sched_ok(w, tarn_changes_commit(&w->w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
    sched_run(w);
    assert_true(w->failed);
    assert_int_equal(w->result_status, TARN_MODEL);
    assert_non_null(strstr(sched_step(w, "gold.t")->message, "was not made by this model"));
    full_refresh(w);
    assert_false(w->failed);
    assert_string_equal(sched_rows(w, "select id from gold.t"), "1\n");
}

/* What asks the clock has another result tomorrow, though nothing that it reads moves. */
static void models_that_ask_the_clock(void **state)
{
    struct sched_world *w = *state;
    sched_put(w, "data/docs1.json", "{\"id\": 1}\n");
    model(w, "silver/v", "kind: view", "select id, current_date as today from raw.docs");
    model(w, "gold/t", NULL, "select id, now ( ) > '2020-01-01' as late from raw.docs");
    model(w, "gold/u", NULL, "select id, today > '2020-01-01' as late from silver.v");
    model(w, "gold/m", "kind: merge\nkey: [id]\naudit: [at]",
          "select id, now() as at from raw.docs");
    model(w, "gold/plain", NULL, "select id as known, 'now' as nowhere from raw.docs");
    model(w, "gold/a", "kind: append", "select id, now() as at from raw.docs");
    sched_run_ok(w);
    int64_t t = sched_snapshot(w, "gold", "t"), m = sched_snapshot(w, "gold", "m");
    size_t files = sched_count_files(w, "warehouse");
    sched_run_ok(w);
    static const char *const again[] = {"gold.t", "gold.u", "gold.m"};
    for (size_t i = 0; i < 3; i++) {
        sched_is(w, again[i], TARN_STEP_OK);
        assert_int_equal(sched_step(w, again[i])->rows_out, 0); /* the same rows are not written */
    }
    sched_is(w, "gold.plain", TARN_STEP_CURRENT);
    sched_is(w, "gold.a", TARN_STEP_CURRENT);
    assert_int_equal(sched_snapshot(w, "gold", "t"), t);
    assert_int_equal(sched_snapshot(w, "gold", "m"), m);
    assert_int_equal(w->published, 0);
    assert_int_equal(sched_count_files(w, "warehouse"), files);
}

/* ---- contracts and mistakes */

static void contracts(void **state)
{
    struct sched_world *w = *state;
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n");
    model(w, "gold/t", "columns: {id: long, v: string}", "select id, v from raw.docs");
    sched_run_ok(w);
    model(w, "gold/t", "columns: {id: long, v: string}", "select id, v, 1 as more from raw.docs");
    sched_run(w);
    assert_int_equal(w->result_status, TARN_SCHEMA);
    assert_non_null(strstr(sched_step(w, "gold.t")->message, "more"));
    model(w, "gold/t", "columns: {id: long, v: string}",
          "select id, 1.5::double as v from raw.docs");
    sched_run(w);
    assert_non_null(strstr(sched_step(w, "gold.t")->detail, "double"));
    model(w, "gold/t", "columns: {id: long, v: string}", "select v, id from raw.docs");
    sched_run(w);
    assert_true(w->failed);
    /* the contract alone changes */
    model(w, "gold/t", "columns: {id: long, v: string}", "select id, v from raw.docs");
    sched_run_ok(w);
    model(w, "gold/t", "columns: {id: long, v: int}", "select id, v from raw.docs");
    sched_run(w);
    assert_true(w->failed);
    assert_string_equal(sched_rows(w, "select id, v from gold.t"), "1|a\n");
}

static void mistakes_are_placed(void **state)
{
    struct sched_world *w = *state;
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n");
    model(w, "silver/m", "kind: merge\nkey: [idd]", "select id, v from raw.docs");
    sched_run(w);
    assert_int_equal(w->result_status, TARN_COLUMN);
    assert_non_null(strstr(sched_step(w, "silver.m")->hint, "id"));
    model(w, "silver/m", NULL, "select idd from raw.docs");
    sched_run(w);
    assert_int_equal(w->result_status, TARN_COLUMN);
    model(w, "silver/m", "partition_by: [nothing]", "select id from raw.docs");
    sched_run(w);
    assert_int_equal(w->result_status, TARN_COLUMN);
    model(w, "silver/m", NULL, "select id, id as \"ID\" from raw.docs");
    sched_run(w);
    assert_true(w->failed);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, sched_begin, sched_end)
    const struct CMUnitTest tests[] = {
        T(merge_inserts_and_updates),
        T(nothing_new_writes_nothing),
        T(merge_replaces_by_group),
        T(keys_that_are_none),
        T(merge_with_columns_that_come_and_go),
        T(merge_with_names_in_another_case),
        T(merge_with_structs_that_grow),
        T(an_append_of_other_types_needs_a_full_refresh),
        T(a_merge_of_other_types),
        T(wider_types_need_none),
        T(append_adds_what_is_not_there),
        T(append_with_columns_that_come_and_go),
        T(a_table_is_replaced_whole),
        T(a_table_of_the_same_size),
        T(a_table_of_other_columns),
        T(another_partitioning),
        T(views_stand_for_what_they_read),
        T(rewrites_of_inputs_change_nothing),
        T(schemas_of_inputs_count),
        T(rolled_back_tables_are_made_anew),
        T(foreign_rows_in_a_models_table),
        T(foreign_rows_in_a_merge),
        T(properties_of_the_header),
        T(a_table_that_is_not_the_models),
        T(models_that_ask_the_clock),
        T(contracts),
        T(mistakes_are_placed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

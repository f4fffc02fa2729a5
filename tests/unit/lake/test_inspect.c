/* Metadata tables: their columns are those of Iceberg's Spark runtime, and what their rows say of
 * tables that are known. */
#include "lake_fixture.h"

#include <string.h>

#include "format/batch_text.h"
#include "format/iceberg/puffin.h"
#include "lake/inspect.h"

static const char *const NONE[] = {NULL};
#define FILE_COLUMNS_HEAD "content: int, file_path: string, file_format: string, spec_id: int, "
#define FILE_COLUMNS_TAIL                                                                        \
    "record_count: long, file_size_in_bytes: long, column_sizes: map<int, long>, value_counts: " \
    "map<int, long>, null_value_counts: map<int, long>, nan_value_counts: map<int, long>, "      \
    "lower_bounds: map<int, binary>, upper_bounds: map<int, binary>, key_metadata: binary, "     \
    "split_offsets: list<long>, equality_ids: list<int>, sort_order_id: int, first_row_id: "     \
    "long, referenced_data_file: string, content_offset: long, content_size_in_bytes: long"
#define METRIC(type)                                                                               \
    "struct<column_size: long, value_count: long, null_value_count: long, nan_value_count: long, " \
    "lower_bound: " type ", upper_bound: " type ">"

static struct tarn_producer *inspect(struct lake_world *w, const struct tarn_snapshot *s,
                                     const char *name)
{
    struct tarn_producer *p;
    lake_ok(w, tarn_table_inspect(&w->lake, &w->op, lake_load(w), s, tarn_str_view(name), &p));
    assert_int_equal(p->workers_max, 1);
    return p;
}

/* Names and types; which columns are required is left out. */
static void columns_are(struct lake_world *w, const char *name, const char *expected)
{
    struct tarn_producer *p = inspect(w, NULL, name);
    struct tarn_type plain = *p->schema;
    struct tarn_str wanted = tarn_sprintf(&w->op, "struct<%s>", expected);
    for (size_t i = 0; i < plain.field_count; i++) {
        struct tarn_field *f = &plain.fields[i];
        f->required = false;
        for (size_t k = 0; f->type.kind == TARN_TYPE_STRUCT && k < f->type.field_count; k++)
            f->type.fields[k].required = false;
    }
    assert_string_equal(tarn_type_text(&w->op, &plain).ptr, wanted.ptr);
}

static size_t index_of(const struct tarn_type *t, struct tarn_str name)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (tarn_str_eq(t->fields[i].name, name))
            return i;
    fail_msg("there is no column %.*s", TARN_STR_ARG(name));
    return 0;
}

/* A column, or a field of a struct ("data_file.spec_id"), as JSON. */
static void put_cell(struct lake_world *w, struct tarn_buf *b, const struct tarn_producer *p,
                     const struct tarn_batch *batch, struct tarn_str path, size_t row)
{
    struct tarn_json_writer json;
    struct tarn_str name;
    (void)w;
    (void)tarn_str_cut(&path, '/', &name);
    const struct tarn_column *c = &batch->columns[index_of(p->schema, name)];
    while (path.ptr) {
        (void)tarn_str_cut(&path, '/', &name);
        c = &c->children[index_of(c->type, name)];
    }
    tarn_json_writer_init(&json, b);
    tarn_column_json(&json, c, row);
}

/* "a|b" a row and a line; columns separated by blanks. */
static const char *ask(struct lake_world *w, const struct tarn_snapshot *s, const char *name,
                       const char *columns)
{
    struct tarn_producer *p = inspect(w, s, name);
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 1 << 24);
    for (;;) {
        struct tarn_batch batch;
        lake_ok(w, p->next(p, &w->op, 0, &batch));
        if (batch.rows == 0)
            break;
        assert_int_equal(batch.column_count, p->schema->field_count);
        for (size_t row = 0; row < batch.rows; row++) {
            struct tarn_str rest = tarn_str_view(columns), path;
            while (rest.ptr) {
                (void)tarn_str_cut(&rest, ' ', &path);
                put_cell(w, &b, p, &batch, path, row);
                tarn_buf_put(&b, rest.ptr ? '|' : '\n');
            }
        }
    }
    lake_ok(w, (enum tarn_status)tarn_buf_take(&w->op, &b, "rows", &out));
    return out.ptr;
}

static void rows_are(struct lake_world *w, const char *name, const char *columns,
                     const char *expected)
{
    assert_string_equal(ask(w, NULL, name, columns), expected);
}

static int by_text(const void *a, const void *b)
{
    return tarn_str_cmp(*(const struct tarn_str *)a, *(const struct tarn_str *)b);
}

static const char *sorted(struct lake_world *w, const char *lines)
{
    struct tarn_str rest = tarn_str_view(lines), items[32], out;
    struct tarn_buf b;
    size_t n = 0;
    while (rest.ptr && rest.len > 0 && n < 32)
        (void)tarn_str_cut(&rest, '\n', &items[n++]);
    qsort(items, n, sizeof *items, by_text);
    tarn_buf_init(&b, 1 << 20);
    for (size_t i = 0; i < n; i++)
        tarn_buf_printf(&b, "%.*s\n", TARN_STR_ARG(items[i]));
    lake_ok(w, (enum tarn_status)tarn_buf_take(&w->op, &b, "lines", &out));
    return out.ptr;
}

/* In which order manifests stand in a list is not the matter here. */
static void rows_are_somehow(struct lake_world *w, const char *name, const char *columns,
                             const char *expected)
{
    assert_string_equal(sorted(w, ask(w, NULL, name, columns)), sorted(w, expected));
}

static const char *text(struct lake_world *w, const char *fmt, ...)
{
    va_list ap;
    struct tarn_buf b;
    struct tarn_str out;
    va_start(ap, fmt);
    tarn_buf_init(&b, 1 << 20);
    tarn_buf_vprintf(&b, fmt, ap);
    va_end(ap);
    lake_ok(w, (enum tarn_status)tarn_buf_take(&w->op, &b, "text", &out));
    return out.ptr;
}

/* ---- names and columns */

static void names_are_known_in_any_case(void **state)
{
    struct lake_world *w = *state;
    static const char *const names[] = {
        "snapshots",
        "history",
        "refs",
        "files",
        "data_files",
        "delete_files",
        "manifests",
        "entries",
        "partitions",
        "all_files",
        "all_data_files",
        "all_delete_files",
        "all_entries",
        "all_manifests",
        "position_deletes",
        "metadata_log_entries",
        "SNAPSHOTS",
    };
    struct tarn_producer *p;
    lake_create(w, "struct<id: long>", NONE);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_true(tarn_inspect_is_name(tarn_str_view(names[i])));
        struct tarn_producer *of = inspect(w, NULL, names[i]);
        struct tarn_batch batch;
        /* a new table: only its own metadata file */
        lake_ok(w, of->next(of, &w->op, 0, &batch));
        assert_int_equal(batch.rows, strcmp(names[i], "metadata_log_entries") == 0);
    }
    assert_false(tarn_inspect_is_name(TARN_STR("file")));
    assert_int_equal(tarn_table_inspect(&w->lake, &w->op, lake_load(w), NULL, TARN_STR("tags"), &p),
                     TARN_NOT_FOUND);
    assert_non_null(strstr(w->op.report.message, "\"tags\""));
    assert_non_null(strstr(w->op.report.hint, "metadata_log_entries"));
}

static void columns_are_those_of_spark(void **state)
{
    struct lake_world *w = *state;
    static const char *const by[] = {"day(ts)", "bucket(4, id)", NULL};
    lake_create(w, "struct<id: long, ts: timestamptz, who: struct<name: string, tags: list<int>>>",
                by);
#define TUPLE "struct<ts_day: date, id_bucket: int>"
#define METRICS                                                                                   \
    "readable_metrics: struct<id: " METRIC("long") ", ts: " METRIC(                               \
        "timestamptz") ", \"who.name\": " METRIC("string") ", \"who.tags.element\": " METRIC("in" \
                                                                                             "t") ">"
    columns_are(w, "snapshots",
                "committed_at: timestamptz, snapshot_id: long, parent_id: long, operation: string, "
                "manifest_list: string, summary: map<string, string>");
    columns_are(w, "history",
                "made_current_at: timestamptz, snapshot_id: long, parent_id: long, "
                "is_current_ancestor: boolean");
    columns_are(w, "refs",
                "name: string, type: string, snapshot_id: long, max_reference_age_in_ms: long, "
                "min_snapshots_to_keep: int, max_snapshot_age_in_ms: long");
    columns_are(w, "metadata_log_entries",
                "timestamp: timestamptz, file: string, latest_snapshot_id: long, "
                "latest_schema_id: int, latest_sequence_number: long");
#define MANIFEST                                                                                   \
    "content: int, path: string, length: long, partition_spec_id: int, added_snapshot_id: long, "  \
    "added_data_files_count: int, existing_data_files_count: int, deleted_data_files_count: int, " \
    "added_delete_files_count: int, existing_delete_files_count: int, "                            \
    "deleted_delete_files_count: int, partition_summaries: list<struct<contains_null: boolean, "   \
    "contains_nan: boolean, lower_bound: string, upper_bound: string>>"
    columns_are(w, "manifests", MANIFEST);
    columns_are(w, "all_manifests", MANIFEST ", reference_snapshot_id: long, key_metadata: binary");
#define FILE_COLUMNS FILE_COLUMNS_HEAD "partition: " TUPLE ", " FILE_COLUMNS_TAIL
    columns_are(w, "files", FILE_COLUMNS ", " METRICS);
    columns_are(w, "all_delete_files", FILE_COLUMNS ", " METRICS);
    columns_are(w, "entries",
                "status: int, snapshot_id: long, sequence_number: long, file_sequence_number: "
                "long, data_file: struct<" FILE_COLUMNS ">, " METRICS);
    columns_are(w, "partitions",
                "partition: " TUPLE ", spec_id: int, record_count: long, file_count: int, "
                "total_data_file_size_in_bytes: long, position_delete_record_count: long, "
                "position_delete_file_count: int, equality_delete_record_count: long, "
                "equality_delete_file_count: int, last_updated_at: timestamptz, "
                "last_updated_snapshot_id: long");
    columns_are(w, "position_deletes",
                "file_path: string, pos: long, row: struct<id: long, ts: timestamptz, who: "
                "struct<name: string, tags: list<int>>>, partition: " TUPLE
                ", spec_id: int, delete_file_path: string");
}

static void tables_without_partitions_have_no_tuples(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    columns_are(w, "data_files",
                FILE_COLUMNS_HEAD FILE_COLUMNS_TAIL
                ", readable_metrics: struct<id: " METRIC("long") ">");
    columns_are(w, "partitions",
                "record_count: long, file_count: int, total_data_file_size_in_bytes: long, "
                "position_delete_record_count: long, position_delete_file_count: int, "
                "equality_delete_record_count: long, equality_delete_file_count: int, "
                "last_updated_at: timestamptz, last_updated_snapshot_id: long");
    lake_append_now(w, "mem://w/a", 3);
    lake_append_now(w, "mem://w/b", 4);
    rows_are(w, "partitions", "record_count file_count total_data_file_size_in_bytes", "7|2|8\n");
    rows_are(w, "manifests", "partition_summaries", "[]\n[]\n");
}

/* ---- what table metadata says */

static void snapshots_history_and_refs(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/a", 3);
    lake_append_now(w, "mem://w/b", 4);
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    long long one = (long long)m->snapshots[0].snapshot_id, two = (long long)m->current_snapshot_id;
    rows_are(w, "snapshots", "snapshot_id parent_id operation",
             text(w, "%lld|null|\"append\"\n%lld|%lld|\"append\"\n", one, two, one));
    const char *summaries = ask(w, NULL, "snapshots", "summary");
    assert_non_null(strstr(summaries, "\"added-records\":\"3\""));
    assert_null(strstr(summaries, "operation"));
    rows_are(w, "snapshots", "manifest_list",
             text(w, "\"%s\"\n\"%s\"\n", m->snapshots[0].manifest_list.ptr,
                  m->snapshots[1].manifest_list.ptr));
    rows_are(w, "history", "snapshot_id parent_id is_current_ancestor",
             text(w, "%lld|null|true\n%lld|%lld|true\n", one, two, one));
    rows_are(w, "refs", "name type snapshot_id max_reference_age_in_ms min_snapshots_to_keep",
             text(w, "\"main\"|\"BRANCH\"|%lld|null|null\n", two));

    /* A rollback, a tag with a lifetime, and a log that names an expired snapshot. */
    struct tarn_table *base = lake_load(w);
    struct tarn_metadata next = base->metadata;
    struct tarn_ref refs[2] = {next.refs[0], next.refs[0]};
    struct tarn_snapshot_log_entry log[4] = {{5, 77}, next.snapshot_log[0], next.snapshot_log[1]};
    refs[0].snapshot_id = next.current_snapshot_id = one;
    refs[1] = (struct tarn_ref){.name = TARN_STR("v1"),
                                .snapshot_id = two,
                                .is_tag = true,
                                .min_snapshots_to_keep = 3,
                                .max_snapshot_age_ms = 9,
                                .max_ref_age_ms = 10};
    log[3] = (struct tarn_snapshot_log_entry){log[2].timestamp_ms + 1, one};
    next.refs = refs;
    next.ref_count = 2;
    next.snapshot_log = log;
    next.snapshot_log_count = 4;
    lake_publish(w, base, &next);
    rows_are(w, "history", "snapshot_id parent_id is_current_ancestor",
             text(w, "77|null|false\n%lld|null|true\n%lld|%lld|false\n%lld|null|true\n", one, two,
                  one, one));
    assert_true(tarn_str_starts(tarn_str_view(ask(w, NULL, "history", "made_current_at")),
                                TARN_STR("\"1970-01-01T00:00:00.005000+00:00\"\n\"20")));
    rows_are(
        w, "refs",
        "name type snapshot_id max_reference_age_in_ms min_snapshots_to_keep "
        "max_snapshot_age_in_ms",
        text(w, "\"main\"|\"BRANCH\"|%lld|null|null|null\n\"v1\"|\"TAG\"|%lld|10|3|9\n", one, two));
}

static void metadata_log_entries_end_in_the_current_file(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_str created = lake_load(w)->metadata_location;
    lake_append_now(w, "mem://w/a", 3);
    const struct tarn_table *t = lake_load(w);
    rows_are(w, "metadata_log_entries",
             "file latest_snapshot_id latest_schema_id latest_sequence_number",
             text(w, "\"%s\"|null|null|null\n\"%s\"|%lld|0|1\n", created.ptr,
                  t->metadata_location.ptr, (long long)t->metadata.current_snapshot_id));
}

/* ---- files */

static struct tarn_data_file data_of(struct lake_world *w, const char *path, int64_t rows,
                                     const char *const *tuple)
{
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    struct tarn_data_file f = lake_file(w, path, rows);
    lake_partition(w, &f, m, m->default_spec_id, tuple);
    return f;
}

static void files_and_entries(void **state)
{
    struct lake_world *w = *state;
    static const char *const by[] = {"region", NULL};
    static const char *const eu[] = {"eu", NULL}, *const nowhere[] = {"null", NULL};
    static int64_t offsets[] = {4, 100};
    lake_create(w, "struct<region: string, amount: decimal(9,2)>", by);
    struct tarn_data_file f[2] = {data_of(w, "mem://w/a", 3, eu),
                                  data_of(w, "mem://w/b", 4, nowhere)};
    const struct tarn_schema *s = tarn_metadata_schema(&lake_load(w)->metadata);
    lake_metrics(w, &f[0], s, "amount", "-1.50", "20.00", 1);
    lake_metrics(w, &f[0], s, "region", "eu", NULL, 0);
    f[0].split_offsets = offsets;
    f[0].split_offset_count = 2;
    f[0].sort_order_id = 0;
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_append(c, &w->op, f, 2));
    lake_commit(w, c);
    long long first = (long long)lake_load(w)->metadata.current_snapshot_id;
    rows_are(w, "files", "content file_path file_format spec_id partition record_count",
             "0|\"mem://w/a\"|\"PARQUET\"|0|{\"region\":\"eu\"}|3\n"
             "0|\"mem://w/b\"|\"PARQUET\"|0|{\"region\":null}|4\n");
    rows_are(w, "files",
             "file_size_in_bytes value_counts null_value_counts nan_value_counts lower_bounds "
             "upper_bounds split_offsets equality_ids sort_order_id first_row_id content_offset",
             "4|[{\"key\":1,\"value\":3},{\"key\":2,\"value\":3}]|"
             "[{\"key\":1,\"value\":0},{\"key\":2,\"value\":1}]|null|"
             "[{\"key\":1,\"value\":\"ZXU=\"},{\"key\":2,\"value\":\"/2o=\"}]|"
             "[{\"key\":2,\"value\":\"B9A=\"}]|[4,100]|null|0|null|null\n"
             "4|null|null|null|null|null|null|null|null|null|null\n");
    rows_are(w, "files", "readable_metrics/amount readable_metrics/region/lower_bound",
             "{\"column_size\":null,\"value_count\":3,\"null_value_count\":1,\"nan_value_count\":"
             "null,\"lower_bound\":-1.50,\"upper_bound\":20.00}|\"eu\"\n"
             "{\"column_size\":null,\"value_count\":null,\"null_value_count\":null,"
             "\"nan_value_count\":null,\"lower_bound\":null,\"upper_bound\":null}|null\n");

    /* One file goes; it stays in the entries. */
    c = lake_open(w);
    lake_ok(w, tarn_change_delete_files(c, &w->op, &f[0].path, 1));
    lake_commit(w, c);
    long long second = (long long)lake_load(w)->metadata.current_snapshot_id;
    rows_are(w, "data_files", "file_path", "\"mem://w/b\"\n");
    rows_are_somehow(w, "entries",
                     "status snapshot_id sequence_number file_sequence_number data_file/file_path "
                     "data_file/partition/region readable_metrics/region/lower_bound",
                     text(w,
                          "2|%lld|1|1|\"mem://w/a\"|\"eu\"|\"eu\"\n"
                          "0|%lld|1|1|\"mem://w/b\"|null|null\n",
                          second, first));
    /* ... and in the files of the snapshot that had it. */
    const struct tarn_snapshot *then = tarn_metadata_snapshot(&lake_load(w)->metadata, first);
    assert_string_equal(ask(w, then, "files", "file_path"), "\"mem://w/a\"\n\"mem://w/b\"\n");
    const char *all = ask(w, NULL, "all_files", "file_path");
    assert_non_null(strstr(all, "mem://w/a"));
    const char *entries = ask(w, NULL, "all_entries", "status data_file/file_path");
    assert_non_null(strstr(entries, "1|\"mem://w/a\"\n1|\"mem://w/b\"\n"));
    assert_non_null(strstr(entries, "2|\"mem://w/a\"\n0|\"mem://w/b\"\n"));
    assert_int_equal(strlen(entries), 4 * strlen("1|\"mem://w/a\"\n"));
}

static void delete_files_are_apart(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/a", 3);
    struct tarn_change *c = lake_open(w);
    lake_delete_row(w, c, "mem://w/d1", "mem://w/a", 2);
    lake_delete_row(w, c, "mem://w/d2", "mem://w/a", 0);
    lake_commit(w, c);
    rows_are_somehow(w, "data_files", "file_path", "\"mem://w/a\"\n");
    rows_are_somehow(w, "delete_files", "content file_path",
                     "1|\"mem://w/d1\"\n1|\"mem://w/d2\"\n");
    rows_are_somehow(w, "all_delete_files", "file_path", "\"mem://w/d1\"\n\"mem://w/d2\"\n");
    rows_are_somehow(w, "all_data_files", "file_path", "\"mem://w/a\"\n");
    rows_are_somehow(
        w, "position_deletes", "file_path pos row spec_id delete_file_path",
        "\"mem://w/a\"|2|null|0|\"mem://w/d1\"\n\"mem://w/a\"|0|null|0|\"mem://w/d2\"\n");
    rows_are_somehow(
        w, "partitions",
        "record_count file_count position_delete_record_count position_delete_file_count "
        "equality_delete_file_count",
        "3|1|2|2|0\n");
    rows_are_somehow(
        w, "manifests",
        "content added_data_files_count added_delete_files_count existing_delete_files_count",
        "1|0|2|0\n0|1|0|0\n");
    w->lake.deletes = NULL;
    struct tarn_producer *p = inspect(w, NULL, "position_deletes");
    struct tarn_batch batch;
    lake_fails(w, p->next(p, &w->op, 0, &batch), TARN_UNSUPPORTED, "without an engine");
}

static void deletion_vectors_are_position_deletes(void **state)
{
    struct lake_world *w = *state;
    static const int64_t positions[] = {1, 7, INT64_C(5000000000)};
    struct tarn_puffin_blob blob = {
        .type = TARN_STR("deletion-vector-v1"), .snapshot_id = -1, .sequence_number = -1};
    struct tarn_puffin puffin = {&blob, 1, {0}};
    struct tarn_str bytes;
    struct tarn_change *c;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/a", 10);
    c = lake_open(w);
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    lake_commit(w, c);
    lake_ok(w, tarn_deletion_vector_write(&w->op, positions, 3, &blob.bytes));
    lake_ok(w, tarn_puffin_write(&w->op, &puffin, &bytes));
    struct tarn_data_file f = lake_file(w, "mem://w/dv.puffin", 3);
    lake_overwrite(w, f.path, bytes);
    f.content = TARN_CONTENT_POSITION_DELETES;
    f.format = TARN_STR("PUFFIN");
    f.size_bytes = (int64_t)bytes.len;
    f.referenced_data_file = TARN_STR("mem://w/a");
    f.content_offset = blob.offset;
    f.content_size = blob.length;
    c = lake_open(w);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &f, 1));
    lake_commit(w, c);
    rows_are_somehow(
        w, "position_deletes", "file_path pos delete_file_path content_offset",
        "\"mem://w/a\"|1|\"mem://w/dv.puffin\"|4\n\"mem://w/a\"|7|\"mem://w/dv.puffin\"|4\n"
        "\"mem://w/a\"|5000000000|\"mem://w/dv.puffin\"|4\n");
    rows_are_somehow(w, "delete_files", "file_format referenced_data_file content_offset",
                     "\"PUFFIN\"|\"mem://w/a\"|4\n");
    rows_are_somehow(w, "data_files", "first_row_id", "0\n");
    lake_overwrite(w, f.path, TARN_STR("PFA1"));
    struct tarn_producer *p = inspect(w, NULL, "position_deletes");
    struct tarn_batch batch;
    assert_true(p->next(p, &w->op, 0, &batch) != TARN_OK);
    assert_non_null(strstr(w->op.report.frames[0], "dv.puffin"));
}

/* ---- manifests and partitions */

static void partitions_of_several_specs(void **state)
{
    struct lake_world *w = *state;
    static const char *const by[] = {"region", NULL};
    static const char *const eu[] = {"eu", NULL}, *const us[] = {"us", NULL};
    static const char *const eu_day[] = {"eu", "2024-02-29", NULL};
    lake_create(w, "struct<region: string, ts: timestamp>", by);
    struct tarn_data_file f[4] = {data_of(w, "mem://w/a", 3, eu), data_of(w, "mem://w/b", 4, us),
                                  data_of(w, "mem://w/c", 5, eu)};
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_append(c, &w->op, f, 3));
    lake_commit(w, c);
    long long first = (long long)lake_load(w)->metadata.current_snapshot_id;
    rows_are_somehow(w, "manifests", "content partition_summaries",
                     "0|[{\"contains_null\":false,\"contains_nan\":false,\"lower_bound\":\"eu\","
                     "\"upper_bound\":\"us\"}]\n");

    struct tarn_partition_spec spec;
    const struct tarn_str exprs[] = {TARN_STR("region"), TARN_STR("day(ts)")};
    lake_ok(w,
            tarn_spec_make(&w->op, tarn_metadata_schema(&lake_load(w)->metadata), exprs, 2, &spec));
    c = lake_open(w);
    lake_ok(w, tarn_change_set_spec(c, &w->op, &spec));
    lake_commit(w, c);
    f[3] = data_of(w, "mem://w/d", 6, eu_day);
    c = lake_open(w);
    lake_ok(w, tarn_change_append(c, &w->op, &f[3], 1));
    lake_commit(w, c);
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    long long second = (long long)m->current_snapshot_id;
    rows_are_somehow(w, "partitions",
                     "partition spec_id record_count file_count total_data_file_size_in_bytes "
                     "last_updated_snapshot_id",
                     text(w,
                          "{\"region\":\"eu\",\"ts_day\":\"2024-02-29\"}|%d|6|1|4|%lld\n"
                          "{\"region\":\"eu\",\"ts_day\":null}|0|8|2|8|%lld\n"
                          "{\"region\":\"us\",\"ts_day\":null}|0|4|1|4|%lld\n",
                          (int)m->default_spec_id, second, first, first));
    rows_are_somehow(w, "files", "file_path partition",
                     "\"mem://w/d\"|{\"region\":\"eu\",\"ts_day\":\"2024-02-29\"}\n"
                     "\"mem://w/a\"|{\"region\":\"eu\",\"ts_day\":null}\n"
                     "\"mem://w/b\"|{\"region\":\"us\",\"ts_day\":null}\n"
                     "\"mem://w/c\"|{\"region\":\"eu\",\"ts_day\":null}\n");
    rows_are_somehow(w, "all_manifests",
                     "added_data_files_count reference_snapshot_id key_metadata",
                     text(w, "3|%lld|null\n1|%lld|null\n3|%lld|null\n", first, second, second));
    const struct tarn_snapshot *then = tarn_metadata_snapshot(m, first);
    assert_string_equal(sorted(w, ask(w, then, "partitions", "record_count")), "4\n8\n");
}

/* More rows than fit into a batch, of one manifest and of many. */
static void many_rows_come_in_batches(void **state)
{
    struct lake_world *w = *state;
    enum { FILES = 9000 };
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_data_file *f = calloc(FILES, sizeof *f);
    assert_non_null(f);
    struct tarn_data_file one = lake_file(w, "mem://w/one", 1);
    for (size_t i = 0; i < FILES; i++) {
        f[i] = one;
        f[i].path = tarn_sprintf(&w->op, "mem://w/%zu", i);
        lake_ok(w, tarn_storage_put(w->lake.storage, &w->op, f[i].path, TARN_STR("PAR1")));
    }
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_append(c, &w->op, f, FILES));
    lake_commit(w, c);
    for (int i = 0; i < 3; i++)
        lake_append_now(w, text(w, "mem://w/x%d", i), 1);
    struct tarn_producer *p = inspect(w, NULL, "files");
    size_t rows = 0, batches = 0;
    for (;; batches++) {
        struct tarn_batch batch;
        lake_ok(w, p->next(p, &w->op, 0, &batch));
        if (batch.rows == 0)
            break;
        assert_true(batch.rows <= 4096);
        rows += batch.rows;
    }
    assert_int_equal(rows, FILES + 3);
    assert_int_equal(batches, 3);
    free(f);
}

static void what_cannot_be_read_is_named(void **state)
{
    struct lake_world *w = *state;
    struct tarn_manifest_list list;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/a", 3);
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    lake_ok(w, tarn_table_manifests(&w->lake, &w->op, m, tarn_metadata_current(m), &list));
    lake_overwrite(w, list.files[0].path, TARN_STR("no manifest"));
    struct tarn_producer *p = inspect(w, NULL, "files");
    struct tarn_batch batch;
    lake_fails(w, p->next(p, &w->op, 0, &batch), TARN_CORRUPT, "could not read manifest");
    lake_fails(w,
               tarn_table_inspect(&w->lake, &w->op, lake_load(w), NULL, TARN_STR("partitions"), &p),
               TARN_CORRUPT, "metadata table partitions");
    lake_overwrite(w, tarn_metadata_current(m)->manifest_list, TARN_STR("no list"));
    lake_fails(w, tarn_table_inspect(&w->lake, &w->op, lake_load(w), NULL, TARN_STR("files"), &p),
               TARN_CORRUPT, "metadata table files of raw.t");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, lake_begin, lake_end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_known_in_any_case),
        TEST(columns_are_those_of_spark),
        TEST(tables_without_partitions_have_no_tuples),
        TEST(snapshots_history_and_refs),
        TEST(metadata_log_entries_end_in_the_current_file),
        TEST(files_and_entries),
        TEST(delete_files_are_apart),
        TEST(deletion_vectors_are_position_deletes),
        TEST(partitions_of_several_specs),
        TEST(many_rows_come_in_batches),
        TEST(what_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

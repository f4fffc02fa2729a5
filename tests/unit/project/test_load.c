/* test_load: tarn.yaml into structs, and every way in which it can be wrong, with place and
 * message. */
#include "fixture.h"
#include "base/arena.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char accounting[] =
    "tarn: 1\n"
    "project: accounting\n"
    "app: fq_app\n"
    "profile: local\n"
    "profiles:\n"
    "  local:\n"
    "    warehouse: ./warehouse\n"
    "    sources:\n"
    "      fq_app: {kind: files, path: data, format: ejson}\n"
    "      shop: {kind: files, path: /data/shop, format: csv, delimiter: \";\", header: false, "
    "encoding: latin-1}\n"
    "    memory_limit: 2GB\n"
    "    threads: 4\n"
    "  production:\n"
    "    warehouse: s3://bucket/${PREFIX}\n"
    "    catalog: {kind: rest, uri: \"${CATALOG_URI}\", token: \"${secret:catalog_token}\"}\n"
    "    sources: {fq_app: {kind: mongodb, uri: \"${secret:mongo_uri}\", database: fq_app}}\n"
    "ingest:\n"
    "  - from: fq_app.journal_entries\n"
    "    to: raw.fq_app_journal_entries\n"
    "    partition_by: [day(ingest_ts)]\n"
    "    columns: {lines.element.debit: \"decimal(18,2)\", lines.element.credit: "
    "\"decimal(18,2)\"}\n"
    "    tags: bronze\n"
    "    max_dead_letters: 10\n"
    "    properties: {write.parquet.compression-codec: zstd}\n"
    "  - from: {source: shop, files: [\"orders*.csv\", \"more/**/*.csv\"]}\n"
    "    to: raw.orders\n"
    "    on_change: refuse\n"
    "    on_type_conflict: dead_letter\n"
    "    rewrite_max: 5MB\n"
    "    app: ecommerce_db\n"
    "schedule:\n"
    "  close: {cron: \"0 6 1 * *\", timezone: UTC, select: \"+tag:gold\"}\n"
    "vars: {day: \"2025-05-31\"}\n";

static void a_whole_project(void **state)
{
    struct fixture *f = *state;
    put(f, "tarn.yaml", accounting);
    put(f, "models/curated/fq_app_gold.sql", "select 1 as a\n");
    const struct tarn_project *p = load(f);
    assert_str(p->name, "accounting");
    assert_str(p->app, "fq_app");
    assert_str(p->folder, f->folder);
    assert_str(p->file, "tarn.yaml");
    assert_int_equal(p->profile_names.count, 2);
    assert_str(p->profile.name, "local");
    assert_str(p->profile.warehouse, text_of(tarn_sprintf(&f->op, "%s/warehouse", f->folder)));
    assert_str(p->profile.catalog.kind, "sqlite");
    assert_str(p->profile.catalog.name, "iceberg");
    assert_str(p->profile.catalog.path,
               text_of(tarn_sprintf(&f->op, "%s/warehouse/catalog.db", f->folder)));
    assert_int_equal(p->profile.memory_limit_bytes, 2000000000);
    assert_int_equal(p->profile.threads, 4);
    assert_int_equal(p->profile.source_count, 2);
    assert_str(p->profile.sources[1].path, "/data/shop");
    assert_int_equal(p->schedule_count, 1);
    assert_str(p->schedules[0].select.items[0], "+tag:gold");
    assert_int_equal(p->vars.count, 1);
    assert_str(p->vars.items[0].value, "2025-05-31");
    assert_int_equal(p->model_count, 1);
    assert_str(p->models[0].location,
               text_of(tarn_sprintf(&f->op, "%s/warehouse/curated/fq_app/gold", f->folder)));
}

static void ingest_entries(void **state)
{
    struct fixture *f = *state;
    put(f, "tarn.yaml", accounting);
    const struct tarn_project *p = load(f);
    assert_int_equal(p->ingest_count, 2);
    const struct tarn_ingest *a = &p->ingest[0], *b = &p->ingest[1];
    assert_str(a->source_name, "fq_app");
    assert_str(a->stream, "journal_entries");
    assert_ptr_equal(a->source, &p->profile.sources[0]);
    assert_str(a->to.ns, "raw");
    assert_str(a->to.name, "fq_app_journal_entries");
    assert_str(a->location,
               text_of(tarn_sprintf(&f->op, "%s/warehouse/raw/fq_app/journal_entries", f->folder)));
    assert_int_equal(a->files.count, 3);
    assert_str(a->files.items[0], "journal_entries.{json,ndjson,jsonl,json.gz,ndjson.gz,jsonl.gz,"
                                  "json.zst,ndjson.zst,jsonl.zst}");
    assert_str(a->files.items[2],
               "journal_entries/**/"
               "*.{json,ndjson,jsonl,json.gz,ndjson.gz,jsonl.gz,json.zst,ndjson.zst,jsonl.zst}");
    assert_str(a->tags.items[0], "bronze");
    assert_int_equal(a->format.format, TARN_FILE_EJSON);
    assert_int_equal(a->format.decode.format, TARN_INPUT_EJSON);
    assert_int_equal(a->format.decode.declared_count, 2);
    assert_str(a->format.decode.declared[0].path, "lines.element.debit");
    assert_int_equal(a->format.decode.declared[0].type.kind, TARN_TYPE_DECIMAL);
    assert_int_equal(a->format.decode.declared[0].type.precision, 18);
    assert_int_equal(a->on_change, TARN_ON_CHANGE_REPLACE);
    assert_int_equal(a->on_type_conflict, TARN_ON_TYPE_WIDEN);
    assert_int_equal(a->rewrite_max_bytes, 1000000000);
    assert_int_equal(a->max_dead_letters, 10);
    assert_str(a->properties.items[0].key, "write.parquet.compression-codec");
    assert_int_equal(a->place.line, 18);
    assert_str(b->stream, "orders");
    assert_str(b->files.items[1], "more/**/*.csv");
    assert_str(b->location,
               text_of(tarn_sprintf(&f->op, "%s/warehouse/raw/ecommerce_db/orders", f->folder)));
    assert_int_equal(b->on_change, TARN_ON_CHANGE_REFUSE);
    assert_int_equal(b->on_type_conflict, TARN_ON_TYPE_DEAD_LETTER);
    assert_int_equal(b->max_dead_letters, -1);
    assert_int_equal(b->format.decode.delimiter, ';');
    assert_int_equal(b->format.decode.quote, '"');
    assert_true(b->format.decode.no_header);
    assert_str(b->format.decode.encoding, "latin-1");
}

static void an_entry_overrides_its_source(void **state)
{
    struct fixture *f = *state;
    put(f, "tarn.yaml",
        "tarn: 1\nproject: p\nprofiles:\n  x:\n    warehouse: w\n    sources:\n"
        "      s: {kind: files, path: d, format: csv, delimiter: \";\", \"null\": NA}\n"
        "ingest:\n  - {from: s.a, to: raw.a, delimiter: \"\\t\", quote: \"'\"}\n"
        "  - {from: s.b, to: raw.b, format: json, records: data.invoices}\n"
        "  - {from: s.c, to: raw.c, format: parquet}\n");
    const struct tarn_project *p = load(f);
    assert_int_equal(p->ingest[0].format.decode.delimiter, '\t');
    assert_int_equal(p->ingest[0].format.decode.quote, '\'');
    assert_str(p->ingest[0].format.decode.null_text, "NA");
    assert_int_equal(p->ingest[1].format.format, TARN_FILE_JSON);
    assert_str(p->ingest[1].format.decode.records, "data.invoices");
    assert_str(p->ingest[2].files.items[1], "c-*.parquet");
    assert_int_equal(p->profile.sources[0].format.decode.delimiter, ';');
}

/* ---- finding */

static void found_from_below(void **state)
{
    struct fixture *f = *state;
    put_project(f, "");
    put(f, "models/raw/deep/x.sql", "select 1");
    assert_int_equal(chdir("models/raw/deep"), 0);
    const struct tarn_project *p = load(f);
    assert_str(p->folder, f->folder);
    assert_str(p->file, "../../../tarn.yaml");
    assert_str(p->models[0].ident.ns, "raw.deep");
    assert_str(p->models[0].file, "x.sql");
    assert_int_equal(chdir(f->folder), 0);
}

static void found_by_option_and_variable(void **state)
{
    struct fixture *f = *state;
    put(f, "sub/tarn.yaml", "tarn: 1\nproject: sub\nprofiles: {x: {warehouse: w}}\n");
    f->options.dir = TARN_STR("sub");
    assert_str(load(f)->name, "sub");
    f->options.dir = (struct tarn_str){NULL, 0};
    set_env(f, "TARN_PROJECT_DIR=sub");
    assert_str(load(f)->name, "sub");
    f->options.dir = TARN_STR("nowhere");
    load_fails(f, TARN_CONFIG,
               "could not open project folder \"nowhere\": No such file or directory", "", NULL);
    f->options.dir = TARN_STR(".");
    load_fails(f, TARN_CONFIG, "there is no tarn.yaml in \".\"", "",
               "`tarn init .` starts a project there");
}

static void not_found(void **state)
{
    struct fixture *f = *state;
    char message[200];
    (void)snprintf(message, sizeof message, "there is no tarn.yaml in \"%s\" or a folder above it",
                   f->folder);
    load_fails(
        f, TARN_CONFIG, message, "",
        "go to a project's folder, name it with --project-dir, or start one with `tarn init`");
    assert_int_equal(tarn_status_info(TARN_CONFIG)->exit_code, 2);
}

/* ---- what can be wrong */

struct wrong {
    const char *yaml; /* behind that of put_project */
    enum tarn_status status;
    const char *message, *place, *hint;
};

static void wrong_keys(void **state)
{
    struct fixture *f = *state;
    static const struct wrong cases[] = {
        {"ingset: []\n", TARN_CONFIG,
         "unknown key \"ingset\" at the top level; did you mean \"ingest\"?", "tarn.yaml:7:1",
         NULL},
        {"ingest:\n  - {from: app.a, to: raw.a, partiton_by: [x]}\n", TARN_CONFIG,
         "unknown key \"partiton_by\" in ingest[0]; did you mean \"partition_by\"?",
         "tarn.yaml:8:30", NULL},
        {"ingest:\n  - {from: app.a}\n", TARN_CONFIG, "missing key \"to\" in ingest[0]",
         "tarn.yaml:8:5", NULL},
        {"ingest:\n  - {from: app.a, to: orders}\n", TARN_CONFIG,
         "\"orders\" is no table name: write namespace.table", "tarn.yaml:8:23", NULL},
        {"ingest:\n  - {from: app.a, to: raw.or/ders}\n", TARN_CONFIG,
         "\"raw.or/ders\" is no table name: write namespace.table", "tarn.yaml:8:23",
         "names are made of letters, digits, _ and -"},
        {"ingest:\n  - {from: app, to: raw.a}\n", TARN_CONFIG,
         "\"app\" names no stream: write source.stream", "tarn.yaml:8:12",
         "or {source: app, files: [...]}"},
        {"ingest:\n  - {from: ap.a, to: raw.a}\n", TARN_CONFIG,
         "profile \"local\" has no source \"ap\"", "tarn.yaml:8:12", "did you mean \"app\"?"},
        {"ingest:\n  - {from: app.a, to: raw.a, files: /etc/x}\n", TARN_CONFIG,
         "glob \"/etc/x\" must be relative to the source's path", "tarn.yaml:8:37", NULL},
        {"ingest:\n  - {from: app.a, to: raw.a, files: [\"a\", \"b/../../c\"]}\n", TARN_CONFIG,
         "glob \"b/../../c\" leaves the source's path", "tarn.yaml:8:43", NULL},
        {"ingest:\n  - {from: app.a, to: raw.a, columns: {x: decmal}}\n", TARN_CONFIG, NULL,
         "tarn.yaml:8:43", NULL},
        {"ingest:\n  - {from: app.a, to: raw.a, delimiter: \";\"}\n", TARN_CONFIG,
         "\"delimiter\" is for csv files, the format here is ejson", "tarn.yaml:8:30", NULL},
        {"ingest:\n  - {from: app.a, to: raw.a, format: csv, delimiter: \";;\"}\n", TARN_CONFIG,
         "delimiter must be one ASCII character, not \";;\"", "tarn.yaml:8:54", NULL},
        {"ingest:\n  - {from: app.a, to: raw.a, format: csv, records: x}\n", TARN_CONFIG,
         "\"records\" is for json files, the format here is csv", "tarn.yaml:8:43", NULL},
        {"ingest:\n  - {from: app.a, to: raw.a, on_change: ignore}\n", TARN_CONFIG,
         "ingest[0].on_change must be one of replace and refuse, not \"ignore\"", "tarn.yaml:8:41",
         NULL},
        {"ingest:\n  - {from: app.a, to: raw.a, tags: [x, y, x]}\n", TARN_CONFIG,
         "\"x\" stands twice in the list", "tarn.yaml:8:43", NULL},
        {"layout: \"{namespace}/{nam}\"\n", TARN_CONFIG,
         "layout \"{namespace}/{nam}\" may hold {namespace}, {app} and {name} only",
         "tarn.yaml:7:9", NULL},
        {"layout: \"{namespace}/{app}\"\n", TARN_CONFIG,
         "layout \"{namespace}/{app}\" does not hold {name}: tables would share a folder",
         "tarn.yaml:7:9", NULL},
        {"layout: ../{name}\n", TARN_CONFIG,
         "layout \"../{name}\" must be folders below the warehouse: a/b/c", "tarn.yaml:7:9", NULL},
        {"schedule: {a: {cron: \"61 * * * *\"}}\n", TARN_CONFIG,
         "\"61 * * * *\" is no cron time: the minute must be 0-59, *, a list, a range or a step",
         "tarn.yaml:7:22", NULL},
        {"schedule: {a: {cron: \"0 * * *\"}}\n", TARN_CONFIG,
         "\"0 * * *\" is no cron time: it has five fields: minute, hour, day of the month, month, "
         "day of the week",
         "tarn.yaml:7:22", NULL},
        {"schedule: {a: {cron: \"@daily\", timezone: Mars/Base}}\n", TARN_CONFIG,
         "there is no time zone \"Mars/Base\"", "tarn.yaml:7:42", NULL},
        {"schedule: {a: {cron: \"@daily\", select: \"tga:x\"}}\n", TARN_CONFIG,
         "cannot read selector \"tga:x\": methods are tag:, path: and source:", "tarn.yaml:7:40",
         NULL},
        {"profile: prod\n", TARN_CONFIG, "there is no profile \"prod\"", "tarn.yaml:7:10", NULL},
        {"profile: locl\n", TARN_CONFIG, "there is no profile \"locl\"", "tarn.yaml:7:10",
         "did you mean \"local\"?"},
        {"app: a/b\n", TARN_CONFIG, "\"a/b\" is no name of an app: letters, digits, _ and -",
         "tarn.yaml:7:6", NULL},
        {"app: b\napp: c\n", TARN_CONFIG, "key \"app\" stands twice; the first is in line 7",
         "tarn.yaml:8:1", NULL},
        {"ingest:\n  - {from: app.a, to: raw.a}\n  - {from: app.b, to: raw.a}\n", TARN_MODEL,
         "table raw.a is made twice: by tarn.yaml:8 and by tarn.yaml:9", "tarn.yaml:9:5", NULL},
        {"ingest:\n  - {from: app.a, to: raw.a}\n  - {from: app.b, to: raw.A}\n", TARN_MODEL,
         "table raw.A is made twice (letter case does not tell tables apart): by tarn.yaml:8 and "
         "by tarn.yaml:9",
         "tarn.yaml:9:5", NULL},
        {"ingest:\n  - {from: app.a, to: raw.a}\n  - {from: app.b, to: raw.app_a}\n", TARN_MODEL,
         "tables raw.a (tarn.yaml:8) and raw.app_a (tarn.yaml:9) lie in the same folder, or one in "
         "the other",
         "tarn.yaml:9:5", NULL},
        {"layout: \"{namespace}/{name}\"\ningest:\n  - {from: app.a, to: raw.a}\n  - {from: app.c, "
         "to: raw.a-x}\n"
         "  - {from: app.b, to: raw.a.b}\n",
         TARN_MODEL,
         "tables raw.a (tarn.yaml:9) and raw.a.b (tarn.yaml:11) lie in the same folder, or one in "
         "the other",
         "tarn.yaml:11:5", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct wrong *w = &cases[i];
        put_project(f, w->yaml);
        enum tarn_status status = tarn_project_load(&f->op, &f->options, &f->project);
        report_is(f, status, w->status, w->message ? w->message : f->op.report.message, w->place,
                  w->hint);
    }
}

static void wrong_profiles(void **state)
{
    struct fixture *f = *state;
    static const struct wrong cases[] = {
        {"tarn: 2\nproject: x\nnew_key: 1\n", TARN_CONFIG,
         "the project is of format 2, this version reads format 1", "tarn.yaml:1:7",
         "use a newer tarn"},
        {"", TARN_CONFIG, "missing key \"tarn\" at the top level", "tarn.yaml:1:1", NULL},
        {"tarn: 1\nproject: x\n", TARN_CONFIG, "missing key \"profiles\" at the top level",
         "tarn.yaml:1:1", NULL},
        {"tarn: 1\nproject: x\nprofiles: {}\n", TARN_CONFIG, "there is no profile",
         "tarn.yaml:3:11", NULL},
        {"tarn: 1\nproject: x\nprofiles: {a: {warehouse: w}, b: {warehouse: w}}\n", TARN_CONFIG,
         "several profiles, but none is chosen", "tarn.yaml:3:1",
         "add \"profile: a\", or use --profile"},
        {"tarn: 1\nproject: x\nprofiles: {a: {warehouse: s3://b/c}}\n", TARN_UNSUPPORTED,
         "warehouse \"s3://b/c\": this version works on local folders only", "tarn.yaml:3:27",
         NULL},
        {"tarn: 1\nproject: x\nprofiles: {a: {warehouse: ~/w}}\n", TARN_CONFIG,
         "warehouse \"~/w\": ~ is not expanded, write ${HOME}", "tarn.yaml:3:27", NULL},
        {"tarn: 1\nproject: x\nprofiles: {a: {warehouse: w, catalog: {kind: glue}}}\n",
         TARN_UNSUPPORTED, "catalogs of kind \"glue\" are not in this version", "tarn.yaml:3:46",
         "use kind: sqlite, or choose another profile with --profile"},
        {"tarn: 1\nproject: x\nprofiles: {a: {warehouse: w, catalog: {kind: sqlit}}}\n",
         TARN_CONFIG, "there is no kind of catalog named \"sqlit\"", "tarn.yaml:3:46",
         "did you mean \"sqlite\"?"},
        {"tarn: 1\nproject: x\nprofiles: {a: {warehouse: w, catalog: {nam: x}}}\n", TARN_CONFIG,
         "unknown key \"nam\" in profiles.a.catalog; did you mean \"name\"?", "tarn.yaml:3:40",
         NULL},
        {"tarn: 1\nproject: x\nprofiles: {a: {warehouse: w, sources: {m: {kind: mongodb, uri: "
         "x}}}}\n",
         TARN_UNSUPPORTED, "sources of kind \"mongodb\" are not in this version", "tarn.yaml:3:50",
         NULL},
        {"tarn: 1\nproject: x\nprofiles: {a: {warehouse: w, sources: {m: {path: d}}}}\n",
         TARN_CONFIG, "missing key \"kind\" in profiles.a.sources.m", "tarn.yaml:3:40", NULL},
        {"tarn: 1\nproject: x\nprofile: a\nprofiles: {a: {warehouse: w}, b: {warehous: w}}\n",
         TARN_CONFIG, "unknown key \"warehous\" in profiles.b; did you mean \"warehouse\"?",
         "tarn.yaml:4:35", NULL},
        {"tarn: 1\nproject: x\nprofile: a\nprofiles: {a: {warehouse: w}, b: {warehouse: w, "
         "catalog: {kind: res}}}\n",
         TARN_CONFIG, "there is no kind of catalog named \"res\"", "tarn.yaml:4:65",
         "did you mean \"rest\"?"},
        {"tarn: 1\nproject: x\nprofiles: {a: {warehouse: w, threads: many}}\n", TARN_CONFIG,
         "profiles.a.threads must be an integer from 1 to 1024, not \"many\"", "tarn.yaml:3:39",
         NULL},
        {"tarn: 1\nproject: [x]\nprofiles: {a: {warehouse: w}}\n", TARN_CONFIG,
         "project must be a text, not a list", "tarn.yaml:2:10", NULL},
        {"tarn: 1\nproject: x\n\tprofiles: 1\n", TARN_CONFIG, NULL, "tarn.yaml:3:1", NULL},
        {"- a\n", TARN_CONFIG, "the top level must be a mapping, not a list", "tarn.yaml:1:1",
         NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct wrong *w = &cases[i];
        put(f, "tarn.yaml", w->yaml);
        enum tarn_status status = tarn_project_load(&f->op, &f->options, &f->project);
        report_is(f, status, w->status, w->message ? w->message : f->op.report.message, w->place,
                  w->hint);
    }
}

static void not_a_text(void **state)
{
    struct fixture *f = *state;
    put(f, "tarn.yaml", "tarn: 1\nproject: \xff\xfe\n");
    load_fails(f, TARN_CONFIG, "project file \"tarn.yaml\" is not UTF-8", "", NULL);
    assert_int_equal(unlink("tarn.yaml"), 0);
    assert_int_equal(symlink("/nonexistent", "tarn.yaml"), 0);
    assert_int_equal(tarn_project_load(&f->op, &f->options, &f->project), TARN_CONFIG);
}

static void cron_times(void **state)
{
    struct fixture *f = *state;
    static const char *const good[] = {"* * * * *", "*/5 0-6,22 1,15 jan-mar mon-fri", "0  6 1 * *",
                                       "59 23 31 12 7", "@weekly"};
    static const char *const bad[] = {
        "",          "* * * *",      "* * * * * *", "60 * * * *",  "* 24 * * *",
        "* * 0 * *", "* * * 13 *",   "* * * * 8",   "*/0 * * * *", "5-1 * * * *",
        "a * * * *", "1,,2 * * * *", "-1 * * * *",  "+1 * * * *",  "@reboot"};
    char yaml[200];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        (void)snprintf(yaml, sizeof yaml, "schedule: {a: {cron: \"%s\"}}\n", good[i]);
        put_project(f, yaml);
        (void)load(f);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(yaml, sizeof yaml, "schedule: {a: {cron: \"%s\"}}\n", bad[i]);
        put_project(f, yaml);
        assert_int_equal(tarn_project_load(&f->op, &f->options, &f->project), TARN_CONFIG);
        assert_int_equal(f->op.report.line, 7);
    }
}

static void locations(void **state)
{
    struct fixture *f = *state;
    struct tarn_str out;
    put_project(f, "layout: \"lake/{app}/{namespace}.db/{name}\"\n");
    const struct tarn_project *p = load(f);
    struct tarn_ident ident = {TARN_STR("a.b"), TARN_STR("fq_app_x")};
    assert_int_equal(tarn_project_location(&f->op, p, ident, TARN_STR("fq_app"), &out), TARN_OK);
    assert_str(out, text_of(tarn_sprintf(&f->op, "%s/w/lake/fq_app/a/b.db/x", f->folder)));
    ident.name = TARN_STR("fq_app_");
    assert_int_equal(tarn_project_location(&f->op, p, ident, TARN_STR("fq_app"), &out), TARN_OK);
    assert_str(out, text_of(tarn_sprintf(&f->op, "%s/w/lake/fq_app/a/b.db/fq_app_", f->folder)));
    ident.name = TARN_STR("fq_appx");
    assert_int_equal(tarn_project_location(&f->op, p, ident, TARN_STR("fq_app"), &out), TARN_OK);
    assert_str(out, text_of(tarn_sprintf(&f->op, "%s/w/lake/fq_app/a/b.db/fq_appx", f->folder)));
}

static void memory_runs_out(void **state)
{
    struct fixture *f = *state;
    put(f, "tarn.yaml", accounting);
    put(f, "models/a/b.sql",
        "/* tarn\nkind: merge\nkey: [x]\nchecks: [{not_null: x}]\n*/ select 1 as x\n");
    put(f, "checks/c.sql", "/* tarn\nmodel: a.b\n*/ select 1");
    put(f, ".env", "A=b\n");
    for (long n = 1;; n++) {
        struct tarn_op op;
        assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
        tarn_alloc_fail_at(n);
        enum tarn_status status = tarn_project_load(&op, &f->options, &f->project);
        bool over = status == TARN_OK;
        if (!over)
            assert_int_equal(status, TARN_NOMEM);
        tarn_alloc_fail_at(0);
        tarn_op_release(&op);
        if (over)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_whole_project),
        T(ingest_entries),
        T(an_entry_overrides_its_source),
        T(found_from_below),
        T(found_by_option_and_variable),
        T(not_found),
        T(wrong_keys),
        T(wrong_profiles),
        T(not_a_text),
        T(cron_times),
        T(locations),
        T(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_env: variables, .env, secrets, and which of several settings wins. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static void put_sources(struct fixture *f, const char *path)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   "tarn: 1\nproject: p\nprofiles:\n  local:\n    warehouse: w\n    sources:\n"
                   "      s: {kind: files, path: \"%s\"}\n",
                   path);
    put(f, "tarn.yaml", text);
}

static const char *source_path(struct fixture *f)
{
    return text_of(load(f)->profile.sources[0].path);
}

static void expanded(void **state)
{
    struct fixture *f = *state;
    set_env(f, "A=one");
    set_env(f, "EMPTY=");
    set_env(f, "NESTED=${A}");
    static const struct {
        const char *written, *path;
    } cases[] = {
        {"/x/${A}", "/x/one"},       {"/${A}/${A}/b", "/one/one/b"}, {"/x/${A:-two}", "/x/one"},
        {"/x/${B:-two}", "/x/two"},  {"/x/${EMPTY:-two}", "/x/two"}, {"/x${EMPTY}", "/x"},
        {"/x/${B:-}y", "/x/y"},      {"/x/$${A}", "/x/${A}"},        {"/x/$A$", "/x/$A$"},
        {"/x/${NESTED}", "/x/${A}"}, {"/x/${B:-a:-b}", "/x/a:-b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_sources(f, cases[i].written);
        assert_string_equal(source_path(f), cases[i].path);
    }
}

static void wrong_variables(void **state)
{
    struct fixture *f = *state;
    put(f, ".env.example", "SHOWN=1\n");
    static const struct {
        const char *written, *message, *hint;
    } cases[] = {
        {"/x/${MISSING}", "environment variable MISSING is not set",
         "set MISSING in the environment or in the project's .env, or write ${MISSING:-default}"},
        {"/x/${SHOWN}", "environment variable SHOWN is not set",
         "copy .env.example to .env: it sets SHOWN"},
        {"/x/${OPEN", "\"${\" is not closed; write $${ for the two characters", NULL},
        {"/x/${}", "\"${}\" is none of ${NAME}, ${NAME:-default} and ${secret:name}", NULL},
        {"/x/${A-b}", "\"${A-b}\" is none of ${NAME}, ${NAME:-default} and ${secret:name}", NULL},
        {"/x/${secret:}", "\"\" is no name of a secret", NULL},
        {"/x/${secret:../etc}", "\"../etc\" is no name of a secret", NULL},
        {"/x/${secret:uri}", "secret \"uri\" is not set",
         "set TARN_SECRET_URI, or put it into the file uri in the folder that TARN_SECRETS_DIR "
         "names"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_sources(f, cases[i].written);
        load_fails(f, TARN_CONFIG, cases[i].message, "tarn.yaml:7:30", cases[i].hint);
    }
}

static void only_the_chosen_profile(void **state)
{
    struct fixture *f = *state;
    put(f, "tarn.yaml",
        "tarn: 1\nproject: p\nprofile: ${CHOICE:-a}\nprofiles:\n"
        "  a: {warehouse: /a}\n  b: {warehouse: \"${MISSING}\", threads: \"${THREADS}\"}\n  c: "
        "{warehouse: /c}\n");
    assert_str(load(f)->profile.warehouse, "/a");
    set_env(f, "CHOICE=c");
    assert_str(load(f)->profile.warehouse, "/c");
    put(f, ".env", "TARN_PROFILE=a\n");
    assert_str(load(f)->profile.warehouse, "/a");
    set_env(f, "TARN_PROFILE=c");
    assert_str(load(f)->profile.warehouse, "/c");
    f->options.profile = TARN_STR("a");
    assert_str(load(f)->profile.warehouse, "/a");
    f->options.profile = TARN_STR("b");
    load_fails(f, TARN_CONFIG, "environment variable MISSING is not set", "tarn.yaml:6:18", NULL);
    f->options.profile = TARN_STR("d");
    load_fails(f, TARN_CONFIG, "there is no profile \"d\"", "", NULL);
    assert_int_equal(tarn_status_info(f->op.report.status)->exit_code, 2);
}

static void env_file(void **state)
{
    struct fixture *f = *state;
    set_env(f, "REAL=process");
    put(f, ".env",
        "\xEF\xBB\xBF# a comment\n\nPLAIN=a b # behind\nHASH=a#b\n  export EXPORTED = x\r\n"
        "SINGLE='a\\n$b # c'\nDOUBLE=\"t\\tq\\\"\\\\ \\$x\\y\" # "
        "c\nLINES=\"one\ntwo\"\nEMPTY=\nREAL=file\nexport=word");
    static const struct {
        const char *written, *path;
    } cases[] = {
        {"/${PLAIN}", "/a b"},
        {"/${HASH}", "/a#b"},
        {"/${EXPORTED}", "/x"},
        {"/${SINGLE}", "/a\\n$b # c"},
        {"/${DOUBLE}", "/t\tq\"\\ $x\\y"},
        {"/${LINES}", "/one\ntwo"},
        {"/x${EMPTY}", "/x"},
        {"/${REAL}", "/process"},
        {"/${export}", "/word"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_sources(f, cases[i].written);
        assert_string_equal(source_path(f), cases[i].path);
    }
}

static void wrong_env_files(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *message, *place;
    } cases[] = {
        {"A=1\n  SECRET VALUE\n", "expected NAME=value", ".env:2:3"},
        {"=x\n", "expected NAME=value", ".env:1:1"},
        {"1A=x\n", "expected NAME=value", ".env:1:1"},
        {"A\n", "expected NAME=value", ".env:1:1"},
        {"export A\n", "expected NAME=value", ".env:1:8"},
        {"A=1\nB='x\n\n", "the quoted value is not closed", ".env:2:3"},
        {"A=\"x\" y\n", "text behind a quoted value", ".env:1:7"},
        {"A=1\nB=2\nA=3\n", "a variable stands twice", ".env:3:1"},
    };
    put_sources(f, "/x");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(f, ".env", cases[i].text);
        load_fails(f, TARN_CONFIG, cases[i].message, cases[i].place, NULL);
        assert_string_equal(f->op.report.source_line, ""); /* it may be a secret */
    }
}

static void secrets(void **state)
{
    struct fixture *f = *state;
    set_env(f, "TARN_SECRET_FROM_ENV=hunter2");
    set_env(f, "TARN_SECRETS_DIR=secrets");
    put(f, "secrets/from.file", "file secret\r\n");
    put_sources(f, "/${secret:from-env}/${secret:from.file}");
    assert_string_equal(source_path(f), "/hunter2/file secret");
    assert_int_equal(f->project->secrets.count, 2);
    struct tarn_op *op = &f->op;
    (void)tarn_fail(op, TARN_IO, "hunter2 and hunter2, not hunter3");
    tarn_detail(op, "file secret");
    tarn_hint(op, "%s", "a secret");
    (void)tarn_while(op, "reading hunter2");
    tarn_project_redact(f->project, &op->report);
    assert_string_equal(op->report.message, "*** and ***, not hunter3");
    assert_string_equal(op->report.detail, "***");
    assert_string_equal(op->report.hint, "a secret");
    assert_string_equal(op->report.frames[0], "reading ***");
}

static void secrets_do_not_leak(void **state)
{
    struct fixture *f = *state;
    static char variable[200] = "TARN_SECRET_X=s3cr3t://";
    set_env(f, variable);
    put_sources(f, "${secret:x}");
    load_fails(f, TARN_UNSUPPORTED, "path \"***\": this version works on local folders only",
               "tarn.yaml:7:30", NULL);
    assert_string_equal(f->op.report.source_line, "      s: {kind: files, path: \"${secret:x}\"}");
    memset(variable + strlen(variable), 'z', 150); /* messages cut it */
    put(f, "tarn.yaml",
        "tarn: 1\nproject: p\nprofiles: {a: {warehouse: w, threads: \"${secret:x}\"}}\n");
    load_fails(f, TARN_CONFIG, "profiles.a.threads must be an integer from 1 to 1024, not \"***\"",
               "tarn.yaml:3:39", NULL);
}

static void overrides(void **state)
{
    struct fixture *f = *state;
    put(f, "tarn.yaml",
        "tarn: 1\nproject: p\nprofiles:\n  local:\n    warehouse: /w\n    sources:\n"
        "      fq_app: {kind: files, path: /a}\n      fq-app__2: {kind: files, path: /b}\n");
    put(f, ".env", "TARN__WAREHOUSE=/env-file\nTARN__MEMORY_LIMIT=1GB\n");
    set_env(f, "TARN__THREADS=3");
    set_env(f, "TARN__SOURCES__FQ_APP__PATH=/over");
    set_env(f, "TARN__SOURCES__FQ_APP__2__PATH=/over2");
    set_env(f, "TARN__SOURCES__NEW__KIND=files");
    set_env(f, "TARN__SOURCES__NEW__PATH=/new/${A}");
    set_env(f, "TARN__CATALOG__NAME=glue_catalog");
    set_env(f, "TARN__MEMORY_LIMIT=2GB");
    const struct tarn_project *p = load(f);
    assert_str(p->profile.warehouse, "/env-file");
    assert_int_equal(p->profile.memory_limit_bytes, 2000000000);
    assert_int_equal(p->profile.threads, 3);
    assert_int_equal(p->profile.source_count, 3);
    assert_str(p->profile.sources[0].path, "/over");
    assert_str(p->profile.sources[1].path, "/over2");
    assert_str(p->profile.sources[2].name, "new");
    assert_str(p->profile.sources[2].path, "/new/${A}"); /* literal */
    assert_str(p->profile.catalog.name, "glue_catalog");
    assert_str(p->profile.catalog.path, "/env-file/catalog.db");
    set_env(f, "TARN_CATALOG_NAME=other");
    set_env(f, "TARN_WAREHOUSE=/variable");
    p = load(f);
    assert_str(p->profile.warehouse, "/variable");
    assert_str(p->profile.catalog.name, "other");
    f->options.warehouse = TARN_STR("option");
    f->options.catalog_name = TARN_STR("third");
    p = load(f);
    assert_str(p->profile.warehouse, text_of(tarn_sprintf(&f->op, "%s/option", f->folder)));
    assert_str(p->profile.catalog.name, "third");
}

static void wrong_overrides(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *variable, *message, *place;
    } cases[] = {
        {"TARN__THREADS=many",
         "profiles.local.threads must be an integer from 1 to 1024, not \"many\"",
         "environment variable TARN__THREADS:1:1"},
        {"TARN__WAREHOUS=x",
         "unknown key \"warehous\" in profiles.local; did you mean \"warehouse\"?",
         "environment variable TARN__WAREHOUS:1:1"},
        {"TARN__SOURCES=x",
         "environment variable TARN__SOURCES names a whole section of the profile, not one setting",
         ""},
        {"TARN__WAREHOUSE__X=x",
         "environment variable TARN__WAREHOUSE__X goes deeper than the profile's settings", ""},
        {"TARN__=x", "environment variable TARN__ names no setting of the profile", ""},
        {"TARN__WAREHOUSE__=x",
         "environment variable TARN__WAREHOUSE__ names no setting of the profile", ""},
        {"TARN____X=x", "environment variable TARN____X names no setting of the profile", ""},
        {"TARN__SOURCES__A____B=x",
         "environment variable TARN__SOURCES__A____B goes deeper than the profile's settings",
         NULL},
    };
    put_sources(f, "/x");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f->environment[0] = cases[i].variable;
        enum tarn_status status = tarn_project_load(&f->op, &f->options, &f->project);
        assert_int_equal(status, TARN_CONFIG);
        if (cases[i].place)
            report_is(f, status, TARN_CONFIG, cases[i].message, cases[i].place, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(expanded),        T(wrong_variables), T(only_the_chosen_profile), T(env_file),
        T(wrong_env_files), T(secrets),         T(secrets_do_not_leak),     T(overrides),
        T(wrong_overrides)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_options: spelling of the command line, precedence, messages; help and reference out of the
 * tables. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "cli/options.h"

static enum tarn_status parse(struct tarn_op *op, struct tarn_options *out, const char *line,
                              const char *const *environment)
{
    static const char *const nothing[] = {NULL};
    static char words[512];
    const char *argv[32] = {"tarn"};
    int argc = 1;
    (void)snprintf(words, sizeof words, "%s", line);
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
        argv[argc++] = w;
    return tarn_options_parse(op, argc, argv, environment ? environment : nothing, out);
}

static void spellings(void **state)
{
    static const char *const lines[] = {
        "run --select a --select b --profile p -v",
        "run --select=a --select=b --profile=p --verbose",
        "run -s a -s b -p p -v",
        "run -sa -sb -pp -v",
        "run -s=a -s=b -p=p -v",
        "-pp -v run -s a -s b",
        "run -v -s a -vs b -p p",
        "--profile p run --verbose=true -s a -s b",
        "--no-progress=false -p p run -vsa -s b",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct tarn_options o;
        assert_int_equal(parse(*state, &o, lines[i], NULL), TARN_OK);
        assert_int_equal(o.verb, TARN_VERB_RUN);
        assert_int_equal(o.select.count, 2);
        assert_str(o.select.items[0], "a");
        assert_str(o.select.items[1], "b");
        assert_str(o.profile, "p");
        assert_true(o.verbose);
        assert_false(o.quiet || o.no_progress || o.help);
        assert_int_equal(o.args.count, 0);
        assert_int_equal(o.format, TARN_FORMAT_TABLE);
        assert_int_equal(o.origin[TARN_OPTION_profile], TARN_ORIGIN_COMMAND_LINE);
        assert_int_equal(o.origin[TARN_OPTION_format], TARN_ORIGIN_DEFAULT);
        assert_null(o.warehouse.ptr);
    }
}

static void arguments(void **state)
{
    struct tarn_options o;
    assert_int_equal(parse(*state, &o, "sql -- -1", NULL), TARN_OK);
    assert_str(o.args.items[0], "-1");
    assert_int_equal(parse(*state, &o, "sql -f -", NULL), TARN_OK);
    assert_str(o.file, "-");
    assert_int_equal(parse(*state, &o, "sql --execute=--x", NULL), TARN_OK);
    assert_str(o.execute, "--x");
    assert_int_equal(parse(*state, &o, "sql --max-rows 7 --json", NULL), TARN_OK);
    assert_int_equal(o.max_rows, 7);
    assert_true(o.json);
    assert_int_equal(o.format, TARN_FORMAT_JSON);
    assert_int_equal(parse(*state, &o, "table history raw.x", NULL), TARN_OK);
    assert_int_equal(o.verb, TARN_VERB_TABLE);
    assert_int_equal(o.action, TARN_TABLE_HISTORY);
    assert_int_equal(o.args.count, 1);
    assert_str(o.args.items[0], "raw.x");
    assert_int_equal(parse(*state, &o, "retry", NULL), TARN_OK);
    assert_int_equal(o.args.count, 0);
    assert_int_equal(parse(*state, &o, "", NULL), TARN_OK);
    assert_int_equal(o.verb, TARN_VERB_NONE);
    assert_int_equal(parse(*state, &o, "table --help", NULL), TARN_OK);
    assert_true(o.help);
    assert_int_equal(parse(*state, &o, "-V", NULL), TARN_OK);
    assert_true(o.version);
    assert_int_equal(parse(*state, &o, "help --markdown errors", NULL), TARN_OK);
    assert_true(o.markdown);
}

static void environment(void **state)
{
    static const char *const environment[] = {"TARN_PROFILE=env",
                                              "TARN_FORMAT=csv",
                                              "TARN_NO_PROGRESS=1",
                                              "TARN_MAX_ROWS=5",
                                              "TARN_WAREHOUSE=",
                                              "TARN_LOG_LEVELX=debug",
                                              NULL};
    struct tarn_options o;
    assert_int_equal(parse(*state, &o, "sql", environment), TARN_OK);
    assert_str(o.profile, "env");
    assert_int_equal(o.format, TARN_FORMAT_CSV);
    assert_true(o.no_progress);
    assert_int_equal(o.max_rows, 5);
    assert_null(o.warehouse.ptr);
    assert_int_equal(o.log_level, 1);
    assert_int_equal(o.origin[TARN_OPTION_format], TARN_ORIGIN_ENVIRONMENT);
    assert_int_equal(parse(*state, &o,
                           "sql --profile cli --format md --max-rows 9 --no-progress=false",
                           environment),
                     TARN_OK);
    assert_str(o.profile, "cli");
    assert_int_equal(o.format, TARN_FORMAT_MD);
    assert_int_equal(o.max_rows, 9);
    assert_false(o.no_progress);
    assert_int_equal(parse(*state, &o, "sql --json", environment), TARN_OK); /* over TARN_FORMAT */
    assert_int_equal(o.format, TARN_FORMAT_JSON);
}

static void wrong_lines(void **state)
{
    static const char *const bad_env[] = {"TARN_FORMAT=tabel", NULL};
    static const char *const bad_int[] = {"TARN_MAX_ROWS=0", NULL};
    static const struct {
        const char *line, *message, *hint;
        const char *const *environment;
    } cases[] = {
        {"rnu", "unknown verb \"rnu\"", "did you mean \"run\"?", NULL},
        {"frobnicate", "unknown verb \"frobnicate\"", "`tarn --help` lists the verbs", NULL},
        {"run --selct a", "unknown option \"--selct\" of tarn run", "did you mean \"--select\"?",
         NULL},
        {"run --selct=a", "unknown option \"--selct\" of tarn run", "did you mean \"--select\"?",
         NULL},
        {"run --zzzzzz", "unknown option \"--zzzzzz\" of tarn run",
         "`tarn run --help` lists the options", NULL},
        {"run --max-rows 3", "unknown option \"--max-rows\" of tarn run",
         "it is an option of tarn sql", NULL},
        {"--select a run", "unknown option \"--select\" of tarn", "it is an option of tarn plan",
         NULL},
        {"run -z", "unknown option \"-z\" of tarn run", "`tarn run --help` lists the options",
         NULL},
        {"run -vz", "unknown option \"-z\" of tarn run", NULL, NULL},
        {"run --profile", "option --profile needs a value: --profile NAME", "", NULL},
        {"run -p", "option --profile needs a value: --profile NAME", "", NULL},
        {"run --profile --json", "option --profile needs a value: --profile NAME",
         "write --profile=--json if that is the value", NULL},
        {"run --profile=", "option --profile is empty", NULL, NULL},
        {"run --profile a -pb", "option --profile is given twice", NULL, NULL},
        {"run --json=maybe", "option --json must be true or false, not \"maybe\"", NULL, NULL},
        {"run --format tabel",
         "option --format must be one of table, json, ndjson, csv, md and expanded, not \"tabel\"",
         "did you mean \"table\"?", NULL},
        {"sql --max-rows many",
         "option --max-rows must be an integer from 1 to 1000000, not \"many\"", NULL, NULL},
        {"sql --max-rows 1000001",
         "option --max-rows must be an integer from 1 to 1000000, not \"1000001\"", NULL, NULL},
        {"sql --max-rows=-1", "option --max-rows must be an integer from 1 to 1000000, not \"-1\"",
         NULL, NULL},
        {"sql --max-rows 99999999999999999999",
         "option --max-rows must be an integer from 1 to 1000000, not \"99999999999999999999\"",
         NULL, NULL},
        {"run extra", "tarn run takes no argument \"extra\"",
         "`tarn run --help` shows what it takes", NULL},
        {"ls a b", "tarn ls takes no argument \"b\"", NULL, NULL},
        {"table", "tarn table needs ACTION TABLE", NULL, NULL},
        {"table show", "tarn table needs ACTION TABLE", NULL, NULL},
        {"table shwo raw.x",
         "the action of tarn table must be one of show, schema, history, files and snapshots, not "
         "\"shwo\"",
         "did you mean \"show\"?", NULL},
        {"table show a b", "tarn table takes no argument \"b\"", NULL, NULL},
        {"run -q -v", "--quiet and --verbose exclude each other", NULL, NULL},
        {"sql --json --format csv", "--json and --format csv exclude each other", NULL, NULL},
        {"sql -e a -f b",
         "tarn sql takes one statement: as an argument, behind -e, or in a file behind -f", NULL,
         NULL},
        {"sql -e a b",
         "tarn sql takes one statement: as an argument, behind -e, or in a file behind -f", NULL,
         NULL},
        {"sql",
         "environment variable TARN_FORMAT must be one of table, json, ndjson, csv, md and "
         "expanded, not "
         "\"tabel\"",
         "did you mean \"table\"?", bad_env},
        {"sql",
         "environment variable TARN_MAX_ROWS must be an integer from 1 to 1000000, not \"0\"", NULL,
         bad_int},
    };
    struct tarn_op *op = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn_options o;
        assert_int_equal(parse(op, &o, cases[i].line, cases[i].environment), TARN_USAGE);
        assert_string_equal(op->report.message, cases[i].message);
        if (cases[i].hint)
            assert_string_equal(op->report.hint, cases[i].hint);
    }
    assert_int_equal(tarn_status_info(TARN_USAGE)->exit_code, 2);
}

/* Lines of at most `width` columns; a name longer than that stands alone. */
static void assert_fits(struct tarn_str text, int width)
{
    struct tarn_str line;
    while (text.ptr) {
        (void)tarn_str_cut(&text, '\n', &line);
        if ((int)line.len > width)
            fail_msg("longer than %d: %s", width, text_of(line));
        assert_false(line.len > 0 && line.ptr[line.len - 1] == ' ');
    }
}

static void help_fits(void **state)
{
    struct tarn_str text;
    for (int verb = 0; verb < TARN_VERB_COUNT; verb++) {
        assert_int_equal(tarn_options_help(*state, (enum tarn_verb)verb, 80, &text), TARN_OK);
        assert_fits(text, 80);
        assert_non_null(strstr(text.ptr, "--project-dir FOLDER"));
        assert_non_null(strstr(text.ptr, "Exit codes:"));
    }
    assert_int_equal(tarn_options_help(*state, TARN_VERB_RUN, 80, &text), TARN_OK);
    assert_non_null(strstr(text.ptr, "Usage: tarn run [options]\n"));
    assert_non_null(strstr(text.ptr, "  -s, --select SELECTOR"));
    assert_null(strstr(text.ptr, "--max-rows"));
    assert_non_null(strstr(text.ptr, "  4     a conflict"));
    assert_int_equal(tarn_options_help(*state, TARN_VERB_NONE, 80, &text), TARN_OK);
    assert_null(strstr(text.ptr, "\n  help "));
}

/* Every letter and name stands once among the options of a verb. */
static void options_do_not_meet(void **state)
{
    struct tarn_str text;
    for (int verb = 1; verb < TARN_VERB_COUNT; verb++) {
        char seen[256] = "";
        assert_int_equal(tarn_options_help(*state, (enum tarn_verb)verb, 80, &text), TARN_OK);
        for (const char *p = text.ptr; (p = strstr(p, "\n  -")) != NULL; p++) {
            if (p[4] == '-')
                continue;
            assert_null(strchr(seen, p[4]));
            seen[strlen(seen)] = p[4];
        }
        assert_non_null(strchr(seen, 'h'));
    }
}

static void pages_are_current(void **state)
{
    static char text[1 << 18];
    struct tarn_str made;
    assert_int_equal(tarn_options_markdown(*state, &made), TARN_OK);
    assert_string_equal(file_text("docs/cli.md", text, sizeof text), made.ptr); /* scripts/docs */
    assert_int_equal(tarn_errors_markdown(*state, &made), TARN_OK);
    assert_string_equal(file_text("docs/errors.md", text, sizeof text), made.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(spellings),        T(arguments), T(environment),
                                       T(wrong_lines),      T(help_fits), T(options_do_not_meet),
                                       T(pages_are_current)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

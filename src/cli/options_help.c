/* options_help: --help and the reference pages, out of the tables of options.def and errors.def. */
#include "cli/options_int.h"

#include <ctype.h>
#include <inttypes.h>

#define PAGE_MAX   ((size_t)1 << 20)
#define DOC_COLUMN 28 /* where the texts of options begin */
#define WIDTH_MIN  40

/* What each exit code means, for all verbs. */
static const struct exit_code {
    const char *code, *meaning;
} exit_codes[] = {
    {"0", "done"},
    {"1", "a task or a check failed"},
    {"2", "the command line or the configuration is wrong"},
    {"3", "a server or catalog cannot be reached, or access was refused"},
    {"4", "a conflict, or another process holds the lease or lock"},
    {"130", "interrupted (SIGINT): once, after the current commit; twice, at once"},
    {"143", "ended (SIGTERM)"},
};

struct page {
    struct tarn_buf b;
    int width;
};

/* ---- text in lines */

/* The next word of a text that is wrapped; absent at the end. */
static struct tarn_str next_word(struct tarn_str *rest)
{
    *rest = tarn_str_trim(*rest);
    size_t n = 0;
    while (n < rest->len && !isspace((unsigned char)rest->ptr[n]))
        n++;
    struct tarn_str word = {n ? rest->ptr : NULL, n};
    *rest = tarn_str_of(rest->ptr + n, rest->len - n);
    return word;
}

static void put_blanks(struct page *p, int n)
{
    for (int i = 0; i < n; i++)
        tarn_buf_put(&p->b, ' ');
}

/* Words from column `at` on, further lines from column `indent`; ends with a newline. */
static void put_wrapped(struct page *p, int at, int indent, const char *text)
{
    struct tarn_str rest = tarn_str_view(text), word;
    bool first = true;
    while ((word = next_word(&rest)).ptr) {
        int need = (int)word.len + (first ? 0 : 1);
        if (at + need > p->width && !first) {
            tarn_buf_put(&p->b, '\n');
            put_blanks(p, indent);
            at = indent;
            need--;
            first = true;
        }
        if (!first)
            tarn_buf_put(&p->b, ' ');
        tarn_buf_str(&p->b, word);
        at += need;
        first = false;
    }
    tarn_buf_put(&p->b, '\n');
}

/* "  name         text", the text below the name when that is too long. */
static void put_row(struct page *p, struct tarn_str name, int column, const char *text)
{
    tarn_buf_printf(&p->b, "  %.*s", TARN_STR_ARG(name));
    int at = 2 + (int)name.len;
    if (at + 2 > column) {
        tarn_buf_put(&p->b, '\n');
        at = 0;
    }
    put_blanks(p, column - at);
    put_wrapped(p, column, column, text);
}

/* ---- options */

/* "table, json: what it is for; 1 to 9 [default: 5; TARN_X]" */
static void put_doc(struct tarn_buf *b, const struct tarn__option_row *row)
{
    for (size_t i = 0; row->names && tarn__option_word(row->names, i).ptr; i++)
        tarn_buf_printf(b, "%s%.*s", i ? ", " : "", TARN_STR_ARG(tarn__option_word(row->names, i)));
    tarn_buf_printf(b, "%s%s", row->names ? ": " : "", row->doc);
    if (row->type == TARN__OPTION_INT)
        tarn_buf_printf(b, "; %" PRId64 " to %" PRId64, row->min, row->max);
    if (row->preset || row->environment)
        tarn_buf_printf(b, " [%s%s%s%s]", row->preset ? "default: " : "",
                        row->preset ? row->preset : "", row->preset && row->environment ? "; " : "",
                        row->environment ? row->environment : "");
}

static void put_option(struct page *p, const struct tarn__option_row *row)
{
    struct tarn_buf name, doc;
    tarn_buf_init(&name, 256);
    tarn_buf_init(&doc, 4096);
    if (row->letter)
        tarn_buf_printf(&name, "-%c, --%s", row->letter, row->name);
    else
        tarn_buf_printf(&name, "    --%s", row->name);
    if (row->argument)
        tarn_buf_printf(&name, " %s", row->argument);
    put_doc(&doc, row);
    if (name.failed || doc.failed)
        p->b.failed = true;
    else
        put_row(p, tarn_buf_view(&name), DOC_COLUMN, doc.ptr);
    tarn_buf_release(&name);
    tarn_buf_release(&doc);
}

static bool is_global(const struct tarn__option_row *row)
{
    return row->verbs == TARN__VERBS_ALL;
}

static bool has_options(enum tarn_verb verb)
{
    for (int i = 0; i < TARN_OPTION_COUNT; i++)
        if (!is_global(&tarn__options[i]) && (tarn__options[i].verbs >> verb & 1))
            return true;
    return false;
}

static void put_options(struct page *p, enum tarn_verb verb, bool global)
{
    for (int i = 0; i < TARN_OPTION_COUNT; i++) {
        const struct tarn__option_row *row = &tarn__options[i];
        if (is_global(row) == global && (row->verbs >> verb & 1))
            put_option(p, row);
    }
}

/* ---- --help */

static void put_examples(struct page *p, const char *examples)
{
    struct tarn_str rest = tarn_str_view(examples), line;
    tarn_buf_z(&p->b, "\nExamples:\n");
    while (rest.len > 0) {
        (void)tarn_str_cut(&rest, '\n', &line);
        tarn_buf_printf(&p->b, "  %.*s\n", TARN_STR_ARG(line));
    }
}

/* `codes`: "0 1 2"; NULL = all. */
static void put_exits(struct page *p, const char *codes)
{
    tarn_buf_z(&p->b, "\nExit codes:\n");
    for (size_t i = 0; i < sizeof exit_codes / sizeof *exit_codes; i++) {
        struct tarn_str rest = tarn_str_view(codes), word;
        bool wanted = codes == NULL;
        while (codes && (word = next_word(&rest)).ptr)
            wanted = wanted || tarn_str_is(word, exit_codes[i].code);
        if (wanted)
            put_row(p, tarn_str_view(exit_codes[i].code), 8, exit_codes[i].meaning);
    }
}

static void put_overview(struct page *p)
{
    put_wrapped(p, 0, 0,
                "tarn: an Apache Iceberg lakehouse in one program. It takes documents and files "
                "in, refines them with SQL, and keeps "
                "the tables where every other Iceberg engine reads them.");
    tarn_buf_z(&p->b, "\nUsage: tarn VERB [options] [arguments]\n\nVerbs:\n");
    for (int i = 1; i < TARN_VERB_COUNT; i++)
        if (!tarn__verbs[i].hidden)
            put_row(p, tarn_str_view(tarn__verbs[i].name), 12, tarn__verbs[i].summary);
    tarn_buf_z(&p->b, "\nOptions of every verb:\n");
    put_options(p, TARN_VERB_HELP, true);
    put_exits(p, NULL);
    tarn_buf_z(&p->b, "\n`tarn VERB --help` explains a verb.\n");
}

static void put_verb(struct page *p, enum tarn_verb id)
{
    const struct tarn__verb_row *verb = &tarn__verbs[id];
    bool own = has_options(id);
    tarn_buf_printf(&p->b, "tarn %s: ", verb->name);
    put_wrapped(p, 7 + (int)strlen(verb->name), 0, verb->summary);
    tarn_buf_printf(&p->b, "\nUsage: tarn %s [options]%s%s\n", verb->name,
                    verb->arguments[0] ? " " : "", verb->arguments);
    if (verb->text[0]) {
        tarn_buf_put(&p->b, '\n');
        put_wrapped(p, 0, 0, verb->text);
    }
    if (own) {
        tarn_buf_z(&p->b, "\nOptions:\n");
        put_options(p, id, false);
    }
    tarn_buf_z(&p->b, "\nOptions of every verb:\n");
    put_options(p, id, true);
    put_examples(p, verb->examples);
    put_exits(p, verb->exits);
}

enum tarn_status tarn_options_help(struct tarn_op *op, enum tarn_verb verb, int width,
                                   struct tarn_str *out)
{
    struct page p = {.width = width < WIDTH_MIN ? WIDTH_MIN : width};
    tarn_buf_init(&p.b, PAGE_MAX);
    if (verb == TARN_VERB_NONE)
        put_overview(&p);
    else
        put_verb(&p, verb);
    return (enum tarn_status)tarn_buf_take(op, &p.b, "the help", out);
}

/* ---- Markdown */

/* In a table's cell a bar needs a backslash. */
static void put_cell(struct tarn_buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            tarn_buf_put(b, '\\');
        tarn_buf_put(b, *text);
    }
}

static void md_option(struct tarn_buf *b, const struct tarn__option_row *row)
{
    tarn_buf_z(b, "| `");
    if (row->letter)
        tarn_buf_printf(b, "-%c`, `", row->letter);
    tarn_buf_printf(b, "--%s%s%s` | ", row->name, row->argument ? " " : "",
                    row->argument ? row->argument : "");
    for (size_t i = 0; row->names && tarn__option_word(row->names, i).ptr; i++)
        tarn_buf_printf(b, "%s`%.*s`", i ? ", " : "",
                        TARN_STR_ARG(tarn__option_word(row->names, i)));
    tarn_buf_z(b, row->names ? ": " : "");
    put_cell(b, row->doc);
    if (row->type == TARN__OPTION_INT)
        tarn_buf_printf(b, "; %" PRId64 " to %" PRId64, row->min, row->max);
    tarn_buf_printf(b, " | %s%s%s | ", row->preset ? "`" : "", row->preset ? row->preset : "",
                    row->preset ? "`" : "");
    if (row->environment)
        tarn_buf_printf(b, "`%s`", row->environment);
    tarn_buf_z(b, " |\n");
}

static void md_options(struct tarn_buf *b, enum tarn_verb verb, bool global)
{
    tarn_buf_z(b, "| option | meaning | default | environment |\n|---|---|---|---|\n");
    for (int i = 0; i < TARN_OPTION_COUNT; i++)
        if (is_global(&tarn__options[i]) == global && (tarn__options[i].verbs >> verb & 1))
            md_option(b, &tarn__options[i]);
}

static void md_verb(struct tarn_buf *b, enum tarn_verb id)
{
    const struct tarn__verb_row *verb = &tarn__verbs[id];
    tarn_buf_printf(b, "\n## tarn %s\n\n```\ntarn %s [options]%s%s\n```\n\n", verb->name,
                    verb->name, verb->arguments[0] ? " " : "", verb->arguments);
    tarn_buf_put(b, (char)toupper((unsigned char)verb->summary[0]));
    tarn_buf_printf(b, "%s.", verb->summary + 1);
    if (verb->text[0])
        tarn_buf_printf(b, " %s", verb->text);
    tarn_buf_z(b, "\n\n");
    if (has_options(id)) {
        md_options(b, id, false);
        tarn_buf_put(b, '\n');
    }
    tarn_buf_printf(b, "```\n%s```\n\nExit codes: ", verb->examples);
    struct tarn_str rest = tarn_str_view(verb->exits), word;
    for (bool first = true; (word = next_word(&rest)).ptr; first = false)
        tarn_buf_printf(b, "%s%.*s", first ? "" : ", ", TARN_STR_ARG(word));
    tarn_buf_z(b, ".\n");
}

enum tarn_status tarn_options_markdown(struct tarn_op *op, struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, PAGE_MAX);
    tarn_buf_z(&b, "# Command line\n"
                   "\n"
                   "This page is made from `src/cli/options.def` (`tarn help --markdown cli`); a "
                   "test holds it to that table.\n"
                   "\n"
                   "```\n"
                   "tarn [global options] VERB [options] [arguments]\n"
                   "```\n"
                   "\n"
                   "`--name value`, `--name=value`, `-n value`, `-nvalue`; `--` ends the options. "
                   "What is given wins over the\n"
                   "environment variable, which wins over the default. Results go to standard "
                   "output, everything else to standard\n"
                   "error; without a terminal there is no colour, progress or prompt.\n"
                   "\n"
                   "## Options of every verb\n"
                   "\n");
    md_options(&b, TARN_VERB_HELP, true);
    tarn_buf_z(&b, "\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (size_t i = 0; i < sizeof exit_codes / sizeof *exit_codes; i++)
        tarn_buf_printf(&b, "| %s | %s |\n", exit_codes[i].code, exit_codes[i].meaning);
    for (int i = 1; i < TARN_VERB_COUNT; i++)
        if (!tarn__verbs[i].hidden)
            md_verb(&b, (enum tarn_verb)i);
    return (enum tarn_status)tarn_buf_take(op, &b, "the reference", out);
}

enum tarn_status tarn_errors_markdown(struct tarn_op *op, struct tarn_str *out)
{
    static const char *const retries[] = {"no", "yes", "after a refresh"};
    struct tarn_buf b;
    tarn_buf_init(&b, PAGE_MAX);
    tarn_buf_z(&b, "# Errors\n"
                   "\n"
                   "This page is made from `src/base/errors.def` (`tarn help --markdown errors`); "
                   "a test holds it to that table.\n"
                   "\n"
                   "`error[T0231]: column \"amout\" not found in raw.orders` names the code; "
                   "`--json` gives it as `code`, the\n"
                   "PostgreSQL protocol as SQLSTATE, HTTP as a status. Codes are never reused.\n"
                   "\n"
                   "| code | name | meaning | exit code | again? | SQLSTATE | HTTP |\n"
                   "|---|---|---|---|---|---|---|\n");
    for (int i = TARN_OK + 1; i < TARN_STATUS_COUNT; i++) {
        const struct tarn_status_info *info = tarn_status_info((enum tarn_status)i);
        tarn_buf_printf(&b, "| %s | %s | %s | %d | %s | %s | %d |\n", info->code, info->name,
                        info->meaning, info->exit_code, retries[info->retry], info->sqlstate,
                        info->http);
    }
    return (enum tarn_status)tarn_buf_take(op, &b, "the table of errors", out);
}

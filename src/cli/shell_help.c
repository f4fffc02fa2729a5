/* shell_help: \? and \h. */
#include "cli/shell_int.h"

static const char commands[] =
    "\\d [PATTERN]      tables and views; \\d NAME: a table's columns, partitions, properties\n"
    "\\dt [PATTERN]     tables (also raw.*, *orders*)\n"
    "\\dv [PATTERN]     views\n"
    "\\dn [PATTERN]     namespaces\n"
    "\\l                the catalog and its warehouse\n"
    "\\x [on|off]       a line a column\n"
    "\\format FORMAT    table, json, ndjson, csv, md, expanded\n"
    "\\timing [on|off]  how long statements take\n"
    "\\o [FILE]         results into a file; without one, here again\n"
    "\\i FILE           runs a file of statements\n"
    "\\g, \\gx           runs what was typed (\\gx: expanded)\n"
    "\\p, \\r            shows what was typed; forgets it\n"
    "\\h [STATEMENT]    syntax of a statement\n"
    "\\?                these commands\n"
    "\\q                leaves\n"
    "\n"
    "A statement ends with a semicolon. Tab completes, Ctrl-R searches what was typed before, "
    "Ctrl-C "
    "stops a\nstatement, Ctrl-D leaves. Results longer than the screen go through $PAGER.\n";

static const struct {
    const char *name, *syntax;
} statements[] = {
#define STATEMENT(name, syntax) {name, syntax},
#include "cli/shell_help.def"
#undef STATEMENT
};
#define STATEMENTS (sizeof statements / sizeof *statements)

void tarn__help_commands(struct tarn_buf *b)
{
    tarn_buf_z(b, commands);
}

static bool starts_nocase(const char *name, struct tarn_str words)
{
    struct tarn_str n = tarn_str_view(name);
    return n.len >= words.len && tarn_str_eq_nocase(tarn_str_of(n.ptr, words.len), words);
}

void tarn__help_statement(struct tarn_buf *b, struct tarn_str words)
{
    bool any = false;
    if (!words.len || tarn_str_is(words, "*")) {
        for (size_t i = 0; i < STATEMENTS; i++) {
            tarn_buf_printf(b, "%-26s", statements[i].name);
            if (i % 3 == 2 || i + 1 == STATEMENTS)
                tarn_buf_put(b, '\n');
        }
        return;
    }
    for (size_t i = 0; i < STATEMENTS; i++)
        if (starts_nocase(statements[i].name, words)) {
            tarn_buf_printf(b, "%s%s\n%s\n", any ? "\n" : "", statements[i].name,
                            statements[i].syntax);
            any = true;
        }
    if (!any)
        tarn_buf_printf(b, "There is no help for \"%.*s\": \\h lists what there is.\n",
                        TARN_STR_ARG(words));
}

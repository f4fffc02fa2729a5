/* console: a conversation in SQL on the command line: runs statements and prints their answers.
 *
 * The warehouse is opened when it is first needed; the first CREATE makes it if there is none.
 * Each statement has memory of its own, given back when its answer is printed. Rows and tags
 * ("INSERT 3") go to the results' descriptor, notices and failures to stderr. In formats for
 * programs (CSV, NDJSON, Markdown) tags go to stderr too; in JSON every statement is a document of
 * one line: {"v":1,"tag":"INSERT","rows":3}, or the rows of output.h with a "tag".
 * Owner: the verb; one thread.
 */
#ifndef TARN_CLI_CONSOLE_H
#define TARN_CLI_CONSOLE_H

#include "cli/cli.h"
#include "sql/sql.h"

struct tarn_console {
    struct tarn_cli *cli;
    struct tarn_workspace *workspace; /* NULL: not opened yet */
    struct tarn_sql *sql;
    enum tarn_format format;
    int fd;       /* where results go: 1, or \o's file */
    bool timing;  /* tell how long statements take */
    bool shell;   /* a person types: long results go through a pager */
    bool printed; /* something was, so the next table stands apart */
};

void tarn__console_init(struct tarn_console *c, struct tarn_cli *cli);
/* An open transaction is rolled back, and a notice says so. */
void tarn__console_close(struct tarn_console *c);
/* Opens what the options name; create: makes the catalog if there is none. Nothing to do when it is
 * open (and not an empty stand-in for one that is to be made). */
enum tarn_status tarn__console_open(struct tarn_console *c, bool create) TARN_MUST_USE;
/* One statement. Failures are reported in cli->op. */
enum tarn_status tarn__console_run(struct tarn_console *c, struct tarn_sql_text text) TARN_MUST_USE;
/* All statements of a text, up to the first failure; file: for places. */
enum tarn_status tarn__console_script(struct tarn_console *c, struct tarn_str text,
                                      const char *file) TARN_MUST_USE;
/* The same of a file's text. */
enum tarn_status tarn__console_file(struct tarn_console *c, struct tarn_str path) TARN_MUST_USE;
/* Text for the results' descriptor, through the pager when a person reads it and it is longer than
 * the screen. */
enum tarn_status tarn__console_show(struct tarn_console *c, struct tarn_str text) TARN_MUST_USE;
/* Where a listing of the shell's own goes: as rows do. End with tarn__console_end_output. */
void tarn__console_output(struct tarn_console *c, struct tarn_buf *into, struct tarn_output *out);

/* pager.c: through $PAGER, or less; false: there is none or it did not start, nothing was shown. */
bool tarn__pager(struct tarn_str text);

/* files of the verb */
enum tarn_status tarn__read_file(struct tarn_op *op, struct tarn_str path,
                                 struct tarn_str *out) TARN_MUST_USE;

/* shell.c: the prompt */
enum tarn_status tarn__shell(struct tarn_console *c) TARN_MUST_USE;

#endif

/* shell_int: what the files of the prompt share. */
#ifndef TARN_CLI_SHELL_INT_H
#define TARN_CLI_SHELL_INT_H

#include <histedit.h>

#include "cli/console.h"

struct tarn__shell {
    struct tarn_console *console;
    EditLine *edit;
    History *history;
    struct tarn_str history_path; /* absent: none is kept */
    struct tarn_buf text;         /* of the statement so far, with line breaks */
    enum tarn_format format;      /* what \x goes back to */
    bool leave;
};

/* ---- shell.c */

/* Runs what is complete of shell->text (all of it when told to) and reports failures. */
void tarn__shell_run_text(struct tarn__shell *s, bool all);
/* Between them Ctrl-C stops what runs, and the prompt stays. */
void tarn__shell_busy(struct tarn__shell *s);
void tarn__shell_idle(struct tarn__shell *s);
/* Tells a failure and forgets it. */
void tarn__shell_report(struct tarn__shell *s, enum tarn_status status);

/* ---- shell_history.c: entries of one line in a file of mode 0600 */

void tarn__history_open(struct tarn__shell *s);
/* A statement or command; those that may hold a secret are not kept. */
void tarn__history_add(struct tarn__shell *s, struct tarn_str entry);
void tarn__history_close(struct tarn__shell *s);
bool tarn__history_is_secret(struct tarn_str entry);
/* The statement in one line where that changes nothing; false: it cannot be. */
bool tarn__history_one_line(struct tarn_str statement, struct tarn_buf *out);

/* ---- shell_complete.c */

/* Candidates for the word that ends at the cursor, sorted, each once; `text`: the statement up to
 * the cursor. *out_word: the part of it that they replace. */
struct tarn__words_found {
    struct tarn_str *items;
    size_t count;
};
enum tarn_status tarn__complete(struct tarn_workspace *w, struct tarn_op *op, struct tarn_str text,
                                struct tarn_str *out_word,
                                struct tarn__words_found *out) TARN_MUST_USE;
unsigned char tarn__complete_key(EditLine *edit, int key);

/* ---- shell_command.c */

/* A line that begins with a backslash. */
void tarn__shell_command(struct tarn__shell *s, struct tarn_str line);
/* "\d", "\dt" ...: the i-th, NULL behind the last. */
const char *tarn__shell_command_name(size_t i);

/* ---- shell_describe.c */

/* \d, \dt, \dv, \dn, \l: what = the letters; the argument is a name or pattern, or empty. */
enum tarn_status tarn__describe(struct tarn__shell *s, struct tarn_op *op, struct tarn_str what,
                                struct tarn_str argument) TARN_MUST_USE;

/* ---- shell_help.c */

void tarn__help_commands(struct tarn_buf *b);
/* \h: all statements' names, or the syntax of those that begin with the words. */
void tarn__help_statement(struct tarn_buf *b, struct tarn_str words);

#endif

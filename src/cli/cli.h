/* cli: what every verb gets, and the verbs. One file a verb or a group of them; main.c picks.
 *
 * What a verb is asked for goes to stdout (steps of a run, rows, tables), everything else to
 * stderr. A verb returns a status; main renders
 * op->report and turns the status into the exit code. Output that cannot be written because
 * nobody reads it any more ends the verb quietly.
 */
#ifndef TARN_CLI_H
#define TARN_CLI_H

#include <stdio.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/term.h"
#include "sched/run.h"

struct tarn_cli {
    struct tarn_op *op;
    const struct tarn_options *options;
    struct tarn_term term;
    const struct tarn_project *project; /* NULL until one was opened */
    bool json;                          /* one JSON document, or a line an event */
    bool reader_gone;                   /* nobody reads stdout any more: leave quietly */
    struct tarn_buf text; /* of the verb's output: written and emptied by tarn__cli_flush */
};

/* Opens project or warehouse as the options say. *out is set also on failure, for
 * tarn_workspace_close. */
enum tarn_status tarn__cli_open(struct tarn_cli *cli, bool create, bool engine,
                                struct tarn_workspace **out) TARN_MUST_USE;
/* Opens for reading without an engine, calls fn, closes. */
typedef enum tarn_status tarn__cli_fn(struct tarn_cli *cli, struct tarn_workspace *w);
enum tarn_status tarn__cli_with_workspace(struct tarn_cli *cli, tarn__cli_fn *fn) TARN_MUST_USE;
/* fn begins a listing and gives its rows; format, end and release are done here. */
typedef enum tarn_status tarn__listing_fn(struct tarn_cli *cli, struct tarn_workspace *w,
                                          struct tarn_output *out);
enum tarn_status tarn__cli_listing(struct tarn_cli *cli, struct tarn_workspace *w,
                                   tarn__listing_fn *fn) TARN_MUST_USE;
/* tarn_output_init by the options */
void tarn__cli_output(struct tarn_cli *cli, struct tarn_output *out);
/* Writes cli->text to stdout and empties it. */
enum tarn_status tarn__cli_flush(struct tarn_cli *cli) TARN_MUST_USE;
/* {"v":1, ... }: begins a document in cli->text; end writes it. */
void tarn__cli_json_begin(struct tarn_cli *cli, struct tarn_json_writer *w);
enum tarn_status tarn__cli_json_end(struct tarn_cli *cli, struct tarn_json_writer *w) TARN_MUST_USE;

/* The report to stderr, as text or JSON; secrets of the project are not shown. */
void tarn__cli_report(struct tarn_cli *cli);

/* "day(ts), region"; "none" */
struct tarn_str tarn__partition_text(struct tarn_op *op, const struct tarn_metadata *m);

/* Texts for people; "?" when there was no memory. */
struct tarn_str tarn__cli_size(struct tarn_op *op, int64_t bytes);   /* "41 KB" */
struct tarn_str tarn__cli_duration(struct tarn_op *op, uint64_t ns); /* "0.4 s" */
struct tarn_str tarn__cli_count(struct tarn_op *op, int64_t n);
struct tarn_str tarn__cli_plural(struct tarn_op *op, int64_t n, const char *noun); /* "3 rows" */
struct tarn_str tarn__cli_time_ms(struct tarn_op *op, int64_t ms); /* RFC 3339, UTC */
/* as size in tables, digits in other formats */
struct tarn_str tarn__cli_bytes(struct tarn_cli *cli, int64_t bytes);

typedef enum tarn_status tarn_verb_fn(struct tarn_cli *cli);
tarn_verb_fn tarn__verb_init, tarn__verb_plan, tarn__verb_run, tarn__verb_retry, tarn__verb_sql;
tarn_verb_fn tarn__verb_ls, tarn__verb_table, tarn__verb_doctor, tarn__verb_version,
    tarn__verb_help;

#endif

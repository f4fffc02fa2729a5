/* options: the command line as a struct, its help and its reference, all out of options.def.
 *
 *     tarn [global options] VERB [options and arguments] [--] [arguments]
 *
 * --name value, --name=value, -n value, -nvalue, -abn value; flags take =true and =false; "--" ends
 * the options. Global options may stand before the verb. An option that is given wins over its
 * environment variable, which wins over the default. Flags and lists may be repeated, other options
 * not. A value that begins with "-" needs "=" (or is "-" alone).
 *
 *     struct tarn_options o;
 *     TARN_TRY(tarn_options_parse(op, argc, argv, NULL, &o));   TARN_USAGE with the nearest word
 *     if (o.help || o.verb == TARN_VERB_NONE) ... tarn_options_help(op, o.verb, 80, &text)
 *     if (o.version) ...
 *     switch (o.verb) { case TARN_VERB_RUN: ... o.select.items[i] ...
 */
#ifndef TARN_CLI_OPTIONS_H
#define TARN_CLI_OPTIONS_H

#include "base/op.h"

enum tarn_verb {
    TARN_VERB_NONE,
#define VERB(id, ...) TARN_VERB_##id,
#include "cli/options.def"
    TARN_VERB_COUNT
};

enum tarn_option {
#define OPTION(member, ...) TARN_OPTION_##member,
#include "cli/options.def"
    TARN_OPTION_COUNT
};

enum tarn_option_origin { TARN_ORIGIN_DEFAULT, TARN_ORIGIN_ENVIRONMENT, TARN_ORIGIN_COMMAND_LINE };

/* Indexes of ENUM options; TARN_LOG_* of base/log.h are those of log_level. */
enum tarn_format {
    TARN_FORMAT_TABLE,
    TARN_FORMAT_JSON,
    TARN_FORMAT_NDJSON,
    TARN_FORMAT_CSV,
    TARN_FORMAT_MD,
    TARN_FORMAT_EXPANDED
};
enum tarn_color { TARN_COLOR_AUTO, TARN_COLOR_ALWAYS, TARN_COLOR_NEVER };
enum tarn_table_action {
    TARN_TABLE_SHOW,
    TARN_TABLE_SCHEMA,
    TARN_TABLE_HISTORY,
    TARN_TABLE_FILES,
    TARN_TABLE_SNAPSHOTS
};

struct tarn_str_list {
    struct tarn_str *items;
    size_t count;
};

#define TARN_OPTION_C_FLAG     bool
#define TARN_OPTION_C_STRING   struct tarn_str /* .ptr NULL: not given */
#define TARN_OPTION_C_INT      int64_t
#define TARN_OPTION_C_SIZE     uint64_t
#define TARN_OPTION_C_DURATION int64_t
#define TARN_OPTION_C_ENUM     int
#define TARN_OPTION_C_LIST     struct tarn_str_list

struct tarn_options {
    enum tarn_verb verb;       /* NONE: there was none */
    int action;                /* index into the verb's actions; 0 if it has none */
    struct tarn_str_list args; /* the others: behind the verb, and behind its action */
#define OPTION(member, type, ...) TARN_OPTION_C_##type member;
#include "cli/options.def"
    enum tarn_option_origin origin[TARN_OPTION_COUNT];
};

/* environment: "NAME=value" and NULL; NULL = the process's. Texts are those of argv and the
 * environment; lists lie in op->arena. --json sets format too. With --help or --version arguments
 * may be missing. */
enum tarn_status tarn_options_parse(struct tarn_op *op, int argc, const char *const *argv,
                                    const char *const *environment,
                                    struct tarn_options *out) TARN_MUST_USE;
const char *tarn_verb_name(enum tarn_verb verb);

/* Help of a verb, or of all (NONE), in lines of at most `width` columns (at least 40). */
enum tarn_status tarn_options_help(struct tarn_op *op, enum tarn_verb verb, int width,
                                   struct tarn_str *out) TARN_MUST_USE;
/* docs/cli.md and docs/errors.md. */
enum tarn_status tarn_options_markdown(struct tarn_op *op, struct tarn_str *out) TARN_MUST_USE;
enum tarn_status tarn_errors_markdown(struct tarn_op *op, struct tarn_str *out) TARN_MUST_USE;

#endif

/* options_int: the tables of options.def for the parser and for the help. */
#ifndef TARN_CLI_OPTIONS_INT_H
#define TARN_CLI_OPTIONS_INT_H

#include "cli/options.h"

enum tarn__option_type {
    TARN__OPTION_FLAG,
    TARN__OPTION_STRING,
    TARN__OPTION_INT,
    TARN__OPTION_SIZE,
    TARN__OPTION_DURATION,
    TARN__OPTION_ENUM,
    TARN__OPTION_LIST
};
struct tarn__option_row {
    enum tarn__option_type type;
    size_t offset;  /* in struct tarn_options */
    unsigned verbs; /* bits of enum tarn_verb; all of them: a global option */
    const char *name;
    char letter; /* 0 = none */
    const char *argument, *preset;
    int64_t min, max; /* INT */
    const char *names, *environment, *doc;
};
struct tarn__verb_row {
    const char *name;
    bool hidden;
    const char *arguments;
    size_t args_min, args_max;
    const char *actions, *exits, *summary, *text, *examples;
};
#define TARN__VERBS_ALL UINT32_MAX
extern const struct tarn__option_row tarn__options[TARN_OPTION_COUNT];
extern const struct tarn__verb_row tarn__verbs[TARN_VERB_COUNT]; /* [NONE] is empty */

/* The i-th of the words in "a|b|c"; absent: there are no more. */
struct tarn_str tarn__option_word(const char *words, size_t i);

#endif

/* options: parsing by the tables of options.def. See options.h. */
#include "cli/options_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/units.h"

#define WORDS_MAX 32

#define ALL   TARN__VERBS_ALL
#define V(id) (1u << TARN_VERB_##id)
const struct tarn__option_row tarn__options[TARN_OPTION_COUNT] = {
#define OPTION(member, type, verbs, name, letter, argument, preset, min, max, names, environment, \
               doc)                                                                               \
    {TARN__OPTION_##type,                                                                         \
     offsetof(struct tarn_options, member),                                                       \
     verbs,                                                                                       \
     name,                                                                                        \
     letter,                                                                                      \
     argument,                                                                                    \
     preset,                                                                                      \
     min,                                                                                         \
     max,                                                                                         \
     names,                                                                                       \
     environment,                                                                                 \
     doc},
#include "cli/options.def"
};
#undef ALL
#undef V
const struct tarn__verb_row tarn__verbs[TARN_VERB_COUNT] = {
    [TARN_VERB_NONE] = {.name = ""},
#define VERB(id, name, hidden, arguments, min, max, actions, exits, summary, text, examples) \
    [TARN_VERB_##id] = {name, hidden, arguments, min, max, actions, exits, summary, text, examples},
#include "cli/options.def"
};

struct parse {
    struct tarn_op *op;
    struct tarn_options *out;
    int argc, at;
    const char *const *argv;
};

struct tarn_str tarn__option_word(const char *words, size_t i)
{
    struct tarn_str rest = tarn_str_view(words), word = {NULL, 0};
    for (size_t k = 0; k <= i; k++) {
        if (!rest.ptr)
            return (struct tarn_str){NULL, 0};
        (void)tarn_str_cut(&rest, '|', &word);
    }
    return word;
}

const char *tarn_verb_name(enum tarn_verb verb)
{
    return tarn__verbs[verb].name;
}

/* ---- messages */

/* "option --select", "environment variable TARN_PROFILE" */
struct origin {
    char text[96];
};

static struct origin origin_of(const struct tarn__option_row *row, enum tarn_option_origin origin)
{
    struct origin o;
    if (origin == TARN_ORIGIN_ENVIRONMENT)
        (void)snprintf(o.text, sizeof o.text, "environment variable %s", row->environment);
    else
        (void)snprintf(o.text, sizeof o.text, "option --%s", row->name);
    return o;
}

/* "a, b and c" */
static void put_words(struct tarn_buf *b, const char *words)
{
    for (size_t i = 0; tarn__option_word(words, i).ptr; i++) {
        bool last = !tarn__option_word(words, i + 1).ptr;
        struct tarn_str word = tarn__option_word(words, i);
        tarn_buf_printf(b, "%s%.*s", i == 0 ? "" : last ? " and " : ", ", TARN_STR_ARG(word));
    }
}

static const char *nearest_of(struct tarn_str name, const char *words, char *space,
                              size_t space_size)
{
    const char *names[WORDS_MAX];
    size_t n = 0, used = 0;
    for (; n < WORDS_MAX; n++) {
        struct tarn_str word = tarn__option_word(words, n);
        if (!word.ptr || used + word.len + 1 > space_size)
            break;
        memcpy(space + used, word.ptr, word.len);
        space[used + word.len] = '\0';
        names[n] = space + used;
        used += word.len + 1;
    }
    return tarn_str_nearest(name, names, n);
}

static enum tarn_status fail_word(struct tarn_op *op, const char *what, struct tarn_str value,
                                  const char *words)
{
    struct tarn_buf b;
    char space[512];
    tarn_buf_init(&b, TARN_REPORT_TEXT);
    put_words(&b, words);
    (void)tarn_fail(op, TARN_USAGE, "%s must be one of %s, not \"%.*s\"", what,
                    b.failed ? "its words" : b.ptr, TARN_STR_ARG(value));
    tarn_buf_release(&b);
    const char *nearest = nearest_of(value, words, space, sizeof space);
    if (nearest)
        tarn_hint(op, "did you mean \"%s\"?", nearest);
    return TARN_USAGE;
}

/* ---- values */

static enum tarn_status set_flag(struct tarn_op *op, const char *what, struct tarn_str value,
                                 bool *out)
{
    *out = !value.ptr || tarn_str_is(value, "true") || tarn_str_is(value, "1");
    if (*out || tarn_str_is(value, "false") || tarn_str_is(value, "0") || value.len == 0)
        return TARN_OK;
    return tarn_fail(op, TARN_USAGE, "%s must be true or false, not \"%.*s\"", what,
                     TARN_STR_ARG(value));
}

static enum tarn_status set_int(struct tarn_op *op, const struct tarn__option_row *row,
                                const char *what, struct tarn_str value, int64_t *out)
{
    if (tarn_str_to_i64(value, out) && *out >= row->min && *out <= row->max)
        return TARN_OK;
    return tarn_fail(op, TARN_USAGE,
                     "%s must be an integer from %" PRId64 " to %" PRId64 ", not \"%.*s\"", what,
                     row->min, row->max, TARN_STR_ARG(value));
}

static enum tarn_status set_enum(struct tarn_op *op, const struct tarn__option_row *row,
                                 const char *what, struct tarn_str value, int *out)
{
    for (size_t i = 0; tarn__option_word(row->names, i).ptr; i++)
        if (tarn_str_eq(tarn__option_word(row->names, i), value)) {
            *out = (int)i;
            return TARN_OK;
        }
    return fail_word(op, what, value, row->names);
}

static enum tarn_status add_item(struct tarn_op *op, struct tarn_str_list *list,
                                 struct tarn_str item)
{
    struct tarn_str *items;
    TARN_NEW_ARRAY(op, items, list->count + 1); /* as many as somebody types */
    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count++] = item;
    list->items = items;
    return TARN_OK;
}

static enum tarn_status set_units(struct tarn_op *op, const struct tarn__option_row *row,
                                  const char *what, struct tarn_str value, void *member)
{
    const char *why;
    bool size = row->type == TARN__OPTION_SIZE;
    if (size ? tarn_size_parse(value, member, &why) : tarn_duration_parse(value, member, &why))
        return TARN_OK;
    return tarn_fail(op, TARN_USAGE, "%s must be a %s, not \"%.*s\": %s", what,
                     size ? "size such as 512MB" : "duration such as 30s", TARN_STR_ARG(value),
                     why);
}

/* value absent: a flag without one. */
static enum tarn_status set(struct parse *p, enum tarn_option id, struct tarn_str value,
                            enum tarn_option_origin origin)
{
    const struct tarn__option_row *row = &tarn__options[id];
    void *member = (char *)p->out + row->offset;
    struct origin what = origin_of(row, origin);
    if (p->out->origin[id] == TARN_ORIGIN_COMMAND_LINE && row->type != TARN__OPTION_FLAG &&
        row->type != TARN__OPTION_LIST)
        return tarn_fail(p->op, TARN_USAGE, "option --%s is given twice", row->name);
    if (row->type == TARN__OPTION_LIST && p->out->origin[id] != origin)
        *(struct tarn_str_list *)member = (struct tarn_str_list){0};
    p->out->origin[id] = origin;
    switch (row->type) {
    case TARN__OPTION_FLAG:
        return set_flag(p->op, what.text, value, member);
    case TARN__OPTION_STRING:
        *(struct tarn_str *)member = value;
        return value.len > 0 ? TARN_OK : tarn_fail(p->op, TARN_USAGE, "%s is empty", what.text);
    case TARN__OPTION_INT:
        return set_int(p->op, row, what.text, value, member);
    case TARN__OPTION_SIZE:
    case TARN__OPTION_DURATION:
        return set_units(p->op, row, what.text, value, member);
    case TARN__OPTION_ENUM:
        return set_enum(p->op, row, what.text, value, member);
    case TARN__OPTION_LIST:
        return add_item(p->op, member, value);
    }
    tarn_assert_failed("a known type of option", __FILE__, __LINE__);
}

/* ---- looking up */

static bool applies(const struct tarn__option_row *row, enum tarn_verb verb)
{
    return row->verbs == TARN__VERBS_ALL || (verb != TARN_VERB_NONE && (row->verbs >> verb & 1));
}

static const char *of_verb(const struct parse *p)
{
    return p->out->verb == TARN_VERB_NONE ? "tarn" : tarn_verb_name(p->out->verb);
}

/* An option that this verb does not have: does another one? */
static enum tarn_status fail_option(struct parse *p, struct tarn_str shown, struct tarn_str name)
{
    const char *names[TARN_OPTION_COUNT];
    enum tarn_verb verb = p->out->verb;
    size_t n = 0;
    const char *tarn = verb == TARN_VERB_NONE ? "" : "tarn ";
    for (int i = 0; i < TARN_OPTION_COUNT; i++)
        if (applies(&tarn__options[i], verb))
            names[n++] = tarn__options[i].name;
    (void)tarn_fail(p->op, TARN_USAGE, "unknown option \"%.*s\" of %s%s", TARN_STR_ARG(shown), tarn,
                    of_verb(p));
    for (int i = 0; i < TARN_OPTION_COUNT; i++) {
        if (!tarn_str_is(name, tarn__options[i].name))
            continue;
        int owner = 1;
        while (!(tarn__options[i].verbs >> owner & 1))
            owner++;
        tarn_hint(p->op, "it is an option of tarn %s", tarn__verbs[owner].name);
        return TARN_USAGE;
    }
    const char *nearest = tarn_str_nearest(name, names, n);
    if (nearest)
        tarn_hint(p->op, "did you mean \"--%s\"?", nearest);
    else
        tarn_hint(p->op, "`tarn %s%s--help` lists the options", verb ? of_verb(p) : "",
                  verb ? " " : "");
    return TARN_USAGE;
}

static int find_long(const struct parse *p, struct tarn_str name)
{
    for (int i = 0; i < TARN_OPTION_COUNT; i++)
        if (applies(&tarn__options[i], p->out->verb) && tarn_str_is(name, tarn__options[i].name))
            return i;
    return -1;
}

static int find_letter(const struct parse *p, char letter)
{
    for (int i = 0; i < TARN_OPTION_COUNT; i++)
        if (applies(&tarn__options[i], p->out->verb) && tarn__options[i].letter == letter)
            return i;
    return -1;
}

/* ---- walking over argv */

/* The next argument as the value of an option. */
static enum tarn_status take_value(struct parse *p, const struct tarn__option_row *row,
                                   struct tarn_str *out)
{
    const char *next = p->at + 1 < p->argc ? p->argv[p->at + 1] : NULL;
    if (next && (next[0] != '-' || next[1] == '\0')) {
        *out = tarn_str_view(next);
        p->at++;
        return TARN_OK;
    }
    (void)tarn_fail(p->op, TARN_USAGE, "option --%s needs a value: --%s %s", row->name, row->name,
                    row->argument);
    if (next)
        tarn_hint(p->op, "write --%s=%s if that is the value", row->name, next);
    return TARN_USAGE;
}

static enum tarn_status take_long(struct parse *p, struct tarn_str text)
{
    struct tarn_str value = tarn_str_of(text.ptr + 2, text.len - 2), name;
    (void)tarn_str_cut(&value, '=', &name);
    int id = find_long(p, name);
    if (id < 0)
        return fail_option(p, tarn_str_of(text.ptr, name.len + 2), name);
    if (!value.ptr && tarn__options[id].type != TARN__OPTION_FLAG)
        TARN_TRY(take_value(p, &tarn__options[id], &value));
    return set(p, (enum tarn_option)id, value, TARN_ORIGIN_COMMAND_LINE);
}

/* -q, -qv, -sX, -s X, -s=X */
static enum tarn_status take_short(struct parse *p, struct tarn_str text)
{
    for (size_t i = 1; i < text.len; i++) {
        struct tarn_str value = {NULL, 0};
        int id = find_letter(p, text.ptr[i]);
        if (id < 0) {
            char shown[3] = {'-', text.ptr[i], '\0'};
            return fail_option(p, tarn_str_view(shown), TARN_STR(""));
        }
        if (tarn__options[id].type == TARN__OPTION_FLAG) {
            TARN_TRY(set(p, (enum tarn_option)id, value, TARN_ORIGIN_COMMAND_LINE));
            continue;
        }
        value = tarn_str_of(text.ptr + i + 1, text.len - i - 1);
        if (value.len > 0 && value.ptr[0] == '=')
            value = tarn_str_of(value.ptr + 1, value.len - 1);
        else if (value.len == 0)
            TARN_TRY(take_value(p, &tarn__options[id], &value));
        return set(p, (enum tarn_option)id, value, TARN_ORIGIN_COMMAND_LINE);
    }
    return TARN_OK;
}

static enum tarn_status take_verb(struct parse *p, struct tarn_str word)
{
    const char *names[TARN_VERB_COUNT];
    size_t n = 0;
    for (int i = 1; i < TARN_VERB_COUNT; i++) {
        if (tarn_str_is(word, tarn__verbs[i].name)) {
            p->out->verb = (enum tarn_verb)i;
            return TARN_OK;
        }
        names[n++] = tarn__verbs[i].name;
    }
    const char *nearest = tarn_str_nearest(word, names, n);
    (void)tarn_fail(p->op, TARN_USAGE, "unknown verb \"%.*s\"", TARN_STR_ARG(word));
    if (nearest)
        tarn_hint(p->op, "did you mean \"%s\"?", nearest);
    else
        tarn_hint(p->op, "`tarn --help` lists the verbs");
    return TARN_USAGE;
}

static enum tarn_status take_argument(struct parse *p, struct tarn_str text)
{
    if (p->out->verb == TARN_VERB_NONE)
        return take_verb(p, text);
    return add_item(p->op, &p->out->args, text);
}

static enum tarn_status walk(struct parse *p)
{
    bool options = true;
    for (p->at = 1; p->at < p->argc; p->at++) {
        struct tarn_str text = tarn_str_view(p->argv[p->at]);
        if (options && tarn_str_is(text, "--"))
            options = false;
        else if (options && tarn_str_starts(text, TARN_STR("--")))
            TARN_TRY(take_long(p, text));
        else if (options && text.len > 1 && text.ptr[0] == '-')
            TARN_TRY(take_short(p, text));
        else
            TARN_TRY(take_argument(p, text));
    }
    return TARN_OK;
}

/* ---- before and after */

static enum tarn_status take_defaults(struct parse *p)
{
    memset(p->out, 0, sizeof *p->out);
    for (int i = 0; i < TARN_OPTION_COUNT; i++)
        if (tarn__options[i].preset)
            TARN_TRY(set(p, (enum tarn_option)i, tarn_str_view(tarn__options[i].preset),
                         TARN_ORIGIN_DEFAULT));
    return TARN_OK;
}

/* Variables of options that were not given; an empty one is none. */
static enum tarn_status take_environment(struct parse *p, const char *const *environment)
{
    for (int i = 0; i < TARN_OPTION_COUNT; i++) {
        const struct tarn__option_row *row = &tarn__options[i];
        size_t n = row->environment ? strlen(row->environment) : 0;
        if (n == 0 || !applies(row, p->out->verb) || p->out->origin[i] != TARN_ORIGIN_DEFAULT)
            continue;
        for (const char *const *e = environment; e && *e; e++)
            if (strncmp(*e, row->environment, n) == 0 && (*e)[n] == '=' && (*e)[n + 1])
                TARN_TRY(set(p, (enum tarn_option)i, tarn_str_view(*e + n + 1),
                             TARN_ORIGIN_ENVIRONMENT));
    }
    return TARN_OK;
}

static enum tarn_status take_action(struct parse *p, const struct tarn__verb_row *verb)
{
    struct tarn_str_list *args = &p->out->args;
    char what[64];
    if (!verb->actions || args->count == 0)
        return TARN_OK;
    for (size_t i = 0; tarn__option_word(verb->actions, i).ptr; i++)
        if (tarn_str_eq(tarn__option_word(verb->actions, i), args->items[0])) {
            p->out->action = (int)i;
            args->items++;
            args->count--;
            return TARN_OK;
        }
    (void)snprintf(what, sizeof what, "the action of tarn %s", verb->name);
    return fail_word(p->op, what, args->items[0], verb->actions);
}

static enum tarn_status check_arguments(struct parse *p)
{
    const struct tarn__verb_row *verb = &tarn__verbs[p->out->verb];
    size_t count = p->out->args.count;
    if (p->out->verb == TARN_VERB_NONE || p->out->help || p->out->version)
        return TARN_OK;
    if (count < verb->args_min)
        return tarn_fail(p->op, TARN_USAGE, "tarn %s needs %s", verb->name, verb->arguments);
    TARN_TRY(take_action(p, verb));
    if (count <= verb->args_max)
        return TARN_OK;
    (void)tarn_fail(
        p->op, TARN_USAGE, "tarn %s takes no argument \"%.*s\"", verb->name,
        TARN_STR_ARG(p->out->args.items[p->out->args.count - (count - verb->args_max)]));
    tarn_hint(p->op, "`tarn %s --help` shows what it takes", verb->name);
    return TARN_USAGE;
}

/* Options that exclude one another. */
static enum tarn_status check_together(struct parse *p)
{
    struct tarn_options *o = p->out;
    if (o->quiet && o->verbose)
        return tarn_fail(p->op, TARN_USAGE, "--quiet and --verbose exclude each other");
    if (o->json && o->origin[TARN_OPTION_format] == TARN_ORIGIN_COMMAND_LINE &&
        o->format != TARN_FORMAT_JSON)
        return tarn_fail(p->op, TARN_USAGE, "--json and --format %.*s exclude each other",
                         TARN_STR_ARG(tarn__option_word(tarn__options[TARN_OPTION_format].names,
                                                        (size_t)o->format)));
    if (o->json)
        o->format = TARN_FORMAT_JSON;
    if (o->verb == TARN_VERB_SQL &&
        (o->args.count > 0) + (o->execute.ptr != NULL) + (o->file.ptr != NULL) > 1)
        return tarn_fail(
            p->op, TARN_USAGE,
            "tarn sql takes one statement: as an argument, behind -e, or in a file behind -f");
    return TARN_OK;
}

enum tarn_status tarn_options_parse(struct tarn_op *op, int argc, const char *const *argv,
                                    const char *const *environment, struct tarn_options *out)
{
    struct parse p = {.op = op, .out = out, .argc = argc, .argv = argv};
    TARN_TRY(take_defaults(&p));
    TARN_TRY(walk(&p));
    TARN_TRY(take_environment(&p, environment ? environment : (const char *const *)environ));
    TARN_TRY(check_arguments(&p));
    return check_together(&p);
}

/* call_value: an argument of CALL: text, number, truth value, timestamp, map or list.
 *
 *     'raw.t'   7   true   TIMESTAMP '2024-02-29 12:00:00'   null
 *     map('a', '1', 'b', '2')   MAP {'a': '1'}   array('id')   ['id']
 */
#include <string.h>

#include "sql/call_int.h"

static enum tarn_status wrong_kind(struct tarn__call *c, const struct tarn__param *p)
{
    static const char *const wanted[] = {[TARN__ARG_TABLE] = "the name of a table in quotes",
                                         [TARN__ARG_TEXT] = "a text in quotes",
                                         [TARN__ARG_LONG] = "a whole number",
                                         [TARN__ARG_BOOLEAN] = "true or false",
                                         [TARN__ARG_TIMESTAMP] =
                                             "a timestamp: TIMESTAMP '2024-02-29 12:00:00'",
                                         [TARN__ARG_MAP] = "a map: map('key', 'value')",
                                         [TARN__ARG_LIST] = "a list: array('a', 'b')"};
    return tarn__fail_here(&c->run->words, TARN_INVALID, "argument \"%s\" must be %s", p->name,
                           wanted[p->kind]);
}

static bool at_string(const struct tarn__words *w)
{
    return !w->end && w->token.kind == TARN_SQL_STRING;
}

/* The text between the quotes if it says what it means, so that places in it can be shown. */
static struct tarn_str raw_text(const struct tarn__words *w, struct tarn_str value, size_t begin)
{
    struct tarn_str raw = tarn_str_of(w->text.sql.ptr + begin + 1, value.len);
    bool same = begin + 1 + value.len < w->text.sql.len && tarn_str_eq(raw, value);
    return same ? raw : (struct tarn_str){NULL, 0};
}

/* A text, a number or a truth value as text. */
static enum tarn_status take_scalar(struct tarn__call *c, const struct tarn__param *p,
                                    struct tarn_str *out)
{
    struct tarn__words *w = &c->run->words;
    struct tarn__words start = *w;
    if (at_string(w))
        return tarn__take_string(w, out);
    if (tarn__at(w, "true") || tarn__at(w, "false")) {
        *out = tarn_strdup(c->op, tarn__word(w));
        tarn__skip(w);
        return out->ptr ? TARN_OK : TARN_NOMEM;
    }
    size_t end = w->token.begin;
    (void)tarn__take(w, "-");
    for (bool any = false; !w->end && (w->token.kind == TARN_SQL_NUMBER || tarn__at(w, "."));
         any = true) {
        if (any && w->token.begin != end)
            break;
        end = w->token.end;
        tarn__skip(w);
    }
    if (end == start.token.begin) {
        *w = start;
        return wrong_kind(c, p);
    }
    *out = tarn_strdup(c->op,
                       tarn_str_of(w->text.sql.ptr + start.token.begin, end - start.token.begin));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

/* map(k, v, ..), MAP {k: v, ..}, {k: v} */
static enum tarn_status take_map(struct tarn__call *c, const struct tarn__param *p,
                                 struct tarn__arg *out)
{
    struct tarn__words *w = &c->run->words;
    bool braces = tarn__take(w, "MAP {") || tarn__take(w, "{");
    const char *end = braces ? "}" : ")", *between = braces ? ":" : ",";
    if (!braces && !tarn__take(w, "map ("))
        return wrong_kind(c, p);
    if (tarn__take(w, end))
        return TARN_OK;
    do {
        struct tarn_str key, value;
        TARN_TRY(take_scalar(c, p, &key));
        TARN_TRY(tarn__expect(w, between));
        TARN_TRY(take_scalar(c, p, &value));
        TARN_TRY(tarn_kvs_with(c->op, &out->map, key, value, &out->map));
    } while (tarn__take(w, ","));
    return tarn__expect(w, end);
}

static enum tarn_status add_item(struct tarn__call *c, struct tarn__arg *out, struct tarn_str item)
{
    struct tarn_str *grown;
    TARN_NEW_ARRAY(c->op, grown, out->count + 1);
    if (out->count)
        memcpy(grown, out->items, out->count * sizeof *grown);
    grown[out->count++] = item;
    out->items = grown;
    return TARN_OK;
}

/* array(a, ..), ARRAY[a, ..], [a, ..] */
static enum tarn_status take_list(struct tarn__call *c, const struct tarn__param *p,
                                  struct tarn__arg *out)
{
    struct tarn__words *w = &c->run->words;
    bool round = tarn__take(w, "array (");
    const char *end = round ? ")" : "]";
    struct tarn_str item;
    if (!round && !tarn__take(w, "array [") && !tarn__take(w, "["))
        return wrong_kind(c, p);
    if (tarn__take(w, end))
        return TARN_OK;
    do {
        TARN_TRY(take_scalar(c, p, &item));
        TARN_TRY(add_item(c, out, item));
    } while (tarn__take(w, ","));
    return tarn__expect(w, end);
}

/* TIMESTAMP '..', TIMESTAMPTZ '..', '..'; without a zone UTC. */
static enum tarn_status take_timestamp(struct tarn__call *c, const struct tarn__param *p,
                                       struct tarn__arg *out)
{
    struct tarn__words *w = &c->run->words;
    struct tarn_type type = {.kind = TARN_TYPE_TIMESTAMPTZ};
    struct tarn_value v;
    (void)(tarn__take(w, "TIMESTAMP WITH TIME ZONE") || tarn__take(w, "TIMESTAMP") ||
           tarn__take(w, "TIMESTAMPTZ"));
    if (!at_string(w))
        return wrong_kind(c, p);
    TARN_TRY(tarn__take_string(w, &out->text));
    if (tarn_value_from_text(c->op, &type, out->text, &v) != TARN_OK)
        return tarn__fail_arg(c, out, TARN_INVALID,
                              "argument \"%s\" must be a timestamp, '%.*s' is none", p->name,
                              TARN_STR_ARG(out->text));
    out->number = v.i;
    return TARN_OK;
}

static enum tarn_status take_long(struct tarn__call *c, const struct tarn__param *p,
                                  struct tarn__arg *out)
{
    struct tarn_str text;
    TARN_TRY(take_scalar(c, p, &text));
    if (!tarn_str_to_i64(tarn_str_trim(text), &out->number))
        return tarn__fail_arg(c, out, TARN_INVALID,
                              "argument \"%s\" must be a whole number, '%.*s' is none", p->name,
                              TARN_STR_ARG(text));
    return TARN_OK;
}

static enum tarn_status take_boolean(struct tarn__call *c, const struct tarn__param *p,
                                     struct tarn__arg *out)
{
    struct tarn_str text;
    TARN_TRY(take_scalar(c, p, &text));
    out->yes = tarn_str_eq_nocase(text, TARN_STR("true"));
    if (!out->yes && !tarn_str_eq_nocase(text, TARN_STR("false")))
        return tarn__fail_arg(c, out, TARN_INVALID,
                              "argument \"%s\" must be true or false, not '%.*s'", p->name,
                              TARN_STR_ARG(text));
    return TARN_OK;
}

static enum tarn_status take_text(struct tarn__call *c, const struct tarn__param *p,
                                  struct tarn__arg *out)
{
    struct tarn__words *w = &c->run->words;
    if (!at_string(w))
        return wrong_kind(c, p);
    TARN_TRY(tarn__take_string(w, &out->text));
    out->raw = raw_text(w, out->text, out->begin);
    return TARN_OK;
}

static enum tarn_status take_value(struct tarn__call *c, const struct tarn__param *p,
                                   struct tarn__arg *out)
{
    switch (p->kind) {
    case TARN__ARG_TABLE:
    case TARN__ARG_TEXT:
        return take_text(c, p, out);
    case TARN__ARG_LONG:
        return take_long(c, p, out);
    case TARN__ARG_BOOLEAN:
        return take_boolean(c, p, out);
    case TARN__ARG_TIMESTAMP:
        return take_timestamp(c, p, out);
    case TARN__ARG_MAP:
        return take_map(c, p, out);
    case TARN__ARG_LIST:
        return take_list(c, p, out);
    }
    return TARN_OK;
}

enum tarn_status tarn__take_arg(struct tarn__call *c, const struct tarn__param *p,
                                struct tarn__arg *out)
{
    struct tarn__words *w = &c->run->words;
    *out = (struct tarn__arg){.begin = w->token.begin};
    if (!tarn__take(w, "NULL")) {
        TARN_TRY(take_value(c, p, out));
        out->given = true;
    }
    out->end = w->token.begin;
    return TARN_OK;
}

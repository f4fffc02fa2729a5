/* type_parse: a type as people write it (Iceberg's, SQL's, Spark's, Trino's spelling). Field ids are left 0.
 *
 *     type    = base { "[" "]" }
 *     base    = name [ "(" number [ "," number ] ")" ] | "fixed" ("[" n "]" | "(" n ")")
 *             | ("list" | "array") "<" type [null] ">" | "map" "<" type "," type [null] ">"
 *             | ("struct" | "row") "<" field { "," field } ">"          round brackets do as well
 *     field   = name [ ":" ] type [null] [ "comment" 'text' ]           a name may stand in "..." or `...`
 *     null    = "not" "null" | "required" | "null" | "optional"
 *
 * Words are read in any case. Narrower integers become int, text types with a length become string: nothing is lost.
 */
#include "format/iceberg/type_int.h"

struct parser {
    struct tarn_op *op;
    struct tarn_str text;
    size_t pos;
    size_t fields;
    int depth;
};

static enum tarn_status parse_type(struct parser *p, struct tarn_type *out);

static const struct word_type {
    const char *word;
    enum tarn_type_kind kind;
} WORDS[] = {
    {"boolean", TARN_TYPE_BOOLEAN},
    {"bool", TARN_TYPE_BOOLEAN},
    {"int", TARN_TYPE_INT},
    {"integer", TARN_TYPE_INT},
    {"int4", TARN_TYPE_INT},
    {"smallint", TARN_TYPE_INT},
    {"int2", TARN_TYPE_INT},
    {"short", TARN_TYPE_INT},
    {"tinyint", TARN_TYPE_INT},
    {"byte", TARN_TYPE_INT},
    {"long", TARN_TYPE_LONG},
    {"bigint", TARN_TYPE_LONG},
    {"int8", TARN_TYPE_LONG},
    {"float", TARN_TYPE_FLOAT},
    {"real", TARN_TYPE_FLOAT},
    {"float4", TARN_TYPE_FLOAT},
    {"double", TARN_TYPE_DOUBLE},
    {"float8", TARN_TYPE_DOUBLE},
    {"decimal", TARN_TYPE_DECIMAL},
    {"numeric", TARN_TYPE_DECIMAL},
    {"dec", TARN_TYPE_DECIMAL},
    {"date", TARN_TYPE_DATE},
    {"time", TARN_TYPE_TIME},
    {"timestamp", TARN_TYPE_TIMESTAMP},
    {"datetime", TARN_TYPE_TIMESTAMP},
    {"timestamp_ntz", TARN_TYPE_TIMESTAMP},
    {"timestamptz", TARN_TYPE_TIMESTAMPTZ},
    {"timestamp_ltz", TARN_TYPE_TIMESTAMPTZ},
    {"timestamp_ns", TARN_TYPE_TIMESTAMP_NS},
    {"timestamptz_ns", TARN_TYPE_TIMESTAMPTZ_NS},
    {"string", TARN_TYPE_STRING},
    {"text", TARN_TYPE_STRING},
    {"varchar", TARN_TYPE_STRING},
    {"char", TARN_TYPE_STRING},
    {"character", TARN_TYPE_STRING},
    {"uuid", TARN_TYPE_UUID},
    {"fixed", TARN_TYPE_FIXED},
    {"binary", TARN_TYPE_BINARY},
    {"varbinary", TARN_TYPE_BINARY},
    {"blob", TARN_TYPE_BINARY},
    {"bytea", TARN_TYPE_BINARY},
    {"bytes", TARN_TYPE_BINARY},
    {"unknown", TARN_TYPE_UNKNOWN},
    {"variant", TARN_TYPE_VARIANT},
    {"geometry", TARN_TYPE_GEOMETRY},
    {"geography", TARN_TYPE_GEOGRAPHY},
    {"struct", TARN_TYPE_STRUCT},
    {"row", TARN_TYPE_STRUCT},
    {"list", TARN_TYPE_LIST},
    {"array", TARN_TYPE_LIST},
    {"map", TARN_TYPE_MAP},
};
#define WORD_COUNT (sizeof WORDS / sizeof WORDS[0])

/* ---- characters and words */

static enum tarn_status fail_at(struct parser *p, size_t pos, const char *problem)
{
    return tarn_fail(p->op, TARN_INVALID, "cannot read type \"%.*s\": %s at character %zu",
                     TARN_STR_ARG(p->text), problem, pos + 1);
}

static void skip_space(struct parser *p)
{
    while (p->pos < p->text.len && strchr(" \t\r\n", p->text.ptr[p->pos]) && p->text.ptr[p->pos])
        p->pos++;
}

static bool accept(struct parser *p, char c)
{
    skip_space(p);
    if (p->pos >= p->text.len || p->text.ptr[p->pos] != c)
        return false;
    p->pos++;
    return true;
}

static enum tarn_status expect(struct parser *p, char c)
{
    if (accept(p, c))
        return TARN_OK;
    char problem[] = "expected '?'";
    problem[sizeof problem - 3] = c;
    return fail_at(p, p->pos, problem);
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

/* The word at the present place, empty if none; the place moves behind it. */
static struct tarn_str take_word(struct parser *p)
{
    skip_space(p);
    size_t from = p->pos;
    while (p->pos < p->text.len && is_word_char(p->text.ptr[p->pos]))
        p->pos++;
    return tarn_str_of(p->text.ptr + from, p->pos - from);
}

static bool accept_word(struct parser *p, const char *word)
{
    size_t from = p->pos;
    if (tarn_str_eq_nocase(take_word(p), tarn_str_view(word)))
        return true;
    p->pos = from;
    return false;
}

static enum tarn_status take_number(struct parser *p, int32_t max, int32_t *out)
{
    skip_space(p);
    size_t from = p->pos;
    struct tarn_str digits = take_word(p);
    int64_t v = 0;
    if (digits.len == 0 || !tarn_str_to_i64(digits, &v) || v < 0)
        return fail_at(p, from, "expected a number");
    if (v > max)
        return fail_at(p, from, "the number is too large");
    *out = (int32_t)v;
    return TARN_OK;
}

/* A text in quotes, in which the quote is doubled; the opening one is still to be read. */
static enum tarn_status take_quoted(struct parser *p, char quote, struct tarn_str *out)
{
    size_t from = ++p->pos;
    char *dst = tarn_alloc(p->op, p->text.len - from + 1);
    if (!dst)
        return p->op->report.status;
    size_t n = 0;
    for (; p->pos < p->text.len; p->pos++) {
        if (p->text.ptr[p->pos] == quote) {
            p->pos++;
            if (p->pos >= p->text.len || p->text.ptr[p->pos] != quote) {
                *out = tarn_str_of(dst, n);
                return TARN_OK;
            }
        }
        dst[n++] = p->text.ptr[p->pos];
    }
    return fail_at(p, from - 1, "the quote is not closed");
}

/* ---- primitive types */

static enum tarn_status parse_decimal(struct parser *p, size_t from, struct tarn_type *out)
{
    if (!accept(p, '(')) {
        (void)fail_at(p, from, "a decimal needs its precision and scale");
        tarn_hint(p->op, "write how many digits it has in all, and how many of them behind the "
                         "point: decimal(18, 2)");
        return p->op->report.status;
    }
    size_t at = p->pos;
    TARN_TRY(take_number(p, INT32_MAX, &out->precision));
    if (out->precision < 1 || out->precision > TARN__DECIMAL_PRECISION_MAX)
        return fail_at(p, at, "the precision of a decimal is 1 to 38");
    if (accept(p, ',')) {
        at = p->pos;
        TARN_TRY(take_number(p, INT32_MAX, &out->scale));
        if (out->scale > out->precision)
            return fail_at(p, at, "the scale of a decimal is at most its precision");
    }
    return expect(p, ')');
}

static enum tarn_status parse_fixed(struct parser *p, size_t from, struct tarn_type *out)
{
    bool square = accept(p, '[');
    if (!square && !accept(p, '('))
        return fail_at(p, from, "a fixed needs its length in bytes, as in fixed[16],");
    size_t at = p->pos;
    TARN_TRY(take_number(p, TARN__FIXED_MAX, &out->length));
    if (out->length < 1)
        return fail_at(p, at, "the length of a fixed is at least 1");
    return expect(p, square ? ']' : ')');
}

/* [ "(" digits ")" ] [ "with" ["local"] "time" "zone" | "without" "time" "zone" ] behind time and timestamp. */
static enum tarn_status parse_time_tail(struct parser *p, size_t from, struct tarn_type *out)
{
    int32_t digits = 6;
    if (accept(p, '(')) {
        TARN_TRY(take_number(p, 9, &digits));
        TARN_TRY(expect(p, ')'));
    }
    bool with = accept_word(p, "with");
    if (with || accept_word(p, "without")) {
        if (with)
            (void)accept_word(p, "local");
        if (!accept_word(p, "time") || !accept_word(p, "zone"))
            return fail_at(p, p->pos, "expected \"time zone\"");
    }
    if (out->kind == TARN_TYPE_TIME) {
        if (with)
            return fail_at(p, from, "a table has no time of day with a zone");
        return digits <= 6 ? TARN_OK : fail_at(p, from, "a time has at most 6 digits");
    }
    if (with)
        out->kind = TARN_TYPE_TIMESTAMPTZ;
    if (digits > 6)
        out->kind =
            out->kind == TARN_TYPE_TIMESTAMPTZ ? TARN_TYPE_TIMESTAMPTZ_NS : TARN_TYPE_TIMESTAMP_NS;
    return TARN_OK;
}

/* The length of a text type is not kept: Iceberg's string has none. */
static enum tarn_status parse_length(struct parser *p)
{
    int32_t length;
    if (!accept(p, '('))
        return TARN_OK;
    if (!accept_word(p, "max"))
        TARN_TRY(take_number(p, INT32_MAX, &length));
    return expect(p, ')');
}

/* Everything up to the closing bracket belongs to the coordinate system. */
static enum tarn_status parse_geo(struct parser *p, size_t from, struct tarn_type *out)
{
    size_t name_end = p->pos;
    if (!accept(p, '(')) {
        p->pos = name_end;
    } else {
        const char *close = memchr(p->text.ptr + p->pos, ')', p->text.len - p->pos);
        if (!close)
            return fail_at(p, p->pos, "expected ')'");
        p->pos = (size_t)(close - p->text.ptr) + 1;
    }
    return tarn__type_from_name(p->op, tarn_str_of(p->text.ptr + from, p->pos - from), TARN_INVALID,
                                out);
}

static enum tarn_status parse_primitive(struct parser *p, size_t from, struct tarn_str word,
                                        struct tarn_type *out)
{
    switch (out->kind) {
    case TARN_TYPE_DECIMAL:
        return parse_decimal(p, from, out);
    case TARN_TYPE_FIXED:
        return parse_fixed(p, from, out);
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
        return parse_time_tail(p, from, out);
    case TARN_TYPE_DOUBLE:
        (void)accept_word(p, "precision");
        return TARN_OK;
    case TARN_TYPE_STRING:
        if (tarn_str_eq_nocase(word, TARN_STR("char")) ||
            tarn_str_eq_nocase(word, TARN_STR("character")))
            (void)accept_word(p, "varying");
        return parse_length(p);
    case TARN_TYPE_BINARY:
        return tarn_str_eq_nocase(word, TARN_STR("varbinary")) ? parse_length(p) : TARN_OK;
    case TARN_TYPE_GEOMETRY:
    case TARN_TYPE_GEOGRAPHY:
        return parse_geo(p, from, out);
    default:
        return TARN_OK;
    }
}

/* ---- nested types */

static enum tarn_status open_bracket(struct parser *p, char *out_close)
{
    if (accept(p, '<'))
        *out_close = '>';
    else if (accept(p, '('))
        *out_close = ')';
    else
        return fail_at(p, p->pos, "expected '<'");
    return TARN_OK;
}

static enum tarn_status parse_null(struct parser *p, bool *out_required)
{
    if (accept_word(p, "not")) {
        if (!accept_word(p, "null"))
            return fail_at(p, p->pos, "expected \"null\"");
        *out_required = true;
    } else if (accept_word(p, "required")) {
        *out_required = true;
    } else if (!accept_word(p, "null")) {
        (void)accept_word(p, "optional");
    }
    return TARN_OK;
}

static enum tarn_status parse_list(struct parser *p, struct tarn_type *out)
{
    char close;
    TARN_TRY(open_bracket(p, &close));
    TARN_TRY(tarn__type_make_list(p->op, out));
    TARN_TRY(parse_type(p, &out->fields[0].type));
    TARN_TRY(parse_null(p, &out->fields[0].required));
    return expect(p, close);
}

static enum tarn_status parse_map(struct parser *p, struct tarn_type *out)
{
    char close;
    TARN_TRY(open_bracket(p, &close));
    TARN_TRY(tarn__type_make_map(p->op, out));
    TARN_TRY(parse_type(p, &out->fields[0].type));
    TARN_TRY(expect(p, ','));
    TARN_TRY(parse_type(p, &out->fields[1].type));
    TARN_TRY(parse_null(p, &out->fields[1].required));
    return expect(p, close);
}

static enum tarn_status parse_field_name(struct parser *p, struct tarn_str *out)
{
    skip_space(p);
    size_t from = p->pos;
    char c = from < p->text.len ? p->text.ptr[from] : '\0';
    if (c == '"' || c == '`') {
        TARN_TRY(take_quoted(p, c, out));
    } else {
        *out = tarn_strdup(p->op, take_word(p));
        if (!out->ptr)
            return p->op->report.status;
    }
    if (out->len == 0)
        return fail_at(p, from, "expected the name of a field");
    return tarn_utf8_valid(*out) ? TARN_OK : fail_at(p, from, "the name is not valid UTF-8");
}

static enum tarn_status parse_field(struct parser *p, struct tarn_field *f)
{
    TARN_TRY(parse_field_name(p, &f->name));
    if (++p->fields > TARN__TYPE_FIELDS_MAX)
        return tarn_fail(p->op, TARN_LIMIT, "a type has more than %d fields",
                         TARN__TYPE_FIELDS_MAX);
    (void)accept(p, ':');
    TARN_TRY(parse_type(p, &f->type));
    TARN_TRY(parse_null(p, &f->required));
    if (!accept_word(p, "comment"))
        return TARN_OK;
    skip_space(p);
    if (p->pos >= p->text.len || p->text.ptr[p->pos] != '\'')
        return fail_at(p, p->pos, "expected the comment's text in '...'");
    return take_quoted(p, '\'', &f->doc);
}

/* Doubles the room for fields; what is left behind goes with the arena. */
static enum tarn_status grow_fields(struct parser *p, struct tarn_type *t, size_t *capacity)
{
    if (t->field_count < *capacity)
        return TARN_OK;
    size_t larger = *capacity ? *capacity * 2 : 8;
    struct tarn_field *fields;
    TARN_NEW_ARRAY(p->op, fields, larger);
    if (t->field_count > 0)
        memcpy(fields, t->fields, t->field_count * sizeof *fields);
    t->fields = fields;
    *capacity = larger;
    return TARN_OK;
}

static enum tarn_status parse_struct(struct parser *p, size_t from, struct tarn_type *out)
{
    char close;
    size_t capacity = 0;
    TARN_TRY(open_bracket(p, &close));
    do {
        TARN_TRY(grow_fields(p, out, &capacity));
        TARN_TRY(parse_field(p, &out->fields[out->field_count]));
        out->field_count++;
    } while (accept(p, ','));
    TARN_TRY(expect(p, close));
    const struct tarn_field *twin;
    TARN_TRY(tarn__fields_find_twin(p->op, out->fields, out->field_count, &twin));
    if (twin)
        return tarn_fail(p->op, TARN_INVALID,
                         "cannot read type \"%.*s\": the struct at character %zu has two fields "
                         "\"%.*s\"",
                         TARN_STR_ARG(p->text), from + 1, TARN_STR_ARG(twin->name));
    return TARN_OK;
}

/* ---- all */

static enum tarn_status fail_name(struct parser *p, size_t from, struct tarn_str word)
{
    const char *names[WORD_COUNT];
    for (size_t i = 0; i < WORD_COUNT; i++)
        names[i] = WORDS[i].word;
    if (word.len == 0)
        return fail_at(p, from, "expected the name of a type");
    (void)tarn_fail(p->op, TARN_INVALID, "cannot read type \"%.*s\": there is no type \"%.*s\"",
                    TARN_STR_ARG(p->text), TARN_STR_ARG(word));
    const char *nearest = tarn_str_nearest(word, names, WORD_COUNT);
    if (nearest)
        tarn_hint(p->op, "did you mean %s?", nearest);
    return p->op->report.status;
}

static enum tarn_status parse_base(struct parser *p, struct tarn_type *out)
{
    skip_space(p);
    size_t from = p->pos;
    struct tarn_str word = take_word(p);
    const struct word_type *found = NULL;
    for (size_t i = 0; i < WORD_COUNT && !found; i++)
        if (tarn_str_eq_nocase(word, tarn_str_view(WORDS[i].word)))
            found = &WORDS[i];
    if (!found)
        return fail_name(p, from, word);
    *out = (struct tarn_type){.kind = found->kind};
    switch (found->kind) {
    case TARN_TYPE_LIST:
        return parse_list(p, out);
    case TARN_TYPE_MAP:
        return parse_map(p, out);
    case TARN_TYPE_STRUCT:
        return parse_struct(p, from, out);
    default:
        return parse_primitive(p, from, word, out);
    }
}

static enum tarn_status fail_depth(struct parser *p)
{
    return tarn_fail(p->op, TARN_LIMIT, "a type is nested deeper than %d levels",
                     TARN__TYPE_DEPTH_MAX);
}

static enum tarn_status parse_type(struct parser *p, struct tarn_type *out)
{
    if (++p->depth > TARN__TYPE_DEPTH_MAX + 1)
        return fail_depth(p);
    TARN_TRY(parse_base(p, out));
    for (int lists = 0; accept(p, '['); lists++) {
        if (lists >= TARN__TYPE_DEPTH_MAX)
            return fail_depth(p);
        TARN_TRY(expect(p, ']'));
        struct tarn_type element = *out;
        TARN_TRY(tarn__type_make_list(p->op, out));
        out->fields[0].type = element;
    }
    p->depth--;
    return TARN_OK;
}

enum tarn_status tarn_type_parse(struct tarn_op *op, struct tarn_str text, struct tarn_type *out)
{
    struct parser p = {.op = op, .text = text};
    *out = (struct tarn_type){0};
    if (text.len > (size_t)16 << 20)
        return tarn_fail(op, TARN_LIMIT, "the text of a type is longer than 16 MiB");
    TARN_TRY(parse_type(&p, out));
    skip_space(&p);
    if (p.pos < text.len)
        return fail_at(&p, p.pos, "unexpected text");
    /* T[][] wraps from outside, which the count of levels on the way down does not see. */
    return tarn__type_depth(out) <= TARN__TYPE_DEPTH_MAX ? TARN_OK : fail_depth(&p);
}

/* transform: what a partition transform is: its spelling, the types it takes and gives. Applying it: transform_apply.c.
 *
 * A transform that this version does not know is OTHER and keeps its text: such tables stay readable (trap 24, spec "Partitioning").
 */
#include "format/iceberg/value.h"

static const struct {
    const char *name;
    const char *plural; /* as people write it, besides the name; NULL = none */
    enum tarn_transform_kind kind;
    bool has_param;
} TRANSFORMS[] = {
    {"identity", NULL, TARN_TRANSFORM_IDENTITY, false},
    {"bucket", NULL, TARN_TRANSFORM_BUCKET, true},
    {"truncate", NULL, TARN_TRANSFORM_TRUNCATE, true},
    {"year", "years", TARN_TRANSFORM_YEAR, false},
    {"month", "months", TARN_TRANSFORM_MONTH, false},
    {"day", "days", TARN_TRANSFORM_DAY, false},
    {"hour", "hours", TARN_TRANSFORM_HOUR, false},
    {"void", NULL, TARN_TRANSFORM_VOID, false},
};
#define TRANSFORM_COUNT (sizeof TRANSFORMS / sizeof TRANSFORMS[0])

/* ---- the spec's spelling */

/* The index of a name in TRANSFORMS, -1 if none. */
static int find_name(struct tarn_str name, bool plural_too)
{
    for (int i = 0; i < (int)TRANSFORM_COUNT; i++) {
        if (tarn_str_eq_nocase(name, tarn_str_view(TRANSFORMS[i].name)))
            return i;
        if (plural_too && TRANSFORMS[i].plural &&
            tarn_str_eq_nocase(name, tarn_str_view(TRANSFORMS[i].plural)))
            return i;
    }
    return -1;
}

static bool all_digits(struct tarn_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

static enum tarn_status parse_param(struct tarn_op *op, struct tarn_str digits, const char *name,
                                    int32_t *out)
{
    int64_t v;
    if (!all_digits(digits) || !tarn_str_to_i64(digits, &v) || v < 1 || v > INT32_MAX)
        return tarn_fail(op, TARN_INVALID, "the number \"%.*s\" of transform %s is not 1 to %d",
                         TARN_STR_ARG(digits), name, INT32_MAX);
    *out = (int32_t)v;
    return TARN_OK;
}

static enum tarn_status keep_other(struct tarn_op *op, struct tarn_str text,
                                   struct tarn_transform *out)
{
    *out = (struct tarn_transform){.kind = TARN_TRANSFORM_OTHER, .text = tarn_strdup(op, text)};
    return out->text.ptr ? TARN_OK : op->report.status;
}

enum tarn_status tarn_transform_parse(struct tarn_op *op, struct tarn_str text,
                                      struct tarn_transform *out)
{
    struct tarn_str name, rest = text;
    bool bracket = tarn_str_cut(&rest, '[', &name);
    int i = find_name(name, false);
    if (i < 0 || TRANSFORMS[i].has_param != bracket)
        return keep_other(op, text, out);
    *out = (struct tarn_transform){.kind = TRANSFORMS[i].kind};
    if (!bracket)
        return TARN_OK;
    if (!tarn_str_ends(rest, TARN_STR("]")) || !all_digits(tarn_str_of(rest.ptr, rest.len - 1)))
        return keep_other(op, text, out);
    return parse_param(op, tarn_str_of(rest.ptr, rest.len - 1), TRANSFORMS[i].name, &out->param);
}

struct tarn_str tarn_transform_text(struct tarn_op *op, const struct tarn_transform *t)
{
    if (t->kind == TARN_TRANSFORM_OTHER)
        return tarn_strdup(op, t->text);
    for (size_t i = 0; i < TRANSFORM_COUNT; i++) {
        if (TRANSFORMS[i].kind != t->kind)
            continue;
        if (TRANSFORMS[i].has_param)
            return tarn_sprintf(op, "%s[%d]", TRANSFORMS[i].name, (int)t->param);
        return tarn_strdup(op, tarn_str_view(TRANSFORMS[i].name));
    }
    tarn_assert_failed("a known transform", __FILE__, __LINE__);
}

/* ---- as people write it */

/* Takes the quotes off the parts of a path: "a b".c -> a b.c. Text outside of quotes must not hold brackets, commas or space. */
static enum tarn_status parse_column(struct tarn_op *op, struct tarn_str text, struct tarn_str *out)
{
    char *dst = tarn_alloc(op, text.len + 1);
    if (!dst)
        return op->report.status;
    size_t n = 0;
    char quote = '\0';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quote && c == quote && i + 1 < text.len && text.ptr[i + 1] == quote)
            dst[n++] = text.ptr[i++];
        else if (quote && c == quote)
            quote = '\0';
        else if (!quote && (c == '"' || c == '`'))
            quote = c;
        else if (!quote && strchr("(),[] \t\r\n'", c))
            return tarn_fail(op, TARN_INVALID, "\"%.*s\" is not the name of a column",
                             TARN_STR_ARG(text));
        else
            dst[n++] = c;
    }
    if (quote || n == 0)
        return tarn_fail(op, TARN_INVALID, "\"%.*s\" is not the name of a column",
                         TARN_STR_ARG(text));
    *out = tarn_str_of(dst, n);
    return TARN_OK;
}

static enum tarn_status fail_transform(struct tarn_op *op, struct tarn_str name)
{
    const char *names[TRANSFORM_COUNT];
    for (size_t i = 0; i < TRANSFORM_COUNT; i++)
        names[i] = TRANSFORMS[i].name;
    (void)tarn_fail(op, TARN_INVALID, "there is no partition transform \"%.*s\"",
                    TARN_STR_ARG(name));
    const char *nearest = tarn_str_nearest(name, names, TRANSFORM_COUNT);
    if (nearest)
        tarn_hint(op, "did you mean %s?", nearest);
    else
        tarn_hint(op, "there are identity, bucket, truncate, year, month, day, hour and void");
    return op->report.status;
}

/* The comma that parts two arguments, outside of quotes; NULL if none. */
static const char *find_comma(struct tarn_str args)
{
    char quote = '\0';
    for (size_t i = 0; i < args.len; i++) {
        char c = args.ptr[i];
        if (quote)
            quote = c == quote ? '\0' : quote;
        else if (c == '"' || c == '`')
            quote = c;
        else if (c == ',')
            return args.ptr + i;
    }
    return NULL;
}

/* "16, id" or "id, 16": the number may stand on either side (Spark's and Trino's order). */
static enum tarn_status parse_two(struct tarn_op *op, struct tarn_str args, const char *name,
                                  struct tarn_transform *out, struct tarn_str *out_column)
{
    const char *comma = find_comma(args);
    if (!comma)
        return tarn_fail(op, TARN_INVALID,
                         "transform %s needs a number and a column, as in %s(16, id)", name, name);
    size_t n = (size_t)(comma - args.ptr);
    struct tarn_str left = tarn_str_trim(tarn_str_of(args.ptr, n));
    struct tarn_str right = tarn_str_trim(tarn_str_of(comma + 1, args.len - n - 1));
    bool number_first = left.len > 0 && memchr("0123456789+-.", left.ptr[0], 13) != NULL;
    TARN_TRY(parse_param(op, number_first ? left : right, name, &out->param));
    return parse_column(op, number_first ? right : left, out_column);
}

enum tarn_status tarn_transform_parse_expr(struct tarn_op *op, struct tarn_str text,
                                           struct tarn_transform *out, struct tarn_str *out_column)
{
    text = tarn_str_trim(text);
    *out = (struct tarn_transform){.kind = TARN_TRANSFORM_IDENTITY};
    bool quoted = text.len > 0 && (text.ptr[0] == '"' || text.ptr[0] == '`');
    const char *open = quoted || text.len == 0 ? NULL : memchr(text.ptr, '(', text.len);
    if (!open)
        return parse_column(op, text, out_column);
    size_t n = (size_t)(open - text.ptr);
    struct tarn_str name = tarn_str_trim(tarn_str_of(text.ptr, n));
    int i = find_name(name, true);
    if (i < 0)
        return fail_transform(op, name);
    if (!tarn_str_ends(text, TARN_STR(")")))
        return tarn_fail(op, TARN_INVALID, "the partition expression \"%.*s\" does not end in ')'",
                         TARN_STR_ARG(text));
    struct tarn_str args = tarn_str_trim(tarn_str_of(open + 1, text.len - n - 2));
    out->kind = TRANSFORMS[i].kind;
    if (TRANSFORMS[i].has_param)
        return parse_two(op, args, TRANSFORMS[i].name, out, out_column);
    return parse_column(op, args, out_column);
}

/* ---- types */

static bool is_timestamp(enum tarn_type_kind k)
{
    return k == TARN_TYPE_TIMESTAMP || k == TARN_TYPE_TIMESTAMPTZ || k == TARN_TYPE_TIMESTAMP_NS ||
           k == TARN_TYPE_TIMESTAMPTZ_NS;
}

static bool bucket_accepts(enum tarn_type_kind k)
{
    switch (k) {
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_DECIMAL:
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIME:
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        return true;
    default:
        return is_timestamp(k);
    }
}

bool tarn_transform_accepts(const struct tarn_transform *t, const struct tarn_type *source)
{
    enum tarn_type_kind k = source->kind;
    switch (t->kind) {
    case TARN_TRANSFORM_IDENTITY:
        return !tarn_type_is_nested(source) && k != TARN_TYPE_VARIANT && k != TARN_TYPE_GEOMETRY &&
               k != TARN_TYPE_GEOGRAPHY;
    case TARN_TRANSFORM_BUCKET:
        return bucket_accepts(k);
    case TARN_TRANSFORM_TRUNCATE:
        return k == TARN_TYPE_INT || k == TARN_TYPE_LONG || k == TARN_TYPE_DECIMAL ||
               k == TARN_TYPE_STRING || k == TARN_TYPE_BINARY;
    case TARN_TRANSFORM_YEAR:
    case TARN_TRANSFORM_MONTH:
    case TARN_TRANSFORM_DAY:
        return k == TARN_TYPE_DATE || is_timestamp(k);
    case TARN_TRANSFORM_HOUR:
        return is_timestamp(k);
    case TARN_TRANSFORM_VOID:
        return true;
    default:
        return false;
    }
}

struct tarn_type tarn_transform_result(const struct tarn_transform *t,
                                       const struct tarn_type *source)
{
    switch (t->kind) {
    case TARN_TRANSFORM_BUCKET:
    case TARN_TRANSFORM_YEAR:
    case TARN_TRANSFORM_MONTH:
    case TARN_TRANSFORM_HOUR:
        return (struct tarn_type){.kind = TARN_TYPE_INT};
    case TARN_TRANSFORM_DAY:
        return (struct tarn_type){.kind = TARN_TYPE_DATE};
    case TARN_TRANSFORM_OTHER: /* what Iceberg Java takes it for */
        return (struct tarn_type){.kind = TARN_TYPE_STRING};
    default:
        return *source;
    }
}

bool tarn_transform_monotonic(const struct tarn_transform *t)
{
    return t->kind != TARN_TRANSFORM_BUCKET && t->kind != TARN_TRANSFORM_VOID &&
           t->kind != TARN_TRANSFORM_OTHER;
}

/* show_text: types, names, partitions and sort orders as the statements spell them. */
#include <string.h>

#include "sql/show_int.h"

/* ---- names */

static bool is_plain(struct tarn_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

/* Words that a column's or a table's name would be taken for. */
static bool is_word(struct tarn_str name)
{
    static const char *const words[] = {
        "all",    "alter", "and",     "any",       "array",   "as",       "between",
        "by",     "case",  "cast",    "check",     "column",  "comment",  "constraint",
        "create", "cross", "default", "delete",    "desc",    "distinct", "drop",
        "else",   "end",   "exists",  "false",     "for",     "foreign",  "from",
        "full",   "group", "having",  "in",        "inner",   "insert",   "intersect",
        "into",   "is",    "join",    "left",      "like",    "limit",    "list",
        "map",    "merge", "natural", "not",       "null",    "offset",   "on",
        "or",     "order", "outer",   "partition", "primary", "qualify",  "references",
        "right",  "row",   "select",  "set",       "some",    "struct",   "table",
        "then",   "to",    "true",    "union",     "unique",  "update",   "using",
        "values", "view",  "when",    "where",     "window",  "with"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (tarn_str_eq_nocase(name, tarn_str_view(words[i])))
            return true;
    return false;
}

void tarn__put_name(struct tarn_buf *b, struct tarn_str name)
{
    if (is_plain(name) && !is_word(name))
        tarn_buf_str(b, name);
    else
        tarn_buf_sql_name(b, name);
}

void tarn__put_ident(struct tarn_buf *b, struct tarn_ident ident)
{
    struct tarn_str rest = ident.ns, part;
    while (rest.ptr && rest.len) {
        (void)tarn_str_cut(&rest, '.', &part);
        tarn__put_name(b, part);
        tarn_buf_put(b, '.');
    }
    tarn__put_name(b, ident.name);
}

/* ---- types */

static const char *plain_type(enum tarn_type_kind kind)
{
    switch (kind) {
    case TARN_TYPE_BOOLEAN:
        return "boolean";
    case TARN_TYPE_INT:
        return "int";
    case TARN_TYPE_LONG:
        return "bigint";
    case TARN_TYPE_FLOAT:
        return "float";
    case TARN_TYPE_DOUBLE:
        return "double";
    case TARN_TYPE_DATE:
        return "date";
    case TARN_TYPE_TIME:
        return "time";
    case TARN_TYPE_TIMESTAMP:
        return "timestamp";
    case TARN_TYPE_TIMESTAMPTZ:
        return "timestamptz";
    case TARN_TYPE_TIMESTAMP_NS:
        return "timestamp_ns";
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return "timestamptz_ns";
    case TARN_TYPE_STRING:
        return "string";
    case TARN_TYPE_UUID:
        return "uuid";
    case TARN_TYPE_BINARY:
        return "binary";
    case TARN_TYPE_UNKNOWN:
        return "unknown";
    case TARN_TYPE_VARIANT:
        return "variant";
    default:
        return NULL;
    }
}

static void put_member(struct tarn_buf *b, const struct tarn_field *f)
{
    tarn__put_name(b, f->name);
    tarn_buf_z(b, ": ");
    tarn__put_type(b, &f->type);
    tarn_buf_z(b, f->required ? " NOT NULL" : "");
    if (f->doc.ptr) {
        tarn_buf_z(b, " COMMENT ");
        tarn_buf_sql_text(b, f->doc);
    }
}

void tarn__put_type(struct tarn_buf *b, const struct tarn_type *t)
{
    const char *plain = plain_type(t->kind);
    if (plain) {
        tarn_buf_z(b, plain);
    } else if (t->kind == TARN_TYPE_DECIMAL) {
        tarn_buf_printf(b, "decimal(%d,%d)", t->precision, t->scale);
    } else if (t->kind == TARN_TYPE_FIXED) {
        tarn_buf_printf(b, "fixed(%d)", t->length);
    } else if (t->kind == TARN_TYPE_GEOMETRY || t->kind == TARN_TYPE_GEOGRAPHY) {
        const char *name = t->kind == TARN_TYPE_GEOMETRY ? "geometry" : "geography";
        bool whole = tarn_str_starts(t->text, tarn_str_view(name));
        tarn_buf_z(b, whole ? "" : name);
        tarn_buf_str(b, t->text);
    } else {
        tarn_buf_z(b, t->kind == TARN_TYPE_STRUCT ? "struct<"
                      : t->kind == TARN_TYPE_LIST ? "array<"
                                                  : "map<");
        for (size_t i = 0; i < t->field_count; i++) {
            const struct tarn_field *f = &t->fields[i];
            tarn_buf_z(b, i ? ", " : "");
            if (t->kind == TARN_TYPE_STRUCT) {
                put_member(b, f);
                continue;
            }
            tarn__put_type(b, &f->type);
            if (f->required && (t->kind == TARN_TYPE_LIST || i == 1)) /* keys always are */
                tarn_buf_z(b, " NOT NULL");
        }
        tarn_buf_put(b, '>');
    }
}

struct tarn_str tarn__type_spelled(struct tarn_op *op, const struct tarn_type *t)
{
    struct tarn_str out = {0};
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)16 << 20);
    tarn__put_type(&b, t);
    if (tarn_buf_take(op, &b, "a type", &out) != TARN_OK)
        return (struct tarn_str){0};
    return out;
}

/* ---- partitions and sort orders */

void tarn__put_column(struct tarn_buf *b, struct tarn_op *op, const struct tarn_schema *s,
                      int32_t id)
{
    struct tarn_str path = tarn_schema_path_of(op, s, id), part;
    const struct tarn_field *top = tarn_schema_field_by_path(s, path);
    if (!path.ptr) {
        tarn_buf_printf(b, "<dropped column %d>", id);
    } else if (top && tarn_str_eq(top->name, path)) { /* a name that holds a dot is one part */
        tarn__put_name(b, path);
    } else {
        for (bool first = true; path.ptr && path.len; first = false) {
            (void)tarn_str_cut(&path, '.', &part);
            tarn_buf_z(b, first ? "" : ".");
            tarn__put_name(b, part);
        }
    }
}

void tarn__put_transform(struct tarn_buf *b, struct tarn_op *op, const struct tarn_schema *s,
                         const struct tarn_transform *t, int32_t source_id)
{
    switch (t->kind) {
    case TARN_TRANSFORM_IDENTITY:
        break;
    case TARN_TRANSFORM_BUCKET:
        tarn_buf_printf(b, "bucket(%d, ", t->param);
        break;
    case TARN_TRANSFORM_TRUNCATE:
        tarn_buf_printf(b, "truncate(%d, ", t->param);
        break;
    case TARN_TRANSFORM_YEAR:
        tarn_buf_z(b, "years(");
        break;
    case TARN_TRANSFORM_MONTH:
        tarn_buf_z(b, "months(");
        break;
    case TARN_TRANSFORM_DAY:
        tarn_buf_z(b, "days(");
        break;
    case TARN_TRANSFORM_HOUR:
        tarn_buf_z(b, "hours(");
        break;
    case TARN_TRANSFORM_VOID:
        tarn_buf_z(b, "void(");
        break;
    case TARN_TRANSFORM_OTHER:
        tarn_buf_printf(b, "%.*s(", TARN_STR_ARG(t->text));
        break;
    }
    tarn__put_column(b, op, s, source_id);
    if (t->kind != TARN_TRANSFORM_IDENTITY)
        tarn_buf_put(b, ')');
}

void tarn__put_order(struct tarn_buf *b, struct tarn_op *op, const struct tarn_schema *s,
                     const struct tarn_sort_order *order)
{
    for (size_t i = 0; i < order->field_count; i++) {
        const struct tarn_sort_field *f = &order->fields[i];
        tarn_buf_z(b, i ? ", " : "");
        tarn__put_transform(b, op, s, &f->transform, f->source_id);
        tarn_buf_z(b, f->descending ? " DESC" : " ASC");
        tarn_buf_z(b, f->nulls_last ? " NULLS LAST" : " NULLS FIRST");
    }
}

static const struct tarn_field *field_ever(const struct tarn_metadata *m, int32_t id)
{
    const struct tarn_field *f = tarn_schema_field_by_id(tarn_metadata_schema(m), id);
    for (size_t i = m->schema_count; !f && i-- > 0;)
        f = tarn_schema_field_by_id(&m->schemas[i], id);
    return f;
}

enum tarn_status tarn__put_partition(struct tarn_op *op, struct tarn_buf *b,
                                     const struct tarn_metadata *m,
                                     const struct tarn_data_file *file)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(m, file->spec_id);
    for (size_t i = 0; spec && i < spec->field_count && i < file->partition_count; i++) {
        const struct tarn_partition_field *p = &spec->fields[i];
        const struct tarn_field *source = field_ever(m, p->source_id);
        struct tarn_str value = TARN_STR("null");
        if (!file->partition[i].is_null && source && p->transform.kind != TARN_TRANSFORM_OTHER &&
            p->transform.kind != TARN_TRANSFORM_VOID) {
            value = tarn_transform_human(op, &p->transform, &source->type, &file->partition[i]);
            if (!value.ptr)
                return op->report.status;
        }
        tarn_buf_printf(b, "%s%.*s=%.*s", i ? "/" : "", TARN_STR_ARG(p->name), TARN_STR_ARG(value));
    }
    return TARN_OK;
}

/* ---- patterns */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* One alternative: the last star is tried again one byte further. */
static bool like_one(struct tarn_str s, struct tarn_str p)
{
    size_t i = 0, k = 0, star = SIZE_MAX, from = 0;
    while (i < s.len) {
        if (k < p.len && (p.ptr[k] == '*' || p.ptr[k] == '%')) {
            star = ++k;
            from = i;
        } else if (k < p.len && lower(p.ptr[k]) == lower(s.ptr[i])) {
            k++;
            i++;
        } else if (star != SIZE_MAX) {
            k = star;
            i = ++from;
        } else {
            return false;
        }
    }
    while (k < p.len && (p.ptr[k] == '*' || p.ptr[k] == '%'))
        k++;
    return k == p.len;
}

bool tarn__like(struct tarn_str name, struct tarn_str pattern)
{
    struct tarn_str one;
    if (!pattern.ptr)
        return true;
    do {
        (void)tarn_str_cut(&pattern, '|', &one);
        if (like_one(name, tarn_str_trim(one)))
            return true;
    } while (pattern.ptr);
    return false;
}

/* table_words: the clauses that CREATE TABLE and ALTER TABLE share: columns, types, partitions,
 * orders, properties. */
#include <string.h>

#include "sql/ddl_int.h"

void tarn__use_change_op(struct tarn__run *r)
{
    r->op = r->words.op = tarn__change_op(r);
}

static enum tarn_status placed(struct tarn__words *w, enum tarn_status status, size_t offset)
{
    if (status != TARN_OK)
        tarn__place_at(w, offset);
    return status;
}

/* ---- types and columns */

static bool ends_type(const struct tarn__words *w)
{
    static const char *const words[] = {"NOT",   "NULL",       "COMMENT",   "DEFAULT", "PRIMARY",
                                        "CHECK", "CONSTRAINT", "UNIQUE",    "FIRST",   "AFTER",
                                        "USING", "REFERENCES", "GENERATED", "COLLATE", ",",
                                        ")",     ";",          "AS"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (tarn__at(w, words[i]))
            return true;
    return false;
}

static bool opens(const struct tarn__words *w)
{
    return tarn__at(w, "(") || tarn__at(w, "[") || tarn__at(w, "<");
}

static bool closes(const struct tarn__words *w)
{
    return tarn__at(w, ")") || tarn__at(w, "]") || tarn__at(w, ">");
}

enum tarn_status tarn__take_type(struct tarn__run *r, struct tarn_type *out)
{
    struct tarn__words *w = &r->words;
    size_t begin = w->token.begin, end = begin;
    for (int depth = 0; !w->end && (depth > 0 || !ends_type(w)); tarn__skip(w)) {
        depth += opens(w) - closes(w);
        end = w->token.end;
    }
    if (end == begin)
        return tarn__expect(w, "a type");
    return placed(w, tarn_type_parse(r->op, tarn_str_of(r->text.sql.ptr + begin, end - begin), out),
                  begin);
}

static enum tarn_status refuse_option(struct tarn__words *w)
{
    static const char *const words[] = {"CHECK", "UNIQUE", "REFERENCES", "GENERATED", "COLLATE"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (tarn__at(w, words[i]))
            return tarn__fail_here(w, TARN_UNSUPPORTED, "a table's columns cannot have %s",
                                   words[i]);
    return TARN_OK;
}

static enum tarn_status take_option(struct tarn__run *r, struct tarn__column_def *c, bool *more)
{
    struct tarn__words *w = &r->words;
    *more = true;
    TARN_TRY(refuse_option(w));
    if (tarn__take(w, "NOT NULL")) {
        c->field.required = true;
    } else if (tarn__take(w, "NULL")) {
        c->field.required = false;
    } else if (tarn__take(w, "COMMENT")) {
        return tarn__take_string(w, &c->field.doc);
    } else if (tarn__take(w, "DEFAULT")) {
        c->default_value = tarn__take_until(
            w, ",|NOT NULL|COMMENT|PRIMARY KEY|FIRST|AFTER|CHECK|UNIQUE|REFERENCES");
        return c->default_value.len ? TARN_OK : tarn__expect(w, "a value");
    } else if (tarn__take(w, "PRIMARY KEY")) {
        c->primary = c->field.required = true;
    } else if (tarn__take(w, "FIRST")) {
        c->first = true;
    } else if (tarn__take(w, "AFTER")) {
        return tarn__take_ident(w, &c->after);
    } else {
        *more = false;
    }
    return TARN_OK;
}

enum tarn_status tarn__take_column(struct tarn__run *r, struct tarn__column_def *out)
{
    struct tarn__words *w = &r->words;
    bool more = true;
    *out = (struct tarn__column_def){0};
    TARN_TRY(tarn__take_dotted(w, &out->name));
    out->field.name = out->name.parts[out->name.count - 1];
    if (tarn__at(w, ",") || tarn__at(w, ")"))
        return TARN_OK;
    out->type_offset = w->token.begin;
    TARN_TRY(tarn__take_type(r, &out->field.type));
    out->typed = true;
    while (more)
        TARN_TRY(take_option(r, out, &more));
    return TARN_OK;
}

/* ---- properties */

enum tarn_status tarn__take_key(struct tarn__words *w, struct tarn_str *out)
{
    struct tarn_str one;
    if (w->token.kind == TARN_SQL_STRING && !w->end)
        return tarn__take_string(w, out);
    TARN_TRY(tarn__take_ident(w, out));
    while (tarn__at(w, ".") || tarn__at(w, "-")) {
        char sign = tarn__word(w).ptr[0];
        tarn__skip(w);
        TARN_TRY(tarn__take_ident(w, &one));
        *out = tarn_sprintf(w->op, "%.*s%c%.*s", TARN_STR_ARG(*out), sign, TARN_STR_ARG(one));
        if (!out->ptr)
            return TARN_NOMEM;
    }
    return TARN_OK;
}

static enum tarn_status take_value(struct tarn__words *w, struct tarn_str *out)
{
    if (w->token.kind == TARN_SQL_STRING && !w->end)
        return tarn__take_string(w, out);
    struct tarn_str piece = tarn__take_until(w, ",");
    if (piece.len == 0)
        return tarn__expect(w, "a value");
    *out = tarn_strdup(w->op, piece);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

enum tarn_status tarn__take_properties(struct tarn__run *r, struct tarn_kvs *kvs)
{
    struct tarn__words *w = &r->words;
    TARN_TRY(tarn__expect(w, "("));
    do {
        struct tarn_str key, value;
        size_t offset = w->token.begin;
        bool known;
        TARN_TRY(tarn__take_key(w, &key));
        (void)tarn__take(w, "=");
        TARN_TRY(take_value(w, &value));
        TARN_TRY(placed(w, tarn__property_check(r->op, key, value, &known), offset));
        if (!known && !r->answer->notice.ptr)
            r->answer->notice =
                tarn_sprintf(r->op, "property \"%.*s\" is kept, but nothing in Tarn reads it",
                             TARN_STR_ARG(key));
        TARN_TRY(tarn_kvs_with(r->op, kvs, key, value, kvs));
    } while (tarn__take(w, ","));
    return tarn__expect(w, ")");
}

/* ---- fields by path */

const struct tarn_field *tarn__field_at(const struct tarn_type *root, struct tarn_str path)
{
    const struct tarn_type *t = root;
    const struct tarn_field *f = NULL;
    struct tarn_str part;
    for (bool more = true; more; t = &f->type) {
        more = tarn_str_cut(&path, '.', &part);
        f = tarn__column_named(t, part);
        if (!f)
            return NULL;
    }
    return f;
}

static enum tarn_status fail_path(struct tarn_op *op, const struct tarn_type *root,
                                  struct tarn_str path)
{
    const char **names;
    TARN_NEW_ARRAY(op, names, root->field_count + 1);
    for (size_t i = 0; i < root->field_count; i++) {
        struct tarn_str z = tarn_strdup(op, root->fields[i].name);
        if (!z.ptr)
            return TARN_NOMEM;
        names[i] = z.ptr;
    }
    const char *nearest = tarn_str_nearest(path, names, root->field_count);
    (void)tarn_fail(op, TARN_COLUMN, "column \"%.*s\" not found", TARN_STR_ARG(path));
    if (nearest)
        tarn_hint(op, "did you mean \"%s\"?", nearest);
    return TARN_COLUMN;
}

/* ---- transforms */

/* Spark's and Trino's older words. */
static struct tarn_str with_old_word(struct tarn_op *op, struct tarn_str text)
{
    static const char *const old[][2] = {{"date_hour", "hour"}, {"date", "day"}};
    const char *open = text.len ? memchr(text.ptr, '(', text.len) : NULL;
    struct tarn_str word =
        tarn_str_trim(tarn_str_of(text.ptr, open ? (size_t)(open - text.ptr) : 0));
    for (size_t i = 0; open && i < sizeof old / sizeof old[0]; i++)
        if (tarn_str_eq_nocase(word, tarn_str_view(old[i][0])))
            return tarn_sprintf(op, "%s%.*s", old[i][1],
                                (int)(text.len - (size_t)(open - text.ptr)), open);
    return text;
}

static enum tarn_status transform_of(struct tarn_op *op, struct tarn_str text,
                                     const struct tarn_schema *schema, struct tarn_transform *out,
                                     const struct tarn_field **source)
{
    struct tarn_str column;
    text = with_old_word(op, text);
    if (!text.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_transform_parse_expr(op, text, out, &column));
    *source = tarn__field_at(&schema->root, column);
    if (!*source)
        return fail_path(op, &schema->root, column);
    if (!tarn_transform_accepts(out, &(*source)->type))
        return tarn_fail(op, TARN_INVALID, "%.*s cannot be made of a column of type %s",
                         TARN_STR_ARG(text), tarn_type_text(op, &(*source)->type).ptr);
    return TARN_OK;
}

/* The columns are parted by dots; a quoted one stays one. */
enum tarn_status tarn__take_transform(struct tarn__words *w, const struct tarn_schema *schema,
                                      struct tarn_transform *out, const struct tarn_field **source)
{
    size_t offset = w->token.begin;
    struct tarn_str text =
        tarn__take_until(w, ",|ASC|DESC|NULLS|AS|WITH|ORDERED|LOCALLY|DISTRIBUTED");
    if (text.len == 0)
        return tarn__expect(w, "a column or a transform of one");
    return placed(w, transform_of(w->op, text, schema, out, source), offset);
}

enum tarn_status tarn__partition_field(struct tarn_op *op, const struct tarn_schema *schema,
                                       const struct tarn__partition_item *item,
                                       struct tarn_partition_field *out)
{
    static const char *const suffix[] = {
        [TARN_TRANSFORM_BUCKET] = "_bucket", [TARN_TRANSFORM_TRUNCATE] = "_trunc",
        [TARN_TRANSFORM_YEAR] = "_year",     [TARN_TRANSFORM_MONTH] = "_month",
        [TARN_TRANSFORM_DAY] = "_day",       [TARN_TRANSFORM_HOUR] = "_hour",
        [TARN_TRANSFORM_VOID] = "_null",     [TARN_TRANSFORM_OTHER] = "_other"};
    struct tarn_str path = tarn_schema_path_of(op, schema, item->source->id);
    const char *end = suffix[item->transform.kind];
    *out = (struct tarn_partition_field){
        .source_id = item->source->id, .transform = item->transform, .name = item->name};
    if (!path.ptr)
        return TARN_NOMEM;
    if (!out->name.len)
        out->name = tarn_sprintf(op, "%.*s%s", TARN_STR_ARG(path), end ? end : "");
    return out->name.ptr ? TARN_OK : TARN_NOMEM;
}

/* ---- orders */

static enum tarn_status take_sort_field(struct tarn__words *w, const struct tarn_schema *schema,
                                        struct tarn_sort_field *out)
{
    const struct tarn_field *source;
    *out = (struct tarn_sort_field){0};
    TARN_TRY(tarn__take_transform(w, schema, &out->transform, &source));
    out->source_id = source->id;
    if (tarn__take(w, "DESC"))
        out->descending = out->nulls_last = true;
    else
        (void)tarn__take(w, "ASC");
    if (tarn__take(w, "NULLS LAST"))
        out->nulls_last = true;
    else if (tarn__take(w, "NULLS FIRST"))
        out->nulls_last = false;
    else if (tarn__at(w, "NULLS"))
        return tarn__expect(w, "NULLS FIRST");
    return TARN_OK;
}

enum tarn_status tarn__take_order(struct tarn__words *w, const struct tarn_schema *schema,
                                  struct tarn_sort_order *out)
{
    size_t cap = 0;
    bool brackets = tarn__take(w, "(");
    *out = (struct tarn_sort_order){0};
    do {
        if (out->field_count == cap) {
            struct tarn_sort_field *grown;
            cap = cap ? cap * 2 : 8;
            TARN_NEW_ARRAY(w->op, grown, cap);
            if (out->field_count)
                memcpy(grown, out->fields, out->field_count * sizeof *grown);
            out->fields = grown;
        }
        TARN_TRY(take_sort_field(w, schema, &out->fields[out->field_count]));
        out->field_count++;
    } while (tarn__take(w, ","));
    return brackets ? tarn__expect(w, ")") : TARN_OK;
}

enum tarn_status tarn__take_write_order(struct tarn__words *w, const struct tarn_schema *schema,
                                        struct tarn__write_order *out)
{
    bool local = false;
    *out = (struct tarn__write_order){0};
    if (tarn__take(w, "UNORDERED")) {
        out->distribution = TARN_STR("none");
        out->given = true;
        return TARN_OK;
    }
    if (tarn__take(w, "DISTRIBUTED")) {
        TARN_TRY(tarn__expect(w, "BY PARTITION"));
        out->distribution = TARN_STR("hash");
        out->given = true;
    }
    local = tarn__take(w, "LOCALLY");
    if (!local && !tarn__at(w, "ORDERED"))
        return out->given ? TARN_OK : tarn__expect(w, "ORDERED BY");
    TARN_TRY(tarn__expect(w, "ORDERED BY"));
    if (!out->given && !local) /* ordered within files alone: the mode stays what it is */
        out->distribution = TARN_STR("range");
    out->given = true;
    return tarn__take_order(w, schema, &out->order);
}

/* ---- identifier fields */

enum tarn_status tarn__take_names(struct tarn__words *w, struct tarn_str **out, size_t *out_count)
{
    size_t cap = 0, n = 0;
    bool brackets = tarn__take(w, "(");
    *out = NULL;
    do {
        struct tarn__dotted d;
        TARN_TRY(tarn__take_dotted(w, &d));
        if (n == cap) {
            struct tarn_str *grown;
            cap = cap ? cap * 2 : 8;
            TARN_NEW_ARRAY(w->op, grown, cap);
            if (n)
                memcpy(grown, *out, n * sizeof *grown);
            *out = grown;
        }
        struct tarn_str path = d.parts[0];
        for (size_t i = 1; i < d.count && path.ptr; i++)
            path = tarn_sprintf(w->op, "%.*s.%.*s", TARN_STR_ARG(path), TARN_STR_ARG(d.parts[i]));
        if (!path.ptr)
            return TARN_NOMEM;
        (*out)[n++] = path;
    } while (tarn__take(w, ","));
    *out_count = n;
    return brackets ? tarn__expect(w, ")") : TARN_OK;
}

/* Spec "Identifier Field IDs": required primitive fields, no floating-point ones, nothing optional
 * or repeated around them. */
static enum tarn_status identifier_of(struct tarn_op *op, const struct tarn_schema *schema,
                                      struct tarn_str path, int32_t *out)
{
    const struct tarn_type *t = &schema->root;
    const struct tarn_field *f = NULL;
    struct tarn_str rest = path, part;
    for (bool more = true; more; t = &f->type) {
        more = tarn_str_cut(&rest, '.', &part);
        f = t->kind == TARN_TYPE_STRUCT ? tarn__column_named(t, part) : NULL;
        if (!f)
            return fail_path(op, &schema->root, path);
        if (!f->required) {
            (void)tarn_fail(op, TARN_INVALID,
                            "column \"%.*s\" cannot identify rows: it may be null",
                            TARN_STR_ARG(path));
            tarn_hint(op, "declare it NOT NULL");
            return TARN_INVALID;
        }
    }
    if (tarn_type_is_nested(&f->type) || f->type.kind == TARN_TYPE_FLOAT ||
        f->type.kind == TARN_TYPE_DOUBLE)
        return tarn_fail(op, TARN_INVALID, "column \"%.*s\" of type %s cannot identify rows",
                         TARN_STR_ARG(path), tarn_type_text(op, &f->type).ptr);
    *out = f->id;
    return TARN_OK;
}

enum tarn_status tarn__identifier_ids(struct tarn_op *op, struct tarn_schema *schema,
                                      const struct tarn_str *paths, size_t count)
{
    int32_t *ids;
    size_t n = 0;
    TARN_NEW_ARRAY(op, ids, count + 1);
    for (size_t i = 0; i < count; i++) {
        int32_t id = 0;
        bool twice = false;
        TARN_TRY(identifier_of(op, schema, paths[i], &id));
        for (size_t k = 0; k < n; k++)
            twice = twice || ids[k] == id;
        if (!twice)
            ids[n++] = id;
    }
    schema->identifier_ids = ids;
    schema->identifier_count = n;
    return TARN_OK;
}

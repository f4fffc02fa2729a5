/* yaml_schema: trees into C structs by tables, and the tables into documentation. See yaml.h. */
#include "base/yaml.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base_int.h"
#include "base/units.h"

#define FIELDS_MAX 128 /* of one schema: a promise of the tables */

static enum tarn_status fill_value(struct tarn_op *op, const struct tarn_yaml *node,
                                   const struct tarn_yaml_field *f, void *member);

/* ---- messages */

struct path {
    char text[256];
};

/* The node's path for a message, cut to what fits; the root is "the top level". */
static const char *path_of(const struct tarn_yaml *node, struct path *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 64 << 10);
    tarn_yaml_path(&b, node);
    struct tarn_str s = b.failed ? TARN_STR("...") : tarn_buf_view(&b);
    size_t n = s.len < sizeof out->text ? s.len : sizeof out->text - 1;
    memcpy(out->text, s.ptr, n);
    out->text[n] = '\0';
    if (n == 0)
        memcpy(out->text, "the top level", sizeof "the top level");
    tarn_buf_release(&b);
    return out->text;
}

/* "in <path>" or "at the top level". */
static const char *within(const struct tarn_yaml *node, struct path *out)
{
    struct path inner;
    (void)path_of(node, &inner);
    (void)snprintf(out->text, sizeof out->text, "%s %.250s", node->parent ? "in" : "at",
                   inner.text);
    return out->text;
}

static enum tarn_status fail_unknown(struct tarn_op *op, const struct tarn_yaml *child,
                                     const struct tarn_yaml_schema *schema)
{
    const char *names[FIELDS_MAX];
    size_t count = 0;
    struct path path;
    for (size_t i = 0; i < schema->count; i++)
        if (schema->fields[i].name)
            names[count++] = schema->fields[i].name;
    const char *nearest = tarn_str_nearest(child->key, names, count);
    const char *where = within(child->parent, &path);
    if (nearest)
        return tarn_yaml_fail_key(op, child, "unknown key \"%.*s\" %s; did you mean \"%s\"?",
                                  TARN_STR_ARG(child->key), where, nearest);
    (void)tarn_yaml_fail_key(op, child, "unknown key \"%.*s\" %s", TARN_STR_ARG(child->key), where);
    struct tarn_buf b;
    tarn_buf_init(&b, TARN_REPORT_TEXT);
    for (size_t i = 0; i < count; i++)
        tarn_buf_printf(&b, "%s%s", i ? ", " : "", names[i]);
    if (!b.failed && count > 0)
        tarn_hint(op, "keys here: %s", b.ptr);
    tarn_buf_release(&b);
    return op->report.status;
}

static enum tarn_status fail_missing(struct tarn_op *op, const struct tarn_yaml *node,
                                     const struct tarn_yaml_field *f)
{
    struct path path;
    const struct tarn_yaml *child = node->kind == TARN_YAML_K_MAPPING ? node->first : NULL;
    while (child && !tarn_str_is(child->key, f->name))
        child = child->next;
    if (child)
        return tarn_yaml_fail_key(op, child, "key \"%s\" %s has no value", f->name,
                                  within(node, &path));
    enum tarn_status status =
        node->key.ptr
            ? tarn_yaml_fail_key(op, node, "missing key \"%s\" %s", f->name, within(node, &path))
            : tarn_yaml_fail(op, node, "missing key \"%s\" %s", f->name, within(node, &path));
    if (f->doc)
        tarn_hint(op, "\"%s\": %s", f->name, f->doc);
    return status;
}

/* "<path> must be <what>, not <the value>", and why its parser refused it. */
static enum tarn_status fail_form(struct tarn_op *op, const struct tarn_yaml *node,
                                  const char *what, const char *why)
{
    struct path path;
    const char *where = path_of(node, &path);
    if (node->kind != TARN_YAML_K_SCALAR)
        return tarn_yaml_fail(op, node, "%s must be %s, not a %s", where, what,
                              node->kind == TARN_YAML_K_MAPPING ? "mapping" : "list");
    int shown = node->text.len < 80 ? (int)node->text.len : 80;
    return tarn_yaml_fail(op, node, "%s must be %s, not \"%.*s\"%s%s", where, what, shown,
                          node->text.ptr, why ? ": " : "", why ? why : "");
}

/* ---- scalars */

static bool parse_bool(struct tarn_str s, bool *out)
{
    *out = tarn_str_is(s, "true");
    return *out || tarn_str_is(s, "false");
}

static int parse_enum(struct tarn_str s, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (tarn_str_is(s, names[i]))
            return i;
    return -1;
}

static void enum_names(struct tarn_buf *b, const char *const *names, const char *last_word)
{
    for (int i = 0; names[i]; i++)
        tarn_buf_printf(b, "%s%s", i == 0 ? "" : names[i + 1] ? ", " : last_word, names[i]);
}

static enum tarn_status fail_enum(struct tarn_op *op, const struct tarn_yaml *node,
                                  const struct tarn_yaml_field *f)
{
    size_t count = 0;
    while (f->names[count])
        count++;
    struct tarn_buf b;
    tarn_buf_init(&b, TARN_REPORT_TEXT);
    tarn_buf_z(&b, count > 1 ? "one of " : "");
    enum_names(&b, f->names, " and ");
    enum tarn_status status =
        fail_form(op, node, b.failed ? "one of the known words" : b.ptr, NULL);
    tarn_buf_release(&b);
    const char *nearest = tarn_str_nearest(node->text, f->names, count);
    if (nearest)
        tarn_hint(op, "did you mean \"%s\"?", nearest);
    return status;
}

static enum tarn_status fail_int(struct tarn_op *op, const struct tarn_yaml *node,
                                 const struct tarn_yaml_field *f)
{
    char what[96] = "an integer";
    if (f->min != 0 || f->max != 0)
        (void)snprintf(what, sizeof what, "an integer from %" PRId64 " to %" PRId64, f->min,
                       f->max);
    return fail_form(op, node, what, NULL);
}

/* What stands in the C struct for the text; NULL when it was taken, else what it must be.
 * *out_why may add more. */
static const char *parse_scalar(struct tarn_str s, const struct tarn_yaml_field *f, void *member,
                                const char **out_why)
{
    int64_t i;
    int index;
    switch (f->type) {
    case TARN_YAML_STRING:
        *(struct tarn_str *)member = s;
        return NULL;
    case TARN_YAML_BOOL:
        return parse_bool(s, member) ? NULL : "true or false";
    case TARN_YAML_INT:
        if (!tarn_str_to_i64(s, &i) || ((f->min != 0 || f->max != 0) && (i < f->min || i > f->max)))
            return "an integer";
        *(int64_t *)member = i;
        return NULL;
    case TARN_YAML_NUMBER:
        return tarn_str_to_double(s, member) ? NULL : "a number";
    case TARN_YAML_SIZE:
        return tarn_size_parse(s, member, out_why) ? NULL : "a size such as 512MB or 64MiB";
    case TARN_YAML_DURATION:
        return tarn_duration_parse(s, member, out_why) ? NULL : "a duration such as 30s or 5m";
    default:
        TARN_ASSERT(f->type == TARN_YAML_ENUM);
        index = parse_enum(s, f->names);
        if (index < 0)
            return "a known word";
        *(int *)member = index;
        return NULL;
    }
}

static enum tarn_status fill_scalar(struct tarn_op *op, const struct tarn_yaml *node,
                                    const struct tarn_yaml_field *f, void *member)
{
    const char *why = NULL;
    if (node->kind != TARN_YAML_K_SCALAR && f->type == TARN_YAML_STRING)
        return fail_form(op, node, "a text", NULL);
    const char *what =
        parse_scalar(node->kind == TARN_YAML_K_SCALAR ? node->text : TARN_STR(""), f, member, &why);
    if (!what)
        return TARN_OK;
    if (f->type == TARN_YAML_ENUM)
        return fail_enum(op, node, f);
    if (f->type == TARN_YAML_INT)
        return fail_int(op, node, f);
    return fail_form(op, node, what, why);
}

/* ---- containers */

static size_t member_size(const struct tarn_yaml_field *f)
{
    switch (f->type) {
    case TARN_YAML_STRING:
        return sizeof(struct tarn_str);
    case TARN_YAML_BOOL:
        return sizeof(bool);
    case TARN_YAML_INT:
    case TARN_YAML_DURATION:
        return sizeof(int64_t);
    case TARN_YAML_NUMBER:
        return sizeof(double);
    case TARN_YAML_SIZE:
        return sizeof(uint64_t);
    case TARN_YAML_ENUM:
        return sizeof(int);
    case TARN_YAML_LIST:
        return sizeof(struct tarn_yaml_list);
    case TARN_YAML_MAP:
        return sizeof(struct tarn_yaml_map);
    case TARN_YAML_MAPPING:
        return f->sub->size;
    case TARN_YAML_MAPPING_PTR:
    case TARN_YAML_ANY:
    case TARN_YAML_SELF:
        return sizeof(void *);
    }
    tarn_assert_failed("a known field type", __FILE__, __LINE__);
}

/* An element of a list or map: null only where that can mean something. */
static enum tarn_status fill_element(struct tarn_op *op, const struct tarn_yaml *node,
                                     const struct tarn_yaml_field *f, void *member)
{
    struct path path;
    bool may_be_null = f->type == TARN_YAML_ANY || f->type == TARN_YAML_MAPPING;
    if (tarn_yaml_is_null(node) && !may_be_null)
        return tarn_yaml_fail(op, node, "%s has no value", path_of(node, &path));
    return fill_value(op, node, f, member);
}

static enum tarn_status fill_elements(struct tarn_op *op, const struct tarn_yaml *first,
                                      size_t count, const struct tarn_yaml_field *elem,
                                      void **out_items)
{
    size_t size = member_size(elem);
    char *items = tarn_alloc_array(op, count, size);
    if (!items)
        return TARN_NOMEM;
    *out_items = items;
    for (size_t i = 0; i < count; i++, first = first->next)
        TARN_TRY(fill_element(op, first, elem, items + i * size));
    return TARN_OK;
}

static enum tarn_status fill_list(struct tarn_op *op, const struct tarn_yaml *node,
                                  const struct tarn_yaml_field *f, struct tarn_yaml_list *list)
{
    list->node = node;
    if (node->kind == TARN_YAML_K_SEQUENCE) {
        list->count = node->count;
        return fill_elements(op, node->first, node->count, f->elem, &list->items);
    }
    if (!f->one_is_list)
        return fail_form(op, node, "a list", NULL);
    list->count = 1;
    return fill_elements(op, node, 1, f->elem, &list->items);
}

static enum tarn_status fill_map(struct tarn_op *op, const struct tarn_yaml *node,
                                 const struct tarn_yaml_field *f, struct tarn_yaml_map *map)
{
    struct tarn_str *names;
    if (node->kind != TARN_YAML_K_MAPPING)
        return fail_form(op, node, "a mapping", NULL);
    map->node = node;
    map->count = node->count;
    TARN_NEW_ARRAY(op, names, node->count);
    map->names = names;
    for (const struct tarn_yaml *c = node->first; c; c = c->next)
        *names++ = c->key;
    return fill_elements(op, node->first, node->count, f->elem, &map->items);
}

static enum tarn_status fill_value(struct tarn_op *op, const struct tarn_yaml *node,
                                   const struct tarn_yaml_field *f, void *member)
{
    void *sub;
    switch (f->type) {
    case TARN_YAML_LIST:
        return fill_list(op, node, f, member);
    case TARN_YAML_MAP:
        return fill_map(op, node, f, member);
    case TARN_YAML_MAPPING:
        return tarn_yaml_fill(op, node, f->sub, member);
    case TARN_YAML_MAPPING_PTR:
        sub = tarn_alloc(op, f->sub->size);
        if (!sub)
            return TARN_NOMEM;
        *(void **)member = sub;
        return tarn_yaml_fill(op, node, f->sub, sub);
    case TARN_YAML_ANY:
    case TARN_YAML_SELF:
        *(const struct tarn_yaml **)member = node;
        return TARN_OK;
    default:
        return fill_scalar(op, node, f, member);
    }
}

/* What a mapping that is not there, or a key that is not in it, leaves in the struct. */
static void fill_default(const struct tarn_yaml_field *f, void *member)
{
    if (f->preset) {
        const char *why, *wrong = parse_scalar(tarn_str_view(f->preset), f, member, &why);
        TARN_ASSERT(!wrong);
    } else if (f->type == TARN_YAML_MAPPING) {
        for (size_t i = 0; i < f->sub->count; i++)
            fill_default(&f->sub->fields[i], (char *)member + f->sub->fields[i].offset);
    }
}

static enum tarn_status fill_field(struct tarn_op *op, const struct tarn_yaml *node,
                                   const struct tarn_yaml_field *f, char *out)
{
    if (f->type == TARN_YAML_SELF)
        return fill_value(op, node, f, out + f->offset);
    const struct tarn_yaml *value = tarn_yaml_get(node, f->name);
    if (value) {
        if (f->has_offset)
            *(bool *)(void *)(out + f->has_offset) = true;
        return fill_value(op, value, f, out + f->offset);
    }
    if (f->required)
        return fail_missing(op, node, f);
    fill_default(f, out + f->offset);
    return TARN_OK;
}

static bool has_field(const struct tarn_yaml_schema *schema, struct tarn_str key)
{
    for (size_t i = 0; i < schema->count; i++)
        if (schema->fields[i].name && tarn_str_is(key, schema->fields[i].name))
            return true;
    return false;
}

enum tarn_status tarn_yaml_fill(struct tarn_op *op, const struct tarn_yaml *node,
                                const struct tarn_yaml_schema *schema, void *out)
{
    TARN_ASSERT(schema->count <= FIELDS_MAX);
    memset(out, 0, schema->size);
    if (node->kind != TARN_YAML_K_MAPPING && !tarn_yaml_is_null(node))
        return fail_form(op, node, "a mapping", NULL);
    for (const struct tarn_yaml *c = node->first; c; c = c->next)
        if (!has_field(schema, c->key))
            return fail_unknown(op, c, schema);
    for (size_t i = 0; i < schema->count; i++)
        TARN_TRY(fill_field(op, node, &schema->fields[i], out));
    return schema->check ? schema->check(op, node, out) : TARN_OK;
}

/* ---- documentation */

static void doc_type(struct tarn_buf *b, const struct tarn_yaml_field *f)
{
    static const char *const words[] = {
        [TARN_YAML_STRING] = "text",   [TARN_YAML_BOOL] = "true or false",
        [TARN_YAML_INT] = "integer",   [TARN_YAML_NUMBER] = "number",
        [TARN_YAML_SIZE] = "size",     [TARN_YAML_DURATION] = "duration",
        [TARN_YAML_LIST] = "list of ", [TARN_YAML_MAP] = "map of name to ",
        [TARN_YAML_ANY] = "any",
    };
    if (f->type == TARN_YAML_ENUM)
        enum_names(b, f->names, " or ");
    else if (f->type == TARN_YAML_MAPPING || f->type == TARN_YAML_MAPPING_PTR)
        tarn_buf_printf(b, "[%s](#%s)", f->sub->title, f->sub->title);
    else
        tarn_buf_z(b, words[f->type]);
    if (f->type == TARN_YAML_INT && (f->min != 0 || f->max != 0))
        tarn_buf_printf(b, ", %" PRId64 " to %" PRId64, f->min, f->max);
    if (f->elem)
        doc_type(b, f->elem);
}

static const struct tarn_yaml_schema *schema_within(const struct tarn_yaml_field *f)
{
    while (f->elem)
        f = f->elem;
    return f->sub;
}

static void doc_table(struct tarn_buf *b, const struct tarn_yaml_schema *schema)
{
    tarn_buf_printf(b, "## %s\n\n", schema->title);
    if (schema->doc)
        tarn_buf_printf(b, "%s\n\n", schema->doc);
    tarn_buf_z(b, "| key | value | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < schema->count; i++) {
        const struct tarn_yaml_field *f = &schema->fields[i];
        if (!f->name)
            continue;
        tarn_buf_printf(b, "| `%s` | ", f->name);
        doc_type(b, f);
        if (f->preset)
            tarn_buf_printf(b, " | `%s`", f->preset);
        else
            tarn_buf_z(b, f->required ? " | required" : " | ");
        tarn_buf_printf(b, " | %s |\n", f->doc ? f->doc : "");
    }
}

void tarn_yaml_schema_doc(struct tarn_buf *b, const struct tarn_yaml_schema *schema)
{
    const struct tarn_yaml_schema *seen[64] = {schema};
    size_t count = 1;
    for (size_t i = 0; i < count; i++) {
        tarn_buf_z(b, i ? "\n" : "");
        doc_table(b, seen[i]);
        for (size_t k = 0; k < seen[i]->count; k++) {
            const struct tarn_yaml_schema *sub = schema_within(&seen[i]->fields[k]);
            size_t at = 0;
            while (at < count && seen[at] != sub)
                at++;
            if (sub && at == count && count < sizeof seen / sizeof *seen)
                seen[count++] = sub;
        }
    }
}

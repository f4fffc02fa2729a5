/* names: words, lists and types that several parts of a project check alike. */
#include "project/project_int.h"

#include <ctype.h>
#include <stdio.h>

#define LIST_MAX  1000
#define NAMES_MAX 4096 /* looked at for "did you mean" */

const struct tarn_yaml_field tarn__text_field = {.type = TARN_YAML_STRING};
const struct tarn_yaml_field tarn__any_field = {.type = TARN_YAML_ANY};

bool tarn__name_ok(struct tarn_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (!isalnum(c) && c != '_' && c != '-' && c < 0x80)
            return false;
    }
    return name.len > 0 && name.len <= 200;
}

size_t tarn__side_suffix(struct tarn_str name)
{
    static const char *const suffixes[] = {"__files", "__dead_letters"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        struct tarn_str suffix = tarn_str_view(suffixes[i]);
        if (name.len > suffix.len &&
            tarn_str_eq_nocase(tarn_str_of(name.ptr + name.len - suffix.len, suffix.len), suffix))
            return suffix.len;
    }
    return 0;
}

static bool not_empty(struct tarn_str part)
{
    return part.len > 0;
}

/* Does each part between dots pass? */
static bool parts_ok(struct tarn_str text, bool (*ok)(struct tarn_str))
{
    struct tarn_str part;
    do {
        (void)tarn_str_cut(&text, '.', &part);
        if (!ok(part))
            return false;
    } while (text.ptr);
    return true;
}

enum tarn_status tarn__ident_parse(struct tarn_op *op, const struct tarn_yaml *node,
                                   struct tarn_str text, struct tarn_ident *out)
{
    const char *dot = text.len > 0 ? memrchr(text.ptr, '.', text.len) : NULL;
    if (!dot || !parts_ok(text, tarn__name_ok)) {
        enum tarn_status status = tarn_yaml_fail(
            op, node, "\"%.*s\" is no table name: write namespace.table", TARN_STR_ARG(text));
        tarn_hint(op, "names are made of letters, digits, _ and -");
        return status;
    }
    size_t before = (size_t)(dot - text.ptr);
    out->ns = tarn_strdup(op, tarn_str_of(text.ptr, before));
    out->name = tarn_strdup(op, tarn_str_of(dot + 1, text.len - before - 1));
    return out->ns.ptr && out->name.ptr ? TARN_OK : TARN_NOMEM;
}

struct tarn_str tarn__ident_text(struct tarn_op *op, struct tarn_ident ident)
{
    if (!ident.ns.ptr)
        return tarn_strdup(op, ident.name);
    return tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
}

const char *tarn__nearest(struct tarn_op *op, struct tarn_str name, const struct tarn_str *names,
                          size_t count)
{
    const char **z;
    if (count > NAMES_MAX)
        count = NAMES_MAX;
    z = tarn_alloc_array(op, count + 1, sizeof *z);
    if (!z) {
        tarn_clear(op); /* only a hint is lost */
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        z[i] = names[i].ptr;
    return tarn_str_nearest(name, z, count);
}

/* ---- places */

struct tarn_place tarn_place_of(const struct tarn_yaml *node)
{
    if (!node)
        return (struct tarn_place){0};
    return (struct tarn_place){node->source->file, node->source->text, node->line, node->column};
}

enum tarn_status tarn_place_fail(struct tarn_op *op, enum tarn_status status,
                                 struct tarn_place place, const char *fmt, ...)
{
    struct tarn_report *r = &op->report;
    va_list ap;
    va_start(ap, fmt);
    (void)tarn_vfail(op, status, fmt, ap);
    va_end(ap);
    if (!place.file.ptr)
        return status;
    struct tarn_str rest = place.text;
    struct tarn_str line = TARN_STR("");
    for (int i = 0; i < place.line && rest.ptr; i++)
        (void)tarn_str_cut(&rest, '\n', &line);
    char text[sizeof r->source_line], file[sizeof r->file];
    (void)snprintf(text, sizeof text, "%.*s", TARN_STR_ARG(line));
    (void)snprintf(file, sizeof file, "%.*s", TARN_STR_ARG(place.file));
    tarn_place(op, file, place.line, place.column, NULL);
    (void)snprintf(r->source_line, sizeof r->source_line, "%s", text);
    return status;
}

const struct tarn_yaml *tarn_strs_node(const struct tarn_strs *list, size_t index)
{
    const struct tarn_yaml *node = list->node;
    if (!node || node->kind != TARN_YAML_K_SEQUENCE)
        return node;
    for (node = node->first; node && index > 0; node = node->next)
        index--;
    return node ? node : list->node;
}

/* ---- filled lists and maps */

enum tarn_status tarn__strs_of(struct tarn_op *op, const struct tarn_yaml_list *list,
                               struct tarn_strs *out)
{
    const struct tarn_str *items = list->items;
    *out = (struct tarn_strs){.node = list->node};
    if (list->count > LIST_MAX)
        return tarn_yaml_fail(op, list->node, "a list of more than %d names", LIST_MAX);
    TARN_NEW_ARRAY(op, out->items, list->count);
    for (size_t i = 0; i < list->count; i++) {
        out->items[i] = tarn_strdup(op, tarn_str_trim(items[i]));
        out->count = i + 1;
        if (!out->items[i].ptr)
            return TARN_NOMEM;
        if (out->items[i].len == 0)
            return tarn_yaml_fail(op, tarn_strs_node(out, i), "an empty text in a list of names");
        for (size_t k = 0; k < i; k++)
            if (tarn_str_eq(out->items[k], out->items[i]))
                return tarn_yaml_fail(op, tarn_strs_node(out, i),
                                      "\"%.*s\" stands twice in the list",
                                      TARN_STR_ARG(out->items[i]));
    }
    return TARN_OK;
}

struct tarn_kvs tarn__kvs_of(struct tarn_op *op, const struct tarn_yaml_map *map)
{
    const struct tarn_str *values = map->items;
    struct tarn_kvs out = {.count = map->count};
    out.items = tarn_alloc_array(op, map->count, sizeof *out.items);
    for (size_t i = 0; out.items && i < map->count; i++)
        out.items[i] = (struct tarn_kv){map->names[i], values[i]};
    return out;
}

static enum tarn_status declare(struct tarn_op *op, const struct tarn_yaml *node,
                                struct tarn_str text, struct tarn_declared *out)
{
    out->path = node->key;
    if (!parts_ok(node->key, not_empty))
        return tarn_yaml_fail_key(op, node, "\"%.*s\" is no path of a column",
                                  TARN_STR_ARG(node->key));
    enum tarn_status status = tarn_type_parse(op, text, &out->type);
    if (status == TARN_OK || status == TARN_NOMEM)
        return status;
    char message[TARN_REPORT_TEXT], hint[TARN_REPORT_TEXT];
    memcpy(message, op->report.message, sizeof message);
    memcpy(hint, op->report.hint, sizeof hint);
    status = tarn_yaml_fail(op, node, "%s", message);
    if (hint[0])
        tarn_hint(op, "%s", hint);
    return status;
}

enum tarn_status tarn__declared_of(struct tarn_op *op, const struct tarn_yaml_map *map,
                                   struct tarn_declared **out, size_t *out_count)
{
    const struct tarn_str *texts = map->items;
    struct tarn_declared *items;
    *out = NULL;
    *out_count = 0;
    if (map->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, items, map->count);
    const struct tarn_yaml *node = map->node->first;
    for (size_t i = 0; i < map->count; i++, node = node->next)
        TARN_TRY(declare(op, node, texts[i], &items[i]));
    *out = items;
    *out_count = map->count;
    return TARN_OK;
}

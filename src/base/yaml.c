/* yaml: libyaml's events into a tree with places. See yaml.h.
 *
 * libyaml counts lines and columns from 0 within the bytes that it was given; `shift_*` turn
 * them into places of the file. Nothing of libyaml's is kept: texts are copied into op->arena.
 */
#include "base/yaml.h"

#include <yaml.h>

#include "base/arena.h"
#include "base/base_int.h"

struct load {
    struct tarn_op *op;
    const struct tarn_yaml_source *source;
    yaml_parser_t parser;
    int shift_line, shift_column; /* of the first byte of the YAML in the file, from 0 */
    struct tarn_yaml *open[TARN_YAML_DEPTH_MAX];
    struct tarn_yaml *last[TARN_YAML_DEPTH_MAX];
    int depth;
    size_t nodes;
    bool have_key; /* the next value of the open mapping has its key */
    struct tarn_yaml key;
    struct tarn_yaml *root;
};

/* ---- failures with a place */

static enum tarn_status source_status(const struct tarn_yaml_source *source)
{
    return source->status == TARN_OK ? TARN_CONFIG : source->status;
}

static void place(struct tarn_op *op, const struct tarn_yaml_source *source, int line, int column)
{
    char file[sizeof op->report.file];
    size_t n = source->file.len < sizeof file ? source->file.len : sizeof file - 1;
    if (n > 0)
        memcpy(file, source->file.ptr, n);
    file[n] = '\0';
    tarn__place_in(op, file, line, column, source->text);
}

static void mark_place(const struct load *l, yaml_mark_t mark, int *out_line, int *out_column)
{
    *out_line = (int)mark.line + l->shift_line + 1;
    *out_column = (int)mark.column + (mark.line == 0 ? l->shift_column : 0) + 1;
}

static enum tarn_status fail_mark(struct load *l, yaml_mark_t mark, enum tarn_status status,
                                  const char *fmt, ...) TARN_PRINTF(4, 5);
static enum tarn_status fail_mark(struct load *l, yaml_mark_t mark, enum tarn_status status,
                                  const char *fmt, ...)
{
    int line, column;
    va_list ap;
    va_start(ap, fmt);
    (void)tarn_vfail(l->op, status, fmt, ap);
    va_end(ap);
    mark_place(l, mark, &line, &column);
    place(l->op, l->source, line, column);
    return status;
}

static enum tarn_status fail_event(struct load *l, const yaml_event_t *event, const char *message)
{
    return fail_mark(l, event->start_mark, source_status(l->source), "%s", message);
}

static enum tarn_status fail_parser(struct load *l)
{
    const yaml_parser_t *p = &l->parser;
    const char *problem = p->problem ? p->problem : "unknown problem";
    if (p->error == YAML_MEMORY_ERROR)
        return tarn_fail(l->op, TARN_NOMEM, "could not parse YAML: out of memory");
    if (p->error == YAML_READER_ERROR) { /* has a byte offset, no mark */
        (void)tarn_fail(l->op, source_status(l->source), "not valid YAML: %s", problem);
        size_t offset = l->source->begin + p->problem_offset;
        char file[sizeof l->op->report.file];
        size_t n = l->source->file.len < sizeof file ? l->source->file.len : sizeof file - 1;
        memcpy(file, n ? l->source->file.ptr : "", n);
        file[n] = '\0';
        tarn_place_offset(l->op, file, l->source->text, offset);
        return l->op->report.status;
    }
    enum tarn_status status =
        fail_mark(l, p->problem_mark, source_status(l->source), "not valid YAML: %s", problem);
    if (p->context)
        tarn_detail(l->op, "%s that began at line %d", p->context,
                    (int)p->context_mark.line + l->shift_line + 1);
    return status;
}

enum tarn_status tarn_yaml_place(struct tarn_op *op, const struct tarn_yaml *node)
{
    place(op, node->source, node->line, node->column);
    return op->report.status;
}

enum tarn_status tarn_yaml_fail(struct tarn_op *op, const struct tarn_yaml *node, const char *fmt,
                                ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)tarn_vfail(op, source_status(node->source), fmt, ap);
    va_end(ap);
    return tarn_yaml_place(op, node);
}

enum tarn_status tarn_yaml_fail_key(struct tarn_op *op, const struct tarn_yaml *node,
                                    const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)tarn_vfail(op, source_status(node->source), fmt, ap);
    va_end(ap);
    if (!node->key.ptr)
        return tarn_yaml_place(op, node);
    place(op, node->source, node->key_line, node->key_column);
    return op->report.status;
}

/* ---- building */

static enum tarn_status node_new(struct load *l, const yaml_event_t *event,
                                 enum tarn_yaml_kind kind, struct tarn_yaml **out)
{
    struct tarn_yaml *node;
    if (++l->nodes > TARN_YAML_NODES_MAX)
        return fail_mark(l, event->start_mark, TARN_LIMIT, "the YAML text has more than %d values",
                         TARN_YAML_NODES_MAX);
    TARN_NEW(l->op, node);
    node->kind = kind;
    node->source = l->source;
    mark_place(l, event->start_mark, &node->line, &node->column);
    *out = node;
    return TARN_OK;
}

/* Hangs the node into the open container, behind its elder siblings. */
static void attach(struct load *l, struct tarn_yaml *node)
{
    if (l->depth == 0) {
        l->root = node;
        return;
    }
    struct tarn_yaml *parent = l->open[l->depth - 1], *last = l->last[l->depth - 1];
    if (l->have_key) {
        node->key = l->key.text;
        node->key_line = l->key.line;
        node->key_column = l->key.column;
        l->have_key = false;
    }
    node->parent = parent;
    if (last)
        last->next = node;
    else
        parent->first = node;
    l->last[l->depth - 1] = node;
    parent->count++;
}

static bool wants_key(const struct load *l)
{
    return l->depth > 0 && l->open[l->depth - 1]->kind == TARN_YAML_K_MAPPING && !l->have_key;
}

static enum tarn_status take_scalar(struct load *l, const yaml_event_t *event)
{
    struct tarn_str text = tarn_str_of(event->data.scalar.value, event->data.scalar.length);
    struct tarn_str copy = tarn_strdup(l->op, text);
    if (!copy.ptr)
        return TARN_NOMEM;
    if (wants_key(l)) {
        l->key.text = copy;
        mark_place(l, event->start_mark, &l->key.line, &l->key.column);
        l->have_key = true;
        return TARN_OK;
    }
    struct tarn_yaml *node;
    TARN_TRY(node_new(l, event, TARN_YAML_K_SCALAR, &node));
    node->text = copy;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    attach(l, node);
    return TARN_OK;
}

static enum tarn_status open_container(struct load *l, const yaml_event_t *event,
                                       enum tarn_yaml_kind kind)
{
    struct tarn_yaml *node;
    if (wants_key(l))
        return fail_event(l, event, "a key must be a plain or quoted text");
    if (l->depth == TARN_YAML_DEPTH_MAX)
        return fail_mark(l, event->start_mark, TARN_LIMIT, "YAML nested deeper than %d levels",
                         TARN_YAML_DEPTH_MAX);
    TARN_TRY(node_new(l, event, kind, &node));
    attach(l, node);
    l->last[l->depth] = NULL;
    l->open[l->depth++] = node;
    return TARN_OK;
}

static enum tarn_status fail_duplicate(struct load *l, const struct tarn_yaml *second)
{
    const struct tarn_yaml *first = second->parent->first;
    while (!tarn_str_eq(first->key, second->key))
        first = first->next;
    return tarn_yaml_fail_key(l->op, second, "key \"%.*s\" stands twice; the first is in line %d",
                              TARN_STR_ARG(second->key), first->key_line);
}

static enum tarn_status close_mapping(struct load *l)
{
    const struct tarn_yaml *node = l->open[--l->depth];
    struct tarn_arena_mark mark = tarn_arena_mark(l->op->scratch);
    struct tarn__keyset keys;
    if (!tarn__keyset_init(&keys, l->op->scratch, node->count))
        return tarn_fail(l->op, TARN_NOMEM, "could not allocate memory for the keys of a mapping");
    const struct tarn_yaml *second = node->first;
    while (second && tarn__keyset_add(&keys, second->key))
        second = second->next;
    tarn_arena_rewind(l->op->scratch, mark);
    return second ? fail_duplicate(l, second) : TARN_OK;
}

/* Anchors and tags: what no configuration needs, and what makes small texts into huge trees. */
static enum tarn_status check_decoration(struct load *l, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor)
        return fail_event(l, event, "anchors (&name) are not supported: write the value out");
    if (tag)
        return fail_event(l, event,
                          "tags (!name) are not supported: quote a text that starts with '!'");
    return TARN_OK;
}

static enum tarn_status take_event(struct load *l, const yaml_event_t *event)
{
    TARN_TRY(check_decoration(l, event));
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (l->root)
            return fail_event(l, event, "a second document (---) is not allowed here");
        return TARN_OK;
    case YAML_ALIAS_EVENT:
        return fail_event(l, event,
                          "aliases (*name) are not supported: quote a text that starts with '*'");
    case YAML_SCALAR_EVENT:
        return take_scalar(l, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_container(l, event, TARN_YAML_K_SEQUENCE);
    case YAML_MAPPING_START_EVENT:
        return open_container(l, event, TARN_YAML_K_MAPPING);
    case YAML_SEQUENCE_END_EVENT:
        l->depth--;
        return TARN_OK;
    case YAML_MAPPING_END_EVENT:
        return close_mapping(l);
    default:
        return TARN_OK;
    }
}

static enum tarn_status run(struct load *l)
{
    enum tarn_status status = TARN_OK;
    for (bool over = false; !over && status == TARN_OK;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&l->parser, &event))
            return fail_parser(l);
        over = event.type == YAML_STREAM_END_EVENT;
        status = take_event(l, &event);
        if (over && status == TARN_OK && !l->root) { /* nothing but comments */
            status = node_new(l, &event, TARN_YAML_K_SCALAR, &l->root);
            if (status == TARN_OK) {
                l->root->plain = true;
                l->root->text = TARN_STR("");
            }
        }
        yaml_event_delete(&event);
    }
    return status;
}

static enum tarn_status source_copy(struct tarn_op *op, const struct tarn_yaml_source *source,
                                    struct tarn_yaml_source **out)
{
    struct tarn_yaml_source *copy;
    TARN_NEW(op, copy);
    *copy = *source;
    copy->file = tarn_strdup(op, source->file);
    if (!copy->file.ptr)
        return TARN_NOMEM;
    if (copy->end == 0)
        copy->end = copy->text.len;
    TARN_ASSERT(copy->begin <= copy->end && copy->end <= copy->text.len);
    *out = copy;
    return TARN_OK;
}

enum tarn_status tarn_yaml_load(struct tarn_op *op, const struct tarn_yaml_source *source,
                                struct tarn_yaml **out)
{
    struct load l = {.op = op};
    struct tarn_yaml_source *copy;
    TARN_TRY(source_copy(op, source, &copy));
    l.source = copy;
    size_t size = copy->end - copy->begin;
    if (size > TARN_YAML_SIZE_MAX) {
        (void)tarn_fail(op, TARN_LIMIT, "the YAML text is larger than %zu bytes",
                        TARN_YAML_SIZE_MAX);
        place(op, copy, 1, 1);
        return TARN_LIMIT;
    }
    for (size_t i = 0; i < copy->begin; i++) {
        unsigned char c = (unsigned char)copy->text.ptr[i];
        l.shift_line += c == '\n';
        l.shift_column = c == '\n' ? 0 : l.shift_column + ((c & 0xC0) != 0x80);
    }
    if (!yaml_parser_initialize(&l.parser))
        return tarn_fail(op, TARN_NOMEM, "could not parse YAML: out of memory");
    yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
    const char *begin = size ? copy->text.ptr + copy->begin : "";
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)begin, size);
    enum tarn_status status = run(&l);
    yaml_parser_delete(&l.parser);
    if (status == TARN_OK)
        *out = l.root;
    return status;
}

/* ---- looking */

bool tarn_yaml_is_null(const struct tarn_yaml *node)
{
    if (node->kind != TARN_YAML_K_SCALAR || !node->plain)
        return false;
    return node->text.len == 0 || tarn_str_is(node->text, "~") || tarn_str_is(node->text, "null");
}

const struct tarn_yaml *tarn_yaml_get(const struct tarn_yaml *mapping, const char *key)
{
    if (!mapping || mapping->kind != TARN_YAML_K_MAPPING)
        return NULL;
    for (const struct tarn_yaml *c = mapping->first; c; c = c->next)
        if (tarn_str_is(c->key, key))
            return tarn_yaml_is_null(c) ? NULL : c;
    return NULL;
}

void tarn_yaml_path(struct tarn_buf *b, const struct tarn_yaml *node)
{
    const struct tarn_yaml *steps[TARN_YAML_DEPTH_MAX + 1];
    size_t count = 0;
    for (; node && node->parent; node = node->parent)
        steps[count++] = node;
    for (size_t i = count; i > 0; i--) {
        const struct tarn_yaml *step = steps[i - 1];
        if (step->key.ptr) {
            tarn_buf_printf(b, "%s%.*s", i == count ? "" : ".", TARN_STR_ARG(step->key));
            continue;
        }
        size_t index = 0;
        for (const struct tarn_yaml *c = step->parent->first; c != step; c = c->next)
            index++;
        tarn_buf_printf(b, "[%zu]", index);
    }
}

/* select: dbt's spelling of what to run. The grammar stands in project.h.
 *
 * Words pick tables and, by their own names, checks. Checks of picked tables are added at the end,
 * when it is known which tables remain after --exclude.
 */
#include "project/project_int.h"

#include <ctype.h>
#include <fnmatch.h>

#define WORD_MAX  1024
#define DEPTH_ALL INT64_MAX

enum method { BY_NAME, BY_TAG, BY_PATH, BY_SOURCE };
static const char *const method_names[] = {"name", "tag", "path", "source"};

/* One word between spaces and commas. Depth -1: no "+" on that side. */
struct word {
    struct tarn_str text; /* as written */
    enum method method;
    struct tarn_str value; /* zero-terminated */
    int64_t up, down;
};

/* ---- reading a word */

static enum tarn_status fail_word(struct tarn_op *op, struct tarn_str text, const char *why)
{
    return tarn_fail(op, TARN_USAGE, "cannot read selector \"%.*s\": %s", TARN_STR_ARG(text), why);
}

static size_t count_digits(struct tarn_str s)
{
    size_t n = 0;
    while (n < s.len && isdigit((unsigned char)s.ptr[n]))
        n++;
    return n;
}

/* "+" or "2+" off the front. */
static bool take_up(struct tarn_str *s, int64_t *out)
{
    size_t digits = count_digits(*s);
    *out = -1;
    if (digits == s->len || s->ptr[digits] != '+')
        return true;
    *out = DEPTH_ALL;
    bool ok = digits == 0 || tarn_str_to_i64(tarn_str_of(s->ptr, digits), out);
    *s = tarn_str_of(s->ptr + digits + 1, s->len - digits - 1);
    return ok;
}

/* "+" or "+2" off the end. */
static bool take_down(struct tarn_str *s, int64_t *out)
{
    size_t digits = 0;
    *out = -1;
    while (digits < s->len && isdigit((unsigned char)s->ptr[s->len - 1 - digits]))
        digits++;
    if (digits == s->len || s->ptr[s->len - 1 - digits] != '+')
        return true;
    *out = DEPTH_ALL;
    bool ok = digits == 0 || tarn_str_to_i64(tarn_str_of(s->ptr + s->len - digits, digits), out);
    s->len -= digits + 1;
    return ok;
}

static enum tarn_status take_method(struct tarn_op *op, struct tarn_str s, struct word *w)
{
    struct tarn_str method, value = s;
    w->method = s.len > 0 && memchr(s.ptr, '/', s.len) ? BY_PATH : BY_NAME;
    if (tarn_str_cut(&value, ':', &method)) {
        size_t k = BY_TAG;
        while (k <= BY_SOURCE && !tarn_str_is(method, method_names[k]))
            k++;
        if (k > BY_SOURCE) {
            const char *nearest = tarn_str_nearest(method, method_names + BY_TAG, 3);
            (void)fail_word(op, w->text, "methods are tag:, path: and source:");
            if (nearest)
                tarn_hint(op, "did you mean \"%s:\"?", nearest);
            return TARN_USAGE;
        }
        w->method = (enum method)k;
    } else {
        value = s;
    }
    if (value.len == 0)
        return fail_word(op, w->text, "a name is missing");
    if (w->method == BY_PATH && tarn_str_starts(value, TARN_STR("./")))
        value = tarn_str_of(value.ptr + 2, value.len - 2);
    while (w->method == BY_PATH && value.len > 1 && value.ptr[value.len - 1] == '/')
        value.len--;
    w->value = tarn_strdup(op, value);
    return w->value.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status word_read(struct tarn_op *op, struct tarn_str text, struct word *w)
{
    struct tarn_str s = text;
    *w = (struct word){.text = text};
    if (text.len > WORD_MAX)
        return tarn_fail(op, TARN_USAGE, "a selector is longer than %d bytes", WORD_MAX);
    if (text.len > 0 && text.ptr[0] == '@')
        return fail_word(op, text, "\"@\" is not in this version, write \"+name+\"");
    if (!take_up(&s, &w->up) || !take_down(&s, &w->down))
        return fail_word(op, text, "the number of steps is too large");
    return take_method(op, s, w);
}

/* ---- what a word matches */

static bool like(const struct word *w, struct tarn_str name)
{
    return name.ptr && fnmatch(w->value.ptr, name.ptr, 0) == 0;
}

static bool tags_like(const struct word *w, const struct tarn_strs *tags)
{
    for (size_t i = 0; i < tags->count; i++)
        if (like(w, tags->items[i]))
            return true;
    return false;
}

static const struct tarn_strs *tags_of(const struct tarn_node *n)
{
    return n->kind == TARN_NODE_INGEST  ? &n->ingest->tags
           : n->kind == TARN_NODE_MODEL ? &n->model->tags
                                        : &n->check->tags;
}

/* source:x or source:x.stream */
static bool source_like(const struct word *w, const struct tarn_node *n)
{
    if (n->kind != TARN_NODE_INGEST)
        return false;
    struct tarn_str rest = w->value, source = n->ingest->source_name;
    if (like(w, source))
        return true;
    char both[2 * 256];
    if (source.len + n->ingest->stream.len + 2 > sizeof both)
        return false;
    memcpy(both, source.ptr, source.len);
    both[source.len] = '.';
    memcpy(both + source.len + 1, n->ingest->stream.ptr, n->ingest->stream.len);
    both[source.len + 1 + n->ingest->stream.len] = '\0';
    return memchr(rest.ptr, '.', rest.len) && fnmatch(rest.ptr, both, 0) == 0;
}

static bool path_like(const struct word *w, struct tarn_str path)
{
    if (like(w, path))
        return true;
    return path.len > w->value.len && path.ptr[w->value.len] == '/' &&
           tarn_str_starts(path, w->value);
}

static bool name_like(const struct word *w, const struct tarn_node *n)
{
    if (like(w, n->id))
        return true;
    if (n->kind == TARN_NODE_CHECK)
        return like(w, n->check->name);
    return like(w, n->ident.name) || like(w, n->ident.ns);
}

static bool matches(const struct word *w, const struct tarn_node *n)
{
    switch (w->method) {
    case BY_NAME:
        return name_like(w, n);
    case BY_TAG:
        return tags_like(w, tags_of(n));
    case BY_PATH: /* checks of a table come with it: only check queries have files of their own */
        return (n->kind != TARN_NODE_CHECK || n->check->kind == TARN_CHECK_SQL) &&
               path_like(w, n->path);
    case BY_SOURCE:
        return source_like(w, n);
    }
    return false;
}

/* ---- nothing matched */

/* All that the word could have named. */
static size_t candidates(const struct word *w, const struct tarn_graph *g, struct tarn_str *out)
{
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct tarn_node *node = &g->nodes[i];
        if (w->method == BY_TAG) {
            const struct tarn_strs *tags = tags_of(node);
            for (size_t k = 0; k < tags->count; k++)
                out[n++] = tags->items[k];
        } else if (w->method == BY_PATH) {
            out[n++] = node->path;
        } else if (w->method == BY_SOURCE) {
            if (node->kind == TARN_NODE_INGEST)
                out[n++] = node->ingest->source_name;
        } else if (node->kind != TARN_NODE_CHECK) {
            out[n++] = memchr(w->value.ptr, '.', w->value.len) ? node->id : node->ident.name;
            out[n++] = node->ident.ns;
        } else {
            out[n++] = node->check->name;
        }
    }
    return n;
}

static enum tarn_status fail_unmatched(struct tarn_op *op, const struct tarn_graph *g,
                                       const struct word *w)
{
    static const char *const whats[] = {"is named", "has the tag", "lies at", "comes from source"};
    size_t room = 2 * g->count;
    for (size_t i = 0; i < g->count; i++)
        room += tags_of(&g->nodes[i])->count;
    struct tarn_str *names;
    TARN_NEW_ARRAY(op, names, room);
    const char *nearest = tarn__nearest(op, w->value, names, candidates(w, g, names));
    (void)tarn_fail(op, TARN_USAGE, "nothing in the project %s \"%.*s\"", whats[w->method],
                    TARN_STR_ARG(w->value));
    if (nearest)
        tarn_hint(op, "did you mean \"%s\"?", nearest);
    return TARN_USAGE;
}

/* ---- sets of nodes */

/* Adds what lies up to `depth` steps up or down from the nodes of `set`. Downwards checks are left
 * out: they come with their tables. */
static enum tarn_status spread(struct tarn_op *op, const struct tarn_graph *g, bool *set,
                               int64_t depth, bool up)
{
    size_t *queue, head = 0, tail = 0;
    int64_t *steps;
    TARN_NEW_ARRAY(op, queue, g->count);
    TARN_NEW_ARRAY(op, steps, g->count);
    for (size_t i = 0; i < g->count; i++)
        if (set[i])
            queue[tail++] = i;
    while (head < tail) {
        const struct tarn_node *n = &g->nodes[queue[head++]];
        size_t count = up ? n->parent_count : n->child_count;
        for (size_t k = 0; k < count && steps[n->index] < depth; k++) {
            const struct tarn_node *other = up ? n->parents[k] : n->children[k];
            if (set[other->index] || (!up && other->kind == TARN_NODE_CHECK))
                continue;
            set[other->index] = true;
            steps[other->index] = steps[n->index] + 1;
            queue[tail++] = other->index;
        }
    }
    return TARN_OK;
}

static enum tarn_status word_set(struct tarn_op *op, const struct tarn_graph *g,
                                 struct tarn_str text, bool *set)
{
    struct word w;
    bool any = false, *below;
    TARN_TRY(word_read(op, text, &w));
    for (size_t i = 0; i < g->count; i++) {
        set[i] = matches(&w, &g->nodes[i]);
        any = any || set[i];
    }
    if (!any)
        return fail_unmatched(op, g, &w);
    TARN_NEW_ARRAY(op, below, g->count);
    memcpy(below, set, g->count * sizeof *set);
    if (w.up > 0)
        TARN_TRY(spread(op, g, set, w.up, true));
    if (w.down > 0)
        TARN_TRY(spread(op, g, below, w.down, false));
    for (size_t i = 0; i < g->count; i++)
        set[i] = set[i] || below[i];
    return TARN_OK;
}

/* Adds the intersection of the words between commas to `set`. */
static enum tarn_status add_intersection(struct tarn_op *op, const struct tarn_graph *g,
                                         struct tarn_str text, bool *set)
{
    bool *all, *one;
    struct tarn_str word;
    TARN_NEW_ARRAY(op, all, g->count);
    TARN_NEW_ARRAY(op, one, g->count);
    memset(all, true, g->count);
    while (text.ptr) {
        (void)tarn_str_cut(&text, ',', &word);
        TARN_TRY(word_set(op, g, word, one));
        for (size_t i = 0; i < g->count; i++)
            all[i] = all[i] && one[i];
    }
    for (size_t i = 0; i < g->count; i++)
        set[i] = set[i] || all[i];
    return TARN_OK;
}

/* The next word between spaces; false at the end. */
static bool next_word(struct tarn_str *text, struct tarn_str *out)
{
    *text = tarn_str_trim(*text);
    if (text->len == 0)
        return false;
    size_t n = 0;
    while (n < text->len && !isspace((unsigned char)text->ptr[n]))
        n++;
    *out = tarn_str_of(text->ptr, n);
    *text = tarn_str_of(text->ptr + n, text->len - n);
    return true;
}

static enum tarn_status union_of(struct tarn_op *op, const struct tarn_graph *g,
                                 const struct tarn_str *texts, size_t count, bool *set)
{
    for (size_t i = 0; i < count; i++) {
        struct tarn_str rest = texts[i], word;
        if (!next_word(&rest, &word))
            return fail_word(op, texts[i], "a name is missing");
        do {
            TARN_TRY(add_intersection(op, g, word, set));
        } while (next_word(&rest, &word));
    }
    return TARN_OK;
}

enum tarn_status tarn_selector_check(struct tarn_op *op, struct tarn_str text)
{
    struct tarn_str words, word;
    struct word w;
    if (!next_word(&text, &words))
        return fail_word(op, text, "a name is missing");
    do {
        while (words.ptr) {
            (void)tarn_str_cut(&words, ',', &word);
            TARN_TRY(word_read(op, word, &w));
        }
    } while (next_word(&text, &words));
    return TARN_OK;
}

/* ---- checks of the tables */

/* The table that a check belongs to; NULL: a query without `model:`. */
static const struct tarn_node *owner_of(const struct tarn_node *n)
{
    const struct tarn_ident *table = &n->check->table;
    for (size_t i = 0; table->name.ptr && i < n->parent_count; i++)
        if (tarn_str_eq(n->parents[i]->ident.name, table->name) &&
            tarn_str_eq(n->parents[i]->ident.ns, table->ns))
            return n->parents[i];
    return NULL;
}

/* Does a check come along, given the chosen tables and all that lies above them? */
static bool comes_along(const struct tarn_node *n, const bool *chosen, const bool *above)
{
    const struct tarn_node *owner = owner_of(n);
    bool any = false;
    if (owner)
        return chosen[owner->index];
    for (size_t i = 0; i < n->parent_count; i++) {
        size_t parent = n->parents[i]->index;
        any = any || chosen[parent];
        if (!chosen[parent] && !above[parent])
            return false;
    }
    return any;
}

/* The checks of a table that is excluded are excluded with it. */
static void exclude_checks(const struct tarn_graph *g, bool *excluded)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct tarn_node *n = &g->nodes[i];
        const struct tarn_node *owner = n->kind == TARN_NODE_CHECK ? owner_of(n) : NULL;
        excluded[i] = excluded[i] || (owner && excluded[owner->index]);
    }
}

static enum tarn_status add_checks(struct tarn_op *op, const struct tarn_graph *g,
                                   const bool *excluded, bool *chosen)
{
    bool *above;
    TARN_NEW_ARRAY(op, above, g->count);
    for (size_t i = 0; i < g->count; i++)
        above[i] = chosen[i] && g->nodes[i].kind != TARN_NODE_CHECK;
    TARN_TRY(spread(op, g, above, DEPTH_ALL, true));
    for (size_t i = 0; i < g->count; i++)
        if (g->nodes[i].kind == TARN_NODE_CHECK && !chosen[i] && !excluded[i])
            chosen[i] = comes_along(&g->nodes[i], chosen, above);
    return TARN_OK;
}

enum tarn_status tarn_graph_select(struct tarn_op *op, const struct tarn_graph *g,
                                   const struct tarn_str *select, size_t select_count,
                                   const struct tarn_str *exclude, size_t exclude_count,
                                   struct tarn_selection *out)
{
    bool *chosen, *excluded;
    TARN_NEW_ARRAY(op, chosen, g->count);
    TARN_NEW_ARRAY(op, excluded, g->count);
    TARN_TRY(union_of(op, g, select, select_count, chosen));
    TARN_TRY(union_of(op, g, exclude, exclude_count, excluded));
    exclude_checks(g, excluded);
    for (size_t i = 0; i < g->count; i++) {
        const struct tarn_node *n = &g->nodes[i];
        bool by_itself = n->kind != TARN_NODE_CHECK || n->parent_count == 0;
        if (select_count == 0)
            chosen[i] = exclude_count == 0 || by_itself;
        chosen[i] = chosen[i] && !excluded[i];
    }
    TARN_TRY(add_checks(op, g, excluded, chosen));
    *out = (struct tarn_selection){.chosen = chosen};
    for (size_t i = 0; i < g->count; i++)
        out->count += chosen[i];
    return TARN_OK;
}

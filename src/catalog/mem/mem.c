/* mem: a catalog in memory, with the rules of the SQL catalog. For tests and the simulation. See
 * catalog.h.
 *
 * A commit checks all swaps, then takes all memory that it needs, then changes: so it happens whole
 * or not at all.
 */
#include "catalog/catalog_int.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"

struct object {
    enum tarn__kind kind;
    struct tarn_ident ident;
    struct tarn_str location; /* all owned */
};

struct namespace
{
    struct tarn_str ns;
    struct tarn_property *items; /* sorted by key */
    size_t count;
};

struct mem {
    struct tarn_catalog base;
    pthread_mutex_t lock;   /* over all below */
    struct object *objects; /* tables and views, sorted by namespace, then name */
    size_t object_count, object_cap;
    struct namespace *namespaces; /* those made by create or set */
    size_t ns_count, ns_cap;
    enum { ANSWER, LOSE_BEFORE, LOSE_AFTER } next_commit;
};

static enum tarn_status no_memory(struct tarn_op *op)
{
    return tarn_fail(op, TARN_NOMEM, "out of memory in a catalog");
}

static enum tarn_status copy(struct tarn_op *op, struct tarn_str s, struct tarn_str *out)
{
    char *p = tarn_alloc_should_fail() ? NULL : malloc(s.len + 1);
    if (!p)
        return no_memory(op);
    if (s.len > 0)
        memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    *out = tarn_str_of(p, s.len);
    return TARN_OK;
}

static void drop(struct tarn_str *s)
{
    free((void *)(uintptr_t)s->ptr);
    *s = (struct tarn_str){NULL, 0};
}

static void drop_object(struct object *t)
{
    drop(&t->ident.ns);
    drop(&t->ident.name);
    drop(&t->location);
}

static enum tarn_status reserve(struct tarn_op *op, void **items, size_t *cap, size_t want,
                                size_t size_bytes)
{
    if (want <= *cap)
        return TARN_OK;
    size_t n = *cap * 2 > want ? *cap * 2 : want + 8;
    void *more = tarn_alloc_should_fail() ? NULL : realloc(*items, n * size_bytes);
    if (!more)
        return no_memory(op);
    *items = more;
    *cap = n;
    return TARN_OK;
}

static int cmp_ident(struct tarn_ident a, struct tarn_ident b)
{
    int c = tarn_str_cmp(a.ns, b.ns);
    return c != 0 ? c : tarn_str_cmp(a.name, b.name);
}

/* Where the table is, or belongs. */
static size_t find(const struct mem *m, struct tarn_ident ident, bool *out_found)
{
    size_t low = 0, high = m->object_count;
    *out_found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = cmp_ident(m->objects[mid].ident, ident);
        if (c == 0)
            *out_found = true;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct namespace *find_namespace(struct mem *m, struct tarn_str ns)
{
    for (size_t i = 0; i < m->ns_count; i++)
        if (tarn_str_eq(m->namespaces[i].ns, ns))
            return &m->namespaces[i];
    return NULL;
}

static bool namespace_exists(const struct mem *m, struct tarn_str ns)
{
    for (size_t i = 0; i < m->ns_count; i++)
        if (tarn__ns_within(m->namespaces[i].ns, ns))
            return true;
    for (size_t i = 0; i < m->object_count; i++)
        if (tarn__ns_within(m->objects[i].ident.ns, ns))
            return true;
    return false;
}

static enum tarn_status need_namespace(const struct mem *m, struct tarn_op *op, struct tarn_str ns)
{
    return namespace_exists(m, ns) ? TARN_OK : tarn__no_namespace(op, ns);
}

static struct mem *enter(struct tarn_catalog *c)
{
    struct mem *m = (struct mem *)c;
    (void)pthread_mutex_lock(&m->lock);
    return m;
}

static enum tarn_status leave(struct mem *m, enum tarn_status status)
{
    (void)pthread_mutex_unlock(&m->lock);
    return status;
}

/* Where the object of this kind is; one of the other kind is not found. */
static size_t find_kind(const struct mem *m, enum tarn__kind kind, struct tarn_ident ident,
                        bool *out_found)
{
    size_t at = find(m, ident, out_found);
    *out_found = *out_found && m->objects[at].kind == kind;
    return at;
}

/* ---- tables and views */

static enum tarn_status load(struct mem *m, struct tarn_op *op, enum tarn__kind kind,
                             struct tarn_ident ident, struct tarn_str *out)
{
    bool found;
    size_t at = find_kind(m, kind, ident, &found);
    if (!found)
        return tarn__no_object(op, kind, "load", ident);
    struct tarn_str location = tarn_strdup(op, m->objects[at].location);
    if (location.ptr)
        *out = location;
    return location.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status mem_load(struct tarn_catalog *c, struct tarn_op *op,
                                 struct tarn_ident ident, struct tarn_str *out)
{
    struct mem *m = enter(c);
    return leave(m, load(m, op, TARN__TABLE, ident, out));
}

static enum tarn_status mem_load_view(struct tarn_catalog *c, struct tarn_op *op,
                                      struct tarn_ident ident, struct tarn_str *out)
{
    struct mem *m = enter(c);
    return leave(m, load(m, op, TARN__VIEW, ident, out));
}

static enum tarn_status check(const struct mem *m, struct tarn_op *op, enum tarn__kind kind,
                              const struct tarn_swap *s)
{
    bool found;
    if (!s->expected.ptr) {
        (void)find(m, s->ident, &found);
        TARN_TRY(need_namespace(m, op, s->ident.ns));
        return found ? tarn__object_exists(op, kind, s->ident) : TARN_OK;
    }
    size_t at = find_kind(m, kind, s->ident, &found);
    if (!found)
        return tarn__no_object(op, kind, "commit to", s->ident);
    return tarn_str_eq(m->objects[at].location, s->expected)
               ? TARN_OK
               : tarn__conflict(op, kind, s, m->objects[at].location);
}

/* What the swap will put in place, in memory of its own; nothing for a drop. */
static enum tarn_status prepare(struct tarn_op *op, enum tarn__kind kind, const struct tarn_swap *s,
                                struct object *out)
{
    out->kind = kind;
    if (!s->next.ptr)
        return TARN_OK;
    TARN_TRY(copy(op, s->ident.ns, &out->ident.ns));
    TARN_TRY(copy(op, s->ident.name, &out->ident.name));
    return copy(op, s->next, &out->location);
}

/* Takes `t`; there is room. */
static void apply(struct mem *m, const struct tarn_swap *s, struct object *t)
{
    bool found;
    size_t at = find(m, s->ident, &found);
    if (found)
        drop_object(&m->objects[at]);
    if (found && !s->next.ptr) {
        m->object_count--;
        memmove(m->objects + at, m->objects + at + 1, (m->object_count - at) * sizeof *m->objects);
        return;
    }
    if (!found) {
        memmove(m->objects + at + 1, m->objects + at, (m->object_count - at) * sizeof *m->objects);
        m->object_count++;
    }
    m->objects[at] = *t;
    *t = (struct object){.location = {NULL, 0}};
}

static enum tarn_status commit(struct mem *m, struct tarn_op *op, enum tarn__kind kind,
                               const struct tarn_swap *swaps, size_t count)
{
    struct object *made;
    void *objects = m->objects;
    for (size_t i = 0; i < count; i++)
        TARN_TRY(check(m, op, kind, &swaps[i]));
    TARN_TRY(reserve(op, &objects, &m->object_cap, m->object_count + count, sizeof *m->objects));
    m->objects = objects;
    TARN_NEW_ARRAY(op, made, count);
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; i < count && status == TARN_OK; i++)
        status = prepare(op, kind, &swaps[i], &made[i]);
    for (size_t i = 0; i < count && status == TARN_OK; i++)
        apply(m, &swaps[i], &made[i]);
    for (size_t i = 0; i < count; i++)
        drop_object(&made[i]);
    return status;
}

static enum tarn_status commit_or_lose(struct tarn_catalog *c, struct tarn_op *op,
                                       enum tarn__kind kind, const struct tarn_swap *swaps,
                                       size_t count)
{
    struct mem *m = enter(c);
    bool lost = m->next_commit != ANSWER, before = m->next_commit == LOSE_BEFORE;
    m->next_commit = ANSWER;
    enum tarn_status status = before ? TARN_OK : commit(m, op, kind, swaps, count);
    if (lost)
        status = tarn_fail(op, TARN_UNKNOWN, "could not learn whether the catalog took the commit");
    return leave(m, status);
}

static enum tarn_status mem_commit(struct tarn_catalog *c, struct tarn_op *op,
                                   const struct tarn_swap *swaps, size_t count)
{
    return commit_or_lose(c, op, TARN__TABLE, swaps, count);
}

static enum tarn_status mem_commit_view(struct tarn_catalog *c, struct tarn_op *op,
                                        const struct tarn_swap *swap)
{
    return commit_or_lose(c, op, TARN__VIEW, swap, 1);
}

void tarn_catalog_mem_lose_answer(struct tarn_catalog *mem, bool took_effect)
{
    TARN_ASSERT(mem->ops->commit == mem_commit);
    struct mem *m = enter(mem);
    m->next_commit = took_effect ? LOSE_AFTER : LOSE_BEFORE;
    (void)leave(m, TARN_OK);
}

static enum tarn_status rename_object(struct mem *m, struct tarn_op *op, enum tarn__kind kind,
                                      struct tarn_ident from, struct tarn_ident to)
{
    bool found, taken;
    struct object made = {.location = {NULL, 0}};
    size_t at = find_kind(m, kind, from, &found);
    if (!found)
        return tarn__no_object(op, kind, "rename", from);
    if (tarn__ident_eq(from, to))
        return TARN_OK;
    TARN_TRY(need_namespace(m, op, to.ns));
    (void)find(m, to, &taken);
    if (taken)
        return tarn__rename_taken(op, kind, from, to);
    struct tarn_swap removal = {.ident = from};
    struct tarn_swap creation = {.ident = to, .next = m->objects[at].location};
    enum tarn_status status = prepare(op, kind, &creation, &made);
    if (status == TARN_OK) {
        apply(m, &removal, &made); /* first, so that there is room */
        apply(m, &creation, &made);
    }
    drop_object(&made);
    return status;
}

static enum tarn_status mem_rename(struct tarn_catalog *c, struct tarn_op *op,
                                   struct tarn_ident from, struct tarn_ident to)
{
    struct mem *m = enter(c);
    return leave(m, rename_object(m, op, TARN__TABLE, from, to));
}

static enum tarn_status mem_rename_view(struct tarn_catalog *c, struct tarn_op *op,
                                        struct tarn_ident from, struct tarn_ident to)
{
    struct mem *m = enter(c);
    return leave(m, rename_object(m, op, TARN__VIEW, from, to));
}

static enum tarn_status list(struct mem *m, struct tarn_op *op, enum tarn__kind kind,
                             struct tarn_str ns, struct tarn_idents *out)
{
    *out = (struct tarn_idents){NULL, 0};
    if (ns.ptr)
        TARN_TRY(need_namespace(m, op, ns));
    for (size_t i = 0; i < m->object_count; i++) {
        struct tarn_ident found = m->objects[i].ident;
        if (m->objects[i].kind != kind || (ns.ptr && !tarn_str_eq(found.ns, ns)))
            continue;
        struct tarn_ident dup = {tarn_strdup(op, found.ns), tarn_strdup(op, found.name)};
        if (!dup.ns.ptr || !dup.name.ptr)
            return TARN_NOMEM;
        TARN_TRY(tarn__idents_add(op, out, dup));
    }
    return TARN_OK;
}

static enum tarn_status mem_list_tables(struct tarn_catalog *c, struct tarn_op *op,
                                        struct tarn_str ns, struct tarn_idents *out)
{
    struct mem *m = enter(c);
    return leave(m, list(m, op, TARN__TABLE, ns, out));
}

static enum tarn_status mem_list_views(struct tarn_catalog *c, struct tarn_op *op,
                                       struct tarn_str ns, struct tarn_idents *out)
{
    struct mem *m = enter(c);
    return leave(m, list(m, op, TARN__VIEW, ns, out));
}

/* ---- namespaces */

static enum tarn_status mem_list_namespaces(struct tarn_catalog *c, struct tarn_op *op,
                                            struct tarn_names *out)
{
    struct mem *m = enter(c);
    struct tarn_names names = {NULL, 0};
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; i < m->ns_count && status == TARN_OK; i++)
        status = tarn__names_add(op, &names, m->namespaces[i].ns);
    for (size_t i = 0; i < m->object_count && status == TARN_OK; i++)
        status = tarn__names_add(op, &names, m->objects[i].ident.ns);
    if (status == TARN_OK)
        status = tarn__names_complete(op, names, out); /* copies */
    return leave(m, status);
}

static void drop_namespace(struct namespace *n)
{
    for (size_t i = 0; i < n->count; i++) {
        drop(&n->items[i].key);
        drop(&n->items[i].value);
    }
    free(n->items);
    drop(&n->ns);
}

static const struct tarn_property *find_property(struct tarn_properties p, struct tarn_str key)
{
    for (size_t i = 0; i < p.count; i++)
        if (tarn_str_eq(p.items[i].key, key))
            return &p.items[i];
    return NULL;
}

static bool has_name(struct tarn_names names, struct tarn_str s)
{
    for (size_t i = 0; i < names.count; i++)
        if (tarn_str_eq(names.items[i], s))
            return true;
    return false;
}

static int by_key(const void *a, const void *b)
{
    return tarn_str_cmp(((const struct tarn_property *)a)->key,
                        ((const struct tarn_property *)b)->key);
}

static enum tarn_status add_property(struct tarn_op *op, struct namespace *n,
                                     const struct tarn_property *p)
{
    struct tarn_property *to =
        &n->items[n->count++]; /* counted at once: zeroed, and released with n */
    TARN_TRY(copy(op, p->key, &to->key));
    return copy(op, p->value, &to->value);
}

/* The namespace as it will be: `old` (may be NULL) with the change, in memory of its own. */
static enum tarn_status build(struct tarn_op *op, const struct namespace *old, struct tarn_str ns,
                              struct tarn_properties set, struct tarn_names removed,
                              struct namespace *out)
{
    size_t old_count = old ? old->count : 0;
    TARN_TRY(copy(op, ns, &out->ns));
    out->items =
        tarn_alloc_should_fail() ? NULL : calloc(old_count + set.count + 1, sizeof *out->items);
    if (!out->items)
        return no_memory(op);
    for (size_t i = 0; i < old_count; i++)
        if (!find_property(set, old->items[i].key) && !has_name(removed, old->items[i].key))
            TARN_TRY(add_property(op, out, &old->items[i]));
    for (size_t i = 0; i < set.count; i++)
        TARN_TRY(add_property(op, out, &set.items[i]));
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, by_key);
    return TARN_OK;
}

static enum tarn_status change_namespace(struct mem *m, struct tarn_op *op, struct tarn_str ns,
                                         struct tarn_properties set, struct tarn_names removed)
{
    void *namespaces = m->namespaces;
    struct namespace made = {.items = NULL};
    TARN_TRY(reserve(op, &namespaces, &m->ns_cap, m->ns_count + 1, sizeof *m->namespaces));
    m->namespaces = namespaces;
    struct namespace *old = find_namespace(m, ns);
    enum tarn_status status = build(op, old, ns, set, removed, &made);
    if (status != TARN_OK) {
        drop_namespace(&made);
        return status;
    }
    if (old)
        drop_namespace(old);
    else
        old = &m->namespaces[m->ns_count++];
    *old = made;
    return TARN_OK;
}

static enum tarn_status mem_create_namespace(struct tarn_catalog *c, struct tarn_op *op,
                                             struct tarn_str ns, struct tarn_properties properties)
{
    struct mem *m = enter(c);
    if (namespace_exists(m, ns))
        return leave(m, tarn_fail(op, TARN_EXISTS, "could not make namespace \"%.*s\": it exists",
                                  TARN_STR_ARG(ns)));
    return leave(m, change_namespace(m, op, ns, properties, (struct tarn_names){NULL, 0}));
}

static enum tarn_status mem_set_namespace_properties(struct tarn_catalog *c, struct tarn_op *op,
                                                     struct tarn_str ns, struct tarn_properties set,
                                                     struct tarn_names removed)
{
    struct mem *m = enter(c);
    enum tarn_status status = need_namespace(m, op, ns);
    if (status == TARN_OK)
        status = change_namespace(m, op, ns, set, removed);
    return leave(m, status);
}

static enum tarn_status check_empty(const struct mem *m, struct tarn_op *op, struct tarn_str ns)
{
    for (size_t i = 0; i < m->object_count; i++)
        if (tarn__ns_within(m->objects[i].ident.ns, ns))
            return tarn_fail(op, TARN_NOT_EMPTY,
                             "could not drop namespace \"%.*s\": it holds \"" TARN__IDENT "\"",
                             TARN_STR_ARG(ns), TARN__IDENT_ARG(m->objects[i].ident));
    for (size_t i = 0; i < m->ns_count; i++)
        if (tarn__ns_within(m->namespaces[i].ns, ns) && !tarn_str_eq(m->namespaces[i].ns, ns))
            return tarn_fail(op, TARN_NOT_EMPTY,
                             "could not drop namespace \"%.*s\": it holds \"%.*s\"",
                             TARN_STR_ARG(ns), TARN_STR_ARG(m->namespaces[i].ns));
    return TARN_OK;
}

static enum tarn_status mem_drop_namespace(struct tarn_catalog *c, struct tarn_op *op,
                                           struct tarn_str ns)
{
    struct mem *m = enter(c);
    enum tarn_status status = need_namespace(m, op, ns);
    if (status == TARN_OK)
        status = check_empty(m, op, ns);
    struct namespace *n = status == TARN_OK ? find_namespace(m, ns) : NULL;
    if (n) {
        drop_namespace(n);
        *n = m->namespaces[--m->ns_count];
    }
    return leave(m, status);
}

static enum tarn_status mem_drop_namespace_cascade(struct tarn_catalog *c, struct tarn_op *op,
                                                   struct tarn_str ns)
{
    struct mem *m = enter(c);
    enum tarn_status status = need_namespace(m, op, ns);
    size_t objects = 0, spaces = 0;
    if (status != TARN_OK)
        return leave(m, status);
    for (size_t i = 0; i < m->object_count; i++) {
        if (tarn__ns_within(m->objects[i].ident.ns, ns))
            drop_object(&m->objects[i]);
        else
            m->objects[objects++] = m->objects[i];
    }
    for (size_t i = 0; i < m->ns_count; i++) {
        if (tarn__ns_within(m->namespaces[i].ns, ns))
            drop_namespace(&m->namespaces[i]);
        else
            m->namespaces[spaces++] = m->namespaces[i];
    }
    m->object_count = objects;
    m->ns_count = spaces;
    return leave(m, TARN_OK);
}

static enum tarn_status read_properties(struct mem *m, struct tarn_op *op, struct tarn_str ns,
                                        struct tarn_properties *out)
{
    *out = (struct tarn_properties){NULL, 0};
    TARN_TRY(need_namespace(m, op, ns));
    const struct namespace *n = find_namespace(m, ns);
    for (size_t i = 0; n && i < n->count; i++) {
        struct tarn_property p = {tarn_strdup(op, n->items[i].key),
                                  tarn_strdup(op, n->items[i].value)};
        if (!p.key.ptr || !p.value.ptr)
            return TARN_NOMEM;
        TARN_TRY(tarn__properties_add(op, out, p));
    }
    return TARN_OK;
}

static enum tarn_status mem_namespace_properties(struct tarn_catalog *c, struct tarn_op *op,
                                                 struct tarn_str ns, struct tarn_properties *out)
{
    struct mem *m = enter(c);
    return leave(m, read_properties(m, op, ns, out));
}

/* ---- life */

static void mem_close(struct tarn_catalog *c)
{
    struct mem *m = (struct mem *)c;
    for (size_t i = 0; i < m->object_count; i++)
        drop_object(&m->objects[i]);
    for (size_t i = 0; i < m->ns_count; i++)
        drop_namespace(&m->namespaces[i]);
    free(m->objects);
    free(m->namespaces);
    drop(&m->base.catalog_name);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

static const struct tarn_catalog_ops mem_ops = {
    .name = "mem",
    .abilities = TARN_CATALOG_MULTI_TABLE | TARN_CATALOG_VIEWS,
    .load = mem_load,
    .commit = mem_commit,
    .rename = mem_rename,
    .list_tables = mem_list_tables,
    .load_view = mem_load_view,
    .commit_view = mem_commit_view,
    .rename_view = mem_rename_view,
    .list_views = mem_list_views,
    .list_namespaces = mem_list_namespaces,
    .create_namespace = mem_create_namespace,
    .drop_namespace = mem_drop_namespace,
    .drop_namespace_cascade = mem_drop_namespace_cascade,
    .namespace_properties = mem_namespace_properties,
    .set_namespace_properties = mem_set_namespace_properties,
    .close = mem_close,
};

enum tarn_status tarn_catalog_mem_open(struct tarn_op *op, struct tarn_str catalog_name,
                                       struct tarn_catalog **out)
{
    struct tarn_str name = {NULL, 0};
    TARN_TRY(copy(op, catalog_name.ptr ? catalog_name : TARN_STR("iceberg"), &name));
    struct mem *m = tarn_alloc_should_fail() ? NULL : calloc(1, sizeof *m);
    if (!m || pthread_mutex_init(&m->lock, NULL) != 0) {
        free(m);
        drop(&name);
        return no_memory(op);
    }
    m->base.ops = &mem_ops;
    m->base.catalog_name = name;
    *out = &m->base;
    return TARN_OK;
}

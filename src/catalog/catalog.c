/* catalog: the callers that every use goes through. They check what does not depend on the
 * implementation. */
#include "catalog/catalog_int.h"

#include <stdlib.h>

static enum tarn_status told(struct tarn_op *op, enum tarn_status status)
{
    TARN_ASSERT(status == TARN_OK || op->report.status == status);
    return status;
}

static enum tarn_status enter(struct tarn_catalog *c, struct tarn_op *op)
{
    TARN_ASSERT(c && op);
    return tarn_poll(op, 2);
}

/* ---- names that are about to be made; what others have made is taken as it is
 *
 * A table lies in a folder of its name, below those of its namespace's levels, unless it is told
 * another place: names must not lead out of these folders or into each other's. */

static bool is_text(struct tarn_str s)
{
    return s.len > 0 && tarn_utf8_valid(s) && !memchr(s.ptr, '\0', s.len);
}

static bool is_name(struct tarn_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f || s.ptr[i] == '/')
            return false;
    return is_text(s);
}

static enum tarn_status fail_name(struct tarn_op *op, const char *kind, struct tarn_str name)
{
    (void)tarn_fail(op, TARN_INVALID, "\"%.*s\" cannot be the name of a %s", TARN_STR_ARG(name),
                    kind);
    if (is_text(name))
        tarn_hint(op, "names are not empty, and have no '/', no control characters and, but "
                      "between the levels of a namespace, no '.'");
    return TARN_INVALID;
}

static enum tarn_status check_ns(struct tarn_op *op, struct tarn_str ns)
{
    struct tarn_str rest = ns, level;
    bool good = is_text(ns);
    while (good && rest.ptr) {
        (void)tarn_str_cut(&rest, '.', &level);
        good = is_name(level);
    }
    return good ? TARN_OK : fail_name(op, "namespace", ns);
}

static enum tarn_status check_ident(struct tarn_op *op, enum tarn__kind kind,
                                    struct tarn_ident ident)
{
    TARN_TRY(check_ns(op, ident.ns));
    return is_name(ident.name) && !memchr(ident.name.ptr, '.', ident.name.len)
               ? TARN_OK
               : fail_name(op, tarn__kind_name(kind), ident.name);
}

static enum tarn_status check_key(struct tarn_op *op, struct tarn_str key)
{
    if (!is_text(key))
        return tarn_fail(op, TARN_INVALID, "\"%.*s\" cannot be a property's key",
                         TARN_STR_ARG(key));
    if (tarn_str_is(key, TARN__EXISTS_KEY))
        return tarn_fail(op, TARN_INVALID,
                         "property \"%s\" is reserved: it marks that a namespace exists",
                         TARN__EXISTS_KEY);
    return TARN_OK;
}

static enum tarn_status check_properties(struct tarn_op *op, struct tarn_properties p)
{
    for (size_t i = 0; i < p.count; i++) {
        struct tarn_str value = p.items[i].value;
        TARN_TRY(check_key(op, p.items[i].key));
        if (value.len > 0 && !is_text(value))
            return tarn_fail(op, TARN_INVALID, "the value of property \"%.*s\" is not valid text",
                             TARN_STR_ARG(p.items[i].key));
        for (size_t k = 0; k < i; k++)
            if (tarn_str_eq(p.items[i].key, p.items[k].key))
                return tarn_fail(op, TARN_INVALID, "property \"%.*s\" is given twice",
                                 TARN_STR_ARG(p.items[i].key));
    }
    return TARN_OK;
}

static enum tarn_status check_swap(struct tarn_op *op, enum tarn__kind kind,
                                   const struct tarn_swap *s)
{
    if (!s->expected.ptr)
        TARN_TRY(check_ident(op, kind, s->ident));
    if (!s->expected.ptr && !s->next.ptr)
        return tarn_fail(op, TARN_INVALID, "a commit to %s \"" TARN__IDENT "\" changes nothing",
                         tarn__kind_name(kind), TARN__IDENT_ARG(s->ident));
    if ((s->next.ptr && !is_text(s->next)) || (s->expected.ptr && s->expected.len == 0))
        return tarn_fail(op, TARN_INVALID,
                         "the metadata location of %s \"" TARN__IDENT "\" is not valid text",
                         tarn__kind_name(kind), TARN__IDENT_ARG(s->ident));
    return TARN_OK;
}

static enum tarn_status check_swaps(struct tarn_op *op, const struct tarn_swap *swaps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        TARN_TRY(check_swap(op, TARN__TABLE, &swaps[i]));
        for (size_t k = 0; k < i; k++)
            if (tarn__ident_eq(swaps[i].ident, swaps[k].ident))
                return tarn_fail(op, TARN_INVALID,
                                 "table \"" TARN__IDENT "\" stands twice in one commit",
                                 TARN__IDENT_ARG(swaps[i].ident));
    }
    return TARN_OK;
}

/* ---- callers */

enum tarn_status tarn_catalog_check_name(struct tarn_op *op, struct tarn_ident ident)
{
    return check_ident(op, TARN__TABLE, ident);
}

enum tarn_status tarn_catalog_load(struct tarn_catalog *c, struct tarn_op *op,
                                   struct tarn_ident ident, struct tarn_str *out_metadata_location)
{
    TARN_ASSERT(out_metadata_location);
    TARN_TRY(enter(c, op));
    return told(op, c->ops->load(c, op, ident, out_metadata_location));
}

enum tarn_status tarn_catalog_commit(struct tarn_catalog *c, struct tarn_op *op,
                                     const struct tarn_swap *swaps, size_t count)
{
    TARN_TRY(enter(c, op));
    if (count == 0)
        return TARN_OK;
    TARN_ASSERT(count == 1 || c->ops->abilities & TARN_CATALOG_MULTI_TABLE);
    TARN_TRY(check_swaps(op, swaps, count));
    return told(op, c->ops->commit(c, op, swaps, count));
}

enum tarn_status tarn_catalog_rename(struct tarn_catalog *c, struct tarn_op *op,
                                     struct tarn_ident from, struct tarn_ident to)
{
    TARN_TRY(enter(c, op));
    TARN_TRY(check_ident(op, TARN__TABLE, to));
    return told(op, c->ops->rename(c, op, from, to));
}

enum tarn_status tarn_catalog_list_tables(struct tarn_catalog *c, struct tarn_op *op,
                                          struct tarn_str ns, struct tarn_idents *out)
{
    TARN_ASSERT(out);
    TARN_TRY(enter(c, op));
    return told(op, c->ops->list_tables(c, op, ns, out));
}

/* ---- views */

static enum tarn_status enter_views(struct tarn_catalog *c, struct tarn_op *op)
{
    TARN_TRY(enter(c, op));
    if (c->ops->abilities & TARN_CATALOG_VIEWS)
        return TARN_OK;
    return tarn_fail(op, TARN_UNSUPPORTED, "a catalog of kind %s keeps no views", c->ops->name);
}

enum tarn_status tarn_catalog_load_view(struct tarn_catalog *c, struct tarn_op *op,
                                        struct tarn_ident ident,
                                        struct tarn_str *out_metadata_location)
{
    TARN_ASSERT(out_metadata_location);
    TARN_TRY(enter_views(c, op));
    return told(op, c->ops->load_view(c, op, ident, out_metadata_location));
}

enum tarn_status tarn_catalog_commit_view(struct tarn_catalog *c, struct tarn_op *op,
                                          const struct tarn_swap *swap)
{
    TARN_TRY(enter_views(c, op));
    TARN_TRY(check_swap(op, TARN__VIEW, swap));
    return told(op, c->ops->commit_view(c, op, swap));
}

enum tarn_status tarn_catalog_rename_view(struct tarn_catalog *c, struct tarn_op *op,
                                          struct tarn_ident from, struct tarn_ident to)
{
    TARN_TRY(enter_views(c, op));
    TARN_TRY(check_ident(op, TARN__VIEW, to));
    return told(op, c->ops->rename_view(c, op, from, to));
}

enum tarn_status tarn_catalog_list_views(struct tarn_catalog *c, struct tarn_op *op,
                                         struct tarn_str ns, struct tarn_idents *out)
{
    TARN_ASSERT(out);
    TARN_TRY(enter_views(c, op));
    return told(op, c->ops->list_views(c, op, ns, out));
}

/* ---- namespaces */

enum tarn_status tarn_catalog_list_namespaces(struct tarn_catalog *c, struct tarn_op *op,
                                              struct tarn_names *out)
{
    TARN_ASSERT(out);
    TARN_TRY(enter(c, op));
    return told(op, c->ops->list_namespaces(c, op, out));
}

enum tarn_status tarn_catalog_create_namespace(struct tarn_catalog *c, struct tarn_op *op,
                                               struct tarn_str ns,
                                               struct tarn_properties properties)
{
    TARN_TRY(enter(c, op));
    TARN_TRY(check_ns(op, ns));
    TARN_TRY(check_properties(op, properties));
    return told(op, c->ops->create_namespace(c, op, ns, properties));
}

enum tarn_status tarn_catalog_drop_namespace(struct tarn_catalog *c, struct tarn_op *op,
                                             struct tarn_str ns)
{
    TARN_TRY(enter(c, op));
    return told(op, c->ops->drop_namespace(c, op, ns));
}

enum tarn_status tarn_catalog_drop_namespace_cascade(struct tarn_catalog *c, struct tarn_op *op,
                                                     struct tarn_str ns)
{
    TARN_TRY(enter(c, op));
    return told(op, c->ops->drop_namespace_cascade(c, op, ns));
}

enum tarn_status tarn_catalog_namespace_properties(struct tarn_catalog *c, struct tarn_op *op,
                                                   struct tarn_str ns, struct tarn_properties *out)
{
    TARN_ASSERT(out);
    TARN_TRY(enter(c, op));
    return told(op, c->ops->namespace_properties(c, op, ns, out));
}

enum tarn_status tarn_catalog_set_namespace_properties(struct tarn_catalog *c, struct tarn_op *op,
                                                       struct tarn_str ns,
                                                       struct tarn_properties set,
                                                       struct tarn_names removed)
{
    TARN_TRY(enter(c, op));
    TARN_TRY(check_properties(op, set));
    for (size_t i = 0; i < removed.count; i++) {
        TARN_TRY(check_key(op, removed.items[i]));
        for (size_t k = 0; k < set.count; k++)
            if (tarn_str_eq(removed.items[i], set.items[k].key))
                return tarn_fail(op, TARN_INVALID, "property \"%.*s\" is both set and removed",
                                 TARN_STR_ARG(removed.items[i]));
    }
    return told(op, c->ops->set_namespace_properties(c, op, ns, set, removed));
}

void tarn_catalog_close(struct tarn_catalog *c)
{
    if (c)
        c->ops->close(c);
}

/* ---- shared by the implementations */

bool tarn__ns_within(struct tarn_str ns, struct tarn_str of)
{
    return tarn_str_starts(ns, of) && (ns.len == of.len || ns.ptr[of.len] == '.');
}

/* Room for one more element behind *items: the array doubles when its count is a power of two. */
static enum tarn_status grow(struct tarn_op *op, void **items, size_t count, size_t size_bytes)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return TARN_OK;
    void *more = tarn_alloc_array(op, count ? count * 2 : 1, size_bytes);
    if (!more)
        return TARN_NOMEM;
    if (count > 0)
        memcpy(more, *items, count * size_bytes);
    *items = more;
    return TARN_OK;
}

enum tarn_status tarn__names_add(struct tarn_op *op, struct tarn_names *names, struct tarn_str s)
{
    void *items = names->items;
    TARN_TRY(grow(op, &items, names->count, sizeof s));
    names->items = items;
    names->items[names->count++] = s;
    return TARN_OK;
}

enum tarn_status tarn__idents_add(struct tarn_op *op, struct tarn_idents *idents,
                                  struct tarn_ident ident)
{
    void *items = idents->items;
    TARN_TRY(grow(op, &items, idents->count, sizeof ident));
    idents->items = items;
    idents->items[idents->count++] = ident;
    return TARN_OK;
}

enum tarn_status tarn__properties_add(struct tarn_op *op, struct tarn_properties *properties,
                                      struct tarn_property property)
{
    void *items = properties->items;
    TARN_TRY(grow(op, &items, properties->count, sizeof property));
    properties->items = items;
    properties->items[properties->count++] = property;
    return TARN_OK;
}

static int by_name(const void *a, const void *b)
{
    return tarn_str_cmp(*(const struct tarn_str *)a, *(const struct tarn_str *)b);
}

enum tarn_status tarn__names_complete(struct tarn_op *op, struct tarn_names names,
                                      struct tarn_names *out)
{
    struct tarn_names all = {NULL, 0};
    size_t kept = 0;
    for (size_t i = 0; i < names.count; i++) {
        struct tarn_str ns = names.items[i];
        while (ns.len > 0) {
            struct tarn_str copy = tarn_strdup(op, ns);
            if (!copy.ptr)
                return TARN_NOMEM;
            TARN_TRY(tarn__names_add(op, &all, copy));
            const char *dot = memrchr(ns.ptr, '.', ns.len);
            ns.len = dot ? (size_t)(dot - ns.ptr) : 0;
        }
    }
    if (all.count > 1)
        qsort(all.items, all.count, sizeof *all.items, by_name);
    for (size_t i = 0; i < all.count; i++)
        if (kept == 0 || !tarn_str_eq(all.items[i], all.items[kept - 1]))
            all.items[kept++] = all.items[i];
    *out = (struct tarn_names){all.items, kept};
    return TARN_OK;
}

enum tarn_status tarn__no_namespace(struct tarn_op *op, struct tarn_str ns)
{
    return tarn_fail(op, TARN_NOT_FOUND, "namespace \"%.*s\" does not exist", TARN_STR_ARG(ns));
}

enum tarn_status tarn__no_object(struct tarn_op *op, enum tarn__kind kind, const char *verb,
                                 struct tarn_ident ident)
{
    return tarn_fail(op, TARN_NOT_FOUND, "could not %s %s \"" TARN__IDENT "\": it does not exist",
                     verb, tarn__kind_name(kind), TARN__IDENT_ARG(ident));
}

enum tarn_status tarn__conflict(struct tarn_op *op, enum tarn__kind kind,
                                const struct tarn_swap *swap, struct tarn_str found)
{
    (void)tarn_fail(op, TARN_CONFLICT,
                    "could not commit to %s \"" TARN__IDENT "\": another commit came first",
                    tarn__kind_name(kind), TARN__IDENT_ARG(swap->ident));
    tarn_detail(op, "%s \"" TARN__IDENT "\": expected %.*s, found %.*s", tarn__kind_name(kind),
                TARN__IDENT_ARG(swap->ident), TARN_STR_ARG(swap->expected), TARN_STR_ARG(found));
    return TARN_CONFLICT;
}

enum tarn_status tarn__object_exists(struct tarn_op *op, enum tarn__kind kind,
                                     struct tarn_ident ident)
{
    return tarn_fail(op, TARN_EXISTS, "could not make %s \"" TARN__IDENT "\": the name is taken",
                     tarn__kind_name(kind), TARN__IDENT_ARG(ident));
}

enum tarn_status tarn__rename_taken(struct tarn_op *op, enum tarn__kind kind,
                                    struct tarn_ident from, struct tarn_ident to)
{
    return tarn_fail(op, TARN_EXISTS,
                     "could not rename %s \"" TARN__IDENT "\": the name \"" TARN__IDENT
                     "\" is taken",
                     tarn__kind_name(kind), TARN__IDENT_ARG(from), TARN__IDENT_ARG(to));
}

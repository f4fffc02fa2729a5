/* show_names: which namespaces, tables and views there are. */
#include <stdlib.h>
#include <string.h>

#include "sql/show_int.h"

static int by_ident(const void *a, const void *b)
{
    const struct tarn_ident *x = a, *y = b;
    int order = tarn_str_cmp(x->ns, y->ns);
    return order ? order : tarn_str_cmp(x->name, y->name);
}

int tarn__text_order(const void *a, const void *b)
{
    return tarn_str_cmp(*(const struct tarn_str *)a, *(const struct tarn_str *)b);
}

/* The namespace may hold dots. */
static struct tarn_ident split(struct tarn_str full)
{
    size_t dot = full.len;
    while (dot > 0 && full.ptr[dot - 1] != '.')
        dot--;
    return (struct tarn_ident){.ns = tarn_str_of(full.ptr, dot > 0 ? dot - 1 : 0),
                               .name = tarn_str_of(full.ptr + dot, full.len - dot)};
}

enum tarn_status tarn__all_names(struct tarn__run *r, struct tarn_idents *out)
{
    const struct tarn_sql_env *env = r->sql->env;
    struct tarn_str *names;
    size_t n, kept = 0;
    TARN_TRY(env->names(env->ctx, r->op, &names, &n));
    TARN_NEW_ARRAY(r->op, out->items, n + 1);
    for (size_t i = 0; i < n; i++)
        out->items[i] = split(names[i]);
    qsort(out->items, n, sizeof *out->items, by_ident);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || by_ident(&out->items[kept - 1], &out->items[i]) != 0)
            out->items[kept++] = out->items[i];
    out->count = kept;
    return TARN_OK;
}

enum tarn_status tarn__all_namespaces(struct tarn__run *r, struct tarn_names *out)
{
    struct tarn_names of_catalog;
    struct tarn_idents names;
    size_t n = 0, kept = 0;
    TARN_TRY(tarn_catalog_list_namespaces(r->sql->env->flow.lake->catalog, r->op, &of_catalog));
    TARN_TRY(tarn__all_names(r, &names));
    TARN_NEW_ARRAY(r->op, out->items, of_catalog.count + names.count + 1);
    for (size_t i = 0; i < of_catalog.count; i++)
        out->items[n++] = of_catalog.items[i];
    for (size_t i = 0; i < names.count; i++)
        if (names.items[i].ns.len)
            out->items[n++] = names.items[i].ns;
    qsort(out->items, n, sizeof *out->items, tarn__text_order);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !tarn_str_eq(out->items[kept - 1], out->items[i]))
            out->items[kept++] = out->items[i];
    out->count = kept;
    return TARN_OK;
}

/* Exact case first, then the only one in another case. */
static const struct tarn_str *find_namespace(const struct tarn_names *all, struct tarn_str ns)
{
    const struct tarn_str *any = NULL;
    for (size_t i = 0; i < all->count; i++)
        if (tarn_str_eq(all->items[i], ns))
            return &all->items[i];
    for (size_t i = 0; i < all->count; i++)
        if (tarn_str_eq_nocase(all->items[i], ns)) {
            if (any)
                return NULL;
            any = &all->items[i];
        }
    return any;
}

static enum tarn_status no_namespace(struct tarn__run *r, const struct tarn_names *all,
                                     struct tarn_str ns, size_t offset)
{
    const char **z, *nearest;
    TARN_NEW_ARRAY(r->op, z, all->count + 1);
    for (size_t i = 0; i < all->count; i++) {
        struct tarn_str copy = tarn_strdup(r->op, all->items[i]);
        if (!copy.ptr)
            return TARN_NOMEM;
        z[i] = copy.ptr;
    }
    nearest = tarn_str_nearest(ns, z, all->count);
    (void)tarn_fail(r->op, TARN_NOT_FOUND, "namespace \"%.*s\" not found", TARN_STR_ARG(ns));
    if (nearest)
        tarn_hint(r->op, "did you mean %s?", nearest);
    tarn__place_at(&r->words, offset);
    return TARN_NOT_FOUND;
}

enum tarn_status tarn__take_namespace(struct tarn__run *r, bool must_exist, struct tarn_str *out)
{
    struct tarn__dotted d;
    struct tarn_names all;
    struct tarn_str catalog = r->sql->env->flow.lake->catalog->catalog_name;
    struct tarn_buf b;
    size_t first = 0;
    TARN_TRY(tarn__take_dotted(&r->words, &d));
    TARN_TRY(tarn__all_namespaces(r, &all));
    if (tarn_str_eq_nocase(d.parts[0], catalog) &&
        (d.count > 1 || !find_namespace(&all, d.parts[0])))
        first = 1;
    *out = (struct tarn_str){NULL, 0};
    if (first == d.count)
        return TARN_OK;
    tarn_buf_init(&b, 65536);
    for (size_t i = first; i < d.count; i++) {
        tarn_buf_z(&b, i > first ? "." : "");
        tarn_buf_str(&b, d.parts[i]);
    }
    TARN_TRY((enum tarn_status)tarn_buf_take(r->op, &b, "a name", out));
    const struct tarn_str *found = find_namespace(&all, *out);
    if (found)
        *out = *found;
    else if (must_exist)
        return no_namespace(r, &all, *out, d.begin);
    return TARN_OK;
}

enum tarn_status tarn__need_namespace(struct tarn__run *r, struct tarn_str ns, size_t offset)
{
    struct tarn_names all;
    TARN_TRY(tarn__all_namespaces(r, &all));
    const struct tarn_str *found = find_namespace(&all, ns);
    return found && tarn_str_eq(*found, ns) ? TARN_OK : no_namespace(r, &all, ns, offset);
}

/* catalog_int: shared by the implementations of catalog. */
#ifndef TARN_CATALOG_INT_H
#define TARN_CATALOG_INT_H

#include "catalog/catalog.h"

/* The property that marks a namespace as there; PyIceberg and Java's JdbcCatalog write it too.
 * Reserved: it is never handed out, set or removed. */
#define TARN__EXISTS_KEY "exists"

/* What a name stands for. */
enum tarn__kind { TARN__TABLE, TARN__VIEW };
static inline const char *tarn__kind_name(enum tarn__kind kind)
{
    return kind == TARN__TABLE ? "table" : "view";
}

static inline bool tarn__ident_eq(struct tarn_ident a, struct tarn_ident b)
{
    return tarn_str_eq(a.ns, b.ns) && tarn_str_eq(a.name, b.name);
}
#define TARN__IDENT        "%.*s.%.*s"
#define TARN__IDENT_ARG(i) TARN_STR_ARG((i).ns), TARN_STR_ARG((i).name)

/* Whether ns is `of` itself ("a.b") or lies below it ("a.b.c"). */
bool tarn__ns_within(struct tarn_str ns, struct tarn_str of);
/* The names with the namespaces that they imply ("a.b" implies "a"), sorted, each once, without
 * empty ones. */
enum tarn_status tarn__names_complete(struct tarn_op *op, struct tarn_names names,
                                      struct tarn_names *out);

/* Growing results in op->arena. */
enum tarn_status tarn__names_add(struct tarn_op *op, struct tarn_names *names, struct tarn_str s);
enum tarn_status tarn__idents_add(struct tarn_op *op, struct tarn_idents *idents,
                                  struct tarn_ident ident);
enum tarn_status tarn__properties_add(struct tarn_op *op, struct tarn_properties *properties,
                                      struct tarn_property property);

/* The failures that every implementation tells alike. `verb`: "commit to", "rename". */
enum tarn_status tarn__no_namespace(struct tarn_op *op, struct tarn_str ns);
enum tarn_status tarn__no_object(struct tarn_op *op, enum tarn__kind kind, const char *verb,
                                 struct tarn_ident ident);
enum tarn_status tarn__conflict(struct tarn_op *op, enum tarn__kind kind,
                                const struct tarn_swap *swap, struct tarn_str found);
enum tarn_status tarn__object_exists(struct tarn_op *op, enum tarn__kind kind,
                                     struct tarn_ident ident);
enum tarn_status tarn__rename_taken(struct tarn_op *op, enum tarn__kind kind,
                                    struct tarn_ident from, struct tarn_ident to);

#endif

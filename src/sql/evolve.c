/* evolve: WITH SCHEMA EVOLUTION: a table's columns grown by what a query brings: columns and fields
 * of structs, at any depth, that it has and the table lacks; wider types where Iceberg promotes the
 * table's to the query's. What the query lacks stays; what fits no other way is left to the casts of
 * INSERT.
 */
#include <string.h>

#include "sql/ddl_int.h"

struct growing {
    struct tarn_op *op;
    const struct tarn__evolution *how;
    struct tarn__column_path at; /* of the type that is looked at */
    bool changed;
};

/* Is the field at the path assigned, or something that holds it? */
static bool is_assigned(const struct tarn__evolution *how, const struct tarn__column_path *path)
{
    for (size_t i = 0; i < how->assigned_count; i++) {
        const struct tarn__column_path *a = &how->assigned[i];
        size_t n = 0;
        while (n < a->count && n < path->count && tarn_str_eq_nocase(a->parts[n], path->parts[n]))
            n++;
        if (n == a->count)
            return true;
    }
    return how->all;
}

static enum tarn_status grow_type(struct growing *g, struct tarn_type *to,
                                  const struct tarn_type *from);

static enum tarn_status grow_field(struct growing *g, struct tarn_field *to,
                                   const struct tarn_type *from)
{
    if (tarn_type_is_nested(&to->type))
        return to->type.kind == from->kind ? grow_type(g, &to->type, from) : TARN_OK;
    if (!is_assigned(g->how, &g->at) || from->kind == TARN_TYPE_UNKNOWN ||
        tarn_type_eq(&to->type, from) ||
        !tarn_type_promotes(&to->type, from, g->how->format_version))
        return TARN_OK;
    TARN_TRY(
        tarn_default_promoted(g->op, &to->type, from, to->initial_default, &to->initial_default));
    TARN_TRY(tarn_default_promoted(g->op, &to->type, from, to->write_default, &to->write_default));
    to->type = *from;
    g->changed = true;
    return TARN_OK;
}

static enum tarn_status add_field(struct growing *g, struct tarn_type *to,
                                  const struct tarn_field *f)
{
    struct tarn_field *grown;
    if (!is_assigned(g->how, &g->at))
        return TARN_OK;
    TARN_NEW_ARRAY(g->op, grown, to->field_count + 1);
    if (to->field_count)
        memcpy(grown, to->fields, to->field_count * sizeof *grown);
    grown[to->field_count] = (struct tarn_field){.name = f->name};
    TARN_TRY(tarn_type_copy(g->op, &f->type, &grown[to->field_count].type));
    to->fields = grown;
    to->field_count++;
    g->changed = true;
    return TARN_OK;
}

/* Keys of maps are left as they are: two of them could become equal. */
static enum tarn_status grow_type(struct growing *g, struct tarn_type *to,
                                  const struct tarn_type *from)
{
    if (g->at.count == TARN__COLUMN_PATH_MAX)
        return TARN_OK;
    for (size_t i = from->kind == TARN_TYPE_MAP ? 1 : 0; i < from->field_count; i++) {
        const struct tarn_field *f = &from->fields[i];
        const struct tarn_field *have =
            to->kind == TARN_TYPE_STRUCT ? tarn__column_named(to, f->name) : &to->fields[i];
        if (f->name.len == 0) /* row(1, 2): by place */
            continue;
        g->at.parts[g->at.count++] = have ? have->name : f->name;
        TARN_TRY(have ? grow_field(g, &to->fields[have - to->fields], &f->type)
                      : add_field(g, to, f));
        g->at.count--;
    }
    return TARN_OK;
}

enum tarn_status tarn__evolve(struct tarn_op *op, const struct tarn__evolution *how,
                              const struct tarn_type *from, struct tarn_schema *schema,
                              bool *out_changed)
{
    struct growing g = {.op = op, .how = how};
    TARN_TRY(grow_type(&g, &schema->root, from));
    *out_changed = g.changed;
    return TARN_OK;
}

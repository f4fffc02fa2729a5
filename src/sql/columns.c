/* columns: columns by name. */
#include "sql/ddl_int.h"

const struct tarn_field *tarn__column_named(const struct tarn_type *root, struct tarn_str name)
{
    const struct tarn_field *hit = tarn_type_field_by_name(root, name);
    for (size_t i = 0; !hit && i < root->field_count; i++)
        if (tarn_str_eq_nocase(root->fields[i].name, name))
            hit = &root->fields[i]; /* no struct holds a name twice */
    return hit;
}

enum tarn_status tarn__fail_column(struct tarn__run *r, const struct tarn_type *root,
                                   struct tarn_str name, size_t offset)
{
    const char **names;
    TARN_NEW_ARRAY(r->op, names, root->field_count + 1);
    for (size_t i = 0; i < root->field_count; i++) {
        struct tarn_str z = tarn_strdup(r->op, root->fields[i].name);
        if (!z.ptr)
            return TARN_NOMEM;
        names[i] = z.ptr;
    }
    const char *nearest = tarn_str_nearest(name, names, root->field_count);
    (void)tarn_fail(r->op, TARN_COLUMN, "column \"%.*s\" not found", TARN_STR_ARG(name));
    if (nearest)
        tarn_hint(r->op, "did you mean \"%s\"?", nearest);
    tarn__place_at(&r->words, offset);
    return TARN_COLUMN;
}

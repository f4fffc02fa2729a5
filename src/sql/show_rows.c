/* show_rows: rows made in memory as a statement's answer. */
#include <string.h>

#include "sql/show_int.h"

static enum tarn_type_kind kind_of(struct tarn_str type)
{
    if (tarn_str_is(type, "long"))
        return TARN_TYPE_LONG;
    if (tarn_str_is(type, "boolean"))
        return TARN_TYPE_BOOLEAN;
    return TARN_TYPE_STRING;
}

enum tarn_status tarn__list_begin(struct tarn__list *l, struct tarn__run *r, const char *columns)
{
    struct tarn_str rest = tarn_str_view(columns), column, name;
    *l = (struct tarn__list){.run = r};
    while (rest.ptr && rest.len) {
        (void)tarn_str_cut(&rest, ' ', &column);
        (void)tarn_str_cut(&column, ':', &name);
        TARN_ASSERT(l->type.field_count < TARN__LIST_COLUMNS);
        l->fields[l->type.field_count++] =
            (struct tarn_field){.name = name, .type = {.kind = kind_of(column)}};
    }
    l->type.kind = TARN_TYPE_STRUCT;
    l->type.fields = l->fields;
    return tarn_rows_new(r->op, &l->type, &l->rows);
}

enum tarn_status tarn__list_add(struct tarn__list *l, const struct tarn_value *values)
{
    return tarn_rows_add(l->rows, l->run->op, values);
}

enum tarn_status tarn__list_texts(struct tarn__list *l, struct tarn_str a, struct tarn_str b,
                                  struct tarn_str c)
{
    struct tarn_value values[] = {tarn__text_value(a), tarn__text_value(b), tarn__text_value(c)};
    TARN_ASSERT(l->type.field_count <= 3);
    return tarn_rows_add(l->rows, l->run->op, values);
}

enum tarn_status tarn__list_end(struct tarn__list *l, const char *tag)
{
    TARN_TRY(tarn__answer_rows(l->run, l->rows, &l->type));
    tarn__done(l->run, tag, -1);
    return TARN_OK;
}

/* alter_layout: partition fields added, dropped and replaced; the order of written rows.
 *
 * A partition field that goes leaves its files as they are: they keep the spec that they were
 * written under (spec "Partition Evolution").
 */
#include <string.h>

#include "sql/alter_int.h"

static const struct tarn_schema *schema_of(const struct tarn__alter *a)
{
    return a->schema_copied ? &a->schema : tarn_metadata_schema(tarn_change_metadata(a->change));
}

static enum tarn_status fail_at(struct tarn__alter *a, enum tarn_status status, size_t offset)
{
    tarn__place_at(&a->r->words, offset);
    return status;
}

/* A copy of the current spec, with room for one more field. */
static enum tarn_status copy_spec(struct tarn__alter *a, struct tarn_partition_spec *out)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec(tarn_change_metadata(a->change));
    *out = *spec;
    TARN_NEW_ARRAY(a->r->op, out->fields, spec->field_count + 1);
    if (spec->field_count)
        memcpy(out->fields, spec->fields, spec->field_count * sizeof *out->fields);
    return TARN_OK;
}

static bool same_transform(const struct tarn_transform *a, const struct tarn_transform *b)
{
    return a->kind == b->kind && a->param == b->param;
}

/* ---- adding */

static enum tarn_status check_new(struct tarn__alter *a, const struct tarn_partition_spec *spec,
                                  const struct tarn_partition_field *f, size_t offset)
{
    const struct tarn_field *column = tarn__column_named(&schema_of(a)->root, f->name);
    struct tarn_op *op = a->r->op;
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct tarn_partition_field *old = &spec->fields[i];
        if (old->transform.kind == TARN_TRANSFORM_VOID)
            continue;
        if (old->source_id == f->source_id && same_transform(&old->transform, &f->transform)) {
            (void)tarn_fail(op, TARN_EXISTS, "the table is partitioned by \"%.*s\" already",
                            TARN_STR_ARG(old->name));
            return fail_at(a, TARN_EXISTS, offset);
        }
        if (tarn_str_eq_nocase(old->name, f->name)) {
            (void)tarn_fail(op, TARN_EXISTS, "a partition field is named \"%.*s\" already",
                            TARN_STR_ARG(f->name));
            tarn_hint(op, "ADD PARTITION FIELD .. AS name");
            return fail_at(a, TARN_EXISTS, offset);
        }
    }
    if (column && !(f->transform.kind == TARN_TRANSFORM_IDENTITY && column->id == f->source_id)) {
        (void)tarn_fail(op, TARN_INVALID,
                        "partition field \"%.*s\" would have the name of a column",
                        TARN_STR_ARG(f->name));
        return fail_at(a, TARN_INVALID, offset);
    }
    return TARN_OK;
}

static enum tarn_status take_new(struct tarn__alter *a, struct tarn_partition_spec *spec)
{
    struct tarn__words *w = &a->r->words;
    struct tarn__partition_item item = {0};
    struct tarn_partition_field *f = &spec->fields[spec->field_count];
    size_t offset = w->token.begin;
    TARN_TRY(tarn__take_transform(w, schema_of(a), &item.transform, &item.source));
    if (tarn__take(w, "AS"))
        TARN_TRY(tarn__take_ident(w, &item.name));
    if (item.source->id == 0) {
        (void)tarn_fail(a->r->op, TARN_UNSUPPORTED,
                        "a column cannot be added and partitioned by in one statement");
        return fail_at(a, TARN_UNSUPPORTED, offset);
    }
    TARN_TRY(tarn__partition_field(a->r->op, schema_of(a), &item, f));
    TARN_TRY(check_new(a, spec, f, offset));
    spec->field_count++;
    return TARN_OK;
}

static enum tarn_status set_spec(struct tarn__alter *a, const struct tarn_partition_spec *spec)
{
    return tarn_change_set_spec(a->change, a->r->op, spec);
}

enum tarn_status tarn__alter_add_partition(struct tarn__alter *a)
{
    struct tarn_partition_spec spec;
    TARN_TRY(copy_spec(a, &spec));
    TARN_TRY(take_new(a, &spec));
    return set_spec(a, &spec);
}

/* ---- dropping */

/* By its name, else by its transform. */
static enum tarn_status take_old(struct tarn__alter *a, const struct tarn_partition_spec *spec,
                                 size_t *out)
{
    struct tarn__words *w = &a->r->words, at_name = a->r->words;
    size_t offset = w->token.begin;
    struct tarn_transform t;
    const struct tarn_field *source;
    struct tarn_str name;
    if (!w->end && (w->token.kind == TARN_SQL_WORD || w->token.kind == TARN_SQL_QUOTED)) {
        TARN_TRY(tarn__take_ident(w, &name));
        bool whole = w->end || tarn__at(w, "WITH") || tarn__at(w, ",") || tarn__at(w, ";");
        for (size_t i = 0; whole && i < spec->field_count; i++)
            if (tarn_str_eq_nocase(spec->fields[i].name, name) &&
                spec->fields[i].transform.kind != TARN_TRANSFORM_VOID) {
                *out = i;
                return TARN_OK;
            }
        *w = at_name;
    }
    TARN_TRY(tarn__take_transform(w, schema_of(a), &t, &source));
    for (size_t i = 0; i < spec->field_count; i++)
        if (spec->fields[i].source_id == source->id &&
            same_transform(&spec->fields[i].transform, &t)) {
            *out = i;
            return TARN_OK;
        }
    (void)tarn_fail(a->r->op, TARN_NOT_FOUND, "the table is not partitioned by that");
    if (spec->field_count)
        tarn_hint(a->r->op, "its first partition field is \"%.*s\"",
                  TARN_STR_ARG(spec->fields[0].name));
    return fail_at(a, TARN_NOT_FOUND, offset);
}

/* Version 1 counts fields by place: one that goes becomes void. */
static void drop(struct tarn__alter *a, struct tarn_partition_spec *spec, size_t index)
{
    if (tarn_change_metadata(a->change)->format_version == 1) {
        spec->fields[index].transform = (struct tarn_transform){.kind = TARN_TRANSFORM_VOID};
        return;
    }
    memmove(&spec->fields[index], &spec->fields[index + 1],
            (spec->field_count - index - 1) * sizeof *spec->fields);
    spec->field_count--;
}

enum tarn_status tarn__alter_drop_partition(struct tarn__alter *a)
{
    struct tarn_partition_spec spec;
    size_t index = 0;
    TARN_TRY(copy_spec(a, &spec));
    TARN_TRY(take_old(a, &spec, &index));
    drop(a, &spec, index);
    return set_spec(a, &spec);
}

enum tarn_status tarn__alter_replace_partition(struct tarn__alter *a)
{
    struct tarn_partition_spec spec;
    size_t index = 0;
    TARN_TRY(copy_spec(a, &spec));
    TARN_TRY(take_old(a, &spec, &index));
    TARN_TRY(tarn__expect(&a->r->words, "WITH"));
    drop(a, &spec, index);
    TARN_TRY(take_new(a, &spec));
    size_t last = spec.field_count - 1;
    if (tarn_change_metadata(a->change)->format_version > 1 && index < last) {
        struct tarn_partition_field f = spec.fields[last]; /* it takes the old one's place */
        memmove(&spec.fields[index + 1], &spec.fields[index], (last - index) * sizeof *spec.fields);
        spec.fields[index] = f;
    }
    return set_spec(a, &spec);
}

/* ---- WRITE ORDERED BY .. */

enum tarn_status tarn__alter_write(struct tarn__alter *a)
{
    struct tarn__write_order order;
    TARN_TRY(tarn__take_write_order(&a->r->words, schema_of(a), &order));
    TARN_TRY(tarn_change_set_sort_order(a->change, a->r->op, &order.order));
    if (!order.distribution.ptr)
        return TARN_OK;
    return tarn_change_set_property(a->change, a->r->op, TARN_STR("write.distribution-mode"),
                                    order.distribution);
}

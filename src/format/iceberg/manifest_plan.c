/* manifest_plan: a writer's record -> the steps that read it.
 *
 * Fields are matched by field id; by name (today's, or that before Java 1.4) where a field has no
 * id. A field with an id that is not ours is passed over, whatever its name: names were used for
 * other things (trap 23). What is passed over and has a constant size becomes one step, so that
 * the time of a record does not grow with fields that take no bytes.
 */
#include "format/iceberg/manifest_int.h"

static enum tarn_status corrupt(struct tarn_op *op, const char *what, const char *field,
                                const char *why)
{
    return tarn_fail(op, TARN_CORRUPT, "could not read %s: field \"%s\" %s", what, field, why);
}

static bool number_fits(const struct tarn_avro_type *t)
{
    const struct tarn_avro_type *v = tarn_avro_beside_null(t);
    return v && (v->kind == TARN_AVRO_INT || v->kind == TARN_AVRO_LONG);
}

static bool bytes_fit(const struct tarn_avro_type *t)
{
    const struct tarn_avro_type *v = tarn_avro_beside_null(t);
    return v && (v->kind == TARN_AVRO_BYTES || v->kind == TARN_AVRO_STRING ||
                 v->kind == TARN_AVRO_FIXED);
}

/* The value type of a map in either form: Avro's own, or an array of records with a key and a
 * value. */
static bool map_fits(const struct tarn_avro_type *v, bool numbers)
{
    if (v->kind == TARN_AVRO_MAP)
        return numbers ? number_fits(v->items) : bytes_fit(v->items);
    return v->kind == TARN_AVRO_ARRAY && v->items->kind == TARN_AVRO_RECORD;
}

static bool shape_fits(enum tarn__manifest_shape shape, const struct tarn_avro_type *t)
{
    const struct tarn_avro_type *v = tarn_avro_beside_null(t);
    if (!v)
        return false;
    if (v->kind == TARN_AVRO_NULL)
        return true;
    switch (shape) {
    case SHAPE_INT:
    case SHAPE_LONG:
        return number_fits(v);
    case SHAPE_BOOLEAN:
        return v->kind == TARN_AVRO_BOOLEAN;
    case SHAPE_STRING:
    case SHAPE_BYTES:
        return bytes_fit(v);
    case SHAPE_MAP_LONG:
    case SHAPE_MAP_BYTES:
        return map_fits(v, shape == SHAPE_MAP_LONG);
    case SHAPE_LIST_INT:
    case SHAPE_LIST_LONG:
        return v->kind == TARN_AVRO_ARRAY && number_fits(v->items);
    case SHAPE_LIST_RECORD: {
        const struct tarn_avro_type *e =
            v->kind == TARN_AVRO_ARRAY ? tarn_avro_beside_null(v->items) : NULL;
        return e && e->kind == TARN_AVRO_RECORD;
    }
    case SHAPE_RECORD:
        return v->kind == TARN_AVRO_RECORD;
    }
    return false;
}

/* ---- steps */

static enum tarn_status plan_init(struct tarn_op *op, const struct tarn_avro_type *record,
                                  struct tarn__manifest_plan *out)
{
    *out = (struct tarn__manifest_plan){0};
    TARN_NEW_ARRAY(op, out->steps, record->field_count);
    return TARN_OK;
}

static void plan_pass_over(struct tarn__manifest_plan *p, const struct tarn_avro_type *t)
{
    struct tarn__manifest_step *last = p->count ? &p->steps[p->count - 1] : NULL;
    if (!t->constant)
        p->steps[p->count++] = (struct tarn__manifest_step){.slot = -1, .type = t};
    else if (last && !last->type && last->bytes <= SIZE_MAX / 2 - t->min_bytes)
        last->bytes += t->min_bytes;
    else if (t->min_bytes > 0)
        p->steps[p->count++] = (struct tarn__manifest_step){.slot = -1, .bytes = t->min_bytes};
}

static enum tarn_status plan_bind(struct tarn_op *op, const char *what, const char *name, int slot,
                                  const struct tarn_avro_type *t, struct tarn__manifest_plan *p)
{
    if (slot < 64 && tarn__manifest_plan_has(p, slot))
        return corrupt(op, what, name, "stands twice in the Avro schema");
    if (slot < 64)
        p->present |= (uint64_t)1 << slot;
    p->steps[p->count++] = (struct tarn__manifest_step){.slot = slot, .type = t};
    return TARN_OK;
}

struct tarn__manifest_step *tarn__manifest_plan_step(struct tarn__manifest_plan *p, int slot)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->steps[i].slot == slot)
            return &p->steps[i];
    return NULL;
}

static int slot_of(const struct tarn__manifest_fields *fields, const struct tarn_avro_field *f)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct tarn__manifest_field *m = &fields->items[i];
        bool same = f->field_id >= 0 ? f->field_id == m->id
                                     : tarn_str_is(f->name, m->name) ||
                                           (m->old_name && tarn_str_is(f->name, m->old_name));
        if (same)
            return (int)i;
    }
    return -1;
}

/* ---- pairs of a map that is an array: "key" and "value", whose ids differ from map to map */

static enum tarn_status pair_make(struct tarn_op *op, const char *what,
                                  const struct tarn__manifest_field *field,
                                  const struct tarn_avro_type *record,
                                  struct tarn__manifest_plan *out)
{
    TARN_TRY(plan_init(op, record, out));
    for (size_t i = 0; i < record->field_count; i++) {
        const struct tarn_avro_field *f = &record->fields[i];
        bool key = f->field_id == field->key_id || tarn_str_is(f->name, "key");
        bool value = f->field_id == field->value_id || tarn_str_is(f->name, "value");
        if (!key && !value) {
            plan_pass_over(out, f->type);
            continue;
        }
        if (key ? f->type->kind != TARN_AVRO_INT && f->type->kind != TARN_AVRO_LONG
                : !(field->shape == SHAPE_MAP_LONG ? number_fits(f->type) : bytes_fit(f->type)))
            return corrupt(op, what, field->name, "is no map of the right types");
        TARN_TRY(plan_bind(op, what, field->name, key ? PAIR_KEY : PAIR_VALUE, f->type, out));
    }
    if (!tarn__manifest_plan_has(out, PAIR_KEY) || !tarn__manifest_plan_has(out, PAIR_VALUE))
        return corrupt(op, what, field->name, "is a map without keys or values");
    return TARN_OK;
}

static enum tarn_status pair_plan(struct tarn_op *op, const char *what,
                                  const struct tarn__manifest_field *field,
                                  struct tarn__manifest_step *step)
{
    const struct tarn_avro_type *v = tarn_avro_beside_null(step->type);
    if ((field->shape != SHAPE_MAP_LONG && field->shape != SHAPE_MAP_BYTES) ||
        v->kind != TARN_AVRO_ARRAY)
        return TARN_OK;
    TARN_NEW(op, step->sub);
    return pair_make(op, what, field, v->items, step->sub);
}

/* ---- records */

enum tarn_status tarn__manifest_plan_make(struct tarn_op *op, const char *what,
                                          const struct tarn_avro_type *record,
                                          const struct tarn__manifest_fields *fields,
                                          struct tarn__manifest_plan *out)
{
    record = tarn_avro_beside_null(record);
    if (!record || record->kind != TARN_AVRO_RECORD)
        return tarn_fail(op, TARN_CORRUPT, "could not read %s: its Avro schema is no record", what);
    TARN_TRY(plan_init(op, record, out));
    for (size_t i = 0; i < record->field_count; i++) {
        const struct tarn_avro_type *t = record->fields[i].type;
        int slot = slot_of(fields, &record->fields[i]);
        if (slot < 0) {
            plan_pass_over(out, t);
            continue;
        }
        const struct tarn__manifest_field *f = &fields->items[slot];
        if (!shape_fits(f->shape, t))
            return corrupt(op, what, f->name, "has a type that it cannot have");
        TARN_TRY(plan_bind(op, what, f->name, slot, t, out));
        TARN_TRY(pair_plan(op, what, f, &out->steps[out->count - 1]));
    }
    for (size_t i = 0; i < fields->count; i++)
        if (fields->items[i].need == NEED_ALWAYS && !tarn__manifest_plan_has(out, (int)i))
            return corrupt(op, what, fields->items[i].name, "is missing");
    return TARN_OK;
}

/* ---- partition tuples */

/* Is f the field of a spec? By id; by its name, or its name before it was made fit for Avro,
 * if it has no id. */
static bool partition_matches(const struct tarn_avro_field *f, const struct tarn_field *spec_field,
                              struct tarn_str avro_name)
{
    if (f->field_id >= 0)
        return f->field_id == spec_field->id;
    return tarn_str_eq(f->name, spec_field->name) || tarn_str_eq(f->name, avro_name) ||
           (f->iceberg_name.ptr && tarn_str_eq(f->iceberg_name, spec_field->name));
}

static enum tarn_status names_of(struct tarn_op *op, const struct tarn_type *partition,
                                 struct tarn_str **out)
{
    TARN_NEW_ARRAY(op, *out, partition->field_count);
    for (size_t i = 0; i < partition->field_count; i++) {
        struct tarn_buf b;
        tarn_buf_init(&b, TARN_AVRO_SCHEMA_BYTES_MAX);
        tarn__manifest_avro_name(&b, partition->fields[i].name);
        TARN_TRY((enum tarn_status)tarn_buf_take(op, &b, "partition field name", &(*out)[i]));
    }
    return TARN_OK;
}

/* A tuple that lacks a field would read as null, and null decides which files a scan leaves out. */
static enum tarn_status partition_check(struct tarn_op *op, const char *what,
                                        const struct tarn_partition_spec *spec,
                                        const struct tarn_type *partition,
                                        struct tarn__manifest_plan *p)
{
    for (size_t i = 0; i < spec->field_count; i++) {
        bool may_lack = spec->fields[i].transform.kind == TARN_TRANSFORM_VOID ||
                        partition->fields[i].type.kind == TARN_TYPE_UNKNOWN;
        if (!may_lack && !tarn__manifest_plan_step(p, (int)i))
            return tarn_fail(op, TARN_CORRUPT,
                             "could not read %s: its tuples have no partition field \"%.*s\"", what,
                             TARN_STR_ARG(spec->fields[i].name));
    }
    return TARN_OK;
}

enum tarn_status tarn__manifest_plan_partition(struct tarn_op *op, const char *what,
                                               const struct tarn_avro_type *record,
                                               const struct tarn_partition_spec *spec,
                                               const struct tarn_type *partition,
                                               struct tarn__manifest_plan *out)
{
    struct tarn_str *names;
    record = tarn_avro_beside_null(record);
    TARN_TRY(names_of(op, partition, &names));
    TARN_TRY(plan_init(op, record, out));
    for (size_t i = 0; i < record->field_count; i++) {
        const struct tarn_avro_field *f = &record->fields[i];
        size_t k = 0;
        while (k < partition->field_count && !partition_matches(f, &partition->fields[k], names[k]))
            k++;
        if (k == partition->field_count || partition->fields[k].type.kind == TARN_TYPE_UNKNOWN) {
            plan_pass_over(out, f->type);
            continue;
        }
        const struct tarn_avro_type *v = tarn_avro_beside_null(f->type);
        if (!v || (v->kind != TARN_AVRO_NULL &&
                   !tarn__manifest_value_fits(v, &partition->fields[k].type)))
            return tarn_fail(op, TARN_CORRUPT,
                             "could not read %s: partition field \"%.*s\" is not of the type that "
                             "its spec gives it",
                             what, TARN_STR_ARG(partition->fields[k].name));
        if (tarn__manifest_plan_step(out, (int)k))
            return tarn_fail(op, TARN_CORRUPT,
                             "could not read %s: partition field \"%.*s\" stands twice", what,
                             TARN_STR_ARG(partition->fields[k].name));
        out->steps[out->count++] = (struct tarn__manifest_step){.slot = (int)k, .type = f->type};
    }
    return partition_check(op, what, spec, partition, out);
}

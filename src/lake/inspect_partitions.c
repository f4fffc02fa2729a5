/* inspect_partitions: the struct that the tuples of all partition specs fit into, and the metadata
 * table partitions: live files summed up by tuple. Deletes are counted, not applied. */
#include "lake/inspect_int.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"

/* ---- tuples */

static struct tarn_field *find_field(struct tarn_type *t, int32_t id)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (t->fields[i].id == id)
            return &t->fields[i];
    return NULL;
}

static bool is_void(const struct tarn_partition_field *f)
{
    return f->transform.kind == TARN_TRANSFORM_VOID;
}

/* Names are the newest spec's. A tombstone (void) of version 1 has the type of the field that it
 * stands for. */
static enum tarn_status add_fields(struct tarn_op *op, const struct tarn_metadata *m,
                                   const struct tarn_partition_spec *spec, struct tarn_type *out,
                                   bool *of_void)
{
    struct tarn_type tuple;
    TARN_TRY(tarn_partition_type(op, m, spec, &tuple));
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct tarn_partition_field *f = &spec->fields[i];
        struct tarn_field *there = find_field(out, f->field_id);
        if (f->source_id < 0 || !tarn_schema_field_by_id(tarn_metadata_schema(m), f->source_id))
            continue;
        if (!there) {
            of_void[out->field_count] = is_void(f);
            out->fields[out->field_count++] = tuple.fields[i];
            continue;
        }
        bool *tombstone = &of_void[there - out->fields];
        if (*tombstone && !is_void(f)) {
            there->type = tuple.fields[i].type;
            *tombstone = false;
        } else if (!is_void(f) && !tarn_type_eq(&there->type, &tuple.fields[i].type)) {
            return tarn_fail(op, TARN_UNSUPPORTED,
                             "partition field %d has different types in different specs",
                             (int)f->field_id);
        }
    }
    return TARN_OK;
}

static int by_spec_down(const void *a, const void *b)
{
    int32_t x = (*(const struct tarn_partition_spec *const *)a)->spec_id;
    int32_t y = (*(const struct tarn_partition_spec *const *)b)->spec_id;
    return (x < y) - (x > y);
}

static int by_field_id(const void *a, const void *b)
{
    int32_t x = ((const struct tarn_field *)a)->id, y = ((const struct tarn_field *)b)->id;
    return (x > y) - (x < y);
}

/* Types that no value stands for would be null in every row; they are shown as text. */
static void show_as_text(struct tarn_type *t)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (t->fields[i].type.kind >= TARN_TYPE_UNKNOWN)
            t->fields[i].type = (struct tarn_type){.kind = TARN_TYPE_STRING};
}

enum tarn_status tarn__tuples_init(struct tarn__tuples *t, struct tarn_op *op,
                                   const struct tarn_metadata *m)
{
    const struct tarn_partition_spec **specs;
    bool *of_void;
    size_t fields = 0;
    *t = (struct tarn__tuples){.type.kind = TARN_TYPE_STRUCT};
    TARN_NEW_ARRAY(op, specs, m->spec_count + 1);
    for (size_t i = 0; i < m->spec_count; i++) {
        specs[i] = &m->specs[i];
        fields += m->specs[i].field_count;
    }
    if (fields == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, t->type.fields, fields);
    TARN_NEW_ARRAY(op, of_void, fields);
    qsort(specs, m->spec_count, sizeof *specs, by_spec_down);
    for (size_t i = 0; i < m->spec_count; i++)
        TARN_TRY(add_fields(op, m, specs[i], &t->type, of_void));
    if (t->type.field_count > 0)
        qsort(t->type.fields, t->type.field_count, sizeof *t->type.fields, by_field_id);
    show_as_text(&t->type);
    return TARN_OK;
}

struct tarn_value tarn__tuple_value(const struct tarn__tuples *t, const struct tarn_metadata *m,
                                    const struct tarn_data_file *f, size_t field)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(m, f->spec_id);
    for (size_t i = 0; spec && i < spec->field_count && i < f->partition_count; i++)
        if (spec->fields[i].field_id == t->type.fields[field].id && !is_void(&spec->fields[i]))
            return f->partition[i];
    return (struct tarn_value){.is_null = true};
}

void tarn__cell_tuple(struct tarn__rows *r, struct tarn__cells *c, const struct tarn__tuples *t,
                      const struct tarn_metadata *m, const struct tarn_data_file *f)
{
    for (size_t i = 0; i < t->type.field_count; i++) {
        struct tarn_value v = tarn__tuple_value(t, m, f, i);
        tarn__cell_value(r, &c->children[i], &v);
    }
    tarn__cell_end(r, c);
}

/* ---- sums */

struct sums {
    struct tarn__inspect *i;
    struct tarn_op *op;
    size_t cap;
    size_t *slots; /* 1 + index of a partition, 0 = free; twice as many as partitions */
    size_t slot_count;
};

/* A tuple as bytes: equal for equal tuples of one spec (trap 25). Those of others are partitions of
 * their own, as Iceberg's Java library counts them. */
static enum tarn_status key_of(struct sums *s, const struct tarn_data_file *f, struct tarn_buf *b)
{
    const struct tarn__tuples *t = &s->i->tuples;
    tarn_buf_reset(b);
    tarn_buf_append(b, &f->spec_id, sizeof f->spec_id);
    for (size_t k = 0; k < t->type.field_count; k++) {
        struct tarn_value v = tarn__tuple_value(t, s->i->m, f, k);
        if (v.d == 0)
            v.d = 0; /* -0.0 */
        if (isnan(v.d))
            v.d = NAN;
        tarn_buf_put(b, v.is_null ? 0 : 1);
        if (v.is_null)
            continue;
        tarn_buf_append(b, &v.i, sizeof v.i);
        tarn_buf_append(b, &v.d, sizeof v.d);
        tarn_buf_append(b, &v.dec, sizeof v.dec);
        tarn_buf_append(b, &v.bytes.len, sizeof v.bytes.len);
        tarn_buf_str(b, v.bytes);
    }
    return (enum tarn_status)tarn_buf_finish(s->op, b, "partition tuple");
}

static size_t *slot_of(struct sums *s, struct tarn_str key)
{
    size_t at = (size_t)tarn_hash64(key.ptr, key.len, 0) & (s->slot_count - 1);
    while (s->slots[at] && !tarn_str_eq(s->i->partitions[s->slots[at] - 1].key, key))
        at = (at + 1) & (s->slot_count - 1);
    return &s->slots[at];
}

static enum tarn_status sums_grow(struct sums *s)
{
    struct tarn__inspect *i = s->i;
    struct tarn__partition *grown;
    if (i->partition_count < s->cap)
        return TARN_OK;
    s->cap = s->cap ? s->cap * 2 : 64;
    s->slot_count = s->cap * 2;
    TARN_NEW_ARRAY(s->op, grown, s->cap);
    TARN_NEW_ARRAY(s->op, s->slots, s->slot_count);
    if (i->partition_count)
        memcpy(grown, i->partitions, i->partition_count * sizeof *grown);
    i->partitions = grown;
    for (size_t k = 0; k < i->partition_count; k++)
        *slot_of(s, grown[k].key) = k + 1;
    return TARN_OK;
}

/* What outlives the manifest: the tuple. */
static enum tarn_status keep_file(struct tarn_op *op, const struct tarn_data_file *f,
                                  const struct tarn_data_file **out)
{
    struct tarn_data_file *copy;
    TARN_NEW(op, copy);
    copy->spec_id = f->spec_id;
    copy->partition_count = f->partition_count;
    if (f->partition_count > 0)
        TARN_NEW_ARRAY(op, copy->partition, f->partition_count);
    for (size_t k = 0; k < f->partition_count; k++) {
        copy->partition[k] = f->partition[k];
        if (!f->partition[k].bytes.ptr)
            continue;
        copy->partition[k].bytes = tarn_strdup(op, f->partition[k].bytes);
        if (!copy->partition[k].bytes.ptr)
            return TARN_NOMEM;
    }
    *out = copy;
    return TARN_OK;
}

static enum tarn_status partition_of(struct sums *s, const struct tarn_data_file *f,
                                     struct tarn_str key, struct tarn__partition **out)
{
    struct tarn__inspect *i = s->i;
    TARN_TRY(sums_grow(s));
    size_t *slot = slot_of(s, key);
    if (*slot == 0) {
        struct tarn__partition *p = &i->partitions[i->partition_count];
        *p = (struct tarn__partition){.key = tarn_strdup(s->op, key), .spec_id = f->spec_id};
        if (!p->key.ptr)
            return TARN_NOMEM;
        TARN_TRY(keep_file(s->op, f, &p->file));
        *slot = ++i->partition_count;
    }
    *out = &i->partitions[*slot - 1];
    return TARN_OK;
}

static void add_file(struct tarn__partition *p, const struct tarn_data_file *f,
                     const struct tarn_snapshot *by)
{
    bool data = f->content == TARN_CONTENT_DATA;
    bool positions = f->content == TARN_CONTENT_POSITION_DELETES;
    p->rows += data ? f->record_count : 0;
    p->files += data;
    p->bytes += data ? f->size_bytes : 0;
    p->position_rows += positions ? f->record_count : 0;
    p->position_files += positions;
    p->equality_rows += !data && !positions ? f->record_count : 0;
    p->equality_files += !data && !positions;
    if (by && (p->updated_by == 0 || by->timestamp_ms > p->updated_ms)) {
        p->updated_ms = by->timestamp_ms;
        p->updated_by = by->snapshot_id;
        p->spec_id = f->spec_id;
    }
}

static enum tarn_status add_manifest(struct sums *s, const struct tarn_manifest_file *f,
                                     struct tarn_buf *key)
{
    struct tarn__inspect *i = s->i;
    struct tarn_manifest manifest;
    tarn_arena_reset(i->unit_op.arena);
    if (tarn_table_manifest(&i->lake, &i->unit_op, i->m, f, &manifest) != TARN_OK)
        return tarn_op_adopt(s->op, &i->unit_op);
    for (size_t k = 0; k < manifest.count; k++) {
        const struct tarn_manifest_entry *e = &manifest.entries[k];
        struct tarn__partition *p;
        if (e->status == TARN_ENTRY_DELETED)
            continue;
        TARN_TRY(key_of(s, &e->file, key));
        TARN_TRY(partition_of(s, &e->file, tarn_buf_view(key), &p));
        add_file(p, &e->file, tarn__inspect_snapshot(i, e->snapshot_id));
    }
    return TARN_OK;
}

/* ---- the table */

enum tarn_status tarn__open_partitions(struct tarn__inspect *i, struct tarn_op *op)
{
    struct sums s = {.i = i, .op = op};
    struct tarn_buf key;
    TARN_TRY(tarn__inspect_index(i, op));
    TARN_TRY(tarn__tuples_init(&i->tuples, op, i->m));
    TARN_TRY(tarn__inspect_manifests(i, op, true));
    tarn_buf_init(&key, (size_t)1 << 30);
    enum tarn_status status = TARN_OK;
    for (size_t k = 0; k < i->manifest_count && status == TARN_OK; k++)
        status = add_manifest(&s, i->manifests[k].file, &key);
    tarn_buf_release(&key);
    TARN_TRY(status);
    i->schema.kind = TARN_TYPE_STRUCT;
    if (i->tuples.type.field_count > 0) {
        TARN_TRY(tarn__type_append_field(op, &i->schema, TARN_STR("partition"), &i->tuples.type));
        TARN_TRY(tarn__type_append(op, &i->schema, "spec_id: int not null"));
    }
    return tarn__type_append(
        op, &i->schema,
        "record_count: long not null, file_count: int not null, "
        "total_data_file_size_in_bytes: long not null, "
        "position_delete_record_count: long not null, position_delete_file_count: int not null, "
        "equality_delete_record_count: long not null, equality_delete_file_count: int not null, "
        "last_updated_at: timestamptz, last_updated_snapshot_id: long");
}

enum tarn_status tarn__fill_partitions(struct tarn__inspect *i, struct tarn__rows *r, size_t max)
{
    for (; i->at < i->partition_count && tarn__rows_count(r) < max; i->at++) {
        const struct tarn__partition *p = &i->partitions[i->at];
        struct tarn__cells *c = r->root.children;
        if (i->tuples.type.field_count > 0) {
            tarn__cell_tuple(r, c++, &i->tuples, i->m, p->file);
            tarn__cell_int(r, c++, p->spec_id);
        }
        tarn__cell_int(r, c++, p->rows);
        tarn__cell_int(r, c++, p->files);
        tarn__cell_int(r, c++, p->bytes);
        tarn__cell_int(r, c++, p->position_rows);
        tarn__cell_int(r, c++, p->position_files);
        tarn__cell_int(r, c++, p->equality_rows);
        tarn__cell_int(r, c++, p->equality_files);
        tarn__cell_int_if(r, c++, p->updated_by != 0, tarn__micros(p->updated_ms));
        tarn__cell_int_if(r, c++, p->updated_by != 0, p->updated_by);
    }
    return r->status;
}

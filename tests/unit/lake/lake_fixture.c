#include "lake_fixture.h"

#include <string.h>

const struct tarn_ident LAKE_TABLE = {{"raw", 3}, {"t", 1}};

void lake_ok(struct lake_world *w, enum tarn_status status)
{
    const struct tarn_report *r = &w->op.report;
    if (status != TARN_OK) {
        print_error("%s: %s\n%s\n", tarn_status_info(status)->name, r->message, r->detail);
        for (int i = 0; i < r->frame_count; i++)
            print_error("  while %s\n", r->frames[i]);
    }
    assert_int_equal(status, TARN_OK);
}

void lake_fails(struct lake_world *w, enum tarn_status status, enum tarn_status wanted,
                const char *part)
{
    struct tarn_report *r = &w->op.report;
    bool told = !part || strstr(r->message, part) || strstr(r->detail, part);
    for (int i = 0; i < r->frame_count; i++)
        told = told || strstr(r->frames[i], part);
    if (status != wanted || !told)
        print_error("%s: %s\n%s\n", tarn_status_info(status)->name, r->message, r->detail);
    assert_int_equal(status, wanted);
    assert_true(told);
    tarn_clear(&w->op);
}

/* ---- a world */

static enum tarn_status local_path(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   struct tarn_str *out)
{
    (void)s;
    *out = tarn_strdup(op, path);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status read_deletes(struct tarn_delete_reader *self, struct tarn_op *op,
                                     const struct tarn_str *paths, size_t count,
                                     struct tarn_position_deletes *out)
{
    struct lake_world *w =
        (struct lake_world *)(void *)((char *)self - offsetof(struct lake_world, deletes));
    *out = (struct tarn_position_deletes){0};
    TARN_NEW_ARRAY(op, out->runs, w->said_count * count + 1);
    w->delete_files_read += count;
    for (size_t i = 0; i < w->said_count; i++)
        for (size_t f = 0; f < count; f++)
            if (tarn_str_is(paths[f], w->said[i].delete_file))
                out->runs[out->run_count++] =
                    (struct tarn_position_run){.source = f,
                                               .path = tarn_str_view(w->said[i].data_file),
                                               .positions = &w->said[i].position,
                                               .count = 1};
    return TARN_OK;
}

int lake_begin(void **state)
{
    struct lake_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(tarn_op_init(&w->op, 0, 0), TARN_OK);
    lake_ok(w, tarn_storage_mem_open(&w->op, &w->lake.storage));
    w->ops = *w->lake.storage->ops;
    w->ops.local_path = local_path;
    w->ops.abilities |= TARN_STORAGE_LOCAL;
    w->lake.storage->ops = &w->ops;
    lake_ok(w, tarn_catalog_mem_open(&w->op, TARN_STR("iceberg"), &w->lake.catalog));
    lake_ok(w, tarn_catalog_create_namespace(w->lake.catalog, &w->op, TARN_STR("raw"),
                                             (struct tarn_properties){NULL, 0}));
    w->deletes.read = read_deletes;
    w->lake.deletes = &w->deletes;
    *state = w;
    return 0;
}

int lake_end(void **state)
{
    struct lake_world *w = *state;
    tarn_catalog_close(w->lake.catalog);
    tarn_storage_close(w->lake.storage);
    tarn_op_release(&w->op);
    free(w);
    return 0;
}

/* ---- tables and changes */

void lake_create(struct lake_world *w, const char *type, const char *const *partitions)
{
    struct tarn_change *c;
    struct tarn_schema schema = {0};
    struct tarn_str exprs[8];
    size_t n = 0;
    int32_t next = 1;
    struct tarn_create create = {.location = TARN_STR("mem://w/raw/t"), .schema = &schema};
    lake_ok(w, tarn_type_parse(&w->op, tarn_str_view(type), &schema.root));
    tarn_type_assign_ids(&schema.root, &next);
    for (; partitions && partitions[n]; n++)
        exprs[n] = tarn_str_view(partitions[n]);
    lake_ok(w, tarn_spec_make(&w->op, &schema, exprs, n, &create.spec));
    lake_ok(w, tarn_change_create(&w->lake, &w->op, LAKE_TABLE, &create, &c));
    lake_commit(w, c);
}

struct tarn_table *lake_load(struct lake_world *w)
{
    struct tarn_table *t;
    lake_ok(w, tarn_table_load(&w->lake, &w->op, LAKE_TABLE, &t));
    return t;
}

struct tarn_change *lake_open(struct lake_world *w)
{
    struct tarn_change *c;
    lake_ok(w, tarn_change_open(&w->lake, &w->op, lake_load(w), &c));
    return c;
}

void lake_commit(struct lake_world *w, struct tarn_change *c)
{
    lake_ok(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
}

struct tarn_data_file lake_file(struct lake_world *w, const char *path, int64_t rows)
{
    struct tarn_str copy = lake_text(w, path);
    lake_ok(w, tarn_storage_put(w->lake.storage, &w->op, copy, TARN_STR("PAR1")));
    return (struct tarn_data_file){.path = copy,
                                   .format = TARN_STR("PARQUET"),
                                   .record_count = rows,
                                   .size_bytes = 4,
                                   .sort_order_id = -1,
                                   .first_row_id = -1,
                                   .content_offset = -1,
                                   .content_size = -1};
}

void lake_append(struct lake_world *w, struct tarn_change *c, const char *path, int64_t rows)
{
    struct tarn_data_file f = lake_file(w, path, rows);
    lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
}

void lake_append_now(struct lake_world *w, const char *path, int64_t rows)
{
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, path, rows);
    lake_commit(w, c);
}

void lake_delete_row(struct lake_world *w, struct tarn_change *c, const char *path,
                     const char *data_file, int64_t position)
{
    struct tarn_data_file f = lake_file(w, path, 1);
    f.content = TARN_CONTENT_POSITION_DELETES;
    assert_true(w->said_count < DELETES_MAX);
    w->said[w->said_count++] = (struct delete_said){f.path.ptr, data_file, position};
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &f, 1));
}

static struct tarn_id_count *add_count(struct lake_world *w, const struct tarn_id_count *items,
                                       size_t n, int32_t id, int64_t count)
{
    struct tarn_id_count *grown = tarn_alloc_array(&w->op, n + 1, sizeof *grown);
    assert_non_null(grown);
    if (n)
        memcpy(grown, items, n * sizeof *grown);
    grown[n] = (struct tarn_id_count){id, count};
    return grown;
}

static struct tarn_id_bytes *add_bytes(struct lake_world *w, const struct tarn_id_bytes *items,
                                       size_t n, int32_t id, struct tarn_str bytes)
{
    struct tarn_id_bytes *grown = tarn_alloc_array(&w->op, n + 1, sizeof *grown);
    assert_non_null(grown);
    if (n)
        memcpy(grown, items, n * sizeof *grown);
    grown[n] = (struct tarn_id_bytes){id, bytes};
    return grown;
}

static struct tarn_str bytes_of(struct lake_world *w, const struct tarn_type *t, const char *text)
{
    struct tarn_value v;
    struct tarn_str bytes;
    lake_ok(w, tarn_value_from_text(&w->op, t, tarn_str_view(text), &v));
    lake_ok(w, tarn_value_to_bytes(&w->op, t, &v, &bytes));
    return bytes;
}

void lake_metrics(struct lake_world *w, struct tarn_data_file *f, const struct tarn_schema *s,
                  const char *column, const char *lower, const char *upper, int64_t nulls)
{
    const struct tarn_field *field = tarn_schema_field_by_path(s, tarn_str_view(column));
    assert_non_null(field);
    f->value_counts =
        add_count(w, f->value_counts, f->value_count_count++, field->id, f->record_count);
    f->null_counts = add_count(w, f->null_counts, f->null_count_count++, field->id, nulls);
    if (lower)
        f->lower =
            add_bytes(w, f->lower, f->lower_count++, field->id, bytes_of(w, &field->type, lower));
    if (upper)
        f->upper =
            add_bytes(w, f->upper, f->upper_count++, field->id, bytes_of(w, &field->type, upper));
}

void lake_partition(struct lake_world *w, struct tarn_data_file *f, const struct tarn_metadata *m,
                    int32_t spec_id, const char *const *values)
{
    struct tarn_type type;
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(m, spec_id);
    assert_non_null(spec);
    lake_ok(w, tarn_partition_type(&w->op, m, spec, &type));
    f->spec_id = spec_id;
    f->partition_count = spec->field_count;
    f->partition = tarn_alloc_array(&w->op, spec->field_count + 1, sizeof *f->partition);
    assert_non_null(f->partition);
    for (size_t i = 0; i < spec->field_count; i++) {
        if (strcmp(values[i], "null") == 0)
            f->partition[i].is_null = true;
        else
            lake_ok(w, tarn_value_from_text(&w->op, &type.fields[i].type, tarn_str_view(values[i]),
                                            &f->partition[i]));
    }
}

/* ---- looking */

size_t lake_live(struct lake_world *w, const struct tarn_table *t)
{
    struct tarn_live_files files;
    lake_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata,
                                     tarn_metadata_current(&t->metadata), &files));
    return files.count;
}

const char *lake_summary(const struct tarn_table *t, const char *key)
{
    const struct tarn_str *v = tarn_kvs_get(&tarn_metadata_current(&t->metadata)->summary, key);
    return v ? v->ptr : NULL;
}

size_t lake_objects(struct lake_world *w)
{
    struct tarn_listing l;
    lake_ok(w, tarn_storage_list(w->lake.storage, &w->op, TARN_STR("mem://w"), &l));
    return l.count;
}

struct tarn_str lake_text(struct lake_world *w, const char *text)
{
    struct tarn_str s = tarn_strdup(&w->op, tarn_str_view(text));
    assert_non_null(s.ptr);
    return s;
}

void lake_overwrite(struct lake_world *w, struct tarn_str path, struct tarn_str bytes)
{
    lake_ok(w, tarn_storage_remove(w->lake.storage, &w->op, path));
    lake_ok(w, tarn_storage_put(w->lake.storage, &w->op, path, bytes));
}

/* ---- other writers */

void lake_publish(struct lake_world *w, const struct tarn_table *base,
                  const struct tarn_metadata *next)
{
    static int counter;
    struct tarn_str json;
    struct tarn_str path =
        tarn_sprintf(&w->op, "mem://w/raw/t/metadata/%05d-foreign.metadata.json", ++counter + 500);
    struct tarn_swap swap = {LAKE_TABLE, base->metadata_location, path};
    assert_non_null(path.ptr);
    lake_ok(w, tarn_metadata_write(&w->op, next, &json));
    lake_ok(w, tarn_storage_put(w->lake.storage, &w->op, path, json));
    lake_ok(w, tarn_catalog_commit(w->lake.catalog, &w->op, &swap, 1));
}

void lake_foreign_snapshot(struct lake_world *w, const char *operation)
{
    struct tarn_table *t = lake_load(w);
    struct tarn_metadata m = t->metadata;
    const struct tarn_snapshot *now = tarn_metadata_current(&m);
    struct tarn_snapshot *all = tarn_alloc_array(&w->op, m.snapshot_count + 1, sizeof *all);
    assert_non_null(all);
    assert_non_null(now);
    memcpy(all, m.snapshots, m.snapshot_count * sizeof *all);
    struct tarn_snapshot *added = &all[m.snapshot_count++];
    *added = *now;
    added->snapshot_id = now->snapshot_id ^ 1;
    added->parent_id = now->snapshot_id;
    added->sequence_number = ++m.last_sequence_number;
    added->timestamp_ms = ++m.last_updated_ms;
    lake_ok(w, tarn_kvs_with(&w->op, &now->summary, TARN_STR("operation"), tarn_str_view(operation),
                             &added->summary));
    m.snapshots = all;
    m.current_snapshot_id = added->snapshot_id;
    m.refs = tarn_alloc_array(&w->op, 1, sizeof *m.refs);
    assert_non_null(m.refs);
    m.ref_count = 1;
    m.refs[0] = (struct tarn_ref){.name = TARN_STR("main"),
                                  .snapshot_id = added->snapshot_id,
                                  .min_snapshots_to_keep = -1,
                                  .max_snapshot_age_ms = -1,
                                  .max_ref_age_ms = -1};
    lake_publish(w, t, &m);
}

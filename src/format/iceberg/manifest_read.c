/* manifest_read: a manifest file -> its entries (spec "Manifests", "Sequence Number Inheritance",
 * "First Row ID Inheritance").
 *
 * 1. The table's metadata says what the partition tuples mean; the manifest's own header only
 *    where the metadata lacks the spec. Headers are known to be wrong (trap 23).
 * 2. An Avro file that is cut off between two blocks looks whole. The list entry's length tells, and
 *    its counts where it has any.
 * 3. Everything handed out lies in op->arena.
 */
#include "format/iceberg/manifest_int.h"
#include "format/iceberg/metadata_int.h"

#define NOT_SET INT64_MIN

struct reader {
    struct tarn__manifest_decoder d;
    const char *what;
    const struct tarn_manifest_file *list_entry;
    struct tarn_avro_reader avro;
    struct tarn__manifest_plan entry, file, partition;
    const struct tarn_partition_spec *spec;
    struct tarn_type tuple;
    int64_t next_row_id; /* -1: none to give */
    size_t index;        /* of the entry, for messages */
};

static enum tarn_status corrupt(struct reader *r, const char *why)
{
    return tarn_fail(r->d.op, TARN_CORRUPT, "could not read manifest \"%s\": entry %zu: %s",
                     r->what, r->index, why);
}

/* ---- what the tuples mean */

/* The spec that the manifest's own header gives, under the header's schema. */
static enum tarn_status header_spec(struct reader *r, struct tarn_metadata *own,
                                    struct tarn_partition_spec *spec)
{
    struct tarn_op *op = r->d.op;
    struct tarn_str fields = tarn_avro_reader_meta(&r->avro, "partition-spec");
    struct tarn_str schema = tarn_avro_reader_meta(&r->avro, "schema");
    if (!fields.ptr || !schema.ptr)
        return tarn_fail(op, TARN_CORRUPT,
                         "could not read manifest \"%s\": neither the table nor its header knows "
                         "partition spec %d",
                         r->what, (int)r->list_entry->spec_id);
    struct tarn_json *fields_json, *schema_json;
    TARN_TRY(tarn_json_parse(op, fields, "partition-spec of a manifest", &fields_json));
    TARN_TRY(tarn_json_parse(op, schema, "schema of a manifest", &schema_json));
    TARN_TRY(tarn__spec_fields_from_json(op, fields_json, spec));
    TARN_NEW(op, own->schemas);
    TARN_TRY(tarn_schema_from_json(op, schema_json, own->schemas));
    own->schema_count = 1;
    own->current_schema_id = own->schemas->schema_id;
    return TARN_OK;
}

static enum tarn_status spec_find(struct reader *r, const struct tarn_metadata *m)
{
    r->spec = tarn_metadata_spec_by_id(m, r->list_entry->spec_id);
    if (r->spec)
        return tarn_partition_type(r->d.op, m, r->spec, &r->tuple);
    struct tarn_partition_spec *spec;
    struct tarn_metadata own = {.format_version = 2};
    TARN_NEW(r->d.op, spec);
    spec->spec_id = r->list_entry->spec_id;
    TARN_TRY_WHILE(r->d.op, header_spec(r, &own, spec), "reading manifest \"%s\"", r->what);
    r->spec = spec;
    return tarn_partition_type(r->d.op, &own, spec, &r->tuple);
}

static enum tarn_status plans_make(struct reader *r)
{
    struct tarn_op *op = r->d.op;
    TARN_TRY(tarn__manifest_plan_make(op, r->what, r->avro.schema, &tarn__manifest_entry_fields,
                                      &r->entry));
    struct tarn__manifest_step *file = tarn__manifest_plan_step(&r->entry, ENTRY_FILE);
    TARN_TRY(
        tarn__manifest_plan_make(op, r->what, file->type, &tarn__manifest_file_fields, &r->file));
    struct tarn__manifest_step *tuple = tarn__manifest_plan_step(&r->file, FILE_PARTITION);
    if (tuple && tarn_avro_beside_null(tuple->type)->kind == TARN_AVRO_RECORD)
        return tarn__manifest_plan_partition(op, r->what, tarn_avro_beside_null(tuple->type),
                                             r->spec, &r->tuple, &r->partition);
    if (r->spec->field_count > 0)
        return tarn_fail(op, TARN_CORRUPT,
                         "could not read manifest \"%s\": it has no partition tuples", r->what);
    return TARN_OK;
}

/* ---- the data_file struct */

static enum tarn_status read_partition(struct reader *r, struct tarn_data_file *f)
{
    for (size_t i = 0; i < r->partition.count; i++) {
        const struct tarn__manifest_step *s = &r->partition.steps[i];
        if (s->slot < 0) {
            tarn__manifest_decode_skip(&r->d, s);
            continue;
        }
        const struct tarn_avro_type *t = tarn_avro_read_branch(&r->d.cursor, s->type);
        TARN_TRY(tarn__manifest_value_decode(&r->d, t, &r->tuple.fields[s->slot].type,
                                             &f->partition[s->slot]));
    }
    return TARN_OK;
}

/* Format names are one word in any case; the rest of Tarn compares them in Java's. */
static enum tarn_status read_format(struct reader *r, const struct tarn_avro_type *t,
                                    struct tarn_data_file *f)
{
    static const char *const known[] = {"PARQUET", "AVRO", "ORC", "PUFFIN"};
    f->format = tarn__manifest_decode_text(&r->d, t);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (tarn_str_eq_nocase(f->format, tarn_str_view(known[i])))
            f->format = tarn_str_view(known[i]);
    return TARN_OK;
}

static enum tarn_status read_map_or_list(struct reader *r, const struct tarn__manifest_step *s,
                                         const struct tarn_avro_type *t, struct tarn_data_file *f)
{
    struct tarn__manifest_decoder *d = &r->d;
    switch (s->slot) {
    case FILE_COLUMN_SIZES:
        return tarn__manifest_decode_counts(d, s, t, &f->column_sizes, &f->column_size_count);
    case FILE_VALUE_COUNTS:
        return tarn__manifest_decode_counts(d, s, t, &f->value_counts, &f->value_count_count);
    case FILE_NULL_COUNTS:
        return tarn__manifest_decode_counts(d, s, t, &f->null_counts, &f->null_count_count);
    case FILE_NAN_COUNTS:
        return tarn__manifest_decode_counts(d, s, t, &f->nan_counts, &f->nan_count_count);
    case FILE_LOWER:
        return tarn__manifest_decode_bounds(d, s, t, &f->lower, &f->lower_count);
    case FILE_UPPER:
        return tarn__manifest_decode_bounds(d, s, t, &f->upper, &f->upper_count);
    case FILE_SPLIT_OFFSETS:
        return tarn__manifest_decode_longs(d, t, &f->split_offsets, &f->split_offset_count);
    default:
        TARN_ASSERT(s->slot == FILE_EQUALITY_IDS);
        return tarn__manifest_decode_ints(d, t, &f->equality_ids, &f->equality_id_count);
    }
}

static enum tarn_status read_file_field(struct reader *r, const struct tarn__manifest_step *s,
                                        const struct tarn_avro_type *t, struct tarn_data_file *f)
{
    struct tarn_avro_cursor *c = &r->d.cursor;
    int32_t content;
    switch (s->slot) {
    case FILE_CONTENT:
        content = tarn_avro_read_int(c);
        if (content < TARN_CONTENT_DATA || content > TARN_CONTENT_EQUALITY_DELETES)
            tarn_avro_cursor_fail(c, "its content is none that is known");
        else
            f->content = (enum tarn_content)content;
        return TARN_OK;
    case FILE_PATH:
        f->path = tarn__manifest_decode_text(&r->d, t);
        return TARN_OK;
    case FILE_FORMAT:
        return read_format(r, t, f);
    case FILE_PARTITION:
        return read_partition(r, f);
    case FILE_RECORDS:
        f->record_count = tarn_avro_read_long(c);
        return TARN_OK;
    case FILE_SIZE:
        f->size_bytes = tarn_avro_read_long(c);
        return TARN_OK;
    case FILE_KEY_METADATA:
        f->key_metadata = tarn__manifest_decode_bytes(&r->d, t);
        return TARN_OK;
    case FILE_SORT_ORDER:
        f->sort_order_id = tarn_avro_read_int(c);
        return TARN_OK;
    case FILE_FIRST_ROW_ID:
        f->first_row_id = tarn_avro_read_long(c);
        return TARN_OK;
    case FILE_REFERENCED:
        f->referenced_data_file = tarn__manifest_decode_text(&r->d, t);
        return TARN_OK;
    case FILE_CONTENT_OFFSET:
        f->content_offset = tarn_avro_read_long(c);
        return TARN_OK;
    case FILE_CONTENT_SIZE:
        f->content_size = tarn_avro_read_long(c);
        return TARN_OK;
    default:
        return read_map_or_list(r, s, t, f);
    }
}

static enum tarn_status read_file(struct reader *r, struct tarn_data_file *f)
{
    f->spec_id = r->list_entry->spec_id;
    f->sort_order_id = -1;
    f->first_row_id = f->content_offset = f->content_size = -1;
    f->partition_count = r->spec->field_count;
    if (f->partition_count > 0)
        TARN_NEW_ARRAY(r->d.op, f->partition, f->partition_count);
    for (size_t i = 0; i < f->partition_count; i++)
        f->partition[i].is_null = true;
    for (size_t i = 0; i < r->file.count; i++) {
        const struct tarn__manifest_step *s = &r->file.steps[i];
        if (s->slot < 0) {
            tarn__manifest_decode_skip(&r->d, s);
            continue;
        }
        const struct tarn_avro_type *t = tarn_avro_read_branch(&r->d.cursor, s->type);
        if (t->kind != TARN_AVRO_NULL)
            TARN_TRY(read_file_field(r, s, t, f));
        else if (tarn__manifest_file_fields.items[s->slot].need == NEED_ALWAYS)
            tarn_avro_cursor_fail(&r->d.cursor, "a required field is null");
        else if (s->slot == FILE_PARTITION && f->partition_count > 0)
            tarn_avro_cursor_fail(&r->d.cursor, "its partition tuple is null");
    }
    return TARN_OK;
}

/* ---- the entry */

static enum tarn_status read_entry(struct reader *r, struct tarn_manifest_entry *e)
{
    struct tarn_avro_cursor *c = &r->d.cursor;
    e->snapshot_id = e->sequence_number = e->file_sequence_number = NOT_SET;
    for (size_t i = 0; i < r->entry.count; i++) {
        const struct tarn__manifest_step *s = &r->entry.steps[i];
        if (s->slot < 0) {
            tarn__manifest_decode_skip(&r->d, s);
            continue;
        }
        const struct tarn_avro_type *t = tarn_avro_read_branch(c, s->type);
        int32_t status;
        if (t->kind == TARN_AVRO_NULL) {
            if (tarn__manifest_entry_fields.items[s->slot].need == NEED_ALWAYS)
                tarn_avro_cursor_fail(c, "a required field is null");
        } else if (s->slot == ENTRY_STATUS) {
            status = tarn_avro_read_int(c);
            if (status < TARN_ENTRY_EXISTING || status > TARN_ENTRY_DELETED)
                tarn_avro_cursor_fail(c, "its status is none that is known");
            else
                e->status = (enum tarn_entry_status)status;
        } else if (s->slot == ENTRY_SNAPSHOT) {
            e->snapshot_id = tarn_avro_read_long(c);
        } else if (s->slot == ENTRY_SEQUENCE) {
            e->sequence_number = tarn_avro_read_long(c);
        } else if (s->slot == ENTRY_FILE_SEQUENCE) {
            e->file_sequence_number = tarn_avro_read_long(c);
        } else {
            TARN_TRY(read_file(r, &e->file));
        }
    }
    return c->error ? corrupt(r, c->error) : TARN_OK;
}

/* What is null takes the manifest's value (v1 lists: 0) if the entry is ADDED. Others must
 * have their own; where the writer knew no sequence numbers at all, or the manifest comes from
 * v1, they are 0. */
static int64_t inherited(const struct reader *r, const struct tarn_manifest_entry *e, int64_t own)
{
    if (own >= 0)
        return own;
    if (e->status == TARN_ENTRY_ADDED)
        return r->list_entry->sequence_number;
    bool old =
        r->list_entry->sequence_number == 0 || !tarn__manifest_plan_has(&r->entry, ENTRY_SEQUENCE);
    return old ? 0 : -1;
}

static enum tarn_status inherit(struct reader *r, struct tarn_manifest_entry *e)
{
    if (e->snapshot_id == NOT_SET)
        e->snapshot_id = r->list_entry->added_snapshot_id;
    e->sequence_number = inherited(r, e, e->sequence_number);
    e->file_sequence_number = inherited(r, e, e->file_sequence_number);
    if (e->sequence_number < 0 && e->status == TARN_ENTRY_EXISTING)
        return corrupt(r, "it is an existing file without a sequence number");
    if (r->next_row_id < 0 || e->status == TARN_ENTRY_DELETED || e->file.first_row_id >= 0)
        return TARN_OK;
    e->file.first_row_id = r->next_row_id;
    if (__builtin_add_overflow(r->next_row_id, e->file.record_count, &r->next_row_id))
        return corrupt(r, "its row ids overflow");
    return TARN_OK;
}

static enum tarn_status check_entry(struct reader *r, const struct tarn_manifest_entry *e)
{
    const struct tarn_data_file *f = &e->file;
    if (f->path.len == 0)
        return corrupt(r, "its path is empty");
    if (f->record_count < 0 || f->size_bytes < 0)
        return corrupt(r, "its record count or its size is negative");
    if ((f->content != TARN_CONTENT_DATA) != r->list_entry->deletes)
        return corrupt(r, r->list_entry->deletes ? "it is a data file in a manifest of deletes"
                                                 : "it is a delete file in a manifest of data");
    return TARN_OK;
}

/* ---- blocks */

struct block {
    struct tarn_avro_block avro;
    struct block *next;
};

static enum tarn_status blocks_read(struct reader *r, struct block **out, size_t *out_count)
{
    struct block **tail = out;
    *out = NULL;
    *out_count = 0;
    for (;;) {
        struct tarn_avro_block b;
        TARN_TRY(tarn_poll(r->d.op, 2));
        TARN_TRY(tarn_avro_reader_next(&r->avro, r->d.op, &b));
        if (!b.data.ptr)
            return TARN_OK;
        TARN_NEW(r->d.op, *tail);
        (*tail)->avro = b;
        tail = &(*tail)->next;
        *out_count += (size_t)b.count;
    }
}

static enum tarn_status block_decode(struct reader *r, const struct block *b,
                                     struct tarn_manifest *out)
{
    r->d.cursor = tarn_avro_cursor_of(b->avro.data);
    for (int64_t i = 0; i < b->avro.count; i++) {
        struct tarn_manifest_entry *e = &out->entries[out->count++];
        r->index = out->count;
        TARN_TRY(read_entry(r, e));
        TARN_TRY(check_entry(r, e));
        TARN_TRY(inherit(r, e));
    }
    return tarn_avro_cursor_finish(&r->d.cursor, r->d.op, &r->avro);
}

/* ---- the file */

static enum tarn_status check_form(struct reader *r, struct tarn_str bytes)
{
    const char *form = tarn_str_starts(bytes, TARN_STR("AGS1")) ? "is encrypted"
                       : tarn_str_starts(bytes, TARN_STR("PAR1"))
                           ? "is a Parquet file (format version 4)"
                           : NULL;
    if (form)
        return tarn_fail(r->d.op, TARN_UNSUPPORTED, "could not read manifest \"%s\": it %s",
                         r->what, form);
    if (r->list_entry->length_bytes > 0 && bytes.len < (uint64_t)r->list_entry->length_bytes)
        return tarn_fail(r->d.op, TARN_CORRUPT,
                         "could not read manifest \"%s\": it has %zu bytes, and %lld by its list",
                         r->what, bytes.len, (long long)r->list_entry->length_bytes);
    return TARN_OK;
}

/* Where the list says how many entries of each kind there are, it must be so: whoever skips a
 * manifest without live files trusts these counts, too. */
static enum tarn_status check_counts(struct reader *r, const struct tarn_manifest *m)
{
    const struct tarn_manifest_file *l = r->list_entry;
    const struct {
        enum tarn_entry_status status;
        const char *name;
        int64_t told;
    } kinds[] = {{TARN_ENTRY_ADDED, "added", l->added_files},
                 {TARN_ENTRY_EXISTING, "existing", l->existing_files},
                 {TARN_ENTRY_DELETED, "deleted", l->deleted_files}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        int64_t count = 0;
        for (size_t i = 0; i < m->count; i++)
            count += m->entries[i].status == kinds[k].status;
        if (kinds[k].told >= 0 && count != kinds[k].told)
            return tarn_fail(r->d.op, TARN_CORRUPT,
                             "could not read manifest \"%s\": it has %lld %s entries, and %lld by "
                             "its list",
                             r->what, (long long)count, kinds[k].name, (long long)kinds[k].told);
    }
    return TARN_OK;
}

enum tarn_status tarn_manifest_parse(struct tarn_op *op, struct tarn_str bytes,
                                     const struct tarn_metadata *m,
                                     const struct tarn_manifest_file *list_entry,
                                     struct tarn_manifest *out)
{
    struct reader r = {.d.op = op, .list_entry = list_entry, .next_row_id = -1};
    struct tarn_str what = tarn_strdup(op, list_entry->path); /* ends in a zero */
    struct block *blocks;
    size_t count;
    if (!what.ptr)
        return TARN_NOMEM;
    r.what = what.ptr;
    *out = (struct tarn_manifest){0};
    if (!list_entry->deletes)
        r.next_row_id = list_entry->first_row_id;
    TARN_TRY(check_form(&r, bytes));
    TARN_TRY(tarn_avro_reader_init(&r.avro, op, bytes, r.what, NULL));
    TARN_TRY(spec_find(&r, m));
    TARN_TRY(plans_make(&r));
    TARN_TRY(blocks_read(&r, &blocks, &count));
    TARN_NEW_ARRAY(op, out->entries, count);
    for (; blocks; blocks = blocks->next)
        TARN_TRY(block_decode(&r, blocks, out));
    return check_counts(&r, out);
}

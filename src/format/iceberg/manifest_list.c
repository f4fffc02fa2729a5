/* manifest_list: manifest lists both ways (spec "Manifest Lists").
 *
 * A list of ours names in its header how many manifests it holds ("tarn.manifest-count"): an Avro
 * file that is cut off between two blocks looks whole, and a shorter list would read as a table
 * with fewer files. Lists of others lack the key.
 */
#include "format/iceberg/manifest_int.h"

#define COUNT_KEY "tarn.manifest-count"

struct reader {
    struct tarn__manifest_decoder d;
    const char *what;
    struct tarn_avro_reader avro;
    struct tarn__manifest_plan file, summary;
    size_t cap;
};

static enum tarn_status corrupt(struct reader *r, const char *why)
{
    return tarn_fail(r->d.op, TARN_CORRUPT, "could not read manifest list \"%s\": %s", r->what,
                     why);
}

/* ---- reading */

static void read_summary(struct reader *r, struct tarn_field_summary *out)
{
    struct tarn_avro_cursor *c = &r->d.cursor;
    out->contains_nan = -1;
    for (size_t i = 0; i < r->summary.count; i++) {
        const struct tarn__manifest_step *s = &r->summary.steps[i];
        if (s->slot < 0) {
            tarn__manifest_decode_skip(&r->d, s);
            continue;
        }
        const struct tarn_avro_type *t = tarn_avro_read_branch(c, s->type);
        if (t->kind == TARN_AVRO_NULL)
            out->contains_null |= s->slot == SUMMARY_NULL; /* not known: there may be one */
        else if (s->slot == SUMMARY_NULL)
            out->contains_null = tarn_avro_read_boolean(c);
        else if (s->slot == SUMMARY_NAN)
            out->contains_nan = tarn_avro_read_boolean(c);
        else if (s->slot == SUMMARY_LOWER)
            out->lower = tarn__manifest_decode_bytes(&r->d, t);
        else
            out->upper = tarn__manifest_decode_bytes(&r->d, t);
    }
}

static enum tarn_status read_summaries(struct reader *r, const struct tarn_avro_type *t,
                                       struct tarn_manifest_file *f)
{
    struct tarn_avro_items it = {0};
    size_t cap = 0;
    while (tarn_avro_items_next(&r->d.cursor, &it, t)) {
        TARN_TRY(tarn__manifest_decode_grow(r->d.op, &f->partitions, &cap, f->partition_count,
                                            sizeof *f->partitions, (size_t)it.left + 1));
        if (tarn_avro_read_branch(&r->d.cursor, t->items)->kind == TARN_AVRO_NULL)
            tarn_avro_cursor_fail(&r->d.cursor, "a partition summary is null");
        read_summary(r, &f->partitions[f->partition_count++]);
    }
    return TARN_OK;
}

static enum tarn_status read_field(struct reader *r, const struct tarn__manifest_step *s,
                                   const struct tarn_avro_type *t, struct tarn_manifest_file *f)
{
    struct tarn_avro_cursor *c = &r->d.cursor;
    int32_t content;
    int32_t *const ints[] = {[LIST_SPEC] = &f->spec_id,
                             [LIST_ADDED_FILES] = &f->added_files,
                             [LIST_EXISTING_FILES] = &f->existing_files,
                             [LIST_DELETED_FILES] = &f->deleted_files};
    int64_t *const longs[] = {[LIST_LENGTH] = &f->length_bytes,
                              [LIST_SEQUENCE] = &f->sequence_number,
                              [LIST_MIN_SEQUENCE] = &f->min_sequence_number,
                              [LIST_SNAPSHOT] = &f->added_snapshot_id,
                              [LIST_ADDED_ROWS] = &f->added_rows,
                              [LIST_EXISTING_ROWS] = &f->existing_rows,
                              [LIST_DELETED_ROWS] = &f->deleted_rows,
                              [LIST_FIRST_ROW_ID] = &f->first_row_id};
    switch (s->slot) {
    case LIST_PATH:
        f->path = tarn__manifest_decode_text(&r->d, t);
        return TARN_OK;
    case LIST_CONTENT:
        content = tarn_avro_read_int(c);
        f->deletes = content == 1;
        if (content != 0 && content != 1)
            tarn_avro_cursor_fail(c, "the content of a manifest is none that is known");
        return TARN_OK;
    case LIST_PARTITIONS:
        return read_summaries(r, t, f);
    case LIST_KEY_METADATA:
        f->key_metadata = tarn__manifest_decode_bytes(&r->d, t);
        return TARN_OK;
    case LIST_SPEC:
    case LIST_ADDED_FILES:
    case LIST_EXISTING_FILES:
    case LIST_DELETED_FILES:
        *ints[s->slot] = tarn_avro_read_int(c);
        return TARN_OK;
    default:
        *longs[s->slot] = tarn_avro_read_long(c);
        return TARN_OK;
    }
}

static enum tarn_status check_file(struct reader *r, const struct tarn_manifest_file *f)
{
    if (f->path.len == 0)
        return corrupt(r, "the path of a manifest is empty");
    if (f->length_bytes < 0 || f->sequence_number < 0 || f->min_sequence_number < 0)
        return corrupt(r, "a length or a sequence number is negative");
    if (f->first_row_id < -1)
        return corrupt(r, "a first row id is negative");
    if (f->added_files < -1 || f->existing_files < -1 || f->deleted_files < -1 ||
        f->added_rows < -1 || f->existing_rows < -1 || f->deleted_rows < -1)
        return corrupt(r, "a count is negative");
    return TARN_OK;
}

static enum tarn_status read_file(struct reader *r, struct tarn_manifest_file *f)
{
    *f = (struct tarn_manifest_file){.added_files = -1,
                                     .existing_files = -1,
                                     .deleted_files = -1,
                                     .added_rows = -1,
                                     .existing_rows = -1,
                                     .deleted_rows = -1,
                                     .first_row_id = -1};
    for (size_t i = 0; i < r->file.count; i++) {
        const struct tarn__manifest_step *s = &r->file.steps[i];
        if (s->slot < 0) {
            tarn__manifest_decode_skip(&r->d, s);
            continue;
        }
        const struct tarn_avro_type *t = tarn_avro_read_branch(&r->d.cursor, s->type);
        if (t->kind != TARN_AVRO_NULL)
            TARN_TRY(read_field(r, s, t, f));
        else if (tarn__manifest_list_fields.items[s->slot].need == NEED_ALWAYS)
            tarn_avro_cursor_fail(&r->d.cursor, "a required field is null");
    }
    if (r->d.cursor.error)
        return corrupt(r, r->d.cursor.error);
    return check_file(r, f);
}

static enum tarn_status read_block(struct reader *r, const struct tarn_avro_block *b,
                                   struct tarn_manifest_list *out)
{
    r->d.cursor = tarn_avro_cursor_of(b->data);
    for (int64_t i = 0; i < b->count; i++) {
        TARN_TRY(tarn__manifest_decode_grow(r->d.op, &out->files, &r->cap, out->count,
                                            sizeof *out->files, (size_t)(b->count - i)));
        TARN_TRY(read_file(r, &out->files[out->count++]));
    }
    return tarn_avro_cursor_finish(&r->d.cursor, r->d.op, &r->avro);
}

static enum tarn_status plans_make(struct reader *r)
{
    TARN_TRY(tarn__manifest_plan_make(r->d.op, r->what, r->avro.schema, &tarn__manifest_list_fields,
                                      &r->file));
    struct tarn__manifest_step *s = tarn__manifest_plan_step(&r->file, LIST_PARTITIONS);
    const struct tarn_avro_type *list = s ? tarn_avro_beside_null(s->type) : NULL;
    if (!list || list->kind != TARN_AVRO_ARRAY)
        return TARN_OK;
    return tarn__manifest_plan_make(r->d.op, r->what, list->items, &tarn__manifest_summary_fields,
                                    &r->summary);
}

enum tarn_status tarn_manifest_list_parse(struct tarn_op *op, struct tarn_str bytes,
                                          const char *what, struct tarn_manifest_list *out)
{
    struct reader r = {.d.op = op, .what = what};
    int64_t told = 0;
    *out = (struct tarn_manifest_list){0};
    if (tarn_str_starts(bytes, TARN_STR("AGS1")))
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "could not read manifest list \"%s\": it is encrypted", what);
    TARN_TRY(tarn_avro_reader_init(&r.avro, op, bytes, what, NULL));
    TARN_TRY(plans_make(&r));
    for (;;) {
        struct tarn_avro_block b;
        TARN_TRY(tarn_poll(op, 2));
        TARN_TRY(tarn_avro_reader_next(&r.avro, op, &b));
        if (!b.data.ptr)
            break;
        TARN_TRY(read_block(&r, &b, out));
    }
    struct tarn_str count = tarn_avro_reader_meta(&r.avro, COUNT_KEY);
    if (count.ptr && (!tarn_str_to_i64(count, &told) || told != (int64_t)out->count))
        return corrupt(&r, "it does not hold as many manifests as its header says");
    return TARN_OK;
}

/* ---- writing */

static void put_optional_bytes(struct tarn_buf *b, struct tarn_str v)
{
    tarn_avro_put_long(b, v.ptr ? 1 : 0);
    if (v.ptr)
        tarn_avro_put_bytes(b, v);
}

static void put_summaries(struct tarn_buf *b, const struct tarn_manifest_file *f)
{
    tarn_avro_put_long(b, 1);
    tarn_avro_put_items_begin(b, f->partition_count);
    for (size_t i = 0; i < f->partition_count; i++) {
        const struct tarn_field_summary *s = &f->partitions[i];
        tarn_avro_put_boolean(b, s->contains_null);
        tarn_avro_put_long(b, s->contains_nan < 0 ? 0 : 1);
        if (s->contains_nan >= 0)
            tarn_avro_put_boolean(b, s->contains_nan != 0);
        put_optional_bytes(b, s->lower);
        put_optional_bytes(b, s->upper);
    }
    tarn_avro_put_items_end(b, f->partition_count);
}

struct list_writer {
    struct tarn_op *op;
    const struct tarn_manifest_list_write *in;
    struct tarn_avro_writer avro;
    int64_t next_row_id;
};

/* A sequence number that is not known yet is that of the commit, which only the snapshot that
 * adds the manifest may mean. */
static int64_t sequence_or(int64_t own, int64_t commit)
{
    return own < 0 ? commit : own;
}

/* The row ids of a manifest (spec "First Row ID Assignment"): room is left for existing rows too,
 * since data files of before version 3 have no ids yet. -1: a manifest of deletes. */
static enum tarn_status first_row_id(struct list_writer *w, const struct tarn_manifest_file *f,
                                     int64_t *out)
{
    *out = f->deletes ? -1 : f->first_row_id;
    if (f->deletes || f->first_row_id >= 0)
        return TARN_OK;
    *out = w->next_row_id;
    if (__builtin_add_overflow(w->next_row_id, f->added_rows, &w->next_row_id) ||
        __builtin_add_overflow(w->next_row_id, f->existing_rows, &w->next_row_id))
        return tarn_fail(w->op, TARN_LIMIT,
                         "could not list manifest \"%.*s\": there are no more row ids",
                         TARN_STR_ARG(f->path));
    return TARN_OK;
}

static enum tarn_status put_file(struct list_writer *w, const struct tarn_manifest_file *f)
{
    struct tarn_buf *b = &w->avro.block;
    tarn_avro_put_bytes(b, f->path);
    tarn_avro_put_long(b, f->length_bytes);
    tarn_avro_put_long(b, f->spec_id);
    tarn_avro_put_long(b, f->deletes ? 1 : 0);
    tarn_avro_put_long(b, sequence_or(f->sequence_number, w->in->sequence_number));
    tarn_avro_put_long(b, sequence_or(f->min_sequence_number, w->in->sequence_number));
    tarn_avro_put_long(b, f->added_snapshot_id);
    tarn_avro_put_long(b, f->added_files);
    tarn_avro_put_long(b, f->existing_files);
    tarn_avro_put_long(b, f->deleted_files);
    tarn_avro_put_long(b, f->added_rows);
    tarn_avro_put_long(b, f->existing_rows);
    tarn_avro_put_long(b, f->deleted_rows);
    put_summaries(b, f);
    put_optional_bytes(b, f->key_metadata);
    if (w->in->format_version >= 3) {
        int64_t row_id;
        TARN_TRY(first_row_id(w, f, &row_id));
        tarn_avro_put_long(b, row_id >= 0 ? 1 : 0);
        if (row_id >= 0)
            tarn_avro_put_long(b, row_id);
    }
    return tarn_avro_writer_item(&w->avro, w->op);
}

static enum tarn_status check_written(struct list_writer *w, const struct tarn_manifest_file *f)
{
    const char *why = NULL;
    if (f->path.len == 0 || !tarn_utf8_valid(f->path) || f->length_bytes <= 0)
        why = "it has no path or no length";
    else if (f->added_files < 0 || f->existing_files < 0 || f->deleted_files < 0 ||
             f->added_rows < 0 || f->existing_rows < 0 || f->deleted_rows < 0)
        why = "its counts are not known";
    else if ((f->sequence_number < 0 || f->min_sequence_number < 0) &&
             f->added_snapshot_id != w->in->snapshot_id)
        why = "it comes from another snapshot and has no sequence number";
    if (why)
        return tarn_fail(w->op, TARN_INVALID, "could not list manifest \"%.*s\": %s",
                         TARN_STR_ARG(f->path), why);
    if (f->first_row_id >= 0 && w->in->format_version < 3)
        return tarn_fail(
            w->op, TARN_UNSUPPORTED,
            "could not list manifest \"%.*s\": its first row id needs format version 3",
            TARN_STR_ARG(f->path));
    return TARN_OK;
}

static enum tarn_status put_files(struct list_writer *w, const struct tarn_manifest_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        TARN_TRY(check_written(w, &list->files[i]));
        TARN_TRY(put_file(w, &list->files[i]));
    }
    return TARN_OK;
}

static enum tarn_status check_list(struct tarn_op *op, const struct tarn_manifest_list_write *in)
{
    if (in->format_version != 2 && in->format_version != 3)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "could not write a manifest list: format version %d is not written, only "
                         "2 and 3",
                         in->format_version);
    if (in->format_version == 3 && in->first_row_id < 0)
        return tarn_fail(op, TARN_INVALID,
                         "could not write a manifest list: its snapshot has no first row id");
    return TARN_OK;
}

/* The header: the keys that Iceberg Java writes, and the number of manifests. */
static enum tarn_status list_open(struct list_writer *w, const struct tarn_manifest_list *list)
{
    const struct tarn_manifest_list_write *in = w->in;
    struct tarn_op *op = w->op;
    struct tarn__manifest_avro_texts texts;
    TARN_TRY(tarn__manifest_list_schema(op, in->format_version, &texts));
    const struct tarn_avro_meta meta[] = {
        {TARN_STR("snapshot-id"), tarn_sprintf(op, "%lld", (long long)in->snapshot_id)},
        {TARN_STR("parent-snapshot-id"),
         in->parent_id > 0 ? tarn_sprintf(op, "%lld", (long long)in->parent_id) : TARN_STR("null")},
        {TARN_STR("sequence-number"), tarn_sprintf(op, "%lld", (long long)in->sequence_number)},
        {TARN_STR("format-version"), tarn_sprintf(op, "%d", in->format_version)},
        {TARN_STR("iceberg.schema"), texts.iceberg},
        {TARN_STR(COUNT_KEY), tarn_sprintf(op, "%zu", list->count)},
        {TARN_STR("first-row-id"), tarn_sprintf(op, "%lld", (long long)in->first_row_id)},
    };
    size_t meta_count = sizeof meta / sizeof meta[0] - (in->format_version < 3);
    for (size_t i = 0; i < meta_count; i++)
        if (!meta[i].value.ptr)
            return TARN_NOMEM;
    struct tarn_avro_write options = {.schema = texts.avro,
                                      .meta = meta,
                                      .meta_count = meta_count,
                                      .codec = TARN_AVRO_CODEC_DEFLATE,
                                      .checksum = true};
    tarn__manifest_sync_of((uint64_t)in->snapshot_id, (uint64_t)in->sequence_number,
                           list->count ? list->files[0].path : TARN_STR(""), options.sync);
    return tarn_avro_writer_init(&w->avro, op, &options);
}

enum tarn_status tarn_manifest_list_write(struct tarn_op *op, const struct tarn_manifest_list *list,
                                          const struct tarn_manifest_list_write *in,
                                          struct tarn_str *out_bytes, int64_t *out_next_row_id)
{
    struct list_writer w = {.op = op, .in = in, .next_row_id = in->first_row_id};
    TARN_TRY(check_list(op, in));
    enum tarn_status status = list_open(&w, list);
    if (status == TARN_OK)
        status = put_files(&w, list);
    if (status == TARN_OK)
        status = tarn_avro_writer_finish(&w.avro, op, out_bytes);
    tarn_avro_writer_release(&w.avro);
    *out_next_row_id = w.next_row_id;
    return status == TARN_OK ? status : tarn_while(op, "writing a manifest list");
}

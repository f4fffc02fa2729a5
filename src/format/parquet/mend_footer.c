/* mend_footer: a footer with other types, sizes and places (mend.h). What does not change is copied
 * field by field, known or not.
 */
#include "format/parquet/parquet_int.h"

struct footer_work {
    struct tarn_op *op;
    const struct tarn_parquet_footer *footer;
    const struct tarn_parquet_edits *edits;
    const struct tarn__new_layout *layout; /* NULL: nothing moves */
    struct tarn_thrift t;
    struct tarn_buf *out;
};

/* ---- the schema */

static void put_geo(struct tarn_buf *b, const struct tarn_parquet_edit *e, int16_t *id)
{
    bool geography = e->kind == TARN_PARQUET_EDIT_GEOGRAPHY;
    int16_t inner = 0;
    tarn_thrift_put_field(
        b, id, geography ? TARN_PARQUET_LOGICAL_GEOGRAPHY : TARN_PARQUET_LOGICAL_GEOMETRY,
        TARN_THRIFT_STRUCT);
    if (e->crs.ptr) {
        tarn_thrift_put_field(b, &inner, 1, TARN_THRIFT_BINARY);
        tarn_thrift_put_binary(b, e->crs);
    }
    if (geography && e->algorithm > 0)
        tarn_thrift_put_int_field(b, &inner, 2, TARN_THRIFT_I32, e->algorithm);
    tarn_thrift_put_stop(b);
}

static void put_logical(struct tarn_buf *b, const struct tarn_parquet_edit *e)
{
    int16_t id = 0, inner = 0, unit = 0;
    switch (e->kind) {
    case TARN_PARQUET_EDIT_UTC:
        tarn_thrift_put_field(b, &id, TARN_PARQUET_LOGICAL_TIMESTAMP, TARN_THRIFT_STRUCT);
        tarn_thrift_put_field(b, &inner, 1, TARN_THRIFT_TRUE);
        tarn_thrift_put_field(b, &inner, 2, TARN_THRIFT_STRUCT);
        tarn_thrift_put_field(b, &unit, TARN_PARQUET_NANOS, TARN_THRIFT_STRUCT);
        tarn_thrift_put_stop(b);
        tarn_thrift_put_stop(b);
        tarn_thrift_put_stop(b);
        break;
    case TARN_PARQUET_EDIT_VARIANT:
        tarn_thrift_put_field(b, &id, TARN_PARQUET_LOGICAL_VARIANT, TARN_THRIFT_STRUCT);
        tarn_thrift_put_field(b, &inner, 1, TARN_THRIFT_I8);
        tarn_buf_put(b, 1); /* version 1 of its specification */
        tarn_thrift_put_stop(b);
        break;
    default:
        put_geo(b, e, &id);
    }
    tarn_thrift_put_stop(b);
}

static bool changes_element(const struct tarn_parquet_edit *e)
{
    return e->kind != TARN_PARQUET_EDIT_NONE && e->kind != TARN_PARQUET_EDIT_UNSORTED;
}

static void mend_element(struct footer_work *w, const struct tarn_parquet_edit *e)
{
    struct tarn_thrift_field f;
    int16_t id = 0, to = 0;
    bool fixed = e->kind == TARN_PARQUET_EDIT_FIXED;
    if (fixed) {
        tarn_thrift_put_int_field(w->out, &to, 1, TARN_THRIFT_I32, TARN_PARQUET_FIXED);
        tarn_thrift_put_int_field(w->out, &to, 2, TARN_THRIFT_I32, e->length);
    }
    while (tarn_thrift_next(&w->t, &id, &f)) {
        bool gone =
            fixed ? f.id == 1 || f.id == 2 || f.id == 6 || f.id == 10 : f.id == 6 || f.id == 10;
        if (gone)
            tarn_thrift_skip(&w->t, f.type);
        else
            tarn_thrift_copy(&w->t, &f, w->out, &to);
    }
    if (!fixed) {
        tarn_thrift_put_field(w->out, &to, 10, TARN_THRIFT_STRUCT);
        put_logical(w->out, e);
    }
    tarn_thrift_put_stop(w->out);
}

static void mend_schema(struct footer_work *w, const struct tarn_thrift_field *f)
{
    size_t n = tarn_thrift_structs(&w->t, f);
    tarn_thrift_put_structs(w->out, n);
    for (size_t i = 0; i < n && !w->t.failed; i++) {
        const unsigned char *begin = w->t.at;
        if (i < w->footer->element_count && changes_element(&w->edits->items[i])) {
            mend_element(w, &w->edits->items[i]);
            continue;
        }
        tarn_thrift_skip(&w->t, TARN_THRIFT_STRUCT);
        tarn_buf_append(w->out, begin, (size_t)(w->t.at - begin));
    }
}

/* ---- column chunks */

static int64_t moved(const struct footer_work *w, int64_t offset)
{
    return w->layout && offset > 0 ? tarn__moved(&w->layout->moves, offset) : offset;
}

static void copy_moved(struct footer_work *w, const struct tarn_thrift_field *f, int16_t *to)
{
    int64_t at = tarn_thrift_int(&w->t, f);
    tarn_thrift_put_int_field(w->out, to, f->id, f->type, moved(w, at));
}

/* Bounds go where the type has none of its own, or where they have another length. */
static void mend_statistics(struct footer_work *w, const struct tarn_parquet_edit *e,
                            const struct tarn_parquet_chunk *c, int16_t *to)
{
    struct tarn_thrift_field f;
    int16_t id = 0, inner = 0;
    bool bounds = e->kind == TARN_PARQUET_EDIT_FIXED && c->min.len == (size_t)e->length &&
                  c->max.len == (size_t)e->length;
    tarn_thrift_put_field(w->out, to, 12, TARN_THRIFT_STRUCT);
    while (tarn_thrift_next(&w->t, &id, &f))
        if (f.id == 3 || f.id == 4 || (bounds && f.id >= 5 && f.id <= 8))
            tarn_thrift_copy(&w->t, &f, w->out, &inner);
        else
            tarn_thrift_skip(&w->t, f.type);
    tarn_thrift_put_stop(w->out);
}

static void mend_chunk_metadata(struct footer_work *w, size_t group, size_t leaf)
{
    const struct tarn_parquet_edit *e = &w->edits->items[w->footer->leaves[leaf]];
    const struct tarn_parquet_chunk *c = &w->footer->groups[group].chunks[leaf];
    const struct tarn__new_chunk *now =
        w->layout ? &w->layout->chunks[group * w->footer->leaf_count + leaf] : NULL;
    bool fixed = e->kind == TARN_PARQUET_EDIT_FIXED,
         geography = e->kind == TARN_PARQUET_EDIT_GEOGRAPHY,
         unsorted = e->kind == TARN_PARQUET_EDIT_UNSORTED;
    struct tarn_thrift_field f;
    int16_t id = 0, to = 0;
    while (tarn_thrift_next(&w->t, &id, &f)) {
        if (fixed && f.id == 1) {
            tarn_thrift_skip(&w->t, f.type);
            tarn_thrift_put_int_field(w->out, &to, 1, f.type, TARN_PARQUET_FIXED);
        } else if ((fixed || unsorted) && now && (f.id == 6 || f.id == 7)) {
            tarn_thrift_skip(&w->t, f.type);
            tarn_thrift_put_int_field(w->out, &to, f.id, f.type,
                                      f.id == 6 ? now->plain_bytes : now->size_bytes);
        } else if ((f.id >= 9 && f.id <= 11) || f.id == 14) {
            copy_moved(w, &f, &to);
        } else if ((fixed || geography || unsorted) && f.id == 12 && f.type == TARN_THRIFT_STRUCT) {
            mend_statistics(w, e, c, &to);
        } else if ((fixed && f.id == 16) || (geography && f.id == 17)) {
            tarn_thrift_skip(&w->t,
                             f.type); /* sizes of the values as they were; a plane's bounds */
        } else {
            tarn_thrift_copy(&w->t, &f, w->out, &to);
        }
    }
    tarn_thrift_put_stop(w->out);
}

static void mend_chunk(struct footer_work *w, size_t group, size_t leaf)
{
    struct tarn_thrift_field f;
    int16_t id = 0, to = 0;
    while (tarn_thrift_next(&w->t, &id, &f)) {
        if (f.id == 2) {
            copy_moved(w, &f, &to);
        } else if (f.id == 3) {
            tarn_thrift_put_field(w->out, &to, f.id, f.type);
            mend_chunk_metadata(w, group, leaf);
        } else {
            tarn_thrift_copy(&w->t, &f, w->out, &to);
        }
    }
    tarn_thrift_put_stop(w->out);
}

/* ---- row groups */

/* By how much a group's chunks have grown, in all. */
static void growth(const struct footer_work *w, size_t group, int64_t *size, int64_t *plain)
{
    *size = *plain = 0;
    for (size_t i = 0; w->layout && i < w->footer->leaf_count; i++) {
        const struct tarn_parquet_chunk *c = &w->footer->groups[group].chunks[i];
        const struct tarn__new_chunk *now = &w->layout->chunks[group * w->footer->leaf_count + i];
        if (now->size_bytes == 0)
            continue;
        *size += now->size_bytes - c->size_bytes;
        *plain += now->plain_bytes - c->plain_bytes;
    }
}

static void mend_group(struct footer_work *w, size_t group)
{
    struct tarn_thrift_field f;
    int16_t id = 0, to = 0;
    int64_t size, plain;
    growth(w, group, &size, &plain);
    while (tarn_thrift_next(&w->t, &id, &f)) {
        if (f.id == 1) {
            size_t n = tarn_thrift_structs(&w->t, &f);
            tarn_thrift_put_field(w->out, &to, f.id, f.type);
            tarn_thrift_put_structs(w->out, n);
            for (size_t i = 0; i < n && i < w->footer->leaf_count && !w->t.failed; i++)
                mend_chunk(w, group, i);
        } else if (f.id == 2 || f.id == 6) {
            int64_t v = tarn_thrift_int(&w->t, &f);
            tarn_thrift_put_int_field(w->out, &to, f.id, f.type, v + (f.id == 2 ? plain : size));
        } else if (f.id == 5) {
            copy_moved(w, &f, &to);
        } else {
            tarn_thrift_copy(&w->t, &f, w->out, &to);
        }
    }
    tarn_thrift_put_stop(w->out);
}

static void mend_groups(struct footer_work *w, const struct tarn_thrift_field *f)
{
    size_t n = tarn_thrift_structs(&w->t, f);
    tarn_thrift_put_structs(w->out, n);
    for (size_t i = 0; i < n && i < w->footer->group_count && !w->t.failed; i++)
        mend_group(w, i);
}

enum tarn_status tarn__footer_mend(struct tarn_op *op, struct tarn_str bytes,
                                   const struct tarn_parquet_footer *footer,
                                   const struct tarn_parquet_edits *edits,
                                   const struct tarn__new_layout *layout, struct tarn_buf *out)
{
    struct footer_work w = {
        .op = op, .footer = footer, .edits = edits, .layout = layout, .out = out};
    struct tarn_thrift_field f;
    int16_t id = 0, to = 0;
    tarn_thrift_init(&w.t, bytes);
    while (tarn_thrift_next(&w.t, &id, &f)) {
        if (f.id != 2 && f.id != 4) {
            tarn_thrift_copy(&w.t, &f, out, &to);
            continue;
        }
        tarn_thrift_put_field(out, &to, f.id, f.type);
        if (f.id == 2)
            mend_schema(&w, &f);
        else
            mend_groups(&w, &f);
    }
    tarn_thrift_put_stop(out);
    if (w.t.failed)
        return tarn_fail(op, TARN_CORRUPT, "the footer of a Parquet file cannot be read");
    return (enum tarn_status)tarn_buf_finish(op, out, "a Parquet footer");
}

enum tarn_status tarn_parquet_footer_mend(struct tarn_op *op, struct tarn_str bytes,
                                          const struct tarn_parquet_footer *footer,
                                          const struct tarn_parquet_edits *edits,
                                          struct tarn_buf *out)
{
    return tarn__footer_mend(op, bytes, footer, edits, NULL, out);
}

void tarn_parquet_tail_put(struct tarn_buf *b, size_t footer_bytes)
{
    for (int i = 0; i < 4; i++)
        tarn_buf_put(b, (char)(unsigned char)(footer_bytes >> 8 * i));
    tarn_buf_append(b, "PAR1", 4);
}

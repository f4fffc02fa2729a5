/* mend: which columns of a file need it, and the file made anew (mend.h). */
#include "format/parquet/parquet_int.h"

#include <stdlib.h>

#define COPY_BYTES ((size_t)1 << 20)

/* ---- what there is to do */

static bool default_crs(struct tarn_str crs)
{
    return crs.len == 0 || tarn_str_is(crs, "OGC:CRS84");
}

bool tarn_parquet_crs(const struct tarn_type *t, struct tarn_str *crs, int32_t *algorithm)
{
    static const char *const algorithms[] = {"spherical", "vincenty", "thomas", "andoyer",
                                             "karney"};
    struct tarn_str rest = t->text, name;
    *crs = (struct tarn_str){NULL, 0};
    *algorithm = 0;
    if (!tarn_str_cut(&rest, '(', &name) || !tarn_str_ends(rest, TARN_STR(")")))
        return true;
    rest.len--;
    if (t->kind == TARN_TYPE_GEOMETRY) {
        *crs = tarn_str_trim(rest);
    } else {
        size_t comma = rest.len;
        while (comma > 0 && rest.ptr[comma - 1] != ',')
            comma--;
        struct tarn_str last = tarn_str_trim(tarn_str_of(rest.ptr + comma, rest.len - comma));
        *crs = tarn_str_trim(tarn_str_of(rest.ptr, comma > 0 ? comma - 1 : rest.len));
        bool known = comma == 0;
        for (int32_t i = 0; comma > 0 && i < 5; i++)
            if (tarn_str_eq_nocase(last, tarn_str_view(algorithms[i]))) {
                *algorithm = i;
                known = true;
            }
        if (!known)
            return false;
    }
    if (default_crs(*crs))
        *crs = (struct tarn_str){NULL, 0};
    return true;
}

bool tarn_parquet_mends(const struct tarn_type *t)
{
    struct tarn_str crs;
    int32_t algorithm;
    if (t->kind == TARN_TYPE_FIXED || t->kind == TARN_TYPE_TIMESTAMPTZ_NS ||
        t->kind == TARN_TYPE_GEOGRAPHY || t->kind == TARN_TYPE_VARIANT)
        return true;
    if (t->kind == TARN_TYPE_GEOMETRY)
        return !tarn_parquet_crs(t, &crs, &algorithm) || crs.ptr;
    for (size_t i = 0; i < t->field_count; i++)
        if (tarn_parquet_mends(&t->fields[i].type))
            return true;
    return false;
}

static const struct tarn_field *field_of(const struct tarn_type *t, int32_t id)
{
    const struct tarn_field *found = NULL;
    for (size_t i = 0; !found && i < t->field_count; i++)
        found = t->fields[i].id == id ? &t->fields[i] : field_of(&t->fields[i].type, id);
    return found;
}

static enum tarn_status unexpected(struct tarn_op *op, const struct tarn_field *f)
{
    struct tarn_str text = tarn_type_text(op, &f->type);
    return tarn_fail(op, TARN_INTERNAL,
                     "column \"%.*s\" was not written as a column of %.*s is expected to be",
                     TARN_STR_ARG(f->name), TARN_STR_ARG(text));
}

static bool changes_pages(const struct tarn_parquet_edit *e)
{
    return e->kind == TARN_PARQUET_EDIT_FIXED || e->kind == TARN_PARQUET_EDIT_UNSORTED;
}

static enum tarn_status find_geo(struct tarn_op *op, const struct tarn_field *f,
                                 const struct tarn_parquet_element *e,
                                 struct tarn_parquet_edit *out)
{
    bool geography = f->type.kind == TARN_TYPE_GEOGRAPHY;
    if (e->physical != TARN_PARQUET_BYTE_ARRAY)
        return unexpected(op, f);
    if (!tarn_parquet_crs(&f->type, &out->crs, &out->algorithm))
        return unexpected(op, f);
    if (geography || out->crs.ptr)
        out->kind = geography ? TARN_PARQUET_EDIT_GEOGRAPHY : TARN_PARQUET_EDIT_GEOMETRY;
    return TARN_OK;
}

/* Binary searches of other readers rely on the order of a variant's names (Variant Encoding Spec,
 * "Metadata encoding"). The engine says that they are sorted where it writes a VARIANT itself. */
static enum tarn_status find_names(struct tarn_op *op, const struct tarn_parquet_footer *footer,
                                   size_t variant, const struct tarn_field *f,
                                   struct tarn_parquet_edit *items)
{
    for (size_t i = variant + 1; i < footer->element_count; i++) {
        const struct tarn_parquet_element *e = &footer->elements[i];
        if (e->parent != variant || !tarn_str_is(e->name, "metadata"))
            continue;
        if (e->physical != TARN_PARQUET_BYTE_ARRAY)
            break;
        items[i].kind = TARN_PARQUET_EDIT_UNSORTED;
        return TARN_OK;
    }
    return unexpected(op, f);
}

static enum tarn_status find_edit(struct tarn_op *op, const struct tarn_field *f,
                                  const struct tarn_parquet_element *e,
                                  struct tarn_parquet_edit *out)
{
    switch (f->type.kind) {
    case TARN_TYPE_FIXED:
        if (e->physical != TARN_PARQUET_BYTE_ARRAY || f->type.length <= 0)
            return unexpected(op, f);
        *out =
            (struct tarn_parquet_edit){.kind = TARN_PARQUET_EDIT_FIXED, .length = f->type.length};
        return TARN_OK;
    case TARN_TYPE_TIMESTAMPTZ_NS:
        if (e->logical != TARN_PARQUET_LOGICAL_TIMESTAMP || e->unit != TARN_PARQUET_NANOS)
            return unexpected(op, f);
        out->kind = TARN_PARQUET_EDIT_UTC;
        return TARN_OK;
    case TARN_TYPE_VARIANT:
        if (e->children < 2)
            return unexpected(op, f);
        if (e->logical != TARN_PARQUET_LOGICAL_VARIANT)
            out->kind = TARN_PARQUET_EDIT_VARIANT;
        return TARN_OK;
    case TARN_TYPE_GEOMETRY:
    case TARN_TYPE_GEOGRAPHY:
        return find_geo(op, f, e, out);
    default:
        return TARN_OK;
    }
}

enum tarn_status tarn_parquet_edits_find(struct tarn_op *op,
                                         const struct tarn_parquet_footer *footer,
                                         const struct tarn_type *root,
                                         struct tarn_parquet_edits *out)
{
    *out = (struct tarn_parquet_edits){0};
    TARN_NEW_ARRAY(op, out->items, footer->element_count + 1);
    for (size_t i = 1; i < footer->element_count; i++) {
        const struct tarn_parquet_element *e = &footer->elements[i];
        const struct tarn_field *f = e->field_id > 0 ? field_of(root, e->field_id) : NULL;
        if (!f)
            continue;
        TARN_TRY(find_edit(op, f, e, &out->items[i]));
        if (e->logical == TARN_PARQUET_LOGICAL_VARIANT)
            TARN_TRY(find_names(op, footer, i, f, out->items));
    }
    for (size_t i = 1; i < footer->element_count; i++) {
        out->count += out->items[i].kind != TARN_PARQUET_EDIT_NONE;
        out->pages = out->pages || changes_pages(&out->items[i]);
    }
    return TARN_OK;
}

/* ---- the new file */

struct span { /* a chunk that is written anew */
    int64_t begin, end;
    size_t group, leaf;
};
struct work {
    struct tarn_op *op;
    const struct tarn_parquet_io *io;
    const struct tarn_parquet_footer *footer;
    const struct tarn_parquet_edits *edits;
    int64_t body_bytes; /* what stands before the footer */
    struct span *spans;
    size_t span_count;
    struct tarn__new_layout layout;
    struct tarn__chunk_work chunk;
    char *copy;
    int64_t at, written;
};

static int span_order(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static enum tarn_status add_span(struct work *w, size_t group, size_t leaf)
{
    const struct tarn_parquet_chunk *c = &w->footer->groups[group].chunks[leaf];
    int64_t begin = c->dictionary_page > 0 && c->dictionary_page < c->data_page ? c->dictionary_page
                                                                                : c->data_page;
    if (c->indexed)
        return tarn_fail(w->op, TARN_UNSUPPORTED,
                         "a Parquet file with a page index cannot be changed");
    if (c->elsewhere || begin < 4 || begin > w->body_bytes || c->size_bytes < 0 ||
        c->size_bytes > w->body_bytes - begin)
        return tarn_fail(w->op, TARN_CORRUPT,
                         "a column chunk of a Parquet file lies outside of it");
    w->spans[w->span_count++] = (struct span){begin, begin + c->size_bytes, group, leaf};
    return TARN_OK;
}

static enum tarn_status find_spans(struct work *w)
{
    const struct tarn_parquet_footer *f = w->footer;
    size_t n = f->group_count * f->leaf_count;
    TARN_NEW_ARRAY(w->op, w->spans, n + 1);
    TARN_NEW_ARRAY(w->op, w->layout.chunks, n + 1);
    for (size_t g = 0; g < f->group_count; g++)
        for (size_t i = 0; i < f->leaf_count; i++) {
            if (f->groups[g].chunks[i].indexed)
                TARN_TRY(add_span(w, g, i)); /* which refuses it */
            if (changes_pages(&w->edits->items[f->leaves[i]]))
                TARN_TRY(add_span(w, g, i));
        }
    qsort(w->spans, w->span_count, sizeof *w->spans, span_order);
    for (size_t i = 1; i < w->span_count; i++)
        if (w->spans[i].begin < w->spans[i - 1].end)
            return tarn_fail(w->op, TARN_CORRUPT, "column chunks of a Parquet file overlap");
    return TARN_OK;
}

static enum tarn_status add_move(struct work *w)
{
    struct tarn__moves *m = &w->layout.moves;
    TARN_GROW(w->op, m->items, m->count, m->cap);
    m->items[m->count++] = (struct tarn__move){w->at, w->written};
    return TARN_OK;
}

static enum tarn_status copy_to(struct work *w, int64_t end)
{
    TARN_TRY(add_move(w));
    while (w->at < end) {
        size_t n = end - w->at < (int64_t)COPY_BYTES ? (size_t)(end - w->at) : COPY_BYTES;
        TARN_TRY(tarn_poll(w->op, 2));
        TARN_TRY(w->io->read(w->io->ctx, w->op, w->at, w->copy, n));
        TARN_TRY(w->io->write(w->io->ctx, w->op, w->copy, n));
        w->at += (int64_t)n;
        w->written += (int64_t)n;
    }
    return TARN_OK;
}

static enum tarn_status fix_span(struct work *w, const struct span *s)
{
    size_t element = w->footer->leaves[s->leaf];
    struct tarn__chunk_work *c = &w->chunk;
    c->element = &w->footer->elements[element];
    c->kind = w->edits->items[element].kind;
    c->length = w->edits->items[element].length;
    c->codec = w->footer->groups[s->group].chunks[s->leaf].codec;
    c->at = s->begin;
    c->end = s->end;
    c->written = &w->written;
    c->moves = &w->layout.moves;
    TARN_TRY(tarn__chunk_fix(c));
    w->at = s->end;
    w->layout.chunks[s->group * w->footer->leaf_count + s->leaf] =
        (struct tarn__new_chunk){c->size_bytes, c->plain_bytes};
    return TARN_OK;
}

static enum tarn_status put_footer(struct work *w, struct tarn_str bytes)
{
    struct tarn_buf b;
    tarn_buf_init(&b, TARN_PARQUET_FOOTER_MAX);
    struct tarn_parquet_footer again;
    enum tarn_status status = tarn__footer_mend(w->op, bytes, w->footer, w->edits, &w->layout, &b);
    if (status == TARN_OK && !b.failed) /* no file goes out that cannot be read */
        status = tarn_parquet_footer_read(w->op, tarn_buf_view(&b), &again);
    if (status == TARN_OK) {
        tarn_parquet_tail_put(&b, b.len);
        status = (enum tarn_status)tarn_buf_finish(w->op, &b, "a Parquet footer");
    }
    if (status == TARN_OK)
        status = w->io->write(w->io->ctx, w->op, b.ptr, b.len);
    if (status == TARN_OK)
        w->written += (int64_t)b.len;
    tarn_buf_release(&b);
    return status;
}

static enum tarn_status mend(struct work *w, struct tarn_str footer_bytes)
{
    TARN_TRY(find_spans(w));
    for (size_t i = 0; i < w->span_count; i++) {
        TARN_TRY(copy_to(w, w->spans[i].begin));
        TARN_TRY(fix_span(w, &w->spans[i]));
    }
    TARN_TRY(copy_to(w, w->body_bytes));
    return put_footer(w, footer_bytes);
}

static enum tarn_status leaf_sizes(struct work *w, int64_t **out)
{
    const struct tarn_parquet_footer *f = w->footer;
    TARN_NEW_ARRAY(w->op, *out, f->leaf_count + 1);
    for (size_t i = 0; i < f->leaf_count; i++) {
        bool changed = changes_pages(&w->edits->items[f->leaves[i]]);
        (*out)[i] = changed ? 0 : -1;
        for (size_t g = 0; changed && g < f->group_count; g++)
            (*out)[i] += w->layout.chunks[g * f->leaf_count + i].size_bytes;
    }
    return TARN_OK;
}

enum tarn_status tarn_parquet_mend(struct tarn_op *op, const struct tarn_parquet_io *io,
                                   struct tarn_str footer_bytes, int64_t size_bytes,
                                   const struct tarn_parquet_footer *footer,
                                   const struct tarn_parquet_edits *edits, int level,
                                   struct tarn_parquet_mended *out)
{
    struct work w = {.op = op, .io = io, .footer = footer, .edits = edits};
    struct tarn_buf *const bufs[] = {&w.chunk.packed, &w.chunk.plain, &w.chunk.made, &w.chunk.out};
    w.body_bytes = size_bytes - TARN_PARQUET_TAIL - (int64_t)footer_bytes.len;
    w.chunk.op = op;
    w.chunk.io = io;
    w.chunk.level = level;
    for (size_t i = 0; i < 4; i++)
        tarn_buf_init(bufs[i], (size_t)1 << 32);
    TARN_NEW_ARRAY(op, w.copy, COPY_BYTES);
    enum tarn_status status = mend(&w, footer_bytes);
    for (size_t i = 0; i < 4; i++)
        tarn_buf_release(bufs[i]);
    TARN_TRY(status);
    out->size_bytes = w.written;
    return leaf_sizes(&w, &out->leaf_bytes);
}

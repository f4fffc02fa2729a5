/* footer: reads footers (footer.h). */
#include "format/parquet/footer.h"

enum { /* FileMetaData */
       META_SCHEMA = 2,
       META_ROWS = 3,
       META_GROUPS = 4,
       META_ORDERS = 7
};

static enum tarn_status corrupt(struct tarn_op *op, const char *why)
{
    return tarn_fail(op, TARN_CORRUPT, "the footer of a Parquet file cannot be read: %s", why);
}

enum tarn_status tarn_parquet_tail(struct tarn_op *op, struct tarn_str tail, uint64_t size_bytes,
                                   size_t *out_length)
{
    const unsigned char *p = (const unsigned char *)tail.ptr;
    if (tail.len != TARN_PARQUET_TAIL || size_bytes < 2 * TARN_PARQUET_TAIL - 4)
        return corrupt(op, "the file is too short");
    if (memcmp(p + 4, "PARE", 4) == 0)
        return tarn_fail(op, TARN_UNSUPPORTED, "a Parquet file with an encrypted footer");
    if (memcmp(p + 4, "PAR1", 4) != 0)
        return corrupt(op, "the file does not end as one");
    uint64_t n = (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
    if (n == 0 || n > size_bytes - TARN_PARQUET_TAIL - 4)
        return corrupt(op, "it is longer than the file");
    if (n > TARN_PARQUET_FOOTER_MAX)
        return tarn_fail(op, TARN_LIMIT, "a Parquet footer of %llu bytes", (unsigned long long)n);
    *out_length = (size_t)n;
    return TARN_OK;
}

/* ---- the schema */

static void read_unit(struct tarn_thrift *t, const struct tarn_thrift_field *f, int32_t *unit)
{
    struct tarn_thrift_field g;
    int16_t id = 0;
    if (!tarn_thrift_struct(t, f))
        return;
    while (tarn_thrift_next(t, &id, &g)) {
        *unit = g.id;
        tarn_thrift_skip(t, g.type);
    }
}

/* The fields of one member of LogicalType. */
static void read_parameters(struct tarn_thrift *t, const char *begin,
                            struct tarn_parquet_element *e)
{
    struct tarn_thrift_field f;
    int16_t id = 0;
    bool timed = e->logical == TARN_PARQUET_LOGICAL_TIME ||
                 e->logical == TARN_PARQUET_LOGICAL_TIMESTAMP,
         placed = e->logical == TARN_PARQUET_LOGICAL_GEOMETRY ||
                  e->logical == TARN_PARQUET_LOGICAL_GEOGRAPHY;
    for (;;) {
        const unsigned char *head = t->at;
        if (!tarn_thrift_next(t, &id, &f))
            return;
        if (timed && f.id == 1) {
            e->utc = tarn_thrift_bool(t, &f);
            e->utc_at = (size_t)((const char *)head - begin);
        } else if (timed && f.id == 2) {
            read_unit(t, &f, &e->unit);
        } else if (e->logical == TARN_PARQUET_LOGICAL_INTEGER && f.id == 1) {
            e->bits = tarn_thrift_i32(t, &f);
        } else if (e->logical == TARN_PARQUET_LOGICAL_INTEGER && f.id == 2) {
            e->is_unsigned = !tarn_thrift_bool(t, &f);
        } else if (e->logical == TARN_PARQUET_LOGICAL_DECIMAL && f.id == 1) {
            e->scale = tarn_thrift_i32(t, &f);
        } else if (e->logical == TARN_PARQUET_LOGICAL_DECIMAL && f.id == 2) {
            e->precision = tarn_thrift_i32(t, &f);
        } else if (placed && f.id == 1) {
            e->crs = tarn_thrift_binary(t, &f);
        } else if (placed && f.id == 2) {
            e->algorithm = tarn_thrift_i32(t, &f);
        } else {
            tarn_thrift_skip(t, f.type);
        }
    }
}

static void read_logical(struct tarn_thrift *t, const struct tarn_thrift_field *f,
                         const char *begin, struct tarn_parquet_element *e)
{
    struct tarn_thrift_field member;
    int16_t id = 0;
    if (!tarn_thrift_struct(t, f))
        return;
    while (tarn_thrift_next(t, &id, &member)) {
        e->logical = member.id;
        if (member.type == TARN_THRIFT_STRUCT)
            read_parameters(t, begin, e);
        else
            tarn_thrift_skip(t, member.type);
    }
}

static void read_element(struct tarn_thrift *t, const char *begin, struct tarn_parquet_element *e)
{
    struct tarn_thrift_field f;
    int16_t id = 0;
    int32_t *const numbers[] = {NULL,          &e->physical, &e->length,    &e->repetition,
                                NULL,          &e->children, &e->converted, &e->scale,
                                &e->precision, &e->field_id};
    *e = (struct tarn_parquet_element){
        .physical = -1, .repetition = TARN_PARQUET_REQUIRED, .field_id = -1, .converted = -1};
    while (tarn_thrift_next(t, &id, &f)) {
        if (f.id == 4)
            e->name = tarn_thrift_binary(t, &f);
        else if (f.id >= 1 && f.id <= 9)
            *numbers[f.id] = tarn_thrift_i32(t, &f);
        else if (f.id == 10)
            read_logical(t, &f, begin, e);
        else
            tarn_thrift_skip(t, f.type);
    }
    if (e->converted >= TARN_PARQUET_CONVERTED_UINT_8 &&
        e->converted <= TARN_PARQUET_CONVERTED_UINT_64)
        e->is_unsigned = true;
}

static enum tarn_status read_elements(struct tarn_op *op, struct tarn_thrift *t,
                                      const struct tarn_thrift_field *f, const char *begin,
                                      struct tarn_parquet_footer *out)
{
    size_t n = tarn_thrift_structs(t, f);
    if (out->element_count > 0)
        return corrupt(op, "it has two schemas");
    TARN_NEW_ARRAY(op, out->elements, n + 1);
    for (size_t i = 0; i < n && !t->failed; i++)
        read_element(t, begin, &out->elements[i]);
    out->element_count = n;
    return TARN_OK;
}

/* Parents, levels and numbers of leaves. */
static enum tarn_status build_tree(struct tarn_op *op, struct tarn_parquet_footer *out)
{
    size_t open[TARN_PARQUET_NESTING_LIMIT + 1];
    int64_t left[TARN_PARQUET_NESTING_LIMIT + 1];
    int depth = 0;
    if (out->element_count == 0)
        return corrupt(op, "it has no schema");
    TARN_NEW_ARRAY(op, out->leaves, out->element_count);
    open[0] = 0;
    left[0] = 1;
    for (size_t i = 0; i < out->element_count; i++) {
        struct tarn_parquet_element *e = &out->elements[i];
        while (depth > 0 && left[depth] == 0)
            depth--;
        if (left[depth]-- == 0)
            return corrupt(op, "its schema has more nodes than it says");
        e->parent = open[depth];
        if (e->children < 0 || (size_t)e->children > out->element_count || e->length < 0 ||
            (i > 0 && !e->name.ptr) || (i > 0 && e->children == 0 && e->physical < 0))
            return corrupt(op, "its schema has an impossible node");
        if (i > 0) {
            const struct tarn_parquet_element *p = &out->elements[e->parent];
            e->def_max = (int16_t)(p->def_max + (e->repetition != TARN_PARQUET_REQUIRED));
            e->rep_max = (int16_t)(p->rep_max + (e->repetition == TARN_PARQUET_REPEATED));
        }
        if (e->children == 0 && i > 0) {
            e->leaf = out->leaf_count;
            out->leaves[out->leaf_count++] = i;
        }
        if (e->children > 0 || i == 0) {
            if (++depth > TARN_PARQUET_NESTING_LIMIT)
                return corrupt(op, "its schema is nested too deeply");
            open[depth] = i;
            left[depth] = e->children;
        }
    }
    while (depth > 0)
        if (left[depth--] != 0)
            return corrupt(op, "its schema has fewer nodes than it says");
    return TARN_OK;
}

/* ---- row groups */

static void read_statistics(struct tarn_thrift *t, const struct tarn_thrift_field *f,
                            struct tarn_parquet_chunk *c)
{
    struct tarn_thrift_field g;
    int16_t id = 0;
    if (!tarn_thrift_struct(t, f))
        return;
    while (tarn_thrift_next(t, &id, &g)) {
        struct tarn_str *const texts[] = {NULL, &c->old_max, &c->old_min, NULL,
                                          NULL, &c->max,     &c->min};
        if (g.id >= 1 && g.id <= 6 && texts[g.id])
            *texts[g.id] = tarn_thrift_binary(t, &g);
        else if (g.id == 3)
            c->nulls = tarn_thrift_int(t, &g);
        else if (g.id == 7)
            c->max_exact = tarn_thrift_bool(t, &g);
        else if (g.id == 8)
            c->min_exact = tarn_thrift_bool(t, &g);
        else
            tarn_thrift_skip(t, g.type);
    }
}

static void read_chunk_metadata(struct tarn_thrift *t, const struct tarn_thrift_field *f,
                                const char *begin, struct tarn_parquet_chunk *c)
{
    struct tarn_thrift_field g;
    int16_t id = 0;
    if (!tarn_thrift_struct(t, f))
        return;
    for (;;) {
        const unsigned char *head = t->at;
        if (!tarn_thrift_next(t, &id, &g))
            return;
        int64_t *const numbers[] = {NULL,
                                    NULL,
                                    NULL,
                                    NULL,
                                    NULL,
                                    &c->values,
                                    &c->plain_bytes,
                                    &c->size_bytes,
                                    NULL,
                                    &c->data_page,
                                    NULL,
                                    &c->dictionary_page};
        if (g.id >= 1 && g.id <= 11 && numbers[g.id])
            *numbers[g.id] = tarn_thrift_int(t, &g);
        else if (g.id == 1)
            c->physical = tarn_thrift_i32(t, &g);
        else if (g.id == 4)
            c->codec = tarn_thrift_i32(t, &g);
        else if (g.id == 12)
            read_statistics(t, &g, c);
        else
            tarn_thrift_skip(t, g.type);
        if (g.id == 14)
            c->bloom_at = (size_t)((const char *)head - begin);
    }
}

static void read_chunk(struct tarn_thrift *t, const char *begin, struct tarn_parquet_chunk *c)
{
    struct tarn_thrift_field f;
    int16_t id = 0;
    bool known = false;
    *c = (struct tarn_parquet_chunk){
        .physical = -1, .codec = -1, .data_page = -1, .dictionary_page = -1, .nulls = -1};
    while (tarn_thrift_next(t, &id, &f)) {
        if (f.id == 3) {
            read_chunk_metadata(t, &f, begin, c);
            known = true;
            continue;
        }
        c->elsewhere = c->elsewhere || f.id == 1 || f.id == 8 || f.id == 9;
        c->indexed = c->indexed || (f.id >= 4 && f.id <= 7);
        tarn_thrift_skip(t, f.type);
    }
    c->elsewhere = c->elsewhere || !known;
}

static enum tarn_status check_chunk(struct tarn_op *op, const struct tarn_parquet_chunk *c,
                                    const struct tarn_parquet_element *e)
{
    if (c->elsewhere)
        return TARN_OK;
    if (c->physical != e->physical)
        return corrupt(op, "a column chunk is of another type than its column");
    if (c->values < 0 || c->size_bytes < 0 || c->plain_bytes < 0 || c->data_page < 0 ||
        c->dictionary_page < -1)
        return corrupt(op, "a column chunk has an impossible size or place");
    return TARN_OK;
}

static enum tarn_status read_group(struct tarn_op *op, struct tarn_thrift *t, const char *begin,
                                   const struct tarn_parquet_footer *out,
                                   struct tarn_parquet_group *g)
{
    struct tarn_thrift_field f;
    int16_t id = 0;
    g->rows = -1;
    while (tarn_thrift_next(t, &id, &f)) {
        if (f.id == 1) {
            size_t n = tarn_thrift_structs(t, &f);
            if (t->failed || n != out->leaf_count || g->chunks)
                return corrupt(op, "a row group has other columns than the schema");
            TARN_NEW_ARRAY(op, g->chunks, n + 1);
            for (size_t i = 0; i < n && !t->failed; i++)
                read_chunk(t, begin, &g->chunks[i]);
        } else if (f.id == 3) {
            g->rows = tarn_thrift_int(t, &f);
        } else {
            tarn_thrift_skip(t, f.type);
        }
    }
    if (t->failed)
        return TARN_OK; /* told by the caller */
    if (!g->chunks || g->rows < 0)
        return corrupt(op, "a row group has no columns, or no number of rows");
    for (size_t i = 0; i < out->leaf_count; i++)
        TARN_TRY(check_chunk(op, &g->chunks[i], &out->elements[out->leaves[i]]));
    return TARN_OK;
}

static enum tarn_status read_groups(struct tarn_op *op, struct tarn_thrift *t,
                                    const struct tarn_thrift_field *f, const char *begin,
                                    struct tarn_parquet_footer *out)
{
    size_t n = tarn_thrift_structs(t, f);
    if (out->groups)
        return corrupt(op, "it has two lists of row groups");
    TARN_NEW_ARRAY(op, out->groups, n + 1);
    for (size_t i = 0; i < n && !t->failed; i++)
        TARN_TRY(read_group(op, t, begin, out, &out->groups[i]));
    out->group_count = n;
    return TARN_OK;
}

static bool read_orders(struct tarn_thrift *t, const struct tarn_thrift_field *f, size_t leaves)
{
    size_t n = tarn_thrift_structs(t, f);
    bool typed = n == leaves;
    for (size_t i = 0; i < n && !t->failed; i++) {
        struct tarn_thrift_field member;
        int16_t id = 0;
        while (tarn_thrift_next(t, &id, &member)) {
            typed = typed && member.id == 1;
            tarn_thrift_skip(t, member.type);
        }
    }
    return typed;
}

static enum tarn_status read_footer(struct tarn_op *op, struct tarn_str bytes, bool schema_only,
                                    struct tarn_parquet_footer *out)
{
    struct tarn_thrift t;
    struct tarn_thrift_field f;
    int16_t id = 0;
    *out = (struct tarn_parquet_footer){.rows = -1};
    tarn_thrift_init(&t, bytes);
    while (tarn_thrift_next(&t, &id, &f)) {
        if (f.id == META_SCHEMA) {
            TARN_TRY(read_elements(op, &t, &f, bytes.ptr, out));
            if (!t.failed)
                TARN_TRY(build_tree(op, out));
            if (schema_only && !t.failed)
                return TARN_OK;
        } else if (f.id == META_ROWS) {
            out->rows = tarn_thrift_int(&t, &f);
        } else if (f.id == META_GROUPS && !schema_only) {
            TARN_TRY(read_groups(op, &t, &f, bytes.ptr, out));
        } else if (f.id == META_ORDERS) {
            out->typed_order = read_orders(&t, &f, out->leaf_count);
        } else {
            tarn_thrift_skip(&t, f.type);
        }
    }
    if (t.failed)
        return corrupt(op, "it ends early, or holds what Thrift does not have");
    if (out->element_count == 0)
        return corrupt(op, "it has no schema");
    if (out->rows < 0)
        return corrupt(op, "it has no number of rows");
    return TARN_OK;
}

enum tarn_status tarn_parquet_footer_read(struct tarn_op *op, struct tarn_str bytes,
                                          struct tarn_parquet_footer *out)
{
    return read_footer(op, bytes, false, out);
}

enum tarn_status tarn_parquet_schema_read(struct tarn_op *op, struct tarn_str bytes,
                                          struct tarn_parquet_footer *out)
{
    return read_footer(op, bytes, true, out);
}

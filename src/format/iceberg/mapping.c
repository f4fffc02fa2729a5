/* mapping: see mapping.h. */
#include "format/iceberg/mapping.h"

#include <stdlib.h>

#include "base/arena.h"
#include "format/iceberg/type_int.h"

int32_t tarn_mapping_id(const struct tarn_json *entry)
{
    const struct tarn_json *id = entry ? tarn_json_get(entry, "field-id") : NULL;
    int64_t n;
    return id && tarn_str_to_i64(id->text, &n) && n > 0 && n <= INT32_MAX ? (int32_t)n : 0;
}

const struct tarn_json *tarn_mapping_names(const struct tarn_json *entry)
{
    const struct tarn_json *names = entry ? tarn_json_get(entry, "names") : NULL;
    return names ? names->first : NULL;
}

const struct tarn_json *tarn_mapping_below(const struct tarn_json *entry)
{
    const struct tarn_json *below = entry ? tarn_json_get(entry, "fields") : NULL;
    return below && below->kind == TARN_JSON_K_ARRAY ? below : NULL;
}

bool tarn_mapping_has_name(const struct tarn_json *entry, struct tarn_str name)
{
    for (const struct tarn_json *n = tarn_mapping_names(entry); n; n = n->next)
        if (tarn_str_eq(n->text, name))
            return true;
    return false;
}

const struct tarn_json *tarn_mapping_by_id(const struct tarn_json *level, int32_t id)
{
    for (const struct tarn_json *e = level ? level->first : NULL; e; e = e->next)
        if (id > 0 && tarn_mapping_id(e) == id)
            return e;
    return NULL;
}

const struct tarn_json *tarn_mapping_by_name(const struct tarn_json *level, struct tarn_str name)
{
    for (const struct tarn_json *e = level ? level->first : NULL; e; e = e->next)
        if (tarn_mapping_has_name(e, name))
            return e;
    return NULL;
}

/* ---- reading */

static int by_text(const void *a, const void *b)
{
    return tarn_str_cmp(*(const struct tarn_str *)a, *(const struct tarn_str *)b);
}

static int by_number(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

struct counts {
    size_t names, entries; /* of one level; of all of them */
};

static enum tarn_status check_entry(struct tarn_op *op, const struct tarn_json *e,
                                    struct counts *counts)
{
    const struct tarn_json_field may = {.what = "a field mapping"};
    const struct tarn_json_field must = {.what = "a field mapping", .required = true};
    const struct tarn_json *names, *below;
    int32_t id = 1;
    if (e->kind != TARN_JSON_K_OBJECT)
        return tarn_fail(op, TARN_CORRUPT, "a field mapping is no object");
    TARN_TRY(tarn_json_array(op, e, "names", must, &names));
    TARN_TRY(tarn_json_array(op, e, "fields", may, &below));
    TARN_TRY(tarn_json_i32(op, e, "field-id", may, &id));
    for (const struct tarn_json *n = names->first; n; n = n->next)
        if (n->kind != TARN_JSON_K_STRING)
            return tarn_fail(op, TARN_CORRUPT, "a field mapping has a name that is no text");
    counts->names += names->count;
    counts->entries++;
    return TARN_OK;
}

/* A name is one field's. */
static enum tarn_status check_names(struct tarn_op *op, const struct tarn_json *level, size_t count)
{
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    struct tarn_str *names = tarn_arena_alloc(op->scratch, (count + 1) * sizeof *names);
    enum tarn_status status = TARN_OK;
    size_t n = 0;
    if (!names)
        return tarn_fail(op, TARN_NOMEM, "out of memory while comparing %zu names", count);
    for (const struct tarn_json *e = level->first; e; e = e->next)
        for (const struct tarn_json *name = tarn_mapping_names(e); name; name = name->next)
            names[n++] = name->text;
    qsort(names, n, sizeof *names, by_text);
    for (size_t i = 1; i < n && status == TARN_OK; i++)
        if (tarn_str_eq(names[i - 1], names[i]))
            status = tarn_fail(op, TARN_CORRUPT, "a name mapping has the name \"%.*s\" twice",
                               TARN_STR_ARG(names[i]));
    tarn_arena_rewind(op->scratch, mark);
    return status;
}

static enum tarn_status check_level(struct tarn_op *op, const struct tarn_json *level, int depth,
                                    size_t *entries)
{
    struct counts counts = {0};
    if (depth > 2 * TARN__TYPE_DEPTH_MAX)
        return tarn_fail(op, TARN_LIMIT, "a name mapping is nested more than %d levels deep",
                         2 * TARN__TYPE_DEPTH_MAX);
    for (const struct tarn_json *e = level->first; e; e = e->next)
        TARN_TRY(check_entry(op, e, &counts));
    TARN_TRY(check_names(op, level, counts.names));
    *entries += counts.entries;
    for (const struct tarn_json *e = level->first; e; e = e->next)
        if (tarn_mapping_below(e))
            TARN_TRY(check_level(op, tarn_mapping_below(e), depth + 1, entries));
    return TARN_OK;
}

static void collect_ids(const struct tarn_json *level, int32_t *ids, size_t *n)
{
    for (const struct tarn_json *e = level->first; e; e = e->next) {
        if (tarn_mapping_id(e))
            ids[(*n)++] = tarn_mapping_id(e);
        if (tarn_mapping_below(e))
            collect_ids(tarn_mapping_below(e), ids, n);
    }
}

static enum tarn_status check_ids(struct tarn_op *op, const struct tarn_json *level, size_t entries)
{
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    int32_t *ids = tarn_arena_alloc(op->scratch, (entries + 1) * sizeof *ids);
    enum tarn_status status = TARN_OK;
    size_t n = 0;
    if (!ids)
        return tarn_fail(op, TARN_NOMEM, "out of memory while comparing %zu field ids", entries);
    collect_ids(level, ids, &n);
    qsort(ids, n, sizeof *ids, by_number);
    for (size_t i = 1; i < n && status == TARN_OK; i++)
        if (ids[i - 1] == ids[i])
            status =
                tarn_fail(op, TARN_CORRUPT, "a name mapping has the field id %d twice", ids[i]);
    tarn_arena_rewind(op->scratch, mark);
    return status;
}

static enum tarn_status parse(struct tarn_op *op, struct tarn_str text,
                              const struct tarn_json **out)
{
    struct tarn_json *level;
    size_t entries = 0;
    TARN_TRY(tarn_json_parse(op, text, "a name mapping", &level));
    if (level->kind != TARN_JSON_K_ARRAY)
        return tarn_fail(op, TARN_CORRUPT, "a name mapping is no array");
    TARN_TRY(check_level(op, level, 0, &entries));
    TARN_TRY(check_ids(op, level, entries));
    *out = level;
    return TARN_OK;
}

enum tarn_status tarn_mapping_parse(struct tarn_op *op, struct tarn_str text,
                                    const struct tarn_json **out)
{
    TARN_TRY_WHILE(op, parse(op, text, out), "reading table property schema.name-mapping.default");
    return TARN_OK;
}

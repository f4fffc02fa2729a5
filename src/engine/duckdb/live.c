/* live: rows of a scan that are not deleted, and the path of a row's data file, as scalar functions
 * of the engine.
 *
 *   tarn_live(id, file_index, file_row_number) -> BOOLEAN      tarn_path(id, file_index) -> VARCHAR
 *   tarn_spec_id(id, file_index), tarn_first_row_id(id, file_index),
 *   tarn_sequence(id, file_index) -> BIGINT, the last two NULL for files without a first row id
 *
 * id names an entry of the engine's registry, which lives as long as the views that hold the id.
 * Rows of a file come in ascending order within a chunk, so the sorted positions are followed
 * forwards; a row that steps back is searched anew.
 */
#include "engine/duckdb/view_int.h"

#define LIVE_BUDGET ((size_t)4 << 30)

/* ---- registry */

static struct tarn__live *live_find(struct tarn_engine *e, int64_t id)
{
    pthread_mutex_lock(&e->lock);
    struct tarn__live *l = e->lives;
    while (l && l->id != id)
        l = l->next;
    pthread_mutex_unlock(&e->lock);
    return l;
}

static enum tarn_status file_copy(struct tarn_op *own, const struct tarn_scan_file *in,
                                  struct tarn__live_file *out)
{
    out->path = tarn_strdup(own, in->file->path);
    out->local_path = tarn_strdup(own, in->local_path);
    if (!out->path.ptr || !out->local_path.ptr)
        return TARN_NOMEM;
    out->spec_id = in->file->spec_id;
    out->sequence_number = in->sequence_number;
    out->first_row_id = in->file->first_row_id;
    out->deleted_count = in->deleted_count;
    if (in->deleted_count == 0)
        return TARN_OK;
    int64_t *deleted = tarn_alloc_array(own, in->deleted_count, sizeof *deleted);
    if (!deleted)
        return TARN_NOMEM;
    memcpy(deleted, in->deleted, in->deleted_count * sizeof *deleted);
    out->deleted = deleted;
    return TARN_OK;
}

enum tarn_status tarn__live_add(struct tarn_engine *e, struct tarn_op *op,
                                const struct tarn_scan_file *const *files, size_t count,
                                struct tarn__live **list, int64_t *out_id)
{
    struct tarn_arena *arena = tarn_arena_new(LIVE_BUDGET);
    struct tarn_op own = {.arena = arena};
    struct tarn__live *l = arena ? tarn_arena_alloc(arena, sizeof *l) : NULL;
    bool ok = l != NULL;
    if (ok) {
        l->arena = arena;
        l->file_count = count;
        l->files = tarn_alloc_array(&own, count + 1, sizeof *l->files);
        ok = l->files != NULL;
    }
    for (size_t i = 0; ok && i < count; i++)
        ok = file_copy(&own, files[i], &l->files[i]) == TARN_OK;
    if (!ok) {
        tarn_arena_free(arena);
        return tarn_fail(op, TARN_NOMEM,
                         "could not hold the deleted positions of a table: out of memory");
    }
    pthread_mutex_lock(&e->lock);
    l->id = e->next_id++;
    l->next = e->lives;
    e->lives = l;
    pthread_mutex_unlock(&e->lock);
    l->next_own = *list;
    *list = l;
    *out_id = l->id;
    return TARN_OK;
}

void tarn__live_drop_all(struct tarn_engine *e, struct tarn__live **list)
{
    while (*list) {
        struct tarn__live *l = *list;
        *list = l->next_own;
        pthread_mutex_lock(&e->lock);
        struct tarn__live **at = &e->lives;
        while (*at && *at != l)
            at = &(*at)->next;
        if (*at)
            *at = l->next;
        pthread_mutex_unlock(&e->lock);
        tarn_arena_free(l->arena);
    }
}

/* ---- functions */

static const int64_t *column(duckdb_data_chunk in, idx_t i)
{
    return duckdb_vector_get_data(duckdb_data_chunk_get_vector(in, i));
}

/* First position at or behind `from` that is not below `row`. */
static size_t position_from(const struct tarn__live_file *f, size_t from, int64_t row)
{
    size_t step = 1, low = from, high = from;
    while (high < f->deleted_count && f->deleted[high] < row) {
        low = high + 1;
        high += step;
        step *= 2;
    }
    if (high > f->deleted_count)
        high = f->deleted_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (f->deleted[mid] < row)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct tarn__live *live_of_chunk(duckdb_function_info info, duckdb_data_chunk in)
{
    struct tarn_engine *e = duckdb_scalar_function_get_extra_info(info);
    struct tarn__live *l = live_find(e, column(in, 0)[0]);
    if (!l)
        duckdb_scalar_function_set_error(info, "a scan is used after its statement ended");
    return l;
}

static const struct tarn__live_file *file_of(duckdb_function_info info, const struct tarn__live *l,
                                             int64_t file)
{
    if (file >= 0 && (uint64_t)file < l->file_count)
        return &l->files[file];
    duckdb_scalar_function_set_error(info, "a scan met a file that it does not have");
    return NULL;
}

static void live_rows(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    idx_t n = duckdb_data_chunk_get_size(in);
    const int64_t *files = column(in, 1), *rows = column(in, 2);
    bool *alive = duckdb_vector_get_data(out);
    struct tarn__live *l = n > 0 ? live_of_chunk(info, in) : NULL;
    size_t at = 0;
    for (idx_t i = 0; l && i < n; i++) {
        const struct tarn__live_file *f = file_of(info, l, files[i]);
        if (!f)
            return;
        bool onwards = i > 0 && files[i] == files[i - 1] && rows[i] > rows[i - 1];
        at = position_from(f, onwards ? at : 0, rows[i]);
        alive[i] = at >= f->deleted_count || f->deleted[at] != rows[i];
    }
}

/* A scan gives out chunks of one file: then one value is enough for all rows, and the engine keeps
 * it as one until it needs more. */
static bool one_file(const int64_t *files, idx_t n)
{
    for (idx_t i = 1; i < n; i++)
        if (files[i] != files[0])
            return false;
    return n > 0;
}

static void put_one(duckdb_vector out, duckdb_value value)
{
    duckdb_vector_reference_value(out, value);
    duckdb_destroy_value(&value);
}

static void live_paths(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    idx_t n = duckdb_data_chunk_get_size(in);
    const int64_t *files = column(in, 1);
    struct tarn__live *l = n > 0 ? live_of_chunk(info, in) : NULL;
    bool one = one_file(files, n);
    for (idx_t i = 0; l && i < (one ? 1 : n); i++) {
        const struct tarn__live_file *f = file_of(info, l, files[i]);
        if (!f)
            return;
        if (one)
            put_one(out, duckdb_create_varchar_length(f->path.ptr, f->path.len));
        else
            duckdb_vector_assign_string_element_len(out, i, f->path.ptr, f->path.len);
    }
}

typedef int64_t number_of(const struct tarn__live_file *f); /* -1 = NULL */

static int64_t spec_of(const struct tarn__live_file *f)
{
    return f->spec_id;
}

static int64_t first_row_of(const struct tarn__live_file *f)
{
    return f->first_row_id;
}

static int64_t sequence_of(const struct tarn__live_file *f)
{
    return f->first_row_id < 0 ? -1 : f->sequence_number;
}

static void numbers(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out,
                    number_of *of)
{
    idx_t n = duckdb_data_chunk_get_size(in);
    const int64_t *files = column(in, 1);
    struct tarn__live *l = n > 0 ? live_of_chunk(info, in) : NULL;
    if (one_file(files, n)) {
        const struct tarn__live_file *f = l ? file_of(info, l, files[0]) : NULL;
        if (f)
            put_one(out, of(f) < 0 ? duckdb_create_null_value() : duckdb_create_int64(of(f)));
        return;
    }
    duckdb_vector_ensure_validity_writable(out);
    uint64_t *valid = duckdb_vector_get_validity(out);
    int64_t *data = duckdb_vector_get_data(out);
    for (idx_t i = 0; l && i < n; i++) {
        const struct tarn__live_file *f = file_of(info, l, files[i]);
        if (!f)
            return;
        data[i] = of(f);
        duckdb_validity_set_row_validity(valid, i, data[i] >= 0);
    }
}

static void live_specs(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    numbers(info, in, out, spec_of);
}

static void live_first_rows(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    numbers(info, in, out, first_row_of);
}

static void live_sequences(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    numbers(info, in, out, sequence_of);
}

/* view_keys.c says what for. */
static void live_keys(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    idx_t n = duckdb_data_chunk_get_size(in);
    const int64_t *sets = column(in, 1);
    struct tarn__live *l = n > 0 ? live_of_chunk(info, in) : NULL;
    struct tarn__key_rows rows = {
        .files = column(in, 2),
        .keys = column(in, 3),
        .valid = duckdb_vector_get_validity(duckdb_data_chunk_get_vector(in, 3)),
        .count = n,
        .live = duckdb_vector_get_data(out),
    };
    if (l && (sets[0] < 0 || (uint64_t)sets[0] >= l->key_set_count ||
              !tarn__keys_ask(l->key_sets[sets[0]], &rows)))
        duckdb_scalar_function_set_error(info, "a scan met deleted keys that it does not have");
}

static bool function_add(duckdb_connection con, struct tarn_engine *e, const char *name,
                         int parameters, duckdb_type result, duckdb_scalar_function_t fn)
{
    duckdb_scalar_function f = duckdb_create_scalar_function();
    duckdb_logical_type bigint = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT),
                        out = duckdb_create_logical_type(result);
    duckdb_scalar_function_set_name(f, name);
    for (int i = 0; i < parameters; i++)
        duckdb_scalar_function_add_parameter(f, bigint);
    duckdb_scalar_function_set_return_type(f, out);
    duckdb_scalar_function_set_extra_info(f, e, NULL);
    duckdb_scalar_function_set_special_handling(f); /* a null key is asked for, too */
    duckdb_scalar_function_set_function(f, fn);
    bool ok = duckdb_register_scalar_function(con, f) == DuckDBSuccess;
    duckdb_destroy_logical_type(&bigint);
    duckdb_destroy_logical_type(&out);
    duckdb_destroy_scalar_function(&f);
    return ok;
}

enum tarn_status tarn__live_functions(struct tarn_engine *e, struct tarn_op *op,
                                      duckdb_connection con)
{
    if (!function_add(con, e, "tarn_live", 3, DUCKDB_TYPE_BOOLEAN, live_rows) ||
        !function_add(con, e, "tarn_key_live", 4, DUCKDB_TYPE_BOOLEAN, live_keys) ||
        !function_add(con, e, "tarn_path", 2, DUCKDB_TYPE_VARCHAR, live_paths) ||
        !function_add(con, e, "tarn_spec_id", 2, DUCKDB_TYPE_BIGINT, live_specs) ||
        !function_add(con, e, "tarn_first_row_id", 2, DUCKDB_TYPE_BIGINT, live_first_rows) ||
        !function_add(con, e, "tarn_sequence", 2, DUCKDB_TYPE_BIGINT, live_sequences))
        return tarn_fail(op, TARN_INTERNAL, "could not open the engine: it refused a function");
    return TARN_OK;
}

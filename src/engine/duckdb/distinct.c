/* distinct: tarn_count_distinct(UBIGINT) -> BIGINT, for hashes that are nearly all different.
 *
 * The engine's own count(DISTINCT) builds one large table, each step of which misses the cache.
 * Here values are dealt into buckets by their highest bits while rows come in, on all threads; at
 * the end each bucket goes through a small table that the cache holds. Memory is 8 bytes a row, which
 * the engine's limit does not count: callers use it up to TARN_DISTINCT_ROWS_MAX rows.
 */
#include <stdlib.h>

#include "engine/duckdb/engine_int.h"

#define BUCKET_BITS 10
#define BUCKETS     ((size_t)1 << BUCKET_BITS)
#define BLOCK       510

struct block {
    struct block *next;
    size_t count;
    uint64_t values[BLOCK];
};
struct dealt {
    struct block *buckets[BUCKETS];
    bool failed;
};
struct state {
    struct dealt *dealt; /* NULL until a row comes in */
};

static idx_t state_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(struct state);
}

static void state_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    ((struct state *)state)->dealt = NULL;
}

static void deal(struct dealt *d, uint64_t v)
{
    struct block **head = &d->buckets[v >> (64 - BUCKET_BITS)], *b = *head;
    if (!b || b->count == BLOCK) {
        b = malloc(sizeof *b);
        if (!b) {
            d->failed = true;
            return;
        }
        b->next = *head;
        b->count = 0;
        *head = b;
    }
    b->values[b->count++] = v;
}

static void update(duckdb_function_info info, duckdb_data_chunk input,
                   duckdb_aggregate_state *states)
{
    idx_t n = duckdb_data_chunk_get_size(input);
    duckdb_vector v = duckdb_data_chunk_get_vector(input, 0);
    const uint64_t *values = duckdb_vector_get_data(v);
    uint64_t *validity = duckdb_vector_get_validity(v);
    for (idx_t i = 0; i < n; i++) {
        struct state *s = (struct state *)states[i];
        if (validity && !duckdb_validity_row_is_valid(validity, i))
            continue;
        if (!s->dealt)
            s->dealt = calloc(1, sizeof *s->dealt);
        if (s->dealt)
            deal(s->dealt, values[i]);
        if (!s->dealt || s->dealt->failed) {
            duckdb_aggregate_function_set_error(info, TARN__NO_MEMORY);
            return;
        }
    }
}

static void combine(duckdb_function_info info, duckdb_aggregate_state *source,
                    duckdb_aggregate_state *target, idx_t count)
{
    (void)info;
    for (idx_t i = 0; i < count; i++) {
        struct state *from = (struct state *)source[i], *to = (struct state *)target[i];
        if (!to->dealt) {
            to->dealt = from->dealt;
            from->dealt = NULL;
            continue;
        }
        for (size_t k = 0; from->dealt && k < BUCKETS; k++) {
            struct block **end = &from->dealt->buckets[k];
            while (*end)
                end = &(*end)->next;
            *end = to->dealt->buckets[k];
            to->dealt->buckets[k] = from->dealt->buckets[k];
            from->dealt->buckets[k] = NULL;
        }
    }
}

/* Distinct values of a bucket; the table is of a power of two of slots, twice as many as values. */
static int64_t count_bucket(const struct block *bucket, uint64_t *table, size_t slots)
{
    int64_t distinct = 0;
    bool zero = false;
    memset(table, 0, slots * sizeof *table);
    for (const struct block *b = bucket; b; b = b->next)
        for (size_t i = 0; i < b->count; i++) {
            uint64_t v = b->values[i];
            size_t at = (size_t)v & (slots - 1);
            while (table[at] != 0 && table[at] != v)
                at = (at + 1) & (slots - 1);
            distinct += v != 0 ? table[at] == 0 : !zero;
            zero = zero || v == 0;
            table[at] = v;
        }
    return distinct;
}

static bool count_distinct(const struct dealt *d, int64_t *out)
{
    uint64_t *table = NULL;
    size_t cap = 0;
    *out = 0;
    for (size_t k = 0; d && k < BUCKETS; k++) {
        size_t n = 0, slots = 64;
        for (const struct block *b = d->buckets[k]; b; b = b->next)
            n += b->count;
        while (slots < 2 * n)
            slots *= 2;
        if (slots > cap) {
            free(table);
            table = malloc(slots * sizeof *table);
            cap = slots;
        }
        if (!table)
            return false;
        if (n > 0)
            *out += count_bucket(d->buckets[k], table, slots);
    }
    free(table);
    return true;
}

static void finalize(duckdb_function_info info, duckdb_aggregate_state *source,
                     duckdb_vector result, idx_t count, idx_t offset)
{
    int64_t *out = duckdb_vector_get_data(result);
    for (idx_t i = 0; i < count; i++)
        if (!count_distinct(((struct state *)source[i])->dealt, &out[offset + i]))
            duckdb_aggregate_function_set_error(info, TARN__NO_MEMORY);
}

static void destroy(duckdb_aggregate_state *states, idx_t count)
{
    for (idx_t i = 0; i < count; i++) {
        struct state *s = (struct state *)states[i];
        for (size_t k = 0; s->dealt && k < BUCKETS; k++)
            for (struct block *b = s->dealt->buckets[k], *next; b; b = next) {
                next = b->next;
                free(b);
            }
        free(s->dealt);
        s->dealt = NULL;
    }
}

enum tarn_status tarn__distinct_functions(struct tarn_op *op, duckdb_connection con)
{
    duckdb_aggregate_function f = duckdb_create_aggregate_function();
    duckdb_logical_type ubigint = duckdb_create_logical_type(DUCKDB_TYPE_UBIGINT),
                        bigint = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_aggregate_function_set_name(f, "tarn_count_distinct");
    duckdb_aggregate_function_add_parameter(f, ubigint);
    duckdb_aggregate_function_set_return_type(f, bigint);
    duckdb_aggregate_function_set_functions(f, state_size, state_init, update, combine, finalize);
    duckdb_aggregate_function_set_destructor(f, destroy);
    bool ok = duckdb_register_aggregate_function(con, f) == DuckDBSuccess;
    duckdb_destroy_logical_type(&ubigint);
    duckdb_destroy_logical_type(&bigint);
    duckdb_destroy_aggregate_function(&f);
    if (!ok)
        return tarn_fail(op, TARN_INTERNAL, "could not open the engine: it refused a function");
    return TARN_OK;
}

/* view_keys: equality deletes by one whole number, as a set of keys in memory.
 *
 *   tarn_key_live(id, set, file_index, key) -> BOOLEAN
 *
 * The common case (rows deleted by their id), and several times as fast as a join: nearly all rows are
 * told by a filter that stays in a core's cache, one word of bits a key. A key is kept with its scope
 * (the equality delete group) and the greatest sequence number that deletes it; a row goes when that
 * is greater than its data file's. The set belongs to an entry of the registry of live.c and lives as
 * long.
 */
#include "engine/duckdb/view_int.h"

#define SCOPE_BITS 20

struct entry {
    int64_t key;
    uint64_t value; /* (sequence number + 1) << SCOPE_BITS | scope; 0: the place is free */
};
struct tarn__key_set {
    uint64_t *bits; /* a power of two of words */
    uint64_t bit_mask;
    struct entry *entries; /* a power of two, at most three quarters full */
    uint64_t mask;
    int64_t *null_sequence; /* by scope, -1: null is not deleted */
    int64_t scope_count;
    const int64_t *scopes, *sequences; /* by file; a scope of -1: no deletes concern it */
    size_t file_count;
};

static uint64_t hash(int64_t key, int64_t scope)
{
    uint64_t h = (uint64_t)key + (uint64_t)scope * 0x9E3779B97F4A7C15u;
    h = (h ^ h >> 32) * 0xD6E8FEB86659FD93u;
    h = (h ^ h >> 32) * 0xD6E8FEB86659FD93u;
    return h ^ h >> 32;
}

/* Three bits of one word. */
static uint64_t bits_of(uint64_t h)
{
    return 1ull << (h >> 58) | 1ull << (h >> 52 & 63) | 1ull << (h >> 46 & 63);
}

/* ---- filling */

static bool make_room(struct tarn_op *own, struct tarn__key_set *set, size_t keys)
{
    uint64_t words = 64, places = 64;
    while (words * 5 < keys) /* twelve bits or more for each */
        words *= 2;
    while (places * 3 < keys * 4)
        places *= 2;
    set->bit_mask = words - 1;
    set->mask = places - 1;
    set->bits = tarn_alloc_array(own, words, sizeof *set->bits);
    set->entries = tarn_alloc_array(own, places, sizeof *set->entries);
    return set->bits && set->entries;
}

static bool is_of(const struct entry *e, int64_t key, int64_t scope)
{
    return e->key == key && (e->value & ((1u << SCOPE_BITS) - 1)) == (uint64_t)scope;
}

static void put(struct tarn__key_set *set, uint64_t h, int64_t key, int64_t scope, int64_t sequence)
{
    uint64_t at = h & set->mask, value = ((uint64_t)sequence + 1) << SCOPE_BITS | (uint64_t)scope;
    set->bits[h >> 20 & set->bit_mask] |= bits_of(h);
    while (set->entries[at].value && !is_of(&set->entries[at], key, scope))
        at = (at + 1) & set->mask;
    if (value > set->entries[at].value)
        set->entries[at] = (struct entry){key, value};
}

/* Places are fetched so many rows ahead. */
#define AHEAD 16

static bool put_chunk(struct tarn__key_set *set, duckdb_data_chunk chunk, size_t *room)
{
    idx_t n = duckdb_data_chunk_get_size(chunk);
    duckdb_vector keys = duckdb_data_chunk_get_vector(chunk, 0);
    const int64_t *key = duckdb_vector_get_data(keys);
    const int64_t *scope = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
    const int64_t *sequence = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 2));
    uint64_t *valid = duckdb_vector_get_validity(keys);
    for (idx_t i = 0; i < n; i++) {
        if (scope[i] < 0 || scope[i] >= set->scope_count || sequence[i] < 0 ||
            sequence[i] > TARN__KEY_SEQUENCE_MAX || (*room)-- == 0)
            return false;
        if (i + AHEAD < n)
            __builtin_prefetch(&set->entries[hash(key[i + AHEAD], scope[i + AHEAD]) & set->mask]);
        if (duckdb_validity_row_is_valid(valid, i))
            put(set, hash(key[i], scope[i]), key[i], scope[i], sequence[i]);
        else if (sequence[i] > set->null_sequence[scope[i]])
            set->null_sequence[scope[i]] = sequence[i];
    }
    return true;
}

static const int64_t *numbers(struct tarn_op *own, const int64_t *from, size_t count)
{
    int64_t *out = tarn_alloc_array(own, count + 1, sizeof *out);
    if (out && count > 0)
        memcpy(out, from, count * sizeof *out);
    return out;
}

static struct tarn__key_set *make_set(struct tarn__live *l, const struct tarn__key_files *files,
                                      size_t keys)
{
    struct tarn_op own = {.arena = l->arena};
    struct tarn__key_set *set = tarn_alloc(&own, sizeof *set);
    if (!set || !make_room(&own, set, keys))
        return NULL;
    set->scope_count = (int64_t)files->scope_count;
    set->file_count = files->count;
    set->null_sequence = tarn_alloc_array(&own, files->scope_count + 1, sizeof(int64_t));
    set->scopes = numbers(&own, files->scopes, files->count);
    set->sequences = numbers(&own, files->sequences, files->count);
    for (int64_t i = 0; set->null_sequence && i < set->scope_count; i++)
        set->null_sequence[i] = -1;
    return set->null_sequence && set->scopes && set->sequences ? set : NULL;
}

enum tarn_status tarn__keys_load(struct tarn_session *s, struct tarn_op *op, const char *sql,
                                 const struct tarn__key_files *files, struct tarn__live *l,
                                 size_t *out_index)
{
    duckdb_result r;
    bool whole = true;
    TARN_TRY(tarn__run(s, op, sql, NULL, &r));
    size_t rows = (size_t)duckdb_row_count(&r), room = rows;
    struct tarn__key_set *set = make_set(l, files, rows);
    for (duckdb_data_chunk chunk; set && whole && (chunk = duckdb_fetch_chunk(r));) {
        whole = put_chunk(set, chunk, &room);
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&r);
    if (!set)
        return tarn_fail(op, TARN_NOMEM, "could not hold deleted keys of a table: out of memory");
    if (!whole)
        return tarn_fail(op, TARN_INTERNAL, "the engine gave keys of no delete file");
    *out_index = l->key_set_count;
    l->key_sets[l->key_set_count++] = set;
    return TARN_OK;
}

/* ---- asking: in blocks, so that what is looked at next is fetched while other rows are told */

#define BLOCK 256

struct question {
    uint64_t hash;
    int64_t scope;
    size_t row;
};

static bool entry_is_live(const struct tarn__key_set *set, uint64_t h, int64_t scope, int64_t key,
                          int64_t limit)
{
    for (uint64_t at = h & set->mask; set->entries[at].value; at = (at + 1) & set->mask)
        if (is_of(&set->entries[at], key, scope))
            return (int64_t)(set->entries[at].value >> SCOPE_BITS) - 1 <= limit;
    return true;
}

/* Rows that the bits cannot tell; the others are told. */
static size_t ask(const struct tarn__key_set *set, const struct tarn__key_rows *rows, size_t first,
                  size_t end, struct question *out)
{
    size_t n = 0, left = 0;
    for (size_t i = first; i < end; i++) {
        int64_t scope = set->scopes[rows->files[i]];
        bool null = rows->valid && !(rows->valid[i >> 6] >> (i & 63) & 1);
        rows->live[i] = true;
        if (scope < 0)
            continue;
        if (null) {
            rows->live[i] = set->null_sequence[scope] <= set->sequences[rows->files[i]];
            continue;
        }
        uint64_t h = hash(rows->keys[i], scope);
        __builtin_prefetch(&set->bits[h >> 20 & set->bit_mask]);
        out[n++] = (struct question){h, scope, i};
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = bits_of(out[i].hash);
        if ((set->bits[out[i].hash >> 20 & set->bit_mask] & bits) != bits)
            continue;
        __builtin_prefetch(&set->entries[out[i].hash & set->mask]);
        out[left++] = out[i];
    }
    return left;
}

bool tarn__keys_ask(const struct tarn__key_set *set, const struct tarn__key_rows *rows)
{
    struct question open[BLOCK];
    for (size_t i = 0; i < rows->count; i++)
        if (rows->files[i] < 0 || (uint64_t)rows->files[i] >= set->file_count)
            return false;
    for (size_t first = 0; first < rows->count; first += BLOCK) {
        size_t end = first + BLOCK < rows->count ? first + BLOCK : rows->count;
        size_t n = ask(set, rows, first, end, open);
        for (size_t i = 0; i < n; i++) {
            size_t row = open[i].row;
            rows->live[row] = entry_is_live(set, open[i].hash, open[i].scope, rows->keys[row],
                                            set->sequences[rows->files[row]]);
        }
    }
    return true;
}

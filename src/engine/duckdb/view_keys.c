/* view_keys: equality deletes by one whole number, as a set of keys in memory.
 *
 *   tarn_key_live(id, set, file_index, key) -> BOOLEAN
 *
 * The common case (rows deleted by their id), and several times as fast as a join: nearly all rows are
 * told by a filter that stays in a core's cache, one word of bits a key. A key is kept with its scope
 * (the equality delete group) and the greatest sequence number that deletes it; a row goes when that
 * is greater than its data file's. Keys of one scope that lie close together and delete all that is
 * older than any of them are one bit each instead. The set belongs to an entry of the registry of live.c and lives as
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
    uint64_t *dense; /* or instead: bit (key - low), of `span` bits */
    int64_t low;
    uint64_t span;
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

/* What a chunk has: key, scope, sequence number. */
struct columns {
    idx_t count;
    const int64_t *key, *scope, *sequence;
    uint64_t *valid; /* of the keys; NULL: all */
};

static struct columns columns_of(duckdb_data_chunk chunk)
{
    duckdb_vector keys = duckdb_data_chunk_get_vector(chunk, 0);
    return (struct columns){
        .count = duckdb_data_chunk_get_size(chunk),
        .key = duckdb_vector_get_data(keys),
        .scope = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1)),
        .sequence = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 2)),
        .valid = duckdb_vector_get_validity(keys),
    };
}

/* What the keys are like. */
struct range {
    size_t keys;
    int64_t low, high, sequence_min;
};

/* Looks at a chunk, and takes its nulls. False: it is not of these files. */
static bool look(struct tarn__key_set *set, const struct columns *c, struct range *r)
{
    for (idx_t i = 0; i < c->count; i++) {
        if (c->scope[i] < 0 || c->scope[i] >= set->scope_count || c->sequence[i] < 0 ||
            c->sequence[i] > TARN__KEY_SEQUENCE_MAX)
            return false;
        if (!duckdb_validity_row_is_valid(c->valid, i)) {
            if (c->sequence[i] > set->null_sequence[c->scope[i]])
                set->null_sequence[c->scope[i]] = c->sequence[i];
            continue;
        }
        r->low = r->keys == 0 || c->key[i] < r->low ? c->key[i] : r->low;
        r->high = r->keys == 0 || c->key[i] > r->high ? c->key[i] : r->high;
        if (r->keys == 0 || c->sequence[i] < r->sequence_min)
            r->sequence_min = c->sequence[i];
        r->keys++;
    }
    return true;
}

/* A bit a key takes no more memory than an entry, and every key deletes whatever file it meets. */
static bool is_dense(const struct tarn__key_set *set, const struct range *r)
{
    uint64_t span = (uint64_t)r->high - (uint64_t)r->low;
    if (set->scope_count != 1 || r->keys == 0 || span / (8 * sizeof(struct entry)) >= r->keys)
        return false;
    for (size_t i = 0; i < set->file_count; i++)
        if (set->scopes[i] >= 0 && set->sequences[i] >= r->sequence_min)
            return false;
    return true;
}

static bool make_bits(struct tarn_op *own, struct tarn__key_set *set, const struct range *r)
{
    set->low = r->low;
    set->span = (uint64_t)r->high - (uint64_t)r->low + 1;
    set->dense = tarn_alloc_array(own, set->span / 64 + 1, sizeof *set->dense);
    return set->dense != NULL;
}

static void put_chunk(struct tarn__key_set *set, const struct columns *c)
{
    for (idx_t i = 0; i < c->count; i++) {
        if (set->dense) {
            uint64_t at = (uint64_t)c->key[i] - (uint64_t)set->low;
            if (duckdb_validity_row_is_valid(c->valid, i))
                set->dense[at >> 6] |= 1ull << (at & 63);
            continue;
        }
        if (i + AHEAD < c->count)
            __builtin_prefetch(
                &set->entries[hash(c->key[i + AHEAD], c->scope[i + AHEAD]) & set->mask]);
        if (duckdb_validity_row_is_valid(c->valid, i))
            put(set, hash(c->key[i], c->scope[i]), c->key[i], c->scope[i], c->sequence[i]);
    }
}

static const int64_t *numbers(struct tarn_op *own, const int64_t *from, size_t count)
{
    int64_t *out = tarn_alloc_array(own, count + 1, sizeof *out);
    if (out && count > 0)
        memcpy(out, from, count * sizeof *out);
    return out;
}

static struct tarn__key_set *make_set(struct tarn__live *l, const struct tarn__key_files *files)
{
    struct tarn_op own = {.arena = l->arena};
    struct tarn__key_set *set = tarn_alloc(&own, sizeof *set);
    if (!set)
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

/* The chunks of a result, all of them at hand. */
struct chunks {
    duckdb_data_chunk *items;
    size_t count, cap;
};

static void chunks_free(struct chunks *all)
{
    for (size_t i = 0; i < all->count; i++)
        duckdb_destroy_data_chunk(&all->items[i]);
}

static enum tarn_status chunks_of(struct tarn_op *op, duckdb_result *r, struct chunks *all)
{
    for (duckdb_data_chunk chunk; (chunk = duckdb_fetch_chunk(*r));) {
        if (all->count == all->cap) {
            duckdb_data_chunk *more = tarn_alloc_array(op, all->cap * 2 + 64, sizeof *more);
            if (!more) {
                duckdb_destroy_data_chunk(&chunk);
                return TARN_NOMEM;
            }
            if (all->count > 0)
                memcpy(more, all->items, all->count * sizeof *more);
            all->items = more;
            all->cap = all->cap * 2 + 64;
        }
        all->items[all->count++] = chunk;
    }
    return TARN_OK;
}

static enum tarn_status fill(struct tarn_op *op, struct tarn_arena *arena,
                             struct tarn__key_set *set, const struct chunks *all)
{
    struct tarn_op own = {.arena = arena};
    struct range range = {0};
    struct columns c;
    for (size_t i = 0; i < all->count; i++) {
        c = columns_of(all->items[i]);
        if (!look(set, &c, &range))
            return tarn_fail(op, TARN_INTERNAL, "the engine gave keys of no delete file");
    }
    if (is_dense(set, &range) ? !make_bits(&own, set, &range) : !make_room(&own, set, range.keys))
        return tarn_fail(op, TARN_NOMEM, "could not hold deleted keys of a table: out of memory");
    for (size_t i = 0; i < all->count; i++) {
        c = columns_of(all->items[i]);
        put_chunk(set, &c);
    }
    return TARN_OK;
}

enum tarn_status tarn__keys_load(struct tarn_session *s, struct tarn_op *op, const char *sql,
                                 const struct tarn__key_files *files, struct tarn__live *l,
                                 size_t *out_index)
{
    duckdb_result r;
    struct chunks all = {0};
    TARN_TRY(tarn__run(s, op, sql, NULL, &r));
    struct tarn__key_set *set = make_set(l, files);
    enum tarn_status status =
        set ? chunks_of(op, &r, &all)
            : tarn_fail(op, TARN_NOMEM, "could not hold deleted keys of a table: out of memory");
    if (status == TARN_OK)
        status = fill(op, l->arena, set, &all);
    chunks_free(&all);
    duckdb_destroy_result(&r);
    TARN_TRY(status);
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

static void ask_dense(const struct tarn__key_set *set, const struct tarn__key_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        uint64_t at = (uint64_t)rows->keys[i] - (uint64_t)set->low;
        rows->live[i] = at >= set->span || !(set->dense[at >> 6] >> (at & 63) & 1) ||
                        set->scopes[rows->files[i]] < 0;
        if (rows->valid && !(rows->valid[i >> 6] >> (i & 63) & 1))
            rows->live[i] = set->scopes[rows->files[i]] < 0 ||
                            set->null_sequence[0] <= set->sequences[rows->files[i]];
    }
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
    if (set->dense) {
        ask_dense(set, rows);
        return true;
    }
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

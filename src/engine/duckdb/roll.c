/* roll: files of a partitioned write that do not grow without end.
 *
 *   tarn_roll(id, hash of the partition's keys, bytes of the row) -> INTEGER
 *
 * is the number of the row's file within its partition.
 *
 * The engine writes one file a partition and cannot roll it, so the number of the file is made one
 * more partition column. Bytes are estimated from the row's values before encoding; TARN__COMPRESSION
 * of them are taken for one byte of the file. Two partitions whose hashes meet share a count: their
 * files become smaller, nothing else.
 *
 * Of few partitions all rows are gathered. The engine keeps a hundred files open; what it would do
 * with more is better sorted first, so that a partition too many ends the write. Else a thread has
 * files of its own for each partition: their number holds the thread's.
 */
#include "engine/duckdb/write_int.h"

#include <stdlib.h>

#define SLOTS_FIRST   256
#define THREADS_MAX   256 /* with numbers of their own */
#define THREAD_SPREAD UINT64_C(0x9e3779b97f4a7c15)

struct slot {
    uint64_t key;
    int64_t bytes;
    bool used;
};
struct tarn__roll {
    int64_t id;
    int64_t limit_bytes;
    bool few;
    pthread_mutex_t lock; /* guards what follows */
    bool full;
    struct slot *slots;
    size_t slot_count, used;
    pthread_t threads[THREADS_MAX];
    size_t thread_count;
    struct tarn__roll *next;
};

/* ---- registry */

enum tarn_status tarn__roll_open(struct tarn_engine *e, struct tarn_op *op, int64_t file_size_bytes,
                                 bool few, struct tarn__roll **out)
{
    struct tarn__roll *r = calloc(1, sizeof *r);
    if (r)
        r->slots = calloc(SLOTS_FIRST, sizeof *r->slots);
    if (!r || !r->slots || pthread_mutex_init(&r->lock, NULL) != 0) {
        if (r)
            free(r->slots);
        free(r);
        return tarn_fail(op, TARN_NOMEM, "could not start writing rows: out of memory");
    }
    r->slot_count = SLOTS_FIRST;
    r->few = few;
    if (__builtin_mul_overflow(file_size_bytes, (int64_t)TARN__COMPRESSION, &r->limit_bytes))
        r->limit_bytes = INT64_MAX;
    pthread_mutex_lock(&e->lock);
    r->id = e->next_id++;
    r->next = e->rolls;
    e->rolls = r;
    pthread_mutex_unlock(&e->lock);
    *out = r;
    return TARN_OK;
}

void tarn__roll_close(struct tarn_engine *e, struct tarn__roll *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&e->lock);
    struct tarn__roll **at = &e->rolls;
    while (*at && *at != r)
        at = &(*at)->next;
    if (*at)
        *at = r->next;
    pthread_mutex_unlock(&e->lock);
    pthread_mutex_destroy(&r->lock);
    free(r->slots);
    free(r);
}

bool tarn__roll_is_full(struct tarn__roll *r)
{
    pthread_mutex_lock(&r->lock);
    bool full = r->full;
    pthread_mutex_unlock(&r->lock);
    return full;
}

static struct tarn__roll *roll_find(struct tarn_engine *e, int64_t id)
{
    pthread_mutex_lock(&e->lock);
    struct tarn__roll *r = e->rolls;
    while (r && r->id != id)
        r = r->next;
    pthread_mutex_unlock(&e->lock);
    return r;
}

/* ---- counting */

static struct slot *slot_of(struct slot *slots, size_t count, uint64_t key)
{
    size_t at = (size_t)(key ^ key >> 32) & (count - 1);
    while (slots[at].used && slots[at].key != key)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static bool slots_grow(struct tarn__roll *r)
{
    size_t count = r->slot_count * 2;
    struct slot *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < r->slot_count; i++)
        if (r->slots[i].used)
            *slot_of(slots, count, r->slots[i].key) = r->slots[i];
    free(r->slots);
    r->slots = slots;
    r->slot_count = count;
    return true;
}

/* The number of this thread; threads beyond the last share it. */
static size_t thread_of(struct tarn__roll *r)
{
    pthread_t self = pthread_self();
    size_t i = 0;
    while (i < r->thread_count && !pthread_equal(r->threads[i], self))
        i++;
    if (i == r->thread_count && i < THREADS_MAX)
        r->threads[r->thread_count++] = self;
    return i < THREADS_MAX ? i : THREADS_MAX - 1;
}

/* False: it is full, or there is no memory for one more partition. */
static bool count_row(struct tarn__roll *r, uint64_t key, int64_t bytes, int64_t *out)
{
    struct slot *s = slot_of(r->slots, r->slot_count, key);
    if (!s->used) {
        r->full = r->few && r->used == TARN__PARTITIONS_FEW;
        if (r->full)
            return false;
        if (r->used + 1 > r->slot_count / 2) {
            if (!slots_grow(r))
                return false;
            s = slot_of(r->slots, r->slot_count, key);
        }
        *s = (struct slot){.key = key, .used = true};
        r->used++;
    }
    s->bytes += bytes > 0 ? bytes : 1;
    *out = s->bytes / r->limit_bytes;
    return true;
}

static void roll_rows(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    idx_t n = duckdb_data_chunk_get_size(in);
    const int64_t *id = duckdb_vector_get_data(duckdb_data_chunk_get_vector(in, 0));
    const uint64_t *keys = duckdb_vector_get_data(duckdb_data_chunk_get_vector(in, 1));
    const int64_t *bytes = duckdb_vector_get_data(duckdb_data_chunk_get_vector(in, 2));
    int32_t *file = duckdb_vector_get_data(out);
    if (n == 0)
        return;
    struct tarn__roll *r = roll_find(duckdb_scalar_function_get_extra_info(info), id[0]);
    if (!r) {
        duckdb_scalar_function_set_error(info, "a write is used after its end");
        return;
    }
    bool ok = true;
    pthread_mutex_lock(&r->lock);
    size_t thread = r->few ? 0 : thread_of(r);
    for (idx_t i = 0; ok && i < n; i++) {
        int64_t number;
        ok = count_row(r, keys[i] ^ thread * THREAD_SPREAD, bytes[i], &number);
        if (ok && !r->few)
            number = number * THREADS_MAX + (int64_t)thread;
        file[i] = ok && number < INT32_MAX ? (int32_t)number : INT32_MAX;
    }
    bool full = r->full;
    pthread_mutex_unlock(&r->lock);
    if (!ok)
        duckdb_scalar_function_set_error(info, full ? "too many partitions" : TARN__NO_MEMORY);
}

enum tarn_status tarn__roll_functions(struct tarn_engine *e, struct tarn_op *op,
                                      duckdb_connection con)
{
    static const duckdb_type parameters[] = {DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_UBIGINT,
                                             DUCKDB_TYPE_BIGINT};
    duckdb_scalar_function f = duckdb_create_scalar_function();
    duckdb_logical_type result = duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    duckdb_scalar_function_set_name(f, "tarn_roll");
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        duckdb_logical_type t = duckdb_create_logical_type(parameters[i]);
        duckdb_scalar_function_add_parameter(f, t);
        duckdb_destroy_logical_type(&t);
    }
    duckdb_scalar_function_set_return_type(f, result);
    duckdb_scalar_function_set_extra_info(f, e, NULL);
    duckdb_scalar_function_set_function(f, roll_rows);
    duckdb_scalar_function_set_volatile(f); /* each call counts */
    bool ok = duckdb_register_scalar_function(con, f) == DuckDBSuccess;
    duckdb_destroy_logical_type(&result);
    duckdb_destroy_scalar_function(&f);
    return ok ? TARN_OK
              : tarn_fail(op, TARN_INTERNAL, "could not open the engine: it refused a function");
}

/* ---- expressions */

static int fixed_width(enum tarn_type_kind kind)
{
    switch (kind) {
    case TARN_TYPE_BOOLEAN:
        return 1;
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE:
    case TARN_TYPE_FLOAT:
        return 4;
    case TARN_TYPE_UUID:
    case TARN_TYPE_DECIMAL:
        return 16;
    default:
        return 8;
    }
}

/* What one value takes on average where nothing is known of it. */
static int guessed_width(const struct tarn_type *t)
{
    int sum = 0;
    if (t->kind == TARN_TYPE_STRING || t->kind == TARN_TYPE_BINARY || t->kind == TARN_TYPE_FIXED)
        return 16;
    if (!tarn_type_is_nested(t))
        return fixed_width(t->kind);
    for (size_t i = 0; i < t->field_count; i++)
        sum += guessed_width(&t->fields[i].type);
    return sum;
}

static struct tarn_str length_function(enum tarn_type_kind kind)
{
    switch (kind) {
    case TARN_TYPE_STRING:
        return TARN_STR("strlen");
    case TARN_TYPE_BINARY:
    case TARN_TYPE_FIXED:
        return TARN_STR("octet_length");
    case TARN_TYPE_LIST:
        return TARN_STR("len");
    case TARN_TYPE_MAP:
        return TARN_STR("cardinality");
    default:
        return (struct tarn_str){NULL, 0};
    }
}

void tarn__width_sql(struct tarn_buf *b, const struct tarn_type *root)
{
    int width = 0;
    tarn_buf_put(b, '(');
    for (size_t i = 0; i < root->field_count; i++) {
        const struct tarn_type *t = &root->fields[i].type;
        struct tarn_str fn = length_function(t->kind);
        if (!fn.ptr) {
            width += guessed_width(t);
            continue;
        }
        bool items = t->kind == TARN_TYPE_LIST || t->kind == TARN_TYPE_MAP;
        tarn_buf_printf(b, "coalesce(%.*s(", TARN_STR_ARG(fn));
        tarn_buf_sql_name(b, root->fields[i].name);
        tarn_buf_printf(b, "), 0) * %d + ", items ? guessed_width(t) : 1);
    }
    tarn_buf_printf(b, "%d)::BIGINT", width);
}

void tarn__roll_sql(struct tarn_buf *b, const struct tarn__roll *r, const struct tarn_type *root,
                    struct tarn_str keys)
{
    tarn_buf_printf(b, "tarn_roll(%lld, hash(%.*s), ", (long long)r->id, TARN_STR_ARG(keys));
    tarn__width_sql(b, root);
    tarn_buf_put(b, ')');
}

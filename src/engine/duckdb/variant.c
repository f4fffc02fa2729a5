/* variant: variants as Parquet's readers want them, as SQL.
 *
 *   tarn_variant(metadata, value) -> STRUCT(metadata BLOB, value BLOB)
 *
 * are the two halves of variant_to_parquet_variant with names and fields in order
 * (format/parquet/variant.h). They are two arguments, for only those of a function are sure to be
 * plain vectors; what is within a struct is not.
 *
 *   tarn_json(text) -> VARCHAR
 *
 * is a variant that was cast to JSON, as JSON: decimals below one have their zero, which the engine
 * leaves out where all digits are behind the point (".25").
 */
#include "engine/duckdb/engine_int.h"
#include "format/parquet/variant.h"

struct half {
    const duckdb_string_t *in;
    uint64_t *valid; /* NULL: all are */
    duckdb_vector out;
};

static struct half half_of(duckdb_data_chunk in, duckdb_vector out, idx_t i)
{
    duckdb_vector v = duckdb_data_chunk_get_vector(in, i);
    return (struct half){duckdb_vector_get_data(v), duckdb_vector_get_validity(v),
                         duckdb_struct_vector_get_child(out, i)};
}

static enum tarn_status copy_of(struct tarn_op *op, const struct half *h, idx_t row, uint8_t **out,
                                size_t *size)
{
    duckdb_string_t text = h->in[row];
    *size = duckdb_string_t_length(text);
    TARN_NEW_ARRAY(op, *out, *size + 1);
    memcpy(*out, duckdb_string_t_data(&text), *size);
    return TARN_OK;
}

static enum tarn_status sort_row(struct tarn_op *op, const struct half halves[2], idx_t row)
{
    uint8_t *bytes[2];
    size_t sizes[2];
    for (int i = 0; i < 2; i++)
        TARN_TRY(copy_of(op, &halves[i], row, &bytes[i], &sizes[i]));
    TARN_TRY(tarn_parquet_variant_sort(op, bytes[0], sizes[0], bytes[1], sizes[1]));
    for (int i = 0; i < 2; i++)
        duckdb_vector_assign_string_element_len(halves[i].out, row, (const char *)bytes[i],
                                                sizes[i]);
    return TARN_OK;
}

static void set_null(duckdb_vector v, idx_t row)
{
    duckdb_vector_ensure_validity_writable(v);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(v), row);
}

static enum tarn_status sort_rows(struct tarn_op *op, duckdb_data_chunk in, duckdb_vector out)
{
    struct half halves[2] = {half_of(in, out, 0), half_of(in, out, 1)};
    struct tarn_arena_mark mark = tarn_arena_mark(op->arena);
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(in); row++) {
        if (!duckdb_validity_row_is_valid(halves[0].valid, row) ||
            !duckdb_validity_row_is_valid(halves[1].valid, row)) {
            set_null(out, row);
            set_null(halves[0].out, row);
            set_null(halves[1].out, row);
            continue;
        }
        TARN_TRY(sort_row(op, halves, row));
        tarn_arena_rewind(op->arena, mark);
    }
    return TARN_OK;
}

/* ---- tarn_json */

static enum tarn_status put_zeros(struct tarn_op *op, struct tarn_str json, struct tarn_buf *b)
{
    bool quoted = false;
    tarn_buf_reset(b);
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i], before = i > 0 ? json.ptr[i - 1] : 0;
        if (c == '"')
            quoted = !quoted;
        if (!quoted && c == '.' && !(before >= '0' && before <= '9'))
            tarn_buf_put(b, '0');
        tarn_buf_put(b, c);
        if (quoted && c == '\\' && i + 1 < json.len)
            tarn_buf_put(b, json.ptr[++i]);
    }
    return (enum tarn_status)tarn_buf_finish(op, b, "a variant's text");
}

static enum tarn_status json_rows(struct tarn_op *op, duckdb_data_chunk in, duckdb_vector out)
{
    struct tarn_buf b;
    enum tarn_status status = TARN_OK;
    duckdb_vector v = duckdb_data_chunk_get_vector(in, 0);
    duckdb_string_t *texts = duckdb_vector_get_data(v);
    uint64_t *valid = duckdb_vector_get_validity(v);
    tarn_buf_init(&b, TARN__SQL_MAX);
    for (idx_t i = 0; status == TARN_OK && i < duckdb_data_chunk_get_size(in); i++) {
        if (!duckdb_validity_row_is_valid(valid, i)) {
            set_null(out, i);
            continue;
        }
        struct tarn_str json =
            tarn_str_of(duckdb_string_t_data(&texts[i]), duckdb_string_t_length(texts[i]));
        status = put_zeros(op, json, &b);
        if (status == TARN_OK)
            duckdb_vector_assign_string_element_len(out, i, b.ptr, b.len);
    }
    tarn_buf_release(&b);
    return status;
}

/* ---- */

typedef enum tarn_status rows_fn(struct tarn_op *op, duckdb_data_chunk in, duckdb_vector out);

static void run(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out, rows_fn *rows)
{
    struct tarn_op op;
    if (tarn_op_init(&op, 0, 0) != TARN_OK) {
        duckdb_scalar_function_set_error(info, TARN__NO_MEMORY);
        return;
    }
    enum tarn_status status = rows(&op, in, out);
    if (status != TARN_OK)
        duckdb_scalar_function_set_error(info, status == TARN_NOMEM ? TARN__NO_MEMORY
                                                                    : op.report.message);
    tarn_op_release(&op);
}

static void variant_function(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    run(info, in, out, sort_rows);
}

static void json_function(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    run(info, in, out, json_rows);
}

static bool function_add(duckdb_connection con, const char *name, duckdb_logical_type parameter,
                         idx_t parameters, duckdb_logical_type result, duckdb_scalar_function_t fn)
{
    duckdb_scalar_function f = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(f, name);
    for (idx_t i = 0; i < parameters; i++)
        duckdb_scalar_function_add_parameter(f, parameter);
    duckdb_scalar_function_set_return_type(f, result);
    duckdb_scalar_function_set_special_handling(f); /* nulls of other rows of a CASE */
    duckdb_scalar_function_set_function(f, fn);
    bool ok = duckdb_register_scalar_function(con, f) == DuckDBSuccess;
    duckdb_destroy_scalar_function(&f);
    return ok;
}

enum tarn_status tarn__variant_functions(struct tarn_op *op, duckdb_connection con)
{
    const char *names[] = {"metadata", "value"};
    duckdb_logical_type blob = duckdb_create_logical_type(DUCKDB_TYPE_BLOB),
                        text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_logical_type halves[] = {blob, blob};
    duckdb_logical_type both = duckdb_create_struct_type(halves, names, 2);
    bool ok = function_add(con, "tarn_variant", blob, 2, both, variant_function) &&
              function_add(con, "tarn_json", text, 1, text, json_function);
    duckdb_destroy_logical_type(&blob);
    duckdb_destroy_logical_type(&text);
    duckdb_destroy_logical_type(&both);
    return ok ? TARN_OK
              : tarn_fail(op, TARN_INTERNAL, "could not open the engine: it refused a function");
}

/* partition: partition values of rows, as SQL.
 *
 *   tarn_partition('bucket[16]', value) -> VARCHAR
 *
 * is the transform's value as text, by tarn_transform_apply itself.
 *
 * Identity, year, month, day and hour, the frequent ones, are plain expressions.
 */
#include "engine/duckdb/engine_int.h"
#include "format/batch_text.h"

#define HOUR_US "3600000000"

/* ---- the function */

static enum tarn_status transform_of(struct tarn_op *op, duckdb_vector v,
                                     struct tarn_transform *out)
{
    duckdb_string_t *text = duckdb_vector_get_data(v);
    return tarn_transform_parse(
        op, tarn_str_of(duckdb_string_t_data(text), duckdb_string_t_length(*text)), out);
}

static enum tarn_status column_of(struct tarn_op *op, duckdb_vector v, size_t n,
                                  struct tarn_type *type, struct tarn_column *out)
{
    struct tarn__shape shape;
    duckdb_logical_type t = duckdb_vector_get_column_type(v);
    enum tarn_status status = tarn__shape_fits(t, TARN__SHAPES_VALUES)
                                  ? tarn__shape_of(op, t, &shape, type)
                                  : TARN_UNSUPPORTED;
    duckdb_destroy_logical_type(&t);
    TARN_TRY(status);
    return tarn__vector_column(op, v, &shape, type, n, out);
}

static enum tarn_status write_row(struct tarn_op *op, const struct tarn_transform *t,
                                  const struct tarn_column *c, size_t row, duckdb_vector out)
{
    struct tarn_value in = tarn_column_value(c, row), value;
    struct tarn_type result = tarn_transform_result(t, c->type);
    TARN_TRY(tarn_transform_apply(op, t, c->type, &in, &value));
    if (value.is_null) {
        duckdb_vector_ensure_validity_writable(out);
        duckdb_validity_set_row_invalid(duckdb_vector_get_validity(out), row);
        return TARN_OK;
    }
    struct tarn_str text = tarn_value_text(op, &result, &value);
    if (!text.ptr)
        return TARN_NOMEM;
    duckdb_vector_assign_string_element_len(out, row, text.ptr, text.len);
    return TARN_OK;
}

static enum tarn_status partition_rows(struct tarn_op *op, duckdb_data_chunk in, duckdb_vector out)
{
    size_t n = (size_t)duckdb_data_chunk_get_size(in);
    struct tarn_transform t;
    struct tarn_type type;
    struct tarn_column c;
    TARN_TRY(transform_of(op, duckdb_data_chunk_get_vector(in, 0), &t));
    TARN_TRY(column_of(op, duckdb_data_chunk_get_vector(in, 1), n, &type, &c));
    struct tarn_arena_mark mark = tarn_arena_mark(op->arena);
    for (size_t i = 0; i < n; i++) {
        TARN_TRY(write_row(op, &t, &c, i, out));
        tarn_arena_rewind(op->arena, mark);
    }
    return TARN_OK;
}

static void partition_function(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    struct tarn_op op;
    if (duckdb_data_chunk_get_size(in) == 0)
        return;
    enum tarn_status status = tarn_op_init(&op, 0, 0);
    if (status == TARN_OK) {
        status = partition_rows(&op, in, out);
        if (status != TARN_OK)
            duckdb_scalar_function_set_error(info, status == TARN_NOMEM ? TARN__NO_MEMORY
                                                                        : op.report.message);
        tarn_op_release(&op);
    } else {
        duckdb_scalar_function_set_error(info, TARN__NO_MEMORY);
    }
}

enum tarn_status tarn__partition_functions(struct tarn_engine *e, struct tarn_op *op,
                                           duckdb_connection con)
{
    (void)e;
    duckdb_scalar_function f = duckdb_create_scalar_function();
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR),
                        any = duckdb_create_logical_type(DUCKDB_TYPE_ANY);
    duckdb_scalar_function_set_name(f, "tarn_partition");
    duckdb_scalar_function_add_parameter(f, text);
    duckdb_scalar_function_add_parameter(f, any);
    duckdb_scalar_function_set_return_type(f, text);
    duckdb_scalar_function_set_function(f, partition_function);
    duckdb_scalar_function_set_special_handling(f); /* nulls are the transform's */
    bool ok = duckdb_register_scalar_function(con, f) == DuckDBSuccess;
    duckdb_destroy_logical_type(&text);
    duckdb_destroy_logical_type(&any);
    duckdb_destroy_scalar_function(&f);
    return ok ? TARN_OK
              : tarn_fail(op, TARN_INTERNAL, "could not open the engine: it refused a function");
}

/* ---- expressions */

enum tarn_status tarn__partition_sql(struct tarn_op *op, struct tarn_buf *b,
                                     const struct tarn_transform *t, const struct tarn_type *source,
                                     struct tarn_str column)
{
    bool bytes = source->kind == TARN_TYPE_BINARY || source->kind == TARN_TYPE_FIXED;
    /* the engine cuts nanoseconds off towards 1970, and the transforms are rounded down */
    bool nanos = source->kind == TARN_TYPE_TIMESTAMP_NS || source->kind == TARN_TYPE_TIMESTAMPTZ_NS;
    if (t->kind == TARN_TRANSFORM_OTHER)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "cannot write to a table that is partitioned by \"%.*s\"",
                         TARN_STR_ARG(t->text));
    if (t->kind == TARN_TRANSFORM_IDENTITY && !bytes) {
        tarn_buf_str(b, column);
    } else if (t->kind == TARN_TRANSFORM_DAY && !nanos) {
        tarn_buf_printf(b, "CAST(%.*s AS DATE)", TARN_STR_ARG(column));
    } else if (t->kind == TARN_TRANSFORM_YEAR &&
               !nanos) { /* the engine's calendar is proleptic Gregorian
                                                    too, and its zone UTC */
        tarn_buf_printf(b, "CAST(year(%.*s) - 1970 AS INTEGER)", TARN_STR_ARG(column));
    } else if (t->kind == TARN_TRANSFORM_MONTH && !nanos) {
        tarn_buf_printf(b, "CAST((year(%.*s) - 1970) * 12 + month(%.*s) - 1 AS INTEGER)",
                        TARN_STR_ARG(column), TARN_STR_ARG(column));
    } else if (t->kind == TARN_TRANSFORM_HOUR && !nanos) { /* rounded down, before 1970 too */
        tarn_buf_printf(b,
                        "((epoch_us(%.*s) - ((epoch_us(%.*s) %% " HOUR_US " + " HOUR_US
                        ") %% " HOUR_US ")) // " HOUR_US ")",
                        TARN_STR_ARG(column), TARN_STR_ARG(column));
    } else {
        struct tarn_str text = tarn_transform_text(op, t);
        if (!text.ptr)
            return TARN_NOMEM;
        tarn_buf_z(b, "tarn_partition(");
        tarn_buf_sql_text(b, text);
        tarn_buf_printf(b, ", %.*s)", TARN_STR_ARG(column));
    }
    return TARN_OK;
}

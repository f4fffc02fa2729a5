/* type: Iceberg's types and the engine's.
 *
 * Out of the engine: tinyint..integer -> int, bigint and uinteger -> long, ubigint ->
 * decimal(20,0), hugeint -> decimal(38,0), timestamps of seconds and milliseconds -> timestamp;
 * what Iceberg lacks is cast to text by SQL first. So are variants (JSON) and geometries (WKT) as
 * values of a result; as types they are Iceberg's.
 */
#include "engine/duckdb/engine_int.h"

#include "format/parquet/mend.h"

/* ---- Iceberg -> SQL */

void tarn__names_sql(struct tarn_buf *b, const struct tarn_type *root)
{
    for (size_t i = 0; i < root->field_count; i++) {
        if (i > 0)
            tarn_buf_z(b, ", ");
        tarn_buf_sql_name(b, root->fields[i].name);
    }
}

static const char *primitive_sql(enum tarn_type_kind kind)
{
    switch (kind) {
    case TARN_TYPE_BOOLEAN:
        return "BOOLEAN";
    case TARN_TYPE_INT:
        return "INTEGER";
    case TARN_TYPE_LONG:
        return "BIGINT";
    case TARN_TYPE_FLOAT:
        return "FLOAT";
    case TARN_TYPE_DOUBLE:
        return "DOUBLE";
    case TARN_TYPE_DATE:
        return "DATE";
    case TARN_TYPE_TIME:
        return "TIME";
    case TARN_TYPE_TIMESTAMP:
        return "TIMESTAMP";
    case TARN_TYPE_TIMESTAMPTZ:
        return "TIMESTAMP WITH TIME ZONE";
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS: /* in UTC: the engine has none with a zone */
        return "TIMESTAMP_NS";
    case TARN_TYPE_UUID:
        return "UUID";
    case TARN_TYPE_VARIANT:
        return "VARIANT";
    case TARN_TYPE_GEOMETRY:
    case TARN_TYPE_GEOGRAPHY:
        return "GEOMETRY";
    case TARN_TYPE_UNKNOWN:
        return "\"NULL\"";
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        return "BLOB";
    default:
        return "VARCHAR";
    }
}

static void struct_sql(struct tarn_buf *b, const struct tarn_type *t)
{
    tarn_buf_z(b, "STRUCT(");
    for (size_t i = 0; i < t->field_count; i++) {
        if (i > 0)
            tarn_buf_z(b, ", ");
        tarn_buf_sql_name(b, t->fields[i].name);
        tarn_buf_put(b, ' ');
        tarn__type_sql(b, &t->fields[i].type);
    }
    tarn_buf_put(b, ')');
}

void tarn__type_sql(struct tarn_buf *b, const struct tarn_type *t)
{
    switch (t->kind) {
    case TARN_TYPE_DECIMAL:
        tarn_buf_printf(b, "DECIMAL(%d,%d)", t->precision, t->scale);
        return;
    case TARN_TYPE_STRUCT:
        struct_sql(b, t);
        return;
    case TARN_TYPE_LIST:
        tarn__type_sql(b, &t->fields[0].type);
        tarn_buf_z(b, "[]");
        return;
    case TARN_TYPE_MAP:
        tarn_buf_z(b, "MAP(");
        tarn__type_sql(b, &t->fields[0].type);
        tarn_buf_z(b, ", ");
        tarn__type_sql(b, &t->fields[1].type);
        tarn_buf_put(b, ')');
        return;
    default:
        tarn_buf_z(b, primitive_sql(t->kind));
    }
}

enum tarn_status tarn__type_supported(struct tarn_op *op, const struct tarn_type *t,
                                      struct tarn_str column)
{
    if (t->kind == TARN_TYPE_STRUCT && t->field_count == 0)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "column \"%.*s\" is a struct without fields, which is not in this version",
                         TARN_STR_ARG(column));
    for (size_t i = 0; i < t->field_count; i++)
        TARN_TRY(tarn__type_supported(op, &t->fields[i].type, column));
    return TARN_OK;
}

bool tarn__holds_variant(const struct tarn_type *t)
{
    bool found = t->kind == TARN_TYPE_VARIANT;
    for (size_t i = 0; !found && i < t->field_count; i++)
        found = tarn__holds_variant(&t->fields[i].type);
    return found;
}

/* What neither the engine writes nor mend.c makes of what it writes. */
static const char *unwritable(const struct tarn_type *t, bool nested)
{
    struct tarn_str crs;
    int32_t algorithm;
    switch (t->kind) {
    case TARN_TYPE_GEOGRAPHY:
    case TARN_TYPE_GEOMETRY:
        return tarn_parquet_crs(t, &crs, &algorithm) ? NULL : "there is no such way between points";
    case TARN_TYPE_MAP:
        return tarn__holds_variant(&t->fields[0].type) ? "a variant cannot be part of a map's key"
                                                       : NULL;
    case TARN_TYPE_UNKNOWN:
        return nested ? "no file may hold it" : NULL;
    default:
        return NULL;
    }
}

static enum tarn_status check_writable(struct tarn_op *op, const struct tarn_type *t, bool nested,
                                       struct tarn_str column)
{
    const char *why = unwritable(t, nested);
    if (why) {
        struct tarn_str text = tarn_type_text(op, t);
        (void)tarn_fail(op, TARN_UNSUPPORTED,
                        "column \"%.*s\" cannot be written in this version: %s %.*s",
                        TARN_STR_ARG(column), nested ? "it holds" : "it is", TARN_STR_ARG(text));
        tarn_detail(op, "%s", why);
        return TARN_UNSUPPORTED;
    }
    for (size_t i = 0; i < t->field_count; i++)
        TARN_TRY(check_writable(op, &t->fields[i].type, true, column));
    return TARN_OK;
}

enum tarn_status tarn__type_writable(struct tarn_op *op, const struct tarn_type *t,
                                     struct tarn_str column)
{
    TARN_TRY(tarn__type_supported(op, t, column));
    return check_writable(op, t, false, column);
}

bool tarn__type_batched(const struct tarn_type *t)
{
    if (t->kind == TARN_TYPE_VARIANT || t->kind == TARN_TYPE_GEOMETRY ||
        t->kind == TARN_TYPE_GEOGRAPHY)
        return false;
    for (size_t i = 0; i < t->field_count; i++)
        if (!tarn__type_batched(&t->fields[i].type))
            return false;
    return true;
}

/* ---- Iceberg -> logical types */

static duckdb_type logical_id(enum tarn_type_kind kind)
{
    switch (kind) {
    case TARN_TYPE_BOOLEAN:
        return DUCKDB_TYPE_BOOLEAN;
    case TARN_TYPE_INT:
        return DUCKDB_TYPE_INTEGER;
    case TARN_TYPE_LONG:
        return DUCKDB_TYPE_BIGINT;
    case TARN_TYPE_FLOAT:
        return DUCKDB_TYPE_FLOAT;
    case TARN_TYPE_DOUBLE:
        return DUCKDB_TYPE_DOUBLE;
    case TARN_TYPE_DATE:
        return DUCKDB_TYPE_DATE;
    case TARN_TYPE_TIME:
        return DUCKDB_TYPE_TIME;
    case TARN_TYPE_TIMESTAMP:
        return DUCKDB_TYPE_TIMESTAMP;
    case TARN_TYPE_TIMESTAMPTZ:
        return DUCKDB_TYPE_TIMESTAMP_TZ;
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return DUCKDB_TYPE_TIMESTAMP_NS;
    case TARN_TYPE_UUID:
        return DUCKDB_TYPE_UUID;
    case TARN_TYPE_UNKNOWN:
        return DUCKDB_TYPE_SQLNULL;
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        return DUCKDB_TYPE_BLOB;
    default:
        return DUCKDB_TYPE_VARCHAR;
    }
}

static duckdb_logical_type logical_struct(const struct tarn_type *t)
{
    struct tarn_arena *a = tarn_arena_new((size_t)16 << 20);
    duckdb_logical_type *types =
        a ? tarn_arena_alloc(a, (t->field_count + 1) * sizeof *types) : NULL;
    const char **names = a ? tarn_arena_alloc(a, (t->field_count + 1) * sizeof *names) : NULL;
    duckdb_logical_type out = NULL;
    size_t made = 0;
    struct tarn_op own = {.arena = a};
    while (types && names && made < t->field_count) {
        names[made] = tarn_strdup(&own, t->fields[made].name).ptr;
        types[made] = names[made] ? tarn__type_logical(&t->fields[made].type) : NULL;
        if (!types[made])
            break;
        made++;
    }
    if (made == t->field_count && types && names)
        out = duckdb_create_struct_type(types, names, made);
    for (size_t i = 0; i < made; i++)
        duckdb_destroy_logical_type(&types[i]);
    tarn_arena_free(a);
    return out;
}

duckdb_logical_type tarn__type_logical(const struct tarn_type *t)
{
    duckdb_logical_type out = NULL, key = NULL, value = NULL;
    switch (t->kind) {
    case TARN_TYPE_DECIMAL:
        return duckdb_create_decimal_type((uint8_t)t->precision, (uint8_t)t->scale);
    case TARN_TYPE_STRUCT:
        return logical_struct(t);
    case TARN_TYPE_LIST:
        value = tarn__type_logical(&t->fields[0].type);
        out = value ? duckdb_create_list_type(value) : NULL;
        break;
    case TARN_TYPE_MAP:
        key = tarn__type_logical(&t->fields[0].type);
        value = tarn__type_logical(&t->fields[1].type);
        out = key && value ? duckdb_create_map_type(key, value) : NULL;
        break;
    default:
        return duckdb_create_logical_type(logical_id(t->kind));
    }
    duckdb_destroy_logical_type(&key);
    duckdb_destroy_logical_type(&value);
    return out;
}

/* ---- the engine's types -> Iceberg */

static const struct fit {
    duckdb_type id;
    enum tarn_type_kind kind;
    int8_t precision;
} fits[] = {
    {DUCKDB_TYPE_BOOLEAN, TARN_TYPE_BOOLEAN, 0},
    {DUCKDB_TYPE_TINYINT, TARN_TYPE_INT, 0},
    {DUCKDB_TYPE_SMALLINT, TARN_TYPE_INT, 0},
    {DUCKDB_TYPE_INTEGER, TARN_TYPE_INT, 0},
    {DUCKDB_TYPE_UTINYINT, TARN_TYPE_INT, 0},
    {DUCKDB_TYPE_USMALLINT, TARN_TYPE_INT, 0},
    {DUCKDB_TYPE_BIGINT, TARN_TYPE_LONG, 0},
    {DUCKDB_TYPE_UINTEGER, TARN_TYPE_LONG, 0},
    {DUCKDB_TYPE_UBIGINT, TARN_TYPE_DECIMAL, 20},
    {DUCKDB_TYPE_HUGEINT, TARN_TYPE_DECIMAL, 38},
    {DUCKDB_TYPE_FLOAT, TARN_TYPE_FLOAT, 0},
    {DUCKDB_TYPE_DOUBLE, TARN_TYPE_DOUBLE, 0},
    {DUCKDB_TYPE_DATE, TARN_TYPE_DATE, 0},
    {DUCKDB_TYPE_TIME, TARN_TYPE_TIME, 0},
    {DUCKDB_TYPE_TIMESTAMP, TARN_TYPE_TIMESTAMP, 0},
    {DUCKDB_TYPE_TIMESTAMP_S, TARN_TYPE_TIMESTAMP, 0},
    {DUCKDB_TYPE_TIMESTAMP_MS, TARN_TYPE_TIMESTAMP, 0},
    {DUCKDB_TYPE_TIMESTAMP_NS, TARN_TYPE_TIMESTAMP_NS, 0},
    {DUCKDB_TYPE_TIMESTAMP_TZ, TARN_TYPE_TIMESTAMPTZ, 0},
    {DUCKDB_TYPE_VARCHAR, TARN_TYPE_STRING, 0},
    {DUCKDB_TYPE_BLOB, TARN_TYPE_BINARY, 0},
    {DUCKDB_TYPE_UUID, TARN_TYPE_UUID, 0},
    {DUCKDB_TYPE_SQLNULL, TARN_TYPE_UNKNOWN, 0},
    {DUCKDB_TYPE_DECIMAL, TARN_TYPE_DECIMAL, 0},
    {DUCKDB_TYPE_STRUCT, TARN_TYPE_STRUCT, 0},
    {DUCKDB_TYPE_LIST, TARN_TYPE_LIST, 0},
    {DUCKDB_TYPE_MAP, TARN_TYPE_MAP, 0},
    {DUCKDB_TYPE_VARIANT, TARN_TYPE_VARIANT, 0},
    {DUCKDB_TYPE_GEOMETRY, TARN_TYPE_GEOMETRY, 0},
};

static const struct fit *fit_of(duckdb_type id)
{
    for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++)
        if (fits[i].id == id)
            return &fits[i];
    return NULL;
}

static size_t child_count(duckdb_logical_type t)
{
    switch (duckdb_get_type_id(t)) {
    case DUCKDB_TYPE_STRUCT:
        return (size_t)duckdb_struct_type_child_count(t);
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
        return 1;
    case DUCKDB_TYPE_MAP:
        return 2;
    default:
        return 0;
    }
}

/* The caller destroys it. */
static duckdb_logical_type child_of(duckdb_logical_type t, size_t i)
{
    switch (duckdb_get_type_id(t)) {
    case DUCKDB_TYPE_STRUCT:
        return duckdb_struct_type_child_type(t, i);
    case DUCKDB_TYPE_LIST:
        return duckdb_list_type_child_type(t);
    case DUCKDB_TYPE_ARRAY:
        return duckdb_array_type_child_type(t);
    default:
        return i == 0 ? duckdb_map_type_key_type(t) : duckdb_map_type_value_type(t);
    }
}

static bool fits_as(duckdb_type id, enum tarn__shapes what)
{
    const struct fit *fit = fit_of(id);
    return fit && (what == TARN__SHAPES_TYPES ||
                   (fit->kind != TARN_TYPE_VARIANT && fit->kind != TARN_TYPE_GEOMETRY));
}

bool tarn__shape_fits(duckdb_logical_type t, enum tarn__shapes what)
{
    bool fits_all = fits_as(duckdb_get_type_id(t), what);
    for (size_t i = 0; fits_all && i < child_count(t); i++) {
        duckdb_logical_type child = child_of(t, i);
        fits_all = tarn__shape_fits(child, what);
        duckdb_destroy_logical_type(&child);
    }
    return fits_all;
}

static void cast_struct(struct tarn_buf *b, duckdb_logical_type t, enum tarn__shapes what)
{
    tarn_buf_z(b, "STRUCT(");
    for (size_t i = 0; i < child_count(t); i++) {
        char *name = duckdb_struct_type_child_name(t, i);
        duckdb_logical_type child = child_of(t, i);
        if (i > 0)
            tarn_buf_z(b, ", ");
        tarn_buf_sql_name(b, tarn_str_view(name));
        tarn_buf_put(b, ' ');
        tarn__shape_cast(b, child, what);
        duckdb_destroy_logical_type(&child);
        duckdb_free(name);
    }
    tarn_buf_put(b, ')');
}

static const char *leaf_sql(duckdb_type id, enum tarn__shapes what)
{
    if (what == TARN__SHAPES_VALUES && id == DUCKDB_TYPE_VARIANT)
        return "JSON";
    if (what == TARN__SHAPES_VALUES && id == DUCKDB_TYPE_GEOMETRY)
        return "VARCHAR";
    switch (id) {
    case DUCKDB_TYPE_TINYINT:
        return "TINYINT";
    case DUCKDB_TYPE_SMALLINT:
        return "SMALLINT";
    case DUCKDB_TYPE_UTINYINT:
        return "UTINYINT";
    case DUCKDB_TYPE_USMALLINT:
        return "USMALLINT";
    case DUCKDB_TYPE_UINTEGER:
        return "UINTEGER";
    case DUCKDB_TYPE_UBIGINT:
        return "UBIGINT";
    case DUCKDB_TYPE_HUGEINT:
        return "HUGEINT";
    case DUCKDB_TYPE_UHUGEINT:
        return "DECIMAL(38,0)";
    case DUCKDB_TYPE_TIMESTAMP_S:
        return "TIMESTAMP_S";
    case DUCKDB_TYPE_TIMESTAMP_MS:
        return "TIMESTAMP_MS";
    case DUCKDB_TYPE_SQLNULL:
        return "\"NULL\"";
    default: {
        const struct fit *fit = fit_of(id);
        return primitive_sql(fit ? fit->kind : TARN_TYPE_STRING);
    }
    }
}

void tarn__shape_cast(struct tarn_buf *b, duckdb_logical_type t, enum tarn__shapes what)
{
    duckdb_type id = duckdb_get_type_id(t);
    if (id == DUCKDB_TYPE_DECIMAL) {
        tarn_buf_printf(b, "DECIMAL(%d,%d)", duckdb_decimal_width(t), duckdb_decimal_scale(t));
    } else if (id == DUCKDB_TYPE_STRUCT) {
        cast_struct(b, t, what);
    } else if (id == DUCKDB_TYPE_LIST || id == DUCKDB_TYPE_ARRAY || id == DUCKDB_TYPE_MAP) {
        tarn_buf_z(b, id == DUCKDB_TYPE_MAP ? "MAP(" : "");
        for (size_t i = 0; i < child_count(t); i++) {
            duckdb_logical_type child = child_of(t, i);
            tarn_buf_z(b, i > 0 ? ", " : "");
            tarn__shape_cast(b, child, what);
            duckdb_destroy_logical_type(&child);
        }
        tarn_buf_z(b, id == DUCKDB_TYPE_MAP ? ")" : "[]");
    } else {
        tarn_buf_z(b, leaf_sql(id, what));
    }
}

static struct tarn_str child_name(struct tarn_op *op, duckdb_logical_type t, size_t i)
{
    duckdb_type id = duckdb_get_type_id(t);
    if (id == DUCKDB_TYPE_LIST)
        return TARN_STR("element");
    if (id == DUCKDB_TYPE_MAP)
        return i == 0 ? TARN_STR("key") : TARN_STR("value");
    char *name = duckdb_struct_type_child_name(t, i);
    struct tarn_str copy = tarn_strdup(op, tarn_str_view(name));
    duckdb_free(name);
    return copy;
}

enum tarn_status tarn__shape_of(struct tarn_op *op, duckdb_logical_type t,
                                struct tarn__shape *shape, struct tarn_type *type)
{
    duckdb_type id = duckdb_get_type_id(t);
    const struct fit *fit = fit_of(id);
    TARN_ASSERT(fit);
    *shape = (struct tarn__shape){.id = id, .child_count = child_count(t)};
    *type = (struct tarn_type){
        .kind = fit->kind, .precision = fit->precision, .field_count = shape->child_count};
    if (id == DUCKDB_TYPE_DECIMAL) {
        shape->storage = duckdb_decimal_internal_type(t);
        type->precision = duckdb_decimal_width(t);
        type->scale = duckdb_decimal_scale(t);
    }
    if (id == DUCKDB_TYPE_GEOMETRY)
        type->text = TARN_STR("geometry");
    if (shape->child_count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, shape->children, shape->child_count);
    TARN_NEW_ARRAY(op, type->fields, shape->child_count);
    for (size_t i = 0; i < shape->child_count; i++) {
        duckdb_logical_type child = child_of(t, i);
        enum tarn_status status =
            tarn__shape_of(op, child, &shape->children[i], &type->fields[i].type);
        duckdb_destroy_logical_type(&child);
        TARN_TRY(status);
        type->fields[i].name = child_name(op, t, i);
        if (!type->fields[i].name.ptr)
            return TARN_NOMEM;
        type->fields[i].required = id == DUCKDB_TYPE_MAP && i == 0;
    }
    return TARN_OK;
}

void tarn_engine_type_sql(struct tarn_buf *b, const struct tarn_type *t)
{
    tarn__type_sql(b, t);
}

void tarn_engine_path_sql(struct tarn_buf *b, struct tarn_str path)
{
    tarn_buf_put(b, '\'');
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        if (c == '*' || c == '?' || c == '[')
            tarn_buf_printf(b, "[%c]", c);
        else if (c == '\'')
            tarn_buf_z(b, "''");
        else
            tarn_buf_put(b, c);
    }
    tarn_buf_put(b, '\'');
}

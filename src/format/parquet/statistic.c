/* statistic: bounds and types of Parquet's (statistic.h). */
#include "format/parquet/statistic.h"

#define DECIMAL_BYTES_MAX 16

/* ---- types */

static enum tarn_status geo_text(struct tarn_op *op, const struct tarn_parquet_element *e,
                                 bool geography, struct tarn_type *type)
{
    static const char *const algorithms[] = {"spherical", "vincenty", "thomas", "andoyer",
                                             "karney"};
    struct tarn_str crs = e->crs.ptr ? e->crs : TARN_STR("OGC:CRS84");
    bool plain = tarn_str_is(crs, "OGC:CRS84") && e->algorithm == 0;
    if (e->algorithm < 0 || e->algorithm > 4)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "column \"%.*s\" is a geography with edges that are not known",
                         TARN_STR_ARG(e->name));
    type->kind = geography ? TARN_TYPE_GEOGRAPHY : TARN_TYPE_GEOMETRY;
    if (plain)
        type->text = geography ? TARN_STR("geography") : TARN_STR("geometry");
    else if (geography)
        type->text =
            tarn_sprintf(op, "geography(%.*s, %s)", TARN_STR_ARG(crs), algorithms[e->algorithm]);
    else
        type->text = tarn_sprintf(op, "geometry(%.*s)", TARN_STR_ARG(crs));
    return type->text.ptr ? TARN_OK : TARN_NOMEM;
}

enum tarn_status tarn_parquet_type_refine(struct tarn_op *op, const struct tarn_parquet_element *e,
                                          struct tarn_type *type)
{
    if ((type->kind == TARN_TYPE_TIMESTAMPTZ || type->kind == TARN_TYPE_TIMESTAMP_NS) &&
        e->logical == TARN_PARQUET_LOGICAL_TIMESTAMP && e->unit == TARN_PARQUET_NANOS && e->utc)
        type->kind = TARN_TYPE_TIMESTAMPTZ_NS;
    bool geography = e->logical == TARN_PARQUET_LOGICAL_GEOGRAPHY;
    if (type->kind == TARN_TYPE_GEOMETRY &&
        (geography || e->logical == TARN_PARQUET_LOGICAL_GEOMETRY))
        return geo_text(op, e, geography, type);
    return TARN_OK;
}

/* ---- bounds */

static uint64_t little_endian(struct tarn_str s)
{
    uint64_t v = 0;
    for (size_t i = s.len; i > 0; i--)
        v = v << 8 | (unsigned char)s.ptr[i - 1];
    return v;
}

static bool whole_number(const struct tarn_parquet_element *e, struct tarn_str s, __int128 *out)
{
    size_t width = e->physical == TARN_PARQUET_INT32 ? 4 : 8;
    uint64_t v = little_endian(s);
    if ((e->physical != TARN_PARQUET_INT32 && e->physical != TARN_PARQUET_INT64) || s.len != width)
        return false;
    if (e->is_unsigned)
        *out = (__int128)v;
    else
        *out = width == 4 ? (__int128)(int32_t)(uint32_t)v : (__int128)(int64_t)v;
    return true;
}

static bool big_endian(struct tarn_str s, __int128 *out)
{
    unsigned __int128 v = s.len > 0 && (s.ptr[0] & 0x80) ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < s.len; i++)
        v = v << 8 | (unsigned char)s.ptr[i];
    *out = (__int128)v;
    return s.len > 0 && s.len <= DECIMAL_BYTES_MAX;
}

static bool is_bytes(const struct tarn_parquet_element *e)
{
    return e->physical == TARN_PARQUET_BYTE_ARRAY || e->physical == TARN_PARQUET_FIXED;
}

static bool decimal_of(const struct tarn_parquet_element *e, struct tarn_str s, __int128 *out)
{
    bool decimal = e->logical == TARN_PARQUET_LOGICAL_DECIMAL ||
                   e->converted == TARN_PARQUET_CONVERTED_DECIMAL;
    if (is_bytes(e))
        return decimal && big_endian(s, out);
    return (decimal || e->is_unsigned) && whole_number(e, s, out);
}

static bool real_of(const struct tarn_parquet_element *e, struct tarn_str s, double *out)
{
    if (e->physical == TARN_PARQUET_FLOAT && s.len == 4) {
        uint32_t bits = (uint32_t)little_endian(s);
        float f;
        memcpy(&f, &bits, sizeof f);
        *out = (double)f;
    } else if (e->physical == TARN_PARQUET_DOUBLE && s.len == 8) {
        uint64_t bits = little_endian(s);
        memcpy(out, &bits, sizeof bits);
    } else {
        return false;
    }
    return *out == *out;
}

/* Units of the file in one of `want`; 0: they do not fit. */
static int64_t scale_of(const struct tarn_parquet_element *e, int32_t want)
{
    int32_t unit = e->unit;
    if (unit == 0 && (e->converted == TARN_PARQUET_CONVERTED_TIME_MILLIS ||
                      e->converted == TARN_PARQUET_CONVERTED_TIMESTAMP_MILLIS))
        unit = TARN_PARQUET_MILLIS;
    else if (unit == 0 && (e->converted == TARN_PARQUET_CONVERTED_TIME_MICROS ||
                           e->converted == TARN_PARQUET_CONVERTED_TIMESTAMP_MICROS))
        unit = TARN_PARQUET_MICROS;
    if (unit == want)
        return 1;
    return unit == TARN_PARQUET_MILLIS && want == TARN_PARQUET_MICROS ? 1000 : 0;
}

static bool moment_of(const struct tarn_parquet_element *e, struct tarn_str s, int32_t want,
                      struct tarn_value *out)
{
    __int128 n;
    int64_t scale = scale_of(e, want);
    return scale != 0 && !e->is_unsigned && whole_number(e, s, &n) &&
           !__builtin_mul_overflow((int64_t)n, scale, &out->i);
}

static bool number_of(const struct tarn_parquet_element *e, const struct tarn_type *t,
                      struct tarn_str s, struct tarn_value *out)
{
    __int128 n;
    bool date =
        e->logical == TARN_PARQUET_LOGICAL_DATE || e->converted == TARN_PARQUET_CONVERTED_DATE;
    if (!whole_number(e, s, &n) || (t->kind == TARN_TYPE_DATE) != date || e->unit != 0 ||
        (t->kind != TARN_TYPE_LONG && (n < INT32_MIN || n > INT32_MAX)) || n < INT64_MIN ||
        n > INT64_MAX)
        return false;
    out->i = (int64_t)n;
    return true;
}

static bool value_of(const struct tarn_parquet_element *e, const struct tarn_type *t,
                     struct tarn_str s, struct tarn_value *out)
{
    *out = (struct tarn_value){0};
    switch (t->kind) {
    case TARN_TYPE_BOOLEAN:
        out->i = s.len == 1 && s.ptr[0] != 0;
        return e->physical == TARN_PARQUET_BOOLEAN && s.len == 1;
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_DATE:
        return number_of(e, t, s, out);
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        return real_of(e, s, &out->d);
    case TARN_TYPE_DECIMAL:
        return decimal_of(e, s, &out->dec);
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
        return moment_of(e, s, TARN_PARQUET_MICROS, out);
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return moment_of(e, s, TARN_PARQUET_NANOS, out);
    case TARN_TYPE_STRING:
        out->bytes = s;
        return e->physical == TARN_PARQUET_BYTE_ARRAY && tarn_utf8_valid(s);
    case TARN_TYPE_UUID:
        out->bytes = s;
        return e->physical == TARN_PARQUET_FIXED && s.len == 16;
    case TARN_TYPE_BINARY:
    case TARN_TYPE_FIXED:
        out->bytes = s;
        return is_bytes(e) && (e->physical != TARN_PARQUET_FIXED || s.len == (size_t)e->length);
    default:
        return false;
    }
}

static enum tarn_status keep(struct tarn_op *op, struct tarn_value *v)
{
    if (!v->bytes.ptr)
        return TARN_OK;
    v->bytes = tarn_strdup(op, v->bytes);
    return v->bytes.ptr ? TARN_OK : TARN_NOMEM;
}

enum tarn_status tarn_parquet_chunk_bounds(struct tarn_op *op,
                                           const struct tarn_parquet_footer *footer, size_t leaf,
                                           const struct tarn_parquet_chunk *c,
                                           const struct tarn_type *type,
                                           struct tarn_parquet_bounds *out)
{
    const struct tarn_parquet_element *e = &footer->elements[footer->leaves[leaf]];
    bool ordered = footer->typed_order || (!is_bytes(e) && !e->is_unsigned),
         old = !c->min.ptr && !c->max.ptr && !is_bytes(e) && !e->is_unsigned;
    struct tarn_str min = old ? c->old_min : c->min, max = old ? c->old_max : c->max;
    *out = (struct tarn_parquet_bounds){0};
    if (!ordered || !min.ptr || !max.ptr || !value_of(e, type, min, &out->lower) ||
        !value_of(e, type, max, &out->upper) || tarn_value_cmp(type, &out->lower, &out->upper) > 0)
        return TARN_OK;
    TARN_TRY(keep(op, &out->lower));
    TARN_TRY(keep(op, &out->upper));
    out->known = true;
    out->exact = c->min_exact && c->max_exact;
    return TARN_OK;
}

/* spark_macros: functions of Spark's that the engine lacks, as macros in the session's catalog, made
 * when a statement first uses one. Where the engine has a function of the name, its own forms go
 * on working. The list is that of docs/sql.md, "Spark spellings". */
#include "engine/duckdb/rewrite_int.h"

#define SECONDS_OF_31_DAYS "2678400.0"
#define TS(x)              "CAST(" x " AS TIMESTAMP)"
#define TZ(x)              "CAST(" x " AS TIMESTAMP WITH TIME ZONE)"
#define IN_MONTH(x)        "(epoch(" TS(x) ") - epoch(date_trunc('month', " TS(x) ")))"
#define MONTHS(a, b)       "date_diff('month', " TS(b) ", " TS(a) ")"
#define LAST_DAY(x)        "CAST(" x " AS DATE) = last_day(CAST(" x " AS DATE))"

static const struct {
    const char *name, *sql;
} macros[] = {
    {"!!", "(x) AS [x][1]"}, /* opaque.c */
    {"!any", "(l) AS CASE WHEN list_bool_or(l) THEN true WHEN list_count(l) < len(l) THEN NULL "
             "WHEN l IS NOT NULL THEN false END"}, /* exists, in spark.c */
    {"add_months", "(d, n) AS CAST(CAST(d AS DATE) + to_months(CAST(n AS INTEGER)) AS DATE)"},
    {"approx_percentile", "(x, p) AS approx_quantile(x, p)"},
    {"array_join", "(l, sep) AS array_to_string(l, sep), (l, sep, empty) AS "
                   "array_to_string(list_transform(l, lambda e: coalesce(CAST(e AS VARCHAR), "
                   "empty)), sep)"},
    {"array_max", "(l) AS list_max(l)"},
    {"array_min", "(l) AS list_min(l)"},
    {"array_compact", "(l) AS list_filter(l, lambda e: e IS NOT NULL)"},
    {"array_remove",
     "(l, x) AS CASE WHEN x IS NOT NULL THEN list_filter(l, lambda e: e IS DISTINCT "
     "FROM x) END"},
    {"array_repeat", "(x, n) AS list_transform(range(CAST(n AS BIGINT)), lambda i: x)"},
    {"array_size", "(l) AS len(l)"},
    {"arrays_overlap",
     "(a, b) AS CASE WHEN list_has_any(a, b) THEN true WHEN len(a) > 0 AND len(b) > "
     "0 AND list_count(a) + list_count(b) < len(a) + len(b) THEN NULL WHEN a IS NOT "
     "NULL AND b IS NOT NULL THEN false END"},
    {"bround", "(x) AS round_even(x, 0), (x, d) AS round_even(x, d)"},
    {"array_union",
     "(a, b) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN "
     "list_filter(list_concat(a, b), lambda e, i: list_position(list_concat(a, b), e) = "
     "i) END"},
    {"collect_list", "(x) AS coalesce(list(x) FILTER (x IS NOT NULL), [])"},
    {"collect_set", "(x) AS coalesce(list(DISTINCT x) FILTER (x IS NOT NULL), [])"},
    {"date_format", "(x, f) AS strftime(" TS("x") ", f)"},
    {"date_sub", "(d, n) AS CAST(d AS DATE) - CAST(n AS INTEGER), (part, a, b) AS "
                 "system.main.date_sub(part, a, b)"},
    {"datediff", "(a, b) AS date_diff('day', CAST(b AS DATE), CAST(a AS DATE)), (part, a, b) AS "
                 "date_diff(part, a, b)"},
    {"element_at", "(x, k) AS x[k]"},
    {"explode", "(x) AS unnest(x)"},
    {"explode_outer", "(x) AS unnest(CASE WHEN len(x) > 0 THEN x ELSE [NULL] END)"},
    {"from_unixtime", "(n) AS strftime(" TS(
                          "system.main.to_timestamp(n)") ", '%Y-%m-%d %H:%M:%S'), "
                                                         "(n, f) AS strftime(" TS(
                                                             "system.main.to_timestamp(n)") ", f)"},
    {"get_json_object",
     "(j, path) AS CASE WHEN json_valid(j) THEN json_extract_string(j, path) END"},
    {"initcap", "(s) AS array_to_string(list_transform(string_split(s, ' '), lambda w: upper(w[1]) "
                "|| lower(w[2:])), ' ')"},
    {"isnotnull", "(x) AS x IS NOT NULL"},
    {"isnull", "(x) AS x IS NULL"},
    {"locate",
     "(part, s) AS instr(s, part), (part, s, pos) AS CASE WHEN pos < 1 OR instr(substr(s, "
     "pos), part) = 0 THEN 0 ELSE instr(substr(s, pos), part) + pos - 1 END"},
    {"map_contains_key", "(m, k) AS map_contains(m, k)"},
    {"map_from_arrays", "(k, v) AS map(k, v)"},
    {"months_between",
     "(a, b) AS CASE WHEN day(" TS("a") ") = day(" TS("b") ") OR (" LAST_DAY("a") " AND " LAST_DAY(
         "b") ") THEN CAST(" MONTHS("a", "b") " AS DOUBLE) ELSE round(" MONTHS("a",
                                                                               "b") " + "
                                                                                    "(" IN_MONTH("a") " - " IN_MONTH(
                                                                                        "b") ") "
                                                                                             "/"
                                                                                             " " SECONDS_OF_31_DAYS
                                                                                             ", 8) "
                                                                                             "END"},
    {"next_day",
     "(d, w) AS CAST(d AS DATE) + CAST(1 + (CAST(list_position(['MO', 'TU', 'WE', 'TH', "
     "'FR', 'SA', 'SU'], upper(w[1:2])) AS INTEGER) + 6 - CAST(isodow(CAST(d AS DATE)) AS "
     "INTEGER)) % 7 AS INTEGER)"},
    {"nvl", "(a, b) AS coalesce(a, b)"},
    {"nvl2", "(a, b, c) AS CASE WHEN a IS NOT NULL THEN b ELSE c END"},
    {"percentile", "(x, p) AS quantile_cont(CAST(x AS DOUBLE), p)"},
    {"percentile_approx", "(x, p) AS approx_quantile(x, p)"},
    {"pmod", "(a, b) AS CASE WHEN a % b < 0 THEN (a % b + b) % b ELSE a % b END"},
    {"regexp_like", "(s, p) AS regexp_matches(s, p)"},
    {"sequence", "(a, b) AS generate_series(a, b, CASE WHEN a <= b THEN 1 ELSE -1 END), (a, b, "
                 "step) AS generate_series(a, b, step)"},
    {"sha2", "(x, bits) AS CASE WHEN bits IN (0, 256) THEN sha256(x) ELSE error('sha2 makes 256 "
             "bits in this version') END"},
    {"size", "(x) AS len(x)"},
    {"slice",
     "(l, start, n) AS CASE WHEN start = 0 THEN error('slice counts from 1, or from the end by "
     "-1') ELSE list_slice(l, start, start + n - 1) END"},
    {"sort_array", "(l) AS list_sort(l, 'ASC', 'NULLS FIRST'), (l, up) AS CASE WHEN up THEN "
                   "list_sort(l, 'ASC', 'NULLS FIRST') ELSE "
                   "list_sort(l, 'DESC', 'NULLS LAST') END"},
    {"startswith", "(s, part) AS starts_with(s, part)"},
    {"endswith", "(s, part) AS ends_with(s, part)"},
    {"to_date", "(x) AS CAST(x AS DATE), (x, f) AS CAST(strptime(CAST(x AS VARCHAR), f) AS DATE)"},
    {"to_timestamp",
     "(x) AS CASE WHEN typeof(x) IN ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', "
     "'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'FLOAT', 'DOUBLE', 'INTEGER_LITERAL') OR "
     "typeof(x) LIKE 'DECIMAL%' THEN system.main.to_timestamp(CAST(CAST(x AS VARCHAR) AS DOUBLE)) "
     "ELSE " TZ("CAST(x AS VARCHAR)") " END, (x, f) AS " TZ("strptime(CAST(x AS VARCHAR), f)")},
    {"unbase64", "(x) AS from_base64(x)"},
    {"unix_timestamp",
     "() AS CAST(floor(epoch(now())) AS BIGINT), (x) AS CAST(floor(epoch(" TZ(
         "x") ")) AS BIGINT), (x, f) AS CAST(floor(epoch(strptime(CAST(x AS VARCHAR), f))) AS "
              "BIGINT)"},
};
#define MACROS (sizeof macros / sizeof macros[0])
_Static_assert(MACROS <= 64, "a session keeps them as bits");

static void macro_sql(struct tarn_buf *b, const struct tarn_session *s, size_t i)
{
    tarn_buf_z(b, "CREATE OR REPLACE MACRO ");
    tarn__name_sql(b, s, TARN_STR(TARN__SCHEMA_BARE), tarn_str_view(macros[i].name));
    tarn_buf_z(b, macros[i].sql);
}

enum tarn_status tarn__macro_need(struct tarn_session *s, struct tarn_op *op, struct tarn_str name)
{
    for (size_t i = 0; i < MACROS; i++) {
        struct tarn_buf sql;
        if ((s->macros >> i & 1) || !tarn_str_eq_nocase(name, tarn_str_view(macros[i].name)))
            continue;
        tarn_buf_init(&sql, 65536);
        macro_sql(&sql, s, i);
        TARN_TRY(tarn__do_buf(s, op, &sql));
        s->macros |= (uint64_t)1 << i;
    }
    return TARN_OK;
}

void tarn__macros_sql(struct tarn_buf *b, const struct tarn_session *s)
{
    for (size_t i = 0; i < MACROS; i++)
        if (s->macros >> i & 1) {
            tarn_buf_z(b, "; ");
            macro_sql(b, s, i);
        }
}

/* init_write: the texts of a new project's files. See init.h.
 *
 * Whoever reads them sees Tarn for the first time: each file says what it is for, each key that is
 * likely to be changed has a word behind it.
 */
#include "cli/init.h"

#define TEXT_MAX    ((size_t)16 << 20)
#define COMMENT_MAX 96

static const char ignored[] = "# Made by runs: the tables (take the line out to keep them under "
                              "version control), Tarn's own notes,\n"
                              "# and this machine's settings.\n"
                              "/warehouse/\n"
                              "/.tarn/\n"
                              "/.env\n";

/* ---- YAML */

static bool is_plain(struct tarn_str s)
{
    double number;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 ? c != '/' && c != '.' : !strchr("0123456789./-", c)))
            return false;
    }
    return s.len > 0 && !tarn_str_is(s, ".") && !tarn_str_eq_nocase(s, TARN_STR("true")) &&
           !tarn_str_eq_nocase(s, TARN_STR("false")) && !tarn_str_eq_nocase(s, TARN_STR("null")) &&
           !tarn_str_eq_nocase(s, TARN_STR("yes")) && !tarn_str_eq_nocase(s, TARN_STR("no")) &&
           !tarn_str_eq_nocase(s, TARN_STR("on")) && !tarn_str_eq_nocase(s, TARN_STR("off")) &&
           !tarn_str_to_double(s, &number);
}

static void put_quoted(struct tarn_buf *b, struct tarn_str s)
{
    tarn_buf_put(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == 0x7F)
            tarn_buf_printf(b, "\\x%02X", c);
        else if (c == '$' && i + 1 < s.len && s.ptr[i + 1] == '{')
            tarn_buf_z(b, "$$"); /* no variable */
        else if (c == '"' || c == '\\')
            tarn_buf_printf(b, "\\%c", c);
        else
            tarn_buf_put(b, (char)c);
    }
    tarn_buf_put(b, '"');
}

static void put_scalar(struct tarn_buf *b, struct tarn_str s)
{
    if (is_plain(s))
        tarn_buf_str(b, s);
    else
        put_quoted(b, s);
}

/* One line, whatever the text holds. */
static void put_comment(struct tarn_buf *b, struct tarn_str s)
{
    for (size_t i = 0; i < s.len && i < 4 * COMMENT_MAX; i++)
        tarn_buf_put(b, (unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F ? ' ' : s.ptr[i]);
}

/* ---- tarn.yaml */

static void put_head(struct tarn_buf *b, const struct tarn__init_plan *plan)
{
    tarn_buf_str(b, TARN_STR("# "));
    tarn_buf_str(b, plan->name);
    tarn_buf_z(b,
               ": files -> raw tables as they came -> tables made of them by the SQL in models/.\n"
               "# `tarn plan` shows what a run would do, `tarn help --markdown project` explains "
               "every key.\n"
               "tarn: 1\nproject: ");
    put_scalar(b, plan->name);
    tarn_buf_z(b, "\nprofile: local # --profile or TARN_PROFILE picks another of `profiles`\n"
                  "\nprofiles:\n  local:\n"
                  "    warehouse: ./warehouse # Iceberg tables and their catalog (catalog.db), for "
                  "every engine that "
                  "reads Iceberg\n");
}

/* Below the project's folder: relative, so that both can be moved together. */
static struct tarn_str source_path(const struct tarn__init_plan *plan)
{
    struct tarn_str base = plan->found->base, folder = plan->folder;
    if (tarn_str_eq(base, folder))
        return TARN_STR(".");
    if (tarn_str_starts(base, folder) && base.ptr[folder.len] == '/')
        return tarn_str_of(base.ptr + folder.len + 1, base.len - folder.len - 1);
    return base;
}

static void put_columns_line(struct tarn_buf *b, const struct tarn__init_stream *s)
{
    size_t begin = b->len, top = s->type.field_count, shown = 0;
    tarn_buf_printf(b, "  # %zu column%s: ", top, top == 1 ? "" : "s");
    for (size_t i = 0; i < s->column_count && b->len < begin + COMMENT_MAX; i++) {
        if (!tarn_type_field_by_name(&s->type, s->columns[i].path))
            continue; /* a part of another one */
        tarn_buf_z(b, shown++ ? ", " : "");
        put_comment(b, s->columns[i].path);
        tarn_buf_put(b, ' ');
        tarn_buf_str(b, s->columns[i].type);
    }
    tarn_buf_z(b, shown < top ? ", ...\n" : "\n");
}

static void put_suggestions(struct tarn_buf *b, const struct tarn__init_stream *s)
{
    bool first = true;
    for (size_t i = 0; i < s->column_count; i++) {
        const struct tarn__init_column *c = &s->columns[i];
        if (!c->suggest.ptr)
            continue;
        if (first)
            tarn_buf_z(b, "    # columns: # these look like money: take the # away for exact "
                          "decimals, best before the "
                          "first run\n");
        first = false;
        tarn_buf_z(b, "    #   ");
        put_scalar(b, c->path);
        tarn_buf_z(b, ": \"");
        tarn_buf_str(b, c->suggest);
        tarn_buf_z(b, "\"\n");
    }
}

static void put_format(struct tarn_buf *b, const struct tarn__init_stream *s)
{
    const struct tarn__init_sniff *f = &s->sniff;
    tarn_buf_printf(b, "    format: %s\n", tarn_file_format_names[f->format]);
    if (f->format == TARN_FILE_CSV && f->delimiter != ',')
        tarn_buf_printf(b, "    delimiter: \"%s\"\n",
                        f->delimiter == '\t' ? "\\t" : (char[]){f->delimiter, 0});
    if (f->format == TARN_FILE_CSV && f->no_header)
        tarn_buf_z(b, "    header: false # columns are column0, column1, ...\n");
    if (f->format == TARN_FILE_CSV && f->encoding)
        tarn_buf_printf(b, "    encoding: %s\n", f->encoding);
    if (s->records.ptr) {
        tarn_buf_z(b, s->records_sure ? "    records: " : "    # records: ");
        put_scalar(b, s->records);
        tarn_buf_z(b, s->records_sure
                          ? " # a row an element of this list\n"
                          : " # for a row an element of this list, not a row a document\n");
    }
}

static void put_stream(struct tarn_buf *b, const struct tarn__init_stream *s)
{
    tarn_buf_put(b, '\n');
    put_columns_line(b, s);
    tarn_buf_printf(b, "  - from: " TARN__INIT_SOURCE ".%.*s\n    to: %.*s\n",
                    TARN_STR_ARG(s->name), TARN_STR_ARG(s->table));
    put_format(b, s);
    if (s->glob_count > 0) {
        tarn_buf_z(b, "    files: [");
        for (size_t i = 0; i < s->glob_count; i++) {
            tarn_buf_z(b, i ? ", " : "");
            put_quoted(b, s->globs[i]);
        }
        tarn_buf_z(b, "]\n");
    }
    put_suggestions(b, s);
}

static void put_problem(struct tarn_buf *b, const struct tarn__init_stream *s)
{
    tarn_buf_printf(b, "\n  # left out: %.*s (%zu file%s): ", TARN_STR_ARG(s->name), s->files.count,
                    s->files.count == 1 ? "" : "s");
    put_comment(b, s->problem);
    tarn_buf_put(b, '\n');
}

static void put_found(struct tarn_buf *b, const struct tarn__init_plan *plan)
{
    put_head(b, plan);
    tarn_buf_z(b,
               "    sources:\n      " TARN__INIT_SOURCE ":\n        kind: files\n        path: ");
    put_scalar(b, source_path(plan));
    tarn_buf_z(
        b, " # TARN__SOURCES__FILES__PATH puts another in its place\n"
           "\n# Each entry is a stream of files and the table that they land in. A run reads what "
           "is new or has changed.\n"
           "# Types come from the data; `columns` declares those that must be exact.\ningest:\n");
    for (size_t i = 0; i < plan->found->count; i++)
        if (!plan->found->streams[i].problem.ptr)
            put_stream(b, &plan->found->streams[i]);
    for (size_t i = 0; i < plan->found->count; i++)
        if (plan->found->streams[i].problem.ptr)
            put_problem(b, &plan->found->streams[i]);
}

static void put_sample(struct tarn_buf *b, const struct tarn__init_plan *plan)
{
    put_head(b, plan);
    tarn_buf_z(b, "    sources:\n"
                  "      " TARN__INIT_SOURCE
                  ": {kind: files, path: data, format: json} # also ejson, csv, parquet\n"
                  "\n# Each entry is a stream of files and the table that they land in. A run "
                  "reads what is new or has changed:\n"
                  "# put data/orders-2.json beside data/orders.json and run again.\n"
                  "ingest:\n"
                  "  - from: " TARN__INIT_SOURCE ".orders\n"
                  "    to: raw.orders\n"
                  "    columns: # types come from the data; those that must be exact are declared\n"
                  "      ordered_on: date\n"
                  "      lines.element.price: decimal(18,2)\n"
                  "    checks:\n"
                  "      - not_null: [order_id]\n");
}

/* ---- models and data */

static const char sample_model[] =
    "/* tarn\n"
    "description: Orders and turnover a day.\n"
    "kind: table   # view, table, append or merge\n"
    "tags: [gold]  # tarn run --select tag:gold\n"
    "checks:       # a model whose checks fail is not published\n"
    "  - not_null: [ordered_on]\n"
    "  - expression: turnover >= 0\n"
    "*/\n"
    "-- The folder and the file give the table its name: gold.orders_by_day.\n"
    "with lines as (\n"
    "    select order_id, ordered_on, unnest(lines) as line\n"
    "    from raw.orders\n"
    ")\n"
    "select\n"
    "    ordered_on,\n"
    "    count(distinct order_id) as orders,\n"
    "    sum(line.quantity * line.price)::decimal(18,2) as turnover\n"
    "from lines\n"
    "group by ordered_on\n";

static const char sample_data[] =
    "{\"order_id\": 1, \"ordered_on\": \"2025-05-01\", \"customer\": {\"name\": \"Ada\", \"city\": "
    "\"London\"}, "
    "\"lines\": [{\"sku\": \"tea\", \"quantity\": 2, \"price\": 4.50}, {\"sku\": \"cup\", "
    "\"quantity\": 1, \"price\": 12.00}]}\n"
    "{\"order_id\": 2, \"ordered_on\": \"2025-05-01\", \"customer\": {\"name\": \"Ben\", \"city\": "
    "\"Leeds\"}, "
    "\"lines\": [{\"sku\": \"tea\", \"quantity\": 1, \"price\": 4.50}]}\n"
    "{\"order_id\": 3, \"ordered_on\": \"2025-05-02\", \"customer\": {\"name\": \"Ada\", \"city\": "
    "\"London\"}, "
    "\"lines\": [{\"sku\": \"pot\", \"quantity\": 1, \"price\": 29.99}]}\n";

static void put_count_model(struct tarn_buf *b, const struct tarn__init_stream *s)
{
    tarn_buf_printf(
        b,
        "/* tarn\n"
        "description: How many rows %.*s has, out of how many files, and since when.\n"
        "kind: table   # view, table, append or merge\n"
        "tags: [gold]  # tarn run --select tag:gold\n"
        "checks:       # a model whose checks fail is not published\n"
        "  - row_count: {min: 1, max: 1}\n"
        "*/\n"
        "-- The folder and the file give the table its name; what it reads is found in the SQL.\n"
        "select\n"
        "    count(*) as row_count,\n"
        "    count(distinct _source_file) as files,\n"
        "    max(ingest_ts) as last_ingest\n"
        "from %.*s\n",
        TARN_STR_ARG(s->table), TARN_STR_ARG(s->table));
}

/* ---- the files */

static enum tarn_status add_file(struct tarn_op *op, struct tarn__init_plan *plan,
                                 struct tarn_str path, struct tarn_buf *text)
{
    struct tarn__init_file *f = &plan->files[plan->count++];
    f->path = path;
    TARN_TRY((enum tarn_status)tarn_buf_take(op, text, "file", &f->text));
    return path.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status add_fixed(struct tarn__init_plan *plan, const char *path, const char *text)
{
    plan->files[plan->count++] =
        (struct tarn__init_file){.path = tarn_str_view(path), .text = tarn_str_view(text)};
    return TARN_OK;
}

static const struct tarn__init_stream *first_good(const struct tarn__init_found *found)
{
    size_t i = 0;
    while (found->streams[i].problem.ptr)
        i++;
    return &found->streams[i];
}

enum tarn_status tarn__init_texts(struct tarn_op *op, struct tarn__init_plan *plan)
{
    struct tarn_buf b;
    tarn_buf_init(&b, TEXT_MAX);
    plan->count = 0;
    if (!plan->found) {
        put_sample(&b, plan);
        TARN_TRY(add_file(op, plan, TARN_STR(TARN_PROJECT_FILE), &b));
        TARN_TRY(add_fixed(plan, "models/gold/orders_by_day.sql", sample_model));
        TARN_TRY(add_fixed(plan, "data/orders.json", sample_data));
    } else {
        const struct tarn__init_stream *s = first_good(plan->found);
        put_found(&b, plan);
        TARN_TRY(add_file(op, plan, TARN_STR(TARN_PROJECT_FILE), &b));
        tarn_buf_init(&b, TEXT_MAX);
        put_count_model(&b, s);
        TARN_TRY(add_file(
            op, plan, tarn_sprintf(op, "models/gold/%.*s_count.sql", TARN_STR_ARG(s->name)), &b));
    }
    return add_fixed(plan, ".gitignore", ignored);
}

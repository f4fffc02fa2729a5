/* dml_unique: a row that is to change twice. */
#include "sql/dml_int.h"

/* As many hashes as rows: all differ, without grouping by file names. */
static enum tarn_status surely_unique(struct tarn__dml *d, const struct tarn__part *p, bool *out)
{
    struct tarn_buf sql;
    int64_t missing = 0;
    tarn_buf_init(&sql, 65536);
    tarn_buf_z(&sql, "SELECT count(*) - count(DISTINCT hash(\"tarn file\", \"tarn pos\"))");
    tarn__dml_put_rows(p, TARN__ACTS_ALL, &sql);
    TARN_TRY(tarn__dml_int(d, &sql, &missing));
    *out = missing == 0;
    return TARN_OK;
}

struct twice {
    bool any;
    struct tarn_str file;
    int64_t pos, times;
};

static enum tarn_status take_twice(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                   size_t row)
{
    struct twice *t = ctx;
    t->any = true;
    t->file = tarn_strdup(op, tarn_cell_text(b, 0, row));
    t->pos = tarn_cell_long(b, 1, row);
    t->times = tarn_cell_long(b, 2, row);
    return t->file.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status find_twice(struct tarn__dml *d, const struct tarn__part *p,
                                   struct twice *out)
{
    struct tarn_buf sql;
    struct tarn_str text;
    *out = (struct twice){0};
    tarn_buf_init(&sql, 65536);
    tarn_buf_z(&sql, "SELECT \"tarn file\", \"tarn pos\", count(*)::BIGINT");
    tarn__dml_put_rows(p, TARN__ACTS_ALL, &sql);
    tarn_buf_z(&sql, " GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 1, 2 LIMIT 1");
    TARN_TRY((enum tarn_status)tarn_buf_take(d->op, &sql, "a statement", &text));
    return tarn_each_row(&d->r->sql->env->flow, d->op, text, take_twice, out);
}

/* ---- naming it */

struct naming {
    struct tarn_buf text;
    const struct tarn__dml *d;
};

static enum tarn_status take_names(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                   size_t row)
{
    struct naming *n = ctx;
    (void)op;
    for (size_t i = 0; i < b->column_count; i++) {
        struct tarn_str name = n->d->root->fields[n->d->key[i]].name, v = tarn_cell_text(b, i, row);
        tarn_buf_printf(&n->text, "%s%.*s = %.*s", i ? ", " : "", TARN_STR_ARG(name),
                        TARN_STR_ARG(v.ptr ? v : TARN_STR("null")));
    }
    return TARN_OK;
}

static void choose_key(struct tarn__dml *d)
{
    for (size_t i = 0; d->key_count == 0 && i < d->root->field_count && i < 3; i++)
        d->key[i] = i;
    while (d->key_count < 3 && d->key_count < d->root->field_count)
        d->key_count++;
}

static enum tarn_status name_row(struct tarn__dml *d, const struct twice *t)
{
    struct naming n = {.d = d};
    struct tarn_buf sql;
    struct tarn_str text;
    if (d->key_count == 0)
        choose_key(d);
    tarn_buf_init(&n.text, 65536);
    tarn_buf_init(&sql, 65536);
    tarn_buf_z(&sql, "SELECT ");
    for (size_t i = 0; i < d->key_count; i++) {
        tarn_buf_z(&sql, i ? ", CAST(" : "CAST(");
        tarn_buf_sql_name(&sql, d->root->fields[d->key[i]].name);
        tarn_buf_z(&sql, " AS VARCHAR)");
    }
    tarn_buf_z(&sql, " FROM tarn.\"dml target\" WHERE _file = ");
    tarn_buf_sql_text(&sql, t->file);
    tarn_buf_printf(&sql, " AND _pos = %lld", (long long)t->pos);
    enum tarn_status status = (enum tarn_status)tarn_buf_take(d->op, &sql, "a statement", &text);
    if (status == TARN_OK)
        status = tarn_each_row(&d->r->sql->env->flow, d->op, text, take_names, &n);
    if (status == TARN_OK) {
        (void)tarn_fail(d->op, TARN_DATA, "a row of table %.*s would be changed %lld times",
                        TARN_STR_ARG(d->table->ident.name), (long long)t->times);
        tarn_detail(d->op, "%.*s", TARN_STR_ARG(tarn_buf_view(&n.text)));
        tarn_hint(d->op, "let the source have one row for each row that it matches");
        status = TARN_DATA;
    }
    tarn_buf_release(&n.text);
    return status;
}

/* Matches of a row that make the same of it are one. */
static enum tarn_status make_pairs(struct tarn__dml *d, struct tarn__part *p)
{
    struct tarn_sql_text text = {.line0 = 1};
    struct tarn_buf b;
    tarn_buf_init(&b, 65536);
    tarn_buf_z(&b, "SELECT DISTINCT *");
    for (size_t i = 0; i < d->from_count; i++)
        tarn_buf_printf(&b, "%s\"tarn f%zu\"", i ? ", " : " EXCLUDE (", i);
    tarn_buf_printf(&b, "%s FROM temp.main.\"%s\"", d->from_count ? ")" : "", p->name);
    TARN_TRY((enum tarn_status)tarn_buf_take(d->op, &b, "a statement", &text.sql));
    p->name = "tarn pairs";
    return tarn_session_into(d->r->sql->env->flow.session, d->op, text, TARN_STR("tarn pairs"),
                             &p->rows);
}

/* RETURNING shows one of the rows that matched. */
static enum tarn_status choose_pairs(struct tarn__dml *d, struct tarn__part *p, const char *all)
{
    struct tarn_sql_text text = {.line0 = 1};
    text.sql = tarn_sprintf(
        d->op,
        "SELECT DISTINCT ON (\"tarn file\", \"tarn pos\") * FROM temp.main.\"%s\" ORDER BY ALL",
        all);
    if (!text.sql.ptr)
        return TARN_NOMEM;
    return tarn_session_into(d->r->sql->env->flow.session, d->op, text, TARN_STR("tarn pairs"),
                             &p->rows);
}

enum tarn_status tarn__dml_unique(struct tarn__dml *d, struct tarn__part *p, bool again)
{
    struct twice t;
    bool unique;
    const char *all = p->name;
    TARN_TRY(surely_unique(d, p, &unique));
    if (unique)
        return TARN_OK;
    if (again)
        TARN_TRY(make_pairs(d, p));
    TARN_TRY(find_twice(d, p, &t));
    if (t.any)
        return name_row(d, &t);
    return again && d->from_count ? choose_pairs(d, p, all) : TARN_OK;
}

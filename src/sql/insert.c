/* insert: INSERT INTO, INSERT OVERWRITE, TRUNCATE TABLE.
 *
 *     [WITH ..] INSERT [WITH SCHEMA EVOLUTION] [INTO | OVERWRITE] [TABLE] t [PARTITION (k = v, ..)] [(columns)] [BY NAME]
 *         query | DEFAULT VALUES [RETURNING ..]
 *     [WITH ..] INSERT INTO [TABLE] t REPLACE WHERE condition query
 */
#include "sql/explain_int.h"
#include "sql/insert_int.h"

#define ASIDE     "tarn inserted"
#define RETURNING "tarn returning"

/* ---- reading */

static enum tarn_status take_columns(struct tarn__insert *x)
{
    struct tarn__run *r = x->r;
    struct tarn__words *w = &r->words, ahead = r->words;
    if (!tarn__take(&ahead, "(") || tarn__at(&ahead, "SELECT") || tarn__at(&ahead, "WITH") ||
        tarn__at(&ahead, "VALUES") || tarn__at(&ahead, "FROM") || tarn__at(&ahead, "TABLE") ||
        tarn__at(&ahead, "("))
        return TARN_OK;
    const struct tarn_type *root = &tarn_metadata_schema(&x->table->metadata)->root;
    size_t cap = 0;
    TARN_TRY(tarn__expect(w, "("));
    do {
        size_t offset = w->token.begin;
        struct tarn_str name;
        TARN_TRY(tarn__take_ident(w, &name));
        const struct tarn_field *f = tarn__column_named(root, name);
        if (!f && !x->evolve)
            return tarn__fail_column(r, root, name, offset);
        if (f)
            name = f->name;
        for (size_t i = 0; i < x->column_count; i++)
            if (tarn_str_eq_nocase(x->columns[i], name)) {
                (void)tarn_fail(r->op, TARN_SQL, "column \"%.*s\" is named twice",
                                TARN_STR_ARG(name));
                tarn__place_at(w, offset);
                return TARN_SQL;
            }
        TARN_GROW(r->op, x->columns, x->column_count, cap);
        x->columns[x->column_count++] = name;
    } while (tarn__take(w, ","));
    return tarn__expect(w, ")");
}

/* PARTITION (a = 1, b) */
static enum tarn_status take_partition(struct tarn__insert *x)
{
    struct tarn__words *w = &x->r->words;
    size_t cap = 0;
    x->has_partition = true;
    TARN_TRY(tarn__expect(w, "("));
    do {
        if (x->key_count == cap) {
            struct tarn__partition_key *grown;
            cap = cap ? cap * 2 : 8;
            TARN_NEW_ARRAY(x->r->op, grown, cap);
            if (x->key_count)
                memcpy(grown, x->keys, x->key_count * sizeof *grown);
            x->keys = grown;
        }
        struct tarn__partition_key *k = &x->keys[x->key_count++];
        k->offset = w->token.begin;
        TARN_TRY(tarn__take_ident(w, &k->name));
        if (tarn__take(w, "=")) {
            k->value = tarn__take_until(w, ",");
            if (k->value.len == 0)
                return tarn__expect(w, "a value");
        }
    } while (tarn__take(w, ","));
    return tarn__expect(w, ")");
}

static enum tarn_status take_query(struct tarn__insert *x)
{
    struct tarn__words *w = &x->r->words;
    if (tarn__take(w, "DEFAULT VALUES")) {
        x->default_values = true;
        return TARN_OK;
    }
    x->query = tarn__take_until(w, "RETURNING|ON CONFLICT");
    if (x->query.len == 0)
        return tarn__expect(w, "SELECT or VALUES");
    return TARN_OK;
}

static enum tarn_status refuse_conflict(struct tarn__insert *x)
{
    if (!tarn__at(&x->r->words, "ON CONFLICT"))
        return TARN_OK;
    (void)tarn__fail_here(&x->r->words, TARN_UNSUPPORTED,
                          "a table has no unique keys to conflict on");
    tarn_hint(x->r->op, "MERGE INTO t USING .. ON .. updates rows that are there");
    return TARN_UNSUPPORTED;
}

static enum tarn_status take_options(struct tarn__insert *x)
{
    struct tarn__words *w = &x->r->words;
    if (tarn__take(w, "PARTITION"))
        TARN_TRY(take_partition(x));
    TARN_TRY(take_columns(x));
    if (!x->has_partition && tarn__take(w, "PARTITION"))
        TARN_TRY(take_partition(x));
    if (tarn__take(w, "REPLACE WHERE")) {
        x->overwrite = true;
        x->where = tarn__take_until(w, "SELECT|VALUES|WITH|FROM|TABLE");
        if (x->where.len == 0)
            return tarn__expect(w, "a condition");
    }
    if (tarn__take(w, "BY NAME"))
        x->by_name = true;
    else
        (void)tarn__take(w, "BY POSITION");
    if (x->by_name && x->columns)
        return tarn__fail_here(w, TARN_SQL, "BY NAME and a list of columns exclude each other");
    return TARN_OK;
}

static enum tarn_status take_returning(struct tarn__insert *x)
{
    struct tarn__words *w = &x->r->words;
    TARN_TRY(refuse_conflict(x));
    if (!tarn__take(w, "RETURNING"))
        return TARN_OK;
    x->returning = tarn__take_until(w, "");
    if (x->returning.len == 0)
        return tarn__expect(w, "a list of expressions");
    return TARN_OK;
}

/* Words are behind INSERT, or before WITH. */
static enum tarn_status take_insert(struct tarn__insert *x)
{
    struct tarn__run *r = x->r;
    struct tarn__words *w = &r->words;
    if (tarn__at(w, "WITH") && !tarn__at(w, "WITH SCHEMA EVOLUTION")) {
        x->with = tarn__take_until(w, "INSERT");
        TARN_TRY(tarn__expect(w, "INSERT"));
    }
    if (tarn__at(w, "OR"))
        return tarn__fail_here(w, TARN_UNSUPPORTED,
                               "INSERT OR .. needs unique keys, which tables do not have");
    x->evolve = tarn__take(w, "WITH SCHEMA EVOLUTION");
    if (tarn__take(w, "OVERWRITE"))
        x->overwrite = true;
    if (!x->overwrite || tarn__at(w, "INTO"))
        TARN_TRY(tarn__expect(w, "INTO"));
    (void)tarn__take(w, "TABLE");
    TARN_TRY(tarn__take_target(r, &x->target));
    TARN_TRY(tarn__target_table(r, &x->target, &x->table));
    TARN_TRY(take_options(x));
    TARN_TRY(take_query(x));
    TARN_TRY(take_returning(x));
    return tarn__expect_end(w);
}

/* ---- the query */

/* One row without a value given: each column takes its default. */
static enum tarn_status default_row(struct tarn__insert *x, struct tarn_str *out)
{
    const struct tarn_type *root = &tarn_metadata_schema(&x->table->metadata)->root;
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)1 << 20);
    tarn_buf_z(&b, "VALUES (");
    for (size_t i = 0; i < root->field_count; i++)
        tarn_buf_z(&b, i ? ", DEFAULT" : "DEFAULT");
    tarn_buf_put(&b, ')');
    return (enum tarn_status)tarn_buf_take(x->r->op, &b, "a row", out);
}

static bool is_constant(const struct tarn__insert *x, struct tarn_str column)
{
    for (size_t i = 0; i < x->constant_count; i++)
        if (tarn_str_eq(x->constants[i].name, column))
            return true;
    return false;
}

/* PARTITION (a = 1): the column is not the query's: its value goes behind the query's columns. */
static enum tarn_status constant_columns(struct tarn__insert *x)
{
    const struct tarn_type *root = &tarn_metadata_schema(&x->table->metadata)->root;
    struct tarn_op *op = x->r->op;
    struct tarn_str *columns;
    size_t n = 0, given = x->columns ? x->column_count : root->field_count;
    TARN_NEW_ARRAY(op, x->constants, x->key_count + 1);
    for (size_t i = 0; i < x->key_count; i++)
        if (x->keys[i].value.ptr)
            x->constants[x->constant_count++] =
                (struct tarn__constant){x->keys[i].name, x->keys[i].value};
    if (x->constant_count == 0)
        return TARN_OK;
    if (x->default_values)
        return tarn_fail(op, TARN_SQL, "DEFAULT VALUES and PARTITION exclude each other");
    if (x->by_name)
        return TARN_OK;
    TARN_NEW_ARRAY(op, columns, given + x->constant_count + 1);
    for (size_t i = 0; i < given; i++) {
        struct tarn_str name = x->columns ? x->columns[i] : root->fields[i].name;
        if (!is_constant(x, name))
            columns[n++] = name;
    }
    for (size_t i = 0; i < x->constant_count; i++)
        columns[n++] = x->constants[i].name;
    x->columns = columns;
    x->column_count = n;
    return TARN_OK;
}

/* Keys must be columns that the table is partitioned by, each once. */
static enum tarn_status check_keys(struct tarn__insert *x)
{
    struct tarn__run *r = x->r;
    const struct tarn_metadata *m = &x->table->metadata;
    const struct tarn_type *root = &tarn_metadata_schema(m)->root;
    const struct tarn_partition_spec *spec = tarn_metadata_spec(m);
    for (size_t i = 0; i < x->key_count; i++) {
        struct tarn__partition_key *k = &x->keys[i];
        const struct tarn_field *f = tarn__column_named(root, k->name);
        if (!f)
            return tarn__fail_column(r, root, k->name, k->offset);
        k->name = f->name;
        k->field = f;
        bool found = false;
        for (size_t p = 0; p < spec->field_count; p++)
            found = found || (spec->fields[p].source_id == f->id &&
                              spec->fields[p].transform.kind == TARN_TRANSFORM_IDENTITY);
        if (!found) {
            (void)tarn_fail(r->op, TARN_INVALID, "the table is not partitioned by column \"%.*s\"",
                            TARN_STR_ARG(f->name));
            tarn_hint(r->op,
                      "PARTITION names columns that are partitions themselves; INSERT INTO t "
                      "REPLACE WHERE replaces other rows");
            tarn__place_at(&r->words, k->offset);
            return TARN_INVALID;
        }
        for (size_t n = 0; n < i; n++)
            if (x->keys[n].field == f) {
                (void)tarn_fail(r->op, TARN_SQL, "column \"%.*s\" is named twice",
                                TARN_STR_ARG(f->name));
                tarn__place_at(&r->words, k->offset);
                return TARN_SQL;
            }
    }
    return constant_columns(x);
}

/* ---- RETURNING */

static enum tarn_status returned(struct tarn__insert *x)
{
    struct tarn__run *r = x->r;
    struct tarn__compose c;
    struct tarn_sql_text text;
    int64_t rows;
    tarn__compose_begin(&c, r->op, r->text);
    tarn_buf_z(&c.sql, "SELECT ");
    tarn__compose_piece(&c, x->returning);
    tarn_buf_z(&c.sql, " FROM temp.main.\"" ASIDE "\" AS ");
    tarn_buf_sql_name(&c.sql, x->table->ident.name);
    TARN_TRY(tarn__compose_end(&c, &text));
    return tarn_session_into(r->sql->env->flow.session, r->op, text, TARN_STR(RETURNING), &rows);
}

static enum tarn_status answer_returning(struct tarn__run *r)
{
    return tarn__answer_query(
        r, (struct tarn_sql_text){.sql = TARN_STR("SELECT * FROM temp.main.\"" RETURNING "\""),
                                  .line0 = 1});
}

/* ---- carrying it out */

enum tarn_status tarn__change_of_target(struct tarn__run *r, const struct tarn__target *target,
                                        const struct tarn_table *table, struct tarn_change **out)
{
    struct tarn_op *op = tarn__change_op(r);
    struct tarn_str branch = target->suffix;
    if (branch.ptr && !tarn_str_eq_nocase(tarn_str_of(branch.ptr, 7), TARN_STR("branch_"))) {
        (void)tarn_fail(r->op, TARN_INVALID, "a tag cannot be written to");
        tarn__place_at(&r->words, target->offset);
        return TARN_INVALID;
    }
    TARN_TRY(tarn_change_open(r->sql->env->flow.lake, op, table, out));
    if (!branch.ptr)
        return TARN_OK;
    enum tarn_status status =
        tarn_change_set_branch(*out, op, tarn_str_of(branch.ptr + 7, branch.len - 7));
    if (status != TARN_OK)
        tarn__place_at(&r->words, target->offset);
    return status;
}

static enum tarn_status write_rows(struct tarn__insert *x, struct tarn_change *change,
                                   struct tarn_written *written)
{
    struct tarn__rows_of_query q = {.query = x->query,
                                    .with = x->with,
                                    .columns = x->columns,
                                    .column_count = x->column_count,
                                    .constants = x->constants,
                                    .constant_count = x->constant_count,
                                    .by_name = x->by_name,
                                    .evolve = x->evolve && !x->default_values};
    if (x->default_values)
        TARN_TRY(default_row(x, &q.query));
    if (x->r->explain)
        x->returning = (struct tarn_str){NULL, 0};
    if (x->returning.ptr)
        q.into = TARN_STR(ASIDE);
    TARN_TRY(tarn__write_query(x->r, &q, change, written));
    TARN_TRY(tarn__explain_insert(x));
    if (x->overwrite && !tarn__only_explained(x->r))
        TARN_TRY(tarn__overwrite(x, change, written));
    return x->returning.ptr ? returned(x) : TARN_OK;
}

enum tarn_status tarn__sql_insert(struct tarn__run *r)
{
    struct tarn__insert x = {.r = r};
    struct tarn_change *change;
    struct tarn_written written;
    tarn__use_change_op(r);
    TARN_TRY(take_insert(&x));
    TARN_TRY(check_keys(&x));
    TARN_TRY(tarn__change_of_target(r, &x.target, x.table, &change));
    enum tarn_status status = write_rows(&x, change, &written);
    if (status != TARN_OK) {
        tarn_change_discard(change, tarn__change_op(r));
        return status;
    }
    if (!tarn_change_is_empty(change))
        TARN_TRY(tarn__publish(r, change));
    if (x.returning.ptr)
        TARN_TRY(answer_returning(r));
    tarn__done(r, "INSERT", written.rows);
    return TARN_OK;
}

enum tarn_status tarn__sql_truncate(struct tarn__run *r)
{
    struct tarn__target target;
    struct tarn_table *t;
    struct tarn_change *change;
    tarn__use_change_op(r);
    (void)tarn__take(&r->words, "TABLE");
    TARN_TRY(tarn__take_target(r, &target));
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(tarn__target_table(r, &target, &t));
    TARN_TRY(tarn__change_of_target(r, &target, t, &change));
    tarn_change_delete_all(change);
    if (!tarn_change_is_empty(change))
        TARN_TRY(tarn__publish(r, change));
    tarn__done(r, "TRUNCATE TABLE", -1);
    return TARN_OK;
}

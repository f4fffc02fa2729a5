/* dml_blame: which assignment it was. The engine says what is wrong with a value, not where the
 * statement makes it; so after such a failure the assignments are made one by one until one fails.
 * That takes its time only then.
 */
#include "sql/dml_int.h"

static bool is_of_value(const struct tarn__dml *d, enum tarn_status status)
{
    return status == TARN_DATA && d->op->report.status == TARN_DATA && d->op->report.column == 0;
}

/* The failure as it was told, placed at the assignment; `while_setting`: it does not name the
 * column. */
static enum tarn_status blame(struct tarn__dml *d, const struct tarn_report *told,
                              const struct tarn__set *s, bool while_setting)
{
    d->op->report = *told;
    if (while_setting)
        (void)tarn_while(d->op, "setting column \"%.*s\"", TARN_STR_ARG(s->path[0]->name));
    return tarn__dml_place_set(d, s, told->status);
}

/* ---- what expressions make */

/* Does a part fail with this assignment alone, or with none (NULL)? */
static bool fails_with(struct tarn__dml *d, const struct tarn__part *p, size_t action,
                       const struct tarn__set *s)
{
    struct tarn__part one = *p;
    struct tarn_sql_text text;
    int64_t rows;
    one.actions = tarn_alloc(d->op, p->count * sizeof *one.actions);
    if (!one.actions)
        return false;
    for (size_t k = 0; k < p->count; k++) {
        one.actions[k] = p->actions[k];
        one.actions[k].count = one.actions[k].row_count = 0;
    }
    struct tarn__action *a = &one.actions[action];
    if (s && s->row >= 0)
        a->row_count = p->actions[action].row_count;
    else if (s) {
        a->sets = (struct tarn__set *)(uintptr_t)s;
        a->count = 1;
    }
    enum tarn_status status = tarn__dml_compose(d, &one, &text);
    if (status == TARN_OK)
        status = tarn_session_into(d->r->sql->env->flow.session, d->op, text,
                                   TARN_STR("tarn blame"), &rows);
    tarn_clear(d->op);
    return status == TARN_DATA;
}

enum tarn_status tarn__dml_blame_value(struct tarn__dml *d, const struct tarn__part *p,
                                       enum tarn_status status)
{
    struct tarn_report told = d->op->report;
    if (!is_of_value(d, status))
        return status;
    tarn_clear(d->op);
    for (size_t k = 0; k < p->count && !fails_with(d, p, k, NULL); k++)
        for (size_t i = 0; i < p->actions[k].count; i++) {
            const struct tarn__set *s = &p->actions[k].sets[i];
            if (s->slot.ptr && s->row_column == 0 && fails_with(d, p, k, s))
                return blame(d, &told, s, true);
        }
    d->op->report = told;
    return status;
}

/* ---- what columns hold */

static bool does_not_fit(struct tarn__dml *d, const struct tarn__part *p, size_t k,
                         const struct tarn__set *s)
{
    struct tarn_buf b;
    int64_t n;
    tarn_buf_init(&b, 16 << 20);
    tarn_buf_z(&b, "SELECT count(\"tarn v\") FROM (SELECT ");
    enum tarn_status status = tarn__dml_set_value(d, p, k, s, &b);
    tarn_buf_printf(&b, " AS \"tarn v\" FROM temp.main.\"%s\"", p->name);
    if (p->conditional)
        tarn_buf_printf(&b, " WHERE \"tarn act\" = %zu", k);
    tarn_buf_put(&b, ')');
    if (status == TARN_OK)
        status = tarn__dml_int(d, &b, &n);
    tarn_buf_release(&b);
    tarn_clear(d->op);
    return status == TARN_DATA;
}

enum tarn_status tarn__dml_blame_cast(struct tarn__dml *d, const struct tarn__part *parts,
                                      size_t count, enum tarn_status status)
{
    struct tarn_report told = d->op->report;
    if (!is_of_value(d, status))
        return status;
    tarn_clear(d->op);
    for (size_t n = 0; n < count; n++)
        for (size_t k = 0; k < parts[n].count && parts[n].rows > 0; k++)
            for (size_t i = 0; i < parts[n].actions[k].count; i++) {
                const struct tarn__set *s = &parts[n].actions[k].sets[i];
                if (does_not_fit(d, &parts[n], k, s))
                    return blame(d, &told, s, false);
            }
    d->op->report = told;
    return status;
}

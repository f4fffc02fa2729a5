/* call: CALL [catalog.]system.procedure(..): which procedure it is, and its arguments.
 *
 * Names, arguments, defaults and columns of the answers are those of Iceberg's Spark procedures.
 * Arguments are given by name or by position, never both.
 */
#include <stdio.h>
#include <string.h>

#include "sql/call_int.h"

#define P_TABLE                        \
    {                                  \
        "table", TARN__ARG_TABLE, true \
    }

static const struct tarn__procedure procedures[] = {
    {"add_files",
     tarn__add_files,
     {P_TABLE,
      {"source_table", TARN__ARG_TEXT, true},
      {"partition_filter", TARN__ARG_MAP, false},
      {"check_duplicate_files", TARN__ARG_BOOLEAN, false},
      {"parallelism", TARN__ARG_LONG, false}}},
    {"ancestors_of", tarn__ancestors_of, {P_TABLE, {"snapshot_id", TARN__ARG_LONG, false}}},
    {"cherrypick_snapshot",
     tarn__cherrypick_snapshot,
     {P_TABLE, {"snapshot_id", TARN__ARG_LONG, true}}},
    {"create_changelog_view",
     tarn__create_changelog_view,
     {P_TABLE,
      {"changelog_view", TARN__ARG_TEXT, false},
      {"options", TARN__ARG_MAP, false},
      {"compute_updates", TARN__ARG_BOOLEAN, false},
      {"identifier_columns", TARN__ARG_LIST, false},
      {"net_changes", TARN__ARG_BOOLEAN, false}}},
    {"fast_forward",
     tarn__fast_forward,
     {P_TABLE, {"branch", TARN__ARG_TEXT, true}, {"to", TARN__ARG_TEXT, true}}},
    {"migrate",
     tarn__migrate,
     {P_TABLE,
      {"properties", TARN__ARG_MAP, false},
      {"drop_backup", TARN__ARG_BOOLEAN, false},
      {"backup_table_name", TARN__ARG_TEXT, false},
      {"parallelism", TARN__ARG_LONG, false},
      {"ignore_missing_files", TARN__ARG_BOOLEAN, false},
      {"location", TARN__ARG_TEXT, false}}},
    {"publish_changes", tarn__publish_changes, {P_TABLE, {"wap_id", TARN__ARG_TEXT, true}}},
    {"register_table", tarn__register_table, {P_TABLE, {"metadata_file", TARN__ARG_TEXT, true}}},
    {"rollback_to_snapshot",
     tarn__rollback_to_snapshot,
     {P_TABLE, {"snapshot_id", TARN__ARG_LONG, true}}},
    {"rollback_to_timestamp",
     tarn__rollback_to_timestamp,
     {P_TABLE, {"timestamp", TARN__ARG_TIMESTAMP, true}}},
    {"set_current_snapshot",
     tarn__set_current_snapshot,
     {P_TABLE, {"snapshot_id", TARN__ARG_LONG, false}, {"ref", TARN__ARG_TEXT, false}}},
    {"snapshot",
     tarn__snapshot,
     {{"source_table", TARN__ARG_TEXT, true},
      P_TABLE,
      {"location", TARN__ARG_TEXT, false},
      {"properties", TARN__ARG_MAP, false},
      {"parallelism", TARN__ARG_LONG, false},
      {"ignore_missing_files", TARN__ARG_BOOLEAN, false}}},
    {.name = "compute_partition_stats"},
    {.name = "compute_table_stats"},
    {.name = "expire_snapshots"},
    {.name = "remove_orphan_files"},
    {.name = "rewrite_data_files"},
    {.name = "rewrite_manifests"},
    {.name = "rewrite_position_delete_files"},
    {.name = "rewrite_table_path"},
};
#define PROCEDURE_COUNT (sizeof procedures / sizeof *procedures)

/* ---- arguments */

static size_t param_count(const struct tarn__procedure *p)
{
    size_t n = 0;
    while (n < TARN__PARAMS_MAX && p->params[n].name)
        n++;
    return n;
}

const struct tarn__arg *tarn__arg(const struct tarn__call *c, const char *name)
{
    size_t i = 0, n = param_count(c->procedure);
    while (i < n && strcmp(c->procedure->params[i].name, name) != 0)
        i++;
    TARN_ASSERT(i < n);
    return &c->args[i];
}

enum tarn_status tarn__fail_arg(struct tarn__call *c, const struct tarn__arg *a,
                                enum tarn_status status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    status = tarn_vfail(c->op, status, fmt, ap);
    va_end(ap);
    tarn__place_at(&c->run->words, a->begin);
    return status;
}

static struct tarn__run table_run(const struct tarn__call *c, const struct tarn__arg *a)
{
    struct tarn__run run = *c->run;
    struct tarn_str statement = c->run->text.sql;
    struct tarn_str whole = c->run->text.whole.ptr ? c->run->text.whole : statement;
    run.text = (struct tarn_sql_text){.sql = a->raw.ptr ? a->raw : a->text,
                                      .file = c->run->text.file,
                                      .line0 = c->run->text.line0,
                                      .whole = whole};
    tarn__words_begin(&run.words, c->op, run.text);
    return run;
}

static enum tarn_status take_name(struct tarn__call *c, struct tarn__run *run, const char *name,
                                  struct tarn__target *target)
{
    TARN_TRY(tarn__take_target(run, target));
    TARN_TRY(tarn__expect_end(&run->words));
    if (target->suffix.ptr)
        return tarn__fail_arg(c, tarn__arg(c, name), TARN_INVALID,
                              "a procedure takes a table, not a branch or tag of it");
    return TARN_OK;
}

enum tarn_status tarn__arg_table(struct tarn__call *c, const char *name, struct tarn_table **out)
{
    struct tarn__run run = table_run(c, tarn__arg(c, name));
    struct tarn__target target;
    TARN_TRY(take_name(c, &run, name, &target));
    return tarn__target_table(&run, &target, out);
}

enum tarn_status tarn__arg_new_table(struct tarn__call *c, const char *name, struct tarn_ident *out)
{
    const struct tarn__arg *a = tarn__arg(c, name);
    struct tarn__run run = table_run(c, a);
    struct tarn__target target;
    struct tarn_table *t;
    TARN_TRY(take_name(c, &run, name, &target));
    if (!target.ident.ns.ptr || !target.ident.ns.len) {
        (void)tarn__fail_arg(c, a, TARN_INVALID, "table \"%.*s\" needs a namespace",
                             TARN_STR_ARG(a->text));
        tarn_hint(c->op, "write namespace.table, or USE a namespace first");
        return TARN_INVALID;
    }
    const struct tarn_sql_env *env = c->run->sql->env;
    TARN_TRY(env->find(env->ctx, c->op, target.ident, &t));
    if (t)
        return tarn__fail_arg(c, a, TARN_EXISTS, "table %.*s.%.*s exists already",
                              TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name));
    *out = target.ident;
    return tarn__need_namespace(c->run, target.ident.ns, a->begin);
}

/* "table, snapshot_id [, x]" */
static void usage_hint(struct tarn__call *c)
{
    char text[512];
    size_t n = 0;
    for (size_t i = 0; i < param_count(c->procedure) && n < sizeof text; i++) {
        const struct tarn__param *p = &c->procedure->params[i];
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%s%s", i ? ", " : "",
                              p->required ? "" : "[", p->name, p->required ? "" : "]");
    }
    tarn_hint(c->op, "%s takes (%s)", c->procedure->name, text);
}

static enum tarn_status unknown_argument(struct tarn__call *c, struct tarn_str name, size_t offset)
{
    const char *names[TARN__PARAMS_MAX];
    size_t n = param_count(c->procedure);
    for (size_t i = 0; i < n; i++)
        names[i] = c->procedure->params[i].name;
    const char *nearest = tarn_str_nearest(name, names, n);
    (void)tarn_fail(c->op, TARN_INVALID, "procedure %s has no argument \"%.*s\"",
                    c->procedure->name, TARN_STR_ARG(name));
    if (nearest)
        tarn_hint(c->op, "did you mean %s?", nearest);
    else
        usage_hint(c);
    tarn__place_at(&c->run->words, offset);
    return TARN_INVALID;
}

/* Behind the name: "=>" or ":=". */
static bool take_arrow(struct tarn__words *w)
{
    return tarn__take(w, "= >") || tarn__take(w, ": =");
}

/* name => value; *index: of the parameter. False without an arrow: nothing is taken. */
static enum tarn_status take_name_of(struct tarn__call *c, bool *named, size_t *index)
{
    struct tarn__words start = c->run->words;
    struct tarn__words *w = &c->run->words;
    struct tarn_str name;
    *named = false;
    if (w->end || (w->token.kind != TARN_SQL_WORD && w->token.kind != TARN_SQL_QUOTED))
        return TARN_OK;
    TARN_TRY(tarn__take_ident(w, &name));
    if (!take_arrow(w)) {
        *w = start;
        return TARN_OK;
    }
    *named = true;
    for (*index = 0; *index < param_count(c->procedure); ++*index)
        if (tarn_str_eq_nocase(name, tarn_str_view(c->procedure->params[*index].name)))
            return TARN_OK;
    return unknown_argument(c, name, start.token.begin);
}

static enum tarn_status too_many(struct tarn__call *c)
{
    (void)tarn__fail_here(&c->run->words, TARN_INVALID, "procedure %s takes at most %zu arguments",
                          c->procedure->name, param_count(c->procedure));
    usage_hint(c);
    return TARN_INVALID;
}

static enum tarn_status take_args(struct tarn__call *c)
{
    struct tarn__words *w = &c->run->words;
    bool taken[TARN__PARAMS_MAX] = {false}, any_named = false, any_positional = false;
    if (tarn__take(w, ")"))
        return TARN_OK;
    for (size_t position = 0;; position++) {
        struct tarn__words at = *w;
        size_t index = position;
        bool named;
        TARN_TRY(take_name_of(c, &named, &index));
        any_named = any_named || named;
        any_positional = any_positional || !named;
        if (any_named && any_positional) {
            *w = at;
            return tarn__fail_here(w, TARN_SQL,
                                   "arguments are given by name or by position, not "
                                   "both");
        }
        if (index >= param_count(c->procedure))
            return too_many(c);
        if (taken[index]) {
            *w = at;
            return tarn__fail_here(w, TARN_SQL, "argument \"%s\" is given twice",
                                   c->procedure->params[index].name);
        }
        taken[index] = true;
        TARN_TRY(tarn__take_arg(c, &c->procedure->params[index], &c->args[index]));
        if (tarn__take(w, ")"))
            return TARN_OK;
        TARN_TRY(tarn__expect(w, ","));
    }
}

static enum tarn_status check_required(struct tarn__call *c)
{
    for (size_t i = 0; i < param_count(c->procedure); i++) {
        if (!c->procedure->params[i].required || c->args[i].given)
            continue;
        (void)tarn_fail(c->op, TARN_INVALID, "procedure %s needs the argument \"%s\"",
                        c->procedure->name, c->procedure->params[i].name);
        usage_hint(c);
        tarn__place_at(&c->run->words, c->offset);
        return TARN_INVALID;
    }
    return TARN_OK;
}

/* ---- which procedure */

static enum tarn_status unknown_procedure(struct tarn__call *c, struct tarn_str name)
{
    const char *names[PROCEDURE_COUNT];
    for (size_t i = 0; i < PROCEDURE_COUNT; i++)
        names[i] = procedures[i].name;
    const char *nearest = tarn_str_nearest(name, names, PROCEDURE_COUNT);
    (void)tarn_fail(c->op, TARN_NOT_FOUND, "there is no procedure \"%.*s\"", TARN_STR_ARG(name));
    if (nearest)
        tarn_hint(c->op, "did you mean system.%s?", nearest);
    else
        tarn_hint(c->op, "SHOW PROCEDURES lists them");
    tarn__place_at(&c->run->words, c->offset);
    return TARN_NOT_FOUND;
}

static enum tarn_status wrong_place(struct tarn__call *c, const struct tarn__dotted *d)
{
    (void)tarn_fail(c->op, TARN_NOT_FOUND,
                    "procedures are in the namespace \"system\" of catalog \"%.*s\"",
                    TARN_STR_ARG(c->run->sql->env->flow.lake->catalog->catalog_name));
    tarn_hint(c->op, "CALL system.%.*s(..)", TARN_STR_ARG(d->parts[d->count - 1]));
    tarn__place_at(&c->run->words, d->begin);
    return TARN_NOT_FOUND;
}

static enum tarn_status take_procedure(struct tarn__call *c)
{
    struct tarn__dotted d;
    struct tarn_str catalog = c->run->sql->env->flow.lake->catalog->catalog_name;
    TARN_TRY(tarn__take_dotted(&c->run->words, &d));
    struct tarn_str name = d.parts[d.count - 1];
    c->offset = d.end - name.len; /* near enough where it is quoted */
    if (d.count < 2 || d.count > 3 ||
        !tarn_str_eq_nocase(d.parts[d.count - 2], TARN_STR("system")) ||
        (d.count == 3 && !tarn_str_eq_nocase(d.parts[0], catalog)))
        return wrong_place(c, &d);
    for (size_t i = 0; i < PROCEDURE_COUNT; i++)
        if (tarn_str_eq_nocase(name, tarn_str_view(procedures[i].name)))
            c->procedure = &procedures[i];
    if (!c->procedure)
        return unknown_procedure(c, name);
    if (c->procedure->run)
        return TARN_OK;
    (void)tarn_fail(c->op, TARN_UNSUPPORTED, "procedure %s is not in this version",
                    c->procedure->name);
    tarn__place_at(&c->run->words, c->offset);
    return TARN_UNSUPPORTED;
}

/* A transaction's change outlives the statement, and so must all that it was given. */
enum tarn_status tarn__sql_call(struct tarn__run *outer)
{
    struct tarn__run run = *outer, *r = &run;
    struct tarn__call *c;
    run.op = run.words.op = tarn__change_op(outer);
    TARN_NEW(r->op, c);
    *c = (struct tarn__call){.run = r, .op = r->op};
    TARN_TRY(take_procedure(c));
    TARN_TRY(tarn__expect(&r->words, "("));
    TARN_TRY(take_args(c));
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(check_required(c));
    enum tarn_status status = c->procedure->run(c);
    if (status != TARN_OK && r->op->report.line == 0) /* no argument to blame */
        tarn__place_at(&r->words, c->offset);
    TARN_TRY(status);
    tarn__done(r, "CALL", -1);
    return TARN_OK;
}

enum tarn_status tarn__show_procedures(struct tarn__run *r)
{
    struct tarn__list list;
    struct tarn_str pattern = {NULL, 0}, none = {NULL, 0};
    if (tarn__take(&r->words, "LIKE"))
        TARN_TRY(tarn__take_string(&r->words, &pattern));
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(tarn__list_begin(&list, r, "namespace procedure"));
    for (size_t i = 0; i < PROCEDURE_COUNT; i++)
        if (procedures[i].run && tarn__like(tarn_str_view(procedures[i].name), pattern))
            TARN_TRY(tarn__list_texts(&list, TARN_STR("system"), tarn_str_view(procedures[i].name),
                                      none));
    return tarn__list_end(&list, "SHOW");
}

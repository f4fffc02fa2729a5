/* alter_schema: columns added, dropped, renamed, moved, widened, described; identifier fields.
 *
 * A copy of the schema is changed; the change checks what Iceberg allows and gives new fields their
 * ids. A path goes through structs by their fields' names, through lists by "element", through maps
 * by "key" and "value".
 */
#include <string.h>

#include "sql/alter_int.h"

/* One more of a list? Behind a comma there may also be the next clause: ADD a int, DROP b. */
static bool another(struct tarn__words *w)
{
    static const char *const clauses[] = {"ADD", "DROP",  "ALTER", "RENAME",
                                          "SET", "UNSET", "WRITE"};
    struct tarn__words next = *w;
    if (!tarn__take(&next, ","))
        return false;
    for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++)
        if (tarn__at(&next, clauses[i]))
            return false;
    *w = next;
    return true;
}

/* ---- finding fields in the copy */

static enum tarn_status copy_schema(struct tarn__alter *a)
{
    if (a->schema_copied)
        return TARN_OK;
    a->schema_copied = true;
    return tarn_schema_copy(a->r->op, tarn_metadata_schema(tarn_change_metadata(a->change)),
                            &a->schema);
}

static enum tarn_status fail_at(struct tarn__alter *a, const struct tarn__dotted *path,
                                enum tarn_status status, const char *hint)
{
    if (hint)
        tarn_hint(a->r->op, "%s", hint);
    tarn__place_at(&a->r->words, path->begin);
    return status;
}

static enum tarn_status fail_part(struct tarn__alter *a, const struct tarn_type *t,
                                  struct tarn_str name, size_t offset)
{
    if (tarn_type_is_nested(t))
        return tarn__fail_column(a->r, t, name, offset);
    (void)tarn_fail(a->r->op, TARN_COLUMN, "column \"%.*s\" not found: %s has no fields",
                    TARN_STR_ARG(name), tarn_type_text(a->r->op, t).ptr);
    tarn__place_at(&a->r->words, offset);
    return TARN_COLUMN;
}

/* Does the path lead into the key of a map? Keys of one map must stay different, and there. */
static bool in_key(struct tarn__alter *a, const struct tarn__dotted *path)
{
    const struct tarn_type *t = &a->schema.root;
    for (size_t i = 0; i + 1 < path->count; i++) {
        const struct tarn_field *f = tarn__column_named(t, path->parts[i]);
        if (!f || (t->kind == TARN_TYPE_MAP && f == &t->fields[0]))
            return f != NULL;
        t = &f->type;
    }
    return false;
}

static enum tarn_status refuse_key(struct tarn__alter *a, const struct tarn__dotted *path,
                                   const char *what)
{
    (void)tarn_fail(a->r->op, TARN_INVALID,
                    "fields of a map's key cannot be %s: two keys could become equal", what);
    return fail_at(a, path, TARN_INVALID, NULL);
}

/* The type that holds the path's last part. */
static enum tarn_status parent_of(struct tarn__alter *a, const struct tarn__dotted *path,
                                  struct tarn_type **out)
{
    struct tarn_type *t = &a->schema.root;
    TARN_TRY(copy_schema(a));
    for (size_t i = 0; i + 1 < path->count; i++) {
        const struct tarn_field *f =
            tarn_type_is_nested(t) ? tarn__column_named(t, path->parts[i]) : NULL;
        if (!f)
            return fail_part(a, t, path->parts[i], path->begin);
        t = &t->fields[f - t->fields].type;
    }
    *out = t;
    return TARN_OK;
}

static enum tarn_status find(struct tarn__alter *a, const struct tarn__dotted *path,
                             struct tarn_type **parent, size_t *index)
{
    struct tarn_str name = path->parts[path->count - 1];
    TARN_TRY(parent_of(a, path, parent));
    const struct tarn_field *f =
        tarn_type_is_nested(*parent) ? tarn__column_named(*parent, name) : NULL;
    if (!f)
        return fail_part(a, *parent, name, path->begin);
    *index = (size_t)(f - (*parent)->fields);
    return TARN_OK;
}

/* ---- places: FIRST, AFTER x */

static void move(struct tarn_type *t, size_t from, size_t to)
{
    struct tarn_field f = t->fields[from];
    if (from < to)
        memmove(&t->fields[from], &t->fields[from + 1], (to - from) * sizeof f);
    else
        memmove(&t->fields[to + 1], &t->fields[to], (from - to) * sizeof f);
    t->fields[to] = f;
}

static enum tarn_status move_to(struct tarn__alter *a, struct tarn_type *t, size_t index,
                                const struct tarn__dotted *path, bool first, struct tarn_str after)
{
    if (t->kind != TARN_TYPE_STRUCT) {
        (void)tarn_fail(a->r->op, TARN_INVALID, "only columns and a struct's fields have a place");
        return fail_at(a, path, TARN_INVALID, NULL);
    }
    if (first) {
        move(t, index, 0);
        return TARN_OK;
    }
    const struct tarn_field *f = tarn__column_named(t, after);
    if (!f)
        return tarn__fail_column(a->r, t, after, path->begin);
    size_t at = (size_t)(f - t->fields);
    if (at == index) {
        (void)tarn_fail(a->r->op, TARN_INVALID, "column \"%.*s\" cannot stand after itself",
                        TARN_STR_ARG(after));
        return fail_at(a, path, TARN_INVALID, NULL);
    }
    move(t, index, at < index ? at + 1 : at);
    return TARN_OK;
}

/* ---- ADD COLUMN */

static enum tarn_status add_field(struct tarn__alter *a, const struct tarn__column_def *c,
                                  bool quiet)
{
    struct tarn__run *r = a->r;
    struct tarn_type *t;
    struct tarn_field *grown;
    TARN_TRY(parent_of(a, &c->name, &t));
    if (t->kind != TARN_TYPE_STRUCT) {
        (void)tarn_fail(r->op, TARN_INVALID, "a field can only be added to a struct, not to %s",
                        tarn_type_text(r->op, t).ptr);
        return fail_at(a, &c->name, TARN_INVALID,
                       t->kind == TARN_TYPE_LIST ? "a list's struct is its \"element\": a.element.b"
                       : t->kind == TARN_TYPE_MAP ? "a map's struct is its \"value\": a.value.b"
                                                  : NULL);
    }
    if (in_key(a, &c->name))
        return refuse_key(a, &c->name, "added");
    if (tarn__column_named(t, c->field.name)) {
        if (quiet)
            return TARN_OK;
        (void)tarn_fail(r->op, TARN_EXISTS, "column \"%.*s\" is there already",
                        TARN_STR_ARG(c->field.name));
        return fail_at(a, &c->name, TARN_EXISTS, NULL);
    }
    TARN_NEW_ARRAY(r->op, grown, t->field_count + 1);
    if (t->field_count)
        memcpy(grown, t->fields, t->field_count * sizeof *grown);
    grown[t->field_count] = c->field;
    if (c->default_value.ptr) {
        const struct tarn__default value = {c->default_value,
                                            tarn_change_metadata(a->change)->format_version, true};
        TARN_TRY(tarn__set_default(r, &value, &grown[t->field_count]));
    }
    if (c->field.required && !grown[t->field_count].initial_default.ptr) {
        (void)tarn_fail(r->op, TARN_SCHEMA,
                        "column \"%.*s\" cannot be added as NOT NULL: older rows have no value "
                        "for it",
                        TARN_STR_ARG(c->field.name));
        return fail_at(a, &c->name, TARN_SCHEMA, "with format version 3 it may have a DEFAULT");
    }
    t->fields = grown;
    t->field_count++;
    return c->first || c->after.ptr
               ? move_to(a, t, t->field_count - 1, &c->name, c->first, c->after)
               : TARN_OK;
}

enum tarn_status tarn__alter_add_columns(struct tarn__alter *a)
{
    struct tarn__words *w = &a->r->words;
    bool quiet = tarn__take(w, "IF NOT EXISTS"), brackets = tarn__take(w, "(");
    do {
        struct tarn__column_def c;
        if (tarn__at(w, "CONSTRAINT") || tarn__at(w, "PRIMARY KEY"))
            return tarn__fail_here(w, TARN_UNSUPPORTED,
                                   "a key is set by SET IDENTIFIER FIELDS, not by a constraint");
        TARN_TRY(tarn__take_column(a->r, &c));
        if (!c.typed)
            return tarn__expect(w, "a type");
        TARN_TRY(add_field(a, &c, quiet));
    } while (another(w));
    return brackets ? tarn__expect(w, ")") : TARN_OK;
}

/* ---- DROP COLUMN */

static bool holds_id(const struct tarn_field *f, int32_t id)
{
    if (f->id == id)
        return true;
    for (size_t i = 0; i < f->type.field_count; i++)
        if (holds_id(&f->type.fields[i], id))
            return true;
    return false;
}

/* Identifier fields, partitions and the order need their columns. */
static enum tarn_status check_used(struct tarn__alter *a, const struct tarn_field *f,
                                   const struct tarn__dotted *path)
{
    const struct tarn_metadata *m = tarn_change_metadata(a->change);
    const struct tarn_partition_spec *spec = tarn_metadata_spec(m);
    const char *what = NULL, *hint = NULL;
    for (size_t i = 0; i < a->schema.identifier_count; i++)
        if (holds_id(f, a->schema.identifier_ids[i]))
            what = "identifies rows", hint = "DROP IDENTIFIER FIELDS first";
    for (size_t i = 0; i < spec->field_count; i++)
        if (spec->fields[i].transform.kind != TARN_TRANSFORM_VOID &&
            holds_id(f, spec->fields[i].source_id))
            what = "is what the table is partitioned by", hint = "DROP PARTITION FIELD first";
    for (size_t i = 0; i < m->sort_order_count; i++)
        for (size_t k = 0; k < m->sort_orders[i].field_count; k++)
            if (m->sort_orders[i].order_id == m->default_sort_order_id &&
                holds_id(f, m->sort_orders[i].fields[k].source_id))
                what = "is what the table is ordered by", hint = "WRITE UNORDERED first";
    if (!what)
        return TARN_OK;
    (void)tarn_fail(a->r->op, TARN_INVALID, "column \"%.*s\" cannot be dropped: it %s",
                    TARN_STR_ARG(f->name), what);
    return fail_at(a, path, TARN_INVALID, hint);
}

static enum tarn_status drop_field(struct tarn__alter *a, const struct tarn__dotted *path,
                                   bool quiet)
{
    struct tarn_type *t;
    size_t index;
    enum tarn_status status = find(a, path, &t, &index);
    if (status == TARN_COLUMN && quiet) {
        tarn_clear(a->r->op);
        return TARN_OK;
    }
    TARN_TRY(status);
    if (t->kind != TARN_TYPE_STRUCT) {
        (void)tarn_fail(a->r->op, TARN_INVALID, "the %.*s of a %s cannot be dropped",
                        TARN_STR_ARG(t->fields[index].name),
                        t->kind == TARN_TYPE_LIST ? "list" : "map");
        return fail_at(a, path, TARN_INVALID, NULL);
    }
    if (in_key(a, path))
        return refuse_key(a, path, "dropped");
    TARN_TRY(check_used(a, &t->fields[index], path));
    if (t->field_count == 1) {
        (void)tarn_fail(a->r->op, TARN_INVALID, "the last %s cannot be dropped",
                        t == &a->schema.root ? "column" : "field of a struct");
        return fail_at(a, path, TARN_INVALID, NULL);
    }
    memmove(&t->fields[index], &t->fields[index + 1],
            (t->field_count - index - 1) * sizeof *t->fields);
    t->field_count--;
    return TARN_OK;
}

enum tarn_status tarn__alter_drop_columns(struct tarn__alter *a)
{
    struct tarn__words *w = &a->r->words;
    bool quiet = tarn__take(w, "IF EXISTS"), brackets = tarn__take(w, "(");
    do {
        struct tarn__dotted path;
        TARN_TRY(tarn__take_dotted(w, &path));
        TARN_TRY(drop_field(a, &path, quiet));
    } while (another(w));
    return brackets ? tarn__expect(w, ")") : TARN_OK;
}

/* ---- RENAME COLUMN a.b TO c */

enum tarn_status tarn__alter_rename_column(struct tarn__alter *a)
{
    struct tarn__words *w = &a->r->words;
    struct tarn__dotted path;
    struct tarn_type *t;
    struct tarn_str name;
    size_t index;
    TARN_TRY(tarn__take_dotted(w, &path));
    TARN_TRY(find(a, &path, &t, &index));
    TARN_TRY(tarn__expect(w, "TO"));
    size_t offset = w->token.begin;
    TARN_TRY(tarn__take_ident(w, &name));
    if (tarn__at(w, "."))
        return tarn__fail_here(w, TARN_SQL, "a column keeps its place: its new name has one part");
    if (t->kind != TARN_TYPE_STRUCT) {
        (void)tarn_fail(a->r->op, TARN_INVALID, "the %.*s of a %s cannot be renamed",
                        TARN_STR_ARG(t->fields[index].name),
                        t->kind == TARN_TYPE_LIST ? "list" : "map");
        return fail_at(a, &path, TARN_INVALID, NULL);
    }
    const struct tarn_field *other = tarn__column_named(t, name);
    if (other && other != &t->fields[index]) {
        (void)tarn_fail(a->r->op, TARN_EXISTS, "column \"%.*s\" is there already",
                        TARN_STR_ARG(name));
        tarn__place_at(w, offset);
        return TARN_EXISTS;
    }
    t->fields[index].name = name;
    return TARN_OK;
}

/* ---- ALTER COLUMN */

static enum tarn_status set_type(struct tarn__alter *a, const struct tarn__dotted *path,
                                 struct tarn_field *f)
{
    struct tarn__run *r = a->r;
    struct tarn_type type;
    size_t offset = r->words.token.begin;
    int version = tarn_change_metadata(a->change)->format_version;
    TARN_TRY(tarn__take_type(r, &type));
    if (tarn__take(&r->words, "USING"))
        return tarn__fail_here(&r->words, TARN_UNSUPPORTED, "a type cannot be changed by USING");
    if (f->type.kind != TARN_TYPE_UNKNOWN &&
        (tarn_type_is_nested(&f->type) || tarn_type_is_nested(&type))) {
        (void)tarn_fail(r->op, TARN_INVALID, "the type of \"%.*s\" cannot be changed as a whole",
                        TARN_STR_ARG(f->name));
        return fail_at(a, path, TARN_INVALID,
                       "change its parts: ALTER COLUMN a.b TYPE .., ADD COLUMN a.c ..");
    }
    if (!tarn_type_eq(&f->type, &type) && !tarn_type_promotes(&f->type, &type, version)) {
        (void)tarn_fail(r->op, TARN_SCHEMA, "column \"%.*s\" cannot change from %s to %s",
                        TARN_STR_ARG(f->name), tarn_type_text(r->op, &f->type).ptr,
                        tarn_type_text(r->op, &type).ptr);
        tarn_hint(r->op,
                  "only wider types: int to bigint, float to double, decimals of more "
                  "digits%s",
                  version >= 3 ? ", date to timestamp" : "");
        tarn__place_at(&r->words, offset);
        return TARN_SCHEMA;
    }
    TARN_TRY(
        tarn_default_promoted(r->op, &f->type, &type, f->initial_default, &f->initial_default));
    TARN_TRY(tarn_default_promoted(r->op, &f->type, &type, f->write_default, &f->write_default));
    f->type = type;
    return TARN_OK;
}

static enum tarn_status set_default(struct tarn__alter *a, struct tarn_field *f)
{
    struct tarn__words *w = &a->r->words;
    struct tarn_str expr = tarn__take_until(w, ",");
    if (expr.len == 0)
        return tarn__expect(w, "a value");
    const struct tarn__default value = {expr, tarn_change_metadata(a->change)->format_version,
                                        false};
    return tarn__set_default(a->r, &value, f);
}

/* Never: a look at the rows that there are would not do. The schema is that of all branches, of
 * older snapshots that main may go back to, and of writers at work, whose rows come in later and are
 * not looked at again: readers would take for required what is null. */
static enum tarn_status set_not_null(struct tarn__alter *a, const struct tarn__dotted *path,
                                     const struct tarn_field *f)
{
    if (f->required)
        return TARN_OK;
    (void)tarn_fail(a->r->op, TARN_SCHEMA,
                    "column \"%.*s\" cannot be made NOT NULL: older rows, those of other branches "
                    "and of writers at work may have no value",
                    TARN_STR_ARG(f->name));
    return fail_at(a, path, TARN_SCHEMA,
                   "make the table anew: CREATE OR REPLACE TABLE .. AS; a model's check not_null "
                   "finds nulls as they come");
}

static enum tarn_status drop_not_null(struct tarn__alter *a, const struct tarn__dotted *path,
                                      const struct tarn_type *t, struct tarn_field *f)
{
    if (t->kind == TARN_TYPE_MAP && f == &t->fields[0]) {
        (void)tarn_fail(a->r->op, TARN_INVALID, "the key of a map cannot be null");
        return fail_at(a, path, TARN_INVALID, NULL);
    }
    for (size_t i = 0; i < a->schema.identifier_count; i++)
        if (holds_id(f, a->schema.identifier_ids[i])) {
            (void)tarn_fail(a->r->op, TARN_INVALID,
                            "column \"%.*s\" must be NOT NULL: it identifies rows",
                            TARN_STR_ARG(f->name));
            return fail_at(a, path, TARN_INVALID, "DROP IDENTIFIER FIELDS first");
        }
    f->required = false;
    return TARN_OK;
}

static enum tarn_status alter_one(struct tarn__alter *a, const struct tarn__dotted *path,
                                  struct tarn_type *t, size_t index, bool *more)
{
    struct tarn__words *w = &a->r->words;
    struct tarn_field *f = &t->fields[index];
    struct tarn_str after;
    *more = true;
    if (tarn__take(w, "TYPE") || tarn__take(w, "SET DATA TYPE"))
        return set_type(a, path, f);
    if (tarn__take(w, "SET NOT NULL"))
        return set_not_null(a, path, f);
    if (tarn__take(w, "DROP NOT NULL"))
        return drop_not_null(a, path, t, f);
    if (tarn__take(w, "COMMENT"))
        return tarn__take_string(w, &f->doc);
    if (tarn__take(w, "SET DEFAULT"))
        return set_default(a, f);
    if (tarn__take(w, "DROP DEFAULT")) {
        f->write_default = (struct tarn_str){NULL, 0};
        return TARN_OK;
    }
    if (tarn__take(w, "FIRST")) {
        *more = false;
        return move_to(a, t, index, path, true, (struct tarn_str){NULL, 0});
    }
    if (tarn__take(w, "AFTER")) {
        *more = false;
        TARN_TRY(tarn__take_ident(w, &after));
        return move_to(a, t, index, path, false, after);
    }
    *more = false;
    return w->end || tarn__at(w, ",") || tarn__at(w, ";")
               ? TARN_OK
               : tarn__expect(w,
                              "TYPE, SET NOT NULL, DROP NOT NULL, COMMENT, SET DEFAULT, FIRST or "
                              "AFTER");
}

enum tarn_status tarn__alter_column(struct tarn__alter *a)
{
    struct tarn__words *w = &a->r->words;
    struct tarn__dotted path;
    struct tarn_type *t;
    size_t index;
    bool more = true;
    TARN_TRY(tarn__take_dotted(w, &path));
    TARN_TRY(find(a, &path, &t, &index));
    if (w->end || tarn__at(w, ";"))
        return tarn__expect(w, "what to change of the column");
    while (more)
        TARN_TRY(alter_one(a, &path, t, index, &more));
    return TARN_OK;
}

/* ---- identifier fields */

enum tarn_status tarn__alter_set_identifier(struct tarn__alter *a)
{
    struct tarn_str *paths;
    size_t n, offset = a->r->words.token.begin;
    TARN_TRY(copy_schema(a));
    TARN_TRY(tarn__take_names(&a->r->words, &paths, &n));
    enum tarn_status status = tarn__identifier_ids(a->r->op, &a->schema, paths, n);
    if (status != TARN_OK)
        tarn__place_at(&a->r->words, offset);
    return status;
}

enum tarn_status tarn__alter_drop_identifier(struct tarn__alter *a)
{
    struct tarn_str *paths;
    size_t n, offset = a->r->words.token.begin;
    TARN_TRY(copy_schema(a));
    TARN_TRY(tarn__take_names(&a->r->words, &paths, &n));
    for (size_t i = 0; i < n; i++) {
        const struct tarn_field *f = tarn__field_at(&a->schema.root, paths[i]);
        size_t kept = 0, before = a->schema.identifier_count;
        for (size_t k = 0; k < before; k++)
            if (!f || a->schema.identifier_ids[k] != f->id)
                a->schema.identifier_ids[kept++] = a->schema.identifier_ids[k];
        if (kept == before) {
            (void)tarn_fail(a->r->op, TARN_COLUMN, "\"%.*s\" is no identifier field",
                            TARN_STR_ARG(paths[i]));
            tarn__place_at(&a->r->words, offset);
            return TARN_COLUMN;
        }
        a->schema.identifier_count = kept;
    }
    return TARN_OK;
}

/* ---- COMMENT ON COLUMN */

/* How many parts name the table, the column's being behind them. */
static enum tarn_status split_column(struct tarn__run *r, struct tarn__dotted *d,
                                     struct tarn__alter *a, size_t *table_parts)
{
    const struct tarn_sql_env *env = r->sql->env;
    size_t first =
        d->count > 2 && tarn_str_eq_nocase(d->parts[0], env->flow.lake->catalog->catalog_name);
    a->table = NULL;
    for (size_t n = d->count - 1; n > first && !a->table; n--) {
        a->target.ident = (struct tarn_ident){.name = d->parts[n - 1]};
        if (n - first == 1 && !r->sql->ns)
            break;
        a->target.ident.ns = n - first == 1 ? tarn_str_view(r->sql->ns) : d->parts[first];
        for (size_t i = first + 1; i + 1 < n; i++) {
            a->target.ident.ns = tarn_sprintf(r->op, "%.*s.%.*s", TARN_STR_ARG(a->target.ident.ns),
                                              TARN_STR_ARG(d->parts[i]));
            if (!a->target.ident.ns.ptr)
                return TARN_NOMEM;
        }
        TARN_TRY(tarn__target_find(r, &a->target, &a->table));
        *table_parts = n;
    }
    if (a->table)
        return TARN_OK;
    (void)tarn_fail(r->op, TARN_TABLE, "the table of column \"%.*s\" not found",
                    TARN_STR_ARG(tarn_str_of(r->text.sql.ptr + d->begin, d->end - d->begin)));
    tarn__place_at(&r->words, d->begin);
    return TARN_TABLE;
}

enum tarn_status tarn__comment_column(struct tarn__run *r)
{
    struct tarn__alter a = {.r = r};
    struct tarn__dotted d;
    struct tarn_type *t;
    struct tarn_str text = {NULL, 0};
    size_t index, parts = 0;
    TARN_TRY(tarn__take_dotted(&r->words, &d));
    TARN_TRY(tarn__expect(&r->words, "IS"));
    if (!tarn__take(&r->words, "NULL"))
        TARN_TRY(tarn__take_string(&r->words, &text));
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(split_column(r, &d, &a, &parts));
    TARN_TRY(tarn_change_open(r->sql->env->flow.lake, r->op, a.table, &a.change));
    memmove(d.parts, d.parts + parts, (d.count - parts) * sizeof d.parts[0]);
    d.count -= parts;
    TARN_TRY(find(&a, &d, &t, &index));
    t->fields[index].doc = text;
    TARN_TRY(tarn_change_set_schema(a.change, r->op, &a.schema));
    return tarn_change_is_empty(a.change) ? TARN_OK : tarn__publish(r, a.change);
}

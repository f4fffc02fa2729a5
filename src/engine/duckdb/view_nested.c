/* view_nested: columns as a file has them, when names inside of them or types changed over the
 * table's history (spec "Column Projection": fields are found by id at every depth).
 *
 * The engine finds top-level columns by id, and what lies inside of them by name. So a file's own
 * names, by field id, are looked up in its footer; the column is read as a type with the file's
 * names, and made anew:
 *
 *   CASE WHEN st IS NULL THEN NULL ELSE struct_pack(now := st."then", added := CAST(NULL AS ..)) END
 *
 * A filter's value is turned into the type that a column has in the file, and the engine takes what
 * is left of it: of a time its date, of 0.1 the nearest float. So dates and floats that were
 * promoted are read as what they are, and cast behind the filter:
 *
 *   CAST(d AS TIMESTAMP)
 *
 * Files that have all fields under their present names and types are read as they are.
 */
#include "engine/duckdb/view_int.h"

struct name { /* of one field in one file */
    int64_t id;
    struct tarn_str name;
    enum tarn_type_kind kind; /* DATE, FLOAT; STRING: any other */
};
struct footer {
    struct name *names; /* ascending by id */
    size_t count;
    struct tarn__layout *layout;
};

/* ---- promoted types */

enum tarn_type_kind tarn__file_kind(struct tarn_str type)
{
    return tarn_str_is(type, "DATE")    ? TARN_TYPE_DATE
           : tarn_str_is(type, "FLOAT") ? TARN_TYPE_FLOAT
                                        : TARN_TYPE_STRING;
}

static bool loses(enum tarn_type_kind then, enum tarn_type_kind now)
{
    return (then == TARN_TYPE_FLOAT && now == TARN_TYPE_DOUBLE) ||
           (then == TARN_TYPE_DATE &&
            (now == TARN_TYPE_TIMESTAMP || now == TARN_TYPE_TIMESTAMP_NS));
}

bool tarn__type_in_file(const struct tarn_type *now, enum tarn_type_kind then,
                        struct tarn_type *out)
{
    *out = *now;
    if (!loses(then, now->kind))
        return false;
    out->kind = then;
    return true;
}

/* May files hold a column as another type than it has now? */
static bool was_promoted(const struct tarn_schema *now, const struct tarn_type *then)
{
    for (size_t i = 0; i < then->field_count; i++) {
        const struct tarn_field *f = &then->fields[i], *same;
        if (f->type.kind == TARN_TYPE_FLOAT || f->type.kind == TARN_TYPE_DATE) {
            same = tarn_schema_field_by_id(now, f->id);
            if (same && loses(f->type.kind, same->type.kind))
                return true;
        }
        if (was_promoted(now, &f->type))
            return true;
    }
    return false;
}

static bool may_be_promoted(const struct tarn_type *now)
{
    for (size_t i = 0; i < now->field_count; i++)
        if (loses(TARN_TYPE_FLOAT, now->fields[i].type.kind) ||
            loses(TARN_TYPE_DATE, now->fields[i].type.kind) ||
            may_be_promoted(&now->fields[i].type))
            return true;
    return false;
}

static bool promoted(const struct tarn_scan *scan)
{
    const struct tarn_metadata *m = scan->metadata;
    if (scan->schemas_gone)
        return may_be_promoted(&scan->schema->root);
    for (size_t i = 0; i < m->schema_count; i++)
        if (was_promoted(scan->schema, &m->schemas[i].root))
            return true;
    return false;
}

/* ---- footers */

static enum tarn_status read_names(struct tarn_session *s, struct tarn_op *op,
                                   const struct tarn_scan *scan, struct tarn__rows *out)
{
    struct tarn_buf sql;
    duckdb_result r;
    tarn_buf_init(&sql, TARN__SQL_MAX);
    tarn_buf_z(&sql, "SELECT file_name, field_id::BIGINT, name, duckdb_type FROM parquet_schema([");
    for (size_t i = 0; i < scan->file_count; i++) {
        tarn_buf_z(&sql, i > 0 ? ", " : "");
        tarn_engine_path_sql(&sql, scan->files[i].local_path);
    }
    tarn_buf_z(&sql, "]) WHERE field_id IS NOT NULL ORDER BY 1, 2");
    enum tarn_status status =
        (enum tarn_status)tarn_buf_finish(op, &sql, "a statement for the engine");
    if (status == TARN_OK)
        status = tarn__run(s, op, tarn_buf_view(&sql).ptr, NULL, &r);
    tarn_buf_release(&sql);
    TARN_TRY(status);
    status = tarn__rows_of(op, &r, out);
    duckdb_destroy_result(&r);
    return status;
}

struct footers { /* the rows above, cut into files; ascending by path */
    struct tarn_str *paths;
    struct footer *items;
    size_t count;
};

static enum tarn_status cut_files(struct tarn_op *op, const struct tarn__rows *rows,
                                  struct footers *out)
{
    struct name *names;
    size_t n = 0;
    *out = (struct footers){0};
    TARN_NEW_ARRAY(op, names, rows->rows + 1);
    TARN_NEW_ARRAY(op, out->paths, rows->rows + 1);
    TARN_NEW_ARRAY(op, out->items, rows->rows + 1);
    for (size_t i = 0; i < rows->batch_count; i++)
        for (size_t k = 0; k < rows->batches[i].rows; k++, n++) {
            const struct tarn_column *c = rows->batches[i].columns;
            struct tarn_str path = tarn__cell_str(&c[0], k);
            names[n] = (struct name){((const int64_t *)c[1].data)[k], tarn__cell_str(&c[2], k),
                                     tarn__file_kind(tarn__cell_str(&c[3], k))};
            if (out->count == 0 || !tarn_str_eq(out->paths[out->count - 1], path)) {
                out->paths[out->count] = path;
                out->items[out->count++] = (struct footer){.names = &names[n]};
            }
            out->items[out->count - 1].count++;
        }
    return TARN_OK;
}

static struct footer *footer_of(const struct footers *all, struct tarn_str path)
{
    size_t low = 0, high = all->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = tarn_str_cmp(all->paths[mid], path);
        if (c == 0)
            return &all->items[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static const struct name *name_of(const struct footer *f, int32_t id)
{
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (f->names[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < f->count && f->names[low].id == id ? &f->names[low] : NULL;
}

static bool same_names(const struct footer *a, const struct footer *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->names[i].id != b->names[i].id || a->names[i].kind != b->names[i].kind ||
            !tarn_str_eq(a->names[i].name, b->names[i].name))
            return false;
    return true;
}

/* ---- a column's type as the file has it */

struct layout {
    struct tarn_op *op;
    const struct tarn_scan *scan;
    const struct footer *footer;
};

static enum tarn_status type_in_file(const struct layout *l, const struct tarn_field *now,
                                     struct tarn_type *out, bool *differs);

static enum tarn_status any_field(const struct layout *l, const struct tarn_field *now,
                                  struct tarn_type *out);

/* The type of a field that is only asked whether it is null: any primitive one has a text. */
static enum tarn_status any_type(const struct layout *l, const struct tarn_field *f,
                                 struct tarn_type *out)
{
    *out = (struct tarn_type){.kind = TARN_TYPE_STRING};
    if (!tarn_type_is_nested(&f->type))
        return TARN_OK;
    out->kind = f->type.kind;
    TARN_NEW_ARRAY(l->op, out->fields, f->type.field_count + 1);
    if (f->type.kind == TARN_TYPE_STRUCT)
        return any_field(l, f, out);
    for (size_t i = 0; i < f->type.field_count; i++) {
        out->fields[i] = f->type.fields[i];
        TARN_TRY(any_type(l, &f->type.fields[i], &out->fields[i].type));
        out->field_count++;
    }
    return TARN_OK;
}

/* None of a struct's fields is in the file: whether the struct is null is told by any field that it
 * had at some time. */
static enum tarn_status any_field(const struct layout *l, const struct tarn_field *now,
                                  struct tarn_type *out)
{
    const struct tarn_metadata *m = l->scan->metadata;
    for (size_t i = m->schema_count; i > 0; i--) {
        const struct tarn_field *then = tarn_schema_field_by_id(&m->schemas[i - 1], now->id);
        for (size_t k = 0; then && k < then->type.field_count; k++) {
            const struct tarn_field *f = &then->type.fields[k];
            const struct name *name = name_of(l->footer, f->id);
            if (!name)
                continue;
            out->fields[0] = *f;
            out->fields[0].name = name->name;
            out->field_count = 1;
            return any_type(l, f, &out->fields[0].type);
        }
    }
    return tarn_fail(l->op, TARN_UNSUPPORTED,
                     "a data file cannot be read: it has none of the fields of struct \"%.*s\"",
                     TARN_STR_ARG(now->name));
}

static enum tarn_status struct_in_file(const struct layout *l, const struct tarn_field *now,
                                       struct tarn_type *out, bool *differs)
{
    for (size_t i = 0; i < now->type.field_count; i++) {
        const struct tarn_field *f = &now->type.fields[i];
        const struct name *name = name_of(l->footer, f->id);
        struct tarn_field *then = &out->fields[out->field_count];
        if (!name) {
            *differs = true;
            continue;
        }
        *then = *f;
        then->name = name->name;
        *differs = *differs || !tarn_str_eq(name->name, f->name);
        TARN_TRY(type_in_file(l, f, &then->type, differs));
        out->field_count++;
    }
    return out->field_count ? TARN_OK : any_field(l, now, out);
}

static enum tarn_status type_in_file(const struct layout *l, const struct tarn_field *now,
                                     struct tarn_type *out, bool *differs)
{
    const struct name *name = name_of(l->footer, now->id);
    *out = now->type;
    if (!tarn_type_is_nested(&now->type)) {
        *differs = (name && tarn__type_in_file(&now->type, name->kind, out)) || *differs;
        return TARN_OK;
    }
    TARN_NEW_ARRAY(l->op, out->fields, now->type.field_count + 1);
    out->field_count = 0;
    if (now->type.kind == TARN_TYPE_STRUCT)
        return struct_in_file(l, now, out, differs);
    for (size_t i = 0; i < now->type.field_count; i++) {
        out->fields[i] = now->type.fields[i];
        TARN_TRY(type_in_file(l, &now->type.fields[i], &out->fields[i].type, differs));
        out->field_count++;
    }
    return TARN_OK;
}

/* Ids, too: a name may be another field's in another file. */
static void put_type_text(struct tarn_buf *b, const struct tarn_type *t)
{
    if (!tarn_type_is_nested(t)) {
        tarn__type_sql(b, t);
        return;
    }
    tarn_buf_printf(b, "%d(", (int)t->kind);
    for (size_t i = 0; i < t->field_count; i++) {
        tarn_buf_printf(b, "%d", t->fields[i].id);
        tarn_buf_sql_name(b, t->fields[i].name);
        put_type_text(b, &t->fields[i].type);
    }
    tarn_buf_put(b, ')');
}

enum tarn_status tarn__layout_name(struct tarn_op *op, struct tarn__layout *l, size_t count)
{
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)64 << 20);
    for (size_t i = 0; i < count; i++) {
        const struct tarn__nested *n = &l->columns[i];
        tarn_buf_printf(&b, "%zu%s", i, n->absent ? "absent " : " ");
        if (n->differs && !n->absent)
            put_type_text(&b, &n->type);
        tarn_buf_put(&b, ';');
    }
    return (enum tarn_status)tarn_buf_take(op, &b, "a file's columns", &l->text);
}

static enum tarn_status make_layout(const struct layout *l, struct tarn__layout **out)
{
    const struct tarn_type *root = &l->scan->schema->root;
    struct tarn__layout *made;
    bool any = false;
    TARN_NEW(l->op, made);
    TARN_NEW_ARRAY(l->op, made->columns, root->field_count + 1);
    for (size_t i = 0; i < root->field_count; i++) {
        const struct tarn_field *f = &root->fields[i];
        struct tarn__nested *n = &made->columns[i];
        n->type = f->type;
        n->absent = name_of(l->footer, f->id) == NULL;
        n->differs = n->absent && tarn_type_is_nested(&f->type);
        if (!n->absent)
            TARN_TRY(type_in_file(l, f, &n->type, &n->differs));
        any = any || n->differs;
    }
    *out = NULL;
    if (!any)
        return TARN_OK;
    *out = made;
    return tarn__layout_name(l->op, made, root->field_count);
}

static bool needed(const struct tarn_scan *scan)
{
    bool nested = false;
    for (size_t i = 0; i < scan->schema->root.field_count; i++)
        nested = nested || tarn_type_is_nested(&scan->schema->root.fields[i].type);
    return scan->file_count > 0 && ((nested && scan->nested_by_id) || promoted(scan));
}

enum tarn_status tarn__layouts_find(struct tarn_session *s, struct tarn_op *op,
                                    const struct tarn_scan *scan, struct tarn__layout ***out)
{
    struct layout l = {.op = op, .scan = scan};
    struct tarn__rows rows;
    struct footers footers;
    const struct footer *last = NULL;
    *out = NULL;
    if (!needed(scan))
        return TARN_OK;
    TARN_TRY(read_names(s, op, scan, &rows));
    TARN_TRY(cut_files(op, &rows, &footers));
    TARN_NEW_ARRAY(op, *out, scan->file_count);
    for (size_t i = 0; i < footers.count; i++) {
        struct footer *this = &footers.items[i];
        l.footer = this;
        if (last && same_names(last, this))
            this->layout = last->layout;
        else
            TARN_TRY(make_layout(&l, &this->layout));
        last = this;
    }
    for (size_t i = 0; i < scan->file_count; i++) {
        const struct footer *f = footer_of(&footers, scan->files[i].local_path);
        (*out)[i] = f ? f->layout : NULL; /* none: a file without field ids */
    }
    return TARN_OK;
}

/* ---- a column made anew */

static bool alike(const struct tarn_type *now, const struct tarn_type *then)
{
    if (now->kind != then->kind || now->field_count != then->field_count)
        return false;
    for (size_t i = 0; i < now->field_count; i++)
        if (now->fields[i].id != then->fields[i].id ||
            !tarn_str_eq(now->fields[i].name, then->fields[i].name) ||
            !alike(&now->fields[i].type, &then->fields[i].type))
            return false;
    return true;
}

static enum tarn_status anew(struct tarn_op *op, struct tarn_buf *b, const struct tarn_type *now,
                             const struct tarn_type *then, struct tarn_str e, int depth);

static struct tarn_str field_sql(struct tarn_op *op, struct tarn_str e, struct tarn_str name)
{
    struct tarn_buf b;
    struct tarn_str out = {NULL, 0};
    tarn_buf_init(&b, 1 << 20);
    tarn_buf_str(&b, e);
    tarn_buf_put(&b, '.');
    tarn_buf_sql_name(&b, name);
    return tarn_buf_take(op, &b, "a field's name", &out) == TARN_OK ? out
                                                                    : (struct tarn_str){NULL, 0};
}

static enum tarn_status struct_anew(struct tarn_op *op, struct tarn_buf *b,
                                    const struct tarn_type *now, const struct tarn_type *then,
                                    struct tarn_str e, int depth)
{
    tarn_buf_printf(b, "CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(", TARN_STR_ARG(e));
    for (size_t i = 0; i < now->field_count; i++) {
        const struct tarn_field *f = &now->fields[i], *old = NULL;
        for (size_t k = 0; k < then->field_count && !old; k++)
            old = then->fields[k].id == f->id ? &then->fields[k] : NULL;
        tarn_buf_z(b, i > 0 ? ", " : "");
        tarn_buf_sql_name(b, f->name);
        tarn_buf_z(b, " := ");
        if (!old) {
            TARN_TRY(tarn_engine_default_sql(op, b, f, TARN_DEFAULT_INITIAL));
            continue;
        }
        struct tarn_str inner = field_sql(op, e, old->name);
        if (!inner.ptr)
            return op->report.status;
        TARN_TRY(anew(op, b, &f->type, &old->type, inner, depth));
    }
    tarn_buf_z(b, ") END");
    return TARN_OK;
}

static enum tarn_status map_anew(struct tarn_op *op, struct tarn_buf *b,
                                 const struct tarn_type *now, const struct tarn_type *then,
                                 struct tarn_str e, int depth)
{
    struct tarn_str key = tarn_sprintf(op, "tarn_x%d.\"key\"", depth),
                    value = tarn_sprintf(op, "tarn_x%d.\"value\"", depth);
    if (!key.ptr || !value.ptr)
        return TARN_NOMEM;
    tarn_buf_printf(b,
                    "map_from_entries(list_transform(map_entries(%.*s), lambda tarn_x%d: "
                    "struct_pack(\"key\" := ",
                    TARN_STR_ARG(e), depth);
    TARN_TRY(anew(op, b, &now->fields[0].type, &then->fields[0].type, key, depth + 1));
    tarn_buf_z(b, ", \"value\" := ");
    TARN_TRY(anew(op, b, &now->fields[1].type, &then->fields[1].type, value, depth + 1));
    tarn_buf_z(b, ")))");
    return TARN_OK;
}

static enum tarn_status anew(struct tarn_op *op, struct tarn_buf *b, const struct tarn_type *now,
                             const struct tarn_type *then, struct tarn_str e, int depth)
{
    if (alike(now, then)) {
        tarn_buf_str(b, e);
        return TARN_OK;
    }
    if (!tarn_type_is_nested(now)) {
        tarn_buf_printf(b, "CAST(%.*s AS ", TARN_STR_ARG(e));
        tarn__type_sql(b, now);
        tarn_buf_put(b, ')');
        return TARN_OK;
    }
    if (now->kind == TARN_TYPE_STRUCT)
        return struct_anew(op, b, now, then, e, depth);
    if (now->kind == TARN_TYPE_MAP)
        return map_anew(op, b, now, then, e, depth);
    struct tarn_str x = tarn_sprintf(op, "tarn_x%d", depth);
    if (!x.ptr)
        return TARN_NOMEM;
    tarn_buf_printf(b, "list_transform(%.*s, lambda %.*s: ", TARN_STR_ARG(e), TARN_STR_ARG(x));
    TARN_TRY(anew(op, b, &now->fields[0].type, &then->fields[0].type, x, depth + 1));
    tarn_buf_put(b, ')');
    return TARN_OK;
}

enum tarn_status tarn__nested_sql(struct tarn_op *op, struct tarn_buf *b,
                                  const struct tarn_field *f, const struct tarn__nested *n,
                                  struct tarn_str inner)
{
    struct tarn_buf name;
    struct tarn_str quoted;
    if (n->absent)
        return tarn_engine_default_sql(op, b, f, TARN_DEFAULT_INITIAL);
    tarn_buf_init(&name, 1 << 16);
    tarn_buf_sql_name(&name, inner);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &name, "a column's name", &quoted));
    return anew(op, b, &f->type, &n->type, quoted, 0);
}

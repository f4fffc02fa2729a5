/* create_define: a new table's schema, partitions, order and properties, out of its statement. */
#include <string.h>

#include "sql/create_int.h"

/* ---- Trino's WITH (partitioning = ARRAY['day(ts)'], format_version = 2, ..) */

static enum tarn_status take_texts(struct tarn__create *x, struct tarn_str **out, size_t *count)
{
    struct tarn__words *w = &x->r->words;
    size_t cap = 0;
    *count = 0;
    (void)tarn__take(w, "ARRAY");
    TARN_TRY(tarn__expect(w, "["));
    while (!tarn__at(w, "]")) {
        if (*count == cap) {
            struct tarn_str *grown;
            cap = cap ? cap * 2 : 8;
            TARN_NEW_ARRAY(x->r->op, grown, cap);
            if (*count)
                memcpy(grown, *out, *count * sizeof *grown);
            *out = grown;
        }
        TARN_TRY(tarn__take_string(w, &(*out)[*count]));
        ++*count;
        if (!tarn__take(w, ","))
            break;
    }
    return tarn__expect(w, "]");
}

static enum tarn_status set_property(struct tarn__create *x, struct tarn_str key,
                                     struct tarn_str value, size_t offset)
{
    bool known;
    enum tarn_status status = tarn__property_check(x->r->op, key, value, &known);
    if (status != TARN_OK) {
        tarn__place_at(&x->r->words, offset);
        return status;
    }
    return tarn_kvs_with(x->r->op, &x->properties, key, value, &x->properties);
}

static enum tarn_status take_plain(struct tarn__create *x, struct tarn_str key, size_t offset)
{
    static const char *const own[][2] = {
        {"format_version", "format-version"},
        {"format", "write.format.default"},
        {"compression_codec", "write.parquet.compression-codec"},
        {"object_store_layout_enabled", "write.object-storage.enabled"},
        {"data_location", "write.data.path"},
    };
    struct tarn__words *w = &x->r->words;
    struct tarn_str value;
    if (w->token.kind == TARN_SQL_STRING && !w->end) {
        TARN_TRY(tarn__take_string(w, &value));
    } else {
        value = tarn__take_until(w, ",");
        if (value.len == 0)
            return tarn__expect(w, "a value");
        value = tarn_strdup(x->r->op, value);
        if (!value.ptr)
            return TARN_NOMEM;
    }
    if (tarn_str_eq_nocase(key, TARN_STR("location"))) {
        x->location = value;
        return TARN_OK;
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (tarn_str_eq_nocase(key, tarn_str_view(own[i][0])))
            return set_property(x, tarn_str_view(own[i][1]), value, offset);
    return set_property(x, key, value, offset);
}

enum tarn_status tarn__take_trino(struct tarn__create *x)
{
    struct tarn__words *w = &x->r->words;
    TARN_TRY(tarn__expect(w, "("));
    do {
        struct tarn_str key;
        size_t offset = w->token.begin;
        TARN_TRY(tarn__take_key(w, &key));
        TARN_TRY(tarn__expect(w, "="));
        if (tarn_str_eq_nocase(key, TARN_STR("partitioning"))) {
            x->partition_texts_at = w->token.begin;
            TARN_TRY(take_texts(x, &x->partition_texts, &x->partition_text_count));
        } else if (tarn_str_eq_nocase(key, TARN_STR("sorted_by"))) {
            x->sort_texts_at = w->token.begin;
            TARN_TRY(take_texts(x, &x->sort_texts, &x->sort_text_count));
        } else {
            TARN_TRY(take_plain(x, key, offset));
        }
    } while (tarn__take(w, ","));
    return tarn__expect(w, ")");
}

/* ---- the schema */

static int format_version(const struct tarn__create *x, const struct tarn_table *old)
{
    const struct tarn_str *v = tarn_kvs_get(&x->properties, "format-version");
    int64_t n;
    if (v && tarn_str_to_i64(*v, &n))
        return (int)n;
    return old ? old->metadata.format_version : 2;
}

static enum tarn_status schema_of_columns(struct tarn__create *x, int version,
                                          struct tarn_schema *out)
{
    struct tarn_type *root = &out->root;
    TARN_NEW_ARRAY(x->r->op, root->fields, x->column_count + 1);
    for (size_t i = 0; i < x->column_count; i++) {
        struct tarn__column_def *c = &x->columns[i];
        struct tarn_field *f = &root->fields[root->field_count++];
        *f = c->field;
        if (!c->typed) {
            tarn__place_at(&x->r->words, c->name.end);
            (void)tarn_fail(x->r->op, TARN_SQL, "column \"%.*s\" needs a type",
                            TARN_STR_ARG(f->name));
            tarn__place_at(&x->r->words, c->name.end);
            return TARN_SQL;
        }
        if (!c->default_value.ptr)
            continue;
        const struct tarn__default value = {c->default_value, version, true};
        TARN_TRY(tarn__set_default(x->r, &value, f));
    }
    return TARN_OK;
}

static enum tarn_status rename_columns(struct tarn__create *x, struct tarn_schema *out)
{
    struct tarn__run *r = x->r;
    if (x->column_count != out->root.field_count) {
        (void)tarn_fail(r->op, TARN_SQL, "the query makes %zu columns, but %zu are named",
                        out->root.field_count, x->column_count);
        tarn__place_at(&r->words, x->target.offset);
        return TARN_SQL;
    }
    for (size_t i = 0; i < x->column_count; i++)
        out->root.fields[i].name = x->columns[i].field.name;
    return TARN_OK;
}

static enum tarn_status schema_of_query(struct tarn__create *x, struct tarn_schema *out)
{
    struct tarn__run *r = x->r;
    struct tarn__compose c;
    struct tarn_sql_text text;
    struct tarn_type type;
    tarn__compose_begin(&c, r->op, r->text);
    tarn__compose_piece(&c, x->query);
    TARN_TRY(tarn__compose_end(&c, &text));
    TARN_TRY(tarn_session_describe(r->sql->env->flow.session, r->op, text, &type));
    TARN_TRY(tarn_type_copy(r->op, &type, &out->root));
    for (size_t i = 0; i < type.field_count && !x->column_count; i++)
        for (size_t k = 0; k < i; k++)
            if (tarn_str_eq_nocase(type.fields[i].name, type.fields[k].name)) {
                (void)tarn_fail(r->op, TARN_SCHEMA, "the query has two columns named \"%.*s\"",
                                TARN_STR_ARG(type.fields[i].name));
                tarn__place_at(&r->words, tarn__offset(&r->words, x->query));
                return TARN_SCHEMA;
            }
    return x->column_count ? rename_columns(x, out) : TARN_OK;
}

static bool all_untyped(const struct tarn__create *x)
{
    for (size_t i = 0; i < x->column_count; i++)
        if (x->columns[i].typed)
            return false;
    return true;
}

/* Of a table with the same columns: ids are given anew. */
static void forget_ids(struct tarn_type *t)
{
    for (size_t i = 0; i < t->field_count; i++) {
        t->fields[i].id = 0;
        forget_ids(&t->fields[i].type);
    }
}

static enum tarn_status schema_of_table(struct tarn__create *x, struct tarn_schema *out)
{
    const struct tarn_schema *from = tarn_metadata_schema(&x->like->metadata);
    TARN_TRY(tarn_schema_copy(x->r->op, from, out));
    x->keys = NULL;
    TARN_NEW_ARRAY(x->r->op, x->keys, from->identifier_count + 1);
    for (size_t i = 0; i < from->identifier_count; i++) {
        x->keys[i] = tarn_schema_path_of(x->r->op, from, from->identifier_ids[i]);
        if (!x->keys[i].ptr)
            return TARN_NOMEM;
    }
    x->key_count = from->identifier_count;
    forget_ids(&out->root);
    out->identifier_count = 0;
    return TARN_OK;
}

/* PRIMARY KEY makes its columns NOT NULL. */
static enum tarn_status set_keys(struct tarn__create *x, struct tarn_schema *s)
{
    struct tarn_str *paths;
    size_t n = 0;
    TARN_NEW_ARRAY(x->r->op, paths, x->key_count + x->column_count + 1);
    for (size_t i = 0; i < x->column_count; i++)
        if (x->columns[i].primary)
            paths[n++] = x->columns[i].field.name;
    for (size_t i = 0; i < x->key_count; i++) {
        struct tarn_field *f =
            (struct tarn_field *)(uintptr_t)tarn__column_named(&s->root, x->keys[i]);
        if (f)
            f->required = true;
        paths[n++] = x->keys[i];
    }
    return n ? tarn__identifier_ids(x->r->op, s, paths, n) : TARN_OK;
}

static enum tarn_status schema_of(struct tarn__create *x, int version, struct tarn_schema *out)
{
    int32_t next = 1;
    *out = (struct tarn_schema){.root.kind = TARN_TYPE_STRUCT};
    if (x->like)
        TARN_TRY(schema_of_table(x, out));
    else if (x->query.ptr && all_untyped(x))
        TARN_TRY(schema_of_query(x, out));
    else
        TARN_TRY(schema_of_columns(x, version, out));
    tarn_type_assign_ids(&out->root, &next);
    return set_keys(x, out);
}

/* ---- partitions and order */

static enum tarn_status add_partition(struct tarn__create *x, const struct tarn_schema *schema,
                                      struct tarn__words *w, struct tarn_create *out, size_t *cap)
{
    struct tarn__partition_item item = {0};
    struct tarn_partition_field field;
    size_t offset = w->token.begin;
    struct tarn_op *op = x->r->op;
    TARN_TRY(tarn__take_transform(w, schema, &item.transform, &item.source));
    if (tarn__take(w, "AS"))
        TARN_TRY(tarn__take_ident(w, &item.name));
    TARN_TRY(tarn__partition_field(op, schema, &item, &field));
    for (size_t i = 0; i < out->spec.field_count; i++)
        if (tarn_str_eq_nocase(out->spec.fields[i].name, field.name)) {
            (void)tarn_fail(op, TARN_INVALID, "two partition fields would be named \"%.*s\"",
                            TARN_STR_ARG(field.name));
            tarn__place_at(w, offset);
            return TARN_INVALID;
        }
    if (out->spec.field_count == *cap) {
        struct tarn_partition_field *grown;
        *cap = *cap ? *cap * 2 : 8;
        TARN_NEW_ARRAY(op, grown, *cap);
        if (out->spec.field_count)
            memcpy(grown, out->spec.fields, out->spec.field_count * sizeof *grown);
        out->spec.fields = grown;
    }
    field.field_id = 1000 + (int32_t)out->spec.field_count;
    out->spec.fields[out->spec.field_count++] = field;
    return TARN_OK;
}

/* The words of a piece of the statement, at their own places. */
static void words_of(struct tarn__create *x, struct tarn_str piece, struct tarn__words *w)
{
    size_t begin = tarn__offset(&x->r->words, piece);
    struct tarn_sql_text text = x->r->text;
    text.sql.len = begin + piece.len; /* what is behind the piece is not read */
    if (!text.whole.ptr)
        text.whole = x->r->text.sql;
    tarn__words_begin(w, x->r->op, text);
    while (!w->end && w->token.begin < begin)
        tarn__skip(w);
}

static enum tarn_status partitions(struct tarn__create *x, const struct tarn_schema *schema,
                                   struct tarn_create *out)
{
    size_t cap = 0;
    struct tarn__words w;
    if (x->partitions.len) {
        words_of(x, x->partitions, &w);
        do
            TARN_TRY(add_partition(x, schema, &w, out, &cap));
        while (tarn__take(&w, ","));
        TARN_TRY(tarn__expect_end(&w));
    }
    for (size_t i = 0; i < x->partition_text_count; i++) {
        tarn__words_begin(&w, x->r->op, (struct tarn_sql_text){.sql = x->partition_texts[i]});
        enum tarn_status status = add_partition(x, schema, &w, out, &cap);
        if (status == TARN_OK)
            status = tarn__expect_end(&w);
        if (status != TARN_OK) {
            tarn__place_at(&x->r->words, x->partition_texts_at);
            return status;
        }
    }
    return TARN_OK;
}

static enum tarn_status trino_order(struct tarn__create *x, const struct tarn_schema *schema,
                                    struct tarn_sort_order *out)
{
    TARN_NEW_ARRAY(x->r->op, out->fields, x->sort_text_count + 1);
    for (size_t i = 0; i < x->sort_text_count; i++) {
        struct tarn__words w;
        struct tarn_sort_order one = {0};
        tarn__words_begin(&w, x->r->op, (struct tarn_sql_text){.sql = x->sort_texts[i]});
        enum tarn_status status = tarn__take_order(&w, schema, &one);
        if (status == TARN_OK)
            status = tarn__expect_end(&w);
        if (status != TARN_OK) {
            tarn__place_at(&x->r->words, x->sort_texts_at);
            return status;
        }
        out->fields[out->field_count++] = one.fields[0];
    }
    return TARN_OK;
}

static enum tarn_status order(struct tarn__create *x, const struct tarn_schema *schema,
                              struct tarn_create *out)
{
    struct tarn__words w;
    struct tarn__write_order write;
    if (x->sort_text_count)
        TARN_TRY(trino_order(x, schema, &out->order));
    if (x->sorted.len) {
        words_of(x, x->sorted, &w);
        TARN_TRY(tarn__take_order(&w, schema, &out->order));
        TARN_TRY(tarn__expect_end(&w));
    }
    if (x->write_order.ptr) {
        words_of(x, x->write_order, &w);
        TARN_TRY(tarn__take_write_order(&w, schema, &write));
        TARN_TRY(tarn__expect_end(&w));
        out->order = write.order;
        if (write.distribution.ptr)
            TARN_TRY(tarn_kvs_with(x->r->op, &x->properties, TARN_STR("write.distribution-mode"),
                                   write.distribution, &x->properties));
    }
    out->order.order_id = out->order.field_count ? 1 : 0;
    return TARN_OK;
}

/* Partitions and order of the other table, by the paths of their columns. */
static enum tarn_status like_layout(struct tarn__create *x, const struct tarn_schema *schema,
                                    struct tarn_create *out)
{
    const struct tarn_metadata *m = &x->like->metadata;
    const struct tarn_schema *from = tarn_metadata_schema(m);
    const struct tarn_partition_spec *spec = tarn_metadata_spec(m);
    struct tarn_op *op = x->r->op;
    TARN_NEW_ARRAY(op, out->spec.fields, spec->field_count + 1);
    for (size_t i = 0; i < spec->field_count; i++) {
        struct tarn_partition_field f = spec->fields[i];
        struct tarn_str path = tarn_schema_path_of(op, from, f.source_id);
        const struct tarn_field *source = path.ptr ? tarn__field_at(&schema->root, path) : NULL;
        if (!source || f.transform.kind == TARN_TRANSFORM_VOID)
            continue;
        f.source_id = source->id;
        f.field_id = 1000 + (int32_t)out->spec.field_count;
        f.name = tarn_strdup(op, f.name);
        if (!f.name.ptr)
            return TARN_NOMEM;
        out->spec.fields[out->spec.field_count++] = f;
    }
    for (size_t i = 0; i < m->sort_order_count; i++) {
        const struct tarn_sort_order *o = &m->sort_orders[i];
        if (o->order_id != m->default_sort_order_id || o->field_count == 0)
            continue;
        TARN_NEW_ARRAY(op, out->order.fields, o->field_count);
        for (size_t k = 0; k < o->field_count; k++) {
            struct tarn_str path = tarn_schema_path_of(op, from, o->fields[k].source_id);
            const struct tarn_field *source = path.ptr ? tarn__field_at(&schema->root, path) : NULL;
            if (!source)
                continue;
            out->order.fields[out->order.field_count] = o->fields[k];
            out->order.fields[out->order.field_count++].source_id = source->id;
        }
        out->order.order_id = 1;
    }
    return TARN_OK;
}

/* Properties of the other table that say how it is written; not what its loads and models keep. */
static enum tarn_status like_properties(struct tarn__create *x)
{
    const struct tarn_kvs *from = &x->like->metadata.properties;
    struct tarn_op *op = x->r->op;
    struct tarn_str version = tarn_sprintf(op, "%d", x->like->metadata.format_version);
    struct tarn_kvs all = {0};
    if (!version.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_kvs_with(op, &all, TARN_STR("format-version"), version, &all));
    for (size_t i = 0; i < from->count; i++) {
        struct tarn_str key = tarn_strdup(op, from->items[i].key),
                        value = tarn_strdup(op, from->items[i].value);
        if (!key.ptr || !value.ptr)
            return TARN_NOMEM;
        if (!tarn_str_starts(key, TARN_STR("tarn.")))
            TARN_TRY(tarn_kvs_with(op, &all, key, value, &all));
    }
    for (size_t i = 0; i < x->properties.count; i++)
        TARN_TRY(tarn_kvs_with(op, &all, x->properties.items[i].key, x->properties.items[i].value,
                               &all));
    x->properties = all;
    return TARN_OK;
}

/* ---- all of it */

static enum tarn_status location(struct tarn__create *x, const struct tarn_table *old,
                                 struct tarn_str *out)
{
    struct tarn_str local;
    if (!x->location.ptr && old) {
        *out = tarn_strdup(x->r->op, old->metadata.location);
        return out->ptr ? TARN_OK : TARN_NOMEM;
    }
    if (!x->location.ptr)
        return tarn__location_of(x->r, x->target.ident, out);
    *out = x->location;
    while (out->len > 1 && out->ptr[out->len - 1] == '/')
        out->len--;
    return tarn_storage_local_path(x->r->sql->env->flow.lake->storage, x->r->op, *out, &local);
}

enum tarn_status tarn__create_definition(struct tarn__create *x, const struct tarn_table *old,
                                         struct tarn_create *out)
{
    struct tarn_op *op = x->r->op;
    struct tarn_schema *schema;
    *out = (struct tarn_create){0};
    TARN_NEW(op, schema);
    if (x->like)
        TARN_TRY(like_properties(x));
    TARN_TRY(schema_of(x, format_version(x, old), schema));
    out->schema = schema;
    TARN_TRY(location(x, old, &out->location));
    if (x->like)
        TARN_TRY(like_layout(x, schema, out));
    if (x->partitions.len || x->partition_text_count) {
        out->spec = (struct tarn_partition_spec){0};
        TARN_TRY(partitions(x, schema, out));
    }
    TARN_TRY(order(x, schema, out));
    return tarn_flow_properties(op, &x->properties, &out->properties);
}

/* call_register: register_table: a metadata file becomes a table of the catalog. */
#include "sql/call_int.h"

/* The metadata names files by absolute paths: what cannot be found now never will be. */
static enum tarn_status check_files(struct tarn__call *c, const struct tarn_table *t)
{
    struct tarn_manifest_list list;
    const struct tarn_lake *lake = c->run->sql->env->flow.lake;
    const struct tarn_snapshot *s = tarn_metadata_current(&t->metadata);
    if (!s)
        return TARN_OK;
    enum tarn_status status = tarn_table_manifests(lake, c->op, &t->metadata, s, &list);
    if (status == TARN_NOT_FOUND)
        tarn_hint(c->op, "Iceberg locations are absolute: a table that was moved cannot be "
                         "registered");
    return status;
}

static struct tarn_value total(const struct tarn_table *t, const char *key)
{
    const struct tarn_snapshot *s = tarn_metadata_current(&t->metadata);
    const struct tarn_str *text = s ? tarn_kvs_get(&s->summary, key) : NULL;
    struct tarn_value v = {.is_null = true};
    if (text && tarn_str_to_i64(*text, &v.i))
        v.is_null = false;
    return v;
}

/* The same files under two names: what one commits, the other does not see, and may remove. */
static enum tarn_status check_registered(struct tarn__call *c, const struct tarn__arg *file,
                                         const struct tarn_table *t)
{
    struct tarn_idents all;
    const struct tarn_lake *lake = c->run->sql->env->flow.lake;
    TARN_TRY(tarn_catalog_list_tables(lake->catalog, c->op, (struct tarn_str){NULL, 0}, &all));
    for (size_t i = 0; i < all.count; i++) {
        struct tarn_str location;
        TARN_TRY(tarn_catalog_load(lake->catalog, c->op, all.items[i], &location));
        if (tarn_str_eq(location, t->metadata_location))
            return tarn__fail_arg(c, file, TARN_EXISTS,
                                  "the metadata file is that of table %.*s.%.*s already",
                                  TARN_STR_ARG(all.items[i].ns), TARN_STR_ARG(all.items[i].name));
    }
    return TARN_OK;
}

enum tarn_status tarn__register_table(struct tarn__call *c)
{
    struct tarn_ident ident;
    struct tarn_table *t;
    struct tarn__list list;
    const struct tarn__arg *file = tarn__arg(c, "metadata_file");
    const struct tarn_lake *lake = c->run->sql->env->flow.lake;
    TARN_TRY(tarn__outside_transaction(c->run, "register_table"));
    TARN_TRY(tarn__arg_new_table(c, "table", &ident));
    enum tarn_status status = tarn_table_read(lake, c->op, ident, file->text, &t);
    if (status == TARN_NOT_FOUND)
        return tarn__fail_arg(c, file, TARN_NOT_FOUND, "there is no metadata file \"%.*s\"",
                              TARN_STR_ARG(file->text));
    TARN_TRY(status);
    TARN_TRY(check_registered(c, file, t));
    TARN_TRY(check_files(c, t));
    struct tarn_swap swap = {.ident = ident, .next = t->metadata_location};
    TARN_TRY(tarn_catalog_commit(lake->catalog, c->op, &swap, 1));
    struct tarn_value values[] = {tarn__long_or_null(t->metadata.current_snapshot_id, 0),
                                  total(t, "total-records"), total(t, "total-data-files")};
    TARN_TRY(tarn__list_begin(
        &list, c->run,
        "current_snapshot_id:long total_records_count:long total_data_files_count:long"));
    TARN_TRY(tarn__list_add(&list, values));
    return tarn__list_end(&list, "CALL");
}

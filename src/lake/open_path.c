/* open_path: the metadata file of a table's folder. */
#include "lake/open_path.h"

#include <string.h>

bool tarn_is_table_path(struct tarn_str text)
{
    return (text.len > 1 && text.ptr[0] == '/') || tarn_str_starts(text, TARN_STR("file:/"));
}

/* Writers put ".gz" behind or before ".metadata.json". */
static bool is_metadata_file(struct tarn_str path)
{
    return tarn_str_ends(path, TARN_STR(".metadata.json")) ||
           tarn_str_ends(path, TARN_STR(".metadata.json.gz"));
}

/* "v7.metadata.json", "00007-<uuid>.metadata.json": the number; -1 = no metadata file. */
static int64_t version_of(struct tarn_str path)
{
    struct tarn_str name = tarn_path_base(path), digits;
    int64_t n;
    if (!is_metadata_file(name))
        return -1;
    if (name.ptr[0] == 'v') {
        name = tarn_str_of(name.ptr + 1, name.len - 1);
        (void)tarn_str_cut(&name, '.', &digits);
    } else if (!tarn_str_cut(&name, '-', &digits)) {
        return -1;
    }
    return tarn_str_to_i64(digits, &n) && n >= 0 ? n : -1;
}

/* version-hint.text: "7", of the file v7.metadata.json. Absent: no hint. */
static enum tarn_status hinted(const struct tarn_lake *lake, struct tarn_op *op,
                               struct tarn_str folder, struct tarn_str *out)
{
    struct tarn_str text, path = tarn_path_join(op, folder, TARN_STR("version-hint.text"));
    struct tarn_object object;
    int64_t n;
    *out = (struct tarn_str){NULL, 0};
    if (!path.ptr)
        return TARN_NOMEM;
    enum tarn_status status = tarn_storage_read(lake->storage, op, path, &text);
    if (status == TARN_NOT_FOUND) {
        tarn_clear(op);
        return TARN_OK;
    }
    TARN_TRY(status);
    if (!tarn_str_to_i64(tarn_str_trim(text), &n) || n < 0)
        return tarn_fail(op, TARN_CORRUPT, "\"%.*s\" does not name a version", TARN_STR_ARG(path));
    path = tarn_path_join(op, folder, tarn_sprintf(op, "v%lld.metadata.json", (long long)n));
    if (!path.ptr)
        return TARN_NOMEM;
    status = tarn_storage_head(lake->storage, op, path, &object);
    if (status == TARN_NOT_FOUND) { /* the hint may be older than what was cleaned up */
        tarn_clear(op);
        return TARN_OK;
    }
    *out = path;
    return status;
}

static enum tarn_status newest(const struct tarn_lake *lake, struct tarn_op *op,
                               struct tarn_str folder, struct tarn_str *out)
{
    struct tarn_listing files;
    const struct tarn_object *best = NULL;
    int64_t best_version = -1;
    TARN_TRY(tarn_storage_list(lake->storage, op, folder, &files));
    for (size_t i = 0; i < files.count; i++) {
        const struct tarn_object *f = &files.objects[i];
        int64_t version = version_of(f->path);
        if (version < 0 || version < best_version ||
            (version == best_version && best && f->modified_us <= best->modified_us))
            continue;
        best = f;
        best_version = version;
    }
    if (best)
        *out = best->path;
    return TARN_OK;
}

enum tarn_status tarn_table_open_path(const struct tarn_lake *lake, struct tarn_op *op,
                                      struct tarn_str path, struct tarn_table **out)
{
    struct tarn_ident ident = {.ns = TARN_STR(""), .name = path};
    struct tarn_str folder, file;
    if (is_metadata_file(path))
        return tarn_table_read(lake, op, ident, path, out);
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    folder = tarn_path_join(op, path, TARN_STR("metadata"));
    if (!folder.ptr)
        return TARN_NOMEM;
    TARN_TRY(hinted(lake, op, folder, &file));
    if (!file.ptr)
        TARN_TRY(newest(lake, op, folder, &file));
    if (file.ptr)
        return tarn_table_read(lake, op, ident, file, out);
    (void)tarn_fail(op, TARN_NOT_FOUND, "there is no Iceberg table in \"%.*s\"",
                    TARN_STR_ARG(path));
    tarn_detail(op, "\"%.*s\" holds no metadata file", TARN_STR_ARG(folder));
    return TARN_NOT_FOUND;
}

/* write_paths: write.object-storage.enabled: data files in folders that are named by a hash of the
 * file's name, so that an object store spreads them: data/0101/0110/1001/10110010-<name>, as
 * Iceberg's ObjectStoreLocationProvider does it without partitions in the path.
 */
#include "engine/duckdb/write_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/folder.h"

#define HASH_BITS 20

/* The low bits of the spec's murmur3 hash of the name. */
static enum tarn_status hash_of(struct tarn_op *op, struct tarn_str name, char *out)
{
    const struct tarn_transform bucket = {.kind = TARN_TRANSFORM_BUCKET, .param = 1 << HASH_BITS};
    const struct tarn_type text = {.kind = TARN_TYPE_STRING};
    const struct tarn_value v = {.bytes = name};
    struct tarn_value hash;
    TARN_TRY(tarn_transform_apply(op, &bucket, &text, &v, &hash));
    for (int i = 0; i < HASH_BITS; i++)
        out[i] = hash.i >> (HASH_BITS - 1 - i) & 1 ? '1' : '0';
    out[HASH_BITS] = '\0';
    return TARN_OK;
}

static enum tarn_status move(struct tarn_op *op, struct tarn_str folder, struct tarn_data_file *f)
{
    char h[HASH_BITS + 1];
    struct tarn_str name = tarn_path_base(f->path);
    TARN_TRY(hash_of(op, name, h));
    struct tarn_str below = tarn_sprintf(op, "%.*s/%.4s/%.4s/%.4s", TARN_STR_ARG(folder), h, h + 4,
                                         h + 8),
                    path = tarn_sprintf(op, "%s/%s-%.*s", below.ptr ? below.ptr : "", h + 12,
                                        TARN_STR_ARG(name)),
                    from = tarn_strdup(op, f->path);
    if (!below.ptr || !path.ptr || !from.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_folder_make(op, below.ptr));
    if (rename(from.ptr, path.ptr) != 0)
        return tarn_fail_errno(op, errno, "could not move a data file to \"%s\"", path.ptr);
    f->path = path;
    return TARN_OK;
}

enum tarn_status tarn__spread(struct tarn_op *op, struct tarn_str folder,
                              struct tarn_written *written)
{
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; status == TARN_OK && i < written->count; i++)
        status = move(op, folder, &written->files[i]);
    for (size_t i = 0; status != TARN_OK && i < written->count; i++)
        (void)unlink(written->files[i].path.ptr);
    return status;
}

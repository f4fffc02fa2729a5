/* room: cli */
/* fuzz_init: names and first bytes of files that `tarn init` looks at. The first byte of the input
 * picks what the rest is. */
#include <stdlib.h>

#include "cli/init.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sniff(struct tarn_str head, uint8_t how)
{
    struct tarn__init_sniff s;
    static const enum tarn_file_format families[] = {TARN_FILE_JSON, TARN_FILE_CSV,
                                                     TARN_FILE_PARQUET};
    tarn__init_sniff(head, families[how % 3], how & 4, &s);
    TARN_ASSERT(s.delimiter != 0);
    (void)tarn__init_family(head);
}

static void name(struct tarn_op *op, struct tarn_str path, bool glued)
{
    struct tarn__init_name n;
    if (tarn__init_name(op, path, glued, &n) != TARN_OK)
        return;
    struct tarn_str joined = tarn__init_join(op, n.folder, n.stem);
    struct tarn_str word = tarn__init_word(op, joined, "stream");
    TARN_ASSERT(word.ptr && word.len > 0 && word.len <= 110);
    TARN_ASSERT(n.below.len <= n.glob.len);
    (void)tarn__init_is_money(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    if (size < 2 || size > 100000)
        return 0;
    char *copy = malloc(size - 1); /* reads past the end are found */
    if (!copy || tarn_op_init(&op, 0, 0) != TARN_OK)
        abort();
    memcpy(copy, data + 1, size - 1);
    struct tarn_str text = tarn_str_of(copy, size - 1);
    if (data[0] & 8)
        sniff(text, data[0]);
    else
        name(&op, text, data[0] & 1);
    tarn_op_release(&op);
    free(copy);
    return 0;
}

/* json_checksum: see the header. */
#include "format/iceberg/json_checksum.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

#define BEGIN  "{\"" TARN__JSON_CHECKSUM_KEY "\":\""
#define ZEROS  "00000000"
#define DIGITS (sizeof ZEROS - 1)
#define AT     (sizeof BEGIN - 1)

void tarn__json_checksum_put(struct tarn_json_writer *w)
{
    tarn_json_member_str(w, TARN__JSON_CHECKSUM_KEY, TARN_STR(ZEROS));
}

static bool begins(struct tarn_str json)
{
    return json.len >= AT + DIGITS && memcmp(json.ptr, BEGIN, AT) == 0;
}

static void digits_of(struct tarn_str json, char out[DIGITS + 1])
{
    uint32_t crc = tarn_crc32(0, json.ptr, AT);
    crc = tarn_crc32(crc, ZEROS, DIGITS);
    crc = tarn_crc32(crc, json.ptr + AT + DIGITS, json.len - AT - DIGITS);
    (void)snprintf(out, DIGITS + 1, "%08x", (unsigned)crc);
}

void tarn__json_checksum_set(struct tarn_buf *complete)
{
    char digits[DIGITS + 1];
    if (complete->failed)
        return;
    TARN_ASSERT(begins(tarn_buf_view(complete)));
    digits_of(tarn_buf_view(complete), digits);
    memcpy(complete->ptr + AT, digits, DIGITS);
}

enum tarn_status tarn__json_checksum_check(struct tarn_op *op, struct tarn_str json,
                                           const char *what)
{
    char digits[DIGITS + 1];
    if (!begins(json))
        return TARN_OK;
    digits_of(json, digits);
    if (memcmp(json.ptr + AT, digits, DIGITS) == 0)
        return TARN_OK;
    (void)tarn_fail(op, TARN_CORRUPT, "could not read \"%s\": its checksum does not match", what);
    tarn_hint(op, "if it was edited by hand, remove its first member, \"%s\"",
              TARN__JSON_CHECKSUM_KEY);
    return TARN_CORRUPT;
}

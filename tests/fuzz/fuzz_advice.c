/* room: engine
 *
 * Advice on statements that could not be read: whatever the text and the place, the report keeps its
 * status, message and place, and a hint that was there stays. */
#include <string.h>

#include "engine/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const messages[] = {"syntax error at or near \"x\"",
                                       "expected TABLE, found x",
                                       "expected the end of the statement, found x",
                                       "ALTER TABLE has no x",
                                       "cannot read type \"x\": there is no type \"x\"",
                                       "column \"x\" not found",
                                       "VACUUM is not in this version"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    if (size < 3 || tarn_op_init(&op, 1 << 20, 1 << 20) != TARN_OK)
        return 0;
    const char *message = messages[data[0] % (sizeof messages / sizeof messages[0])];
    struct tarn_sql_text text = {.sql = tarn_str_of(data + 3, size - 3), .line0 = 1};
    enum tarn_status status = data[0] & 128 ? TARN_COLUMN : TARN_SQL;
    (void)tarn_fail(&op, status, "%s", message);
    op.report.line = 1 + data[1] % 4;
    op.report.column = data[2];
    tarn_sql_advise(&op, &text);
    TARN_ASSERT(op.report.status == status && strcmp(op.report.message, message) == 0);
    char hint[TARN_REPORT_TEXT];
    memcpy(hint, op.report.hint, sizeof hint);
    if (hint[0] && !strstr(message, "ALTER TABLE has no"))
        tarn_sql_advise(&op, &text);
    TARN_ASSERT(strcmp(hint, op.report.hint) == 0);
    tarn_op_release(&op);
    return 0;
}

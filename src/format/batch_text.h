/* batch_text: one value of a column as text, JSON or CSV. Timestamps "2024-02-29
 * 12:34:56.789012" (+00 for timestamptz) in tables and CSV,
 * RFC 3339 in JSON; decimals with all digits of their scale (JSON: a string would lose the type,
 * so a number's digits); binary as text with \xNN for bytes
 * that do not print (tables), base64 (JSON), hex (CSV); nested values as JSON in CSV, {a: 1, b:
 * [..]} in tables. */
#ifndef TARN_FORMAT_BATCH_TEXT_H
#define TARN_FORMAT_BATCH_TEXT_H

#include "format/batch.h"
#include "format/iceberg/value.h"

/* "NULL" for null */
void tarn_column_text(struct tarn_buf *b, const struct tarn_column *c, size_t row);
void tarn_column_json(struct tarn_json_writer *w, const struct tarn_column *c, size_t row);
/* quoted where needed; null = empty, empty text = "" */
void tarn_column_csv(struct tarn_buf *b, const struct tarn_column *c, size_t row, char delimiter);
/* A primitive value; bytes are borrowed. */
struct tarn_value tarn_column_value(const struct tarn_column *c, size_t row);

#endif

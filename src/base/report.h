/* report: a failure as people and programs read it.
 *
 *     error[T0231]: column "amout" not found in raw.orders
 *       --> models/x.sql:3:8
 *       |
 *     3 | select amout from raw.orders
 *       |        ^
 *     detail: ...
 *     while planning model gold.daily
 *     hint: did you mean "amount"?
 */
#ifndef TARN_BASE_REPORT_H
#define TARN_BASE_REPORT_H

#include "base/json.h"
#include "base/op.h"

struct tarn_report_style {
    bool colour; /* ANSI escapes: only when the text goes to a terminal */
};
/* Appends whole lines. Control characters of the texts are shown escaped, so that a report
 * cannot drive the terminal. */
void tarn_report_text(struct tarn_buf *b, const struct tarn_report *report,
                      struct tarn_report_style style);
/* {"v":1,"code":"T0231","name":"COLUMN","sqlstate":"42703","retry":"never","message":...,
 *  "detail":...,"hint":...,"place":{"file":...,"line":3,"column":8},"while":[...]}
 * Members without a value are left out. */
void tarn_report_json(struct tarn_json_writer *w, const struct tarn_report *report);

#endif

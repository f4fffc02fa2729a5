/* view_int: what view*.c share. */
#ifndef TARN_FORMAT_ICEBERG_VIEW_INT_H
#define TARN_FORMAT_ICEBERG_VIEW_INT_H

#include "format/iceberg/metadata_int.h"
#include "format/iceberg/view.h"

#define TARN__VIEW_NAMESPACE "default-namespace"

/* Ids stand once, the current version and its schema are there. A breach is `status`. */
enum tarn_status tarn__view_check(struct tarn_op *op, const struct tarn_view_metadata *m,
                                  enum tarn_status status) TARN_MUST_USE;

#endif

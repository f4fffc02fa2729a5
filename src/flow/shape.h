/* shape: what the values of a stream have looked like so far; the published type lattice
 * (docs/types.md).
 *
 * A shape is a tree of what was seen at each place of the documents: a join-semilattice, so that
 * the result does not depend on the order or the split of the input
 * into batches, files or runs (join is commutative, associative, idempotent: property tests). It
 * goes into a table property as JSON
 * and comes back at the next run. From a shape follows the column type:
 *
 *   nothing but null                       -> string (marked unseen by the shape: the first
 *   typed value decides)
 *   true/false                             -> boolean
 *   numbers, all integers within int64     -> long
 *   numbers, each one printed back by a double's shortest form (an integer must be within 2^53),
 *   no $numberDecimal -> double
 *   numbers, all with <= 38 digits when written plainly: decimal(38, s), s = most fraction
 *   digits seen, if the most integer digits + s <= 38
 *   other mixes of numbers                 -> string (the digits as they stood)
 *   $numberDecimal                         -> decimal as above, never double; NaN/Infinity of
 *   it: string
 *   $numberDouble                          -> double, NaN and infinities included; mixed with
 *   integers within 2^53: double
 *   text -> string; $oid -> string; $date -> timestamptz; $binary -> binary, subtype 4 and $uuid
 *   -> uuid; ISO text stays string
 *   arrays -> list of the join of their elements (empty: element unseen); documents -> struct of
 *   all keys in order of first sight
 *   different kinds (text with number, scalar with document, list with scalar ...) -> string:
 *   text as it is, anything else as its JSON text
 *
 * Keys: spelling of the first seen wins, other cases of the same letters (ASCII) go to the same
 * column (a document with both is a dead letter), order of fields by
 * first sight (file order, then offset). A document's own ingest_ts, _source_file,
 * _source_offset become doc_ingest_ts, ... A key that is empty or holds a NUL is a dead letter.
 */
#ifndef TARN_FLOW_SHAPE_H
#define TARN_FLOW_SHAPE_H

#include "format/iceberg/type.h"

struct tarn_shape;

/* heap; NULL after TARN_NOMEM; the shape of nothing */
struct tarn_shape *tarn_shape_new(struct tarn_op *op);
void tarn_shape_free(struct tarn_shape *s);
enum tarn_status tarn_shape_join(struct tarn_op *op, struct tarn_shape *into,
                                 const struct tarn_shape *from) TARN_MUST_USE;
bool tarn_shape_eq(const struct tarn_shape *a, const struct tarn_shape *b);
enum tarn_status tarn_shape_to_json(struct tarn_op *op, const struct tarn_shape *s,
                                    struct tarn_str *out) TARN_MUST_USE;
enum tarn_status tarn_shape_from_json(struct tarn_op *op, struct tarn_str json,
                                      struct tarn_shape **out) TARN_MUST_USE;
/* The best guess for a table that has no shape (made by others): everything within its types. */
enum tarn_status tarn_shape_from_type(struct tarn_op *op, const struct tarn_type *t,
                                      struct tarn_shape **out) TARN_MUST_USE;

/* Declared columns win: {path "lines.element.debit", type}. A declared path that was never seen
 * still makes its column. */
struct tarn_declared {
    struct tarn_str path;
    struct tarn_type type;
};
/* The document's columns as a STRUCT, ids 0, all optional. */
enum tarn_status tarn_shape_type(struct tarn_op *op, const struct tarn_shape *s,
                                 const struct tarn_declared *declared, size_t declared_count,
                                 struct tarn_type *out) TARN_MUST_USE;

#endif

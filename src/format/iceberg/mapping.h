/* mapping: a name mapping (spec "Column Projection", "Name Mapping Serialization"): which field a
 * column of a file without field ids is, by its name, level by level.
 *
 *   [{"field-id": 1, "names": ["id", "record_id"]},
 *    {"field-id": 2, "names": ["at"], "fields": [{"field-id": 3, "names": ["x"]}]}]
 *
 * A level is a JSON array of entries; NULL is one without any. Lists have a level with "element"
 * below them, maps one with "key" and "value".
 */
#ifndef TARN_FORMAT_ICEBERG_MAPPING_H
#define TARN_FORMAT_ICEBERG_MAPPING_H

#include "base/json.h"

/* TARN_CORRUPT for what is no mapping, for a name that stands in two entries of one level, and for
 * an id in two entries. */
enum tarn_status tarn_mapping_parse(struct tarn_op *op, struct tarn_str text,
                                    const struct tarn_json **out) TARN_MUST_USE;
/* NULL: none. */
const struct tarn_json *tarn_mapping_by_id(const struct tarn_json *level, int32_t id);
const struct tarn_json *tarn_mapping_by_name(const struct tarn_json *level, struct tarn_str name);
/* entry may be NULL below. */
bool tarn_mapping_has_name(const struct tarn_json *entry, struct tarn_str name);
int32_t tarn_mapping_id(const struct tarn_json *entry); /* 0 = none */
/* The first of its names; the others follow by `next`. NULL if there are none. */
const struct tarn_json *tarn_mapping_names(const struct tarn_json *entry);
const struct tarn_json *tarn_mapping_below(const struct tarn_json *entry);

#endif

/* random: bytes from the kernel, good enough for keys and ids. */
#ifndef TARN_BASE_RANDOM_H
#define TARN_BASE_RANDOM_H

#include "base/op.h"

#define TARN_UUID_TEXT_MAX 37 /* 36 characters and the zero */

enum tarn_status tarn_random_bytes(struct tarn_op *op, void *p, size_t n) TARN_MUST_USE;
/* "f79c3e09-677c-4bbd-a479-3f349cb785e7", version 4 (RFC 9562, section 5.4) */
enum tarn_status tarn_uuid_v4(struct tarn_op *op, char out[TARN_UUID_TEXT_MAX]) TARN_MUST_USE;

#endif

/* hash: published functions, own code. None of them is meant against an adversary who chooses
 * keys for a table; tarn_hash64 takes a seed for that. Results never depend on the machine's
 * byte order.
 */
#ifndef TARN_BASE_HASH_H
#define TARN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH64 (xxHash specification 0.1.1): sketches, tables, checksums of our own blocks. */
uint64_t tarn_hash64(const void *p, size_t n, uint64_t seed);
/* Murmur3 x86 32 bits: the hash of Iceberg's bucket transform (seed 0). */
uint32_t tarn_murmur3_32(const void *p, size_t n, uint32_t seed);
/* CRC-32 of ISO 3309 (zlib's, Puffin's deletion vectors). Start with 0; feed pieces by passing
 * the last result. */
uint32_t tarn_crc32(uint32_t crc, const void *p, size_t n);

#endif

/*
 * FNV-1a, 64 bits: a hash for tables, not against an attacker who chooses the
 * keys.
 */
#ifndef SX_BASE_HASH_H
#define SX_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define SX_HASH_START 14695981039346656037ULL

/* h: SX_HASH_START, or the hash of what stands before these n bytes. */
static inline uint64_t sx_hash(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 1099511628211ULL;
	return h;
}

#endif

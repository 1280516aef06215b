/*
 * Bounded big-endian writing and reading of wire formats.
 *
 * A writer that runs out of room and a reader that runs out of bytes go into
 * a failed state and stay there; the caller checks once, at the end.
 * Integers are in host order here and big-endian on the wire.
 */
#ifndef SX_BASE_BYTES_H
#define SX_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sx_writer {
	uint8_t *buf; /* borrowed */
	size_t cap;
	size_t len;
	bool failed;
};

struct sx_reader {
	const uint8_t *buf; /* borrowed */
	size_t len;
	size_t pos;
	bool failed;
};

void sx_put_u8(struct sx_writer *w, uint8_t v);
void sx_put_u16(struct sx_writer *w, uint16_t v);
void sx_put(struct sx_writer *w, const void *bytes, size_t n);

/* These return 0, and sx_get leaves out untouched, when bytes are missing. */
uint8_t sx_get_u8(struct sx_reader *r);
uint16_t sx_get_u16(struct sx_reader *r);
void sx_get(struct sx_reader *r, void *out, size_t n);

#endif

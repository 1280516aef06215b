#include "base/bytes.h"

#include <string.h>

void sx_put(struct sx_writer *w, const void *bytes, size_t n)
{
	if (w->failed || n > w->cap - w->len) {
		w->failed = true;
		return;
	}
	if (n)
		memcpy(w->buf + w->len, bytes, n);
	w->len += n;
}

void sx_put_u8(struct sx_writer *w, uint8_t v)
{
	sx_put(w, &v, 1);
}

void sx_put_u16(struct sx_writer *w, uint16_t v)
{
	sx_put(w, (uint8_t[]){v >> 8, v & 0xff}, 2);
}

void sx_get(struct sx_reader *r, void *out, size_t n)
{
	if (r->failed || n > r->len - r->pos) {
		r->failed = true;
		return;
	}
	if (n)
		memcpy(out, r->buf + r->pos, n);
	r->pos += n;
}

uint8_t sx_get_u8(struct sx_reader *r)
{
	uint8_t v = 0;
	sx_get(r, &v, 1);
	return v;
}

uint16_t sx_get_u16(struct sx_reader *r)
{
	uint8_t v[2] = {0};
	sx_get(r, v, 2);
	return (uint16_t)(v[0] << 8 | v[1]);
}

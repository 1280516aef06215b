/*
 * The name server of `socksify leaktest`: it knows one name.
 */
#include "leak_serve.h"

#include "base/bytes.h"

#include <string.h>

#define HEAD 12 /* RFC 1035, 4.1.1 */
enum {
	TYPE_A = 1,
	TYPE_PTR = 12,
	TYPE_AAAA = 28,
};

/* Where the first question ends, and its type; 0: there is none. */
static size_t read_question(const uint8_t *buf, size_t n, uint16_t *type)
{
	struct sx_reader r = {.buf = buf, .len = n, .pos = HEAD};
	uint8_t label[64], len;

	while ((len = sx_get_u8(&r))) {
		if (len >= sizeof(label))
			return 0;
		sx_get(&r, label, len);
	}
	*type = sx_get_u16(&r);
	sx_get_u16(&r); /* class */
	return r.failed ? 0 : r.pos;
}

/* RFC 1035, 3.1: labels, each behind its length. */
static size_t write_name(const char *name, uint8_t out[SX_NAME_MAX + 2])
{
	struct sx_writer w = {.buf = out, .cap = SX_NAME_MAX + 2};

	while (*name) {
		size_t n = strcspn(name, ".");
		sx_put_u8(&w, (uint8_t)n);
		sx_put(&w, name, n);
		name += n + (name[n] == '.');
	}
	sx_put_u8(&w, 0);
	return w.failed ? 0 : w.len;
}

static void write_record(
	struct sx_writer *w, uint16_t type, const void *data, size_t n)
{
	sx_put_u16(w, 0xc000 | HEAD); /* the name of the question */
	sx_put_u16(w, type);
	sx_put_u16(w, 1); /* IN */
	sx_put_u16(w, 0); /* time to live, in seconds */
	sx_put_u16(w, 60);
	sx_put_u16(w, (uint16_t)n);
	sx_put(w, data, n);
}

size_t sx_leak_dns_answer(
	const struct sx_leak_plan *plan, uint8_t *buf, size_t n, size_t size)
{
	struct sx_writer w = {.buf = buf, .cap = size};
	uint8_t name[SX_NAME_MAX + 2];
	uint16_t type;
	size_t end =
		n < HEAD || buf[2] & 0x80 ? 0 : read_question(buf, n, &type);

	if (!end)
		return 0;
	w.len = end;
	if (type == TYPE_A)
		write_record(&w, type, plan->target4.bytes, 4);
	else if (type == TYPE_AAAA)
		write_record(&w, type, plan->target6.bytes, 16);
	else if (type == TYPE_PTR)
		write_record(&w, type, name, write_name(plan->name, name));
	buf[2] |= 0x84; /* an answer, with authority */
	buf[3] = 0x80;  /* recursion available, no error */
	memcpy(buf + 4, "\0\1\0\0\0\0\0\0", 8);
	buf[7] = w.len > end;
	return w.failed ? 0 : w.len;
}

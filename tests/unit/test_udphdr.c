/*
 * The header of SOCKS5 datagrams, as tables of bytes.
 */
#include "proto/udphdr.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(text)    (text), sizeof(text) - 1
#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define PAYLOAD       "payload"

#define N10  "abcdefghi."
#define N50  N10 N10 N10 N10 N10
#define N253 N50 N50 N50 N50 N50 "com"

static struct sx_dest dest_of(const char *host, uint16_t port)
{
	struct sx_dest dest = {.transport = SX_TRANSPORT_UDP, .port = port};

	if (sx_ip_parse(host, &dest.ip)) {
		dest.kind = SX_DEST_NAME;
		sx_name_copy(dest.name, host);
	}
	return dest;
}

static const struct {
	const char *host;
	uint16_t port;
	const char *bytes;
	size_t n;
} rows[] = {
	{"192.0.2.1", 0x0102, TEXT("\0\0\0\1\xc0\0\2\1\1\2")},
	{"0.0.0.0", 0, TEXT("\0\0\0\1\0\0\0\0\0\0")},
	{"2001:db8::1", 0xffff,
		TEXT("\0\0\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\xff\xff")},
	/* what is IPv4 is sent as IPv4: some servers take no other form */
	{"::ffff:192.0.2.1", 53, TEXT("\0\0\0\1\xc0\0\2\1\0\x35")},
	{"example.org", 443,
		TEXT("\0\0\0\3\x0b"
		     "example.org\1\xbb")},
	{"a", 1,
		TEXT("\0\0\0\3\1"
		     "a\0\1")},
	{N253, 0x1234, TEXT("\0\0\0\3\xfd" N253 "\x12\x34")},
};

START_TEST(a_header_says_where_a_datagram_goes)
{
	uint8_t out[SX_UDPHDR_MAX];

	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct sx_dest dest = dest_of(rows[i].host, rows[i].port);
		memset(out, 0xaa, sizeof(out));
		ck_assert_uint_eq(sx_udphdr_encode(out, &dest), rows[i].n);
		ck_assert_mem_eq(out, rows[i].bytes, rows[i].n);
	}
}
END_TEST

START_TEST(what_is_no_destination_has_no_header)
{
	uint8_t out[SX_UDPHDR_MAX];
	struct sx_dest dest = {.kind = SX_DEST_NAME, .port = 1};

	ck_assert_uint_eq(sx_udphdr_encode(out, &dest), 0);
	memset(dest.name, 'a', sizeof(dest.name)); /* without an end */
	ck_assert_uint_eq(sx_udphdr_encode(out, &dest), 0);
	dest = (struct sx_dest){.kind = SX_DEST_IP, .port = 1};
	ck_assert_uint_eq(sx_udphdr_encode(out, &dest), 0);
	dest.ip.family = AF_UNIX;
	ck_assert_uint_eq(sx_udphdr_encode(out, &dest), 0);
}
END_TEST

/* From memory of just that size, so that a sanitizer sees a byte too many. */
static enum sx_udphdr_result decode(
	const char *bytes, size_t n, struct sx_dest *from, size_t *len)
{
	uint8_t *exact = malloc(n ? n : 1);

	*len = 99;
	memset(from, 0xaa, sizeof(*from));
	memcpy(exact, bytes, n);
	enum sx_udphdr_result r = sx_udphdr_decode(exact, n, from, len);
	free(exact);
	return r;
}

START_TEST(a_header_says_where_a_datagram_came_from)
{
	char bytes[SX_UDPHDR_MAX + sizeof(PAYLOAD)];
	struct sx_dest from;
	size_t len;

	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct sx_dest dest = dest_of(rows[i].host, rows[i].port);
		memcpy(bytes, rows[i].bytes, rows[i].n);
		memcpy(bytes + rows[i].n, PAYLOAD, sizeof(PAYLOAD));
		for (size_t more = 0; more <= sizeof(PAYLOAD); more++) {
			ck_assert_int_eq(
				decode(bytes, rows[i].n + more, &from, &len),
				SX_UDPHDR_OK);
			ck_assert_uint_eq(len, rows[i].n);
			ck_assert_mem_eq(&from, &dest, sizeof(dest));
		}
	}
}
END_TEST

START_TEST(v_19_what_ends_within_the_header_is_short)
{
	struct sx_dest from;
	size_t len;

	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		for (size_t n = 0; n < rows[i].n; n++) {
			ck_assert_int_eq(decode(rows[i].bytes, n, &from, &len),
				SX_UDPHDR_SHORT);
			ck_assert_uint_eq(len, 0);
		}
	}
}
END_TEST

#define N255 N253 "mm"

static const struct {
	const char *bytes;
	size_t n;
	enum sx_udphdr_result result;
	const char *host; /* of the source */
} odd[] = {
	{TEXT("\0\0\1\1\xc0\0\2\1\1\2"), SX_UDPHDR_FRAGMENT, NULL},
	{TEXT("\0\0\xff"), SX_UDPHDR_FRAGMENT, NULL},
	{TEXT("\0\0\x80\3\1a\0\1"), SX_UDPHDR_FRAGMENT, NULL},
	{TEXT("\0\0\0\0\xc0\0\2\1\1\2"), SX_UDPHDR_ADDRESS, NULL},
	{TEXT("\0\0\0\2\xc0\0\2\1\1\2"), SX_UDPHDR_ADDRESS, NULL},
	{TEXT("\0\0\0\5\xc0\0\2\1\1\2"), SX_UDPHDR_ADDRESS, NULL},
	/* the reserved bytes are nothing to us */
	{TEXT("\5\1\0\1\xc0\0\2\1\1\2"), SX_UDPHDR_OK, "192.0.2.1"},
	{TEXT("\0\0\0\4\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1\1\2"),
		SX_UDPHDR_OK, "192.0.2.1"},
	{TEXT("\0\0\0\3\x09"
	      "192.0.2.1\1\2"),
		SX_UDPHDR_OK, "192.0.2.1"},
	{TEXT("\0\0\0\3\3::1\1\2"), SX_UDPHDR_OK, "::1"},
	{TEXT("\0\0\0\3\5"
	      "A.oRg\1\2"),
		SX_UDPHDR_OK, "a.org"},
	{TEXT("\0\0\0\3\2"
	      "a.\1\2"),
		SX_UDPHDR_OK, "a"},
	/* names that no host has are equal to none */
	{TEXT("\0\0\0\3\0\1\2"), SX_UDPHDR_OK, ""},
	{TEXT("\0\0\0\3\3"
	      "a\0b\1\2"),
		SX_UDPHDR_OK, ""},
	{TEXT("\0\0\0\3\3a b\1\2"), SX_UDPHDR_OK, ""},
	{TEXT("\0\0\0\3\xff" N255 "\1\2"), SX_UDPHDR_OK, ""},
};

START_TEST(v_19_what_is_odd_is_known_by_its_cause)
{
	struct sx_dest from;
	size_t len;

	for (size_t i = 0; i < N_ELEMENTS(odd); i++) {
		enum sx_udphdr_result r =
			decode(odd[i].bytes, odd[i].n, &from, &len);
		ck_assert_msg(r == odd[i].result, "row %zu: %d", i, r);
		if (r) {
			ck_assert_uint_eq(len, 0);
			continue;
		}
		struct sx_dest dest = dest_of(odd[i].host, 0x0102);
		ck_assert_uint_eq(len, odd[i].n);
		ck_assert_int_eq(from.kind, dest.kind);
		ck_assert_uint_eq(from.port, dest.port);
		if (from.kind == SX_DEST_NAME)
			ck_assert_str_eq(from.name, dest.name);
		else
			ck_assert(sx_ip_equal(&from.ip, &dest.ip));
	}
}
END_TEST

START_TEST(the_longest_header_is_262_bytes)
{
	ck_assert_uint_eq(odd[N_ELEMENTS(odd) - 1].n, SX_UDPHDR_MAX);
	ck_assert_uint_eq(SX_UDPHDR_MAX, 262);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("udphdr");
	TCase *t = tcase_create("udphdr");

	tcase_add_test(t, a_header_says_where_a_datagram_goes);
	tcase_add_test(t, what_is_no_destination_has_no_header);
	tcase_add_test(t, a_header_says_where_a_datagram_came_from);
	tcase_add_test(t, v_19_what_ends_within_the_header_is_short);
	tcase_add_test(t, v_19_what_is_odd_is_known_by_its_cause);
	tcase_add_test(t, the_longest_header_is_262_bytes);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

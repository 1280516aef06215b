/*
 * Bytes, prefixes and ports, time, error texts.
 */
#include "unit.h"

#include "base/bytes.h"
#include "base/cidr.h"
#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(integers_are_written_big_endian)
{
	uint8_t buf[8] = {0};
	struct sx_writer w = {.buf = buf, .cap = sizeof(buf)};

	sx_put_u8(&w, 0xfe);
	sx_put_u16(&w, 0x0102);
	sx_put(&w, "abc", 3);
	sx_put(&w, NULL, 0);
	sx_put_u16(&w, 0xfffe);
	ck_assert(!w.failed);
	ck_assert_uint_eq(w.len, 8);
	ck_assert_mem_eq(buf,
		"\xfe\x01\x02"
		"abc\xff\xfe",
		8);
}
END_TEST

START_TEST(a_full_writer_fails_for_good_and_writes_nothing_more)
{
	uint8_t buf[4] = {9, 9, 9, 9};
	struct sx_writer w = {.buf = buf, .cap = 3};

	sx_put_u16(&w, 0x0102);
	sx_put_u16(&w, 0x0304);
	ck_assert(w.failed);
	sx_put_u8(&w, 5); /* would fit */
	ck_assert(w.failed);
	ck_assert_uint_eq(w.len, 2);
	ck_assert_mem_eq(buf, ((uint8_t[]){1, 2, 9, 9}), 4);
	sx_put(&w, buf, SIZE_MAX);
	ck_assert(w.failed);
}
END_TEST

START_TEST(integers_are_read_big_endian)
{
	const uint8_t buf[] = {0xfe, 1, 2, 'a', 'b', 'c'};
	struct sx_reader r = {.buf = buf, .len = sizeof(buf)};
	char text[3];

	ck_assert_uint_eq(sx_get_u8(&r), 0xfe);
	ck_assert_uint_eq(sx_get_u16(&r), 0x0102);
	sx_get(&r, text, 3);
	ck_assert_mem_eq(text, "abc", 3);
	sx_get(&r, NULL, 0);
	ck_assert(!r.failed);
	ck_assert_uint_eq(r.pos, 6);
}
END_TEST

START_TEST(an_empty_reader_fails_for_good_and_gives_zeros)
{
	const uint8_t buf[] = {1, 2, 3};
	struct sx_reader r = {.buf = buf, .len = sizeof(buf)};
	char text[4] = "xyz";

	sx_get(&r, text, 4);
	ck_assert_str_eq(text, "xyz");
	ck_assert(r.failed);
	ck_assert_uint_eq(sx_get_u8(&r), 0); /* would be there */
	ck_assert_uint_eq(sx_get_u16(&r), 0);
	ck_assert_uint_eq(r.pos, 0);
	r = (struct sx_reader){.buf = buf, .len = 1};
	ck_assert_uint_eq(sx_get_u16(&r), 0);
	ck_assert(r.failed);
}
END_TEST

static TCase *bytes(void)
{
	TCase *c = tcase_create("bytes");

	tcase_add_test(c, integers_are_written_big_endian);
	tcase_add_test(c, a_full_writer_fails_for_good_and_writes_nothing_more);
	tcase_add_test(c, integers_are_read_big_endian);
	tcase_add_test(c, an_empty_reader_fails_for_good_and_gives_zeros);
	return c;
}

static struct sx_cidr cidr_of(const char *text)
{
	struct sx_cidr cidr;

	ck_assert_msg(sx_cidr_parse(text, &cidr) == 0, "%s", text);
	return cidr;
}

START_TEST(prefixes_parse_and_lose_their_host_bits)
{
	static const struct {
		const char *text, *ip;
		unsigned len;
	} table[] = {
		{"10.0.0.0/8", "10.0.0.0", 8},
		{"10.1.2.3/8", "10.0.0.0", 8},
		{"192.0.2.1", "192.0.2.1", 32},
		{"192.0.2.255/25", "192.0.2.128", 25},
		{"255.255.255.255/31", "255.255.255.254", 31},
		{"192.0.2.1/0", "0.0.0.0", 0},
		{"2001:db8::/32", "2001:db8::", 32},
		{"[2001:db8::]/32", "2001:db8::", 32},
		{"[2001:db8::1]", "2001:db8::1", 128},
		{"2001:db8:ffff::/33", "2001:db8:8000::", 33},
		{"ffff::ffff/127", "ffff::fffe", 127},
		{"ffff::1/0", "::", 0},
	};
	char buf[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < COUNT(table); i++) {
		struct sx_cidr cidr = cidr_of(table[i].text);
		ck_assert_str_eq(
			sx_ip_format(&cidr.ip, buf, sizeof(buf)), table[i].ip);
		ck_assert_uint_eq(cidr.len, table[i].len);
	}
}
END_TEST

START_TEST(mapped_prefixes_become_ipv4_prefixes)
{
	struct sx_cidr cidr = cidr_of("::ffff:10.1.2.3/104");
	char buf[INET6_ADDRSTRLEN];

	ck_assert_uint_eq(cidr.ip.family, AF_INET);
	ck_assert_uint_eq(cidr.len, 8);
	ck_assert_str_eq(sx_ip_format(&cidr.ip, buf, sizeof(buf)), "10.0.0.0");
	ck_assert_uint_eq(cidr_of("::ffff:192.0.2.1").len, 32);
	ck_assert_uint_eq(cidr_of("::ffff:0:0/96").len, 0);
	ck_assert_int_eq(sx_cidr_parse("::ffff:0:0/95", &cidr), -EINVAL);
}
END_TEST

START_TEST(what_is_no_prefix_does_not_parse)
{
	static const char *const table[] = {"", "/", "/8", "10.0.0.0/",
		"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8",
		"10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0.0/a", "10.0.0/8",
		"10.0.0.0/255.0.0.0", "10.0.0.0/4294967304", "2001:db8::/129",
		"[2001:db8::/32]", "[10.0.0.0]/8", "example.org/8",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/8"};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct sx_cidr cidr;
		ck_assert_msg(sx_cidr_parse(table[i], &cidr) == -EINVAL, "%s",
			table[i]);
	}
}
END_TEST

START_TEST(prefixes_contain_what_is_in_them)
{
	static const struct {
		const char *cidr, *ip;
		bool contains;
	} table[] = {
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/8", "9.255.255.255", false},
		{"192.0.2.128/25", "192.0.2.128", true},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.0", false},
		{"0.0.0.0/0", "255.255.255.255", true},
		{"0.0.0.0/0", "::1", false},
		{"::/0", "192.0.2.1", false},
		{"::/0", "2001:db8::1", true},
		{"10.0.0.0/8", "::ffff:10.1.1.1", true},
		{"::ffff:10.0.0.0/104", "10.1.1.1", true},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"::1", "::1", true},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct sx_cidr cidr = cidr_of(table[i].cidr);
		struct sx_ip ip;
		ck_assert_int_eq(sx_ip_parse(table[i].ip, &ip), 0);
		ck_assert_msg(sx_cidr_contains(&cidr, &ip) == table[i].contains,
			"%s in %s", table[i].ip, table[i].cidr);
	}
}
END_TEST

START_TEST(a_prefix_contains_addresses_of_any_scope)
{
	struct sx_cidr cidr = cidr_of("fe80::/10");
	struct sx_ip ip = cidr_of("fe80::1").ip;

	ip.scope = 3;
	ck_assert(sx_cidr_contains(&cidr, &ip));
}
END_TEST

START_TEST(a_mask_keeps_the_first_bits)
{
	for (unsigned len = 0; len <= 128; len++) {
		struct sx_ip ip = {.family = AF_INET6};
		memset(ip.bytes, 0xff, 16);
		sx_ip_mask(&ip, len);
		for (unsigned bit = 0; bit < 128; bit++) {
			unsigned v = ip.bytes[bit / 8] >> (7 - bit % 8) & 1;
			ck_assert_uint_eq(v, bit < len);
		}
	}
}
END_TEST

START_TEST(ports_parse)
{
	static const struct {
		const char *text;
		unsigned lo, hi;
	} table[] = {{"25", 25, 25}, {"0", 0, 0}, {"65535", 65535, 65535},
		{"8000-8100", 8000, 8100}, {"0-65535", 0, 65535},
		{"7-7", 7, 7}};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct sx_ports ports;
		ck_assert_int_eq(sx_ports_parse(table[i].text, &ports), 0);
		ck_assert_uint_eq(ports.lo, table[i].lo);
		ck_assert_uint_eq(ports.hi, table[i].hi);
	}
	ck_assert_uint_eq(SX_PORTS_ALL.hi, 65535);
}
END_TEST

START_TEST(what_are_no_ports_does_not_parse)
{
	static const char *const table[] = {"", "-", "25-", "-25", "26-25",
		"65536", "1-65536", "99999999999", "a", "25a", " 25", "25 ",
		"1-2-3", "+25", "0x19", "http"};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct sx_ports ports = {1, 2};
		ck_assert_msg(sx_ports_parse(table[i], &ports) == -EINVAL, "%s",
			table[i]);
		ck_assert_uint_eq(ports.hi, 2);
	}
}
END_TEST

static TCase *cidr(void)
{
	TCase *c = tcase_create("cidr");

	tcase_add_test(c, prefixes_parse_and_lose_their_host_bits);
	tcase_add_test(c, mapped_prefixes_become_ipv4_prefixes);
	tcase_add_test(c, what_is_no_prefix_does_not_parse);
	tcase_add_test(c, prefixes_contain_what_is_in_them);
	tcase_add_test(c, a_prefix_contains_addresses_of_any_scope);
	tcase_add_test(c, a_mask_keeps_the_first_bits);
	tcase_add_test(c, ports_parse);
	tcase_add_test(c, what_are_no_ports_does_not_parse);
	return c;
}

static int scripted_clock(clockid_t clock, struct timespec *ts)
{
	ck_assert_int_eq(clock, CLOCK_MONOTONIC);
	*ts = (struct timespec){.tv_sec = 5000000000, .tv_nsec = 999999999};
	return 0;
}

START_TEST(the_clock_counts_nanoseconds)
{
	const struct sx_sys sys = {.clock_gettime = scripted_clock};

	ck_assert_uint_eq(sx_clock_ns(&sys), 5000000000999999999ULL);
}
END_TEST

START_TEST(a_deadline_is_a_point_in_time)
{
	struct sx_deadline d = sx_deadline_in(1000, 2);

	ck_assert_uint_eq(d.at_ns, 2001000);
	ck_assert(!sx_deadline_passed(d, 2000999));
	ck_assert(sx_deadline_passed(d, 2001000));
	ck_assert(sx_deadline_passed(d, UINT64_MAX));
	ck_assert(sx_deadline_passed(sx_deadline_in(7, 0), 7));
}
END_TEST

START_TEST(a_deadline_beyond_time_is_never)
{
	const uint64_t most = UINT64_MAX / SX_NS_PER_MS;

	ck_assert_uint_eq(sx_deadline_in(0, UINT64_MAX).at_ns, UINT64_MAX);
	ck_assert_uint_eq(sx_deadline_in(UINT64_MAX, 1).at_ns, UINT64_MAX);
	ck_assert_uint_eq(sx_deadline_in(0, most + 1).at_ns, UINT64_MAX);
	ck_assert_uint_eq(sx_deadline_in(0, most).at_ns, most * SX_NS_PER_MS);
	ck_assert_uint_eq(sx_deadline_in(SX_NS_PER_MS, most).at_ns, UINT64_MAX);
	ck_assert(!sx_deadline_passed(SX_NEVER, UINT64_MAX - 1));
}
END_TEST

START_TEST(the_earlier_of_two_deadlines_wins)
{
	struct sx_deadline a = {5}, b = {6};

	ck_assert_uint_eq(sx_deadline_min(a, b).at_ns, 5);
	ck_assert_uint_eq(sx_deadline_min(b, a).at_ns, 5);
	ck_assert_uint_eq(sx_deadline_min(SX_NEVER, b).at_ns, 6);
}
END_TEST

START_TEST(what_is_left_for_poll_is_rounded_up)
{
	struct sx_deadline d = {10 * SX_NS_PER_MS};

	ck_assert_int_eq(sx_deadline_poll_ms(d, 0), 10);
	ck_assert_int_eq(sx_deadline_poll_ms(d, 1), 10);
	ck_assert_int_eq(sx_deadline_poll_ms(d, SX_NS_PER_MS - 1), 10);
	ck_assert_int_eq(sx_deadline_poll_ms(d, SX_NS_PER_MS), 9);
	ck_assert_int_eq(sx_deadline_poll_ms(d, d.at_ns - 1), 1);
	ck_assert_int_eq(sx_deadline_poll_ms(d, d.at_ns), 0);
	ck_assert_int_eq(sx_deadline_poll_ms(d, d.at_ns + 1), 0);
	ck_assert_int_eq(sx_deadline_poll_ms(SX_NEVER, 5), -1);
	ck_assert_int_eq(
		sx_deadline_poll_ms((struct sx_deadline){UINT64_MAX - 1}, 0),
		INT_MAX);
	ck_assert_int_eq(
		sx_deadline_poll_ms(
			(struct sx_deadline){INT_MAX * SX_NS_PER_MS + 1}, 0),
		INT_MAX);
}
END_TEST

static TCase *clocks(void)
{
	TCase *c = tcase_create("clock");

	tcase_add_test(c, the_clock_counts_nanoseconds);
	tcase_add_test(c, a_deadline_is_a_point_in_time);
	tcase_add_test(c, a_deadline_beyond_time_is_never);
	tcase_add_test(c, the_earlier_of_two_deadlines_wins);
	tcase_add_test(c, what_is_left_for_poll_is_rounded_up);
	return c;
}

START_TEST(an_error_is_text_and_value)
{
	struct sx_err err = {0};

	ck_assert_int_eq(sx_err_set(&err, EACCES, "%s:%d", "a", 1), -EACCES);
	ck_assert_int_eq(err.sys, EACCES);
	ck_assert_str_eq(err.text, "a:1");
	ck_assert_int_eq(sx_err_set(NULL, ENOENT, "%d", 1), -ENOENT);
}
END_TEST

START_TEST(a_long_error_text_is_cut)
{
	struct sx_err err;

	sx_err_set(&err, EINVAL, "%*d", 1000, 1);
	ck_assert_uint_eq(strlen(err.text), SX_ERR_TEXT - 1);
}
END_TEST

static TCase *errors(void)
{
	TCase *c = tcase_create("err");

	tcase_add_test(c, an_error_is_text_and_value);
	tcase_add_test(c, a_long_error_text_is_cut);
	return c;
}

int main(void)
{
	Suite *suite = suite_create("base");

	suite_add_tcase(suite, bytes());
	suite_add_tcase(suite, cidr());
	suite_add_tcase(suite, clocks());
	suite_add_tcase(suite, errors());
	return sx_unit_main(suite);
}

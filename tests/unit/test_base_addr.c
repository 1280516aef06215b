/*
 * Addresses, names and destinations.
 */
#include "unit.h"

#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sx_ip ip_of(const char *text)
{
	struct sx_ip ip;

	memset(&ip, 0xaa, sizeof(ip));
	ck_assert_int_eq(sx_ip_parse(text, &ip), 0);
	return ip;
}

/* NULL: it does not parse. */
static void check_ip(const char *text, const char *want)
{
	char buf[INET6_ADDRSTRLEN];
	struct sx_ip ip;

	if (!want) {
		ck_assert_msg(sx_ip_parse(text, &ip) == -EINVAL, "%s", text);
		return;
	}
	ip = ip_of(text);
	ck_assert_str_eq(sx_ip_format(&ip, buf, sizeof(buf)), want);
	ck_assert_uint_eq(ip.scope, 0);
}

START_TEST(addresses_parse_and_format)
{
	static const char *const table[][2] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"2001:DB8::1", "2001:db8::1"},
		{"[2001:db8::1]", "2001:db8::1"},
		{"::", "::"},
		{"[::]", "::"},
		{"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
		{"1111:2222:3333:4444:5555:6666:7777:8888",
			"1111:2222:3333:4444:5555:6666:7777:8888"},
	};

	for (size_t i = 0; i < COUNT(table); i++)
		check_ip(table[i][0], table[i][1]);
}
END_TEST

START_TEST(mapped_addresses_parse_as_ipv4)
{
	check_ip("::ffff:192.0.2.1", "192.0.2.1");
	check_ip("::ffff:c000:201", "192.0.2.1");
	check_ip("[::ffff:0.0.0.0]", "0.0.0.0");
	/* deprecated and translated forms are not mapped ones */
	check_ip("::192.0.2.1", "::192.0.2.1");
	check_ip("64:ff9b::192.0.2.1", "64:ff9b::c000:201");
	ck_assert_uint_eq(ip_of("::ffff:192.0.2.1").family, AF_INET);
	ck_assert_uint_eq(sx_ip_len(&(struct sx_ip){.family = AF_INET}), 4);
}
END_TEST

START_TEST(what_is_no_address_does_not_parse)
{
	static const char *const table[] = {"", "[", "]", "[]", "1.2.3",
		"1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4",
		"[1.2.3.4]", "2001:db8::1]", "[2001:db8::1", "[[::1]]",
		"fe80::1%lo", "1::2::3", "::g", "localhost", "0x7f.0.0.1",
		"127.1",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:c"};

	for (size_t i = 0; i < COUNT(table); i++)
		check_ip(table[i], NULL);
}
END_TEST

START_TEST(format_never_writes_past_its_buffer)
{
	struct sx_ip ip = ip_of("192.0.2.1");
	char buf[8] = "xxxxxxx";

	ck_assert_str_eq(sx_ip_format(&ip, buf, 4), "");
	ck_assert_int_eq(buf[4], 'x');
	ck_assert_ptr_eq(sx_ip_format(&ip, buf, 0), buf);
	ip.family = AF_UNSPEC;
	ck_assert_str_eq(sx_ip_format(&ip, buf, sizeof(buf)), "");
}
END_TEST

START_TEST(equal_means_family_bytes_and_scope)
{
	struct sx_ip a = ip_of("192.0.2.1"), b = ip_of("::ffff:192.0.2.1");

	ck_assert(sx_ip_equal(&a, &b));
	memset(b.bytes + 4, 0xff, 12); /* not part of an IPv4 address */
	ck_assert(sx_ip_equal(&a, &b));
	b.bytes[3] = 2;
	ck_assert(!sx_ip_equal(&a, &b));
	a = ip_of("0.0.0.0");
	b = ip_of("::");
	ck_assert(!sx_ip_equal(&a, &b));
	a = b = ip_of("fe80::1");
	b.scope = 1;
	ck_assert(!sx_ip_equal(&a, &b));
}
END_TEST

START_TEST(loopback_and_any_are_known)
{
	static const struct {
		const char *text;
		bool loopback, any;
	} table[] = {
		{"127.0.0.1", true, false},
		{"127.255.255.254", true, false},
		{"128.0.0.1", false, false},
		{"126.255.255.255", false, false},
		{"::1", true, false},
		{"::ffff:127.0.0.1", true, false},
		{"::2", false, false},
		{"0.0.0.0", false, true},
		{"0.0.0.1", false, false},
		{"::", false, true},
		{"::ffff:0.0.0.0", false, true},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct sx_ip ip = ip_of(table[i].text);
		ck_assert_int_eq(sx_ip_is_loopback(&ip), table[i].loopback);
		ck_assert_int_eq(sx_ip_is_any(&ip), table[i].any);
	}
}
END_TEST

static struct sockaddr_in6 in6_of(const char *text, uint32_t scope)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6,
		.sin6_port = htons(0x0102),
		.sin6_scope_id = scope};

	ck_assert_int_eq(inet_pton(AF_INET6, text, &sa.sin6_addr), 1);
	return sa;
}

static struct sockaddr_in in_of(const char *text)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_port = htons(0x0102)};

	ck_assert_int_eq(inet_pton(AF_INET, text, &sa.sin_addr), 1);
	return sa;
}

static void check_from(const void *sa, socklen_t len, const char *want)
{
	struct sx_ip ip, expected = ip_of(want);
	uint16_t port = 0;

	ck_assert_int_eq(sx_ip_from_sockaddr(sa, len, &ip, &port), 0);
	ck_assert(sx_ip_equal(&ip, &expected));
	ck_assert_uint_eq(port, 0x0102);
	ck_assert_int_eq(sx_ip_from_sockaddr(sa, len, &ip, NULL), 0);
}

START_TEST(sockaddrs_are_read)
{
	struct sockaddr_in in = in_of("192.0.2.1");
	struct sockaddr_in6 in6 = in6_of("2001:db8::1", 0);
	struct sockaddr_in6 mapped = in6_of("::ffff:192.0.2.1", 7);
	struct sockaddr_storage more = {0};

	memcpy(&more, &in6, sizeof(in6));
	check_from(&in, sizeof(in), "192.0.2.1");
	check_from(&in6, sizeof(in6), "2001:db8::1");
	check_from(&more, sizeof(more), "2001:db8::1");
	check_from(&mapped, sizeof(mapped), "192.0.2.1");
}
END_TEST

START_TEST(sockaddrs_are_read_where_they_are_not_aligned)
{
	struct sockaddr_in in = in_of("192.0.2.1");
	struct sockaddr_in6 in6 = in6_of("2001:db8::1", 0);
	char buf[sizeof(in6) + 1];

	memcpy(buf + 1, &in, sizeof(in));
	check_from(buf + 1, sizeof(in), "192.0.2.1");
	memcpy(buf + 1, &in6, sizeof(in6));
	check_from(buf + 1, sizeof(in6), "2001:db8::1");
}
END_TEST

START_TEST(the_scope_counts_for_link_local_addresses_alone)
{
	static const struct {
		const char *text;
		uint32_t scope;
	} table[] = {{"fe80::1", 7}, {"febf::1", 7}, {"ff02::1", 7},
		{"ff12::1", 7}, {"fec0::1", 0}, {"ff0e::1", 0},
		{"2001:db8::1", 0}, {"fd00::1", 0}, {"::1", 0}};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct sockaddr_in6 sa = in6_of(table[i].text, 7);
		struct sx_ip ip;
		ck_assert_int_eq(
			sx_ip_from_sockaddr(&sa, sizeof(sa), &ip, NULL), 0);
		ck_assert_uint_eq(ip.scope, table[i].scope);
	}
}
END_TEST

START_TEST(short_sockaddrs_are_refused)
{
	struct sockaddr_in in = in_of("192.0.2.1");
	struct sockaddr_in6 in6 = in6_of("fe80::1", 7);
	struct sx_ip ip;

	for (socklen_t n = 0; n < sizeof(in); n++)
		ck_assert_int_eq(
			sx_ip_from_sockaddr(&in, n, &ip, NULL), -EINVAL);
	for (socklen_t n = 0; n < 24; n++)
		ck_assert_int_eq(
			sx_ip_from_sockaddr(&in6, n, &ip, NULL), -EINVAL);
	/* RFC 2133's form is without the scope */
	ck_assert_int_eq(sx_ip_from_sockaddr(&in6, 24, &ip, NULL), 0);
	ck_assert_uint_eq(ip.scope, 0);
}
END_TEST

START_TEST(sockaddrs_of_other_families_are_refused)
{
	static const sa_family_t families[] = {AF_UNSPEC, AF_UNIX, 0xffff};

	for (size_t i = 0; i < COUNT(families); i++) {
		struct sockaddr_storage sa = {.ss_family = families[i]};
		struct sx_ip ip;
		ck_assert_int_eq(
			sx_ip_from_sockaddr(&sa, sizeof(sa), &ip, NULL),
			-EAFNOSUPPORT);
	}
}
END_TEST

START_TEST(sockaddrs_are_written_for_the_family_of_the_socket)
{
	struct sx_ip v4 = ip_of("192.0.2.1"), v6 = ip_of("fe80::1");
	struct sockaddr_in in = in_of("192.0.2.1");
	struct sockaddr_in6 mapped = in6_of("::ffff:192.0.2.1", 0);
	struct sockaddr_in6 in6 = in6_of("fe80::1", 9);
	struct sockaddr_storage sa;

	v6.scope = 9;
	ck_assert_uint_eq(
		sx_ip_to_sockaddr(&v4, 0x0102, AF_INET, &sa), sizeof(in));
	ck_assert_mem_eq(&sa, &in, sizeof(in));
	ck_assert_uint_eq(
		sx_ip_to_sockaddr(&v4, 0x0102, AF_INET6, &sa), sizeof(mapped));
	ck_assert_mem_eq(&sa, &mapped, sizeof(mapped));
	ck_assert_uint_eq(
		sx_ip_to_sockaddr(&v6, 0x0102, AF_INET6, &sa), sizeof(in6));
	ck_assert_mem_eq(&sa, &in6, sizeof(in6));
}
END_TEST

START_TEST(an_ipv4_socket_reaches_no_ipv6_address)
{
	struct sx_ip v6 = ip_of("2001:db8::1");
	struct sockaddr_storage sa, before;

	memset(&sa, 0x55, sizeof(sa));
	before = sa;
	ck_assert_uint_eq(sx_ip_to_sockaddr(&v6, 1, AF_INET, &sa), 0);
	ck_assert_mem_eq(&sa, &before, sizeof(sa));
}
END_TEST

/* NULL: it is no name. */
static void check_name(const char *name, const char *want)
{
	char out[SX_NAME_MAX + 1];

	ck_assert_msg(sx_name_normalize(name, out) == (want ? 0 : -EINVAL),
		"%s", name);
	if (want)
		ck_assert_str_eq(out, want);
}

START_TEST(names_are_normalised)
{
	check_name("example.org", "example.org");
	check_name("Example.ORG", "example.org");
	check_name("example.org.", "example.org");
	check_name("a", "a");
	check_name("_sip._tcp.x-1.example", "_sip._tcp.x-1.example");
	check_name("AZaz09-_", "azaz09-_");
	check_name("xn--bcher-kva.example", "xn--bcher-kva.example");
}
END_TEST

START_TEST(what_no_name_has_is_refused)
{
	static const char *const table[] = {"", ".", "..", "a..b", ".a", "a..",
		"a b", "a\tb", "a\nb", "a\x7f", "b\xc3\xbc", "a/b", "a@b",
		"a:b", "a[b", "a]b", "a\\b", "::1", " a", "a "};

	for (size_t i = 0; i < COUNT(table); i++)
		check_name(table[i], NULL);
}
END_TEST

/* n bytes in labels of 49, and end; buf must have room for them. */
static const char *long_name(char *buf, size_t n, const char *end)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = i % 50 == 49 ? '.' : 'n';
	strcpy(buf + n, end);
	return buf;
}

START_TEST(names_end_at_253_bytes_and_labels_at_63)
{
	char buf[512], plain[512], label[65];

	long_name(plain, 253, "");
	check_name(long_name(buf, 253, ""), plain);
	check_name(long_name(buf, 253, "."), plain);
	for (size_t n = 254; n < 300; n++) {
		check_name(long_name(buf, n, ""), NULL);
		check_name(long_name(buf, n, "."), NULL);
	}
	memset(label, 'l', 64);
	label[64] = '\0';
	check_name(label, NULL);
	check_name(label + 1, label + 1);
}
END_TEST

START_TEST(destinations_format)
{
	struct sx_dest dest = {.kind = SX_DEST_NAME, .port = 80};
	char buf[SX_DEST_STRLEN];

	strcpy(dest.name, "example.org");
	ck_assert_str_eq(
		sx_dest_format(&dest, buf, sizeof(buf)), "example.org:80");
	ck_assert_str_eq(sx_dest_format(&dest, buf, 8), "example");
	dest.kind = SX_DEST_IP;
	dest.ip = ip_of("192.0.2.1");
	ck_assert_str_eq(
		sx_dest_format(&dest, buf, sizeof(buf)), "192.0.2.1:80");
	dest.ip = ip_of("2001:db8::1");
	dest.port = 65535;
	ck_assert_str_eq(
		sx_dest_format(&dest, buf, sizeof(buf)), "[2001:db8::1]:65535");
	dest.kind = SX_DEST_NAME;
	long_name(dest.name, SX_NAME_MAX, "");
	sx_dest_format(&dest, buf, sizeof(buf));
	ck_assert_str_eq(buf + SX_NAME_MAX, ":65535");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base addr");
	TCase *c = tcase_create("addr");

	tcase_add_test(c, addresses_parse_and_format);
	tcase_add_test(c, mapped_addresses_parse_as_ipv4);
	tcase_add_test(c, what_is_no_address_does_not_parse);
	tcase_add_test(c, format_never_writes_past_its_buffer);
	tcase_add_test(c, equal_means_family_bytes_and_scope);
	tcase_add_test(c, loopback_and_any_are_known);
	tcase_add_test(c, sockaddrs_are_read);
	tcase_add_test(c, sockaddrs_are_read_where_they_are_not_aligned);
	tcase_add_test(c, the_scope_counts_for_link_local_addresses_alone);
	tcase_add_test(c, short_sockaddrs_are_refused);
	tcase_add_test(c, sockaddrs_of_other_families_are_refused);
	tcase_add_test(c, sockaddrs_are_written_for_the_family_of_the_socket);
	tcase_add_test(c, an_ipv4_socket_reaches_no_ipv6_address);
	tcase_add_test(c, names_are_normalised);
	tcase_add_test(c, what_no_name_has_is_refused);
	tcase_add_test(c, names_end_at_253_bytes_and_labels_at_63);
	tcase_add_test(c, destinations_format);
	suite_add_tcase(suite, c);
	return sx_unit_main(suite);
}

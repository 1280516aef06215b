/*
 * The fake-DNS table, from one thread.
 */
#include "core/fakedns.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct sx_fakedns *table;

static void setup(void)
{
	ck_assert_int_eq(sx_fakedns_new(&table), 0);
}

static void teardown(void)
{
	sx_fakedns_free(table);
}

static const char *get(const char *name, sa_family_t family)
{
	static char text[INET6_ADDRSTRLEN];
	struct sx_ip ip;

	ck_assert_int_eq(sx_fakedns_get(table, name, family, &ip), 0);
	return sx_ip_format(&ip, text, sizeof(text));
}

static const char *name_of(const char *address)
{
	struct sx_ip ip;

	ck_assert_int_eq(sx_ip_parse(address, &ip), 0);
	return sx_fakedns_name(table, &ip);
}

START_TEST(a_name_gets_an_address_of_the_pool_and_keeps_it)
{
	ck_assert_str_eq(get("a.example", AF_INET), "198.18.0.1");
	ck_assert_str_eq(get("b.example", AF_INET), "198.18.0.2");
	ck_assert_str_eq(get("a.example", AF_INET), "198.18.0.1");
}
END_TEST

START_TEST(both_families_stand_for_the_same_name)
{
	ck_assert_str_eq(get("a.example", AF_INET6), "fd53:6f63:6b73::c612:1");
	ck_assert_str_eq(get("a.example", AF_INET), "198.18.0.1");
	ck_assert_str_eq(name_of("fd53:6f63:6b73::c612:1"), "a.example");
	ck_assert_str_eq(name_of("198.18.0.1"), "a.example");
}
END_TEST

START_TEST(an_address_that_was_not_handed_out_has_no_name)
{
	static const char *const none[] = {"198.18.0.2", "198.18.0.0",
		"198.18.0.255", "198.19.255.254", "198.17.255.254",
		"198.20.0.1", "192.0.2.1", "fd53:6f63:6b73::c612:2",
		"fd53:6f63:6b73::1:c612:1", "fd53:6f63:6b73::1",
		"fd53:6f63:6b74::c612:1", "2001:db8::1"};

	get("a.example", AF_INET);
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		ck_assert_msg(!name_of(none[i]), "%s has a name", none[i]);
}
END_TEST

START_TEST(the_pools_are_known_by_their_prefixes)
{
	static const struct {
		const char *address;
		bool in;
	} cases[] = {{"198.18.0.0", true}, {"198.19.255.255", true},
		{"198.17.255.255", false}, {"198.20.0.0", false},
		{"fd53:6f63:6b73::", true},
		{"fd53:6f63:6b73:0:ffff:ffff:ffff:ffff", true},
		{"fd53:6f63:6b73:1::", false}};
	struct sx_ip ip;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		sx_ip_parse(cases[i].address, &ip);
		ck_assert_int_eq(sx_fakedns_contains(&ip), cases[i].in);
	}
}
END_TEST

START_TEST(a_full_table_is_an_error_and_never_a_wrong_name)
{
	char name[32], text[INET6_ADDRSTRLEN], first[INET6_ADDRSTRLEN];
	struct sx_ip ip;

	strcpy(first, get("n0.example", AF_INET));
	for (unsigned i = 1; i < SX_FAKEDNS_MAX; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		ck_assert_int_eq(sx_fakedns_get(table, name, AF_INET, &ip), 0);
		ck_assert(ip.bytes[3] != 0 && ip.bytes[3] != 255);
		ck_assert_str_eq(sx_fakedns_name(table, &ip), name);
	}
	sx_ip_format(&ip, text, sizeof(text));
	ck_assert_str_eq(text, "198.19.255.254");
	ck_assert_int_eq(
		sx_fakedns_get(table, "more.example", AF_INET, &ip), -EAGAIN);
	ck_assert_str_eq(name_of(first), "n0.example");
	ck_assert_str_eq(
		get("n77777.example", AF_INET6), "fd53:6f63:6b73::c613:3236");
	ck_assert_str_eq(
		name_of("fd53:6f63:6b73::c613:3236"), "n77777.example");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fakedns");
	TCase *t = tcase_create("fakedns");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_name_gets_an_address_of_the_pool_and_keeps_it);
	tcase_add_test(t, both_families_stand_for_the_same_name);
	tcase_add_test(t, an_address_that_was_not_handed_out_has_no_name);
	tcase_add_test(t, the_pools_are_known_by_their_prefixes);
	tcase_add_test(t, a_full_table_is_an_error_and_never_a_wrong_name);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

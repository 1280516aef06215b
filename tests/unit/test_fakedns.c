/*
 * The fake-DNS table, from one thread.
 */
#include "fakedns_fixture.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define MINUTE        60
#define HOUR          3600

static struct sx_fakedns *table;

static void make(uint32_t n)
{
	ck_assert_int_eq(sx_fakedns_new(&table, &fix_sys, n), 0);
}

static void setup(void)
{
	make(SX_FAKEDNS_MAX);
}

static void teardown(void)
{
	sx_fakedns_free(table);
}

static const char *get(const char *name, sa_family_t family)
{
	struct sx_ip ip;

	ck_assert_int_eq(sx_fakedns_get(table, name, family, &ip), 0);
	return fix_text(&ip);
}

static const char *name_of(const char *address)
{
	static char name[SX_NAME_MAX + 1];
	struct sx_ip ip;

	ck_assert_int_eq(sx_ip_parse(address, &ip), 0);
	return sx_fakedns_name(table, &ip, name) ? name : NULL;
}

/* The address in the other family. */
static const char *other_form(const char *v4)
{
	struct sx_ip ip, v6;

	sx_ip_parse(v4, &ip);
	sx_ip_parse("fd53:6f63:6b73::", &v6);
	memcpy(v6.bytes + 12, ip.bytes, 4);
	return fix_text(&v6);
}

START_TEST(a_name_gets_an_address_of_the_pool_and_keeps_it)
{
	const char *a = get("a.example", AF_INET);
	const char *b = get("b.example", AF_INET);
	struct sx_ip ip;

	ck_assert_str_ne(a, b);
	ck_assert_str_eq(get("a.example", AF_INET), a);
	ck_assert_str_eq(name_of(a), "a.example");
	ck_assert_str_eq(name_of(b), "b.example");
	sx_ip_parse(a, &ip);
	ck_assert(sx_fakedns_contains(&ip));
}
END_TEST

START_TEST(both_families_stand_for_the_same_name)
{
	const char *v6 = get("a.example", AF_INET6);
	const char *v4 = get("a.example", AF_INET);

	ck_assert_str_eq(v6, other_form(v4));
	ck_assert_str_eq(name_of(v6), "a.example");
	ck_assert_str_eq(name_of(v4), "a.example");
}
END_TEST

START_TEST(names_follow_each_other_from_a_place_drawn_by_lot)
{
	struct sx_fakedns *tables[8];
	struct sx_ip ip, next;
	unsigned n_equal = 0;

	for (size_t i = 0; i < N_ELEMENTS(tables); i++) {
		struct sx_ip first;
		sx_fakedns_new(&tables[i], &fix_sys, SX_FAKEDNS_MAX);
		sx_fakedns_get(tables[i], "a.example", AF_INET, &first);
		n_equal += i && sx_ip_equal(&first, &ip);
		ip = first;
		sx_fakedns_get(tables[i], "b.example", AF_INET, &next);
		/* but at the end of a network */
		if (ip.bytes[3] < 254)
			ck_assert_int_eq(next.bytes[3], ip.bytes[3] + 1);
		sx_fakedns_free(tables[i]);
	}
	ck_assert_uint_lt(n_equal, 2);
}
END_TEST

START_TEST(a_small_table_has_a_part_of_the_pool_drawn_by_lot)
{
	bool is_behind_the_first = false;
	struct sx_ip ip;

	for (int i = 0; i < 8; i++) {
		teardown();
		make(254);
		sx_fakedns_get(table, "a.example", AF_INET, &ip);
		is_behind_the_first |= ip.bytes[2] != 0;
		ck_assert(fix_is_known(table, "a.example"));
	}
	ck_assert(is_behind_the_first);
}
END_TEST

START_TEST(an_address_that_was_not_handed_out_has_no_name)
{
	static const char *const none[] = {"198.18.0.0", "198.18.0.255",
		"198.17.255.254", "198.20.0.1", "192.0.2.1",
		"fd53:6f63:6b73::1:c612:1", "fd53:6f63:6b73::1",
		"fd53:6f63:6b74::c612:1", "2001:db8::1"};
	unsigned n = 0;

	get("a.example", AF_INET);
	for (size_t i = 0; i < N_ELEMENTS(none); i++)
		ck_assert_msg(!name_of(none[i]), "%s has a name", none[i]);
	for (unsigned i = 0; i < SX_FAKEDNS_MAX; i++) {
		struct sx_ip ip = fix_nth(i);
		char name[SX_NAME_MAX + 1];
		n += sx_fakedns_name(table, &ip, name);
	}
	ck_assert_uint_eq(n, 1);
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

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		sx_ip_parse(cases[i].address, &ip);
		ck_assert_int_eq(sx_fakedns_contains(&ip), cases[i].in);
	}
}
END_TEST

/* With a dot in the end and capital letters, as sx_names_lookup() gets it. */
static void normalized(char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		name[i] = i % 50 == 49 ? '.' : (char)('a' + i % 26);
	name[len] = '\0';
	if (name[len - 1] == '.')
		name[len - 1] = 'z';
}

START_TEST(names_of_every_length_come_back_whole)
{
	static char names[SX_NAME_MAX][SX_NAME_MAX + 1];

	for (size_t i = 0; i < SX_NAME_MAX; i++) {
		normalized(names[i], i + 1);
		get(names[i], AF_INET);
	}
	for (size_t i = 0; i < SX_NAME_MAX; i++)
		ck_assert_str_eq(name_of(get(names[i], AF_INET6)), names[i]);
}
END_TEST

START_TEST(a_full_table_is_an_error_and_never_a_wrong_name)
{
	static bool is_taken[512][256];
	struct sx_ip ip;

	for (unsigned i = 0; i < SX_FAKEDNS_MAX; i++) {
		if (sx_fakedns_get(table, fix_name(i), AF_INET, &ip))
			ck_abort_msg("full with %u names", i);
		bool *is = &is_taken[(ip.bytes[1] & 1) * 256 + ip.bytes[2]]
				    [ip.bytes[3]];
		if (*is || ip.bytes[3] == 0 || ip.bytes[3] == 255)
			ck_abort_msg("%s", fix_text(&ip));
		*is = true;
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
			sx_fakedns_get(table, "more.example", AF_INET, &ip),
			-EAGAIN);
	unsigned n_known = 0;
	for (unsigned i = 0; i < SX_FAKEDNS_MAX; i++)
		n_known += fix_is_known(table, fix_name(i));
	ck_assert_uint_eq(n_known, SX_FAKEDNS_MAX);
	*fix_clock_s += FIX_STALE_S;
	ck_assert(fix_is_known(table, "more.example"));
}
END_TEST

/* -- a small table that goes round and round -- */

START_TEST(what_is_used_stays_and_what_is_not_makes_room)
{
	char first[INET6_ADDRSTRLEN], second[INET6_ADDRSTRLEN];
	struct sx_ip ip;

	teardown();
	make(2);
	strcpy(first, get("first.example", AF_INET));
	strcpy(second, get("second.example", AF_INET));
	for (int hours = 0; hours < 100; hours++) {
		*fix_clock_s += HOUR;
		/* an hour later, by name or by address */
		if (hours % 2)
			ck_assert_str_eq(name_of(first), "first.example");
		else
			ck_assert_str_eq(get("first.example", AF_INET), first);
		if (hours < 23)
			ck_assert_int_eq(sx_fakedns_get(table, "third.example",
						 AF_INET, &ip),
				-EAGAIN);
	}
	ck_assert_str_eq(get("third.example", AF_INET), second);
	ck_assert_str_eq(name_of(second), "third.example");
	ck_assert_str_eq(name_of(first), "first.example");
	ck_assert_int_eq(
		sx_fakedns_get(table, "second.example", AF_INET, &ip), -EAGAIN);
}
END_TEST

START_TEST(what_nobody_else_needs_is_known_for_ever)
{
	teardown();
	make(100);
	const char *a = get("a.example", AF_INET);
	*fix_clock_s += 1000L * FIX_STALE_S;
	ck_assert_str_eq(name_of(a), "a.example");
	*fix_clock_s += FIX_STALE_S;
	ck_assert_str_eq(get("a.example", AF_INET), a);
}
END_TEST

START_TEST(a_day_is_not_a_minute_shorter)
{
	struct sx_ip ip;

	teardown();
	make(1);
	for (long start = 0; start < MINUTE; start += 7) {
		*fix_clock_s += 2 * FIX_STALE_S;
		*fix_clock_s += start - *fix_clock_s % MINUTE;
		get(fix_name((unsigned)start), AF_INET);
		*fix_clock_s += 24 * HOUR;
		ck_assert_int_eq(
			sx_fakedns_get(table, "x.example", AF_INET, &ip),
			-EAGAIN);
	}
}
END_TEST

START_TEST(after_many_rounds_each_name_is_found)
{
	const unsigned n = 1000, n_rounds = 200;
	struct sx_ip ip;

	teardown();
	make(n);
	for (unsigned round = 0; round < n_rounds; round++) {
		*fix_clock_s += FIX_STALE_S;
		for (unsigned i = 0; i < n; i++)
			get(fix_name(round * n + i), AF_INET);
		ck_assert_int_eq(
			sx_fakedns_get(table, fix_name(0), AF_INET, &ip),
			round ? -EAGAIN : 0);
		for (unsigned i = 0; i < n; i += round % 10 ? 97 : 1)
			ck_assert(fix_is_known(table, fix_name(round * n + i)));
	}
}
END_TEST

static unsigned n_clock_calls;
static int count_clock(clockid_t clock, struct timespec *ts)
{
	n_clock_calls++;
	return fix_sys.clock_gettime(clock, ts);
}

START_TEST(nothing_is_opened_for_other_addresses)
{
	const struct sx_sys counting = {.clock_gettime = count_clock};

	teardown();
	sx_fakedns_new(&table, &counting, SX_FAKEDNS_MAX);
	ck_assert_ptr_null(name_of("192.0.2.1"));
	ck_assert_ptr_null(name_of("2001:db8::1"));
	ck_assert_uint_eq(n_clock_calls, 0);
	ck_assert_ptr_null(name_of("198.18.0.1"));
	ck_assert_uint_gt(n_clock_calls, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_name_gets_an_address_of_the_pool_and_keeps_it,
		both_families_stand_for_the_same_name,
		names_follow_each_other_from_a_place_drawn_by_lot,
		a_small_table_has_a_part_of_the_pool_drawn_by_lot,
		an_address_that_was_not_handed_out_has_no_name,
		the_pools_are_known_by_their_prefixes,
		names_of_every_length_come_back_whole,
		a_full_table_is_an_error_and_never_a_wrong_name,
		what_is_used_stays_and_what_is_not_makes_room,
		what_nobody_else_needs_is_known_for_ever,
		a_day_is_not_a_minute_shorter,
		after_many_rounds_each_name_is_found,
		nothing_is_opened_for_other_addresses,
	};
	Suite *s = suite_create("fakedns");
	TCase *t = tcase_create("fakedns");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	for (size_t i = 0; i < N_ELEMENTS(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

/*
 * The order of attempts: ATS-14 to ATS-19, ATS-22 to ATS-27.
 */
#include "core/pool.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

/* What each server is, by place. Attempts all fail; a server whose attempts
 * are spent is down from then on, as marking does it. */
static enum sx_admission admission[8];
static uint64_t failed_at[8];
static uint64_t now;

static enum sx_admission admit(void *arg, unsigned i)
{
	(void)arg;
	return admission[i];
}

static uint64_t when_failed(void *arg, unsigned i)
{
	(void)arg;
	return failed_at[i];
}

static const struct sx_pool_health health = {
	.admit = admit, .failed_at = when_failed};

static uint64_t slow; /* bit i: it costs its time-out */

static void setup(void)
{
	slow = 0;
	memset(admission, 0, sizeof(admission));
	memset(failed_at, 0, sizeof(failed_at));
	now = 100;
}

static void down(unsigned i, uint64_t at)
{
	admission[i] = SX_ADMIT_DOWN;
	failed_at[i] = at;
}

/* All attempts as text: places, "/" before a new round. */
static const char *attempts(unsigned n, unsigned start, unsigned total,
	unsigned per_server, bool try_all_down)
{
	static char text[256];
	struct sx_pool_limits limits = {total, per_server, try_all_down};
	struct sx_pool_cursor c;
	enum sx_pool_step step;
	unsigned i;
	size_t len = 0;

	sx_pool_begin(&c, n, start, &limits);
	while ((step = sx_pool_next(&c, &health, false, &i)) != SX_POOL_END) {
		if (step == SX_POOL_ROUND)
			text[len++] = '/';
		text[len++] = (char)('0' + i);
		if (sx_pool_is_spent(&c))
			down(i, now++);
		if (slow >> i & 1)
			sx_pool_drop(&c, i);
	}
	text[len] = '\0';
	return text;
}

START_TEST(ats_26_a_pool_is_tried_in_order_and_again_up_to_the_cap)
{
	ck_assert_str_eq(attempts(2, 0, 4, 1, true), "01/01");
}
END_TEST

START_TEST(ats_25_each_server_gets_its_attempts_in_a_row)
{
	ck_assert_str_eq(attempts(2, 0, 3, 2, true), "001");
	setup();
	ck_assert_str_eq(attempts(2, 0, 8, 2, true), "0011/0011");
}
END_TEST

START_TEST(ats_27_the_cap_is_strict_within_a_row)
{
	ck_assert_str_eq(attempts(2, 0, 4, 3, true), "0001");
}
END_TEST

START_TEST(bug_12_a_round_starts_where_the_choice_says_and_wraps)
{
	for (unsigned start = 0; start < 4; start++) {
		char want[8];
		setup();
		snprintf(want, sizeof(want), "%u%u%u%u", start, (start + 1) % 4,
			(start + 2) % 4, (start + 3) % 4);
		ck_assert_str_eq(attempts(4, start, 4, 1, true), want);
	}
}
END_TEST

START_TEST(ats_22_a_server_that_is_down_is_passed_over)
{
	down(0, 5);
	ck_assert_str_eq(attempts(3, 0, 2, 1, true), "12");
}
END_TEST

START_TEST(ats_19_when_all_are_down_the_least_recently_failed_is_first)
{
	down(0, 30);
	down(1, 10);
	down(2, 20);
	ck_assert_str_eq(attempts(3, 0, 3, 1, true), "120");
}
END_TEST

START_TEST(when_all_are_down_none_is_tried_if_so_configured)
{
	down(0, 30);
	down(1, 10);
	ck_assert_str_eq(attempts(2, 0, 4, 1, false), "");
	setup();
	down(0, 30);
	ck_assert_str_eq(attempts(2, 0, 4, 1, false), "1");
}
END_TEST

START_TEST(one_server_alone_gets_all_attempts)
{
	ck_assert_str_eq(attempts(1, 0, 3, 1, true), "0/0/0");
}
END_TEST

START_TEST(a_server_that_timed_out_is_not_in_further_rounds)
{
	slow = 1;
	ck_assert_str_eq(attempts(1, 0, 4, 1, true), "0");
	setup();
	slow = 1;
	ck_assert_str_eq(attempts(3, 0, 6, 1, true), "012/12/1");
	setup();
	slow = 1;
	ck_assert_str_eq(attempts(2, 0, 4, 2, true), "0011");
	setup();
	slow = 3;
	ck_assert_str_eq(attempts(2, 0, 9, 1, true), "01");
}
END_TEST

START_TEST(a_failure_that_a_repeat_cannot_mend_ends_the_row)
{
	struct sx_pool_limits limits = {4, 3, true};
	struct sx_pool_cursor c;
	unsigned i;

	sx_pool_begin(&c, 2, 0, &limits);
	ck_assert_int_eq(sx_pool_next(&c, &health, false, &i), SX_POOL_TRY);
	ck_assert_uint_eq(i, 0);
	ck_assert_int_eq(sx_pool_next(&c, &health, true, &i), SX_POOL_TRY);
	ck_assert_uint_eq(i, 1);
	ck_assert_int_eq(sx_pool_next(&c, &health, false, &i), SX_POOL_TRY);
	ck_assert_uint_eq(i, 1);
}
END_TEST

START_TEST(ats_16_a_key_always_hashes_to_the_same_place_and_keys_spread)
{
	unsigned seen[5] = {0};
	char key[32];

	for (unsigned k = 0; k < 1000; k++) {
		snprintf(key, sizeof(key), "host%u.example:80", k);
		unsigned i = sx_pool_hash(key, 5);
		ck_assert_uint_lt(i, 5);
		ck_assert_uint_eq(i, sx_pool_hash(key, 5));
		seen[i]++;
	}
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_gt(seen[i], 130);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pool");
	TCase *t = tcase_create("pool");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(
		t, ats_26_a_pool_is_tried_in_order_and_again_up_to_the_cap);
	tcase_add_test(t, ats_25_each_server_gets_its_attempts_in_a_row);
	tcase_add_test(t, ats_27_the_cap_is_strict_within_a_row);
	tcase_add_test(
		t, bug_12_a_round_starts_where_the_choice_says_and_wraps);
	tcase_add_test(t, ats_22_a_server_that_is_down_is_passed_over);
	tcase_add_test(
		t, ats_19_when_all_are_down_the_least_recently_failed_is_first);
	tcase_add_test(t, when_all_are_down_none_is_tried_if_so_configured);
	tcase_add_test(t, one_server_alone_gets_all_attempts);
	tcase_add_test(t, a_server_that_timed_out_is_not_in_further_rounds);
	tcase_add_test(t, a_failure_that_a_repeat_cannot_mend_ends_the_row);
	tcase_add_test(t,
		ats_16_a_key_always_hashes_to_the_same_place_and_keys_spread);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

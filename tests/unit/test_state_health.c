/* Marks, windows and probes: tables of times. No file is needed. */
#include "core/health.h"
#include "unit.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define RETRY         30000U

static struct sx_server_state server;

static void clear(void)
{
	server = (struct sx_server_state){0};
}

enum event {
	FAIL, /* want: marks in the row */
	OK,   /* want: marks forgotten */
	ASK,  /* want: the admission */
};

struct row {
	uint64_t now_ms;
	enum event event;
	unsigned want;
};

static unsigned happens(const struct row *row, unsigned threshold)
{
	switch (row->event) {
	case FAIL:
		return sx_server_mark_failed(&server, row->now_ms, RETRY);
	case OK:
		return sx_server_mark_ok(&server);
	case ASK:
		return sx_server_admit(&server, row->now_ms, threshold, RETRY);
	}
	return 0;
}

static void play(const struct row *rows, size_t n, unsigned threshold)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(happens(&rows[i], threshold) == rows[i].want,
			"row %zu at %llu", i,
			(unsigned long long)rows[i].now_ms);
}

START_TEST(ats_22_a_server_is_up_until_the_threshold_of_marks)
{
	static const struct row rows[] = {
		{1000, ASK, SX_ADMIT_UP},
		{1000, FAIL, 1},
		{1001, ASK, SX_ADMIT_UP},
		{2000, FAIL, 2},
		{2001, ASK, SX_ADMIT_UP},
		{2002, FAIL, 3},
		{2002, ASK, SX_ADMIT_DOWN},
		{2003, ASK, SX_ADMIT_DOWN},
		{2004, FAIL, 4},
		{2005, ASK, SX_ADMIT_DOWN},
	};

	play(rows, N_ELEMENTS(rows), 3);
}
END_TEST

START_TEST(ats_23_a_success_forgets_all_marks)
{
	static const struct row rows[] = {
		{1000, OK, 0},
		{1000, FAIL, 1},
		{1001, OK, 1},
		{1001, OK, 0},
		{1002, FAIL, 1},
		{1003, ASK, SX_ADMIT_UP},
		{1004, FAIL, 2},
		{1005, ASK, SX_ADMIT_DOWN},
		{1006, OK, 2},
		{1006, ASK, SX_ADMIT_UP},
		{1007, FAIL, 1},
		{1008, ASK, SX_ADMIT_UP},
	};

	play(rows, N_ELEMENTS(rows), 2);
	ck_assert_uint_eq(sx_server_failed_at(&server), 1007);
}
END_TEST

START_TEST(ats_23_one_probe_in_each_window)
{
	static const struct row rows[] = {
		{1000, FAIL, 1},
		{1000, ASK, SX_ADMIT_DOWN},
		{31000, ASK, SX_ADMIT_DOWN}, /* the last moment */
		{31001, ASK, SX_ADMIT_PROBE},
		{31001, ASK, SX_ADMIT_DOWN},
		{31000, ASK, SX_ADMIT_DOWN}, /* another's older clock */
		{61001, ASK, SX_ADMIT_DOWN},
		{61002, ASK, SX_ADMIT_PROBE}, /* the prober was killed */
		{61003, ASK, SX_ADMIT_DOWN},
		{61050, FAIL, 2}, /* its probe failed */
		{91050, ASK, SX_ADMIT_DOWN},
		{91051, ASK, SX_ADMIT_PROBE},
		{91060, OK, 2},
		{91060, ASK, SX_ADMIT_UP},
		{91061, ASK, SX_ADMIT_UP},
	};

	play(rows, N_ELEMENTS(rows), 1);
}
END_TEST

START_TEST(ats_21_a_late_mark_begins_a_new_row)
{
	static const struct row rows[] = {
		{1000, FAIL, 1},
		{31000, FAIL, 2},
		{61001, FAIL, 1}, /* the window of the last was over */
		{61002, ASK, SX_ADMIT_UP},
		{62000, FAIL, 2},
		{62001, FAIL, 3},
		{62002, ASK, SX_ADMIT_DOWN},
	};

	play(rows, N_ELEMENTS(rows), 3);
}
END_TEST

START_TEST(a_probe_that_fails_late_does_not_make_the_server_up)
{
	static const struct row rows[] = {
		{1000, FAIL, 1}, {1001, FAIL, 2}, {40000, ASK, SX_ADMIT_PROBE},
		{80000, FAIL, 3}, /* it took longer than a window */
		{80001, ASK, SX_ADMIT_DOWN}, {110000, ASK, SX_ADMIT_DOWN},
		{110001, ASK, SX_ADMIT_PROBE}, {110002, FAIL, 4},
		{190000, FAIL, 1}, /* not of a probe */
	};

	play(rows, N_ELEMENTS(rows), 2);
}
END_TEST

START_TEST(marks_of_slower_processes_do_not_turn_the_time_back)
{
	static const struct row rows[] = {
		{5000, FAIL, 1},
		{4000, FAIL, 2},
		{4500, ASK, SX_ADMIT_DOWN},
	};

	play(rows, N_ELEMENTS(rows), 2);
	ck_assert_uint_eq(sx_server_failed_at(&server), 5000);
}
END_TEST

START_TEST(a_mark_of_another_clock_holds_nobody_up)
{
	static const struct row rows[] = {
		{9000000, FAIL, 1},
		{8970000, ASK, SX_ADMIT_DOWN},
		{8969999, ASK, SX_ADMIT_PROBE},
		{8970000, FAIL, 2},
		{1000, FAIL, 1},
		{1001, ASK, SX_ADMIT_DOWN},
	};

	play(rows, N_ELEMENTS(rows), 1);
	ck_assert_uint_eq(sx_server_failed_at(&server), 1000);
}
END_TEST

START_TEST(a_threshold_of_none_is_one)
{
	static const struct row rows[] = {
		{1000, ASK, SX_ADMIT_UP},
		{1000, FAIL, 1},
		{1001, ASK, SX_ADMIT_DOWN},
	};

	play(rows, N_ELEMENTS(rows), 0);
	ck_assert_uint_eq(sx_server_down_until(&server, 0, RETRY), 31000);
}
END_TEST

START_TEST(a_retry_time_of_none_probes_once_a_millisecond)
{
	sx_server_mark_failed(&server, 1000, 0);
	ck_assert_int_eq(sx_server_admit(&server, 1000, 1, 0), SX_ADMIT_DOWN);
	ck_assert_int_eq(sx_server_admit(&server, 1001, 1, 0), SX_ADMIT_PROBE);
	ck_assert_int_eq(sx_server_admit(&server, 1001, 1, 0), SX_ADMIT_DOWN);
	ck_assert_int_eq(sx_server_admit(&server, 1002, 1, 0), SX_ADMIT_PROBE);
}
END_TEST

START_TEST(configurations_may_differ_in_threshold_and_time)
{
	sx_server_mark_failed(&server, 1000, RETRY);
	ck_assert_int_eq(sx_server_admit(&server, 2000, 2, RETRY), SX_ADMIT_UP);
	ck_assert_int_eq(
		sx_server_admit(&server, 2000, 1, RETRY), SX_ADMIT_DOWN);
	ck_assert_int_eq(
		sx_server_admit(&server, 2000, 1, 999), SX_ADMIT_PROBE);
	ck_assert_int_eq(sx_server_admit(&server, 2000, 1, 999), SX_ADMIT_DOWN);
}
END_TEST

START_TEST(status_is_told_without_taking_the_slot)
{
	ck_assert_uint_eq(sx_server_down_until(&server, 2, RETRY), 0);
	ck_assert_uint_eq(sx_server_failed_at(&server), 0);
	ck_assert_uint_eq(sx_server_fails(&server), 0);
	sx_server_mark_failed(&server, 1000, RETRY);
	ck_assert_uint_eq(sx_server_down_until(&server, 2, RETRY), 0);
	ck_assert_uint_eq(sx_server_failed_at(&server), 1000);
	sx_server_mark_failed(&server, 1500, RETRY);
	ck_assert_uint_eq(sx_server_fails(&server), 2);
	ck_assert_uint_eq(sx_server_down_until(&server, 2, RETRY), 31500);
	ck_assert_uint_eq(sx_server_down_until(&server, 2, RETRY), 31500);
	ck_assert_int_eq(
		sx_server_admit(&server, 40000, 2, RETRY), SX_ADMIT_PROBE);
	ck_assert_uint_eq(sx_server_failed_at(&server), 40000);
	ck_assert_uint_eq(sx_server_fails(&server), 2);
	ck_assert_uint_eq(sx_server_down_until(&server, 2, RETRY), 70000);
	sx_server_mark_ok(&server);
	ck_assert_uint_eq(sx_server_down_until(&server, 2, RETRY), 0);
}
END_TEST

START_TEST(the_first_millisecond_is_a_time_like_others)
{
	ck_assert_uint_eq(sx_server_mark_failed(&server, 0, RETRY), 1);
	ck_assert_uint_ne(sx_server_failed_at(&server), 0);
	ck_assert_int_eq(sx_server_admit(&server, 0, 1, RETRY), SX_ADMIT_DOWN);
	ck_assert_int_eq(
		sx_server_admit(&server, 30002, 1, RETRY), SX_ADMIT_PROBE);
}
END_TEST

START_TEST(marks_do_not_run_over)
{
	for (unsigned i = 1; i <= 40000; i++) {
		unsigned n = sx_server_mark_failed(&server, 1000, RETRY);
		ck_assert_uint_eq(n, i < 0x7fff ? i : 0x7fff);
	}
	ck_assert_uint_eq(sx_server_failed_at(&server), 1000);
	ck_assert_int_eq(
		sx_server_admit(&server, 1000, 32767, RETRY), SX_ADMIT_DOWN);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ats_22_a_server_is_up_until_the_threshold_of_marks,
		ats_23_a_success_forgets_all_marks,
		ats_23_one_probe_in_each_window,
		ats_21_a_late_mark_begins_a_new_row,
		a_probe_that_fails_late_does_not_make_the_server_up,
		marks_of_slower_processes_do_not_turn_the_time_back,
		a_mark_of_another_clock_holds_nobody_up,
		a_threshold_of_none_is_one,
		a_retry_time_of_none_probes_once_a_millisecond,
		configurations_may_differ_in_threshold_and_time,
		status_is_told_without_taking_the_slot,
		the_first_millisecond_is_a_time_like_others,
		marks_do_not_run_over,
	};
	Suite *suite = suite_create("state_health");
	TCase *tcase = tcase_create("health");

	tcase_add_checked_fixture(tcase, clear, NULL);
	for (size_t i = 0; i < N_ELEMENTS(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return sx_unit_main(suite);
}

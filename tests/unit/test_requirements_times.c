/*
 * Time limits of a dial and pauses between its rounds, by the numbers of the
 * requirements: ATS-28 to ATS-30, ATS-36, V-6, V-8, V-9.
 */
#include "requirements_fixture.h"

/* BUG-3 as well */
START_TEST(ats_28_the_time_for_connecting_ends_when_it_is_connected)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		WAIT(10000, 9000, POLLOUT), CONNECT(A, 0), SEND(GREETING),
		WAIT(8000, 7000, POLLIN), RECV(METHOD), SEND(REQUEST),
		WAIT(135000, 134000, POLLIN), RECV(REPLY_5), RECV(REPLY_10),
		END};

	ck_assert_int_eq(run(steps), 0);
	ck_assert_uint_eq(script_now_ms(), 150000);
}
END_TEST

START_TEST(ats_28_bug_3_a_late_greeting_is_no_late_connection)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		WAIT(10000, 9000, POLLOUT), CONNECT(A, 0), SEND_FAILS(EAGAIN),
		WAIT(8000, 8000, 0), DISSOLVE, TUNNEL(B), END};

	plan.limits.attempts_per_server = 2;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

/* ATS-29 has a timer for each message; ours for both is absolute. */
START_TEST(v_9_greeting_and_credentials_share_one_time)
{
	static const struct step steps[] = {CONNECT(A, 0),
		SEND("\x05\x02\x00\x02"), WAIT(8000, 5000, POLLIN),
		RECV("\x05\x02"), SEND_PART("\x01\x01u\x01p", 2),
		SEND_FAILS(EAGAIN), WAIT(3000, 1000, POLLOUT), SEND("u\x01p"),
		WAIT(2000, 2000, 0), DISSOLVE, END};

	confs[0].users = &(struct sx_user_conf){(char *)"u", (char *)"p"};
	confs[0].n_users = 1;
	plan.n_order = plan.limits.attempts = 1;
	ck_assert_int_eq(run(steps), -ETIMEDOUT);
	ck_assert_uint_eq(script_now_ms(), 8000);
}
END_TEST

START_TEST(ats_30_each_attempt_has_its_own_times)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		WAIT(10000, 9000, POLLOUT), CONNECT(A, 0), SEND(GREETING),
		WAIT(8000, 8000, 0), DISSOLVE, CONNECT(B, EINPROGRESS),
		WAIT(10000, 9000, POLLOUT), CONNECT(B, 0), SEND(GREETING),
		WAIT(8000, 7000, POLLIN), RECV(METHOD), SEND(REQUEST),
		WAIT(135000, 1, POLLIN), RECV(REPLY_5), RECV(REPLY_10), END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

/* V-9 as well: the whole ends while bytes keep coming. */
START_TEST(ats_36_the_callers_limit_bounds_every_phase)
{
	static const struct step connecting[] = {
		CONNECT(A, EINPROGRESS), WAIT(500, 500, 0), DISSOLVE, END};
	static const struct step greeting[] = {CONNECT(A, 0), SEND(GREETING),
		WAIT(500, 300, POLLIN), RECV("\x05"), RECV_FAILS(EAGAIN),
		WAIT(200, 200, POLLIN), DISSOLVE, END};
	static const struct step reply[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV(METHOD), SEND(REQUEST),
		WAIT(500, 499, POLLIN), RECV("\x05"), RECV_FAILS(EAGAIN),
		WAIT(1, 1, POLLIN), DISSOLVE, END};
	static const struct step *const phases[] = {
		connecting, greeting, reply};

	plan.deadline = (struct sx_deadline){1000500ULL * SX_NS_PER_MS};
	for (size_t i = 0; i < N_ELEMENTS(phases); i++) {
		ck_assert_int_eq(run(phases[i]), -ETIMEDOUT);
		ck_assert_uint_eq(script_now_ms(), 500);
	}
}
END_TEST

static unsigned n_connects, n_pauses;
static int pauses[64];

static int refuse(int fd, const struct sockaddr *sa, socklen_t len)
{
	(void)fd;
	(void)len;
	if (sa->sa_family == AF_UNSPEC)
		return 0;
	n_connects++;
	errno = ECONNREFUSED;
	return -1;
}

static int no_error(int fd, int level, int name, void *val, socklen_t *len)
{
	(void)fd;
	(void)level;
	(void)name;
	memset(val, 0, *len);
	return 0;
}

static int pass_time(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	(void)n;
	ck_assert_int_lt(fds[0].fd, 0); /* an unconnected socket hangs up */
	ck_assert_int_ge(timeout_ms, 0);
	ck_assert_uint_lt(n_pauses, N_ELEMENTS(pauses));
	pauses[n_pauses++] = timeout_ms;
	later_ms += (unsigned)timeout_ms;
	return 0;
}

/* One server that refuses, so each attempt is a round. */
static int run_refused(unsigned attempts)
{
	static const struct step none[] = {END};

	script_start(none); /* for its clock */
	n_connects = n_pauses = 0;
	later_ms = 0;
	sys.connect = refuse;
	sys.getsockopt = no_error;
	sys.poll = pass_time;
	plan.n_order = 1;
	plan.limits.attempts = attempts;
	sx_dial_init(&dial, &plan, 7, AF_INET, O_NONBLOCK);
	return sx_dial_run(&dial, SX_NEVER, NULL);
}

START_TEST(v_6_the_pause_before_a_round_grows_and_none_follows_the_last)
{
	plan.backoff_ms = 100;
	ck_assert_int_eq(run_refused(5), -ENETUNREACH);
	ck_assert_uint_eq(n_connects, 5);
	ck_assert_uint_eq(n_pauses, 4);
	for (int k = 0; k < 4; k++) {
		ck_assert_int_ge(pauses[k], 100 * (k + 1));
		ck_assert_int_le(pauses[k], 150 * (k + 1));
	}
}
END_TEST

START_TEST(v_6_pauses_differ)
{
	bool differ = false;

	plan.backoff_ms = 1000;
	for (int i = 0; i < 32; i++) {
		int before = pauses[0];
		run_refused(2);
		differ = differ || (i > 0 && pauses[0] != before);
	}
	ck_assert(differ);
}
END_TEST

START_TEST(v_6_pauses_stay_inside_the_deadline)
{
	plan.backoff_ms = 100;
	plan.deadline = (struct sx_deadline){1000250ULL * SX_NS_PER_MS};
	ck_assert_int_eq(run_refused(1000), -ETIMEDOUT);
	ck_assert_uint_eq(later_ms, 250);
	ck_assert_uint_eq(n_connects, 2);
}
END_TEST

START_TEST(v_6_without_a_backoff_rounds_follow_at_once)
{
	ck_assert_int_eq(run_refused(5), -ENETUNREACH);
	ck_assert_uint_eq(n_connects, 5);
	ck_assert_uint_eq(n_pauses, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ats_28_the_time_for_connecting_ends_when_it_is_connected,
		ats_28_bug_3_a_late_greeting_is_no_late_connection,
		v_9_greeting_and_credentials_share_one_time,
		ats_30_each_attempt_has_its_own_times,
		ats_36_the_callers_limit_bounds_every_phase,
		v_6_the_pause_before_a_round_grows_and_none_follows_the_last,
		v_6_pauses_differ,
		v_6_pauses_stay_inside_the_deadline,
		v_6_without_a_backoff_rounds_follow_at_once,
	};
	Suite *s = suite_create("requirements_times");
	TCase *t = tcase_create("times");

	tcase_add_checked_fixture(t, prepare, NULL);
	for (size_t i = 0; i < N_ELEMENTS(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

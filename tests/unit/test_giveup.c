/*
 * What an attempt that comes to nothing leaves behind: which servers are not
 * asked again, what is counted, who is marked.
 */
#include "requirements_fixture.h"

#include "core/counters.h"
#include "core/learned.h"

#include <time.h>

START_TEST(a6_4_refused_credentials_are_not_repeated_with_the_same_server)
{
	static struct sx_user_conf user = {(char *)"u", (char *)"p"};
	static const struct step steps[] = {CONNECT(A, 0),
		SEND("\x05\x02\x00\x02"), POLL(POLLIN), RECV("\x05\x02"),
		SEND("\x01\x01u\x01p"), POLL(POLLIN), RECV("\x01\x01"),
		DISSOLVE, END};

	confs[0].users = &user;
	confs[0].n_users = 1;
	plan.n_order = 1;
	plan.backoff_ms = 100;
	ck_assert_int_eq(run(steps), -EACCES);
}
END_TEST

static void go_to_a_name(void)
{
	plan.dest.kind = SX_DEST_NAME;
	sx_name_copy(plan.dest.name, "www.example.org");
}

START_TEST(a_destination_that_no_server_can_carry_fails_at_once)
{
	static const struct step steps[] = {END};

	confs[0].proto = confs[1].proto = SX_PROTO_SOCKS4;
	go_to_a_name();
	plan.backoff_ms = 100;
	ck_assert_int_eq(run(steps), -EHOSTUNREACH);
}
END_TEST

START_TEST(a_server_that_cannot_carry_it_uses_up_no_attempt)
{
	static const struct step steps[] = {
		REFUSED(B), REFUSED(B), REFUSED(B), REFUSED(B), END};
	struct sx_counters c;

	confs[0].proto = SX_PROTO_SOCKS4;
	go_to_a_name();
	ck_assert_int_eq(run(steps), -ENETUNREACH);
	sx_server_counters(&states[0], &c);
	ck_assert_uint_eq(c.attempts, 0);
}
END_TEST

START_TEST(doubt_about_a_hop_is_the_hops)
{
	static const struct step steps[] = {CONNECT(A, 0),
		SEND("\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x02\x04\x39"),
		POLL_LATE(8000), DISSOLVE, END};
	static const unsigned last[] = {1};
	uint64_t now = (uint64_t)time(NULL);

	confs[1].via = 0;
	plan.order = last;
	plan.n_order = 1;
	plan.limits.attempts = 1;
	sx_server_set_pipeline(&states[0], SX_PIPELINING_SAFE, now);
	sx_server_set_pipeline(&states[1], SX_PIPELINING_SAFE, now);
	ck_assert_int_eq(run(steps), -ETIMEDOUT);
	ck_assert_int_eq(
		sx_server_pipeline(&states[0], now), SX_PIPELINING_UNKNOWN);
	ck_assert_int_eq(
		sx_server_pipeline(&states[1], now), SX_PIPELINING_SAFE);
}
END_TEST

/* Every attempt has an outcome. */
static void all_are_counted(void)
{
	struct sx_counters c;

	sx_server_counters(&states[0], &c);
	uint64_t n = c.successes;
	for (int i = 0; i < SX_N_FAILURES; i++)
		n += c.failures[i];
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(c.attempts, n);
}

/* The whole has ms, and they pass. */
static void end_after(unsigned long ms)
{
	const struct step steps[] = {CONNECT(A, EINPROGRESS),
		{.call = CALL_POLL, .ret = 0, .ms = ms, .max_ms = (long)ms},
		DISSOLVE, END};

	plan.deadline = (struct sx_deadline){(1000000ULL + ms) * SX_NS_PER_MS};
	ck_assert_int_eq(run(steps), -ETIMEDOUT);
	all_are_counted();
}

START_TEST(an_attempt_that_a_short_deadline_ends_is_counted_and_marks_nobody)
{
	end_after(500);
	ck_assert_uint_eq(sx_server_fails(&states[0]), 0);
}
END_TEST

START_TEST(a_server_that_the_deadline_found_silent_for_2_s_is_marked)
{
	end_after(2000);
	ck_assert_uint_eq(sx_server_fails(&states[0]), 1);
}
END_TEST

START_TEST(a_destination_that_is_silent_until_the_deadline_marks_nobody)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV(METHOD), SEND(REQUEST), POLL_LATE(5000),
		DISSOLVE, END};

	plan.deadline = (struct sx_deadline){1005000ULL * SX_NS_PER_MS};
	ck_assert_int_eq(run(steps), -ETIMEDOUT);
	all_are_counted();
	ck_assert_uint_eq(sx_server_fails(&states[0]), 0);
}
END_TEST

static bool yes(void)
{
	return true;
}

/* The application gives up after ms. */
static void abandon_after(unsigned long ms)
{
	const struct step steps[] = {CONNECT(A, EINPROGRESS),
		{.call = CALL_POLL, .ret = 0, .ms = ms, .max_ms = (long)ms},
		DISCONNECT, END};

	script_start(steps);
	sx_dial_init(&dial, &plan, 7, AF_INET, O_NONBLOCK);
	struct sx_deadline limit = {(1000000ULL + ms) * SX_NS_PER_MS};
	ck_assert_int_eq(sx_dial_run(&dial, limit, NULL), SX_DIAL_LATE);
	sx_dial_abandon(&dial);
	script_finish();
	all_are_counted();
}

START_TEST(an_attempt_that_the_application_gives_up_soon_marks_nobody)
{
	abandon_after(500);
	ck_assert_uint_eq(sx_server_fails(&states[0]), 0);
}
END_TEST

START_TEST(a_server_that_was_silent_for_2_s_when_it_gave_up_is_marked)
{
	abandon_after(2000);
	ck_assert_uint_eq(sx_server_fails(&states[0]), 1);
}
END_TEST

START_TEST(an_attempt_that_a_signal_ends_is_counted)
{
	static const struct step steps[] = {
		CONNECT(A, EINPROGRESS), POLL_FAILS(EINTR), DISCONNECT, END};

	script_start(steps);
	sx_dial_init(&dial, &plan, 7, AF_INET, O_NONBLOCK);
	ck_assert_int_eq(
		sx_dial_run(&dial, SX_NEVER, yes), SX_DIAL_INTERRUPTED);
	sx_dial_abandon(&dial);
	script_finish();
	all_are_counted();
}
END_TEST

START_TEST(a6_4_retry_on_refusal_asks_each_server_once)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV(METHOD), SEND(REQUEST), POLL(POLLIN),
		RECV("\x05\x05"), DISSOLVE, CONNECT(B, 0), SEND(GREETING),
		POLL(POLLIN), RECV(METHOD), SEND(REQUEST), POLL(POLLIN),
		RECV("\x05\x05"), DISSOLVE, END};

	plan.retry_on_refusal = true;
	plan.backoff_ms = 0;
	ck_assert_int_eq(run(steps), -ECONNREFUSED);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a6_4_refused_credentials_are_not_repeated_with_the_same_server,
		a_destination_that_no_server_can_carry_fails_at_once,
		a_server_that_cannot_carry_it_uses_up_no_attempt,
		doubt_about_a_hop_is_the_hops,
		an_attempt_that_a_short_deadline_ends_is_counted_and_marks_nobody,
		a_server_that_the_deadline_found_silent_for_2_s_is_marked,
		a_destination_that_is_silent_until_the_deadline_marks_nobody,
		an_attempt_that_a_signal_ends_is_counted,
		an_attempt_that_the_application_gives_up_soon_marks_nobody,
		a_server_that_was_silent_for_2_s_when_it_gave_up_is_marked,
		a6_4_retry_on_refusal_asks_each_server_once,
	};
	Suite *suite = suite_create("giveup");
	TCase *c = tcase_create("giveup");

	tcase_add_checked_fixture(c, prepare, NULL);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(suite, c);
	return sx_unit_main(suite);
}

/*
 * How a dial speaks to its servers, by the numbers of the requirements:
 * ATS-37, ATS-39, ATS-48, V-13, A5-1, A5-4, BUG-11. What each byte means
 * stands in test_handshake.c and its relatives.
 */
#include "core/counters.h"
#include "core/learned.h"
#include "requirements_fixture.h"

#include <time.h>

#define IN_STEPS CONNECT(A, 0), HANDSHAKE, END
#define ALL_IN_ONE                                                             \
	CONNECT(A, 0), SEND(GREETING REQUEST), POLL(POLLIN), RECV(METHOD),     \
		RECV(REPLY_5), RECV(REPLY_10), END

static uint64_t wall_clock_s(void)
{
	return (uint64_t)time(NULL);
}

static void learn(enum sx_pipelining verdict)
{
	sx_server_set_pipeline(&states[0], verdict, wall_clock_s());
}

static enum sx_pipelining learned(void)
{
	return sx_server_pipeline(&states[0], wall_clock_s());
}

static void give_user(void)
{
	static struct sx_user_conf user = {(char *)"u", (char *)"p"};

	confs[0].users = &user;
	confs[0].n_users = 1;
}

START_TEST(a5_1_without_a_verdict_it_goes_step_by_step)
{
	static const struct step steps[] = {IN_STEPS};

	ck_assert_int_eq(run(steps), 0);
	learn(SX_PIPELINING_UNSAFE);
	ck_assert_int_eq(run(steps), 0);
	servers[0].state = NULL; /* nothing is shared */
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a5_1_with_a_verdict_it_goes_in_one_message)
{
	static const struct step steps[] = {ALL_IN_ONE};

	learn(SX_PIPELINING_SAFE);
	ck_assert_int_eq(run(steps), 0);
	ck_assert_int_eq(learned(), SX_PIPELINING_SAFE);
}
END_TEST

START_TEST(a5_1_the_configuration_comes_before_the_verdict)
{
	static const struct step in_steps[] = {IN_STEPS};
	static const struct step in_one[] = {ALL_IN_ONE};

	learn(SX_PIPELINING_SAFE);
	confs[0].pipeline = SX_PIPELINE_OFF;
	ck_assert_int_eq(run(in_steps), 0);
	learn(SX_PIPELINING_UNSAFE);
	confs[0].pipeline = SX_PIPELINE_ON;
	ck_assert_int_eq(run(in_one), 0);
}
END_TEST

/* Nothing is sent twice: the next connection does better. */
START_TEST(a5_1_silence_clears_the_verdict)
{
	static const struct step silent[] = {CONNECT(A, 0),
		SEND(GREETING REQUEST), POLL(POLLIN), RECV(METHOD),
		RECV_FAILS(EAGAIN), POLL_LATE(135000), DISSOLVE, END};
	static const struct step in_steps[] = {IN_STEPS};

	learn(SX_PIPELINING_SAFE);
	ck_assert_int_eq(run(silent), -ETIMEDOUT);
	ck_assert_int_eq(learned(), SX_PIPELINING_UNKNOWN);
	ck_assert_int_eq(run(in_steps), 0);
}
END_TEST

START_TEST(a5_1_a_refused_destination_keeps_the_verdict)
{
	static const struct step steps[] = {CONNECT(A, 0),
		SEND(GREETING REQUEST), POLL(POLLIN), RECV(METHOD),
		RECV("\x05\x05"), DISSOLVE, END};

	learn(SX_PIPELINING_SAFE);
	ck_assert_int_eq(run(steps), -ECONNREFUSED);
	ck_assert_int_eq(learned(), SX_PIPELINING_SAFE);
}
END_TEST

/* BUG-11, A5-4: method 2 is offered where there are credentials, and not
 * alone. */
START_TEST(ats_37_both_methods_are_offered_with_credentials_alone)
{
	static const struct step without[] = {IN_STEPS};
	static const struct step with[] = {CONNECT(A, 0),
		SEND("\x05\x02\x00\x02"), POLL(POLLIN), RECV(METHOD),
		SEND(REQUEST), POLL(POLLIN), RECV(REPLY_5), RECV(REPLY_10),
		END};

	ck_assert_int_eq(run(without), 0);
	give_user();
	ck_assert_int_eq(run(with), 0);
}
END_TEST

START_TEST(v_13_one_message_offers_one_method)
{
	static const struct step steps[] = {CONNECT(A, 0),
		SEND("\x05\x01\x02\x01\x01u\x01p" REQUEST), POLL(POLLIN),
		RECV("\x05\x02"), RECV("\x01\x00"), RECV(REPLY_5),
		RECV(REPLY_10), END};

	give_user();
	confs[0].pipeline = SX_PIPELINE_ON;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(ats_39_credentials_that_are_required_are_offered_alone)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND("\x05\x01\x02"),
		POLL(POLLIN), RECV(METHOD), DISSOLVE, TUNNEL(B), END};

	give_user();
	confs[0].auth = SX_AUTH_REQUIRED;
	ck_assert_int_eq(run(steps), 0);
	ck_assert_uint_eq(dial.place, 1);
}
END_TEST

START_TEST(ats_48_a_tunnel_is_counted_with_the_time_of_its_handshake)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		WAIT(10000, 5000, POLLOUT), CONNECT(A, 0), SEND(GREETING),
		WAIT(8000, 30, POLLIN), RECV(METHOD), SEND(REQUEST),
		WAIT(135000, 20, POLLIN), RECV(REPLY_5), RECV(REPLY_10), END};
	struct sx_counters c;

	ck_assert_int_eq(run(steps), 0);
	sx_server_counters(&states[0], &c);
	ck_assert_uint_eq(c.attempts, 1);
	ck_assert_uint_eq(c.successes, 1);
	ck_assert_uint_eq(c.handshakes[15], 1); /* 32768 to 65535 us */
	for (unsigned k = 0; k < SX_N_FAILURES; k++)
		ck_assert_uint_eq(c.failures[k], 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a5_1_without_a_verdict_it_goes_step_by_step,
		a5_1_with_a_verdict_it_goes_in_one_message,
		a5_1_the_configuration_comes_before_the_verdict,
		a5_1_silence_clears_the_verdict,
		a5_1_a_refused_destination_keeps_the_verdict,
		ats_37_both_methods_are_offered_with_credentials_alone,
		v_13_one_message_offers_one_method,
		ats_39_credentials_that_are_required_are_offered_alone,
		ats_48_a_tunnel_is_counted_with_the_time_of_its_handshake,
	};
	Suite *s = suite_create("requirements_handshake");
	TCase *t = tcase_create("handshake");

	tcase_add_checked_fixture(t, prepare, NULL);
	for (size_t i = 0; i < N_ELEMENTS(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

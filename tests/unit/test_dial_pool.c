/*
 * The dial through pools and chains, against a scripted table of system calls.
 */
#include "dial_fixture.h"

START_TEST(v_6_another_round_begins_after_the_backoff)
{
	static const struct step steps[] = {CONNECT(A, ECONNREFUSED), DISSOLVE,
		POLL_LATE(150), CONNECT(A, ECONNREFUSED), DISSOLVE,
		POLL_LATE(300), CONNECT(A, 0), HANDSHAKE, END};

	plan.limits.attempts = 3;
	plan.backoff_ms = 100;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a_server_that_cost_its_time_out_is_not_tried_in_another_round)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		POLL_LATE(10000), DISSOLVE, CONNECT(B, ECONNREFUSED), DISSOLVE,
		POLL_LATE(150), CONNECT(B, 0), HANDSHAKE, END};

	plan.n_order = 2;
	plan.limits.attempts = 9;
	plan.backoff_ms = 100;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a_dial_begins_where_the_plan_says)
{
	static const struct step steps[] = {CONNECT(B, ECONNREFUSED), DISSOLVE,
		CONNECT(A, 0), HANDSHAKE, END};

	plan.n_order = 2;
	plan.start = 1;
	ck_assert_int_eq(run(steps), 0);
	ck_assert_uint_eq(dial.place, 0);
}
END_TEST

START_TEST(a6_4_a_refused_destination_goes_to_the_next_server_if_so_configured)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV(METHOD), SEND(REQUEST), POLL(POLLIN),
		RECV("\x05\x02"), DISSOLVE, CONNECT(B, 0), HANDSHAKE, END};

	plan.n_order = 2;
	plan.retry_on_refusal = true;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

#define HOP                                                                    \
	SEND(GREETING), POLL(POLLIN), RECV(METHOD),                            \
		SEND("\x05\x01\x00\x01\xc0\x00\x02\x02\x04\x39"), POLL(POLLIN)

START_TEST(a_chain_shakes_hands_with_each_hop_in_turn)
{
	static const struct step steps[] = {CONNECT(A, 0), HOP, RECV(REPLY_5),
		RECV(REPLY_10), HANDSHAKE, END};
	static const unsigned last[] = {1};

	confs[1].via = 0;
	plan.order = last;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a_hop_that_is_not_reached_is_the_servers_failure)
{
	static const struct step steps[] = {CONNECT(A, 0), HOP,
		RECV("\x05\x05"), DISSOLVE, CONNECT(A, 0), HANDSHAKE, END};
	static const unsigned chain_first[] = {1, 0};

	confs[1].via = 0;
	plan.order = chain_first;
	plan.n_order = 2;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dial_pool");
	TCase *t = tcase_create("dial_pool");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, v_6_another_round_begins_after_the_backoff);
	tcase_add_test(t,
		a_server_that_cost_its_time_out_is_not_tried_in_another_round);
	tcase_add_test(t, a_dial_begins_where_the_plan_says);
	tcase_add_test(t,
		a6_4_a_refused_destination_goes_to_the_next_server_if_so_configured);
	tcase_add_test(t, a_chain_shakes_hands_with_each_hop_in_turn);
	tcase_add_test(t, a_hop_that_is_not_reached_is_the_servers_failure);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

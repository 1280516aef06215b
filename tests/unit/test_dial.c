/*
 * The dial against a scripted table of system calls.
 */
#include "dial_fixture.h"

START_TEST(a_tunnel_stands_after_two_messages)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		POLL(POLLOUT), CONNECT(A, 0), HANDSHAKE, END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a_connect_that_succeeds_at_once_is_not_waited_for)
{
	static const struct step steps[] = {CONNECT(A, 0), HANDSHAKE, END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a_signal_loses_and_repeats_nothing)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		POLL_FAILS(EINTR), POLL(POLLOUT), CONNECT(A, EALREADY),
		CLEAR_ERROR, POLL(POLLOUT), CONNECT(A, 0), SEND_FAILS(EINTR),
		SEND(GREETING), POLL_FAILS(EINTR), RECV_FAILS(EAGAIN),
		POLL(POLLIN), RECV_FAILS(EINTR), RECV(METHOD), SEND(REQUEST),
		POLL(POLLIN), RECV(REPLY_5), RECV(REPLY_10), END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(answers_may_come_byte_by_byte)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV("\x05"), RECV_FAILS(EAGAIN), POLL(POLLIN),
		RECV("\x00"), SEND(REQUEST), POLL(POLLIN), RECV("\x05"),
		RECV("\x00"), RECV("\x00"), RECV("\x01"), RECV("\x00"),
		RECV("\x00\x00"), RECV_FAILS(EAGAIN), POLL(POLLIN),
		RECV("\x00\x00"), RECV("\x00"), END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a_message_that_does_not_fit_goes_on_where_it_stopped)
{
	static const struct step steps[] = {CONNECT(A, 0),
		SEND_PART(GREETING, 1), SEND_FAILS(EAGAIN), POLL(POLLOUT),
		SEND("\x01\x00"), POLL(POLLIN), RECV(METHOD), SEND(REQUEST),
		POLL(POLLIN), RECV(REPLY_5), RECV(REPLY_10), END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(ats_32_a_refused_server_is_dissolved_and_the_next_one_taken)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		POLL(POLLOUT | POLLERR | POLLHUP), CONNECT(A, ECONNREFUSED),
		DISSOLVE, CONNECT(B, 0), HANDSHAKE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(three_dead_servers_and_a_good_one_make_a_tunnel)
{
	static const struct step steps[] = {RESOLVES("proxy.example.org", NULL),
		CONNECT(C, ECONNREFUSED), DISSOLVE, CONNECT(A, EINPROGRESS),
		POLL_LATE(10000), DISSOLVE, CONNECT(B, 0), HANDSHAKE, END};
	static const unsigned name_first[] = {3, 2, 0, 1};
	static const struct step v6only = {.call = CALL_V6ONLY, .ret = 0};
	struct step with_v6only[32];
	size_t n = 0;

	/* an IPv6 socket asks for IPV6_V6ONLY before each IPv4 server */
	for (const struct step *s = steps; s->call != CALL_END; s++) {
		if (s->call == CALL_CONNECT && strchr(s->text, '.'))
			with_v6only[n++] = v6only;
		with_v6only[n++] = *s;
	}
	with_v6only[n] = (struct step)END;
	plan.n_order = 4;
	plan.order = name_first;
	ck_assert_int_eq(run_family(AF_INET6, with_v6only), 0);
	plan.order = order;
}
END_TEST

START_TEST(all_refused_is_enetunreach)
{
	static const struct step steps[] = {CONNECT(A, ECONNREFUSED), DISSOLVE,
		CONNECT(B, EHOSTUNREACH), DISSOLVE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -ENETUNREACH);
	ck_assert_int_eq(dial.cause.sys, ENETUNREACH);
}
END_TEST

START_TEST(all_late_is_etimedout)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		POLL_LATE(10000), DISSOLVE, CONNECT(B, EINPROGRESS),
		POLL_LATE(10000), DISSOLVE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -ETIMEDOUT);
}
END_TEST

START_TEST(one_refused_and_one_late_is_enetunreach)
{
	static const struct step steps[] = {CONNECT(A, ECONNREFUSED), DISSOLVE,
		CONNECT(B, EINPROGRESS), POLL_LATE(10000), DISSOLVE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -ENETUNREACH);
}
END_TEST

START_TEST(v_4_no_server_is_enetunreach)
{
	static const struct step steps[] = {END};

	plan.n_order = 0;
	ck_assert_int_eq(run(steps), -ENETUNREACH);
}
END_TEST

START_TEST(a_server_that_hangs_up_before_the_method_is_econnreset)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV_EOF, DISSOLVE, END};

	ck_assert_int_eq(run(steps), -ECONNRESET);
}
END_TEST

START_TEST(a_server_that_resets_the_greeting_is_passed_over)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND_FAILS(EPIPE),
		DISSOLVE, CONNECT(B, 0), HANDSHAKE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a_server_that_is_no_socks_server_is_passed_over)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV("HT"), DISSOLVE, CONNECT(B, 0), HANDSHAKE,
		END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(refused_credentials_are_eacces_and_the_next_one_is_tried)
{
	static const struct step steps[] = {CONNECT(A, 0),
		SEND("\x05\x02\x00\x02"), POLL(POLLIN), RECV("\x05\x02"),
		SEND("\x01\x01u\x01p"), POLL(POLLIN), RECV("\x01\x01"),
		DISSOLVE, CONNECT(B, ECONNREFUSED), DISSOLVE, END};

	confs[0].users = &(struct sx_user_conf){(char *)"u", (char *)"p"};
	confs[0].n_users = 1;
	plan.n_order = 2;
	/* the attempt that came further tells more */
	ck_assert_int_eq(run(steps), -EACCES);
}
END_TEST

START_TEST(ats_35_a_refused_destination_is_final)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV(METHOD), SEND(REQUEST), POLL(POLLIN),
		RECV("\x05\x05"), DISSOLVE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -ECONNREFUSED);
}
END_TEST

START_TEST(ats_33_an_end_after_the_request_is_final_and_econnrefused)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV(METHOD), SEND(REQUEST), POLL(POLLIN),
		RECV_EOF, DISSOLVE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -ECONNREFUSED);
}
END_TEST

START_TEST(a_silent_server_is_left_after_the_handshake_timeout)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL_LATE(8000), DISSOLVE, CONNECT(B, 0), HANDSHAKE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), 0);
	ck_assert_uint_eq(script_now_ms(), 8000);
}
END_TEST

START_TEST(ats_29_no_reply_is_etimedout_after_the_reply_timeout)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV(METHOD), SEND(REQUEST), POLL_LATE(135000),
		DISSOLVE, END};

	ck_assert_int_eq(run(steps), -ETIMEDOUT);
	ck_assert_uint_eq(script_now_ms(), 135000);
}
END_TEST

START_TEST(v_9_a_byte_that_trickles_in_does_not_lengthen_the_wait)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		{.call = CALL_POLL, .ret = POLLIN, .ms = 5000, .max_ms = 8000},
		RECV("\x05"), RECV_FAILS(EAGAIN),
		{.call = CALL_POLL, .ret = 0, .ms = 3000, .max_ms = 3000},
		DISSOLVE, END};

	ck_assert_int_eq(run(steps), -ETIMEDOUT);
	ck_assert_uint_eq(script_now_ms(), 8000);
}
END_TEST

START_TEST(v_9_a_byte_of_the_reply_does_not_lengthen_the_wait_for_it)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV(METHOD), SEND(REQUEST),
		{.call = CALL_POLL,
			.ret = POLLIN,
			.ms = 5000,
			.max_ms = 135000},
		RECV("\x05"), RECV_FAILS(EAGAIN),
		{.call = CALL_POLL, .ret = 0, .ms = 130000, .max_ms = 130000},
		DISSOLVE, END};

	ck_assert_int_eq(run(steps), -ETIMEDOUT);
	ck_assert_uint_eq(script_now_ms(), 135000);
}
END_TEST

START_TEST(v_9_the_deadline_bounds_the_whole)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		{.call = CALL_POLL, .ret = 0, .ms = 10000, .max_ms = 10000},
		DISSOLVE, CONNECT(B, EINPROGRESS),
		{.call = CALL_POLL, .ret = 0, .ms = 2000, .max_ms = 2000},
		DISSOLVE, END};

	plan.n_order = 2;
	plan.deadline = (struct sx_deadline){1012000ULL * SX_NS_PER_MS};
	ck_assert_int_eq(run(steps), -ETIMEDOUT);
	ck_assert_uint_eq(script_now_ms(), 12000);
}
END_TEST

START_TEST(the_sockets_own_errors_are_the_applications)
{
	static const int own[] = {EISCONN, EALREADY, EBADF, ENOTSOCK, EINVAL};

	plan.n_order = 2;
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		/* nothing is dissolved: the connection is the application's */
		const struct step steps[] = {CONNECT(A, own[i]), END};
		ck_assert_int_eq(run(steps), -own[i]);
	}
}
END_TEST

START_TEST(an_unfit_server_leaves_a_connected_socket_alone)
{
	static const struct step steps[] = {CONNECT(B, EISCONN), END};

	confs[0].proto = SX_PROTO_SOCKS4;
	plan.dest.kind = SX_DEST_NAME;
	strcpy(plan.dest.name, "www.example.org");
	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -EISCONN);
}
END_TEST

START_TEST(an_ipv4_socket_that_is_connected_is_not_replaced)
{
	static const struct step steps[] = {
		{.call = CALL_TCP_INFO, .ret = 1 /* ESTABLISHED */}, END};
	static const unsigned v6[] = {2};

	plan.order = v6;
	ck_assert_int_eq(run(steps), -EISCONN);
}
END_TEST

START_TEST(an_ipv6_socket_reaches_an_ipv4_server)
{
	static const struct step steps[] = {{.call = CALL_V6ONLY, .ret = 1},
		{.call = CALL_SET_V6ONLY, .ret = 0}, CONNECT(A, 0), HANDSHAKE,
		END};

	ck_assert_int_eq(run_family(AF_INET6, steps), 0);
}
END_TEST

START_TEST(ats_13_a_server_name_is_looked_up_once)
{
	static const struct step first[] = {
		RESOLVES("proxy.example.org", "192.0.2.1"),
		CONNECT("192.0.2.1:1083", 0), HANDSHAKE, END};
	static const struct step second[] = {
		CONNECT("192.0.2.1:1083", 0), HANDSHAKE, END};
	static const unsigned name[] = {3};

	plan.order = name;
	ck_assert_int_eq(run(first), 0);
	ck_assert_int_eq(run(second), 0);
}
END_TEST

START_TEST(ats_13_a_server_name_is_looked_up_again_when_its_addresses_failed)
{
	static const struct step first[] = {
		RESOLVES("proxy.example.org", "192.0.2.1"),
		CONNECT("192.0.2.1:1083", ECONNREFUSED), DISSOLVE, END};
	static const struct step second[] = {
		RESOLVES("proxy.example.org", "192.0.2.5"),
		CONNECT("192.0.2.5:1083", 0), HANDSHAKE, END};
	static const unsigned name[] = {3};

	plan.order = name;
	ck_assert_int_eq(run(first), -ENETUNREACH);
	ck_assert_int_eq(run(second), 0);
}
END_TEST

START_TEST(an_address_that_fails_is_no_warning_if_another_one_works)
{
	static const struct step steps[] = {
		CONNECT("192.0.2.8:1083", ECONNREFUSED), DISSOLVE,
		CONNECT("192.0.2.9:1083", 0), HANDSHAKE, END};
	static const unsigned name[] = {3};
	char path[64];

	snprintf(path, sizeof(path), "%s/log", sx_unit_scratch());
	sx_log_init(SX_LOG_WARN, path);
	plan.order = name;
	sx_ip_parse("192.0.2.8", &servers[3].ips[0]);
	sx_ip_parse("192.0.2.9", &servers[3].ips[1]);
	servers[3].n_ips = 2;
	ck_assert_int_eq(run(steps), 0);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_server_that_fails_is_a_warning)
{
	static const struct step steps[] = {
		CONNECT(A, ECONNREFUSED), DISSOLVE, END};
	char path[64];

	snprintf(path, sizeof(path), "%s/log", sx_unit_scratch());
	sx_log_init(SX_LOG_WARN, path);
	ck_assert_int_eq(run(steps), -ENETUNREACH);
	ck_assert_int_eq(access(path, F_OK), 0);
	unlink(path);
}
END_TEST

START_TEST(a_socket_that_cannot_be_replaced_leaves_the_other_servers)
{
	static const struct step steps[] = {
		{.call = CALL_TCP_INFO, .ret = 7 /* CLOSE */},
		{.call = CALL_SOCKET, .err = EAFNOSUPPORT}, CONNECT(A, 0),
		HANDSHAKE, END};
	static const unsigned v6_first[] = {2, 0};

	plan.order = v6_first;
	plan.n_order = 2;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

/* Linux would send it to A's address, with C's port. */
START_TEST(an_ipv6_socket_that_was_connected_by_ipv4_is_replaced_for_ipv6)
{
	static const struct step steps[] = {{.call = CALL_V6ONLY, .ret = 0},
		CONNECT(A, ECONNREFUSED), DISSOLVE,
		{.call = CALL_TCP_INFO, .ret = 7 /* CLOSE */},
		{.call = CALL_SOCKET, .err = EMFILE}, END};
	static const unsigned v4_first[] = {0, 2};

	plan.order = v4_first;
	plan.n_order = 2;
	ck_assert_int_eq(run_family(AF_INET6, steps), -ENETUNREACH);
}
END_TEST

static bool yes(void)
{
	return true;
}

START_TEST(a_dial_that_was_interrupted_goes_on)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		POLL_FAILS(EINTR), POLL(POLLOUT), CONNECT(A, EISCONN),
		HANDSHAKE, END};

	script_start(steps);
	sx_dial_init(&dial, &plan, 7, AF_INET, O_NONBLOCK);
	ck_assert_int_eq(
		sx_dial_run(&dial, SX_NEVER, yes), SX_DIAL_INTERRUPTED);
	ck_assert_int_eq(sx_dial_run(&dial, SX_NEVER, NULL), 0);
	script_finish();
}
END_TEST

/* Steps on, after each step at another place; the places before it are
 * overwritten. */
static int run_moving(void)
{
	static struct sx_dial dials[2];
	static struct sx_dial_plan plans[2];
	unsigned at = 0;
	short revents = 0;

	plans[0] = plan;
	sx_dial_init(&dials[0], &plans[0], 7, AF_INET, O_NONBLOCK);
	for (;;) {
		int r = sx_dial_step(&dials[at], revents);
		if (r != SX_DIAL_WAIT)
			return r;
		revents = dials[at].events;
		plans[!at] = plans[at];
		sx_dial_move(&dials[!at], &dials[at], &plans[!at], 7);
		memset(&dials[at], 0xff, sizeof(dials[at]));
		memset(&plans[at], 0xff, sizeof(plans[at]));
		at = !at;
	}
}

START_TEST(a_dial_can_move_between_all_steps)
{
	char credentials[] = "\x01\x09<torS0X>0\x20"
			     "................................";
	const struct step steps[] = {CONNECT(A, EINPROGRESS),
		CONNECT(A, EISCONN), SEND("\x05\x02\x00\x02"), RECV("\x05\x02"),
		SEND(credentials), RECV("\x01\x00"), SEND(REQUEST),
		RECV(REPLY_5), RECV(REPLY_10), END};
	struct sx_user user;

	confs[0].isolate = SX_ISOLATE_PROGRAM;
	sx_user_choose(&confs[0], &plan.dest, &user);
	memcpy(credentials + 12, user.token, 32);
	script_start(steps);
	ck_assert_int_eq(run_moving(), 0);
	script_finish();
}
END_TEST

START_TEST(a_step_says_what_it_waits_for)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS), END};

	script_start(steps);
	sx_dial_init(&dial, &plan, 7, AF_INET, O_NONBLOCK);
	ck_assert_int_eq(sx_dial_step(&dial, 0), SX_DIAL_WAIT);
	ck_assert_int_eq(dial.events, POLLOUT);
	ck_assert_uint_eq(dial.until.at_ns, 1010000ULL * SX_NS_PER_MS);
	ck_assert_int_eq(sx_dial_step(&dial, 0), SX_DIAL_WAIT);
	script_finish();
}
END_TEST

START_TEST(a_blocking_socket_is_non_blocking_for_each_connect_alone)
{
	static const struct step steps[] = {
		SETFL(O_RDWR | O_APPEND | O_NONBLOCK), CONNECT(A, EINPROGRESS),
		SETFL(O_RDWR | O_APPEND), POLL(POLLOUT),
		SETFL(O_RDWR | O_APPEND | O_NONBLOCK), CONNECT(A, 0),
		SETFL(O_RDWR | O_APPEND), HANDSHAKE, END};

	script_start(steps);
	sx_dial_init(&dial, &plan, 7, AF_INET, O_RDWR | O_APPEND);
	ck_assert_int_eq(sx_dial_run(&dial, SX_NEVER, NULL), 0);
	script_finish();
}
END_TEST

START_TEST(a_reset_after_the_connection_stood_is_econnreset)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		POLL(POLLOUT | POLLERR | POLLHUP), CONNECT(A, ECONNRESET),
		DISSOLVE, END};

	ck_assert_int_eq(run(steps), -ECONNRESET);
}
END_TEST

START_TEST(ats_50_a_failed_dial_stays_failed)
{
	static const struct step steps[] = {
		CONNECT(A, ECONNREFUSED), DISSOLVE, END};

	ck_assert_int_eq(run(steps), -ENETUNREACH);
	ck_assert_int_eq(sx_dial_step(&dial, 0), -ENETUNREACH);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dial");
	TCase *t = tcase_create("dial");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_tunnel_stands_after_two_messages);
	tcase_add_test(t, a_connect_that_succeeds_at_once_is_not_waited_for);
	tcase_add_test(t, a_signal_loses_and_repeats_nothing);
	tcase_add_test(t, answers_may_come_byte_by_byte);
	tcase_add_test(t, a_message_that_does_not_fit_goes_on_where_it_stopped);
	tcase_add_test(
		t, ats_32_a_refused_server_is_dissolved_and_the_next_one_taken);
	tcase_add_test(t, three_dead_servers_and_a_good_one_make_a_tunnel);
	tcase_add_test(t, all_refused_is_enetunreach);
	tcase_add_test(t, all_late_is_etimedout);
	tcase_add_test(t, one_refused_and_one_late_is_enetunreach);
	tcase_add_test(t, v_4_no_server_is_enetunreach);
	tcase_add_test(
		t, a_server_that_hangs_up_before_the_method_is_econnreset);
	tcase_add_test(t, a_server_that_resets_the_greeting_is_passed_over);
	tcase_add_test(t, a_server_that_is_no_socks_server_is_passed_over);
	tcase_add_test(
		t, refused_credentials_are_eacces_and_the_next_one_is_tried);
	tcase_add_test(t, ats_35_a_refused_destination_is_final);
	tcase_add_test(
		t, ats_33_an_end_after_the_request_is_final_and_econnrefused);
	tcase_add_test(t, a_silent_server_is_left_after_the_handshake_timeout);
	tcase_add_test(t, ats_29_no_reply_is_etimedout_after_the_reply_timeout);
	tcase_add_test(
		t, v_9_a_byte_that_trickles_in_does_not_lengthen_the_wait);
	tcase_add_test(
		t, v_9_a_byte_of_the_reply_does_not_lengthen_the_wait_for_it);
	tcase_add_test(t, v_9_the_deadline_bounds_the_whole);
	tcase_add_test(t, the_sockets_own_errors_are_the_applications);
	tcase_add_test(t, an_unfit_server_leaves_a_connected_socket_alone);
	tcase_add_test(t, an_ipv4_socket_that_is_connected_is_not_replaced);
	tcase_add_test(t, an_ipv6_socket_reaches_an_ipv4_server);
	tcase_add_test(t, ats_13_a_server_name_is_looked_up_once);
	tcase_add_test(t,
		ats_13_a_server_name_is_looked_up_again_when_its_addresses_failed);
	tcase_add_test(
		t, an_address_that_fails_is_no_warning_if_another_one_works);
	tcase_add_test(t, a_server_that_fails_is_a_warning);
	tcase_add_test(
		t, a_socket_that_cannot_be_replaced_leaves_the_other_servers);
	tcase_add_test(t, a_dial_that_was_interrupted_goes_on);
	tcase_add_test(t,
		an_ipv6_socket_that_was_connected_by_ipv4_is_replaced_for_ipv6);
	tcase_add_test(t, a_dial_can_move_between_all_steps);
	tcase_add_test(t, a_step_says_what_it_waits_for);
	tcase_add_test(
		t, a_blocking_socket_is_non_blocking_for_each_connect_alone);
	tcase_add_test(t, a_reset_after_the_connection_stood_is_econnreset);
	tcase_add_test(t, ats_50_a_failed_dial_stays_failed);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

/*
 * Associations against a scripted table of system calls: which server is
 * asked, what is learned of it, and where the datagrams go.
 */
#include "udp_fixture.h"

START_TEST(v_17_an_association_is_asked_for_with_no_address)
{
	static const struct step steps[] = {CONNECT(A, 0), AGREED, END};
	struct sx_counters c;

	ck_assert_int_eq(associate(steps), 0);
	ck_assert(relay_is("192.0.2.7", 9));
	ck_assert_uint_eq(assoc.server, 0);
	ck_assert_uint_eq(assoc.n_dropped, 0);
	sx_server_counters(&states[0], &c);
	ck_assert_uint_eq(c.attempts, 1);
	ck_assert_uint_eq(c.successes, 1);
	sx_udp_close(&assoc, &sys);
	sx_udp_close(&assoc, &sys);
	ck_assert_uint_eq(n_closed, 1);
}
END_TEST

START_TEST(it_is_made_as_a_user_like_a_tunnel)
{
	static struct sx_user_conf user = {(char *)"u", (char *)"p"};
	static const struct step steps[] = {CONNECT(A, 0),
		SEND("\x05\x02\x00\x02"), POLL(POLLIN), RECV("\x05\x02"),
		SEND("\x01\x01u\x01p"), POLL(POLLIN), RECV("\x01\0"),
		SEND(ASSOCIATE), POLL(POLLIN), RECV("\x05\0\0\1\xc0"),
		RECV("\0\2\7\0\x09"), END};

	confs[0].users = &user;
	confs[0].n_users = 1;
	ck_assert_int_eq(associate(steps), 0);
}
END_TEST

START_TEST(it_is_isolated_like_a_tunnel)
{
	static const struct step steps[] = {CONNECT(A, 0),
		SEND("\x05\x02\x00\x02"), POLL(POLLIN), RECV("\x05\x00"),
		SEND(ASSOCIATE), POLL(POLLIN), RECV("\x05\0\0\1\xc0"),
		RECV("\0\2\7\0\x09"), END};
	char first[sizeof(dial.user.token)];

	confs[0].isolate = SX_ISOLATE_DESTINATION;
	ck_assert_int_eq(associate(steps), 0);
	strcpy(first, dial.user.token);
	ck_assert_int_eq(associate(steps), 0);
	ck_assert_str_eq(dial.user.token, first);
	plan.dest.port++;
	ck_assert_int_eq(associate(steps), 0);
	ck_assert_str_ne(dial.user.token, first);
}
END_TEST

START_TEST(it_may_go_in_one_message)
{
	static const struct step steps[] = {CONNECT(A, 0),
		SEND("\x05\x01\x00" ASSOCIATE), POLL(POLLIN), RECV(METHOD),
		RECV("\x05\0\0\1\xc0"), RECV("\0\2\7\0\x09"), END};

	confs[0].pipeline = SX_PIPELINE_ON;
	ck_assert_int_eq(associate(steps), 0);
}
END_TEST

#define NEXT_ONE DISSOLVE, CONNECT(B, 0), AGREED, END

/* What servers without datagrams say, and what it tells of them. */
static const struct {
	enum {
		NOTHING,
		DOUBT,
		CERTAINTY,
	} learned;
	struct step steps[24];
} refusals[] = {
	/* microsocks, Tor */
	{CERTAINTY, {CONNECT(A, 0), ASKED, RECV("\5\7\0\1\0"), NEXT_ONE}},
	/* npm's socksv5 */
	{CERTAINTY, {CONNECT(A, 0), ASKED, RECV("\5\7"), NEXT_ONE}},
	/* npm's socks5-server */
	{DOUBT, {CONNECT(A, 0), ASKED, RECV("\5\1"), NEXT_ONE}},
	{DOUBT, {CONNECT(A, 0), ASKED, RECV("\5\2\0\1\0"), NEXT_ONE}},
	/* ssh -D, pproxy, asyncssh */
	{DOUBT, {CONNECT(A, 0), ASKED, RECV(""), NEXT_ONE}},
	{DOUBT, {CONNECT(A, 0), ASKED, RECV_FAILS(ECONNRESET), NEXT_ONE}},
	{DOUBT, {CONNECT(A, 0), GREETED, SEND(ASSOCIATE), POLL_LATE(8000),
			NEXT_ONE}},
	/* no port */
	{DOUBT, {CONNECT(A, 0), ASKED, RECV("\5\0\0\1\xc0"), RECV("\0\2\7\0\0"),
			NEXT_ONE}},
	/* dante, whose addresses are of the other family */
	{NOTHING, {CONNECT(A, 0), ASKED, RECV("\5\x08\0\1\0"), NEXT_ONE}},
	/* broken off, or nonsense */
	{NOTHING, {CONNECT(A, 0), ASKED, RECV("\5"), RECV(""), NEXT_ONE}},
	{NOTHING, {CONNECT(A, 0), ASKED, RECV("\4\0\0\1\0"), NEXT_ONE}},
	{NOTHING, {CONNECT(A, 0), ASKED, RECV("\5\0\0\2\0"), NEXT_ONE}},
};

START_TEST(v_17_a_server_that_refuses_is_passed_over_learned_and_not_marked)
{
	for (size_t i = 0; i < N_ELEMENTS(refusals); i++) {
		int learned = refusals[i].learned;
		memset(states, 0, sizeof(states));
		ck_assert_int_eq(associate(refusals[i].steps), 0);
		ck_assert_uint_eq(assoc.server, 1);
		ck_assert_msg(lacks_udp_in(0, 0) == (learned != NOTHING),
			"row %zu", i);
		ck_assert_msg(lacks_udp_in(0, SX_DOUBTED_S + 2) ==
				      (learned == CERTAINTY),
			"row %zu", i);
		ck_assert(!lacks_udp_in(1, 0));
		ck_assert_uint_eq(sx_server_failed_at(&states[0]), 0);
		ck_assert_uint_eq(n_failed(0, SX_FAILURE_DESTINATION), 1);
	}
}
END_TEST

START_TEST(what_one_has_learned_spares_the_next_one_the_question)
{
	static const struct step steps[] = {CONNECT(B, 0), AGREED, END};

	ck_assert_int_eq(associate(refusals[0].steps), 0);
	ck_assert_int_eq(associate(steps), 0);
}
END_TEST

START_TEST(who_carries_them_after_all_is_known_to)
{
	static const struct step steps[] = {CONNECT(A, 0), AGREED, END};

	script_start(steps);
	ck_assert_int_eq(sx_udp_begin(&dial, &plan), 0);
	/* another process, at the same time */
	sx_server_doubt(&states[0], SX_LACK_UDP, (uint64_t)time(NULL));
	ck_assert_int_eq(
		sx_udp_end(&dial, sx_dial_run(&dial, SX_NEVER, NULL), &assoc),
		0);
	script_finish();
	ck_assert(!lacks_udp_in(0, 0));
}
END_TEST

START_TEST(silence_to_a_pipelined_request_is_doubt_about_pipelining_alone)
{
	static const struct step steps[] = {CONNECT(A, 0),
		SEND("\x05\x01\x00" ASSOCIATE), POLL_LATE(8000), NEXT_ONE};
	uint64_t now = (uint64_t)time(NULL);

	sx_server_set_pipeline(&states[0], SX_PIPELINING_SAFE, now);
	ck_assert_int_eq(associate(steps), 0);
	ck_assert(!lacks_udp_in(0, 0));
	ck_assert_int_eq(
		sx_server_pipeline(&states[0], now), SX_PIPELINING_UNKNOWN);
}
END_TEST

START_TEST(a_server_that_is_not_reached_is_marked_as_for_a_tunnel)
{
	static const struct step steps[] = {
		REFUSED(A), CONNECT(B, 0), AGREED, END};

	ck_assert_int_eq(associate(steps), 0);
	ck_assert_uint_ne(sx_server_failed_at(&states[0]), 0);
	ck_assert(!lacks_udp_in(0, 0));
}
END_TEST

/* Each makes server A one that is not asked. */
static void speak_socks4(void)
{
	confs[0].proto = SX_PROTO_SOCKS4;
}

static void speak_socks4a(void)
{
	confs[0].proto = SX_PROTO_SOCKS4A;
}

static void speak_http(void)
{
	confs[0].proto = SX_PROTO_HTTP;
}

static void be_blocked(void)
{
	confs[0].udp = SX_SERVER_UDP_BLOCK;
}

static void be_behind_one_that_cannot(void)
{
	confs[0].via = 2;
	confs[2].proto = SX_PROTO_HTTP;
}

static void be_known_to_lack_it(void)
{
	confs[0].udp = SX_SERVER_UDP_ASSOCIATE;
	sx_server_set_lack(&states[0], SX_LACK_UDP, true, (uint64_t)time(NULL));
}

static void say_nothing(void)
{
	plan.udp_only_if_said = true;
	confs[1].udp = SX_SERVER_UDP_ASSOCIATE;
}

static const struct {
	void (*make_so)(void);
	const char *cause;
} unfit[] = {
	{speak_socks4, "only SOCKS5"},
	{speak_socks4a, "only SOCKS5"},
	{speak_http, "only SOCKS5"},
	{be_blocked, "udp = block"},
	{be_behind_one_that_cannot, "a server before it"},
	{be_known_to_lack_it, "known not to carry"},
	{say_nothing, "[defaults]"},
};

START_TEST(a_server_that_cannot_is_passed_over)
{
	static const struct step steps[] = {CONNECT(B, 0), AGREED, END};
	struct sx_counters c;

	for (size_t i = 0; i < N_ELEMENTS(unfit); i++) {
		prepare_udp();
		unfit[i].make_so();
		ck_assert_int_eq(associate(steps), 0);
		ck_assert_uint_eq(assoc.server, 1);
		sx_server_counters(&states[0], &c);
		ck_assert_uint_eq(c.attempts, 0);
	}
}
END_TEST

START_TEST(without_a_server_that_can_it_fails_at_once)
{
	static const struct step steps[] = {END};

	for (size_t i = 0; i < N_ELEMENTS(unfit); i++) {
		prepare_udp();
		unfit[i].make_so();
		plan.n_order = 1;
		plan.backoff_ms = 100;
		ck_assert_int_eq(associate(steps), -ENETUNREACH);
		ck_assert_int_eq(dial.cause.sys, ENETUNREACH);
		ck_assert_msg(strstr(dial.cause.text, unfit[i].cause) != NULL,
			"%s", dial.cause.text);
	}
}
END_TEST

START_TEST(tunnels_do_not_mind_what_is_said_of_datagrams)
{
	static const struct step steps[] = {TUNNEL(A), END};

	plan.command = 0;
	plan.udp_only_if_said = true;
	be_blocked();
	be_known_to_lack_it();
	ck_assert_int_eq(run(steps), 0);
	ck_assert(lacks_udp_in(0, 0));
}
END_TEST

static const struct {
	struct step steps[16];
} failures[] = {
	{{REFUSED(A), END}},
	{{CONNECT(A, EINPROGRESS), POLL_LATE(10000), DISSOLVE, END}},
	{{CONNECT(A, 0), SEND(GREETING), POLL_LATE(8000), DISSOLVE, END}},
	{{CONNECT(A, 0), SEND(GREETING), POLL(POLLIN), RECV("\5\xff"), DISSOLVE,
		END}},
	{{CONNECT(A, 0), ASKED, RECV("\5\2"), DISSOLVE, END}},
	{{CONNECT(A, 0), SEND(GREETING), POLL_FAILS(ENOMEM), DISSOLVE, END}},
	{{CONNECT(A, ENOBUFS), END}},
};

START_TEST(whatever_fails_is_enetunreach)
{
	plan.n_order = 1;
	plan.limits.attempts = 1;
	for (size_t i = 0; i < N_ELEMENTS(failures); i++) {
		memset(states, 0, sizeof(states));
		ck_assert_int_eq(associate(failures[i].steps), -ENETUNREACH);
		ck_assert_int_eq(dial.cause.sys, ENETUNREACH);
		ck_assert_str_ne(dial.cause.text, "");
	}
}
END_TEST

START_TEST(the_deadline_is_for_the_whole)
{
	static const struct step steps[] = {CONNECT(A, 0), GREETED,
		SEND(ASSOCIATE), WAIT(300, 300, 0), DISSOLVE, END};

	plan.deadline = sx_deadline_in(sx_clock_ns(&sys), 300);
	ck_assert_int_eq(associate(steps), -ENETUNREACH);
	ck_assert(!lacks_udp_in(0, 0));
}
END_TEST

static bool yes(void)
{
	return true;
}

START_TEST(who_was_interrupted_gets_eintr)
{
	static const struct step steps[] = {
		CONNECT(A, EINPROGRESS), POLL_FAILS(EINTR), DISCONNECT, END};

	script_start(steps);
	ck_assert_int_eq(sx_udp_begin(&dial, &plan), 0);
	ck_assert_int_eq(
		sx_dial_run(&dial, SX_NEVER, yes), SX_DIAL_INTERRUPTED);
	sx_dial_abandon(&dial);
	ck_assert_int_eq(sx_udp_end(&dial, -EINTR, &assoc), -EINTR);
	script_finish();
	ck_assert_uint_eq(n_closed, 1);
}
END_TEST

START_TEST(one_that_is_given_up_leaves_no_descriptor)
{
	static const struct step steps[] = {
		CONNECT(A, EINPROGRESS), DISCONNECT, END};

	script_start(steps);
	ck_assert_int_eq(sx_udp_begin(&dial, &plan), 0);
	int r = sx_dial_step(&dial, 0);
	ck_assert_int_eq(r, SX_DIAL_WAIT);
	ck_assert_int_eq(sx_udp_end(&dial, r, &assoc), -ENETUNREACH);
	script_finish();
	ck_assert_uint_eq(n_failed(0, SX_FAILURE_OTHER), 1);
	ck_assert_uint_eq(n_closed, 1);
	ck_assert_int_eq(assoc.fd, -1);
}
END_TEST

static int no_socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	errno = EMFILE;
	return -1;
}

START_TEST(without_a_descriptor_there_is_nothing_to_end)
{
	sys.socket = no_socket;
	ck_assert_int_eq(sx_udp_begin(&dial, &plan), -EMFILE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("udp");
	TCase *t = tcase_create("udp");

	tcase_add_checked_fixture(t, prepare_udp, NULL);
	tcase_add_test(t, v_17_an_association_is_asked_for_with_no_address);
	tcase_add_test(t, it_is_made_as_a_user_like_a_tunnel);
	tcase_add_test(t, it_is_isolated_like_a_tunnel);
	tcase_add_test(t, it_may_go_in_one_message);
	tcase_add_test(t,
		v_17_a_server_that_refuses_is_passed_over_learned_and_not_marked);
	tcase_add_test(
		t, what_one_has_learned_spares_the_next_one_the_question);
	tcase_add_test(t, who_carries_them_after_all_is_known_to);
	tcase_add_test(t,
		silence_to_a_pipelined_request_is_doubt_about_pipelining_alone);
	tcase_add_test(
		t, a_server_that_is_not_reached_is_marked_as_for_a_tunnel);
	tcase_add_test(t, a_server_that_cannot_is_passed_over);
	tcase_add_test(t, without_a_server_that_can_it_fails_at_once);
	tcase_add_test(t, tunnels_do_not_mind_what_is_said_of_datagrams);
	tcase_add_test(t, whatever_fails_is_enetunreach);
	tcase_add_test(t, the_deadline_is_for_the_whole);
	tcase_add_test(t, who_was_interrupted_gets_eintr);
	tcase_add_test(t, one_that_is_given_up_leaves_no_descriptor);
	tcase_add_test(t, without_a_descriptor_there_is_nothing_to_end);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

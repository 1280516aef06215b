/*
 * What is retried: each kind of failure in each phase of an attempt, and
 * what becomes of it. A6-4 (the retry matrix), ATS-24, ATS-32 to ATS-35,
 * BUG-13, V-7. What is the server's fault before the request is out goes to
 * another server, whatever the reference systems do.
 */
#include "core/counters.h"
#include "core/health.h"
#include "dial_fixture.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define N_STEPS       20
#define HOUR_MS       3600000

#define USER_GREETING "\x05\x02\x00\x02"
#define CREDENTIALS   "\x01\x01u\x01p"
#define SOCKS4        "\x04\x01\x01\x02\xcb\x00\x71\x09\x00"

/* How far each gets before it fails. */
#define REACHED     CONNECT(A, 0)
#define GREETED     REACHED, SEND(GREETING), POLL(POLLIN)
#define OFFERED     REACHED, SEND(USER_GREETING), POLL(POLLIN)
#define CHOSEN      OFFERED, RECV("\x05\x02")
#define TOLD        CHOSEN, SEND(CREDENTIALS), POLL(POLLIN)
#define MAY_ASK     GREETED, RECV(METHOD)
#define ASKED       MAY_ASK, SEND(REQUEST), POLL(POLLIN)
#define ASKED_AT_4  REACHED, SEND(SOCKS4), POLL(POLLIN)
#define ASKED_AHEAD REACHED, SEND(GREETING REQUEST), POLL(POLLIN)

/* A poll() that ends in nothing. */
#define SILENCE(ms)   POLL_LATE(ms), DISSOLVE
#define LATE_GREETING REACHED, SEND(GREETING), SILENCE(8000)

enum retry {
	FINAL,
	ELSEWHERE,  /* another server is tried */
	ON_REFUSAL, /* only with retry_on_refusal */
};

enum mark {
	MARKED,
	UNMARKED,
	WORKS, /* what it was marked for is forgotten */
};

static const struct row {
	const char *what;
	enum {
		PLAIN = 0,
		WITH_USER = 1,
		OF_SOCKS4 = 2,
		PIPELINED = 4,
		NAMED = 8, /* the server has a host name */
	} how;
	struct step steps[N_STEPS];
	enum retry retry;
	enum mark mark;
	int err; /* if no other server helps */
	enum sx_failure failure;
} rows[] = {
	/* before it is connected */
	{"refused", PLAIN, {CONNECT(A, ECONNREFUSED), DISSOLVE}, ELSEWHERE,
		MARKED, ENETUNREACH, SX_FAILURE_UNREACHABLE},
	{"refused, later", PLAIN,
		{CONNECT(A, EINPROGRESS), POLL(POLLOUT | POLLERR | POLLHUP),
			CONNECT(A, ECONNREFUSED), DISSOLVE},
		ELSEWHERE, MARKED, ENETUNREACH, SX_FAILURE_UNREACHABLE},
	{"no route to its host", PLAIN, {CONNECT(A, EHOSTUNREACH), DISSOLVE},
		ELSEWHERE, MARKED, ENETUNREACH, SX_FAILURE_UNREACHABLE},
	{"no route to its network", PLAIN, {CONNECT(A, ENETUNREACH), DISSOLVE},
		ELSEWHERE, MARKED, ENETUNREACH, SX_FAILURE_UNREACHABLE},
	{"its name is unknown", NAMED, {RESOLVES("proxy.example.org", NULL)},
		ELSEWHERE, MARKED, ENETUNREACH, SX_FAILURE_UNREACHABLE},
	{"not reached in time", PLAIN,
		{CONNECT(A, EINPROGRESS), SILENCE(10000)}, ELSEWHERE, MARKED,
		ETIMEDOUT, SX_FAILURE_TIMEOUT},
	{"the kernel gives up", PLAIN, {CONNECT(A, ETIMEDOUT), DISSOLVE},
		ELSEWHERE, MARKED, ETIMEDOUT, SX_FAILURE_TIMEOUT},

	/* connected, the greeting */
	{"reset at once", PLAIN,
		{CONNECT(A, EINPROGRESS), POLL(POLLOUT | POLLERR | POLLHUP),
			CONNECT(A, ECONNRESET), DISSOLVE},
		ELSEWHERE, MARKED, ECONNRESET, SX_FAILURE_HANDSHAKE},
	{"the greeting cannot be sent", PLAIN,
		{REACHED, SEND_FAILS(EPIPE), DISSOLVE}, ELSEWHERE, MARKED,
		ECONNRESET, SX_FAILURE_HANDSHAKE},
	{"end instead of a method", PLAIN, {GREETED, RECV_EOF, DISSOLVE},
		ELSEWHERE, MARKED, ECONNRESET, SX_FAILURE_HANDSHAKE},
	{"reset instead of a method", PLAIN,
		{GREETED, RECV_FAILS(ECONNRESET), DISSOLVE}, ELSEWHERE, MARKED,
		ECONNRESET, SX_FAILURE_HANDSHAKE},
	{"silence instead of a method", PLAIN, {LATE_GREETING}, ELSEWHERE,
		MARKED, ETIMEDOUT, SX_FAILURE_TIMEOUT},
	{"nonsense instead of a method", PLAIN, {GREETED, RECV("HT"), DISSOLVE},
		ELSEWHERE, MARKED, EPROTO, SX_FAILURE_HANDSHAKE},
	{"no method will do", PLAIN, {GREETED, RECV("\x05\xff"), DISSOLVE},
		ELSEWHERE, UNMARKED, EACCES, SX_FAILURE_CREDENTIALS},
	{"GSSAPI", PLAIN, {GREETED, RECV("\x05\x01"), DISSOLVE}, ELSEWHERE,
		UNMARKED, EACCES, SX_FAILURE_CREDENTIALS},
	{"a user is wanted, there is none", PLAIN,
		{GREETED, RECV("\x05\x02"), DISSOLVE}, ELSEWHERE, UNMARKED,
		EACCES, SX_FAILURE_CREDENTIALS},

	/* the credentials */
	{"the credentials cannot be sent", WITH_USER,
		{CHOSEN, SEND_FAILS(ECONNRESET), DISSOLVE}, ELSEWHERE, MARKED,
		ECONNRESET, SX_FAILURE_HANDSHAKE},
	/* pproxy says so of a wrong password */
	{"end instead of a status", WITH_USER, {TOLD, RECV_EOF, DISSOLVE},
		ELSEWHERE, UNMARKED, EACCES, SX_FAILURE_CREDENTIALS},
	{"reset instead of a status", WITH_USER,
		{TOLD, RECV_FAILS(ECONNRESET), DISSOLVE}, ELSEWHERE, UNMARKED,
		EACCES, SX_FAILURE_CREDENTIALS},
	{"silence instead of a status", WITH_USER,
		{CHOSEN, SEND(CREDENTIALS), SILENCE(8000)}, ELSEWHERE, MARKED,
		ETIMEDOUT, SX_FAILURE_TIMEOUT},
	{"credentials refused", WITH_USER, {TOLD, RECV("\x01\x01"), DISSOLVE},
		ELSEWHERE, UNMARKED, EACCES, SX_FAILURE_CREDENTIALS},
	{"the request cannot be sent", PLAIN,
		{MAY_ASK, SEND_FAILS(EPIPE), DISSOLVE}, ELSEWHERE, MARKED,
		ECONNRESET, SX_FAILURE_HANDSHAKE},

	/* the request is out */
	{"a part of it went", PLAIN,
		{MAY_ASK, SEND_PART(REQUEST, 4), SEND_FAILS(EPIPE), DISSOLVE},
		ON_REFUSAL, WORKS, ECONNREFUSED, SX_FAILURE_DESTINATION},
	{"end instead of a reply", PLAIN, {ASKED, RECV_EOF, DISSOLVE},
		ON_REFUSAL, WORKS, ECONNREFUSED, SX_FAILURE_DESTINATION},
	{"reset instead of a reply", PLAIN,
		{ASKED, RECV_FAILS(ECONNRESET), DISSOLVE}, ON_REFUSAL, WORKS,
		ECONNREFUSED, SX_FAILURE_DESTINATION},
	{"silence instead of a reply", PLAIN,
		{MAY_ASK, SEND(REQUEST), SILENCE(135000)}, FINAL, UNMARKED,
		ETIMEDOUT, SX_FAILURE_TIMEOUT},
	{"nonsense instead of a reply", PLAIN, {ASKED, RECV("HT"), DISSOLVE},
		FINAL, UNMARKED, EPROTO, SX_FAILURE_HANDSHAKE},
	{"success and an unknown address type", PLAIN,
		{ASKED, RECV("\x05\x00\x00\x02"), DISSOLVE}, FINAL, UNMARKED,
		EPROTO, SX_FAILURE_HANDSHAKE},
	{"success and the end", PLAIN,
		{ASKED, RECV("\x05\x00"), RECV_EOF, DISSOLVE}, FINAL, UNMARKED,
		EPROTO, SX_FAILURE_HANDSHAKE},
	{"end instead of SOCKS4's reply", OF_SOCKS4,
		{ASKED_AT_4, RECV_EOF, DISSOLVE}, ON_REFUSAL, WORKS,
		ECONNREFUSED, SX_FAILURE_DESTINATION},
	{"SOCKS5 instead of SOCKS4", OF_SOCKS4,
		{ASKED_AT_4, RECV("\x05\xff"), DISSOLVE}, FINAL, UNMARKED,
		EPROTO, SX_FAILURE_HANDSHAKE},
	{"all in one message, and the end", PIPELINED,
		{ASKED_AHEAD, RECV_EOF, DISSOLVE}, FINAL, UNMARKED, ECONNRESET,
		SX_FAILURE_HANDSHAKE},
	{"all in one message, and silence", PIPELINED,
		{REACHED, SEND(GREETING REQUEST), SILENCE(8000)}, FINAL,
		UNMARKED, ETIMEDOUT, SX_FAILURE_TIMEOUT},
	/* it has shown that it did not take the request */
	{"all in one message, no method will do", PIPELINED,
		{ASKED_AHEAD, RECV("\x05\xff"), DISSOLVE}, ELSEWHERE, UNMARKED,
		EACCES, SX_FAILURE_CREDENTIALS},

	/* a reply that says no; BUG-13: also one that is not whole */
	{"reply 1", PLAIN, {ASKED, RECV("\x05\x01\x00\x01\x00"), DISSOLVE},
		ON_REFUSAL, WORKS, ECONNREFUSED, SX_FAILURE_DESTINATION},
	{"reply 2, two bytes", PLAIN, {ASKED, RECV("\x05\x02"), DISSOLVE},
		ON_REFUSAL, WORKS, EACCES, SX_FAILURE_DESTINATION},
	{"reply 3", PLAIN, {ASKED, RECV("\x05\x03\x00\x01\x00"), DISSOLVE},
		ON_REFUSAL, WORKS, ENETUNREACH, SX_FAILURE_DESTINATION},
	{"reply 4, type 0", PLAIN,
		{ASKED, RECV("\x05\x04\x00\x00\x00"), DISSOLVE}, ON_REFUSAL,
		WORKS, EHOSTUNREACH, SX_FAILURE_DESTINATION},
	{"reply 5", PLAIN, {ASKED, RECV("\x05\x05\x00\x01\x00"), DISSOLVE},
		ON_REFUSAL, WORKS, ECONNREFUSED, SX_FAILURE_DESTINATION},
	{"reply 6", PLAIN, {ASKED, RECV("\x05\x06\x00\x01\x00"), DISSOLVE},
		ON_REFUSAL, WORKS, ETIMEDOUT, SX_FAILURE_DESTINATION},
	{"reply 7, four bytes", PLAIN,
		{ASKED, RECV("\x05\x07\x00\x01"), DISSOLVE}, ON_REFUSAL, WORKS,
		ECONNREFUSED, SX_FAILURE_DESTINATION},
	{"reply 8", PLAIN, {ASKED, RECV("\x05\x08\x00\x01\x00"), DISSOLVE},
		ON_REFUSAL, WORKS, EHOSTUNREACH, SX_FAILURE_DESTINATION},
	{"SOCKS4's reply 91", OF_SOCKS4,
		{ASKED_AT_4, RECV("\x00\x5b"), DISSOLVE}, ON_REFUSAL, WORKS,
		ECONNREFUSED, SX_FAILURE_DESTINATION},
	{"SOCKS4's reply 93", OF_SOCKS4,
		{ASKED_AT_4, RECV("\x00\x5d"), DISSOLVE}, FINAL, UNMARKED,
		EACCES, SX_FAILURE_HANDSHAKE},
};

static struct sx_server_state states[2];

/* The first server is as the row says and has one mark; the second is good. */
static void prepare(const struct row *row)
{
	static struct sx_user_conf user = {(char *)"u", (char *)"p"};

	setup();
	memset(states, 0, sizeof(states));
	if (row->how & NAMED)
		server(0, "proxy.example.org", 1080);
	if (row->how & WITH_USER)
		confs[0].users = &user;
	confs[0].n_users = (row->how & WITH_USER) != 0;
	if (row->how & OF_SOCKS4)
		confs[0].proto = SX_PROTO_SOCKS4;
	if (row->how & PIPELINED)
		confs[0].pipeline = SX_PIPELINE_ON;
	for (unsigned i = 0; i < N_ELEMENTS(states); i++)
		servers[i].state = &states[i];
	plan.marks = (struct sx_outcome_limits){9, HOUR_MS};
	plan.deadline = SX_NEVER;
	sx_server_mark_failed(&states[0], 1000000, HOUR_MS);
}

/* The row's steps and then, if good, those of the second server. */
static void play(const struct row *row, bool good, int want)
{
	static const struct step tunnel[] = {CONNECT(B, 0), HANDSHAKE, END};
	struct step all[N_STEPS + N_ELEMENTS(tunnel)] = {0};
	size_t n = 0;

	while (row->steps[n].call != CALL_END) {
		all[n] = row->steps[n];
		n++;
	}
	if (good)
		memcpy(all + n, tunnel, sizeof(tunnel));
	int r = run(all);
	ck_assert_msg(r == want, "%s: %d", row->what, r);
	ck_assert_int_eq(dial.cause.sys, good ? dial.cause.sys : -want);
}

static void check_marks(const struct row *row)
{
	static const unsigned marks[] = {
		[MARKED] = 2, [UNMARKED] = 1, [WORKS] = 0};
	unsigned got = sx_server_fails(&states[0]);

	ck_assert_msg(got == marks[row->mark], "%s: %u marks", row->what, got);
	ck_assert_uint_eq(sx_server_fails(&states[1]), 0);
}

/* One attempt, one outcome, under the right cause. */
static void check_counters(const struct row *row)
{
	struct sx_counters c;

	sx_server_counters(&states[0], &c);
	ck_assert_uint_eq(c.attempts, 1);
	ck_assert_uint_eq(c.successes, 0);
	for (unsigned k = 0; k < SX_N_FAILURES; k++)
		ck_assert_msg(c.failures[k] == (k == row->failure),
			"%s: counted as %s", row->what,
			sx_failure_name((enum sx_failure)k));
}

START_TEST(a6_4_the_retry_matrix_with_one_server)
{
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		prepare(&rows[i]);
		play(&rows[i], false, -rows[i].err);
		check_marks(&rows[i]);
		check_counters(&rows[i]);
	}
}
END_TEST

START_TEST(a6_4_the_retry_matrix_with_another_server)
{
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		bool good = rows[i].retry == ELSEWHERE;
		prepare(&rows[i]);
		plan.n_order = 2;
		play(&rows[i], good, good ? 0 : -rows[i].err);
		check_marks(&rows[i]);
		check_counters(&rows[i]);
	}
}
END_TEST

START_TEST(a6_4_the_retry_matrix_with_retry_on_refusal)
{
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		bool good = rows[i].retry != FINAL;
		prepare(&rows[i]);
		plan.n_order = 2;
		plan.retry_on_refusal = true;
		play(&rows[i], good, good ? 0 : -rows[i].err);
		check_marks(&rows[i]);
		check_counters(&rows[i]);
	}
}
END_TEST

/* Only what repeating may mend is repeated with the same server. */
START_TEST(a6_4_after_a_handshake_the_same_server_is_not_tried_again)
{
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		bool late = rows[i].failure == SX_FAILURE_TIMEOUT;
		if (rows[i].retry != ELSEWHERE ||
			rows[i].failure == SX_FAILURE_UNREACHABLE ||
			(late && rows[i].steps[0].err))
			continue;
		prepare(&rows[i]);
		plan.n_order = 2;
		plan.limits = (struct sx_pool_limits){8, 4, true};
		play(&rows[i], true, 0);
		check_marks(&rows[i]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a6_4_the_retry_matrix_with_one_server,
		a6_4_the_retry_matrix_with_another_server,
		a6_4_the_retry_matrix_with_retry_on_refusal,
		a6_4_after_a_handshake_the_same_server_is_not_tried_again,
	};
	Suite *s = suite_create("requirements_retry");
	TCase *t = tcase_create("retry");

	for (size_t i = 0; i < N_ELEMENTS(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

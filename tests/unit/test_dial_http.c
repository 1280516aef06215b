/*
 * The dial through an HTTP proxy, whose answer is peeked at, against a
 * scripted table of system calls.
 */
#include "dial_fixture.h"

#define HTTP_REQUEST                                                           \
	"CONNECT 203.0.113.9:258 HTTP/1.1\r\nHost: 203.0.113.9:258\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\n\r\n"

static void setup_http(void)
{
	setup();
	confs[0].proto = SX_PROTO_HTTP;
}

START_TEST(an_answer_of_unknown_length_is_peeked_at_and_taken_exactly)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(HTTP_REQUEST),
		POLL(POLLIN), PEEK(OK "SSH-2.0-banner"), TAKE(OK), END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a_peeked_answer_may_come_in_parts)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(HTTP_REQUEST),
		POLL(POLLIN), PEEK_FAILS(EINTR), PEEK("HTTP"), TAKE("HTTP"),
		PEEK_FAILS(EAGAIN), POLL(POLLIN), PEEK("/1.1 200 OK\r\n\r"),
		RECV_FAILS(EINTR), TAKE("/1.1 200 OK\r\n\r"), PEEK("\nSSH-"),
		TAKE("\n"), END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(an_http_proxy_that_wants_credentials_is_passed_over)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(HTTP_REQUEST),
		POLL(POLLIN), PEEK("HTTP/1.1 407 No\r\n\r\nbody"), DISSOLVE,
		CONNECT(B, 0), HANDSHAKE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a_destination_that_an_http_proxy_refuses_is_final)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(HTTP_REQUEST),
		POLL(POLLIN), PEEK("HTTP/1.1 403 No\r\n\r\nbody"), DISSOLVE,
		END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -EACCES);
}
END_TEST

START_TEST(an_end_instead_of_a_peeked_answer_is_final_and_econnrefused)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(HTTP_REQUEST),
		POLL(POLLIN), PEEK(""), DISSOLVE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -ECONNREFUSED);
}
END_TEST

START_TEST(no_peeked_answer_is_etimedout_after_the_reply_timeout)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(HTTP_REQUEST),
		POLL_LATE(135000), DISSOLVE, END};

	ck_assert_int_eq(run(steps), -ETIMEDOUT);
	ck_assert_uint_eq(script_now_ms(), 135000);
}
END_TEST

START_TEST(a_peeked_answer_that_is_gone_is_eio)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(HTTP_REQUEST),
		POLL(POLLIN), PEEK(OK), RECV("HTTP"), DISSOLVE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -EIO);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dial http");
	TCase *t = tcase_create("peeking");

	tcase_add_checked_fixture(t, setup_http, NULL);
	tcase_add_test(
		t, an_answer_of_unknown_length_is_peeked_at_and_taken_exactly);
	tcase_add_test(t, a_peeked_answer_may_come_in_parts);
	tcase_add_test(t, an_http_proxy_that_wants_credentials_is_passed_over);
	tcase_add_test(t, a_destination_that_an_http_proxy_refuses_is_final);
	tcase_add_test(
		t, an_end_instead_of_a_peeked_answer_is_final_and_econnrefused);
	tcase_add_test(
		t, no_peeked_answer_is_etimedout_after_the_reply_timeout);
	tcase_add_test(t, a_peeked_answer_that_is_gone_is_eio);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

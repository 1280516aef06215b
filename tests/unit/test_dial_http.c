/*
 * The dial through an HTTP proxy, whose answer is peeked at, against a
 * scripted table of system calls.
 */
#include "core/dial.h"
#include "script.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>

#define REQUEST                                                                \
	"CONNECT 203.0.113.9:258 HTTP/1.1\r\nHost: 203.0.113.9:258\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\n\r\n"

#define SOCKS_HANDSHAKE                                                        \
	SEND("\x05\x01\x00"), POLL(POLLIN), RECV("\x05\x00"),                  \
		SEND("\x05\x01\x00\x01\xcb\x00\x71\x09\x01\x02"),              \
		POLL(POLLIN), RECV("\x05\x00\x00\x01\x00"),                    \
		RECV("\x00\x00\x00\x00\x00")

#define A "192.0.2.1:8080"
#define B "192.0.2.2:1080"

static struct sx_server_conf confs[2];
static struct sx_server servers[2];
static const unsigned order[2] = {0, 1};
static struct sx_dial_plan plan;
static struct sx_dial dial;

static void server(
	unsigned i, enum sx_proto proto, const char *ip, uint16_t port)
{
	confs[i] = (struct sx_server_conf){.proto = proto,
		.name = (char *)ip,
		.host = (char *)ip,
		.port = port,
		.via = -1};
	sx_ip_parse(ip, &confs[i].ip);
	sx_server_init(&servers[i], &confs[i]);
}

static void setup(void)
{
	server(0, SX_PROTO_HTTP, "192.0.2.1", 8080);
	server(1, SX_PROTO_SOCKS5, "192.0.2.2", 1080);
	plan = (struct sx_dial_plan){
		.sys = &script_sys,
		.servers = servers,
		.order = order,
		.n_order = 1,
		.connect_timeout_ms = 10000,
		.handshake_timeout_ms = 8000,
		.reply_timeout_ms = 135000,
		.dest = {.kind = SX_DEST_IP, .port = 0x0102},
		.deadline = {150000ULL * SX_NS_PER_MS +
			     1000000ULL * SX_NS_PER_MS},
	};
	sx_ip_parse("203.0.113.9", &plan.dest.ip);
}

static int run(const struct step *steps)
{
	script_start(steps);
	sx_dial_init(&dial, &plan, 7, AF_INET, O_NONBLOCK);
	int r = sx_dial_run(&dial, NULL);
	script_finish();
	return r;
}

START_TEST(an_answer_of_unknown_length_is_peeked_at_and_taken_exactly)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(REQUEST),
		POLL(POLLIN), PEEK(OK "SSH-2.0-banner"), TAKE(OK), END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a_peeked_answer_may_come_in_parts)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(REQUEST),
		POLL(POLLIN), PEEK_FAILS(EINTR), PEEK("HTTP"), TAKE("HTTP"),
		PEEK_FAILS(EAGAIN), POLL(POLLIN), PEEK("/1.1 200 OK\r\n\r"),
		RECV_FAILS(EINTR), TAKE("/1.1 200 OK\r\n\r"), PEEK("\nSSH-"),
		TAKE("\n"), END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(an_http_proxy_that_wants_credentials_is_passed_over)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(REQUEST),
		POLL(POLLIN), PEEK("HTTP/1.1 407 No\r\n\r\nbody"), DISSOLVE,
		CONNECT(B, 0), SOCKS_HANDSHAKE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(a_destination_that_an_http_proxy_refuses_is_final)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(REQUEST),
		POLL(POLLIN), PEEK("HTTP/1.1 403 No\r\n\r\nbody"), DISSOLVE,
		END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -EACCES);
}
END_TEST

START_TEST(an_end_instead_of_a_peeked_answer_is_final_and_econnrefused)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(REQUEST),
		POLL(POLLIN), PEEK(""), DISSOLVE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -ECONNREFUSED);
}
END_TEST

START_TEST(no_peeked_answer_is_etimedout_after_the_reply_timeout)
{
	static const struct step steps[] = {
		CONNECT(A, 0), SEND(REQUEST), POLL_LATE(135000), DISSOLVE, END};

	ck_assert_int_eq(run(steps), -ETIMEDOUT);
	ck_assert_uint_eq(script_now_ms(), 135000);
}
END_TEST

START_TEST(a_peeked_answer_that_is_gone_is_eio)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(REQUEST),
		POLL(POLLIN), PEEK(OK), RECV("HTTP"), DISSOLVE, END};

	plan.n_order = 2;
	ck_assert_int_eq(run(steps), -EIO);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dial http");
	TCase *t = tcase_create("peeking");

	tcase_add_checked_fixture(t, setup, NULL);
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

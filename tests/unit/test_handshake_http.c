/*
 * HTTP CONNECT.
 */
#include "transcript.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void opens(struct bytes answer)
{
	play(&(struct transcript){.proto = SX_PROTO_HTTP,
		.turns = {{TEXT(HTTP_TO_NAME "\r\n"), answer}}});
}

static void asks(const struct sx_dest *dest, struct bytes request)
{
	play(&(struct transcript){.proto = SX_PROTO_HTTP,
		.dest = dest,
		.turns = {{request, TEXT(HTTP_OK)}}});
}

START_TEST(asks_for_a_name_an_ipv4_and_an_ipv6_address)
{
	asks(&to_name, (struct bytes)TEXT(HTTP_TO_NAME "\r\n"));
	asks(&to_ipv4,
		(struct bytes)TEXT(HTTP_CONNECT("192.0.2.1:258") "\r\n"));
	asks(&to_ipv6,
		(struct bytes)TEXT(HTTP_CONNECT("[2001:db8::1]:258") "\r\n"));
}
END_TEST

/* basic: RFC 4648 of user:password. */
static void sends(struct sx_credentials c, struct bytes request)
{
	play(&(struct transcript){.proto = SX_PROTO_HTTP,
		.credentials = c,
		.turns = {{request, TEXT(HTTP_OK)}}});
}

START_TEST(sends_credentials_as_basic)
{
	/* RFC 7617 section 2; all three lengths of padding; 62 and 63 */
	sends((struct sx_credentials){"Aladdin", "open sesame"},
		HTTP_WITH("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
	sends((struct sx_credentials){"u", "p"}, HTTP_WITH("dTpw"));
	sends((struct sx_credentials){"u", "pp"}, HTTP_WITH("dTpwcA=="));
	sends((struct sx_credentials){"u", "ppp"}, HTTP_WITH("dTpwcHA="));
	sends((struct sx_credentials){"u", NULL}, HTTP_WITH("dTo="));
	sends((struct sx_credentials){"u", ""}, HTTP_WITH("dTo="));
	sends((struct sx_credentials){"\xc3\xa4\xff", "\xfb\xef\xbe:"},
		HTTP_WITH("w6T/Ovvvvjo="));
}
END_TEST

START_TEST(sends_the_longest_credentials_and_name)
{
	char user[256], password[256], request[SX_HANDSHAKE_OUT_MAX + 1];
	struct sx_dest dest = to_name;
	char *p = request;

	memset(user, 0xff, 255);
	memset(password, 0xff, 255);
	user[255] = password[255] = '\0';
	memset(dest.name, 'n', SX_NAME_MAX);
	dest.name[SX_NAME_MAX] = '\0';
	dest.port = 65535;
	p += sprintf(p,
		"CONNECT %s:65535 HTTP/1.1\r\nHost: %s:65535\r\n" HTTP_BASIC,
		dest.name, dest.name);
	/* 255 bytes of ff are 340 digits, as are ":" and 254 of them less one
	 */
	memset(p, '/', 340);
	p = stpcpy(p + 340, "Ov//");
	memset(p, '/', 336);
	p = stpcpy(p + 336, "/w==\r\n\r\n");
	ck_assert_uint_eq((size_t)(p - request), SX_HANDSHAKE_OUT_MAX);
	play(&(struct transcript){.proto = SX_PROTO_HTTP,
		.credentials = {user, password},
		.dest = &dest,
		.turns = {{{(uint8_t *)request, SX_HANDSHAKE_OUT_MAX},
			TEXT(HTTP_OK)}}});
}
END_TEST

START_TEST(any_2xx_opens_a_tunnel)
{
	opens((struct bytes)TEXT(
		"HTTP/1.1 200 Connection established\r\n\r\n"));
	opens((struct bytes)TEXT("HTTP/1.0 200 OK\r\nProxy-agent: x\r\n\r\n"));
	opens((struct bytes)TEXT("HTTP/1.1 201 Created\r\n\r\n"));
	opens((struct bytes)TEXT("HTTP/1.1 299 \r\n\r\n"));
	opens((struct bytes)TEXT("HTTP/1.9 204\r\n\r\n"));
}
END_TEST

START_TEST(a_2xx_has_no_body_whatever_its_fields_say)
{
	opens((struct bytes)TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
				 "Transfer-Encoding: chunked\r\n\r\n"));
}
END_TEST

START_TEST(lines_may_end_with_lf_alone)
{
	opens((struct bytes)TEXT("HTTP/1.1 200 OK\n\n"));
	opens((struct bytes)TEXT("HTTP/1.1 200\n\n"));
	opens((struct bytes)TEXT("HTTP/1.1 200 OK\nA: b\r\n\n"));
	opens((struct bytes)TEXT("HTTP/1.1 200 OK\nx\n \n\n"));
	opens((struct bytes)TEXT("HTTP/1.1 200 OK\r\nA: b\n\r\n"));
}
END_TEST

START_TEST(fields_are_skipped_whatever_they_look_like)
{
	opens((struct bytes)TEXT("HTTP/1.1 200 OK\r\nA: b\r\n  folded\r\n\t\r\n"
				 "B : c\r\n \r\n\r\n"));
	opens((struct bytes)TEXT("HTTP/1.1 200 OK\r\nno colon\r\n:\r\n\r\n"));
	opens((struct bytes)TEXT("HTTP/1.1 200 OK\r\nA: b\rc\r\r\n\r\r\n\r\n"));
	opens((struct bytes)TEXT("HTTP/1.1 200 OK\r\nA: \0\xff\x80\r\n\r\n"));
	opens((struct bytes)TEXT(
		"HTTP/1.1 200 \r x\r\nHTTP/1.1 403 No\r\n\r\n"));
}
END_TEST

START_TEST(interim_answers_are_skipped)
{
	opens((struct bytes)TEXT("HTTP/1.1 100 Continue\r\n\r\n" HTTP_OK));
	opens((struct bytes)TEXT("HTTP/1.1 102 Processing\r\nA: b\r\n\r\n"
				 "HTTP/1.1 103 Early Hints\r\n\r\n"
				 "HTTP/1.0 200\n\n"));
	opens((struct bytes)TEXT("HTTP/1.1 199\n\n" HTTP_OK));
}
END_TEST

static TCase *tunnels(void)
{
	TCase *c = tcase_create("tunnels");

	tcase_add_test(c, asks_for_a_name_an_ipv4_and_an_ipv6_address);
	tcase_add_test(c, sends_credentials_as_basic);
	tcase_add_test(c, sends_the_longest_credentials_and_name);
	tcase_add_test(c, any_2xx_opens_a_tunnel);
	tcase_add_test(c, a_2xx_has_no_body_whatever_its_fields_say);
	tcase_add_test(c, lines_may_end_with_lf_alone);
	tcase_add_test(c, fields_are_skipped_whatever_they_look_like);
	tcase_add_test(c, interim_answers_are_skipped);
	return c;
}

static void start(struct sx_handshake *h)
{
	const struct sx_handshake_options options = {
		.proto = SX_PROTO_HTTP, .dest = &to_name};
	const uint8_t *at;

	ck_assert_int_eq(sx_handshake_init(h, &options), 0);
	ck_assert(sx_handshake_peek(h));
	sx_handshake_sent(h, sx_handshake_out(h, &at));
	ck_assert(sx_handshake_awaits_reply(h));
}

/* An answer whose head has n bytes in all, and a banner of 4 behind it. */
static void make_long_answer(uint8_t *answer, size_t n, const char *head)
{
	size_t n_head = strlen(head);

	memset(answer, 'x', n);
	memcpy(answer, head, n_head);
	memcpy(answer + n - 4, "\r\n\r\n", 4);
	memcpy(answer + n, "SSH-", 4);
}

/* In segments of step bytes; how many were used in all. */
static size_t feed_in_steps(
	struct sx_handshake *h, const uint8_t *at, size_t n, size_t step)
{
	size_t fed = 0, used = step;

	while (fed < n && used == step) {
		if (step > n - fed)
			step = n - fed;
		int r = sx_handshake_feed(h, at + fed, step, &used);
		fed += used;
		if (r != SX_HANDSHAKE_MORE)
			break;
	}
	return fed;
}

static const size_t steps[] = {
	1, 2, 3, 7, 1023, 1024, 1025, 65535, 65536, 100000};

#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

static void check_head_of_64_kib(const char *head)
{
	static uint8_t answer[SX_HANDSHAKE_HEAD_MAX + 4];
	struct sx_handshake h;

	make_long_answer(answer, SX_HANDSHAKE_HEAD_MAX, head);
	for (size_t i = 0; i < N_STEPS; i++) {
		start(&h);
		size_t used =
			feed_in_steps(&h, answer, sizeof(answer), steps[i]);
		ck_assert_uint_eq(used, SX_HANDSHAKE_HEAD_MAX);
		ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_DONE);
	}
}

START_TEST(a_head_of_64_kib_is_skipped)
{
	check_head_of_64_kib("HTTP/1.1 200 OK\r\n");
}
END_TEST

START_TEST(heads_of_64_kib_together_are_skipped)
{
	check_head_of_64_kib(
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n");
}
END_TEST

START_TEST(a_head_of_one_byte_more_is_eproto)
{
	static uint8_t answer[SX_HANDSHAKE_HEAD_MAX + 1 + 4];
	struct sx_handshake h;

	make_long_answer(
		answer, SX_HANDSHAKE_HEAD_MAX + 1, "HTTP/1.1 200 OK\r\n");
	for (size_t i = 0; i < N_STEPS; i++) {
		start(&h);
		feed_in_steps(&h, answer, sizeof(answer), steps[i]);
		ck_assert_str_eq(sx_handshake_step(&h), "failed");
		ck_assert_int_eq(h.refusal.error, EPROTO);
		ck_assert(!h.refusal.by_destination);
		ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_REQUEST);
		ck_assert_uint_eq(sx_handshake_need(&h), 0);
	}
}
END_TEST

START_TEST(need_never_reaches_past_64_kib)
{
	static uint8_t line[SX_HANDSHAKE_HEAD_MAX];
	struct sx_handshake h;
	size_t used;

	make_long_answer(
		line, SX_HANDSHAKE_HEAD_MAX - 4, "HTTP/1.1 200 OK\r\n");
	start(&h);
	ck_assert_uint_eq(sx_handshake_need(&h), SX_HANDSHAKE_NEED_MAX);
	sx_handshake_feed(&h, line, SX_HANDSHAKE_HEAD_MAX - 10, &used);
	ck_assert_uint_eq(sx_handshake_need(&h), 10);
}
END_TEST

START_TEST(only_http_is_peeked_at)
{
	struct sx_handshake_options options = {.dest = &to_ipv4};
	struct sx_handshake h;

	for (int proto = 0; proto < SX_N_PROTOS; proto++) {
		options.proto = (enum sx_proto)proto;
		sx_handshake_init(&h, &options);
		ck_assert_int_eq(sx_handshake_peek(&h), proto == SX_PROTO_HTTP);
	}
}
END_TEST

START_TEST(the_status_is_told)
{
	struct sx_handshake h;
	size_t used;

	start(&h);
	sx_handshake_feed(&h, (const uint8_t *)"HTTP/1.1 100\n\n", 14, &used);
	ck_assert_int_eq(h.told.reply, 100);
	sx_handshake_feed(&h, (const uint8_t *)"HTTP/1.1 201\n\n", 14, &used);
	ck_assert_int_eq(h.told.reply, 201);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_DONE);
}
END_TEST

static void init_refuses(
	struct sx_credentials credentials, const struct sx_dest *dest)
{
	const struct sx_handshake_options options = {.proto = SX_PROTO_HTTP,
		.credentials = credentials,
		.dest = dest};
	struct sx_handshake h;
	const uint8_t *at;

	ck_assert_int_eq(sx_handshake_init(&h, &options), -EINVAL);
	ck_assert(!h.refusal.by_destination);
	ck_assert_uint_eq(sx_handshake_out(&h, &at), 0);
	ck_assert_uint_eq(sx_handshake_need(&h), 0);
}

START_TEST(a_user_with_a_colon_is_refused)
{
	init_refuses((struct sx_credentials){"a:b", "c"}, &to_name);
	sends((struct sx_credentials){"u", ":p"}, HTTP_WITH("dTo6cA=="));
}
END_TEST

START_TEST(a_name_that_is_more_than_a_name_is_refused)
{
	static const char *const names[] = {
		"a b", "a\r\nb", "a\nb", "\x01", "a\x7f", "a\tb"};
	struct sx_dest dest = to_name;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		sx_name_copy(dest.name, names[i]);
		init_refuses((struct sx_credentials){0}, &dest);
	}
}
END_TEST

static TCase *contract(void)
{
	TCase *c = tcase_create("contract");

	tcase_add_test(c, a_head_of_64_kib_is_skipped);
	tcase_add_test(c, heads_of_64_kib_together_are_skipped);
	tcase_add_test(c, a_head_of_one_byte_more_is_eproto);
	tcase_add_test(c, need_never_reaches_past_64_kib);
	tcase_add_test(c, only_http_is_peeked_at);
	tcase_add_test(c, the_status_is_told);
	tcase_add_test(c, a_user_with_a_colon_is_refused);
	tcase_add_test(c, a_name_that_is_more_than_a_name_is_refused);
	return c;
}

int main(void)
{
	Suite *suite = suite_create("handshake http");

	suite_add_tcase(suite, tunnels());
	suite_add_tcase(suite, contract());
	return sx_unit_main(suite);
}

/*
 * HTTP CONNECT that fails: each status, and what is not HTTP.
 */
#include "transcript.h"
#include "unit.h"

#include "proto/refusal.h"

#include <errno.h>
#include <stdio.h>

/* credentials: whether there are any. */
static void refused(bool credentials, struct bytes answer, size_t told,
	int error, uint16_t code, enum sx_phase phase)
{
	struct transcript t = {.proto = SX_PROTO_HTTP,
		.turns = {{TEXT(HTTP_TO_NAME "\r\n"), answer}},
		.error = error,
		.told = told,
		.by_destination = phase == SX_PHASE_REQUEST,
		.code = code,
		.phase = phase};

	if (credentials) {
		t.credentials = (struct sx_credentials){"u", "p"};
		t.turns[0].out = HTTP_WITH("dTpw");
	}
	play(&t);
}

#define STATUS_TOLD 12 /* the byte that completes the status */

static void status(unsigned code, int error, enum sx_phase phase)
{
	char answer[40];
	int n = snprintf(
		answer, sizeof(answer), "HTTP/1.1 %03u No\r\n\r\nbody", code);
	struct bytes bytes = {(uint8_t *)answer, (size_t)n};

	refused(false, bytes, STATUS_TOLD, error, (uint16_t)code, phase);
	/* as soon as the status is known */
	bytes.n = STATUS_TOLD;
	refused(false, bytes, STATUS_TOLD, error, (uint16_t)code, phase);
	if (phase == SX_PHASE_GREETING)
		phase = SX_PHASE_CREDENTIALS;
	refused(true, bytes, STATUS_TOLD, error, (uint16_t)code, phase);
}

/* Another server may do better. */
static void by_server(unsigned code, int error)
{
	status(code, error, SX_PHASE_GREETING);
}

static void by_destination(unsigned code, int error)
{
	status(code, error, SX_PHASE_REQUEST);
}

START_TEST(status_101_and_3xx_are_eproto)
{
	by_server(101, EPROTO);
	by_server(300, EPROTO);
	by_server(302, EPROTO);
	by_server(399, EPROTO);
}
END_TEST

START_TEST(status_400_405_501_505_are_eproto)
{
	by_server(400, EPROTO);
	by_server(405, EPROTO);
	by_server(501, EPROTO);
	by_server(505, EPROTO);
}
END_TEST

START_TEST(status_407_and_401_are_eacces_and_may_be_retried_elsewhere)
{
	by_server(407, EACCES);
	by_server(401, EACCES);
}
END_TEST

START_TEST(status_403_is_eacces_by_the_destination)
{
	by_destination(403, EACCES);
}
END_TEST

START_TEST(status_404_is_ehostunreach)
{
	by_destination(404, EHOSTUNREACH);
}
END_TEST

START_TEST(status_408_is_etimedout_by_the_server)
{
	by_server(408, ETIMEDOUT);
}
END_TEST

START_TEST(status_429_is_econnrefused_by_the_server)
{
	by_server(429, ECONNREFUSED);
}
END_TEST

START_TEST(other_4xx_are_eacces)
{
	const unsigned codes[] = {402, 406, 409, 410, 428, 430, 451, 499};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		by_destination(codes[i], EACCES);
}
END_TEST

START_TEST(status_504_is_etimedout)
{
	by_destination(504, ETIMEDOUT);
}
END_TEST

START_TEST(other_5xx_are_econnrefused)
{
	const unsigned codes[] = {500, 502, 503, 506, 599};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		by_destination(codes[i], ECONNREFUSED);
}
END_TEST

START_TEST(what_is_no_status_is_eproto)
{
	const unsigned codes[] = {0, 99, 600, 999};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		by_server(codes[i], EPROTO);
}
END_TEST

START_TEST(every_status_has_an_error)
{
	for (unsigned code = 0; code <= 999; code++) {
		struct sx_refusal r = sx_refusal_of(
			SX_CAUSE_HTTP_STATUS, (uint16_t)code, &to_name);
		ck_assert_int_gt(r.error, 0);
		ck_assert_uint_eq(r.code, code);
	}
}
END_TEST

START_TEST(an_interim_answer_and_then_a_refusal)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";

	refused(false,
		(struct bytes)TEXT("HTTP/1.1 100 Continue\r\n\r\n"
				   "HTTP/1.1 403 No\r\n\r\n"),
		sizeof(interim) - 1 + STATUS_TOLD, EACCES, 403,
		SX_PHASE_REQUEST);
}
END_TEST

/* The last byte is the one that is wrong. */
static void malformed(struct bytes answer)
{
	uint8_t wrong = answer.at[answer.n - 1];

	refused(false, answer, 0, EPROTO, wrong, SX_PHASE_GREETING);
	refused(true, answer, 0, EPROTO, wrong, SX_PHASE_CREDENTIALS);
}

START_TEST(what_is_not_http_is_eproto_at_once)
{
	for (unsigned byte = 0; byte <= 0xff; byte++) {
		if (byte != 'H')
			malformed((struct bytes)BYTES((uint8_t)byte));
	}
	malformed((struct bytes)TEXT("HTTP/2"));
	malformed((struct bytes)TEXT("Ht"));
	malformed((struct bytes)TEXT("HTTP/1.1\t"));
	malformed((struct bytes)TEXT("HTTP/1.x"));
	malformed((struct bytes)TEXT("HTTP/1.1  "));
	malformed((struct bytes)TEXT("HTTP/1.1 2\r"));
	malformed((struct bytes)TEXT("HTTP/1.1 20\n"));
	malformed((struct bytes)TEXT("HTTP/1.1 20x"));
	malformed((struct bytes)TEXT("HTTP/1.1 2000"));
	malformed((struct bytes)TEXT("HTTP/1.1 200\0"));
	malformed((struct bytes)TEXT("\n"));
}
END_TEST

START_TEST(nothing_but_an_answer_follows_an_interim_one)
{
	malformed((struct bytes)TEXT("HTTP/1.1 100 Continue\r\n\r\nS"));
	malformed((struct bytes)TEXT("HTTP/1.1 100 Continue\r\n\r\n\r"));
}
END_TEST

static void closes(struct bytes answer, int error, bool by_dest)
{
	play(&(struct transcript){.proto = SX_PROTO_HTTP,
		.turns = {{TEXT(HTTP_TO_NAME "\r\n"), answer}},
		.eof = true,
		.error = error,
		.by_destination = by_dest,
		.phase = SX_PHASE_REQUEST});
}

START_TEST(eof_instead_of_an_answer_is_econnrefused_by_the_destination)
{
	closes((struct bytes){0}, ECONNREFUSED, true);
}
END_TEST

START_TEST(eof_within_an_answer_is_eproto)
{
	static const char answer[] =
		"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" HTTP_OK;

	for (size_t n = 1; n < sizeof(answer) - 1; n++)
		closes((struct bytes){(const uint8_t *)answer, n}, EPROTO,
			false);
}
END_TEST

static TCase *refusals(void)
{
	TCase *c = tcase_create("refusals");

	tcase_add_test(c, status_101_and_3xx_are_eproto);
	tcase_add_test(c, status_400_405_501_505_are_eproto);
	tcase_add_test(
		c, status_407_and_401_are_eacces_and_may_be_retried_elsewhere);
	tcase_add_test(c, status_403_is_eacces_by_the_destination);
	tcase_add_test(c, status_404_is_ehostunreach);
	tcase_add_test(c, status_408_is_etimedout_by_the_server);
	tcase_add_test(c, status_429_is_econnrefused_by_the_server);
	tcase_add_test(c, other_4xx_are_eacces);
	tcase_add_test(c, status_504_is_etimedout);
	tcase_add_test(c, other_5xx_are_econnrefused);
	tcase_add_test(c, what_is_no_status_is_eproto);
	tcase_add_test(c, every_status_has_an_error);
	tcase_add_test(c, an_interim_answer_and_then_a_refusal);
	tcase_add_test(c, what_is_not_http_is_eproto_at_once);
	tcase_add_test(c, nothing_but_an_answer_follows_an_interim_one);
	tcase_add_test(
		c, eof_instead_of_an_answer_is_econnrefused_by_the_destination);
	tcase_add_test(c, eof_within_an_answer_is_eproto);
	return c;
}

int main(void)
{
	Suite *suite = suite_create("handshake http, failing");

	suite_add_tcase(suite, refusals());
	return sx_unit_main(suite);
}

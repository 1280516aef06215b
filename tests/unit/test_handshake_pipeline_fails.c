/*
 * SOCKS5 in one round trip, where it fails: what may be retried, and what
 * casts doubt on the server's pipelining. The answers are those that real
 * servers gave.
 */
#include "transcript.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

/* What comes of the last byte, or of the end behind it. */
struct verdict {
	int error;
	bool by_destination;
	uint8_t code;
	enum sx_phase phase;
	bool suspect;
	bool eof;
};

static void fails_as(
	const struct transcript *base, struct bytes answer, struct verdict v)
{
	struct transcript t = *base;

	t.turns[0].in = answer;
	t.error = v.error;
	t.by_destination = v.by_destination;
	t.code = v.code;
	t.phase = v.phase;
	t.suspect = v.suspect;
	t.eof = v.eof;
	play(&t);
}

static const struct transcript nobody = {
	.pipeline = true, .turns = {{PIPELINED, {0}}}};
static const struct transcript alice = {.pipeline = true,
	.credentials = ALICE,
	.turns = {{PIPELINED_ALICE, {0}}}};
static const struct transcript alice_only = {.pipeline = true,
	.auth_required = true,
	.credentials = ALICE,
	.turns = {{PIPELINED_ALICE, {0}}}};

/* A reply of two bytes that says no: final, and the server has read it all. */
static struct verdict reply(uint8_t code, int error)
{
	return (struct verdict){.error = error,
		.by_destination = true,
		.code = code,
		.phase = SX_PHASE_REQUEST};
}

START_TEST(a_reply_that_says_no_is_the_destinations)
{
	fails_as(&nobody, (struct bytes)BYTES(5, 0, 5, 5),
		reply(5, ECONNREFUSED));
	fails_as(&alice, (struct bytes)BYTES(5, 2, 1, 0, 5, 4),
		reply(4, EHOSTUNREACH));
	fails_as(&alice, (struct bytes)BYTES(1, 0, 5, 1),
		reply(1, ECONNREFUSED));
}
END_TEST

START_TEST(tor_answers_a_request_that_fails_at_once_and_nothing_else)
{
	fails_as(&nobody, (struct bytes)BYTES(5, 1, 0), reply(1, ECONNREFUSED));
	fails_as(&nobody, (struct bytes)BYTES(5, 2, 0), reply(2, EACCES));
	fails_as(&nobody, (struct bytes)BYTES(5, 0xf6, 0),
		reply(0xf6, EHOSTUNREACH));
	fails_as(&alice, (struct bytes)BYTES(5, 1, 0), reply(1, ECONNREFUSED));
	fails_as(&alice_only, (struct bytes)BYTES(5, 4, 0),
		reply(4, EHOSTUNREACH));
	/* its code looks like the offered method */
	fails_as(&alice, (struct bytes)BYTES(5, 2, 0, 1), reply(2, EACCES));
}
END_TEST

START_TEST(refused_credentials_are_no_doubt_about_pipelining)
{
	struct verdict v = {
		.error = EACCES, .code = 1, .phase = SX_PHASE_CREDENTIALS};

	fails_as(&alice, (struct bytes)BYTES(5, 2, 1, 1), v);
	fails_as(&alice, (struct bytes)BYTES(5, 2, 5, 1), v);
	fails_as(&alice, (struct bytes)BYTES(1, 1), v);
	v.code = 0xff;
	fails_as(&alice, (struct bytes)BYTES(5, 2, 1, 0xff), v);
}
END_TEST

START_TEST(ff_to_no_credentials_may_be_retried_elsewhere)
{
	fails_as(&nobody, (struct bytes)BYTES(5, 0xff),
		(struct verdict){.error = EACCES,
			.code = 0xff,
			.phase = SX_PHASE_GREETING});
}
END_TEST

START_TEST(ff_to_method_2_alone_casts_doubt_unless_it_is_required)
{
	struct verdict v = {.error = EACCES,
		.code = 0xff,
		.phase = SX_PHASE_CREDENTIALS,
		.suspect = true};

	fails_as(&alice, (struct bytes)BYTES(5, 0xff), v);
	v.suspect = false;
	fails_as(&alice_only, (struct bytes)BYTES(5, 0xff), v);
}
END_TEST

START_TEST(method_0_that_was_not_offered_is_eproto)
{
	/* 3proxy and pproxy: the credentials are read as the request */
	struct verdict v = {.error = EPROTO,
		.phase = SX_PHASE_CREDENTIALS,
		.suspect = true};

	fails_as(&alice, (struct bytes)BYTES(5, 0), v);
	v.error = EACCES;
	v.suspect = false;
	fails_as(&alice_only, (struct bytes)BYTES(5, 0), v);
}
END_TEST

START_TEST(method_2_that_was_not_offered_is_eacces)
{
	/* the request is read as credentials, and refused */
	struct verdict v = {
		.error = EACCES, .code = 2, .phase = SX_PHASE_GREETING};

	fails_as(&nobody, (struct bytes)BYTES(5, 2, 1), v);
	fails_as(&nobody, (struct bytes)BYTES(5, 2, 5), v);
}
END_TEST

START_TEST(methods_that_were_not_offered_are_eacces)
{
	fails_as(&nobody, (struct bytes)BYTES(5, 1, 1),
		(struct verdict){.error = EACCES,
			.code = 1,
			.phase = SX_PHASE_GREETING});
	fails_as(&alice, (struct bytes)BYTES(5, 0x80, 0xff),
		(struct verdict){.error = EACCES,
			.code = 0x80,
			.phase = SX_PHASE_CREDENTIALS,
			.suspect = true});
}
END_TEST

START_TEST(another_protocol_is_eproto_and_may_be_retried_elsewhere)
{
	for (unsigned v = 0; v <= 0xff; v++) {
		struct verdict wrong = {.error = EPROTO,
			.code = (uint8_t)v,
			.phase = SX_PHASE_GREETING,
			.suspect = true};
		if (v == 5)
			continue;
		fails_as(&nobody, (struct bytes)BYTES((uint8_t)v), wrong);
		wrong.phase = SX_PHASE_CREDENTIALS;
		if (v != 1)
			fails_as(
				&alice, (struct bytes)BYTES((uint8_t)v), wrong);
	}
}
END_TEST

START_TEST(a_reply_of_another_version_is_eproto_and_final)
{
	struct verdict v = {.error = EPROTO,
		.code = 1,
		.phase = SX_PHASE_REQUEST,
		.suspect = true};

	fails_as(&nobody, (struct bytes)BYTES(5, 0, 1), v);
	fails_as(&alice, (struct bytes)BYTES(5, 2, 1, 0, 1), v);
}
END_TEST

START_TEST(success_with_an_unknown_address_type_is_eproto_and_final)
{
	fails_as(&nobody, (struct bytes)BYTES(5, 0, 5, 0, 0, 2),
		(struct verdict){
			.error = EPROTO, .code = 2, .phase = SX_PHASE_REQUEST});
}
END_TEST

static TCase *refusals(void)
{
	TCase *c = tcase_create("refusals");

	tcase_add_test(c, a_reply_that_says_no_is_the_destinations);
	tcase_add_test(
		c, tor_answers_a_request_that_fails_at_once_and_nothing_else);
	tcase_add_test(c, refused_credentials_are_no_doubt_about_pipelining);
	tcase_add_test(c, ff_to_no_credentials_may_be_retried_elsewhere);
	tcase_add_test(
		c, ff_to_method_2_alone_casts_doubt_unless_it_is_required);
	tcase_add_test(c, method_0_that_was_not_offered_is_eproto);
	tcase_add_test(c, method_2_that_was_not_offered_is_eacces);
	tcase_add_test(c, methods_that_were_not_offered_are_eacces);
	tcase_add_test(
		c, another_protocol_is_eproto_and_may_be_retried_elsewhere);
	tcase_add_test(c, a_reply_of_another_version_is_eproto_and_final);
	tcase_add_test(
		c, success_with_an_unknown_address_type_is_eproto_and_final);
	return c;
}

START_TEST(eof_before_the_method_is_econnreset_and_suspect)
{
	const struct verdict v = {.error = ECONNRESET,
		.phase = SX_PHASE_REQUEST,
		.suspect = true,
		.eof = true};

	fails_as(&nobody, (struct bytes){0}, v);
	fails_as(&nobody, (struct bytes)BYTES(5), v);
	fails_as(&alice, (struct bytes){0}, v);
	fails_as(&alice, (struct bytes)BYTES(5), v);
	/* a method that was not offered, or half a reply */
	fails_as(&nobody, (struct bytes)BYTES(5, 2), v);
	fails_as(&alice, (struct bytes)BYTES(5, 1), v);
}
END_TEST

START_TEST(eof_instead_of_a_credentials_status_is_eacces_and_suspect)
{
	const struct verdict v = {.error = EACCES,
		.phase = SX_PHASE_REQUEST,
		.suspect = true,
		.eof = true};

	/* pproxy; Tor, of an isolation user that it does not like */
	fails_as(&alice, (struct bytes)BYTES(5, 2), v);
	fails_as(&alice, (struct bytes)BYTES(5, 2, 1), v);
	fails_as(&alice, (struct bytes)BYTES(1), v);
}
END_TEST

START_TEST(eof_instead_of_a_reply_is_econnrefused_and_no_doubt)
{
	const struct verdict v = {.error = ECONNREFUSED,
		.by_destination = true,
		.phase = SX_PHASE_REQUEST,
		.eof = true};

	fails_as(&nobody, (struct bytes)BYTES(5, 0), v);
	fails_as(&alice, (struct bytes)BYTES(5, 2, 1, 0), v);
	fails_as(&alice, (struct bytes)BYTES(1, 0), v);
}
END_TEST

START_TEST(eof_within_a_reply_is_eproto_and_no_doubt)
{
	static const uint8_t answer[] = {5, 0, REPLY_OK_BYTES};

	for (size_t n = 3; n < sizeof(answer); n++) {
		fails_as(&nobody, (struct bytes){answer, n},
			(struct verdict){.error = EPROTO,
				.phase = SX_PHASE_REQUEST,
				.eof = true});
	}
}
END_TEST

static void start(struct sx_handshake *h, const struct transcript *t)
{
	struct sx_handshake_options options = {.credentials = t->credentials,
		.dest = &to_name,
		.pipeline = true};

	ck_assert_int_eq(sx_handshake_init(h, &options), 0);
}

/* Sends all of the message, then takes the answer. */
static void turn(struct sx_handshake *h, const struct transcript *t,
	const uint8_t *answer, size_t n)
{
	const uint8_t *at;
	size_t used;

	start(h, t);
	sx_handshake_sent(h, sx_handshake_out(h, &at));
	sx_handshake_feed(h, answer, n, &used);
	ck_assert_uint_eq(used, n);
}

START_TEST(silence_before_the_reply_is_suspect)
{
	static const uint8_t answer[] = {5, 2, 1, 0, REPLY_OK_BYTES};
	struct sx_handshake h;

	for (size_t n = 0; n < sizeof(answer); n++) {
		turn(&h, &alice, answer, n);
		ck_assert_int_eq(sx_handshake_pipeline_suspect(&h), n <= 4);
		ck_assert_int_eq(sx_handshake_awaits_reply(&h), n >= 4);
		ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_REQUEST);
		ck_assert_str_eq(sx_handshake_step(&h), n < 2   ? "greeting"
							: n < 4 ? "credentials"
								: "request");
	}
}
END_TEST

START_TEST(silence_is_no_doubt_step_by_step)
{
	const struct sx_handshake_options options = {.dest = &to_name};
	struct sx_handshake h;
	size_t used;

	sx_handshake_init(&h, &options);
	ck_assert(!sx_handshake_awaits_reply(&h));
	sx_handshake_sent(&h, 3);
	ck_assert(!sx_handshake_pipeline_suspect(&h));
	ck_assert(!sx_handshake_awaits_reply(&h));
	sx_handshake_feed(&h, (const uint8_t[]){5, 0}, 2, &used);
	ck_assert(!sx_handshake_awaits_reply(&h));
	sx_handshake_sent(&h, 18);
	ck_assert(sx_handshake_awaits_reply(&h));
	ck_assert(!sx_handshake_pipeline_suspect(&h));
}
END_TEST

START_TEST(the_phase_follows_the_bytes_that_are_sent)
{
	struct sx_handshake h;

	start(&h, &alice);
	for (size_t n = 1; n <= 3 + 14 + 18; n++) {
		sx_handshake_sent(&h, 1);
		ck_assert_int_eq(sx_handshake_phase(&h),
			n <= 3        ? SX_PHASE_GREETING
			: n <= 3 + 14 ? SX_PHASE_CREDENTIALS
				      : SX_PHASE_REQUEST);
	}
	start(&h, &nobody);
	sx_handshake_sent(&h, 3);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_GREETING);
	sx_handshake_sent(&h, 1);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_REQUEST);
}
END_TEST

START_TEST(eof_while_sending_depends_on_what_was_sent)
{
	struct sx_handshake h;

	start(&h, &alice);
	ck_assert_int_eq(sx_handshake_eof(&h), -ECONNRESET);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_GREETING);
	ck_assert(!sx_handshake_pipeline_suspect(&h));
	start(&h, &alice);
	sx_handshake_sent(&h, 4);
	ck_assert_int_eq(sx_handshake_eof(&h), -ECONNRESET);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_CREDENTIALS);
	ck_assert(sx_handshake_pipeline_suspect(&h));
	ck_assert_ptr_nonnull(strstr(h.refusal.text, "before the request"));
	start(&h, &alice);
	sx_handshake_sent(&h, 18);
	ck_assert_int_eq(sx_handshake_eof(&h), -ECONNRESET);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_REQUEST);
	ck_assert(sx_handshake_pipeline_suspect(&h));
	ck_assert_ptr_nonnull(strstr(h.refusal.text, "pipelined"));
}
END_TEST

static void check_told(const struct transcript *t, struct bytes answer,
	int method, int status, int code)
{
	struct sx_handshake h;

	turn(&h, t, answer.at, answer.n);
	ck_assert_int_eq(h.told.method, method);
	ck_assert_int_eq(h.told.status, status);
	ck_assert_int_eq(h.told.reply, code);
}

START_TEST(what_the_server_told_is_kept)
{
	check_told(&nobody, (struct bytes)BYTES(5), -1, -1, -1);
	check_told(&nobody, (struct bytes)BYTES(5, 0), 0, -1, -1);
	check_told(&nobody, (struct bytes)BYTES(5, 0xff), 0xff, -1, -1);
	check_told(&nobody, (struct bytes)BYTES(5, 0, 5, 7), 0, -1, 7);
	check_told(
		&nobody, (struct bytes)BYTES(5, 0, REPLY_OK_BYTES), 0, -1, 0);
	check_told(&nobody, (struct bytes)BYTES(5, 1, 0), -1, -1, 1);
	check_told(&alice, (struct bytes)BYTES(5, 2, 1), 2, -1, -1);
	check_told(&alice, (struct bytes)BYTES(5, 2, 1, 0), 2, 0, -1);
	check_told(&alice, (struct bytes)BYTES(5, 2, 1, 9), 2, 9, -1);
	check_told(&alice, (struct bytes)BYTES(1, 0), 2, 0, -1);
	check_told(&alice, (struct bytes)BYTES(5, 2, 0, 1), -1, -1, 2);
}
END_TEST

static TCase *doubts(void)
{
	TCase *c = tcase_create("end and silence");

	tcase_add_test(c, eof_before_the_method_is_econnreset_and_suspect);
	tcase_add_test(
		c, eof_instead_of_a_credentials_status_is_eacces_and_suspect);
	tcase_add_test(c, eof_instead_of_a_reply_is_econnrefused_and_no_doubt);
	tcase_add_test(c, eof_within_a_reply_is_eproto_and_no_doubt);
	tcase_add_test(c, silence_before_the_reply_is_suspect);
	tcase_add_test(c, silence_is_no_doubt_step_by_step);
	tcase_add_test(c, the_phase_follows_the_bytes_that_are_sent);
	tcase_add_test(c, eof_while_sending_depends_on_what_was_sent);
	tcase_add_test(c, what_the_server_told_is_kept);
	return c;
}

int main(void)
{
	Suite *suite = suite_create("handshake pipelined, failing");

	suite_add_tcase(suite, refusals());
	suite_add_tcase(suite, doubts());
	return sx_unit_main(suite);
}

/*
 * The server closes or resets the connection: what that means depends on how
 * far the handshake has come.
 */
#include "transcript.h"
#include "unit.h"

#include <errno.h>

/* A server that closes in the middle of the last turn. */
static void closes(const struct transcript *t)
{
	struct transcript closing = *t;

	closing.eof = true;
	play(&closing);
}

START_TEST(ats_33_eof_instead_of_a_method_is_econnreset)
{
	closes(&(struct transcript){.turns = {{BYTES(5, 1, 0), {0}}},
		.error = ECONNRESET,
		.phase = SX_PHASE_GREETING});
}
END_TEST

START_TEST(eof_within_the_method_is_econnreset)
{
	closes(&(struct transcript){.turns = {{BYTES(5, 1, 0), BYTES(5)}},
		.error = ECONNRESET,
		.phase = SX_PHASE_GREETING});
}
END_TEST

START_TEST(ats_33_eof_instead_of_a_credentials_status_is_eacces)
{
	closes(&(struct transcript){.credentials = ALICE,
		.turns = {OFFERED, {ALICE_SENT, {0}}},
		.error = EACCES,
		.phase = SX_PHASE_CREDENTIALS});
}
END_TEST

START_TEST(eof_within_the_credentials_answer_is_eacces)
{
	closes(&(struct transcript){.credentials = ALICE,
		.turns = {OFFERED, {ALICE_SENT, BYTES(1)}},
		.error = EACCES,
		.phase = SX_PHASE_CREDENTIALS});
}
END_TEST

START_TEST(ats_33_eof_instead_of_a_reply_is_econnrefused_by_the_destination)
{
	closes(&(struct transcript){.turns = {GREETED, {REQUEST_NAME, {0}}},
		.error = ECONNREFUSED,
		.by_destination = true,
		.phase = SX_PHASE_REQUEST});
}
END_TEST

START_TEST(eof_within_a_reply_of_success_is_eproto)
{
	static const uint8_t reply[] = {5, 0, 0, 1, 0, 0, 0, 0, 0};

	for (size_t n = 1; n <= sizeof(reply); n++) {
		closes(&(struct transcript){
			.turns = {GREETED, {REQUEST_NAME, {reply, n}}},
			.error = EPROTO,
			.phase = SX_PHASE_REQUEST});
	}
}
END_TEST

START_TEST(eof_instead_of_a_socks4_reply_is_econnrefused_by_the_destination)
{
	closes(&(struct transcript){.proto = SX_PROTO_SOCKS4,
		.dest = &to_ipv4,
		.turns = {{REQUEST_SOCKS4, {0}}},
		.error = ECONNREFUSED,
		.by_destination = true,
		.phase = SX_PHASE_REQUEST});
}
END_TEST

START_TEST(eof_within_a_socks4_reply_of_success_is_eproto)
{
	static const uint8_t reply[] = {0, 90, 0, 0, 0, 0, 0};

	for (size_t n = 1; n <= sizeof(reply); n++) {
		closes(&(struct transcript){.proto = SX_PROTO_SOCKS4,
			.dest = &to_ipv4,
			.turns = {{REQUEST_SOCKS4, {reply, n}}},
			.error = EPROTO,
			.phase = SX_PHASE_REQUEST});
	}
}
END_TEST

/* The end is seen by a send() that carries nothing. */
static void check_unsent(struct sx_handshake *h, enum sx_phase phase)
{
	const uint8_t *at;

	ck_assert_uint_gt(sx_handshake_out(h, &at), 0);
	ck_assert_int_eq(sx_handshake_eof(h), -ECONNRESET);
	ck_assert(!h->refusal.by_destination);
	ck_assert_int_eq(sx_handshake_phase(h), phase);
	ck_assert_uint_eq(sx_handshake_out(h, &at), 0);
	for (size_t i = 0; i < sizeof(h->out); i++)
		ck_assert_uint_eq(h->out[i], 0);
}

/* Sends all, and takes an answer of two bytes. */
static void turn(struct sx_handshake *h, uint8_t first, uint8_t second)
{
	const uint8_t *at;
	size_t used;

	sx_handshake_sent(h, sx_handshake_out(h, &at));
	sx_handshake_feed(h, (const uint8_t[]){first, second}, 2, &used);
}

static const struct sx_handshake_options plain = {.dest = &to_name};

START_TEST(eof_before_a_message_is_sent_is_econnreset)
{
	struct sx_handshake_options alice = {
		.credentials = ALICE, .dest = &to_ipv4};
	struct sx_handshake h;

	for (int proto = 0; proto < SX_N_PROTOS; proto++) {
		alice.proto = (enum sx_proto)proto;
		sx_handshake_init(&h, &alice);
		check_unsent(&h, SX_PHASE_GREETING);
	}
	alice.proto = SX_PROTO_SOCKS5;
	sx_handshake_init(&h, &alice);
	turn(&h, 5, 2);
	check_unsent(&h, SX_PHASE_GREETING);
	sx_handshake_init(&h, &alice);
	turn(&h, 5, 2);
	turn(&h, 1, 0);
	check_unsent(&h, SX_PHASE_CREDENTIALS);
	sx_handshake_init(&h, &plain);
	turn(&h, 5, 0);
	check_unsent(&h, SX_PHASE_GREETING);
}
END_TEST

START_TEST(eof_within_the_request_is_econnrefused_by_the_destination)
{
	struct sx_handshake h;

	sx_handshake_init(&h, &plain);
	turn(&h, 5, 0);
	sx_handshake_sent(&h, 1);
	ck_assert_int_eq(sx_handshake_eof(&h), -ECONNREFUSED);
	ck_assert(h.refusal.by_destination);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_REQUEST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handshake eof");
	TCase *c = tcase_create("eof");

	tcase_add_test(c, ats_33_eof_instead_of_a_method_is_econnreset);
	tcase_add_test(c, eof_within_the_method_is_econnreset);
	tcase_add_test(c, ats_33_eof_instead_of_a_credentials_status_is_eacces);
	tcase_add_test(c, eof_within_the_credentials_answer_is_eacces);
	tcase_add_test(c,
		ats_33_eof_instead_of_a_reply_is_econnrefused_by_the_destination);
	tcase_add_test(c, eof_within_a_reply_of_success_is_eproto);
	tcase_add_test(c,
		eof_instead_of_a_socks4_reply_is_econnrefused_by_the_destination);
	tcase_add_test(c, eof_within_a_socks4_reply_of_success_is_eproto);
	tcase_add_test(c, eof_before_a_message_is_sent_is_econnreset);
	tcase_add_test(
		c, eof_within_the_request_is_econnrefused_by_the_destination);
	suite_add_tcase(suite, c);
	return sx_unit_main(suite);
}

/*
 * SOCKS5 in one round trip, and step by step with authentication required.
 */
#include "transcript.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static void opens(struct bytes answer)
{
	play(&(struct transcript){
		.pipeline = true, .turns = {{PIPELINED, answer}}});
}

static void opens_with_alice(struct bytes answer)
{
	play(&(struct transcript){.pipeline = true,
		.credentials = ALICE,
		.turns = {{PIPELINED_ALICE, answer}}});
}

START_TEST(all_in_one_message_without_credentials)
{
	opens((struct bytes)BYTES(5, 0, REPLY_OK_BYTES));
}
END_TEST

START_TEST(v_13_all_in_one_message_with_credentials)
{
	opens_with_alice((struct bytes)BYTES(5, 2, 1, 0, REPLY_OK_BYTES));
}
END_TEST

START_TEST(the_version_of_the_credentials_answer_does_not_matter)
{
	opens_with_alice((struct bytes)BYTES(5, 2, 5, 0, REPLY_OK_BYTES));
	opens_with_alice((struct bytes)BYTES(5, 2, 0, 0, REPLY_OK_BYTES));
}
END_TEST

START_TEST(replies_with_a_name_and_ipv6_end_where_they_say)
{
	opens((struct bytes)BYTES(5, 0, 5, 0, 0, 3, 3, 'a', '.', 'b', 4, 56));
	opens((struct bytes)BYTES(5, 0, 5, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9,
		10, 11, 12, 13, 14, 15, 16, 4, 56));
	opens_with_alice((struct bytes)BYTES(5, 2, 1, 0, 5, 0, 0, 3, 0, 4, 56));
}
END_TEST

START_TEST(tor_answers_the_credentials_and_not_the_greeting)
{
	opens_with_alice((struct bytes)BYTES(1, 0, REPLY_OK_BYTES));
}
END_TEST

START_TEST(the_longest_message)
{
	char user[256], password[256];
	struct sx_dest dest = to_name;
	uint8_t sent[3 + 513 + 260] = {5, 1, 2, 1, 255, [260] = 255};
	uint8_t *request = sent + 3 + 513;

	memset(user, 'u', 255);
	memset(password, 'p', 255);
	user[255] = password[255] = '\0';
	memset(dest.name, 'n', SX_NAME_MAX);
	dest.name[SX_NAME_MAX] = '\0';
	memcpy(sent + 5, user, 255);
	memcpy(sent + 261, password, 255);
	memcpy(request, (uint8_t[]){5, 1, 0, 3, 253}, 5);
	memcpy(request + 5, dest.name, SX_NAME_MAX);
	memcpy(request + 258, (uint8_t[]){1, 2}, 2);
	play(&(struct transcript){.pipeline = true,
		.credentials = {user, password},
		.dest = &dest,
		.turns = {{{sent, sizeof(sent)},
			BYTES(5, 2, 1, 0, REPLY_OK_BYTES)}}});
}
END_TEST

START_TEST(an_empty_password)
{
	const char *const none[] = {NULL, ""};

	for (int i = 0; i < 2; i++) {
		play(&(struct transcript){.pipeline = true,
			.credentials = {"u", none[i]},
			.turns = {{BYTES(5, 1, 2, 1, 1, 'u', 0,
					   REQUEST_NAME_BYTES),
				BYTES(5, 2, 1, 0, REPLY_OK_BYTES)}}});
	}
}
END_TEST

START_TEST(the_isolation_credentials_of_tor)
{
	play(&(struct transcript){.pipeline = true,
		.credentials = {"<torS0X>0", "t"},
		.turns = {{BYTES(5, 1, 2, 1, 9, '<', 't', 'o', 'r', 'S', '0',
				   'X', '>', '0', 1, 't', REQUEST_NAME_BYTES),
			BYTES(1, 0, REPLY_OK_BYTES)}}});
}
END_TEST

START_TEST(addresses_go_as_step_by_step)
{
	play(&(struct transcript){.pipeline = true,
		.dest = &to_ipv4,
		.turns = {{BYTES(5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 1, 2),
			BYTES(5, 0, REPLY_OK_BYTES)}}});
}
END_TEST

START_TEST(other_protocols_are_one_message_anyway)
{
	play(&(struct transcript){.proto = SX_PROTO_SOCKS4,
		.pipeline = true,
		.dest = &to_ipv4,
		.turns = {{REQUEST_SOCKS4, BYTES(0, 90, 0, 0, 0, 0, 0, 0)}}});
	play(&(struct transcript){.proto = SX_PROTO_SOCKS4,
		.pipeline = true,
		.dest = &to_ipv4,
		.turns = {{REQUEST_SOCKS4, {0}}},
		.eof = true,
		.error = ECONNREFUSED,
		.by_destination = true,
		.phase = SX_PHASE_REQUEST});
}
END_TEST

static TCase *tunnels(void)
{
	TCase *c = tcase_create("tunnels");

	tcase_add_test(c, all_in_one_message_without_credentials);
	tcase_add_test(c, v_13_all_in_one_message_with_credentials);
	tcase_add_test(
		c, the_version_of_the_credentials_answer_does_not_matter);
	tcase_add_test(c, replies_with_a_name_and_ipv6_end_where_they_say);
	tcase_add_test(c, tor_answers_the_credentials_and_not_the_greeting);
	tcase_add_test(c, the_longest_message);
	tcase_add_test(c, an_empty_password);
	tcase_add_test(c, the_isolation_credentials_of_tor);
	tcase_add_test(c, addresses_go_as_step_by_step);
	tcase_add_test(c, other_protocols_are_one_message_anyway);
	return c;
}

START_TEST(ats_39_required_credentials_are_the_only_offer)
{
	play(&(struct transcript){.auth_required = true,
		.credentials = ALICE,
		.turns = {{BYTES(5, 1, 2), BYTES(5, 2)},
			{ALICE_SENT, BYTES(1, 0)}, {REQUEST_NAME, REPLY_OK}}});
}
END_TEST

START_TEST(a_server_that_does_without_required_credentials_is_refused)
{
	play(&(struct transcript){.auth_required = true,
		.credentials = ALICE,
		.turns = {{BYTES(5, 1, 2), BYTES(5, 0)}},
		.error = EACCES,
		.code = 0,
		.phase = SX_PHASE_GREETING});
}
END_TEST

START_TEST(required_credentials_must_be_there)
{
	struct sx_handshake_options options = {
		.dest = &to_name, .auth_required = true};
	struct sx_handshake h;
	const uint8_t *at;

	for (int pipeline = 0; pipeline < 2; pipeline++) {
		options.pipeline = pipeline;
		ck_assert_int_eq(sx_handshake_init(&h, &options), -EINVAL);
		ck_assert_int_eq(h.refusal.error, EINVAL);
		ck_assert(!h.refusal.by_destination);
		ck_assert_uint_eq(sx_handshake_out(&h, &at), 0);
		ck_assert_uint_eq(sx_handshake_need(&h), 0);
	}
}
END_TEST

static TCase *required(void)
{
	TCase *c = tcase_create("required");

	tcase_add_test(c, ats_39_required_credentials_are_the_only_offer);
	tcase_add_test(
		c, a_server_that_does_without_required_credentials_is_refused);
	tcase_add_test(c, required_credentials_must_be_there);
	return c;
}

int main(void)
{
	Suite *suite = suite_create("handshake pipelined");

	suite_add_tcase(suite, tunnels());
	suite_add_tcase(suite, required());
	return sx_unit_main(suite);
}

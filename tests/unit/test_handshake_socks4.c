/*
 * SOCKS4 and SOCKS4A handshakes.
 */
#include "transcript.h"
#include "unit.h"

#include "proto/refusal.h"

#include <errno.h>
#include <string.h>

#define GRANTED BYTES(0, 90, 0, 0, 0, 0, 0, 0)
#define REQUEST_SOCKS4A                                                        \
	BYTES(4, 1, 1, 2, 0, 0, 0, 1, 0, 'e', 'x', 'a', 'm', 'p', 'l', 'e',    \
		'.', 'o', 'r', 'g', 0)

START_TEST(ats_42_socks4_opens_a_tunnel)
{
	play(&(struct transcript){.proto = SX_PROTO_SOCKS4,
		.dest = &to_ipv4,
		.turns = {{REQUEST_SOCKS4, GRANTED}}});
}
END_TEST

START_TEST(ats_44_socks4_tolerates_version_4_in_the_reply)
{
	play(&(struct transcript){.proto = SX_PROTO_SOCKS4,
		.dest = &to_ipv4,
		.turns = {{REQUEST_SOCKS4, BYTES(4, 90, 1, 2, 192, 0, 2, 1)}}});
}
END_TEST

START_TEST(v_16_socks4_sends_the_user_and_no_password)
{
	play(&(struct transcript){.proto = SX_PROTO_SOCKS4,
		.credentials = {"bob", "secret"},
		.dest = &to_ipv4,
		.turns = {{BYTES(4, 1, 1, 2, 192, 0, 2, 1, 'b', 'o', 'b', 0),
			GRANTED}}});
}
END_TEST

START_TEST(v_16_socks4a_sends_a_name)
{
	play(&(struct transcript){.proto = SX_PROTO_SOCKS4A,
		.turns = {{REQUEST_SOCKS4A, GRANTED}}});
}
END_TEST

START_TEST(socks4a_sends_an_ipv4_address_as_socks4_does)
{
	play(&(struct transcript){.proto = SX_PROTO_SOCKS4A,
		.dest = &to_ipv4,
		.turns = {{REQUEST_SOCKS4, GRANTED}}});
}
END_TEST

START_TEST(socks4a_sends_the_longest_user_and_name)
{
	char user[256];
	struct sx_dest dest = to_name;
	uint8_t sent[518] = {4, 1, 1, 2, 0, 0, 0, 1};

	memset(user, 'u', 255);
	user[255] = '\0';
	memset(dest.name, 'n', SX_NAME_MAX);
	dest.name[SX_NAME_MAX] = '\0';
	memcpy(sent + 8, user, 256);
	memcpy(sent + 264, dest.name, SX_NAME_MAX + 1);
	play(&(struct transcript){.proto = SX_PROTO_SOCKS4A,
		.credentials = {user, NULL},
		.dest = &dest,
		.turns = {{{sent, sizeof(sent)}, GRANTED}}});
}
END_TEST

/* A reply code, in a reply of 8 bytes and cut off behind 2. */
static void reply(uint8_t code, int error, bool by_destination)
{
	const struct bytes forms[] = {
		BYTES(0, code, 0, 0, 0, 0, 0, 0),
		BYTES(4, code, 0, 0, 0, 0, 0, 0),
		BYTES(0, code),
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		play(&(struct transcript){.proto = SX_PROTO_SOCKS4A,
			.turns = {{REQUEST_SOCKS4A, forms[i]}},
			.error = error,
			.by_destination = by_destination,
			.code = code,
			.told = 2,
			.phase = SX_PHASE_REQUEST});
	}
}

START_TEST(reply_91_is_econnrefused_by_the_destination)
{
	reply(91, ECONNREFUSED, true);
}
END_TEST

START_TEST(reply_92_no_identd_is_eacces)
{
	reply(92, EACCES, false);
}
END_TEST

START_TEST(reply_93_wrong_identd_is_eacces)
{
	reply(93, EACCES, false);
}
END_TEST

START_TEST(any_other_reply_is_eproto)
{
	const uint8_t codes[] = {0, 1, 89, 94, 0xff};

	for (size_t i = 0; i < sizeof(codes); i++)
		reply(codes[i], EPROTO, false);
	for (unsigned code = 94; code <= 0xff; code++) {
		struct sx_refusal r = sx_refusal_of(
			SX_CAUSE_SOCKS4_REPLY, (uint8_t)code, &to_name);
		ck_assert_int_eq(r.error, EPROTO);
	}
}
END_TEST

START_TEST(an_answer_05_ff_is_eproto)
{
	play(&(struct transcript){.proto = SX_PROTO_SOCKS4A,
		.turns = {{REQUEST_SOCKS4A, BYTES(5, 0xff)}},
		.error = EPROTO,
		.code = 5,
		.told = 1,
		.phase = SX_PHASE_REQUEST});
}
END_TEST

START_TEST(a_reply_of_another_version_is_eproto)
{
	for (unsigned v = 0; v <= 0xff; v++) {
		if (v == 0 || v == 4)
			continue;
		play(&(struct transcript){.proto = SX_PROTO_SOCKS4A,
			.turns = {{REQUEST_SOCKS4A, BYTES((uint8_t)v, 90)}},
			.error = EPROTO,
			.code = (uint8_t)v,
			.told = 1,
			.phase = SX_PHASE_REQUEST});
	}
}
END_TEST

/* text: what the refusal must speak of. */
static void init_refuses(enum sx_proto proto, const struct sx_dest *dest,
	int error, const char *text)
{
	struct sx_handshake_options options = {.proto = proto, .dest = dest};
	struct sx_handshake h;
	const uint8_t *at;

	ck_assert_int_eq(sx_handshake_init(&h, &options), -error);
	ck_assert_int_eq(h.refusal.error, error);
	ck_assert(!h.refusal.by_destination);
	ck_assert_ptr_nonnull(strstr(h.refusal.text, text));
	ck_assert_uint_eq(sx_handshake_out(&h, &at), 0);
	ck_assert_uint_eq(sx_handshake_need(&h), 0);
}

START_TEST(v_16_socks4_refuses_a_name_and_recommends_socks4a)
{
	init_refuses(SX_PROTO_SOCKS4, &to_name, EHOSTUNREACH, "socks4a");
}
END_TEST

START_TEST(ats_45_socks4_and_4a_refuse_an_ipv6_address)
{
	init_refuses(SX_PROTO_SOCKS4, &to_ipv6, ENETUNREACH, "IPv6");
	init_refuses(SX_PROTO_SOCKS4A, &to_ipv6, ENETUNREACH, "IPv6");
}
END_TEST

START_TEST(socks4_and_4a_refuse_an_address_that_announces_a_name)
{
	const uint8_t last[] = {1, 2, 255};
	struct sx_dest dest = to_ipv4;

	for (size_t i = 0; i < sizeof(last); i++) {
		memcpy(dest.ip.bytes, (uint8_t[]){0, 0, 0, last[i]}, 4);
		init_refuses(SX_PROTO_SOCKS4, &dest, ENETUNREACH, "0.0.0.1");
		init_refuses(SX_PROTO_SOCKS4A, &dest, ENETUNREACH, "0.0.0.1");
	}
}
END_TEST

static void sends_as_it_is(enum sx_proto proto, const uint8_t ip[4])
{
	struct sx_dest dest = to_ipv4;

	memcpy(dest.ip.bytes, ip, 4);
	play(&(struct transcript){.proto = proto,
		.dest = &dest,
		.turns = {{BYTES(4, 1, 1, 2, ip[0], ip[1], ip[2], ip[3], 0),
			GRANTED}}});
}

START_TEST(socks4_and_4a_send_addresses_that_announce_no_name)
{
	static const uint8_t ips[][4] = {{0, 0, 0, 0}, {0, 0, 1, 0},
		{0, 0, 1, 1}, {0, 1, 0, 1}, {1, 0, 0, 1}};

	for (size_t i = 0; i < sizeof(ips) / sizeof(ips[0]); i++) {
		sends_as_it_is(SX_PROTO_SOCKS4, ips[i]);
		sends_as_it_is(SX_PROTO_SOCKS4A, ips[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handshake socks4");
	TCase *c = tcase_create("socks4");

	tcase_add_test(c, ats_42_socks4_opens_a_tunnel);
	tcase_add_test(c, ats_44_socks4_tolerates_version_4_in_the_reply);
	tcase_add_test(c, v_16_socks4_sends_the_user_and_no_password);
	tcase_add_test(c, v_16_socks4a_sends_a_name);
	tcase_add_test(c, socks4a_sends_an_ipv4_address_as_socks4_does);
	tcase_add_test(c, socks4a_sends_the_longest_user_and_name);
	tcase_add_test(c, reply_91_is_econnrefused_by_the_destination);
	tcase_add_test(c, reply_92_no_identd_is_eacces);
	tcase_add_test(c, reply_93_wrong_identd_is_eacces);
	tcase_add_test(c, any_other_reply_is_eproto);
	tcase_add_test(c, an_answer_05_ff_is_eproto);
	tcase_add_test(c, a_reply_of_another_version_is_eproto);
	tcase_add_test(c, v_16_socks4_refuses_a_name_and_recommends_socks4a);
	tcase_add_test(c, ats_45_socks4_and_4a_refuse_an_ipv6_address);
	tcase_add_test(
		c, socks4_and_4a_refuse_an_address_that_announces_a_name);
	tcase_add_test(c, socks4_and_4a_send_addresses_that_announce_no_name);
	suite_add_tcase(suite, c);
	return sx_unit_main(suite);
}

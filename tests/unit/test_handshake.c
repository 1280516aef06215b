/*
 * SOCKS5 handshakes that succeed, and what init refuses.
 */
#include "transcript.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

START_TEST(v_15_opens_a_tunnel_to_a_name)
{
	play(&(struct transcript){
		.turns = {GREETED, {REQUEST_NAME, REPLY_OK}}});
}
END_TEST

START_TEST(ats_41_opens_a_tunnel_to_an_ipv4_address)
{
	play(&(struct transcript){.dest = &to_ipv4,
		.turns = {GREETED, {REQUEST_IPV4, REPLY_OK}}});
}
END_TEST

START_TEST(ats_45_opens_a_tunnel_to_an_ipv6_address_without_its_scope)
{
	play(&(struct transcript){.dest = &to_ipv6,
		.turns = {GREETED, {REQUEST_IPV6, REPLY_OK}}});
}
END_TEST

START_TEST(ats_37_sends_credentials_when_the_server_asks_for_them)
{
	play(&(struct transcript){.credentials = ALICE,
		.turns = {OFFERED, {ALICE_SENT, BYTES(1, 0)},
			{REQUEST_NAME, REPLY_OK}}});
}
END_TEST

START_TEST(ats_39_goes_without_credentials_when_the_server_needs_none)
{
	play(&(struct transcript){.credentials = ALICE,
		.turns = {{BYTES(5, 2, 0, 2), BYTES(5, 0)},
			{REQUEST_NAME, REPLY_OK}}});
}
END_TEST

START_TEST(ats_40_ignores_the_version_of_the_credentials_answer)
{
	play(&(struct transcript){.credentials = ALICE,
		.turns = {OFFERED, {ALICE_SENT, BYTES(5, 0)},
			{REQUEST_NAME, REPLY_OK}}});
}
END_TEST

START_TEST(sends_an_empty_password_for_none)
{
	const char *const none[] = {NULL, ""};

	for (int i = 0; i < 2; i++) {
		play(&(struct transcript){.credentials = {"u", none[i]},
			.turns = {OFFERED, {BYTES(1, 1, 'u', 0), BYTES(1, 0)},
				{REQUEST_NAME, REPLY_OK}}});
	}
}
END_TEST

START_TEST(ats_38_sends_credentials_of_255_bytes)
{
	char user[256], password[256];
	uint8_t sent[513] = {1, 255, [257] = 255};

	memset(user, 'u', 255);
	memset(password, 'p', 255);
	user[255] = password[255] = '\0';
	memcpy(sent + 2, user, 255);
	memcpy(sent + 258, password, 255);
	play(&(struct transcript){.credentials = {user, password},
		.turns = {OFFERED, {{sent, sizeof(sent)}, BYTES(1, 0)},
			{REQUEST_NAME, REPLY_OK}}});
}
END_TEST

START_TEST(v_15_sends_a_name_of_253_bytes)
{
	struct sx_dest dest = to_name;
	uint8_t sent[260] = {5, 1, 0, 3, 253, [258] = 1, [259] = 2};

	memset(dest.name, 'n', SX_NAME_MAX);
	dest.name[SX_NAME_MAX] = '\0';
	memcpy(sent + 5, dest.name, SX_NAME_MAX);
	play(&(struct transcript){.dest = &dest,
		.turns = {GREETED, {{sent, sizeof(sent)}, REPLY_OK}}});
}
END_TEST

static void takes(struct bytes reply)
{
	play(&(struct transcript){.turns = {GREETED, {REQUEST_NAME, reply}}});
}

START_TEST(ats_43_takes_a_bound_ipv4_address)
{
	takes((struct bytes)BYTES(5, 0, 0, 1, 192, 0, 2, 9, 4, 56));
}
END_TEST

START_TEST(ats_43_takes_a_bound_ipv6_address)
{
	takes((struct bytes)BYTES(5, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
		12, 13, 14, 15, 16, 4, 56));
}
END_TEST

START_TEST(ats_43_takes_a_bound_name)
{
	takes((struct bytes)BYTES(5, 0, 0, 3, 3, 'a', '.', 'b', 4, 56));
}
END_TEST

START_TEST(ats_43_takes_a_bound_name_of_length_0)
{
	takes((struct bytes)BYTES(5, 0, 0, 3, 0, 4, 56));
}
END_TEST

START_TEST(ats_43_takes_a_bound_name_of_length_255)
{
	uint8_t reply[SX_HANDSHAKE_IN_MAX] = {5, 0, 0, 3, 255};

	memset(reply + 5, 'b', 255 + 2);
	takes((struct bytes){reply, sizeof(reply)});
}
END_TEST

START_TEST(ignores_the_reserved_byte_of_the_reply)
{
	takes((struct bytes)BYTES(5, 0, 0xaa, 1, 0, 0, 0, 0, 0, 0));
}
END_TEST

static const struct sx_handshake_options plain = {.dest = &to_name};

START_TEST(takes_nothing_while_a_message_is_not_sent)
{
	struct sx_handshake h;
	const uint8_t *at;
	size_t used;

	sx_handshake_init(&h, &plain);
	ck_assert_int_eq(
		sx_handshake_feed(&h, (const uint8_t[]){5, 0}, 2, &used),
		SX_HANDSHAKE_MORE);
	ck_assert_uint_eq(used, 0);
	sx_handshake_sent(&h, 2);
	ck_assert_uint_eq(sx_handshake_out(&h, &at), 1);
	ck_assert_uint_eq(sx_handshake_need(&h), 0);
}
END_TEST

START_TEST(feeding_nothing_changes_nothing)
{
	struct sx_handshake h;
	size_t used = 1;

	sx_handshake_init(&h, &plain);
	sx_handshake_sent(&h, 3);
	ck_assert_int_eq(
		sx_handshake_feed(&h, NULL, 0, &used), SX_HANDSHAKE_MORE);
	ck_assert_uint_eq(used, 0);
	ck_assert_uint_eq(sx_handshake_need(&h), 2);
}
END_TEST

START_TEST(the_phase_follows_what_the_server_has_got)
{
	struct sx_handshake h;
	struct sx_handshake_options options = {
		.credentials = ALICE, .dest = &to_name};
	size_t used;

	sx_handshake_init(&h, &options);
	ck_assert_str_eq(sx_handshake_step(&h), "greeting");
	sx_handshake_sent(&h, 4);
	sx_handshake_feed(&h, (const uint8_t[]){5, 2}, 2, &used);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_GREETING);
	ck_assert_str_eq(sx_handshake_step(&h), "credentials");
	sx_handshake_sent(&h, 1);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_CREDENTIALS);
	sx_handshake_sent(&h, 13);
	sx_handshake_feed(&h, (const uint8_t[]){1, 0}, 2, &used);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_CREDENTIALS);
	ck_assert_str_eq(sx_handshake_step(&h), "request");
	sx_handshake_sent(&h, 0);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_CREDENTIALS);
	sx_handshake_sent(&h, 1);
	ck_assert_int_eq(sx_handshake_phase(&h), SX_PHASE_REQUEST);
}
END_TEST

static void init_refuses(
	const struct sx_credentials *credentials, const struct sx_dest *dest)
{
	struct sx_handshake_options options = {.dest = dest};
	struct sx_handshake h;
	const uint8_t *at;

	if (credentials)
		options.credentials = *credentials;
	for (int proto = 0; proto < SX_N_PROTOS; proto++) {
		options.proto = (enum sx_proto)proto;
		ck_assert_int_eq(sx_handshake_init(&h, &options), -EINVAL);
		ck_assert_int_eq(h.refusal.error, EINVAL);
		ck_assert(!h.refusal.by_destination);
		ck_assert_ptr_nonnull(h.refusal.text);
		ck_assert_uint_eq(sx_handshake_out(&h, &at), 0);
		ck_assert_uint_eq(sx_handshake_need(&h), 0);
	}
}

START_TEST(refuses_an_empty_user)
{
	init_refuses(&(struct sx_credentials){"", "secret"}, &to_ipv4);
	init_refuses(&(struct sx_credentials){"", NULL}, &to_ipv4);
}
END_TEST

START_TEST(refuses_a_password_without_a_user)
{
	init_refuses(&(struct sx_credentials){NULL, "secret"}, &to_ipv4);
}
END_TEST

START_TEST(a5_7_refuses_credentials_of_256_bytes)
{
	char text[257];

	memset(text, 'x', 256);
	text[256] = '\0';
	init_refuses(&(struct sx_credentials){text, "secret"}, &to_ipv4);
	init_refuses(&(struct sx_credentials){"alice", text}, &to_ipv4);
}
END_TEST

START_TEST(refuses_an_empty_name)
{
	struct sx_dest dest = to_name;

	dest.name[0] = '\0';
	init_refuses(NULL, &dest);
}
END_TEST

START_TEST(refuses_a_name_without_an_end)
{
	struct sx_dest dest = to_name;

	memset(dest.name, 'n', sizeof(dest.name));
	init_refuses(NULL, &dest);
}
END_TEST

START_TEST(refuses_an_address_of_no_family)
{
	struct sx_dest dest = to_ipv4;

	dest.ip.family = AF_UNSPEC;
	init_refuses(NULL, &dest);
}
END_TEST

START_TEST(every_protocol_has_its_name)
{
	ck_assert_str_eq(sx_proto_name(SX_PROTO_SOCKS5), "socks5");
	ck_assert_str_eq(sx_proto_name(SX_PROTO_SOCKS4), "socks4");
	ck_assert_str_eq(sx_proto_name(SX_PROTO_SOCKS4A), "socks4a");
	ck_assert_str_eq(sx_proto_name(SX_PROTO_HTTP), "http");
}
END_TEST

/* Sends what there is to send, and feeds the answer byte by byte: the result
 * of the last. In between nothing is known of the bound address. */
static int answer(struct sx_handshake *h, const char *bytes, size_t n)
{
	const uint8_t *out;
	struct sx_ip ip;
	uint16_t port;
	size_t used;
	int r = SX_HANDSHAKE_MORE;

	sx_handshake_sent(h, sx_handshake_out(h, &out));
	for (size_t i = 0; i < n; i++) {
		ck_assert(!sx_handshake_bound(h, &ip, &port));
		r = sx_handshake_feed(h, (const uint8_t *)bytes + i, 1, &used);
	}
	return r;
}

static const struct {
	const char *reply;
	size_t n;
	const char *ip; /* NULL: a name */
} bounds[] = {
	{"\5\0\0\1\xc0\0\2\7\1\2", 10, "192.0.2.7"},
	{"\5\0\0\1\0\0\0\0\1\2", 10, "0.0.0.0"},
	{"\5\0\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\1\2", 22,
		"2001:db8::1"},
	{"\5\0\0\3\1n\1\2", 8, NULL},
	{"\5\0\0\3\0\1\2", 7, NULL},
	{"\5\0\0\3\3::1\1\2", 10, "::1"},
};

START_TEST(v_18_the_bound_address_can_be_read_when_it_is_done)
{
	const struct sx_handshake_options options = {
		.dest = &to_ipv4, .command = SX_COMMAND_UDP_ASSOCIATE};
	struct sx_handshake h;
	struct sx_ip ip, expected;
	uint16_t port;

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		memset(&expected, 0, sizeof(expected));
		if (bounds[i].ip)
			sx_ip_parse(bounds[i].ip, &expected);
		sx_handshake_init(&h, &options);
		ck_assert_int_eq(answer(&h, "\5\0", 2), SX_HANDSHAKE_MORE);
		ck_assert_int_eq(answer(&h, bounds[i].reply, bounds[i].n),
			SX_HANDSHAKE_DONE);
		ck_assert(sx_handshake_bound(&h, &ip, &port));
		ck_assert_mem_eq(&ip, &expected, sizeof(ip));
		ck_assert_uint_eq(port, 0x0102);
	}
}
END_TEST

START_TEST(a_handshake_without_a_bound_address_has_none)
{
	const struct sx_handshake_options socks4 = {
		.proto = SX_PROTO_SOCKS4, .dest = &to_ipv4};
	const struct sx_handshake_options socks5 = {.dest = &to_ipv4};
	struct sx_handshake h;
	struct sx_ip ip;
	uint16_t port;

	sx_handshake_init(&h, &socks4);
	ck_assert_int_eq(
		answer(&h, "\0\x5a\1\1\xc0\0\2\1", 8), SX_HANDSHAKE_DONE);
	ck_assert(!sx_handshake_bound(&h, &ip, &port));
	sx_handshake_init(&h, &socks5);
	answer(&h, "\5\0", 2);
	ck_assert_int_lt(answer(&h, "\5\7\0\1\0\0\0\0\0\0", 10), 0);
	ck_assert(!sx_handshake_bound(&h, &ip, &port));
}
END_TEST

static TCase *tunnels(void)
{
	TCase *c = tcase_create("tunnels");

	tcase_add_test(c, v_15_opens_a_tunnel_to_a_name);
	tcase_add_test(c, ats_41_opens_a_tunnel_to_an_ipv4_address);
	tcase_add_test(
		c, ats_45_opens_a_tunnel_to_an_ipv6_address_without_its_scope);
	tcase_add_test(
		c, ats_37_sends_credentials_when_the_server_asks_for_them);
	tcase_add_test(
		c, ats_39_goes_without_credentials_when_the_server_needs_none);
	tcase_add_test(c, ats_40_ignores_the_version_of_the_credentials_answer);
	tcase_add_test(c, sends_an_empty_password_for_none);
	tcase_add_test(c, ats_38_sends_credentials_of_255_bytes);
	tcase_add_test(c, v_15_sends_a_name_of_253_bytes);
	tcase_add_test(c, ats_43_takes_a_bound_ipv4_address);
	tcase_add_test(c, ats_43_takes_a_bound_ipv6_address);
	tcase_add_test(c, ats_43_takes_a_bound_name);
	tcase_add_test(c, ats_43_takes_a_bound_name_of_length_0);
	tcase_add_test(c, ats_43_takes_a_bound_name_of_length_255);
	tcase_add_test(c, ignores_the_reserved_byte_of_the_reply);
	return c;
}

static TCase *contract(void)
{
	TCase *c = tcase_create("contract");

	tcase_add_test(c, takes_nothing_while_a_message_is_not_sent);
	tcase_add_test(c, feeding_nothing_changes_nothing);
	tcase_add_test(c, the_phase_follows_what_the_server_has_got);
	tcase_add_test(c, refuses_an_empty_user);
	tcase_add_test(c, refuses_a_password_without_a_user);
	tcase_add_test(c, a5_7_refuses_credentials_of_256_bytes);
	tcase_add_test(c, refuses_an_empty_name);
	tcase_add_test(c, refuses_a_name_without_an_end);
	tcase_add_test(c, refuses_an_address_of_no_family);
	tcase_add_test(c, every_protocol_has_its_name);
	tcase_add_test(c, v_18_the_bound_address_can_be_read_when_it_is_done);
	tcase_add_test(c, a_handshake_without_a_bound_address_has_none);
	return c;
}

int main(void)
{
	Suite *suite = suite_create("handshake");

	suite_add_tcase(suite, tunnels());
	suite_add_tcase(suite, contract());
	return sx_unit_main(suite);
}

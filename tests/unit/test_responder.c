/*
 * What is said to questions: the engine's rules and table behind messages.
 */
#include "core/responder.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sx_engine *engine;
static struct sx_responder responder;
static struct sx_responder_given given;
static unsigned n_direct; /* lookups by libc */

static int scripted_getaddrinfo(const char *host, const char *service,
	const struct addrinfo *hints, struct addrinfo **res)
{
	static struct sockaddr_in sin = {.sin_family = AF_INET};
	static struct addrinfo ai = {.ai_family = AF_INET,
		.ai_addr = (struct sockaddr *)&sin,
		.ai_addrlen = sizeof(sin)};

	n_direct++;
	(void)service;
	if (strcmp(host, "no.corp.example") == 0)
		return EAI_NONAME;
	if (strcmp(host, "slow.corp.example") == 0)
		return EAI_AGAIN;
	if (hints->ai_family != AF_INET)
		return EAI_NODATA;
	sin.sin_addr.s_addr = htonl(0xcb007107); /* 203.0.113.7 */
	*res = &ai;
	return 0;
}

static void scripted_freeaddrinfo(struct addrinfo *res)
{
	(void)res;
}

static const struct sx_sys sys = {.clock_gettime = clock_gettime,
	.getaddrinfo = scripted_getaddrinfo,
	.freeaddrinfo = scripted_freeaddrinfo};

static void setup(void)
{
	struct sx_conf conf = {.n_rules = 1};

	conf.rules = calloc(1, sizeof(*conf.rules));
	conf.rules[0] = (struct sx_rule_conf){.action = SX_ACTION_DIRECT,
		.match = SX_MATCH_NAME,
		.domain = strdup("corp.example"),
		.where = strdup("test"),
		.ports = SX_PORTS_ALL};
	ck_assert_int_eq(sx_engine_new(&engine, &conf, &sys), 0);
	memset(&given, 0, sizeof(given));
	responder = (struct sx_responder){
		.engine = engine, .sys = &sys, .given = &given};
	n_direct = 0;
}

static void teardown(void)
{
	sx_engine_free(engine);
}

static uint8_t out[SX_DNS_ANSWER_MAX];
static size_t out_len, question_len;

static size_t put_name(uint8_t *at, const char *name)
{
	size_t used = 0;

	while (*name) {
		size_t n = strcspn(name, ".");
		at[used++] = (uint8_t)n;
		memcpy(at + used, name, n);
		used += n;
		name += n + (name[n] == '.');
	}
	at[used++] = 0;
	return used;
}

/* The rcode of the answer. */
static int ask(const char *name, unsigned type)
{
	uint8_t msg[300] = {0x12, 0x34, 1, 0, 0, 1};
	size_t n = 12 + put_name(msg + 12, name);

	msg[n + 1] = (uint8_t)type;
	msg[n + 3] = SX_DNS_CLASS_IN;
	question_len = n + 4;
	out_len = sx_responder_answer(&responder, msg, question_len, out);
	ck_assert_uint_ge(out_len, question_len);
	ck_assert_mem_eq(out + 12, msg + 12, question_len - 12);
	return out[3] & 0xf;
}

/* The data of the nth answer, all of the same kind. */
static const uint8_t *data(unsigned nth)
{
	const uint8_t *p = out + question_len;

	ck_assert_uint_lt(nth, out[7]);
	while (nth-- > 0)
		p += 12 + p[11];
	return p + 12;
}

static bool is_empty(void)
{
	return out[7] == 0 && out[9] == 1; /* an SOA */
}

static void is_ipv4(const char *text)
{
	struct sx_ip ip;

	sx_ip_parse(text, &ip);
	ck_assert_mem_eq(data(0), ip.bytes, 4);
}

static void is_ipv6(const char *text)
{
	struct sx_ip ip;

	sx_ip_parse(text, &ip);
	ck_assert_mem_eq(data(0), ip.bytes, 16);
}

/* The answer is the name's address in the table. */
static void is_of_table(const char *name, sa_family_t family)
{
	struct sx_lookup found;

	ck_assert_int_eq(sx_engine_lookup(engine, name, family, &found), 0);
	ck_assert_mem_eq(data(0), found.host.ips[0].bytes,
		sx_ip_len(&found.host.ips[0]));
}

START_TEST(a_name_has_the_address_of_the_table)
{
	struct sx_ip ip = {.family = AF_INET};
	struct sx_dest dest;

	ck_assert_int_eq(ask("WWW.example.org", SX_DNS_A), SX_DNS_NOERROR);
	is_of_table("www.example.org", AF_INET);
	memcpy(ip.bytes, data(0), 4);
	ck_assert_int_eq(ask("b.example.org", SX_DNS_ANY), SX_DNS_NOERROR);
	is_of_table("b.example.org", AF_INET);
	ck_assert_int_eq(sx_engine_dest(engine, &ip, 80, &dest), 0);
	ck_assert_str_eq(dest.name, "www.example.org");
}
END_TEST

START_TEST(an_ipv6_address_is_for_who_did_not_get_an_ipv4_one)
{
	ck_assert_int_eq(ask("a.example", SX_DNS_AAAA), SX_DNS_NOERROR);
	is_of_table("a.example", AF_INET6);
	ck_assert_int_eq(ask("a.example", SX_DNS_AAAA), SX_DNS_NOERROR);
	is_of_table("a.example", AF_INET6);
	ck_assert_int_eq(ask("A.example", SX_DNS_A), SX_DNS_NOERROR);
	is_of_table("a.example", AF_INET);
	ck_assert_int_eq(ask("a.example", SX_DNS_AAAA), SX_DNS_NOERROR);
	ck_assert(is_empty());
	ck_assert_int_eq(ask("b.example", SX_DNS_AAAA), SX_DNS_NOERROR);
	is_of_table("b.example", AF_INET6);
}
END_TEST

START_TEST(other_records_are_not_there)
{
	static const unsigned types[] = {2, 5, 6, 12, 15, 16, 33, 43, 64, 65};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		ck_assert_int_eq(ask("_x._tcp.example.org", types[i]), 0);
		ck_assert(is_empty());
	}
	ck_assert_int_eq(ask("", 2), SX_DNS_NOERROR);
	ck_assert(is_empty());
	ck_assert_int_eq(ask("a.example", SX_DNS_AXFR), SX_DNS_REFUSED);
	ck_assert_int_eq(ask("a.example", SX_DNS_IXFR), SX_DNS_REFUSED);
}
END_TEST

START_TEST(what_cannot_be_a_name_does_not_exist)
{
	static const char *const none[] = {"a b.example", "-a.example",
		"m\xc3\xbcller.example", "1.2.3.4", "1.2.3.4.5", "a.7"};
	static const uint8_t dot[] = "\0\1\1\0\0\1\0\0\0\0\0\0\3a.b\0\0\1\0\1";

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		ck_assert_int_eq(ask(none[i], SX_DNS_A), SX_DNS_NXDOMAIN);
		ck_assert(is_empty());
	}
	ck_assert_uint_gt(
		sx_responder_answer(&responder, dot, sizeof(dot) - 1, out), 12);
	ck_assert_int_eq(out[3] & 0xf, SX_DNS_NXDOMAIN);
}
END_TEST

START_TEST(localhost_is_this_machine)
{
	ck_assert_int_eq(ask("x.localhost", SX_DNS_A), SX_DNS_NOERROR);
	is_ipv4("127.0.0.1");
	ck_assert_int_eq(ask("x.localhost", SX_DNS_AAAA), SX_DNS_NOERROR);
	is_ipv6("::1");
}
END_TEST

/* The name that a PTR question for it has. */
static const char *reverse_of(const struct sx_ip *ip)
{
	static char text[80];
	size_t n = 0;

	for (unsigned i = (unsigned)sx_ip_len(ip); i-- > 0;)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
			ip->family == AF_INET ? "%u." : "%x.%x.",
			ip->family == AF_INET ? ip->bytes[i]
					      : ip->bytes[i] & 0xfU,
			ip->bytes[i] >> 4U);
	snprintf(text + n, sizeof(text) - n,
		ip->family == AF_INET ? "In-Addr.ARPA" : "ip6.arpa");
	return text;
}

static void is_called(const char *host, sa_family_t family, const char *wire)
{
	struct sx_lookup found;

	ck_assert_int_eq(sx_engine_lookup(engine, host, family, &found), 0);
	ck_assert_int_eq(ask(reverse_of(&found.host.ips[0]), SX_DNS_PTR),
		SX_DNS_NOERROR);
	ck_assert_mem_eq(data(0), wire, strlen(wire) + 1);
}

START_TEST(an_address_of_the_pools_has_its_name_and_others_have_none)
{
	is_called("www.example.org", AF_INET, "\3www\7example\3org");
	is_called("www.example.org", AF_INET6, "\3www\7example\3org");
	ck_assert_int_eq(
		ask("0.0.18.198.in-addr.arpa", SX_DNS_PTR), SX_DNS_NXDOMAIN);
	ck_assert_int_eq(
		ask("1.113.0.203.in-addr.arpa", SX_DNS_PTR), SX_DNS_NXDOMAIN);
	ck_assert_int_eq(ask("x.in-addr.arpa", SX_DNS_PTR), SX_DNS_NXDOMAIN);
	ck_assert_int_eq(ask("dns-sd.example", SX_DNS_PTR), SX_DNS_NOERROR);
	ck_assert(is_empty());
	ck_assert_uint_eq(n_direct, 0);
}
END_TEST

START_TEST(a_direct_name_is_what_libc_finds)
{
	struct sx_dest dest = {.kind = SX_DEST_IP, .port = 80};

	sx_ip_parse("203.0.113.7", &dest.ip);
	ck_assert_int_eq(
		sx_engine_decide(engine, &dest).action, SX_ACTION_PROXY);
	ck_assert_int_eq(ask("git.corp.example", SX_DNS_A), SX_DNS_NOERROR);
	is_ipv4("203.0.113.7");
	ck_assert_int_eq(
		sx_engine_decide(engine, &dest).action, SX_ACTION_DIRECT);
	ck_assert_int_eq(ask("git.corp.example", SX_DNS_AAAA), SX_DNS_NOERROR);
	ck_assert(is_empty());
	ck_assert_int_eq(ask("no.corp.example", SX_DNS_A), SX_DNS_NXDOMAIN);
	ck_assert_int_eq(ask("slow.corp.example", SX_DNS_A), SX_DNS_SERVFAIL);
	ck_assert_uint_eq(n_direct, 4);
}
END_TEST

START_TEST(what_is_no_question_is_told_so_or_ignored)
{
	static const uint8_t answer[] = "\1\2\x81\0\0\1\0\0\0\0\0\0\0\0\1\0\1";
	static const uint8_t cut[] = "\1\2\1\0\0\1\0\0\0\0\0\0\0\0\1\0";

	ck_assert_uint_eq(sx_responder_answer(
				  &responder, answer, sizeof(answer) - 1, out),
		0);
	ck_assert_uint_eq(sx_responder_answer(&responder, cut, 11, out), 0);
	ck_assert_uint_eq(
		sx_responder_answer(&responder, cut, sizeof(cut) - 1, out), 12);
	ck_assert_int_eq(out[3] & 0xf, SX_DNS_FORMERR);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("responder");
	TCase *t = tcase_create("responder");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_name_has_the_address_of_the_table);
	tcase_add_test(t, an_ipv6_address_is_for_who_did_not_get_an_ipv4_one);
	tcase_add_test(t, other_records_are_not_there);
	tcase_add_test(t, what_cannot_be_a_name_does_not_exist);
	tcase_add_test(t, localhost_is_this_machine);
	tcase_add_test(
		t, an_address_of_the_pools_has_its_name_and_others_have_none);
	tcase_add_test(t, a_direct_name_is_what_libc_finds);
	tcase_add_test(t, what_is_no_question_is_told_so_or_ignored);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

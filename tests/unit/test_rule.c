/*
 * Rules: which one matches, and that many cost no more than few.
 */
#include "core/rule.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RULES 16

static struct sx_rule_conf rule_confs[MAX_RULES];
static struct sx_server_conf server_confs[2];
static struct sx_conf conf;
static struct sx_rules *rules;

static void setup(void)
{
	memset(&conf, 0, sizeof(conf));
	conf.rules = rule_confs;
	conf.servers = server_confs;
}

static void teardown(void)
{
	sx_rules_free(rules);
	rules = NULL;
}

static struct sx_rule_conf *add(enum sx_action action, enum sx_match match)
{
	struct sx_rule_conf *r = &rule_confs[conf.n_rules++];

	*r = (struct sx_rule_conf){.action = action,
		.match = match,
		.ports = SX_PORTS_ALL,
		.where = (char *)"test"};
	return r;
}

static struct sx_rule_conf *add_cidr(enum sx_action action, const char *cidr)
{
	struct sx_rule_conf *r = add(action, SX_MATCH_CIDR);

	ck_assert_int_eq(sx_cidr_parse(cidr, &r->cidr), 0);
	return r;
}

static struct sx_rule_conf *add_name(
	enum sx_action action, enum sx_match match, const char *domain)
{
	struct sx_rule_conf *r = add(action, match);

	r->domain = (char *)domain;
	return r;
}

static void ports(struct sx_rule_conf *r, uint16_t lo, uint16_t hi)
{
	r->ports = (struct sx_ports){lo, hi};
}

static struct sx_dest dest(const char *host, uint16_t port)
{
	struct sx_dest d = {.kind = SX_DEST_IP, .port = port};

	if (sx_ip_parse(host, &d.ip)) {
		d.kind = SX_DEST_NAME;
		strcpy(d.name, host);
	}
	return d;
}

static struct sx_verdict decide(const char *host, uint16_t port)
{
	struct sx_dest d = dest(host, port);

	if (!rules)
		ck_assert_int_eq(sx_rules_new(&rules, &conf), 0);
	return sx_rules_decide(rules, &d);
}

static bool host_is_direct(const char *host)
{
	struct sx_dest d = dest(host, 0);

	if (!rules)
		ck_assert_int_eq(sx_rules_new(&rules, &conf), 0);
	unsigned rank;
	return sx_rules_host_is_direct(rules, &d, &rank);
}

#define IS_DIRECT(host, port)                                                  \
	ck_assert_int_eq(decide(host, port).action, SX_ACTION_DIRECT)
#define IS_BLOCK(host, port)                                                   \
	ck_assert_int_eq(decide(host, port).action, SX_ACTION_BLOCK)
#define IS_PROXY(host, port)                                                   \
	ck_assert_int_eq(decide(host, port).action, SX_ACTION_PROXY)

START_TEST(without_rules_all_but_the_loopback_goes_to_the_default_pool)
{
	IS_PROXY("203.0.113.1", 80);
	IS_PROXY("2001:db8::1", 80);
	IS_PROXY("www.example.org", 80);
	ck_assert_uint_eq(decide("203.0.113.1", 80).pool, 0);
	IS_DIRECT("127.0.0.1", 80);
	IS_DIRECT("127.255.255.254", 80);
	IS_DIRECT("::1", 80);
	IS_DIRECT("0.0.0.0", 80);
	IS_DIRECT("::", 80);
	IS_PROXY("128.0.0.1", 80);
}
END_TEST

START_TEST(a_resolver_on_the_loopback_is_not_direct_unless_a_rule_says_so)
{
	IS_PROXY("127.0.0.53", 53);
	IS_PROXY("::1", 53);
	teardown();
	ports(add_cidr(SX_ACTION_DIRECT, "127.0.0.0/8"), 53, 53);
	IS_DIRECT("127.0.0.53", 53);
}
END_TEST

START_TEST(the_loopback_can_be_sent_to_the_proxy)
{
	add_cidr(SX_ACTION_PROXY, "127.0.0.0/8")->pool = 1;
	ck_assert_uint_eq(decide("127.0.0.1", 80).pool, 1);
	IS_PROXY("127.0.0.1", 80);
	IS_DIRECT("::1", 80);
}
END_TEST

START_TEST(the_first_rule_that_matches_wins)
{
	add_cidr(SX_ACTION_BLOCK, "10.1.0.0/16");
	add_cidr(SX_ACTION_DIRECT, "10.0.0.0/8");
	add_cidr(SX_ACTION_BLOCK, "10.2.0.0/16");
	IS_BLOCK("10.1.2.3", 80);
	IS_DIRECT("10.2.2.3", 80);
	IS_DIRECT("10.3.2.3", 80);
	IS_PROXY("11.0.0.1", 80);
}
END_TEST

START_TEST(a_name_rule_holds_for_the_name_and_below)
{
	add_name(SX_ACTION_DIRECT, SX_MATCH_NAME, "example.org");
	IS_DIRECT("example.org", 80);
	IS_DIRECT("a.b.example.org", 80);
	IS_PROXY("badexample.org", 80);
	IS_PROXY("org", 80);
	IS_PROXY("example.org.net", 80);
}
END_TEST

START_TEST(a_rule_with_a_star_holds_below_only)
{
	add_name(SX_ACTION_BLOCK, SX_MATCH_BELOW, "onion");
	IS_BLOCK("abc.onion", 80);
	IS_BLOCK("www.abc.onion", 80);
	IS_PROXY("onion", 80);
}
END_TEST

START_TEST(a_prefix_says_nothing_of_a_name)
{
	add_cidr(SX_ACTION_DIRECT, "0.0.0.0/0");
	add_cidr(SX_ACTION_DIRECT, "::/0");
	IS_DIRECT("203.0.113.1", 80);
	IS_DIRECT("2001:db8::1", 80);
	IS_PROXY("www.example.org", 80);
}
END_TEST

START_TEST(a_block_of_everything_holds_for_names_too)
{
	ports(add_cidr(SX_ACTION_BLOCK, "0.0.0.0/0"), 25, 25);
	IS_BLOCK("203.0.113.1", 25);
	IS_BLOCK("mail.example.org", 25);
	IS_PROXY("mail.example.org", 26);
	IS_PROXY("2001:db8::1", 25);
}
END_TEST

START_TEST(ports_are_a_condition)
{
	ports(add_name(SX_ACTION_DIRECT, SX_MATCH_NAME, "example.org"), 8000,
		8100);
	ports(add(SX_ACTION_BLOCK, SX_MATCH_ANY), 25, 25);
	IS_PROXY("example.org", 7999);
	IS_DIRECT("example.org", 8000);
	IS_DIRECT("example.org", 8100);
	IS_PROXY("example.org", 8101);
	IS_BLOCK("example.org", 25);
	IS_BLOCK("192.0.2.1", 25);
}
END_TEST

START_TEST(rules_of_one_subject_keep_their_order)
{
	for (unsigned i = 0; i < 10; i++) {
		struct sx_rule_conf *r =
			add_name(SX_ACTION_PROXY, SX_MATCH_NAME, "example.org");
		ports(r, (uint16_t)(100 * i), (uint16_t)(100 * i + 150));
		r->pool = i;
	}
	ck_assert_uint_eq(decide("example.org", 120).pool, 0);
	ck_assert_uint_eq(decide("example.org", 160).pool, 1);
	ck_assert_uint_eq(decide("example.org", 1049).pool, 9);
}
END_TEST

START_TEST(a_server_itself_is_direct_at_its_port_alone)
{
	server_confs[0] = (struct sx_server_conf){
		.host = (char *)"192.0.2.7", .port = 1080, .via = -1};
	sx_ip_parse("192.0.2.7", &server_confs[0].ip);
	server_confs[1] = (struct sx_server_conf){
		.host = (char *)"proxy.example.org", .port = 1081, .via = -1};
	conf.n_servers = 2;
	IS_DIRECT("192.0.2.7", 1080);
	IS_PROXY("192.0.2.7", 1081);
	IS_DIRECT("proxy.example.org", 1081);
	IS_PROXY("proxy.example.org", 80);
	IS_PROXY("x.proxy.example.org", 1081);
	ck_assert(!host_is_direct("proxy.example.org"));
}
END_TEST

START_TEST(a_server_behind_another_or_a_path_is_not_direct)
{
	server_confs[0] = (struct sx_server_conf){
		.host = (char *)"192.0.2.7", .port = 1080, .via = 1};
	sx_ip_parse("192.0.2.7", &server_confs[0].ip);
	server_confs[1] = (struct sx_server_conf){.host = (char *)"/run/x",
		.unix_path = (char *)"/run/x",
		.via = -1};
	conf.n_servers = 2;
	IS_PROXY("192.0.2.7", 1080);
	IS_PROXY("/run/x", 0);
}
END_TEST

START_TEST(a_lookup_is_libcs_only_if_every_port_is_direct)
{
	add_name(SX_ACTION_DIRECT, SX_MATCH_NAME, "corp.example");
	ports(add_name(SX_ACTION_DIRECT, SX_MATCH_NAME, "ssh.example"), 22, 22);
	ports(add_name(SX_ACTION_PROXY, SX_MATCH_NAME, "mixed.example"), 443,
		443);
	add_name(SX_ACTION_DIRECT, SX_MATCH_NAME, "mixed.example");
	ck_assert(host_is_direct("www.corp.example"));
	ck_assert(!host_is_direct("ssh.example"));
	ck_assert(!host_is_direct("mixed.example"));
	ck_assert(!host_is_direct("www.example.org"));
}
END_TEST

START_TEST(the_verdict_says_where_it_comes_from)
{
	add_cidr(SX_ACTION_BLOCK, "10.0.0.0/8")->where = (char *)"file:7";
	ck_assert_str_eq(decide("10.1.1.1", 80).where, "file:7");
	ck_assert_ptr_nonnull(decide("127.0.0.1", 80).where);
	ck_assert_ptr_nonnull(decide("192.0.2.1", 80).where);
}
END_TEST

static enum sx_action datagram(const char *host, uint16_t port)
{
	struct sx_dest d = dest(host, port);

	d.transport = SX_TRANSPORT_UDP;
	sx_rules_free(rules);
	ck_assert_int_eq(sx_rules_new(&rules, &conf), 0);
	return sx_rules_decide(rules, &d).action;
}

START_TEST(the_transport_is_a_condition)
{
	add_cidr(SX_ACTION_DIRECT, "10.0.0.0/8")->transport = SX_MATCH_UDP;
	add_name(SX_ACTION_BLOCK, SX_MATCH_NAME, "a.example")->transport =
		SX_MATCH_TCP;
	add_name(SX_ACTION_DIRECT, SX_MATCH_NAME, "b.example")->transport =
		SX_MATCH_UDP;
	IS_PROXY("10.0.0.1", 53);
	ck_assert_int_eq(datagram("10.0.0.1", 53), SX_ACTION_DIRECT);
	ck_assert_int_eq(decide("a.example", 1).action, SX_ACTION_BLOCK);
	ck_assert_int_eq(datagram("a.example", 1), SX_ACTION_PROXY);
	ck_assert(!host_is_direct("b.example"));
	ck_assert_int_eq(datagram("127.0.0.1", 1), SX_ACTION_DIRECT);
}
END_TEST

START_TEST(with_strict_the_loopback_is_blocked_unless_a_rule_says_direct)
{
	conf.strict = true;
	ports(add_cidr(SX_ACTION_DIRECT, "127.0.0.1/32"), 8080, 8080);
	IS_DIRECT("127.0.0.1", 8080);
	ck_assert_int_eq(decide("127.0.0.1", 8081).action, SX_ACTION_BLOCK);
	ck_assert_int_eq(decide("::1", 8080).action, SX_ACTION_BLOCK);
	ck_assert_int_eq(decide("0.0.0.0", 1).action, SX_ACTION_BLOCK);
	IS_PROXY("192.0.2.1", 80);
}
END_TEST

START_TEST(onion_names_are_never_direct)
{
	add(SX_ACTION_DIRECT, SX_MATCH_ANY);
	IS_DIRECT("onion.example", 80);
	ck_assert_int_eq(decide("abc.onion", 80).action, SX_ACTION_BLOCK);
	ck_assert(!host_is_direct("abc.onion"));
	ck_assert(host_is_direct("onion.example"));
	teardown();
	conf.n_rules = 0;
	IS_PROXY("abc.onion", 80);
}
END_TEST

START_TEST(a_condition_is_told_as_it_could_be_written)
{
	char text[SX_DEST_STRLEN + 20];
	static const char *const texts[] = {"*:25", "udp:10.0.0.0/8",
		"[2001:db8::]/32:1-9", "tcp:*.example.org", "corp.example",
		"*"};

	ports(add(SX_ACTION_BLOCK, SX_MATCH_ANY), 25, 25);
	add_cidr(SX_ACTION_DIRECT, "10.0.0.0/8")->transport = SX_MATCH_UDP;
	ports(add_cidr(SX_ACTION_DIRECT, "2001:db8::/32"), 1, 9);
	add_name(SX_ACTION_DIRECT, SX_MATCH_BELOW, "example.org")->transport =
		SX_MATCH_TCP;
	add_name(SX_ACTION_DIRECT, SX_MATCH_NAME, "corp.example");
	unsigned rank = decide("192.0.2.1", 80).rank; /* none of them */
	for (unsigned i = 0; i < 5; i++)
		ck_assert_str_eq(
			sx_rules_condition(rules, i, text, sizeof(text)),
			texts[i]);
	ck_assert_str_eq(
		sx_rules_condition(rules, rank, text, sizeof(text)), texts[5]);
	ck_assert_str_eq(sx_rules_condition(rules, 1, text, 6), "udp:1");
}
END_TEST

START_TEST(a_hundred_thousand_rules_each_match_their_own)
{
	enum {
		N = 100000
	};
	struct sx_conf big = {.n_rules = N};
	static char names[N][24];

	big.rules = calloc(N, sizeof(*big.rules));
	for (unsigned i = 0; i < N; i++) {
		struct sx_rule_conf *r = &big.rules[i];
		r->action = SX_ACTION_PROXY;
		r->pool = i;
		r->ports = SX_PORTS_ALL;
		if (i % 2) {
			snprintf(names[i], sizeof(names[i]), "h%u.example", i);
			r->match = SX_MATCH_NAME;
			r->domain = names[i];
		} else {
			snprintf(names[i], sizeof(names[i]), "10.%u.%u.%u",
				i >> 16, i >> 8 & 255, i & 255);
			r->match = SX_MATCH_CIDR;
			sx_cidr_parse(names[i], &r->cidr);
		}
	}
	ck_assert_int_eq(sx_rules_new(&rules, &big), 0);
	for (unsigned i = 0; i < N; i++) {
		struct sx_dest d = dest(names[i], 80);
		ck_assert_uint_eq(sx_rules_decide(rules, &d).pool, i);
	}
	free(big.rules);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rule");
	TCase *t = tcase_create("rule");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(
		t, without_rules_all_but_the_loopback_goes_to_the_default_pool);
	tcase_add_test(t,
		a_resolver_on_the_loopback_is_not_direct_unless_a_rule_says_so);
	tcase_add_test(t, the_loopback_can_be_sent_to_the_proxy);
	tcase_add_test(t, the_first_rule_that_matches_wins);
	tcase_add_test(t, a_name_rule_holds_for_the_name_and_below);
	tcase_add_test(t, a_rule_with_a_star_holds_below_only);
	tcase_add_test(t, a_prefix_says_nothing_of_a_name);
	tcase_add_test(t, a_block_of_everything_holds_for_names_too);
	tcase_add_test(t, ports_are_a_condition);
	tcase_add_test(t, rules_of_one_subject_keep_their_order);
	tcase_add_test(t, a_server_itself_is_direct_at_its_port_alone);
	tcase_add_test(t, a_server_behind_another_or_a_path_is_not_direct);
	tcase_add_test(t, a_lookup_is_libcs_only_if_every_port_is_direct);
	tcase_add_test(t, the_verdict_says_where_it_comes_from);
	tcase_add_test(t, the_transport_is_a_condition);
	tcase_add_test(t,
		with_strict_the_loopback_is_blocked_unless_a_rule_says_direct);
	tcase_add_test(t, onion_names_are_never_direct);
	tcase_add_test(t, a_condition_is_told_as_it_could_be_written);
	tcase_add_test(t, a_hundred_thousand_rules_each_match_their_own);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

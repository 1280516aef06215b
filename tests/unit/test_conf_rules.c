/* Rules: their conditions one by one, and their order and targets. */
#include "test_conf_fixture.h"

#include "conf/rules.h"

#include <errno.h>

#define ALL 0, 65535

static const struct {
	const char *text;
	enum sx_match match;
	const char *what; /* prefix or domain; NULL: none */
	unsigned lo, hi;
} good[] = {
	{"*", SX_MATCH_ANY, NULL, ALL},
	{"*:443", SX_MATCH_ANY, NULL, 443, 443},
	{":25", SX_MATCH_ANY, NULL, 25, 25},
	{":8000-8100", SX_MATCH_ANY, NULL, 8000, 8100},
	{"10.0.0.0/8", SX_MATCH_CIDR, "10.0.0.0/8", ALL},
	{"10.1.2.3/8:80", SX_MATCH_CIDR, "10.0.0.0/8", 80, 80},
	{"192.0.2.1", SX_MATCH_CIDR, "192.0.2.1/32", ALL},
	{"192.0.2.1:1-65535", SX_MATCH_CIDR, "192.0.2.1/32", 1, 65535},
	{"0.0.0.0/0:25", SX_MATCH_CIDR, "0.0.0.0/0", 25, 25},
	{"2001:db8::/32", SX_MATCH_CIDR, "2001:db8::/32", ALL},
	{"2001:db8::1", SX_MATCH_CIDR, "2001:db8::1/128", ALL},
	{"::1", SX_MATCH_CIDR, "::1/128", ALL},
	{"::/0", SX_MATCH_CIDR, "::/0", ALL},
	{"[2001:db8::1]", SX_MATCH_CIDR, "2001:db8::1/128", ALL},
	{"[2001:db8::1]:53", SX_MATCH_CIDR, "2001:db8::1/128", 53, 53},
	{"[2001:db8::]/32", SX_MATCH_CIDR, "2001:db8::/32", ALL},
	{"[2001:db8::]/32:53", SX_MATCH_CIDR, "2001:db8::/32", 53, 53},
	{"[2001:db8::/32]:1-2", SX_MATCH_CIDR, "2001:db8::/32", 1, 2},
	{"[::ffff:10.0.0.0]/104:9", SX_MATCH_CIDR, "10.0.0.0/8", 9, 9},
	{"Example.ORG.", SX_MATCH_NAME, "example.org", ALL},
	{".example.org", SX_MATCH_NAME, "example.org", ALL},
	{"*.example.org", SX_MATCH_BELOW, "example.org", ALL},
	{"*.onion:80", SX_MATCH_BELOW, "onion", 80, 80},
	{"localhost:1-9", SX_MATCH_NAME, "localhost", 1, 9},
	{"my_host.x-1", SX_MATCH_NAME, "my_host.x-1", ALL},
};

static const char *describe(const struct sx_rule_conf *rule)
{
	static char text[INET6_ADDRSTRLEN + 8];
	char ip[INET6_ADDRSTRLEN];

	if (rule->match != SX_MATCH_CIDR)
		return rule->domain;
	snprintf(text, sizeof(text), "%s/%u",
		sx_ip_format(&rule->cidr.ip, ip, sizeof(ip)), rule->cidr.len);
	return text;
}

static void is_understood(
	size_t i, const char *prefix, enum sx_match_transport transport)
{
	struct sx_rule_conf rule;
	const char *why;
	char text[64];

	snprintf(text, sizeof(text), "%s%s", prefix, good[i].text);
	int r = sx_condition_parse(text, strlen(text), &rule, &why);
	ck_assert_msg(r == 0, "%s: %s", text, why);
	ck_assert_int_eq(rule.match, good[i].match);
	ck_assert_int_eq(rule.transport, transport);
	if (good[i].what)
		ck_assert_str_eq(describe(&rule), good[i].what);
	else
		ck_assert_ptr_null(rule.domain);
	ck_assert_uint_eq(rule.ports.lo, good[i].lo);
	ck_assert_uint_eq(rule.ports.hi, good[i].hi);
	free(rule.domain);
}

START_TEST(conditions_are_understood)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		is_understood(i, "", SX_MATCH_BOTH);
		is_understood(i, "tcp:", SX_MATCH_TCP);
		is_understood(i, "udp:", SX_MATCH_UDP);
	}
}
END_TEST

START_TEST(a_port_may_stand_alone_behind_the_transport)
{
	struct sx_rule_conf rule;
	const char *why;

	ck_assert_int_eq(sx_condition_parse("udp:53", 6, &rule, &why), 0);
	ck_assert_int_eq(rule.match, SX_MATCH_ANY);
	ck_assert_int_eq(rule.transport, SX_MATCH_UDP);
	ck_assert_uint_eq(rule.ports.lo, 53);
	ck_assert_int_eq(sx_condition_parse("tcp:1-9", 7, &rule, &why), 0);
	ck_assert_uint_eq(rule.ports.hi, 9);
	ck_assert_int_eq(sx_condition_parse("udp:", 4, &rule, &why), -EINVAL);
}
END_TEST

#define FORMS                                                                  \
	"expected a prefix, a name, *.NAME or *, each with or without :PORT "  \
	"or :LO-HI, or :PORT alone, and with or without tcp: or udp: before "  \
	"it"
#define PORTS  "expected :PORT or :LO-HI from 1 to 65535"
#define PREFIX "expected a prefix such as 10.0.0.0/8 or 2001:db8::/32"
#define NUMERIC                                                                \
	"ends in a number but is no IPv4 address, expected A.B.C.D, a prefix " \
	"or a name"
#define BRACKETS                                                               \
	"expected [IPV6], [IPV6]/LEN or [IPV6/LEN], with or without :PORT"
#define V6 "expected an IPv6 prefix; a port needs brackets: [IPV6]:PORT"

static const struct {
	const char *text, *why;
} bad[] = {
	{"", FORMS},
	{".", FORMS},
	{"*.", FORMS},
	{"**", FORMS},
	{"*foo", FORMS},
	{"a.*.b", FORMS},
	{"a..b", FORMS},
	{"a=b", FORMS},
	{"\xc3\xa4.org", FORMS},
	{":", PORTS},
	{"*:", PORTS},
	{":0", PORTS},
	{":0-5", PORTS},
	{":9-8", PORTS},
	{":65536", PORTS},
	{"h:http", PORTS},
	{"10.0.0.0/33", PREFIX},
	{"10.0.0.0/", PREFIX},
	{"10/8", PREFIX},
	{"example.org/8", PREFIX},
	{"1.2.3", NUMERIC},
	{"10.0.0.256", NUMERIC},
	{"*.1.2", NUMERIC},
	{"443", NUMERIC},
	{"0x7f.0x1", NUMERIC},
	{"2001:db8::/129", V6},
	{"2001:db8::1:x", V6},
	{"a:b:c", V6},
	{"[2001:db8::1", BRACKETS},
	{"[2001:db8::1]80", BRACKETS},
	{"[2001:db8::1/8]/8", BRACKETS},
	{"[10.0.0.1]:80", BRACKETS},
	{"[example.org]:80", BRACKETS},
	{"[]", BRACKETS},
	{"[::1]:", PORTS},
	{"[::1]:0", PORTS},
};

START_TEST(what_is_wrong_with_a_condition_is_said)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sx_rule_conf rule = {.pool = 7};
		const char *why = NULL, *text = bad[i].text;
		int r = sx_condition_parse(text, strlen(text), &rule, &why);

		ck_assert_int_eq(r, -EINVAL);
		ck_assert_msg(
			strcmp(why, bad[i].why) == 0, "%s: %s", text, why);
		ck_assert_uint_eq(rule.pool, 7);
	}
}
END_TEST

START_TEST(the_longest_condition_fits)
{
	char text[300], *p = text;
	struct sx_rule_conf rule;
	const char *why;

	p = stpcpy(p, "*.");
	for (int i = 0; i < 126; i++)
		p = stpcpy(p, "a.");
	strcpy(p, "b:10000-65535");
	ck_assert_int_eq(
		sx_condition_parse(text, strlen(text), &rule, &why), 0);
	ck_assert_uint_eq(strlen(rule.domain), 253);
	free(rule.domain);
	strcpy(p, "bb:10000-65535");
	ck_assert_int_eq(
		sx_condition_parse(text, strlen(text), &rule, &why), -EINVAL);
	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(
		sx_condition_parse(text, sizeof(text), &rule, &why), -EINVAL);
}
END_TEST

/* "direct block p1 ..." in the order of precedence, pools by name */
static const char *rules_text(void)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < fix_conf.n_rules; i++) {
		const struct sx_rule_conf *rule = &fix_conf.rules[i];
		const char *action = fix_conf.pools[rule->pool].name;
		const char *where = rule->where;
		if (rule->action == SX_ACTION_DIRECT)
			action = "direct";
		if (rule->action == SX_ACTION_BLOCK)
			action = "block";
		if (strncmp(where, fix_dir, strlen(fix_dir)) == 0)
			where += strlen(fix_dir) + 1;
		const char *what = describe(rule);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %s %s\n",
			where, action, what ? what : "*");
	}
	return text;
}

#define SERVERS                                                                \
	"[server a]\nurl = socks5://a\n[server b]\nurl = socks5://b\n"         \
	"[pool main]\nservers = a\n"

START_TEST(rules_keep_their_order_and_know_their_line)
{
	fix_load_text_ok(SERVERS "[rules]\n"
				 "direct = a.example, b.example\n"
				 "block = :25 # comment\n"
				 "direct = 10.0.0.0/8\n"
				 "proxy = p.example\n"
				 "main = m.example\n"
				 "b = *.onion\n"
				 "a = *.exit\n"
				 "b = c.example\n");
	ck_assert_str_eq(rules_text(), "c:8 direct a.example\n"
				       "c:8 direct b.example\n"
				       "c:9 block *\n"
				       "c:10 direct 10.0.0.0/8\n"
				       "c:11 main p.example\n"
				       "c:12 main m.example\n"
				       "c:13 b onion\n"
				       "c:14 a exit\n"
				       "c:15 b c.example\n");
	/* a server that rules name is a pool once, behind the others */
	ck_assert_uint_eq(fix_conf.n_pools, 3);
	ck_assert_str_eq(fix_conf.pools[1].name, "b");
	ck_assert_uint_eq(fix_conf.pools[1].n_servers, 1);
	ck_assert_uint_eq(fix_conf.pools[1].servers[0], 1);
}
END_TEST

START_TEST(a_list_goes_on_in_indented_lines)
{
	fix_load_text_ok(SERVERS "[rules]\n"
				 "direct =\n"
				 "\ta.example,\n"
				 "  # nothing\n"
				 "\n"
				 "  [2001:db8::]/32 ; comment\n"
				 "  ::1\n"
				 "block = :25\n");
	ck_assert_str_eq(rules_text(), "c:9 direct a.example\n"
				       "c:12 direct 2001:db8::/32\n"
				       "c:13 direct ::1/128\n"
				       "c:14 block *\n");
}
END_TEST

START_TEST(bad_rules_are_all_reported)
{
	ck_assert_int_eq(fix_load_text(SERVERS "[rules]\n"
					       "direct = a.b, 1.2.3, :0\n"
					       "mian = x\n"
					       "block =\n"
					       "direct = x\n"
					       "  y:0\n"
					       "  block = z\n"
					       "a b = x\n"
					       "direct\n"),
		-EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"c:8: direct: \"1.2.3\": " NUMERIC "\n"
		"c:8: direct: \":0\": " PORTS "\n"
		"c:9: unknown server or pool \"mian\", expected one of: "
		"direct, block, proxy, main, a, b\n"
		"c:10: an empty list, " FORMS "\n"
		"c:12: direct: \"y:0\": " PORTS "\n"
		"c:13: an indented line goes on with a list, expected a key "
		"without white space before it\n"
		"c:14: expected direct, block, proxy or the name of a server "
		"or pool as the key\n"
		"c:15: expected KEY = VALUE or [SECTION]\n");
}
END_TEST

START_TEST(no_proxy_is_direct_behind_the_files)
{
	fix_setenv("NO_PROXY", "example.org,.sub.example 10.0.0.0/8,::1,h:80,");
	fix_load_text_ok("[rules]\nblock = x\n");
	ck_assert_str_eq(rules_text(), "c:2 block x\n"
				       "NO_PROXY direct example.org\n"
				       "NO_PROXY direct sub.example\n"
				       "NO_PROXY direct 10.0.0.0/8\n"
				       "NO_PROXY direct ::1/128\n"
				       "NO_PROXY direct h\n");
	fix_setenv("no_proxy", "*");
	fix_load_text_ok("");
	ck_assert_str_eq(rules_text(), "no_proxy direct *\n");
	fix_setenv("no_proxy", "");
	fix_setenv("NO_PROXY", "a, 169.254/16, u:p@h");
	ck_assert_int_eq(fix_load_text(""), -EINVAL);
	ck_assert_str_eq(fix_diags_text(), "NO_PROXY: item 2: " PREFIX "\n"
					   "NO_PROXY: item 3: " PORTS "\n");
}
END_TEST

/* Ten times the rules take about ten times as long, not a hundred. */
START_TEST(a_hundred_thousand_rules_are_loaded)
{
	size_t n = 100000, size = n * 40;
	char *text = malloc(size), *p = text;

	p = stpcpy(p, SERVERS "[rules]\n");
	for (size_t i = 0; i < n; i++)
		p += sprintf(
			p, "%s = h%zu.example\n", i % 2 ? "direct" : "main", i);
	fix_load_text_ok(text);
	free(text);
	ck_assert_uint_eq(fix_conf.n_rules, n);
	ck_assert_str_eq(fix_conf.rules[n - 1].domain, "h99999.example");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		conditions_are_understood,
		a_port_may_stand_alone_behind_the_transport,
		what_is_wrong_with_a_condition_is_said,
		the_longest_condition_fits,
		rules_keep_their_order_and_know_their_line,
		a_list_goes_on_in_indented_lines,
		bad_rules_are_all_reported,
		no_proxy_is_direct_behind_the_files,
		a_hundred_thousand_rules_are_loaded,
	};
	Suite *suite = suite_create("conf_rules");

	fix_add_tests(suite, "rules", tests, sizeof(tests) / sizeof(tests[0]));
	return sx_unit_main(suite);
}

/* Servers that are reached through others, and how many a pool may have. */
#include "test_conf_fixture.h"

#include <errno.h>

#define A "[server a]\nurl = socks5://a\n"
#define B "[server b]\nurl = socks5://b\n"
#define C "[server c]\nurl = socks5://c\n"

static const struct {
	const char *text, *diags;
} bad[] = {
	{A "via =\n", "c:3: via: expected the name of a server\n"},
	{A "via = a b\n", "c:3: via: expected the name of a server\n"},
	{A "via = socks5://b\n", "c:3: via: expected the name of a server\n"},
	{A "via = b\n[pool b]\nservers = a\n",
		"c:3: unknown server \"b\", expected one of: a\n"},
	{"[server a]\nvia = b\nurl = socks5://unix:/x\n" B,
		"c:2: via: a unix socket is not reached through a server, "
		"expected no via\n"},
	{A "via = b\n[server b]\nurl = socks4://192.0.2.1\n",
		"c:3: via: SOCKS4 carries no host names, expected an address "
		"in url, or a via that speaks socks4a or socks5\n"},
	{"[server a]\nurl = http://[2001:db8::1]\nvia = b\n"
	 "[server b]\nurl = socks4a://192.0.2.1\n",
		"c:3: via: SOCKS4 carries no IPv6 addresses, expected a via "
		"that speaks socks5 or http\n"},
	{A "via = a\n",
		"c:3: via: a -> a is a circle, expected a chain with an "
		"end\n"},
	{A "via = b\n" B "via = c\n" C "via = a\n[server d]\n"
	   "url = socks5://d\nvia = b\n",
		"c:3: via: a -> b -> c -> a is a circle, expected a chain with "
		"an end\n"},
	/* one that leads into a circle is not in it */
	{A "via = b\n" B "via = c\n" C "via = b\n",
		"c:6: via: b -> c -> b is a circle, expected a chain with an "
		"end\n"},
	{A "via = a\n" B "via = c\n" C "via = b\n",
		"c:3: via: a -> a is a circle, expected a chain with an end\n"
		"c:6: via: b -> c -> b is a circle, expected a chain with an "
		"end\n"},
};

START_TEST(a_chain_must_have_an_end)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(fix_load_text(bad[i].text), -EINVAL);
		ck_assert_str_eq(fix_diags_text(), bad[i].diags);
	}
}
END_TEST

START_TEST(chains_span_the_files_and_any_protocol)
{
	fix_write("c", A "via = b\n[server b]\nurl = http://b\nvia = d\n" C
			 "[server d]\nurl = socks4a://unix:/run/d\n");
	fix_write("apps/prog.conf", "[server a]\nurl = socks4a://a\nvia = b\n"
				    "[server e]\nurl = socks5://e\nvia = a\n");
	fix_load_ok(fix_path("c"), "prog");
	const struct sx_server_conf *s = fix_conf.servers;
	ck_assert_int_eq(s[4].via, 0);
	ck_assert_int_eq(s[0].via, 1);
	ck_assert_int_eq(s[1].via, 3);
	ck_assert_int_eq(s[2].via, -1);
	ck_assert_int_eq(s[3].via, -1);
	/* those that others are reached through are not in the pool of all */
	ck_assert_uint_eq(fix_conf.pools[0].n_servers, 2);
	ck_assert_uint_eq(fix_conf.pools[0].servers[0], 2);
	ck_assert_uint_eq(fix_conf.pools[0].servers[1], 4);

	fix_write("apps/prog.conf", "[server d]\nurl = socks5://d\nvia = a\n");
	ck_assert_int_eq(fix_load(fix_path("c"), "prog"), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"c:3: via: a -> b -> d -> a is a circle, expected a chain with "
		"an end\n");
}
END_TEST

/* n servers s0, s1 ..., each with one more line. */
static char *many_servers(char *p, int n, const char *more)
{
	for (int i = 0; i < n; i++)
		p += sprintf(
			p, "[server s%d]\nurl = socks5://h%d\n%s", i, i, more);
	return p;
}

START_TEST(a_long_circle_is_told_in_part)
{
	static char text[65536];
	char *p = text;

	for (int i = 0; i < 500; i++)
		p += sprintf(p, "[server s%d]\nurl = socks5://h\nvia = s%d\n",
			i, (i + 1) % 500);
	ck_assert_int_eq(fix_load_text(text), -EINVAL);
	ck_assert_uint_eq(fix_diags.n, 1);
	ck_assert_ptr_nonnull(
		strstr(fix_diags_text(), "c:3: via: s0 -> s1 -> s2 -> "));
	ck_assert_ptr_nonnull(strstr(fix_diags_text(),
		" -> ... is a circle, expected a chain with an end\n"));
}
END_TEST

#define MANY_IN_ONE                                                            \
	"too many servers for one pool of all, expected at most 64, or [pool " \
	"NAME]\n"

START_TEST(a_pool_has_64_servers_at_most)
{
	static char text[65536];

	many_servers(text, 64, "");
	fix_load_text_ok(text);
	ck_assert_uint_eq(fix_conf.pools[0].n_servers, 64);
	many_servers(text, 70, "");
	ck_assert_int_eq(fix_load_text(text), -EINVAL);
	ck_assert_str_eq(fix_diags_text(), "c:129: " MANY_IN_ONE);
	/* with a pool there may be any number of servers */
	char *p = stpcpy(many_servers(text, 70, ""), "[pool p]\nservers =");
	for (int i = 0; i < 64; i++)
		p += sprintf(p, " s%d", i);
	fix_load_text_ok(text);
	ck_assert_uint_eq(fix_conf.pools[0].n_servers, 64);
	strcpy(p, "\n  s64\n  s65\n");
	ck_assert_int_eq(fix_load_text(text), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"c:143: too many servers for a pool, expected at most 64\n");
}
END_TEST

START_TEST(the_environment_has_64_servers_at_most)
{
	static char list[4096];
	char *p = list;

	for (int i = 0; i < 64; i++)
		p += sprintf(p, "socks5://h%d ", i);
	fix_setenv("SOCKSIFY_PROXY", list);
	fix_load_text_ok("");
	strcpy(p, "socks5://h");
	ck_assert_int_eq(fix_load_text(""), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"SOCKSIFY_PROXY: too many URLs, expected at most 64\n");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_chain_must_have_an_end,
		chains_span_the_files_and_any_protocol,
		a_long_circle_is_told_in_part,
		a_pool_has_64_servers_at_most,
		the_environment_has_64_servers_at_most,
	};
	Suite *suite = suite_create("conf_chains");

	fix_add_tests(suite, "chains", tests, sizeof(tests) / sizeof(tests[0]));
	return sx_unit_main(suite);
}

/* Servers and pools: what their keys and [defaults] say. */
#include "test_conf_fixture.h"

#include <errno.h>

#define A "[server a]\nurl = socks5://a\n"
#define B "[server b]\nurl = socks5://b\n"
#define C "[server c]\nurl = socks5://c\n"

START_TEST(every_key_of_servers_and_pools_is_read)
{
	fix_write("users", "u:p\nv:q\n");
	fix_load_text_ok("[server a]\n"
			 "via = exit-1 # comment\n"
			 "auth = required\n"
			 "pipeline = on\n"
			 "isolate = destination\n"
			 "udp = block\n"
			 "url = socks5://h\n"
			 "[server b]\n"
			 "users_file = users\n"
			 "choose_user = sticky\n"
			 "pipeline = off\n"
			 "url = http://h\n"
			 "[server exit-1]\n"
			 "url = socks5h://u:p@unix:/run/x\n"
			 "udp = associate\n"
			 "[pool p]\n"
			 "servers = a, b\n"
			 "choose = latched\n"
			 "retry_on_refusal = yes ; comment\n"
			 "[rules]\n"
			 "a = x\n");
	const struct sx_server_conf *s = fix_conf.servers;
	ck_assert_int_eq(s[0].via, 2);
	ck_assert_int_eq(s[0].auth, SX_AUTH_REQUIRED);
	ck_assert_int_eq(s[0].pipeline, SX_PIPELINE_ON);
	ck_assert_int_eq(s[0].isolate, SX_ISOLATE_DESTINATION);
	ck_assert_int_eq(s[0].choose_user, SX_USER_RANDOM);
	ck_assert_uint_eq(s[0].n_users, 0);
	ck_assert_int_eq(s[0].udp, SX_SERVER_UDP_BLOCK);
	ck_assert_str_eq(s[0].host, "h");
	ck_assert_int_eq(s[1].via, -1);
	ck_assert_int_eq(s[1].choose_user, SX_USER_STICKY);
	ck_assert_int_eq(s[1].pipeline, SX_PIPELINE_OFF);
	ck_assert_uint_eq(s[1].n_users, 2);
	ck_assert_str_eq(s[1].users[1].user, "v");
	ck_assert_str_eq(s[1].users[1].password, "q");
	ck_assert_str_eq(s[2].name, "exit-1");
	ck_assert_int_eq(s[2].udp, SX_SERVER_UDP_ASSOCIATE);
	ck_assert_str_eq(s[2].unix_path, "/run/x");
	ck_assert_str_eq(s[2].host, "/run/x");
	ck_assert_uint_eq(s[2].port, 0);
	ck_assert_uint_eq(s[2].ip.family, 0);
	ck_assert_int_eq(s[2].via, -1);
	ck_assert_str_eq(fix_password(&s[2]), "p");
	ck_assert_uint_eq(fix_conf.n_pools, 2);
	ck_assert_int_eq(fix_conf.pools[0].choose, SX_CHOOSE_LATCHED);
	ck_assert(fix_conf.pools[0].retry_on_refusal);
	ck_assert_int_eq(fix_conf.pools[1].choose, SX_CHOOSE_FAILOVER);
	ck_assert(!fix_conf.pools[1].retry_on_refusal);
}
END_TEST

START_TEST(what_is_not_said_has_a_default)
{
	fix_load_text_ok(A);
	const struct sx_server_conf *s = fix_conf.servers;
	ck_assert_int_eq(s->choose_user, SX_USER_RANDOM);
	ck_assert_int_eq(s->auth, SX_AUTH_OPTIONAL);
	ck_assert_int_eq(s->pipeline, SX_PIPELINE_AUTO);
	ck_assert_int_eq(s->isolate, SX_ISOLATE_NONE);
	ck_assert_int_eq(s->udp, SX_SERVER_UDP_UNSAID);
	ck_assert_int_eq(s->via, -1);
	ck_assert_ptr_null(s->unix_path);
	ck_assert_int_eq(fix_conf.pools[0].choose, SX_CHOOSE_FAILOVER);
	ck_assert(!fix_conf.pools[0].retry_on_refusal);
	ck_assert_uint_eq(fix_conf.attempts, 0);
	ck_assert_uint_eq(fix_conf.attempts_per_server, 1);
	ck_assert_uint_eq(fix_conf.fail_threshold, 1);
	ck_assert_uint_eq(fix_conf.retry_after_ms, 30000);
	ck_assert_uint_eq(fix_conf.backoff_ms, 100);
	ck_assert_int_eq(fix_conf.when_all_down, SX_ALL_DOWN_TRY);
	ck_assert_int_eq(fix_conf.auth, SX_AUTH_OPTIONAL);
	ck_assert_int_eq(fix_conf.pipeline, SX_PIPELINE_AUTO);
	ck_assert_int_eq(fix_conf.isolate, SX_ISOLATE_NONE);
	ck_assert_int_eq(fix_conf.udp, SX_UDP_ASSOCIATE);
}
END_TEST

START_TEST(a6_3_every_key_of_attempts_is_read)
{
	fix_load_text_ok("[defaults]\nattempts = 1000\n"
			 "attempts_per_server = 100\nfail_threshold = 007\n"
			 "retry_after = 5m\nbackoff = none\n"
			 "when_all_down = fail\n");
	ck_assert_uint_eq(fix_conf.attempts, 1000);
	ck_assert_uint_eq(fix_conf.attempts_per_server, 100);
	ck_assert_uint_eq(fix_conf.fail_threshold, 7);
	ck_assert_uint_eq(fix_conf.retry_after_ms, 300000);
	ck_assert_uint_eq(fix_conf.backoff_ms, 0);
	ck_assert_int_eq(fix_conf.when_all_down, SX_ALL_DOWN_FAIL);
	fix_load_text_ok("[defaults]\nattempts = 1\nattempts_per_server = 1\n"
			 "fail_threshold = 100\nbackoff = 250ms\n"
			 "when_all_down = try\n");
	ck_assert_uint_eq(fix_conf.attempts, 1);
	ck_assert_uint_eq(fix_conf.attempts_per_server, 1);
	ck_assert_uint_eq(fix_conf.fail_threshold, 100);
	ck_assert_uint_eq(fix_conf.backoff_ms, 250);
	ck_assert_int_eq(fix_conf.when_all_down, SX_ALL_DOWN_TRY);
}
END_TEST

static int get_choose(void)
{
	return (int)fix_conf.pools[0].choose;
}

static int get_choose_user(void)
{
	return (int)fix_conf.servers[0].choose_user;
}

static int get_auth(void)
{
	return (int)fix_conf.servers[0].auth;
}

static int get_pipeline(void)
{
	return (int)fix_conf.servers[0].pipeline;
}

static int get_isolate(void)
{
	return (int)fix_conf.servers[0].isolate;
}

static int get_udp(void)
{
	return (int)fix_conf.udp;
}

static int get_server_udp(void)
{
	return (int)fix_conf.servers[0].udp;
}

#define USER "[server a]\nurl = socks5://u@a\n"

static const struct {
	const char *text;
	int (*get)(void);
	int value;
} words[] = {
	{A "[pool p]\nservers = a\nchoose = failover\n", get_choose,
		SX_CHOOSE_FAILOVER},
	{A "[pool p]\nservers = a\nchoose = round-robin\n", get_choose,
		SX_CHOOSE_ROUND_ROBIN},
	{A "[pool p]\nservers = a\nchoose = random\n", get_choose,
		SX_CHOOSE_RANDOM},
	{A "[pool p]\nservers = a\nchoose = hash\n", get_choose,
		SX_CHOOSE_HASH},
	{A "[pool p]\nservers = a\nchoose = latched\n", get_choose,
		SX_CHOOSE_LATCHED},
	{A "choose_user = random\n", get_choose_user, SX_USER_RANDOM},
	{A "choose_user = sticky\n", get_choose_user, SX_USER_STICKY},
	{USER "auth = optional\n", get_auth, SX_AUTH_OPTIONAL},
	{USER "auth = required\n", get_auth, SX_AUTH_REQUIRED},
	{A "pipeline = auto\n", get_pipeline, SX_PIPELINE_AUTO},
	{A "pipeline = on\n", get_pipeline, SX_PIPELINE_ON},
	{A "pipeline = off\n", get_pipeline, SX_PIPELINE_OFF},
	{A "isolate = none\n", get_isolate, SX_ISOLATE_NONE},
	{A "isolate = process\n", get_isolate, SX_ISOLATE_PROCESS},
	{A "isolate = program\n", get_isolate, SX_ISOLATE_PROGRAM},
	{A "isolate = destination\n", get_isolate, SX_ISOLATE_DESTINATION},
	{A "udp = associate\n", get_server_udp, SX_SERVER_UDP_ASSOCIATE},
	{A "udp = block\n", get_server_udp, SX_SERVER_UDP_BLOCK},
	/* [defaults] are for destinations, and leave servers alone */
	{A "[defaults]\nudp = block\n", get_server_udp, SX_SERVER_UDP_UNSAID},
	{"[defaults]\nudp = associate\n", get_udp, SX_UDP_ASSOCIATE},
	{"[defaults]\nudp = block\n", get_udp, SX_UDP_BLOCK},
	{"[defaults]\nudp = direct\n", get_udp, SX_UDP_DIRECT},
	/* which would be wrong if they said associate */
	{"[server a]\nurl = http://a\nudp = block\n", get_server_udp,
		SX_SERVER_UDP_BLOCK},
	{A "via = b\nudp = block\n" B, get_server_udp, SX_SERVER_UDP_BLOCK},
};

START_TEST(each_word_has_its_meaning)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		fix_load_text_ok(words[i].text);
		ck_assert_msg(words[i].get() == words[i].value, "%s: %d",
			words[i].text, words[i].get());
	}
}
END_TEST

START_TEST(defaults_are_for_servers_that_do_not_say)
{
	fix_setenv("SOCKSIFY_PROXY", "socks5://h, socks5://u@h, http://h");
	fix_write("c",
		A B "isolate = none\npipeline = auto\n"
		    "[server c]\nurl = socks5://u@c\n"
		    "[server d]\nurl = socks5://d\nisolate = process\n"
		    "[defaults]\npipeline = on\nisolate = destination\n");
	fix_write("apps/prog.conf", "[defaults]\npipeline = off\n");
	fix_load_ok(fix_path("c"), "prog");
	const struct sx_server_conf *s = fix_conf.servers;
	ck_assert_uint_eq(fix_conf.n_servers, 7);
	ck_assert_int_eq(fix_conf.pipeline, SX_PIPELINE_OFF);
	ck_assert_int_eq(fix_conf.isolate, SX_ISOLATE_DESTINATION);
	ck_assert_int_eq(s[0].pipeline, SX_PIPELINE_OFF);
	ck_assert_int_eq(s[0].isolate, SX_ISOLATE_DESTINATION);
	ck_assert_int_eq(s[1].pipeline, SX_PIPELINE_AUTO);
	ck_assert_int_eq(s[1].isolate, SX_ISOLATE_NONE);
	/* a user of its own and isolation cannot both be */
	ck_assert_int_eq(s[2].isolate, SX_ISOLATE_NONE);
	ck_assert_int_eq(s[3].isolate, SX_ISOLATE_PROCESS);
	for (int i = 4; i < 7; i++) {
		ck_assert_int_eq(s[i].pipeline, SX_PIPELINE_OFF);
		ck_assert_int_eq(s[i].via, -1);
	}
	ck_assert_int_eq(s[4].isolate, SX_ISOLATE_DESTINATION);
	ck_assert_int_eq(s[5].isolate, SX_ISOLATE_NONE);
	ck_assert_int_eq(s[6].isolate, SX_ISOLATE_DESTINATION);

	fix_setenv("SOCKSIFY_PROXY", NULL);
	fix_load_text_ok("[defaults]\nauth = required\n"
			 "isolate = program\n");
	ck_assert_str_eq(fix_conf.servers[0].name, "socks5h://127.0.0.1:1080");
	ck_assert_int_eq(fix_conf.servers[0].auth, SX_AUTH_REQUIRED);
	ck_assert_int_eq(fix_conf.servers[0].isolate, SX_ISOLATE_PROGRAM);
}
END_TEST

#define OF_DEFAULT                                                             \
	" of [defaults]: required without credentials, expected user, "        \
	"users_file or isolate as well\n"

START_TEST(defaults_hold_for_the_environment)
{
	fix_setenv("SOCKSIFY_PROXY",
		"socks5://u:p@h, socks5://h:1, socks4://h, http://u:p@h");
	ck_assert_int_eq(
		fix_load_text("[defaults]\nauth = required\n"), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"SOCKSIFY_PROXY: socks5://h:1: auth" OF_DEFAULT
		"SOCKSIFY_PROXY: socks4://h:1080: auth of [defaults]: only "
		"SOCKS5 can require it, expected auth = optional\n"
		"SOCKSIFY_PROXY: http://h:8080: auth of [defaults]: only "
		"SOCKS5 can require it, expected auth = optional\n");
	fix_setenv("SOCKSIFY_PROXY", "socks4://h");
	ck_assert_int_eq(
		fix_load_text("[defaults]\nisolate = process\n"), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"SOCKSIFY_PROXY: socks4://h:1080: isolate of [defaults]: "
		"SOCKS4 has no password, expected isolate = none\n");
}
END_TEST

START_TEST(datagrams_pass_a_chain_that_can_carry_them)
{
	static const bool expected[] = {
		true, true, true, true, false, false, false, true, false};

	fix_load_text_ok("[server a]\nurl = socks5://a\n"
			 "[server b]\nurl = socks5://b\nvia = a\n"
			 "[server c]\nurl = socks5://c\nvia = b\n"
			 "[server d]\nurl = socks5://d\nvia = c\n"
			 "[server too-far]\nurl = socks5://e\nvia = d\n"
			 "[server http]\nurl = http://f\nvia = a\n"
			 "[server behind]\nurl = socks5://g\nvia = http\n"
			 "[server alone]\nurl = socks5://h\n"
			 "[server blocked]\nurl = socks5://i\nudp = block\n");
	for (unsigned i = 0; i < fix_conf.n_servers; i++)
		ck_assert_msg(
			sx_conf_may_carry_udp(&fix_conf, i) == expected[i],
			"server %u", i);
}
END_TEST

START_TEST(a_later_file_replaces_the_whole_server)
{
	fix_write("users", "u:p\nv:q\n");
	fix_write("c", "[server a]\nurl = socks5://unix:/run/x\n"
		       "users_file = users\nchoose_user = sticky\n"
		       "auth = required\npipeline = on\n" B
		       "via = c\nisolate = process\n" C "via = a\n");
	fix_write("apps/prog.conf", A B);
	fix_load_ok(fix_path("c"), "prog");
	const struct sx_server_conf *s = fix_conf.servers;
	ck_assert_uint_eq(s[0].n_users, 0);
	ck_assert_ptr_null(s[0].unix_path);
	ck_assert_int_eq(s[0].choose_user, SX_USER_RANDOM);
	ck_assert_int_eq(s[0].auth, SX_AUTH_OPTIONAL);
	ck_assert_int_eq(s[0].pipeline, SX_PIPELINE_AUTO);
	ck_assert_int_eq(s[1].via, -1);
	ck_assert_int_eq(s[1].isolate, SX_ISOLATE_NONE);
	ck_assert_int_eq(s[2].via, 0);
	/* the pool of all: c is not replaced and goes through a */
	ck_assert_uint_eq(fix_conf.pools[0].n_servers, 2);
	ck_assert_uint_eq(fix_conf.pools[0].servers[0], 1);
	ck_assert_uint_eq(fix_conf.pools[0].servers[1], 2);
}
END_TEST

#define LATER                                                                  \
	"[defaults]\nauth = required\n[server d]\nurl = http://d\nisolate = "  \
	"program\n"
#define DURATION "a duration from 1ms to 24h, such as 150s, 500ms or 2m\n"
#define HUNDRED  ": expected a number from 1 to 100\n"
#define THOUSAND ": expected a number from 1 to 1000\n"

static const struct {
	const char *text, *diags;
} bad[] = {
	/* values */
	{"[defaults]\nattempts = 0\nattempts_per_server = 0\n"
	 "fail_threshold = 0\nretry_after = 0\nbackoff = 0\n"
	 "when_all_down = tr\n",
		"c:2: attempts" THOUSAND "c:3: attempts_per_server" HUNDRED
		"c:4: fail_threshold" HUNDRED
		"c:5: retry_after: expected " DURATION
		"c:6: backoff: expected none or " DURATION
		"c:7: when_all_down: expected try or fail\n"},
	{"[defaults]\nattempts = 1001\nattempts_per_server = 101\n"
	 "fail_threshold = 101\nbackoff = None\nwhen_all_down =\n",
		"c:2: attempts" THOUSAND "c:3: attempts_per_server" HUNDRED
		"c:4: fail_threshold" HUNDRED
		"c:5: backoff: expected none or " DURATION
		"c:6: when_all_down: expected try or fail\n"},
	{"[defaults]\nattempts = +1\nattempts_per_server = 1x\n"
	 "fail_threshold =\npipeline = yes\nauth = none\nisolate = or\n",
		"c:2: attempts" THOUSAND "c:3: attempts_per_server" HUNDRED
		"c:4: fail_threshold" HUNDRED
		"c:5: pipeline: expected auto, on or off\n"
		"c:6: auth: expected optional or required\n"
		"c:7: isolate: expected none, process, program or "
		"destination\n"},
	{"[defaults]\nattempts = 4294967297\nattempts_per_server = 1 1\n",
		"c:2: attempts" THOUSAND "c:3: attempts_per_server" HUNDRED},
	{A "choose_user = first\nauth = Required\npipeline = auto, on\n"
	   "isolate = proces\n",
		"c:3: choose_user: expected random or sticky\n"
		"c:4: auth: expected optional or required\n"
		"c:5: pipeline: expected auto, on or off\n"
		"c:6: isolate: expected none, process, program or "
		"destination\n"},
	{A "[pool p]\nservers = a\nretry_on_refusal = true\nchoose = hash,\n",
		"c:5: retry_on_refusal: expected yes or no\n"
		"c:6: choose: expected failover, round-robin, random, hash or "
		"latched\n"},
	/* what keys must be together */
	{A "auth = required\n",
		"c:3: auth: required without credentials, expected user, "
		"users_file or isolate as well\n"},
	{"[server a]\nauth = required\nuser = u\nurl = http://a\n",
		"c:2: auth: only SOCKS5 can require it, expected auth = "
		"optional\n"},
	{"[server a]\nauth = required\nurl = socks4://u@a\n",
		"c:2: auth: only SOCKS5 can require it, expected auth = "
		"optional\n"},
	{A LATER, "c:1: auth" OF_DEFAULT
		  "c:5: auth of [defaults]: only SOCKS5 can require it, "
		  "expected auth = optional\n"},
	{"[server a]\nisolate = process\nurl = socks5://u@a\n",
		"c:2: isolate: the server has a user as well, expected one of "
		"them\n"},
	{A "isolate = program\nuser = u\n",
		"c:3: isolate: the server has a user as well, expected one of "
		"them\n"},
	{"[server a]\nisolate = process\nurl = socks4a://a\n",
		"c:2: isolate: SOCKS4 has no password, expected isolate = "
		"none\n"},
	{"[defaults]\nisolate = process\n[server a]\nurl = socks4://a\n",
		"c:3: isolate of [defaults]: SOCKS4 has no password, expected "
		"isolate = none\n"},
	{A "udp = direct\n", "c:3: udp: expected associate or block\n"},
	{"[defaults]\nudp = carry\n",
		"c:2: udp: expected associate, block or direct\n"},
	{"[server a]\nudp = associate\nurl = socks4a://a\n",
		"c:2: udp: only SOCKS5 carries datagrams, expected udp = "
		"block\n"},
	{"[server a]\nurl = http://a\nudp = associate\n",
		"c:3: udp: only SOCKS5 carries datagrams, expected udp = "
		"block\n"},
	{A "via = b\nudp = associate\n" B "udp = block\n",
		"c:4: udp: datagrams cannot pass b before it, expected udp = "
		"block, or another via\n"},
	{A "via = b\nudp = associate\n" B
	   "via = c\n[server c]\nurl = http://c\n",
		"c:4: udp: datagrams cannot pass c before it, expected udp = "
		"block, or another via\n"},
	{A "via = b\nudp = associate\n" B "via = c\n" C "via = d\n"
	   "[server d]\nurl = socks5://d\nvia = e\n"
	   "[server e]\nurl = socks5://e\n",
		"c:4: udp: datagrams pass 3 servers before this one at most, "
		"expected udp = block, or fewer of them\n"},
	{"[server a]\nurl = http://a\nuser = u:v\npassword = p\n",
		"c:3: user: a colon in it, expected none for an http url\n"},
};

START_TEST(all_that_is_wrong_is_said_with_its_line)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(fix_load_text(bad[i].text), -EINVAL);
		ck_assert_str_eq(fix_diags_text(), bad[i].diags);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_key_of_servers_and_pools_is_read,
		what_is_not_said_has_a_default,
		a6_3_every_key_of_attempts_is_read,
		each_word_has_its_meaning,
		defaults_are_for_servers_that_do_not_say,
		defaults_hold_for_the_environment,
		datagrams_pass_a_chain_that_can_carry_them,
		a_later_file_replaces_the_whole_server,
		all_that_is_wrong_is_said_with_its_line,
	};
	Suite *suite = suite_create("conf_servers");

	fix_add_tests(
		suite, "servers", tests, sizeof(tests) / sizeof(tests[0]));
	return sx_unit_main(suite);
}

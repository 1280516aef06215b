/* Configuration files: every key, every error with its line. */
#include "test_conf_fixture.h"

#include <errno.h>
#include <fcntl.h>

#define SERVER "[server a]\nurl = socks5://a\n"

START_TEST(every_key_is_read)
{
	fix_write("pass", "from file\r\nsecond line\n");
	fix_setenv("PASS", "from env");
	fix_load_text_ok("\xef\xbb\xbf# comment\r\n"
			 "[defaults] ; comment\r\n"
			 "deadline = 30\n"
			 "connect_timeout=1ms\n"
			 "handshake_timeout   =  2m ; comment\n"
			 "reply_timeout = 24h\n"
			 "log = debug\n"
			 "log_file = log/x.log # comment\n"
			 "\n"
			 "[server one]\n"
			 "url = socks5h://u@one.example:81\n"
			 "password = a ;b #c\n"
			 "[ server\ttwo ]\n"
			 "url = socks5://192.0.2.2\n"
			 "user = u@x:y\n"
			 "password_file = pass\n"
			 "[server 3.x_y-Z]\n"
			 "user = u\n"
			 "password_env = PASS\n"
			 "url = socks5://[2001:db8::3]:3\n"
			 "[server four]\n"
			 "url = socks4://h\n"
			 "user = u4\n"
			 "[pool p]\n"
			 "servers = four, one\n"
			 " 3.x_y-Z\n"
			 "choose = failover\n"
			 "[pool default]\n"
			 "  servers = two\n"
			 "[rules]\n"
			 "  direct = x");
	ck_assert_uint_eq(fix_conf.deadline_ms, 30000);
	ck_assert_uint_eq(fix_conf.connect_timeout_ms, 1);
	ck_assert_uint_eq(fix_conf.handshake_timeout_ms, 120000);
	ck_assert_uint_eq(fix_conf.reply_timeout_ms, 86400000);
	ck_assert_int_eq(fix_conf.log_level, SX_LOG_DEBUG);
	ck_assert_str_eq(fix_conf.log_file, fix_path("log/x.log"));
	ck_assert_str_eq(fix_conf.path, fix_path("c"));

	const struct sx_server_conf *s = fix_conf.servers;
	ck_assert_uint_eq(fix_conf.n_servers, 4);
	ck_assert_str_eq(s[0].name, "one");
	ck_assert_str_eq(s[0].host, "one.example");
	ck_assert_uint_eq(s[0].port, 81);
	ck_assert_str_eq(fix_user(&s[0]), "u");
	ck_assert_str_eq(fix_password(&s[0]), "a ;b #c");
	ck_assert_str_eq(s[1].name, "two");
	ck_assert_str_eq(s[1].host, "192.0.2.2");
	ck_assert_str_eq(fix_user(&s[1]), "u@x:y");
	ck_assert_str_eq(fix_password(&s[1]), "from file");
	ck_assert_str_eq(s[2].name, "3.x_y-Z");
	ck_assert_int_eq(s[2].ip.family, AF_INET6);
	ck_assert_str_eq(fix_password(&s[2]), "from env");
	ck_assert_int_eq(s[3].proto, SX_PROTO_SOCKS4);
	ck_assert_str_eq(fix_user(&s[3]), "u4");
	ck_assert_ptr_null(fix_password(&s[3]));

	const struct sx_pool_conf *p = fix_conf.pools;
	ck_assert_uint_eq(fix_conf.n_pools, 2);
	ck_assert_str_eq(p[0].name, "default");
	ck_assert_uint_eq(p[0].n_servers, 1);
	ck_assert_uint_eq(p[0].servers[0], 1);
	ck_assert_str_eq(p[1].name, "p");
	ck_assert_uint_eq(p[1].n_servers, 3);
	ck_assert_uint_eq(p[1].servers[0], 3);
	ck_assert_uint_eq(p[1].servers[1], 0);
	ck_assert_uint_eq(p[1].servers[2], 2);
	ck_assert_uint_eq(fix_conf.n_rules, 1);
}
END_TEST

START_TEST(an_empty_file_means_the_defaults)
{
	static const char *const empty[] = {"", "\n", "# x", "\xef\xbb\xbf",
		"[defaults]\n[rules]\n", "   \t\r\n"};

	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		fix_load_text_ok(empty[i]);
		ck_assert_uint_eq(fix_conf.deadline_ms, 150000);
		ck_assert_uint_eq(fix_conf.connect_timeout_ms, 10000);
		ck_assert_uint_eq(fix_conf.handshake_timeout_ms, 10000);
		ck_assert_uint_eq(fix_conf.reply_timeout_ms, 135000);
		ck_assert_int_eq(fix_conf.log_level, SX_LOG_WARN);
		ck_assert_ptr_null(fix_conf.log_file);
		ck_assert_uint_eq(fix_conf.n_rules, 0);
		ck_assert_uint_eq(fix_conf.n_pools, 1);
		ck_assert_str_eq(fix_conf.pools[0].name, "default");
		ck_assert_uint_eq(fix_conf.n_servers, 1);
		ck_assert_str_eq(
			fix_conf.servers[0].name, "socks5h://127.0.0.1:1080");
	}
	fix_load_ok("/dev/null", NULL);
}
END_TEST

START_TEST(durations_have_a_unit_and_a_range)
{
	static const struct {
		const char *text;
		unsigned ms; /* 0: refused */
	} cases[] = {
		{"1ms", 1},
		{"500ms", 500},
		{"1", 1000},
		{"007s", 7000},
		{"1440m", 86400000},
		{"86400", 86400000},
		{"24h", 86400000},
		{"0", 0},
		{"0ms", 0},
		{"86401", 0},
		{"25h", 0},
		{"86400001ms", 0},
		{"99999999999999999999", 0},
		{"1.5s", 0},
		{"-1", 0},
		{"+1", 0},
		{"1 s", 0},
		{"1d", 0},
		{"1S", 0},
		{"s", 0},
		{"", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[100];
		snprintf(text, sizeof(text), "[defaults]\ndeadline = %s\n",
			cases[i].text);
		int r = fix_load_text(text);
		ck_assert_msg(r == (cases[i].ms ? 0 : -EINVAL), "%s", text);
		if (cases[i].ms)
			ck_assert_uint_eq(fix_conf.deadline_ms, cases[i].ms);
		else
			ck_assert_str_eq(fix_diags_text(),
				"c:2: deadline: expected a duration from 1ms "
				"to 24h, such as 150s, 500ms or 2m\n");
	}
}
END_TEST

#define SECTIONS "[defaults], [server NAME], [pool NAME], [rules] or [apps]"
#define LINE     "expected KEY = VALUE or [SECTION]\n"
#define NAME                                                                   \
	" with a name of 1 to 42 letters, digits, hyphens, dots and "          \
	"underscores\n"
#define N42 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SERVER_KEYS                                                            \
	"in [server NAME], expected one of url, "                              \
	"via, user, password, password_file, password_env, users_file, "       \
	"choose_user, auth, isolate, pipeline, udp\n"
#define FILE_FORM                                                              \
	"expected a file of at most 4 KiB with the password in its first "     \
	"line\n"
#define INDENTED                                                               \
	"an indented line goes on with a list, expected KEY = VALUE without "  \
	"white space before it\n"
#define ONE_PASSWORD                                                           \
	"expected one of password, password_file, password_env, users_file\n"

static const struct {
	const char *text, *diags;
} bad[] = {
	/* lines */
	{"x\n", "c:1: " LINE},
	{"\nx = 1", "c:2: a key outside of a section, expected " SECTIONS
		    " above it\n"},
	{SERVER "user: u\n", "c:3: " LINE},
	{SERVER "= u\n", "c:3: " LINE},
	{SERVER "socks5://u:pw@h\n  more\n", "c:3: " LINE},
	{"[rules\ndirect = x\n", "c:1: " LINE},
	{"[rules] x\n", "c:1: expected nothing behind [SECTION]\n"},
	{"[]\n", "c:1: unknown section, expected " SECTIONS "\n"},
	{"[foo]\nbar = 1\n", "c:1: unknown section, expected " SECTIONS "\n"},
	{"[Defaults]\n", "c:1: unknown section, expected " SECTIONS "\n"},
	{"[server " N42 "aa]\n",
		"c:1: expected a [SECTION] of at most 49 bytes\n"},
	{SERVER "  user = u\n", "c:3: " INDENTED},
	{"[rules]\ndirect =\nx\n  y\n",
		"c:2: an empty list, expected a prefix, a name, *.NAME or *, "
		"each with or without :PORT or :LO-HI, or :PORT alone, and "
		"with or without tcp: or udp: before it\n"
		"c:3: " LINE},
	{SERVER "[pool p]\nservers = a\n[what]\nx = 1\n  y\n[rules]\n",
		"c:5: unknown section, expected " SECTIONS "\n"},
	{SERVER "user = u\n  password = x\n", "c:4: " INDENTED},
	/* sections */
	{"[defaults x]\n", "c:1: expected [defaults] without a name\n"},
	{"[server]\nurl = socks5://a\n", "c:1: expected [server NAME]" NAME},
	{"[server a b]\nurl = x\n",
		"c:1: expected [server NAME]" NAME
		"c:2: url: no scheme, expected socks5://, socks5h://, "
		"socks4://, socks4a:// or http:// before the host\n"},
	{"[pool a/b]\nservers = x\n",
		"c:1: expected [pool NAME]" NAME
		"c:2: unknown server \"x\", expected one of: (there is no "
		"[server NAME])\n"},
	{"[server direct]\nurl = socks5://a\n",
		"c:1: the name \"direct\" is reserved, expected another one in "
		"[server NAME]\n"},
	{"[server default]\nurl = socks5://a\n",
		"c:1: the name \"default\" is reserved, expected another one "
		"in [server NAME]\n"},
	{SERVER "[pool proxy]\nservers = a\n[pool block]\nservers = a\n",
		"c:3: the name \"proxy\" is reserved, expected another one in "
		"[pool NAME]\n"
		"c:5: the name \"block\" is reserved, expected another one in "
		"[pool NAME]\n"},
	{"[defaults]\n[rules]\n[defaults]\n[rules]\n",
		"c:3: the same section is in line 1, expected it once\n"
		"c:4: the same section is in line 2, expected it once\n"},
	{SERVER SERVER "[pool p]\nservers = a\n[pool p]\nservers = a\n",
		"c:3: the same section is in line 1, expected it once\n"
		"c:7: the same section is in line 5, expected it once\n"},
	{SERVER "[pool a]\nservers = a\n",
		"c:3: there is a [server a], expected another name for the "
		"pool\n"},
	/* keys */
	{SERVER "uesr = x\n", "c:3: unknown key " SERVER_KEYS},
	{SERVER "URL = x\n", "c:3: unknown key " SERVER_KEYS},
	{SERVER "deadline = 1\n", "c:3: unknown key " SERVER_KEYS},
	{SERVER N42 N42 " = 1\n  more\n", "c:3: unknown key " SERVER_KEYS},
	{"[defaults]\nx = 1\n",
		"c:2: unknown key in [defaults], expected one of "
		"deadline, connect_timeout, handshake_timeout, reply_timeout, "
		"attempts, attempts_per_server, fail_threshold, retry_after, "
		"when_all_down, backoff, pipeline, auth, isolate, udp, "
		"dns, inbound, strict, tor, log, "
		"log_file, allow_leaks\n"},
	{SERVER "[pool p]\nserver = a\n",
		"c:3: no servers in this section, expected servers = NAME, "
		"NAME\n"
		"c:4: unknown key in [pool NAME], expected one of "
		"servers, choose, retry_on_refusal\n"},
	{SERVER "url = socks5://b\n",
		"c:3: url is in line 2 as well, expected it once\n"},
	{"[defaults]\nlog = warn\nlog = warn\n",
		"c:3: log is in line 2 as well, expected it once\n"},
	/* values */
	{"[defaults]\nlog = all\nlog_file =\n",
		"c:2: log: expected none, error, warn, info or debug\n"
		"c:3: log_file: expected the path of a file\n"},
	{"[defaults]\nlog_file = ~/x\n",
		"c:2: log_file: HOME is not set, expected a path without ~/\n"},
	{"[server a]\n", "c:1: no url in this section, expected url = "
			 "socks5://HOST:PORT\n"},
	{"[server a]\nurl = socks5://h:0\nuser =\n",
		"c:2: url: expected a port from 1 to 65535 behind the host\n"
		"c:3: user: expected a name of 1 to 255 bytes\n"},
	{SERVER "user = u\npassword =\n",
		"c:4: password: expected 1 to 255 bytes\n"},
	{SERVER "password = p\n",
		"c:3: password: a password without a user, expected user = "
		"NAME\n"},
	{"[server a]\nuser = u\nurl = socks5://v:w@h\npassword = x\n",
		"c:2: user: the url has one as well, expected one of them\n"
		"c:4: password: the url has a password, expected one of "
		"them\n"},
	{"[server a]\nurl = socks4://u@h\npassword = x\n",
		"c:3: password: SOCKS4 has no password, expected a socks5 "
		"url\n"},
	{SERVER "user = u\npassword = p\npassword_env = E\npassword_file = f\n",
		"c:5: password_env: the password is also given by "
		"password, " ONE_PASSWORD
		"c:6: password_file: the password is also given by "
		"password, " ONE_PASSWORD},
	{SERVER "user = u\npassword_env = NO_SUCH\n",
		"c:4: password_env: expected the name of a variable that holds "
		"1 to 255 bytes\n"},
	{SERVER "user = u\npassword_file = missing\n",
		"c:4: password_file: No such file or directory, " FILE_FORM},
	{SERVER "user = u\npassword_file = .\n",
		"c:4: password_file: Is a directory, " FILE_FORM},
	{SERVER "user = u\npassword_file = /dev/null\n",
		"c:4: password_file: not a regular file, " FILE_FORM},
	{SERVER "[pool p]\nservers = a, b\n  a, c\nchoose = no\n",
		"c:4: unknown server \"b\", expected one of: a\n"
		"c:5: server \"a\" is named twice, expected it once\n"
		"c:5: unknown server \"c\", expected one of: a\n"
		"c:6: choose: expected failover, round-robin, random, hash or "
		"latched\n"},
	{SERVER "[pool p]\nservers = , ,\n",
		"c:4: an empty list, expected names of servers\n"},
	{SERVER "[pool p]\nservers = a/b\n",
		"c:4: servers: expected names of servers\n"},
	{SERVER "[pool p]\nservers = a\n  choose = failover\n",
		"c:5: an indented line goes on with a list, expected a key "
		"without white space before it\n"},
	/* a bit of all, in the order of the lines */
	{"[server a]\nurl = ftp://h\nx\n[pool p]\nservers = b\n[rules]\n"
	 "q = h\ndirect = 1.2.3\n[what]\n",
		"c:2: url: unknown scheme, expected socks5://, socks5h://, "
		"socks4://, socks4a:// or http://\n"
		"c:3: " LINE "c:5: unknown server \"b\", expected one of: a\n"
		"c:7: unknown server or pool \"q\", expected one of: direct, "
		"block, proxy, p, a\n"
		"c:8: direct: \"1.2.3\": ends in a number but is no IPv4 "
		"address, expected A.B.C.D, a prefix or a name\n"
		"c:9: unknown section, expected " SECTIONS "\n"},
};

START_TEST(all_that_is_wrong_is_said_with_its_line)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(fix_load_text(bad[i].text), -EINVAL);
		ck_assert_str_eq(fix_diags_text(), bad[i].diags);
	}
}
END_TEST

START_TEST(a_nul_byte_is_an_error_of_its_line)
{
	static const char text[] = SERVER "us\0er = x\r\nuser = \0\nuser = u";

	fix_write_bytes("c", text, sizeof(text) - 1);
	ck_assert_int_eq(fix_load(fix_path("c"), NULL), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"c:3: a NUL byte, " LINE "c:4: a NUL byte, " LINE);
}
END_TEST

START_TEST(lines_of_64_kib_are_read_and_longer_ones_reported)
{
	static char text[3 * 65536];
	char *p = stpcpy(text, "[rules]\ndirect = h");
	char *start = strchr(text, '\n') + 1;

	while (p < start + 65535)
		p = stpcpy(p, p < start + 65000 ? ",h" : ",");
	strcpy(p, "x\nblock = y\n");
	fix_load_text_ok(text);
	ck_assert_uint_gt(fix_conf.n_rules, 32000);
	ck_assert_str_eq(fix_conf.rules[fix_conf.n_rules - 2].domain, "x");
	ck_assert_str_eq(fix_conf.rules[fix_conf.n_rules - 1].domain, "y");
	strcpy(p, "x,\nblock = 1.2.3\n");
	ck_assert_int_eq(fix_load_text(text), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"c:2: expected a line of at most 65536 bytes\n"
		"c:3: block: \"1.2.3\": ends in a number but is no IPv4 "
		"address, expected A.B.C.D, a prefix or a name\n");
}
END_TEST

START_TEST(the_number_of_diagnostics_is_bounded)
{
	static char text[4096];

	for (size_t i = 0; i < 1100; i++)
		strcpy(text + 2 * i, "x\n");
	ck_assert_int_eq(fix_load_text(text), -EINVAL);
	ck_assert_uint_eq(fix_diags.n, SX_DIAGS_MAX);
	ck_assert_uint_eq(fix_diags.n_errors, 1100);
	ck_assert_uint_eq(fix_diags.items[999].line, 1000);
}
END_TEST

START_TEST(a_file_over_16_mib_is_refused)
{
	fix_write("c", "[rules]\n");
	ck_assert_int_eq(truncate(fix_path("c"), 16 * 1024 * 1024 + 1), 0);
	ck_assert_int_eq(fix_load(fix_path("c"), NULL), -EINVAL);
	ck_assert_str_eq(fix_diags_text(), "c: longer than 16777216 bytes\n");
}
END_TEST

START_TEST(a_pipe_can_be_the_file)
{
	int fds[2];
	char path[32];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(
		write(fds[1], SERVER, sizeof(SERVER) - 1), sizeof(SERVER) - 1);
	close(fds[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
	fix_load_ok(path, "prog");
	close(fds[0]);
	ck_assert_str_eq(fix_conf.servers[0].name, "a");
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
	fix_write("pass", "p");
	int before = dup(0);
	close(before);
	fix_load_text_ok(SERVER "user = u\npassword_file = pass\n");
	fix_load_text(SERVER "user = u\npassword_file = .\n");
	fix_load(fix_dir, "prog");
	int after = dup(0);
	close(after);
	ck_assert_int_eq(before, after);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_key_is_read,
		an_empty_file_means_the_defaults,
		durations_have_a_unit_and_a_range,
		all_that_is_wrong_is_said_with_its_line,
		a_nul_byte_is_an_error_of_its_line,
		lines_of_64_kib_are_read_and_longer_ones_reported,
		the_number_of_diagnostics_is_bounded,
		a_file_over_16_mib_is_refused,
		a_pipe_can_be_the_file,
		no_descriptor_is_left_open,
	};
	Suite *suite = suite_create("conf_file");

	fix_add_tests(suite, "file", tests, sizeof(tests) / sizeof(tests[0]));
	return sx_unit_main(suite);
}

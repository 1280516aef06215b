/* Where the configuration comes from and what is laid over what. */
#include "test_conf_fixture.h"

#include <errno.h>

#define SERVER(name) "[server " name "]\nurl = socks5://" name ".example\n"

/* "pool: server server\n" of each pool */
static const char *pools_text(void)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < fix_conf.n_pools; i++) {
		const struct sx_pool_conf *pool = &fix_conf.pools[i];
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "%s:", pool->name);
		for (unsigned j = 0; j < pool->n_servers; j++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
				fix_conf.servers[pool->servers[j]].name);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\n");
	}
	return text;
}

static void write_deadline(const char *name, const char *value)
{
	char text[64];

	snprintf(text, sizeof(text), "[defaults]\ndeadline = %s\n", value);
	fix_write(name, text);
}

START_TEST(the_file_is_looked_for_in_order)
{
	write_deadline("home/.config/socksify/socksify.conf", "1");
	write_deadline("socksify/socksify.conf", "2");
	write_deadline("env.conf", "3");
	write_deadline("path.conf", "4");
	fix_setenv("HOME", fix_path("home"));
	fix_setenv("XDG_CONFIG_HOME", "");
	fix_load_ok(NULL, NULL);
	ck_assert_uint_eq(fix_conf.deadline_ms, 1000);
	fix_setenv("XDG_CONFIG_HOME", "relative/is/ignored");
	fix_load_ok(NULL, NULL);
	ck_assert_uint_eq(fix_conf.deadline_ms, 1000);
	fix_setenv("XDG_CONFIG_HOME", fix_dir);
	fix_load_ok(NULL, NULL);
	ck_assert_uint_eq(fix_conf.deadline_ms, 2000);
	ck_assert_str_eq(fix_conf.path, fix_path("socksify/socksify.conf"));
	fix_setenv("SOCKSIFY_CONF", fix_path("env.conf"));
	fix_load_ok(NULL, NULL);
	ck_assert_uint_eq(fix_conf.deadline_ms, 3000);
	fix_load_ok(fix_path("path.conf"), NULL);
	ck_assert_uint_eq(fix_conf.deadline_ms, 4000);
	fix_setenv("SOCKSIFY_CONF", "~/../env.conf");
	fix_load_ok(NULL, NULL);
	ck_assert_uint_eq(fix_conf.deadline_ms, 3000);
}
END_TEST

START_TEST(no_file_and_no_environment_are_fine)
{
	if (access("/etc/socksify/socksify.conf", F_OK) == 0)
		return;
	memset(fix_env, 0, sizeof(fix_env));
	fix_load_ok(NULL, "prog");
	ck_assert_ptr_null(fix_conf.path);
	ck_assert_str_eq(pools_text(), "default: socks5h://127.0.0.1:1080\n");
	fix_setenv("XDG_CONFIG_HOME", fix_dir);
	fix_write("socksify/apps/prog.conf", "[defaults]\nlog = info\n");
	fix_load_ok(NULL, "prog");
	ck_assert_ptr_null(fix_conf.path);
	ck_assert_int_eq(fix_conf.log_level, SX_LOG_INFO);
}
END_TEST

START_TEST(a_relative_path_is_made_absolute)
{
	char *cwd = getcwd(NULL, 0);

	fix_write("sub/c", "[defaults]\nlog_file = ~/l\n");
	fix_setenv("HOME", "/h");
	fix_setenv("SOCKSIFY_CONF", "sub/c");
	ck_assert_int_eq(chdir(fix_dir), 0);
	fix_load_ok(NULL, NULL);
	ck_assert_str_eq(fix_conf.path, fix_path("sub/c"));
	ck_assert_str_eq(fix_conf.log_file, "/h/l");
	fix_setenv("SOCKSIFY_LOG_FILE", "env.log");
	fix_load_ok("sub/../sub/c", NULL);
	ck_assert_str_eq(fix_conf.path, fix_path("sub/../sub/c"));
	ck_assert_str_eq(fix_conf.log_file, fix_path("env.log"));
	ck_assert_int_eq(chdir(cwd), 0);
	free(cwd);
}
END_TEST

START_TEST(a_file_that_was_asked_for_must_exist)
{
	ck_assert_int_eq(fix_load("/no/such/file", NULL), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"-f: there is no /no/such/file, expected a configuration "
		"file\n");
	fix_setenv("SOCKSIFY_CONF", "/no/such/file");
	ck_assert_int_eq(fix_load(NULL, NULL), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"SOCKSIFY_CONF: there is no /no/such/file, expected a "
		"configuration file\n");
	fix_setenv("SOCKSIFY_CONF", "~/x");
	ck_assert_int_eq(fix_load(NULL, NULL), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"SOCKSIFY_CONF: expected an absolute path: HOME or the working "
		"folder is not known\n");
	ck_assert_int_eq(fix_load("socks5://u:p@h", NULL), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"-f: expected the path of a file, not a URL\n");
	ck_assert_int_eq(fix_load("socks5:u:p@h", NULL), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"-f: there is no such file, expected a configuration file\n");
	ck_assert_int_eq(fix_load(fix_dir, NULL), -EINVAL);
	ck_assert_ptr_nonnull(strstr(fix_diags_text(), " Is a directory\n"));
	ck_assert_int_eq(fix_load("/dev/zero", NULL), -EINVAL);
	ck_assert_str_eq(fix_diags_text(), "/dev/zero: not a regular file\n");
}
END_TEST

START_TEST(a_file_that_is_there_must_be_readable)
{
	fix_write("socksify/socksify.conf", "");
	chmod(fix_path("socksify"), 0);
	bool is_root = geteuid() == 0;
	if (is_root)
		ck_assert_int_eq(seteuid(65534), 0);
	int r = fix_load(NULL, NULL);
	if (is_root)
		ck_assert_int_eq(seteuid(0), 0);
	chmod(fix_path("socksify"), 0700);
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"socksify/socksify.conf: Permission denied\n");

	fix_write("c", "");
	fix_write("apps/x", "");
	ck_assert_int_eq(symlink("loop.conf", fix_path("apps/loop.conf")), 0);
	ck_assert_int_eq(fix_load(fix_path("c"), "loop"), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"apps/loop.conf: Too many levels of symbolic links\n");
}
END_TEST

START_TEST(the_apps_file_is_laid_over_the_main_file)
{
	fix_write("c",
		"[defaults]\n"
		"deadline = 1\nreply_timeout = 2\nlog_file = a\n" SERVER(
			"a") "user = u\npassword = p\n" SERVER("b") "[pool "
								    "p]"
								    "\nservers "
								    "= a, b\n"
								    "[pool "
								    "q]"
								    "\nservers "
								    "= b\n"
								    "[rules]"
								    "\nq = "
								    "main."
								    "example"
								    "\n");
	fix_write("apps/prog.conf",
		"[rules]\nc = first.example\np = second.example\n"
		"[defaults]\n"
		"reply_timeout = 3\nlog_file = b\n"
		"[server a]\nurl = socks5://other\n" SERVER(
			"c") "[pool p]\nservers = c, a\n");
	fix_load_ok(fix_path("c"), "prog");
	ck_assert_uint_eq(fix_conf.deadline_ms, 1000);
	ck_assert_uint_eq(fix_conf.reply_timeout_ms, 3000);
	ck_assert_str_eq(fix_conf.log_file, fix_path("apps/b"));
	ck_assert_uint_eq(fix_conf.n_servers, 3);
	ck_assert_str_eq(fix_conf.servers[0].host, "other");
	ck_assert_ptr_null(fix_user(&fix_conf.servers[0]));
	ck_assert_ptr_null(fix_password(&fix_conf.servers[0]));
	ck_assert_str_eq(pools_text(), "p: c a\nq: b\nc: c\n");
	ck_assert_uint_eq(fix_conf.n_rules, 3);
	ck_assert_str_eq(fix_conf.rules[0].domain, "first.example");
	ck_assert_uint_eq(fix_conf.rules[0].pool, 2);
	ck_assert_str_eq(fix_conf.rules[0].where, fix_path("apps/prog.conf:2"));
	ck_assert_str_eq(fix_conf.rules[1].domain, "second.example");
	ck_assert_str_eq(fix_conf.rules[2].domain, "main.example");
	ck_assert_uint_eq(fix_conf.rules[2].pool, 1);
	ck_assert_str_eq(fix_conf.path, fix_path("c"));

	fix_load_ok(fix_path("c"), "other");
	ck_assert_str_eq(pools_text(), "p: a b\nq: b\n");
	fix_load_ok(fix_path("c"), "../apps/prog");
	ck_assert_str_eq(pools_text(), "p: a b\nq: b\n");
	fix_load_ok(fix_path("c"), "");
	fix_load_ok(fix_path("c"), NULL);
}
END_TEST

START_TEST(the_default_pool_is_the_first_or_the_one_named_so)
{
	fix_load_text_ok(SERVER("a") SERVER("b"));
	ck_assert_str_eq(pools_text(), "default: a b\n");
	fix_load_text_ok(
		"[pool p]\nservers = b\n[pool q]\nservers = a\n" SERVER("a")
			SERVER("b"));
	ck_assert_str_eq(pools_text(), "p: b\nq: a\n");
	fix_load_text_ok(SERVER("a") "[pool p]\nservers = a\n"
				     "[pool default]\nservers = a\n"
				     "[pool q]\nservers = a\n"
				     "[rules]\ndefault = d\nproxy = x\n");
	ck_assert_str_eq(pools_text(), "default: a\np: a\nq: a\n");
	ck_assert_uint_eq(fix_conf.rules[0].pool, 0);
	ck_assert_uint_eq(fix_conf.rules[1].pool, 0);
	ck_assert_int_eq(fix_conf.rules[0].action, SX_ACTION_PROXY);
}
END_TEST

START_TEST(socksify_proxy_replaces_the_default_pool)
{
	fix_setenv("ALL_PROXY", "https://not.looked.at");
	fix_setenv("SOCKSIFY_PROXY",
		" socks5://u:p@one\tsocks5://v:q@one:1080,\nsocks4://two ");
	fix_load_text_ok("");
	ck_assert_str_eq(pools_text(), "default: socks5://one:1080 "
				       "socks5://one:1080 socks4://two:1080\n");
	ck_assert_str_eq(fix_user(&fix_conf.servers[0]), "u");
	ck_assert_str_eq(fix_password(&fix_conf.servers[1]), "q");
	fix_setenv("SOCKSIFY_PROXY", "socks5://one");
	fix_load_text_ok(SERVER("a") "[pool p]\nservers = a\n"
				     "[pool default]\nservers = a\n"
				     "[rules]\nproxy = x\np = y\na = z\n");
	ck_assert_str_eq(pools_text(), "default: socks5://one:1080\np: a\n"
				       "a: a\n");
	ck_assert_uint_eq(fix_conf.rules[0].pool, 0);
	ck_assert_uint_eq(fix_conf.rules[1].pool, 1);
	ck_assert_uint_eq(fix_conf.rules[2].pool, 2);
	fix_load_text_ok(SERVER("a"));
	ck_assert_str_eq(pools_text(), "default: socks5://one:1080\n");
}
END_TEST

START_TEST(all_proxy_serves_where_no_server_is_named)
{
	fix_setenv("ALL_PROXY", "socks5://upper");
	fix_load_text_ok("[rules]\nproxy = x\n");
	ck_assert_str_eq(pools_text(), "default: socks5://upper:1080\n");
	fix_setenv("all_proxy", "socks4a://lower");
	fix_load_text_ok("");
	ck_assert_str_eq(pools_text(), "default: socks4a://lower:1080\n");
	fix_setenv("all_proxy", "");
	fix_load_text_ok("");
	ck_assert_str_eq(pools_text(), "default: socks5://upper:1080\n");
	fix_setenv("all_proxy", "http://u:p@lower/");
	fix_load_text_ok("");
	ck_assert_str_eq(pools_text(), "default: http://lower:8080\n");
	fix_setenv("all_proxy", "https://lower");
	fix_load_text_ok(SERVER("a"));
	ck_assert_str_eq(pools_text(), "default: a\n");
	ck_assert_int_eq(fix_load_text(""), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"all_proxy: TLS to the proxy is not supported, expected "
		"socks5://, socks5h://, socks4://, socks4a:// or http://\n");
}
END_TEST

START_TEST(the_environment_sets_the_log)
{
	fix_setenv("SOCKSIFY_LOG", "none");
	fix_setenv("SOCKSIFY_LOG_FILE", "/x/y");
	fix_load_text_ok("[defaults]\nlog = debug\nlog_file = /z\n");
	ck_assert_int_eq(fix_conf.log_level, SX_LOG_NONE);
	ck_assert_str_eq(fix_conf.log_file, "/x/y");
}
END_TEST

START_TEST(errors_of_all_sources_are_told_together)
{
	fix_write("c", "[pool p]\nservers = a\nx\n");
	fix_write("apps/prog.conf", "[defaults]\ndeadline = 0\n[rules]\n"
				    "nowhere = x\n");
	fix_setenv("SOCKSIFY_PROXY", "socks5://ok, u:p@h socks5://h:0");
	fix_setenv("NO_PROXY", "ok,1.2");
	fix_setenv("SOCKSIFY_LOG", "loud");
	fix_setenv("SOCKSIFY_LOG_FILE", "~/x");
	ck_assert_int_eq(fix_load(fix_path("c"), "prog"), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"c:2: unknown server \"a\", expected one of: (there is no "
		"[server NAME])\n"
		"c:3: expected KEY = VALUE or [SECTION]\n"
		"apps/prog.conf:2: deadline: expected a duration from 1ms to "
		"24h, such as 150s, 500ms or 2m\n"
		"apps/prog.conf:4: unknown server or pool \"nowhere\", "
		"expected one of: direct, block, proxy, default, p, "
		"socks5://ok:1080\n"
		"SOCKSIFY_PROXY: URL 2: no scheme, expected socks5://, "
		"socks5h://, socks4://, socks4a:// or http:// before the host\n"
		"SOCKSIFY_PROXY: URL 3: expected a port from 1 to 65535 behind "
		"the host\n"
		"NO_PROXY: \"1.2\": ends in a number but is no IPv4 address, "
		"expected A.B.C.D, a prefix or a name\n"
		"SOCKSIFY_LOG: expected none, error, warn, info or debug\n"
		"SOCKSIFY_LOG_FILE: expected an absolute path: HOME or the "
		"working folder is not known\n");
	ck_assert_uint_eq(fix_diags.n_errors, fix_diags.n);
	fix_setenv("SOCKSIFY_PROXY", " ,");
	fix_load(NULL, NULL);
	ck_assert_ptr_nonnull(strstr(fix_diags_text(),
		"SOCKSIFY_PROXY: no URL in it, expected "
		"socks5://[USER[:PASSWORD]@]HOST[:PORT]\n"));
}
END_TEST

START_TEST(libc_has_the_environment_by_default)
{
	struct sx_conf_source source = {.path = "/dev/null"};

	setenv("SOCKSIFY_PROXY", "socks5://from.libc", 1);
	ck_assert_int_eq(sx_conf_load(&fix_conf, &source, &fix_diags), 0);
	ck_assert_str_eq(pools_text(), "default: socks5://from.libc:1080\n");
	unsetenv("SOCKSIFY_PROXY");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_file_is_looked_for_in_order,
		no_file_and_no_environment_are_fine,
		a_relative_path_is_made_absolute,
		a_file_that_was_asked_for_must_exist,
		a_file_that_is_there_must_be_readable,
		the_apps_file_is_laid_over_the_main_file,
		the_default_pool_is_the_first_or_the_one_named_so,
		socksify_proxy_replaces_the_default_pool,
		all_proxy_serves_where_no_server_is_named,
		the_environment_sets_the_log,
		errors_of_all_sources_are_told_together,
		libc_has_the_environment_by_default,
	};
	Suite *suite = suite_create("conf_load");

	fix_add_tests(suite, "load", tests, sizeof(tests) / sizeof(tests[0]));
	return sx_unit_main(suite);
}

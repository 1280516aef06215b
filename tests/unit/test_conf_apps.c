/* What the configuration says of other programs, and of its own places. */
#include "test_conf_fixture.h"

static const char *apps_text(void)
{
	static char text[256];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < fix_conf.n_direct_apps; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s;",
			fix_conf.direct_apps[i]);
	return text;
}

START_TEST(programs_that_run_directly_are_listed_by_name)
{
	fix_load_text_ok("[apps]\ndirect = g++, [  a.b # comment\n"
			 "  next\ndirect = last\n");
	ck_assert_str_eq(apps_text(), "g++;[;a.b;next;last;");
	fix_load_text_ok("");
	ck_assert_str_eq(apps_text(), "");
}
END_TEST

START_TEST(the_apps_file_adds_to_the_list)
{
	fix_write("c", "[apps]\ndirect = a\n");
	fix_write("apps/prog.conf", "[apps]\ndirect = b\n");
	fix_load_ok(fix_path("c"), "prog");
	ck_assert_str_eq(apps_text(), "a;b;");
}
END_TEST

static const struct {
	const char *text, *diags;
} bad[] = {
	{"[apps]\ndirect = a, /bin/b\n",
		"c:2: direct: expected names of programs, without a path\n"},
	{"[apps]\ndirect =\n", "c:2: an empty list, expected names of "
			       "programs, without a path\n"},
	{"[apps]\nproxy = a\n",
		"c:2: unknown key in [apps], expected one of direct\n"},
	{"[apps x]\n", "c:1: expected [apps] without a name\n"},
	{"[defaults]\nallow_leaks = 1\n",
		"c:2: allow_leaks: expected yes or no\n"},
};

START_TEST(what_is_wrong_is_said_with_its_line)
{
	ck_assert_int_ne(fix_load_text(bad[_i].text), 0);
	ck_assert_str_eq(fix_diags_text(), bad[_i].diags);
}
END_TEST

START_TEST(a_name_has_at_most_255_bytes)
{
	char text[300];

	memset(text, 'x', sizeof(text));
	memcpy(text, "[apps]\ndirect = ", 16);
	text[16 + 255] = '\0';
	fix_load_text_ok(text);
	text[16 + 255] = 'x';
	text[16 + 256] = '\0';
	ck_assert_int_ne(fix_load_text(text), 0);
}
END_TEST

static const struct {
	const char *file, *variable;
	int wanted; /* -1: an error */
} leaks[] = {
	{"", NULL, 0},
	{"[defaults]\nallow_leaks = yes\n", NULL, 1},
	{"[defaults]\nallow_leaks = no\n", NULL, 0},
	{"", "1", 1},
	{"", "yes", 1},
	{"", "0", 0},
	{"[defaults]\nallow_leaks = yes\n", "no", 0},
	{"[defaults]\nallow_leaks = yes\n", "", 1},
	{"", "true", -1},
};

START_TEST(leaks_are_allowed_by_file_or_variable)
{
	fix_setenv("SOCKSIFY_ALLOW_LEAKS", leaks[_i].variable);
	int r = fix_load_text(leaks[_i].file);
	if (leaks[_i].wanted < 0) {
		ck_assert_str_eq(fix_diags_text(),
			"SOCKSIFY_ALLOW_LEAKS: expected 1, yes, 0 or no\n");
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(fix_conf.allow_leaks, leaks[_i].wanted);
}
END_TEST

START_TEST(a_place_has_a_second_name)
{
	fix_setenv("HOME", "/theirs");
	ck_assert_str_eq(sx_conf_place(fix_getenv, "SOCKSIFY_HOME"), "/theirs");
	fix_setenv("SOCKSIFY_HOME", "/ours");
	ck_assert_str_eq(sx_conf_place(fix_getenv, "SOCKSIFY_HOME"), "/ours");
	fix_setenv("SOCKSIFY_HOME", "");
	ck_assert_ptr_null(sx_conf_place(fix_getenv, "SOCKSIFY_HOME"));
	fix_setenv("SOCKSIFY_HOME", NULL);
	fix_setenv("HOME", "");
	ck_assert_ptr_null(sx_conf_place(fix_getenv, "SOCKSIFY_HOME"));
}
END_TEST

START_TEST(files_are_where_the_second_names_say)
{
	struct sx_conf_source source = {.getenv = fix_getenv};

	fix_write("a/.config/socksify/socksify.conf",
		"[defaults]\nlog_file = ~/log\n");
	fix_write("b/socksify/socksify.conf", "[defaults]\nlog_file = ~/x\n");
	fix_setenv("HOME", "/nowhere");
	fix_setenv("XDG_CONFIG_HOME", "/nowhere");
	fix_setenv("SOCKSIFY_XDG_CONFIG_HOME", "");
	fix_setenv("SOCKSIFY_HOME", fix_path("a"));
	ck_assert(sx_conf_may_have_files(&source));
	fix_load_ok(NULL, NULL);
	ck_assert_str_eq(fix_conf.log_file, fix_path("a/log"));
	fix_setenv("SOCKSIFY_XDG_CONFIG_HOME", fix_path("b"));
	fix_load_ok(NULL, NULL);
	ck_assert_str_eq(fix_conf.log_file, fix_path("a/x"));
}
END_TEST

START_TEST(it_is_known_whether_all_proxy_has_decided)
{
	fix_load_text_ok("");
	ck_assert(!fix_conf.is_by_all_proxy);
	fix_setenv("ALL_PROXY", "socks5://192.0.2.1");
	fix_load_text_ok("");
	ck_assert(fix_conf.is_by_all_proxy);
	fix_load_text_ok("[server s]\nurl = socks5://192.0.2.2\n");
	ck_assert(!fix_conf.is_by_all_proxy);
	fix_setenv("SOCKSIFY_PROXY", "socks5://192.0.2.3");
	fix_load_text_ok("");
	ck_assert(!fix_conf.is_by_all_proxy);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		programs_that_run_directly_are_listed_by_name,
		the_apps_file_adds_to_the_list,
		a_name_has_at_most_255_bytes,
		a_place_has_a_second_name,
		files_are_where_the_second_names_say,
		it_is_known_whether_all_proxy_has_decided,
	};
	Suite *suite = suite_create("conf_apps");
	TCase *tcase = tcase_create("rows");

	fix_add_tests(suite, "apps", tests, sizeof(tests) / sizeof(tests[0]));
	tcase_add_checked_fixture(tcase, fix_setup, fix_teardown);
	tcase_add_loop_test(tcase, what_is_wrong_is_said_with_its_line, 0,
		sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(tcase, leaks_are_allowed_by_file_or_variable, 0,
		sizeof(leaks) / sizeof(leaks[0]));
	suite_add_tcase(suite, tcase);
	return sx_unit_main(suite);
}

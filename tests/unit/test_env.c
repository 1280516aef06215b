/*
 * The environment as it was at the start, and whether a file can matter.
 */
#include "conf/conf.h"
#include "hook/env.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char big[4096];

START_TEST(the_variables_outlive_the_environment)
{
	char proxy[] = "SOCKSIFY_PROXY=socks5://192.0.2.1";
	char again[] = "SOCKSIFY_PROXY=second";
	char other[] = "SOCKSIFY_PROXY2=other";
	char *mine[] = {other, proxy, again, (char *)"HOME=/home/x", NULL};

	environ = mine;
	ck_assert(sx_env_take());
	memset(proxy, 'x', sizeof(proxy) - 1);
	environ = NULL;
	ck_assert_str_eq(sx_env_get("SOCKSIFY_PROXY"), "socks5://192.0.2.1");
	ck_assert_str_eq(sx_env_get("SOCKSIFY_HOME"), "/home/x");
	ck_assert_str_eq(sx_env_get("SOCKSIFY_XDG_RUNTIME_DIR"), "");
	ck_assert_ptr_null(sx_env_get("ALL_PROXY"));
	ck_assert_ptr_null(sx_env_get("SOCKSIFY"));
}
END_TEST

START_TEST(a_value_may_be_long)
{
	static char *mine[] = {big, NULL};

	snprintf(big, sizeof(big), "NO_PROXY=%3000s", "");
	environ = mine;
	ck_assert(sx_env_take());
	ck_assert_uint_eq(strlen(sx_env_get("NO_PROXY")), 3000);
}
END_TEST

START_TEST(without_an_environment_nothing_is_taken)
{
	environ = NULL;
	ck_assert(!sx_env_take());
}
END_TEST

/* The items of children, in order, each with a ";". */
static const char *items(void)
{
	static char text[512];
	size_t n = 0;

	text[0] = '\0';
	for (const char *item = sx_env_of_children()->items; *item;
		item += strlen(item) + 1)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s;", item);
	return text;
}

#define PLACES "SOCKSIFY_HOME=;SOCKSIFY_XDG_CONFIG_HOME=/c;"

START_TEST(what_children_need_is_kept)
{
	static char *mine[] = {(char *)"A=1", (char *)"SOCKSIFY_LOG=info",
		(char *)"ALL_PROXY=x", (char *)"SOCKSIFY_NEW=y",
		(char *)"XDG_CONFIG_HOME=/c", (char *)"XDG_RUNTIME_DIR=/r",
		(char *)"SOCKSIFY_XDG_RUNTIME_DIR=/first", NULL};

	environ = mine;
	ck_assert(sx_env_take());
	ck_assert_str_eq(items(),
		"SOCKSIFY_LOG=info;ALL_PROXY=x;SOCKSIFY_NEW=y;"
		"SOCKSIFY_XDG_RUNTIME_DIR=/first;" PLACES);
	sx_env_drop("ALL_PROXY");
	sx_env_drop("no_proxy");
	ck_assert_str_eq(items(), "SOCKSIFY_LOG=info;SOCKSIFY_NEW=y;"
				  "SOCKSIFY_XDG_RUNTIME_DIR=/first;" PLACES);
	sx_env_keep("SOCKSIFY_CONF", "/a");
	sx_env_keep("SOCKSIFY_LOG", "debug");
	sx_env_keep("SOCKSIFY_CONF", "/b");
	ck_assert_str_eq(items(),
		"SOCKSIFY_NEW=y;SOCKSIFY_XDG_RUNTIME_DIR=/first;" PLACES
		"SOCKSIFY_LOG=debug;SOCKSIFY_CONF=/b;");
	ck_assert_str_eq(sx_env_get("SOCKSIFY_CONF"), "/b");
}
END_TEST

START_TEST(a_variable_that_the_file_names_is_kept)
{
	static char *mine[] = {(char *)"SECRET=s", (char *)"NO_PROXY=n",
		(char *)"XDG_CONFIG_HOME=/c", NULL};
	const char *all = "NO_PROXY=n;SOCKSIFY_HOME=;"
			  "SOCKSIFY_XDG_CONFIG_HOME=/c;"
			  "SOCKSIFY_XDG_RUNTIME_DIR=;SECRET=s;";

	environ = mine;
	ck_assert(sx_env_take());
	ck_assert_str_eq(sx_env_note("SECRET"), "s");
	ck_assert_str_eq(sx_env_note("NO_PROXY"), "n");
	ck_assert_str_eq(sx_env_note("XDG_CONFIG_HOME"), "/c");
	ck_assert_ptr_null(sx_env_note("NOT_THERE"));
	ck_assert_str_eq(items(), all);
}
END_TEST

static const struct {
	const char *value, *entry; /* NULL: the file this test is */
} preloads[] = {
	{"/a/libsocksify.so", "/a/libsocksify.so"},
	{"/x.so:/a/libsocksify.so /y.so", "/a/libsocksify.so"},
	{"/a/$LIB/libsocksify.so", "/a/$LIB/libsocksify.so"},
	{"/x.so /a/${LIB}/libsocksify.so:", "/a/${LIB}/libsocksify.so"},
	/* not ours, or of no use in another folder */
	{"", NULL},
	{"/a/libsocksify.so.1:/a/notlibsocksify.so", NULL},
	{"libsocksify.so", NULL},
	{"../libsocksify.so", NULL},
	{"/a/libsocksify.so:/b/libsocksify.so", NULL},
};

START_TEST(our_entry_of_ld_preload_is_found)
{
	static char line[100];
	static char *mine[] = {line, NULL};

	snprintf(line, sizeof(line), "LD_PRELOAD=%s", preloads[_i].value);
	environ = mine;
	ck_assert(sx_env_take());
	const char *entry = sx_env_of_children()->entry;
	ck_assert_ptr_nonnull(entry);
	if (preloads[_i].entry) {
		ck_assert_str_eq(entry, preloads[_i].entry);
	} else {
		ck_assert_int_eq(*entry, '/');
		ck_assert_ptr_nonnull(strstr(entry, "test_env"));
	}
}
END_TEST

static const char *vars[3]; /* HOME, XDG_CONFIG_HOME, SOCKSIFY_CONF */

static const char *get(const char *name)
{
	if (strcmp(name, "HOME") == 0)
		return vars[0];
	if (strcmp(name, "XDG_CONFIG_HOME") == 0)
		return vars[1];
	return strcmp(name, "SOCKSIFY_CONF") == 0 ? vars[2] : NULL;
}

static bool may_have_files(
	const char *home, const char *config, const char *conf)
{
	struct sx_conf_source source = {.getenv = get};

	vars[0] = home;
	vars[1] = config;
	vars[2] = conf;
	return sx_conf_may_have_files(&source);
}

START_TEST(a_folder_or_a_named_file_may_matter)
{
	char home[80];
	char config[96], folder[128];
	/* of this machine itself */
	bool system_wide = access("/etc/socksify", F_OK) == 0;

	snprintf(home, sizeof(home), "%s/XXXXXX", sx_unit_scratch());
	ck_assert_ptr_nonnull(mkdtemp(home));
	snprintf(config, sizeof(config), "%s/.config", home);
	snprintf(folder, sizeof(folder), "%s/socksify", config);
	bool none = may_have_files(home, NULL, NULL);
	bool named = may_have_files(home, NULL, "/etc/x");
	mkdir(config, 0700);
	bool empty = may_have_files(home, config, NULL);
	mkdir(folder, 0700);
	bool by_home = may_have_files(home, NULL, NULL);
	bool by_config = may_have_files(NULL, config, NULL);
	bool relative = may_have_files(NULL, "relative", NULL);
	rmdir(folder);
	rmdir(config);
	rmdir(home);
	ck_assert_int_eq(none, system_wide);
	ck_assert(named);
	ck_assert_int_eq(empty, system_wide);
	ck_assert(by_home);
	ck_assert(by_config);
	ck_assert_int_eq(relative, system_wide);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("env");
	TCase *t = tcase_create("env");

	tcase_add_test(t, the_variables_outlive_the_environment);
	tcase_add_test(t, a_value_may_be_long);
	tcase_add_test(t, without_an_environment_nothing_is_taken);
	tcase_add_test(t, what_children_need_is_kept);
	tcase_add_test(t, a_variable_that_the_file_names_is_kept);
	tcase_add_loop_test(t, our_entry_of_ld_preload_is_found, 0,
		sizeof(preloads) / sizeof(*preloads));
	tcase_add_test(t, a_folder_or_a_named_file_may_matter);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

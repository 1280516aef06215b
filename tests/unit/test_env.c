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
	ck_assert_str_eq(sx_env_get("HOME"), "/home/x");
	ck_assert_ptr_null(sx_env_get("ALL_PROXY"));
	ck_assert_ptr_null(sx_env_get("SOCKSIFY"));
}
END_TEST

START_TEST(what_does_not_fit_is_not_taken)
{
	static char *mine[] = {big, NULL};

	snprintf(big, sizeof(big), "NO_PROXY=%3000s", "");
	environ = mine;
	ck_assert(!sx_env_take());
}
END_TEST

START_TEST(without_an_environment_nothing_is_taken)
{
	environ = NULL;
	ck_assert(!sx_env_take());
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
	tcase_add_test(t, what_does_not_fit_is_not_taken);
	tcase_add_test(t, without_an_environment_nothing_is_taken);
	tcase_add_test(t, a_folder_or_a_named_file_may_matter);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

/*
 * What the tests of conf share: a folder of their own that is removed
 * afterwards, an environment of their own, and the diagnostics as one text.
 */
#ifndef SX_TESTS_UNIT_TEST_CONF_FIXTURE_H
#define SX_TESTS_UNIT_TEST_CONF_FIXTURE_H

#include "conf/conf.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define MAX_ENV 16

static char fix_dir[64];
static struct sx_conf fix_conf;
static struct sx_diags fix_diags;
static struct {
	const char *name, *value;
} fix_env[MAX_ENV];
static char fix_text[65536];

static inline const char *fix_getenv(const char *name)
{
	for (int i = 0; i < MAX_ENV && fix_env[i].name; i++) {
		if (strcmp(fix_env[i].name, name) == 0)
			return fix_env[i].value;
	}
	return NULL;
}

static inline void fix_setenv(const char *name, const char *value)
{
	int i = 0;

	while (fix_env[i].name && strcmp(fix_env[i].name, name))
		i++;
	ck_assert_int_lt(i, MAX_ENV - 1);
	fix_env[i].name = name;
	fix_env[i].value = value;
}

/* Also the user's folder of configuration files: DIR/socksify */
static inline void fix_setup(void)
{
	snprintf(fix_dir, sizeof(fix_dir), "%s/XXXXXX", sx_unit_scratch());
	ck_assert_ptr_nonnull(mkdtemp(fix_dir));
	memset(fix_env, 0, sizeof(fix_env));
	fix_setenv("XDG_CONFIG_HOME", fix_dir);
}

static inline int fix_remove(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void fix_unload(void)
{
	sx_conf_fini(&fix_conf);
	sx_conf_fini(&fix_conf);
	sx_diags_fini(&fix_diags);
}

static inline void fix_teardown(void)
{
	fix_unload();
	nftw(fix_dir, fix_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* DIR/name, in one of a few buffers. */
static inline char *fix_path(const char *name)
{
	static char paths[4][256];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", fix_dir, name);
	return path;
}

static inline void fix_write_bytes(
	const char *name, const void *bytes, size_t n)
{
	char *path = fix_path(name);

	for (char *p = path + strlen(fix_dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	FILE *stream = fopen(path, "w");
	ck_assert_ptr_nonnull(stream);
	setvbuf(stream, NULL, _IONBF, 0); /* no copy stays in the heap */
	ck_assert_uint_eq(fwrite(bytes, 1, n, stream), n);
	fclose(stream);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static inline void fix_write(const char *name, const char *text)
{
	fix_write_bytes(name, text, strlen(text));
}

/* Loads anew. path and program may be NULL. */
static inline int fix_load(const char *path, const char *program)
{
	struct sx_conf_source source = {
		.path = path, .program = program, .getenv = fix_getenv};

	fix_unload();
	return sx_conf_load(&fix_conf, &source, &fix_diags);
}

/* The file "c" holds text. */
static inline int fix_load_text(const char *text)
{
	fix_write("c", text);
	return fix_load(fix_path("c"), NULL);
}

/* Of the first user; NULL: there is none. */
static inline const char *fix_user(const struct sx_server_conf *server)
{
	return server->n_users ? server->users[0].user : NULL;
}

static inline const char *fix_password(const struct sx_server_conf *server)
{
	return server->n_users ? server->users[0].password : NULL;
}

/* All diagnostics, a line each, DIR/ left out; a warning starts with "W ". */
static inline const char *fix_diags_text(void)
{
	size_t n = 0, n_dir = strlen(fix_dir);

	fix_text[0] = '\0';
	for (size_t i = 0; i < fix_diags.n; i++) {
		const char *text = fix_diags.items[i].text;
		if (strncmp(text, fix_dir, n_dir) == 0)
			text += n_dir + 1;
		n += (size_t)snprintf(fix_text + n, sizeof(fix_text) - n,
			"%s%s\n",
			fix_diags.items[i].severity == SX_SEVERITY_WARNING
				? "W "
				: "",
			text);
		ck_assert_uint_lt(n, sizeof(fix_text));
	}
	return fix_text;
}

static inline void fix_load_ok(const char *path, const char *program)
{
	int r = fix_load(path, program);

	ck_assert_str_eq(fix_diags_text(), "");
	ck_assert_int_eq(r, 0);
}

static inline void fix_load_text_ok(const char *text)
{
	fix_write("c", text);
	fix_load_ok(fix_path("c"), NULL);
}

static inline void fix_add_tests(Suite *suite, const char *name,
	const TTest *const *tests, size_t n_tests)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, fix_setup, fix_teardown);
	for (size_t i = 0; i < n_tests; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
}

#endif

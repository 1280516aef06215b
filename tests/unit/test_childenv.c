/*
 * The environment of a child: what is put back, and what is taken out.
 */
#include "core/childenv.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define ENTRY "/x/libsocksify.so"
#define MAX   16

static const struct preload_row {
	const char *value, *added, *removed;
} preloads[] = {
	{"", ENTRY, ""},
	{"a.so", ENTRY ":a.so", "a.so"},
	{"a.so:b.so", ENTRY ":a.so:b.so", "a.so:b.so"},
	{"a.so b.so", ENTRY ":a.so b.so", "a.so:b.so"},
	{ENTRY, ENTRY, ""},
	{ENTRY ":a.so", ENTRY ":a.so", "a.so"},
	{"a.so:" ENTRY, "a.so:" ENTRY, "a.so"},
	{"a.so " ENTRY " b.so", "a.so " ENTRY " b.so", "a.so:b.so"},
	{" : " ENTRY "::", " : " ENTRY "::", ""},
	{ENTRY ":" ENTRY, ENTRY ":" ENTRY, ""},
	/* no part of a name is it */
	{"/y" ENTRY, ENTRY ":/y" ENTRY, "/y" ENTRY},
	{ENTRY ".1", ENTRY ":" ENTRY ".1", ENTRY ".1"},
	{"libsocksify.so", ENTRY ":libsocksify.so", "libsocksify.so"},
};

/* In memory of exactly the size that is promised. */
START_TEST(an_entry_of_ld_preload_is_added_or_removed)
{
	const struct preload_row *r = &preloads[_i];
	char *out = malloc(strlen(r->value) + strlen(ENTRY) + 2);

	sx_preload_add(out, r->value, ENTRY);
	ck_assert_str_eq(out, r->added);
	ck_assert(sx_preload_has(out, ENTRY));
	free(out);
	out = malloc(strlen(r->value) + 1);
	sx_preload_remove(out, r->value, ENTRY);
	ck_assert_str_eq(out, r->removed);
	ck_assert(!sx_preload_has(out, ENTRY));
	free(out);
}
END_TEST

#define ITEMS                                                                  \
	"SOCKSIFY_PROXY=p\0SOCKSIFY_HOME=/home/me\0"                           \
	"SOCKSIFY_XDG_RUNTIME_DIR=\0ALL_PROXY=all\0"
#define WHOLE                                                                  \
	"LD_PRELOAD=" ENTRY, "SOCKSIFY_PROXY=p", "HOME=/home/me",              \
		"ALL_PROXY=all"

static const struct env_row {
	const char *envp[MAX], *made[MAX]; /* made[0] NULL: stays as it is */
} envs[] = {
	{{WHOLE}, {NULL}},
	{{"A=1", WHOLE, "B=2"}, {NULL}},
	{{NULL}, {"SOCKSIFY_PROXY=p", "SOCKSIFY_HOME=/home/me", "ALL_PROXY=all",
			 "LD_PRELOAD=" ENTRY}},
	{{"A=1", "LD_PRELOAD=a.so", "HOME=/home/me", "B=2"},
		{"A=1", "LD_PRELOAD=" ENTRY ":a.so", "HOME=/home/me", "B=2",
			"SOCKSIFY_PROXY=p", "ALL_PROXY=all"}},
	/* what the program says stays */
	{{"LD_PRELOAD=" ENTRY, "SOCKSIFY_PROXY=", "HOME=/home/me",
		 "ALL_PROXY=other"},
		{NULL}},
	/* another home, another runtime folder than there was */
	{{WHOLE, "XDG_RUNTIME_DIR=/run"},
		{WHOLE, "XDG_RUNTIME_DIR=/run", "SOCKSIFY_XDG_RUNTIME_DIR="}},
	{{WHOLE, "XDG_RUNTIME_DIR="}, {NULL}},
	{{"LD_PRELOAD=" ENTRY, "SOCKSIFY_PROXY=p", "HOME=/", "ALL_PROXY=all"},
		{"LD_PRELOAD=" ENTRY, "SOCKSIFY_PROXY=p", "HOME=/",
			"ALL_PROXY=all", "SOCKSIFY_HOME=/home/me"}},
	{{"LD_PRELOAD=" ENTRY, "SOCKSIFY_PROXY=p", "HOME=/", "ALL_PROXY=all",
		 "SOCKSIFY_HOME=/h"},
		{NULL}},
	/* the last one is the dynamic linker's, the first one is getenv()'s */
	{{WHOLE, "LD_PRELOAD=a.so"}, {WHOLE, "LD_PRELOAD=" ENTRY ":a.so"}},
	{{"LD_PRELOAD=a.so", WHOLE}, {NULL}},
	/* no part of a name is it */
	{{"LD_PRELOAD=" ENTRY, "SOCKSIFY_PROXY2=p", "HOME=/home/me",
		 "XALL_PROXY=", "ALL_PROXY"},
		{"LD_PRELOAD=" ENTRY, "SOCKSIFY_PROXY2=p", "HOME=/home/me",
			"XALL_PROXY=", "ALL_PROXY", "SOCKSIFY_PROXY=p",
			"ALL_PROXY=all"}},
};

static void same(char **made, const char *const *wanted)
{
	size_t i = 0;

	for (; wanted[i]; i++) {
		ck_assert_ptr_nonnull(made[i]);
		ck_assert_str_eq(made[i], wanted[i]);
	}
	ck_assert_ptr_null(made[i]);
}

static char *const *as_envp(const char *const *list)
{
	return (char *const *)(uintptr_t)list;
}

START_TEST(what_is_missing_is_put_back)
{
	const struct sx_childenv env = {ENTRY, ITEMS};
	const struct env_row *r = &envs[_i];
	size_t size = sx_childenv_room(&env, as_envp(r->envp));

	ck_assert_int_eq(size == 0, r->made[0] == NULL);
	if (!size)
		return;
	void *room = malloc(size);
	char **made = sx_childenv_make(&env, as_envp(r->envp), room);
	same(made, r->made);
	/* and is there then */
	ck_assert_uint_eq(sx_childenv_room(&env, made), 0);
	free(room);
}
END_TEST

START_TEST(no_environment_is_an_empty_one)
{
	const struct sx_childenv env = {ENTRY, "SOCKSIFY_PROXY=p\0"};
	static const char *const wanted[] = {
		"SOCKSIFY_PROXY=p", "LD_PRELOAD=" ENTRY, NULL};
	void *room = malloc(sx_childenv_room(&env, NULL));

	same(sx_childenv_make(&env, NULL, room), wanted);
	free(room);
	ck_assert_ptr_null(sx_childenv_get(NULL, "A"));
}
END_TEST

START_TEST(without_an_entry_ld_preload_stays)
{
	const struct sx_childenv env = {NULL, "\0"};
	static const char *const envp[] = {"LD_PRELOAD=a.so", NULL};

	ck_assert_uint_eq(sx_childenv_room(&env, as_envp(envp)), 0);
	ck_assert_uint_eq(sx_childenv_room(&env, NULL), 0);
}
END_TEST

static const struct env_row bares[] = {
	{{NULL}, {NULL}},
	{{"A=1", WHOLE, "SOCKSIFY_X=1", "B=2"},
		{"A=1", "HOME=/home/me", "ALL_PROXY=all", "B=2"}},
	{{"LD_PRELOAD=a.so " ENTRY, "A=1", "LD_PRELOAD=b.so"},
		{"LD_PRELOAD=a.so", "A=1", "LD_PRELOAD=b.so"}},
};

START_TEST(all_that_is_ours_is_taken_out)
{
	const struct env_row *r = &bares[_i];
	void *room = malloc(sx_childenv_bare_room(as_envp(r->envp)));

	same(sx_childenv_bare(ENTRY, as_envp(r->envp), room), r->made);
	free(room);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("childenv");
	TCase *t = tcase_create("childenv");

	tcase_add_loop_test(t, an_entry_of_ld_preload_is_added_or_removed, 0,
		sizeof(preloads) / sizeof(*preloads));
	tcase_add_loop_test(t, what_is_missing_is_put_back, 0,
		sizeof(envs) / sizeof(*envs));
	tcase_add_test(t, no_environment_is_an_empty_one);
	tcase_add_test(t, without_an_entry_ld_preload_stays);
	tcase_add_loop_test(t, all_that_is_ours_is_taken_out, 0,
		sizeof(bares) / sizeof(*bares));
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

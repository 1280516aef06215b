/* The file with the users of a server. */
#include "test_conf_fixture.h"

#include <errno.h>

#define U51  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define U255 U51 U51 U51 U51 U51
#define FORM                                                                   \
	"expected a file of at most 1 MiB with a USER:PASSWORD in each line, " \
	"1 to 255 bytes each\n"
#define WITH_FILE "[server a]\nurl = socks5://h\nusers_file = sub/users\n"

/* "user password\n" of each */
static const char *users_text(void)
{
	static char text[2048];
	const struct sx_server_conf *s = &fix_conf.servers[0];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < s->n_users; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %s\n",
			s->users[i].user, s->users[i].password);
	return text;
}

static const struct {
	const char *bytes;
	size_t n;
	const char *users; /* NULL: refused */
	const char *why;
} files[] = {
#define BYTES(s) s, sizeof(s) - 1
	{BYTES("u:p"), "u p\n", NULL},
	{BYTES("u:p\n"), "u p\n", NULL},
	{BYTES("# c\n\nu:p\r\n\r\n#x:y\nv:q\n\n"), "u p\nv q\n", NULL},
	{BYTES("u:p:#;x\nu:q\n"), "u p:#;x\nu q\n", NULL},
	{BYTES(" u : p \n"), " u   p \n", NULL},
	{BYTES("\xc3\xa4@b:%41\n"), "\xc3\xa4@b %41\n", NULL},
	{BYTES(U255 ":" U255 "\n"), U255 " " U255 "\n", NULL},
	{BYTES(""), NULL, "no user in it"},
	{BYTES("\n# u:p\n\r\n"), NULL, "no user in it"},
	{BYTES("u\n"), NULL, "not so in line 1"},
	{BYTES("u:p\n:p\nu:\nu:p\n #\n"), NULL, "not so in line 2, 3, 5"},
	{BYTES("u:p\r\nu:\r\n"), NULL, "not so in line 2"},
	{BYTES("u:p\0q\nu\0:p\n"), NULL, "not so in line 1, 2"},
	{BYTES(U255 "a:p\nu:" U255 "a\n"), NULL, "not so in line 1, 2"},
	{BYTES("\n\n\n\n\n\n\n\n\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\n"
	       "x\nx\nx\nx\nx\nx\nx\n"),
		NULL,
		"not so in line 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, "
		"21, 22, 23, 24, 25, 26, 27, 28, 29, ..."},
#undef BYTES
};

START_TEST(v_5_each_line_is_a_user_with_a_password)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char want[512];
		fix_write_bytes("sub/users", files[i].bytes, files[i].n);
		if (files[i].users) {
			fix_load_text_ok(WITH_FILE);
			ck_assert_str_eq(users_text(), files[i].users);
			continue;
		}
		ck_assert_int_eq(fix_load_text(WITH_FILE), -EINVAL);
		snprintf(want, sizeof(want), "c:3: users_file: %s, " FORM,
			files[i].why);
		ck_assert_str_eq(fix_diags_text(), want);
	}
}
END_TEST

START_TEST(a_file_of_1_mib_is_read_and_a_longer_one_refused)
{
	static char bytes[1024 * 1024 + 1];

	for (size_t i = 0; i + 4 <= sizeof(bytes); i += 4)
		memcpy(bytes + i, "u:p\n", 4);
	bytes[sizeof(bytes) - 1] = '\n';
	fix_write_bytes("sub/users", bytes, sizeof(bytes) - 1);
	fix_load_text_ok(WITH_FILE);
	ck_assert_uint_eq(fix_conf.servers[0].n_users, 262144);
	ck_assert_str_eq(fix_conf.servers[0].users[262143].password, "p");
	fix_write_bytes("sub/users", bytes, sizeof(bytes));
	ck_assert_int_eq(fix_load_text(WITH_FILE), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"c:3: users_file: longer than 1048576 bytes, " FORM);
}
END_TEST

START_TEST(a_file_that_others_can_read_is_warned_of)
{
	char want[512];

	fix_write("sub/users", "u:p\n");
	chmod(fix_path("sub/users"), 0604);
	ck_assert_int_eq(fix_load_text(WITH_FILE), 0);
	snprintf(want, sizeof(want),
		"W c:3: users_file: others can read %s/sub/users, expected "
		"mode 0600\n",
		fix_dir);
	ck_assert_str_eq(fix_diags_text(), want);
	ck_assert_str_eq(users_text(), "u p\n");
}
END_TEST

#define TWICE                                                                  \
	"expected one of password, password_file, password_env, users_file\n"
#define AS_WELL "there is a user as well, expected one of them\n"

static const struct {
	const char *text, *diags;
} bad[] = {
	{"[server a]\nurl = socks5://h\nusers_file = none\n",
		"c:3: users_file: No such file or directory, " FORM},
	{"[server a]\nurl = socks5://h\nusers_file = .\n",
		"c:3: users_file: Is a directory, " FORM},
	{"[server a]\nurl = socks5://h\nusers_file =\n",
		"c:3: users_file: " FORM},
	{"[server a]\nurl = socks5://h\nusers_file = ~/x\n",
		"c:3: users_file: HOME is not set, expected a path without "
		"~/\n"},
	{"[server a]\nurl = socks4://h\nusers_file = sub/users\n",
		"c:3: users_file: SOCKS4 has no password, expected a socks5 "
		"url\n"},
	{"[server a]\nurl = socks5://u@h\nusers_file = sub/users\n",
		"c:3: users_file: " AS_WELL},
	{"[server a]\nusers_file = sub/users\nurl = socks5://u:p@h\n",
		"c:2: users_file: " AS_WELL},
	{"[server a]\nurl = socks5://h\nusers_file = sub/users\nuser = u\n",
		"c:3: users_file: " AS_WELL},
	{"[server a]\nurl = socks5://h\nusers_file = sub/users\n"
	 "password = p\n",
		"c:4: password: the password is also given by "
		"users_file, " TWICE},
	{"[server a]\nurl = socks5://h\nuser = u\npassword = p\n"
	 "users_file = sub/users\n",
		"c:5: users_file: the password is also given by "
		"password, " TWICE},
	{"[server a]\nurl = socks5://h\nusers_file = sub/users\n"
	 "isolate = process\n",
		"c:4: isolate: the server has a user as well, expected one of "
		"them\n"},
	/* no other error follows from a file that is not there */
	{"[server a]\nurl = socks5://h\nusers_file = none\n"
	 "auth = required\n",
		"c:3: users_file: No such file or directory, " FORM},
};

START_TEST(what_a_users_file_cannot_stand_beside_is_said)
{
	fix_write("sub/users", "u:p\n");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(fix_load_text(bad[i].text), -EINVAL);
		ck_assert_str_eq(fix_diags_text(), bad[i].diags);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		v_5_each_line_is_a_user_with_a_password,
		a_file_of_1_mib_is_read_and_a_longer_one_refused,
		a_file_that_others_can_read_is_warned_of,
		what_a_users_file_cannot_stand_beside_is_said,
	};
	Suite *suite = suite_create("conf_users");

	fix_add_tests(suite, "users", tests, sizeof(tests) / sizeof(tests[0]));
	return sx_unit_main(suite);
}

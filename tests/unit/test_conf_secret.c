/* Passwords: where they come from, and that nothing tells them. */
#include "test_conf_fixture.h"

#include <errno.h>
#include <sys/mman.h>

#define FILE_FORM                                                              \
	"expected a file of at most 4 KiB with the password in its first "     \
	"line\n"
#define EXPOSED                                                                \
	"a password in a file that others can read, expected mode 0600 or "    \
	"password_file\n"

#define WITH_FILE "[server a]\nurl = socks5://u@h\npassword_file = sub/pass\n"

static const struct {
	const char *bytes;
	size_t n;
	const char *password; /* NULL: refused */
	const char *why;
} files[] = {
#define BYTES(s) s, sizeof(s) - 1
	{BYTES("secret"), "secret", NULL},
	{BYTES("secret\n"), "secret", NULL},
	{BYTES("secret\r\nmore\n"), "secret", NULL},
	{BYTES("  se cret \n"), "  se cret ", NULL},
	{BYTES(""), NULL, "the first line is empty, "},
	{BYTES("\n"), NULL, "the first line is empty, "},
	{BYTES("\r\nsecret\n"), NULL, "the first line is empty, "},
	{BYTES("sec\0ret\n"), NULL, "a NUL byte in it, "},
#undef BYTES
};

START_TEST(ats_38_the_first_line_of_the_file_is_the_password)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char want[256];
		fix_write_bytes("sub/pass", files[i].bytes, files[i].n);
		int r = fix_load_text(WITH_FILE);
		if (files[i].password) {
			ck_assert_int_eq(r, 0);
			ck_assert_str_eq(fix_password(&fix_conf.servers[0]),
				files[i].password);
			continue;
		}
		ck_assert_int_eq(r, -EINVAL);
		snprintf(want, sizeof(want), "c:3: password_file: %s" FILE_FORM,
			files[i].why);
		ck_assert_str_eq(fix_diags_text(), want);
	}
}
END_TEST

START_TEST(the_length_of_a_password_is_bounded)
{
	static char bytes[4097];

	memset(bytes, 'x', sizeof(bytes));
	bytes[255] = '\n';
	fix_write_bytes("sub/pass", bytes, 4096);
	fix_load_text_ok(WITH_FILE);
	ck_assert_uint_eq(strlen(fix_password(&fix_conf.servers[0])), 255);
	fix_write_bytes("sub/pass", bytes, 4097);
	ck_assert_int_eq(fix_load_text(WITH_FILE), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"c:3: password_file: longer than 4096 bytes, " FILE_FORM);
	bytes[255] = 'x';
	fix_write_bytes("sub/pass", bytes, 256);
	ck_assert_int_eq(fix_load_text(WITH_FILE), -EINVAL);
	ck_assert_str_eq(fix_diags_text(),
		"c:3: password_file: longer than 255 bytes, " FILE_FORM);
}
END_TEST

START_TEST(a_password_that_others_can_read_is_warned_of)
{
	char want[512];

	fix_write("sub/pass", "secret");
	chmod(fix_path("sub/pass"), 0640);
	ck_assert_int_eq(fix_load_text(WITH_FILE), 0);
	snprintf(want, sizeof(want),
		"W c:3: password_file: others can read %s/sub/pass, expected "
		"mode 0600\n",
		fix_dir);
	ck_assert_str_eq(fix_diags_text(), want);
	ck_assert_str_eq(fix_password(&fix_conf.servers[0]), "secret");
	ck_assert_int_eq(sx_diags_failed(&fix_diags), 0);

	fix_write("c", "[server a]\nurl = socks5://h\nuser = u\n"
		       "password = secret\n");
	fix_write("apps/p.conf", "[server a]\nurl = socks5://u:secret@h\n");
	chmod(fix_path("c"), 0604);
	chmod(fix_path("apps/p.conf"), 0644);
	ck_assert_int_eq(fix_load(fix_path("c"), "p"), 0);
	ck_assert_str_eq(fix_diags_text(),
		"W c:4: " EXPOSED "W apps/p.conf:2: " EXPOSED);
	/* a user name is no secret, and the owner may read what he likes */
	chmod(fix_path("c"), 0700);
	fix_write("apps/p.conf", "[server a]\nurl = socks5://u@h\n");
	chmod(fix_path("apps/p.conf"), 0644);
	fix_load_ok(fix_path("c"), "p");
}
END_TEST

START_TEST(files_of_the_home_folder_can_be_named)
{
	fix_write("sub/pass", "secret");
	fix_setenv("HOME", fix_dir);
	fix_load_text_ok("[server a]\nurl = socks5://u@h\n"
			 "password_file = ~/sub/pass\n");
	ck_assert_str_eq(fix_password(&fix_conf.servers[0]), "secret");
}
END_TEST

/*
 * A configuration with one password in all places is broken in every way a
 * slip of the hand can, and in many that take two or three. Nothing that is
 * said then holds the password.
 */

static const char template[] = "[defaults]\n"
			       "deadline = 9\n"
			       "isolate = process\n"
			       "attempts = 4\n"
			       "[server a]\n"
			       "url = socks5://alice:%s@proxy.example:1080/\n"
			       "[server b]\n"
			       "user = bob\n"
			       "password = %s\n"
			       "url = socks5h://[2001:db8::1]:1080\n"
			       "[server c]\n"
			       "url = socks5://carol@h\n"
			       "password_file = %s\n"
			       "[server d]\n"
			       "url = socks5://dave@h\n"
			       "password_env = PASS\n"
			       "[server f]\n"
			       "users_file = %s\n"
			       "url = http://h\n"
			       "choose_user = sticky\n"
			       "[server g]\n"
			       "auth = required\n"
			       "via = h\n"
			       "url = socks5://grace:%s@h\n"
			       "[server h]\n"
			       "url = socks5://heidi:%s@unix:/run/x\n"
			       "[pool p]\n"
			       "servers = a, b\n"
			       "choose = hash\n"
			       "[rules]\n"
			       "p = *.onion\n"
			       "direct = example.org, 10.0.0.0/8\n"
			       "[server e]\n"
			       "password = %s\n"
			       "user = eve\n"
			       "url = socks5://h\n";

static const char alphabet[] = " \t\n:@/%[]=#;,.a1";

static void assert_silent(const char *password, const char *input)
{
	/* each ck_assert() costs a write() */
	for (size_t i = 0; i < fix_diags.n; i++) {
		if (strstr(fix_diags.items[i].text, password))
			ck_abort_msg(
				"%s\nfrom\n%s", fix_diags.items[i].text, input);
	}
}

/* kind: 0 replaces, 1 inserts, 2 deletes. at < strlen(text) */
static void mutate(char *text, size_t at, int kind, char byte)
{
	size_t rest = strlen(text + at) + 1;

	if (kind == 0)
		text[at] = byte;
	if (kind == 1) {
		memmove(text + at + 1, text + at, rest);
		text[at] = byte;
	}
	if (kind == 2)
		memmove(text + at, text + at + 1, rest - 1);
}

/* In memory: there are tens of thousands. */
static void load_file(const char *text, const char *password)
{
	static int fd = -1;
	char path[32];

	if (fd < 0)
		fd = memfd_create("conf", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, text, strlen(text), 0) < 0)
		ck_abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fix_load(path, NULL);
	assert_silent(password, text);
}

/* Each variable takes the text in turn. */
static void load_variables(const char *text, const char *password)
{
	static const char *const names[] = {"SOCKSIFY_PROXY", "ALL_PROXY",
		"NO_PROXY", "SOCKSIFY_LOG", "SOCKSIFY_CONF"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* what does not look like a URL at all is told as a path */
		if (i == 4 && !strstr(text, "://") && !strchr(text, '@'))
			continue;
		fix_setenv(names[i], text);
		fix_load(NULL, NULL);
		fix_setenv(names[i], NULL);
		assert_silent(password, text);
	}
}

/* The two passwords share the work; which: 0 or 1. */
static void mutate_once(const char *text, const char *password, size_t which,
	void (*load)(const char *text, const char *password))
{
	char copy[2048];

	for (size_t at = 0; text[at]; at++) {
		for (const char *byte = alphabet; *byte; byte++) {
			int kind = (at + which) % 2 != 0;
			strcpy(copy, text);
			mutate(copy, at, kind, *byte);
			load(copy, password);
		}
		strcpy(copy, text);
		mutate(copy, at, 2, 0);
		load(copy, password);
	}
}

static unsigned random_below(unsigned n)
{
	static unsigned state = 2463534242;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % n;
}

static void mutate_at_random(const char *text, const char *password,
	void (*load)(const char *text, const char *password))
{
	char copy[2048];

	for (int i = 0; i < 3000; i++) {
		strcpy(copy, text);
		for (unsigned n = 2 + random_below(3); n; n--)
			mutate(copy, random_below((unsigned)strlen(copy)),
				(int)random_below(3),
				alphabet[random_below(sizeof(alphabet) - 1)]);
		load(copy, password);
	}
}

static const char *const passwords[] = {"hunter", "Tr0ub4dor&3"};

static void write_users(const char *password)
{
	char text[128];

	snprintf(text, sizeof(text), "ann:%s\n# %s\nben:%s\n", password,
		password, password);
	fix_write("users", text);
}

START_TEST(bug_15_a_broken_file_does_not_tell_the_password)
{
	char text[2048];

	for (size_t i = 0; i < 2; i++) {
		write_users(passwords[i]);
		fix_write("pass", passwords[i]);
		fix_setenv("PASS", passwords[i]);
		snprintf(text, sizeof(text), template, passwords[i],
			passwords[i], fix_path("pass"), fix_path("users"),
			passwords[i], passwords[i], passwords[i]);
		fix_load_text_ok(text);
		mutate_once(text, passwords[i], i, load_file);
		mutate_at_random(text, passwords[i], load_file);
	}
}
END_TEST

START_TEST(bug_15_a_broken_variable_does_not_tell_the_password)
{
	char text[256];

	for (size_t i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			"socks5://alice:%s@proxy.example:1080 "
			"socks5h://bob:%s@[2001:db8::1] "
			"http://carol:%s@h "
			"socks5://dave:%s@unix:/run/x",
			passwords[i], passwords[i], passwords[i], passwords[i]);
		fix_setenv("SOCKSIFY_PROXY", text);
		fix_write("socksify/socksify.conf", "");
		fix_load_ok(NULL, NULL);
		mutate_once(text, passwords[i], i, load_variables);
		mutate_at_random(text, passwords[i], load_variables);
	}
}
END_TEST

START_TEST(a_password_in_the_wrong_place_is_not_told)
{
	static const char *const texts[] = {
		"[defaults]\nlog = Tr0ub4dor&3\ndeadline = Tr0ub4dor&3\n",
		"Tr0ub4dor&3\nTr0ub4dor&3 = x\n[Tr0ub4dor&3]\nTr0ub4dor&3\n",
		"[rules]\ndirect = socks5://u:Tr0ub4dor&3@h\n"
		"password = Tr0ub4dor&3\nurl = Tr0ub4dor&3:1\n"
		"Tr0ub4dor&3 = x\n",
		"[server Tr0ub4dor&3]\nTr0ub4dor&3 = 1\n",
		"[pool Tr0ub4dor&3]\nservers = Tr0ub4dor&3\n"
		"choose = Tr0ub4dor&3\n",
		"[server a]\nurl = socks5://Tr0ub4dor&3\n"
		"password_file = Tr0ub4dor&3\n",
		"[server a]\nurl = socks5://h:1@u:Tr0ub4dor&3\n"
		"password_env = Tr0ub4dor&3\n  Tr0ub4dor&3\n",
		"[server a]\nurl = http://unix:/Tr0ub4dor&3@h\n"
		"users_file = Tr0ub4dor&3\nvia = Tr0ub4dor&3\n"
		"choose_user = Tr0ub4dor&3\nauth = Tr0ub4dor&3\n"
		"pipeline = Tr0ub4dor&3\nisolate = Tr0ub4dor&3\n",
		"[server a]\nurl = socks5://unix:/u:Tr0ub4dor&3@h\n",
		"[defaults]\nattempts = Tr0ub4dor&3\nbackoff = Tr0ub4dor&3\n"
		"when_all_down = Tr0ub4dor&3\nauth = Tr0ub4dor&3\n"
		"[pool p]\nretry_on_refusal = Tr0ub4dor&3\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_int_eq(fix_load_text(texts[i]), -EINVAL);
		assert_silent("Tr0ub4dor&3", texts[i]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ats_38_the_first_line_of_the_file_is_the_password,
		the_length_of_a_password_is_bounded,
		a_password_that_others_can_read_is_warned_of,
		files_of_the_home_folder_can_be_named,
		bug_15_a_broken_file_does_not_tell_the_password,
		bug_15_a_broken_variable_does_not_tell_the_password,
		a_password_in_the_wrong_place_is_not_told,
	};
	Suite *suite = suite_create("conf_secret");

	fix_add_tests(suite, "secret", tests, sizeof(tests) / sizeof(tests[0]));
	return sx_unit_main(suite);
}

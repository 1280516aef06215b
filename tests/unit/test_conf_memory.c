/*
 * The loader and memory: each allocation fails in turn, and what is freed
 * holds no password.
 *
 * malloc() and its relatives are defined here, which takes them from libc for
 * the whole program, libc's own calls included. Under the address sanitizer
 * they hand on to its allocator; it has a strdup() of its own that does not
 * come by here, so it is left to find leaks itself.
 */
#include "test_conf_fixture.h"

#include <errno.h>
#include <malloc.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

#ifdef UNDER_ASAN
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif

void *REAL(malloc)(size_t n);
void *REAL(calloc)(size_t n, size_t size);
void *REAL(realloc)(void *p, size_t n);
void REAL(free)(void *p);

static bool is_counting;
static long n_calls, n_live;
static long fail_at;  /* 0: never */
static bool fails_on; /* all after it fail as well */

static bool must_fail(void)
{
	if (!is_counting)
		return false;
	n_calls++;
	return fail_at &&
	       (n_calls == fail_at || (fails_on && n_calls > fail_at));
}

static void *count(void *p)
{
	if (p && is_counting)
		n_live++;
	return p;
}

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *malloc(size_t n)
{
	return must_fail() ? no_memory() : count(REAL(malloc)(n));
}

void *calloc(size_t n, size_t size)
{
	return must_fail() ? no_memory() : count(REAL(calloc)(n, size));
}

void *realloc(void *p, size_t n)
{
	if (must_fail())
		return no_memory();
	return p ? REAL(realloc)(p, n) : count(REAL(realloc)(p, n));
}

static const char *secret; /* what no freed block may hold */
static bool was_seen;

static void look_into(void *p)
{
	if (secret && memmem(p, malloc_usable_size(p), secret, strlen(secret)))
		was_seen = true;
}

void free(void *p)
{
	if (p && is_counting) {
		n_live--;
		look_into(p);
	}
	REAL(free)(p);
}

static const char text[] =
	"[defaults]\nlog_file = x\npipeline = on\nattempts = 3\n"
	"[server a]\nurl = socks5://u:p@a.example\n"
	"[server b]\nurl = socks5://b\nuser = u\npassword = p\n"
	"[server c]\nurl = socks5://c\nuser = u\npassword_file = pass\n"
	"[server d]\nurl = socks5://d\nuser = u\npassword_env = PASS\n"
	"[server e]\nurl = socks5://unix:/run/e\nusers_file = users\n"
	"[server f]\nurl = http://f\nvia = g\nisolate = process\n"
	"[server g]\nurl = socks5://g\nvia = e\n"
	"[pool p]\nservers = a, b, c\nchoose = hash\n"
	"[pool default]\nservers = a, b, c\n"
	"[rules]\np = a.example, 10.0.0.0/8\n  b.example\nd = c.example\n";

static const char app_text[] = "[server b]\nurl = socks5://other\n"
			       "users_file = ../users\n"
			       "[server f]\nurl = socks5://f\nvia = b\n"
			       "[pool p]\nservers = b\n"
			       "[rules]\nblock = :25\n";

static const char bad_text[] = "x\n[server a]\nurl = x\npassword_file = y\n"
			       "[server b]\n"
			       "[server d]\nurl = socks5://d\nvia = e\n"
			       "users_file = wrong\nuser = u\n"
			       "[server e]\nurl = socks5://unix:/e\n"
			       "via = d\nuser = u\nusers_file = users\n"
			       "[server f]\nurl = socks4://u@f\n"
			       "users_file = users\nvia = none\n"
			       "auth = required\n"
			       "[pool p]\nservers = c, c\n"
			       "[rules]\nwhat = 1.2\ndirect = 1.2\n";

static void check_server(const struct sx_server_conf *server)
{
	ck_assert_ptr_nonnull(server->host);
	ck_assert_ptr_nonnull(server->name);
	if (server->host[0] == '/')
		ck_assert_ptr_nonnull(server->unix_path);
	for (unsigned i = 0; i < server->n_users; i++) {
		ck_assert_ptr_nonnull(server->users[i].user);
		ck_assert_ptr_nonnull(server->users[i].password);
	}
	ck_assert_int_lt(server->via, (int)fix_conf.n_servers);
}

/* Loads, and says whether the failure came about; the number of calls is
 * counted by the loader alone. */
static bool load_failing(long at, bool on, const char *path, int want)
{
	struct sx_conf_source source = {
		.path = path, .program = "prog", .getenv = fix_getenv};

	n_calls = n_live = 0;
	fail_at = at;
	fails_on = on;
	is_counting = true;
	int r = sx_conf_load(&fix_conf, &source, &fix_diags);
	is_counting = false;
	bool reached = fail_at && n_calls >= fail_at;
	ck_assert_int_eq(r, sx_diags_failed(&fix_diags) ? -EINVAL : 0);
	for (size_t i = 0; i < fix_diags.n; i++)
		ck_assert_ptr_nonnull(fix_diags.items[i].text);
	if (r == 0) {
		ck_assert_uint_ge(fix_conf.n_pools, 1);
		for (unsigned i = 0; i < fix_conf.n_servers; i++)
			check_server(&fix_conf.servers[i]);
		for (unsigned i = 0; i < fix_conf.n_rules; i++)
			ck_assert_ptr_nonnull(fix_conf.rules[i].where);
	}
	if (!reached)
		ck_assert_int_eq(r, want);
	is_counting = true;
	fail_at = 0;
	sx_conf_fini(&fix_conf);
	sx_diags_fini(&fix_diags);
	is_counting = false;
#ifndef UNDER_ASAN
	ck_assert_msg(n_live == 0, "call %ld: %ld blocks are left", at, n_live);
#endif
	return reached;
}

static void fail_everywhere(const char *path, int want)
{
	for (int on = 0; on < 2; on++) {
		long at = 1;
		while (load_failing(at, on, path, want))
			at++;
		ck_assert_int_gt(at, 10);
	}
}

START_TEST(a_good_configuration_is_loaded_or_refused)
{
	fix_write("c", text);
	fix_write("pass", "p");
	fix_write("users", "u:p\nv:q\nw:r\n");
	fix_write("apps/prog.conf", app_text);
	fix_setenv("PASS", "p");
	fix_setenv("NO_PROXY", "x, 10.0.0.0/8");
	fix_setenv("SOCKSIFY_LOG_FILE", "y");
	fail_everywhere(fix_path("c"), 0);
	fix_setenv("SOCKSIFY_PROXY",
		"socks5://a:b@c, socks4://[::1], http://d:e@unix");
	fail_everywhere(fix_path("c"), 0);
}
END_TEST

START_TEST(no_configuration_is_loaded_or_refused)
{
	fix_setenv("HOME", fix_dir);
	fail_everywhere(NULL, 0);
}
END_TEST

START_TEST(a_bad_configuration_is_refused)
{
	fix_write("c", bad_text);
	fix_write("users", "u:p\nv:q\n");
	fix_write("wrong", "u:p\nv\nw:r\n");
	fix_setenv("SOCKSIFY_PROXY", "x, socks5://a:b@c");
	fix_setenv("NO_PROXY", "1.2");
	fix_setenv("SOCKSIFY_LOG", "x");
	fail_everywhere(fix_path("c"), -EINVAL);
}
END_TEST

static const char secret_text[] = "[defaults]\nisolate = process\n"
				  "[server a]\nurl = socks5://u:s3cretw0rd@a\n"
				  "[server b]\nurl = socks5://u@b\n"
				  "password = s3cretw0rd\n"
				  "[server c]\nurl = socks5://u@c\n"
				  "password_file = pass\n"
				  "[server d]\nurl = socks5://u@d:0\n"
				  "password = s3cretw0rd\n"
				  "[server e]\nurl = socks5://u:s3cretw0rd@\n"
				  "password_env = PASS\n"
				  "password = s3cretw0rd\n"
				  "[server f]\nurl = socks5://f\n"
				  "users_file = users\n"
				  "[server g]\nurl = socks5://g\n"
				  "users_file = wrong\n"
				  "[server h]\nusers_file = users\n"
				  "url = socks5://u:s3cretw0rd@h\n"
				  "[server i]\nuser = u\n"
				  "url = http://u:s3cretw0rd@unix:/h\n"
				  "password = s3cretw0rd\n"
				  "[server j]\nvia = j\nisolate = program\n"
				  "url = socks5://u:s3cretw0rd@unix:/x\n"
				  "[server k]\nusers_file = users\n"
				  "password = s3cretw0rd\n"
				  "# s3cretw0rd\n";

START_TEST(no_freed_block_holds_a_password)
{
	struct sx_conf_source source = {.getenv = fix_getenv};
	static char file[8192];

	/* longer than what is read at first */
	memset(file, '\n', sizeof(file) - 1);
	memcpy(file, secret_text, sizeof(secret_text) - 1);
	fix_write("c", file);
	fix_write("pass", "s3cretw0rd\n");
	fix_write("users", "u:s3cretw0rd\nv:s3cretw0rd2\nw:xs3cretw0rd\n");
	fix_write("wrong", "u:s3cretw0rd\ns3cretw0rd\ns3cretw0rd:p\n"
			   ":s3cretw0rd\n");
	fix_setenv("PASS", "s3cretw0rd");
	fix_setenv("SOCKSIFY_PROXY", "socks5://a:s3cretw0rd@h x:s3cretw0rd");
	source.path = fix_path("c");
	secret = "s3cretw0rd";
	is_counting = true;
	int r = sx_conf_load(&fix_conf, &source, &fix_diags);
	bool loaded = fix_conf.n_servers >= 4;
	sx_conf_fini(&fix_conf);
	sx_diags_fini(&fix_diags);
	is_counting = false;
	secret = NULL;
	ck_assert_int_eq(r, -EINVAL);
	ck_assert(loaded);
	ck_assert(!was_seen);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_good_configuration_is_loaded_or_refused,
		no_configuration_is_loaded_or_refused,
		a_bad_configuration_is_refused,
		no_freed_block_holds_a_password,
	};
	Suite *suite = suite_create("conf_memory");

	fix_add_tests(suite, "memory", tests, sizeof(tests) / sizeof(tests[0]));
	return sx_unit_main(suite);
}

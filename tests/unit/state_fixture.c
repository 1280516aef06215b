#include "state_fixture.h"

#include "core/health.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_PROCESSES 64U

static char base[64];
char fix_dir[128];

/* In the parent of all tests */
static void make_base(void)
{
	strcpy(base, "/tmp/sx-state-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	ck_assert_int_eq(chmod(base, 0711), 0); /* for other users */
}

static int remove_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_base(void)
{
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_folder(void)
{
	snprintf(fix_dir, sizeof(fix_dir), "%s/XXXXXX", base);
	ck_assert_ptr_nonnull(mkdtemp(fix_dir));
	ck_assert_int_eq(chmod(fix_dir, 0711), 0);
	ck_assert_int_eq(mkdir(fix_file("run"), 0700), 0);
	ck_assert_int_eq(mkdir(fix_file("tmp"), 0700), 0);
	ck_assert_int_eq(chmod(fix_file("tmp"), 01777), 0);
}

char *fix_file(const char *name)
{
	static char paths[4][256];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", fix_dir, name);
	return path;
}

struct sx_state_path fix_path(void)
{
	struct sx_state_path path;

	sx_state_path(&path, fix_file("run"), fix_file("tmp"), geteuid());
	return path;
}

void fix_open(struct sx_state *st)
{
	struct sx_state_path path = fix_path();
	struct sx_err err = {0};
	int r = sx_state_open(st, &path, &err);

	ck_assert_str_eq(err.text, "");
	ck_assert_int_eq(r, SX_STATE_SHARED);
}

struct sx_server_state *fix_server(struct sx_state *st)
{
	return sx_state_server(st, "a", "a");
}

bool fix_is_root(void)
{
	return geteuid() == 0;
}

const char *fix_tmp_folder(void)
{
	static char name[40];

	snprintf(name, sizeof(name), "tmp/socksify-%u", geteuid());
	return name;
}

unsigned fix_count_entries(const char *name)
{
	DIR *dir = opendir(name);
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2; /* without . and .. */
}

void fix_assert_state_file(const char *folder, uid_t uid)
{
	const off_t size = sizeof(struct sx_state_map);
	char file[256];
	struct stat info;

	ck_assert_int_eq(stat(fix_file(folder), &info), 0);
	ck_assert_uint_eq(info.st_mode, S_IFDIR | 0700);
	ck_assert_uint_eq(info.st_uid, uid);
	ck_assert_uint_eq(fix_count_entries(fix_file(folder)), 1);
	snprintf(file, sizeof(file), "%s/%s/state", fix_dir, folder);
	ck_assert_int_eq(stat(file, &info), 0);
	ck_assert_uint_eq(info.st_mode, S_IFREG | 0600);
	ck_assert_uint_eq(info.st_uid, uid);
	ck_assert_uint_eq(info.st_nlink, 1);
	ck_assert_int_eq(info.st_size, size);
	ck_assert_int_ge(info.st_blocks * 512, size); /* no holes */
}

void fix_assert_private(
	struct sx_state *st, const struct sx_err *err, int r, const char *why)
{
	ck_assert_int_eq(r, SX_STATE_PRIVATE);
	ck_assert_int_eq(st->place, -1);
	ck_assert_msg(strstr(err->text, why) != NULL, "not \"%s\" but: %s", why,
		err->text);
	ck_assert_int_ne(err->sys, 0);
	struct sx_server_state *s = fix_server(st);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(sx_server_mark_failed(s, 1000, 30000), 1);
	ck_assert_uint_eq(sx_server_failed_at(fix_server(st)), 1000);
	sx_state_close(st);
}

unsigned fix_processes(unsigned n, int (*work)(unsigned number))
{
	unsigned n_bad = 0;
	pid_t pids[MAX_PROCESSES];

	ck_assert_uint_le(n, MAX_PROCESSES);
	for (unsigned i = 0; i < n; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			_exit(work(i));
	}
	for (unsigned i = 0; i < n; i++) {
		int status = 1;
		n_bad += waitpid(pids[i], &status, 0) != pids[i] || status;
	}
	return n_bad;
}

void *fix_shared(size_t n_bytes)
{
	void *map = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	return map;
}

void fix_add_tests(
	Suite *suite, const char *name, const TTest *const *tests, size_t n)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 200);
	tcase_add_unchecked_fixture(tcase, make_base, remove_base);
	tcase_add_checked_fixture(tcase, make_folder, NULL);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
}

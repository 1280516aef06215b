/*
 * Opening the shared state: where it is, how it is made, and what serves when
 * it cannot be had. Some cases need root.
 */
#include "core/counters.h"
#include "core/health.h"
#include "core/learned.h"
#include "state_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define NOBODY        65534U
#define SIZE          sizeof(struct sx_state_map)

static struct sx_state st;
static struct sx_err err;

static int open_path(const struct sx_state_path *path)
{
	memset(&err, 0, sizeof(err));
	return sx_state_open(&st, path, &err);
}

static int open_fix(void)
{
	struct sx_state_path path = fix_path();

	return open_path(&path);
}

START_TEST(the_path_is_made_of_strings_alone)
{
	char longest[SX_STATE_PARENT_MAX + 1];
	struct sx_state_path path;

	memset(longest, '/', sizeof(longest));
	longest[SX_STATE_PARENT_MAX] = '\0';
	const char *const bad[] = {NULL, "", "run", "./run", longest};

	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		sx_state_path(&path, bad[i], SX_STATE_TMP, 1000);
		ck_assert_uint_eq(path.n_places, 1);
		ck_assert_str_eq(path.places[0].parent, "/tmp");
		ck_assert_str_eq(path.places[0].folder, "socksify-1000");
		ck_assert(!path.places[0].parent_is_users);
		ck_assert_uint_eq(path.uid, 1000);
	}
	sx_state_path(&path, "/run/user/7", SX_STATE_TMP, UINT32_MAX - 1);
	ck_assert_uint_eq(path.n_places, 2);
	ck_assert_str_eq(path.places[0].parent, "/run/user/7");
	ck_assert_str_eq(path.places[0].folder, "socksify");
	ck_assert(path.places[0].parent_is_users);
	ck_assert_str_eq(path.places[1].folder, "socksify-4294967294");
	longest[SX_STATE_PARENT_MAX - 1] = '\0';
	sx_state_path(&path, longest, SX_STATE_TMP, 0);
	ck_assert_uint_eq(path.n_places, 2);
	ck_assert_str_eq(path.places[0].parent, longest);
}
END_TEST

START_TEST(the_first_one_makes_folder_and_file)
{
	ck_assert_int_eq(open_fix(), SX_STATE_SHARED);
	ck_assert_int_eq(st.place, 0);
	fix_assert_state_file("run/socksify", geteuid());
	ck_assert_uint_eq(fix_count_entries(fix_file("tmp")), 0);
	sx_state_close(&st);
	ck_assert_ptr_null(st.map);
	sx_state_close(&st);
}
END_TEST

START_TEST(the_umask_does_not_matter)
{
	static const mode_t masks[] = {0, 077, 0277, 0777};

	for (size_t i = 0; i < N_ELEMENTS(masks); i++) {
		mode_t saved = umask(masks[i]);
		ck_assert_int_eq(open_fix(), SX_STATE_SHARED);
		umask(saved);
		fix_assert_state_file("run/socksify", geteuid());
		sx_state_close(&st);
		ck_assert_int_eq(unlink(fix_file(FIX_STATE)), 0);
		ck_assert_int_eq(rmdir(fix_file("run/socksify")), 0);
	}
}
END_TEST

START_TEST(no_descriptor_stays_open)
{
	unsigned n = fix_count_entries("/proc/self/fd");

	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(open_fix(), SX_STATE_SHARED);
		ck_assert_uint_eq(fix_count_entries("/proc/self/fd"), n);
		sx_state_close(&st);
	}
	ck_assert_int_eq(chmod(fix_file(FIX_STATE), 0644), 0);
	fix_assert_private(&st, &err, open_fix(), "mode");
	ck_assert_uint_eq(fix_count_entries("/proc/self/fd"), n);
	ck_assert_int_eq(chmod(fix_file("run/socksify"), 0755), 0);
	ck_assert_int_eq(mkdir(fix_file(fix_tmp_folder()), 0755), 0);
	fix_assert_private(&st, &err, open_fix(), "mode");
	ck_assert_uint_eq(fix_count_entries("/proc/self/fd"), n);
}
END_TEST

START_TEST(without_a_runtime_folder_the_one_in_tmp_serves)
{
	static const char *const missing[] = {NULL, "", "run", "/nonexistent"};
	struct sx_state_path path;

	for (size_t i = 0; i < N_ELEMENTS(missing); i++) {
		sx_state_path(&path, missing[i], fix_file("tmp"), geteuid());
		ck_assert_int_eq(open_path(&path), SX_STATE_SHARED);
		ck_assert_int_eq(st.place, (int)path.n_places - 1);
		fix_assert_state_file(fix_tmp_folder(), geteuid());
		sx_state_close(&st);
	}
}
END_TEST

START_TEST(without_any_folder_memory_serves)
{
	struct sx_state_path path;

	sx_state_path(&path, "/nonexistent", "/nonexistent", geteuid());
	fix_assert_private(
		&st, &err, open_path(&path), "No such file or directory");
	sx_state_path(&path, "/proc/self", "/proc/self", geteuid());
	fix_assert_private(&st, &err, open_path(&path), "/proc/self");
	ck_assert_int_eq(sx_state_open(&st, &path, NULL), SX_STATE_PRIVATE);
	sx_state_close(&st);
}
END_TEST

/* -- another user, limits, other roots: in processes of their own -- */

static int open_as_nobody(unsigned number)
{
	struct sx_state_path path;

	(void)number;
	if (setegid(NOBODY) || seteuid(NOBODY))
		return 1;
	sx_state_path(&path, fix_file("run"), fix_file("tmp"), NOBODY);
	return sx_state_open(&st, &path, NULL) != SX_STATE_SHARED ||
	       st.place != 1;
}

START_TEST(each_user_has_a_state)
{
	if (!fix_is_root())
		return;
	ck_assert_uint_eq(fix_processes(1, open_as_nobody), 0);
	fix_assert_state_file("tmp/socksify-65534", NOBODY);
	ck_assert_uint_eq(fix_processes(1, open_as_nobody), 0);
}
END_TEST

static int open_after_becoming_nobody(unsigned number)
{
	struct sx_state_path path = fix_path();

	(void)number;
	if (seteuid(NOBODY))
		return 1;
	return open_path(&path) != SX_STATE_PRIVATE ||
	       !strstr(err.text, "another user's") || !fix_server(&st);
}

START_TEST(a_process_that_becomes_another_user_has_private_memory)
{
	if (!fix_is_root())
		return;
	ck_assert_uint_eq(fix_processes(1, open_after_becoming_nobody), 0);
	ck_assert_uint_eq(fix_count_entries(fix_file("tmp")), 0);
	ck_assert_uint_eq(fix_count_entries(fix_file("run")), 0);
}
END_TEST

static int open_with_small_files(unsigned number)
{
	struct rlimit limit = {SIZE - 1, SIZE - 1};

	(void)number;
	return setrlimit(RLIMIT_FSIZE, &limit) ||
	       open_fix() != SX_STATE_PRIVATE ||
	       !strstr(err.text, "File too large");
}

START_TEST(a_process_that_may_not_write_such_a_file_lives_on)
{
	ck_assert_uint_eq(fix_processes(1, open_with_small_files), 0);
	ck_assert_uint_eq(fix_count_entries(fix_file("run/socksify")), 0);
	ck_assert_int_eq(open_fix(), SX_STATE_SHARED);
	/* but it may use one that is there */
	ck_assert_uint_eq(fix_processes(1, open_with_small_files), 1);
	sx_state_close(&st);
}
END_TEST

static int open_without_descriptors(unsigned number)
{
	struct rlimit limit = {0, 0};

	(void)number;
	return setrlimit(RLIMIT_NOFILE, &limit) ||
	       open_fix() != SX_STATE_PRIVATE ||
	       !strstr(err.text, "Too many open files") || !fix_server(&st);
}

START_TEST(without_descriptors_memory_serves)
{
	ck_assert_uint_eq(fix_processes(1, open_without_descriptors), 0);
}
END_TEST

static int open_without_memory(unsigned number)
{
	struct rlimit limit = {0, 0};

	(void)number;
	return setrlimit(RLIMIT_AS, &limit) || open_fix() != -ENOMEM ||
	       !strstr(err.text, "memory") || fix_server(&st);
}

START_TEST(without_memory_nothing_serves)
{
	ck_assert_uint_eq(fix_processes(1, open_without_memory), 0);
}
END_TEST

/* Where the id of the boot cannot be read. */
static bool open_in_chroot(void)
{
	struct sx_state_path path;

	if (chroot(fix_dir))
		return false;
	sx_state_path(&path, "/run", "/tmp", geteuid());
	return open_path(&path) == SX_STATE_SHARED;
}

static int create_without_proc(unsigned number)
{
	(void)number;
	if (!open_in_chroot() || st.map->head.boot != 0)
		return 1;
	sx_server_mark_failed(fix_server(&st), 1000, 30000);
	return 0;
}

static int find_mark_without_proc(unsigned number)
{
	(void)number;
	return !open_in_chroot() || st.map->head.boot == 0 ||
	       sx_server_failed_at(fix_server(&st)) != 2000;
}

START_TEST(without_proc_the_file_is_made_all_the_same)
{
	if (!fix_is_root())
		return;
	ck_assert_uint_eq(fix_processes(1, create_without_proc), 0);
	fix_assert_state_file("run/socksify", geteuid());
	fix_open(&st);
	ck_assert_uint_ne(st.map->head.boot, 0);
	/* nobody knew of which boot the mark is */
	ck_assert_uint_eq(sx_server_failed_at(fix_server(&st)), 0);
	sx_server_mark_failed(fix_server(&st), 2000, 30000);
	ck_assert_uint_eq(fix_processes(1, find_mark_without_proc), 0);
	sx_state_close(&st);
}
END_TEST

/* -- boots, forks, deleted files -- */

START_TEST(a_state_of_an_earlier_boot_keeps_all_but_health)
{
	struct sx_counters c;

	fix_open(&st);
	uint64_t boot = st.map->head.boot;
	ck_assert_uint_ne(boot, 0);
	for (unsigned i = 0; i < SX_STATE_SERVERS; i++)
		st.map->servers[i].health = 12345;
	struct sx_server_state *s = fix_server(&st);
	sx_server_count_attempt(s);
	sx_server_set_pipeline(s, SX_PIPELINING_SAFE, 5000);
	sx_state_close(&st);

	fix_open(&st); /* of this boot */
	ck_assert_uint_eq(fix_server(&st)->health, 12345);
	st.map->head.boot = boot ^ 2;
	sx_state_close(&st);

	fix_open(&st);
	ck_assert_uint_eq(st.map->head.boot, boot);
	for (unsigned i = 0; i < SX_STATE_SERVERS; i++)
		ck_assert_uint_eq(st.map->servers[i].health, 0);
	s = fix_server(&st);
	sx_server_counters(s, &c);
	ck_assert_uint_eq(c.attempts, 1);
	ck_assert_int_eq(sx_server_pipeline(s, 5000), SX_PIPELINING_SAFE);
	sx_state_close(&st);
}
END_TEST

static int mark(unsigned number)
{
	return sx_server_mark_failed(fix_server(&st), 1000 + number, 30000) !=
	       1;
}

START_TEST(private_memory_is_shared_with_children)
{
	struct sx_state_path path;

	sx_state_path(&path, NULL, "/nonexistent", geteuid());
	ck_assert_int_eq(open_path(&path), SX_STATE_PRIVATE);
	ck_assert_uint_eq(fix_processes(1, mark), 0);
	ck_assert_uint_eq(sx_server_failed_at(fix_server(&st)), 1000);
	sx_state_close(&st);
}
END_TEST

START_TEST(a_deleted_file_serves_those_who_have_it)
{
	struct sx_state other;

	fix_open(&st);
	ck_assert_int_eq(unlink(fix_file(FIX_STATE)), 0);
	sx_server_mark_failed(fix_server(&st), 1000, 30000);
	fix_open(&other);
	fix_assert_state_file("run/socksify", geteuid());
	ck_assert_uint_eq(sx_server_failed_at(fix_server(&other)), 0);
	ck_assert_uint_eq(sx_server_failed_at(fix_server(&st)), 1000);
	sx_state_close(&other);
	sx_state_close(&st);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_path_is_made_of_strings_alone,
		the_first_one_makes_folder_and_file,
		the_umask_does_not_matter,
		no_descriptor_stays_open,
		without_a_runtime_folder_the_one_in_tmp_serves,
		without_any_folder_memory_serves,
		each_user_has_a_state,
		a_process_that_becomes_another_user_has_private_memory,
		a_process_that_may_not_write_such_a_file_lives_on,
		without_descriptors_memory_serves,
		without_memory_nothing_serves,
		without_proc_the_file_is_made_all_the_same,
		a_state_of_an_earlier_boot_keeps_all_but_health,
		private_memory_is_shared_with_children,
		a_deleted_file_serves_those_who_have_it,
	};
	Suite *suite = suite_create("state_open");

	fix_add_tests(suite, "opening", tests, N_ELEMENTS(tests));
	return sx_unit_main(suite);
}

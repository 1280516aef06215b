/*
 * What stands in the place of the shared state or of its folder and is not
 * the user's own: it is left as it is. Some cases need root, to make what
 * belongs to another user.
 */
#include "core/counters.h"
#include "state_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

/* -- what stands in the place of the file -- */

static void is_foreign(void)
{
	ck_assert_int_eq(chown(fix_file(FIX_STATE), NOBODY, NOBODY), 0);
}

static void is_readable_by_others(void)
{
	ck_assert_int_eq(chmod(fix_file(FIX_STATE), 0644), 0);
}

static void is_writable_by_a_group(void)
{
	ck_assert_int_eq(chmod(fix_file(FIX_STATE), 0620), 0);
}

static void is_executable(void)
{
	ck_assert_int_eq(chmod(fix_file(FIX_STATE), 0700), 0);
}

static void is_setuid(void)
{
	ck_assert_int_eq(chmod(fix_file(FIX_STATE), 04600), 0);
}

static void is_empty(void)
{
	ck_assert_int_eq(truncate(fix_file(FIX_STATE), 0), 0);
}

static void is_cut_short(void)
{
	ck_assert_int_eq(truncate(fix_file(FIX_STATE), SIZE - 1), 0);
}

static void is_too_long(void)
{
	ck_assert_int_eq(truncate(fix_file(FIX_STATE), SIZE + 1), 0);
}

/* Adds one to the byte at offset. */
static void change_byte(size_t offset)
{
	int fd = open(fix_file(FIX_STATE), O_RDWR);
	unsigned char byte;

	ck_assert_int_eq(pread(fd, &byte, 1, (off_t)offset), 1);
	byte++;
	ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

static void has_another_magic(void)
{
	change_byte(7);
}

static void has_another_version(void)
{
	change_byte(offsetof(struct sx_shared_head, version));
}

static void has_another_size_in_it(void)
{
	change_byte(offsetof(struct sx_shared_head, size) + 3);
}

static void is_a_link(void)
{
	ck_assert_int_eq(rename(fix_file(FIX_STATE), fix_file("real")), 0);
	ck_assert_int_eq(symlink(fix_file("real"), fix_file(FIX_STATE)), 0);
}

static void is_a_dangling_link(void)
{
	ck_assert_int_eq(unlink(fix_file(FIX_STATE)), 0);
	ck_assert_int_eq(symlink(fix_file("real"), fix_file(FIX_STATE)), 0);
}

static void is_a_folder(void)
{
	ck_assert_int_eq(unlink(fix_file(FIX_STATE)), 0);
	ck_assert_int_eq(mkdir(fix_file(FIX_STATE), 0600), 0);
}

static void is_a_fifo(void)
{
	ck_assert_int_eq(unlink(fix_file(FIX_STATE)), 0);
	ck_assert_int_eq(mkfifo(fix_file(FIX_STATE), 0600), 0);
}

/* All of a file that can change; not when it was read. */
struct picture {
	struct stat info, real;
	char bytes[SIZE + 16];
	ssize_t n;
};

static void clean_times(struct stat *info)
{
	memset(&info->st_atim, 0, sizeof(info->st_atim));
}

static void take_picture(struct picture *p)
{
	memset(p, 0, sizeof(*p));
	ck_assert_int_eq(lstat(fix_file(FIX_STATE), &p->info), 0);
	clean_times(&p->info);
	lstat(fix_file("real"), &p->real);
	clean_times(&p->real);
	if (S_ISFIFO(p->info.st_mode))
		return;
	int fd = open(fix_file(FIX_STATE), O_RDONLY);
	p->n = read(fd, p->bytes, sizeof(p->bytes));
	close(fd);
}

START_TEST(what_is_not_the_users_state_is_left_alone)
{
	static const struct {
		void (*make)(void);
		const char *why;
	} rows[] = {
		{is_readable_by_others, "mode is not 0600"},
		{is_writable_by_a_group, "mode is not 0600"},
		{is_executable, "mode is not 0600"},
		{is_setuid, "mode is not 0600"}, {is_empty, "another size"},
		{is_cut_short, "another size"}, {is_too_long, "another size"},
		{has_another_magic, "something else"},
		{has_another_version, "another version"},
		{has_another_size_in_it, "another version"},
		{is_a_link, "symbolic link"},
		{is_a_dangling_link, "symbolic link"},
		{is_a_folder, "Is a directory"},
		{is_a_fifo, "not a regular file"},
		{is_foreign, "another user's"}, /* the last: needs root */
	};
	static struct picture before, after;

	for (size_t i = 0; i + !fix_is_root() < N_ELEMENTS(rows); i++) {
		ck_assert_int_eq(open_fix(), SX_STATE_SHARED);
		sx_server_count_attempt(fix_server(&st));
		sx_state_close(&st);
		rows[i].make();
		take_picture(&before);
		fix_assert_private(&st, &err, open_fix(), rows[i].why);
		ck_assert_ptr_nonnull(strstr(err.text, "/run/socksify"));
		take_picture(&after);
		ck_assert_mem_eq(&before, &after, sizeof(before));
		ck_assert_uint_eq(fix_count_entries(fix_file("tmp")), 0);
		ck_assert_int_eq(remove(fix_file(FIX_STATE)), 0);
		remove(fix_file("real"));
	}
}
END_TEST

START_TEST(a_good_file_is_used_as_it_is)
{
	static struct picture before, after;

	fix_open(&st);
	sx_server_count_attempt(fix_server(&st));
	sx_state_close(&st);
	take_picture(&before);
	fix_open(&st);
	sx_state_close(&st);
	take_picture(&after);
	ck_assert_int_eq(before.n, SIZE);
	ck_assert_mem_eq(&before, &after, sizeof(before));
}
END_TEST

/* -- what stands in the place of the folder -- */

static const char *folder;

static void folder_is_foreign(void)
{
	ck_assert_int_eq(mkdir(fix_file(folder), 0700), 0);
	ck_assert_int_eq(chown(fix_file(folder), NOBODY, NOBODY), 0);
}

static void folder_is_open_to_all(void)
{
	ck_assert_int_eq(mkdir(fix_file(folder), 0700), 0);
	ck_assert_int_eq(chmod(fix_file(folder), 0777), 0);
}

static void folder_can_be_read(void)
{
	ck_assert_int_eq(mkdir(fix_file(folder), 0750), 0);
}

static void folder_is_a_link(void)
{
	mkdir(fix_file("elsewhere"), 0700);
	ck_assert_int_eq(symlink(fix_file("elsewhere"), fix_file(folder)), 0);
}

static void folder_is_a_dangling_link(void)
{
	ck_assert_int_eq(symlink(fix_file("nowhere"), fix_file(folder)), 0);
}

static void folder_is_a_file(void)
{
	ck_assert_int_eq(mknod(fix_file(folder), S_IFREG | 0600, 0), 0);
}

static const struct {
	void (*make)(void);
	const char *why;
} folders[] = {
	{folder_is_open_to_all, "mode of its folder is not 0700"},
	{folder_can_be_read, "mode of its folder is not 0700"},
	{folder_is_a_link, "its folder: Not a directory"},
	{folder_is_a_dangling_link, "its folder: Not a directory"},
	{folder_is_a_file, "its folder: Not a directory"},
	/* the last: needs root */
	{folder_is_foreign, "its folder is another user's"},
};

/* What was made before is as it was, and nothing is behind it. */
static void assert_folder_untouched(const struct stat *before)
{
	struct stat after;

	ck_assert_int_eq(lstat(fix_file(folder), &after), 0);
	ck_assert_uint_eq(after.st_ino, before->st_ino);
	ck_assert_uint_eq(after.st_mode, before->st_mode);
	ck_assert_uint_eq(after.st_uid, before->st_uid);
	ck_assert_int_eq(after.st_mtim.tv_sec, before->st_mtim.tv_sec);
	ck_assert_int_eq(after.st_mtim.tv_nsec, before->st_mtim.tv_nsec);
	ck_assert_int_ne(access(fix_file("nowhere"), F_OK), 0);
	if (access(fix_file("elsewhere"), F_OK) == 0)
		ck_assert_uint_eq(fix_count_entries(fix_file("elsewhere")), 0);
}

START_TEST(a_runtime_folder_that_is_not_private_is_left_alone)
{
	struct stat before;

	for (size_t i = 0; i + !fix_is_root() < N_ELEMENTS(folders); i++) {
		folder = "run/socksify";
		folders[i].make();
		ck_assert_int_eq(lstat(fix_file(folder), &before), 0);
		ck_assert_int_eq(open_fix(), SX_STATE_SHARED);
		ck_assert_int_eq(st.place, 1);
		assert_folder_untouched(&before);
		fix_assert_state_file(fix_tmp_folder(), geteuid());
		sx_state_close(&st);
		ck_assert_int_eq(remove(fix_file(folder)), 0);
	}
}
END_TEST

START_TEST(a_folder_that_others_put_into_tmp_is_not_used)
{
	struct sx_state_path path;
	struct stat before;

	sx_state_path(&path, NULL, fix_file("tmp"), geteuid());
	for (size_t i = 0; i + !fix_is_root() < N_ELEMENTS(folders); i++) {
		folder = fix_tmp_folder();
		folders[i].make();
		ck_assert_int_eq(lstat(fix_file(folder), &before), 0);
		fix_assert_private(&st, &err, open_path(&path), folders[i].why);
		assert_folder_untouched(&before);
		ck_assert_int_eq(remove(fix_file(folder)), 0);
	}
}
END_TEST

START_TEST(another_users_runtime_folder_is_not_used)
{
	if (!fix_is_root())
		return;
	unsigned n = fix_count_entries("/proc/self/fd");
	ck_assert_int_eq(chown(fix_file("run"), NOBODY, NOBODY), 0);
	ck_assert_int_eq(open_fix(), SX_STATE_SHARED);
	ck_assert_int_eq(st.place, 1);
	ck_assert_uint_eq(fix_count_entries("/proc/self/fd"), n);
	ck_assert_uint_eq(fix_count_entries(fix_file("run")), 0);
	sx_state_close(&st);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_good_file_is_used_as_it_is,
		what_is_not_the_users_state_is_left_alone,
		a_runtime_folder_that_is_not_private_is_left_alone,
		a_folder_that_others_put_into_tmp_is_not_used,
		another_users_runtime_folder_is_not_used,
	};
	Suite *suite = suite_create("state_refuse");

	fix_add_tests(suite, "opening", tests, N_ELEMENTS(tests));
	return sx_unit_main(suite);
}

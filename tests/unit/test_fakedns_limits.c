/*
 * The fake-DNS table where there is no room for it: on the disk, in the
 * address space, or in the files that the process may write. Each test is a
 * process with limits of its own; what fails is -EAGAIN, and never a signal.
 */
#include "fakedns_fixture.h"
#include "state_fixture.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define N_NAMES       2000U
#define MB            (1024UL * 1024)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static struct sx_state_path path;
static struct sx_fakedns *table;

static bool open_table(void)
{
	path = fix_path();
	if (sx_fakedns_new(&table, &fix_sys, SX_FAKEDNS_MAX))
		return false;
	sx_fakedns_share(table, &path);
	return true;
}

/* How many of the first n have an address; -1: something else is wrong. */
static int look_up(unsigned n)
{
	struct sx_ip ip;
	int n_known = 0;

	for (unsigned i = 0; i < n; i++) {
		int r = sx_fakedns_get(table, fix_name(i), AF_INET, &ip);
		if (r && r != -EAGAIN)
			return -1;
		if (!r && !fix_is_known(table, fix_name(i)))
			return -1;
		n_known += !r;
	}
	return n_known;
}

/* Of all addresses, or of every fifteenth, which is one of each page. */
static int count_named(unsigned step)
{
	char name[SX_NAME_MAX + 1];
	int n = 0;

	for (unsigned i = 0; i < SX_FAKEDNS_MAX; i += step) {
		struct sx_ip ip = fix_nth(i);
		n += sx_fakedns_name(table, &ip, name);
	}
	return n;
}

/* -- a small file system -- */

/* Madvise() as of a kernel before 5.14, for this process. */
static bool be_an_old_kernel(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
		/* the low half: not for big-endian machines */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MADV_POPULATE_WRITE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = N_ELEMENTS(code), .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
	       madvise(NULL, 0, MADV_POPULATE_WRITE) == -1;
}

static bool mount_on_run(const char *options, unsigned long flags)
{
	return mount("none", fix_file("run"), "tmpfs", flags, options) == 0;
}

/* 0: right. In a mount namespace, which ends with the process. */
static int fill_small_disk(bool is_old)
{
	if (unshare(CLONE_NEWNS) ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		!mount_on_run("size=1m,mode=0700", 0))
		return 1;
	if (!open_table() || (is_old && !be_an_old_kernel()))
		return 2;
	int n = look_up(N_NAMES);
	if (n < 50 || n >= (int)N_NAMES)
		return 3;
	if (is_old ? count_named(15) > n : count_named(1) != n)
		return 4;
	/* no signal came, and nothing that was answered is lost */
	if (look_up(N_NAMES) < n)
		return 5;
	return 0;
}

static int small_disk(unsigned number)
{
	return fill_small_disk(number == 1);
}

START_TEST(a_full_disk_is_an_error_and_no_signal)
{
	if (!fix_is_root())
		return;
	/* the second one as if the kernel were older */
	ck_assert_uint_eq(fix_processes(2, small_disk), 0);
	ck_assert_uint_eq(fix_count_entries(fix_file("run")), 0);
}
END_TEST

static int growing_disk(unsigned number)
{
	(void)number;
	if (fill_small_disk(false))
		return 1;
	if (!mount_on_run("size=64m,mode=0700", MS_REMOUNT))
		return 2;
	return look_up(N_NAMES) != (int)N_NAMES;
}

START_TEST(when_there_is_room_again_names_are_known_again)
{
	if (!fix_is_root())
		return;
	ck_assert_uint_eq(fix_processes(1, growing_disk), 0);
}
END_TEST

static int old_kernel(unsigned number)
{
	(void)number;
	if (!be_an_old_kernel() || !open_table())
		return 1;
	if (look_up(N_NAMES) != (int)N_NAMES)
		return 2;
	return 0;
}

/* What cannot be made sure of is not touched: the pages of our mapping, when
 * another file has its place. */
static int old_kernel_and_another_file(unsigned number)
{
	struct sx_fakedns *old;

	(void)number;
	if (!be_an_old_kernel() || !open_table() || look_up(1) != 1 ||
		unlink(fix_file("run/socksify/names")))
		return 1;
	old = table;
	if (!open_table() || look_up(N_NAMES) != (int)N_NAMES)
		return 2;
	table = old;
	/* the bucket and the record of that one name lie in pages with more */
	return look_up(N_NAMES) > 1 + 15 + 32;
}

START_TEST(an_older_kernel_serves_too)
{
	ck_assert_uint_eq(fix_processes(1, old_kernel), 0);
	ck_assert_uint_eq(fix_processes(1, old_kernel_and_another_file), 0);
}
END_TEST

/* -- limits of the process -- */

static size_t pages_in_use(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t n = 0;

	if (!f || fscanf(f, "%zu", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

/* Leaves so much address space. */
static bool limit_memory(size_t n_bytes)
{
	rlim_t n = pages_in_use() * (size_t)sysconf(_SC_PAGESIZE) + n_bytes;
	struct rlimit limit = {n, n};

	return setrlimit(RLIMIT_AS, &limit) == 0;
}

static int little_memory(unsigned number)
{
	(void)number;
	if (!open_table() || !limit_memory(MB))
		return 1;
	int n = look_up(N_NAMES);
	if (n < 1000 || n >= (int)N_NAMES || count_named(1) != n)
		return 2;
	return 0;
}

static int no_memory(unsigned number)
{
	(void)number;
	if (!open_table() || !limit_memory(0))
		return 1;
	if (look_up(10) != 0 || count_named(1) != 0)
		return 2;
	return 0;
}

START_TEST(without_address_space_there_are_few_names_or_none)
{
	ck_assert_uint_eq(fix_processes(1, little_memory), 0);
	ck_assert_uint_eq(fix_processes(1, no_memory), 0);
}
END_TEST

static int small_files(unsigned number)
{
	struct rlimit limit = {MB, MB};

	(void)number;
	if (setrlimit(RLIMIT_FSIZE, &limit) || !open_table())
		return 1;
	return look_up(N_NAMES) != (int)N_NAMES;
}

START_TEST(a_process_that_may_not_write_such_a_file_has_names)
{
	ck_assert_uint_eq(fix_processes(1, small_files), 0);
	ck_assert_uint_eq(fix_count_entries(fix_file("run/socksify")), 0);
}
END_TEST

/* -- memory of its own -- */

static int ask(unsigned number)
{
	return !fix_is_known(table, fix_name(number)) ||
	       look_up(100 + number) != 100 + (int)number;
}

START_TEST(without_a_file_children_know_what_their_parent_knows)
{
	struct sx_ip before, after;

	sx_state_path(&path, NULL, "/nonexistent", geteuid());
	ck_assert_int_eq(sx_fakedns_new(&table, &fix_sys, SX_FAKEDNS_MAX), 0);
	sx_fakedns_share(table, &path);
	ck_assert_int_eq(
		sx_fakedns_get(table, fix_name(0), AF_INET, &before), 0);
	ck_assert_uint_eq(fix_processes(4, ask), 0);
	/* and the other way round */
	ck_assert_int_eq(count_named(1), 103);
	sx_fakedns_get(table, fix_name(0), AF_INET, &after);
	ck_assert(sx_ip_equal(&before, &after));
	sx_fakedns_free(table);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_full_disk_is_an_error_and_no_signal,
		when_there_is_room_again_names_are_known_again,
		an_older_kernel_serves_too,
		without_address_space_there_are_few_names_or_none,
		a_process_that_may_not_write_such_a_file_has_names,
		without_a_file_children_know_what_their_parent_knows,
	};
	Suite *suite = suite_create("fakedns_limits");

	fix_add_tests(suite, "limits", tests, N_ELEMENTS(tests));
	return sx_unit_main(suite);
}

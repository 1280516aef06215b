/*
 * Numbers that become something else while their connect is pending: what has
 * taken the number's place stays there for ever.
 *
 * Arguments: see probe_gate.h
 */
#include "probe_gate.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define RACES  200
#define REUSES 5

static struct gate g;

static int begin(void)
{
	gate_new(&g);
	return gate_begin(&g);
}

static const char file_path[] = "/proc/self/exe";

static bool is_file(int fd)
{
	struct stat seen, file;

	CHECK(!stat(file_path, &file), "stat: %s", probe_errno(errno));
	return !fstat(fd, &seen) && seen.st_dev == file.st_dev &&
	       seen.st_ino == file.st_ino;
}

static void open_file_at(int fd)
{
	int file = open(file_path, O_RDONLY);

	CHECK(file == fd, "the file is %d, not %d", file, fd);
}

/* Nothing is left that could still change what the numbers are. */
static void settle(int n_threads, int n_fds)
{
	gate_gone(&g);
	check_threads(n_threads);
	check_fds(n_fds);
}

static void replaced(void)
{
	gate_new(&g); /* has a connection of its own */
	int ends[2], n_fds = probe_count_fds() + 3;
	CHECK(!pipe(ends), "pipe: %s", probe_errno(errno));
	int n_threads = check_count_threads(), fd = gate_begin(&g);
	char c = 0;

	CHECK(dup2(ends[1], fd) == fd, "dup2: %s", probe_errno(errno));
	settle(n_threads, n_fds);
	gate_go(&g);
	CHECK(write(fd, "p", 1) == 1 && read(ends[0], &c, 1) == 1 && c == 'p',
		"it is no pipe any longer");
}

static void replaced_with_a_copy_left(void)
{
	int fd = begin(), copy = dup(fd);
	int file = open(file_path, O_RDONLY);

	CHECK(dup3(file, fd, O_CLOEXEC) == fd, "dup3: %s", probe_errno(errno));
	gate_finish(&g, copy);
	CHECK(is_file(fd) && fcntl(fd, F_GETFD) == FD_CLOEXEC,
		"it is not the file");
	close(copy);
	gate_gone(&g);
	CHECK(is_file(fd), "it is not the file");
}

static void closed(void)
{
	gate_new(&g);
	int n_threads = check_count_threads(), n_fds = probe_count_fds();
	int fd = gate_begin(&g);

	close(fd);
	CHECK_ERR(fcntl(fd, F_GETFD), EBADF);
	open_file_at(fd);
	settle(n_threads, n_fds + 1);
	gate_go(&g);
	CHECK(is_file(fd), "it is not the file");
}

static void close_by_call(int fd)
{
	close(fd);
}

/* libc closes it by itself, behind close(). */
static void close_by_stdio(int fd)
{
	FILE *f = fdopen(fd, "w+");

	CHECK(f && !fclose(f), "fclose: %s", probe_errno(errno));
}

static void closed_by_stdio(void)
{
	gate_new(&g);
	int n_threads = check_count_threads(), n_fds = probe_count_fds();
	int fd = gate_begin(&g);

	close_by_stdio(fd);
	open_file_at(fd);
	settle(n_threads, n_fds + 1);
	gate_go(&g);
	CHECK(is_file(fd), "it is not the file");
}

/* Another socket has the number before anybody may have seen that. */
static void reused_at_once(void)
{
	struct gate other;

	for (int i = 0; i < REUSES; i++) {
		int fd = begin();
		gate_new(&other);
		close_by_stdio(fd);
		CHECK(probe_socket(&other.addr, SOCK_NONBLOCK) == fd,
			"another number");
		gate_connect(&other, fd);
		gate_go(&g);
		gate_finish(&other, fd);
		close(fd);
	}
}

static void replaced_by_number(void)
{
	gate_new(&g);
	int n_threads = check_count_threads(), n_fds = probe_count_fds();
	int fd = gate_begin(&g), file = open(file_path, O_RDONLY);

	CHECK(syscall(SYS_dup3, file, fd, 0) == fd, "dup3: %s",
		probe_errno(errno));
	settle(n_threads, n_fds + 2);
	gate_go(&g);
	CHECK(is_file(fd), "it is not the file");
}

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* An answer that is under way is here within about a millisecond. */
static void spin(long us)
{
	long end = now_us() + us;

	while (now_us() < end)
		;
}

/*
 * The answer comes when the number is closed and becomes a file. The files
 * stay, so that a late one is seen too.
 */
static void race(void (*close_it)(int))
{
	int first = -1, n_threads = check_count_threads();

	for (int i = 0; i < RACES; i++) {
		int fd = begin();
		first = first < 0 ? fd : first;
		CHECK(fd == first + i, "number %d, not %d", fd, first + i);
		if (i % 8)
			gate_go_soon(&g);
		spin(i * 37 % RACES * 5);
		close_it(fd);
		open_file_at(fd);
		if (!(i % 8))
			gate_go_soon(&g);
		gate_sync();
		gate_gone(&g);
	}
	check_threads(n_threads);
	for (int i = 0; i < RACES; i++)
		CHECK(is_file(first + i), "file %d of %d is gone", i, RACES);
}

static void closed_race(void)
{
	race(close_by_call);
}

static void closed_by_stdio_race(void)
{
	race(close_by_stdio);
}

static void range_closed(void)
{
	gate_new(&g);
	int n_threads = check_count_threads(), n_fds = probe_count_fds();
	int fd = gate_begin(&g);

	CHECK(!close_range(fd, fd, 0), "close_range: %s", probe_errno(errno));
	CHECK_ERR(fcntl(fd, F_GETFD), EBADF);
	open_file_at(fd);
	settle(n_threads, n_fds + 1);
	gate_go(&g);
	CHECK(is_file(fd), "it is not the file");
}

static void closed_from(void)
{
	gate_new(&g);
	int n_threads = check_count_threads(), n_fds = probe_count_fds();
	int fd = gate_begin(&g);

	closefrom(fd);
	CHECK_ERR(fcntl(fd, F_GETFD), EBADF);
	open_file_at(fd);
	settle(n_threads, n_fds + 1);
	gate_go(&g);
	CHECK(is_file(fd), "it is not the file");
	/* And the next one is as good as the first. */
	int next = begin();
	gate_finish(&g, next);
	close(next);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{.name = "replaced", .run = replaced},
		{.name = "replaced-with-a-copy-left",
			.run = replaced_with_a_copy_left},
		{.name = "closed", .run = closed},
		{.name = "closed-by-stdio", .run = closed_by_stdio},
		{.name = "reused-at-once", .run = reused_at_once},
		{.name = "replaced-by-number", .run = replaced_by_number},
		{.name = "closed-race", .run = closed_race},
		{.name = "closed-by-stdio-race", .run = closed_by_stdio_race},
		{.name = "range-closed", .run = range_closed},
		{.name = "closed-from", .run = closed_from},
	};

	return checks_run(argc, argv, checks, PROBE_LEN(checks));
}

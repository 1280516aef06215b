/*
 * A pending connect leaves nothing behind, and where a program may have
 * no thread, no descriptor or no stack more, it still comes to an end (in
 * connect() itself, if need be).
 *
 * Arguments: see probe_gate.h; an exec of the probe itself adds
 *	--small-stack
 */
#include "probe_gate.h"

#include <grp.h>
#include <sys/resource.h>

#define NOBODY 65534

static struct gate g;
static char small_stack_option[] = "--small-stack";

static int n_threads, n_fds;

static void count(void)
{
	gate_new(&g); /* has a descriptor of its own */
	n_threads = check_count_threads();
	n_fds = probe_count_fds();
}

static void nothing_is_left(void)
{
	check_threads(n_threads);
	check_fds(n_fds);
}

static void left_connected(void)
{
	count();
	int fd = gate_begin(&g);
	gate_finish(&g, fd);
	check_threads(n_threads);
	check_fds(n_fds + 1);
	close(fd);
	nothing_is_left();
}

static void left_refused(void)
{
	count();
	int fd = gate_begin(&g);
	gate_refuse(&g);
	CHECK(probe_wait(fd, POLLOUT, 20000) & POLLERR, "poll: no error");
	CHECK(probe_so_error(fd) == ECONNREFUSED, "SO_ERROR");
	check_threads(n_threads);
	check_fds(n_fds + 1);
	close(fd);
	nothing_is_left();
}

static void left_closed(void)
{
	count();
	close(gate_begin(&g));
	nothing_is_left();
}

static void left_given_up(void)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	count();
	int fd = gate_begin(&g);
	CHECK(!connect(fd, &none, sizeof(none)), "AF_UNSPEC: %s",
		probe_errno(errno));
	check_threads(n_threads);
	check_fds(n_fds + 1);
	close(fd);
	nothing_is_left();
}

/* Several at a time, which end in different ways. */
static void left_by_many(void)
{
	struct gate bad;
	int fds[9];

	count();
	gate_new(&bad);
	for (int i = 0; i < 9; i++)
		fds[i] = gate_begin(i % 3 ? &g : &bad);
	gate_refuse(&bad);
	for (int i = 0; i < 9; i++) {
		if (i % 3 == 1)
			close(fds[i]);
	}
	gate_go(&g);
	for (int i = 0; i < 9; i++) {
		if (i % 3 == 2)
			gate_check(&g, fds[i]);
		if (i % 3 == 0)
			CHECK(probe_wait(fds[i], POLLOUT, 20000) & POLLERR,
				"%d: no error", i);
		if (i % 3 != 1)
			close(fds[i]);
	}
	nothing_is_left();
}

/* One after the other: what works for the first works for the next. */
static void one_by_one(void)
{
	count();
	gate_go(&g);
	for (int i = 0; i < 30; i++) {
		int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
		int r = connect(fd, &g.addr.sa, g.addr.len);
		CHECK(!r || errno == EINPROGRESS, "connect %d: %s", i,
			probe_errno(errno));
		gate_check(&g, fd);
		close(fd);
	}
	nothing_is_left();
}

/* ---- short of something; connect() may wait then */

static void comes_to_an_end(int fd)
{
	gate_go(&g);
	int r = connect(fd, &g.addr.sa, g.addr.len);
	CHECK(!r || errno == EINPROGRESS, "connect: %s", probe_errno(errno));
	gate_check(&g, fd);
	CHECK(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK), "file flags %#x",
		fcntl(fd, F_GETFL));
}

static void set_limit(int what, rlim_t n)
{
	struct rlimit limit;

	CHECK(!getrlimit(what, &limit), "getrlimit: %s", probe_errno(errno));
	limit.rlim_cur = n;
	CHECK(!setrlimit(what, &limit), "setrlimit: %s", probe_errno(errno));
}

static void *nothing(void *arg)
{
	return arg;
}

/* A limit of root's is none. */
static void no_thread(void)
{
	pthread_t thread;

	gate_new(&g);
	set_limit(RLIMIT_NPROC, 0);
	if (!geteuid())
		CHECK(!setgroups(0, NULL) && !setgid(NOBODY) && !setuid(NOBODY),
			"setuid: %s", probe_errno(errno));
	CHECK(pthread_create(&thread, NULL, nothing, NULL) == EAGAIN,
		"a thread could be made");
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	comes_to_an_end(fd);
	close(fd);
}

static void no_descriptor(void)
{
	gate_new(&g);
	set_limit(RLIMIT_NOFILE, 64);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	while (dup(1) >= 0)
		;
	comes_to_an_end(fd);
	CHECK(dup(1) < 0 && errno == EMFILE, "a number is free now");
}

/* One or two are left, which may be too few. */
static void few_descriptors(void)
{
	gate_new(&g);
	set_limit(RLIMIT_NOFILE, 64);
	for (int n_free = 1; n_free < 5; n_free++) {
		int fd = probe_socket(&g.addr, SOCK_NONBLOCK), last = 0;
		for (int i = dup(1); i >= 0; i = dup(1))
			last = i;
		closefrom(last - n_free + 1);
		comes_to_an_end(fd);
		closefrom(fd);
	}
}

/* The socket's own number is not below the limit any more. */
static void beyond_the_limit(void)
{
	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	CHECK(dup2(fd, 300) == 300, "dup2: %s", probe_errno(errno));
	close(fd);
	set_limit(RLIMIT_NOFILE, 200);
	comes_to_an_end(300);
	close(300);
}

/* As `ulimit -s 64`, which is what threads get too. */
static void small_stack(void)
{
	char *argv[10];
	int n = 0;

	for (; gate_again[n]; n++)
		argv[n] = gate_again[n];
	argv[n++] = small_stack_option;
	argv[n] = NULL;
	set_limit(RLIMIT_STACK, 64 * 1024);
	execv(argv[0], argv);
	CHECK(0, "exec: %s", probe_errno(errno));
}

static void in_small_stack(void)
{
	struct rlimit limit;

	CHECK(!getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur == 64 * 1024,
		"the stack's limit is another");
	gate_new(&g);
	int fd = gate_begin(&g);
	gate_finish(&g, fd);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{.name = "left-connected", .run = left_connected},
		{.name = "left-refused", .run = left_refused},
		{.name = "left-closed", .run = left_closed},
		{.name = "left-given-up", .run = left_given_up},
		{.name = "left-by-many", .run = left_by_many},
		{.name = "one-by-one", .run = one_by_one},
		{.name = "no-thread", .run = no_thread},
		{.name = "no-descriptor", .run = no_descriptor},
		{.name = "few-descriptors", .run = few_descriptors},
		{.name = "beyond-the-limit", .run = beyond_the_limit},
		{.name = "small-stack", .run = small_stack},
	};
	static const struct check inside = {
		.name = "small-stack", .run = in_small_stack};

	if (probe_flag(&argc, argv, small_stack_option))
		return checks_run(argc, argv, &inside, 1);
	return checks_run(argc, argv, checks, PROBE_LEN(checks));
}

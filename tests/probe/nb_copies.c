/*
 * Copies of a number whose connect is pending: all are the connected socket,
 * and each number's close-on-exec is its own.
 *
 * Arguments: see probe_gate.h
 */
#include "probe_gate.h"

#include <linux/close_range.h>
#include <sys/resource.h>

#define MANY 40

static struct gate g;

static int begin(void)
{
	gate_new(&g);
	return gate_begin(&g);
}

static uint64_t cookie(int fd)
{
	uint64_t value = 0;
	socklen_t len = sizeof(value);

	CHECK(!getsockopt(fd, SOL_SOCKET, SO_COOKIE, &value, &len),
		"SO_COOKIE of %d: %s", fd, probe_errno(errno));
	return value;
}

struct copies {
	int fd[5]; /* the first one is what was copied */
};

static const int cloexec[5] = {0, 0, 0, FD_CLOEXEC, FD_CLOEXEC};

static struct copies copy(int fd)
{
	struct copies c = {{fd, dup(fd), dup2(fd, 100),
		dup3(fd, 101, O_CLOEXEC), fcntl(fd, F_DUPFD_CLOEXEC, 150)}};

	for (int i = 0; i < 5; i++)
		CHECK(c.fd[i] >= 0, "copy %d: %s", i, probe_errno(errno));
	return c;
}

/* One socket by all numbers, and each number's close-on-exec its own. */
static void all_are_connected(const struct copies *c)
{
	gate_go(&g);
	for (int i = 0; i < 5; i++) {
		gate_check(&g, c->fd[i]);
		CHECK(cookie(c->fd[i]) == cookie(c->fd[0]),
			"copy %d is another socket", i);
		CHECK(fcntl(c->fd[i], F_GETFD) == cloexec[i],
			"close-on-exec of copy %d: %d", i,
			fcntl(c->fd[i], F_GETFD));
		CHECK(fcntl(c->fd[i], F_GETFL) == (O_RDWR | O_NONBLOCK),
			"file flags of copy %d: %#x", i,
			fcntl(c->fd[i], F_GETFL));
	}
	for (int i = 0; i < 4; i++)
		close(c->fd[i]);
	gate_check(&g, c->fd[4]);
	close(c->fd[4]);
	gate_gone(&g);
}

static void copied_before(void)
{
	gate_new(&g);
	struct copies c = copy(probe_socket(&g.addr, SOCK_NONBLOCK));
	gate_connect(&g, c.fd[2]);
	all_are_connected(&c);
}

static void copied_pending(void)
{
	struct copies c = copy(begin());

	CHECK_ERR(connect(c.fd[1], &g.addr.sa, g.addr.len), EALREADY);
	all_are_connected(&c);
}

static void many_copies(void)
{
	int fd = begin(), copies[MANY];

	for (int i = 0; i < MANY; i++) {
		copies[i] = i % 2 ? dup(fd) : dup(i ? copies[i - 1] : fd);
		CHECK(copies[i] >= 0, "dup: %s", probe_errno(errno));
	}
	gate_go(&g);
	gate_check(&g, fd);
	for (int i = 0; i < MANY; i++)
		gate_check(&g, copies[i]);
	for (int i = 0; i < MANY; i++)
		close(copies[i]);
	close(fd);
	gate_gone(&g);
}

static void original_closed(void)
{
	int fd = begin(), copy = dup(fd);

	close(fd);
	CHECK(!probe_wait(copy, POLLIN | POLLOUT, 20), "ready by now");
	gate_finish(&g, copy);
	CHECK_ERR(fcntl(fd, F_GETFD), EBADF);
	close(copy);
	gate_gone(&g);
}

/* What cloexec says later than the connect does is kept too. */
static void cloexec_changed(void)
{
	int fd = begin(), copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(copy, F_SETFD, 0);
	gate_finish(&g, fd);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC, "lost");
	CHECK(fcntl(copy, F_GETFD) == 0, "the copy's is set");
	close(fd);
	close(copy);
}

/* Another socket of the same kind, which is pending itself. */
static void replaced_by_pending(void)
{
	struct gate other;

	gate_new(&other);
	int fd = begin(), second = gate_begin(&other);
	CHECK(dup2(second, fd) == fd, "dup2: %s", probe_errno(errno));
	gate_gone(&g);
	gate_go(&g);
	gate_go(&other);
	gate_check(&other, fd);
	gate_check(&other, second);
	CHECK(cookie(fd) == cookie(second), "not one socket");
}

static void range_cloexec(void)
{
	int fd = begin();

	CHECK(!close_range(fd, ~0U, CLOSE_RANGE_CLOEXEC), "close_range: %s",
		probe_errno(errno));
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC, "while pending: not set");
	gate_finish(&g, fd);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC, "afterwards: not set");
	close(fd);
}

/* A program closes all but what it needs: by a range, */
static void others_closed_by_range(void)
{
	int fd = begin();

	CHECK(!close_range(fd + 1, ~0U, 0), "close_range: %s",
		probe_errno(errno));
	gate_finish(&g, fd);
	close(fd);
	gate_gone(&g);
}

static void others_closed_from(void)
{
	int fd = begin();

	closefrom(fd + 1);
	gate_finish(&g, fd);
	close(fd);
	gate_gone(&g);
}

/* or one by one, as old daemons do. */
static void others_closed(void)
{
	struct rlimit limit;
	int fd = begin();

	CHECK(!getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	for (int i = fd + 1; i < (int)limit.rlim_cur && i < 65536; i++)
		CHECK_ERR(close(i), EBADF);
	gate_finish(&g, fd);
	close(fd);
	gate_gone(&g);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{.name = "copied-before", .run = copied_before},
		{.name = "copied-pending", .run = copied_pending},
		{.name = "many-copies", .run = many_copies},
		{.name = "original-closed", .run = original_closed},
		{.name = "cloexec-changed", .run = cloexec_changed},
		{.name = "replaced-by-pending", .run = replaced_by_pending},
		{.name = "range-cloexec", .run = range_cloexec},
		{.name = "others-closed-by-range",
			.run = others_closed_by_range},
		{.name = "others-closed-from", .run = others_closed_from},
		{.name = "others-closed", .run = others_closed},
	};

	return checks_run(argc, argv, checks, PROBE_LEN(checks));
}

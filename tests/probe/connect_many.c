/*
 * Many non-blocking connects at a time in one poll loop.
 *
 * connect_many HOST PORT N [--within-ms MS]
 * HOST PORT		an echo
 * --within-ms MS	all N are through and have echoed within this time
 */
#include "probe.h"

#define ARGS "HOST PORT N [--within-ms MS]"

static int begin(const struct probe_addr *a)
{
	int fd = probe_socket(a, SOCK_NONBLOCK);

	CHECK(!connect(fd, &a->sa, a->len) || errno == EINPROGRESS,
		"connect %s: %s", probe_str(a), probe_errno(errno));
	return fd;
}

static void finish(const struct pollfd *p)
{
	CHECK(p->revents == POLLOUT, "poll: events %#x", p->revents);
	CHECK(!probe_so_error(p->fd), "SO_ERROR: not 0");
	probe_echo(p->fd);
	close(p->fd);
}

int main(int argc, char **argv)
{
	long within_ms = probe_number(&argc, argv, "--within-ms", 60000);
	struct probe_addr a;

	probe_positional(argc, argv, 3, 3, ARGS);
	probe_watchdog(120);
	probe_resolve(&a, argv[1], argv[2]);
	int n = atoi(argv[3]), left = n;
	struct pollfd *fds = calloc(n, sizeof(*fds));
	long start = probe_now_ms();
	for (int i = 0; i < n; i++)
		fds[i] = (struct pollfd){begin(&a), POLLOUT, 0};
	while (left) {
		CHECK(poll(fds, n, 20000) > 0, "%d of %d hang", left, n);
		for (int i = 0; i < n; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			finish(fds + i);
			fds[i].fd = -1;
			left--;
		}
	}
	long took = probe_now_ms() - start;
	CHECK(took <= within_ms, "%d connects took %ld ms", n, took);
	free(fds);
	return 0;
}

/*
 * A connect that fails does so with the right errno, in time, leaves nothing
 * behind, and the same socket can be connected elsewhere.
 *
 * connect_err HOST PORT ERRNO[,ERRNO...] [--nonblock] [--within-ms N]
 *	[--not-before-ms N] [--sndtimeo MS] [--retry HOST2 PORT2]
 * ERRNO		as in ECONNREFUSED; any of the list will do
 * --nonblock		the errno may come from connect() or from SO_ERROR
 * --sndtimeo MS	with SO_SNDTIMEO
 * --retry HOST2 PORT2	an echo; same family as HOST
 */
#include "probe.h"

#include <sys/time.h>

#define ARGS                                                                   \
	"HOST PORT ERRNO[,...] [--nonblock] [--within-ms N] "                  \
	"[--not-before-ms N] [--sndtimeo MS] [--retry HOST2 PORT2]"

static bool expected(const char *list, int e)
{
	for (const char *at = list; *at; at += strcspn(at, ","), at += !!*at) {
		int known = probe_errno_named(at, strcspn(at, ","));
		if (!known)
			probe_usage(ARGS);
		if (known == e)
			return true;
	}
	return false;
}

/* The errno of a connect on this socket, blocking or not; 0: connected. */
static int outcome(int fd, const struct probe_addr *a, long ms)
{
	if (!connect(fd, &a->sa, a->len))
		return 0;
	if (errno != EINPROGRESS || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		return errno;
	int events = probe_wait(fd, POLLOUT, ms);
	CHECK(events, "nothing after %ld ms", ms);
	int e = probe_so_error(fd);
	CHECK(!e == !(events & POLLERR), "events %#x with SO_ERROR %s", events,
		probe_errno(e));
	CHECK(!probe_so_error(fd), "SO_ERROR is there twice");
	return e;
}

/* What a socket looks like whose connect has failed. */
static void check_failed(int fd, int fl, int fds)
{
	struct probe_addr peer = {.len = sizeof(peer.storage)};

	int e = probe_so_error(fd);
	CHECK(!e, "SO_ERROR after the failure: %s", probe_errno(e));
	CHECK_ERR(getpeername(fd, &peer.sa, &peer.len), ENOTCONN);
	CHECK_ERR(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(fcntl(fd, F_GETFL) == fl, "file flags: %#x before, %#x after", fl,
		fcntl(fd, F_GETFL));
	probe_settle_fds(fds);
}

static void retry(int fd, const struct probe_addr *a)
{
	int e = outcome(fd, a, 20000);

	/*
	 * Linux tells a non-blocking socket whose SO_ERROR has been read once
	 * more that the old attempt is over.
	 */
	if (e == ECONNABORTED && (fcntl(fd, F_GETFL) & O_NONBLOCK))
		e = outcome(fd, a, 20000);
	CHECK(!e, "again, to %s: %s", probe_str(a), probe_errno(e));
	probe_echo(fd);
}

int main(int argc, char **argv)
{
	bool nonblock = probe_flag(&argc, argv, "--nonblock");
	bool again = probe_flag(&argc, argv, "--retry");
	long within = probe_number(&argc, argv, "--within-ms", 60000);
	long least = probe_number(&argc, argv, "--not-before-ms", 0);
	long sndtimeo = probe_number(&argc, argv, "--sndtimeo", 0);
	struct timeval tv = {sndtimeo / 1000, sndtimeo % 1000 * 1000};
	struct probe_addr a, b;

	probe_positional(argc, argv, again ? 5 : 3, again ? 5 : 3, ARGS);
	expected(argv[3], -1);
	probe_watchdog(within / 1000 + 60);
	probe_resolve(&a, argv[1], argv[2]);
	if (again)
		probe_resolve(&b, argv[4], argv[5]);
	int fd = probe_socket(&a, nonblock ? SOCK_NONBLOCK : 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	int fl = fcntl(fd, F_GETFL), fds = probe_count_fds();

	long start = probe_now_ms();
	int e = outcome(fd, &a, within + 5000);
	long took = probe_now_ms() - start;
	CHECK(e, "connect %s: no error, not %s", probe_str(&a), argv[3]);
	CHECK(expected(argv[3], e), "connect %s: %s, not %s", probe_str(&a),
		probe_errno(e), argv[3]);
	CHECK(took <= within, "%s after %ld ms, not within %ld", probe_errno(e),
		took, within);
	CHECK(took >= least, "%s after %ld ms, not %ld", probe_errno(e), took,
		least);
	if (!sndtimeo) /* the kernel goes on with such an attempt */
		check_failed(fd, fl, fds);
	memset(&tv, 0, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (again)
		retry(fd, &b);
	return 0;
}

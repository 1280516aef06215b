/*
 * Nothing is said, and nothing of the program's is used up: no output, the
 * rand() sequence as ever, no line in a file that has become descriptor 2.
 *
 * quiet HOST PORT DEAD_PORT [--empty FILE] [--closed]
 * HOST PORT	an echo; the case sees to it that both outputs stay empty
 * DEAD_PORT	a port of HOST that refuses
 * --empty FILE	descriptor 2 is closed and FILE opened instead; it stays empty
 *		while connects to DEAD_PORT fail and a datagram is sent there,
 *		which the library may refuse
 * --closed	as --empty, in a process that starts without descriptor 2
 * --failures	only what fails: for a server that nobody can reach
 */
#include "probe.h"

#include <sys/stat.h>

#define ARGS "HOST PORT DEAD_PORT [--empty FILE] [--closed] [--failures]"
#define N    8

static void failures(const char *host, const char *port)
{
	struct probe_addr a;

	for (int i = 0; i < 4; i++) {
		probe_resolve(&a, host, port);
		int fd = probe_socket(&a, i & 1 ? SOCK_NONBLOCK : 0);
		int r = connect(fd, &a.sa, a.len);
		if (r && errno == EINPROGRESS) {
			probe_wait(fd, POLLOUT, 20000);
			r = probe_so_error(fd) ? -1 : 0;
		}
		CHECK(r, "a connect to the dead port works");
		close(fd);
		fd = socket(a.sa.sa_family, SOCK_DGRAM, 0);
		r = sendto(fd, "x", 1, 0, &a.sa, a.len);
		close(fd);
	}
}

static void stays_empty(const char *file, const char *host, const char *dead)
{
	struct stat st;

	close(2);
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	CHECK(fd == 2, "fd %d: is 2 in use?", fd);
	failures(host, dead);
	CHECK(!fstat(2, &st) && st.st_size == 0, "%s: %ld bytes", file,
		(long)st.st_size);
}

/* Without srand() the sequence is that of srand(1). */
static void check_sequence(const int *rands, const long *randoms)
{
	srand(1);
	for (int i = 0; i < N; i++)
		CHECK(rand() == rands[i], "rand() number %d has changed", i);
	srandom(1);
	for (int i = 0; i < N; i++)
		CHECK(random() == randoms[i], "random() number %d has changed",
			i);
}

/* Nothing of it is heard, and the numbers between them are as ever. */
static void successes(const char *host, const char *port)
{
	int rands[N];
	long randoms[N];
	struct probe_addr a;

	for (int i = 0; i < N; i++) {
		probe_resolve(&a, host, port);
		int fd = probe_connected(&a);
		probe_echo(fd);
		close(fd);
		rands[i] = rand();
	}
	srandom(1);
	for (int i = 0; i < N; i++) {
		close(probe_connected(&a));
		randoms[i] = random();
	}
	check_sequence(rands, randoms);
}

int main(int argc, char **argv)
{
	const char *file = probe_value(&argc, argv, "--empty", NULL);
	bool closed = probe_flag(&argc, argv, "--closed");
	bool only_failures = probe_flag(&argc, argv, "--failures");

	probe_positional(argc, argv, 3, 3, ARGS);
	if (closed && file) {
		close(2);
		execl("/proc/self/exe", argv[0], argv[1], argv[2], argv[3],
			"--empty", file, only_failures ? "--failures" : NULL,
			NULL);
		CHECK(0, "exec: %s", probe_errno(errno));
	}
	probe_watchdog(60);
	if (!only_failures)
		successes(argv[1], argv[2]);
	if (file)
		stays_empty(file, argv[1], argv[3]);
	return 0;
}

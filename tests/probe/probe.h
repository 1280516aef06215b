/*
 * What the probes share. A probe is a small program that uses the network API
 * of libc in one way and judges what it sees, as any program would see it. It
 * knows nothing of the library: each case runs it straight against the
 * targets, where it must pass too, so a failure under the library is never the
 * probe's own.
 *
 * Contract of every probe:
 *	exit 0	all was right; nothing is printed
 *	exit 1	something was wrong; one line on stdout says what
 *	exit 2	usage
 * Any other status (a signal, a sanitizer's) is a crash. A probe that does not
 * end within its watchdog's time ends with 1 and says so.
 *
 * Each probe's first comment lists its arguments. Common to all:
 *	HOST	a name or a numeric address; ADDR a numeric address only
 *	--proxied	the library is loaded: check also what holds only then
 * "Echo" in an argument's description means a target that sends back what it
 * gets, e.g. knobd.py --knob plain.
 */
#ifndef PROBE_H
#define PROBE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

/* A socket address of either family with its length. */
struct probe_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage storage;
	};
	socklen_t len;
};

#define PROBE_LEN(array) ((int)(sizeof(array) / sizeof((array)[0])))

/*
 * CHECK(condition, format, ...): ends the probe with 1 and the line where it
 * is false. CHECK_ERR: a call that must fail with one errno.
 */
#define CHECK(cond, ...)                                                       \
	do {                                                                   \
		if (!(cond))                                                   \
			probe_fail(__LINE__, __VA_ARGS__);                     \
	} while (0)
#define CHECK_ERR(call, expected)                                              \
	do {                                                                   \
		errno = 0;                                                     \
		long r_ = (long)(call);                                        \
		int e_ = errno;                                                \
		CHECK(r_ == -1 && e_ == (expected), "%s: %ld %s, not %s",      \
			#call, r_, probe_errno(e_), probe_errno(expected));    \
	} while (0)

/* Prints "PROBE:LINE: text" and ends the process with 1. [any thread] */
void probe_fail(int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* Prints the usage line on stderr and ends the process with 2. */
void probe_usage(const char *arguments) __attribute__((noreturn));

/* After so many seconds the process ends with 1. Not inherited by fork. */
void probe_watchdog(int seconds);

/* Takes "--name" out of the arguments; true when it was there. */
bool probe_flag(int *argc, char **argv, const char *name);

/* Takes "--name VALUE" out; VALUE, or fallback when it was not there. */
const char *probe_value(
	int *argc, char **argv, const char *name, const char *fallback);

/* As probe_value(), for a whole number; anything else is a usage error. */
long probe_number(int *argc, char **argv, const char *name, long fallback);

/* Ends with usage unless min..max positional arguments are left. */
void probe_positional(
	int argc, char **argv, int min, int max, const char *arguments);

/*
 * Fills *a from a numeric address or a name's IPv4 address; ends the probe when
 * it fails.
 */
void probe_resolve(struct probe_addr *a, const char *host, const char *port);
void probe_resolve_as(
	struct probe_addr *a, const char *host, const char *port, int family);

/* Makes an IPv4 address ::ffff:ADDRESS. */
void probe_map(struct probe_addr *a);

/* ADDRESS:PORT in one of four buffers of the thread. */
const char *probe_str(const struct probe_addr *a);

/* Same family, address, port. */
bool probe_same(const struct probe_addr *a, const struct probe_addr *b);

/* Does the address lie in 198.18.0.0/15 or fd53:6f63:6b73::/64? */
bool probe_is_fake(const struct sockaddr *sa);

/* A stream socket of the address's family, with flags like SOCK_NONBLOCK. */
int probe_socket(const struct probe_addr *a, int flags);

/*
 * A blocking connect, EINTR or not; ends the probe when it fails. The variant
 * gives a connected socket.
 */
void probe_connect(int fd, const struct probe_addr *a);
int probe_connected(const struct probe_addr *a);

/* A listening socket on a loopback address; its address goes into *a. */
int probe_listen(struct probe_addr *a, const char *loopback);

/* Waits up to ms for events on fd; what poll() reports, 0 for none. */
int probe_wait(int fd, int events, int ms);

/* Sends all; blocking or not. */
void probe_send(int fd, const void *data, size_t n);

/* Reads exactly n bytes within ms; blocking or not; how many came. */
size_t probe_recv(int fd, void *data, size_t n, int ms);

/* A line of its own to an echo and back. The fd may be non-blocking. */
void probe_echo(int fd);

int probe_so_error(int fd);
int probe_option(int fd, int level, int name);
int probe_count_fds(void);
/* So many of them, as soon as a thread of the library that has just done its
 * work is gone. */
void probe_settle_fds(int n);
long probe_now_ms(void);

/* "ECONNREFUSED" for a number (never NULL), and back (0: no such name). */
const char *probe_errno(int number);
int probe_errno_named(const char *name, size_t n);

/* Waits for a child and ends the probe unless it ended with 0. */
void probe_reap(pid_t child, const char *what);

#endif

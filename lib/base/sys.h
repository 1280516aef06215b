/*
 * The only door to the system calls that socksify itself interposes, and to
 * the clock.
 *
 * Inside a program that runs under the library, connect() is our own hook;
 * so base and core never name these functions, they call through this table.
 * The library fills it with libc's real functions, tools with sys_libc.c,
 * unit tests with a script. Every function has the meaning, return value and
 * errno of its namesake in libc.
 */
#ifndef SX_BASE_SYS_H
#define SX_BASE_SYS_H

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

struct sx_sys {
	int (*socket)(int domain, int type, int protocol);
	int (*connect)(int fd, const struct sockaddr *sa, socklen_t len);
	ssize_t (*send)(int fd, const void *buf, size_t n, int flags);
	ssize_t (*recv)(int fd, void *buf, size_t n, int flags);
	int (*poll)(struct pollfd *fds, nfds_t n, int timeout_ms);
	int (*getsockopt)(
		int fd, int level, int name, void *val, socklen_t *len);
	int (*setsockopt)(
		int fd, int level, int name, const void *val, socklen_t len);
	int (*getsockname)(int fd, struct sockaddr *sa, socklen_t *len);
	int (*bind)(int fd, const struct sockaddr *sa, socklen_t len);
	int (*fcntl)(int fd, int cmd, long arg);
	int (*dup3)(int from, int to, int flags);
	int (*close)(int fd);
	int (*clock_gettime)(clockid_t clock, struct timespec *ts);
	int (*getaddrinfo)(const char *host, const char *service,
		const struct addrinfo *hints, struct addrinfo **res);
	void (*freeaddrinfo)(struct addrinfo *res);
};

/* The table over plain libc. For the command and tests: never linked into
 * the library, where libc's names are our own. */
extern const struct sx_sys sx_sys_libc;

#endif

/*
 * A destination that answers when it is told to, so that a connect stays
 * pending as long as a probe wants; and the checks of such connects.
 *
 * The destinations are those of tests/e2e/gates.py: under the library the
 * SOCKS server holds its answer, straight the kernel's own connect waits for
 * a full backlog. A probe says what is to happen on a unix socket, and cannot
 * tell the one from the other.
 *
 * Every such probe is called
 *	NAME HOST CONTROL [--mapped] [--proxied] [--only CHECK]
 *	HOST	where the destinations are, a numeric address
 *	CONTROL	the path of the unix socket
 *	--mapped	use sockets of IPv6 for an IPv4 address
 * The checks run side by side, each in a process of its own, and the probe
 * says a line for each that fails instead of one line in all. A connect that
 * waits for an answer costs a second straight: the kernel's SYN is repeated
 * after so long.
 */
#ifndef PROBE_GATE_H
#define PROBE_GATE_H

#include "probe.h"

#include <pthread.h>

struct check {
	const char *name;
	void (*run)(void);
	bool only_proxied; /* the kernel does otherwise, by a known rule */
};

/* Runs the checks; what main() returns. */
int checks_run(int argc, char **argv, const struct check *checks, int n);

/* Was --proxied given? */
extern bool gate_proxied;

/* The command line once more, for an exec of this program: argv[0] (a path
 * that any process can open), HOST, CONTROL and options; NULL-terminated. */
extern char *gate_again[8];

struct gate {
	struct probe_addr addr;
	int port;
};

/* A destination that nobody has asked for. */
void gate_new(struct gate *g);

/* Waits until somebody asks for it. */
void gate_held(const struct gate *g);

/* From now on it takes, or refuses, all who ask. "saying": what it says at
 * once to those who come; without it, it is an echo. */
void gate_go(const struct gate *g);
void gate_go_saying(const struct gate *g, const char *text);
void gate_refuse(const struct gate *g);

/* As gate_go(), not waiting until it is done; gate_sync() does. Nothing else
 * may be asked between the two. */
void gate_go_soon(const struct gate *g);
void gate_sync(void);

/* How many have asked for it, as far as can be seen. */
int gate_seen(const struct gate *g);

/* Waits until nobody is there any more. */
void gate_gone(const struct gate *g);

/* A socket, not blocking, whose connect to the destination is pending: it is
 * there, and waits for the answer. */
int gate_begin(const struct gate *g);

/* The same for a socket that is there already. */
void gate_connect(const struct gate *g, int fd);

/* The connect has come to a good end: writable and nothing else, no error,
 * the right peer, and data go to and fro. */
void gate_check(const struct gate *g, int fd);

/* The same for a program that has not made the connect itself: the peer may
 * be another for it. */
void gate_check_given(int fd);

/* gate_go() and gate_check(). */
void gate_finish(const struct gate *g, int fd);

/*
 * Says "go" by a process of its own: after gate_helped() or an exec of this
 * one, else after 300 ms. For calls that may wait for the end of what is
 * pending, and need not. Called before the connect, so that the process has
 * nothing of it. Returns its number, for waitpid().
 */
pid_t gate_help(const struct gate *g);
void gate_helped(void);

/* As fork(); the child has a watchdog and ends with its parent. */
pid_t check_fork(void);

/* What a thread does; it is waiting in a system call when the function
 * returns. Its number goes into tid, its end is seen by check_join(). */
struct waiter {
	pthread_t thread;
	pid_t tid; /* set by the thread */
	void (*run)(struct waiter *);
	int fd;
	int result;
	const struct gate *gate;
};
void check_thread(struct waiter *w);
void check_join(struct waiter *w);

/* Waits until so many threads, or descriptors, are left in this process. */
void check_threads(int n);
void check_fds(int n);
int check_count_threads(void);

/* Waits until a thread of this process waits in poll() or what is like it. */
void check_blocked(pid_t tid);

#endif

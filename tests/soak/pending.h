/*
 * What the two files of the program pending share: see pending.c.
 */
#ifndef PENDING_H
#define PENDING_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What comes of a connection; the first part of its port tells late.c. */
enum kind {
	BANNER = 22,
	ANSWER = 23,
	REFUSED = 30,
	CLOSED = 31,
	RESET = 32,
};

enum state {
	CONNECTING,
	ASKED,
	IN_CHILD, /* a child has it, this process has closed it */
	ENDED,    /* closed; its child is not yet */
	SILENT    /* nothing more is done, and it is closed later */
};

struct worker {
	pthread_t thread;
	int epoll;
	uint64_t random;
};

/*
 * One connection. Only its owner touches it; NULL: the slot is free. The new
 * owner of one that was handed over watches it first.
 */
struct task {
	_Atomic(struct worker *) owner;
	uint32_t generation;      /* of the slot: in its epoll events */
	uint32_t lazy_generation; /* the latest closed while it was watched */
	unsigned number;
	int fd;
	enum kind kind;
	enum state state;
	bool by_poll, is_watched, is_handed;
	bool is_replaced; /* /dev/null has its number */
	uint32_t events;  /* that epoll is to look for */
	struct sockaddr_in dest;
	char want[64]; /* the line that this one alone is told */
	char in[64];
	size_t n_in;
	uint64_t give_up_ms, late_ms;
	pid_t child;
	uint64_t kill_ms; /* when the child is killed; 0: never */
	bool is_aborted;  /* the connection was pending when a child took it */
	unsigned n_acts;  /* to be done yet */
	char trace[48];   /* what was done, a letter each, for people */
	size_t n_trace;
};

#define ACTIONS(X)                                                             \
	X(CLOSE, close)                                                        \
	X(DUP, dup)                                                            \
	X(DUP2, dup2)                                                          \
	X(REPLACE, replace)                                                    \
	X(FORK, fork)                                                          \
	X(TAKE, take)                                                          \
	X(KILL, kill)                                                          \
	X(SHUTDOWN, shutdown)                                                  \
	X(EPOLL, epoll)                                                        \
	X(QUERY, query)                                                        \
	X(HAND, hand)

enum action {
#define X(upper, lower) ACT_##upper,
	ACTIONS(X)
#undef X
	N_ACTIONS
};

extern const char *const action_names[N_ACTIONS];
extern unsigned actions; /* a bit for each that may be done */
extern bool is_under_library;

uint64_t now_ms(void);

/* 0 .. n - 1 */
unsigned pick(struct worker *w, unsigned n);

/* Another worker, or w where there is one alone. */
struct worker *other_worker(struct worker *w);

/* Counts it, says why on stderr, and gives the slot back. */
void fail(struct task *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Closes what it has. Once its child has ended, if there is one, it counts as
 * passed, and the slot is given back.
 */
void pass(struct task *t);

/*
 * Into its worker's epoll set, or changed there; nothing for one by poll().
 * Out of it, if it is there.
 */
void watch(struct task *t);
void unwatch(struct task *t);

/* Out of the epoll set, or, now and then, as programs do that do not care. */
void close_task(struct task *t);

/* Whether err is what its destination answers; 0: there is a tunnel. */
bool is_expected(const struct task *t, int err);

/*
 * Does one random thing to a connection that may be pending, of those that
 * it has left. It may have
 * ended, or be another's, afterwards: true if it is still the worker's.
 */
bool act(struct worker *w, struct task *t);

/* Kills and reaps the child when it is time; false: the task has failed. */
bool mind_child(struct task *t);

#endif

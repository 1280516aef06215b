/*
 * The thread that dials for all pending connections of the process, and what
 * it shares with hook/pending.c. It lives while any is pending.
 */
#ifndef SX_HOOK_DIALER_H
#define SX_HOOK_DIALER_H

#include "core/connecting.h"
#include "hook/copies.h"
#include "hook/standin.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/queue.h>

enum sx_pending_phase {
	SX_PENDING_FREE,
	SX_PENDING_MADE,    /* its numbers are taken; not the dialer's yet */
	SX_PENDING_DIALING, /* the dialer's */
	SX_PENDING_BACK,    /* the socket is back, but somebody has hold of
			       the stand-in still */
};

/* Guarded by the lock, but for what is the dialer's alone. */
struct sx_pending {
	enum sx_pending_phase phase;
	uint32_t index, generation; /* of the record; events name it so */
	LIST_ENTRY(sx_pending) link;
	int fds[SX_COPIES_MAX]; /* the program's numbers */
	unsigned n_fds;
	int domain;
	struct sockaddr_storage sa; /* what the program asked for */
	socklen_t sa_len;
	int rcvlowat;
	int sock;        /* of our own */
	uint64_t cookie; /* its, when it is back */
	struct sx_standin standin;
	atomic_bool is_given_up; /* by the program; needs no lock */

	/* the dialer's */
	struct sx_connecting dialed;
	short armed;      /* for these events sock is watched */
	int armed_family; /* with another family it is another socket */
};

LIST_HEAD(sx_pending_list, sx_pending);

struct sx_dialer {
	bool is_up;
	int epoll, wake;             /* of our own */
	atomic_bool is_woken;        /* and has not looked yet */
	struct sx_pending_list made; /* handed over, not taken yet */
};

/* Starts it; the lock is held. 0 or -errno. */
int sx_dialer_start(struct sx_dialer *d, const struct sx_ownfd *room);

/* It has something new to look at. [any thread] */
void sx_dialer_wake(struct sx_dialer *d);

/* Closes what start() opened. */
void sx_dialer_close(struct sx_dialer *d);

/* Of pending.c, for the thread; the lock is held. */
void sx_pending_put_back(struct sx_pending *p);
void sx_pending_end(struct sx_pending *p); /* its record goes */
/* Without the lock. True: nothing is left, and the thread is to end. */
bool sx_pending_is_over(void);

#endif

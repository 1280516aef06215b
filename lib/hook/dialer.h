/*
 * The thread that dials for all pending connections of the process, and what
 * it shares with hook/pending.c. It lives while any is pending.
 */
#ifndef SX_HOOK_DIALER_H
#define SX_HOOK_DIALER_H

#include "core/associating.h"
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

/* Of one socket. */
#define SX_PENDING_NUMBERS 64U

/* Guarded by the lock, but for what is the dialer's alone. */
struct sx_pending {
	enum sx_pending_phase phase;
	uint32_t index, generation; /* of the record; events name it so */
	LIST_ENTRY(sx_pending) link;
	int fds[SX_PENDING_NUMBERS]; /* the program's */
	unsigned n_fds;
	int domain;
	struct sockaddr_storage sa; /* what the program asked for */
	socklen_t sa_len;
	int rcvlowat;
	int sock;        /* of our own */
	bool is_let_go;  /* sock keeps only the number: the dialer's set has
			    the socket under it */
	uint64_t cookie; /* the socket's, before and when it is back */
	struct sx_standin standin;
	atomic_bool is_given_up; /* by the program; needs no lock */

	/* the dialer's */
	struct sx_carried *carried; /* not NULL: it is an association's */
	union {
		struct sx_connecting dialed;
		struct sx_associating associating;
	};
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

/* It has something new to look at. The lock is held, so that it does not end
 * meanwhile. */
void sx_dialer_wake(struct sx_dialer *d);

/* Closes what start() opened. */
void sx_dialer_close(struct sx_dialer *d);

/* Of pending.c, for the thread; the lock is held. */
void sx_pending_put_back(struct sx_pending *p);     /* to be forgotten then */
void sx_pending_forget(const struct sx_pending *p); /* the numbers */
void sx_pending_end(struct sx_pending *p);          /* its record goes */
/* Without the lock. True: nothing is left, and the thread is to end. */
bool sx_pending_is_over(void);

#endif

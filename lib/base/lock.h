/*
 * A mutex that no signal handler of its own thread can find locked: signals
 * are blocked while it is held. So fork(), which a handler may call and
 * which takes these locks, cannot deadlock on them. Hold it for microseconds,
 * never over I/O.
 */
#ifndef SX_BASE_LOCK_H
#define SX_BASE_LOCK_H

#include <pthread.h>
#include <signal.h>

struct sx_lock {
	pthread_mutex_t mutex;
	sigset_t saved; /* the holder's signal mask */
};

#define SX_LOCK_INIT                                                           \
	{                                                                      \
		.mutex = PTHREAD_MUTEX_INITIALIZER                             \
	}

void sx_lock(struct sx_lock *lock);
void sx_unlock(struct sx_lock *lock);

#endif

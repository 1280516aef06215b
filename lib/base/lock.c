#include "base/lock.h"

void sx_lock(struct sx_lock *lock)
{
	sigset_t all, saved;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	pthread_mutex_lock(&lock->mutex);
	lock->saved = saved;
}

void sx_unlock(struct sx_lock *lock)
{
	sigset_t saved = lock->saved;

	pthread_mutex_unlock(&lock->mutex);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
}

/*
 * getaddrinfo_a(3): libc's own calls its getaddrinfo() from inside, past our
 * hook. Our lookups do not wait for anybody (but those of direct names), so
 * all of them are done before this returns; gai_error(3), gai_suspend(3) and
 * gai_cancel(3) are libc's and find every request finished.
 */
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void *notify_thread(void *arg)
{
	struct sigevent sev = *(struct sigevent *)arg;

	free(arg);
	sev.sigev_notify_function(sev.sigev_value);
	return NULL;
}

static int notify_by_thread(const struct sigevent *sev)
{
	struct sigevent *copy = malloc(sizeof(*copy));
	pthread_attr_t attr;
	pthread_t thread;

	if (!copy)
		return EAI_MEMORY;
	*copy = *sev;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int err = pthread_create(&thread,
		sev->sigev_notify_attributes ? sev->sigev_notify_attributes
					     : &attr,
		notify_thread, copy);
	pthread_attr_destroy(&attr);
	if (err)
		free(copy);
	return err ? EAI_AGAIN : 0;
}

static int notify(const struct sigevent *sev)
{
	if (sev && sev->sigev_notify == SIGEV_SIGNAL)
		sigqueue(getpid(), sev->sigev_signo, sev->sigev_value);
	if (sev && sev->sigev_notify == SIGEV_THREAD)
		return notify_by_thread(sev);
	return 0;
}

static int hook_getaddrinfo_a(
	int mode, struct gaicb *list[], int n, struct sigevent *sev)
{
	if (mode != GAI_WAIT && mode != GAI_NOWAIT) {
		errno = EINVAL;
		return EAI_SYSTEM;
	}
	for (int i = 0; i < n; i++)
		if (list[i])
			list[i]->__return = getaddrinfo(list[i]->ar_name,
				list[i]->ar_service, list[i]->ar_request,
				&list[i]->ar_result);
	return mode == GAI_NOWAIT ? notify(sev) : 0;
}

SX_EXPORT int getaddrinfo_a(
	int mode, struct gaicb *list[], int n, struct sigevent *sev)
{
	return hook_getaddrinfo_a(mode, list, n, sev);
}

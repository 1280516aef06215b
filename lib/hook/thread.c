#include "hook/thread.h"

#include <errno.h>
#include <pthread.h>

#define STACK_BYTES (256 * 1024)

/* The program's thread-local variables take from the stack too: where they
 * are large the default has to do. */
int sx_thread_start(void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	size_t usual = 0;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_getstacksize(&attr, &usual);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int err = pthread_create(&thread, &attr, run, arg);
	if (err == EINVAL) {
		pthread_attr_setstacksize(&attr, usual);
		err = pthread_create(&thread, &attr, run, arg);
	}
	pthread_attr_destroy(&attr);
	return -err;
}

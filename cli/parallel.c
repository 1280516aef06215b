#include "parallel.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define STACK_SIZE (256UL * 1024)

/* Freed by whoever leaves last. */
struct gang {
	pthread_mutex_t mutex;
	pthread_cond_t done;
	unsigned n_left; /* at work */
	unsigned n_refs;
	void (*work)(void *arg, unsigned i);
	void *arg;
};

struct member {
	struct gang *gang;
	unsigned i;
};

static void leave(struct gang *g)
{
	bool is_last = --g->n_refs == 0;

	pthread_mutex_unlock(&g->mutex);
	if (is_last)
		free(g);
}

static void *run(void *arg)
{
	struct member *m = arg;
	struct gang *g = m->gang;

	g->work(g->arg, m->i);
	free(m);
	pthread_mutex_lock(&g->mutex);
	g->n_left--;
	pthread_cond_signal(&g->done);
	leave(g);
	return NULL;
}

static bool start(struct gang *g, unsigned i, const pthread_attr_t *attr)
{
	struct member *m = malloc(sizeof(*m));
	pthread_t thread;

	if (!m)
		return false;
	*m = (struct member){g, i};
	pthread_mutex_lock(&g->mutex);
	bool started = pthread_create(&thread, attr, run, m) == 0;
	g->n_left += started;
	g->n_refs += started;
	pthread_mutex_unlock(&g->mutex);
	if (!started)
		free(m);
	return started;
}

static struct timespec time_in(unsigned ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += ms % 1000 * 1000000L;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000L;
	}
	return ts;
}

static bool wait_for_all(struct gang *g, unsigned limit_ms)
{
	const struct timespec until = time_in(limit_ms);
	int err = 0;

	pthread_mutex_lock(&g->mutex);
	while (g->n_left && !err)
		err = limit_ms ? pthread_cond_clockwait(&g->done, &g->mutex,
					 CLOCK_MONOTONIC, &until)
			       : pthread_cond_wait(&g->done, &g->mutex);
	bool all = g->n_left == 0;
	leave(g);
	return all;
}

bool sx_parallel(unsigned n, void (*work)(void *arg, unsigned i), void *arg,
	unsigned limit_ms)
{
	struct gang *g = malloc(sizeof(*g));
	pthread_attr_t attr;

	if (!g)
		return false;
	*g = (struct gang){.n_refs = 1,
		.work = work,
		.arg = arg,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.done = PTHREAD_COND_INITIALIZER};
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (unsigned i = 0; i < n; i++)
		if (!start(g, i, &attr) && !limit_ms)
			work(arg, i); /* no thread is to be had */
	pthread_attr_destroy(&attr);
	return wait_for_all(g, limit_ms);
}

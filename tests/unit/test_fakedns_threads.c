/*
 * The fake-DNS table under 32 threads that resolve while another forks:
 * every answer belongs to its name, in the children as well. Meant for the
 * thread and address sanitizers too, so this is a plain program.
 */
#include "core/fakedns.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_THREADS 32
#define N_NAMES   200
#define N_FORKS   50

static struct sx_fakedns *table;
static atomic_uint n_wrong, n_done;

static bool is_right(unsigned thread, unsigned i)
{
	char name[64];
	struct sx_ip v4, v6;

	/* half of the names are shared between the threads */
	snprintf(name, sizeof(name), "n%u.t%u.example", i, i % 2 ? thread : 0);
	if (sx_fakedns_get(table, name, AF_INET, &v4) ||
		sx_fakedns_get(table, name, AF_INET6, &v6))
		return false;
	const char *back4 = sx_fakedns_name(table, &v4);
	const char *back6 = sx_fakedns_name(table, &v6);
	return back4 && back6 && !strcmp(back4, name) && !strcmp(back6, name);
}

static void *resolve(void *arg)
{
	unsigned thread = *(unsigned *)arg;

	for (unsigned i = 0; i < N_NAMES; i++)
		if (!is_right(thread, i))
			atomic_fetch_add(&n_wrong, 1);
	atomic_fetch_add(&n_done, 1);
	return NULL;
}

static bool child_is_right(unsigned child)
{
	bool right = true;
	pid_t pid;
	int status;

	sx_fakedns_before_fork(table);
	pid = fork();
	sx_fakedns_after_fork(table);
	if (pid == 0) {
		for (unsigned i = 0; i < 20; i++)
			right = right && is_right(1000 + child, i);
		_exit(right ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(void)
{
	pthread_t threads[N_THREADS];
	unsigned numbers[N_THREADS], n_children_wrong = 0, n_forks = 0;

	if (sx_fakedns_new(&table))
		return 1;
	for (unsigned i = 0; i < N_THREADS; i++) {
		numbers[i] = i;
		if (pthread_create(&threads[i], NULL, resolve, &numbers[i]))
			return 1;
	}
	while (n_forks < N_FORKS || atomic_load(&n_done) < N_THREADS)
		n_children_wrong += !child_is_right(n_forks++);
	for (unsigned i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	sx_fakedns_free(table);
	puts("TAP version 13\n1..2");
	printf("%sok 1 - every answer belongs to its name\n",
		atomic_load(&n_wrong) ? "not " : "");
	printf("%sok 2 - and in each of the forked children\n",
		n_children_wrong ? "not " : "");
	return atomic_load(&n_wrong) || n_children_wrong;
}

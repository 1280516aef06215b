/*
 * The fake-DNS table under 32 threads that resolve while another forks:
 * every answer belongs to its name, in the children as well. Then a table
 * whose names are given up and replaced all the time: no name is ever half
 * one and half another. Meant for the thread and address sanitizers too, so
 * this is a plain program.
 */
#include "core/fakedns.h"
#include "fakedns_fixture.h"

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
#define N_SMALL   20U
#define N_ROUNDS  2000

static struct sx_fakedns *table;
static atomic_uint n_wrong, n_done, n_found;

static bool is_right(unsigned thread, unsigned i)
{
	char name[64];

	/* half of the names are shared between the threads */
	snprintf(name, sizeof(name), "n%u.t%u.example", i, i % 2 ? thread : 0);
	return fix_is_known(table, name);
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
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		for (unsigned i = 0; i < 20; i++)
			right = right && is_right(1000 + child, i);
		_exit(right ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Long ones, so that a mixture would be seen. */
static const char *long_name(unsigned i, char *buf, size_t size)
{
	snprintf(buf, size,
		"n%04u.n%04u.n%04u.n%04u.n%04u.n%04u.n%04u.n%04u.example", i, i,
		i, i, i, i, i, i);
	return buf;
}

static bool is_one_of_them(const char *name)
{
	char right[128];
	unsigned i;

	return sscanf(name, "n%u.", &i) == 1 &&
	       !strcmp(name, long_name(i, right, sizeof(right)));
}

/* A day passes all the time. */
static void *replace(void *arg)
{
	unsigned thread = *(unsigned *)arg;
	char name[SX_NAME_MAX + 1];
	struct sx_ip ip;

	for (unsigned i = 0; i < N_ROUNDS; i++) {
		long_name((i * 7 + thread) % 1000, name, sizeof(name));
		if (sx_fakedns_get(table, name, AF_INET, &ip))
			continue; /* full for the moment */
		atomic_fetch_add(fix_clock_s, FIX_STALE_S);
		if (!sx_fakedns_name(table, &ip, name))
			continue; /* its record is being written */
		atomic_fetch_add(&n_found, 1);
		if (!is_one_of_them(name))
			atomic_fetch_add(&n_wrong, 1);
	}
	atomic_fetch_add(&n_done, 1);
	return NULL;
}

/* Returns how many children were wrong. */
static unsigned run(void *(*work)(void *), unsigned n_forks)
{
	pthread_t threads[N_THREADS];
	unsigned numbers[N_THREADS], n_children_wrong = 0, n = 0;

	atomic_store(&n_done, 0);
	atomic_store(&n_wrong, 0);
	for (unsigned i = 0; i < N_THREADS; i++) {
		numbers[i] = i;
		if (pthread_create(&threads[i], NULL, work, &numbers[i]))
			return 1;
	}
	while (n < n_forks || (n_forks && atomic_load(&n_done) < N_THREADS))
		n_children_wrong += !child_is_right(n++);
	for (unsigned i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	return n_children_wrong;
}

static bool say(unsigned number, bool ok, const char *what)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", number, what);
	return ok;
}

int main(void)
{
	puts("TAP version 13\n1..4");
	fflush(stdout); /* not once more by each child */
	if (sx_fakedns_new(&table, &fix_sys, SX_FAKEDNS_MAX))
		return 1;
	unsigned n_children_wrong = run(resolve, N_FORKS);
	bool ok = say(1, !n_wrong, "every answer belongs to its name");
	ok &= say(2, !n_children_wrong, "and in each of the forked children");
	sx_fakedns_free(table);
	if (sx_fakedns_new(&table, &fix_sys, N_SMALL))
		return 1;
	run(replace, 0);
	ok &= say(3, !n_wrong, "no name is a mixture of two");
	ok &= say(4, n_found > N_ROUNDS, "and there were names");
	sx_fakedns_free(table);
	return ok ? 0 : 1;
}

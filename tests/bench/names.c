/*
 * What a look-up in the fake-DNS table takes, by the number of names in it.
 *
 *     names COUNT FOLDER
 *
 * The table is a new file in FOLDER, which is removed. Linked with the core
 * archive. Prints nanoseconds: of a new name, of name to address, of address
 * to name.
 */
#include "core/fakedns.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define N_LOOKUPS 200000U

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Names in an order that no cache foresees. */
static unsigned next(unsigned *state, unsigned n)
{
	*state = *state * 1664525U + 1013904223U;
	return (unsigned)((uint64_t)*state * n >> 32);
}

static void name_of(char *buf, size_t size, unsigned i)
{
	snprintf(buf, size, "host-%u.bench.test", i);
}

static const struct sx_sys sys = {.clock_gettime = clock_gettime};

static struct sx_fakedns *new_table(const char *folder)
{
	static struct sx_state_path path;
	struct sx_fakedns *table;
	char file[1024];

	snprintf(file, sizeof(file), "%s/socksify/names", folder);
	unlink(file);
	sx_state_path(&path, folder, "/nonexistent", geteuid());
	if (sx_fakedns_new(&table, &sys, SX_FAKEDNS_MAX))
		return NULL;
	sx_fakedns_share(table, &path);
	return table;
}

int main(int argc, char **argv)
{
	unsigned n = argc == 3 ? (unsigned)strtoul(argv[1], NULL, 10) : 0,
		 state = 1;
	static char names[N_LOOKUPS][32], back[SX_NAME_MAX + 1];
	static struct sx_ip ips[N_LOOKUPS];
	struct sx_fakedns *table = n ? new_table(argv[2]) : NULL;
	size_t found = 0;

	if (!table)
		return 2;
	double begin = now_ns();
	for (unsigned i = 0; i < n; i++) {
		name_of(names[0], sizeof(names[0]), i);
		if (sx_fakedns_get(table, names[0], AF_INET, &ips[0]))
			return 1;
	}
	double full = now_ns();
	for (unsigned i = 0; i < N_LOOKUPS; i++)
		name_of(names[i], sizeof(names[i]), next(&state, n));
	double start = now_ns();
	for (unsigned i = 0; i < N_LOOKUPS; i++)
		found += !sx_fakedns_get(table, names[i], AF_INET, &ips[i]);
	double middle = now_ns();
	for (unsigned i = 0; i < N_LOOKUPS; i++)
		found += sx_fakedns_name(table, &ips[i], back);
	double end = now_ns();
	sx_fakedns_free(table);
	printf("%.0f %.0f %.0f\n", (full - begin) / n,
		(middle - start) / N_LOOKUPS, (end - middle) / N_LOOKUPS);
	return found == 2 * N_LOOKUPS ? 0 : 1;
}

/*
 * Runs several commands in turn, round after round, and prints what each run
 * took. A round begins with another command each time.
 *
 *     launch ROUNDS COMMAND [:: COMMAND]...
 *
 * COMMAND is NAME=VALUE... PROGRAM ARGUMENT...; the environment holds these
 * values and nothing else. A line for each run:
 *
 *     round command wall_ns cpu_ns page_faults
 *
 * The first round warms up and is not printed.
 */
#include "clock.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MAX_COMMANDS 16

/* Two slices of our argv, each ended by NULL. */
struct command {
	char *env[32];
	char **argv;
};

struct cost {
	long long wall_ns, cpu_ns;
	long faults;
};

static long long ns(const struct timeval *tv)
{
	return tv->tv_sec * 1000000000LL + tv->tv_usec * 1000LL;
}

/* Takes one command off; returns what is left of argv. */
static char **take(char **argv, struct command *out)
{
	size_t n = 0;

	while (*argv && strchr(*argv, '=') && n < 31)
		out->env[n++] = *argv++;
	out->env[n] = NULL;
	out->argv = argv;
	while (*argv && strcmp(*argv, "::") != 0)
		argv++;
	if (!*argv)
		return argv;
	*argv = NULL;
	return argv + 1;
}

static void measure(const struct command *c, struct cost *out)
{
	struct rusage usage;
	int status, err;
	pid_t pid;

	out->wall_ns = -now_ns();
	err = posix_spawnp(&pid, c->argv[0], NULL, NULL, c->argv, c->env);
	if (err || wait4(pid, &status, 0, &usage) != pid) {
		fprintf(stderr, "launch: %s: %s\n", c->argv[0],
			strerror(err ? err : errno));
		exit(1);
	}
	out->wall_ns += now_ns();
	if (status) {
		fprintf(stderr, "launch: %s: status %#x\n", c->argv[0],
			(unsigned)status);
		exit(1);
	}
	out->cpu_ns = ns(&usage.ru_utime) + ns(&usage.ru_stime);
	out->faults = usage.ru_minflt + usage.ru_majflt;
}

int main(int argc, char **argv)
{
	static struct command commands[MAX_COMMANDS];
	long n = 0, rounds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	struct cost cost;

	for (argv += 2; rounds > 0 && *argv && n < MAX_COMMANDS; n++)
		argv = take(argv, &commands[n]);
	if (!n)
		return 2;
	for (long round = 0; round <= rounds; round++) {
		for (long i = 0; i < n; i++) {
			long which = (round + i) % n;
			measure(&commands[which], &cost);
			if (round)
				printf("%ld %ld %lld %lld %ld\n", round, which,
					cost.wall_ns, cost.cpu_ns, cost.faults);
		}
	}
	return 0;
}

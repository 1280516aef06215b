/*
 * One probe after the other, run under socksify in the room, and what
 * becomes of each.
 */
#ifndef SX_CLI_LEAK_RUN_H
#define SX_CLI_LEAK_RUN_H

#include "leak_room.h"
#include "leak_ways.h"

#include <limits.h>

enum sx_leak_result {
	SX_LEAK_ABSENT,  /* this machine does not have the way */
	SX_LEAK_CARRIED, /* by a server */
	SX_LEAK_REFUSED,
	SX_LEAK_LOCAL, /* answered without anything going out */
	SX_LEAK_LEAKS,
};

struct sx_leak_outcome {
	enum sx_leak_result result;
	char why[24]; /* one word; empty: none */
};

extern const struct sx_way sx_ways[SX_N_WAYS];

/* Where the programs are. */
struct sx_leak_programs {
	char command[PATH_MAX]; /* socksify itself */
	char probe[PATH_MAX];
	char probe_static[PATH_MAX]; /* empty: it could not be built */
};

/* Finds them: beside the command, or where they are installed with it. 0,
 * or -1 after a message on standard error. */
int sx_leak_programs_find(struct sx_leak_programs *programs);

/*
 * Inside the room: runs all probes, as programs of that name (NULL: their
 * own). outcomes has SX_N_WAYS. 0, or -1 after a message on standard error.
 */
int sx_leak_run(struct sx_leak_room *room,
	const struct sx_leak_programs *programs, const char *app,
	struct sx_leak_outcome *outcomes);

#endif

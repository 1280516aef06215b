/*
 * The closed room of `socksify leaktest`: namespaces of its own for network,
 * mounts and processes, in which the plan's addresses are this machine's.
 *
 * It ends with the process that made it, however that one ends; nothing of
 * it is left. Its files lie in a file system in memory, over the folder that
 * would hold the state of the user's processes, so that nothing which is
 * learned of the servers played here gets into the real one.
 */
#ifndef SX_CLI_LEAK_ROOM_H
#define SX_CLI_LEAK_ROOM_H

#include "leak_plan.h"

struct sx_leak_room {
	char scratch[64]; /* the folder for files, the same in and outside */
	struct sx_leak_plan *plan; /* borrowed */
	/* Called inside, in a process of its own; its exit status */
	int (*run)(struct sx_leak_room *room, void *arg);
	void *arg; /* borrowed; what run() shall give back is shared memory */
};

/*
 * Makes the room, runs run() in it, and waits. The exit status of run(), or
 * SX_EXIT_OWN after a message on standard error. A signal that ends the
 * command (SIGINT, SIGTERM, SIGHUP) ends the room first.
 */
int sx_leak_room_run(struct sx_leak_room *room);

/* Inside: puts the file over path, which must be there. 0 or -errno. */
int sx_leak_room_cover(const char *file, const char *path);

#endif

/*
 * socksify-probe: goes one way of using the network (leak_ways.def), under
 * socksify, and says in one word how that went.
 *
 * It knows nothing of socksify and looks at nothing but what it is told on
 * its command line; whether something leaked is seen by others.
 */
#ifndef SX_CLI_LEAK_PROBE_H
#define SX_CLI_LEAK_PROBE_H

#include "leak_ways.h"

#include <netinet/in.h>
#include <sys/types.h>

/* Beside errno values. */
enum {
	PROBE_SAID = -1,       /* somebody else has said the word */
	PROBE_NO_NAME = 10000, /* the name, or the address, is not found */
	PROBE_OTHER,           /* an answer, but not the one expected */
};

struct probe {
	char **argv; /* to be run again with another argv[1] */
	const char *v4_text, *port_text;
	struct sockaddr_in v4;    /* the target */
	struct sockaddr_in6 v6;   /* the same in IPv6 */
	const char *name;         /* the same by name */
	struct sockaddr_in group; /* a multicast group, and the port */
};

/* One for each way: 0: it worked; else an errno value or one of the above.
 */
#define SX_WAY(name, text, flags) int probe_##name(const struct probe *p);
#include "leak_ways.def"
#undef SX_WAY

/* ---- what they share */

/* A TCP connection to an address, and some words there and back. */
int probe_dial(const void *sa, socklen_t len);

/* Some words to a connected peer, and the same back. Closes fd. */
int probe_talk(int fd);

/* Waits for fd to be readable. 0 or ETIMEDOUT. */
int probe_wait(int fd);

/* close(), and r. errno is kept. */
int probe_close(int fd, int r);

/* Waits for a child. PROBE_SAID when its exit status is 0 or 1, for then it
 * has spoken itself; else that status, an errno value. */
int probe_reap(pid_t pid);

/* The path of a file beside this program: its own path, and suffix. Static.
 */
const char *probe_file(const char *suffix);

#endif

/*
 * A SOCKS server while the program runs: its configuration, and the
 * addresses its host name stands for.
 *
 * The name is looked up directly, by libc, at the first connection that
 * needs it, and kept with all its addresses; after all of them have failed it
 * is looked up again.
 */
#ifndef SX_CORE_SERVER_H
#define SX_CORE_SERVER_H

#include "base/lock.h"
#include "base/sys.h"
#include "conf/conf.h"
#include "core/record.h"

#define SX_SERVER_MAX_IPS 8

struct sx_server {
	const struct sx_server_conf *conf; /* borrowed */
	struct sx_server_state *state;     /* borrowed; NULL: none */
	struct sx_lock lock;               /* guards what follows; innermost */
	struct sx_ip ips[SX_SERVER_MAX_IPS];
	unsigned n_ips; /* 0: not looked up yet, or in vain */
};

void sx_server_init(struct sx_server *s, const struct sx_server_conf *conf);

/*
 * Copies the server's addresses to out and their number to *n, looking the
 * name up if that is still to do: only then it blocks, allocates and is not
 * [signal-safe]. 0, or -EHOSTUNREACH when the name has no address. [any thread]
 */
int sx_server_addrs(struct sx_server *s, const struct sx_sys *sys,
	struct sx_ip out[SX_SERVER_MAX_IPS], unsigned *n);

/* The server as a destination for the one it is reached through. */
struct sx_dest sx_server_dest(const struct sx_server_conf *conf);

/* All addresses have failed: the next sx_server_addrs() looks up anew. */
void sx_server_forget_addrs(struct sx_server *s);

/* Around fork(), so that the child finds the lock free. */
void sx_server_before_fork(struct sx_server *s);
void sx_server_after_fork(struct sx_server *s);

#endif

/*
 * The servers and pools of a configuration while the program runs: their
 * addresses, and their records in the shared state.
 */
#ifndef SX_CORE_ROSTER_H
#define SX_CORE_ROSTER_H

#include "core/server.h"
#include "core/state.h"

struct sx_roster {
	const struct sx_conf *conf;   /* borrowed */
	struct sx_server *servers;    /* as conf->servers */
	struct sx_pool_state **pools; /* as conf->pools; NULL: no record */
};

/* 0 or -ENOMEM; sx_roster_fini() frees, also after a failure. Without
 * attach() nothing is learned and nothing counted. */
int sx_roster_init(struct sx_roster *r, const struct sx_conf *conf);
void sx_roster_fini(struct sx_roster *r);

/*
 * Finds the records of all. Configurations that name the same server
 * (protocol, address, port, first user, and the chain to it) share one,
 * whatever they call it. The state must live as long as the roster is used.
 * [any thread] [signal-safe] [after fork]
 */
void sx_roster_attach(struct sx_roster *r, struct sx_state *state);

/* Around fork(): [signal-safe]. */
void sx_roster_before_fork(struct sx_roster *r);
void sx_roster_after_fork(struct sx_roster *r);

#endif

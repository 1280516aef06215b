/*
 * What can be said of servers only when all files are read: which one each is
 * reached through, and what [defaults] mean for it.
 */
#ifndef SX_CONF_SERVERS_H
#define SX_CONF_SERVERS_H

#include "conf/draft.h"

/* Looks up the servers that others are reached through; a circle is an error.
 * Before sx_env_servers(): the environment's have no part in it. */
void sx_chains_resolve(struct sx_draft *draft);

/* Gives each server, of the environment as well, what its keys or else
 * [defaults] say. */
void sx_servers_settle(struct sx_draft *draft);

#endif

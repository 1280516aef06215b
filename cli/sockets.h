/*
 * The sockets of this machine, as the kernel lists them.
 */
#ifndef SX_CLI_SOCKETS_H
#define SX_CLI_SOCKETS_H

#include "core/roster.h"

/*
 * How many connections to server i the user's processes have open now; with
 * a unix socket, all users' together. -1: that cannot be known: it is reached
 * through another server, its host name has no address, or the kernel does
 * not tell.
 */
long sx_sockets_open(const struct sx_roster *roster, unsigned i);

#endif

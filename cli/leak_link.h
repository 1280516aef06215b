/*
 * The loopback of a new network namespace, set up over rtnetlink.
 *
 * All return 0 or -errno, and need CAP_NET_ADMIN in the namespace.
 */
#ifndef SX_CLI_LEAK_LINK_H
#define SX_CLI_LEAK_LINK_H

#include "base/addr.h"

int sx_leak_link_up(void);

/* One address on the loopback, which can be used then. One that is there
 * already is fine. */
int sx_leak_link_add(const struct sx_ip *ip);

/* IPv4 packets to nobody here go to the loopback as well. */
int sx_leak_link_default(void);

#endif

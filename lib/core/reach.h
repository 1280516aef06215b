/*
 * The socket's side of a dial: the application's own socket, connected to an
 * address and dissolved again, with its flags and family in order.
 */
#ifndef SX_CORE_REACH_H
#define SX_CORE_REACH_H

#include "base/addr.h"
#include "base/sys.h"

struct sx_reach {
	const struct sx_sys *sys;
	int fd;         /* borrowed */
	int family;     /* of the socket now: AF_INET, AF_INET6, AF_UNIX */
	int own_family; /* of the application's */
	int flags;      /* of the file, as the application has them */
	bool attempted; /* connected, or connecting, by this */
	bool is_mapped; /* an IPv6 socket that was connected by IPv4 */
};

/*
 * Begins to connect. An IPv6 socket reaches an IPv4 address by its mapped
 * form; an IPv4 socket is replaced where the address is IPv6. A blocking one
 * is made non-blocking for the moment of the call alone. 0: connected; else a
 * positive errno value, EINPROGRESS among them. [signal-safe]
 */
int sx_reach_connect(struct sx_reach *r, const struct sx_ip *ip, uint16_t port);

/*
 * The same for a unix socket's path, of at most 107 bytes: the application's
 * socket is replaced by one of that family. [signal-safe]
 */
int sx_reach_connect_unix(struct sx_reach *r, const char *path);

/*
 * How that went, once the socket says something: 0, EALREADY (not yet), or
 * why not. The second connect() tells how the first one ended, and it ends
 * it: without it Linux would let the application's next connect() succeed
 * once, on a socket that is connected. [signal-safe]
 */
int sx_reach_outcome(struct sx_reach *r, const struct sx_ip *ip, uint16_t port);

/*
 * Back to an unconnected socket, if it was this that connected it: after a
 * connect() that failed in non-blocking mode Linux answers the next one with
 * ECONNABORTED otherwise. The reset that this sends is left as the socket's
 * error, which is not the application's to find. [signal-safe]
 */
void sx_reach_dissolve(struct sx_reach *r);

/* The same, but the error stays. */
void sx_reach_disconnect(struct sx_reach *r);

/*
 * Once it was connected to a mapped address, Linux sends what an IPv6 socket
 * has for an IPv6 address to that old one, with the new port. So a new socket
 * takes its place, if it is such a one. 0 or a positive errno value.
 */
int sx_reach_renew(struct sx_reach *r);

/* True for errors of connect() that are the socket's own, or the
 * application's way of using it; the server is not to blame. */
bool sx_reach_is_own_error(int err);

#endif

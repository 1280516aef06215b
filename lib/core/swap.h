/*
 * A socket of another address family in the place of the application's.
 *
 * Only where the families cannot meet: an AF_INET socket and a server that
 * has IPv6 addresses alone, and a server behind a unix socket. Everything
 * else keeps the application's own socket.
 */
#ifndef SX_CORE_SWAP_H
#define SX_CORE_SWAP_H

#include "base/sys.h"

/*
 * Puts a new unconnected stream socket of the family under the number fd, with
 * the options, the file status flags and close-on-exec of the old one. What
 * is lost: a bound address, copies made with dup(), epoll registrations.
 * 0, or -errno, and then fd is as it was.
 */
int sx_swap_family(const struct sx_sys *sys, int fd, int family);

#endif

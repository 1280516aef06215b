/*
 * Sockets whose connection failed in the background. The kernel knows such a
 * socket's error, tells it once, and lets poll() say POLLERR; to what it
 * would say the cause is added here, by the socket's cookie.
 */
#ifndef SX_HOOK_FAILURE_H
#define SX_HOOK_FAILURE_H

#include <stdbool.h>

/* Brings fd, an unconnected TCP socket of the family, into the state of one
 * whose connect() failed with the errno value err. */
void sx_failure_make(int fd, int domain, int err);

/*
 * What getsockopt(SO_ERROR) is to say of a socket of which the kernel said
 * said: err the first time, and then said again. errno is kept. [any thread]
 * [signal-safe]
 */
int sx_failure_so_error(int fd, int said);

/* What connect() is to fail with on such a socket, once; after that it can be
 * connected again. 0 if it is none. */
int sx_failure_connect(int fd);

#endif

/*
 * What we know of a socket, by its cookie (SO_COOKIE) and not by its number:
 * so it stays true over dup(), close() and reuse of the number, fork() and
 * descriptor passing, without a hook on any of them.
 *
 * Bounded: of the sockets that share a set the oldest goes. A socket that is
 * not found is one that was connected directly. Lock-free, so that it can be
 * used in a signal handler that interrupted itself.
 */
#ifndef SX_HOOK_SOCKTAB_H
#define SX_HOOK_SOCKTAB_H

#include <stdbool.h>
#include <sys/socket.h>

/* Remembers the address, AF_INET or AF_INET6, that the program connected fd
 * to. [any thread] [signal-safe] [after fork] */
void sx_socktab_put(int fd, const struct sockaddr *sa, socklen_t len);

/* The address put() was given; false if none is known; *len is in and out as
 * for getpeername(2), and sa is cut to it. The same guarantees. */
bool sx_socktab_peer(int fd, struct sockaddr *sa, socklen_t *len);

/* The socket is unconnected again, or connected directly. */
void sx_socktab_forget(int fd);

#endif

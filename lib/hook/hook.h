/*
 * What the hooks share: the engine of this process, and how to say no.
 */
#ifndef SX_HOOK_HOOK_H
#define SX_HOOK_HOOK_H

#include "core/engine.h"

/*
 * The engine, made at the first call (by the constructor, normally). NULL
 * while there is no environment yet to configure it from (a program's
 * .preinit_array), and when memory ran out: then nothing may pass.
 */
struct sx_engine *sx_hook_engine(void);

/*
 * What the constructor does, for hooks that run before it, in another
 * library's: the environment is copied, the log is open, and the policy for
 * children is known. False while there is no environment yet.
 */
bool sx_hook_start(void);

/*
 * Refuses: sets errno, logs one line (once for the same thing and
 * destination) and returns -1. dest and where may be NULL.
 */
int sx_hook_refuse(int err, const char *what, const struct sx_dest *dest,
	const char *where);

/* What the kernel says of a socket. */
struct sx_hook_sock {
	int domain, type, protocol;
};

/* False when fd is not an IPv4 or IPv6 socket; errno is kept. */
bool sx_hook_is_inet(int fd, struct sx_hook_sock *out);

/* What the kernel alone gives to a socket, once; errno is kept. */
bool sx_hook_cookie(int fd, uint64_t *cookie);

/* A socket that is only readable with more bytes than a server's answer has
 * would never be. Returns what it was, 1 normally. */
int sx_hook_set_rcvlowat(int fd, int bytes);

bool sx_hook_is_tcp(const struct sx_hook_sock *sock);

/* False, with errno set, unless the configuration allows leaks. */
bool sx_hook_may_use_io_uring(void);

/* Back to a socket without a peer: 0, or -1 with errno. */
int sx_hook_unconnect(int fd);

/* What such a socket sends leaves through a certain interface, be it for the
 * loopback: it would get out, with the loopback's address. */
bool sx_hook_is_tied(int fd, int domain);

/* A signal handler ran while a connect() waited: whether its call is to return
 * EINTR. */
bool sx_hook_interrupts(void);

/* connect() as the program sees it, for the hooks that connect first. */
int hook_connect(int fd, const struct sockaddr *sa, socklen_t len);

#endif

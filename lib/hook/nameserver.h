/*
 * Nameservers, as far as programs with a resolver of their own see them:
 * what goes to port 53 of an address that is not direct is answered inside
 * this process, from the fake-DNS table.
 *
 * The program's own socket is connected, or sends, to a port of the loopback
 * instead, where a thread of this process answers; getpeername() and the
 * source of the answers say what the program asked for. The first question
 * to a nameserver starts the thread, and it ends when there is nobody left
 * to ask it. Its descriptors are in a table of its own: the program has none
 * of them, cannot close them and does not hand them on to children. A child
 * of fork() that asks starts its own.
 */
#ifndef SX_HOOK_NAMESERVER_H
#define SX_HOOK_NAMESERVER_H

#include "core/responder.h"
#include "hook/hook.h"

#include <stdatomic.h>

/* Whether what a socket of this kind sends to dest may be answered here. */
bool sx_nameserver_is(
	const struct sx_hook_sock *sock, const struct sx_dest *dest);

/* connect() to the nameserver at sa: 0, or -1 with errno, EINPROGRESS for a
 * TCP socket that does not block. */
int sx_nameserver_connect(int fd, const struct sx_hook_sock *sock,
	const struct sockaddr *sa, socklen_t len);

/*
 * Where one datagram for the nameserver ip has to go instead, at once: *to
 * and its length *len. 0, or a negative errno value.
 */
int sx_nameserver_redirect(int fd, const struct sx_hook_sock *sock,
	const struct sx_ip *ip, struct sockaddr_storage *to, socklen_t *len);

/* sx_responder_answer() of this process; there is an engine. */
size_t sx_nameserver_answer(
	const uint8_t *msg, size_t n, uint8_t out[SX_DNS_ANSWER_MAX]);

/* Has this process ever asked? Decides what receiving costs. */
extern atomic_bool sx_nameserver_asked;

/*
 * After a datagram was received: when *len bytes at sa, of which room fit,
 * are the address of a responder, the nameserver's takes its place. errno
 * is kept. [any thread] [signal-safe] [after fork]
 */
void sx_nameserver_restore(struct sockaddr *sa, socklen_t room, socklen_t *len);

/* Around fork(), before the engine's. */
void sx_nameserver_before_fork(void);
void sx_nameserver_after_fork(void);
void sx_nameserver_after_fork_in_child(void);

#endif

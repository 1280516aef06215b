/*
 * The answers to DNS questions out of the fake-DNS table, for programs that
 * have a resolver of their own: what getaddrinfo() would say, as a message.
 *
 * No socket, no thread: whoever carries the messages is not known here.
 */
#ifndef SX_CORE_RESPONDER_H
#define SX_CORE_RESPONDER_H

#include "core/engine.h"
#include "proto/dns.h"

#include <stdatomic.h>

/*
 * The names of which the IPv4 address was given out. Zeroed: none.
 *
 * A program that looks up both families, to race them, is to open one tunnel
 * and not two. So such a name is said to have no IPv6 address; one that is
 * asked for its IPv6 address alone, or first, has one. (getaddrinfo() sees
 * both in one call: AF_UNSPEC gets IPv4 alone, AF_INET6 the IPv6 address.)
 */
struct sx_responder_given {
	/* A bit for each address of the IPv4 pool, by its last 17 bits */
	_Atomic uint8_t bits[(1 << 17) / 8];
};

struct sx_responder { /* all borrowed */
	struct sx_engine *engine;
	const struct sx_sys *sys;
	struct sx_responder_given *given;
};

/*
 * Answers a message of n bytes; returns the length of the answer, 0 when
 * there must be none. Waits for libc's lookup if a rule sends the name
 * direct, for nothing else. [any thread] [after fork]
 */
size_t sx_responder_answer(const struct sx_responder *r, const uint8_t *msg,
	size_t n, uint8_t out[SX_DNS_ANSWER_MAX]);

#endif

/*
 * An association: a relay at a SOCKS5 server that carries the datagrams of
 * one UDP socket, for as long as a connection to the server stands (RFC 1928
 * sections 4, 6 and 7). One for each socket: servers answer the one that they
 * heard first, and drop others.
 *
 * A chain of servers has one with each of them, over a tunnel through those
 * before it: the first relays to the second one's relay, and so on. A datagram
 * has a header for each.
 *
 * Nothing here sends or receives a datagram; that is done with the
 * application's own socket, by who has it. In front of each stands a header,
 * and before that what leads through a chain:
 *
 *	size_t m = sx_udp_lead(assoc, lead), n = sx_udp_wrap(&dest, head);
 *	sendmsg() to assoc->relay, iovec {lead, m}, {head, n}, {payload ...}
 *
 *	recvmsg() with room for sx_udp_head_max(assoc) bytes more
 *	size_t at = sx_udp_accept(assoc, &from, port, bytes, n, &source);
 *	at == 0: not for the application; else the payload begins there
 *
 * The payload that fits is smaller by the header. The relay's family need not
 * be that of the application's socket (sx_ip_to_sockaddr()).
 */
#ifndef SX_CORE_UDP_H
#define SX_CORE_UDP_H

#include "core/dial.h"
#include "proto/udphdr.h"

#include <stdatomic.h>

#define SX_UDP_LEAD_MAX ((SX_UDP_SERVERS - 1) * SX_UDPHDR_MAX)
#define SX_UDP_HEAD_MAX (SX_UDP_LEAD_MAX + SX_UDPHDR_MAX)

/* With one server. */
struct sx_udp_hop {
	/* The control connection: close-on-exec, non-blocking, with keepalive
	 * probes after a minute; owned. Its number may be changed by who moves
	 * it. -1: none */
	int fd;
	struct sx_dest relay;
};

/* Plain data, but for the descriptors. */
struct sx_udp_assoc {
	int fd; /* with the first server, as above */
	struct sx_ip relay;
	uint16_t relay_port;
	unsigned n_beyond; /* the servers behind it, in order */
	struct sx_udp_hop beyond[SX_UDP_SERVERS - 1];
	unsigned server;       /* the last: index into sx_conf.servers */
	atomic_uint n_dropped; /* datagrams that were not for the application */
};

/*
 * Makes the control connection's socket and a dial for it. plan: command is
 * SX_COMMAND_UDP_ASSOCIATE, and dest where the application sends to first:
 * the server is not told, but with `isolate = destination` the association is
 * made for that one alone. Then the dial is stepped or run as any other, to
 * its end or not, and sx_udp_end() takes what comes of it. 0, or -errno of
 * socket(): there is nothing to end then. [any thread] [signal-safe] [after
 * fork]
 */
int sx_udp_begin(struct sx_dial *d, const struct sx_dial_plan *plan);

/*
 * r: what the last step returned. 0: fills *out, whose descriptor is the
 * caller's from now on; of a chain that is the part with this server. Else the
 * descriptor is closed and out->fd -1: no server carries datagrams, is up, or
 * has answered in time. Whatever the cause, -ENETUNREACH, with d->cause for
 * people; but -EINTR stays. r > 0: the dial was under way and is given up.
 */
int sx_udp_end(struct sx_dial *d, int r, struct sx_udp_assoc *out);

/* Ends the association, with all servers. Twice is harmless. */
void sx_udp_close(struct sx_udp_assoc *a, const struct sx_sys *sys);

/*
 * Whether the control connections stand, without waiting: when the server
 * has closed it, the relay drops or forgets what it is sent, and a new
 * association is needed. Bytes that it may say are thrown away. errno may be
 * changed. [any thread] [signal-safe]
 */
bool sx_udp_is_alive(const struct sx_udp_assoc *a, const struct sx_sys *sys);

/* What stands before the header of each datagram: its length, 0 without a
 * chain. [any thread] [signal-safe] */
size_t sx_udp_lead(const struct sx_udp_assoc *a, uint8_t lead[SX_UDP_LEAD_MAX]);

/* The header for a datagram to dest, a name or an address: its length, at
 * most SX_UDPHDR_MAX; 0: dest is none. [any thread] [signal-safe] */
static inline size_t sx_udp_wrap(
	const struct sx_dest *dest, uint8_t head[SX_UDPHDR_MAX])
{
	return sx_udphdr_encode(head, dest);
}

/* Of an answer: how many bytes stand in front of the payload, at most. */
static inline size_t sx_udp_head_max(const struct sx_udp_assoc *a)
{
	return (a->n_beyond + 1) * SX_UDPHDR_MAX;
}

/*
 * Takes a datagram of n bytes that came from this address and port: where its
 * payload begins (at n: it is empty), and in *source who sent it, in the
 * words of the last server: sx_udphdr_decode() says which they may be. The
 * first sx_udp_head_max() bytes suffice. 0: it is to be dropped, and is
 * counted: not from the relays, too short, a fragment, or nonsense. [any
 * thread] [signal-safe]
 */
size_t sx_udp_accept(struct sx_udp_assoc *a, const struct sx_ip *from,
	uint16_t port, const uint8_t *bytes, size_t n, struct sx_dest *source);

#endif

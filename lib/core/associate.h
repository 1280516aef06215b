/*
 * A dial that asks for an association (SOCKS5's UDP ASSOCIATE) instead of a
 * tunnel: which servers are asked, what becomes of those that will not, and
 * where the datagrams go. Part of the dial.
 *
 * No server contacts a destination for it, so whatever comes of the request,
 * the next server may be asked. One that does not carry datagrams works all
 * the same: it is not marked, but all processes learn of it.
 */
#ifndef SX_CORE_ASSOCIATE_H
#define SX_CORE_ASSOCIATE_H

#include "core/dial.h"

static inline bool sx_is_association(const struct sx_dial_plan *plan)
{
	return plan->command == SX_COMMAND_UDP_ASSOCIATE;
}

/*
 * Why the server is not asked at all; NULL: it is. Only SOCKS5 has the
 * request. What is behind other servers is only asked if these can carry the
 * datagrams to its relay: else they would go there from here, around those.
 */
const char *sx_associate_unfit(
	const struct sx_dial_plan *plan, const struct sx_server *server);

/* The destination of the request: 0.0.0.0:0, or [::]:0 for AF_INET6. Many
 * servers take any other for the address that the datagrams will come from,
 * and drop them. dante makes a relay of that family, or refuses. */
struct sx_dest sx_associate_dest(sa_family_t family);

/* The family for it: of the first server the one in which the application's
 * socket can send; of both, the one that it is reached by. Others are sent to
 * by the server before, by whatever address is known of them. */
sa_family_t sx_associate_family(const struct sx_dial *d);

/* RFC 1928 section 6: no relay in one family says nothing of the other, and
 * nothing of datagrams as such. */
#define SX_REPLY_ADDRESS_TYPE 0x08

/* The request was sent, and the handshake has failed, or nothing came in
 * time: on to the next server. */
void sx_associate_refused(struct sx_dial *d);
void sx_associate_late(struct sx_dial *d);

/*
 * The server has agreed: fills d->relay. Where it gives no address that could
 * be meant for us (0.0.0.0, ::, a name, its own loopback), the address that it
 * was reached at takes the place, of one behind others also a name. A server
 * behind a unix socket has none, but is on this machine: its loopback address
 * is good.
 * False: there is nowhere to send to; on to the next server.
 */
bool sx_associate_relay(struct sx_dial *d);

#endif

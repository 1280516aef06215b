#include "core/associate.h"

#include "core/giveup.h"

#include <errno.h>
#include <stdio.h>

#define COMMAND_NOT_SUPPORTED 0x07 /* RFC 1928 section 6 */

static const char *lacks(const struct sx_server *server)
{
	if (server->conf->proto != SX_PROTO_SOCKS5)
		return "only SOCKS5 carries datagrams";
	if (server->conf->udp == SX_SERVER_UDP_BLOCK)
		return "udp = block";
	if (sx_outcome_lacks_udp(server))
		return "is known not to carry datagrams";
	return NULL;
}

const char *sx_associate_unfit(
	const struct sx_dial_plan *plan, const struct sx_server *server)
{
	const char *why = lacks(server);
	unsigned n = 1;

	if (!why && plan->udp_only_if_said &&
		server->conf->udp == SX_SERVER_UDP_UNSAID)
		return "[defaults] let no datagrams through it";
	for (; !why && server->conf->via >= 0; n++) {
		server = &plan->servers[server->conf->via];
		if (lacks(server))
			why = "a server before it carries no datagrams";
	}
	return n > SX_UDP_SERVERS ? "too many servers before it" : why;
}

struct sx_dest sx_associate_dest(sa_family_t family)
{
	family = family == AF_INET6 ? AF_INET6 : AF_INET;
	return (struct sx_dest){.kind = SX_DEST_IP, .ip = {.family = family}};
}

sa_family_t sx_associate_family(const struct sx_dial *d)
{
	if (d->n_hops > 1)
		return d->server->conf->ip.family;
	return d->plan->udp_family ? d->plan->udp_family
				   : (sa_family_t)d->reach.family;
}

static void pass_over(struct sx_dial *d, const char *why)
{
	char text[120];

	snprintf(text, sizeof(text), "carries no datagrams: %s", why);
	sx_give_up(d, SX_RANK_REFUSAL, ENETUNREACH, text);
}

/*
 * A server that does not know the command says so, or with general failure
 * (npm's socks5-server), or closes (ssh, pproxy, asyncssh). Only the first is
 * a clear word. What is no answer to the request at all says nothing.
 */
void sx_associate_refused(struct sx_dial *d)
{
	const struct sx_refusal *why = &d->handshake.refusal;
	int reply = d->handshake.told.reply;

	if (why->by_destination && reply != SX_REPLY_ADDRESS_TYPE)
		sx_outcome_no_udp(d->server, reply == COMMAND_NOT_SUPPORTED);
	pass_over(d, why->text);
}

void sx_associate_late(struct sx_dial *d)
{
	if (!sx_handshake_pipeline_suspect(&d->handshake))
		sx_outcome_no_udp(d->server, false);
	pass_over(d, "no answer to the request in time");
}

static bool is_for_us(const struct sx_ip *bound, const struct sx_ip *server,
	bool is_any_loopback_good)
{
	if (!bound->family || sx_ip_is_any(bound))
		return false;
	return !sx_ip_is_loopback(bound) || is_any_loopback_good ||
	       (server->family && sx_ip_is_loopback(server));
}

/* A link-local address without its interface is none. */
static void take_scope(struct sx_ip *ip, const struct sx_ip *from)
{
	bool link_local = ip->family == AF_INET6 && ip->bytes[0] == 0xfe &&
			  (ip->bytes[1] & 0xc0) == 0x80;

	if (link_local && !ip->scope)
		ip->scope = from->scope;
}

/* The server's own, port and all; family 0 of a unix socket. */
static struct sx_dest reached_at(const struct sx_dial *d)
{
	struct sx_dest at = sx_server_dest(d->server->conf);

	if (d->n_hops > 1)
		return at;
	at.kind = SX_DEST_IP;
	at.ip = (struct sx_ip){0};
	if (!d->server->conf->unix_path)
		at.ip = d->ips[d->next_ip - 1];
	return at;
}

bool sx_associate_relay(struct sx_dial *d)
{
	struct sx_dest at = reached_at(d);
	struct sx_ip bound;
	uint16_t port;

	sx_handshake_bound(&d->handshake, &bound, &port);
	if (is_for_us(&bound, &at.ip, d->server->conf->unix_path)) {
		take_scope(&bound, &at.ip);
		at.kind = SX_DEST_IP;
		at.ip = bound;
	}
	at.port = port;
	d->relay = at;
	if ((at.kind == SX_DEST_NAME || at.ip.family) && port) {
		sx_outcome_has_udp(d->server);
		return true;
	}
	sx_outcome_no_udp(d->server, false);
	pass_over(d, port ? "no address to send them to"
			  : "no port to send them to");
	return false;
}

/*
 * Whom a carried socket is connected to: by the program to its destination,
 * by the kernel to the relay, or to nobody as long as there is none.
 */
#include "hook/carrying.h"
#include "hook/real.h"
#include "hook/socktab.h"

#include <errno.h>

int sx_carried_connect_anew(int fd, const struct sx_carried_relay *relay)
{
	struct sockaddr_storage own, any = {0};
	socklen_t len = sizeof(own);

	if (real_getsockname(fd, (struct sockaddr *)&own, &len))
		return -1;
	sx_hook_unconnect(fd);
	any.ss_family = own.ss_family;
	((struct sockaddr_in *)&any)->sin_port =
		((struct sockaddr_in *)&own)->sin_port;
	/* refused where the program has bound it */
	real_bind(fd, (struct sockaddr *)&any, len);
	return real_connect(
		fd, (const struct sockaddr *)&relay->sa, relay->len);
}

/* To the discard port of the family's loopback. */
static bool connect_to_nobody(int fd, int domain, sa_family_t family)
{
	struct sx_ip ip = sx_ip_loopback(family);
	struct sockaddr_storage sa;
	socklen_t len = sx_ip_to_sockaddr(&ip, 9, (sa_family_t)domain, &sa);

	return len && real_connect(fd, (struct sockaddr *)&sa, len) == 0;
}

void sx_carried_allow_ipv4(int fd)
{
	int off = 0;

	real_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
}

/* It has a port then, and IPV6_V6ONLY is as it is. */
bool sx_carried_connect_for_now(int fd, int domain)
{
	if (domain == AF_INET6)
		sx_carried_allow_ipv4(fd);
	return connect_to_nobody(fd, domain, AF_INET) ||
	       connect_to_nobody(fd, domain, AF_INET6);
}

static bool connect_now(struct sx_carried *c, int fd)
{
	struct sx_carried_relay *r = sx_carried_relay(c);

	return real_connect(fd, (struct sockaddr *)&r->sa, r->len) == 0;
}

static void set_peer(struct sx_carried *c, const struct sx_carried_dest *to)
{
	c->peer = *to->dest;
	c->peer_ip = to->ip;
	c->verdict = *to->verdict;
	atomic_store(&c->is_connected, true);
}

int sx_carried_connect(int fd, const struct sx_hook_sock *sock,
	const struct sx_carried_dest *to, const struct sockaddr *sa,
	socklen_t len)
{
	struct sx_carried *c = sx_carried_make(fd, sock);

	if (!c) {
		errno = ENOMEM;
		return -1;
	}
	bool is_up = atomic_load(&c->state) == SX_CARRIED_UP;
	if (is_up ? !connect_now(c, fd)
		  : !sx_carried_connect_for_now(fd, sock->domain))
		return -1;
	set_peer(c, to);
	sx_socktab_put(fd, sa, len);
	return 0;
}

bool sx_carried_adopt(int fd, const struct sx_hook_sock *sock, int control,
	const struct sx_ip *relay, uint16_t relay_port,
	const struct sx_carried_dest *to)
{
	struct sx_carried *c = sx_carried_make(fd, sock);
	struct sockaddr_storage sa;

	if (!c || atomic_load(&c->state) != SX_CARRIED_NONE)
		return false;
	if (to) {
		set_peer(c, to);
		socklen_t len = sx_ip_to_sockaddr(
			&to->ip, to->dest->port, (sa_family_t)c->domain, &sa);
		sx_socktab_put(fd, (struct sockaddr *)&sa, len);
	}
	if (!relay->family)
		return true;
	c->assoc.fd = control;
	c->assoc.relay = *relay;
	c->assoc.relay_port = relay_port;
	c->relays[0].len = sx_ip_to_sockaddr(
		relay, relay_port, (sa_family_t)c->domain, &c->relays[0].sa);
	atomic_store(&c->state, SX_CARRIED_UP);
	return true;
}

void sx_carried_disconnect(int fd)
{
	struct sx_carried *c = sx_carried_get(fd);

	if (!c || !atomic_exchange(&c->is_connected, false))
		return;
	/* with the port goes what the relay knew the socket by */
	sx_carried_dissociate(c);
	sx_hook_unconnect(fd);
}

bool sx_carried_is_connected(int fd)
{
	struct sx_carried *c = sx_carried_get(fd);

	return c && atomic_load(&c->is_connected);
}

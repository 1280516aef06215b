/*
 * Which address of its own a connected socket has. The kernel's answer is the
 * one towards the relay, perhaps of the other family, or a loopback address
 * while there is none. Programs ask in order to tell others where they are.
 */
#include "hook/carrying.h"
#include "hook/real.h"

#include <errno.h>
#include <string.h>

/* What the kernel would say if the socket went there directly; nothing is
 * sent. */
static bool towards(const struct sx_ip *peer, uint16_t port, struct sx_ip *own)
{
	struct sockaddr_storage sa;
	socklen_t len = sx_ip_to_sockaddr(peer, port, peer->family, &sa);
	int fd = real_socket(peer->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool known = false;

	if (fd < 0)
		return false;
	if (real_connect(fd, (struct sockaddr *)&sa, len) == 0) {
		len = sizeof(sa);
		known = !real_getsockname(fd, (struct sockaddr *)&sa, &len) &&
			!sx_ip_from_sockaddr(&sa, len, own, NULL);
	}
	real_close(fd);
	return known;
}

void sx_carried_own_name(
	int fd, struct sockaddr *sa, socklen_t room, socklen_t *len)
{
	struct sx_carried *c = sx_carried_get(fd);
	struct sockaddr_storage full;
	struct sx_ip ip;
	uint16_t port;
	int saved = errno;

	if (!c || !atomic_load(&c->is_connected) || *len > room ||
		sx_ip_from_sockaddr(sa, *len, &ip, &port) ||
		sx_ip_is_loopback(&c->peer_ip) ||
		(!sx_ip_is_loopback(&ip) && ip.family == c->peer_ip.family))
		return;
	if (towards(&c->peer_ip, c->peer.port, &ip)) {
		*len = sx_ip_to_sockaddr(
			&ip, port, (sa_family_t)c->domain, &full);
		memcpy(sa, &full, *len < room ? *len : room);
	}
	errno = saved;
}

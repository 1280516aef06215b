/*
 * When datagrams waited for an association that could not be made, their
 * sender has long been told that they were sent. The kernel tells such things
 * later, as an error of the socket that poll() shows and the next call gives:
 * so it is made to, by a datagram to a port of the loopback where nobody is.
 */
#include "hook/carrying.h"
#include "hook/real.h"

#include <errno.h>

/* A port that is free for the moment; 0: none. */
static uint16_t free_port(int domain, const struct sx_ip *ip)
{
	struct sockaddr_storage sa;
	socklen_t len = sx_ip_to_sockaddr(ip, 0, (sa_family_t)domain, &sa);
	int fd = real_socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sx_ip own;
	uint16_t port = 0;

	if (fd >= 0 && !real_bind(fd, (struct sockaddr *)&sa, len) &&
		!real_getsockname(fd, (struct sockaddr *)&sa, &len))
		sx_ip_from_sockaddr(&sa, len, &own, &port);
	if (fd >= 0)
		real_close(fd);
	return port;
}

/* By the loopback, from a socket that may be bound elsewhere: then it fails,
 * and nothing is told. */
static void be_refused(int fd, int domain)
{
	struct sx_ip ip = sx_ip_loopback((sa_family_t)domain);
	struct sockaddr_storage sa;
	uint16_t port = free_port(domain, &ip);
	socklen_t len = sx_ip_to_sockaddr(&ip, port, (sa_family_t)domain, &sa);
	sx_hook_unconnect(fd);
	if (port && !real_connect(fd, (struct sockaddr *)&sa, len))
		real_sendto(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
	sx_hook_unconnect(fd);
}

void sx_carried_tell(struct sx_carried *c, int fd)
{
	if (sx_hook_is_tied(fd, c->domain))
		return;
	atomic_store(&c->is_told, true);
	be_refused(fd, c->domain);
}

void sx_carried_correct_errno(struct sx_carried *c)
{
	if (errno == ECONNREFUSED && atomic_exchange(&c->is_told, false))
		errno = ENETUNREACH;
}

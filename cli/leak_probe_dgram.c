/*
 * What is no connection: datagrams, and what lies below them.
 */
#include "leak_probe.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <string.h>
#include <unistd.h>

/* As a datagram, and as an ICMP echo request whose checksum is right. */
static const unsigned char words[] = "\x08\x00\xf7\xff\x00\x00\x00\x00";
#define SIZE ((size_t)8)

/* Sent, and what was sent comes back. */
static int await(int fd, ssize_t sent)
{
	char back[64];

	if (sent < 0)
		return probe_close(fd, errno);
	int r = probe_wait(fd);
	if (!r && recv(fd, back, sizeof(back), 0) < 0)
		r = errno;
	return probe_close(fd, r);
}

static int by_sendto(int type, const void *sa, socklen_t len)
{
	int family = ((const struct sockaddr *)sa)->sa_family;
	int fd = socket(family, type, 0);

	if (fd < 0)
		return errno;
	return await(fd, sendto(fd, words, SIZE, 0, sa, len));
}

int probe_udp_sendto(const struct probe *p)
{
	return by_sendto(SOCK_DGRAM, &p->v4, sizeof(p->v4));
}

int probe_udp_sendto6(const struct probe *p)
{
	return by_sendto(SOCK_DGRAM, &p->v6, sizeof(p->v6));
}

int probe_udp_connect(const struct probe *p)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (connect(fd, (const struct sockaddr *)&p->v4, sizeof(p->v4)))
		return probe_close(fd, errno);
	return await(fd, send(fd, words, SIZE, 0));
}

static struct msghdr message(const struct probe *p, struct iovec *v)
{
	*v = (struct iovec){(void *)words, SIZE};
	return (struct msghdr){.msg_name = (void *)&p->v4,
		.msg_namelen = sizeof(p->v4),
		.msg_iov = v,
		.msg_iovlen = 1};
}

int probe_udp_sendmsg(const struct probe *p)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec v;
	struct msghdr m = message(p, &v);

	return await(fd, sendmsg(fd, &m, 0));
}

int probe_udp_sendmmsg(const struct probe *p)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec v;
	struct mmsghdr m = {.msg_hdr = message(p, &v)};

	return await(fd, sendmmsg(fd, &m, 1, 0));
}

/* Nobody answers these. */
static int throw(int fd, const void *sa, socklen_t len)
{
	if (fd < 0)
		return errno;
	ssize_t n = sendto(fd, words, SIZE, 0, sa, len);
	return probe_close(fd, n < 0 ? errno : 0);
}

int probe_multicast(const struct probe *p)
{
	return throw(
		socket(AF_INET, SOCK_DGRAM, 0), &p->group, sizeof(p->group));
}

int probe_broadcast(const struct probe *p)
{
	struct sockaddr_in to = p->v4;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	to.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	return throw(fd, &to, sizeof(to));
}

int probe_ping(const struct probe *p)
{
	return throw(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), &p->v4,
		sizeof(p->v4));
}

int probe_raw(const struct probe *p)
{
	struct sockaddr_in to = p->v4;

	to.sin_port = 0;
	return throw(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), &to, sizeof(to));
}

/* A whole IP packet, of a protocol for experiments (RFC 3692). */
int probe_packet(const struct probe *p)
{
	struct iphdr packet = {.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(packet)),
		.ttl = 1,
		.protocol = 253,
		.daddr = p->v4.sin_addr.s_addr};
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_halen = 6,
		.sll_ifindex = (int)if_nametoindex("lo")};
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0);

	if (fd < 0)
		return errno;
	ssize_t n = sendto(fd, &packet, sizeof(packet), 0,
		(struct sockaddr *)&to, sizeof(to));
	return probe_close(fd, n < 0 ? errno : 0);
}

#include "leak_sniff.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#define SNAP    512
#define BUFFER  (4 << 20)
#define TCP_SYN 0x02
#define TCP_ACK 0x10
#define ECHO4   8 /* ICMP types */
#define ECHO6   128

/* A packet, as far as it matters. */
struct packet {
	unsigned protocol; /* IPPROTO_TCP ... */
	struct sx_ip src, dst;
	uint16_t src_port, dst_port; /* TCP and UDP */
	uint8_t flags;               /* TCP: of its header; ICMP: the type */
};

int sx_leak_sniff_open(void)
{
	const int size = BUFFER;
	struct sockaddr_ll ll = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex("lo")};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&ll, sizeof(ll)) == 0)
		return fd;
	int err = errno;
	close(fd);
	return -err;
}

static void read_ports(struct sx_reader *r, struct packet *p)
{
	uint8_t rest[8];

	p->src_port = sx_get_u16(r);
	p->dst_port = sx_get_u16(r);
	sx_get(r, rest, sizeof(rest)); /* sequence, acknowledgement */
	sx_get_u8(r);
	p->flags = sx_get_u8(r);
}

static bool read_transport(struct sx_reader *r, struct packet *p)
{
	switch (p->protocol) {
	case IPPROTO_TCP:
		read_ports(r, p);
		return !r->failed;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		p->src_port = sx_get_u16(r);
		p->dst_port = sx_get_u16(r);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		p->flags = sx_get_u8(r);
		break;
	default:
		break;
	}
	return true; /* too short for its ports is strange enough to count */
}

static bool parse4(struct sx_reader *r, struct packet *p)
{
	uint8_t skipped[60];
	uint8_t head = r->buf[0];

	sx_get(r, skipped, 9);
	p->protocol = sx_get_u8(r);
	sx_get_u16(r);
	p->src.family = p->dst.family = AF_INET;
	sx_get(r, p->src.bytes, 4);
	sx_get(r, p->dst.bytes, 4);
	sx_get(r, skipped, 4U * (head & 15U) - 20U);
	return !r->failed && read_transport(r, p);
}

static bool parse6(struct sx_reader *r, struct packet *p)
{
	uint8_t skipped[6];

	sx_get(r, skipped, 6);
	p->protocol = sx_get_u8(r);
	sx_get_u8(r);
	p->src.family = p->dst.family = AF_INET6;
	sx_get(r, p->src.bytes, 16);
	sx_get(r, p->dst.bytes, 16);
	if (p->protocol == IPPROTO_HOPOPTS) { /* multicast reports */
		p->protocol = sx_get_u8(r);
		sx_get(r, skipped, 6);
		sx_get_u8(r);
	}
	return !r->failed && read_transport(r, p);
}

static bool parse(const uint8_t *buf, size_t n, struct packet *p)
{
	struct sx_reader r = {.buf = buf, .len = n};

	memset(p, 0, sizeof(*p));
	if (n >= 20 && buf[0] >> 4 == 4 && (buf[0] & 15) >= 5)
		return parse4(&r, p);
	return n >= 40 && buf[0] >> 4 == 6 && parse6(&r, p);
}

static bool is_target(const struct sx_leak_plan *plan, const struct sx_ip *ip)
{
	return sx_ip_equal(ip, &plan->target4) ||
	       (plan->has_v6 && sx_ip_equal(ip, &plan->target6));
}

static bool is_service(const struct sx_leak_plan *plan, uint16_t port)
{
	return port == plan->port || port == SX_DNS_PORT;
}

/* Only what begins something counts: the rest are answers, and what follows
 * a connection that has been judged. */
static bool is_beginning(
	const struct sx_leak_plan *plan, const struct packet *p)
{
	switch (p->protocol) {
	case IPPROTO_TCP:
		return (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	case IPPROTO_UDP:
		return !sx_leak_plan_is_server(plan, &p->src, p->src_port) &&
		       !((is_target(plan, &p->src) ||
				 sx_ip_is_loopback(&p->src)) &&
			       is_service(plan, p->src_port));
	case IPPROTO_ICMP:
		return p->flags == ECHO4;
	case IPPROTO_ICMPV6:
		return p->flags == ECHO6;
	case IPPROTO_IGMP:
		return false; /* the kernel's own */
	default:
		return true;
	}
}

static const char *name_of(const struct packet *p)
{
	if (p->dst_port == SX_DNS_PORT)
		return "dns";
	switch (p->protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	default:
		return "ip";
	}
}

static bool is_relayed(const struct sx_leak_plan *plan, const struct sx_ip *src)
{
	return sx_ip_equal(src, &plan->relay4) ||
	       (plan->has_v6 && sx_ip_equal(src, &plan->relay6));
}

static void judge(const struct sx_leak_plan *plan, const struct packet *p,
	struct sx_leak_seen *seen)
{
	if (!is_beginning(plan, p) || sx_ip_equal(&p->src, &plan->outside4))
		return;
	if (is_relayed(plan, &p->src)) {
		if (is_target(plan, &p->dst) && is_service(plan, p->dst_port))
			seen->carried = name_of(p);
		return;
	}
	if ((p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP) &&
		sx_leak_plan_is_server(plan, &p->dst, p->dst_port))
		return;
	if (sx_ip_is_loopback(&p->dst) && p->dst_port != SX_DNS_PORT)
		return;
	seen->leak = name_of(p);
}

static int lost(int fd)
{
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len))
		return -errno;
	return stats.tp_drops ? -ENOBUFS : 0;
}

int sx_leak_sniff_read(
	int fd, const struct sx_leak_plan *plan, struct sx_leak_seen *seen)
{
	uint8_t buf[SNAP];
	struct sockaddr_ll ll;

	for (;;) {
		socklen_t len = sizeof(ll);
		struct packet p;
		ssize_t n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT,
			(struct sockaddr *)&ll, &len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? lost(fd) : -errno;
		/* Each is seen twice: as it goes, and as it comes */
		if (ll.sll_pkttype == PACKET_OUTGOING &&
			parse(buf, (size_t)n, &p))
			judge(plan, &p, seen);
	}
}

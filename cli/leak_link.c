#include "leak_link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#define LOOPBACK 1 /* its index, in every namespace */

struct request {
	struct nlmsghdr head;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
		struct rtmsg route;
	} body;
	char attributes[128];
};

static void begin(struct request *q, unsigned type, unsigned flags, size_t body)
{
	memset(q, 0, sizeof(*q));
	q->head.nlmsg_type = (uint16_t)type;
	q->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	q->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
}

static void attach(struct request *q, unsigned type, const void *data, size_t n)
{
	struct rtattr a = {(uint16_t)RTA_LENGTH(n), (uint16_t)type};
	char *at = (char *)q + NLMSG_ALIGN(q->head.nlmsg_len);

	memcpy(at, &a, sizeof(a));
	memcpy(at + RTA_LENGTH(0), data, n);
	q->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(q->head.nlmsg_len) +
				       RTA_ALIGN(a.rta_len));
}

/* The kernel's word on it: 0 or -errno. */
static int ask(const struct request *q)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char more[512]; /* the request again, and texts */
	} answer = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	int r = send(fd, q, q->head.nlmsg_len, 0) < 0 ||
				recv(fd, &answer, sizeof(answer), 0) < 0
			? -errno
			: 0;
	close(fd);
	if (r)
		return r;
	return answer.head.nlmsg_type == NLMSG_ERROR ? answer.error.error
						     : -EPROTO;
}

int sx_leak_link_up(void)
{
	struct request q;

	begin(&q, RTM_NEWLINK, 0, sizeof(q.body.link));
	q.body.link.ifi_index = LOOPBACK;
	q.body.link.ifi_flags = IFF_UP;
	q.body.link.ifi_change = IFF_UP;
	return ask(&q);
}

int sx_leak_link_add(const struct sx_ip *ip)
{
	struct request q;

	begin(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
		sizeof(q.body.address));
	q.body.address.ifa_family = (uint8_t)ip->family;
	q.body.address.ifa_prefixlen = ip->family == AF_INET ? 32 : 128;
	q.body.address.ifa_index = LOOPBACK;
	q.body.address.ifa_flags = ip->family == AF_INET6 ? IFA_F_NODAD : 0;
	attach(&q, IFA_LOCAL, ip->bytes, sx_ip_len(ip));
	attach(&q, IFA_ADDRESS, ip->bytes, sx_ip_len(ip));
	int r = ask(&q);
	return r == -EEXIST ? 0 : r;
}

int sx_leak_link_default(void)
{
	const int index = LOOPBACK;
	struct request q;

	begin(&q, RTM_NEWROUTE, NLM_F_CREATE, sizeof(q.body.route));
	q.body.route.rtm_family = AF_INET;
	q.body.route.rtm_table = RT_TABLE_MAIN;
	q.body.route.rtm_protocol = RTPROT_BOOT;
	q.body.route.rtm_scope = RT_SCOPE_LINK;
	q.body.route.rtm_type = RTN_UNICAST;
	attach(&q, RTA_OIF, &index, sizeof(index));
	return ask(&q);
}

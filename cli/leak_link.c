#include "leak_link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LOOPBACK 1     /* its index, in every namespace */
#define LOCAL_MS 10000 /* how long it may take, on a busy machine */

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

struct answer {
	struct nlmsghdr head;
	union {
		struct nlmsgerr error;
		struct rtmsg route;
	} body;
	char more[512]; /* attributes, or the request again and texts */
};

/* 0 with an answer of this type, or -errno: also that of the answer. */
static int exchange(
	const struct request *q, unsigned type, struct answer *answer)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	int r = send(fd, q, q->head.nlmsg_len, 0) < 0 ||
				recv(fd, answer, sizeof(*answer), 0) < 0
			? -errno
			: 0;
	close(fd);
	if (!r && answer->head.nlmsg_type == NLMSG_ERROR)
		r = answer->body.error.error;
	return !r && answer->head.nlmsg_type != type ? -EPROTO : r;
}

/* The kernel's word on it: 0 or -errno. */
static int ask(const struct request *q)
{
	struct answer answer = {0};

	return exchange(q, NLMSG_ERROR, &answer);
}

static bool is_local(const struct sx_ip *ip)
{
	struct answer answer = {0};
	struct request q;

	begin(&q, RTM_GETROUTE, 0, sizeof(q.body.route));
	q.body.route.rtm_family = (uint8_t)ip->family;
	q.body.route.rtm_dst_len = (uint8_t)(8 * sx_ip_len(ip));
	attach(&q, RTA_DST, ip->bytes, sx_ip_len(ip));
	return exchange(&q, RTM_NEWROUTE, &answer) == 0 &&
	       answer.body.route.rtm_type == RTN_LOCAL;
}

/* The kernel makes the local route to a new IPv6 address later, in a thread
 * of its own; what is sent to it until then is lost. */
static int wait_until_local(const struct sx_ip *ip)
{
	for (int ms = 0; ms < LOCAL_MS; ms++) {
		if (is_local(ip))
			return 0;
		poll(NULL, 0, 1);
	}
	return -ETIMEDOUT;
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
	return r && r != -EEXIST ? r : wait_until_local(ip);
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

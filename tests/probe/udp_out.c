/*
 * Everything but a TCP connect by which a program can send something out: UDP,
 * TCP with MSG_FASTOPEN, raw and packet sockets.
 *
 * udp_out ADDR PORT --expect works|refused [--fastopen works|refused]
 *	[--only WAY]
 * ADDR PORT	an echo, UDP and TCP: knobd.py --knob plain udp
 * --expect	works: what is sent arrives (raw sockets: send succeeds);
 *		refused: socket, connect or send fails with some errno
 * --fastopen	the same for MSG_FASTOPEN; default: as --expect
 * --only WAY	one of the names below
 * A kind of socket that this machine or user cannot have is passed over.
 */
#include "probe.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>

#define ARGS                                                                   \
	"ADDR PORT --expect works|refused "                                    \
	"[--fastopen works|refused] [--only WAY]"

static struct probe_addr a;
static const char question[] = "\x08\0question, long enough for ICMP";
#define SIZE ((int)sizeof(question))

static ssize_t message(int fd, const struct probe_addr *to, int flags)
{
	struct iovec v[2] = {
		{(void *)question, 5}, {(void *)(question + 5), SIZE - 5}};
	struct msghdr m = {.msg_name = to ? (void *)&to->sa : NULL,
		.msg_namelen = to ? to->len : 0,
		.msg_iov = v,
		.msg_iovlen = 2};
	return sendmsg(fd, &m, flags);
}

static ssize_t messages(int fd, const struct probe_addr *to, int flags)
{
	struct iovec v = {(void *)question, SIZE};
	struct mmsghdr m = {.msg_hdr = {.msg_name = (void *)&to->sa,
				    .msg_namelen = to->len,
				    .msg_iov = &v,
				    .msg_iovlen = 1}};
	return sendmmsg(fd, &m, 1, flags) == 1 ? (ssize_t)m.msg_len : -1;
}

static ssize_t by_sendto(int fd, const struct probe_addr *to, int flags)
{
	return sendto(fd, question, SIZE, flags, &to->sa, to->len);
}

static ssize_t by_send(int fd, const struct probe_addr *to, int flags)
{
	int r = connect(fd, &to->sa, to->len);
	return r ? r : send(fd, question, SIZE, flags);
}

static ssize_t by_write(int fd, const struct probe_addr *to, int flags)
{
	int r = connect(fd, &to->sa, to->len);
	(void)flags;
	return r ? r : write(fd, question, SIZE);
}

static ssize_t by_message(int fd, const struct probe_addr *to, int flags)
{
	int r = connect(fd, &to->sa, to->len);
	return r ? r : message(fd, NULL, flags);
}

/* Linux takes AF_UNSPEC for AF_INET in a datagram's destination. */
static ssize_t unspec(int fd, const struct probe_addr *to, int flags)
{
	struct probe_addr other = *to;

	other.sa.sa_family = AF_UNSPEC;
	return by_sendto(fd, &other, flags);
}

static ssize_t packet(int fd, const struct probe_addr *to, int flags)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET,
		.sll_halen = 6,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = if_nametoindex("lo")};
	(void)to;
	return sendto(fd, question, SIZE, flags, (void *)&ll, sizeof(ll));
}

static const struct way {
	const char *name;
	int type, protocol, flags;
	ssize_t (*send)(int fd, const struct probe_addr *to, int flags);
	enum {
		ANY,
		IPV4,
		MAPPED,
		MIXED,
		LINK
	} family;
	bool answers;
} ways[] = {
#define UDP SOCK_DGRAM, 0, 0
#define TFO SOCK_STREAM, 0, MSG_FASTOPEN
	{"udp-sendto", UDP, by_sendto, ANY, true},
	{"udp-sendmsg", UDP, message, ANY, true},
	{"udp-sendmmsg", UDP, messages, ANY, true},
	{"udp-connect-send", UDP, by_send, ANY, true},
	{"udp-connect-write", UDP, by_write, ANY, true},
	{"udp-connect-sendmsg", UDP, by_message, ANY, true},
	{"udp-unspec", UDP, unspec, IPV4, true},
	{"udp-mapped", UDP, by_sendto, MAPPED, true},
	{"udp-mapped-connect", UDP, by_write, MAPPED, true},
	{"udp-mixed", UDP, by_sendto, MIXED, true}, /* a leak in others */
	{"udp-mixed-sendmsg", UDP, message, MIXED, true},
	{"udp-nonblock", SOCK_DGRAM | SOCK_NONBLOCK, 0, 0, by_sendto, ANY,
		true},
	{"udplite", SOCK_DGRAM, IPPROTO_UDPLITE, 0, by_sendto, ANY, false},
	{"tcp-sendto", TFO, by_sendto, ANY, true},
	{"tcp-sendmsg", TFO, message, ANY, true},
	{"tcp-sendmmsg", TFO, messages, ANY, true},
	{"tcp-mapped", TFO, by_sendto, MAPPED, true},
	{"ping", SOCK_DGRAM, IPPROTO_ICMP, 0, by_sendto, IPV4, false},
	{"raw-icmp", SOCK_RAW, IPPROTO_ICMP, 0, by_sendto, IPV4, false},
	{"raw-connect", SOCK_RAW, IPPROTO_ICMP, 0, by_write, IPV4, false},
	{"raw-udp", SOCK_RAW, IPPROTO_UDP, 0, message, ANY, false},
	{"packet", SOCK_DGRAM, 0, 0, packet, LINK, false},
};

static void go(const struct way *w, bool works)
{
	struct probe_addr to = a;
	char in[200];
	int family = w->family == LINK    ? AF_PACKET
		     : w->family == MIXED ? AF_INET6
					  : a.sa.sa_family;

	if (w->family != ANY && a.sa.sa_family != AF_INET)
		return;
	if (w->family == MAPPED) {
		probe_map(&to);
		family = AF_INET6;
	}
	if (w->type == SOCK_RAW)
		to.in.sin_port = 0;
	int fd = socket(family, w->type, w->protocol);
	if (fd < 0)
		return;
	ssize_t r = w->send(fd, &to, w->flags | MSG_NOSIGNAL);
	if (!works) {
		CHECK(r < 0, "%s: sent %zd bytes", w->name, r);
		close(fd);
		return;
	}
	CHECK(r == SIZE, "%s: %zd %s", w->name, r, probe_errno(errno));
	if (w->answers) {
		size_t n = w->flags ? probe_recv(fd, in, SIZE, 5000)
			   : probe_wait(fd, POLLIN, 5000)
				   ? (size_t)recv(fd, in, sizeof(in), 0)
				   : 0;
		CHECK(n == SIZE && !memcmp(in, question, SIZE),
			"%s: %zu bytes came back", w->name, n);
	}
	close(fd);
}

static bool wanted(const char *text)
{
	if (!text || (strcmp(text, "works") && strcmp(text, "refused")))
		probe_usage(ARGS);
	return *text == 'w';
}

int main(int argc, char **argv)
{
	const char *expect = probe_value(&argc, argv, "--expect", NULL);
	const char *fastopen = probe_value(&argc, argv, "--fastopen", expect);
	const char *only = probe_value(&argc, argv, "--only", NULL);

	probe_positional(argc, argv, 2, 2, ARGS);
	probe_watchdog(120);
	probe_resolve(&a, argv[1], argv[2]);
	for (const struct way *w = ways; w < ways + PROBE_LEN(ways); w++) {
		if (!only || !strcmp(only, w->name))
			go(w, wanted(w->flags ? fastopen : expect));
	}
	return 0;
}

/*
 * Every call that sends a datagram, and what they return. Arguments: see
 * probe_udp.h.
 */
#include "probe_udp.h"

#include <netinet/ip.h>
#include <sys/uio.h>

#define N_MESSAGES 20

/* An iovec of a text. */
#define TEXT(text)                                                             \
	{                                                                      \
		(void *)(text), sizeof(text) - 1                               \
	}

/* A message of one iovec. */
static struct mmsghdr message(struct iovec *v, const struct probe_addr *to)
{
	return (struct mmsghdr){
		.msg_hdr = {.msg_name = to ? (void *)&to->sa : NULL,
			.msg_namelen = to ? to->len : 0,
			.msg_iov = v,
			.msg_iovlen = 1}};
}

static void with_sendto(void)
{
	int fd = udp_socket(0);

	udp_ask(fd, &udp_to);
	CHECK(sendto(fd, "more", 4, MSG_CONFIRM, &udp_to.sa, udp_to.len) == 4,
		"flags: %s", probe_errno(errno));
	udp_hear(fd, "more", &udp_to);
	udp_nothing(fd);
}

static void with_send(void)
{
	int fd = udp_connected();

	CHECK(send(fd, "one", 3, 0) == 3, "send: %s", probe_errno(errno));
	udp_hear(fd, "one", &udp_to);
	CHECK(sendto(fd, "two", 3, MSG_DONTWAIT, NULL, 0) == 3, "sendto: %s",
		probe_errno(errno));
	udp_hear(fd, "two", &udp_to);
}

static void with_write(void)
{
	int fd = udp_connected();
	struct iovec v[3] = {TEXT("th"), TEXT(""), TEXT("ree")};

	CHECK(write(fd, "one", 3) == 3, "write: %s", probe_errno(errno));
	udp_hear(fd, "one", &udp_to);
	CHECK(writev(fd, v, 3) == 5, "writev: %s", probe_errno(errno));
	udp_hear(fd, "three", &udp_to);
}

/* An address may be given to a connected socket too. */
static void with_address_though_connected(void)
{
	int fd = udp_connected();

	udp_ask(fd, &udp_to);
}

static void send_parts(int fd, const struct probe_addr *to)
{
	struct iovec v[5] = {
		TEXT(""), TEXT("se"), {NULL, 0}, TEXT("veral "), TEXT("parts")};
	struct msghdr m = {.msg_name = to ? (void *)&to->sa : NULL,
		.msg_namelen = to ? to->len : 0,
		.msg_iov = v,
		.msg_iovlen = 5};

	CHECK(sendmsg(fd, &m, 0) == 13, "sendmsg: %s", probe_errno(errno));
	udp_hear(fd, "several parts", &udp_to);
	CHECK(m.msg_iov == v && m.msg_iovlen == 5, "the message was changed");
}

static void with_sendmsg(void)
{
	send_parts(udp_socket(0), &udp_to);
	send_parts(udp_connected(), NULL);
}

static void with_control_message(void)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			     .cmsg_level = IPPROTO_IP,
			     .cmsg_type = IP_TOS}};
	struct iovec v = TEXT("tos");
	struct mmsghdr m = message(&v, &udp_to);
	int tos = IPTOS_LOWDELAY, fd = udp_socket(0);

	if (udp_to.sa.sa_family == AF_INET6) {
		control.head.cmsg_level = IPPROTO_IPV6;
		control.head.cmsg_type = IPV6_TCLASS;
	}
	memcpy(CMSG_DATA(&control.head), &tos, sizeof(tos));
	m.msg_hdr.msg_control = &control;
	m.msg_hdr.msg_controllen = sizeof(control);
	CHECK(sendmsg(fd, &m.msg_hdr, 0) == 3, "sendmsg: %s",
		probe_errno(errno));
	udp_hear(fd, "tos", &udp_to);
}

static void send_batch(int fd, const struct probe_addr *to)
{
	struct mmsghdr all[N_MESSAGES];
	struct iovec v[N_MESSAGES];
	char text[N_MESSAGES][24];
	int sent = 0;

	for (int i = 0; i < N_MESSAGES; i++) {
		snprintf(text[i], sizeof(text[i]), "message %d", i);
		v[i] = (struct iovec){text[i], strlen(text[i])};
		all[i] = message(&v[i], to);
	}
	while (sent < N_MESSAGES) {
		int r = sendmmsg(
			fd, all + sent, (unsigned)(N_MESSAGES - sent), 0);
		CHECK(r > 0, "sendmmsg: %d %s", r, probe_errno(errno));
		sent += r;
	}
	for (int i = 0; i < N_MESSAGES; i++) {
		CHECK(all[i].msg_len == v[i].iov_len, "message %d: length %u",
			i, all[i].msg_len);
		udp_hear(fd, text[i], &udp_to);
	}
}

static void with_sendmmsg(void)
{
	send_batch(udp_socket(0), &udp_to);
}

static void with_sendmmsg_connected(void)
{
	send_batch(udp_connected(), NULL);
}

/* Messages for two destinations in one call. */
static void with_sendmmsg_to_two(void)
{
	struct iovec v[3] = {TEXT("a"), TEXT("b"), TEXT("c")};
	struct mmsghdr all[3] = {message(&v[0], &udp_to),
		message(&v[1], &udp_other), message(&v[2], &udp_to)};
	int fd = udp_socket(0), of_a = 0;

	CHECK(sendmmsg(fd, all, 3, 0) == 3, "sendmmsg: %s", probe_errno(errno));
	for (int i = 0; i < 3; i++) {
		struct probe_addr who = {.len = sizeof(who.storage)};
		char in;
		udp_wait(fd);
		CHECK(recvfrom(fd, &in, 1, 0, &who.sa, &who.len) == 1, "recv");
		CHECK(probe_same(&who, in == 'b' ? &udp_other : &udp_to),
			"%c from %s", in, probe_str(&who));
		of_a += in == 'b';
	}
	CHECK(of_a == 1, "%d from the other", of_a);
}

/* An error is reported for the first message alone. */
static void with_sendmmsg_half_wrong(void)
{
	struct probe_addr wrong = udp_to;
	struct iovec v = TEXT("right");
	struct mmsghdr all[2] = {message(&v, &udp_to), message(&v, &wrong)};
	int fd = udp_socket(0);

	wrong.sa.sa_family = AF_APPLETALK;
	CHECK(sendmmsg(fd, all, 2, 0) == 1, "not one");
	udp_hear(fd, "right", &udp_to);
	CHECK(sendmmsg(fd, all + 1, 1, 0) == -1, "it was sent");
}

static void empty(void)
{
	int fd = udp_socket(0), connected = udp_connected();

	CHECK(sendto(fd, "", 0, 0, &udp_to.sa, udp_to.len) == 0, "sendto: %s",
		probe_errno(errno));
	udp_hear(fd, "", &udp_to);
	CHECK(send(connected, NULL, 0, 0) == 0, "send: %s", probe_errno(errno));
	udp_hear(connected, "", &udp_to);
}

static void too_large(void)
{
	static char much[70000];
	int fd = udp_socket(0);

	udp_ask(fd, &udp_to);
	CHECK_ERR(sendto(fd, much, 65528, 0, &udp_to.sa, udp_to.len), EMSGSIZE);
	CHECK_ERR(sendto(fd, much, sizeof(much), 0, &udp_to.sa, udp_to.len),
		EMSGSIZE);
	udp_ask(fd, &udp_to);
}

static void no_address(void)
{
	int fd = udp_socket(0);

	CHECK_ERR(send(fd, "x", 1, 0), EDESTADDRREQ);
	CHECK_ERR(write(fd, "x", 1), EDESTADDRREQ);
	udp_ask(fd, &udp_to);
	CHECK_ERR(send(fd, "x", 1, 0), EDESTADDRREQ);
}

/* Where an association takes 1.5 s, no call waits for it, and nothing that was
 * sent meanwhile is lost. */
static void at_once(void)
{
	int fd = udp_socket(SOCK_NONBLOCK);
	long began = probe_now_ms();
	char text[24];

	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "early %d", i);
		udp_say(fd, text, &udp_to);
	}
	long took = probe_now_ms() - began;
	CHECK(took < 1200, "10 datagrams took %ld ms", took);
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "early %d", i);
		udp_hear(fd, text, &udp_to);
	}
	udp_ask(fd, &udp_to);
}

static void at_once_connected(void)
{
	int fd = udp_connected();

	CHECK(send(fd, "first", 5, MSG_DONTWAIT) == 5, "send: %s",
		probe_errno(errno));
	udp_hear(fd, "first", &udp_to);
	udp_talk(fd);
}

static void to_many(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	in.sin_addr.s_addr = htonl(0xffffffff);
	CHECK_ERR(sendto(fd, "x", 1, 0, (void *)&in, sizeof(in)), ENETUNREACH);
	CHECK_ERR(connect(fd, (void *)&in, sizeof(in)), ENETUNREACH);
	in.sin_addr.s_addr = htonl(0xe0000001);
	CHECK_ERR(sendto(fd, "x", 1, 0, (void *)&in, sizeof(in)), ENETUNREACH);
	CHECK_ERR(connect(fd, (void *)&in, sizeof(in)), ENETUNREACH);
}

/* Where this user may have one at all. */
static void ping_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
	struct sockaddr_in in = {.sin_family = AF_INET};

	in.sin_addr.s_addr = htonl(0xcb00710a);
	if (fd >= 0)
		CHECK(sendto(fd, "\x08\0\0\0\0\0\0\0", 8, 0, (void *)&in,
			      sizeof(in)) < 0,
			"it was sent");
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"sendto", with_sendto, false},
		{"send", with_send, false},
		{"write", with_write, false},
		{"an address though connected", with_address_though_connected,
			false},
		{"sendmsg", with_sendmsg, false},
		{"a control message", with_control_message, false},
		{"sendmmsg", with_sendmmsg, false},
		{"sendmmsg, connected", with_sendmmsg_connected, false},
		{"sendmmsg to two", with_sendmmsg_to_two, false},
		{"sendmmsg, half wrong", with_sendmmsg_half_wrong, false},
		{"empty", empty, false},
		{"too large", too_large, false},
		{"no address", no_address, false},
		{"at once", at_once, false},
		{"at once, connected", at_once_connected, false},
		{"to many", to_many, true},
		{"a ping socket", ping_socket, true},
	};

	return udp_run(argc, argv, checks, PROBE_LEN(checks));
}

/*
 * How fast datagrams go through a relay.
 *
 *     datagrams libc|socks HOST PROXY
 *
 * Through relay.c, whose port is PROXY on 127.0.0.1: to HOST, or with the
 * header written by hand, in front of the payload. For each digit that it
 * reads, a line is printed, of nanoseconds:
 *
 *     0, 1     for a round trip with send() and recv() on a connected socket,
 *              with sendto() and recvfrom()
 *     2, 3, 4  for a datagram sent with send(), with sendto(), and with
 *              sendmmsg() in batches of 16
 */
#include "clock.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEAD    10 /* of an IPv4 address */
#define PAYLOAD 1200
#define N       200 /* of a slice */
#define BATCH   16
#define ECHO    7
#define DISCARD 9

static struct sockaddr_in target = {.sin_family = AF_INET};
static struct sockaddr_in proxy = {.sin_family = AF_INET};
static struct sockaddr_in relay = {.sin_family = AF_INET};
static bool by_hand;
static char payload[PAYLOAD];
static uint8_t head[HEAD] = {0, 0, 0, 1};

static void fail(const char *what)
{
	fprintf(stderr, "datagrams: %s\n", what);
	exit(1);
}

static void associate(void)
{
	uint8_t in[HEAD];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&proxy, sizeof(proxy)) ||
		send(fd, "\5\1", 3, 0) != 3 ||
		recv(fd, in, 2, MSG_WAITALL) != 2 ||
		send(fd, "\5\3\0\1\0\0\0\0\0", HEAD, 0) != HEAD ||
		recv(fd, in, HEAD, MSG_WAITALL) != HEAD || in[1])
		fail("no association");
	memcpy(&relay.sin_addr, in + 4, 4);
	memcpy(&relay.sin_port, in + 8, 2);
}

static void aim(uint16_t port)
{
	target.sin_port = htons(port);
	memcpy(head + 4, &target.sin_addr, 4);
	memcpy(head + 8, &target.sin_port, 2);
}

static int open_socket(bool connects, uint16_t port)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in *sa = by_hand ? &relay : &target;

	aim(port);
	if (by_hand)
		associate();
	if (connects && connect(fd, (struct sockaddr *)sa, sizeof(*sa)))
		fail("not connected");
	return fd;
}

/* With the header, if it is to be written here. */
static void fill(struct msghdr *msg, struct iovec iov[2], bool connects)
{
	unsigned from = by_hand ? 0 : 1;

	iov[0] = (struct iovec){head, HEAD};
	iov[1] = (struct iovec){payload, PAYLOAD};
	*msg = (struct msghdr){.msg_iov = iov + from, .msg_iovlen = 2 - from};
	if (connects)
		return;
	msg->msg_name = by_hand ? &relay : &target;
	msg->msg_namelen = sizeof(target);
}

static void send_one(int fd, bool connects)
{
	struct iovec iov[2];
	struct msghdr msg;
	ssize_t n;

	fill(&msg, iov, connects);
	if (by_hand)
		n = sendmsg(fd, &msg, 0) - HEAD;
	else if (connects)
		n = send(fd, payload, PAYLOAD, 0);
	else
		n = sendto(fd, payload, PAYLOAD, 0, (struct sockaddr *)&target,
			sizeof(target));
	if (n != PAYLOAD)
		fail("a datagram is not sent");
}

static void receive_one(int fd, bool connects)
{
	uint8_t own_head[HEAD];
	struct iovec iov[2] = {{own_head, HEAD}, {payload, PAYLOAD}};
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	struct msghdr msg = {.msg_name = &from,
		.msg_namelen = len,
		.msg_iov = iov,
		.msg_iovlen = 2};
	ssize_t n;

	if (by_hand)
		n = recvmsg(fd, &msg, 0) - HEAD;
	else if (connects)
		n = recv(fd, payload, PAYLOAD, 0);
	else
		n = recvfrom(fd, payload, PAYLOAD, 0, (struct sockaddr *)&from,
			&len);
	if (n != PAYLOAD || (by_hand && memcmp(own_head, head, HEAD)))
		fail("another datagram comes back");
}

static long long trips(int fd, bool connects)
{
	aim(ECHO);
	long long took = -now_ns();
	for (int i = 0; i < N; i++) {
		send_one(fd, connects);
		receive_one(fd, connects);
	}
	return (took + now_ns()) / N;
}

static long long burst(int fd, bool connects)
{
	aim(DISCARD);
	long long took = -now_ns();
	for (int i = 0; i < N; i++)
		send_one(fd, connects);
	return (took + now_ns()) / N;
}

static long long batches(int fd)
{
	struct mmsghdr vec[BATCH];
	struct iovec iov[BATCH][2];

	aim(DISCARD);
	for (int i = 0; i < BATCH; i++)
		fill(&vec[i].msg_hdr, iov[i], true);
	long long took = -now_ns();
	for (int i = 0; i < N; i += BATCH)
		if (sendmmsg(fd, vec, BATCH, 0) != BATCH)
			fail("a batch is not sent");
	return (took + now_ns()) / N;
}

static long long slice(char which, const int fds[3])
{
	switch (which) {
	case '0':
		return trips(fds[0], true);
	case '1':
		return trips(fds[1], false);
	case '2':
		return burst(fds[2], true);
	case '3':
		return burst(fds[1], false);
	default:
		return batches(fds[2]);
	}
}

int main(int argc, char **argv)
{
	char which;

	if (argc != 4 || inet_pton(AF_INET, argv[2], &target.sin_addr) != 1)
		return 2;
	by_hand = strcmp(argv[1], "socks") == 0;
	proxy.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
	proxy.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	const int fds[] = {open_socket(true, ECHO), open_socket(false, ECHO),
		open_socket(true, DISCARD)};
	while (read(STDIN_FILENO, &which, 1) == 1) {
		printf("%lld\n", slice(which, fds));
		fflush(stdout);
	}
	return 0;
}

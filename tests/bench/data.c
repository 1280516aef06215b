/*
 * How fast bytes go over a connection that is there.
 *
 *     data libc|socks HOST PROXY
 *
 * Through late.c, whose port is PROXY on 127.0.0.1: by connect() to HOST, or by
 * hand. For each digit that it reads, a line is printed, of nanoseconds:
 *
 *     0, 1        for a MiB sent with write(), with send()
 *     2, 3        received with read(), with recv()
 *     4, 5, 6, 7  for a round trip of a byte with write() and read(), with
 *                 send() and recv(), with poll(), epoll_wait() in between
 *
 * In slices as short as that two processes can take turns, so that what else
 * the machine does falls on both.
 */
#include "clock.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB    (1024 * 1024)
#define CHUNK  (64 * 1024)
#define BUFFER (512 * 1024)

#define N_MIB   16 /* of a slice */
#define N_TRIPS 50

enum port {
	ECHO = 7,
	DISCARD = 9,
	CHARGEN = 19
};

static struct sockaddr_in target = {.sin_family = AF_INET};
static struct sockaddr_in proxy = {.sin_family = AF_INET};
static bool by_hand;
static int epoll;
static char chunk[CHUNK];

static void fail(const char *what)
{
	fprintf(stderr, "data: %s\n", what);
	exit(1);
}

static void ask(int fd, enum port port)
{
	uint8_t request[10] = {5, 1, 0, 1}, in[10];

	memcpy(request + 4, &target.sin_addr, 4);
	request[9] = (uint8_t)port;
	if (send(fd, "\5\1", 3, 0) != 3 || recv(fd, in, 2, MSG_WAITALL) != 2 ||
		send(fd, request, 10, 0) != 10 ||
		recv(fd, in, 10, MSG_WAITALL) != 10 || in[1])
		fail("no tunnel");
}

static int tunnel(enum port port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	/* The kernel would find others for each connection */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){BUFFER}, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){BUFFER}, sizeof(int));
	target.sin_port = htons((uint16_t)port);
	if (connect(fd, (struct sockaddr *)(by_hand ? &proxy : &target),
		    sizeof(target)))
		fail("not connected");
	if (by_hand)
		ask(fd, port);
	return fd;
}

static ssize_t send_flagless(int fd, const void *bytes, size_t n)
{
	return send(fd, bytes, n, 0);
}

static ssize_t recv_flagless(int fd, void *bytes, size_t n)
{
	return recv(fd, bytes, n, 0);
}

typedef ssize_t put_fn(int, const void *, size_t);
typedef ssize_t get_fn(int, void *, size_t);

static void no_wait(int fd)
{
	(void)fd;
}

static void wait_poll(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (poll(&p, 1, -1) != 1)
		fail("poll");
}

static void wait_epoll(int fd)
{
	struct epoll_event e;

	(void)fd;
	if (epoll_wait(epoll, &e, 1, -1) != 1)
		fail("epoll_wait");
}

static long long stream(int fd, put_fn *put, get_fn *get)
{
	long long took = -now_ns();

	for (size_t left = (size_t)N_MIB * MIB; left;) {
		size_t n = left < CHUNK ? left : CHUNK;
		ssize_t r = put ? put(fd, chunk, n) : get(fd, chunk, n);
		if (r <= 0)
			fail("the stream ends");
		left -= (size_t)r;
	}
	took += now_ns();
	return took / N_MIB;
}

static long long trips(int fd, put_fn *put, get_fn *get, void (*wait)(int))
{
	long long took = -now_ns();

	for (int i = 0; i < N_TRIPS; i++) {
		char out = (char)i, in;
		if (put(fd, &out, 1) != 1)
			fail("a byte is not sent");
		wait(fd);
		if (get(fd, &in, 1) != 1 || in != out)
			fail("another byte comes back");
	}
	took += now_ns();
	return took / N_TRIPS;
}

static int echo_tunnel(void)
{
	int fd = tunnel(ECHO);
	struct epoll_event e = {.events = EPOLLIN};

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	epoll = epoll_create1(0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
	return fd;
}

static long long slice(char which, const int fds[3])
{
	switch (which) {
	case '0':
		return stream(fds[0], write, NULL);
	case '1':
		return stream(fds[0], send_flagless, NULL);
	case '2':
		return stream(fds[1], NULL, read);
	case '3':
		return stream(fds[1], NULL, recv_flagless);
	case '4':
		return trips(fds[2], write, read, no_wait);
	case '5':
		return trips(fds[2], send_flagless, recv_flagless, no_wait);
	case '6':
		return trips(fds[2], send_flagless, recv_flagless, wait_poll);
	default:
		return trips(fds[2], send_flagless, recv_flagless, wait_epoll);
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
	const int fds[] = {tunnel(DISCARD), tunnel(CHARGEN), echo_tunnel()};
	while (read(STDIN_FILENO, &which, 1) == 1) {
		printf("%lld\n", slice(which, fds));
		fflush(stdout);
	}
	return 0;
}

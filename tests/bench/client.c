/*
 * Connects again and again, and prints what it took.
 *
 *     client COUNT libc HOST PORT        connect() to HOST
 *     client COUNT socks HOST PORT PROXY the same through the SOCKS5 server
 *                                        on port PROXY of 127.0.0.1, with
 *                                        as few system calls as it takes
 *
 * nb-libc and nb-socks: with a non-blocking socket, and poll() for what is not
 * there yet. HOST is an IPv4 address or a name. One connection more is made
 * first: it must echo a byte, and its time is that of a program that connects
 * once. A line of nanoseconds is printed:
 *
 *     first median cpu_of_each
 */
#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct job {
	const char *host, *service;
	in_port_t port; /* in network order */
	struct sockaddr_in proxy;
	uint8_t request[4 + 1 + 255 + 2];
	size_t n_request;
	int flags; /* of socket() */
};

static bool wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, -1) == 1;
}

static bool connect_to(int fd, const struct sockaddr *sa, socklen_t len)
{
	int err = 0;
	socklen_t err_len = sizeof(err);

	if (connect(fd, sa, len) == 0)
		return true;
	return errno == EINPROGRESS && wait_for(fd, POLLOUT) &&
	       getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_len) == 0 &&
	       err == 0;
}

static int connect_libc(const struct job *job)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *res;
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = job->port};
	bool is_connected;
	int fd;

	if (inet_pton(AF_INET, job->host, &sa.sin_addr) == 1) {
		fd = socket(AF_INET, SOCK_STREAM | job->flags, 0);
		is_connected =
			connect_to(fd, (struct sockaddr *)&sa, sizeof(sa));
	} else {
		if (getaddrinfo(job->host, job->service, &hints, &res))
			return -1;
		fd = socket(res->ai_family, SOCK_STREAM | job->flags, 0);
		is_connected = connect_to(fd, res->ai_addr, res->ai_addrlen);
		freeaddrinfo(res);
	}
	if (is_connected)
		return fd;
	close(fd);
	return -1;
}

static bool send_all(int fd, const void *bytes, size_t n)
{
	return send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool recv_exactly(int fd, uint8_t *bytes, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t r = recv(fd, bytes + got, n - got, 0);
		if (r < 0 && errno == EAGAIN && wait_for(fd, POLLIN))
			continue;
		if (r <= 0)
			return false;
		got += (size_t)r;
	}
	return true;
}

/* RFC 1928 without its doubts: the replies of one server, which is known. */
static int connect_socks(const struct job *job)
{
	uint8_t in[10];
	int fd = socket(AF_INET, SOCK_STREAM | job->flags, 0);

	if (connect_to(fd, (const struct sockaddr *)&job->proxy,
		    sizeof(job->proxy)) &&
		send_all(fd, "\5\1\0", 3) && recv_exactly(fd, in, 2) &&
		in[1] == 0 && send_all(fd, job->request, job->n_request) &&
		recv_exactly(fd, in, 10) && in[1] == 0)
		return fd;
	close(fd);
	return -1;
}

static in_port_t read_port(const char *text)
{
	return htons((uint16_t)strtoul(text, NULL, 10));
}

static void make_request(struct job *job, const char *proxy_port)
{
	size_t n = strlen(job->host);

	job->proxy = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = read_port(proxy_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	memcpy(job->request, "\5\1\0\1", 4);
	job->n_request = 8;
	if (inet_pton(AF_INET, job->host, job->request + 4) != 1) {
		job->request[3] = 3;
		job->request[4] = (uint8_t)n;
		memcpy(job->request + 5, job->host, n & 0xff);
		job->n_request = 5 + (n & 0xff);
	}
	memcpy(job->request + job->n_request, &job->port, 2);
	job->n_request += 2;
}

static bool echoes(int fd)
{
	uint8_t byte = 'x';

	return send_all(fd, &byte, 1) && recv_exactly(fd, &byte, 1) &&
	       byte == 'x';
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

static long long connect_once(const struct job *job, bool check)
{
	long long start = now_ns();
	int fd = job->n_request ? connect_socks(job) : connect_libc(job);
	long long took = now_ns() - start;

	if (fd < 0 || (check && !echoes(fd))) {
		fputs("client: no connection\n", stderr);
		exit(1);
	}
	close(fd);
	return took;
}

int main(int argc, char **argv)
{
	struct job job = {0};
	size_t n = argc > 4 ? strtoul(argv[1], NULL, 10) : 0;
	bool nb = argc > 4 && strncmp(argv[2], "nb-", 3) == 0;
	bool socks = argc == 6 && strcmp(argv[2] + 3 * nb, "socks") == 0;
	long long *times = calloc(n + 1, sizeof(*times));

	if (!times || argc < 5 || (argc == 5) == socks)
		return 2;
	job.flags = nb ? SOCK_NONBLOCK : 0;
	job.host = argv[3];
	job.service = argv[4];
	job.port = read_port(argv[4]);
	if (socks)
		make_request(&job, argv[5]);
	long long first = connect_once(&job, true);
	long long cpu = -clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (size_t i = 0; i < n; i++)
		times[i] = connect_once(&job, false);
	cpu += clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	qsort(times, n, sizeof(*times), compare);
	printf("%lld %lld %lld\n", first, times[n / 2],
		cpu / (long long)(n ? n : 1));
	return 0;
}

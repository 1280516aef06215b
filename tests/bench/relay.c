/*
 * A SOCKS5 server for datagrams that is its own destination: what comes to
 * port 7 of anywhere it sends back as its answer, all else it drops.
 *
 *     relay
 *
 * It prints its port on the loopback. One relay's socket serves all
 * associations; each lasts as long as its connection.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_CLIENTS 64
#define IPV4_HEAD 10
#define ECHO      7

static struct sockaddr_in own = {.sin_family = AF_INET};
static uint16_t udp_port;

static int open_socket(int type, uint16_t *port)
{
	struct sockaddr_in sa = own;
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
		getsockname(fd, (struct sockaddr *)&sa, &len))
		return -1;
	*port = sa.sin_port;
	return fd;
}

static void reflect(int fd)
{
	static uint8_t bytes[65536];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(
		fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);

	if (n >= IPV4_HEAD && bytes[3] == 1 && bytes[9] == ECHO)
		sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, len);
}

/* A greeting or a request, each in one piece; false at the end. */
static int answer(int fd)
{
	uint8_t in[64], out[IPV4_HEAD] = {5, 0, 0, 1, 127, 0, 0, 1};
	ssize_t n = recv(fd, in, sizeof(in), 0);

	if (n <= 0)
		return 0;
	out[8] = (uint8_t)(ntohs(udp_port) >> 8);
	out[9] = (uint8_t)ntohs(udp_port);
	return send(fd, out, n == 3 || n == 4 ? 2 : sizeof(out), MSG_NOSIGNAL) >
	       0;
}

int main(void)
{
	struct pollfd fds[2 + N_CLIENTS];
	unsigned n = 2;
	uint16_t port;

	own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fds[0] = (struct pollfd){open_socket(SOCK_STREAM, &port), POLLIN, 0};
	fds[1] = (struct pollfd){open_socket(SOCK_DGRAM, &udp_port), POLLIN, 0};
	if (fds[0].fd < 0 || fds[1].fd < 0 || listen(fds[0].fd, N_CLIENTS))
		return 1;
	printf("%d\n", ntohs(port));
	fflush(stdout);
	while (poll(fds, n, -1) > 0) {
		if (fds[1].revents)
			reflect(fds[1].fd);
		for (unsigned i = n; i-- > 2;)
			if (fds[i].revents && !answer(fds[i].fd)) {
				close(fds[i].fd);
				fds[i] = fds[--n];
			}
		if (fds[0].revents && n < 2 + N_CLIENTS)
			fds[n++] = (struct pollfd){
				accept(fds[0].fd, NULL, NULL), POLLIN, 0};
	}
	return 1;
}

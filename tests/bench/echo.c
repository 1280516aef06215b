/*
 * A server that sends back what it gets, on a port of the kernel's choice.
 *
 *     echo ADDRESS
 *
 * Prints the port when it listens; ends with the process that started it.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

static int listen_on(const char *address, unsigned *port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (inet_pton(AF_INET, address, &sa.sin_addr) != 1 ||
		bind(fd, (struct sockaddr *)&sa, len) ||
		listen(fd, SOMAXCONN) ||
		getsockname(fd, (struct sockaddr *)&sa, &len))
		return -1;
	*port = ntohs(sa.sin_port);
	return fd;
}

static void watch(int epoll, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	if (fd >= 0)
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

static void serve(int fd)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n <= 0 || send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n)
		close(fd);
}

int main(int argc, char **argv)
{
	int epoll = epoll_create1(0);
	struct epoll_event e;
	unsigned port;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int fd = argc == 2 ? listen_on(argv[1], &port) : -1;
	if (fd < 0 || epoll < 0)
		return 1;
	printf("%u\n", port);
	fflush(stdout);
	watch(epoll, fd);
	while (epoll_wait(epoll, &e, 1, -1) == 1) {
		if (e.data.fd == fd)
			watch(epoll, accept(fd, NULL, NULL));
		else
			serve(e.data.fd);
	}
	return 0;
}

/*
 * TCP, in the ways a program can open a connection or be given one.
 */
#include "leak_probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAIT_MS 4000

int probe_tcp4(const struct probe *p)
{
	return probe_dial(&p->v4, sizeof(p->v4));
}

int probe_tcp6(const struct probe *p)
{
	return probe_dial(&p->v6, sizeof(p->v6));
}

int probe_tcp_mapped(const struct probe *p)
{
	struct sockaddr_in6 mapped = {
		.sin6_family = AF_INET6, .sin6_port = p->v4.sin_port};

	mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
	memcpy(mapped.sin6_addr.s6_addr + 12, &p->v4.sin_addr, 4);
	return probe_dial(&mapped, sizeof(mapped));
}

static int finish(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	int err = 0;
	socklen_t len = sizeof(err);

	if (poll(&wait, 1, WAIT_MS) != 1)
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return errno;
	return err;
}

int probe_tcp_nonblock(const struct probe *p)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int r = connect(fd, (const struct sockaddr *)&p->v4, sizeof(p->v4));
	int err = r == 0 ? 0 : errno == EINPROGRESS ? finish(fd) : errno;

	return err ? probe_close(fd, err) : probe_talk(fd);
}

int probe_tcp_fastopen(const struct probe *p)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char c = '\n';

	if (sendto(fd, &c, 1, MSG_FASTOPEN | MSG_NOSIGNAL,
		    (const struct sockaddr *)&p->v4, sizeof(p->v4)) != 1)
		return probe_close(fd, errno);
	if (probe_wait(fd) || recv(fd, &c, 1, 0) != 1)
		return probe_close(fd, EPIPE);
	return probe_talk(fd);
}

int probe_syscall_connect(const struct probe *p)
{
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);

	if (syscall(SYS_connect, fd, &p->v4, sizeof(p->v4)))
		return probe_close(fd, errno);
	return probe_talk(fd);
}

/* Its one message is a socket that has been made elsewhere. */
static int give(int channel, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec text = {(void *)"s", 1};
	struct msghdr m = {.msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(channel, &m, 0) == 1 ? 0 : errno;
}

static int receive(int channel)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char c;
	struct iovec text = {&c, 1};
	struct msghdr m = {.msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(channel, &m, 0) == 1 && m.msg_controllen)
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

int probe_socket_passed(const struct probe *p)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return errno;
	pid_t pid = fork();
	if (pid == 0) {
		int own = socket(AF_INET, SOCK_STREAM, 0);
		_exit(give(ends[1], own) ? 2 : 0);
	}
	probe_reap(pid);
	int fd = receive(ends[0]);
	if (connect(fd, (const struct sockaddr *)&p->v4, sizeof(p->v4)))
		return errno;
	return probe_talk(fd);
}

/* Whoever has started us connects to the port we say. */
int probe_listen(const struct probe *p)
{
	struct sockaddr_in own = {.sin_family = AF_INET};
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)p;
	if (bind(fd, (struct sockaddr *)&own, len) || listen(fd, 1) ||
		getsockname(fd, (struct sockaddr *)&own, &len))
		return errno;
	printf("port %u\n", ntohs(own.sin_port));
	fflush(stdout);
	if (probe_wait(fd))
		return ETIMEDOUT;
	int client = accept(fd, NULL, NULL);
	if (client < 0)
		return errno;
	return send(client, "x", 1, MSG_NOSIGNAL) == 1 ? 0 : errno;
}

/*
 * Questions to nameservers by UDP, in every way that a resolver may send and
 * wait.
 *
 * dns_udp ADDR ADDR2 NAME
 * ADDR ADDR2	nameservers of one family; NAME has one IPv4 address
 */
#include "probe_dns.h"

#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>

#define ARGS "ADDR ADDR2 NAME"

static struct probe_addr ns, ns2;
static const char *name;

/* The peer is the nameserver, whatever was done to get there. */
static void check_peer(int fd, const struct probe_addr *a)
{
	struct probe_addr peer = {.len = sizeof(peer.storage)};

	CHECK(!getpeername(fd, &peer.sa, &peer.len), "getpeername: %s",
		probe_errno(errno));
	CHECK(probe_same(&peer, a), "the peer is %s", probe_str(&peer));
}

static int connected(const struct probe_addr *a, int flags)
{
	int fd = probe_udp(a, flags);

	errno = 99;
	CHECK(!connect(fd, &a->sa, a->len), "connect: %s", probe_errno(errno));
	CHECK(errno == 99, "errno is %s", probe_errno(errno));
	return fd;
}

static void by_write(void)
{
	int fd = connected(&ns, 0);
	struct question q;
	char in[ANSWER_MAX];

	for (int i = 0; i < 3; i++) {
		question_make(&q, name);
		CHECK(write(fd, q.bytes, q.len) == q.len, "write: %s",
			probe_errno(errno));
		question_check(&q, in, read(fd, in, sizeof(in)));
	}
	check_peer(fd, &ns);
	close(fd);
}

static void by_recvfrom_connected(void)
{
	int fd = connected(&ns, 0);
	struct probe_addr from = {.len = sizeof(from.storage)};
	struct question q;
	char in[ANSWER_MAX];

	question_make(&q, name);
	CHECK(sendto(fd, q.bytes, q.len, 0, NULL, 0) == q.len, "sendto");
	ssize_t n = recvfrom(fd, in, sizeof(in), 0, &from.sa, &from.len);
	question_check(&q, in, n);
	CHECK(probe_same(&from, &ns), "from %s", probe_str(&from));
	/* with an address although it is connected */
	probe_ask_at(fd, &ns, name);
	/* and without any place for one */
	question_make(&q, name);
	CHECK(send(fd, q.bytes, q.len, 0) == q.len, "send");
	question_check(&q, in, recvfrom(fd, in, sizeof(in), 0, NULL, NULL));
	close(fd);
}

/* A place that is too small for the address: it is cut, its length told. */
static void by_recvfrom_short(void)
{
	int fd = probe_udp(&ns, 0);
	unsigned char cut[32];
	socklen_t room = ns.sa.sa_family == AF_INET ? 8 : 24, len = room;
	struct question q;
	char in[ANSWER_MAX];

	memset(cut, 0xee, sizeof(cut));
	question_make(&q, name);
	CHECK(sendto(fd, q.bytes, q.len, 0, &ns.sa, ns.len) == q.len,
		"sendto: %s", probe_errno(errno));
	ssize_t n = recvfrom(fd, in, sizeof(in), 0, (void *)cut, &len);
	question_check(&q, in, n);
	CHECK(len == ns.len, "length %d", (int)len);
	CHECK(cut[room] == 0xee, "written behind the end");
	close(fd);
}

static void by_message(void)
{
	int fd = probe_udp(&ns, 0);
	struct probe_addr from;
	char in[ANSWER_MAX], control[100];
	struct question q;
	struct iovec v[2] = {{q.bytes, 5}, {q.bytes + 5, 0}};
	struct msghdr m = {.msg_name = &ns.sa,
		.msg_namelen = ns.len,
		.msg_iov = v,
		.msg_iovlen = 2};

	question_make(&q, name);
	v[1].iov_len = q.len - 5;
	CHECK(sendmsg(fd, &m, 0) == q.len, "sendmsg: %s", probe_errno(errno));
	CHECK(m.msg_name == &ns.sa && m.msg_namelen == ns.len, "msg changed");
	m = (struct msghdr){.msg_name = &from.sa,
		.msg_namelen = sizeof(from.storage),
		.msg_iov = &(struct iovec){in, sizeof(in)},
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	question_check(&q, in, recvmsg(fd, &m, 0));
	from.len = m.msg_namelen;
	CHECK(probe_same(&from, &ns), "from %s", probe_str(&from));
	close(fd);
}

#define N_MESSAGES 5

/* Several in one call, one of them without an address. */
static void by_messages(void)
{
	int fd = connected(&ns, 0), done = 0, got = 0;
	struct question q[N_MESSAGES];
	char in[N_MESSAGES][ANSWER_MAX];
	struct probe_addr from[N_MESSAGES];
	struct iovec v[N_MESSAGES];
	struct mmsghdr m[N_MESSAGES] = {0};

	for (int i = 0; i < N_MESSAGES; i++) {
		question_make(&q[i], name);
		v[i] = (struct iovec){q[i].bytes, q[i].len};
		m[i].msg_hdr = (struct msghdr){.msg_name = i ? &ns.sa : NULL,
			.msg_namelen = i ? ns.len : 0,
			.msg_iov = &v[i],
			.msg_iovlen = 1};
	}
	done = sendmmsg(fd, m, N_MESSAGES, 0);
	CHECK(done == N_MESSAGES, "sendmmsg: %d %s", done, probe_errno(errno));
	for (int i = 0; i < N_MESSAGES; i++) {
		CHECK((int)m[i].msg_len == q[i].len, "length");
		v[i] = (struct iovec){in[i], ANSWER_MAX};
		m[i].msg_hdr.msg_name = &from[i].sa;
		m[i].msg_hdr.msg_namelen = sizeof(from[i].storage);
	}
	while (got < N_MESSAGES) {
		int r = recvmmsg(
			fd, m + got, N_MESSAGES - got, MSG_WAITFORONE, NULL);
		CHECK(r > 0, "recvmmsg: %s", probe_errno(errno));
		got += r;
	}
	for (int i = 0; i < N_MESSAGES; i++) {
		bool found = false;
		from[i].len = m[i].msg_hdr.msg_namelen;
		CHECK(probe_same(&from[i], &ns), "from %s",
			probe_str(&from[i]));
		for (int j = 0; j < N_MESSAGES; j++)
			found = found || question_is_answered(
						 &q[j], in[i], m[i].msg_len);
		CHECK(found, "answer %d is none", i);
	}
	close(fd);
}

/* As musl does: one socket asks all nameservers and takes what comes. */
static void two_nameservers(void)
{
	int fd = probe_udp(&ns, SOCK_NONBLOCK);
	struct question q[2];
	bool seen[2] = {false};
	char in[ANSWER_MAX];

	for (int i = 0; i < 2; i++) {
		struct probe_addr *to = i ? &ns2 : &ns;
		question_make(&q[i], name);
		CHECK(sendto(fd, q[i].bytes, q[i].len, 0, &to->sa, to->len) ==
				q[i].len,
			"sendto: %s", probe_errno(errno));
	}
	while (!seen[0] || !seen[1]) {
		struct probe_addr from = {.len = sizeof(from.storage)};
		CHECK(probe_wait(fd, POLLIN, 10000), "no answer");
		ssize_t n =
			recvfrom(fd, in, sizeof(in), 0, &from.sa, &from.len);
		int i = n > 0 && question_is_answered(&q[1], in, n);
		question_check(&q[i], in, n);
		CHECK(probe_same(&from, i ? &ns2 : &ns), "%d from %s", i,
			probe_str(&from));
		seen[i] = true;
	}
	CHECK_ERR(recv(fd, in, sizeof(in), 0), EAGAIN);
	close(fd);
}

static void wait_epoll(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	int ep = epoll_create1(EPOLL_CLOEXEC);

	CHECK(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
	CHECK(epoll_wait(ep, &event, 1, 10000) == 1 && event.data.fd == fd,
		"epoll_wait");
	close(ep);
}

static void wait_select(int fd)
{
	struct timeval t = {.tv_sec = 10};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	CHECK(select(fd + 1, &set, NULL, NULL, &t) == 1, "select");
}

static void wait_poll(int fd)
{
	CHECK(probe_wait(fd, POLLIN, 10000) == POLLIN, "poll");
}

static void (*const waits[])(int fd) = {wait_epoll, wait_select, wait_poll};

static void readiness(void)
{
	int fd = connected(&ns, SOCK_NONBLOCK);
	struct question q;
	char in[ANSWER_MAX];

	for (int i = 0; i < PROBE_LEN(waits); i++) {
		CHECK_ERR(recv(fd, in, sizeof(in), 0), EAGAIN);
		CHECK(probe_wait(fd, POLLIN | POLLOUT, 0) == POLLOUT,
			"events before the question");
		question_make(&q, name);
		CHECK(send(fd, q.bytes, q.len, 0) == q.len, "send");
		waits[i](fd);
		question_check(&q, in, recv(fd, in, sizeof(in), 0));
	}
	close(fd);
}

/* Connected again, to another and to nobody. */
static void again(void)
{
	static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	struct probe_addr peer = {.len = sizeof(peer.storage)};
	int fd = connected(&ns, 0);

	probe_ask(fd, name);
	CHECK(!connect(fd, &ns2.sa, ns2.len), "connect: %s",
		probe_errno(errno));
	check_peer(fd, &ns2);
	probe_ask(fd, name);
	CHECK(!connect(fd, &nobody, sizeof(nobody)), "connect: %s",
		probe_errno(errno));
	CHECK_ERR(getpeername(fd, &peer.sa, &peer.len), ENOTCONN);
	/* Linux lets an IPv6 socket hear its last peer alone */
	probe_ask_at(fd, &ns2, name);
	close(fd);
}

/* Bound by the program: it keeps its port. */
static void bound(const char *address)
{
	struct probe_addr own, ours = {.len = sizeof(ours.storage)};
	int fd = probe_udp(&ns, 0);

	probe_resolve(&own, address, "0");
	CHECK(!bind(fd, &own.sa, own.len), "bind: %s", probe_errno(errno));
	CHECK(!getsockname(fd, &ours.sa, &ours.len), "getsockname");
	probe_ask_at(fd, &ns, name);
	CHECK(!connect(fd, &ns.sa, ns.len), "connect: %s", probe_errno(errno));
	probe_ask(fd, name);
	own.len = sizeof(own.storage);
	CHECK(!getsockname(fd, &own.sa, &own.len), "getsockname");
	CHECK(own.in.sin_port == ours.in.sin_port, "another port");
	close(fd);
}

/* An IPv6 socket that asks an IPv4 nameserver. */
static void mapped(void)
{
	struct probe_addr a = ns;
	int fd;

	if (ns.sa.sa_family != AF_INET)
		return;
	probe_map(&a);
	fd = probe_udp(&a, 0);
	probe_ask_at(fd, &a, name);
	CHECK(!connect(fd, &a.sa, a.len), "connect: %s", probe_errno(errno));
	check_peer(fd, &a);
	probe_ask(fd, name);
	close(fd);
}

/* What recvfrom() is in programs that are built with _FORTIFY_SOURCE. */
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags,
	struct sockaddr *sa, socklen_t *len);

static void fortified(void)
{
	struct probe_addr from = {.len = sizeof(from.storage)};
	int fd = probe_udp(&ns, 0);
	struct question q;
	char in[ANSWER_MAX];

	question_make(&q, name);
	CHECK(sendto(fd, q.bytes, q.len, 0, &ns.sa, ns.len) == q.len,
		"sendto: %s", probe_errno(errno));
	ssize_t n = __recvfrom_chk(
		fd, in, sizeof(in), sizeof(in), 0, &from.sa, &from.len);
	question_check(&q, in, n);
	CHECK(probe_same(&from, &ns), "from %s", probe_str(&from));
	close(fd);
}

/* The system calls by their number. */
static void by_number(void)
{
	struct probe_addr from = {.len = sizeof(from.storage)};
	int fd = probe_udp(&ns, 0);
	struct question q;
	char in[ANSWER_MAX];

	question_make(&q, name);
	CHECK(syscall(SYS_sendto, fd, q.bytes, q.len, 0, &ns.sa, ns.len) ==
			q.len,
		"sendto: %s", probe_errno(errno));
	ssize_t n = syscall(
		SYS_recvfrom, fd, in, sizeof(in), 0, &from.sa, &from.len);
	question_check(&q, in, n);
	CHECK(probe_same(&from, &ns), "from %s", probe_str(&from));
	close(fd);
}

int main(int argc, char **argv)
{
	probe_dns_proxied = probe_flag(&argc, argv, "--proxied");
	probe_positional(argc, argv, 3, 3, ARGS);
	probe_watchdog(50);
	probe_resolve(&ns, argv[1], "53");
	probe_resolve(&ns2, argv[2], "53");
	name = argv[3];
	int fds = probe_count_fds();
	by_write();
	by_recvfrom_connected();
	by_recvfrom_short();
	by_message();
	by_messages();
	two_nameservers();
	readiness();
	again();
	bound(ns.sa.sa_family == AF_INET ? "0.0.0.0" : "::");
	mapped();
	fortified();
	by_number();
	CHECK(probe_count_fds() == fds, "%d descriptors, %d at the start",
		probe_count_fds(), fds);
	return 0;
}

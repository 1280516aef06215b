/*
 * Every call that receives a datagram, and every way to wait for one.
 * Arguments: see probe_udp.h.
 */
#include "probe_udp.h"

#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/uio.h>

#define N_MESSAGES 20

static void is(const char *in, ssize_t n, const char *text)
{
	CHECK(n == (ssize_t)strlen(text) && !memcmp(in, text, strlen(text)),
		"%zd bytes '%.*s', not '%s'", n, n > 0 ? (int)n : 0, in, text);
}

static int asked(const char *text)
{
	int fd = udp_connected();

	udp_say(fd, text, NULL);
	udp_wait(fd);
	return fd;
}

static void with_read(void)
{
	char in[100], more[100];
	int fd = asked("to read");
	struct iovec v[3] = {{in, 3}, {NULL, 0}, {more, sizeof(more)}};

	is(in, read(fd, in, sizeof(in)), "to read");
	udp_say(fd, "to readv", NULL);
	CHECK(readv(fd, v, 3) == 8, "readv");
	CHECK(!memcmp(in, "to ", 3) && !memcmp(more, "readv", 5), "readv: '%s'",
		more);
}

static void with_recv(void)
{
	char in[100];
	int fd = asked("to recv");

	is(in, recv(fd, in, sizeof(in), 0), "to recv");
	udp_nothing(fd);
	udp_say(fd, "again", NULL);
	is(in, recv(fd, in, sizeof(in), MSG_WAITALL), "again");
}

static void with_recvfrom(void)
{
	struct probe_addr who = {.len = sizeof(who.storage)};
	char in[100];
	int fd = udp_socket(0);

	udp_say(fd, "words", &udp_to);
	is(in, recvfrom(fd, in, sizeof(in), 0, &who.sa, &who.len), "words");
	CHECK(probe_same(&who, &udp_to), "from %s", probe_str(&who));
	udp_say(fd, "words", &udp_to);
	is(in, recvfrom(fd, in, sizeof(in), 0, NULL, NULL), "words");
	/* the address is cut, its whole length told */
	memset(&who, 0x55, sizeof(who));
	who.len = 4;
	udp_say(fd, "words", &udp_to);
	is(in, recvfrom(fd, in, sizeof(in), 0, &who.sa, &who.len), "words");
	CHECK(who.len == udp_to.len, "length %d", (int)who.len);
	CHECK(!memcmp(&who.storage, &udp_to.storage, 4), "the port is wrong");
	CHECK(((unsigned char *)&who.storage)[4] == 0x55, "written too much");
}

static void with_recvmsg(void)
{
	struct probe_addr who = {.len = 0};
	char a[2], b[100], control[64];
	struct iovec v[3] = {{a, 2}, {NULL, 0}, {b, sizeof(b)}};
	struct msghdr m = {.msg_name = &who.storage,
		.msg_namelen = sizeof(who.storage),
		.msg_iov = v,
		.msg_iovlen = 3,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	int fd = udp_socket(0);

	udp_say(fd, "in parts", &udp_to);
	CHECK(recvmsg(fd, &m, 0) == 8, "recvmsg: %s", probe_errno(errno));
	CHECK(!memcmp(a, "in", 2) && !memcmp(b, " parts", 6), "'%.6s'", b);
	who.len = m.msg_namelen;
	CHECK(probe_same(&who, &udp_to), "from %s", probe_str(&who));
	CHECK(m.msg_flags == 0, "flags %x", (unsigned)m.msg_flags);
	CHECK(m.msg_controllen == 0, "control of %zu", m.msg_controllen);
	CHECK(m.msg_iov == v && m.msg_iovlen == 3, "the message was changed");
}

/* What control messages say of a datagram. */
static void with_timestamp(void)
{
	char in[100];
	union {
		char bytes[256];
		struct cmsghdr head;
	} control;
	struct iovec v = {in, sizeof(in)};
	struct msghdr m = {.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int fd = udp_socket(0), on = 1;

	CHECK(!setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)),
		"set");
	udp_say(fd, "when", &udp_to);
	is(in, recvmsg(fd, &m, 0), "when");
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	CHECK(c && c->cmsg_type == SO_TIMESTAMP, "no time");
}

static void with_recvmmsg(void)
{
	struct mmsghdr all[N_MESSAGES + 4];
	struct iovec v[N_MESSAGES + 4];
	char in[N_MESSAGES + 4][100];
	static const char text[] = "again:20:x";
	int fd = asked(text), got = 0;

	for (int i = 0; i < PROBE_LEN(all); i++) {
		v[i] = (struct iovec){in[i], sizeof(in[i])};
		all[i] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = &v[i], .msg_iovlen = 1}};
	}
	while (got < N_MESSAGES) {
		int r = recvmmsg(fd, all + got,
			(unsigned)(PROBE_LEN(all) - got), MSG_WAITFORONE, NULL);
		CHECK(r > 0, "recvmmsg: %d %s", r, probe_errno(errno));
		got += r;
	}
	CHECK(got == N_MESSAGES, "%d have come", got);
	for (int i = 0; i < N_MESSAGES; i++)
		is(in[i], all[i].msg_len, text);
	CHECK_ERR(recvmmsg(fd, all, 2, MSG_DONTWAIT, NULL), EAGAIN);
	/* all that are asked for, waiting */
	udp_say(fd, "again:5:x", NULL);
	CHECK(recvmmsg(fd, all, 5, 0, NULL) == 5, "not 5");
}

static void peek(void)
{
	char in[100];
	int fd = asked("look");

	for (int i = 0; i < 2; i++) {
		memset(in, 0, sizeof(in));
		is(in, recv(fd, in, sizeof(in), MSG_PEEK), "look");
	}
	is(in, recv(fd, in, 2, MSG_PEEK), "lo");
	CHECK(recv(fd, in, 2, MSG_PEEK | MSG_TRUNC) == 4, "not its length");
	CHECK(recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC) == 4, "not its length");
	is(in, read(fd, in, sizeof(in)), "look");
	udp_nothing(fd);
}

static void cut(void)
{
	char in[100] = "........";
	struct iovec v = {in, 3};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	int fd = asked("too long for it");

	is(in, recvmsg(fd, &m, 0), "too");
	CHECK(in[3] == '.', "written too much: '%s'", in);
	CHECK(m.msg_flags & MSG_TRUNC, "MSG_TRUNC is not set");
	udp_say(fd, "fit", NULL);
	is(in, recvmsg(fd, &m, 0), "fit");
	CHECK(!(m.msg_flags & MSG_TRUNC), "MSG_TRUNC is set");
	udp_say(fd, "long", NULL);
	CHECK(recv(fd, in, 3, MSG_TRUNC) == 4, "MSG_TRUNC as a flag");
	CHECK(!memcmp(in, "lon", 3), "'%.3s'", in);
	udp_say(fd, "long", NULL);
	is(in, read(fd, in, 3), "lon");
	udp_say(fd, "gone", NULL);
	CHECK(recv(fd, NULL, 0, 0) == 0, "not 0");
	udp_talk(fd);
}

static void waits_not(void)
{
	char in[100];
	int fd = udp_connected();

	CHECK_ERR(recv(fd, in, sizeof(in), MSG_DONTWAIT), EAGAIN);
	udp_talk(fd);
	CHECK_ERR(recv(fd, in, sizeof(in), MSG_DONTWAIT), EAGAIN);
	CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK), "fcntl");
	CHECK_ERR(read(fd, in, sizeof(in)), EAGAIN);
	CHECK_ERR(recvfrom(fd, in, sizeof(in), 0, NULL, NULL), EAGAIN);
	udp_talk(fd);
}

static void waits_so_long(void)
{
	struct timeval limit = {.tv_usec = 100000};
	char in[100];
	int fd = udp_connected();

	udp_talk(fd);
	CHECK(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)),
		"SO_RCVTIMEO");
	long began = probe_now_ms();
	CHECK_ERR(recv(fd, in, sizeof(in), 0), EAGAIN);
	CHECK(probe_now_ms() - began >= 90, "not so long");
	CHECK_ERR(read(fd, in, sizeof(in)), EAGAIN);
}

static void with_select(void)
{
	struct timeval limit = {.tv_sec = 20};
	int fd = udp_connected();
	fd_set set;

	CHECK(probe_wait(fd, POLLIN | POLLOUT, 0) == POLLOUT, "not writable");
	udp_say(fd, "select", NULL);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	CHECK(select(fd + 1, &set, NULL, NULL, &limit) == 1, "select");
	udp_hear(fd, "select", &udp_to);
	CHECK(probe_wait(fd, POLLIN, 0) == 0, "still readable");
}

/* Edges: one for each datagram, though it was registered before the first was
 * sent. */
static void with_epoll(void)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};
	int fd = udp_socket(SOCK_NONBLOCK), set = epoll_create1(EPOLL_CLOEXEC);

	CHECK(!epoll_ctl(set, EPOLL_CTL_ADD, fd, &e), "epoll_ctl");
	for (int i = 0; i < 3; i++) {
		udp_say(fd, "edge", &udp_to);
		CHECK(epoll_wait(set, &e, 1, UDP_LIMIT_MS) == 1, "no edge");
		CHECK(e.events == EPOLLIN, "events %x", e.events);
		udp_hear(fd, "edge", &udp_to);
		CHECK(epoll_wait(set, &e, 1, 0) == 0, "another edge");
	}
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"read", with_read, false},
		{"recv", with_recv, false},
		{"recvfrom", with_recvfrom, false},
		{"recvmsg", with_recvmsg, false},
		{"a time stamp", with_timestamp, false},
		{"recvmmsg", with_recvmmsg, false},
		{"MSG_PEEK", peek, false},
		{"cut", cut, false},
		{"nothing there", waits_not, false},
		{"SO_RCVTIMEO", waits_so_long, false},
		{"select", with_select, false},
		{"epoll", with_epoll, false},
	};

	return udp_run(argc, argv, checks, PROBE_LEN(checks));
}

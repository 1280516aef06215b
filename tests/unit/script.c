#include "script.h"

#include "base/addr.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct step *next;
static uint64_t now_ms;

void script_start(const struct step *steps)
{
	next = steps;
	now_ms = 0;
}

void script_finish(void)
{
	ck_assert_msg(next->call == CALL_END, "step %d is left", next->call);
}

uint64_t script_now_ms(void)
{
	return now_ms;
}

static const struct step *take(enum call call)
{
	ck_assert_msg(next->call == call, "call %d, but the script has %d",
		call, next->call);
	now_ms += next->ms;
	return next++;
}

static int finish(const struct step *s, long ret)
{
	if (!s->err)
		return (int)ret;
	errno = s->err;
	return -1;
}

static void address_text(const struct sockaddr *sa, socklen_t len, char *text)
{
	struct sx_dest dest = {.kind = SX_DEST_IP};

	strcpy(text, "unspec");
	if (sa->sa_family != AF_UNSPEC) {
		ck_assert_int_eq(
			sx_ip_from_sockaddr(sa, len, &dest.ip, &dest.port), 0);
		sx_dest_format(&dest, text, SX_DEST_STRLEN);
	}
}

static int s_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	const struct step *s = take(CALL_CONNECT);
	char text[SX_DEST_STRLEN];

	(void)fd;
	address_text(sa, len, text);
	ck_assert_str_eq(text, s->text);
	return finish(s, 0);
}

static ssize_t s_send(int fd, const void *buf, size_t n, int flags)
{
	const struct step *s = take(CALL_SEND);

	(void)fd;
	ck_assert_int_eq(flags, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (!s->err) {
		ck_assert_uint_eq(n, s->n);
		ck_assert_mem_eq(buf, s->bytes, n);
	}
	return finish(s, s->ret);
}

static ssize_t s_recv(int fd, void *buf, size_t n, int flags)
{
	bool peek = flags & MSG_PEEK;
	const struct step *s = take(peek ? CALL_PEEK : CALL_RECV);

	(void)fd;
	ck_assert_int_eq(flags & ~MSG_PEEK, MSG_DONTWAIT);
	if (s->err)
		return finish(s, 0);
	if (s->ret)
		ck_assert_uint_eq(n, (size_t)s->ret);
	ck_assert_msg(
		s->n <= n, "recv asks for %zu bytes, there are %zu", n, s->n);
	memcpy(buf, s->bytes, s->n);
	return (ssize_t)s->n;
}

static int s_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	const struct step *s = take(CALL_POLL);

	ck_assert_uint_eq(n, 1);
	if (s->max_ms)
		ck_assert_int_eq(timeout_ms, s->max_ms);
	if (!s->err && s->ret == 0)
		ck_assert_msg(
			timeout_ms >= 0 && (unsigned long)timeout_ms <= s->ms,
			"poll waits %d ms, the script %lu", timeout_ms, s->ms);
	fds[0].revents = (short)s->ret;
	return finish(s, s->ret != 0);
}

static enum call sockopt_call(int level, int name)
{
	if (level == SOL_SOCKET && name == SO_ERROR)
		return CALL_SO_ERROR;
	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY)
		return CALL_V6ONLY;
	ck_assert_int_eq(level, IPPROTO_TCP);
	ck_assert_int_eq(name, TCP_INFO);
	return CALL_TCP_INFO;
}

static int s_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	enum call call = sockopt_call(level, name);
	const struct step *s = take(call);
	int v = (int)s->ret;

	(void)fd;
	memset(val, 0, *len);
	if (call == CALL_TCP_INFO)
		((struct tcp_info *)val)->tcpi_state = (uint8_t)v;
	else
		memcpy(val, &v, sizeof(v));
	return finish(s, 0);
}

static int s_setsockopt(
	int fd, int level, int name, const void *val, socklen_t len)
{
	const struct step *s = take(CALL_SET_V6ONLY);
	int v;

	(void)fd;
	ck_assert_int_eq(level, IPPROTO_IPV6);
	ck_assert_int_eq(name, IPV6_V6ONLY);
	ck_assert_uint_eq(len, sizeof(v));
	memcpy(&v, val, sizeof(v));
	ck_assert_int_eq(v, (int)s->ret);
	return finish(s, 0);
}

static int s_socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	return finish(take(CALL_SOCKET), 9);
}

static int s_fcntl(int fd, int cmd, long arg)
{
	if (cmd == F_GETFD)
		return 0;

	const struct step *s = take(CALL_SETFL);

	(void)fd;
	ck_assert_int_eq(cmd, F_SETFL);
	ck_assert_int_eq(arg, s->ret);
	return finish(s, 0);
}

static int s_clock_gettime(clockid_t clock, struct timespec *ts)
{
	uint64_t ms = 1000000 + now_ms;

	ck_assert_int_eq(clock, CLOCK_MONOTONIC);
	ts->tv_sec = (time_t)(ms / 1000);
	ts->tv_nsec = (long)(ms % 1000) * 1000000;
	return 0;
}

static int s_getaddrinfo(const char *host, const char *service,
	const struct addrinfo *hints, struct addrinfo **res)
{
	const struct step *s = take(CALL_GETADDRINFO);
	struct addrinfo numeric = *hints;

	(void)service;
	ck_assert_str_eq(host, s->text);
	if (!s->bytes)
		return EAI_NONAME;
	numeric.ai_flags |= AI_NUMERICHOST;
	return getaddrinfo(s->bytes, NULL, &numeric, res);
}

const struct sx_sys script_sys = {
	.socket = s_socket,
	.connect = s_connect,
	.send = s_send,
	.recv = s_recv,
	.poll = s_poll,
	.getsockopt = s_getsockopt,
	.setsockopt = s_setsockopt,
	.fcntl = s_fcntl,
	.clock_gettime = s_clock_gettime,
	.getaddrinfo = s_getaddrinfo,
	.freeaddrinfo = freeaddrinfo,
};

#include "leak_relay.h"

#include "core/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATAGRAM  2048
#define ANSWER_MS 1000

static bool take(int fd, void *buf, size_t n)
{
	return recv(fd, buf, n, MSG_WAITALL) == (ssize_t)n;
}

static bool put(int fd, const void *buf, size_t n)
{
	return send(fd, buf, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* What end stands behind is taken too, but not kept. */
static bool take_until(int fd, const char *end, char *buf, size_t size)
{
	size_t n = 0, n_end = strlen(end) ? strlen(end) : 1;

	while (n < size && take(fd, buf + n, 1)) {
		n++;
		if (n >= n_end && memcmp(buf + n - n_end, end, n_end) == 0) {
			buf[n - n_end] = '\0';
			return true;
		}
	}
	return false;
}

/* The addresses of names are those of the plan. */
static bool look_up(const struct sx_leak_plan *plan, struct sx_dest *dest)
{
	if (dest->kind == SX_DEST_IP)
		return true;
	if (strcasecmp(dest->name, plan->name) == 0) {
		dest->ip = plan->target4;
		return true;
	}
	for (unsigned i = 0; i < plan->n_servers; i++)
		if (strcasecmp(dest->name, plan->servers[i].conf->host) == 0) {
			dest->ip = plan->servers[i].ip;
			return dest->ip.family != 0;
		}
	return false;
}

static void set_host(struct sx_dest *dest, const char *text)
{
	dest->kind = sx_ip_parse(text, &dest->ip) ? SX_DEST_NAME : SX_DEST_IP;
	snprintf(dest->name, sizeof(dest->name), "%.253s", text);
}

/* A socket that is connected to what was asked for, or -1. */
static int go(const struct sx_leak_plan *plan, struct sx_dest *dest, int type)
{
	struct sockaddr_storage sa;

	if (!look_up(plan, dest))
		return -1;
	sa_family_t family = dest->ip.family;
	int fd = socket(family, type | SOCK_CLOEXEC, 0);
	const struct sx_ip *own =
		family == AF_INET ? &plan->relay4 : &plan->relay6;
	socklen_t len = sx_ip_to_sockaddr(own, 0, family, &sa);
	bool good =
		fd >= 0 && (sx_ip_is_loopback(&dest->ip) ||
				   bind(fd, (struct sockaddr *)&sa, len) == 0);
	len = sx_ip_to_sockaddr(&dest->ip, dest->port, family, &sa);
	if (good && connect(fd, (struct sockaddr *)&sa, len) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int serve_socks4(const struct sx_leak_plan *plan, int fd)
{
	struct sx_dest dest = {.ip.family = AF_INET};
	uint8_t head[7], reply[8] = {0, 91};
	char text[SX_NAME_MAX + 1];

	if (!take(fd, head, sizeof(head)) ||
		!take_until(fd, "", text, sizeof(text)))
		return -1;
	dest.port = (uint16_t)(head[1] << 8 | head[2]);
	memcpy(dest.ip.bytes, head + 3, 4);
	if (!head[3] && !head[4] && !head[5]) { /* 0.0.0.x: 4A */
		if (!take_until(fd, "", text, sizeof(text)))
			return -1;
		set_host(&dest, text);
	}
	int out = go(plan, &dest, SOCK_STREAM);
	if (out >= 0)
		reply[1] = 90;
	put(fd, reply, sizeof(reply));
	return out;
}

static bool take_greeting(int fd)
{
	uint8_t n, methods[255], answer[2] = {5, 0};
	char text[256];

	if (!take(fd, &n, 1) || !take(fd, methods, n))
		return false;
	if (memchr(methods, 2, n))
		answer[1] = 2;
	if (!put(fd, answer, sizeof(answer)) || !answer[1])
		return answer[1] == 0;
	uint8_t version, len;
	if (!take(fd, &version, 1) || !take(fd, &len, 1) ||
		!take(fd, text, len) || !take(fd, &len, 1) ||
		!take(fd, text, len))
		return false;
	return put(fd, "\x01\x00", 2);
}

static bool take_request(int fd, uint8_t *command, struct sx_dest *dest)
{
	char text[SX_NAME_MAX + 3];
	uint8_t head[4], port[2], n;

	if (!take(fd, head, sizeof(head)))
		return false;
	*command = head[1];
	if (head[3] == 3) {
		if (!take(fd, &n, 1) || !take(fd, text, n))
			return false;
		text[n] = '\0';
		set_host(dest, text);
	} else {
		dest->ip.family = head[3] == 1 ? AF_INET : AF_INET6;
		if (!take(fd, dest->ip.bytes, sx_ip_len(&dest->ip)))
			return false;
	}
	if (!take(fd, port, 2))
		return false;
	dest->port = (uint16_t)(port[0] << 8 | port[1]);
	return true;
}

/* Datagrams go to the port of the same number, where this is one of IP. */
static bool has_relay(int fd, uint16_t *port)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct sx_ip ip;

	return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	       sx_ip_from_sockaddr(&sa, len, &ip, port) == 0;
}

/* An association lasts as long as its connection. */
static void associate(int fd, uint8_t reply[10])
{
	uint16_t port;

	if (!has_relay(fd, &port)) {
		put(fd, reply, 10);
		return;
	}
	reply[1] = 0;
	reply[8] = (uint8_t)(port >> 8);
	reply[9] = (uint8_t)port;
	if (put(fd, reply, 10))
		take(fd, reply, 1);
}

static int serve_socks5(const struct sx_leak_plan *plan, int fd)
{
	struct sx_dest dest = {0};
	uint8_t command, reply[10] = {5, 7, 0, 1};
	int out = -1;

	if (!take_greeting(fd) || !take_request(fd, &command, &dest))
		return -1;
	if (command == 3) {
		associate(fd, reply);
		return -1;
	}
	if (command == 1) {
		out = go(plan, &dest, SOCK_STREAM);
		reply[1] = out >= 0 ? 0 : 4;
	}
	put(fd, reply, sizeof(reply));
	return out;
}

static int serve_http(const struct sx_leak_plan *plan, int fd)
{
	static const char good[] = "HTTP/1.1 200 OK\r\n\r\n";
	static const char bad[] = "HTTP/1.1 502 Bad Gateway\r\n\r\n";
	struct sx_dest dest = {0};
	char text[8192], host[SX_NAME_MAX + 3];
	unsigned port;

	if (!take_until(fd, "\r\n\r\n", text, sizeof(text)))
		return -1;
	/* the "C" has gone; an IPv6 address has its brackets */
	if (sscanf(text, "ONNECT [%255[^]]]:%u ", host, &port) != 2 &&
		sscanf(text, "ONNECT %255[^: ]:%u ", host, &port) != 2)
		return -1;
	dest.port = (uint16_t)port;
	set_host(&dest, host);
	int out = go(plan, &dest, SOCK_STREAM);
	const char *reply = out >= 0 ? good : bad;
	put(fd, reply, strlen(reply));
	return out;
}

/* Carries bytes both ways until one side ends. */
static void carry(int a, int b)
{
	struct pollfd fds[2] = {
		{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
	char buf[4096];

	while (poll(fds, 2, -1) > 0)
		for (int i = 0; i < 2; i++) {
			if (!fds[i].revents)
				continue;
			ssize_t n = recv(fds[i].fd, buf, sizeof(buf), 0);
			if (n <= 0 || !put(fds[1 - i].fd, buf, (size_t)n))
				return;
		}
}

/* A question to a destination that answers at once or never. */
static ssize_t ask(const struct sx_leak_plan *plan, struct sx_dest *dest,
	const uint8_t *question, size_t n, uint8_t *answer)
{
	struct pollfd p = {.fd = go(plan, dest, SOCK_DGRAM), .events = POLLIN};
	ssize_t got = -1;

	if (p.fd < 0)
		return -1;
	if (send(p.fd, question, n, MSG_NOSIGNAL) >= 0 &&
		poll(&p, 1, ANSWER_MS) == 1)
		got = recv(p.fd, answer, DATAGRAM, 0);
	close(p.fd);
	return got;
}

/* The answer has the header of the question: it comes from there. */
static void carry_datagram(const struct sx_leak_plan *plan, int fd)
{
	uint8_t in[DATAGRAM], out[SX_UDPHDR_MAX + DATAGRAM];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	struct sx_udp_assoc client = {.fd = -1};
	struct sx_dest dest;

	ssize_t n =
		recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &len);
	if (n < 0 || sx_ip_from_sockaddr(
			     &from, len, &client.relay, &client.relay_port))
		return;
	size_t at = sx_udp_accept(&client, &client.relay, client.relay_port, in,
		(size_t)n, &dest);
	if (!at)
		return;
	size_t head = sx_udp_wrap(&dest, out);
	n = ask(plan, &dest, in + at, (size_t)n - at, out + head);
	if (n >= 0)
		sendto(fd, out, head + (size_t)n, MSG_NOSIGNAL,
			(struct sockaddr *)&from, len);
}

void sx_leak_relay_datagrams(const struct sx_leak_plan *plan, int fd)
{
	for (;;)
		carry_datagram(plan, fd);
}

void sx_leak_relay(const struct sx_leak_plan *plan, int fd)
{
	uint8_t first;
	int out = -1;

	if (take(fd, &first, 1)) {
		if (first == 5)
			out = serve_socks5(plan, fd);
		else if (first == 4)
			out = serve_socks4(plan, fd);
		else if (first == 'C')
			out = serve_http(plan, fd);
	}
	if (out >= 0) {
		carry(fd, out);
		close(out);
	}
	close(fd);
}

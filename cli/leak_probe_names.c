/*
 * Host names, by libc and by a resolver of one's own.
 */
#include "leak_probe.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE 512

/* A question for the IPv4 address of a name: RFC 1035, 4.1. */
static size_t ask(const char *name, unsigned char *buf)
{
	static const unsigned char head[12] = {0x5a, 0x17, 1, 0, 0, 1};
	size_t n = sizeof(head);

	memcpy(buf, head, n);
	while (*name) {
		size_t label = strcspn(name, ".");
		buf[n++] = (unsigned char)label;
		memcpy(buf + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	memcpy(buf + n, "\0\0\1\0\1", 5);
	return n + 5;
}

/* It is one when it has our number, and an answer in it. */
static int judge(const unsigned char *buf, ssize_t n)
{
	bool good = n > 12 && buf[0] == 0x5a && buf[1] == 0x17 &&
		    buf[2] & 0x80 && buf[7];

	return good ? 0 : PROBE_OTHER;
}

static int ask_datagram(const struct sockaddr_in *to, const char *name)
{
	unsigned char buf[MESSAGE];
	size_t n = ask(name, buf);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (sendto(fd, buf, n, 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		return probe_close(fd, errno);
	if (probe_wait(fd))
		return probe_close(fd, ETIMEDOUT);
	ssize_t got = recv(fd, buf, sizeof(buf), 0);
	return probe_close(fd, got < 0 ? errno : judge(buf, got));
}

int probe_dns_udp(const struct probe *p)
{
	struct sockaddr_in to = p->v4;

	to.sin_port = htons(53);
	return ask_datagram(&to, p->name);
}

/* Where systemd's resolver listens. */
int probe_dns_loopback(const struct probe *p)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};

	to.sin_addr.s_addr = inet_addr("127.0.0.53");
	return ask_datagram(&to, p->name);
}

int probe_dns_tcp(const struct probe *p)
{
	struct sockaddr_in to = p->v4;
	unsigned char buf[MESSAGE];
	size_t n = ask(p->name, buf + 2);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_port = htons(53);
	buf[0] = 0;
	buf[1] = (unsigned char)n;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
		send(fd, buf, n + 2, MSG_NOSIGNAL) < 0)
		return probe_close(fd, errno);
	if (probe_wait(fd))
		return probe_close(fd, ETIMEDOUT);
	ssize_t got = recv(fd, buf, 2, MSG_WAITALL);
	if (got == 2)
		got = recv(fd, buf, sizeof(buf), 0);
	return probe_close(fd, got < 0 ? errno : judge(buf, got));
}

static int wrong_name(int code)
{
	return code == EAI_SYSTEM ? errno : PROBE_NO_NAME;
}

int probe_getaddrinfo(const struct probe *p)
{
	struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
	int r = getaddrinfo(p->name, p->port_text, &hints, &found);

	if (r)
		return wrong_name(r);
	r = probe_dial(found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return r;
}

int probe_gethostbyname(const struct probe *p)
{
	struct hostent *found = gethostbyname(p->name);
	struct sockaddr_in to = p->v4;

	if (!found || found->h_addrtype != AF_INET)
		return PROBE_NO_NAME;
	memcpy(&to.sin_addr, found->h_addr_list[0], 4);
	return probe_dial(&to, sizeof(to));
}

int probe_getaddrinfo_a(const struct probe *p)
{
	struct gaicb one = {.ar_name = p->name};
	struct gaicb *list[] = {&one};
	int r = getaddrinfo_a(GAI_WAIT, list, 1, NULL);

	return r ? wrong_name(r) : gai_error(&one) ? PROBE_NO_NAME : 0;
}

int probe_reverse(const struct probe *p)
{
	char name[NI_MAXHOST];
	int r = getnameinfo((const struct sockaddr *)&p->v4, sizeof(p->v4),
		name, sizeof(name), NULL, 0, NI_NAMEREQD);

	return r ? wrong_name(r) : 0;
}

int probe_res_query(const struct probe *p)
{
	unsigned char buf[MESSAGE];
	int n = res_query(p->name, ns_c_in, ns_t_a, buf, sizeof(buf));

	return n < 0 ? PROBE_NO_NAME : 0;
}

#include "probe_dns.h"

#include <stdatomic.h>

bool probe_dns_proxied;

void question_make(struct question *q, const char *name)
{
	static atomic_uint turn = 1;
	unsigned id = atomic_fetch_add(&turn, 1);
	unsigned char head[12] = {id >> 8, id, 1, 0, 0, 1};
	unsigned char *p = q->bytes + sizeof(head);

	memcpy(q->bytes, head, sizeof(head));
	while (*name) {
		size_t n = strcspn(name, ".");
		*p++ = n;
		memcpy(p, name, n);
		p += n;
		name += n + (name[n] == '.');
	}
	memcpy(p, "\0\0\1\0\1", 5);
	q->len = p + 5 - q->bytes;
}

bool question_is_answered(
	const struct question *q, const void *answer, ssize_t n)
{
	const unsigned char *a = answer;

	return n == q->len + 16 && !memcmp(a, q->bytes, 2) && a[2] & 0x80 &&
	       (a[3] & 0xf) == 0 && a[5] == 1 && a[7] == 1 &&
	       !memcmp(a + 12, q->bytes + 12, q->len - 12);
}

struct in_addr question_check(
	const struct question *q, const void *answer, ssize_t n)
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	CHECK(n >= 0, "no answer: %s", probe_errno(errno));
	CHECK(question_is_answered(q, answer, n),
		"not the answer: %zd bytes to %d", n, q->len);
	memcpy(&in.sin_addr, (const char *)answer + n - 4, 4);
	CHECK(!probe_dns_proxied || probe_is_fake((void *)&in),
		"not an address of the reserved range");
	return in.sin_addr;
}

int probe_udp(const struct probe_addr *a, int flags)
{
	int fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);

	CHECK(fd >= 0, "socket: %s", probe_errno(errno));
	return fd;
}

struct in_addr probe_ask(int fd, const char *name)
{
	struct question q;
	char in[ANSWER_MAX];

	question_make(&q, name);
	ssize_t n = send(fd, q.bytes, q.len, 0);
	CHECK(n == q.len, "send: %zd %s", n, probe_errno(errno));
	CHECK(probe_wait(fd, POLLIN, 10000), "no answer");
	return question_check(&q, in, recv(fd, in, sizeof(in), 0));
}

struct in_addr probe_ask_at(
	int fd, const struct probe_addr *ns, const char *name)
{
	struct probe_addr from = {.len = sizeof(from.storage)};
	struct question q;
	char in[ANSWER_MAX];

	question_make(&q, name);
	ssize_t n = sendto(fd, q.bytes, q.len, 0, &ns->sa, ns->len);
	CHECK(n == q.len, "sendto: %zd %s", n, probe_errno(errno));
	CHECK(probe_wait(fd, POLLIN, 10000), "no answer");
	n = recvfrom(fd, in, sizeof(in), 0, &from.sa, &from.len);
	CHECK(probe_same(&from, ns), "the answer is from %s, not %s",
		probe_str(&from), probe_str(ns));
	return question_check(&q, in, n);
}

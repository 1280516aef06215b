/*
 * Questions to a nameserver by TCP.
 *
 * dns_tcp ADDR NAME
 * ADDR	a nameserver; NAME has one IPv4 address
 */
#include "probe_dns.h"

#define ARGS        "ADDR NAME"
#define N_QUESTIONS 20

static struct probe_addr ns;
static const char *name;

static void send_question(int fd, const struct question *q, bool by_one)
{
	unsigned char out[400] = {q->len >> 8, q->len};
	int step = by_one ? 1 : q->len + 2;

	memcpy(out + 2, q->bytes, q->len);
	for (int at = 0; at < q->len + 2; at += step)
		probe_send(fd, out + at, step);
}

static void get_answer(int fd, const struct question *q)
{
	unsigned char in[2 + ANSWER_MAX];

	CHECK(probe_recv(fd, in, 2, 10000) == 2, "no answer");
	size_t n = in[0] << 8 | in[1];
	CHECK(n <= ANSWER_MAX, "%zu bytes", n);
	CHECK(probe_recv(fd, in + 2, n, 10000) == n, "half an answer");
	question_check(q, in + 2, n);
}

static void one_after_another(bool by_one)
{
	int fd = probe_connected(&ns), on = 1;
	struct probe_addr peer = {.len = sizeof(peer.storage)};
	struct question q;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	CHECK(!getpeername(fd, &peer.sa, &peer.len), "getpeername: %s",
		probe_errno(errno));
	CHECK(probe_same(&peer, &ns), "the peer is %s", probe_str(&peer));
	for (int i = 0; i < 3; i++) {
		question_make(&q, name);
		send_question(fd, &q, by_one);
		get_answer(fd, &q);
	}
	CHECK_ERR(connect(fd, &ns.sa, ns.len), EISCONN);
	close(fd);
}

/* Without waiting for the answers, and the last word is said before. */
static void many_at_once(void)
{
	int fd = probe_connected(&ns);
	struct question q[N_QUESTIONS];
	char c;

	for (int i = 0; i < N_QUESTIONS; i++) {
		question_make(&q[i], name);
		send_question(fd, &q[i], false);
	}
	CHECK(!shutdown(fd, SHUT_WR), "shutdown");
	for (int i = 0; i < N_QUESTIONS; i++)
		get_answer(fd, &q[i]);
	CHECK(recv(fd, &c, 1, 0) == 0, "not closed");
	close(fd);
}

static void non_blocking(void)
{
	int fd = probe_socket(&ns, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct question q;

	CHECK(!connect(fd, &ns.sa, ns.len) || errno == EINPROGRESS,
		"connect: %s", probe_errno(errno));
	CHECK(probe_wait(fd, POLLOUT, 10000) == POLLOUT, "not connected");
	CHECK(probe_so_error(fd) == 0, "an error is pending");
	question_make(&q, name);
	send_question(fd, &q, false);
	get_answer(fd, &q);
	close(fd);
}

int main(int argc, char **argv)
{
	probe_dns_proxied = probe_flag(&argc, argv, "--proxied");
	probe_positional(argc, argv, 2, 2, ARGS);
	probe_watchdog(50);
	probe_resolve(&ns, argv[1], "53");
	name = argv[2];
	int fds = probe_count_fds();
	one_after_another(false);
	one_after_another(true);
	many_at_once();
	non_blocking();
	CHECK(probe_count_fds() == fds, "%d descriptors, %d at the start",
		probe_count_fds(), fds);
	return 0;
}

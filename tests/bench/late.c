/*
 * A SOCKS5 server that takes its time, and is every destination itself.
 *
 *     late ADDRESS DELAY_MS [plain]
 *
 * Prints the port when it listens; ends with the process that started it. It
 * takes as many connections as descriptors may be had, in one thread. plain:
 * no SOCKS; it is the destination of whoever connects, whatever the address.
 *
 * The port that is asked for says what comes of it:
 *
 *     7, 9, 19     at once: echo, discard, bytes without end
 *     K * 1000 + D after D ms, where K is
 *         7, 22    echo; the line that is told of below, unasked
 *         30       refused: reply code 5
 *         31, 32   closed, reset, without an answer
 *     40000 ..     after DELAY_MS
 *
 * With any other K, from 40000 on, and with plain, a client gets one line,
 * "HOST PORT" as it was asked for, once it has sent a line; if that is HTTP's
 * GET, as its response.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SLOTS      4096 /* of one millisecond; no delay is as long */
#define MAX_DELAY  2000
#define BASE_PORT  40000
#define CHUNK      65536
#define MAX_EVENTS 256

enum kind {
	ECHO = 7,
	DISCARD = 9,
	CHARGEN = 19,
	BANNER = 22,
	REFUSED = 30,
	CLOSED = 31,
	RESET = 32,
	ANSWER = 80,
};

enum state {
	GREETING,
	REQUEST,
	DELAYED,
	GONE,
	SERVING
};

struct conn {
	struct conn *next; /* in its slot, while DELAYED or GONE */
	int fd;
	enum state state;
	enum kind kind;
	char line[300]; /* what it asked for, as it is told */
	uint8_t in[1024];
	size_t n_in;
};

static const char KINDS[] = {
	ECHO, DISCARD, CHARGEN, BANNER, REFUSED, CLOSED, RESET};
static const uint8_t REPLY[10] = {5, 0, 0, 1};
static char chunk[CHUNK];
static struct conn *slots[SLOTS];
static uint64_t done_ms; /* the slots up to here are empty */
static size_t n_delayed;
static int epoll, delay_ms;
static bool is_plain;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void watch(struct conn *c, int op, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = c};

	epoll_ctl(epoll, op, c->fd, &e);
}

static void end(struct conn *c)
{
	close(c->fd);
	free(c);
}

static bool tell(const struct conn *c, const void *bytes, size_t n)
{
	return send(c->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool tell_line(const struct conn *c, bool is_http)
{
	char text[512];
	int n = is_http ? snprintf(text, sizeof(text),
				  "HTTP/1.1 200 OK\r\nConnection: close\r\n"
				  "Content-Length: %zu\r\n\r\n%s",
				  strlen(c->line), c->line)
			: snprintf(text, sizeof(text), "%s", c->line);

	return tell(c, text, (size_t)n);
}

/* The delay is over. The reply of a banner has the line in its segment. */
static void answer(struct conn *c)
{
	uint8_t reply[sizeof(REPLY) + sizeof(c->line)];
	size_t n = sizeof(REPLY);

	if (c->kind == CLOSED || c->kind == RESET) {
		struct linger now = {.l_onoff = c->kind == RESET};
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		end(c);
		return;
	}
	memcpy(reply, REPLY, n);
	reply[1] = c->kind == REFUSED ? 5 : 0;
	if (c->kind == BANNER) {
		memcpy(reply + n, c->line, strlen(c->line));
		n += strlen(c->line);
	}
	if (!tell(c, reply, n)) {
		end(c);
		return;
	}
	c->state = SERVING;
	c->n_in = 0;
	watch(c, EPOLL_CTL_MOD, c->kind == CHARGEN ? EPOLLOUT : EPOLLIN);
}

static void answer_due(void)
{
	for (uint64_t now = now_ms(); done_ms < now;) {
		struct conn **slot = &slots[++done_ms % SLOTS];
		while (*slot) {
			struct conn *c = *slot;
			*slot = c->next;
			n_delayed--;
			if (c->state == GONE)
				free(c);
			else
				answer(c);
		}
	}
}

static void delay(struct conn *c, int ms)
{
	c->state = DELAYED;
	if (ms == 0) {
		answer(c);
		return;
	}
	/* The current millisecond has begun already */
	struct conn **slot = &slots[(now_ms() + (uint64_t)ms + 1) % SLOTS];
	c->next = *slot;
	*slot = c;
	n_delayed++;
	watch(c, EPOLL_CTL_MOD, EPOLLRDHUP);
}

static void choose(struct conn *c, unsigned port)
{
	int ms = port < 1000 ? 0 : (int)(port % 1000);

	c->kind = (enum kind)((port < 1000 ? port : port / 1000) & 0x7f);
	if (port >= BASE_PORT)
		ms = delay_ms;
	if (port >= BASE_PORT || !memchr(KINDS, c->kind, sizeof(KINDS)))
		c->kind = ANSWER;
	delay(c, ms < MAX_DELAY ? ms : MAX_DELAY);
}

/* Bytes of RFC 1928's message at the start of in, 0: there are more to come */
static size_t message(const struct conn *c)
{
	size_t n = c->n_in, need;

	if (n < 2)
		return 0;
	if (c->state == GREETING) {
		need = 2 + (size_t)c->in[1];
	} else {
		if (n < 5)
			return 0;
		need = c->in[3] == 1   ? 10
		       : c->in[3] == 4 ? 22
				       : 7 + (size_t)c->in[4];
	}
	return n < need ? 0 : need;
}

static void ask(struct conn *c, size_t n)
{
	unsigned port = (unsigned)(c->in[n - 2] << 8 | c->in[n - 1]);
	char host[256] = "";

	if (c->in[3] == 3)
		memcpy(host, c->in + 5, c->in[4]);
	else
		inet_ntop(c->in[3] == 1 ? AF_INET : AF_INET6, c->in + 4, host,
			sizeof(host));
	snprintf(c->line, sizeof(c->line), "%s %u\n", host, port);
	choose(c, port);
}

/* Takes what is whole of greeting and request; they may come in one. */
static void handshake(struct conn *c)
{
	for (size_t n; c->state < DELAYED && (n = message(c));) {
		if (c->state == REQUEST) {
			ask(c, n);
			return;
		}
		if (c->in[0] != 5 || !tell(c, "\5", 2)) {
			end(c);
			return;
		}
		c->state = REQUEST;
		c->n_in -= n;
		memmove(c->in, c->in + n, c->n_in);
	}
}

static bool says(struct conn *c)
{
	bool is_http = !memcmp(c->in, "GET ", c->n_in < 4 ? c->n_in : 4);
	const char *last = is_http ? "\r\n\r\n" : "\n";

	if (c->kind != ANSWER || !memmem(c->in, c->n_in, last, strlen(last)))
		return true;
	c->kind = DISCARD;
	return tell_line(c, is_http);
}

static bool serve(struct conn *c)
{
	ssize_t n;

	switch (c->kind) {
	case CHARGEN:
		n = send(c->fd, chunk, CHUNK, MSG_NOSIGNAL);
		return n > 0 || errno == EAGAIN;
	case ANSWER:
		n = read(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in);
		c->n_in += n > 0 ? (size_t)n : 0;
		return n > 0 && says(c);
	case ECHO:
		n = read(c->fd, chunk, CHUNK);
		return n > 0 && tell(c, chunk, (size_t)n);
	case DISCARD:
	case BANNER:
	case REFUSED:
	case CLOSED:
	case RESET:
		break;
	}
	return read(c->fd, chunk, CHUNK) > 0;
}

static void read_handshake(struct conn *c)
{
	ssize_t n = read(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in);

	if (n <= 0) {
		end(c);
		return;
	}
	c->n_in += (size_t)n;
	handshake(c);
}

static void handle(struct conn *c)
{
	switch (c->state) {
	case GREETING:
	case REQUEST:
		read_handshake(c);
		break;
	case DELAYED: /* its client has gone; its slot frees it */
		close(c->fd);
		c->state = GONE;
		break;
	case SERVING:
		if (!serve(c))
			end(c);
		break;
	case GONE:
		break;
	}
}

/* What the client believes to have reached. */
static void name_itself(struct conn *c)
{
	struct sockaddr_in sa = {0};
	socklen_t len = sizeof(sa);
	char host[INET_ADDRSTRLEN] = "";

	getsockname(c->fd, (struct sockaddr *)&sa, &len);
	inet_ntop(AF_INET, &sa.sin_addr, host, sizeof(host));
	snprintf(c->line, sizeof(c->line), "%s %u\n", host, ntohs(sa.sin_port));
	c->kind = ANSWER;
	c->state = SERVING;
}

static void take(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));
		if (!c)
			abort();
		c->fd = fd;
		setsockopt(
			fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		if (is_plain)
			name_itself(c);
		watch(c, EPOLL_CTL_ADD, EPOLLIN);
	}
}

static int listen_on(const char *address)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (inet_pton(AF_INET, address, &sa.sin_addr) != 1 ||
		bind(fd, (struct sockaddr *)&sa, len) ||
		listen(fd, SOMAXCONN) ||
		getsockname(fd, (struct sockaddr *)&sa, &len))
		return -1;
	printf("%u\n", ntohs(sa.sin_port));
	fflush(stdout);
	return fd;
}

static void be_large(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
	static struct epoll_event events[MAX_EVENTS];
	struct epoll_event e = {.events = EPOLLIN};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc < 3)
		return 2;
	be_large();
	delay_ms = (int)strtol(argv[2], NULL, 10);
	is_plain = argc > 3 && strcmp(argv[3], "plain") == 0;
	epoll = epoll_create1(0);
	done_ms = now_ms();
	int listener = listen_on(argv[1]);
	if (listener < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e))
		return 1;
	for (;;) {
		int n = epoll_wait(
			epoll, events, MAX_EVENTS, n_delayed ? 1 : -1);
		if (!n_delayed)
			done_ms = now_ms();
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				handle(events[i].data.ptr);
			else
				take(listener);
		}
		answer_due();
	}
}

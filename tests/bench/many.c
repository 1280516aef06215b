/*
 * Opens many connections at once in one event loop: epoll, edge-triggered.
 *
 *     many libc|socks COUNT HOST PORT PROXY
 *
 * libc: by a non-blocking connect(); socks: the same to the SOCKS5 server on
 * port PROXY of 127.0.0.1, the handshake by hand. The first goes to PORT, the
 * next to the port behind it; each says "x\n" and must be told "HOST PORT\n".
 * The loop turns between any two, and a timer in it ticks each millisecond.
 * Prints, in nanoseconds, all and by how much the latest tick was late:
 *
 *     total stall right wrong missing
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS    1000000
#define MAX_EVENTS 64

/* What has been reached of it; by connect() alone it goes from 0 to ASKED */
enum state {
	CONNECTING,
	GREETED,
	REQUESTED,
	ASKED,
	DONE
};

struct conn {
	int fd;
	enum state state;
	uint16_t port;
	char in[64];
	size_t n_in;
};

static const char *host;
static struct sockaddr_in target = {.sin_family = AF_INET};
static struct sockaddr_in proxy = {.sin_family = AF_INET};
static bool by_hand;
static int epoll, timer;
static long long last_tick, stall;
static size_t n_right, n_wrong, n_missing;

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void tick(void)
{
	uint64_t expired;
	long long now;

	if (read(timer, &expired, sizeof(expired)) < 0)
		return;
	now = now_ns();
	if (now - last_tick - TICK_NS > stall)
		stall = now - last_tick - TICK_NS;
	last_tick = now;
}

static void finish(struct conn *c, size_t *which)
{
	++*which;
	c->state = DONE;
	close(c->fd);
}

static bool say(struct conn *c, const void *bytes, size_t n)
{
	if (send(c->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n)
		return true;
	finish(c, &n_missing);
	return false;
}

static bool request(struct conn *c)
{
	uint8_t text[10] = {5, 1, 0, 1};

	memcpy(text + 4, &target.sin_addr, 4);
	text[8] = (uint8_t)(c->port >> 8);
	text[9] = (uint8_t)c->port;
	return say(c, text, sizeof(text));
}

/* It has become writable for the first time. */
static void connected(struct conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err)
		finish(c, &n_missing);
	else if (say(c, by_hand ? "\5\1" : "x\n", by_hand ? 3 : 2))
		c->state = by_hand ? GREETED : ASKED;
}

static void judge(struct conn *c)
{
	char line[64];
	size_t n = (size_t)snprintf(
		line, sizeof(line), "%s %u\n", host, (unsigned)c->port);
	bool is_right = n == c->n_in && !memcmp(c->in, line, n);

	finish(c, is_right ? &n_right : &n_wrong);
}

static void take(struct conn *c)
{
	if (c->state == GREETED && c->n_in == 2) {
		c->n_in = 0;
		c->state = REQUESTED;
		request(c);
	} else if (c->state == REQUESTED && c->n_in == 10) {
		c->n_in = 0;
		c->state = ASKED;
		if (c->in[1])
			finish(c, &n_missing);
		else
			say(c, "x\n", 2);
	} else if (c->state == ASKED && memchr(c->in, '\n', c->n_in)) {
		judge(c);
	}
}

static void readable(struct conn *c)
{
	while (c->state != CONNECTING && c->state != DONE) {
		ssize_t n = recv(
			c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			finish(c, &n_missing);
			return;
		}
		c->n_in += (size_t)n;
		take(c);
	}
}

static void turn(int timeout_ms)
{
	struct epoll_event events[MAX_EVENTS];
	int n = epoll_wait(epoll, events, MAX_EVENTS, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;
		if (!c) {
			tick();
			continue;
		}
		if (c->state == CONNECTING &&
			(events[i].events & (EPOLLOUT | EPOLLERR)))
			connected(c);
		readable(c);
	}
}

static void begin(struct conn *c)
{
	struct epoll_event e = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = c};

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd < 0) {
		c->state = DONE;
		n_missing++;
		return;
	}
	target.sin_port = htons(c->port);
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e);
	if (connect(c->fd, (struct sockaddr *)(by_hand ? &proxy : &target),
		    sizeof(target)) &&
		errno != EINPROGRESS)
		finish(c, &n_missing);
}

static void start_ticking(void)
{
	struct epoll_event e = {.events = EPOLLIN};
	struct itimerspec each = {{0, TICK_NS}, {0, TICK_NS}};

	epoll = epoll_create1(0);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	timerfd_settime(timer, 0, &each, NULL);
	epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &e);
	last_tick = now_ns();
}

int main(int argc, char **argv)
{
	size_t n = argc == 6 ? strtoul(argv[2], NULL, 10) : 0;
	struct conn *conns = calloc(n + 1, sizeof(*conns));

	if (!conns || argc != 6 ||
		inet_pton(AF_INET, argv[3], &target.sin_addr) != 1)
		return 2;
	by_hand = strcmp(argv[1], "socks") == 0;
	host = argv[3];
	proxy.sin_port = htons((uint16_t)strtoul(argv[5], NULL, 10));
	proxy.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	start_ticking();
	long long total = -now_ns();
	for (size_t i = 0; i < n; i++) {
		conns[i].port = (uint16_t)(strtoul(argv[4], NULL, 10) + i);
		begin(&conns[i]);
		turn(0);
	}
	while (n_right + n_wrong + n_missing < n)
		turn(-1);
	total += now_ns();
	printf("%lld %lld %zu %zu %zu\n", total, stall, n_right, n_wrong,
		n_missing);
	return 0;
}

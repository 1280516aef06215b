/*
 * An engine on a network that is made up: servers 192.0.2.1, 192.0.2.2 ... at
 * port 1080, of which some are dead, and nothing else. A connect() that goes
 * anywhere else fails the test.
 */
#ifndef SX_TESTS_UNIT_ENGINE_FIXTURE_H
#define SX_TESTS_UNIT_ENGINE_FIXTURE_H

#include "core/connecting.h"
#include "test_conf_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define N_SERVERS     3U

static bool is_dead[N_SERVERS + 1];
static char tried[256];   /* the servers of each connect(), as digits */
static char told[256];    /* the first letter of each user */
static unsigned n_answer; /* of the connection that stands */
static bool has_user;
static struct sx_engine *engine;

static inline int net_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct sx_ip ip;
	uint16_t port;
	size_t n = strlen(tried);

	(void)fd;
	if (sa->sa_family == AF_UNSPEC)
		return 0;
	ck_assert_int_eq(sx_ip_from_sockaddr(sa, len, &ip, &port), 0);
	ck_assert_mem_eq(ip.bytes, "\xc0\x00\x02", 3);
	ck_assert_uint_eq(port, 1080);
	ck_assert_uint_lt(n, sizeof(tried) - 1);
	unsigned i = ip.bytes[3];
	ck_assert(i >= 1 && i <= N_SERVERS);
	tried[n] = (char)('0' + i);
	n_answer = 0;
	has_user = false;
	errno = ECONNREFUSED;
	return is_dead[i] ? -1 : 0;
}

static inline ssize_t net_send(int fd, const void *buf, size_t n, int flags)
{
	const uint8_t *bytes = buf;
	size_t len = strlen(told);

	(void)fd;
	(void)flags;
	if (n_answer == 0)
		has_user = bytes[1] == 2;
	if (bytes[0] == 1 && len < sizeof(told) - 1)
		told[len] = (char)bytes[2];
	return (ssize_t)n;
}

/* Each server wants a user if it is offered one, and reaches everything. */
static inline ssize_t net_recv(int fd, void *buf, size_t n, int flags)
{
	static const char *const with[] = {
		"\x05\x02", "\x01\x00", "\x05\x00\x00\x01\x00", "\0\0\0\0\0"};
	static const char *const without[] = {
		"\x05\x00", "\x05\x00\x00\x01\x00", "\0\0\0\0\0"};

	(void)fd;
	(void)flags;
	ck_assert_uint_le(n, 5);
	memcpy(buf, has_user ? with[n_answer] : without[n_answer], n);
	n_answer++;
	return (ssize_t)n;
}

static inline int net_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	(void)n;
	(void)timeout_ms;
	fds[0].revents = fds[0].events;
	return fds[0].events != 0;
}

static inline int net_getsockopt(
	int fd, int level, int name, void *val, socklen_t *len)
{
	(void)fd;
	(void)level;
	(void)name;
	memset(val, 0, *len);
	return 0;
}

static inline int net_clock(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	*ts = (struct timespec){.tv_sec = 1000};
	return 0;
}

static const struct sx_sys net = {
	.connect = net_connect,
	.send = net_send,
	.recv = net_recv,
	.poll = net_poll,
	.getsockopt = net_getsockopt,
	.clock_gettime = net_clock,
};

#define SERVERS                                                                \
	"[server a]\nurl = socks5://192.0.2.1\n"                               \
	"[server b]\nurl = socks5://192.0.2.2\n"                               \
	"[server c]\nurl = socks5://192.0.2.3\n"
#define POOL(how)                                                              \
	SERVERS "[pool p]\nservers = a, b, c\nchoose = " how                   \
		"\n[defaults]\nbackoff = none\nretry_after = 24h\n"

/* An engine of its own for this process, with the file that is there. */
static inline void start_again(void)
{
	fix_load_ok(fix_path("c"), NULL);
	ck_assert_int_eq(sx_engine_new(&engine, &fix_conf, &net), 0);
	sx_engine_share_state(engine, fix_dir);
}

static inline void start(const char *text)
{
	fix_write("c", text);
	start_again();
}

static inline void reset(void)
{
	fix_setup();
	memset(is_dead, 0, sizeof(is_dead));
	memset(tried, 0, sizeof(tried));
	memset(told, 0, sizeof(told));
	engine = NULL;
}

static inline void clean_up(void)
{
	sx_engine_free(engine);
	fix_teardown();
}

static inline struct sx_dest dest_of(const char *host, uint16_t port)
{
	struct sx_dest dest = {.port = port};

	if (sx_ip_parse(host, &dest.ip) == 0) {
		dest.kind = SX_DEST_IP;
		return dest;
	}
	dest.kind = SX_DEST_NAME;
	sx_name_copy(dest.name, host);
	return dest;
}

/* Connects by the rules; 0 or -errno. */
static inline int go(const char *host)
{
	struct sx_dest dest = dest_of(host, 80);
	struct sx_verdict verdict = sx_engine_decide(engine, &dest);
	struct sx_connecting c;

	ck_assert_int_eq(verdict.action, SX_ACTION_PROXY);
	sx_engine_begin(
		engine, &c, 7, AF_INET, O_RDWR | O_NONBLOCK, &verdict, &dest);
	int r = sx_dial_run(&c.dial, SX_NEVER, NULL);
	sx_engine_end(&c, r);
	return r;
}

static inline void go_ok(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(go("www.example.org"), 0);
}

static inline enum sx_action action(const char *host, uint16_t port)
{
	struct sx_dest dest = dest_of(host, port);

	return sx_engine_decide(engine, &dest).action;
}

#endif

/*
 * What the tests of associations share: the dial of the requirements, with a
 * table that also makes and closes the control connection's socket.
 */
#ifndef SX_TESTS_UNIT_UDP_FIXTURE_H
#define SX_TESTS_UNIT_UDP_FIXTURE_H

#include "core/counters.h"
#include "core/learned.h"
#include "core/udp.h"
#include "requirements_fixture.h"

#include <time.h>

#define ASSOCIATE  "\x05\x03\x00\x01\0\0\0\0\0\0"
#define ASSOCIATE6 "\x05\x03\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define GREETED    SEND(GREETING), POLL(POLLIN), RECV(METHOD)
#define ASKED      GREETED, SEND(ASSOCIATE), POLL(POLLIN)
/* by 192.0.2.7:9 */
#define AGREED ASKED, RECV("\x05\0\0\1\xc0"), RECV("\0\2\7\0\x09")

#define CONTROL_FD 23

static unsigned n_made, n_closed; /* control sockets */
static unsigned n_kept_alive;
static struct sx_udp_assoc assoc;

static inline int make_socket(int domain, int type, int protocol)
{
	ck_assert_int_eq(domain, AF_INET);
	ck_assert_int_eq(type, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
	ck_assert_int_eq(protocol, 0);
	n_made++;
	return CONTROL_FD;
}

static inline int close_socket(int fd)
{
	ck_assert_int_eq(fd, CONTROL_FD);
	n_closed++;
	return 0;
}

static inline int set_option(
	int fd, int level, int name, const void *val, socklen_t len)
{
	int on;

	ck_assert_int_eq(fd, CONTROL_FD);
	ck_assert_uint_eq(len, sizeof(on));
	memcpy(&on, val, sizeof(on));
	if (level == SOL_SOCKET && name == SO_KEEPALIVE)
		n_kept_alive += on == 1;
	else
		ck_assert_int_eq(level, IPPROTO_TCP);
	return 0;
}

static inline void prepare_udp(void)
{
	prepare();
	sys.setsockopt = set_option;
	sys.socket = make_socket;
	sys.close = close_socket;
	plan.command = SX_COMMAND_UDP_ASSOCIATE;
	n_made = n_closed = 0;
}

/* All of it; the socket is made once, and closed if it comes to nothing. */
static inline int associate(const struct step *steps)
{
	script_start(steps);
	n_made = n_closed = n_kept_alive = 0;
	ck_assert_int_eq(sx_udp_begin(&dial, &plan), 0);
	int r = sx_udp_end(&dial, sx_dial_run(&dial, SX_NEVER, NULL), &assoc);
	script_finish();
	ck_assert_uint_eq(n_made, 1);
	ck_assert_uint_eq(n_kept_alive, 1);
	ck_assert_uint_eq(n_closed, r != 0);
	ck_assert_int_eq(assoc.fd, r ? -1 : CONTROL_FD);
	return r;
}

static inline bool relay_is(const char *ip, uint16_t port)
{
	struct sx_ip expected;

	ck_assert_int_eq(sx_ip_parse(ip, &expected), 0);
	return sx_ip_equal(&assoc.relay, &expected) && assoc.relay_port == port;
}

static inline bool lacks_udp_in(unsigned i, unsigned seconds)
{
	return sx_server_lacks(
		&states[i], SX_LACK_UDP, (uint64_t)time(NULL) + seconds);
}

static inline uint64_t n_failed(unsigned i, enum sx_failure failure)
{
	struct sx_counters c;

	sx_server_counters(&states[i], &c);
	return c.failures[failure];
}

#endif

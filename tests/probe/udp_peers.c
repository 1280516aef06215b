/*
 * To whom a socket is connected, whom it hears, what it is called. Arguments:
 * see probe_udp.h.
 */
#include "probe_udp.h"

static void own_name(int fd, struct probe_addr *a)
{
	a->len = sizeof(a->storage);
	CHECK(!getsockname(fd, &a->sa, &a->len), "getsockname: %s",
		probe_errno(errno));
	CHECK(a->sa.sa_family == udp_to.sa.sa_family && a->len == udp_to.len,
		"family %d", a->sa.sa_family);
}

static bool is_loopback(const struct probe_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return *(unsigned char *)&a->in.sin_addr == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr) ||
	       (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr) &&
		       a->in6.sin6_addr.s6_addr[12] == 127);
}

/* An address that others could answer to. */
static void good_name(int fd, struct probe_addr *a)
{
	own_name(fd, a);
	CHECK(!is_loopback(a), "called %s", probe_str(a));
	CHECK(a->in.sin_port != 0, "no port");
}

static void peer_is(int fd, const struct probe_addr *expected)
{
	struct probe_addr a = {.len = sizeof(a.storage)};

	CHECK(!getpeername(fd, &a.sa, &a.len), "getpeername: %s",
		probe_errno(errno));
	CHECK(probe_same(&a, expected), "peer %s, not %s", probe_str(&a),
		probe_str(expected));
}

static void has_no_peer(int fd)
{
	struct probe_addr a = {.len = sizeof(a.storage)};

	CHECK_ERR(getpeername(fd, &a.sa, &a.len), ENOTCONN);
	CHECK_ERR(send(fd, "x", 1, 0), EDESTADDRREQ);
}

static void dissolve(int fd)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	CHECK(!connect(fd, &none, sizeof(none)), "AF_UNSPEC: %s",
		probe_errno(errno));
}

static void names_of_connected(void)
{
	struct probe_addr before, after;
	int fd = udp_connected();

	peer_is(fd, &udp_to);
	good_name(fd, &before);
	udp_talk(fd);
	peer_is(fd, &udp_to);
	good_name(fd, &after);
	CHECK(probe_same(&before, &after), "%s, then %s", probe_str(&before),
		probe_str(&after));
}

static void names_of_unconnected(void)
{
	struct probe_addr before, after;
	int fd = udp_socket(0);

	udp_ask(fd, &udp_to);
	own_name(fd, &before);
	CHECK(before.in.sin_port, "no port");
	has_no_peer(fd);
	udp_ask(fd, &udp_other);
	own_name(fd, &after);
	CHECK(probe_same(&before, &after), "another name");
}

/* What the program has bound stays. */
static void names_of_bound(void)
{
	struct probe_addr any = udp_to, before, after;
	int fd = udp_socket(0), loose = udp_socket(0);

	memset((char *)&any.storage + sizeof(sa_family_t), 0,
		sizeof(any.storage) - sizeof(sa_family_t));
	CHECK(!bind(fd, &any.sa, any.len), "bind: %s", probe_errno(errno));
	own_name(fd, &before);
	probe_connect(fd, &udp_to);
	udp_talk(fd);
	good_name(fd, &after);
	CHECK(before.in.sin_port == after.in.sin_port, "another port");
	CHECK(!bind(loose, &any.sa, any.len), "bind: %s", probe_errno(errno));
	own_name(loose, &before);
	udp_ask(loose, &udp_to);
	own_name(loose, &after);
	CHECK(probe_same(&before, &after), "another name");
}

/* What another says comes before the answer, or not at all. */
static void hears_its_peer_alone(void)
{
	int fd = udp_connected();

	udp_talk(fd);
	udp_say(fd, "elsewhere:", NULL);
	udp_talk(fd);
	udp_nothing(fd);
}

static void connect_again(void)
{
	int fd = udp_connected();

	udp_talk(fd);
	probe_connect(fd, &udp_other);
	peer_is(fd, &udp_other);
	udp_say(fd, "to the other", NULL);
	udp_hear(fd, "to the other", &udp_other);
	probe_connect(fd, &udp_to);
	udp_talk(fd);
}

/* Its words for the other peer, sent before, are not heard any more. */
static void connect_again_at_once(void)
{
	int fd = udp_connected();

	probe_connect(fd, &udp_other);
	probe_connect(fd, &udp_to);
	udp_talk(fd);
}

static void dissolve_and_connect(void)
{
	int fd = udp_connected();

	dissolve(fd);
	has_no_peer(fd);
	udp_ask(fd, &udp_to);
	probe_connect(fd, &udp_to);
	udp_talk(fd);
	dissolve(fd);
	has_no_peer(fd);
	udp_ask(fd, &udp_other);
	udp_ask(fd, &udp_to);
}

/* The loopback is direct. */
static void connect_to_loopback(void)
{
	struct probe_addr local;
	int fd = udp_connected(), server;

	probe_resolve(&local,
		udp_to.sa.sa_family == AF_INET ? "127.0.0.1" : "::1", "0");
	server = socket(local.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(!bind(server, &local.sa, local.len), "bind");
	CHECK(!getsockname(server, &local.sa, &local.len), "getsockname");
	udp_talk(fd);
	dissolve(fd);
	probe_connect(fd, &local);
	peer_is(fd, &local);
	udp_say(fd, "to the loopback", NULL);
	CHECK(probe_wait(server, POLLIN, UDP_LIMIT_MS), "nothing came");
}

static void two_destinations(void)
{
	const struct probe_addr *to[2] = {&udp_to, &udp_other};
	int fd = udp_socket(0);

	for (int i = 0; i < 10; i++)
		udp_ask(fd, to[i % 2]);
	udp_say(fd, "again:3:", &udp_to);
	for (int i = 0; i < 3; i++)
		udp_hear(fd, "again:3:", &udp_to);
}

/* Several questions under way: each answer from the one that was asked. */
static void several_under_way(void)
{
	int fd = udp_socket(0), seen = 0;

	udp_say(fd, "a", &udp_to);
	udp_say(fd, "b", &udp_other);
	for (int i = 0; i < 2; i++) {
		struct probe_addr who = {.len = sizeof(who.storage)};
		char in = 0;
		udp_wait(fd);
		CHECK(recvfrom(fd, &in, 1, 0, &who.sa, &who.len) == 1, "recv");
		CHECK(probe_same(&who, in == 'b' ? &udp_other : &udp_to),
			"%c from %s", in, probe_str(&who));
		seen |= in;
	}
	CHECK(seen == ('a' | 'b'), "not both");
}

static void many_families(void)
{
	struct probe_addr a = udp_to;
	int fd = udp_socket(0);

	a.sa.sa_family = a.sa.sa_family == AF_INET ? AF_INET6 : AF_INET;
	if (a.sa.sa_family == AF_INET6) {
		CHECK(sendto(fd, "x", 1, 0, &a.sa, sizeof(a.in6)) < 0, "sent");
		CHECK(connect(fd, &a.sa, sizeof(a.in6)) < 0, "connected");
	}
	udp_ask(fd, &udp_to);
}

static void shut_down(void)
{
	int fd = udp_connected();

	udp_talk(fd);
	CHECK(!shutdown(fd, SHUT_WR), "shutdown: %s", probe_errno(errno));
	CHECK_ERR(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"names, connected", names_of_connected, false},
		{"names, unconnected", names_of_unconnected, false},
		{"names, bound", names_of_bound, false},
		{"its peer alone", hears_its_peer_alone, false},
		{"another peer", connect_again, false},
		{"another peer at once", connect_again_at_once, false},
		{"AF_UNSPEC", dissolve_and_connect, false},
		{"the loopback", connect_to_loopback, false},
		{"two destinations", two_destinations, false},
		{"several under way", several_under_way, false},
		{"another family", many_families, false},
		{"shutdown", shut_down, false},
	};

	return udp_run(argc, argv, checks, PROBE_LEN(checks));
}

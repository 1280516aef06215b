/*
 * Where an association's datagrams go and come from: the relay that a server
 * names, and what is done with what arrives.
 */
#include "udp_fixture.h"

#include <netinet/tcp.h>
#include <sys/un.h>

/* The sockets' families are not looked at here: an IPv4 socket that gives way
 * to another one has all the options it is asked for. */
static int any_option(int fd, int level, int name, void *val, socklen_t *len)
{
	(void)fd;
	(void)level;
	(void)name;
	memset(val, 0, *len);
	if (level == IPPROTO_TCP && name == TCP_INFO)
		((struct tcp_info *)val)->tcpi_state = TCP_CLOSE;
	return 0;
}

static int any_fcntl(int fd, int cmd, long arg)
{
	(void)fd;
	(void)cmd;
	(void)arg;
	return 0;
}

static int any_socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	return CONTROL_FD;
}

static int any_dup3(int from, int to, int flags)
{
	(void)from;
	(void)flags;
	return to;
}

static int any_close(int fd)
{
	(void)fd;
	return 0;
}

static int connect_unix(int fd, const struct sockaddr *sa, socklen_t len)
{
	(void)fd;
	(void)len;
	ck_assert_int_eq(sa->sa_family, AF_UNIX);
	return 0;
}

static void prepare_any(void)
{
	prepare_udp();
	sys.getsockopt = any_option;
	sys.setsockopt = ignore_option;
	sys.fcntl = any_fcntl;
	sys.socket = any_socket;
	sys.dup3 = any_dup3;
	sys.close = any_close;
	plan.n_order = 1;
}

/* The reply, as the server sends it: five bytes, then the rest. */
static const struct {
	const char *server, *relay;
	uint16_t port;
	struct step reply[2];
} bounds[] = {
	{"192.0.2.1", "198.51.100.1", 0x0102,
		{RECV("\5\0\0\1\xc6"), RECV("\x33\x64\1\1\2")}},
	/* zeros: node-socks5-server */
	{"192.0.2.1", "192.0.2.1", 0x0102,
		{RECV("\5\0\0\1\0"), RECV("\0\0\0\1\2")}},
	{"192.0.2.1", "192.0.2.1", 0x0102,
		{RECV("\5\0\0\4\0"),
			RECV("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\2")}},
	/* the loopback, of another machine: v2ray, ss-local */
	{"192.0.2.1", "192.0.2.1", 1080,
		{RECV("\5\0\0\1\x7f"), RECV("\0\0\1\4\x38")}},
	{"192.0.2.1", "192.0.2.1", 1080,
		{RECV("\5\0\0\4\0"),
			RECV("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\4\x38")}},
	/* and of this one */
	{"127.0.0.1", "127.0.0.1", 1080,
		{RECV("\5\0\0\1\x7f"), RECV("\0\0\1\4\x38")}},
	{"127.0.0.1", "127.0.0.9", 1080,
		{RECV("\5\0\0\1\x7f"), RECV("\0\0\x09\4\x38")}},
	{"::1", "127.0.0.1", 1080,
		{RECV("\5\0\0\1\x7f"), RECV("\0\0\1\4\x38")}},
	/* IPv6 */
	{"192.0.2.1", "2001:db8::1", 9,
		{RECV("\5\0\0\4\x20"), RECV("\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0"
					    "\1\0\x09")}},
	{"2001:db8::5", "2001:db8::5", 9,
		{RECV("\5\0\0\4\0"),
			RECV("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09")}},
	{"2001:db8::5", "2001:db8::5", 9,
		{RECV("\5\0\0\1\0"), RECV("\0\0\0\0\x09")}},
	{"192.0.2.1", "198.51.100.1", 9, /* v4-mapped */
		{RECV("\5\0\0\4\0"), RECV("\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33"
					  "\x64\1\0\x09")}},
	/* a name is not looked up; one that is an address need not be */
	{"192.0.2.1", "192.0.2.1", 9, {RECV("\5\0\0\3\1"), RECV("a\0\x09")}},
	{"192.0.2.1", "192.0.2.1", 9, {RECV("\5\0\0\3\0"), RECV("\0\x09")}},
	{"192.0.2.1", "192.0.2.7", 9,
		{RECV("\5\0\0\3\x09"), RECV("192.0.2.7\0\x09")}},
};

/* Asks the server at address in the family; reply: in two parts. */
static void associate_at(
	const char *address, sa_family_t family, const struct step reply[2])
{
	const struct step ipv4 = SEND(ASSOCIATE), ipv6 = SEND(ASSOCIATE6);
	char to[SX_DEST_STRLEN];

	server(0, address, 1080);
	struct sx_dest at = {.port = 1080, .ip = confs[0].ip};
	sx_dest_format(&at, to, sizeof(to));
	const struct step steps[] = {CONNECT(to, 0), GREETED,
		family == AF_INET6 ? ipv6 : ipv4, POLL(POLLIN), reply[0],
		reply[1], END};
	script_start(steps);
	ck_assert_int_eq(sx_udp_begin(&dial, &plan), 0);
	ck_assert_int_eq(sx_dial_run(&dial, SX_NEVER, NULL), 0);
	ck_assert_int_eq(sx_udp_end(&dial, 0, &assoc), 0);
	script_finish();
}

static const struct {
	const char *server;
	sa_family_t socket, asked;
} families[] = {
	{"192.0.2.1", AF_INET, AF_INET},
	{"192.0.2.1", AF_INET6, AF_INET6},
	{"192.0.2.1", AF_UNSPEC, AF_INET},
	{"2001:db8::5", AF_INET, AF_INET},
	{"2001:db8::5", AF_INET6, AF_INET6},
	{"2001:db8::5", AF_UNSPEC, AF_INET6},
};

START_TEST(a_relay_is_asked_for_in_the_sockets_family_else_the_servers)
{
	static const struct step reply[] = {
		RECV("\5\0\0\1\xc0"), RECV("\0\2\7\0\x09")};

	for (size_t i = 0; i < N_ELEMENTS(families); i++) {
		plan.udp_family = families[i].socket;
		associate_at(families[i].server, families[i].asked, reply);
	}
}
END_TEST

START_TEST(v_18_datagrams_go_where_the_server_can_be_reached)
{
	for (size_t i = 0; i < N_ELEMENTS(bounds); i++) {
		associate_at(bounds[i].server,
			strchr(bounds[i].server, ':') ? AF_INET6 : AF_INET,
			bounds[i].reply);
		ck_assert_msg(relay_is(bounds[i].relay, bounds[i].port),
			"row %zu: port %u", i, assoc.relay_port);
	}
}
END_TEST

START_TEST(a_link_local_relay_is_behind_the_servers_interface)
{
	static const struct step steps[] = {CONNECT("[fe80::1]:1080", 0),
		GREETED, SEND(ASSOCIATE6), POLL(POLLIN), RECV("\5\0\0\4\xfe"),
		RECV("\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\x09"), END};

	server(0, "fe80::1", 1080);
	confs[0].ip.scope = 3;
	script_start(steps);
	ck_assert_int_eq(sx_udp_begin(&dial, &plan), 0);
	ck_assert_int_eq(
		sx_udp_end(&dial, sx_dial_run(&dial, SX_NEVER, NULL), &assoc),
		0);
	script_finish();
	ck_assert_uint_eq(assoc.relay.scope, 3);
	assoc.relay.scope = 0;
	ck_assert(relay_is("fe80::2", 9));
}
END_TEST

static int associate_by_unix(const char *rest)
{
	const struct step steps[] = {ASKED, RECV("\5\0\0\1\x7f"),
		{.call = CALL_RECV, .bytes = rest, .n = 5}, END};

	confs[0].ip.family = AF_UNSPEC;
	confs[0].unix_path = (char *)"/run/proxy";
	sys.connect = connect_unix;
	script_start(steps);
	ck_assert_int_eq(sx_udp_begin(&dial, &plan), 0);
	int r = sx_udp_end(&dial, sx_dial_run(&dial, SX_NEVER, NULL), &assoc);
	script_finish();
	return r;
}

START_TEST(a_relay_behind_a_unix_socket_may_be_on_the_loopback)
{
	ck_assert_int_eq(associate_by_unix("\0\0\1\0\x09"), 0);
	ck_assert(relay_is("127.0.0.1", 9));
}
END_TEST

START_TEST(a_unix_socket_is_no_place_for_datagrams)
{
	const struct step steps[] = {
		ASKED, RECV("\5\0\0\1\0"), RECV("\0\0\0\0\x09"), END};

	confs[0].ip.family = AF_UNSPEC;
	confs[0].unix_path = (char *)"/run/proxy";
	sys.connect = connect_unix;
	script_start(steps);
	ck_assert_int_eq(sx_udp_begin(&dial, &plan), 0);
	int r = sx_dial_run(&dial, SX_NEVER, NULL);
	ck_assert_int_eq(sx_udp_end(&dial, r, &assoc), -ENETUNREACH);
	script_finish();
	ck_assert(lacks_udp_in(0, 0));
}
END_TEST

#define HEADER "\0\0\0\1\xc0\0\2\1\1\2"

static const struct {
	const char *from;
	uint16_t port;
	const char *bytes;
	size_t n, at;
} arrivals[] = {
	{"192.0.2.7", 9, HEADER "payload", 17, 10},
	{"192.0.2.7", 9, HEADER, 10, 10}, /* empty */
	{"192.0.2.7", 10, HEADER "payload", 17, 0},
	{"192.0.2.8", 9, HEADER "payload", 17, 0},
	{"2001:db8::7", 9, HEADER "payload", 17, 0},
	{"192.0.2.7", 9, HEADER, 9, 0},
	{"192.0.2.7", 9, "", 0, 0},
	{"192.0.2.7", 9, "\0\0\1\1\xc0\0\2\1\1\2payload", 17, 0},
	{"192.0.2.7", 9, "\0\0\0\2\xc0\0\2\1\1\2payload", 17, 0},
};

START_TEST(v_19_what_is_not_for_the_application_is_dropped_and_counted)
{
	struct sx_dest source;
	struct sx_ip from, sender;
	unsigned n_bad = 0;

	assoc = (struct sx_udp_assoc){.fd = -1, .relay_port = 9};
	sx_ip_parse("192.0.2.7", &assoc.relay);
	sx_ip_parse("192.0.2.1", &sender);
	for (size_t i = 0; i < N_ELEMENTS(arrivals); i++) {
		sx_ip_parse(arrivals[i].from, &from);
		size_t at = sx_udp_accept(&assoc, &from, arrivals[i].port,
			(const uint8_t *)arrivals[i].bytes, arrivals[i].n,
			&source);
		ck_assert_msg(at == arrivals[i].at, "row %zu: %zu", i, at);
		n_bad += at == 0;
		ck_assert_uint_eq(assoc.n_dropped, n_bad);
		if (at == 0)
			continue;
		ck_assert_int_eq(source.transport, SX_TRANSPORT_UDP);
		ck_assert_int_eq(source.kind, SX_DEST_IP);
		ck_assert(sx_ip_equal(&source.ip, &sender));
		ck_assert_uint_eq(source.port, 0x0102);
	}
	ck_assert_uint_eq(n_bad, 7);
}
END_TEST

START_TEST(what_is_wrapped_can_be_unwrapped)
{
	uint8_t bytes[SX_UDP_HEAD_MAX];
	struct sx_dest source, dest = {.kind = SX_DEST_NAME, .port = 7};

	assoc = (struct sx_udp_assoc){.fd = -1, .relay_port = 9};
	sx_ip_parse("192.0.2.7", &assoc.relay);
	sx_name_copy(dest.name, "example.org");
	size_t n = sx_udp_wrap(&dest, bytes);
	ck_assert_uint_eq(n, 18);
	ck_assert_uint_eq(
		sx_udp_accept(&assoc, &assoc.relay, 9, bytes, n, &source), n);
	ck_assert_str_eq(source.name, "example.org");
	ck_assert_uint_eq(source.port, 7);
}
END_TEST

static bool is_alive(const struct step *steps)
{
	assoc = (struct sx_udp_assoc){.fd = CONTROL_FD};
	script_start(steps);
	bool alive = sx_udp_is_alive(&assoc, &sys);
	script_finish();
	return alive;
}

#define TALK          RECV("abcd")
#define FOUR_TIMES(x) x, x, x, x

START_TEST(v_20_an_association_lives_as_long_as_its_connection)
{
	static const struct step quiet[] = {RECV_FAILS(EAGAIN), END},
				 interrupted[] = {RECV_FAILS(EINTR),
					 RECV_FAILS(EAGAIN), END},
				 ended[] = {RECV(""), END},
				 reset[] = {RECV_FAILS(ECONNRESET), END},
				 talks[] = {TALK, TALK, RECV_FAILS(EAGAIN),
					 END},
				 talks_and_ends[] = {TALK, RECV(""), END},
				 talks_on[] = {FOUR_TIMES(FOUR_TIMES(TALK)),
					 END},
				 nothing[] = {END};

	ck_assert(is_alive(quiet));
	ck_assert(is_alive(interrupted));
	ck_assert(!is_alive(ended));
	ck_assert(!is_alive(reset));
	ck_assert(is_alive(talks));
	ck_assert(!is_alive(talks_and_ends));
	ck_assert(is_alive(talks_on));
	assoc.fd = -1;
	script_start(nothing);
	ck_assert(!sx_udp_is_alive(&assoc, &sys));
	script_finish();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("udp_relay");
	TCase *t = tcase_create("udp_relay");

	tcase_add_checked_fixture(t, prepare_any, NULL);
	tcase_add_test(
		t, a_relay_is_asked_for_in_the_sockets_family_else_the_servers);
	tcase_add_test(t, v_18_datagrams_go_where_the_server_can_be_reached);
	tcase_add_test(t, a_link_local_relay_is_behind_the_servers_interface);
	tcase_add_test(t, a_relay_behind_a_unix_socket_may_be_on_the_loopback);
	tcase_add_test(t, a_unix_socket_is_no_place_for_datagrams);
	tcase_add_test(
		t, v_19_what_is_not_for_the_application_is_dropped_and_counted);
	tcase_add_test(t, what_is_wrapped_can_be_unwrapped);
	tcase_add_test(t, v_20_an_association_lives_as_long_as_its_connection);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

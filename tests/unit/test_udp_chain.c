/*
 * Associations with the servers of a chain: one after another, from the last
 * to the first, and what stands in front of the datagrams then.
 */
#include "udp_fixture.h"

#include "core/associating.h"

#define FIRST_FD 30

/* With the request's address and the reply's, port 9. */
#define GREET        GREETED
#define THROUGH(to)  GREET, SEND(to), POLL(POLLIN), RECV(REPLY_5), RECV(REPLY_10)
#define TO_A         "\x05\x01\x00\x01\xc0\x00\x02\x01\x04\x38"
#define TO_NAME      "\x05\x01\x00\x03\x11proxy.example.org\x04\x3b"
#define RELAY(a, b)  ASKED, RECV("\x05\0\0\1" a), RECV(b "\0\x09")
#define LAST_RELAY   RELAY("\0", "\0\0\0")
#define MIDDLE_RELAY RELAY("\x0a", "\0\0\7")
#define FIRST_RELAY  RELAY("\xc0", "\0\2\7")

static struct sx_associating making;
static unsigned n_open;

static int open_one(int domain, int type, int protocol)
{
	make_socket(domain, type, protocol);
	return FIRST_FD + (int)n_open++;
}

static int close_one(int fd)
{
	ck_assert_int_ge(fd, FIRST_FD);
	ck_assert_int_lt(fd, FIRST_FD + 3);
	n_closed++;
	return 0;
}

/* proxy.example.org behind A behind B. */
static void prepare_chain(void)
{
	prepare_udp();
	confs[3].via = 0;
	confs[0].via = 1;
	plan.order = &order[3];
	plan.n_order = 1;
	sys.socket = open_one;
	sys.setsockopt = ignore_option;
	sys.close = close_one;
	memset(&making, 0, sizeof(making));
	n_open = 0;
}

static int associate_chain(const struct step *steps)
{
	int r;

	script_start(steps);
	making.plan = plan;
	ck_assert_int_eq(sx_udp_begin(&making.dial, &making.plan), 0);
	do {
		r = sx_dial_run(&making.dial, SX_NEVER, NULL);
		if (r == 0)
			r = sx_associating_next(&making);
	} while (r == 1);
	r = sx_associating_end(&making, r, &assoc);
	script_finish();
	return r;
}

static const struct step all[] = {CONNECT(B, 0), THROUGH(TO_A),
	THROUGH(TO_NAME), LAST_RELAY, CONNECT(B, 0), THROUGH(TO_A),
	MIDDLE_RELAY, CONNECT(B, 0), FIRST_RELAY, END};

START_TEST(each_server_is_asked_through_those_before_it)
{
	ck_assert_int_eq(associate_chain(all), 0);
	ck_assert(relay_is("192.0.2.7", 9));
	ck_assert_uint_eq(assoc.server, 3);
	ck_assert_int_eq(assoc.fd, FIRST_FD + 2);
	ck_assert_uint_eq(assoc.n_beyond, 2);
	ck_assert_int_eq(assoc.beyond[0].fd, FIRST_FD + 1);
	ck_assert_int_eq(assoc.beyond[1].fd, FIRST_FD);
	ck_assert_int_eq(assoc.beyond[1].relay.kind, SX_DEST_NAME);
	ck_assert_uint_eq(n_closed, 0);
	sx_udp_close(&assoc, &sys);
	ck_assert_uint_eq(n_closed, 3);
}
END_TEST

START_TEST(it_can_go_on_elsewhere)
{
	struct sx_associating elsewhere;
	static const struct step rest[] = {
		CONNECT(B, 0), THROUGH(TO_A), MIDDLE_RELAY, END};

	script_start(all);
	making.plan = plan;
	ck_assert_int_eq(sx_udp_begin(&making.dial, &making.plan), 0);
	ck_assert_int_eq(sx_dial_run(&making.dial, SX_NEVER, NULL), 0);
	ck_assert_int_eq(sx_associating_next(&making), 1);
	sx_associating_move(&elsewhere, &making, making.dial.reach.fd);
	memset(&making, 0xff, sizeof(making));
	script_start(rest);
	ck_assert_int_eq(sx_dial_run(&elsewhere.dial, SX_NEVER, NULL), 0);
	script_finish();
	ck_assert_int_eq(
		sx_associating_end(&elsewhere, -EIO, &assoc), -ENETUNREACH);
}
END_TEST

/* Where one of them does not agree, nothing is left. */
START_TEST(a_chain_is_whole_or_nothing)
{
	static const struct step refused[] = {CONNECT(B, 0), THROUGH(TO_A),
		THROUGH(TO_NAME), LAST_RELAY, CONNECT(B, 0), THROUGH(TO_A),
		ASKED, RECV("\5\7\0\1\0"), DISSOLVE, END};

	ck_assert_int_eq(associate_chain(refused), -ENETUNREACH);
	ck_assert_uint_eq(n_closed, 2);
	ck_assert_int_eq(assoc.fd, -1);
	ck_assert_uint_eq(assoc.n_beyond, 0);
	ck_assert(lacks_udp_in(0, SX_DOUBTED_S + 2));
	ck_assert(!lacks_udp_in(3, 0));
	n_closed = 0;
	/* it is known now: nobody is asked */
	static const struct step nobody[] = {END};
	ck_assert_int_eq(associate_chain(nobody), -ENETUNREACH);
	ck_assert_ptr_nonnull(
		strstr(making.dial.cause.text, "a server before it"));
}
END_TEST

#define HEAD(address, port) "\0\0\0\1" address port
#define MIDDLE              HEAD("\x0a\0\0\7", "\0\x09")
#define NAME                "\0\0\0\3\x11proxy.example.org\0\x09"
#define SOURCE              HEAD("\xcb\0\x71\x09", "\1\2")
#define WHOLE               MIDDLE NAME SOURCE

static const struct {
	const char *bytes;
	size_t n, at; /* 0: dropped */
} arrivals[] = {
	{WHOLE "x", sizeof(WHOLE), sizeof(WHOLE) - 1},
	{WHOLE, sizeof(WHOLE) - 1, sizeof(WHOLE) - 1},
	/* the last server's name is an address here, that nobody knows */
	{MIDDLE HEAD("\1\2\3\4", "\0\x09") SOURCE "x", 3 * sizeof(SOURCE) - 2,
		3 * sizeof(SOURCE) - 3},
	/* of strangers */
	{HEAD("\x0a\0\0\x08", "\0\x09") NAME SOURCE "x", sizeof(WHOLE), 0},
	{HEAD("\x0a\0\0\7", "\0\x08") NAME SOURCE "x", sizeof(WHOLE), 0},
	{MIDDLE HEAD("\1\2\3\4", "\0\x08") SOURCE "x", 3 * sizeof(SOURCE) - 2,
		0},
	/* too few headers, one that is cut, a fragment */
	{SOURCE "x", sizeof(SOURCE), 0},
	{MIDDLE NAME, sizeof(MIDDLE NAME) - 1, 0},
	{WHOLE, sizeof(WHOLE) - 2, 0},
	{MIDDLE "\0\0\1" NAME SOURCE, sizeof(WHOLE) - 1, 0},
};

START_TEST(a_datagram_has_a_header_for_each)
{
	uint8_t lead[SX_UDP_LEAD_MAX];
	struct sx_dest source;

	ck_assert_int_eq(associate_chain(all), 0);
	ck_assert_uint_eq(sx_udp_lead(&assoc, lead), sizeof(MIDDLE NAME) - 1);
	ck_assert_mem_eq(lead, MIDDLE NAME, sizeof(MIDDLE NAME) - 1);
	for (size_t i = 0; i < N_ELEMENTS(arrivals); i++) {
		unsigned dropped = assoc.n_dropped;
		size_t at = sx_udp_accept(&assoc, &assoc.relay, 9,
			(const uint8_t *)arrivals[i].bytes, arrivals[i].n,
			&source);
		ck_assert_msg(at == arrivals[i].at, "row %zu: %zu", i, at);
		ck_assert_uint_eq(assoc.n_dropped, dropped + !at);
		ck_assert(!at || source.port == 0x0102);
	}
}
END_TEST

START_TEST(it_stands_as_long_as_all_connections)
{
	static const struct step stand[] = {RECV_FAILS(EAGAIN),
		RECV_FAILS(EAGAIN), RECV_FAILS(EAGAIN), END},
				 last_ended[] = {RECV_FAILS(EAGAIN), RECV(""),
					 END},
				 first_ended[] = {RECV_FAILS(EAGAIN),
					 RECV_FAILS(EAGAIN), RECV(""), END};

	ck_assert_int_eq(associate_chain(all), 0);
	script_start(stand);
	ck_assert(sx_udp_is_alive(&assoc, &sys));
	script_start(last_ended);
	ck_assert(!sx_udp_is_alive(&assoc, &sys));
	script_start(first_ended);
	ck_assert(!sx_udp_is_alive(&assoc, &sys));
	script_finish();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("udp_chain");
	TCase *t = tcase_create("udp_chain");

	tcase_add_checked_fixture(t, prepare_chain, NULL);
	tcase_add_test(t, each_server_is_asked_through_those_before_it);
	tcase_add_test(t, it_can_go_on_elsewhere);
	tcase_add_test(t, a_chain_is_whole_or_nothing);
	tcase_add_test(t, a_datagram_has_a_header_for_each);
	tcase_add_test(t, it_stands_as_long_as_all_connections);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

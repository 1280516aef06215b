/*
 * What becomes of datagrams by the configuration, and associations through
 * the engine.
 */
#include "core/associating.h"
#include "engine_fixture.h"

static struct sx_sys udp_net;
static unsigned lacking; /* the server, 1.., that knows no association */
static bool is_asked;    /* for one */
static struct sx_udp_assoc assoc;
static struct sx_associating making;

static int udp_socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	return 7;
}

static int udp_close(int fd)
{
	(void)fd;
	return 0;
}

static ssize_t udp_send(int fd, const void *buf, size_t n, int flags)
{
	is_asked = n == 10 && ((const uint8_t *)buf)[1] == 3;
	return net_send(fd, buf, n, flags);
}

/* The end of a reply has a port, and its beginning a no. */
static ssize_t udp_recv(int fd, void *buf, size_t n, int flags)
{
	ssize_t r = net_recv(fd, buf, n, flags);
	uint8_t *bytes = buf;

	if (n == 5 && bytes[0] == 0)
		bytes[4] = 9;
	if (n == 5 && bytes[0] == 5 && lacking && is_asked &&
		tried[strlen(tried) - 1] == (char)('0' + lacking))
		bytes[1] = 7;
	return r;
}

static void start_udp(const char *text)
{
	udp_net = net;
	udp_net.socket = udp_socket;
	udp_net.setsockopt = ignore_option;
	udp_net.close = udp_close;
	udp_net.send = udp_send;
	udp_net.recv = udp_recv;
	sx_engine_free(engine);
	fix_write("c", text);
	fix_load_ok(fix_path("c"), NULL);
	ck_assert_int_eq(sx_engine_new(&engine, &fix_conf, &udp_net), 0);
	sx_engine_share_state(engine, fix_dir);
	memset(tried, 0, sizeof(tried));
}

static struct sx_verdict judge(const char *host, uint16_t port)
{
	struct sx_dest dest = dest_of(host, port);

	dest.transport = SX_TRANSPORT_UDP;
	return sx_engine_decide(engine, &dest);
}

static int associate_by(
	const struct sx_verdict *verdict, const struct sx_dest *dest)
{
	ck_assert_int_eq(sx_engine_associate_begin(
				 engine, &making, verdict, dest, AF_INET),
		0);
	return sx_engine_associate_end(
		&making, sx_dial_run(&making.dial, SX_NEVER, NULL), &assoc);
}

static int associate(const char *host)
{
	struct sx_dest dest = dest_of(host, 443);
	dest.transport = SX_TRANSPORT_UDP;
	struct sx_verdict verdict = sx_engine_decide(engine, &dest);

	ck_assert_int_eq(verdict.action, SX_ACTION_PROXY);
	return associate_by(&verdict, &dest);
}

#define DEFAULTS(udp) "[defaults]\nudp = " udp "\n"
#define ONE           "[server a]\nurl = socks5://192.0.2.1\n"

static const struct {
	const char *text;
	enum sx_action action;
	const char *where; /* NULL: the rule */
} rows[] = {
	{ONE, SX_ACTION_PROXY, NULL},
	{ONE DEFAULTS("associate"), SX_ACTION_PROXY, NULL},
	{ONE DEFAULTS("block"), SX_ACTION_BLOCK, "udp = block"},
	{ONE DEFAULTS("direct"), SX_ACTION_DIRECT, "udp = direct"},
	/* a server that is said to carry them */
	{ONE "udp = associate\n" DEFAULTS("block"), SX_ACTION_PROXY, NULL},
	{ONE "udp = associate\n" DEFAULTS("direct"), SX_ACTION_PROXY, NULL},
	{ONE "udp = block\n" DEFAULTS("direct"), SX_ACTION_DIRECT,
		"udp = direct"},
	/* in vain, but not around it */
	{ONE "udp = block\n", SX_ACTION_PROXY, NULL},
	/* a rule for datagrams alone; one for all says nothing of them */
	{ONE DEFAULTS("block") "[rules]\nproxy = udp:*\n", SX_ACTION_PROXY,
		NULL},
	{ONE DEFAULTS("direct") "[rules]\nproxy = udp:*\n", SX_ACTION_PROXY,
		NULL},
	{ONE DEFAULTS("block") "[rules]\nproxy = *\n", SX_ACTION_BLOCK,
		"udp = block"},
	{ONE "[rules]\nblock = udp:*\n", SX_ACTION_BLOCK, NULL},
	{ONE "[rules]\ndirect = udp:*\n", SX_ACTION_DIRECT, NULL},
};

START_TEST(what_becomes_of_datagrams)
{
	struct sx_verdict v;

	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		start_udp(rows[i].text);
		v = judge("203.0.113.9", 443);
		ck_assert_msg(
			v.action == rows[i].action, "row %zu: %d", i, v.action);
		if (rows[i].where)
			ck_assert_str_eq(v.where, rows[i].where);
		else
			ck_assert_ptr_null(strstr(v.where, "udp = "));
		ck_assert_int_eq(action("203.0.113.9", 443), SX_ACTION_PROXY);
	}
}
END_TEST

START_TEST(questions_to_port_53_are_nobody_elses)
{
	static const char *const texts[] = {
		ONE, ONE DEFAULTS("block"), ONE DEFAULTS("direct")};

	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		start_udp(texts[i]);
		ck_assert_int_eq(
			judge("203.0.113.9", 53).action, SX_ACTION_PROXY);
	}
	/* and they are not carried, whoever asks */
	struct sx_dest dest = dest_of("203.0.113.9", 53);
	struct sx_verdict v = judge("203.0.113.9", 53);
	ck_assert_int_eq(associate_by(&v, &dest), -ENETUNREACH);
	ck_assert_str_eq(tried, "");
}
END_TEST

START_TEST(an_association_goes_through_a_server_of_the_rules_pool)
{
	start_udp(SERVERS "[rules]\nb = *.org\n");
	ck_assert_int_eq(associate("www.example.org"), 0);
	ck_assert_str_eq(tried, "2");
	ck_assert_int_eq(assoc.fd, 7);
	ck_assert_uint_eq(assoc.server, 1);
	ck_assert_uint_eq(assoc.relay_port, 9);
	ck_assert_int_eq(associate("192.0.2.9"), 0);
	ck_assert_str_eq(tried, "21");
}
END_TEST

START_TEST(only_servers_that_are_said_to_carry_them_do_where_others_do_not)
{
	start_udp(SERVERS "udp = associate\n"
			  "[pool p]\nservers = a, b, c\n" DEFAULTS(
				  "block") "backoff = none\n");
	is_dead[3] = true;
	ck_assert_int_eq(associate("www.example.org"), -ENETUNREACH);
	ck_assert_ptr_null(strpbrk(tried, "12"));
	is_dead[3] = false;
	ck_assert_int_eq(associate("www.example.org"), 0);
	ck_assert_uint_eq(assoc.server, 2);
}
END_TEST

START_TEST(a_rule_for_datagrams_alone_opens_the_servers_that_do_not_say)
{
	start_udp(ONE DEFAULTS("block") "[rules]\na = udp:443\n");
	ck_assert_int_eq(associate("www.example.org"), 0);
}
END_TEST

START_TEST(a_server_without_datagrams_is_known_to_all_processes)
{
	lacking = 1;
	start_udp(POOL("failover"));
	ck_assert_int_eq(associate("www.example.org"), 0);
	ck_assert_str_eq(tried, "12");
	start_udp(POOL("failover"));
	ck_assert_int_eq(associate("www.example.org"), 0);
	ck_assert_str_eq(tried, "2");
	go_ok(1); /* for connections it is the first as ever */
	ck_assert_str_eq(tried, "21");
}
END_TEST

START_TEST(associations_take_no_turn_and_no_latch_of_connections)
{
	start_udp(POOL("round-robin"));
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(associate("www.example.org"), 0);
		memset(tried, 0, sizeof(tried));
		go_ok(1);
		ck_assert_int_eq(tried[0], (char)('1' + i % N_SERVERS));
	}
	start_udp(POOL("latched"));
	is_dead[1] = is_dead[2] = true;
	go_ok(1);
	is_dead[1] = is_dead[2] = false;
	lacking = 3;
	ck_assert_int_eq(associate("www.example.org"), 0);
	memset(tried, 0, sizeof(tried));
	go_ok(1);
	ck_assert_str_eq(tried, "3");
}
END_TEST

START_TEST(the_deadline_of_the_configuration_holds)
{
	struct sx_dest dest = dest_of("www.example.org", 443);

	start_udp(ONE "[defaults]\ndeadline = 7s\n");
	dest.transport = SX_TRANSPORT_UDP;
	struct sx_verdict v = sx_engine_decide(engine, &dest);
	ck_assert_int_eq(associate_by(&v, &dest), 0);
	ck_assert_uint_eq(making.plan.deadline.at_ns,
		sx_clock_ns(&udp_net) + 7000 * SX_NS_PER_MS);
}
END_TEST

START_TEST(one_that_is_given_up_holds_nothing)
{
	struct sx_dest dest = dest_of("www.example.org", 443);

	start_udp(ONE);
	dest.transport = SX_TRANSPORT_UDP;
	struct sx_verdict v = sx_engine_decide(engine, &dest);
	ck_assert_int_eq(
		sx_engine_associate_begin(engine, &making, &v, &dest, AF_INET),
		0);
	ck_assert_int_eq(
		sx_engine_associate_end(&making, 1, &assoc), -ENETUNREACH);
	ck_assert_int_eq(assoc.fd, -1);
}
END_TEST

static void reset_udp(void)
{
	reset();
	lacking = 0;
}

int main(void)
{
	Suite *s = suite_create("udp_engine");
	TCase *t = tcase_create("udp_engine");

	tcase_add_checked_fixture(t, reset_udp, clean_up);
	tcase_add_test(t, what_becomes_of_datagrams);
	tcase_add_test(t, questions_to_port_53_are_nobody_elses);
	tcase_add_test(
		t, an_association_goes_through_a_server_of_the_rules_pool);
	tcase_add_test(t,
		only_servers_that_are_said_to_carry_them_do_where_others_do_not);
	tcase_add_test(t,
		a_rule_for_datagrams_alone_opens_the_servers_that_do_not_say);
	tcase_add_test(t, a_server_without_datagrams_is_known_to_all_processes);
	tcase_add_test(
		t, associations_take_no_turn_and_no_latch_of_connections);
	tcase_add_test(t, the_deadline_of_the_configuration_holds);
	tcase_add_test(t, one_that_is_given_up_holds_nothing);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

/*
 * res_query(3) and its relatives.
 *
 * dns_libc NAME
 * NAME	has one IPv4 address, no mail server, and a dot
 */
#include "probe_dns.h"

#include <arpa/nameser.h>
#include <resolv.h>

#define ARGS "NAME"

static unsigned char in[ANSWER_MAX];
static const char *asked;

/* One address, or none and h_errno. */
static void check(const char *what, int n, int error)
{
	ns_msg m;
	ns_rr rr;

	if (error) {
		CHECK(n == -1 && h_errno == error, "%s: %d, %s", what, n,
			hstrerror(h_errno));
		return;
	}
	CHECK(n > 0, "%s: %s", what, hstrerror(h_errno));
	CHECK(!ns_initparse(in, n, &m) && ns_msg_count(m, ns_s_an) == 1 &&
			!ns_parserr(&m, ns_s_an, 0, &rr),
		"%s: not one record", what);
	CHECK(!strcmp(ns_rr_name(rr), asked), "%s: of %s", what,
		ns_rr_name(rr));
	CHECK(ns_rr_type(rr) == ns_t_a && ns_rr_rdlen(rr) == 4,
		"%s: no address", what);
	struct sockaddr_in sin = {.sin_family = AF_INET};
	memcpy(&sin.sin_addr, ns_rr_rdata(rr), 4);
	CHECK(!probe_dns_proxied || probe_is_fake((void *)&sin),
		"%s: not an address of the reserved range", what);
}

static void in_all_ways(const char *name, int type, int error)
{
	static struct __res_state state;
	char label[64] = "";
	const char *dot = strchr(name, '.');

	asked = name;

	memcpy(label, name, dot - name);
	check("res_query", res_query(name, ns_c_in, type, in, sizeof(in)),
		error);
	check("res_search", res_search(name, ns_c_in, type, in, sizeof(in)),
		error);
	check("res_querydomain",
		res_querydomain(label, dot + 1, ns_c_in, type, in, sizeof(in)),
		error);
	CHECK(!res_ninit(&state), "res_ninit");
	check("res_nquery",
		res_nquery(&state, name, ns_c_in, type, in, sizeof(in)), error);
	check("res_nsearch",
		res_nsearch(&state, name, ns_c_in, type, in, sizeof(in)),
		error);
	check("res_nquerydomain",
		res_nquerydomain(
			&state, label, dot + 1, ns_c_in, type, in, sizeof(in)),
		error);
	res_nclose(&state);
}

static void made_up(const char *name)
{
	unsigned char q[300];
	int len = res_mkquery(
		ns_o_query, name, ns_c_in, ns_t_a, NULL, 0, NULL, q, sizeof(q));

	CHECK(len > 0, "res_mkquery");
	asked = name;
	check("res_send", res_send(q, len, in, sizeof(in)), 0);
	CHECK(!memcmp(q, in, 2), "another ID");
}

/* libc asks by TCP what does not fit, and an answer of ours is cut. */
static void little_room(const char *name)
{
	memset(in, 0xee, sizeof(in));
	int n = res_query(name, ns_c_in, ns_t_a, in, 20);

	CHECK(n <= 20 && in[20] == 0xee, "written behind the end");
}

int main(int argc, char **argv)
{
	char none[300];

	probe_dns_proxied = probe_flag(&argc, argv, "--proxied");
	probe_positional(argc, argv, 1, 1, ARGS);
	probe_watchdog(50);
	int fds = probe_count_fds();
	in_all_ways(argv[1], ns_t_a, 0);
	in_all_ways(argv[1], ns_t_mx, NO_DATA);
	snprintf(none, sizeof(none), "a+b%s", strchr(argv[1], '.'));
	in_all_ways(none, ns_t_a, HOST_NOT_FOUND);
	made_up(argv[1]);
	if (probe_dns_proxied)
		little_room(argv[1]);
	CHECK(probe_count_fds() == fds, "%d descriptors, %d at the start",
		probe_count_fds(), fds);
	return 0;
}

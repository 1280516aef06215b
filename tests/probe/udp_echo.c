/*
 * Datagrams of many sizes to an echo and back, by a socket that is connected
 * and one that is not.
 *
 * udp_echo HOST PORT [--largest BYTES] [--v6|--mapped]
 * HOST PORT	a UDP echo
 * --largest	no datagram of more than that is sent; default 60000
 * --v6	by IPv6; --mapped: IPv4 by a socket of IPv6
 */
#include "probe_udp.h"

#define ARGS "HOST PORT [--largest BYTES] [--v6|--mapped]"

static unsigned char out[60000], in[65536];

static void fill(int n)
{
	static unsigned turn;

	turn++;
	for (int i = 0; i < n; i++)
		out[i] = (unsigned char)((unsigned)i * 7 + turn);
}

static void echo(int fd, int n, const struct probe_addr *to)
{
	struct probe_addr who = {.len = sizeof(who.storage)};

	fill(n);
	ssize_t r = to ? sendto(fd, out, (size_t)n, 0, &to->sa, to->len)
		       : send(fd, out, (size_t)n, 0);
	CHECK(r == n, "%d bytes: sent %zd %s", n, r, probe_errno(errno));
	udp_wait(fd);
	r = recvfrom(fd, in, sizeof(in), 0, &who.sa, &who.len);
	CHECK(r == n, "%d bytes: %zd came back", n, r);
	CHECK(!memcmp(in, out, (size_t)n), "%d bytes came back changed", n);
	CHECK(probe_same(&who, &udp_to), "%d bytes: from %s, not %s", n,
		probe_str(&who), probe_str(&udp_to));
}

int main(int argc, char **argv)
{
	static const int sizes[] = {1, 100, 1400, 8000, 60000};
	long largest = probe_number(&argc, argv, "--largest", 60000);
	bool v6 = probe_flag(&argc, argv, "--v6");
	bool is_mapped = probe_flag(&argc, argv, "--mapped");

	probe_positional(argc, argv, 2, 2, ARGS);
	probe_watchdog(40);
	udp_set(argv[1], argv[2], v6 ? AF_INET6 : AF_INET);
	if (is_mapped)
		probe_map(&udp_to);
	int loose = udp_socket(0), connected = udp_connected();
	for (int i = 0; i < PROBE_LEN(sizes); i++) {
		if (sizes[i] > largest)
			continue;
		echo(loose, sizes[i], &udp_to);
		echo(connected, sizes[i], NULL);
	}
	return 0;
}

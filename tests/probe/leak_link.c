/*
 * Addresses that leaktest gives to a new namespace can be used at once: who
 * connects there is refused, and does not wait.
 *
 * Usage: leak_link [--times N]
 */
#include "leak_link.h"
#include "probe.h"

#include <sched.h>

static void check_address(const char *text)
{
	struct probe_addr to;
	struct sx_ip ip;

	CHECK(!sx_ip_parse(text, &ip), "%s: no address", text);
	int r = sx_leak_link_add(&ip);
	CHECK(!r, "%s: %s", text, probe_errno(-r));
	probe_resolve(&to, text, "9");
	int fd = probe_socket(&to, SOCK_NONBLOCK);
	if (connect(fd, &to.sa, to.len) && errno == EINPROGRESS) {
		CHECK(probe_wait(fd, POLLOUT, 500), "%s: no answer", text);
		CHECK(probe_so_error(fd) == ECONNREFUSED, "%s", text);
	} else {
		CHECK(errno == ECONNREFUSED, "%s: %s", text,
			probe_errno(errno));
	}
	close(fd);
}

int main(int argc, char **argv)
{
	int times = atoi(probe_value(&argc, argv, "--times", "200"));

	for (int i = 0; i < times; i++) {
		CHECK(!unshare(CLONE_NEWNET), "unshare: %s",
			probe_errno(errno));
		int r = sx_leak_link_up();
		CHECK(!r, "lo: %s", probe_errno(-r));
		check_address("192.0.2.9");
		check_address("2001:db8::9");
	}
	return 0;
}

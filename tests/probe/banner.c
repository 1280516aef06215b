/*
 * A server that speaks first: each of its bytes arrives, once, in order, and
 * nothing else. They may come in the same segment as the last bytes of a
 * proxy's handshake.
 *
 * banner HOST PORT HEX [--nonblock] [--delay-ms N] [--peek] [--by-one]
 *	[--no-echo]
 * HOST PORT	a server that sends the bytes HEX, and then echoes
 * --delay-ms N	read only then, so that all is there at once
 * --peek	look with MSG_PEEK and FIONREAD first
 * --by-one	read single bytes
 * --no-echo	the server sends HEX and closes
 */
#include "probe.h"

#include <sys/ioctl.h>

#define ARGS                                                                   \
	"HOST PORT HEX [--nonblock] [--delay-ms N] [--peek] "                  \
	"[--by-one] [--no-echo]"

static size_t from_hex(unsigned char *out, size_t size, const char *hex)
{
	size_t n = strlen(hex) / 2;

	if (strlen(hex) % 2 || n > size)
		probe_usage(ARGS);
	for (size_t i = 0; i < n; i++) {
		unsigned int byte;
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			probe_usage(ARGS);
		out[i] = byte;
	}
	return n;
}

static void compare(const unsigned char *in, size_t got,
	const unsigned char *want, size_t n)
{
	size_t i = 0;

	while (i < got && i < n && in[i] == want[i])
		i++;
	CHECK(i == n && got == n,
		"%zu bytes of %zu, the first wrong one at %zu: %02x, not %02x",
		got, n, i, i < got ? in[i] : 0, i < n ? want[i] : 0);
}

int main(int argc, char **argv)
{
	static unsigned char want[65536], in[65536 + 1];
	bool nonblock = probe_flag(&argc, argv, "--nonblock");
	bool peek = probe_flag(&argc, argv, "--peek");
	bool by_one = probe_flag(&argc, argv, "--by-one");
	bool no_echo = probe_flag(&argc, argv, "--no-echo");
	int delay_ms = probe_number(&argc, argv, "--delay-ms", 0);
	struct probe_addr a;

	probe_positional(argc, argv, 3, 3, ARGS);
	probe_watchdog(60);
	size_t n = from_hex(want, sizeof(want), argv[3]);
	probe_resolve(&a, argv[1], argv[2]);
	int fd = probe_socket(&a, nonblock ? SOCK_NONBLOCK : 0);
	if (connect(fd, &a.sa, a.len)) {
		CHECK(nonblock && errno == EINPROGRESS, "connect %s: %s",
			probe_str(&a), probe_errno(errno));
		CHECK(probe_wait(fd, POLLOUT, 20000) & POLLOUT, "no POLLOUT");
		CHECK(!probe_so_error(fd), "SO_ERROR: not 0");
	}
	poll(NULL, 0, delay_ms);
	if (peek) {
		int waiting = 0;
		CHECK(probe_wait(fd, POLLIN, 10000) & POLLIN, "no data");
		CHECK(!ioctl(fd, FIONREAD, &waiting) && waiting > 0 &&
				waiting <= (int)n,
			"FIONREAD: %d", waiting);
		ssize_t got = recv(fd, in, sizeof(in), MSG_PEEK);
		CHECK(got >= waiting && !memcmp(in, want, got),
			"MSG_PEEK: %zd bytes, other than expected", got);
	}
	size_t step = by_one ? 1 : n, got = 0;
	while (got < n) {
		size_t r = probe_recv(fd, in + got, step, 10000);
		got += r;
		if (r < step)
			break;
	}
	compare(in, got, want, n);
	/* A byte too many would stand before the echo, or before the end. */
	if (no_echo)
		CHECK(probe_recv(fd, in, 1, 10000) == 0, "more than expected");
	else
		probe_echo(fd);
	CHECK(no_echo || !probe_wait(fd, POLLIN, 50), "more after the echo");
	return 0;
}

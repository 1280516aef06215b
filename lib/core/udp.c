#include "core/udp.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>

/* Nothing is ever said over this connection, so a server that is gone without
 * a word is noticed by this alone; and what is on the way does not forget it.
 */
static void keep_alive(const struct sx_sys *sys, int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, 60}, /* seconds */
		{IPPROTO_TCP, TCP_KEEPINTVL, 15},
		{IPPROTO_TCP, TCP_KEEPCNT, 4},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		sys->setsockopt(fd, options[i].level, options[i].name,
			&options[i].value, sizeof(options[i].value));
}

/* IPv4 to begin with: the dial puts a socket of another family in its place
 * where the server has one. */
int sx_udp_begin(struct sx_dial *d, const struct sx_dial_plan *plan)
{
	int fd = plan->sys->socket(
		AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	keep_alive(plan->sys, fd);
	sx_dial_init(d, plan, fd, AF_INET, O_RDWR | O_NONBLOCK);
	return 0;
}

/* What sendto() may fail with: all else would be said of the program. */
static int error_of(struct sx_dial *d, int r)
{
	if (r > 0) {
		sx_dial_abandon(d);
		sx_err_set(&d->cause, ENETUNREACH, "given up");
	}
	if (r == -EINTR)
		return r;
	d->cause.sys = ENETUNREACH;
	return -ENETUNREACH;
}

int sx_udp_end(struct sx_dial *d, int r, struct sx_udp_assoc *out)
{
	memset(out, 0, sizeof(*out));
	out->fd = d->reach.fd;
	if (r) {
		sx_udp_close(out, d->plan->sys);
		return error_of(d, r);
	}
	out->relay = d->relay;
	out->relay_port = d->relay_port;
	out->server = d->plan->order[d->place];
	return 0;
}

void sx_udp_close(struct sx_udp_assoc *a, const struct sx_sys *sys)
{
	if (a->fd >= 0)
		sys->close(a->fd);
	a->fd = -1;
}

bool sx_udp_is_alive(const struct sx_udp_assoc *a, const struct sx_sys *sys)
{
	uint8_t unwanted[256];
	ssize_t n;

	if (a->fd < 0)
		return false;
	/* as long as it talks, it is there; it shall not keep us, though */
	for (int i = 0; i < 16; i++) {
		n = sx_io_recv(sys, a->fd, unwanted, sizeof(unwanted));
		if (n <= 0)
			return n == -EAGAIN;
	}
	return true;
}

size_t sx_udp_accept(struct sx_udp_assoc *a, const struct sx_ip *from,
	uint16_t port, const uint8_t *bytes, size_t n, struct sx_dest *source)
{
	size_t at = 0;

	if (port == a->relay_port && sx_ip_equal(from, &a->relay))
		sx_udphdr_decode(bytes, n, source, &at);
	if (!at)
		atomic_fetch_add(&a->n_dropped, 1);
	return at;
}

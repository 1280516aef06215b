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
	out->relay = d->relay.ip;
	out->relay_port = d->relay.port;
	out->server = d->plan->order[d->place];
	return 0;
}

static void close_one(int *fd, const struct sx_sys *sys)
{
	if (*fd >= 0)
		sys->close(*fd);
	*fd = -1;
}

void sx_udp_close(struct sx_udp_assoc *a, const struct sx_sys *sys)
{
	close_one(&a->fd, sys);
	for (; a->n_beyond; a->n_beyond--)
		close_one(&a->beyond[a->n_beyond - 1].fd, sys);
}

static bool stands(int fd, const struct sx_sys *sys)
{
	uint8_t unwanted[256];
	ssize_t n;

	if (fd < 0)
		return false;
	/* as long as it talks, it is there; it shall not keep us, though */
	for (int i = 0; i < 16; i++) {
		n = sx_io_recv(sys, fd, unwanted, sizeof(unwanted));
		if (n <= 0)
			return n == -EAGAIN;
	}
	return true;
}

bool sx_udp_is_alive(const struct sx_udp_assoc *a, const struct sx_sys *sys)
{
	for (unsigned i = 0; i < a->n_beyond; i++)
		if (!stands(a->beyond[i].fd, sys))
			return false;
	return stands(a->fd, sys);
}

size_t sx_udp_lead(const struct sx_udp_assoc *a, uint8_t lead[SX_UDP_LEAD_MAX])
{
	size_t n = 0;

	for (unsigned i = 0; i < a->n_beyond; i++)
		n += sx_udphdr_encode(lead + n, &a->beyond[i].relay);
	return n;
}

/* Of a name nobody here knows the address. */
static bool is_relay(const struct sx_dest *source, const struct sx_dest *relay)
{
	return source->port == relay->port &&
	       (source->kind == SX_DEST_NAME || relay->kind == SX_DEST_NAME ||
		       sx_ip_equal(&source->ip, &relay->ip));
}

/* Where the payload begins, through the headers of all servers; 0: nowhere. */
static size_t unwrap(const struct sx_udp_assoc *a, const uint8_t *bytes,
	size_t n, struct sx_dest *source)
{
	size_t at = 0, len;

	for (unsigned i = 0;; i++) {
		if (sx_udphdr_decode(bytes + at, n - at, source, &len))
			return 0;
		at += len;
		if (i == a->n_beyond)
			return at;
		if (!is_relay(source, &a->beyond[i].relay))
			return 0;
	}
}

size_t sx_udp_accept(struct sx_udp_assoc *a, const struct sx_ip *from,
	uint16_t port, const uint8_t *bytes, size_t n, struct sx_dest *source)
{
	size_t at = 0;

	if (port == a->relay_port && sx_ip_equal(from, &a->relay))
		at = unwrap(a, bytes, n, source);
	if (!at)
		atomic_fetch_add(&a->n_dropped, 1);
	return at;
}

#include "core/line.h"

#include "base/io.h"
#include "core/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define ROUND_TRIPS 5 /* of silence are silence */

static int wait_until_connected(struct sx_reach *r, const struct sx_ip *ip,
	uint16_t port, struct sx_deadline until)
{
	int err;

	do {
		int got = sx_io_wait(r->sys, r->fd, POLLOUT, until);
		if (got == 0)
			return ETIMEDOUT;
		if (got < 0 && got != -EINTR)
			return -got;
		err = got < 0 ? EALREADY : sx_reach_outcome(r, ip, port);
	} while (err == EALREADY);
	return err;
}

/* Positive errno value, or 0 and line->fd is connected. */
static int reach(struct sx_line *line, const struct sx_server_conf *server,
	const struct sx_ip *ip, struct sx_deadline until)
{
	int family = ip->family ? ip->family : AF_INET;
	struct sx_reach r = {.sys = line->sys,
		.family = family,
		.own_family = family,
		.flags = O_NONBLOCK};
	uint64_t start = sx_clock_ns(line->sys);

	r.fd = line->sys->socket(
		family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r.fd < 0)
		return errno;
	int err = server->unix_path
			  ? sx_reach_connect_unix(&r, server->unix_path)
			  : sx_reach_connect(&r, ip, server->port);
	if (err == EINPROGRESS)
		err = wait_until_connected(&r, ip, server->port, until);
	line->fd = r.fd;
	line->family = ip->family;
	line->connect_us = (sx_clock_ns(line->sys) - start) / 1000;
	if (err)
		sx_line_close(line);
	return err;
}

static enum sx_line_where open_directly(struct sx_line *line,
	struct sx_server *server, struct sx_deadline until, struct sx_err *err)
{
	struct sx_ip ips[SX_SERVER_MAX_IPS] = {{0}};
	char text[INET6_ADDRSTRLEN];
	unsigned n = 1;
	int r = EHOSTUNREACH;

	if (!server->conf->unix_path &&
		sx_server_addrs(server, line->sys, ips, &n)) {
		sx_err_set(err, EHOSTUNREACH, "%s has no address",
			server->conf->host);
		return SX_LINE_UNRESOLVED;
	}
	for (unsigned i = 0; i < n && r; i++) {
		r = reach(line, server->conf, &ips[i], until);
		if (r)
			sx_err_set(err, r, "%s: %s",
				server->conf->unix_path
					? server->conf->unix_path
					: sx_ip_format(
						  &ips[i], text, sizeof(text)),
				strerrordesc_np(r));
	}
	return r ? SX_LINE_UNREACHED : SX_LINE_OPEN;
}

/* A tunnel through the other server, as an application would get it. */
static enum sx_line_where open_through(struct sx_line *line,
	const struct sx_roster *roster, unsigned i, struct sx_deadline until,
	struct sx_err *err)
{
	const struct sx_conf *conf = roster->conf;
	const unsigned via = (unsigned)conf->servers[i].via;
	struct sx_dial_plan plan = {
		.sys = line->sys,
		.servers = roster->servers,
		.order = &via,
		.n_order = 1,
		.limits = {.attempts = 1, .attempts_per_server = 1},
		.connect_timeout_ms = conf->connect_timeout_ms,
		.handshake_timeout_ms = conf->handshake_timeout_ms,
		.reply_timeout_ms = conf->reply_timeout_ms,
		.dest = sx_server_dest(&conf->servers[i]),
		.deadline = until,
	};
	struct sx_dial dial;
	uint64_t start = sx_clock_ns(line->sys);

	line->fd = line->sys->socket(
		AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (line->fd < 0) {
		sx_err_set(err, errno, "%s", strerrordesc_np(errno));
		return SX_LINE_UNREACHED;
	}
	sx_dial_init(&dial, &plan, line->fd, AF_INET, O_NONBLOCK);
	if (sx_dial_run(&dial, SX_NEVER, NULL) == 0) {
		line->connect_us = (sx_clock_ns(line->sys) - start) / 1000;
		return SX_LINE_OPEN;
	}
	*err = dial.cause;
	sx_line_close(line);
	return SX_LINE_UNREACHED;
}

enum sx_line_where sx_line_open(struct sx_line *line, const struct sx_sys *sys,
	const struct sx_roster *roster, unsigned i, struct sx_deadline until,
	struct sx_err *err)
{
	*line = (struct sx_line){.sys = sys, .fd = -1};
	if (roster->conf->servers[i].via >= 0)
		return open_through(line, roster, i, until, err);
	return open_directly(line, &roster->servers[i], until, err);
}

void sx_line_close(struct sx_line *line)
{
	if (line->fd >= 0)
		line->sys->close(line->fd);
	line->fd = -1;
}

/* Everything that the machine has to say now. False: the server closed. */
static bool say(
	struct sx_line *line, struct sx_handshake *h, struct sx_deadline until)
{
	const uint8_t *bytes;
	size_t n;

	while ((n = sx_handshake_out(h, &bytes))) {
		ssize_t sent = sx_io_send(line->sys, line->fd, bytes, n);
		if (sent == -EAGAIN &&
			sx_io_wait(line->sys, line->fd, POLLOUT, until))
			continue;
		if (sent < 0)
			return false;
		sx_handshake_sent(h, (size_t)sent);
	}
	return true;
}

/* What the server says, at most cap bytes: how many, 0 when it closed,
 * -EAGAIN when it stays silent. */
static ssize_t listen_to(struct sx_line *line, uint8_t *buf, size_t cap,
	struct sx_deadline until)
{
	ssize_t n;

	while ((n = sx_io_recv(line->sys, line->fd, buf, cap)) == -EAGAIN)
		if (sx_io_wait(line->sys, line->fd, POLLIN, until) == 0)
			return -EAGAIN;
	return n < 0 ? 0 : n;
}

enum sx_line_end sx_line_talk(struct sx_line *line, struct sx_handshake *h,
	bool (*told)(const struct sx_handshake *h), struct sx_deadline until)
{
	uint8_t buf[SX_HANDSHAKE_NEED_MAX];
	int r = SX_HANDSHAKE_MORE;
	size_t used;

	while (r == SX_HANDSHAKE_MORE && !(told && told(h))) {
		ssize_t n = 0;
		if (say(line, h, until))
			n = listen_to(line, buf, sx_handshake_need(h), until);
		if (n == -EAGAIN)
			return SX_LINE_SILENT;
		if (n == 0) {
			sx_handshake_eof(h);
			return SX_LINE_CLOSED;
		}
		r = sx_handshake_feed(h, buf, (size_t)n, &used);
	}
	return SX_LINE_ANSWERED;
}

static struct sx_deadline patience(const struct sx_line *line,
	uint64_t start_ns, unsigned patience_ms, struct sx_deadline until)
{
	uint64_t now = sx_clock_ns(line->sys);
	uint64_t trips_ms = ROUND_TRIPS * (now - start_ns) / SX_NS_PER_MS;

	return sx_deadline_min(until,
		sx_deadline_in(
			now, trips_ms > patience_ms ? trips_ms : patience_ms));
}

enum sx_line_end sx_line_probe(struct sx_line *line, struct sx_probe *p,
	unsigned patience_ms, struct sx_deadline until)
{
	uint64_t start = sx_clock_ns(line->sys);
	uint8_t buf[SX_HANDSHAKE_NEED_MAX];
	bool first = true;
	ssize_t n;

	if (!say(line, &p->handshake, until)) {
		sx_probe_eof(p);
		return SX_LINE_CLOSED;
	}
	do {
		n = listen_to(line, buf, sx_probe_need(p), until);
		if (n == -EAGAIN) {
			sx_probe_silence(p);
			return SX_LINE_SILENT;
		}
		if (n == 0) {
			sx_probe_eof(p);
			return SX_LINE_CLOSED;
		}
		if (first)
			until = patience(line, start, patience_ms, until);
		first = false;
	} while (sx_probe_feed(p, buf, (size_t)n) == SX_PROBE_MORE);
	return SX_LINE_ANSWERED;
}

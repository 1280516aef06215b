#include "core/server.h"

#include <errno.h>
#include <string.h>

void sx_server_init(struct sx_server *s, const struct sx_server_conf *conf)
{
	memset(s, 0, sizeof(*s));
	s->conf = conf;
	s->lock = (struct sx_lock)SX_LOCK_INIT;
	if (conf->ip.family) {
		s->ips[0] = conf->ip;
		s->n_ips = 1;
	}
}

static unsigned look_up(const char *host, const struct sx_sys *sys,
	struct sx_ip out[SX_SERVER_MAX_IPS])
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *res, *ai;
	unsigned n = 0;

	if (sys->getaddrinfo(host, NULL, &hints, &res))
		return 0;
	for (ai = res; ai && n < SX_SERVER_MAX_IPS; ai = ai->ai_next)
		if (!sx_ip_from_sockaddr(
			    ai->ai_addr, ai->ai_addrlen, &out[n], NULL))
			n++;
	sys->freeaddrinfo(res);
	return n;
}

static unsigned copy_addrs(
	struct sx_server *s, struct sx_ip out[SX_SERVER_MAX_IPS])
{
	sx_lock(&s->lock);
	unsigned n = s->n_ips;
	memcpy(out, s->ips, n * sizeof(*out));
	sx_unlock(&s->lock);
	return n;
}

int sx_server_addrs(struct sx_server *s, const struct sx_sys *sys,
	struct sx_ip out[SX_SERVER_MAX_IPS], unsigned *n)
{
	if (s->conf->ip.family) {
		out[0] = s->conf->ip;
		*n = 1;
		return 0;
	}
	*n = copy_addrs(s, out);
	if (*n)
		return 0;
	/* Without the lock: two threads may both look up, to the same end */
	*n = look_up(s->conf->host, sys, out);
	if (*n == 0)
		return -EHOSTUNREACH;
	sx_lock(&s->lock);
	memcpy(s->ips, out, *n * sizeof(*out));
	s->n_ips = *n;
	sx_unlock(&s->lock);
	return 0;
}

struct sx_dest sx_server_dest(const struct sx_server_conf *conf)
{
	struct sx_dest dest = {.port = conf->port, .ip = conf->ip};

	dest.kind = conf->ip.family ? SX_DEST_IP : SX_DEST_NAME;
	if (dest.kind == SX_DEST_NAME)
		sx_name_copy(dest.name, conf->host);
	return dest;
}

void sx_server_forget_addrs(struct sx_server *s)
{
	if (s->conf->ip.family)
		return;
	sx_lock(&s->lock);
	s->n_ips = 0;
	sx_unlock(&s->lock);
}

void sx_server_before_fork(struct sx_server *s)
{
	if (!s->conf->ip.family)
		sx_lock(&s->lock);
}

void sx_server_after_fork(struct sx_server *s)
{
	if (!s->conf->ip.family)
		sx_unlock(&s->lock);
}

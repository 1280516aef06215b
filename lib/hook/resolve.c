/*
 * getaddrinfo(3).
 *
 * Our answers are made by libc from numeric text, so that services, hints,
 * flags, the order of socket types and the error codes are libc's own, and
 * libc's freeaddrinfo() frees them.
 */
#include "hook/hook.h"
#include "hook/nss.h"
#include "hook/real.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "::ffff:192.0.2.1" with its NUL is the longest for IPv4 */
#define LITERAL_SIZE (INET6_ADDRSTRLEN + 8)

static int to_eai(int err)
{
	switch (-err) {
	case ENODATA:
		return EAI_NODATA;
	case EAGAIN:
		return EAI_AGAIN;
	case ENOMEM:
		return EAI_MEMORY;
	default:
		return EAI_NONAME;
	}
}

static const char *literal(const struct sx_ip *ip, bool mapped, char *buf)
{
	char text[INET6_ADDRSTRLEN];

	sx_ip_format(ip, text, sizeof(text));
	snprintf(buf, LITERAL_SIZE, "%s%s", mapped ? "::ffff:" : "", text);
	return buf;
}

/* libc's answer for one address in text form. */
static int answer_one(const struct sx_ip *ip, const char *service,
	const struct addrinfo *hints, struct addrinfo **res)
{
	struct addrinfo h = *hints;
	char text[LITERAL_SIZE];
	bool mapped = ip->family == AF_INET && hints->ai_family == AF_INET6;

	/* The address is the proxy's matter, or local: what this machine has
	 * configured says nothing about it */
	h.ai_flags &= ~(AI_ADDRCONFIG | AI_IDN | AI_CANONIDN);
	h.ai_flags |= AI_NUMERICHOST;
	return real_getaddrinfo(literal(ip, mapped, text), service, &h, res);
}

static int set_canonname(struct addrinfo *ai, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return EAI_MEMORY;
	free(ai->ai_canonname);
	ai->ai_canonname = copy;
	return 0;
}

/* True when a route exists: no packet is sent. */
static bool is_usable(const struct sx_ip *ip)
{
	struct sockaddr_storage sa;
	socklen_t len = sx_ip_to_sockaddr(ip, 9, ip->family, &sa);
	int fd = real_socket(ip->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	bool ok = real_connect(fd, (struct sockaddr *)&sa, len) == 0;
	real_close(fd);
	return ok;
}

/* RFC 6724 as far as it matters for a few local addresses: IPv6 first, if it
 * can be used. */
static void order(struct sx_host *host)
{
	struct sx_ip sorted[SX_HOSTS_MAX_IPS];
	unsigned n = 0;
	bool front[SX_HOSTS_MAX_IPS];

	if (host->n_ips < 2)
		return;
	for (unsigned i = 0; i < host->n_ips; i++) {
		front[i] = host->ips[i].family == AF_INET6 &&
			   is_usable(&host->ips[i]);
		if (front[i])
			sorted[n++] = host->ips[i];
	}
	for (unsigned i = 0; i < host->n_ips; i++)
		if (!front[i])
			sorted[n++] = host->ips[i];
	memcpy(host->ips, sorted, n * sizeof(*sorted));
}

static int answer(struct sx_host *host, const char *service,
	const struct addrinfo *hints, struct addrinfo **res)
{
	struct addrinfo *first = NULL, **end = &first;
	int err = 0;

	order(host);
	for (unsigned i = 0; i < host->n_ips && !err; i++) {
		err = answer_one(&host->ips[i], service, hints, end);
		for (; !err && *end; end = &(*end)->ai_next)
			(*end)->ai_flags = hints->ai_flags;
	}
	if (!err && hints->ai_flags & AI_CANONNAME)
		err = set_canonname(first, host->canon);
	if (err) {
		if (first)
			freeaddrinfo(first);
		return err;
	}
	*res = first;
	return 0;
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static int look_up(
	const char *host, const struct addrinfo *hints, struct sx_lookup *out)
{
	struct sx_engine *e = sx_hook_engine();

	if (!e)
		return -ENOMEM;
	int err = sx_engine_lookup(e, host, hints->ai_family, out);
	if (err == -ENODATA && hints->ai_family == AF_INET6 &&
		hints->ai_flags & AI_V4MAPPED)
		err = sx_engine_lookup(e, host, AF_INET, out);
	return err;
}

/* A direct name. What libc finds for it is direct too. */
static int ask_libc(const char *host, const char *service,
	const struct addrinfo *hints, struct addrinfo **res, unsigned rank)
{
	int err =
		SX_ALLOWED_LOOKUP(real_getaddrinfo(host, service, hints, res));
	struct sx_ip ip;

	for (struct addrinfo *ai = err ? NULL : *res; ai; ai = ai->ai_next)
		if (!sx_ip_from_sockaddr(
			    ai->ai_addr, ai->ai_addrlen, &ip, NULL))
			sx_engine_learn_direct(sx_hook_engine(), &ip, rank);
	return err;
}

static int hook_getaddrinfo(const char *host, const char *service,
	const struct addrinfo *hints, struct addrinfo **res)
{
	/* what libc takes for NULL hints */
	static const struct addrinfo defaults = {
		.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG};
	const struct addrinfo *h = hints ? hints : &defaults;
	struct sx_lookup found;

	/* "*" means NULL to libc */
	if (!host || strcmp(host, "*") == 0 || h->ai_flags & AI_NUMERICHOST ||
		(h->ai_family != AF_UNSPEC && h->ai_family != AF_INET &&
			h->ai_family != AF_INET6))
		return real_getaddrinfo(host, service, hints, res);
	if (h->ai_flags & AI_IDN && !is_ascii(host))
		return EAI_IDN_ENCODE;
	int err = look_up(host, h, &found);
	if (err)
		return to_eai(err);
	if (found.kind == SX_LOOKUP_NUMERIC)
		return real_getaddrinfo(host, service, hints, res);
	if (found.kind == SX_LOOKUP_DIRECT)
		return ask_libc(host, service, hints, res, found.rank);
	return answer(&found.host, service, h, res);
}

SX_EXPORT int getaddrinfo(const char *host, const char *service,
	const struct addrinfo *hints, struct addrinfo **res)
{
	return hook_getaddrinfo(host, service, hints, res);
}

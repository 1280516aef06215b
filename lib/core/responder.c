#include "core/responder.h"

#include <errno.h>
#include <string.h>

static enum sx_dns_rcode rcode_of(int err)
{
	switch (-err) {
	case 0:
	case ENODATA:
		return SX_DNS_NOERROR;
	case ENOENT:
		return SX_DNS_NXDOMAIN;
	default:
		return SX_DNS_SERVFAIL;
	}
}

static int errno_of(int eai)
{
	switch (eai) {
	case 0:
		return 0;
	case EAI_NONAME:
		return -ENOENT;
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return -ENODATA;
	default:
		return -EAGAIN;
	}
}

/* A direct name: libc looks it up, and what it finds is direct too. */
static int look_up_direct(const struct sx_responder *r, const char *name,
	int family, struct sx_lookup *found)
{
	struct addrinfo hints = {
		.ai_family = family, .ai_socktype = SOCK_STREAM};
	struct sx_host *host = &found->host;
	struct addrinfo *res, *ai;
	int err = errno_of(r->sys->getaddrinfo(name, NULL, &hints, &res));

	if (err)
		return err;
	host->n_ips = 0;
	for (ai = res; ai && host->n_ips < SX_HOSTS_MAX_IPS; ai = ai->ai_next) {
		struct sx_ip *ip = &host->ips[host->n_ips];
		if (sx_ip_from_sockaddr(ai->ai_addr, ai->ai_addrlen, ip, NULL))
			continue;
		sx_engine_learn_direct(r->engine, ip, found->rank);
		host->n_ips += ip->family == family;
	}
	r->sys->freeaddrinfo(res);
	return 0;
}

static int look_up(const struct sx_responder *r, const char *name, int family,
	struct sx_lookup *found)
{
	int err = sx_engine_lookup(r->engine, name, family, found);

	if (err)
		return err;
	switch (found->kind) {
	case SX_LOOKUP_NUMERIC:
		return -ENOENT;
	case SX_LOOKUP_DIRECT:
		return look_up_direct(r, name, family, found);
	case SX_LOOKUP_LOCAL:
	case SX_LOOKUP_FAKE:
		break;
	}
	return 0;
}

static unsigned number_of(const struct sx_ip *v4)
{
	return (v4->bytes[1] & 1U) << 16 | (unsigned)v4->bytes[2] << 8 |
	       v4->bytes[3];
}

static void note_v4(const struct sx_responder *r, const struct sx_lookup *found)
{
	if (found->kind != SX_LOOKUP_FAKE)
		return;
	unsigned i = number_of(&found->host.ips[0]);
	atomic_fetch_or(&r->given->bits[i / 8], (uint8_t)(1U << i % 8));
}

static bool has_v4(const struct sx_responder *r, const char *name)
{
	struct sx_lookup found;

	if (sx_engine_lookup(r->engine, name, AF_INET, &found) ||
		found.kind != SX_LOOKUP_FAKE)
		return false;
	unsigned i = number_of(&found.host.ips[0]);
	return atomic_load(&r->given->bits[i / 8]) >> i % 8 & 1;
}

static void answer_address(const struct sx_responder *r,
	const struct sx_dns_query *q, struct sx_dns_answer *a,
	struct sx_lookup *found)
{
	int family = q->type == SX_DNS_AAAA ? AF_INET6 : AF_INET;
	int err = look_up(r, q->name, family, found);

	a->rcode = rcode_of(err);
	if (err || (family == AF_INET6 && has_v4(r, q->name)))
		return;
	if (family == AF_INET)
		note_v4(r, found);
	a->ips = found->host.ips;
	a->n_ips = found->host.n_ips;
}

static void answer_reverse(const struct sx_responder *r, const char *name,
	struct sx_dns_answer *a, char ptr[SX_NAME_MAX + 1])
{
	struct sx_ip ip;

	/* What only a name server could say (1) is not asked */
	if (sx_dns_reverse_ip(name, &ip) == 0 &&
		sx_engine_reverse(r->engine, &ip, ptr) == 0)
		a->ptr = ptr;
	else
		a->rcode = SX_DNS_NXDOMAIN;
}

struct room {
	struct sx_lookup found;
	char ptr[SX_NAME_MAX + 1];
};

static void answer_question(const struct sx_responder *r,
	const struct sx_dns_query *q, struct sx_dns_answer *a,
	struct room *room)
{
	char name[SX_NAME_MAX + 1];

	if (q->is_text && q->name[0] == '\0')
		return; /* the root is there, and has nothing */
	if (!q->is_text || sx_name_normalize(q->name, name)) {
		a->rcode = SX_DNS_NXDOMAIN;
		return;
	}
	switch (q->type) {
	case SX_DNS_A:
	case SX_DNS_AAAA:
	case SX_DNS_ANY: /* one kind will do: RFC 8482 section 4.1 */
		answer_address(r, q, a, &room->found);
		return;
	case SX_DNS_PTR:
		if (sx_dns_is_reverse(name))
			answer_reverse(r, name, a, room->ptr);
		return;
	case SX_DNS_AXFR:
	case SX_DNS_IXFR:
		a->rcode = SX_DNS_REFUSED;
		return;
	default:
		return;
	}
}

size_t sx_responder_answer(const struct sx_responder *r, const uint8_t *msg,
	size_t n, uint8_t out[SX_DNS_ANSWER_MAX])
{
	struct sx_dns_query q;
	struct sx_dns_answer a = {.rcode = SX_DNS_NOERROR};
	struct room room;
	int bad = sx_dns_parse(&q, msg, n);

	if (bad < 0)
		return 0;
	if (bad)
		a.rcode = (enum sx_dns_rcode)bad;
	else
		answer_question(r, &q, &a, &room);
	return sx_dns_write(&q, &a, out);
}

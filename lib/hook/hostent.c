/*
 * gethostbyname(3), gethostbyaddr(3) and their relatives.
 *
 * The answers are built here: libc's functions would ask a name server for
 * some forms of an address (0x7f.1) and for a family that the hosts file
 * does not have.
 */
#include "hook/hook.h"
#include "hook/nss.h"
#include "hook/real.h"

#include <errno.h>
#include <string.h>

/* Hands out aligned room from a caller's buffer. */
struct room {
	char *next, *end;
};

static void *take(struct room *room, size_t n, size_t align)
{
	size_t pad = -(uintptr_t)room->next & (align - 1);
	size_t left = (size_t)(room->end - room->next);
	char *p = room->next + pad;

	if (left < pad || left - pad < n)
		return NULL;
	room->next = p + n;
	return p;
}

/* 0, or ERANGE when the buffer is too small. */
static int fill(struct hostent *out, const char *name, const struct sx_ip *ips,
	unsigned n_ips, struct room room)
{
	size_t len = sx_ip_len(&ips[0]);
	char **aliases = take(&room, sizeof(char *), sizeof(char *));
	char **list = take(&room, (n_ips + 1) * sizeof(char *), sizeof(char *));
	char *bytes = take(&room, n_ips * len, 4);
	size_t name_size = strlen(name) + 1;
	char *copy = take(&room, name_size, 1);

	if (!aliases || !list || !bytes || !copy)
		return ERANGE;
	*aliases = NULL;
	for (unsigned i = 0; i < n_ips; i++) {
		list[i] = bytes + i * len;
		memcpy(list[i], ips[i].bytes, len);
	}
	list[n_ips] = NULL;
	memcpy(copy, name, name_size);
	*out = (struct hostent){
		.h_name = copy,
		.h_aliases = aliases,
		.h_addrtype = ips[0].family,
		.h_length = (int)len,
		.h_addr_list = list,
	};
	return 0;
}

/* Ends an _r function as libc's do: what is not found is no error of the
 * call, a buffer that is too small is. */
static int finish(
	int err, struct hostent *ret, struct hostent **result, int *h_err)
{
	*result = err ? NULL : ret;
	switch (err) {
	case 0:
		*h_err = NETDB_SUCCESS;
		return 0;
	case ENOENT:
		*h_err = HOST_NOT_FOUND;
		return 0;
	case ENODATA:
		*h_err = NO_DATA;
		return 0;
	case EAGAIN:
		*h_err = TRY_AGAIN;
		break;
	default:
		*h_err = NETDB_INTERNAL;
		break;
	}
	errno = err;
	return err;
}

static bool read_ip(
	const void *addr, socklen_t len, int family, struct sx_ip *ip)
{
	if (family != AF_INET && family != AF_INET6)
		return false;
	memset(ip, 0, sizeof(*ip));
	ip->family = (sa_family_t)family;
	if (!addr || len != sx_ip_len(ip))
		return false;
	memcpy(ip->bytes, addr, len);
	return true;
}

/* What libc found for a direct name is direct too. */
static void learn(const struct hostent *host, unsigned rank)
{
	struct sx_ip ip;

	for (char **a = host ? host->h_addr_list : NULL; a && *a; a++)
		if (read_ip(*a, (socklen_t)host->h_length, host->h_addrtype,
			    &ip))
			sx_engine_learn_direct(sx_hook_engine(), &ip, rank);
}

static bool is_direct(const struct sx_lookup *found, int err)
{
	return !err && found->kind == SX_LOOKUP_DIRECT;
}

/* 0 or a positive errno value. */
static int look_up(const char *host, int family, struct sx_lookup *out)
{
	struct sx_engine *e = sx_hook_engine();

	if (family != AF_INET && family != AF_INET6)
		return EAFNOSUPPORT;
	if (!e)
		return ENOMEM;
	int err = -sx_engine_lookup(e, host, family, out);
	if (!err && out->kind == SX_LOOKUP_NUMERIC &&
		out->host.ips[0].family != family)
		return ENOENT;
	return err;
}

static int by_name(const struct sx_lookup *found, const char *host,
	struct hostent *ret, struct room room)
{
	bool numeric = found->kind == SX_LOOKUP_NUMERIC;

	return fill(ret, numeric ? host : found->host.canon, found->host.ips,
		found->host.n_ips, room);
}

static int hook_gethostbyname2_r(const char *host, int family,
	struct hostent *ret, char *buf, size_t size, struct hostent **result,
	int *h_err)
{
	struct sx_lookup found;
	int err = look_up(host, family, &found);

	if (is_direct(&found, err)) {
		err = SX_ALLOWED_LOOKUP(real_gethostbyname2_r(
			host, family, ret, buf, size, result, h_err));
		learn(err ? NULL : *result, found.rank);
		return err;
	}
	if (!err)
		err = by_name(
			&found, host, ret, (struct room){buf, buf + size});
	return finish(err, ret, result, h_err);
}

static int hook_gethostbyname_r(const char *host, struct hostent *ret,
	char *buf, size_t size, struct hostent **result, int *h_err)
{
	return hook_gethostbyname2_r(
		host, AF_INET, ret, buf, size, result, h_err);
}

/* What the functions without _r return. For each thread, unlike libc's: two
 * threads that both use them get right answers. */
static __thread struct {
	struct hostent ret;
	char buf[SX_NAME_MAX + 1 + SX_HOSTS_MAX_IPS * (16 + sizeof(char *)) +
		 4 * sizeof(char *)];
} own;

static struct hostent *hook_gethostbyname2(const char *host, int family)
{
	struct hostent *result;
	struct sx_lookup found;

	if (is_direct(&found, look_up(host, family, &found))) {
		result = SX_ALLOWED_LOOKUP(real_gethostbyname2(host, family));
		learn(result, found.rank);
		return result;
	}
	hook_gethostbyname2_r(host, family, &own.ret, own.buf, sizeof(own.buf),
		&result, &h_errno);
	return result;
}

static struct hostent *hook_gethostbyname(const char *host)
{
	return hook_gethostbyname2(host, AF_INET);
}

/* 1: libc is to answer; else 0 or a negative errno value. */
static int reverse(const void *addr, socklen_t len, int family,
	struct sx_ip *ip, char name[SX_NAME_MAX + 1])
{
	struct sx_engine *e = sx_hook_engine();

	if (!read_ip(addr, len, family, ip))
		return 1; /* libc says what is wrong with it */
	return e ? sx_engine_reverse(e, ip, name) : -ENOMEM;
}

static int hook_gethostbyaddr_r(const void *addr, socklen_t len, int family,
	struct hostent *ret, char *buf, size_t size, struct hostent **result,
	int *h_err)
{
	char name[SX_NAME_MAX + 1];
	struct sx_ip ip;
	int r = reverse(addr, len, family, &ip, name);

	if (r > 0)
		return SX_ALLOWED_LOOKUP(real_gethostbyaddr_r(
			addr, len, family, ret, buf, size, result, h_err));
	if (r == 0)
		r = -fill(ret, name, &ip, 1, (struct room){buf, buf + size});
	return finish(-r, ret, result, h_err);
}

static struct hostent *hook_gethostbyaddr(
	const void *addr, socklen_t len, int family)
{
	char name[SX_NAME_MAX + 1];
	struct hostent *result;
	struct sx_ip ip;

	if (reverse(addr, len, family, &ip, name) > 0)
		return SX_ALLOWED_LOOKUP(real_gethostbyaddr(addr, len, family));
	hook_gethostbyaddr_r(addr, len, family, &own.ret, own.buf,
		sizeof(own.buf), &result, &h_errno);
	return result;
}

SX_EXPORT struct hostent *gethostbyname(const char *host)
{
	return hook_gethostbyname(host);
}

SX_EXPORT struct hostent *gethostbyname2(const char *host, int family)
{
	return hook_gethostbyname2(host, family);
}

SX_EXPORT int gethostbyname_r(const char *host, struct hostent *ret, char *buf,
	size_t size, struct hostent **result, int *h_err)
{
	return hook_gethostbyname_r(host, ret, buf, size, result, h_err);
}

SX_EXPORT int gethostbyname2_r(const char *host, int family,
	struct hostent *ret, char *buf, size_t size, struct hostent **result,
	int *h_err)
{
	return hook_gethostbyname2_r(
		host, family, ret, buf, size, result, h_err);
}

SX_EXPORT struct hostent *gethostbyaddr(
	const void *addr, socklen_t len, int family)
{
	return hook_gethostbyaddr(addr, len, family);
}

SX_EXPORT int gethostbyaddr_r(const void *addr, socklen_t len, int family,
	struct hostent *ret, char *buf, size_t size, struct hostent **result,
	int *h_err)
{
	return hook_gethostbyaddr_r(
		addr, len, family, ret, buf, size, result, h_err);
}

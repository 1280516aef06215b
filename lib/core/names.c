#include "core/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* RFC 6761 section 6.3, and what hosts files traditionally add. */
static bool is_localhost(const char *name)
{
	static const char *const local[] = {"localhost",
		"localhost.localdomain", "ip6-localhost", "ip6-loopback"};
	static const char suffix[] = ".localhost";
	size_t n = strlen(name), m = sizeof(suffix) - 1;

	for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++)
		if (strcmp(name, local[i]) == 0)
			return true;
	return n > m && strcmp(name + n - m, suffix) == 0;
}

static void loopback_host(const char *name, struct sx_host *out)
{
	sx_name_copy(out->canon, name);
	out->n_ips = 2;
	sx_ip_parse("::1", &out->ips[0]);
	sx_ip_parse("127.0.0.1", &out->ips[1]);
}

static int keep_family(struct sx_host *host, int family)
{
	unsigned n = 0;

	for (unsigned i = 0; i < host->n_ips; i++)
		if (family == AF_UNSPEC || host->ips[i].family == family)
			host->ips[n++] = host->ips[i];
	host->n_ips = n;
	return n ? 0 : -ENODATA;
}

static bool look_up_locally(const char *name, struct sx_host *out)
{
	if (sx_hosts_by_name(SX_HOSTS_PATH, name, out) == 0)
		return true;
	if (!is_localhost(name))
		return false;
	loopback_host(name, out);
	return true;
}

/* inet_aton() takes all forms that libc takes for an IPv4 address, such as
 * 127.1; a scope (fe80::1%eth0) is libc's to read. */
static bool is_numeric(const char *host, struct sx_host *out)
{
	char plain[INET6_ADDRSTRLEN];
	size_t n = strcspn(host, "%");
	struct in_addr v4;

	out->n_ips = 1;
	if (inet_aton(host, &v4)) {
		memset(&out->ips[0], 0, sizeof(out->ips[0]));
		out->ips[0].family = AF_INET;
		memcpy(out->ips[0].bytes, &v4, sizeof(v4));
		return true;
	}
	if (n >= sizeof(plain) || !memchr(host, ':', n))
		return false;
	memcpy(plain, host, n);
	plain[n] = '\0';
	return plain[0] != '[' && sx_ip_parse(plain, &out->ips[0]) == 0;
}

/* No top-level domain is a number: "1.2.3.4.5" is a mistyped address. */
static bool ends_numeric(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *label = dot ? dot + 1 : name;

	return label[strspn(label, "0123456789")] == '\0';
}

int sx_names_lookup(const struct sx_rules *rules, struct sx_fakedns *table,
	const char *host, int family, struct sx_lookup *out)
{
	struct sx_dest dest = {.kind = SX_DEST_NAME};
	struct sx_host *found = &out->host;

	if (is_numeric(host, found)) {
		out->kind = SX_LOOKUP_NUMERIC;
		found->canon[0] = '\0';
		return 0;
	}
	if (sx_name_normalize(host, dest.name) || ends_numeric(dest.name))
		return -ENOENT;
	if (look_up_locally(dest.name, found)) {
		out->kind = SX_LOOKUP_LOCAL;
		return keep_family(found, family);
	}
	found->n_ips = 0;
	out->kind = SX_LOOKUP_DIRECT;
	if (sx_rules_host_is_direct(rules, &dest, &out->rank))
		return 0;
	out->kind = SX_LOOKUP_FAKE;
	sx_name_copy(found->canon, dest.name);
	found->n_ips = 1;
	return sx_fakedns_get(table, dest.name,
		family == AF_INET6 ? AF_INET6 : AF_INET, &found->ips[0]);
}

int sx_names_reverse(const struct sx_rules *rules, struct sx_fakedns *table,
	const struct sx_ip *ip, char name[SX_NAME_MAX + 1])
{
	struct sx_dest dest = {.kind = SX_DEST_IP, .ip = *ip};
	unsigned rank;

	if (sx_fakedns_name(table, ip, name))
		return 0;
	if (sx_fakedns_contains(ip))
		return -ENOENT;
	if (sx_hosts_by_ip(SX_HOSTS_PATH, ip, name) == 0)
		return 0;
	if (sx_ip_is_loopback(ip) || sx_ip_is_any(ip))
		return -ENOENT;
	return sx_rules_host_is_direct(rules, &dest, &rank) ? 1 : -ENOENT;
}

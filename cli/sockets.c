#include "sockets.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE   512
#define ESTABLISHED 1 /* TCP_ESTABLISHED, from the kernel's tcp_states.h */
#define CLOSE_WAIT  8 /* only the server has closed */
#define CONNECTED   3 /* SS_CONNECTED, from linux/net.h */

/* One line of /proc/net/tcp or tcp6. */
struct entry {
	struct sx_ip ip; /* of the other side */
	unsigned port, state, uid;
};

/* Addresses are written as words of the machine's byte order. */
static bool read_words(const char *hex, struct sx_ip *out)
{
	size_t n = strlen(hex) / 8;
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	uint32_t words[4] = {0};

	for (size_t i = 0; i < n && i < 4; i++)
		if (sscanf(hex + 8 * i, "%8x", &words[i]) != 1)
			return false;
	if (n == 4) { /* unwraps IPv4 in IPv6 */
		memcpy(&v6.sin6_addr, words, sizeof(words));
		return sx_ip_from_sockaddr(&v6, sizeof(v6), out, NULL) == 0;
	}
	memset(out, 0, sizeof(*out));
	out->family = AF_INET;
	memcpy(out->bytes, words, 4);
	return n == 1;
}

static bool read_entry(const char *line, struct entry *out)
{
	char hex[33];

	return sscanf(line,
		       " %*d: %*[0-9A-F]:%*x %32[0-9A-F]:%x %x %*x:%*x %*x:%*x "
		       "%*x %u",
		       hex, &out->port, &out->state, &out->uid) == 4 &&
	       read_words(hex, &out->ip);
}

static bool is_to(const struct entry *entry, const struct sx_ip *ips,
	unsigned n_ips, unsigned port)
{
	if (entry->uid != geteuid() || entry->port != port ||
		(entry->state != ESTABLISHED && entry->state != CLOSE_WAIT))
		return false;
	for (unsigned i = 0; i < n_ips; i++)
		if (sx_ip_equal(&entry->ip, &ips[i]))
			return true;
	return false;
}

static long count_tcp(const char *path, const struct sx_ip *ips, unsigned n_ips,
	unsigned port)
{
	FILE *f = fopen(path, "re");
	char line[LINE_SIZE];
	struct entry entry;
	long n = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (read_entry(line, &entry))
			n += is_to(&entry, ips, n_ips, port);
	fclose(f);
	return n;
}

/* The accepted sockets have the path, those of the other side have none. */
static long count_unix(const char *path)
{
	FILE *f = fopen("/proc/net/unix", "re");
	char line[LINE_SIZE], seen[128];
	unsigned state;
	long n = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*x: %*x %*x %*x %*x %x %*u %127[^\n]",
			    &state, seen) == 2 &&
			state == CONNECTED && strcmp(seen, path) == 0)
			n++;
	fclose(f);
	return n;
}

long sx_sockets_open(const struct sx_roster *roster, unsigned i)
{
	const struct sx_server_conf *server = &roster->conf->servers[i];
	struct sx_ip ips[SX_SERVER_MAX_IPS];
	unsigned n_ips;

	if (server->unix_path)
		return count_unix(server->unix_path);
	if (server->via >= 0 ||
		sx_server_addrs(&roster->servers[i], &sx_sys_libc, ips, &n_ips))
		return -1;
	long v4 = count_tcp("/proc/net/tcp", ips, n_ips, server->port);
	long v6 = count_tcp("/proc/net/tcp6", ips, n_ips, server->port);
	if (v4 < 0 || v6 < 0) /* no IPv6 in this kernel */
		return v4 < 0 ? v6 : v4;
	return v4 + v6;
}

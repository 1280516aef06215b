#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_named(char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static bool exists(const struct sx_conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->n_servers; i++)
		if (strcmp(conf->servers[i].name, name) == 0)
			return true;
	return false;
}

int sx_names_choose(char *const *names, const struct sx_conf *conf,
	unsigned *chosen, unsigned *n)
{
	*n = 0;
	for (char *const *name = names; *name; name++)
		if (!exists(conf, *name)) {
			fprintf(stderr, "socksify: there is no server %s\n",
				*name);
			return -1;
		}
	for (unsigned i = 0; i < conf->n_servers; i++)
		if (!*names || is_named(names, conf->servers[i].name))
			chosen[(*n)++] = i;
	return 0;
}

static int read_host(const char *host, struct sx_dest *out)
{
	if (sx_ip_parse(host, &out->ip) == 0) {
		out->kind = SX_DEST_IP;
		return 0;
	}
	out->kind = SX_DEST_NAME;
	return sx_name_normalize(host, out->name);
}

int sx_names_dest(const char *what, const char *text, struct sx_dest *out)
{
	const char *colon = strrchr(text, ':');
	char host[SX_DEST_STRLEN];
	struct sx_ports ports;

	memset(out, 0, sizeof(*out));
	if (colon && (size_t)(colon - text) < sizeof(host) &&
		sx_ports_parse(colon + 1, &ports) == 0 &&
		ports.lo == ports.hi && ports.lo) {
		out->port = ports.lo;
		memcpy(host, text, (size_t)(colon - text));
		host[colon - text] = '\0';
		/* an IPv6 address without brackets has no clear end */
		if ((*host == '[' || !strchr(host, ':')) &&
			read_host(host, out) == 0)
			return 0;
	}
	fprintf(stderr,
		"socksify: %s: expected HOST:PORT, with an IPv6 address in "
		"brackets\n",
		what);
	return -1;
}

const char *sx_name_of_pipelining(enum sx_pipelining verdict)
{
	switch (verdict) {
	case SX_PIPELINING_SAFE:
		return "safe";
	case SX_PIPELINING_UNSAFE:
		return "unsafe";
	case SX_PIPELINING_UNKNOWN:
		break;
	}
	return "unknown";
}

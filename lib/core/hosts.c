#include "core/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line, taken apart. Returns NULL when it holds no valid address. */
static char *take_ip(char *line, struct sx_ip *ip, char **rest)
{
	line[strcspn(line, "#\n")] = '\0';
	char *word = strtok_r(line, " \t\r", rest);

	return word && sx_ip_parse(word, ip) == 0 ? word : NULL;
}

static bool line_has_name(char *rest, const char *name, char *first)
{
	char *word, *save = rest;
	char normal[SX_NAME_MAX + 1];
	bool found = false;

	first[0] = '\0';
	while ((word = strtok_r(NULL, " \t\r", &save))) {
		if (sx_name_normalize(word, normal))
			continue;
		if (!first[0])
			memcpy(first, normal, sizeof(normal));
		found = found || strcmp(normal, name) == 0;
	}
	return found;
}

static void add_ip(struct sx_host *host, const struct sx_ip *ip)
{
	for (unsigned i = 0; i < host->n_ips; i++)
		if (sx_ip_equal(&host->ips[i], ip))
			return;
	if (host->n_ips < SX_HOSTS_MAX_IPS)
		host->ips[host->n_ips++] = *ip;
}

int sx_hosts_by_name(const char *path, const char *name, struct sx_host *out)
{
	FILE *f = fopen(path, "re");
	char *line = NULL, *rest, first[SX_NAME_MAX + 1];
	size_t cap = 0;
	struct sx_ip ip;

	if (!f)
		return -ENOENT;
	out->n_ips = 0;
	while (getline(&line, &cap, f) > 0) {
		if (!take_ip(line, &ip, &rest) ||
			!line_has_name(rest, name, first))
			continue;
		if (out->n_ips == 0)
			memcpy(out->canon, first, sizeof(first));
		add_ip(out, &ip);
	}
	free(line);
	fclose(f);
	return out->n_ips ? 0 : -ENOENT;
}

int sx_hosts_by_ip(
	const char *path, const struct sx_ip *ip, char name[SX_NAME_MAX + 1])
{
	FILE *f = fopen(path, "re");
	char *line = NULL, *rest, *word;
	size_t cap = 0;
	struct sx_ip line_ip;
	int err = -ENOENT;

	if (!f)
		return -ENOENT;
	while (err && getline(&line, &cap, f) > 0) {
		if (!take_ip(line, &line_ip, &rest) ||
			!sx_ip_equal(&line_ip, ip))
			continue;
		word = strtok_r(NULL, " \t\r", &rest);
		if (word && sx_name_normalize(word, name) == 0)
			err = 0;
	}
	free(line);
	fclose(f);
	return err;
}

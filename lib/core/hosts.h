/*
 * Names and addresses of the hosts file (hosts(5)), read without libc's
 * resolver: that one would ask a name server for the family that the file
 * does not have.
 *
 * The file is read at each call, as libc does: a change counts at once, and
 * nothing is kept.
 */
#ifndef SX_CORE_HOSTS_H
#define SX_CORE_HOSTS_H

#include "base/addr.h"

#define SX_HOSTS_PATH    "/etc/hosts"
#define SX_HOSTS_MAX_IPS 16

struct sx_host {
	char canon[SX_NAME_MAX + 1];        /* first name of the first line */
	struct sx_ip ips[SX_HOSTS_MAX_IPS]; /* in the order of the file */
	unsigned n_ips;
};

/*
 * All addresses of a normalised name; those beyond SX_HOSTS_MAX_IPS are left
 * out. 0; -ENOENT when the file does not have the name or cannot be read;
 * *out is undefined then. [any thread] [after fork]
 */
int sx_hosts_by_name(const char *path, const char *name, struct sx_host *out);

/* The first name of the first line with this address. The same returns. */
int sx_hosts_by_ip(
	const char *path, const struct sx_ip *ip, char name[SX_NAME_MAX + 1]);

#endif

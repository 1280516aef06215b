/*
 * What a host name stands for, and what an address is called, without ever
 * asking a name server: numeric text, this machine's own names, and for the
 * rest an address of the fake-DNS table.
 */
#ifndef SX_CORE_NAMES_H
#define SX_CORE_NAMES_H

#include "core/fakedns.h"
#include "core/hosts.h"
#include "core/rule.h"

/* What a host name, as a program writes it, stands for. */
struct sx_lookup {
	enum sx_lookup_kind {
		SX_LOOKUP_NUMERIC, /* an address in text form */
		SX_LOOKUP_LOCAL,   /* localhost, or of the hosts file */
		SX_LOOKUP_FAKE,    /* an address of the table */
		SX_LOOKUP_DIRECT,  /* libc is to look it up: host is empty */
	} kind;
	struct sx_host host;
	unsigned rank; /* for SX_LOOKUP_DIRECT: of the rule */
};

/*
 * Looks host up for a family: AF_INET, AF_INET6, or AF_UNSPEC (for the table
 * that means IPv4 alone: one tunnel for a program that races families).
 * Never asks a name server. 0; -ENOENT for what cannot be a host name;
 * -ENODATA for a local name without an address of the family; -EAGAIN when
 * the table has no room. [any thread] [after fork]
 */
int sx_names_lookup(const struct sx_rules *rules, struct sx_fakedns *table,
	const char *host, int family, struct sx_lookup *out);

/*
 * The name of an address, without asking a name server. 0; -ENOENT: it has
 * none that may be known; 1: a rule sends it direct, libc is to look it up.
 * [any thread] [after fork]
 */
int sx_names_reverse(const struct sx_rules *rules, struct sx_fakedns *table,
	const struct sx_ip *ip, char name[SX_NAME_MAX + 1]);

#endif

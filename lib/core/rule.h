/*
 * What becomes of a destination: direct, block, or a pool of servers.
 *
 * The first rule that matches wins. Behind those of the configuration stand
 * the built-in ones, in this order: a configured server's own address and
 * port is direct; port 53 on the loopback is not (a stub resolver there
 * would carry the lookups that are not to leave the machine); the loopback
 * and the unspecified address, which means this machine, are direct, or
 * blocked with `strict`; everything else goes to the default pool. Whatever
 * the rules say, onion names are never direct (RFC 7686).
 *
 * Matching costs the same with ten rules and with a hundred thousand: one
 * hash lookup for each prefix length in use, or for each suffix of the name.
 */
#ifndef SX_CORE_RULE_H
#define SX_CORE_RULE_H

#include "base/addr.h"
#include "conf/conf.h"

struct sx_rules; /* immutable once made */

struct sx_verdict {
	enum sx_action action;
	unsigned pool;     /* for SX_ACTION_PROXY: index into sx_conf.pools */
	unsigned rank;     /* the rule's place in the order */
	const char *where; /* the same for people; lives as long as the
			      rules */
};

/* conf is borrowed and must outlive the rules. 0 or -ENOMEM. */
int sx_rules_new(struct sx_rules **out, const struct sx_conf *conf);

/* NULL is harmless. */
void sx_rules_free(struct sx_rules *rules);

/* [any thread] [signal-safe] [after fork] */
struct sx_verdict sx_rules_decide(
	const struct sx_rules *rules, const struct sx_dest *dest);

/*
 * True, and the rule's rank, when the first rule that speaks of this host,
 * whatever the port, says direct and holds for every port: only then a lookup
 * may be libc's. dest->port is not looked at. [any thread] [signal-safe]
 * [after fork]
 */
bool sx_rules_host_is_direct(const struct sx_rules *rules,
	const struct sx_dest *dest, unsigned *rank);

/* What the rule of that rank says. */
struct sx_verdict sx_rules_verdict(const struct sx_rules *rules, unsigned rank);

/* Whether the rule of that rank speaks of datagrams alone ("udp:"). */
bool sx_rules_is_for_udp(const struct sx_rules *rules, unsigned rank);

/* The condition of the rule of that rank as it could be written in a file,
 * "*.corp.example:443"; returns buf, cut if n is too small. */
const char *sx_rules_condition(
	const struct sx_rules *rules, unsigned rank, char *buf, size_t n);

#endif

/*
 * The table of names that were looked up and the addresses that stand for
 * them, so that a connect() to such an address can send the name to the
 * server instead.
 *
 * Addresses come from 198.18.0.0/15 (RFC 2544, never routed) and from the
 * unique local prefix fd53:6f63:6b73::/64 (RFC 4193), the same number in
 * both. A record is never given to another name: when all SX_FAKEDNS_MAX are
 * taken, a new name is an error. The table belongs to the process and what
 * it forks.
 */
#ifndef SX_CORE_FAKEDNS_H
#define SX_CORE_FAKEDNS_H

#include "base/addr.h"

/* 512 networks of 254 addresses: .0 and .255 are not handed out, since
 * programs take them for a network and a broadcast address. */
#define SX_FAKEDNS_MAX (512U * 254U)

struct sx_fakedns;

/* 0 or -ENOMEM. Costs nearly nothing until the first name. */
int sx_fakedns_new(struct sx_fakedns **out);
void sx_fakedns_free(struct sx_fakedns *table); /* NULL is harmless */

/*
 * The address of the family (AF_INET, AF_INET6) that stands for name, which
 * is normalised; the same for the same name. 0; -EAGAIN when the table is
 * full; -ENOMEM. [any thread] [after fork], not [signal-safe]
 */
int sx_fakedns_get(struct sx_fakedns *table, const char *name,
	sa_family_t family, struct sx_ip *out);

/* True for an address of either pool, whether it has a name or not.
 * [signal-safe] */
bool sx_fakedns_contains(const struct sx_ip *ip);

/* The name an address stands for, NULL if there is none; lives as long as
 * the table. Takes no lock. [any thread] [signal-safe] [after fork] */
const char *sx_fakedns_name(
	const struct sx_fakedns *table, const struct sx_ip *ip);

/* Around fork(), so that the child finds the table unlocked and whole. */
void sx_fakedns_before_fork(struct sx_fakedns *table);
void sx_fakedns_after_fork(struct sx_fakedns *table);

#endif

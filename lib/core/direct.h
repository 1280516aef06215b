/*
 * Addresses that libc found for names which a rule sends direct, so that the
 * connect() to such an address is direct as well: it carries no name any
 * more. Bounded: the oldest goes, and its address is then judged by itself.
 */
#ifndef SX_CORE_DIRECT_H
#define SX_CORE_DIRECT_H

#include "base/addr.h"

struct sx_direct;

/* 0 or -ENOMEM. */
int sx_direct_new(struct sx_direct **out);
void sx_direct_free(struct sx_direct *d); /* NULL is harmless */

/* rank: the place of the rule that sent the name direct. [any thread] */
void sx_direct_learn(
	struct sx_direct *d, const struct sx_ip *ip, unsigned rank);

/* True, and *rank, if a name with this address was sent direct.
 * [any thread] [signal-safe] [after fork] */
bool sx_direct_knows(
	struct sx_direct *d, const struct sx_ip *ip, unsigned *rank);

#endif

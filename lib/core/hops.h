/*
 * The chain of servers that a dial goes through: `via` followed from the
 * server that was chosen to the first hop. Hop 0 is reached by connect(), the
 * last one is the chosen server. Part of the dial.
 */
#ifndef SX_CORE_HOPS_H
#define SX_CORE_HOPS_H

#include "core/dial.h"

/* Counts the hops to d->server and goes to the first. */
void sx_hops_begin(struct sx_dial *d);

struct sx_server *sx_hops_server(struct sx_dial *d, unsigned hop);

/* What the server of the present hop is asked for: the next hop, or the
 * application's destination, or none for an association. Lives as long as the
 * hop. */
const struct sx_dest *sx_hops_dest(struct sx_dial *d);

#endif

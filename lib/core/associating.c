#include "core/associating.h"

#include <string.h>

/* The last one's is kept apart: its dial says who it is. */
static void keep(struct sx_associating *a)
{
	struct sx_udp_hop *hop = &a->made[a->n_made];

	if (!a->n_made++)
		a->server = a->plan.order[a->dial.place];
	hop->fd = a->dial.reach.fd;
	hop->relay = a->dial.relay;
}

int sx_associating_next(struct sx_associating *a)
{
	int via = a->dial.server->conf->via;

	if (via < 0)
		return 0;
	keep(a);
	a->hop = (unsigned)via;
	a->plan.order = &a->hop;
	a->plan.n_order = 1;
	a->plan.start = 0;
	a->plan.udp_only_if_said = false;
	a->dial.reach.fd = -1;
	int err = sx_udp_begin(&a->dial, &a->plan);
	return err ? err : 1;
}

void sx_associating_move(
	struct sx_associating *to, struct sx_associating *from, int fd)
{
	to->plan = from->plan;
	if (from->plan.order == &from->hop)
		to->plan.order = &to->hop;
	to->server = from->server;
	to->hop = from->hop;
	to->n_made = from->n_made;
	memcpy(to->made, from->made, sizeof(to->made));
	sx_dial_move(&to->dial, &from->dial, &to->plan, fd);
}

int sx_associating_end(
	struct sx_associating *a, int r, struct sx_udp_assoc *out)
{
	r = sx_udp_end(&a->dial, r, out);
	if (a->n_made)
		out->server = a->server;
	out->n_beyond = a->n_made;
	for (unsigned i = 0; i < a->n_made; i++)
		out->beyond[i] = a->made[a->n_made - 1 - i];
	if (r)
		sx_udp_close(out, a->plan.sys);
	return r;
}

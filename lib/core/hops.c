#include "core/hops.h"

#include "core/associate.h"

struct sx_server *sx_hops_server(struct sx_dial *d, unsigned hop)
{
	struct sx_server *s = d->server;

	for (unsigned k = d->n_hops - 1; k > hop; k--)
		s = &d->plan->servers[s->conf->via];
	return s;
}

void sx_hops_begin(struct sx_dial *d)
{
	const struct sx_server *s = d->server;

	for (d->n_hops = 1; s->conf->via >= 0; d->n_hops++)
		s = &d->plan->servers[s->conf->via];
	d->hop = 0;
}

const struct sx_dest *sx_hops_dest(struct sx_dial *d)
{
	if (d->hop + 1 < d->n_hops)
		d->hop_dest =
			sx_server_dest(sx_hops_server(d, d->hop + 1)->conf);
	else if (sx_is_association(d->plan))
		d->hop_dest = sx_associate_dest(sx_associate_family(d));
	else
		return &d->plan->dest;
	return &d->hop_dest;
}

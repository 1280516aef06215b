#include "core/pool.h"

#include "core/record.h"

#include <assert.h>
#include <string.h>

static_assert(SX_POOL_SERVERS_MAX <= 64, "a bit for each server");

void sx_pool_begin(struct sx_pool_cursor *c, unsigned n, unsigned start,
	const struct sx_pool_limits *limits)
{
	memset(c, 0, sizeof(*c));
	c->n = n;
	c->start = start;
	c->limits = *limits;
	c->current = -1;
}

static unsigned take(struct sx_pool_cursor *c, unsigned server)
{
	c->current = (int)server;
	c->n_in_row = 1;
	c->n_attempts++;
	c->n_tried++;
	return server;
}

/* The one that failed longest ago, of those not tried in this round. */
static bool least_recent(const struct sx_pool_cursor *c,
	const struct sx_pool_health *health, unsigned *server)
{
	uint64_t best = UINT64_MAX;
	bool found = false;

	for (unsigned k = 0; k < c->n; k++) {
		unsigned i = (c->start + k) % c->n;
		if ((c->forced | c->dropped) >> i & 1)
			continue;
		uint64_t at = health->failed_at(health->arg, i);
		if (!found || at < best) {
			best = at;
			*server = i;
			found = true;
		}
	}
	return found;
}

static bool next_forced(struct sx_pool_cursor *c,
	const struct sx_pool_health *health, unsigned *server)
{
	if (!least_recent(c, health, server))
		return false;
	c->forced |= 1ULL << *server;
	take(c, *server);
	return true;
}

static bool next_admitted(struct sx_pool_cursor *c,
	const struct sx_pool_health *health, unsigned *server)
{
	while (c->n_round < c->n) {
		unsigned i = (c->start + c->n_round++) % c->n;
		if (c->dropped >> i & 1 ||
			health->admit(health->arg, i) == SX_ADMIT_DOWN)
			continue;
		*server = take(c, i);
		return true;
	}
	return false;
}

static bool next_in_round(struct sx_pool_cursor *c,
	const struct sx_pool_health *health, unsigned *server)
{
	if (!c->is_forcing && next_admitted(c, health, server))
		return true;
	/* Some were tried: the round is over. None was: all are down. */
	if (!c->is_forcing && (c->n_tried || !c->limits.try_all_down))
		return false;
	c->is_forcing = true;
	return next_forced(c, health, server);
}

static void begin_round(struct sx_pool_cursor *c)
{
	c->round++;
	c->n_round = c->n_tried = 0;
	c->forced = 0;
	c->is_forcing = false;
}

enum sx_pool_step sx_pool_next(struct sx_pool_cursor *c,
	const struct sx_pool_health *health, bool skip_rest, unsigned *server)
{
	if (c->n_attempts >= c->limits.attempts)
		return SX_POOL_END;
	if (c->current >= 0 && !skip_rest && !sx_pool_is_spent(c)) {
		c->n_in_row++;
		c->n_attempts++;
		*server = (unsigned)c->current;
		return SX_POOL_TRY;
	}
	if (next_in_round(c, health, server))
		return SX_POOL_TRY;
	if (c->n_attempts == 0) /* all down, and none is to be tried */
		return SX_POOL_END;
	begin_round(c);
	return next_in_round(c, health, server) ? SX_POOL_ROUND : SX_POOL_END;
}

void sx_pool_drop(struct sx_pool_cursor *c, unsigned place)
{
	c->dropped |= 1ULL << place;
}

bool sx_pool_is_spent(const struct sx_pool_cursor *c)
{
	return c->n_in_row >= c->limits.attempts_per_server ||
	       c->n_attempts >= c->limits.attempts;
}

unsigned sx_pool_hash(const char *key, unsigned n)
{
	uint64_t hash[2];

	sx_record_hash(key, hash);
	return (unsigned)((hash[0] >> 32) % n);
}

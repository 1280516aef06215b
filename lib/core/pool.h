/*
 * Which server of a pool comes next: pure functions. Health and chance come
 * in as arguments; nothing is kept but the cursor, which belongs to one
 * connection.
 *
 * A round goes once through the pool from where the choice says to start,
 * passing over the servers that are down. When every one is down, they are
 * tried all the same, the least recently failed first (or none is, if the
 * configuration says so). When a whole round has failed and attempts are
 * left, another one begins, without the servers that were dropped. No more
 * than `attempts` are made in all.
 */
#ifndef SX_CORE_POOL_H
#define SX_CORE_POOL_H

#include "conf/conf.h"

struct sx_pool_limits {
	unsigned attempts;            /* in all, >= 1 */
	unsigned attempts_per_server; /* in a row, >= 1 */
	bool try_all_down;
};

enum sx_admission {
	SX_ADMIT_UP,
	SX_ADMIT_PROBE, /* was down; this caller alone may look again */
	SX_ADMIT_DOWN,
};

/* What is known of a server; i is its place in the pool. */
struct sx_pool_health {
	/* May take the one probe of a window: asked only right before the
	 * server would be tried. */
	enum sx_admission (*admit)(void *arg, unsigned i);
	/* When it failed last, any unit, 0: never. */
	uint64_t (*failed_at)(void *arg, unsigned i);
	void *arg;
};

struct sx_pool_cursor {
	unsigned n, start;
	struct sx_pool_limits limits;
	unsigned n_attempts; /* made so far */
	unsigned n_in_row;   /* with the current server */
	unsigned n_round;    /* servers passed in this round */
	unsigned n_tried;    /* of these, tried */
	unsigned round;
	int current;      /* place in the pool, -1: none yet */
	uint64_t dropped; /* bit i: not in further rounds */
	uint64_t forced;  /* bit i: tried in this round although down */
	bool is_forcing;  /* this round ignores that they are down */
};

/* n servers, 1..SX_POOL_SERVERS_MAX; start < n is the first to be tried. */
void sx_pool_begin(struct sx_pool_cursor *c, unsigned n, unsigned start,
	const struct sx_pool_limits *limits);

enum sx_pool_step {
	SX_POOL_TRY = 0,   /* *server is to be tried now */
	SX_POOL_ROUND = 1, /* *server as well, and it begins another round:
			      the caller may wait before it */
	SX_POOL_END = 2,   /* no attempt is left */
};

/*
 * The next attempt. skip_rest: the last failure was not one that trying the
 * same server again could mend.
 */
enum sx_pool_step sx_pool_next(struct sx_pool_cursor *c,
	const struct sx_pool_health *health, bool skip_rest, unsigned *server);

/* The server at that place is left out of further rounds; before the first
 * one: out of all. */
void sx_pool_drop(struct sx_pool_cursor *c, unsigned place);

/* True when the attempt just made was the last in a row with its server: a
 * failure of it means that the server's attempts are spent. */
bool sx_pool_is_spent(const struct sx_pool_cursor *c);

/* The place that a key is always sent to first: the same for the same key. */
unsigned sx_pool_hash(const char *key, unsigned n);

#endif

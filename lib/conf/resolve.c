#include "conf/resolve.h"

#include <stdlib.h>
#include <string.h>

static bool is_repeated(const struct sx_draft_pool *pool, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (!strcmp(pool->refs[j].name, pool->refs[i].name))
			return true;
	}
	return false;
}

static void resolve_ref(
	struct sx_draft *draft, struct sx_draft_pool *pool, size_t i)
{
	struct sx_draft_ref *ref = &pool->refs[i];
	struct sx_draft_server *server = sx_draft_find_server(draft, ref->name);

	if (is_repeated(pool, i))
		sx_draft_error(&ref->place,
			"server \"%s\" is named twice, expected it once",
			ref->name);
	else if (!server)
		sx_draft_unknown_server(draft, &ref->place, ref->name);
	else
		ref->server = (unsigned)(server - draft->servers);
	if (i == SX_POOL_SERVERS_MAX)
		sx_draft_error(&ref->place,
			"too many servers for a pool, expected at most %d",
			SX_POOL_SERVERS_MAX);
}

void sx_resolve_refs(struct sx_draft *draft)
{
	if (draft->out_of_memory)
		return; /* names are missing */
	for (size_t i = 0; i < draft->n_pools; i++) {
		struct sx_draft_pool *pool = &draft->pools[i];
		for (size_t j = 0; j < pool->n_refs; j++) {
			if (pool->refs[j].name)
				resolve_ref(draft, pool, j);
		}
		if (*pool->name && sx_draft_find_server(draft, pool->name))
			sx_draft_error(&pool->place,
				"there is a [server %s], expected another "
				"name for the pool",
				pool->name);
	}
}

static void add_to_pool(
	struct sx_draft *draft, struct sx_draft_pool *pool, size_t i)
{
	struct sx_draft_server *server = &draft->servers[i];
	struct sx_draft_ref *ref =
		sx_draft_add_ref(draft, pool, server->place, NULL);

	if (!ref)
		return;
	ref->server = (unsigned)i;
	if (pool->n_refs == SX_POOL_SERVERS_MAX + 1)
		sx_draft_error(&server->place,
			"too many servers for one pool of all, expected at "
			"most %d, or [pool NAME]",
			SX_POOL_SERVERS_MAX);
}

/* Without any pool, all servers in their order are one: but a connection that
 * went through the first part of a chain alone would not be what is meant. */
static void add_pool_of_all(struct sx_draft *draft)
{
	struct sx_place place = {&draft->origins[SX_ORIGIN_ENV], 0};
	struct sx_draft_pool *pool = sx_draft_add_pool(draft, place, "default");

	for (size_t i = 0; pool && i < draft->n_servers; i++) {
		if (!draft->servers[i].is_hop)
			add_to_pool(draft, pool, i);
	}
}

static void move_to_front(struct sx_draft *draft, size_t i)
{
	struct sx_draft_pool pool = draft->pools[i];

	memmove(draft->pools + 1, draft->pools, i * sizeof(pool));
	draft->pools[0] = pool;
}

static void remove_pool(struct sx_draft *draft, struct sx_draft_pool *pool)
{
	size_t behind = --draft->n_pools - (size_t)(pool - draft->pools);

	sx_draft_clear_pool(pool);
	memmove(pool, pool + 1, behind * sizeof(*pool));
	/* the room that is left is not what sx_array_grow() would expect,
	 * and nothing is added from here on */
}

static void order_pools(struct sx_draft *draft, bool last_is_default)
{
	struct sx_draft_pool *pool;

	if (draft->n_pools == 0)
		add_pool_of_all(draft);
	if (draft->n_pools == 0)
		return; /* no memory */
	if (last_is_default) {
		move_to_front(draft, draft->n_pools - 1);
		struct sx_draft from_files = {
			.pools = draft->pools + 1,
			.n_pools = draft->n_pools - 1,
		};
		pool = sx_draft_find_pool(&from_files, "default");
		if (pool)
			remove_pool(draft, pool);
		return;
	}
	pool = sx_draft_find_pool(draft, "default");
	if (pool)
		move_to_front(draft, (size_t)(pool - draft->pools));
}

static void move_servers(struct sx_draft *draft)
{
	struct sx_conf *out = draft->out;

	out->servers = calloc(draft->n_servers + 1, sizeof(*out->servers));
	if (!out->servers) {
		draft->out_of_memory = true;
		return;
	}
	out->n_servers = (unsigned)draft->n_servers;
	for (size_t i = 0; i < draft->n_servers; i++) {
		out->servers[i] = draft->servers[i].conf;
		memset(&draft->servers[i].conf, 0, sizeof(*out->servers));
	}
}

/* Takes name over, also on failure. */
static struct sx_pool_conf *add_pool(
	struct sx_draft *draft, char *name, size_t n_servers)
{
	struct sx_conf *out = draft->out;
	void *grown =
		sx_array_grow(out->pools, out->n_pools, sizeof(*out->pools));
	unsigned *servers = calloc(n_servers + 1, sizeof(*servers));

	if (grown)
		out->pools = grown;
	if (!grown || !servers || !name) {
		draft->out_of_memory = true;
		free(servers);
		free(name);
		return NULL;
	}
	out->pools[out->n_pools] = (struct sx_pool_conf){
		.name = name,
		.servers = servers,
		.n_servers = (unsigned)n_servers,
	};
	return &out->pools[out->n_pools++];
}

static void move_pools(struct sx_draft *draft)
{
	for (size_t i = 0; i < draft->n_pools; i++) {
		struct sx_draft_pool *from = &draft->pools[i];
		struct sx_pool_conf *to =
			add_pool(draft, from->name, from->n_refs);
		from->name = NULL;
		if (!to)
			return;
		to->choose = from->choose;
		to->retry_on_refusal = from->retry_on_refusal;
		for (size_t j = 0; j < from->n_refs; j++)
			to->servers[j] = from->refs[j].server;
	}
}

static bool find_pool(
	const struct sx_conf *conf, const char *name, unsigned *index)
{
	for (unsigned i = 0; i < conf->n_pools; i++) {
		if (strcmp(conf->pools[i].name, name) == 0) {
			*index = i;
			return true;
		}
	}
	return false;
}

/* A server is a pool of one where a rule names it. */
static bool find_server(
	struct sx_draft *draft, const char *name, unsigned *index)
{
	struct sx_conf *out = draft->out;

	for (unsigned i = 0; i < out->n_servers; i++) {
		if (strcmp(out->servers[i].name, name))
			continue;
		*index = out->n_pools;
		struct sx_pool_conf *pool = add_pool(draft, strdup(name), 1);
		if (pool)
			pool->servers[0] = i;
		return true;
	}
	return false;
}

static void report_target(
	struct sx_draft *draft, const struct sx_draft_target *target)
{
	struct sx_names names = {.n = 0};

	for (unsigned i = 0; i < draft->out->n_pools; i++)
		sx_names_add(&names, draft->out->pools[i].name);
	for (unsigned i = 0; i < draft->out->n_servers; i++) {
		const char *name = draft->out->servers[i].name;
		unsigned unused;
		if (!find_pool(draft->out, name, &unused))
			sx_names_add(&names, name);
	}
	sx_draft_error(&target->place,
		"unknown server or pool \"%s\", expected one of: direct, "
		"block, proxy, %s",
		target->name, names.text);
}

static void resolve_target(
	struct sx_draft *draft, struct sx_draft_target *target)
{
	target->action = SX_ACTION_PROXY;
	if (strcmp(target->name, "direct") == 0)
		target->action = SX_ACTION_DIRECT;
	else if (strcmp(target->name, "block") == 0)
		target->action = SX_ACTION_BLOCK;
	else if (strcmp(target->name, "proxy") == 0)
		target->pool = 0;
	else if (!find_pool(draft->out, target->name, &target->pool) &&
		 !find_server(draft, target->name, &target->pool))
		report_target(draft, target);
}

static void move_rules_of(
	struct sx_draft *draft, const struct sx_origin *origin)
{
	struct sx_conf *out = draft->out;

	for (size_t i = 0; i < draft->n_rules; i++) {
		struct sx_draft_rule *rule = &draft->rules[i];
		if (rule->origin != origin)
			continue;
		const struct sx_draft_target *target =
			&draft->targets[rule->target];
		rule->conf.action = target->action;
		rule->conf.pool = target->pool;
		out->rules[out->n_rules++] = rule->conf;
		rule->conf.domain = rule->conf.where = NULL;
	}
}

static void move_rules(struct sx_draft *draft)
{
	if (draft->n_rules == 0)
		return;
	draft->out->rules = calloc(draft->n_rules, sizeof(*draft->out->rules));
	if (!draft->out->rules) {
		draft->out_of_memory = true;
		return;
	}
	for (int i = 0; i < SX_N_ORIGINS; i++)
		move_rules_of(draft, &draft->origins[i]);
}

void sx_resolve(struct sx_draft *draft, bool last_is_default)
{
	order_pools(draft, last_is_default);
	if (draft->out_of_memory)
		return; /* names are missing */
	move_servers(draft);
	move_pools(draft);
	for (size_t i = 0; i < draft->n_targets; i++) {
		if (draft->out_of_memory)
			return;
		resolve_target(draft, &draft->targets[i]);
	}
	move_rules(draft);
}

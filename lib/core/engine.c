#include "core/engine.h"

#include "base/log.h"
#include "core/associating.h"
#include "core/connecting.h"
#include "core/direct.h"
#include "core/fakedns.h"
#include "core/handed.h"
#include "core/learned.h"
#include "core/roster.h"
#include "core/user.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sx_engine {
	const struct sx_sys *sys;
	struct sx_conf conf;
	struct sx_rules *rules;
	struct sx_fakedns *names;
	struct sx_direct *direct;
	struct sx_roster roster;
	struct sx_state_path state_path; /* n_places 0: nothing is shared */
	struct sx_lock state_lock; /* guards state and what it is opened to;
				      outside of all others */
	struct sx_state state;
	atomic_bool state_is_open;
	struct sx_handed_table handed;
	atomic_bool handed_is_open;
};

static int fill(struct sx_engine *e)
{
	int err = sx_rules_new(&e->rules, &e->conf);

	if (!err)
		err = sx_fakedns_new(&e->names, e->sys, SX_FAKEDNS_MAX);
	if (!err)
		err = sx_direct_new(&e->direct);
	if (err)
		return err;
	e->state_lock = (struct sx_lock)SX_LOCK_INIT;
	return sx_roster_init(&e->roster, &e->conf);
}

int sx_engine_new(
	struct sx_engine **out, struct sx_conf *conf, const struct sx_sys *sys)
{
	struct sx_engine *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->sys = sys;
	e->conf = *conf;
	if (fill(e)) {
		memset(&e->conf, 0, sizeof(e->conf)); /* still the caller's */
		sx_engine_free(e);
		return -ENOMEM;
	}
	memset(conf, 0, sizeof(*conf));
	*out = e;
	return 0;
}

static void closed_rule(struct sx_rule_conf *rule, enum sx_action action,
	enum sx_match match, const char *cidr, struct sx_ports ports)
{
	*rule = (struct sx_rule_conf){
		.action = action, .match = match, .ports = ports};
	rule->where = strdup("the configuration cannot be used");
	if (cidr)
		sx_cidr_parse(cidr, &rule->cidr);
}

int sx_engine_new_closed(struct sx_engine **out, const struct sx_sys *sys)
{
	static const char *const local[] = {
		"127.0.0.0/8", "::1", "0.0.0.0", "::"};
	static const struct sx_ports dns = {SX_DNS_PORT, SX_DNS_PORT};
	const unsigned n = sizeof(local) / sizeof(*local);
	struct sx_conf conf = {.log_level = SX_LOG_WARN};

	conf.rules = calloc(2UL * n + 1, sizeof(*conf.rules));
	if (!conf.rules)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		closed_rule(&conf.rules[conf.n_rules++], SX_ACTION_BLOCK,
			SX_MATCH_CIDR, local[i], dns);
	for (unsigned i = 0; i < n; i++)
		closed_rule(&conf.rules[conf.n_rules++], SX_ACTION_DIRECT,
			SX_MATCH_CIDR, local[i], SX_PORTS_ALL);
	closed_rule(&conf.rules[conf.n_rules++], SX_ACTION_BLOCK, SX_MATCH_ANY,
		NULL, SX_PORTS_ALL);
	int err = sx_engine_new(out, &conf, sys);
	if (err)
		sx_conf_fini(&conf);
	return err;
}

void sx_engine_free(struct sx_engine *e)
{
	if (!e)
		return;
	sx_handed_close(&e->handed);
	sx_state_close(&e->state);
	sx_roster_fini(&e->roster);
	sx_direct_free(e->direct);
	sx_fakedns_free(e->names);
	sx_rules_free(e->rules);
	sx_conf_fini(&e->conf);
	free(e);
}

int sx_engine_dest(const struct sx_engine *e, const struct sx_ip *ip,
	uint16_t port, struct sx_dest *out)
{
	memset(out, 0, sizeof(*out));
	out->port = port;
	if (sx_fakedns_name(e->names, ip, out->name)) {
		out->kind = SX_DEST_NAME;
		return 0;
	}
	out->name[0] = '\0';
	out->kind = SX_DEST_IP;
	out->ip = *ip;
	return sx_fakedns_contains(ip) ? -EHOSTUNREACH : 0;
}

/* [defaults] do not say it all: the rule or a server does. */
static bool is_carried(
	const struct sx_engine *e, const struct sx_verdict *verdict)
{
	const struct sx_pool_conf *pool = &e->conf.pools[verdict->pool];

	if (e->conf.udp == SX_UDP_ASSOCIATE ||
		sx_rules_is_for_udp(e->rules, verdict->rank))
		return true;
	for (unsigned i = 0; i < pool->n_servers; i++)
		if (e->conf.servers[pool->servers[i]].udp ==
			SX_SERVER_UDP_ASSOCIATE)
			return true;
	return false;
}

static void judge_datagrams(
	const struct sx_engine *e, struct sx_verdict *verdict)
{
	if (is_carried(e, verdict))
		return;
	if (e->conf.udp == SX_UDP_DIRECT) {
		verdict->action = SX_ACTION_DIRECT;
		verdict->where = "udp = direct";
	} else {
		verdict->action = SX_ACTION_BLOCK;
		verdict->where = "udp = block";
	}
}

struct sx_verdict sx_engine_decide(
	const struct sx_engine *e, const struct sx_dest *dest)
{
	struct sx_verdict verdict = sx_rules_decide(e->rules, dest);
	unsigned rank;

	if (verdict.action == SX_ACTION_PROXY &&
		dest->transport == SX_TRANSPORT_UDP &&
		dest->port != SX_DNS_PORT)
		judge_datagrams(e, &verdict);
	if (dest->kind == SX_DEST_IP &&
		sx_direct_knows(e->direct, &dest->ip, &rank) &&
		rank < verdict.rank)
		return sx_rules_verdict(e->rules, rank);
	return verdict;
}

const struct sx_conf *sx_engine_conf(const struct sx_engine *e)
{
	return &e->conf;
}

const struct sx_rules *sx_engine_rules(const struct sx_engine *e)
{
	return e->rules;
}

void sx_engine_learn_direct(
	struct sx_engine *e, const struct sx_ip *ip, unsigned rank)
{
	sx_direct_learn(e->direct, ip, rank);
}

void sx_engine_share_state(struct sx_engine *e, const char *runtime_dir)
{
	sx_state_path(&e->state_path, runtime_dir, SX_STATE_TMP, geteuid());
	sx_fakedns_share(e->names, &e->state_path);
}

static void open_state(struct sx_engine *e)
{
	struct sx_err why;

	if (e->state_path.n_places == 0 || atomic_load(&e->state_is_open))
		return;
	sx_lock(&e->state_lock);
	if (!atomic_load(&e->state_is_open)) {
		int r = sx_state_open(&e->state, &e->state_path, &why);
		if (r)
			sx_log(SX_LOG_INFO, "state is not shared: %s",
				why.text);
		if (r >= 0)
			sx_roster_attach(&e->roster, &e->state);
		atomic_store(&e->state_is_open, true);
	}
	sx_unlock(&e->state_lock);
}

struct sx_handed_table *sx_engine_handed(struct sx_engine *e)
{
	if (e->state_path.n_places == 0 || atomic_load(&e->handed_is_open))
		return &e->handed;
	sx_lock(&e->state_lock);
	if (!atomic_load(&e->handed_is_open)) {
		sx_handed_open(&e->handed, &e->state_path);
		atomic_store(&e->handed_is_open, true);
	}
	sx_unlock(&e->state_lock);
	return &e->handed;
}

/* All ports of a host are one destination. */
static const char *host_of(const struct sx_dest *dest, char *buf, size_t n)
{
	return dest->kind == SX_DEST_NAME ? dest->name
					  : sx_ip_format(&dest->ip, buf, n);
}

/* Where in the pool a connection begins. */
static unsigned choose_start(
	struct sx_engine *e, unsigned pool, const struct sx_dest *dest)
{
	const struct sx_pool_conf *p = &e->conf.pools[pool];
	char text[INET6_ADDRSTRLEN];

	switch (p->choose) {
	case SX_CHOOSE_FAILOVER:
		return 0;
	case SX_CHOOSE_ROUND_ROBIN:
		return sx_pool_turn(e->roster.pools[pool], p->n_servers);
	case SX_CHOOSE_RANDOM:
		return sx_random_below(p->n_servers);
	case SX_CHOOSE_HASH:
		return sx_pool_hash(
			host_of(dest, text, sizeof(text)), p->n_servers);
	case SX_CHOOSE_LATCHED:
		return sx_pool_latched(e->roster.pools[pool], p->n_servers);
	}
	return 0;
}

static struct sx_pool_limits limits_of(
	const struct sx_conf *conf, const struct sx_pool_conf *pool)
{
	const unsigned few = 4;
	unsigned n = pool->n_servers > few ? pool->n_servers : few;

	return (struct sx_pool_limits){
		.attempts = conf->attempts ? conf->attempts : n,
		.attempts_per_server = conf->attempts_per_server,
		.try_all_down = conf->when_all_down == SX_ALL_DOWN_TRY,
	};
}

/* But for where it begins. */
static struct sx_dial_plan plan_for(const struct sx_engine *e,
	const struct sx_verdict *verdict, const struct sx_dest *dest)
{
	const struct sx_pool_conf *pool = &e->conf.pools[verdict->pool];

	return (struct sx_dial_plan){
		.sys = e->sys,
		.servers = e->roster.servers,
		.order = pool->servers,
		.n_order = pool->n_servers,
		.limits = limits_of(&e->conf, pool),
		.marks = {e->conf.fail_threshold, e->conf.retry_after_ms},
		.backoff_ms = e->conf.backoff_ms,
		.retry_on_refusal = pool->retry_on_refusal,
		.connect_timeout_ms = e->conf.connect_timeout_ms,
		.handshake_timeout_ms = e->conf.handshake_timeout_ms,
		.reply_timeout_ms = e->conf.reply_timeout_ms,
		.dest = *dest,
		.deadline = sx_deadline_in(
			sx_clock_ns(e->sys), e->conf.deadline_ms),
	};
}

void sx_engine_begin(struct sx_engine *e, struct sx_connecting *c, int fd,
	int family, int flags, const struct sx_verdict *verdict,
	const struct sx_dest *dest)
{
	open_state(e);
	c->engine = e;
	c->pool = verdict->pool;
	c->plan = plan_for(e, verdict, dest);
	c->plan.start = choose_start(e, verdict->pool, dest);
	sx_dial_init(&c->dial, &c->plan, fd, family, flags);
}

void sx_engine_move(
	struct sx_connecting *to, struct sx_connecting *from, int fd)
{
	to->engine = from->engine;
	to->pool = from->pool;
	to->plan = from->plan;
	sx_dial_move(&to->dial, &from->dial, &to->plan, fd);
}

void sx_engine_end(struct sx_connecting *c, int r)
{
	char text[SX_DEST_STRLEN];

	if (r == 0)
		sx_pool_latch(c->engine->roster.pools[c->pool], c->dial.place);
	if (!sx_log_enabled(SX_LOG_INFO))
		return;
	sx_dest_format(&c->plan.dest, text, sizeof(text));
	if (r == 0)
		sx_log(SX_LOG_INFO, "%s through %s", text,
			c->dial.server->conf->name);
	else
		sx_log(SX_LOG_INFO, "%s not reached: %s", text,
			c->dial.cause.text);
}

/* The turns and the latch of a pool are of its connections: a server that
 * carries no datagrams would upset them. */
static unsigned start_of_association(
	struct sx_engine *e, unsigned pool, const struct sx_dest *dest)
{
	const struct sx_pool_conf *p = &e->conf.pools[pool];

	return p->choose == SX_CHOOSE_ROUND_ROBIN
		       ? sx_random_below(p->n_servers)
		       : choose_start(e, pool, dest);
}

int sx_engine_associate_begin(struct sx_engine *e, struct sx_associating *a,
	const struct sx_verdict *verdict, const struct sx_dest *dest,
	sa_family_t family)
{
	open_state(e);
	a->plan = plan_for(e, verdict, dest);
	a->plan.start = start_of_association(e, verdict->pool, dest);
	a->plan.command = SX_COMMAND_UDP_ASSOCIATE;
	a->plan.udp_family = family;
	a->plan.udp_only_if_said =
		e->conf.udp != SX_UDP_ASSOCIATE &&
		!sx_rules_is_for_udp(e->rules, verdict->rank);
	a->n_made = 0;
	return sx_udp_begin(&a->dial, &a->plan);
}

static void log_association(
	const struct sx_associating *a, const struct sx_udp_assoc *assoc)
{
	struct sx_dest relay = {.port = assoc->relay_port, .ip = assoc->relay};
	char text[SX_DEST_STRLEN], at[SX_DEST_STRLEN];

	sx_dest_format(&a->plan.dest, text, sizeof(text));
	if (assoc->fd >= 0)
		sx_log(SX_LOG_INFO, "datagrams for %s through %s, relay %s",
			text, a->plan.servers[assoc->server].conf->name,
			sx_dest_format(&relay, at, sizeof(at)));
	else
		sx_log(SX_LOG_INFO, "datagrams for %s not carried: %s", text,
			a->dial.cause.text);
}

int sx_engine_associate_end(
	struct sx_associating *a, int r, struct sx_udp_assoc *out)
{
	r = sx_associating_end(a, r, out);
	if (sx_log_enabled(SX_LOG_INFO))
		log_association(a, out);
	return r;
}

int sx_engine_lookup(struct sx_engine *e, const char *host, int family,
	struct sx_lookup *out)
{
	return sx_names_lookup(e->rules, e->names, host, family, out);
}

int sx_engine_reverse(
	struct sx_engine *e, const struct sx_ip *ip, char name[SX_NAME_MAX + 1])
{
	return sx_names_reverse(e->rules, e->names, ip, name);
}

void sx_engine_before_fork(struct sx_engine *e)
{
	sx_lock(&e->state_lock);
	sx_roster_before_fork(&e->roster);
}

void sx_engine_after_fork(struct sx_engine *e)
{
	sx_roster_after_fork(&e->roster);
	sx_unlock(&e->state_lock);
}

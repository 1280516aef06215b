#include "core/engine.h"

#include "base/log.h"
#include "core/dial.h"
#include "core/direct.h"
#include "core/fakedns.h"
#include "core/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sx_engine {
	const struct sx_sys *sys;
	struct sx_conf conf;
	struct sx_rules *rules;
	struct sx_fakedns *names;
	struct sx_direct *direct;
	struct sx_server *servers; /* as conf.servers */
};

static int fill(struct sx_engine *e)
{
	int err = sx_rules_new(&e->rules, &e->conf);

	if (!err)
		err = sx_fakedns_new(&e->names);
	if (!err)
		err = sx_direct_new(&e->direct);
	if (err)
		return err;
	e->servers = calloc(e->conf.n_servers + 1UL, sizeof(*e->servers));
	if (!e->servers)
		return -ENOMEM;
	for (unsigned i = 0; i < e->conf.n_servers; i++)
		sx_server_init(&e->servers[i], &e->conf.servers[i]);
	return 0;
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
	enum sx_match match, const char *cidr)
{
	*rule = (struct sx_rule_conf){
		.action = action, .match = match, .ports = SX_PORTS_ALL};
	rule->where = strdup("the configuration cannot be used");
	if (cidr)
		sx_cidr_parse(cidr, &rule->cidr);
}

int sx_engine_new_closed(struct sx_engine **out, const struct sx_sys *sys)
{
	static const char *const local[] = {
		"127.0.0.0/8", "::1", "0.0.0.0", "::"};
	const unsigned n = sizeof(local) / sizeof(*local);
	struct sx_conf conf = {.log_level = SX_LOG_WARN};

	conf.rules = calloc(n + 1, sizeof(*conf.rules));
	if (!conf.rules)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		closed_rule(&conf.rules[conf.n_rules++], SX_ACTION_DIRECT,
			SX_MATCH_CIDR, local[i]);
	closed_rule(&conf.rules[conf.n_rules++], SX_ACTION_BLOCK, SX_MATCH_ANY,
		NULL);
	int err = sx_engine_new(out, &conf, sys);
	if (err)
		sx_conf_fini(&conf);
	return err;
}

void sx_engine_free(struct sx_engine *e)
{
	if (!e)
		return;
	free(e->servers);
	sx_direct_free(e->direct);
	sx_fakedns_free(e->names);
	sx_rules_free(e->rules);
	sx_conf_fini(&e->conf);
	free(e);
}

int sx_engine_dest(const struct sx_engine *e, const struct sx_ip *ip,
	uint16_t port, struct sx_dest *out)
{
	const char *name = sx_fakedns_name(e->names, ip);

	memset(out, 0, sizeof(*out));
	out->port = port;
	if (name) {
		out->kind = SX_DEST_NAME;
		sx_name_copy(out->name, name);
		return 0;
	}
	out->kind = SX_DEST_IP;
	out->ip = *ip;
	return sx_fakedns_contains(ip) ? -EHOSTUNREACH : 0;
}

struct sx_verdict sx_engine_decide(
	const struct sx_engine *e, const struct sx_dest *dest)
{
	struct sx_verdict verdict = sx_rules_decide(e->rules, dest);
	unsigned rank;

	if (dest->kind == SX_DEST_IP &&
		sx_direct_knows(e->direct, &dest->ip, &rank) &&
		rank < verdict.rank)
		return sx_rules_verdict(e->rules, rank);
	return verdict;
}

void sx_engine_learn_direct(
	struct sx_engine *e, const struct sx_ip *ip, unsigned rank)
{
	sx_direct_learn(e->direct, ip, rank);
}

int sx_engine_connect(struct sx_engine *e, int fd, int family, int flags,
	const struct sx_verdict *verdict, const struct sx_dest *dest,
	struct sx_deadline limit, bool (*interrupted)(void), struct sx_err *err)
{
	const struct sx_pool_conf *pool = &e->conf.pools[verdict->pool];
	struct sx_deadline deadline =
		sx_deadline_in(sx_clock_ns(e->sys), e->conf.deadline_ms);
	struct sx_dial_plan plan = {
		.sys = e->sys,
		.servers = e->servers,
		.order = pool->servers,
		.n_order = pool->n_servers,
		.connect_timeout_ms = e->conf.connect_timeout_ms,
		.handshake_timeout_ms = e->conf.handshake_timeout_ms,
		.reply_timeout_ms = e->conf.reply_timeout_ms,
		.dest = *dest,
		.deadline = sx_deadline_min(deadline, limit),
	};
	struct sx_dial dial;

	sx_dial_init(&dial, &plan, fd, family, flags);
	int r = sx_dial_run(&dial, interrupted);
	if (r < 0)
		*err = dial.cause;
	else if (sx_log_enabled(SX_LOG_INFO)) {
		char text[SX_DEST_STRLEN];
		sx_log(SX_LOG_INFO, "%s through %s",
			sx_dest_format(dest, text, sizeof(text)),
			dial.server->conf->name);
	}
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
	sx_fakedns_before_fork(e->names);
	for (unsigned i = 0; i < e->conf.n_servers; i++)
		sx_server_before_fork(&e->servers[i]);
}

void sx_engine_after_fork(struct sx_engine *e)
{
	for (unsigned i = e->conf.n_servers; i-- > 0;)
		sx_server_after_fork(&e->servers[i]);
	sx_fakedns_after_fork(e->names);
}

/*
 * socksify explain: what would become of a connection, and why.
 */
#include "command.h"
#include "core/engine.h"
#include "names.h"
#include "settings.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define CONDITION_SIZE (SX_DEST_STRLEN + 20)

struct answer {
	const struct sx_opts *opts;
	struct sx_engine *engine;
	struct sx_dest asked, dest; /* dest: what the rules are asked about */
	const char *name_text;      /* who resolves the name; NULL: no name */
	struct sx_verdict verdict;
	char condition[CONDITION_SIZE];
};

/* As getaddrinfo() in a program would. */
static const char *resolve(struct answer *a)
{
	struct sx_lookup found;
	int err = sx_engine_lookup(a->engine, a->asked.name, AF_UNSPEC, &found);

	if (err == -ENOENT)
		return "cannot be a host name: it is not found";
	if (err)
		return "is not found";
	switch (found.kind) {
	case SX_LOOKUP_NUMERIC:
	case SX_LOOKUP_LOCAL:
		a->dest.kind = SX_DEST_IP;
		a->dest.ip = found.host.ips[0];
		return found.kind == SX_LOOKUP_NUMERIC
			       ? "an address in another form"
			       : "known on this machine, by its hosts file";
	case SX_LOOKUP_FAKE:
		return "resolved by the server; nobody is asked here";
	case SX_LOOKUP_DIRECT:
		break;
	}
	return "looked up on this machine, since a rule sends it direct";
}

static const struct sx_pool_conf *pool_of(const struct answer *a)
{
	return &sx_engine_conf(a->engine)->pools[a->verdict.pool];
}

/* May the server at this place of the pool carry it? */
static bool may_carry(const struct answer *a, unsigned i)
{
	return !a->opts->udp || sx_conf_may_carry_udp(sx_engine_conf(a->engine),
					pool_of(a)->servers[i]);
}

static bool is_carried(const struct answer *a)
{
	for (unsigned i = 0; i < pool_of(a)->n_servers; i++)
		if (may_carry(a, i))
			return true;
	return false;
}

static const char *outcome(const struct answer *a)
{
	switch (a->verdict.action) {
	case SX_ACTION_DIRECT:
		return "direct";
	case SX_ACTION_BLOCK:
		return "blocked";
	case SX_ACTION_PROXY:
		break;
	}
	return is_carried(a) ? "proxy" : "refused";
}

static void decide(struct answer *a)
{
	if (a->opts->udp)
		a->asked.transport = SX_TRANSPORT_UDP;
	a->dest = a->asked;
	if (a->asked.kind == SX_DEST_NAME)
		a->name_text = resolve(a);
	a->verdict = sx_engine_decide(a->engine, &a->dest);
	sx_rules_condition(sx_engine_rules(a->engine), a->verdict.rank,
		a->condition, sizeof(a->condition));
}

static void print_pool(const struct answer *a)
{
	const struct sx_conf *conf = sx_engine_conf(a->engine);
	const struct sx_pool_conf *pool = pool_of(a);
	unsigned n = 0;

	printf("  pool     %s:", pool->name);
	for (unsigned i = 0; i < pool->n_servers; i++) {
		int at = (int)pool->servers[i];
		if (!may_carry(a, i))
			continue;
		printf("%s %s", n++ ? "," : "", conf->servers[at].name);
		while ((at = conf->servers[at].via) >= 0)
			printf(" via %s", conf->servers[at].name);
	}
	puts("");
}

static void print_text(const struct answer *a)
{
	char dest[SX_DEST_STRLEN];
	bool proxied = a->verdict.action == SX_ACTION_PROXY;

	printf("%s (%s): %s\n", sx_dest_format(&a->asked, dest, sizeof(dest)),
		a->opts->udp ? "udp" : "tcp", outcome(a));
	printf("  rule     %s (%s)\n", a->condition, a->verdict.where);
	if (a->name_text)
		printf("  name     %s\n", a->name_text);
	if (proxied && !is_carried(a))
		puts("  reason   datagrams are carried by SOCKS5 servers "
		     "alone, also in a chain, without udp = block");
	else if (proxied)
		print_pool(a);
}

static void print_json(const struct answer *a)
{
	bool through = strcmp(outcome(a), "proxy") == 0;
	json_t *servers = json_array(), *o;
	char dest[SX_DEST_STRLEN];

	for (unsigned i = 0; through && i < pool_of(a)->n_servers; i++)
		if (may_carry(a, i))
			json_array_append_new(servers,
				json_string(
					sx_engine_conf(a->engine)
						->servers[pool_of(a)
								  ->servers[i]]
						.name));
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:s?, s:o}",
		"destination", sx_dest_format(&a->asked, dest, sizeof(dest)),
		"protocol", a->opts->udp ? "udp" : "tcp", "action", outcome(a),
		"condition", a->condition, "where", a->verdict.where, "name",
		a->name_text, "pool", through ? pool_of(a)->name : NULL,
		"servers", servers);
	json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	puts("");
	json_decref(o);
}

static int start(struct answer *a)
{
	struct sx_conf conf;
	int err = sx_settings_load(a->opts, a->opts->app, &conf);

	if (!err) {
		err = sx_engine_new(&a->engine, &conf, &sx_sys_libc);
		if (err)
			fputs("socksify: out of memory\n", stderr);
	}
	sx_conf_fini(&conf);
	return err;
}

static int run(const struct sx_opts *opts)
{
	struct answer a = {.opts = opts};

	if (!opts->operands[0] || opts->operands[1]) {
		fputs("socksify: expected one HOST:PORT\n"
		      "Try 'socksify explain --help'.\n",
			stderr);
		return SX_EXIT_OWN;
	}
	if (sx_names_dest("explain", opts->operands[0], &a.asked) || start(&a))
		return SX_EXIT_OWN;
	decide(&a);
	if (opts->json)
		print_json(&a);
	else
		print_text(&a);
	sx_engine_free(a.engine);
	return 0;
}

const struct sx_command sx_command_explain = {
	.name = "explain",
	.bit = SX_FOR_EXPLAIN,
	.usage = "explain [OPTION]... HOST:PORT",
	.text = "Says what becomes of a connection to HOST:PORT, and which "
		"rule "
		"decides.",
	.more = "Exit status: 0; 125 if socksify fails.",
	.run = run,
};

#include "core/rule.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define NO_RULE UINT_MAX

/* What a rule can speak of; the first byte of a key. */
enum tag {
	TAG_ANY,
	TAG_EVERY_NAME, /* names that a /0 of a block rule covers too */
	TAG_NAME,
	TAG_BELOW,
	TAG_EXACT,
	TAG_V4,
	TAG_V6,
};

#define KEY_MAX (1 + SX_NAME_MAX)

struct key {
	size_t len;
	uint8_t bytes[KEY_MAX];
};

/* A subject, with all rules that speak of it in order. */
struct subject {
	UT_hash_handle hh;
	unsigned *rules;
	unsigned n_rules;
	uint8_t key[];
};

struct sx_rules {
	struct sx_rule_conf *rules; /* shallow copies, then the built-in */
	unsigned n_rules;
	struct subject *subjects;
	bool len_used[2][129]; /* by family, prefix lengths in use */
};

static struct key key_of_tag(enum tag tag)
{
	return (struct key){.len = 1, .bytes = {(uint8_t)tag}};
}

static struct key key_of_name(enum tag tag, const char *name)
{
	struct key key = key_of_tag(tag);
	size_t n = strlen(name);

	memcpy(key.bytes + 1, name, n);
	key.len += n;
	return key;
}

static struct key key_of_cidr(const struct sx_ip *ip, unsigned len)
{
	struct key key = key_of_tag(ip->family == AF_INET ? TAG_V4 : TAG_V6);
	struct sx_ip masked = *ip;

	sx_ip_mask(&masked, len);
	key.bytes[key.len++] = (uint8_t)len;
	memcpy(key.bytes + key.len, masked.bytes, sx_ip_len(ip));
	key.len += sx_ip_len(ip);
	return key;
}

static struct subject *find(const struct sx_rules *r, const struct key *key)
{
	struct subject *s;

	HASH_FIND(hh, r->subjects, key->bytes, key->len, s);
	return s;
}

static struct subject *find_or_add(struct sx_rules *r, const struct key *key)
{
	struct subject *s = find(r, key);

	if (s)
		return s;
	s = calloc(1, sizeof(*s) + key->len);
	if (!s)
		return NULL;
	memcpy(s->key, key->bytes, key->len);
	HASH_ADD_KEYPTR(hh, r->subjects, s->key, key->len, s);
	if (!s->hh.tbl) { /* uthash could not allocate */
		free(s);
		return NULL;
	}
	return s;
}

static int add(struct sx_rules *r, const struct key *key, unsigned rule)
{
	struct subject *s = find_or_add(r, key);

	if (!s)
		return -ENOMEM;
	/* capacity doubles whenever a power of two is reached */
	if ((s->n_rules & (s->n_rules - 1)) == 0) {
		size_t cap = s->n_rules ? 2 * (size_t)s->n_rules : 1;
		unsigned *p = realloc(s->rules, cap * sizeof(*p));
		if (!p)
			return -ENOMEM;
		s->rules = p;
	}
	s->rules[s->n_rules++] = rule;
	return 0;
}

static int add_cidr(struct sx_rules *r, unsigned i)
{
	const struct sx_rule_conf *rule = &r->rules[i];
	struct key key = key_of_cidr(&rule->cidr.ip, rule->cidr.len);
	struct key every_name = key_of_tag(TAG_EVERY_NAME);

	r->len_used[rule->cidr.ip.family == AF_INET6][rule->cidr.len] = true;
	if (rule->action == SX_ACTION_BLOCK && rule->cidr.len == 0 &&
		add(r, &every_name, i))
		return -ENOMEM;
	return add(r, &key, i);
}

static int index_rule(struct sx_rules *r, unsigned i)
{
	const struct sx_rule_conf *rule = &r->rules[i];
	struct key key;

	switch (rule->match) {
	case SX_MATCH_ANY:
		key = key_of_tag(TAG_ANY);
		return add(r, &key, i);
	case SX_MATCH_CIDR:
		return add_cidr(r, i);
	case SX_MATCH_NAME:
		key = key_of_name(TAG_NAME, rule->domain);
		return add(r, &key, i);
	case SX_MATCH_BELOW:
		key = key_of_name(TAG_BELOW, rule->domain);
		return add(r, &key, i);
	case SX_MATCH_EXACT:
		key = key_of_name(TAG_EXACT, rule->domain);
		return add(r, &key, i);
	}
	return -EINVAL;
}

static struct sx_rule_conf builtin(enum sx_action action, const char *cidr,
	struct sx_ports ports, const char *where)
{
	struct sx_rule_conf rule = {
		.action = action,
		.match = SX_MATCH_CIDR,
		.ports = ports,
		.where = (char *)where,
	};
	sx_cidr_parse(cidr, &rule.cidr);
	return rule;
}

static struct sx_rule_conf server_rule(const struct sx_server_conf *server)
{
	struct sx_rule_conf rule = {
		.action = SX_ACTION_DIRECT,
		.match = SX_MATCH_EXACT,
		.domain = server->host,
		.ports = {server->port, server->port},
		.where = (char *)"built in: a SOCKS server itself",
	};
	if (server->ip.family) {
		rule.match = SX_MATCH_CIDR;
		rule.cidr.ip = server->ip;
		rule.cidr.ip.scope = 0;
		rule.cidr.len = server->ip.family == AF_INET ? 32 : 128;
	}
	return rule;
}

/* The machine's own addresses: with strict they are no exception. */
static void add_local(struct sx_rules *r, bool strict)
{
	static const struct sx_ports dns = {SX_DNS_PORT, SX_DNS_PORT};
	static const char local[] = "built in: this machine";
	static const char closed[] = "built in: this machine, strict";
	static const char stub[] = "built in: a resolver on this machine";
	static const char *const loopback[] = {
		"127.0.0.0/8", "::1", "0.0.0.0", "::"};
	const unsigned n = sizeof(loopback) / sizeof(*loopback);

	for (unsigned i = 0; i < n; i++)
		r->rules[r->n_rules++] =
			builtin(SX_ACTION_PROXY, loopback[i], dns, stub);
	for (unsigned i = 0; i < n; i++)
		r->rules[r->n_rules++] = builtin(
			strict ? SX_ACTION_BLOCK : SX_ACTION_DIRECT,
			loopback[i], SX_PORTS_ALL, strict ? closed : local);
}

static void add_builtin(struct sx_rules *r, const struct sx_conf *conf)
{
	for (unsigned i = 0; i < conf->n_servers; i++) {
		const struct sx_server_conf *server = &conf->servers[i];
		/* what is reached through another must not be direct */
		if (!server->unix_path && server->via < 0)
			r->rules[r->n_rules++] = server_rule(server);
	}
	add_local(r, conf->strict);
}

int sx_rules_new(struct sx_rules **out, const struct sx_conf *conf)
{
	struct sx_rules *r = calloc(1, sizeof(*r));
	size_t cap = (size_t)conf->n_rules + conf->n_servers + 8;

	if (!r)
		return -ENOMEM;
	r->rules = calloc(cap, sizeof(*r->rules));
	if (!r->rules)
		goto fail;
	if (conf->n_rules)
		memcpy(r->rules, conf->rules,
			conf->n_rules * sizeof(*r->rules));
	r->n_rules = conf->n_rules;
	add_builtin(r, conf);
	for (unsigned i = 0; i < r->n_rules; i++)
		if (index_rule(r, i))
			goto fail;
	*out = r;
	return 0;
fail:
	sx_rules_free(r);
	return -ENOMEM;
}

void sx_rules_free(struct sx_rules *r)
{
	struct subject *s, *next;

	if (!r)
		return;
	HASH_ITER (hh, r->subjects, s, next) {
		HASH_DEL(r->subjects, s);
		free(s->rules);
		free(s);
	}
	free(r->rules);
	free(r);
}

/* A search for the first rule that matches; port < 0: whatever the port and
 * the transport. */
struct search {
	const struct sx_rules *rules;
	int port;
	enum sx_match_transport transport;
	unsigned first;
};

static bool fits(const struct search *q, const struct sx_rule_conf *rule)
{
	if (q->port < 0)
		return true;
	return q->port >= rule->ports.lo && q->port <= rule->ports.hi &&
	       (rule->transport == SX_MATCH_BOTH ||
		       rule->transport == q->transport);
}

static void meet(struct search *q, const struct key *key)
{
	const struct subject *s = find(q->rules, key);

	for (unsigned i = 0; s && i < s->n_rules; i++) {
		const struct sx_rule_conf *rule = &q->rules->rules[s->rules[i]];
		if (s->rules[i] >= q->first)
			return;
		if (fits(q, rule)) {
			q->first = s->rules[i];
			return;
		}
	}
}

static void meet_ip(struct search *q, const struct sx_ip *ip)
{
	bool v6 = ip->family == AF_INET6;

	for (unsigned len = 0; len <= (v6 ? 128U : 32U); len++) {
		if (!q->rules->len_used[v6][len])
			continue;
		struct key key = key_of_cidr(ip, len);
		meet(q, &key);
	}
}

static void meet_name(struct search *q, const char *name)
{
	struct key key = key_of_tag(TAG_EVERY_NAME);

	meet(q, &key);
	key = key_of_name(TAG_EXACT, name);
	meet(q, &key);
	for (const char *s = name; s; s = strchr(s, '.')) {
		s += *s == '.';
		key = key_of_name(TAG_NAME, s);
		meet(q, &key);
		if (s == name)
			continue;
		key = key_of_name(TAG_BELOW, s);
		meet(q, &key);
	}
}

static unsigned first_match(
	const struct sx_rules *r, const struct sx_dest *dest, int port)
{
	bool udp = dest->transport == SX_TRANSPORT_UDP;
	struct search q = {.rules = r,
		.port = port,
		.transport = udp ? SX_MATCH_UDP : SX_MATCH_TCP,
		.first = NO_RULE};
	struct key any = key_of_tag(TAG_ANY);

	meet(&q, &any);
	if (dest->kind == SX_DEST_NAME)
		meet_name(&q, dest->name);
	else
		meet_ip(&q, &dest->ip);
	return q.first;
}

bool sx_rules_is_for_udp(const struct sx_rules *r, unsigned rank)
{
	return rank != NO_RULE && r->rules[rank].transport == SX_MATCH_UDP;
}

struct sx_verdict sx_rules_verdict(const struct sx_rules *r, unsigned rank)
{
	if (rank == NO_RULE)
		return (struct sx_verdict){SX_ACTION_PROXY, 0, NO_RULE,
			"built in: everything else to the default pool"};
	const struct sx_rule_conf *rule = &r->rules[rank];
	return (struct sx_verdict){rule->action, rule->pool, rank, rule->where};
}

static const char *const transport_prefix[] = {
	[SX_MATCH_BOTH] = "", [SX_MATCH_TCP] = "tcp:", [SX_MATCH_UDP] = "udp:"};

static int print_subject(const struct sx_rule_conf *rule, char *buf, size_t n)
{
	char ip[INET6_ADDRSTRLEN];
	bool v6 = rule->cidr.ip.family == AF_INET6;

	switch (rule->match) {
	case SX_MATCH_ANY:
		return snprintf(buf, n, "*");
	case SX_MATCH_CIDR:
		sx_ip_format(&rule->cidr.ip, ip, sizeof(ip));
		return snprintf(
			buf, n, v6 ? "[%s]/%u" : "%s/%u", ip, rule->cidr.len);
	case SX_MATCH_NAME:
	case SX_MATCH_EXACT:
		return snprintf(buf, n, "%s", rule->domain);
	case SX_MATCH_BELOW:
		return snprintf(buf, n, "*.%s", rule->domain);
	}
	return 0;
}

const char *sx_rules_condition(
	const struct sx_rules *r, unsigned rank, char *buf, size_t n)
{
	static const struct sx_rule_conf everything = {
		.match = SX_MATCH_ANY, .ports = {0, 65535}};
	const struct sx_rule_conf *rule =
		rank == NO_RULE ? &everything : &r->rules[rank];
	size_t used = (size_t)snprintf(
		buf, n, "%s", transport_prefix[rule->transport]);
	if (used < n)
		used += (size_t)print_subject(rule, buf + used, n - used);

	if (used >= n)
		return buf;
	if (rule->ports.lo == rule->ports.hi)
		snprintf(buf + used, n - used, ":%u", rule->ports.lo);
	else if (rule->ports.lo != 0 || rule->ports.hi != 65535)
		snprintf(buf + used, n - used, ":%u-%u", rule->ports.lo,
			rule->ports.hi);
	return buf;
}

/* RFC 7686: never looked up, whatever a rule says. */
static bool is_onion(const struct sx_dest *dest)
{
	const char *dot = strrchr(dest->name, '.');

	return dest->kind == SX_DEST_NAME && dot && strcmp(dot, ".onion") == 0;
}

struct sx_verdict sx_rules_decide(
	const struct sx_rules *r, const struct sx_dest *dest)
{
	struct sx_verdict verdict =
		sx_rules_verdict(r, first_match(r, dest, dest->port));

	if (verdict.action == SX_ACTION_DIRECT && is_onion(dest))
		verdict = (struct sx_verdict){SX_ACTION_BLOCK, 0, verdict.rank,
			"built in: onion names are only for Tor"};
	return verdict;
}

bool sx_rules_host_is_direct(
	const struct sx_rules *r, const struct sx_dest *dest, unsigned *rank)
{
	*rank = first_match(r, dest, -1);
	if (*rank == NO_RULE || is_onion(dest))
		return false;
	const struct sx_rule_conf *rule = &r->rules[*rank];
	return rule->action == SX_ACTION_DIRECT &&
	       rule->transport == SX_MATCH_BOTH && rule->ports.lo == 0 &&
	       rule->ports.hi == 65535;
}

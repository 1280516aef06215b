#include "leak_plan.h"

#include "core/rule.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_HOSTS     16             /* tried in each of the nets below */
#define SERVER_HOST "127.83.%u.%u" /* for servers with a host name */

/* RFC 5737 and RFC 3849: nobody has these. */
static const char *const nets4[] = {"203.0.113.", "198.51.100.", "192.0.2."};
static const char *const nets6[] = {"2001:db8:f::", "2001:db8:c::"};
static const char *const groups[] = {
	"224.0.0.251", "239.255.255.250", "232.1.1.1"};
static const char *const names[] = {"leaktest.invalid", "leaktest.test",
	"leaktest.example.com", "leaktest.example.org"};
static const uint16_t ports[] = {443, 80, 8443, 5222, 60443};

#define LEN(array) (sizeof(array) / sizeof(*(array)))

void sx_leak_plan_note(struct sx_leak_plan *plan, const char *fmt, ...)
{
	char text[SX_LEAK_NOTE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (unsigned i = 0; i < plan->n_notes; i++)
		if (strcmp(plan->notes[i], text) == 0)
			return;
	if (plan->n_notes < SX_LEAK_NOTES)
		memcpy(plan->notes[plan->n_notes++], text, sizeof(text));
}

bool sx_leak_plan_is_server(
	const struct sx_leak_plan *plan, const struct sx_ip *ip, uint16_t port)
{
	for (unsigned i = 0; i < plan->n_servers; i++) {
		const struct sx_leak_server *s = &plan->servers[i];
		if (s->ip.family && s->conf->port == port &&
			sx_ip_equal(&s->ip, ip))
			return true;
	}
	return false;
}

static bool is_taken(const struct sx_leak_plan *plan, const struct sx_ip *ip)
{
	const struct sx_ip *own[] = {&plan->target4, &plan->target6,
		&plan->relay4, &plan->relay6, &plan->outside4};

	for (size_t i = 0; i < LEN(own); i++)
		if (own[i]->family && sx_ip_equal(own[i], ip))
			return true;
	for (unsigned i = 0; i < plan->n_servers; i++)
		if (plan->servers[i].ip.family &&
			sx_ip_equal(&plan->servers[i].ip, ip))
			return true;
	return false;
}

/* How well a destination shows leaks: best when it is proxied, useless when
 * a rule sends it direct. */
static int score_of(const struct sx_rules *rules, const struct sx_dest *dest)
{
	switch (sx_rules_decide(rules, dest).action) {
	case SX_ACTION_PROXY:
		return 2;
	case SX_ACTION_BLOCK:
		return 1;
	case SX_ACTION_DIRECT:
		break;
	}
	return 0;
}

static int score_of_ip(
	const struct sx_rules *rules, const struct sx_ip *ip, uint16_t port)
{
	const struct sx_dest dest = {
		.kind = SX_DEST_IP, .ip = *ip, .port = port};

	return score_of(rules, &dest);
}

/* The best free address of these nets, and how good it is as a target. */
static int best_ip(const struct sx_leak_plan *plan,
	const struct sx_rules *rules, const char *const *nets, size_t n_nets,
	uint16_t port, struct sx_ip *out)
{
	int best = -1;

	for (size_t i = 0; i < n_nets; i++)
		for (unsigned host = 1; host <= N_HOSTS; host++) {
			char text[32];
			struct sx_ip ip;
			snprintf(
				text, sizeof(text), "%s%u", nets[i], host * 10);
			if (sx_ip_parse(text, &ip) || is_taken(plan, &ip))
				continue;
			int score = 4 * score_of_ip(rules, &ip, port) +
				    score_of_ip(rules, &ip, SX_DNS_PORT);
			if (score > best) {
				best = score;
				*out = ip;
			}
		}
	return best;
}

static void choose_target4(
	struct sx_leak_plan *plan, const struct sx_rules *rules)
{
	int best = -1;

	for (size_t i = 0; i < LEN(ports); i++) {
		struct sx_ip ip;
		int score =
			best_ip(plan, rules, nets4, LEN(nets4), ports[i], &ip);
		if (score > best) {
			best = score;
			plan->target4 = ip;
			plan->port = ports[i];
		}
	}
}

static struct sx_dest named(const char *name, uint16_t port)
{
	struct sx_dest dest = {.kind = SX_DEST_NAME, .port = port};

	sx_name_copy(dest.name, name);
	return dest;
}

static void choose_name(struct sx_leak_plan *plan, const struct sx_rules *rules)
{
	int best = -1;

	for (size_t i = 0; i < LEN(names); i++) {
		struct sx_dest dest = named(names[i], plan->port);
		int score = score_of(rules, &dest);
		if (score > best) {
			best = score;
			plan->name = names[i];
		}
	}
}

static void choose_group(
	struct sx_leak_plan *plan, const struct sx_rules *rules)
{
	int best = -1;

	for (size_t i = 0; i < LEN(groups); i++) {
		struct sx_ip ip;
		if (sx_ip_parse(groups[i], &ip))
			continue;
		int score = score_of_ip(rules, &ip, plan->port);
		if (score > best) {
			best = score;
			plan->group4 = ip;
		}
	}
}

static void choose_addresses(
	struct sx_leak_plan *plan, const struct sx_rules *rules)
{
	choose_target4(plan, rules);
	best_ip(plan, rules, nets6, LEN(nets6), plan->port, &plan->target6);
	best_ip(plan, rules, nets4, LEN(nets4), plan->port, &plan->relay4);
	best_ip(plan, rules, nets6, LEN(nets6), plan->port, &plan->relay6);
	best_ip(plan, rules, nets4, LEN(nets4), plan->port, &plan->outside4);
	choose_name(plan, rules);
	choose_group(plan, rules);
}

/* Says which rule it is that lets a destination of the probes out. */
static void note_direct(struct sx_leak_plan *plan, const struct sx_rules *rules,
	const struct sx_dest *dest)
{
	struct sx_verdict verdict = sx_rules_decide(rules, dest);
	char text[SX_DEST_STRLEN], rule[SX_DEST_STRLEN + 20];

	if (verdict.action != SX_ACTION_DIRECT)
		return;
	sx_leak_plan_note(plan, "%.60s goes direct by the rule %.60s (%.150s)",
		sx_dest_format(dest, text, sizeof(text)),
		sx_rules_condition(rules, verdict.rank, rule, sizeof(rule)),
		verdict.where);
}

static void note_all_direct(
	struct sx_leak_plan *plan, const struct sx_rules *rules)
{
	const struct sx_dest name = named(plan->name, plan->port);
	const struct sx_dest ips[] = {
		{.ip = plan->target4, .port = plan->port},
		{.ip = plan->target4, .port = SX_DNS_PORT},
		{.ip = plan->target6, .port = plan->port},
		{.ip = plan->group4, .port = plan->port},
	};

	note_direct(plan, rules, &name);
	for (size_t i = 0; i < LEN(ips); i++)
		note_direct(plan, rules, &ips[i]);
}

/* An address for each: the one it has, or one for its host name. */
static void place_server(
	struct sx_leak_server *s, const struct sx_server_conf *conf, unsigned i)
{
	char text[32];

	s->conf = conf;
	if (conf->unix_path)
		return;
	s->ip = conf->ip;
	if (s->ip.family)
		return;
	snprintf(text, sizeof(text), SERVER_HOST, i / 250, i % 250 + 1);
	sx_ip_parse(text, &s->ip);
}

int sx_leak_plan_init(struct sx_leak_plan *plan, const struct sx_conf *conf)
{
	struct sx_rules *rules;

	memset(plan, 0, sizeof(*plan));
	plan->servers = calloc(conf->n_servers + 1UL, sizeof(*plan->servers));
	if (!plan->servers)
		return -ENOMEM;
	plan->n_servers = conf->n_servers;
	for (unsigned i = 0; i < conf->n_servers; i++)
		place_server(&plan->servers[i], &conf->servers[i], i);
	if (sx_rules_new(&rules, conf))
		return -ENOMEM;
	choose_addresses(plan, rules);
	note_all_direct(plan, rules);
	sx_rules_free(rules);
	return 0;
}

void sx_leak_plan_fini(struct sx_leak_plan *plan)
{
	free(plan->servers);
	plan->servers = NULL;
	plan->n_servers = 0;
}

/*
 * socksify status: what the user's processes know of the servers.
 */
#include "command.h"
#include "base/clock.h"
#include "core/counters.h"
#include "core/health.h"
#include "names.h"
#include "settings.h"
#include "sockets.h"
#include "table.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct view {
	struct sx_conf conf;
	struct sx_state state;
	struct sx_roster roster;
	unsigned *chosen;
	unsigned n;
	bool others; /* also servers that this configuration does not name */
};

/* What is shown of one server. */
struct item {
	char name[256];
	struct sx_server_state *state;
	long open; /* -1: not known */
	uint64_t down_ms, fails;
	struct sx_counters counters;
	enum sx_pipelining pipelining;
	bool lacks_udp;
};

static uint64_t left_of(uint64_t until_ms)
{
	uint64_t now_ms = sx_clock_ns(&sx_sys_libc) / SX_NS_PER_MS;

	return until_ms > now_ms ? until_ms - now_ms : 0;
}

static void look(const struct view *v, struct item *item)
{
	const uint64_t now_s = (uint64_t)time(NULL);

	item->down_ms = left_of(sx_server_down_until(
		item->state, v->conf.fail_threshold, v->conf.retry_after_ms));
	item->fails = sx_server_fails(item->state);
	item->pipelining = sx_server_pipeline(item->state, now_s);
	item->lacks_udp = sx_server_lacks(item->state, SX_LACK_UDP, now_s);
	sx_server_counters(item->state, &item->counters);
}

static bool is_configured(const struct view *v, struct sx_server_state *state)
{
	for (unsigned i = 0; i < v->conf.n_servers; i++)
		if (v->roster.servers[i].state == state)
			return true;
	return false;
}

/* Calls show() for each: those of the configuration, then those that other
 * configurations have left in the file. */
static void for_each(struct view *v,
	void (*show)(void *arg, const struct item *item), void *arg)
{
	struct item item;

	for (unsigned k = 0; k < v->n; k++) {
		unsigned i = v->chosen[k];
		snprintf(item.name, sizeof(item.name), "%s",
			v->conf.servers[i].name);
		item.state = v->roster.servers[i].state;
		item.open = sx_sockets_open(&v->roster, i);
		look(v, &item);
		show(arg, &item);
	}
	for (unsigned i = 0; v->others && i < SX_STATE_SERVERS; i++) {
		item.state = sx_state_server_at(&v->state, i);
		if (!item.state || is_configured(v, item.state))
			continue;
		sx_record_name(&item.state->record, item.name);
		item.open = -1;
		look(v, &item);
		show(arg, &item);
	}
}

static void add_ms(
	struct sx_table *table, const struct sx_counters *c, unsigned permille)
{
	if (c->successes)
		sx_table_add(table, "%.1f ms",
			(double)sx_counters_quantile(c, permille) / 1000);
	else
		sx_table_add(table, "-");
}

static void add_failures(struct sx_table *table, const struct sx_counters *c)
{
	char text[256] = "";
	size_t n = 0;

	for (unsigned i = 0; i < SX_N_FAILURES; i++)
		if (c->failures[i] && n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n,
				"%s%s %llu", n ? ", " : "", sx_failure_name(i),
				(unsigned long long)c->failures[i]);
	sx_table_add(table, "%s", text);
}

/* The time of day at which it is tried again. */
static void add_state(struct sx_table *table, const struct item *item)
{
	time_t until = time(NULL) + (time_t)(item->down_ms + 999) / 1000;
	char text[16];
	struct tm tm;

	if (!item->down_ms) {
		sx_table_add(table, "up");
		return;
	}
	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&until, &tm));
	sx_table_add(table, "down until %s", text);
}

static void show_row(void *arg, const struct item *item)
{
	const struct sx_counters *c = &item->counters;
	struct sx_table *table = arg;

	sx_table_add(table, "%s", item->name);
	add_state(table, item);
	sx_table_add(table, "%llu", (unsigned long long)c->attempts);
	sx_table_add(table, "%llu", (unsigned long long)c->successes);
	if (item->open < 0)
		sx_table_add(table, "-");
	else
		sx_table_add(table, "%ld", item->open);
	add_ms(table, c, 500);
	add_ms(table, c, 950);
	sx_table_add(table, "%s", sx_name_of_pipelining(item->pipelining));
	add_failures(table, c);
}

static void print_table(struct view *v)
{
	static const char *const headings[] = {"SERVER", "STATE", "ATTEMPTS",
		"SUCCESSES", "OPEN", "MEDIAN", "P95", "PIPELINING", "FAILURES",
		NULL};
	struct sx_table table;

	sx_table_begin(&table, headings);
	for_each(v, show_row, &table);
	sx_table_end(&table);
}

static json_t *json_of_ms(const struct sx_counters *c, unsigned permille)
{
	return c->successes
		       ? json_real((double)sx_counters_quantile(c, permille) /
				   1000)
		       : json_null();
}

static json_t *json_of_failures(const struct sx_counters *c)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < SX_N_FAILURES; i++)
		json_object_set_new(o, sx_failure_name(i),
			json_integer((json_int_t)c->failures[i]));
	return o;
}

static void show_json(void *arg, const struct item *item)
{
	const struct sx_counters *c = &item->counters;

	json_array_append_new(arg,
		json_pack("{s:s, s:b, s:f, s:I, s:I, s:I, s:o, s:o, s:{s:o, "
			  "s:o}, s:s, s:b}",
			"server", item->name, "up", item->down_ms == 0,
			"down_for_s", (double)item->down_ms / 1000,
			"failures_in_a_row", (json_int_t)item->fails,
			"attempts", (json_int_t)c->attempts, "successes",
			(json_int_t)c->successes, "failures",
			json_of_failures(c), "open",
			item->open < 0 ? json_null() : json_integer(item->open),
			"handshake_ms", "median", json_of_ms(c, 500), "p95",
			json_of_ms(c, 950), "pipelining",
			sx_name_of_pipelining(item->pipelining), "lacks_udp",
			item->lacks_udp));
}

static void print_json(struct view *v)
{
	json_t *list = json_array();

	for_each(v, show_json, list);
	json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(list);
}

static void reset_one(void *arg, const struct item *item)
{
	(void)arg;
	sx_server_reset(item->state);
}

static int prepare(struct view *v, const struct sx_opts *opts)
{
	if (sx_settings_load(opts, opts->app, &v->conf) ||
		sx_settings_open_state(&v->state))
		return -1;
	v->chosen = calloc(v->conf.n_servers + 1UL, sizeof(unsigned));
	if (!v->chosen || sx_roster_init(&v->roster, &v->conf)) {
		fputs("socksify: out of memory\n", stderr);
		return -1;
	}
	sx_roster_attach(&v->roster, &v->state);
	v->others = !opts->operands[0];
	return sx_names_choose(opts->operands, &v->conf, v->chosen, &v->n);
}

static int run(const struct sx_opts *opts)
{
	struct view v = {.n = 0};
	int status = SX_EXIT_OWN;

	if (prepare(&v, opts) == 0) {
		if (opts->reset)
			for_each(&v, reset_one, NULL);
		else if (opts->json)
			print_json(&v);
		else
			print_table(&v);
		status = 0;
	}
	sx_roster_fini(&v.roster);
	sx_state_close(&v.state);
	free(v.chosen);
	sx_conf_fini(&v.conf);
	return status;
}

const struct sx_command sx_command_status = {
	.name = "status",
	.bit = SX_FOR_STATUS,
	.usage = "status [OPTION]... [SERVER]...",
	.text = "Says what all processes of this user know of the servers.",
	.more = "OPEN counts connections that are open now; MEDIAN and P95 are "
		"times of handshakes,\nfrom the connection to the server to "
		"its answer.\n\n"
		"Exit status: 0; 125 if socksify fails.",
	.run = run,
};

/*
 * socksify check: asks each server what it can do, and names the step at
 * which one fails.
 */
#include "core/check.h"

#include "command.h"
#include "names.h"
#include "parallel.h"
#include "settings.h"
#include "table.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct job {
	const struct sx_opts *opts;
	struct sx_conf conf;
	struct sx_roster roster;
	struct sx_check_options options;
	struct sx_dest to;
	unsigned *chosen; /* indices of the servers to ask */
	unsigned n;
	struct sx_check *results; /* as chosen */
};

static void ask(void *arg, unsigned k)
{
	struct job *job = arg;

	sx_check_server(
		&job->options, &job->roster, job->chosen[k], &job->results[k]);
}

static const char *answer_text(enum sx_answer answer)
{
	switch (answer) {
	case SX_ANSWER_NO:
		return "no";
	case SX_ANSWER_YES:
		return "yes";
	case SX_ANSWER_UNKNOWN:
		break;
	}
	return "-";
}

static const char *methods_text(const struct sx_check *c)
{
	bool none = c->none == SX_ANSWER_YES;

	if (c->password == SX_ANSWER_YES)
		return none ? "none, password" : "password";
	return none ? "none" : "-";
}

static void add_ms(struct sx_table *table, uint64_t us)
{
	if (us)
		sx_table_add(table, "%.1f ms", (double)us / 1000);
	else
		sx_table_add(table, "-");
}

static void print_table(const struct job *job)
{
	static const char *const headings[] = {"SERVER", "CONNECT", "REQUEST",
		"METHODS", "PIPELINING", "UDP", "RESULT", NULL};
	struct sx_table table;

	sx_table_begin(&table, headings);
	for (unsigned k = 0; k < job->n; k++) {
		const struct sx_check *c = &job->results[k];
		sx_table_add(
			&table, "%s", job->conf.servers[job->chosen[k]].name);
		add_ms(&table, c->connect_us);
		add_ms(&table, c->request_us);
		sx_table_add(&table, "%s", methods_text(c));
		sx_table_add(
			&table, "%s", sx_name_of_pipelining(c->pipelining));
		sx_table_add(&table, "%s", answer_text(c->udp));
		if (c->step == SX_CHECK_GOOD)
			sx_table_add(&table, "good");
		else
			sx_table_add(&table, "%s: %s",
				sx_check_step_name(c->step), c->err.text);
	}
	sx_table_end(&table);
}

static json_t *json_of_answer(enum sx_answer answer)
{
	return answer == SX_ANSWER_UNKNOWN
		       ? json_null()
		       : json_boolean(answer == SX_ANSWER_YES);
}

static json_t *json_of_ms(uint64_t us)
{
	return us ? json_real((double)us / 1000) : json_null();
}

static json_t *json_of_methods(const struct sx_check *c)
{
	json_t *list = json_array();

	if (c->none == SX_ANSWER_YES)
		json_array_append_new(list, json_string("none"));
	if (c->password == SX_ANSWER_YES)
		json_array_append_new(list, json_string("password"));
	return list;
}

static json_t *json_of(const char *name, const struct sx_check *c)
{
	bool good = c->step == SX_CHECK_GOOD;

	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:s, s:o}",
		"server", name, "good", good, "failed_step",
		good ? json_null() : json_string(sx_check_step_name(c->step)),
		"error", good ? json_null() : json_string(c->err.text),
		"connect_ms", json_of_ms(c->connect_us), "request_ms",
		json_of_ms(c->request_us), "methods", json_of_methods(c),
		"pipelining", sx_name_of_pipelining(c->pipelining), "udp",
		json_of_answer(c->udp));
}

static void print_json(const struct job *job)
{
	json_t *list = json_array();

	for (unsigned k = 0; k < job->n; k++)
		json_array_append_new(
			list, json_of(job->conf.servers[job->chosen[k]].name,
				      &job->results[k]));
	json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(list);
}

/* What was found out, all processes may know. */
static void remember(struct job *job)
{
	uint64_t now_s = (uint64_t)time(NULL);
	struct sx_state state;
	struct sx_roster known = {0};

	if (sx_settings_try_state(&state) &&
		sx_roster_init(&known, &job->conf) == 0) {
		sx_roster_attach(&known, &state);
		for (unsigned k = 0; k < job->n; k++) {
			const struct sx_check *c = &job->results[k];
			struct sx_server_state *s =
				known.servers[job->chosen[k]].state;
			if (c->pipelining != SX_PIPELINING_UNKNOWN)
				sx_server_set_pipeline(s, c->pipelining, now_s);
			if (c->udp != SX_ANSWER_UNKNOWN)
				sx_server_set_lack(s, SX_LACK_UDP,
					c->udp == SX_ANSWER_NO, now_s);
		}
	}
	sx_roster_fini(&known);
	sx_state_close(&state);
}

static int prepare(struct job *job)
{
	if (sx_settings_load(job->opts, job->opts->app, &job->conf))
		return -1;
	job->chosen = calloc(job->conf.n_servers + 1UL, sizeof(unsigned));
	job->results = calloc(job->conf.n_servers + 1UL, sizeof(*job->results));
	if (!job->chosen || !job->results ||
		sx_roster_init(&job->roster, &job->conf)) {
		fputs("socksify: out of memory\n", stderr);
		return -1;
	}
	if (sx_names_choose(
		    job->opts->operands, &job->conf, job->chosen, &job->n))
		return -1;
	job->options = (struct sx_check_options){.sys = &sx_sys_libc};
	if (!job->opts->to)
		return 0;
	if (sx_names_dest("--to", job->opts->to, &job->to))
		return -1;
	job->options.to = &job->to;
	return 0;
}

static void fini(struct job *job)
{
	sx_roster_fini(&job->roster);
	free(job->chosen);
	free(job->results);
	sx_conf_fini(&job->conf);
}

static int run(const struct sx_opts *opts)
{
	struct job job = {.opts = opts};
	int status = SX_EXIT_OWN;

	if (prepare(&job) == 0) {
		sx_parallel(job.n, ask, &job, 0);
		remember(&job);
		if (opts->json)
			print_json(&job);
		else
			print_table(&job);
		status = 0;
		for (unsigned k = 0; k < job.n; k++)
			if (job.results[k].step != SX_CHECK_GOOD)
				status = SX_EXIT_BAD;
	}
	fini(&job);
	return status;
}

const struct sx_command sx_command_check = {
	.name = "check",
	.bit = SX_FOR_CHECK,
	.usage = "check [OPTION]... [SERVER]...",
	.text = "Connects to each server and says what it can do, or which "
		"step fails.",
	.more = "Steps: resolve, connect, greeting, credentials, request (with "
		"--to). Of SOCKS4 and\nHTTP servers only the connection is "
		"tried without --to.\n\n"
		"Exit status: 0 if all servers are good, 1 if one is not, 125 "
		"if socksify fails.",
	.run = run,
};

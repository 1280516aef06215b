/*
 * socksify leaktest: does anything go around the servers under this
 * configuration? Tries it in namespaces of its own, where nothing gets out.
 */
#include "command.h"
#include "leak_run.h"
#include "settings.h"
#include "table.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What the process in the room gives back: shared memory. */
struct report {
	struct sx_leak_plan plan;
	struct sx_leak_outcome outcomes[SX_N_WAYS];
};

struct job {
	const struct sx_opts *opts;
	struct sx_conf conf;
	struct sx_leak_programs programs;
	struct report *report;
};

static bool is_limit(unsigned way)
{
	return sx_ways[way].flags & SX_WAY_LIMIT;
}

static bool is_leak(const struct job *job, unsigned way)
{
	return job->report->outcomes[way].result == SX_LEAK_LEAKS;
}

static unsigned count_leaks(const struct job *job, bool limits)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SX_N_WAYS; i++)
		n += is_leak(job, i) && is_limit(i) == limits;
	return n;
}

static const char *name_of(enum sx_leak_result result)
{
	switch (result) {
	case SX_LEAK_CARRIED:
		return "carried";
	case SX_LEAK_REFUSED:
		return "refused";
	case SX_LEAK_LOCAL:
		return "local";
	case SX_LEAK_LEAKS:
		return "LEAKS";
	case SX_LEAK_ABSENT:
		break;
	}
	return "absent";
}

/* ---- for people */

static void print_rows(const struct job *job)
{
	static const char *const headings[] = {
		"WAY", "RESULT", "WHY", "REMARK", NULL};
	struct sx_table table;

	sx_table_begin(&table, headings);
	for (unsigned i = 0; i < SX_N_WAYS; i++) {
		const struct sx_leak_outcome *o = &job->report->outcomes[i];
		if (o->result == SX_LEAK_ABSENT)
			continue;
		sx_table_add(&table, "%s", sx_ways[i].text);
		sx_table_add(&table, "%s", name_of(o->result));
		sx_table_add(&table, "%s", o->why);
		sx_table_add(&table, "%s",
			is_leak(job, i) && is_limit(i) ? "known limit" : "");
	}
	sx_table_end(&table);
}

static void print_table(const struct job *job)
{
	const struct sx_leak_plan *plan = &job->report->plan;
	unsigned leaks = count_leaks(job, false);
	unsigned limits = count_leaks(job, true);

	print_rows(job);
	putchar('\n');
	for (unsigned i = 0; i < plan->n_notes; i++)
		printf("note: %s\n", plan->notes[i]);
	if (leaks)
		printf("%u %s around the servers", leaks,
			leaks == 1 ? "way leads" : "ways lead");
	else
		printf("Nothing goes around the servers");
	if (limits)
		printf("%s %u known limit%s", leaks ? ", besides" : " but",
			limits, limits == 1 ? "" : "s");
	puts(".");
}

/* ---- for programs */

static json_t *json_of_ways(const struct job *job)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < SX_N_WAYS; i++) {
		const struct sx_leak_outcome *o = &job->report->outcomes[i];
		const char *result = name_of(o->result);
		if (o->result == SX_LEAK_ABSENT)
			continue;
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:s?, s:b}", "way",
				sx_ways[i].name, "text", sx_ways[i].text,
				"result", is_leak(job, i) ? "leaks" : result,
				"why", *o->why ? o->why : NULL, "known_limit",
				is_limit(i)));
	}
	return list;
}

static json_t *json_of_notes(const struct sx_leak_plan *plan)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < plan->n_notes; i++)
		json_array_append_new(list,
			json_stringn_nocheck(plan->notes[i],
				strnlen(plan->notes[i], SX_LEAK_NOTE_BYTES)));
	return list;
}

static void print_json(const struct job *job)
{
	json_t *o = json_pack("{s:o, s:o, s:i, s:i}", "ways", json_of_ways(job),
		"notes", json_of_notes(&job->report->plan), "leaks",
		(int)count_leaks(job, false), "known_limits",
		(int)count_leaks(job, true));

	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

/* ---- the test */

static int test(struct sx_leak_room *room, void *arg)
{
	struct job *job = arg;

	return sx_leak_run(room, &job->programs, job->opts->app,
		       job->report->outcomes)
		       ? SX_EXIT_OWN
		       : 0;
}

static int out_of_memory(void)
{
	fputs("socksify: out of memory\n", stderr);
	return -1;
}

static int check_usage(const struct sx_opts *opts)
{
	const char *wrong = NULL;

	if (opts->operands[0])
		wrong = "expected no operand";
	else if (opts->app && (!*opts->app || strchr(opts->app, '/')))
		wrong = "--app: expected the name of a program, not a path";
	if (!wrong)
		return 0;
	fprintf(stderr,
		"socksify: leaktest: %s\n"
		"Try 'socksify leaktest --help'.\n",
		wrong);
	return -1;
}

static int prepare(struct job *job)
{
	if (check_usage(job->opts) ||
		sx_settings_load(job->opts, job->opts->app, &job->conf) ||
		sx_leak_programs_find(&job->programs))
		return -1;
	/* The probes are to read the same file */
	if (job->conf.path && setenv("SOCKSIFY_CONF", job->conf.path, 1))
		return out_of_memory();
	void *shared = mmap(NULL, sizeof(*job->report), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return out_of_memory();
	job->report = shared;
	return sx_leak_plan_init(&job->report->plan, &job->conf)
		       ? out_of_memory()
		       : 0;
}

static void fini(struct job *job)
{
	if (job->report) {
		sx_leak_plan_fini(&job->report->plan);
		munmap(job->report, sizeof(*job->report));
	}
	sx_conf_fini(&job->conf);
}

static int run(const struct sx_opts *opts)
{
	struct job job = {.opts = opts};
	int status = SX_EXIT_OWN;

	if (prepare(&job) == 0) {
		struct sx_leak_room room = {
			.plan = &job.report->plan, .run = test, .arg = &job};
		status = sx_leak_room_run(&room);
	}
	if (status == 0) {
		if (opts->json)
			print_json(&job);
		else
			print_table(&job);
		status = count_leaks(&job, false) ? SX_EXIT_BAD : 0;
	}
	fini(&job);
	return status;
}

const struct sx_command sx_command_leaktest = {
	.name = "leaktest",
	.bit = SX_FOR_LEAKTEST,
	.usage = "leaktest [OPTION]...",
	.text = "Tries each way out of a program, and says which lead around "
		"the servers.",
	.more = "It needs root or unprivileged user namespaces. Nothing leaves "
		"this machine: your\nservers are played in a network of its "
		"own.\n\n"
		"carried: by a server. refused: the program gets an error. "
		"local: answered without\nanything going out. LEAKS: it went "
		"around the servers.\n\n"
		"Exit status: 0 if nothing leaks but known limits, 1 if "
		"something else does, 125 if\nsocksify fails.",
	.run = run,
};

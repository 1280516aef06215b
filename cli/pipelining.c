#include "pipelining.h"

#include "core/check.h"
#include "core/health.h"
#include "parallel.h"
#include "settings.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIMIT_MS 1000

/* What the threads work on. On the heap, since some may still run when this
 * process becomes the program. */
struct job {
	struct sx_conf conf;
	struct sx_state state;
	struct sx_roster known; /* with the records */
	struct sx_roster asked; /* without */
	unsigned *servers;      /* to be asked */
	unsigned n;
};

static uint64_t now_s(void)
{
	return (uint64_t)time(NULL);
}

static bool is_down(const struct job *job, const struct sx_server_state *state)
{
	uint64_t now_ms = sx_clock_ns(&sx_sys_libc) / SX_NS_PER_MS;

	return sx_server_down_until(state, job->conf.fail_threshold,
		       job->conf.retry_after_ms) > now_ms;
}

static bool is_to_be_asked(const struct job *job, unsigned i)
{
	const struct sx_server_conf *server = &job->conf.servers[i];
	struct sx_server_state *state = job->known.servers[i].state;

	return server->proto == SX_PROTO_SOCKS5 &&
	       server->pipeline == SX_PIPELINE_AUTO && !is_down(job, state) &&
	       sx_server_claim_probe(state, now_s());
}

static void ask(void *arg, unsigned k)
{
	struct job *job = arg;
	unsigned i = job->servers[k];
	struct sx_deadline until =
		sx_deadline_in(sx_clock_ns(&sx_sys_libc), LIMIT_MS);
	enum sx_pipelining verdict =
		sx_check_pipelining(&sx_sys_libc, &job->asked, i, until);

	if (verdict != SX_PIPELINING_UNKNOWN)
		sx_server_set_pipeline(
			job->known.servers[i].state, verdict, now_s());
}

static void free_job(struct job *job)
{
	sx_roster_fini(&job->known);
	sx_roster_fini(&job->asked);
	sx_state_close(&job->state);
	free(job->servers);
	sx_conf_fini(&job->conf);
	free(job);
}

static bool prepare(struct job *job)
{
	if (sx_roster_init(&job->known, &job->conf) ||
		sx_roster_init(&job->asked, &job->conf))
		return false;
	job->servers = calloc(job->conf.n_servers + 1UL, sizeof(unsigned));
	if (!job->servers || !sx_settings_try_state(&job->state))
		return false;
	sx_roster_attach(&job->known, &job->state);
	for (unsigned i = 0; i < job->conf.n_servers; i++)
		if (is_to_be_asked(job, i))
			job->servers[job->n++] = i;
	return job->n > 0;
}

void sx_pipelining_learn(struct sx_conf *conf)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return;
	job->conf = *conf;
	memset(conf, 0, sizeof(*conf));
	if (!prepare(job) || sx_parallel(job->n, ask, job, LIMIT_MS))
		free_job(job);
}

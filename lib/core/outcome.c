#include "core/outcome.h"

#include "base/log.h"
#include "core/health.h"
#include "core/learned.h"

#include <time.h>

void sx_outcome_failed(struct sx_server *server,
	const struct sx_outcome_limits *limits, enum sx_failure failure,
	bool blame, uint64_t now_ms)
{
	sx_server_count_failure(server->state, failure);
	if (!blame || !server->state)
		return;
	unsigned n = sx_server_mark_failed(
		server->state, now_ms, limits->retry_after_ms);
	if (n == limits->fail_threshold)
		sx_log(SX_LOG_WARN, "server %s: left alone for %llu s",
			server->conf->name,
			(unsigned long long)(limits->retry_after_ms + 999) /
				1000);
}

void sx_outcome_works(struct sx_server *server)
{
	if (sx_server_mark_ok(server->state))
		sx_log(SX_LOG_INFO, "server %s: works again",
			server->conf->name);
}

static uint64_t wall_clock_s(void)
{
	return (uint64_t)time(NULL);
}

bool sx_outcome_may_pipeline(const struct sx_server *server)
{
	switch (server->conf->pipeline) {
	case SX_PIPELINE_ON:
		return true;
	case SX_PIPELINE_OFF:
		return false;
	case SX_PIPELINE_AUTO:
		break;
	}
	return server->state && sx_server_pipeline(server->state,
					wall_clock_s()) == SX_PIPELINING_SAFE;
}

void sx_outcome_pipeline_doubtful(struct sx_server *server)
{
	sx_server_set_pipeline(
		server->state, SX_PIPELINING_UNKNOWN, wall_clock_s());
}

bool sx_outcome_lacks_udp(const struct sx_server *server)
{
	return sx_server_lacks(server->state, SX_LACK_UDP, wall_clock_s());
}

void sx_outcome_no_udp(struct sx_server *server, bool is_sure)
{
	if (is_sure)
		sx_server_set_lack(
			server->state, SX_LACK_UDP, true, wall_clock_s());
	else
		sx_server_doubt(server->state, SX_LACK_UDP, wall_clock_s());
}

void sx_outcome_has_udp(struct sx_server *server)
{
	if (sx_outcome_lacks_udp(server))
		sx_server_set_lack(
			server->state, SX_LACK_UDP, false, wall_clock_s());
}

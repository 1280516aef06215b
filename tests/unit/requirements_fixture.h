/*
 * What the tests of the requirements share: servers that are remembered, with
 * a threshold of 2 marks, and a clock that can be later than the script's.
 */
#ifndef SX_TESTS_UNIT_REQUIREMENTS_FIXTURE_H
#define SX_TESTS_UNIT_REQUIREMENTS_FIXTURE_H

#include "core/health.h"
#include "dial_fixture.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define WINDOW_MS     30000

#define REFUSED(to) CONNECT(to, ECONNREFUSED), DISSOLVE
#define TUNNEL(to)  CONNECT(to, 0), HANDSHAKE

/* A poll() that must be given this timeout, and takes that long. */
#define WAIT(most, takes, events)                                              \
	{                                                                      \
		.call = CALL_POLL, .ret = events, .ms = takes, .max_ms = most  \
	}

static struct sx_server_state states[4];
static struct sx_sys sys;
static uint64_t later_ms; /* of the clock, than the script's */

static inline int later_clock(clockid_t clock, struct timespec *ts)
{
	int r = script_sys.clock_gettime(clock, ts);

	ts->tv_sec += (time_t)(later_ms / 1000);
	ts->tv_nsec += (long)(later_ms % 1000) * 1000000;
	return r;
}

static inline void prepare(void)
{
	setup();
	memset(states, 0, sizeof(states));
	for (unsigned i = 0; i < N_ELEMENTS(states); i++)
		servers[i].state = &states[i];
	later_ms = 0;
	sys = script_sys;
	sys.clock_gettime = later_clock;
	plan.sys = &sys;
	plan.n_order = 2;
	plan.marks = (struct sx_outcome_limits){2, WINDOW_MS};
	plan.limits = (struct sx_pool_limits){4, 1, true};
	plan.deadline = SX_NEVER;
}

#endif

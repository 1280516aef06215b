/* The time, for the programs that measure. */
#ifndef SX_TESTS_BENCH_CLOCK_H
#define SX_TESTS_BENCH_CLOCK_H

#include <time.h>

static inline long long clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static inline long long now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif

#include "base/clock.h"

#include <limits.h>

uint64_t sx_clock_ns(const struct sx_sys *sys)
{
	struct timespec ts = {0};
	sys->clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

struct sx_deadline sx_deadline_in(uint64_t now_ns, uint64_t ms)
{
	if (ms > (UINT64_MAX - now_ns) / SX_NS_PER_MS)
		return SX_NEVER;
	return (struct sx_deadline){now_ns + ms * SX_NS_PER_MS};
}

struct sx_deadline sx_deadline_min(struct sx_deadline a, struct sx_deadline b)
{
	return a.at_ns < b.at_ns ? a : b;
}

bool sx_deadline_passed(struct sx_deadline d, uint64_t now_ns)
{
	return now_ns >= d.at_ns;
}

int sx_deadline_poll_ms(struct sx_deadline d, uint64_t now_ns)
{
	if (d.at_ns == UINT64_MAX)
		return -1;
	if (sx_deadline_passed(d, now_ns))
		return 0;
	uint64_t left_ns = d.at_ns - now_ns;
	uint64_t ms = (left_ns - 1) / SX_NS_PER_MS + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

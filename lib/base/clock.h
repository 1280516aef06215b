/*
 * Monotonic time and absolute deadlines.
 *
 * A deadline is a point in time, so waiting several times for one thing
 * never lengthens the whole. Nothing here waits.
 */
#ifndef SX_BASE_CLOCK_H
#define SX_BASE_CLOCK_H

#include "base/sys.h"

#include <stdbool.h>
#include <stdint.h>

#define SX_NS_PER_MS 1000000ULL

struct sx_deadline {
	uint64_t at_ns; /* CLOCK_MONOTONIC; UINT64_MAX: never */
};

#define SX_NEVER ((struct sx_deadline){UINT64_MAX})

/* Now, on CLOCK_MONOTONIC. [any thread] [signal-safe] */
uint64_t sx_clock_ns(const struct sx_sys *sys);

/* The point in time ms after now_ns; saturates at SX_NEVER. */
struct sx_deadline sx_deadline_in(uint64_t now_ns, uint64_t ms);

/* The earlier of the two. */
struct sx_deadline sx_deadline_min(struct sx_deadline a, struct sx_deadline b);

bool sx_deadline_passed(struct sx_deadline d, uint64_t now_ns);

/* What is left as an argument for poll(): milliseconds, rounded up so that
 * poll() does not return a moment too early; 0 when passed; -1 for never;
 * at most INT_MAX. */
int sx_deadline_poll_ms(struct sx_deadline d, uint64_t now_ns);

#endif

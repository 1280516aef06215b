#include "core/health.h"

/*
 * One word: 48 bits of time (8900 years), one that a probe is out, 15 of
 * marks. All 0: never failed. The time of a mark is never 0.
 */
#define TIME_SHIFT 16
#define PROBE      0x8000U
#define MAX_MARKS  0x7fffU

static uint64_t time_of(uint64_t health)
{
	return health >> TIME_SHIFT;
}

static unsigned marks_of(uint64_t health)
{
	return (unsigned)health & MAX_MARKS;
}

static uint64_t packed(uint64_t at_ms, unsigned marks, unsigned probe)
{
	return (at_ms ? at_ms : 1) << TIME_SHIFT | probe | marks;
}

/* A mark of another process may be a little later than our own clock was
 * when we asked it. */
static bool is_over(uint64_t health, uint64_t now_ms, uint64_t retry_after_ms)
{
	uint64_t at = time_of(health);

	return now_ms > at ? now_ms - at > retry_after_ms
			   : at - now_ms > retry_after_ms;
}

static uint64_t marked(uint64_t was, uint64_t now_ms, uint64_t retry_after_ms)
{
	unsigned marks = marks_of(was);
	bool over = is_over(was, now_ms, retry_after_ms);

	if (over && !(was & PROBE))
		marks = 0;
	if (!over && now_ms < time_of(was))
		now_ms = time_of(was);
	return packed(now_ms, marks < MAX_MARKS ? marks + 1 : marks, 0);
}

unsigned sx_server_mark_failed(struct sx_server_state *server, uint64_t now_ms,
	uint64_t retry_after_ms)
{
	uint64_t was, next;

	if (!server)
		return 0;
	was = atomic_load(&server->health);
	do {
		next = marked(was, now_ms, retry_after_ms);
	} while (!atomic_compare_exchange_weak(&server->health, &was, next));
	return marks_of(next);
}

unsigned sx_server_mark_ok(struct sx_server_state *server)
{
	/* Mostly there is nothing to forget: then the line stays shared */
	if (!server || atomic_load(&server->health) == 0)
		return 0;
	return marks_of(atomic_exchange(&server->health, 0));
}

static bool is_up(uint64_t health, unsigned threshold)
{
	return marks_of(health) < (threshold ? threshold : 1);
}

enum sx_admission sx_server_admit(struct sx_server_state *server,
	uint64_t now_ms, unsigned threshold, uint64_t retry_after_ms)
{
	uint64_t was, next;

	if (!server)
		return SX_ADMIT_UP;
	was = atomic_load(&server->health);
	do {
		if (is_up(was, threshold))
			return SX_ADMIT_UP;
		if (!is_over(was, now_ms, retry_after_ms))
			return SX_ADMIT_DOWN;
		next = packed(now_ms, marks_of(was), PROBE);
	} while (!atomic_compare_exchange_weak(&server->health, &was, next));
	return SX_ADMIT_PROBE;
}

uint64_t sx_server_failed_at(const struct sx_server_state *server)
{
	return server ? time_of(atomic_load(&server->health)) : 0;
}

unsigned sx_server_fails(const struct sx_server_state *server)
{
	return server ? marks_of(atomic_load(&server->health)) : 0;
}

uint64_t sx_server_down_until(const struct sx_server_state *server,
	unsigned threshold, uint64_t retry_after_ms)
{
	uint64_t health = server ? atomic_load(&server->health) : 0;

	return is_up(health, threshold) ? 0 : time_of(health) + retry_after_ms;
}

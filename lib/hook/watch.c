/*
 * epoll_ctl(2), and what it leaves behind.
 */
#include "hook/watch.h"

#include "base/cache.h"
#include "hook/fdinfo.h"
#include "hook/pending.h"
#include "hook/real.h"

#include <assert.h>
#include <errno.h>

#define N_SETS 1024U
/* Numbers of epoll sets up to here are known. */
#define N_KNOWN 65536U

static struct sx_cache_set cache_sets[N_SETS];
static struct sx_cache cache = {.sets = cache_sets, .n_sets = N_SETS};
static _Atomic uint64_t known[N_KNOWN / 64];
static atomic_bool is_cache_full, is_any_unknown;

/* A registration. */
union watch {
	struct {
		uint32_t events;
		uint64_t data;
	};
	uint64_t words[SX_CACHE_WORDS];
};
static_assert(sizeof(union watch) == SX_CACHE_WORDS * 8, "fits its words");

static uint64_t key_of(int set, int fd)
{
	return (uint64_t)(uint32_t)set << 32 | ((uint32_t)fd + 1);
}

static void learn_set(int set)
{
	unsigned n = (unsigned)set;
	uint64_t bit = 1ULL << n % 64;

	if (n >= N_KNOWN)
		atomic_store(&is_any_unknown, true);
	else if (!(atomic_load(&known[n / 64]) & bit))
		atomic_fetch_or(&known[n / 64], bit);
}

static void note(int set, int op, int fd, const struct epoll_event *event)
{
	union watch w = {.words = {0}};

	if (op == EPOLL_CTL_DEL) {
		sx_cache_del(&cache, key_of(set, fd));
		return;
	}
	w.events = event->events;
	w.data = event->data.u64;
	learn_set(set);
	if (sx_cache_put(&cache, key_of(set, fd), w.words))
		atomic_store(&is_cache_full, true);
}

/* How fd was registered in set last; whether it still is, the kernel knows. */
static bool last_of(int set, int fd, struct epoll_event *out)
{
	union watch w;
	bool found = sx_cache_get(&cache, key_of(set, fd), w.words);

	if (found)
		*out = (struct epoll_event){
			.events = w.events, .data.u64 = w.data};
	/* one that fires once may have fired */
	if (found ? w.events & EPOLLONESHOT : atomic_load(&is_cache_full))
		return sx_fdinfo_watch(set, fd, out);
	return found;
}

static void take_from(int set, int fd, struct sx_watches *out)
{
	struct epoll_event event;

	if (!last_of(set, fd, &event) ||
		real_epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL))
		return;
	out->items[out->n].set = set;
	out->items[out->n++].event = event;
}

int sx_watches_take(int fd, struct sx_watches *out)
{
	out->n = 0;
	if (atomic_load(&is_any_unknown))
		return -ENOSPC;
	for (unsigned i = 0; i < N_KNOWN / 64; i++) {
		uint64_t bits = atomic_load(&known[i]);
		for (; bits; bits &= bits - 1) {
			if (out->n == SX_WATCHES_MAX) {
				sx_watches_put(fd, out);
				return -ENOSPC;
			}
			int bit = __builtin_ctzll(bits);
			take_from((int)i * 64 + bit, fd, out);
		}
	}
	return 0;
}

void sx_watches_put(int fd, const struct sx_watches *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct epoll_event event = w->items[i].event;
		real_epoll_ctl(w->items[i].set, EPOLL_CTL_ADD, fd, &event);
	}
}

static int hook_epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
	struct sx_pending *p = sx_pending_lock(fd);
	int r = real_epoll_ctl(set, op, fd, event);

	if (r == 0 && (event || op == EPOLL_CTL_DEL))
		note(set, op, fd, event);
	if (p)
		sx_pending_unlock();
	return r;
}

SX_EXPORT int epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
	return hook_epoll_ctl(set, op, fd, event);
}

/*
 * epoll_ctl(2), and what it leaves behind.
 */
#include "hook/watch.h"

#include "hook/fdinfo.h"
#include "hook/pending.h"
#include "hook/real.h"
#include "hook/watchtab.h"

#include <errno.h>

/* Numbers of epoll sets up to here are known. */
#define N_KNOWN 65536U

static _Atomic uint64_t known[N_KNOWN / 64];
static atomic_bool is_any_copied, is_any_unknown;

static uint64_t bit_of(int set)
{
	return 1ULL << (unsigned)set % 64;
}

static void learn_set(int set)
{
	unsigned n = (unsigned)set;

	if (n >= N_KNOWN)
		atomic_store(&is_any_unknown, true);
	else if (!(atomic_load(&known[n / 64]) & bit_of(set)))
		atomic_fetch_or(&known[n / 64], bit_of(set));
}

static bool is_known(int set)
{
	unsigned n = (unsigned)set;

	return n < N_KNOWN &&
	       atomic_load_explicit(&known[n / 64], memory_order_relaxed) &
		       bit_of(set);
}

static void note(int set, int op, int fd, const struct epoll_event *event)
{
	if (op != EPOLL_CTL_DEL)
		learn_set(set);
	sx_watchtab_put(set, fd, op == EPOLL_CTL_DEL ? NULL : event);
}

/* What is registered by one number belongs to the other as well: the kernel
 * has to be asked from now on. */
void sx_watches_copied(int set, int to)
{
	if (!is_known(set))
		return;
	learn_set(to);
	atomic_store(&is_any_copied, true);
}

void sx_watches_closed(int fd)
{
	sx_watchtab_clear(fd);
	if (is_known(fd) && sx_watchtab_is_ours())
		atomic_fetch_and(&known[(unsigned)fd / 64], ~bit_of(fd));
}

/* Whether fd is in the set still only the kernel knows. False: there is no
 * room for it. */
static bool take_from(int set, int fd, const struct epoll_event *event,
	struct sx_watches *out)
{
	if (out->n == SX_WATCHES_MAX)
		return false;
	if (real_epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) == 0) {
		out->items[out->n].set = set;
		out->items[out->n++].event = *event;
	}
	return true;
}

/* As the kernel says. */
static bool take_asked(int set, int fd, struct sx_watches *out)
{
	struct epoll_event event;

	return !sx_fdinfo_watch(set, fd, &event) ||
	       take_from(set, fd, &event, out);
}

static bool take_from_all(int fd, struct sx_watches *out)
{
	for (unsigned i = 0; i < N_KNOWN / 64; i++) {
		uint64_t bits = atomic_load(&known[i]);
		for (; bits; bits &= bits - 1) {
			int bit = __builtin_ctzll(bits);
			if (!take_asked((int)i * 64 + bit, fd, out))
				return false;
		}
	}
	return true;
}

static bool take(int fd, struct sx_watches *out)
{
	struct sx_watchtab_item items[SX_WATCHTAB_SETS];
	int n = atomic_load(&is_any_copied) ? -1 : sx_watchtab_get(fd, items);

	if (n < 0)
		return take_from_all(fd, out);
	for (int i = 0; i < n; i++) {
		/* one that fires once may have fired */
		bool ok = items[i].event.events & EPOLLONESHOT
				  ? take_asked(items[i].set, fd, out)
				  : take_from(items[i].set, fd, &items[i].event,
					    out);
		if (!ok)
			return false;
	}
	return true;
}

int sx_watches_take(int fd, struct sx_watches *out)
{
	out->n = 0;
	if (atomic_load(&is_any_unknown))
		return -ENOSPC;
	if (take(fd, out))
		return 0;
	sx_watches_put(fd, out);
	return -ENOSPC;
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

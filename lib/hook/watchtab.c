#include "hook/watchtab.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define PER_PAGE 1024U
#define N_PAGES  4096U

/* set: its number plus 1; 0: none. */
struct slot {
	_Atomic uint32_t set, events;
	_Atomic uint64_t data;
};

/* A seqlock: seq is odd while one writer is in. */
struct entry {
	_Atomic uint32_t seq;
	atomic_bool is_lost; /* something of it could not be kept */
	struct slot slots[SX_WATCHTAB_SETS];
};

/* Made at its first entry, and then it stays. */
struct page {
	struct entry of[PER_PAGE];
};

static _Atomic(struct page *) pages[N_PAGES];
static atomic_bool is_any_lost; /* and it is not known of which */
static atomic_int owner;        /* the process whose numbers they are */

static struct entry *entry_of(int fd)
{
	unsigned n = (unsigned)fd;
	struct page *page = n < N_PAGES * PER_PAGE
				    ? atomic_load(&pages[n / PER_PAGE])
				    : NULL;

	return page ? &page->of[n % PER_PAGE] : NULL;
}

static struct entry *make_entry(int fd)
{
	unsigned n = (unsigned)fd;
	struct page *none = NULL;

	if (entry_of(fd) || n >= N_PAGES * PER_PAGE)
		return entry_of(fd);
	if (!atomic_load(&owner))
		sx_watchtab_inherit();
	void *m = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return NULL;
	if (!atomic_compare_exchange_strong(
		    &pages[n / PER_PAGE], &none, (struct page *)m))
		munmap(m, sizeof(struct page));
	return entry_of(fd);
}

/* False: another writer is in it, perhaps the one we interrupted. */
static bool enter(struct entry *e)
{
	uint32_t seq = atomic_load(&e->seq);

	return !(seq & 1) &&
	       atomic_compare_exchange_strong(&e->seq, &seq, seq + 1);
}

static void leave(struct entry *e)
{
	atomic_fetch_add(&e->seq, 1);
}

/* The set's, or else a free one; NULL: there is none. */
static struct slot *slot_of(struct entry *e, int set)
{
	struct slot *free = NULL;

	for (unsigned i = 0; i < SX_WATCHTAB_SETS; i++) {
		uint32_t its = atomic_load(&e->slots[i].set);
		if (its == (uint32_t)set + 1)
			return &e->slots[i];
		if (its == 0 && !free)
			free = &e->slots[i];
	}
	return free;
}

static bool put(struct entry *e, int set, const struct epoll_event *event)
{
	struct slot *s = slot_of(e, set);

	if (!s)
		return !event;
	atomic_store(&s->set, event ? (uint32_t)set + 1 : 0);
	if (event) {
		atomic_store(&s->events, event->events);
		atomic_store(&s->data, event->data.u64);
	}
	return true;
}

void sx_watchtab_put(int set, int fd, const struct epoll_event *event)
{
	struct entry *e = event ? make_entry(fd) : entry_of(fd);

	if (!e) {
		if (event)
			atomic_store(&is_any_lost, true);
		return;
	}
	if (!enter(e)) {
		atomic_store(&e->is_lost, true);
		return;
	}
	if (!put(e, set, event))
		atomic_store(&e->is_lost, true);
	leave(e);
}

static bool is_empty(const struct entry *e)
{
	for (unsigned i = 0; i < SX_WATCHTAB_SETS; i++)
		if (atomic_load(&e->slots[i].set))
			return false;
	return !atomic_load(&e->is_lost);
}

bool sx_watchtab_is_ours(void)
{
	return getpid() == atomic_load(&owner);
}

void sx_watchtab_clear(int fd)
{
	struct entry *e = entry_of(fd);

	if (!e || is_empty(e) || !sx_watchtab_is_ours() || !enter(e))
		return;
	for (unsigned i = 0; i < SX_WATCHTAB_SETS; i++)
		atomic_store(&e->slots[i].set, 0);
	atomic_store(&e->is_lost, false);
	leave(e);
}

void sx_watchtab_inherit(void)
{
	atomic_store(&owner, getpid());
}

static int copy(const struct entry *e, struct sx_watchtab_item *out)
{
	int n = 0;

	for (unsigned i = 0; i < SX_WATCHTAB_SETS; i++) {
		const struct slot *s = &e->slots[i];
		uint32_t set = atomic_load(&s->set);
		if (!set)
			continue;
		out[n].set = (int)set - 1;
		out[n].event.events = atomic_load(&s->events);
		out[n++].event.data.u64 = atomic_load(&s->data);
	}
	return n;
}

int sx_watchtab_get(int fd, struct sx_watchtab_item out[SX_WATCHTAB_SETS])
{
	const struct entry *e = entry_of(fd);

	if (atomic_load(&is_any_lost))
		return -1;
	if (!e)
		return 0;
	uint32_t seq = atomic_load(&e->seq);
	int n = copy(e, out);
	if (seq & 1 || atomic_load(&e->is_lost) || atomic_load(&e->seq) != seq)
		return -1;
	return n;
}

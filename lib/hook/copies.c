#include "hook/copies.h"

#include "base/cache.h"
#include "hook/hook.h"

#define N_SETS 128U

static struct sx_cache_set sets[N_SETS];
static struct sx_cache cache = {.sets = sets, .n_sets = N_SETS};
static atomic_bool in_use;

/* Each number plus 1; 0: none. */
union numbers {
	uint32_t of[SX_COPIES_MAX];
	uint64_t words[SX_CACHE_WORDS];
};

static bool shows(uint32_t number, uint64_t cookie)
{
	uint64_t its;

	return number && sx_hook_cookie((int)number - 1, &its) && its == cookie;
}

/* In a place of its own, or of one that shows something else by now. */
static void put(union numbers *n, uint32_t number, uint64_t cookie)
{
	unsigned place = SX_COPIES_MAX - 1;

	for (unsigned i = 0; i < SX_COPIES_MAX; i++)
		if (n->of[i] == number)
			return;
	for (unsigned i = SX_COPIES_MAX; i-- > 0;)
		if (!shows(n->of[i], cookie))
			place = i;
	n->of[place] = number;
}

void sx_copies_note(int fd, int to)
{
	union numbers n;
	uint64_t cookie;

	if (!sx_hook_cookie(fd, &cookie))
		return;
	if (!sx_cache_get(&cache, cookie, n.words))
		n = (union numbers){.words = {0}};
	put(&n, (uint32_t)fd + 1, cookie);
	put(&n, (uint32_t)to + 1, cookie);
	sx_cache_put(&cache, cookie, n.words);
	atomic_store(&in_use, true);
}

unsigned sx_copies_of(int fd, int out[SX_COPIES_MAX])
{
	unsigned n_out = 0;
	union numbers n;
	uint64_t cookie;

	out[n_out++] = fd;
	if (!atomic_load_explicit(&in_use, memory_order_relaxed) ||
		!sx_hook_cookie(fd, &cookie) ||
		!sx_cache_get(&cache, cookie, n.words))
		return n_out;
	for (unsigned i = 0; i < SX_COPIES_MAX && n_out < SX_COPIES_MAX; i++)
		if (n.of[i] != (uint32_t)fd + 1 && shows(n.of[i], cookie))
			out[n_out++] = (int)n.of[i] - 1;
	return n_out;
}

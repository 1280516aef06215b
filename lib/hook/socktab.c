#include "hook/socktab.h"

#include "base/cache.h"
#include "hook/hook.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define N_SETS 2048U

static struct sx_cache_set sets[N_SETS];
static struct sx_cache cache = {.sets = sets, .n_sets = N_SETS};
static atomic_bool in_use; /* false: spare the system call */

union peer {
	struct {
		char sa[28];
		uint32_t len;
	};
	uint64_t words[SX_CACHE_WORDS];
};
static_assert(sizeof(union peer) == SX_CACHE_WORDS * 8, "fits its words");
static_assert(sizeof(struct sockaddr_in6) == 28, "fits a peer");

void sx_socktab_put(int fd, const struct sockaddr *sa, socklen_t len)
{
	union peer peer = {0};
	uint64_t cookie;

	if (!sx_hook_cookie(fd, &cookie))
		return;
	peer.len = len < sizeof(peer.sa) ? len : sizeof(peer.sa);
	memcpy(peer.sa, sa, peer.len);
	atomic_store(&in_use, true);
	sx_cache_put(&cache, cookie, peer.words);
}

bool sx_socktab_peer(int fd, struct sockaddr *sa, socklen_t *len)
{
	union peer peer;
	uint64_t cookie;

	if (!atomic_load(&in_use) || !sx_hook_cookie(fd, &cookie) ||
		!sx_cache_get(&cache, cookie, peer.words))
		return false;
	memcpy(sa, peer.sa, *len < peer.len ? *len : peer.len);
	*len = peer.len;
	return true;
}

void sx_socktab_forget(int fd)
{
	uint64_t cookie;

	if (atomic_load(&in_use) && sx_hook_cookie(fd, &cookie))
		sx_cache_del(&cache, cookie);
}

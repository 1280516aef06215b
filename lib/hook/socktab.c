#include "hook/socktab.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define N_SETS  2048U /* a power of two */
#define N_WAYS  8U
#define N_WORDS 4U /* a sockaddr_in6 of 28 bytes and its length */

/* A seqlock: seq is odd while one writer is in. All fields are atomic, so a
 * torn read is seen and thrown away, never undefined. */
struct entry {
	_Atomic uint32_t seq;
	_Atomic uint32_t stamp; /* when it was put: the oldest goes */
	_Atomic uint64_t cookie;
	_Atomic uint64_t words[N_WORDS];
};

static struct entry table[N_SETS][N_WAYS];
static _Atomic uint32_t clock_stamp;
static atomic_bool in_use; /* false: spare the system call */

union peer {
	struct {
		char sa[28];
		uint32_t len;
	};
	uint64_t words[N_WORDS];
};
static_assert(sizeof(union peer) == N_WORDS * 8, "fits its words");
static_assert(sizeof(struct sockaddr_in6) == 28, "fits a peer");

static bool cookie_of(int fd, uint64_t *cookie)
{
	socklen_t len = sizeof(*cookie);
	int saved = errno;
	bool ok = getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &len) == 0 &&
		  *cookie != 0;

	errno = saved;
	return ok;
}

static struct entry *set_of(uint64_t cookie)
{
	return table[(cookie * 0x9e3779b97f4a7c15ULL >> 32) % N_SETS];
}

static struct entry *find(uint64_t cookie)
{
	struct entry *set = set_of(cookie);

	for (unsigned i = 0; i < N_WAYS; i++)
		if (atomic_load(&set[i].cookie) == cookie)
			return &set[i];
	return NULL;
}

static struct entry *oldest(uint64_t cookie)
{
	struct entry *set = set_of(cookie), *best = &set[0];
	uint32_t now = atomic_load(&clock_stamp);

	for (unsigned i = 1; i < N_WAYS; i++)
		if (now - atomic_load(&set[i].stamp) >
			now - atomic_load(&best->stamp))
			best = &set[i];
	return best;
}

/* False: another writer is in this entry, perhaps the one we interrupted. */
static bool write_entry(
	struct entry *e, uint64_t cookie, const union peer *peer)
{
	uint32_t seq = atomic_load(&e->seq);

	if (seq & 1 || !atomic_compare_exchange_strong(&e->seq, &seq, seq + 1))
		return false;
	atomic_store(&e->cookie, cookie);
	atomic_store(&e->stamp, atomic_fetch_add(&clock_stamp, 1) + 1);
	for (unsigned i = 0; i < N_WORDS; i++)
		atomic_store(&e->words[i], peer->words[i]);
	atomic_store(&e->seq, seq + 2);
	return true;
}

static bool read_entry(struct entry *e, uint64_t cookie, union peer *peer)
{
	uint32_t seq = atomic_load(&e->seq);

	if (seq & 1)
		return false;
	for (unsigned i = 0; i < N_WORDS; i++)
		peer->words[i] = atomic_load(&e->words[i]);
	return atomic_load(&e->cookie) == cookie && atomic_load(&e->seq) == seq;
}

void sx_socktab_put(int fd, const struct sockaddr *sa, socklen_t len)
{
	union peer peer = {0};
	uint64_t cookie;

	if (!cookie_of(fd, &cookie))
		return;
	peer.len = len < sizeof(peer.sa) ? len : sizeof(peer.sa);
	memcpy(peer.sa, sa, peer.len);
	atomic_store(&in_use, true);
	struct entry *e = find(cookie);
	for (unsigned i = 0; i < N_WAYS; i++) {
		if (write_entry(e ? e : oldest(cookie), cookie, &peer))
			return;
		e = set_of(cookie) + i;
	}
}

bool sx_socktab_peer(int fd, struct sockaddr *sa, socklen_t *len)
{
	union peer peer;
	uint64_t cookie;

	if (!atomic_load(&in_use) || !cookie_of(fd, &cookie))
		return false;
	struct entry *e = find(cookie);
	if (!e || !read_entry(e, cookie, &peer))
		return false;
	memcpy(sa, peer.sa, *len < peer.len ? *len : peer.len);
	*len = peer.len;
	return true;
}

void sx_socktab_forget(int fd)
{
	static const union peer none;
	uint64_t cookie;

	if (!atomic_load(&in_use) || !cookie_of(fd, &cookie))
		return;
	struct entry *e = find(cookie);
	if (e)
		write_entry(e, 0, &none);
}

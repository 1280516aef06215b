#include "hook/failure.h"

#include "base/addr.h"
#include "base/cache.h"
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>

#define N_SETS 256U

static struct sx_cache_set sets[N_SETS];
static struct sx_cache cache = {.sets = sets, .n_sets = N_SETS};
static atomic_bool in_use;

union failure {
	struct {
		int err;
		bool is_told;
		bool is_kernels; /* it has an error for it too */
	};
	uint64_t words[SX_CACHE_WORDS];
};

/*
 * The kernel numbers sockets in a row, in as many rows as there are
 * processors. Consecutive keys would share a set, and where two rows meet in
 * it the first of many failures at once would go.
 */
static uint64_t key_of(uint64_t cookie)
{
	return cookie * SX_CACHE_WAYS;
}

static bool find(int fd, uint64_t *cookie, union failure *f)
{
	return atomic_load_explicit(&in_use, memory_order_relaxed) &&
	       sx_hook_cookie(fd, cookie) &&
	       sx_cache_get(&cache, key_of(*cookie), f->words);
}

static void clear_error(int fd)
{
	int err;
	socklen_t len = sizeof(err);

	real_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
}

/* Nothing listens at port 0, and the loopback says so at once. A socket that
 * is tied to an interface would send it out there. */
static void be_refused(int fd, int domain)
{
	struct sx_ip ip = sx_ip_loopback((sa_family_t)domain);
	struct sockaddr_storage sa;
	int off = 0;

	if (sx_hook_is_tied(fd, domain))
		return;
	real_setsockopt(
		fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &off, sizeof(off));
	socklen_t len = sx_ip_to_sockaddr(&ip, 0, (sa_family_t)domain, &sa);
	int flags = real_fcntl(fd, F_GETFL);
	real_fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	real_connect(fd, (struct sockaddr *)&sa, len);
	real_fcntl(fd, F_SETFL, flags);
}

void sx_failure_make(int fd, int domain, int err)
{
	union failure f = {.words = {0}};
	struct pollfd p = {.fd = fd};
	uint64_t cookie;

	be_refused(fd, domain);
	if (poll(&p, 1, 0) == 0) /* no loopback: then as far as it can be */
		sx_hook_unconnect(fd);
	poll(&p, 1, 0);
	f.err = err;
	f.is_kernels = p.revents & POLLERR;
	if (!sx_hook_cookie(fd, &cookie))
		return;
	sx_cache_put(&cache, key_of(cookie), f.words);
	atomic_store(&in_use, true);
}

int sx_failure_so_error(int fd, int said)
{
	union failure f;
	uint64_t cookie;

	if (!find(fd, &cookie, &f) || f.is_told)
		return said;
	f.is_told = true;
	sx_cache_put(&cache, key_of(cookie), f.words);
	/* read() or write() may have told it */
	return f.is_kernels && !said ? 0 : f.err;
}

int sx_failure_connect(int fd)
{
	union failure f;
	uint64_t cookie;

	if (!find(fd, &cookie, &f))
		return 0;
	sx_cache_del(&cache, key_of(cookie));
	sx_hook_unconnect(fd);
	clear_error(fd);
	return f.is_told ? ECONNABORTED : f.err;
}

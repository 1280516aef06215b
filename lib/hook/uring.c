/*
 * io_uring: what a program puts into a ring, the kernel does past every hook.
 * liburing, and programs that call the kernel by syscall(2), get the answer of
 * a kernel where it is switched off (kernel.io_uring_disabled), and take epoll
 * instead.
 */
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>
#include <stddef.h>

struct io_uring;
struct io_uring_params;

/* Of liburing, which need not be there when this is built. */
int io_uring_queue_init(
	unsigned entries, struct io_uring *ring, unsigned flags);
int io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
	struct io_uring_params *params);
int io_uring_queue_init_mem(unsigned entries, struct io_uring *ring,
	struct io_uring_params *params, void *room, size_t size);

bool sx_hook_may_use_io_uring(void)
{
	struct sx_engine *e = sx_hook_engine();

	if (e && sx_engine_conf(e)->allow_leaks)
		return true;
	sx_hook_refuse(EPERM, "io_uring", NULL, NULL);
	return false;
}

SX_EXPORT int io_uring_queue_init(
	unsigned entries, struct io_uring *ring, unsigned flags)
{
	int (*next)(unsigned, struct io_uring *, unsigned) =
		real_dlsym(RTLD_NEXT, "io_uring_queue_init");

	return next && sx_hook_may_use_io_uring() ? next(entries, ring, flags)
						  : -EPERM;
}

SX_EXPORT int io_uring_queue_init_params(
	unsigned entries, struct io_uring *ring, struct io_uring_params *params)
{
	int (*next)(unsigned, struct io_uring *, struct io_uring_params *) =
		real_dlsym(RTLD_NEXT, "io_uring_queue_init_params");

	return next && sx_hook_may_use_io_uring() ? next(entries, ring, params)
						  : -EPERM;
}

SX_EXPORT int io_uring_queue_init_mem(unsigned entries, struct io_uring *ring,
	struct io_uring_params *params, void *room, size_t size)
{
	int (*next)(unsigned, struct io_uring *, struct io_uring_params *,
		void *, size_t) =
		real_dlsym(RTLD_NEXT, "io_uring_queue_init_mem");

	return next && sx_hook_may_use_io_uring()
		       ? next(entries, ring, params, room, size)
		       : -EPERM;
}

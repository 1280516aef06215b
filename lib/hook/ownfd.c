#include "hook/ownfd.h"

#include "hook/real.h"

#include <errno.h>
#include <fcntl.h>

/* The kernel's table is as long as the largest number: do not make it long
 * where there is room anyway. */
#define MANY  16384U
#define FROM  8192
#define EXTRA 65536U

struct sx_fdtab sx_ownfds;

void sx_ownfd_begin(struct sx_ownfd *o)
{
	getrlimit(RLIMIT_NOFILE, &o->limit);
	struct rlimit raised = o->limit;

	o->is_raised = 0;
	if (o->limit.rlim_cur > MANY) {
		o->from = FROM;
		return;
	}
	o->from = (int)o->limit.rlim_cur / 2;
	raised.rlim_cur += EXTRA;
	if (raised.rlim_cur > raised.rlim_max)
		raised.rlim_cur = raised.rlim_max;
	if (raised.rlim_cur == o->limit.rlim_cur ||
		setrlimit(RLIMIT_NOFILE, &raised))
		return;
	o->from = (int)o->limit.rlim_cur;
	o->is_raised = 1;
}

int sx_ownfd_dup(const struct sx_ownfd *o, int fd)
{
	int own = real_fcntl(fd, F_DUPFD_CLOEXEC, o->from);

	if (own < 0)
		return -errno;
	if (sx_fdtab_set(&sx_ownfds, own, &sx_ownfds)) {
		real_close(own);
		return -ENOMEM;
	}
	return own;
}

int sx_ownfd_move(const struct sx_ownfd *o, int fd)
{
	if (fd < 0)
		return fd;
	int own = sx_ownfd_dup(o, fd);
	real_close(fd);
	return own;
}

void sx_ownfd_end(const struct sx_ownfd *o)
{
	if (o->is_raised)
		setrlimit(RLIMIT_NOFILE, &o->limit);
}

int sx_ownfd_dup3(int fd, int to, int flags)
{
	int r = real_dup3(fd, to, flags);
	struct sx_ownfd room;

	if (r >= 0)
		return r;
	sx_ownfd_begin(&room);
	r = real_dup3(fd, to, flags);
	sx_ownfd_end(&room);
	return r;
}

void sx_ownfd_close(int fd)
{
	if (fd < 0)
		return;
	sx_fdtab_set(&sx_ownfds, fd, NULL);
	real_close(fd);
}

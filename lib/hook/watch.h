/*
 * Registrations in epoll sets, which are the kernel's and know a file by its
 * number and itself: when another file takes over a number they are to come
 * with it.
 *
 * The program's own epoll_ctl() tells what was registered last; what is not
 * known from there any more, or may have fired since, is read from
 * /proc/self/fdinfo.
 */
#ifndef SX_HOOK_WATCH_H
#define SX_HOOK_WATCH_H

#include <sys/epoll.h>

#define SX_WATCHES_MAX 32

/* Of one number. */
struct sx_watches {
	struct {
		int set;
		struct epoll_event event;
	} items[SX_WATCHES_MAX];
	unsigned n;
};

/* Takes fd out of all sets, to be put back; 0, or -ENOSPC when there are too
 * many: then it is in all of them still. */
int sx_watches_take(int fd, struct sx_watches *out);

/* Puts what is under the number now into the same sets. */
void sx_watches_put(int fd, const struct sx_watches *w);

/* to is a copy of the number set, if that is of an epoll set. */
void sx_watches_copied(int set, int to);

/* The number shows nothing any more, or is about not to, or something else
 * than before. */
void sx_watches_closed(int fd);

#endif

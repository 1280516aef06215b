/*
 * What the program registered last in epoll sets, by number: exact, or it
 * says that it does not know. Nothing of it goes for want of room.
 *
 * Lock-free: where two change what is known of one number at once, or a
 * signal handler does between, it is not known any more.
 */
#ifndef SX_HOOK_WATCHTAB_H
#define SX_HOOK_WATCHTAB_H

#include <stdbool.h>
#include <sys/epoll.h>

/* So many sets are known of one number. */
#define SX_WATCHTAB_SETS 4U

struct sx_watchtab_item {
	int set;
	struct epoll_event event;
};

/* fd is registered in the set so; NULL: not any more. [any thread]
 * [signal-safe] [after fork] */
void sx_watchtab_put(int set, int fd, const struct epoll_event *event);

/* False in a child of vfork(), which sees the parent's table. The same
 * guarantees. */
bool sx_watchtab_is_ours(void);

/* The number is closed, and in no set any more, if the table is
 * ours. The same guarantees. */
void sx_watchtab_clear(int fd);

/* In a child of fork(): the numbers are its own now. */
void sx_watchtab_inherit(void);

/*
 * How fd was registered last, and in which sets; it may be in them no more.
 * How many, or -1: that is not known, and the kernel has to be asked. The
 * same guarantees.
 */
int sx_watchtab_get(int fd, struct sx_watchtab_item out[SX_WATCHTAB_SETS]);

#endif

/*
 * /proc/self/fdinfo: what the kernel says of an epoll set.
 */
#ifndef SX_HOOK_FDINFO_H
#define SX_HOOK_FDINFO_H

#include <stdbool.h>
#include <sys/epoll.h>

/* How fd is registered in the set; false if it is not, or cannot be known.
 * [any thread] [signal-safe] */
bool sx_fdinfo_watch(int set, int fd, struct epoll_event *out);

#endif

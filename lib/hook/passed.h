/*
 * Descriptors in a message (SCM_RIGHTS).
 */
#ifndef SX_HOOK_PASSED_H
#define SX_HOOK_PASSED_H

#include <sys/socket.h>

/* Calls each for every one of them. */
void sx_passed_fds(const struct msghdr *msg, void (*each)(int fd));

#endif

/*
 * Options and names of a socket whose connection is pending: they are those
 * of the socket, not of what stands for it, but for what the dial would show.
 */
#ifndef SX_HOOK_PENDOPT_H
#define SX_HOOK_PENDOPT_H

#include <stdbool.h>
#include <sys/socket.h>

/* False: fd is not pending, and nothing is done. True: *r and errno are what
 * the function of that name in libc would give. */
bool sx_pendopt_set(
	int fd, int level, int name, const void *val, socklen_t len, int *r);
bool sx_pendopt_get(
	int fd, int level, int name, void *val, socklen_t *len, int *r);
bool sx_pendopt_name(int fd, struct sockaddr *sa, socklen_t *len, int *r);

#endif

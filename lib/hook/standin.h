/*
 * What stands under a program's number while its connection is pending: one
 * end of a socketpair that is neither readable nor writable, and so looks to
 * poll() and its relatives like a socket that is connecting; send() and
 * recv() say EAGAIN. Its other end is ours: there it is seen that the
 * program has let go of it.
 */
#ifndef SX_HOOK_STANDIN_H
#define SX_HOOK_STANDIN_H

#include "hook/ownfd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sx_standin {
	int peer;        /* the other end: ours */
	uint64_t cookie; /* of the end that the program has */
	size_t filled;   /* bytes that make it full */
};

/* A number for the end that the program is to get, for the caller to put in
 * place and close; or -errno. */
int sx_standin_make(struct sx_standin *s, const struct sx_ownfd *room);

/* Is it still what this number shows? */
bool sx_standin_is_at(const struct sx_standin *s, int fd);

/*
 * The connection is in its place: whoever polls the stand-in wakes. What a
 * thread wrote into it that was waiting in a blocking write() goes on to
 * sock. True if nobody has hold of the stand-in any more; else call again
 * when the peer says something, and from time to time.
 */
bool sx_standin_drain(struct sx_standin *s, int sock);

/* Harmless twice. */
void sx_standin_close(struct sx_standin *s);

#endif

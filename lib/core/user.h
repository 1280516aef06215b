/*
 * As which user a connection is made.
 */
#ifndef SX_CORE_USER_H
#define SX_CORE_USER_H

#include "conf/conf.h"
#include "proto/handshake.h"

struct sx_user {
	struct sx_credentials credentials;
	char token[33]; /* what the password is with isolation */
};

/*
 * One of the server's users: any, or one for the life of the process (and
 * what it forks), as configured; none if it has none. The strings are the
 * configuration's. With isolation a made-up one instead, in Tor's form
 * (proposal 351): user <torS0X>0 and a password that is the same for what
 * may share a circuit. [any thread] [signal-safe] [after fork]
 */
void sx_user_choose(const struct sx_server_conf *server,
	const struct sx_dest *dest, struct sx_user *out);

/* user is a copy of from, at another place: it no longer points there. */
void sx_user_moved(struct sx_user *user, const struct sx_user *from);

/* A number below n, n > 0, that nobody can foresee. */
unsigned sx_random_below(unsigned n);

#endif

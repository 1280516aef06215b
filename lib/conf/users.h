/*
 * The users of a server: a list that grows, and the file that gives it.
 */
#ifndef SX_CONF_USERS_H
#define SX_CONF_USERS_H

#include "base/err.h"
#include "conf/conf.h"

struct sx_users {
	struct sx_user_conf *items;
	unsigned n;
};

/* Takes user and password over, also on failure; user NULL: there was no
 * memory for it. password may be NULL. 0 or -ENOMEM. */
int sx_users_add(struct sx_users *users, char *user, char *password);

/*
 * Reads a regular file of at most 1 MiB into *users, which must be empty: one
 * USER:PASSWORD per line, 1 to 255 bytes each, no ":" in the user; white
 * space counts. Lines that are empty or start with "#" are left out, and one
 * other there is. *exposed: others than the owner can read it. 0, or negative
 * errno with words in err that name all lines that are wrong, but no part of
 * the file; *users is empty then.
 */
int sx_users_read(struct sx_users *users, const char *path, bool *exposed,
	struct sx_err *err);

/* SOCKS4 has a user alone. */
bool sx_users_have_passwords(enum sx_proto proto);

/* Wipes and frees all; twice is harmless. */
void sx_users_fini(struct sx_users *users);

#endif

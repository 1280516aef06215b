/*
 * The names that were looked up and the addresses that stand for them, so
 * that a connect() to such an address can send the name to the server
 * instead.
 *
 * Addresses come from 198.18.0.0/15 (RFC 2544, never routed) and from the
 * unique local prefix fd53:6f63:6b73::/64 (RFC 4193), the same number in
 * both. What is behind them is known to all processes of the user: the table
 * is the file `names` in the folder of shared.h, 36 MB of holes. Where it
 * cannot be had, memory that belongs to the process and what it forks takes
 * its place; where not even that can, names have no addresses.
 *
 * An address means one name as long as that is used: each lookup of the name
 * and each use of the address counts, and one that was not used for a day may
 * be given to another name. When none can be had, a new name is an error.
 * Each table begins at an address drawn by lot, so that one that is handed
 * to a process with another table means nothing there, nearly always.
 *
 * The file is opened at the first name or address of the pools that is asked
 * for. There is no lock: a process may fork, or be killed, at any moment. How
 * that is done: nametable.h.
 */
#ifndef SX_CORE_FAKEDNS_H
#define SX_CORE_FAKEDNS_H

#include "base/addr.h"
#include "base/sys.h"
#include "core/shared.h"

/* 512 networks of 254 addresses: .0 and .255 are not handed out, since
 * programs take them for a network and a broadcast address. */
#define SX_FAKEDNS_MAX (512U * 254U)

struct sx_fakedns;

/* A table of n <= SX_FAKEDNS_MAX names, which belongs to the process and what
 * it forks, by the clock of sys (borrowed). 0 or -ENOMEM. */
int sx_fakedns_new(
	struct sx_fakedns **out, const struct sx_sys *sys, uint32_t n);
void sx_fakedns_free(struct sx_fakedns *table); /* NULL is harmless */

/* From now on the table is the user's. path is borrowed. Before the first
 * name, and before any thread uses the table. */
void sx_fakedns_share(
	struct sx_fakedns *table, const struct sx_state_path *path);

/*
 * The address of the family (AF_INET, AF_INET6) that stands for name, which
 * is normalised; the same for the same name, but where two processes asked
 * for it first in the same moment it may have two. 0; -EAGAIN: all addresses
 * are in use, or there is no room on the disk. errno is kept.
 * [any thread] [signal-safe] [after fork]
 */
int sx_fakedns_get(struct sx_fakedns *table, const char *name,
	sa_family_t family, struct sx_ip *out);

/* True for an address of either pool, whether it has a name or not.
 * [signal-safe] */
bool sx_fakedns_contains(const struct sx_ip *ip);

/* Copies the name that an address stands for; false: there is none. errno is
 * kept. [any thread] [signal-safe] [after fork] */
bool sx_fakedns_name(struct sx_fakedns *table, const struct sx_ip *ip,
	char name[SX_NAME_MAX + 1]);

#endif

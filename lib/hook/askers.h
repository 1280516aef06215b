/*
 * Who may ask a nameserver's responder: this process' own sockets, and
 * nobody else on this machine, who could read from the answers which names
 * this process uses.
 *
 * A socket is known by its address. One that sends with an address, or
 * connects by TCP, gets a ticket for each question or connection. One that
 * is connected by UDP may ask as long as it is there, which its inode in
 * /proc/net/udp shows: its port may be another's later.
 *
 * Plain data: the caller has a lock, and does the I/O without it.
 */
#ifndef SX_HOOK_ASKERS_H
#define SX_HOOK_ASKERS_H

#include "base/addr.h"

#define SX_ASKERS_MAX 512

struct sx_asker {
	struct sx_ip ip;
	uint16_t port;
	bool is_tcp;
};

struct sx_askers {
	struct sx_asker_entry {
		struct sx_asker who;
		uint64_t inode;   /* 0: has tickets */
		uint64_t seen_ns; /* when it was last known to be there */
		unsigned tickets;
		unsigned missed; /* so often it was not found */
	} items[SX_ASKERS_MAX];
	unsigned n;
};

/* One more ticket, or with an inode leave to ask on. False: the table is
 * full. */
bool sx_askers_let(struct sx_askers *t, const struct sx_asker *who,
	uint64_t inode, uint64_t now_ns);

/* So often an asker has to be missed until it is gone. */
#define SX_ASKERS_MISSED_MAX 3

enum sx_may_ask {
	SX_ASK_NO,
	SX_ASK_YES,   /* a ticket is taken */
	SX_ASK_CHECK, /* look whether its socket is still there, ask again */
};

enum sx_may_ask sx_askers_take(
	struct sx_askers *t, const struct sx_asker *who, uint64_t now_ns);

/* The inodes that are to be looked for; returns how many. */
unsigned sx_askers_inodes(
	const struct sx_askers *t, uint64_t inodes[SX_ASKERS_MAX]);

/*
 * What was found: of inodes, those with found[i] are there. A list of
 * /proc that changes while it is read may lack one: only what is missed
 * several times is gone.
 */
void sx_askers_found(struct sx_askers *t, const uint64_t *inodes,
	const bool *found, unsigned n, uint64_t now_ns);

/* Removes tickets that nobody has used for long. */
void sx_askers_expire(struct sx_askers *t, uint64_t now_ns);

/* Marks in found[] which of the inodes a piece of /proc/net/udp names; the
 * piece is of whole lines. */
void sx_askers_read(
	char *lines, const uint64_t *inodes, bool *found, unsigned n);

#endif

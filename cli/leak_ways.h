/*
 * The ways of using the network that `socksify leaktest` tries: one table
 * for the command, which reports on them, and for socksify-probe, which goes
 * them.
 */
#ifndef SX_CLI_LEAK_WAYS_H
#define SX_CLI_LEAK_WAYS_H

enum sx_way_flag {
	SX_WAY_LIMIT = 1,    /* no preloaded library can stop it: known */
	SX_WAY_V6 = 2,       /* where the kernel has IPv6 */
	SX_WAY_URING = 4,    /* where the kernel has io_uring */
	SX_WAY_STATIC = 8,   /* where the static program could be built */
	SX_WAY_LAUNCH = 16,  /* the static program itself is run */
	SX_WAY_INBOUND = 32, /* it listens; somebody outside calls */
};

struct sx_way {
	const char *name;
	const char *text;
	unsigned flags; /* of enum sx_way_flag */
};

enum {
#define SX_WAY(name, text, flags) SX_WAY_##name,
#include "leak_ways.def"
#undef SX_WAY
	SX_N_WAYS
};

#endif

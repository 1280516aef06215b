/*
 * What operands name, and what things are called.
 */
#ifndef SX_CLI_NAMES_H
#define SX_CLI_NAMES_H

#include "conf/conf.h"
#include "core/learned.h"

/*
 * The servers of these names, in the configuration's order, each once; all of
 * them when there is no name. chosen has room for all. 0, or -1 after a message
 * on standard error: there is no server of that name.
 */
int sx_names_choose(char *const *names, const struct sx_conf *conf,
	unsigned *chosen, unsigned *n);

/* "HOST:PORT", "[2001:db8::1]:443". 0, or -1 after a message that begins with
 * what. */
int sx_names_dest(const char *what, const char *text, struct sx_dest *out);

/* "safe", "unsafe", "unknown". */
const char *sx_name_of_pipelining(enum sx_pipelining verdict);

#endif

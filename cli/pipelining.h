/*
 * Finding out, before a program runs, which servers can be spoken to in one
 * round trip.
 */
#ifndef SX_CLI_PIPELINING_H
#define SX_CLI_PIPELINING_H

#include "conf/conf.h"

/*
 * Asks the SOCKS5 servers with `pipeline = auto` of which nothing is known,
 * all side by side, for a second at most, and puts down what they show in the
 * state that processes share. Servers that are down, or that were asked in
 * vain within the last minute, are left alone. Takes *conf over.
 */
void sx_pipelining_learn(struct sx_conf *conf);

#endif

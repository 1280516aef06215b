/*
 * Everybody whom the probes of `socksify leaktest` can talk to: the servers
 * of the configuration, and targets that echo and answer DNS questions, so
 * that what leaks also works.
 */
#ifndef SX_CLI_LEAK_SERVE_H
#define SX_CLI_LEAK_SERVE_H

#include "leak_room.h"

/*
 * Listens at all addresses of the plan and serves them in a process of its
 * own, which ends with the namespace. Servers that cannot be played become
 * notes. 0 or -errno.
 */
int sx_leak_serve(struct sx_leak_room *room);

/*
 * Makes the question in buf, of n bytes, into its answer: the targets'
 * addresses or name, whatever is asked. Its length; 0: no question.
 */
size_t sx_leak_dns_answer(
	const struct sx_leak_plan *plan, uint8_t *buf, size_t n, size_t size);

#endif

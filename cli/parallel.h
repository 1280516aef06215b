/*
 * Things that wait, done side by side.
 */
#ifndef SX_CLI_PARALLEL_H
#define SX_CLI_PARALLEL_H

#include <stdbool.h>

/*
 * Calls work(arg, i) for each i < n, each in a thread of its own, and waits
 * until all are done or limit_ms have passed (0: no limit). True: all are
 * done. False: some go on, so arg and what it points to must stay until the
 * process ends or becomes another program.
 */
bool sx_parallel(unsigned n, void (*work)(void *arg, unsigned i), void *arg,
	unsigned limit_ms);

#endif

/* Epoll sets, for the probes that judge them. */
#ifndef PROBE_EPOLL_H
#define PROBE_EPOLL_H

#include "probe.h"

#include <sys/epoll.h>

int set_new(void);
void set_control(int set, int op, int fd, unsigned int events, uint64_t tag);

/* Nothing is told within so many ms. */
void set_quiet(int set, int ms);

/* One event, and exactly that, within 20 s. */
void set_expect(int set, unsigned int events, uint64_t tag);

#endif

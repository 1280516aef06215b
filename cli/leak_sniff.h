/*
 * What goes over the loopback of the room: the evidence on which
 * `socksify leaktest` judges. It sees every packet, whoever sends it and
 * however.
 *
 * A packet is seen when its sender's system call returns, so nothing has to
 * be waited for once a probe has ended.
 */
#ifndef SX_CLI_LEAK_SNIFF_H
#define SX_CLI_LEAK_SNIFF_H

#include "leak_plan.h"

/* What has been seen since it was zeroed; static texts, NULL: nothing. */
struct sx_leak_seen {
	const char *leak;    /* "tcp", "udp", "dns", "icmp", "ip" */
	const char *carried; /* "tcp", "udp": a server has reached a target */
};

/* A socket that sees all from now on, or -errno. */
int sx_leak_sniff_open(void);

/* Reads what is there, without waiting. 0; -ENOBUFS when packets were lost;
 * or another -errno. */
int sx_leak_sniff_read(
	int fd, const struct sx_leak_plan *plan, struct sx_leak_seen *seen);

#endif

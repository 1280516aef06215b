/*
 * Datagrams: what the probes of UDP share. They are called
 *	NAME HOST PORT [--mapped] [--proxied] [--only CHECK]
 *	HOST PORT	the UDP echo of tests/e2e/targets.py; its other port is
 *			one higher
 * and run their checks side by side as those of probe_gate.h do.
 */
#ifndef PROBE_UDP_H
#define PROBE_UDP_H

#include "probe_gate.h"

#define UDP_LIMIT_MS 20000

/* The two ports of the echo. */
extern struct probe_addr udp_to, udp_other;

/* For probes whose main() does not call udp_run(): the address of this
 * family. */
void udp_set(const char *host, const char *port, int family);

/* What main() returns. */
int udp_run(int argc, char **argv, const struct check *checks, int n);

/* A datagram socket of the echo's family, with flags like SOCK_NONBLOCK; the
 * variant is connected to it. */
int udp_socket(int flags);
int udp_connected(void);

/* Sends text to an address, or NULL: to where the socket is connected. */
void udp_say(int fd, const char *text, const struct probe_addr *to);

/* Waits for the next datagram: it is text, and comes from there. */
void udp_hear(int fd, const char *text, const struct probe_addr *from);

/* Both, with words that nobody else says. udp_talk() is for a socket that is
 * connected. */
void udp_ask(int fd, const struct probe_addr *to);
void udp_talk(int fd);

/* Waits until there is something to read. */
void udp_wait(int fd);

/* Nothing is there. */
void udp_nothing(int fd);

#endif

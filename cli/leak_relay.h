/*
 * A proxy server that knows as much of SOCKS4, SOCKS4A, SOCKS5 and HTTP
 * CONNECT as `socksify leaktest` needs, datagrams included. Any credentials are
 * right. It connects from addresses of its own, by which its connections are
 * told from those that go around it.
 */
#ifndef SX_CLI_LEAK_RELAY_H
#define SX_CLI_LEAK_RELAY_H

#include "leak_plan.h"

/* Carries the datagrams of all SOCKS5 clients that come to fd, for ever; the
 * port is that of the server. It is borrowed. [any thread] */
void sx_leak_relay_datagrams(const struct sx_leak_plan *plan, int fd);

/* Serves one client until it ends, and closes fd. [any thread] */
void sx_leak_relay(const struct sx_leak_plan *plan, int fd);

#endif

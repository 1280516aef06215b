/*
 * What the tests of the dial share: four servers, a plan, and the run of a
 * script.
 */
#ifndef SX_TESTS_UNIT_DIAL_FIXTURE_H
#define SX_TESTS_UNIT_DIAL_FIXTURE_H

#include "base/log.h"
#include "core/dial.h"
#include "script.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GREETING "\x05\x01\x00"
#define METHOD   "\x05\x00"
/* CONNECT 203.0.113.9 port 0x0102 */
#define REQUEST  "\x05\x01\x00\x01\xcb\x00\x71\x09\x01\x02"
#define REPLY_5  "\x05\x00\x00\x01\x00"
#define REPLY_10 "\x00\x00\x00\x00\x00"

#define A "192.0.2.1:1080"
#define B "192.0.2.2:1081"
#define C "[2001:db8::3]:1082"

static struct sx_server_conf confs[4];
static struct sx_server servers[4];
static const unsigned order[4] = {0, 1, 2, 3};
static struct sx_dial_plan plan;
static struct sx_dial dial;

static inline void server(unsigned i, const char *ip, uint16_t port)
{
	confs[i] = (struct sx_server_conf){.name = (char *)ip,
		.host = (char *)ip,
		.port = port,
		.via = -1};
	if (sx_ip_parse(ip, &confs[i].ip))
		confs[i].ip.family = AF_UNSPEC;
	sx_server_init(&servers[i], &confs[i]);
}

static inline void setup(void)
{
	server(0, "192.0.2.1", 1080);
	server(1, "192.0.2.2", 1081);
	server(2, "2001:db8::3", 1082);
	server(3, "proxy.example.org", 1083);
	plan = (struct sx_dial_plan){
		.sys = &script_sys,
		.servers = servers,
		.order = order,
		.n_order = 1,
		.connect_timeout_ms = 10000,
		.handshake_timeout_ms = 8000,
		.reply_timeout_ms = 135000,
		.dest = {.kind = SX_DEST_IP, .port = 0x0102},
		.deadline = {150000ULL * SX_NS_PER_MS +
			     1000000ULL * SX_NS_PER_MS},
	};
	sx_ip_parse("203.0.113.9", &plan.dest.ip);
}

static inline int run_family(int family, const struct step *steps)
{
	script_start(steps);
	sx_dial_init(&dial, &plan, 7, family, O_NONBLOCK);
	int r = sx_dial_run(&dial, SX_NEVER, NULL);
	script_finish();
	return r;
}

static inline int run(const struct step *steps)
{
	return run_family(AF_INET, steps);
}

#define HANDSHAKE                                                              \
	SEND(GREETING), POLL(POLLIN), RECV(METHOD), SEND(REQUEST),             \
		POLL(POLLIN), RECV(REPLY_5), RECV(REPLY_10)

#endif

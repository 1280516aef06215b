/*
 * Who is who in the closed network of `socksify leaktest`: addresses that
 * the configuration sends to a server, and one for each configured server.
 */
#ifndef SX_CLI_LEAK_PLAN_H
#define SX_CLI_LEAK_PLAN_H

#include "base/addr.h"
#include "conf/conf.h"

#define SX_LEAK_NOTES      16
#define SX_LEAK_NOTE_BYTES 320

/* A server of the configuration, as it is played. */
struct sx_leak_server {
	const struct sx_server_conf *conf; /* borrowed */
	struct sx_ip ip; /* family 0: a unix socket, or not played */
};

struct sx_leak_plan {
	struct sx_ip target4, target6; /* what the probes want to reach */
	struct sx_ip relay4, relay6;   /* where the servers connect from */
	struct sx_ip outside4;         /* who calls a program that listens */
	struct sx_ip group4;           /* for multicast */
	uint16_t port;                 /* of the targets, TCP and UDP */
	const char *name;              /* that means the targets; static */
	bool has_v6;                   /* found out by sx_leak_room_enter() */
	struct sx_leak_server *servers;
	unsigned n_servers;
	/* for people: what could not be tried, which rule lets it all out */
	char notes[SX_LEAK_NOTES][SX_LEAK_NOTE_BYTES];
	unsigned n_notes;
};

/* conf is borrowed and must outlive the plan. 0 or -ENOMEM;
 * sx_leak_plan_fini() frees, also after a failure. */
int sx_leak_plan_init(struct sx_leak_plan *plan, const struct sx_conf *conf);
void sx_leak_plan_fini(struct sx_leak_plan *plan);

/* Notes beyond SX_LEAK_NOTES are dropped, equal ones are one. */
void sx_leak_plan_note(struct sx_leak_plan *plan, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* True when that is where one of the servers listens. */
bool sx_leak_plan_is_server(
	const struct sx_leak_plan *plan, const struct sx_ip *ip, uint16_t port);

#endif

/*
 * What a server can do, found out by asking it: connections of our own, none
 * of which reaches a destination but the one that is asked for.
 */
#ifndef SX_CORE_CHECK_H
#define SX_CORE_CHECK_H

#include "base/clock.h"
#include "base/err.h"
#include "core/learned.h"
#include "core/roster.h"

/* In this order; the first that fails is the end. */
enum sx_check_step {
	SX_CHECK_RESOLVE,     /* its host name */
	SX_CHECK_CONNECT,     /* also through the servers before it */
	SX_CHECK_GREETING,    /* SOCKS5: the method */
	SX_CHECK_CREDENTIALS, /* SOCKS5 */
	SX_CHECK_REQUEST,     /* for options.to, if there is one */
	SX_CHECK_GOOD,        /* none has failed */
};

const char *sx_check_step_name(enum sx_check_step step);

enum sx_answer {
	SX_ANSWER_UNKNOWN,
	SX_ANSWER_NO,
	SX_ANSWER_YES,
};

struct sx_check {
	enum sx_check_step step; /* the one that failed, or GOOD */
	struct sx_err err;       /* why */
	uint64_t connect_us;     /* 0: it was not reached */
	uint64_t request_us;     /* connect to answer; 0: none was asked for */
	/* SOCKS5: whether it takes that method when it is offered alone */
	enum sx_answer none, password;
	enum sx_answer udp; /* UDP ASSOCIATE */
	enum sx_pipelining pipelining;
};

struct sx_check_options {
	const struct sx_sys *sys;
	const struct sx_dest *to; /* NULL: no request */
};

/*
 * Asks server i of the roster, which must not be attached: a few connections
 * one after another, each within the configured time-outs. [any thread]
 */
void sx_check_server(const struct sx_check_options *options,
	const struct sx_roster *roster, unsigned i, struct sx_check *out);

/* Only whether it takes greeting and request in one message, in one
 * connection. UNKNOWN: the probe told nothing, or not in time. */
enum sx_pipelining sx_check_pipelining(const struct sx_sys *sys,
	const struct sx_roster *roster, unsigned i, struct sx_deadline until);

#endif

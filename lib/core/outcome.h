/*
 * What becomes of an attempt with a server, told to all processes: counters,
 * marks, and what was learned.
 */
#ifndef SX_CORE_OUTCOME_H
#define SX_CORE_OUTCOME_H

#include "core/counters.h"
#include "core/server.h"

struct sx_outcome_limits {
	unsigned fail_threshold;
	uint64_t retry_after_ms;
};

/* The attempt failed. blame: the server is at fault and its attempts are
 * spent, so it is marked. [any thread] [signal-safe] */
void sx_outcome_failed(struct sx_server *server,
	const struct sx_outcome_limits *limits, enum sx_failure failure,
	bool blame, uint64_t now_ms);

/* The server did its part: the tunnel stands, or the destination refused. */
void sx_outcome_works(struct sx_server *server);

/* True if the server's handshake is to go in one message. */
bool sx_outcome_may_pipeline(const struct sx_server *server);

/* A pipelined handshake stayed without an answer. */
void sx_outcome_pipeline_doubtful(struct sx_server *server);

/* Whether the server is known to carry no datagrams. */
bool sx_outcome_lacks_udp(const struct sx_server *server);

/* It refused to. is_sure: in so many words; else it is believed for a short
 * while only. */
void sx_outcome_no_udp(struct sx_server *server, bool is_sure);

/* It does, whatever was known. */
void sx_outcome_has_udp(struct sx_server *server);

#endif

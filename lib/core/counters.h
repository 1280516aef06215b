/*
 * What all processes of the user count of a server: attempts and what became
 * of them, and how long handshakes take.
 *
 * A caller counts the attempt first and its outcome later, so attempts less
 * outcomes are those under way and those whose process was killed. A record
 * that is NULL counts nothing. All functions: [any thread] [signal-safe]
 * [after fork].
 */
#ifndef SX_CORE_COUNTERS_H
#define SX_CORE_COUNTERS_H

#include "core/record.h"

/* Why an attempt failed. Places in the file: new ones go to the end. */
enum sx_failure {
	SX_FAILURE_UNREACHABLE, /* refused, no way there, name not found */
	SX_FAILURE_TIMEOUT,     /* not reached, or no answer, in time */
	SX_FAILURE_HANDSHAKE,   /* it broke off or talked nonsense */
	SX_FAILURE_CREDENTIALS, /* it does not want this user */
	SX_FAILURE_DESTINATION, /* it works, and has refused the request */
	SX_FAILURE_OTHER,       /* the application gave up, no memory ... */
	SX_N_FAILURES,
};

/* "unreachable" ... for people and for JSON. */
const char *sx_failure_name(enum sx_failure failure);

void sx_server_count_attempt(struct sx_server_state *server);
void sx_server_count_failure(
	struct sx_server_state *server, enum sx_failure failure);

/* handshake_us: from the connection to the server to its answer. */
void sx_server_count_success(
	struct sx_server_state *server, uint64_t handshake_us);

/* A copy. Number i of handshakes counts times from 2^i up to 2^(i+1)
 * microseconds, the first also 0, the last everything longer. */
struct sx_counters {
	uint64_t attempts, successes;
	uint64_t failures[SX_N_FAILURES];
	uint64_t handshakes[SX_HISTOGRAM_SIZE];
};

/* Never more outcomes than attempts, even while others count, unless a reset
 * came between the two. NULL: all 0. */
void sx_server_counters(
	const struct sx_server_state *server, struct sx_counters *out);

/*
 * The time that `permille` (<= 1000) of the handshakes did not exceed (500:
 * the median), in microseconds; 0 if there were none. Interpolated in the
 * bucket of the true one: from 2 us to 2^32 us it is more than half and less
 * than twice of that.
 */
uint64_t sx_counters_quantile(const struct sx_counters *c, unsigned permille);

/* Sets all counters of the server and its health to 0, word by word; what
 * was learned of it stays. */
void sx_server_reset(struct sx_server_state *server);

#endif

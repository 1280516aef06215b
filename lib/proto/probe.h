/*
 * May this server be spoken to in one round trip? A question in form of a
 * handshake that reaches no destination: greeting with one method, the
 * credentials if there are any, and a request with a command that does not
 * exist, all in one message. A server that answers it, or closes because of
 * it, has read it; one that reads only the first message stays silent.
 *
 * One round trip and one connection, which is good for nothing afterwards.
 * The answers are read by the parser that reads pipelined handshakes: what
 * it makes of this server is what it will make of them.
 *
 *	answer					verdict
 *	method (and status), then a reply	safe
 *	method (and status), then the end	safe
 *	a reply alone, or status and reply	safe: Tor
 *	method (and status), then silence	unsafe
 *	the end before the method		unsafe
 *	refuses the one offered method, where	unsafe: step by step offers
 *	there are credentials			another
 *	refuses the credentials			unknown
 *	anything else, or nothing at all	unknown
 *
 * The caller's loop is that of handshake.h; it decides how long silence is:
 * a second, or five round trips if that is longer. A pure machine, as all of
 * lib/proto.
 */
#ifndef SX_PROTO_PROBE_H
#define SX_PROTO_PROBE_H

#include "proto/handshake.h"

enum sx_probe_verdict {
	SX_PROBE_UNKNOWN, /* the probe tells nothing; step by step, then */
	SX_PROBE_SAFE,
	SX_PROBE_UNSAFE,
};

enum sx_probe_result {
	SX_PROBE_OVER = 0, /* the verdict stands */
	SX_PROBE_MORE = 1, /* feed more */
};

struct sx_probe {
	struct sx_handshake handshake; /* private, but for what it was told:
					  method, status, reply; and the
					  refusal, for the log */
	enum sx_probe_verdict verdict; /* once over */
	bool over;
};

/* credentials: as for a handshake with this server; NULL: none. The strings
 * are borrowed. 0, or -EINVAL if they do not fit (struct sx_credentials), with
 * handshake.refusal filled. */
int sx_probe_init(struct sx_probe *p, const struct sx_credentials *credentials);

/* As sx_handshake_out(), _sent(), _need(). Once over, need() is 0. */
size_t sx_probe_out(const struct sx_probe *p, const uint8_t **bytes);
void sx_probe_sent(struct sx_probe *p, size_t n);
size_t sx_probe_need(const struct sx_probe *p);

/* Takes n received bytes; what is behind the answer is ignored. */
enum sx_probe_result sx_probe_feed(
	struct sx_probe *p, const uint8_t *bytes, size_t n);

/* The server closed or reset the connection, or is silent for so long that
 * the caller waits no more: the verdict stands. One that stands stays. */
void sx_probe_eof(struct sx_probe *p);
void sx_probe_silence(struct sx_probe *p);

#endif

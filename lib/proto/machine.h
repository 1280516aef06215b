/*
 * What the protocols share: the states of a handshake and the only functions
 * that change them. For lib/proto alone; its users see handshake.h.
 *
 * A state is named after the message whose answer is awaited. As long as
 * out still holds that message, no answer is taken.
 */
#ifndef SX_PROTO_MACHINE_H
#define SX_PROTO_MACHINE_H

#include "base/bytes.h"
#include "proto/handshake.h"
#include "proto/refusal.h"

enum sx_state {
	SX_STATE_GREETING,
	SX_STATE_CREDENTIALS,
	SX_STATE_REQUEST,
	SX_STATE_DONE,
	SX_STATE_FAILED,
	SX_N_STATES
};

/* A protocol. Both functions return what sx_handshake_feed() does. */
struct sx_handshake_ops {
	const char *name;

	/* Says the first message. Credentials and destination are checked:
	 * lengths fit, no string is empty but the password. */
	int (*start)(struct sx_handshake *h);

	/* h->in has got new bytes: in_len of them, 1 to in_need. Fails as
	 * soon as they say no, raises in_need when they tell the length, and
	 * goes on when the answer is complete. The verdict may depend on the
	 * bytes alone, never on how many came together. */
	int (*answer)(struct sx_handshake *h);

	/* Instead of answer(), for answers of unknown length: takes the bytes
	 * (n >= 1) up to the end of the handshake and returns how many that
	 * are. in_len counts them up to in_need, the most that there may be;
	 * h->in is the protocol's own. NULL: answer() it is. */
	size_t (*scan)(struct sx_handshake *h, const uint8_t *bytes, size_t n);
};

/* sx_handshake_init() with another command for SOCKS5's request. */
int sx_machine_init(struct sx_handshake *h,
	const struct sx_handshake_options *options, uint8_t command);

/* An empty writer over h->out. */
struct sx_writer sx_machine_writer(struct sx_handshake *h);

/* The writer's bytes go out, then an answer is awaited in state, need bytes
 * of it at first: no more than the shortest answer has. MORE. */
int sx_machine_say(struct sx_handshake *h, const struct sx_writer *w,
	enum sx_state state, size_t need);

/* The answer awaited next belongs to what is sent already. MORE. */
int sx_machine_await(struct sx_handshake *h, enum sx_state state, size_t need);

/* As await(), where the bytes in h->in, need at most, are the beginning of
 * that answer: the caller looks at them. MORE. */
int sx_machine_await_rest(
	struct sx_handshake *h, enum sx_state state, size_t need);

/* The tunnel stands. DONE. */
int sx_machine_done(struct sx_handshake *h);

/* The end. Fills h->refusal from the table in refusal.c. code: the byte that
 * says no, or 0. Negative errno. */
int sx_machine_fail(struct sx_handshake *h, enum sx_cause cause, uint16_t code);

/* fail() by an answer which shows that the server did not take the request,
 * be it sent or not: the phase falls back to before it. */
int sx_machine_turn_away(
	struct sx_handshake *h, enum sx_cause cause, uint16_t code);

#endif

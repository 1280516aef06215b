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
};

/* An empty writer over h->out. */
struct sx_writer sx_machine_writer(struct sx_handshake *h);

/* The writer's bytes go out, then an answer is awaited in state, need bytes
 * of it at first: no more than the shortest answer has. MORE. */
int sx_machine_say(struct sx_handshake *h, const struct sx_writer *w,
	enum sx_state state, size_t need);

/* The tunnel stands. DONE. */
int sx_machine_done(struct sx_handshake *h);

/* The end. Fills h->refusal from the table in refusal.c. code: the byte that
 * says no, or 0. Negative errno. */
int sx_machine_fail(struct sx_handshake *h, enum sx_cause cause, uint8_t code);

#endif

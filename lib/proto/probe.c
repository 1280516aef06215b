#include "proto/probe.h"

#include "proto/machine.h"

/* RFC 1928 section 4 assigns 1 to 3; Tor has F0 to F2 of its own. */
#define COMMAND_NONE 0x09

static const struct sx_dest nowhere = {
	.kind = SX_DEST_IP, .port = 0, .ip = {.family = AF_INET}};

int sx_probe_init(struct sx_probe *p, const struct sx_credentials *credentials)
{
	struct sx_handshake_options options = {
		.proto = SX_PROTO_SOCKS5, .dest = &nowhere, .pipeline = true};

	if (credentials)
		options.credentials = *credentials;
	p->verdict = SX_PROBE_UNKNOWN;
	int r = sx_machine_init(&p->handshake, &options, COMMAND_NONE);
	p->over = r < 0;
	return r;
}

size_t sx_probe_out(const struct sx_probe *p, const uint8_t **bytes)
{
	return sx_handshake_out(&p->handshake, bytes);
}

void sx_probe_sent(struct sx_probe *p, size_t n)
{
	sx_handshake_sent(&p->handshake, n);
}

size_t sx_probe_need(const struct sx_probe *p)
{
	return p->over ? 0 : sx_handshake_need(&p->handshake);
}

static enum sx_probe_result end(
	struct sx_probe *p, enum sx_probe_verdict verdict)
{
	p->verdict = verdict;
	p->over = true;
	return SX_PROBE_OVER;
}

/* By an answer that ended the handshake. */
static enum sx_probe_verdict judge_answer(const struct sx_handshake *h)
{
	if (h->told.reply >= 0)
		return SX_PROBE_SAFE;
	if (sx_handshake_pipeline_suspect(h) && h->told.method >= 0 &&
		h->phase < SX_PHASE_REQUEST)
		return SX_PROBE_UNSAFE;
	return SX_PROBE_UNKNOWN;
}

/* By what was still awaited when the connection ended. Nothing is learned of
 * a server that has not got all. */
static enum sx_probe_verdict judge_eof(const struct sx_handshake *h)
{
	if (h->out_len)
		return SX_PROBE_UNKNOWN;
	switch ((enum sx_state)h->state) {
	case SX_STATE_GREETING:
		return h->in_len < 2 ? SX_PROBE_UNSAFE : SX_PROBE_UNKNOWN;
	case SX_STATE_REQUEST:
		return SX_PROBE_SAFE;
	case SX_STATE_CREDENTIALS:
	case SX_STATE_DONE:
	case SX_STATE_FAILED:
	case SX_N_STATES:
		break;
	}
	return SX_PROBE_UNKNOWN;
}

static enum sx_probe_verdict judge_silence(const struct sx_handshake *h)
{
	if (h->state == SX_STATE_GREETING && h->in_len == 0)
		return SX_PROBE_UNKNOWN;
	if (!sx_handshake_pipeline_suspect(h))
		return SX_PROBE_SAFE;
	return SX_PROBE_UNSAFE;
}

enum sx_probe_result sx_probe_feed(
	struct sx_probe *p, const uint8_t *bytes, size_t n)
{
	struct sx_handshake *h = &p->handshake;
	size_t used;

	if (p->over)
		return SX_PROBE_OVER;
	if (sx_handshake_feed(h, bytes, n, &used) == SX_HANDSHAKE_MORE)
		return SX_PROBE_MORE;
	return end(p, judge_answer(h));
}

void sx_probe_eof(struct sx_probe *p)
{
	if (p->over)
		return;
	end(p, judge_eof(&p->handshake));
	sx_handshake_eof(&p->handshake);
}

void sx_probe_silence(struct sx_probe *p)
{
	if (!p->over)
		end(p, judge_silence(&p->handshake));
}

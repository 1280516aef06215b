#include "transcript.h"

#include <check.h>
#include <errno.h>
#include <string.h>

const struct sx_dest to_name = {
	.kind = SX_DEST_NAME, .port = 0x0102, .name = "example.org"};
const struct sx_dest to_ipv4 = {.kind = SX_DEST_IP,
	.port = 0x0102,
	.ip = {.family = AF_INET, .bytes = {192, 0, 2, 1}}};
const struct sx_dest to_ipv6 = {.kind = SX_DEST_IP,
	.port = 0x0102,
	.ip = {.family = AF_INET6,
		.bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
		.scope = 0x11223344}};

/* What the destination says first. */
static const uint8_t banner[] = "SSH-2.0-banner";

/* How the server's bytes reach the machine. */
struct manner {
	size_t segment; /* at most so many at once */
	size_t cut;     /* a border behind so many bytes in all; 0: none */
	bool careless;  /* need() is not asked */
	bool banner;    /* careless, and more follows each answer */
	bool trickle;   /* what is sent goes out byte by byte */
};

struct player {
	const struct transcript *t;
	struct manner manner;
	struct sx_handshake h;
	size_t n_fed; /* in all turns */
	int result;   /* of the last feed */
};

static bool is_all_zero(const uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (at[i])
			return false;
	}
	return true;
}

/* The message is there as a whole before any of it is sent, and gone then. */
static void hear(struct player *p, const struct bytes *want)
{
	const uint8_t *at;
	size_t n = sx_handshake_out(&p->h, &at);

	ck_assert_uint_eq(n, want->n);
	ck_assert_mem_eq(at, want->at, n);
	size_t step = p->manner.trickle ? 1 : n;
	for (size_t sent = 0; sent < n; sent += step) {
		ck_assert_uint_eq(sx_handshake_need(&p->h), 0);
		ck_assert_uint_eq(sx_handshake_out(&p->h, &at), n - sent);
		ck_assert_mem_eq(at, want->at + sent, n - sent);
		sx_handshake_sent(&p->h, step);
	}
	ck_assert_uint_eq(sx_handshake_out(&p->h, &at), 0);
	ck_assert(is_all_zero(p->h.out, sizeof(p->h.out)));
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many of the left bytes of an answer come next. */
static size_t segment(const struct player *p, size_t left)
{
	size_t n = min(left, p->manner.segment);

	if (p->manner.cut > p->n_fed)
		n = min(n, p->manner.cut - p->n_fed);
	if (!p->manner.careless)
		n = min(n, sx_handshake_need(&p->h));
	return n;
}

static void feed(struct player *p, const uint8_t *at, size_t n, size_t left)
{
	uint8_t buf[2048];
	size_t used, extra = 0;

	if (p->manner.banner && n == left)
		extra = sizeof(banner);
	ck_assert_uint_le(n + extra, sizeof(buf));
	memcpy(buf, at, n);
	memcpy(buf + n, banner, extra);
	p->result = sx_handshake_feed(&p->h, buf, n + extra, &used);
	if (p->result >= 0)
		ck_assert_uint_eq(used, n);
	else
		ck_assert_uint_le(used, n + extra);
	p->n_fed += n;
}

/* The byte of an answer with which the error must come; 0: with none. */
static size_t told(const struct transcript *t, const struct bytes *in)
{
	if (t->eof || !t->error)
		return 0;
	return t->told ? t->told : in->n;
}

/* last: the transcript's verdict comes with this answer. */
static void tell(struct player *p, const struct bytes *in, bool last)
{
	size_t end = last ? told(p->t, in) : 0;

	for (size_t at = 0, n; at < in->n; at += n) {
		size_t need = sx_handshake_need(&p->h);
		ck_assert_uint_ge(need, 1);
		ck_assert_uint_le(need, SX_HANDSHAKE_NEED_MAX);
		if (!end && !p->t->eof && !sx_handshake_peek(&p->h))
			ck_assert_uint_le(need, in->n - at);
		n = segment(p, in->n - at);
		feed(p, in->at + at, n, in->n - at);
		if (end && at + n >= end)
			return;
		if (at + n < in->n)
			ck_assert_int_eq(p->result, SX_HANDSHAKE_MORE);
	}
}

static void check_refusal(struct player *p)
{
	const struct sx_refusal *refusal = &p->h.refusal;

	ck_assert_int_eq(p->result, -p->t->error);
	ck_assert_int_eq(refusal->error, p->t->error);
	ck_assert_int_eq(refusal->by_destination, p->t->by_destination);
	ck_assert_uint_eq(refusal->code, p->t->code);
	ck_assert_ptr_nonnull(refusal->text);
	ck_assert_int_eq(sx_handshake_phase(&p->h), p->t->phase);
	ck_assert_str_eq(sx_handshake_step(&p->h), "failed");
}

/* Nothing is said or taken any more, and the result stays. */
static void check_over(struct player *p)
{
	const uint8_t *at;
	size_t used = 1;

	ck_assert_uint_eq(sx_handshake_out(&p->h, &at), 0);
	ck_assert_uint_eq(sx_handshake_need(&p->h), 0);
	ck_assert(is_all_zero(p->h.out, sizeof(p->h.out)));
	sx_handshake_sent(&p->h, 1);
	ck_assert_int_eq(
		sx_handshake_feed(&p->h, banner, sizeof(banner), &used),
		p->result);
	ck_assert_uint_eq(used, 0);
	ck_assert_int_eq(sx_handshake_eof(&p->h), p->result);
}

static void check_verdict(struct player *p)
{
	if (p->t->eof)
		p->result = sx_handshake_eof(&p->h);
	ck_assert_int_eq(sx_handshake_pipeline_suspect(&p->h), p->t->suspect);
	ck_assert(!sx_handshake_awaits_reply(&p->h));
	if (p->t->error) {
		check_refusal(p);
		check_over(p);
		check_refusal(p);
		return;
	}
	ck_assert_int_eq(p->result, SX_HANDSHAKE_DONE);
	ck_assert_int_eq(sx_handshake_phase(&p->h), SX_PHASE_DONE);
	ck_assert_str_eq(sx_handshake_step(&p->h), "done");
	check_over(p);
}

static void play_once(const struct transcript *t, struct manner manner)
{
	struct player p = {.t = t, .manner = manner};
	struct sx_handshake_options options = {.proto = t->proto,
		.credentials = t->credentials,
		.dest = t->dest ? t->dest : &to_name,
		.pipeline = t->pipeline,
		.auth_required = t->auth_required};

	ck_assert_int_eq(sx_handshake_init(&p.h, &options), 0);
	ck_assert(!sx_handshake_pipeline_suspect(&p.h));
	for (size_t i = 0; i < N_TURNS_MAX && t->turns[i].out.n; i++) {
		bool last = i + 1 == N_TURNS_MAX || !t->turns[i + 1].out.n;
		hear(&p, &t->turns[i].out);
		tell(&p, &t->turns[i].in, last);
	}
	check_verdict(&p);
}

static size_t n_bytes_in(const struct transcript *t)
{
	size_t n = 0;

	for (size_t i = 0; i < N_TURNS_MAX; i++)
		n += t->turns[i].in.n;
	return n;
}

void play(const struct transcript *t)
{
	size_t n = n_bytes_in(t);

	for (int careless = 0; careless < 2; careless++) {
		struct manner manner = {.segment = n + 1, .careless = careless};
		play_once(t, manner);
		for (size_t cut = 1; cut < n; cut++) {
			manner.cut = cut;
			play_once(t, manner);
		}
		manner = (struct manner){
			.segment = 1, .careless = careless, .trickle = true};
		play_once(t, manner);
	}
	if (t->eof)
		return;
	for (size_t cut = 0; cut < n; cut++) {
		play_once(t, (struct manner){.segment = n + 1,
				     .cut = cut,
				     .careless = true,
				     .banner = true});
	}
}

/*
 * The capability probe: what each kind of server answers, and the verdict.
 */
#include "proto/probe.h"
#include "transcript.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

#define BOGUS 5, 9, 0, 1, 0, 0, 0, 0, 0, 0

enum ending {
	ANSWER, /* the last byte decides */
	END,
	SILENCE,
};

struct row {
	const char *seen_on;
	const char *user; /* NULL: no credentials */
	struct bytes answer;
	enum ending ending;
	enum sx_probe_verdict verdict;
	struct sx_told told;
};

#define ALICES .user = "alice"

static const struct row rows[] = {
	/* method, then a reply */
	{.seen_on = "plink, v2ray, ss-local, armon, things-go, hev, neosocksd",
		.answer = BYTES(5, 0, 5, 7),
		.verdict = SX_PROBE_SAFE,
		.told = {0, -1, 7}},
	{.seen_on = "3proxy",
		.answer = BYTES(5, 0, 5, 1),
		.verdict = SX_PROBE_SAFE,
		.told = {0, -1, 1}},
	{.seen_on = "v2ray, armon, things-go, 3proxy, hev with credentials",
		ALICES,
		.answer = BYTES(5, 2, 1, 0, 5, 7),
		.verdict = SX_PROBE_SAFE,
		.told = {2, 0, 7}},
	{.seen_on = "a server that connects all the same",
		.answer = BYTES(5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0),
		.verdict = SX_PROBE_SAFE,
		.told = {0, -1, 0}},
	/* method, then the end */
	{.seen_on = "dante, ssh -D, socksv5, pondwader, pproxy, asyncssh",
		.answer = BYTES(5, 0),
		.ending = END,
		.verdict = SX_PROBE_SAFE,
		.told = {0, -1, -1}},
	{.seen_on = "dante, socksv5, pproxy with credentials",
		ALICES,
		.answer = BYTES(5, 2, 1, 0),
		.ending = END,
		.verdict = SX_PROBE_SAFE,
		.told = {2, 0, -1}},
	{.seen_on = "the end within the reply",
		.answer = BYTES(5, 0, 5),
		.ending = END,
		.verdict = SX_PROBE_SAFE,
		.told = {0, -1, -1}},
	/* Tor */
	{.seen_on = "Tor",
		.answer = BYTES(5, 1, 0),
		.verdict = SX_PROBE_SAFE,
		.told = {-1, -1, 1}},
	{.seen_on = "Tor: the same with credentials",
		ALICES,
		.answer = BYTES(5, 1, 0),
		.verdict = SX_PROBE_SAFE,
		.told = {-1, -1, 1}},
	{.seen_on = "Tor, if it forgets only the first answer",
		ALICES,
		.answer = BYTES(1, 0, 5, 1),
		.verdict = SX_PROBE_SAFE,
		.told = {2, 0, 1}},
	/* method, then silence */
	{.seen_on = "microsocks, npm socks5-server, node-socks5-server",
		.answer = BYTES(5, 0),
		.ending = SILENCE,
		.verdict = SX_PROBE_UNSAFE,
		.told = {0, -1, -1}},
	{.seen_on = "microsocks, node-socks5-server with credentials",
		ALICES,
		.answer = BYTES(5, 2),
		.ending = SILENCE,
		.verdict = SX_PROBE_UNSAFE,
		.told = {2, -1, -1}},
	{.seen_on = "one that reads two messages and not the third",
		ALICES,
		.answer = BYTES(5, 2, 1, 0),
		.ending = SILENCE,
		.verdict = SX_PROBE_UNSAFE,
		.told = {2, 0, -1}},
	{.seen_on = "node-socks5-server that wants credentials: 2, not asked",
		.answer = BYTES(5, 2),
		.ending = SILENCE,
		.verdict = SX_PROBE_UNSAFE,
		.told = {-1, -1, -1}},
	/* the end before the method */
	{.seen_on = "trojan",
		.ending = END,
		.verdict = SX_PROBE_UNSAFE,
		.told = {-1, -1, -1}},
	{.seen_on = "ssh -D, asyncssh: no credentials wanted",
		ALICES,
		.ending = END,
		.verdict = SX_PROBE_UNSAFE,
		.told = {-1, -1, -1}},
	{.seen_on = "the end within the method",
		.answer = BYTES(5),
		.ending = END,
		.verdict = SX_PROBE_UNSAFE,
		.told = {-1, -1, -1}},
	/* the one method is refused, step by step offers another */
	{.seen_on = "most servers without users",
		ALICES,
		.answer = BYTES(5, 0xff),
		.verdict = SX_PROBE_UNSAFE,
		.told = {0xff, -1, -1}},
	{.seen_on = "3proxy, pproxy without users",
		ALICES,
		.answer = BYTES(5, 0),
		.verdict = SX_PROBE_UNSAFE,
		.told = {0, -1, -1}},
	/* nothing is learned */
	{.seen_on = "a server that wants credentials",
		.answer = BYTES(5, 0xff),
		.verdict = SX_PROBE_UNKNOWN,
		.told = {0xff, -1, -1}},
	{.seen_on = "one that reads the request as credentials",
		.answer = BYTES(5, 2, 1),
		.verdict = SX_PROBE_UNKNOWN,
		.told = {2, -1, -1}},
	{.seen_on = "refused credentials",
		ALICES,
		.answer = BYTES(5, 2, 1, 1),
		.verdict = SX_PROBE_UNKNOWN,
		.told = {2, 1, -1}},
	{.seen_on = "refused credentials: v2ray, hev",
		ALICES,
		.answer = BYTES(5, 2, 1, 0xff),
		.verdict = SX_PROBE_UNKNOWN,
		.told = {2, 0xff, -1}},
	{.seen_on = "refused credentials: pproxy, Tor",
		ALICES,
		.answer = BYTES(5, 2),
		.ending = END,
		.verdict = SX_PROBE_UNKNOWN,
		.told = {2, -1, -1}},
	{.seen_on = "a dead server",
		.ending = SILENCE,
		.verdict = SX_PROBE_UNKNOWN,
		.told = {-1, -1, -1}},
	{.seen_on = "a web server",
		.answer = BYTES('H'),
		.verdict = SX_PROBE_UNKNOWN,
		.told = {-1, -1, -1}},
	{.seen_on = "one that goes on with something else",
		.answer = BYTES(5, 0, 'S'),
		.verdict = SX_PROBE_UNKNOWN,
		.told = {0, -1, -1}},
	{.seen_on = "half a reply with credentials",
		ALICES,
		.answer = BYTES(5, 1),
		.ending = END,
		.verdict = SX_PROBE_UNKNOWN,
		.told = {-1, -1, -1}},
	{.seen_on = "a method that was not offered, and the end",
		.answer = BYTES(5, 2),
		.ending = END,
		.verdict = SX_PROBE_UNKNOWN,
		.told = {-1, -1, -1}},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct sx_credentials alice = ALICE;

static void start(struct sx_probe *p, bool credentials)
{
	static const uint8_t plain[] = {5, 1, 0, BOGUS};
	static const uint8_t with[] = {5, 1, 2, ALICE_BYTES, BOGUS};
	size_t want = credentials ? sizeof(with) : sizeof(plain);
	const uint8_t *at;

	ck_assert_int_eq(sx_probe_init(p, credentials ? &alice : NULL), 0);
	ck_assert_uint_eq(sx_probe_out(p, &at), want);
	ck_assert_mem_eq(at, credentials ? with : plain, want);
	ck_assert_uint_eq(sx_probe_need(p), 0);
	sx_probe_sent(p, want);
	ck_assert_uint_ge(sx_probe_need(p), 1);
}

static void finish(struct sx_probe *p, const struct row *row)
{
	const char *on = row->seen_on;

	if (row->ending == END)
		sx_probe_eof(p);
	if (row->ending == SILENCE)
		sx_probe_silence(p);
	ck_assert_msg(p->verdict == row->verdict, "%s: verdict %d, not %d", on,
		p->verdict, row->verdict);
	const struct sx_told *told = &p->handshake.told;
	ck_assert_msg(told->method == row->told.method, "%s: method", on);
	ck_assert_msg(told->status == row->told.status, "%s: status", on);
	ck_assert_msg(told->reply == row->told.reply, "%s: reply", on);
	/* the verdict stands */
	ck_assert_uint_eq(sx_probe_need(p), 0);
	ck_assert_int_eq(
		sx_probe_feed(p, (const uint8_t[]){5, 5}, 2), SX_PROBE_OVER);
	sx_probe_eof(p);
	sx_probe_silence(p);
	ck_assert_int_eq(p->verdict, row->verdict);
}

/* In two segments, cut behind so many bytes. */
static void play_cut(const struct row *row, size_t cut)
{
	enum sx_probe_result last =
		row->ending == ANSWER ? SX_PROBE_OVER : SX_PROBE_MORE;
	const struct bytes *in = &row->answer;
	struct sx_probe p;

	start(&p, row->user != NULL);
	if (cut) {
		ck_assert_msg(sx_probe_feed(&p, in->at, cut) == SX_PROBE_MORE,
			"%s: over behind %zu bytes", row->seen_on, cut);
	}
	if (cut < in->n) {
		ck_assert_msg(
			sx_probe_feed(&p, in->at + cut, in->n - cut) == last,
			"%s: last", row->seen_on);
	}
	finish(&p, row);
}

START_TEST(each_kind_of_answer_has_its_verdict)
{
	const struct row *row = &rows[_i];
	struct sx_probe p;

	play_cut(row, 0);
	for (size_t cut = 1; cut < row->answer.n; cut++)
		play_cut(row, cut);
	start(&p, row->user != NULL);
	for (size_t i = 0; i < row->answer.n; i++)
		sx_probe_feed(&p, row->answer.at + i, 1);
	finish(&p, row);
}
END_TEST

/* The rest of a reply, or whatever else is glued behind it. */
START_TEST(what_is_behind_the_answer_does_not_matter)
{
	const struct row *row = &rows[_i];
	uint8_t glued[64] = {0};
	struct sx_probe p;

	if (row->ending != ANSWER)
		return;
	memcpy(glued, row->answer.at, row->answer.n);
	memcpy(glued + row->answer.n, "\x00\x01glued", 7);
	start(&p, row->user != NULL);
	ck_assert_int_eq(
		sx_probe_feed(&p, glued, row->answer.n + 7), SX_PROBE_OVER);
	finish(&p, row);
}
END_TEST

START_TEST(a_server_that_has_not_got_all_is_unknown)
{
	struct sx_probe p;

	for (size_t n = 0; n < 13; n++) {
		sx_probe_init(&p, NULL);
		sx_probe_sent(&p, n);
		sx_probe_eof(&p);
		ck_assert_int_eq(p.verdict, SX_PROBE_UNKNOWN);
		sx_probe_init(&p, NULL);
		sx_probe_sent(&p, n);
		sx_probe_silence(&p);
		ck_assert_int_eq(p.verdict, SX_PROBE_UNKNOWN);
	}
}
END_TEST

START_TEST(silence_within_the_reply_is_safe)
{
	struct sx_probe p;

	start(&p, false);
	sx_probe_feed(&p, (const uint8_t[]){5, 0, 5}, 3);
	sx_probe_silence(&p);
	ck_assert_int_eq(p.verdict, SX_PROBE_SAFE);
}
END_TEST

START_TEST(credentials_that_do_not_fit_are_einval)
{
	const struct sx_credentials empty = {"", "x"};
	struct sx_probe p;
	const uint8_t *at;

	ck_assert_int_eq(sx_probe_init(&p, &empty), -EINVAL);
	ck_assert_int_eq(p.handshake.refusal.error, EINVAL);
	ck_assert_uint_eq(sx_probe_out(&p, &at), 0);
	sx_probe_silence(&p);
	ck_assert_int_eq(
		sx_probe_feed(&p, (const uint8_t[]){5, 0}, 2), SX_PROBE_OVER);
	ck_assert_int_eq(p.verdict, SX_PROBE_UNKNOWN);
}
END_TEST

START_TEST(the_longest_credentials_and_an_empty_password)
{
	char text[256];
	struct sx_probe p;
	const uint8_t *at;

	memset(text, 'x', 255);
	text[255] = '\0';
	ck_assert_int_eq(
		sx_probe_init(&p, &(struct sx_credentials){text, text}), 0);
	ck_assert_uint_eq(sx_probe_out(&p, &at), 3 + 513 + 10);
	ck_assert_int_eq(
		sx_probe_init(&p, &(struct sx_credentials){text, NULL}), 0);
	ck_assert_uint_eq(sx_probe_out(&p, &at), 3 + 258 + 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe");
	TCase *c = tcase_create("probe");

	tcase_add_loop_test(c, each_kind_of_answer_has_its_verdict, 0, N_ROWS);
	tcase_add_loop_test(
		c, what_is_behind_the_answer_does_not_matter, 0, N_ROWS);
	tcase_add_test(c, a_server_that_has_not_got_all_is_unknown);
	tcase_add_test(c, silence_within_the_reply_is_safe);
	tcase_add_test(c, credentials_that_do_not_fit_are_einval);
	tcase_add_test(c, the_longest_credentials_and_an_empty_password);
	suite_add_tcase(suite, c);
	return sx_unit_main(suite);
}

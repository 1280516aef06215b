#include "core/check.h"

#include "core/associate.h"
#include "core/line.h"
#include "core/user.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define PATIENCE_MS       1000 /* of silence, to be sure */
#define SHORT_PATIENCE_MS 250  /* while somebody waits for a program */

static const char *const step_names[] = {
	[SX_CHECK_RESOLVE] = "resolve",
	[SX_CHECK_CONNECT] = "connect",
	[SX_CHECK_GREETING] = "greeting",
	[SX_CHECK_CREDENTIALS] = "credentials",
	[SX_CHECK_REQUEST] = "request",
	[SX_CHECK_GOOD] = "good",
};
static_assert(sizeof(step_names) / sizeof(*step_names) == SX_CHECK_GOOD + 1,
	"a name for each step");

static const struct sx_dest nowhere = {.ip = {.family = AF_INET}};

const char *sx_check_step_name(enum sx_check_step step)
{
	return step_names[step];
}

struct check {
	const struct sx_check_options *options;
	const struct sx_roster *roster;
	unsigned i;
	const struct sx_server_conf *conf;
	struct sx_check *out;
	struct sx_line line;
	struct sx_user user; /* of the handshake under way */
};

static struct sx_deadline in(const struct check *c, unsigned ms)
{
	return sx_deadline_in(sx_clock_ns(c->options->sys), ms);
}

static bool fail(
	struct check *c, enum sx_check_step step, int err, const char *text)
{
	c->out->step = step;
	sx_err_set(&c->out->err, err, "%s", text);
	return false;
}

static bool open_line(struct check *c)
{
	switch (sx_line_open(&c->line, c->options->sys, c->roster, c->i,
		in(c, c->roster->conf->connect_timeout_ms), &c->out->err)) {
	case SX_LINE_OPEN:
		return true;
	case SX_LINE_UNRESOLVED:
		c->out->step = SX_CHECK_RESOLVE;
		return false;
	case SX_LINE_UNREACHED:
		break;
	}
	c->out->step = SX_CHECK_CONNECT;
	return false;
}

/* The step at which an unfinished or failed handshake stands. */
static enum sx_check_step step_of(const struct sx_handshake *h)
{
	if (h->told.method < 0 || h->told.method == 0xff)
		return SX_CHECK_GREETING;
	if (h->told.method == 2 && h->told.status != 0)
		return SX_CHECK_CREDENTIALS;
	return SX_CHECK_REQUEST;
}

static enum sx_answer answer_of(bool yes)
{
	return yes ? SX_ANSWER_YES : SX_ANSWER_NO;
}

static void note_method(struct sx_check *out, int method)
{
	if (method == 0)
		out->none = SX_ANSWER_YES;
	else if (method == 2)
		out->password = SX_ANSWER_YES;
}

/* A handshake as a program's, step by step, so that the failing step can be
 * named. One that cannot even begin counts as answered: h says why. */
static enum sx_line_end shake_hands(struct check *c, enum sx_command command,
	const struct sx_dest *dest, unsigned limit_ms, struct sx_handshake *h)
{
	sx_user_choose(c->conf, dest, &c->user);
	const struct sx_handshake_options options = {
		.proto = c->conf->proto,
		.command = command,
		.credentials = c->user.credentials,
		.dest = dest,
		.auth_required = c->conf->auth == SX_AUTH_REQUIRED,
	};
	if (sx_handshake_init(h, &options))
		return SX_LINE_ANSWERED;
	return sx_line_talk(&c->line, h, NULL, in(c, limit_ms));
}

static bool fail_handshake(struct check *c, enum sx_check_step step,
	enum sx_line_end end, const struct sx_handshake *h)
{
	if (end == SX_LINE_SILENT)
		return fail(c, step, ETIMEDOUT, "no answer in time");
	return fail(c, step, h->refusal.error, h->refusal.text);
}

/* Greeting and credentials, and a request for UDP. */
static bool ask_for_udp(struct check *c)
{
	const struct sx_dest dest = sx_associate_dest(c->line.family);
	struct sx_handshake h;
	enum sx_line_end end = shake_hands(c, SX_COMMAND_UDP_ASSOCIATE, &dest,
		c->roster->conf->handshake_timeout_ms, &h);
	enum sx_check_step step = step_of(&h);

	note_method(c->out, h.told.method);
	if (step < SX_CHECK_REQUEST)
		return fail_handshake(c, step, end, &h);
	if (end != SX_LINE_SILENT && h.told.reply != SX_REPLY_ADDRESS_TYPE)
		c->out->udp = answer_of(h.told.reply == 0);
	return true;
}

static bool has_method(const struct sx_handshake *h)
{
	return h->told.method >= 0;
}

/* Offers the one method that the server has not taken yet. Credentials are
 * never sent. */
static void ask_for_other_method(struct check *c)
{
	bool password = c->out->none == SX_ANSWER_YES;
	struct sx_handshake h;
	const struct sx_handshake_options options = {
		.proto = c->conf->proto,
		.credentials = {password ? "-" : NULL, NULL},
		.dest = &nowhere,
		.auth_required = password,
	};

	if (sx_handshake_init(&h, &options) || !open_line(c))
		return;
	enum sx_line_end end = sx_line_talk(&c->line, &h, has_method,
		in(c, c->roster->conf->handshake_timeout_ms));
	enum sx_answer *answer = password ? &c->out->password : &c->out->none;
	if (end != SX_LINE_SILENT)
		*answer = answer_of(h.told.method == (password ? 2 : 0));
	sx_line_close(&c->line);
}

static enum sx_pipelining pipelining_of(enum sx_probe_verdict verdict)
{
	switch (verdict) {
	case SX_PROBE_SAFE:
		return SX_PIPELINING_SAFE;
	case SX_PROBE_UNSAFE:
		return SX_PIPELINING_UNSAFE;
	case SX_PROBE_UNKNOWN:
		break;
	}
	return SX_PIPELINING_UNKNOWN;
}

static enum sx_pipelining probe(struct sx_line *line,
	const struct sx_server_conf *conf, unsigned patience_ms,
	struct sx_deadline until)
{
	struct sx_probe p;
	struct sx_user user;

	sx_user_choose(conf, &nowhere, &user);
	if (sx_probe_init(&p, &user.credentials))
		return SX_PIPELINING_UNKNOWN;
	sx_line_probe(line, &p, patience_ms, until);
	return pipelining_of(p.verdict);
}

static void ask_for_pipelining(struct check *c)
{
	if (!open_line(c))
		return;
	c->out->pipelining = probe(&c->line, c->conf, PATIENCE_MS,
		in(c, c->roster->conf->handshake_timeout_ms));
	sx_line_close(&c->line);
}

/* What only SOCKS5 can be asked without a destination. */
static bool ask_socks5(struct check *c)
{
	bool greeted = ask_for_udp(c);

	sx_line_close(&c->line);
	if (!greeted)
		return false;
	ask_for_other_method(c);
	ask_for_pipelining(c);
	c->out->step = SX_CHECK_GOOD; /* whatever these found */
	return true;
}

static bool ask_for_destination(struct check *c)
{
	struct sx_handshake h;
	uint64_t start = sx_clock_ns(c->options->sys);
	enum sx_line_end end = shake_hands(c, SX_COMMAND_CONNECT,
		c->options->to, c->roster->conf->reply_timeout_ms, &h);

	if (sx_handshake_phase(&h) != SX_PHASE_DONE)
		return fail_handshake(c, SX_CHECK_REQUEST, end, &h);
	c->out->request_us = c->line.connect_us +
			     (sx_clock_ns(c->options->sys) - start) / 1000;
	return true;
}

void sx_check_server(const struct sx_check_options *options,
	const struct sx_roster *roster, unsigned i, struct sx_check *out)
{
	struct check c = {.options = options,
		.roster = roster,
		.i = i,
		.conf = &roster->conf->servers[i],
		.out = out};

	memset(out, 0, sizeof(*out));
	out->step = SX_CHECK_GOOD;
	if (!open_line(&c))
		return;
	out->connect_us = c.line.connect_us ? c.line.connect_us : 1;
	if (c.conf->proto == SX_PROTO_SOCKS5) {
		if (!ask_socks5(&c))
			return;
		if (options->to && !open_line(&c))
			return;
	}
	if (options->to)
		ask_for_destination(&c);
	sx_line_close(&c.line);
}

enum sx_pipelining sx_check_pipelining(const struct sx_sys *sys,
	const struct sx_roster *roster, unsigned i, struct sx_deadline until)
{
	enum sx_pipelining verdict;
	struct sx_line line;
	struct sx_err err;

	if (sx_line_open(&line, sys, roster, i, until, &err))
		return SX_PIPELINING_UNKNOWN;
	verdict = probe(
		&line, &roster->conf->servers[i], SHORT_PATIENCE_MS, until);
	sx_line_close(&line);
	return verdict;
}

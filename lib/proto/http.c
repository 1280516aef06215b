#include "proto/http.h"

#include <assert.h>
#include <string.h>

#define AUTHORITY_MAX (SX_NAME_MAX + 6) /* ":65535" */
#define CONNECT       "CONNECT "
#define VERSION       " HTTP/1.1\r\n"
#define HOST          "Host: "
#define BASIC         "Proxy-Authorization: Basic "
#define LINE_END      "\r\n"
#define BASE64_LEN(n) (((size_t)(n) + 2) / 3 * 4)
#define LITERALS      CONNECT VERSION HOST LINE_END BASIC LINE_END LINE_END

static_assert(sizeof(LITERALS) - 1 + 2 * AUTHORITY_MAX +
			      BASE64_LEN(2 * SX_CREDENTIAL_MAX + 1) <=
		      SX_HANDSHAKE_OUT_MAX,
	"requests fit");

/* How an answer begins; # is any digit. */
static const char form[] = "HTTP/1.# ###";
#define FORM_LEN   (sizeof(form) - 1)
#define STATUS_POS (FORM_LEN - 3)

static_assert(FORM_LEN <= SX_HANDSHAKE_IN_MAX, "the beginning is kept");

enum {
	STATUS_SWITCHING_PROTOCOLS = 101, /* the only 1xx that is the last */
};

static void put_text(struct sx_writer *w, const char *text)
{
	sx_put(w, text, strlen(text));
}

/* RFC 7617 section 2: user-id ":" password, one byte of it at a time, so that
 * no copy of the password is made. */
struct basic {
	const char *user, *password;
	size_t n_user, n;
};

static uint8_t basic_byte(const struct basic *b, size_t i)
{
	if (i < b->n_user)
		return (uint8_t)b->user[i];
	if (i == b->n_user)
		return ':';
	return i < b->n ? (uint8_t)b->password[i - b->n_user - 1] : 0;
}

/* RFC 4648 section 4, the three bytes from i on. */
static void put_base64_group(
	struct sx_writer *w, const struct basic *b, size_t i)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	unsigned bits = (unsigned)basic_byte(b, i) << 16 |
			(unsigned)basic_byte(b, i + 1) << 8 |
			basic_byte(b, i + 2);

	sx_put_u8(w, (uint8_t)digits[bits >> 18]);
	sx_put_u8(w, (uint8_t)digits[bits >> 12 & 63]);
	sx_put_u8(w, i + 1 < b->n ? (uint8_t)digits[bits >> 6 & 63] : '=');
	sx_put_u8(w, i + 2 < b->n ? (uint8_t)digits[bits & 63] : '=');
}

static void put_credentials(struct sx_writer *w, const struct sx_credentials *c)
{
	const char *password = c->password ? c->password : "";
	struct basic b = {.user = c->user,
		.password = password,
		.n_user = strlen(c->user)};

	b.n = b.n_user + 1 + strlen(password);
	put_text(w, BASIC);
	for (size_t i = 0; i < b.n; i += 3)
		put_base64_group(w, &b, i);
	put_text(w, LINE_END);
}

/*
 * RFC 9112 section 3.2.3, RFC 9110 section 9.3.6:
 *
 *	CONNECT host:port HTTP/1.1
 *	Host: host:port
 *	Proxy-Authorization: Basic credentials
 *
 * and an empty line. IPv6 addresses are in brackets.
 */
static int say_request(struct sx_handshake *h)
{
	char authority[SX_DEST_STRLEN];
	struct sx_writer w = sx_machine_writer(h);

	sx_dest_format(h->dest, authority, sizeof(authority));
	put_text(&w, CONNECT);
	put_text(&w, authority);
	put_text(&w, VERSION HOST);
	put_text(&w, authority);
	put_text(&w, LINE_END);
	if (h->credentials.user)
		put_credentials(&w, &h->credentials);
	put_text(&w, LINE_END);
	return sx_machine_say(h, &w, SX_STATE_REQUEST, SX_HANDSHAKE_HEAD_MAX);
}

/* A name with a line end in it would be more than a name. */
static bool is_one_word(const char *name)
{
	for (; *name; name++) {
		if ((unsigned char)*name <= ' ' || *name == 0x7f)
			return false;
	}
	return true;
}

static int start(struct sx_handshake *h)
{
	const char *user = h->credentials.user;

	if (user && strchr(user, ':'))
		return sx_machine_fail(h, SX_CAUSE_HTTP_USER, 0);
	if (h->dest->kind == SX_DEST_NAME && !is_one_word(h->dest->name))
		return sx_machine_fail(h, SX_CAUSE_HTTP_NAME, 0);
	return say_request(h);
}

static bool fits_form(uint8_t byte, char want)
{
	return want == '#' ? byte >= '0' && byte <= '9' : byte == want;
}

static bool is_interim(int status)
{
	return status >= 100 && status < 200 &&
	       status != STATUS_SWITCHING_PROTOCOLS;
}

static bool is_success(int status)
{
	return status >= 200 && status < 300;
}

/* What the server itself refuses, by the table, it did not act upon. */
static void refuse(struct sx_handshake *h, int status)
{
	uint16_t code = (uint16_t)status;

	if (sx_refusal_of(SX_CAUSE_HTTP_STATUS, code, h->dest).by_destination)
		sx_machine_fail(h, SX_CAUSE_HTTP_STATUS, code);
	else
		sx_machine_turn_away(h, SX_CAUSE_HTTP_STATUS, code);
}

static void take_status(struct sx_handshake *h)
{
	const uint8_t *digits = h->in + STATUS_POS;
	int status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 +
		     (digits[2] - '0');

	h->told.reply = status;
	if (!is_interim(status) && !is_success(status))
		refuse(h, status);
}

/*
 * RFC 9112 section 4:
 *
 *	status-line = HTTP-version SP status-code SP [ reason-phrase ]
 *
 * The second space is missing where servers leave out the reason.
 */
static void check_status_line(struct sx_handshake *h, uint8_t byte)
{
	size_t at = h->line_len - 1;
	bool fits = at < FORM_LEN    ? fits_form(byte, form[at])
		    : at == FORM_LEN ? strchr(" \t\r", byte) && byte
				     : true;

	if (!fits)
		sx_machine_turn_away(h, SX_CAUSE_HTTP_FORM, byte);
	else if (at == FORM_LEN - 1)
		take_status(h);
}

static void take_in_line(struct sx_handshake *h, uint8_t byte)
{
	if (h->line_len < FORM_LEN)
		h->in[h->line_len] = byte;
	h->line_len++;
	if (!h->in_fields)
		check_status_line(h, byte);
}

/* A line of white space is not empty, it continues the one above (RFC 9112
 * section 5.2). */
static bool is_empty_line(const struct sx_handshake *h)
{
	return h->line_len == 0 || (h->line_len == 1 && h->in[0] == '\r');
}

/* The end of a line, with CR or, as RFC 9112 section 2.2 tolerates, without. */
static void end_line(struct sx_handshake *h)
{
	bool empty = is_empty_line(h);
	bool short_line = h->line_len < FORM_LEN;

	h->line_len = 0;
	if (!h->in_fields && short_line) {
		sx_machine_turn_away(h, SX_CAUSE_HTTP_FORM, '\n');
	} else if (!h->in_fields) {
		h->in_fields = true;
	} else if (empty && is_success(h->told.reply)) {
		sx_machine_done(h);
	} else if (empty) {
		h->in_fields = false;
	}
}

static void take_byte(struct sx_handshake *h, uint8_t byte)
{
	h->in_len++;
	if (byte == '\n')
		end_line(h);
	else
		take_in_line(h, byte);
	if (h->state == SX_STATE_REQUEST && h->in_len == h->in_need)
		sx_machine_fail(h, SX_CAUSE_HTTP_HEAD, 0);
}

/*
 * The head of the answer, and of interim ones before it, up to the empty
 * line; all fields are skipped. A 2xx has no body, whatever its fields say
 * (RFC 9110 section 9.3.6): behind the empty line the destination speaks.
 * What else is refused as soon as its status is known.
 */
static size_t scan(struct sx_handshake *h, const uint8_t *bytes, size_t n)
{
	size_t used = 0;

	while (used < n && h->state == SX_STATE_REQUEST)
		take_byte(h, bytes[used++]);
	return used;
}

const struct sx_handshake_ops sx_http_ops = {
	.name = "http",
	.start = start,
	.scan = scan,
};

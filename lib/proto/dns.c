#include "proto/dns.h"

#include "base/bytes.h"

#include <errno.h>
#include <string.h>

/*
 * RFC 1035 section 4.1.1: six fields of 16 bits
 *
 *	ID | QR Opcode AA TC RD RA Z AD CD RCODE | QDCOUNT | ANCOUNT |
 *	NSCOUNT | ARCOUNT
 *
 * AD and CD are of RFC 4035.
 */
#define HEADER_LEN  12
#define FLAG_QR     0x8000
#define FLAG_OPCODE 0x7800
#define FLAG_RD     0x0100
#define FLAG_RA     0x0080
#define FLAG_CD     0x0010

#define WIRE_NAME_MAX 255
#define LABEL_MAX     63

/* An EDNS record with this payload size; OPT's TTL field is: extended rcode,
 * version, DO and 15 zero bits (RFC 6891 section 6.1.3). */
#define EDNS_PAYLOAD 1232
#define EDNS_DO      0x8000

static uint32_t get_u32(struct sx_reader *r)
{
	uint32_t high = sx_get_u16(r);

	return high << 16 | sx_get_u16(r);
}

static void put_u32(struct sx_writer *w, uint32_t v)
{
	sx_put_u16(w, (uint16_t)(v >> 16));
	sx_put_u16(w, (uint16_t)v);
}

static void skip(struct sx_reader *r, size_t n)
{
	if (n > r->len - r->pos)
		r->failed = true;
	else
		r->pos += n;
}

/* One label onto the end of the text, whose length is *at. */
static void add_label(
	struct sx_dns_query *q, const uint8_t *label, size_t n, size_t *at)
{
	if (memchr(label, '.', n) || memchr(label, '\0', n))
		q->is_text = false;
	if (*at)
		q->name[(*at)++] = '.';
	memcpy(q->name + *at, label, n);
	*at += n;
}

/*
 * The name of the question: labels, each behind its length, up to an empty
 * one. There is nothing in front of it that it could point to, so compression
 * (section 4.1.4) is no name here.
 */
static bool read_name(struct sx_reader *r, struct sx_dns_query *q)
{
	uint8_t label[LABEL_MAX];
	size_t start = r->pos, at = 0, n;

	q->is_text = true;
	while ((n = sx_get_u8(r))) {
		/* with its length, and the empty label behind it */
		if (n > LABEL_MAX || r->pos - start + n + 1 > WIRE_NAME_MAX)
			return false;
		sx_get(r, label, n);
		if (r->failed)
			return false;
		add_label(q, label, n, &at);
	}
	q->name[q->is_text ? at : 0] = '\0';
	return !r->failed;
}

/* Of a record behind the question, where compression is allowed. Returns
 * whether it is the root. */
static bool skip_name(struct sx_reader *r)
{
	uint8_t n = sx_get_u8(r);
	bool is_root = n == 0;

	for (; n && !r->failed; n = sx_get_u8(r)) {
		if ((n & 0xc0) == 0xc0) {
			skip(r, 1);
			break;
		}
		if (n > LABEL_MAX)
			r->failed = true;
		else
			skip(r, n);
	}
	return is_root;
}

/* One additional record. 0 or an rcode. */
static int read_additional(struct sx_reader *r, struct sx_dns_query *q)
{
	bool is_root = skip_name(r);
	uint16_t type = sx_get_u16(r);

	sx_get_u16(r); /* class, or the asker's payload size */
	uint32_t ttl = get_u32(r);
	skip(r, sx_get_u16(r));
	if (r->failed)
		return SX_DNS_FORMERR;
	if (type != SX_DNS_OPT)
		return 0;
	/* RFC 6891 section 6.1.1: one, and of the root */
	if (q->has_opt || !is_root)
		return SX_DNS_FORMERR;
	q->has_opt = true;
	q->dnssec_ok = ttl & EDNS_DO;
	return ttl >> 16 & 0xff ? SX_DNS_BADVERS : 0;
}

static int read_question(struct sx_reader *r, struct sx_dns_query *q)
{
	size_t start = r->pos;

	if (!read_name(r, q))
		return SX_DNS_FORMERR;
	q->type = sx_get_u16(r);
	q->class = sx_get_u16(r);
	if (r->failed)
		return SX_DNS_FORMERR;
	q->question_len = r->pos - start;
	memcpy(q->question, r->buf + start, q->question_len);
	return 0;
}

int sx_dns_parse(struct sx_dns_query *q, const uint8_t *msg, size_t n)
{
	struct sx_reader r = {.buf = msg, .len = n};
	uint16_t counts[4];
	int bad = 0;

	memset(q, 0, sizeof(*q));
	q->id = sx_get_u16(&r);
	q->flags = sx_get_u16(&r);
	for (unsigned i = 0; i < 4; i++)
		counts[i] = sx_get_u16(&r);
	if (r.failed || q->flags & FLAG_QR)
		return -EBADMSG;
	if (q->flags & FLAG_OPCODE)
		return SX_DNS_NOTIMP;
	if (counts[0] != 1 || counts[1] || counts[2])
		return SX_DNS_FORMERR;
	bad = read_question(&r, q);
	for (unsigned i = 0; i < counts[3] && !bad; i++)
		bad = read_additional(&r, q);
	if (!bad && r.pos != r.len)
		bad = SX_DNS_FORMERR;
	if (bad)
		return bad;
	return q->class == SX_DNS_CLASS_IN ? 0 : SX_DNS_REFUSED;
}

/* Owner, type, class IN and time to live. The owner is the question's name,
 * by a pointer to where it always stands. */
static void put_record(struct sx_writer *w, uint16_t type)
{
	sx_put_u16(w, 0xc000 | HEADER_LEN);
	sx_put_u16(w, type);
	sx_put_u16(w, SX_DNS_CLASS_IN);
	put_u32(w, SX_DNS_TTL);
}

static void put_ip(struct sx_writer *w, const struct sx_ip *ip)
{
	put_record(w, ip->family == AF_INET ? SX_DNS_A : SX_DNS_AAAA);
	sx_put_u16(w, (uint16_t)sx_ip_len(ip));
	sx_put(w, ip->bytes, sx_ip_len(ip));
}

static void put_ptr(struct sx_writer *w, const char *name)
{
	put_record(w, SX_DNS_PTR);
	/* a length in front of each label in place of the dots, and the root */
	sx_put_u16(w, (uint16_t)(strlen(name) + 2));
	for (const char *s = name; *s;) {
		size_t n = strcspn(s, ".");
		sx_put_u8(w, (uint8_t)n);
		sx_put(w, s, n);
		s += n + (s[n] == '.');
	}
	sx_put_u8(w, 0);
}

/* What makes an empty answer one that may be kept: the start of authority,
 * and how long (RFC 2308 sections 3 and 5). The root is above every name. */
static void put_soa(struct sx_writer *w)
{
	sx_put_u8(w, 0);
	sx_put_u16(w, SX_DNS_SOA);
	sx_put_u16(w, SX_DNS_CLASS_IN);
	put_u32(w, SX_DNS_TTL);
	sx_put_u16(w, 2 + 5 * 4);
	sx_put_u8(w, 0); /* primary server and mailbox: none */
	sx_put_u8(w, 0);
	put_u32(w, 1);     /* serial */
	put_u32(w, 86400); /* refresh, retry, expire: there is no secondary */
	put_u32(w, 7200);
	put_u32(w, 86400);
	put_u32(w, SX_DNS_TTL); /* of what does not exist */
}

#define OPT_LEN 11

static void put_opt(struct sx_writer *w, const struct sx_dns_query *q,
	enum sx_dns_rcode rcode)
{
	sx_put_u8(w, 0);
	sx_put_u16(w, SX_DNS_OPT);
	sx_put_u16(w, EDNS_PAYLOAD);
	sx_put_u8(w, (uint8_t)(rcode >> 4));
	sx_put_u8(w, 0); /* version */
	sx_put_u16(w, q->dnssec_ok ? EDNS_DO : 0);
	sx_put_u16(w, 0);
}

/* Undoes a record that did not fit. */
static bool fits(struct sx_writer *w, size_t before)
{
	if (!w->failed)
		return true;
	w->len = before;
	w->failed = false;
	return false;
}

/* Returns how many records went. */
static uint16_t put_answers(struct sx_writer *w, const struct sx_dns_answer *a)
{
	size_t before = w->len;
	uint16_t n = 0;

	if (a->rcode != SX_DNS_NOERROR)
		return 0;
	if (a->ptr) {
		put_ptr(w, a->ptr);
		return fits(w, before);
	}
	for (; n < a->n_ips; n++) {
		before = w->len;
		put_ip(w, &a->ips[n]);
		if (!fits(w, before))
			break;
	}
	return n;
}

static bool is_negative(const struct sx_dns_answer *a, uint16_t n_answers)
{
	return a->rcode == SX_DNS_NXDOMAIN ||
	       (a->rcode == SX_DNS_NOERROR && n_answers == 0);
}

static void put_header(struct sx_writer *w, const struct sx_dns_query *q,
	enum sx_dns_rcode rcode)
{
	sx_put_u16(w, q->id);
	sx_put_u16(
		w, (uint16_t)(FLAG_QR | FLAG_RA | (rcode & 0xf) |
			      (q->flags & (FLAG_OPCODE | FLAG_RD | FLAG_CD))));
	sx_put_u16(w, q->question_len ? 1 : 0);
}

size_t sx_dns_write(const struct sx_dns_query *q, const struct sx_dns_answer *a,
	uint8_t out[SX_DNS_ANSWER_MAX])
{
	/* OPT is last, its room is kept */
	struct sx_writer w = {.buf = out,
		.cap = SX_DNS_ANSWER_MAX - (q->has_opt ? OPT_LEN : 0)};

	put_header(&w, q, a->rcode);
	size_t counts = w.len;
	sx_put(&w, (uint8_t[6]){0}, 6);
	sx_put(&w, q->question, q->question_len);
	uint16_t n_answers = put_answers(&w, a);
	bool negative = is_negative(a, n_answers);
	if (negative)
		put_soa(&w);
	w.cap = SX_DNS_ANSWER_MAX;
	if (q->has_opt)
		put_opt(&w, q, a->rcode);
	out[counts] = (uint8_t)(n_answers >> 8);
	out[counts + 1] = (uint8_t)n_answers;
	out[counts + 3] = negative;
	out[counts + 5] = q->has_opt;
	return w.len;
}

static bool ends_with(const char *name, const char *domain, size_t *below)
{
	size_t n = strlen(name), m = strlen(domain);

	if (n < m || strcmp(name + n - m, domain) != 0 ||
		(n > m && name[n - m - 1] != '.'))
		return false;
	*below = n > m ? n - m - 1 : 0;
	return true;
}

/* "1.2.0.192" to 192.0.2.1 */
static int read_reverse_v4(const char *name, size_t n, struct sx_ip *out)
{
	char text[INET_ADDRSTRLEN];
	struct sx_ip ip;

	if (n >= sizeof(text))
		return -EINVAL;
	memcpy(text, name, n);
	text[n] = '\0';
	if (sx_ip_parse(text, &ip) || ip.family != AF_INET)
		return -EINVAL;
	*out = ip;
	for (unsigned i = 0; i < 4; i++)
		out->bytes[i] = ip.bytes[3 - i];
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "1.0.0. ... .d.f": 32 digits, the last of the address first */
static int read_reverse_v6(const char *name, size_t n, struct sx_ip *out)
{
	if (n != 63)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	out->family = AF_INET6;
	for (unsigned i = 0; i < 32; i++) {
		int digit = hex_digit(name[2 * i]);
		if (digit < 0 || (i < 31 && name[2 * i + 1] != '.'))
			return -EINVAL;
		out->bytes[15 - i / 2] |= (uint8_t)(digit << 4 * (i % 2));
	}
	return 0;
}

static const char v4_domain[] = "in-addr.arpa", v6_domain[] = "ip6.arpa";

int sx_dns_reverse_ip(const char *name, struct sx_ip *out)
{
	size_t n;

	if (ends_with(name, v4_domain, &n))
		return read_reverse_v4(name, n, out);
	if (ends_with(name, v6_domain, &n))
		return read_reverse_v6(name, n, out);
	return -EINVAL;
}

bool sx_dns_is_reverse(const char *name)
{
	size_t n;

	return ends_with(name, v4_domain, &n) || ends_with(name, v6_domain, &n);
}

static size_t take(
	struct sx_dns_stream *s, size_t until, const uint8_t *in, size_t n)
{
	size_t k = s->len < until ? until - s->len : 0;

	if (k > n)
		k = n;
	if (k)
		memcpy(s->buf + s->len, in, k);
	s->len += k;
	return k;
}

static size_t size_of(const struct sx_dns_stream *s)
{
	return 2 + (size_t)(s->buf[0] << 8 | s->buf[1]);
}

enum sx_dns_feed sx_dns_feed(
	struct sx_dns_stream *s, const uint8_t *in, size_t n, size_t *used)
{
	if (s->len >= 2 && s->len == size_of(s))
		s->len = 0;
	*used = take(s, 2, in, n);
	if (s->len < 2)
		return SX_DNS_MORE;
	if (size_of(s) > sizeof(s->buf))
		return SX_DNS_TOO_LONG;
	*used += take(s, size_of(s), in + *used, n - *used);
	return s->len == size_of(s) ? SX_DNS_MESSAGE : SX_DNS_MORE;
}

/*
 * DNS messages (RFC 1035): one question taken apart, its answer put together.
 *
 * What a recursive name server would say, as far as addresses and the names
 * behind them go. Pure: bytes in, bytes out, nothing is looked up here.
 */
#ifndef SX_PROTO_DNS_H
#define SX_PROTO_DNS_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer questions than the usual payload of EDNS are not read. */
#define SX_DNS_QUERY_MAX 1232
/* What everybody takes in a datagram (RFC 1035 section 4.2.1): an answer is
 * never cut. */
#define SX_DNS_ANSWER_MAX 512
/* How long a resolver may keep an answer, in seconds. */
#define SX_DNS_TTL 60

enum sx_dns_rcode {
	SX_DNS_NOERROR = 0,
	SX_DNS_FORMERR = 1,
	SX_DNS_SERVFAIL = 2,
	SX_DNS_NXDOMAIN = 3,
	SX_DNS_NOTIMP = 4,
	SX_DNS_REFUSED = 5,
	SX_DNS_BADVERS = 16, /* RFC 6891 section 6.1.3 */
};

#define SX_DNS_A    1
#define SX_DNS_SOA  6
#define SX_DNS_PTR  12
#define SX_DNS_AAAA 28
#define SX_DNS_OPT  41
#define SX_DNS_IXFR 251
#define SX_DNS_AXFR 252
#define SX_DNS_ANY  255

#define SX_DNS_CLASS_IN 1

/* A question, with what its answer has to repeat. */
struct sx_dns_query {
	uint16_t id, flags, type, class;
	/* As it was written, without the last dot; "" is the root */
	char name[SX_NAME_MAX + 1];
	bool is_text; /* false: a label holds a dot or a NUL; name is "" */
	bool has_opt; /* RFC 6891 */
	bool dnssec_ok;
	uint8_t question[255 + 4]; /* its bytes, for the answer */
	size_t question_len;       /* 0: could not be read */
};

/* What is to be said. Nothing but NOERROR: there is no such record. */
struct sx_dns_answer {
	enum sx_dns_rcode rcode;
	const struct sx_ip *ips; /* borrowed, all of one family */
	unsigned n_ips;          /* those that do not fit are left out */
	const char *ptr;         /* a normalised name, or NULL */
};

/*
 * Reads a message of n bytes. 0: a question of class IN; an rcode (positive):
 * *q is fit for an answer that says just that; -EBADMSG: no answer may be
 * given (it is one itself, or has no header).
 */
int sx_dns_parse(struct sx_dns_query *q, const uint8_t *msg, size_t n);

/* Writes the answer to *q; returns its length. */
size_t sx_dns_write(const struct sx_dns_query *q, const struct sx_dns_answer *a,
	uint8_t out[SX_DNS_ANSWER_MAX]);

/*
 * The address that a name below in-addr.arpa (RFC 1035 section 3.5) or
 * ip6.arpa (RFC 3596 section 2.5) speaks of; name is normalised. 0, or
 * -EINVAL for any other name.
 */
int sx_dns_reverse_ip(const char *name, struct sx_ip *out);

/* True for the two domains and all below them. */
bool sx_dns_is_reverse(const char *name);

/*
 * Messages in a stream of bytes, each behind its length in two bytes (RFC
 * 1035 section 4.2.2). Zeroed is the start.
 */
struct sx_dns_stream {
	uint8_t buf[2 + SX_DNS_QUERY_MAX];
	size_t len;
};

enum sx_dns_feed {
	SX_DNS_MORE,     /* all bytes are used, more are needed */
	SX_DNS_MESSAGE,  /* one message stands behind the first 2 bytes */
	SX_DNS_TOO_LONG, /* the stream cannot be read any further */
};

/* Takes bytes up to the end of one message; *used: how many of the n. The
 * next call begins the next message. */
enum sx_dns_feed sx_dns_feed(
	struct sx_dns_stream *s, const uint8_t *in, size_t n, size_t *used);

#endif

/*
 * DNS messages: questions read, answers written, framing of TCP.
 */
#include "proto/dns.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ID 1234, then flags and counts, then the rest. */
#define HEAD(flags, counts) "\x12\x34" flags counts
#define RD                  "\x01\x00"
#define ONE                 "\0\1\0\0\0\0\0\0"
#define ONE_AND_OPT         "\0\1\0\0\0\0\0\1"
#define NAME                "\3wWw\7Example\3org\0"
#define A_IN                "\0\1\0\1"
#define OPT                 "\0\0\x29\x04\xd0\0\0\0\0\0\0"
#define PLAIN               HEAD(RD, ONE) NAME A_IN
#define SOA                                                                    \
	"\0\0\6\0\1\0\0\0\x3c\0\x16\0\0\0\0\0\1\0\1\x51\x80\0\0\x1c\x20"       \
	"\0\1\x51\x80\0\0\0\x3c"

struct bytes {
	const char *at;
	size_t n;
};
#define BYTES(text)                                                            \
	(struct bytes)                                                         \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

static struct sx_dns_query q;
static uint8_t out[SX_DNS_ANSWER_MAX];

/* From memory of just that size, so that a sanitizer sees a byte too many. */
static int parse_n(const void *msg, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, msg, n);
	memset(&q, 0xa5, sizeof(q));
	int r = sx_dns_parse(&q, copy, n);
	free(copy);
	return r;
}

static int parse(struct bytes msg)
{
	return parse_n(msg.at, msg.n);
}

static void answers(struct sx_dns_answer a, struct bytes expected)
{
	size_t n = sx_dns_write(&q, &a, out);

	ck_assert_uint_eq(n, expected.n);
	ck_assert_mem_eq(out, expected.at, n);
}

START_TEST(a_question_is_taken_apart)
{
	ck_assert_int_eq(parse(BYTES(PLAIN)), 0);
	ck_assert_uint_eq(q.id, 0x1234);
	ck_assert_uint_eq(q.type, SX_DNS_A);
	ck_assert_uint_eq(q.class, SX_DNS_CLASS_IN);
	ck_assert_str_eq(q.name, "wWw.Example.org");
	ck_assert(q.is_text && !q.has_opt && !q.dnssec_ok);
}
END_TEST

START_TEST(an_address_answers_with_the_question_as_it_was_written)
{
	struct sx_ip ip[2];

	sx_ip_parse("198.18.0.1", &ip[0]);
	sx_ip_parse("198.18.0.2", &ip[1]);
	ck_assert_int_eq(parse(BYTES(PLAIN)), 0);
	answers((struct sx_dns_answer){.ips = ip, .n_ips = 2},
		BYTES("\x12\x34\x81\x80\0\1\0\2\0\0\0\0" NAME A_IN
		      "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x12\0\1"
		      "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x12\0\2"));
	sx_ip_parse("fd53::1", &ip[0]);
	ck_assert_int_eq(
		parse(BYTES(HEAD("\0\x10", ONE) NAME "\0\x1c\0\1")), 0);
	answers((struct sx_dns_answer){.ips = ip, .n_ips = 1},
		BYTES("\x12\x34\x80\x90\0\1\0\1\0\0\0\0" NAME "\0\x1c\0\1"
		      "\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\x10\xfd\x53\0\0\0\0\0\0"
		      "\0\0\0\0\0\0\0\1"));
}
END_TEST

START_TEST(a_name_answers_a_reverse_question)
{
	ck_assert_int_eq(parse(BYTES(HEAD(RD, ONE) "\1x\0\0\x0c\0\1")), 0);
	answers((struct sx_dns_answer){.ptr = "www.example.org"},
		BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1x\0\0\x0c\0\1"
		      "\xc0\x0c\0\x0c\0\1\0\0\0\x3c\0\x11\3www\7example\3org"
		      "\0"));
}
END_TEST

/* RFC 2308: without an SOA resolvers do not keep it */
START_TEST(what_is_not_there_comes_with_an_soa)
{
	ck_assert_int_eq(parse(BYTES(PLAIN)), 0);
	answers((struct sx_dns_answer){.rcode = SX_DNS_NOERROR},
		BYTES("\x12\x34\x81\x80\0\1\0\0\0\1\0\0" NAME A_IN SOA));
	answers((struct sx_dns_answer){.rcode = SX_DNS_NXDOMAIN},
		BYTES("\x12\x34\x81\x83\0\1\0\0\0\1\0\0" NAME A_IN SOA));
	answers((struct sx_dns_answer){.rcode = SX_DNS_SERVFAIL},
		BYTES("\x12\x34\x81\x82\0\1\0\0\0\0\0\0" NAME A_IN));
}
END_TEST

/* RFC 6891 */
START_TEST(edns_is_answered_with_edns)
{
	ck_assert_int_eq(parse(BYTES(HEAD(RD, ONE_AND_OPT) NAME A_IN OPT)), 0);
	ck_assert(q.has_opt && !q.dnssec_ok);
	answers((struct sx_dns_answer){.rcode = SX_DNS_NXDOMAIN},
		BYTES("\x12\x34\x81\x83\0\1\0\0\0\1\0\1" NAME A_IN SOA OPT));
	/* a cookie, DO */
	ck_assert_int_eq(parse(BYTES(HEAD(RD, ONE_AND_OPT) NAME A_IN
				 "\0\0\x29\x04\xd0\0\0\x80\0\0\x0c"
				 "\0\x0a\0\x08\1\2\3\4\5\6\7\x08")),
		0);
	ck_assert(q.has_opt && q.dnssec_ok);
	answers((struct sx_dns_answer){.rcode = SX_DNS_SERVFAIL},
		BYTES("\x12\x34\x81\x82\0\1\0\0\0\0\0\1" NAME A_IN
		      "\0\0\x29\x04\xd0\0\0\x80\0\0\0"));
}
END_TEST

START_TEST(another_version_of_edns_is_told_so)
{
	ck_assert_int_eq(parse(BYTES(HEAD(RD, ONE_AND_OPT) NAME A_IN
				 "\0\0\x29\x04\xd0\0\1\0\0\0\0")),
		SX_DNS_BADVERS);
	answers((struct sx_dns_answer){.rcode = SX_DNS_BADVERS},
		BYTES("\x12\x34\x81\x80\0\1\0\0\0\0\0\1" NAME A_IN
		      "\0\0\x29\x04\xd0\1\0\0\0\0\0"));
}
END_TEST

START_TEST(records_that_are_not_edns_are_passed_over)
{
	ck_assert_int_eq(parse(BYTES(HEAD(RD, "\0\1\0\0\0\0\0\2") NAME A_IN
				 "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4" OPT)),
		0);
	ck_assert(q.has_opt);
}
END_TEST

static const struct {
	struct bytes msg;
	int result;
} bad[] = {
	/* an answer: never answered, or two of us would go on for ever */
	{BYTES(HEAD("\x81\0", ONE) NAME A_IN), -EBADMSG},
	{BYTES(HEAD("\x10\0", ONE) NAME A_IN), SX_DNS_NOTIMP},  /* STATUS */
	{BYTES(HEAD("\x20\0", ONE) NAME A_IN), SX_DNS_NOTIMP},  /* NOTIFY */
	{BYTES(HEAD(RD, ONE) NAME "\0\1\0\3"), SX_DNS_REFUSED}, /* CHAOS */
	{BYTES(HEAD(RD, ONE) NAME "\0\1\0\xff"), SX_DNS_REFUSED},
	{BYTES(HEAD(RD, "\0\0\0\0\0\0\0\0")), SX_DNS_FORMERR},
	{BYTES(HEAD(RD, "\0\2\0\0\0\0\0\0") NAME A_IN NAME A_IN),
		SX_DNS_FORMERR},
	{BYTES(HEAD(RD, "\0\1\0\1\0\0\0\0") NAME A_IN "\0\0\1\0\1\0\0\0\0\0\0"),
		SX_DNS_FORMERR},
	{BYTES(HEAD(RD, "\0\1\0\0\0\1\0\0") NAME A_IN "\0\0\1\0\1\0\0\0\0\0\0"),
		SX_DNS_FORMERR},
	{BYTES(HEAD(RD, ONE) "\xc0\x0c" A_IN), SX_DNS_FORMERR}, /* pointer */
	{BYTES(HEAD(RD, ONE) "\1a\xc0\x0c" A_IN), SX_DNS_FORMERR},
	{BYTES(HEAD(RD, ONE) "\x41"
			     "a\0" A_IN),
		SX_DNS_FORMERR},
	{BYTES(PLAIN "x"), SX_DNS_FORMERR},
	{BYTES(HEAD(RD, "\0\1\0\0\0\0\0\2") NAME A_IN OPT OPT), SX_DNS_FORMERR},
	{BYTES(HEAD(RD, ONE_AND_OPT) NAME A_IN
		 "\1a\0\0\x29\x04\xd0\0\0\0\0\0\0"),
		SX_DNS_FORMERR},
	{BYTES(HEAD(RD, ONE_AND_OPT) NAME A_IN "\0\0\x29\x04\xd0\0\0\0\0\0\1"),
		SX_DNS_FORMERR},
};

START_TEST(what_is_no_question_to_us)
{
	ck_assert_int_eq(parse(bad[_i].msg), bad[_i].result);
	if (bad[_i].result < 0)
		return;
	struct sx_dns_answer a = {.rcode = (enum sx_dns_rcode)bad[_i].result};
	ck_assert_uint_ge(sx_dns_write(&q, &a, out), 12);
	ck_assert_mem_eq(out, "\x12\x34", 2);
	ck_assert_uint_eq(out[2] & 0xf8, (bad[_i].msg.at[2] & 0xf8) | 0x80);
	ck_assert_uint_eq(out[3] & 0xf, (unsigned)bad[_i].result);
}
END_TEST

START_TEST(a_question_is_cut_off_anywhere)
{
	static const char whole[] = HEAD(RD, ONE_AND_OPT) NAME A_IN OPT;

	for (size_t n = 0; n < sizeof(whole) - 1; n++)
		ck_assert_int_eq(
			parse_n(whole, n), n < 12 ? -EBADMSG : SX_DNS_FORMERR);
	ck_assert_int_eq(parse_n(whole, sizeof(whole) - 1), 0);
}
END_TEST

START_TEST(the_root_is_a_name)
{
	ck_assert_int_eq(parse(BYTES(HEAD(RD, ONE) "\0\0\2\0\1")), 0);
	ck_assert(q.is_text);
	ck_assert_str_eq(q.name, "");
}
END_TEST

START_TEST(bytes_that_text_cannot_hold_are_noticed)
{
	ck_assert_int_eq(parse(BYTES(HEAD(RD, ONE) "\3a.b\0" A_IN)), 0);
	ck_assert(!q.is_text);
	ck_assert_int_eq(parse(BYTES(HEAD(RD, ONE) "\3a\0b\0" A_IN)), 0);
	ck_assert(!q.is_text);
	ck_assert_int_eq(parse(BYTES(HEAD(RD, ONE) "\2\xc3\xa4\0" A_IN)), 0);
	ck_assert_str_eq(q.name, "\xc3\xa4");
}
END_TEST

/* n octets on the wire, of labels of one letter but for the first */
static size_t long_question(uint8_t *msg, size_t n)
{
	size_t at = 12, first = n % 2 ? 1 : 2;

	memcpy(msg, HEAD(RD, ONE), 12);
	msg[at++] = (uint8_t)first;
	memset(msg + at, 'a', first);
	for (at += first; at < 12 + n - 1; at += 2)
		memcpy(msg + at, "\1a", 2);
	memcpy(msg + at, "\0" A_IN, 5);
	return at + 5;
}

START_TEST(a_name_has_255_octets_at_most)
{
	uint8_t msg[400];
	struct sx_ip ip[16];

	ck_assert_int_eq(parse_n(msg, long_question(msg, 256)), SX_DNS_FORMERR);
	ck_assert_int_eq(parse_n(msg, long_question(msg, 254)), 0);
	ck_assert_int_eq(parse_n(msg, long_question(msg, 255)), 0);
	ck_assert_uint_eq(strlen(q.name), SX_NAME_MAX);
	for (unsigned i = 0; i < 16; i++)
		sx_ip_parse("2001:db8::1", &ip[i]);
	q.has_opt = true;
	size_t n = sx_dns_write(
		&q, &(struct sx_dns_answer){.ips = ip, .n_ips = 16}, out);
	/* 12 + 259 + 11, and 28 for each: 8 fit into 512 */
	ck_assert_uint_eq(n, 12 + 259 + 8 * 28 + 11);
	ck_assert_uint_eq(out[7], 8);
	n = sx_dns_write(&q, &(struct sx_dns_answer){.ptr = q.name}, out);
	ck_assert_uint_eq(out[7], 0);
	ck_assert_uint_le(n, SX_DNS_ANSWER_MAX);
}
END_TEST

/* Other values of the first two bits are no lengths, whatever follows */
START_TEST(a_label_has_63_octets_at_most)
{
	for (unsigned n = 1; n < 250; n++) {
		uint8_t msg[300] = HEAD(RD, ONE);
		msg[12] = (uint8_t)n;
		memset(msg + 13, 'a', n);
		memcpy(msg + 13 + n, "\0" A_IN, 5);
		ck_assert_int_eq(
			parse_n(msg, 13 + n + 5), n <= 63 ? 0 : SX_DNS_FORMERR);
	}
}
END_TEST

#define NIBBLES                                                                \
	"1.0.0.0.2.1.6.c.0.0.0.0.0.0.0.0.0.0.0.0.3.7.b.6.3.6.f.6.3.5.d.f"

START_TEST(a_reverse_name_speaks_of_an_address)
{
	static const char *const none[] = {"in-addr.arpa", "ip6.arpa",
		"2.0.192.in-addr.arpa", "5.1.2.0.192.in-addr.arpa",
		"256.2.0.192.in-addr.arpa", "a.2.0.192.in-addr.arpa",
		"1.2.0.192.xin-addr.arpa", "::1.ip6.arpa", "example.org",
		"in-addr.arpa.example.org", "x" NIBBLES ".ip6.arpa",
		"g" NIBBLES ".ip6.arpa", "1" NIBBLES ".ip6.arpa", "arpa",
		"0." NIBBLES ".ip6.arpa"};
	char text[INET6_ADDRSTRLEN];
	struct sx_ip ip;

	ck_assert_int_eq(sx_dns_reverse_ip("1.2.0.192.in-addr.arpa", &ip), 0);
	ck_assert_str_eq(sx_ip_format(&ip, text, sizeof(text)), "192.0.2.1");
	ck_assert_int_eq(sx_dns_reverse_ip(NIBBLES ".ip6.arpa", &ip), 0);
	ck_assert_str_eq(sx_ip_format(&ip, text, sizeof(text)),
		"fd53:6f63:6b73::c612:1");
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		ck_assert_int_eq(sx_dns_reverse_ip(none[i], &ip), -EINVAL);
	ck_assert(sx_dns_is_reverse("in-addr.arpa"));
	ck_assert(sx_dns_is_reverse("8.b.d.ip6.arpa"));
	ck_assert(!sx_dns_is_reverse("xip6.arpa"));
}
END_TEST

/* Two messages in a stream, in two pieces, at every place. */
START_TEST(messages_come_in_pieces)
{
	static const uint8_t stream[] = "\0\5hello\0\3you";
	const size_t size = sizeof(stream) - 1;

	for (size_t cut = 0; cut <= size; cut++) {
		struct sx_dns_stream s = {.len = 0};
		char seen[32] = "";
		size_t used;
		for (size_t at = 0; at < size; at += used) {
			size_t end = at < cut ? cut : size;
			enum sx_dns_feed r =
				sx_dns_feed(&s, stream + at, end - at, &used);
			ck_assert(r != SX_DNS_TOO_LONG);
			if (r == SX_DNS_MORE)
				ck_assert_uint_eq(used, end - at);
			else
				strncat(seen, (char *)s.buf + 2, s.len - 2);
			if (r == SX_DNS_MESSAGE)
				strcat(seen, ",");
		}
		ck_assert_str_eq(seen, "hello,you,");
	}
}
END_TEST

START_TEST(the_longest_message_fits_and_a_longer_one_does_not)
{
	static uint8_t in[2 + SX_DNS_QUERY_MAX];
	struct sx_dns_stream s = {.len = 0};
	size_t used;

	in[0] = SX_DNS_QUERY_MAX >> 8;
	in[1] = SX_DNS_QUERY_MAX & 0xff;
	ck_assert_int_eq(
		sx_dns_feed(&s, in, sizeof(in), &used), SX_DNS_MESSAGE);
	ck_assert_uint_eq(used, sizeof(in));
	in[1]++;
	ck_assert_int_eq(
		sx_dns_feed(&s, in, sizeof(in), &used), SX_DNS_TOO_LONG);
	s.len = 0;
	ck_assert_int_eq(
		sx_dns_feed(&s, (uint8_t[2]){0}, 2, &used), SX_DNS_MESSAGE);
	ck_assert_uint_eq(s.len, 2);
}
END_TEST

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	return random_state ^= random_state << 5;
}

static const struct bytes seeds[] = {BYTES(PLAIN),
	BYTES(HEAD(RD, ONE_AND_OPT) NAME A_IN OPT),
	BYTES(HEAD(RD, "\0\1\0\0\0\0\0\2") NAME A_IN
		"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4" OPT)};

/* Bytes changed, taken out and added at random. */
static size_t mutate(uint8_t *msg, struct bytes seed)
{
	size_t n = seed.n;

	memcpy(msg, seed.at, n);
	for (uint32_t k = next_random() % 4; k > 0; k--)
		msg[next_random() % n] = (uint8_t)next_random();
	if (next_random() % 4 == 0)
		n = next_random() % (n + 1);
	for (uint32_t k = next_random() % 8; k > 0; k--)
		msg[n++] = (uint8_t)next_random();
	return n;
}

START_TEST(no_message_gives_an_answer_that_is_none)
{
	uint8_t msg[200];
	struct sx_ip ip;

	sx_ip_parse("198.18.0.1", &ip);
	for (unsigned i = 0; i < 200000; i++) {
		size_t n = mutate(msg, seeds[i % 3]);
		int r = parse_n(msg, n);
		if (r < 0)
			continue;
		struct sx_dns_answer a = {
			.rcode = (enum sx_dns_rcode)r, .ips = &ip, .n_ips = 1};
		size_t size = sx_dns_write(&q, &a, out);
		ck_assert_uint_ge(size, 12);
		ck_assert_uint_le(size, sizeof(out));
		ck_assert_mem_eq(out, msg, 2);
		ck_assert_uint_eq(out[2] & 0x80, 0x80);
		/* what is said is no question that we would answer */
		ck_assert_int_eq(parse_n(out, size), -EBADMSG);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dns");
	TCase *t = tcase_create("dns");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_question_is_taken_apart);
	tcase_add_test(
		t, an_address_answers_with_the_question_as_it_was_written);
	tcase_add_test(t, a_name_answers_a_reverse_question);
	tcase_add_test(t, what_is_not_there_comes_with_an_soa);
	tcase_add_test(t, edns_is_answered_with_edns);
	tcase_add_test(t, another_version_of_edns_is_told_so);
	tcase_add_test(t, records_that_are_not_edns_are_passed_over);
	tcase_add_loop_test(
		t, what_is_no_question_to_us, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_test(t, a_question_is_cut_off_anywhere);
	tcase_add_test(t, the_root_is_a_name);
	tcase_add_test(t, bytes_that_text_cannot_hold_are_noticed);
	tcase_add_test(t, a_name_has_255_octets_at_most);
	tcase_add_test(t, a_label_has_63_octets_at_most);
	tcase_add_test(t, a_reverse_name_speaks_of_an_address);
	tcase_add_test(t, messages_come_in_pieces);
	tcase_add_test(t, the_longest_message_fits_and_a_longer_one_does_not);
	tcase_add_test(t, no_message_gives_an_answer_that_is_none);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

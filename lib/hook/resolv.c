/*
 * The resolver below getaddrinfo(): res_query(3) and its relatives send
 * questions to the name server from inside libc, past every other hook. They
 * are answered as a nameserver's are, unless a rule sends the name direct.
 */
#include "base/log.h"
#include "hook/hook.h"
#include "hook/nameserver.h"
#include "hook/real.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

/* Programs built with an older libc have these under another name. */
#define ALIAS(name) SX_EXPORT_ALIAS(__##name, name)

static int refuse(const char *what, const struct sx_dest *dest)
{
	sx_hook_refuse(ETIMEDOUT, what, dest, NULL);
	h_errno = TRY_AGAIN;
	return -1;
}

/* True when libc may ask for this name; *dest is for the log. */
static bool may_ask(const char *name, struct sx_dest *dest)
{
	struct sx_lookup found;
	struct sx_engine *e = sx_hook_engine();

	*dest = (struct sx_dest){.kind = SX_DEST_NAME, .port = 53};
	return e && name && sx_name_normalize(name, dest->name) == 0 &&
	       sx_engine_lookup(e, name, AF_UNSPEC, &found) == 0 &&
	       found.kind == SX_LOOKUP_DIRECT;
}

static int copy_out(
	const unsigned char *from, size_t n, unsigned char *answer, int size)
{
	size_t room = size > 0 ? (size_t)size : 0;

	if (n > room)
		n = room;
	if (n)
		memcpy(answer, from, n);
	return (int)n;
}

/* A question already made up: the answer is whatever it is. */
static int answer_message(const unsigned char *msg, int len,
	unsigned char *answer, int size, const char *what)
{
	uint8_t out[SX_DNS_ANSWER_MAX];
	size_t n = msg && len > 0 && sx_hook_engine()
			   ? sx_nameserver_answer(msg, (size_t)len, out)
			   : 0;

	return n ? copy_out(out, n, answer, size) : refuse(what, NULL);
}

/* As res_query(3): no such record is an error. */
static int judge(const unsigned char *answer, int n)
{
	static const int errors[] = {[SX_DNS_NOERROR] = NO_DATA,
		[SX_DNS_NXDOMAIN] = HOST_NOT_FOUND,
		[SX_DNS_SERVFAIL] = TRY_AGAIN,
		[SX_DNS_REFUSED] = NO_RECOVERY};
	unsigned rcode = n < 12 ? SX_DNS_REFUSED : answer[3] & 0xfU;

	if (n >= 12 && rcode == SX_DNS_NOERROR && (answer[6] || answer[7]))
		return n;
	h_errno = rcode < sizeof(errors) / sizeof(*errors) && errors[rcode]
			  ? errors[rcode]
			  : NO_RECOVERY;
	return -1;
}

static int answer_query(const char *name, int class, int type,
	unsigned char *answer, int size, const char *what)
{
	unsigned char msg[NS_PACKETSZ];
	int len = name ? res_mkquery(ns_o_query, name, class, type, NULL, 0,
				 NULL, msg, sizeof(msg))
		       : -1;

	if (len < 0) {
		h_errno = NO_RECOVERY;
		return -1;
	}
	int n = answer_message(msg, len, answer, size, what);
	return n < 0 ? n : judge(answer, n);
}

static int hook_res_query(
	const char *name, int class, int type, unsigned char *answer, int size)
{
	struct sx_dest dest;

	if (may_ask(name, &dest) && real_res_query)
		return real_res_query(name, class, type, answer, size);
	return answer_query(name, class, type, answer, size, "res_query");
}

/* Every name exists, so the first of the list that is searched is the name
 * as it is. */
static int hook_res_search(
	const char *name, int class, int type, unsigned char *answer, int size)
{
	struct sx_dest dest;

	if (may_ask(name, &dest) && real_res_search)
		return real_res_search(name, class, type, answer, size);
	return answer_query(name, class, type, answer, size, "res_search");
}

static int hook_res_nquery(res_state state, const char *name, int class,
	int type, unsigned char *answer, int size)
{
	struct sx_dest dest;

	if (may_ask(name, &dest) && real_res_nquery)
		return real_res_nquery(state, name, class, type, answer, size);
	return answer_query(name, class, type, answer, size, "res_nquery");
}

static int hook_res_nsearch(res_state state, const char *name, int class,
	int type, unsigned char *answer, int size)
{
	struct sx_dest dest;

	if (may_ask(name, &dest) && real_res_nsearch)
		return real_res_nsearch(state, name, class, type, answer, size);
	return answer_query(name, class, type, answer, size, "res_nsearch");
}

/* A name in two parts. */
static int hook_res_querydomain(const char *name, const char *domain, int class,
	int type, unsigned char *answer, int size)
{
	char whole[SX_NAME_MAX + 2];

	if (!name || !domain)
		return hook_res_query(name, class, type, answer, size);
	int n = snprintf(whole, sizeof(whole), "%s.%s", name, domain);
	if (n < 0 || (size_t)n >= sizeof(whole)) {
		h_errno = NO_RECOVERY;
		return -1;
	}
	return hook_res_query(whole, class, type, answer, size);
}

SX_EXPORT int res_query(
	const char *name, int class, int type, unsigned char *answer, int size)
{
	return hook_res_query(name, class, type, answer, size);
}
ALIAS(res_query);

SX_EXPORT int res_search(
	const char *name, int class, int type, unsigned char *answer, int size)
{
	return hook_res_search(name, class, type, answer, size);
}
ALIAS(res_search);

SX_EXPORT int res_nquery(res_state state, const char *name, int class, int type,
	unsigned char *answer, int size)
{
	return hook_res_nquery(state, name, class, type, answer, size);
}
ALIAS(res_nquery);

SX_EXPORT int res_nsearch(res_state state, const char *name, int class,
	int type, unsigned char *answer, int size)
{
	return hook_res_nsearch(state, name, class, type, answer, size);
}
ALIAS(res_nsearch);

SX_EXPORT int res_querydomain(const char *name, const char *domain, int class,
	int type, unsigned char *answer, int size)
{
	return hook_res_querydomain(name, domain, class, type, answer, size);
}
ALIAS(res_querydomain);

SX_EXPORT int res_nquerydomain(res_state state, const char *name,
	const char *domain, int class, int type, unsigned char *answer,
	int size)
{
	(void)state;
	return hook_res_querydomain(name, domain, class, type, answer, size);
}
ALIAS(res_nquerydomain);

SX_EXPORT int res_send(
	const unsigned char *msg, int len, unsigned char *answer, int size)
{
	return answer_message(msg, len, answer, size, "res_send");
}
ALIAS(res_send);

SX_EXPORT int res_nsend(res_state state, const unsigned char *msg, int len,
	unsigned char *answer, int size)
{
	(void)state;
	return answer_message(msg, len, answer, size, "res_nsend");
}
ALIAS(res_nsend);

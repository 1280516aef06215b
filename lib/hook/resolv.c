/*
 * The resolver below getaddrinfo(): res_query(3) and its relatives send
 * questions to the name server from inside libc, past every other hook. They
 * are refused, as if no server had answered, unless a rule sends the name
 * direct.
 */
#include "base/log.h"
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>
#include <resolv.h>

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

static int hook_res_query(
	const char *name, int class, int type, unsigned char *answer, int size)
{
	struct sx_dest dest;

	if (may_ask(name, &dest) && real_res_query)
		return real_res_query(name, class, type, answer, size);
	return refuse("res_query", &dest);
}

static int hook_res_search(
	const char *name, int class, int type, unsigned char *answer, int size)
{
	struct sx_dest dest;

	if (may_ask(name, &dest) && real_res_search)
		return real_res_search(name, class, type, answer, size);
	return refuse("res_search", &dest);
}

static int hook_res_nquery(res_state state, const char *name, int class,
	int type, unsigned char *answer, int size)
{
	struct sx_dest dest;

	if (may_ask(name, &dest) && real_res_nquery)
		return real_res_nquery(state, name, class, type, answer, size);
	return refuse("res_nquery", &dest);
}

static int hook_res_nsearch(res_state state, const char *name, int class,
	int type, unsigned char *answer, int size)
{
	struct sx_dest dest;

	if (may_ask(name, &dest) && real_res_nsearch)
		return real_res_nsearch(state, name, class, type, answer, size);
	return refuse("res_nsearch", &dest);
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

/* A name in two parts, or a question already made up: never asked. */

SX_EXPORT int res_querydomain(const char *name, const char *domain, int class,
	int type, unsigned char *answer, int size)
{
	(void)name, (void)domain, (void)class, (void)type, (void)answer;
	(void)size;
	return refuse("res_querydomain", NULL);
}
ALIAS(res_querydomain);

SX_EXPORT int res_nquerydomain(res_state state, const char *name,
	const char *domain, int class, int type, unsigned char *answer,
	int size)
{
	(void)state, (void)name, (void)domain, (void)class, (void)type;
	(void)answer, (void)size;
	return refuse("res_nquerydomain", NULL);
}
ALIAS(res_nquerydomain);

SX_EXPORT int res_send(
	const unsigned char *msg, int len, unsigned char *answer, int size)
{
	(void)msg, (void)len, (void)answer, (void)size;
	return refuse("res_send", NULL);
}
ALIAS(res_send);

SX_EXPORT int res_nsend(res_state state, const unsigned char *msg, int len,
	unsigned char *answer, int size)
{
	(void)state, (void)msg, (void)len, (void)answer, (void)size;
	return refuse("res_nsend", NULL);
}
ALIAS(res_nsend);

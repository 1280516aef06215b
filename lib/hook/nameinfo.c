/*
 * getnameinfo(3): an address of ours gives its name back, and no other
 * address is looked up at a name server.
 */
#include "hook/hook.h"
#include "hook/nss.h"
#include "hook/real.h"

#include <errno.h>
#include <string.h>

/* libc checks the arguments and fills in the service; the host is ours. */
static int answer(const struct sockaddr *sa, socklen_t len, const char *name,
	char *host, socklen_t host_size, char *serv, socklen_t serv_size,
	int flags)
{
	char numeric[NI_MAXHOST];
	int r = real_getnameinfo(sa, len, numeric, sizeof(numeric), serv,
		serv_size, (flags & ~NI_NAMEREQD) | NI_NUMERICHOST);

	if (r)
		return r;
	if (!name && flags & NI_NAMEREQD)
		return EAI_NONAME;
	if (!name)
		name = numeric;
	size_t size = strlen(name) + 1;
	if (size > host_size)
		return EAI_OVERFLOW;
	memcpy(host, name, size);
	return 0;
}

static int hook_getnameinfo(const struct sockaddr *sa, socklen_t len,
	char *host, socklen_t host_size, char *serv, socklen_t serv_size,
	int flags)
{
	struct sx_engine *e = sx_hook_engine();
	char name[SX_NAME_MAX + 1];
	struct sx_ip ip;

	if (flags & NI_NUMERICHOST || !host || !host_size || !sa ||
		sx_ip_from_sockaddr(sa, len, &ip, NULL))
		return real_getnameinfo(
			sa, len, host, host_size, serv, serv_size, flags);
	int r = e ? sx_engine_reverse(e, &ip, name) : -ENOENT;
	if (r > 0)
		return SX_ALLOWED_LOOKUP(real_getnameinfo(
			sa, len, host, host_size, serv, serv_size, flags));
	return answer(sa, len, r ? NULL : name, host, host_size, serv,
		serv_size, flags);
}

SX_EXPORT int getnameinfo(const struct sockaddr *sa, socklen_t len, char *host,
	socklen_t host_size, char *serv, socklen_t serv_size, int flags)
{
	return hook_getnameinfo(
		sa, len, host, host_size, serv, serv_size, flags);
}

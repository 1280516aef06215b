/*
 * socket(2): packets below IP cannot be carried, and would pass every rule.
 */
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>

static int hook_socket(int domain, int type, int protocol)
{
	/* SOCK_PACKET is the old name for the same with AF_INET */
	if (domain == AF_PACKET || (type & 0xf) == SOCK_PACKET)
		return sx_hook_refuse(EPERM, "a packet socket", NULL, NULL);
	return real_socket(domain, type, protocol);
}

SX_EXPORT int socket(int domain, int type, int protocol)
{
	return hook_socket(domain, type, protocol);
}

/*
 * socket(2): kinds of sockets that no rule could judge are not made, with the
 * error of a kernel that does not know them.
 */
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>
#include <netinet/in.h>

#define TYPE_MASK 0xf /* without SOCK_CLOEXEC and SOCK_NONBLOCK */

static bool is_strict(void)
{
	struct sx_engine *e = sx_hook_engine();

	return !e || sx_engine_conf(e)->strict;
}

/* Families that lead nowhere but to this machine. */
static bool is_local(int domain)
{
	return domain == AF_UNIX || domain == AF_NETLINK || domain == AF_ALG;
}

static int hook_socket(int domain, int type, int protocol)
{
	bool inet = domain == AF_INET || domain == AF_INET6;

	/* Packets below IP would pass every rule. SOCK_PACKET is the old name
	 * for the same with AF_INET */
	if (domain == AF_PACKET || (type & TYPE_MASK) == SOCK_PACKET)
		return sx_hook_refuse(EPERM, "a packet socket", NULL, NULL);
	/* Connects and sends by socket options as well */
	if (inet && (protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP))
		return sx_hook_refuse(
			EPROTONOSUPPORT, "an SCTP or DCCP socket", NULL, NULL);
	/* It opens more paths to the server by itself, and cannot be dissolved
	 * by every kernel; TCP is what it falls back to */
	if (inet && protocol == IPPROTO_MPTCP)
		protocol = IPPROTO_TCP;
	if (!inet && !is_local(domain) && is_strict())
		return sx_hook_refuse(EAFNOSUPPORT,
			"a socket of an unusual family", NULL, "strict");
	if (inet && (type & TYPE_MASK) == SOCK_RAW && is_strict())
		return sx_hook_refuse(EPERM, "a raw socket", NULL, "strict");
	return real_socket(domain, type, protocol);
}

SX_EXPORT int socket(int domain, int type, int protocol)
{
	return hook_socket(domain, type, protocol);
}

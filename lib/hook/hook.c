#include "hook/hook.h"

#include "base/hash.h"
#include "base/log.h"
#include "hook/real.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

/* Recent refusals, so that a program that repeats itself does not flood the
 * log; a collision costs a repeated line, or none lost but one. */
#define N_SEEN 256
static _Atomic uint64_t seen[N_SEEN];

static bool is_new(const char *what, const char *dest)
{
	uint64_t h = sx_hash(SX_HASH_START, what, strlen(what));

	h = sx_hash(h, dest, strlen(dest));
	return atomic_exchange(&seen[h % N_SEEN], h) != h;
}

int sx_hook_refuse(int err, const char *what, const struct sx_dest *dest,
	const char *where)
{
	char text[SX_DEST_STRLEN] = "";

	if (sx_log_enabled(SX_LOG_WARN)) {
		if (dest)
			sx_dest_format(dest, text, sizeof(text));
		if (is_new(what, text) || sx_log_enabled(SX_LOG_DEBUG))
			sx_log(SX_LOG_WARN, "refused: %s%s%s%s%s%s", what,
				dest ? " to " : "", text, where ? " (" : "",
				where ? where : "", where ? ")" : "");
	}
	errno = err;
	return -1;
}

static bool get_int(int fd, int name, int *out)
{
	socklen_t len = sizeof(*out);

	return real_getsockopt(fd, SOL_SOCKET, name, out, &len) == 0;
}

bool sx_hook_is_inet(int fd, struct sx_hook_sock *out)
{
	int saved = errno;
	bool ok = get_int(fd, SO_DOMAIN, &out->domain) &&
		  (out->domain == AF_INET || out->domain == AF_INET6) &&
		  get_int(fd, SO_TYPE, &out->type) &&
		  get_int(fd, SO_PROTOCOL, &out->protocol);

	errno = saved;
	return ok;
}

bool sx_hook_cookie(int fd, uint64_t *cookie)
{
	socklen_t len = sizeof(*cookie);
	int saved = errno;
	bool ok =
		real_getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &len) == 0 &&
		*cookie != 0;

	errno = saved;
	return ok;
}

int sx_hook_set_rcvlowat(int fd, int bytes)
{
	int was = 1;
	socklen_t len = sizeof(was);

	real_getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &was, &len);
	if (was != bytes)
		real_setsockopt(
			fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
	return was;
}

/* Those come from what a thread does itself, not while it waits; sanitizers
 * and crash reporters handle them. */
static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE ||
	       sig == SIGILL || sig == SIGTRAP || sig == SIGABRT ||
	       sig == SIGSYS;
}

/*
 * A signal handler ran while we waited. The kernel's connect() returns EINTR
 * if that handler was installed without SA_RESTART, and goes on otherwise.
 * Which handler it was cannot be known here: EINTR is taken if there is any
 * of that kind.
 */
bool sx_hook_interrupts(void)
{
	struct sigaction sa;

	for (int sig = 1; sig < NSIG; sig++)
		if (!is_fault(sig) && sigaction(sig, NULL, &sa) == 0 &&
			sa.sa_handler != SIG_DFL && sa.sa_handler != SIG_IGN &&
			!(sa.sa_flags & SA_RESTART))
			return true;
	return false;
}

int sx_hook_unconnect(int fd)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};

	return real_connect(fd, &none, sizeof(none));
}

static bool is_set(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return real_getsockopt(fd, level, name, &value, &len) == 0 &&
	       value != 0;
}

bool sx_hook_is_tied(int fd, int domain)
{
	return is_set(fd, SOL_SOCKET, SO_BINDTOIFINDEX) ||
	       is_set(fd, IPPROTO_IP, IP_UNICAST_IF) ||
	       (domain == AF_INET6 &&
		       is_set(fd, IPPROTO_IPV6, IPV6_UNICAST_IF));
}

bool sx_hook_is_tcp(const struct sx_hook_sock *sock)
{
	return sock->type == SOCK_STREAM &&
	       (sock->protocol == IPPROTO_TCP ||
		       sock->protocol == IPPROTO_MPTCP);
}

/*
 * Carried sockets that another program or process gets: by exec, which keeps
 * the descriptor, and with it the association; or by SCM_RIGHTS, where the
 * other one makes an association of its own when it sends.
 */
#include "core/handed.h"
#include "hook/carrying.h"
#include "hook/env.h"
#include "hook/ownfd.h"
#include "hook/passed.h"
#include "hook/pending.h"
#include "hook/real.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define VARIABLE "SOCKSIFY_CARRIED"

/* What there is to know of one, in words: its number and cookie, the control
 * connection or -1, the relay and whom it is connected to, "-" for none. */
#define FORMAT_OUT "%d %llu %d %s %u %s %u;"
#define FORMAT_IN  "%d %llu %d %45s %hu %45s %hu;%n"

struct passed {
	int fd, control;
	unsigned long long cookie;
	struct sx_handed ends;
};

static const char *text_of(const struct sx_ip *ip, char buf[INET6_ADDRSTRLEN])
{
	return ip->family ? sx_ip_format(ip, buf, INET6_ADDRSTRLEN) : "-";
}

static bool describe(int fd, struct passed *p)
{
	struct sx_carried *c = sx_carried_get(fd);
	uint64_t cookie;

	*p = (struct passed){.fd = fd, .control = -1};
	if (!c || !sx_hook_cookie(fd, &cookie))
		return false;
	p->cookie = cookie;
	/* of a chain there is too much to say: it is made anew */
	if (atomic_load(&c->state) == SX_CARRIED_UP && !c->assoc.n_beyond) {
		p->control = c->assoc.fd;
		p->ends.relay = c->assoc.relay;
		p->ends.relay_port = c->assoc.relay_port;
	}
	if (atomic_load(&c->is_connected)) {
		p->ends.peer = c->peer_ip;
		p->ends.peer_port = c->peer.port;
	}
	return p->ends.relay.family || p->ends.peer.family;
}

/* All that the next program will have; false if there is none. */
static bool describe_kept(char *text, size_t size)
{
	char relay[INET6_ADDRSTRLEN], peer[INET6_ADDRSTRLEN];
	struct passed p;
	size_t used = 0;
	int fd;

	for (fd = sx_fdtab_next(&sx_carried_fds, 0); fd >= 0;
		fd = sx_fdtab_next(&sx_carried_fds, (unsigned)fd + 1)) {
		if (real_fcntl(fd, F_GETFD) != 0 || !describe(fd, &p))
			continue;
		int n = snprintf(text + used, size - used, FORMAT_OUT, p.fd,
			p.cookie, p.control, text_of(&p.ends.relay, relay),
			p.ends.relay_port, text_of(&p.ends.peer, peer),
			p.ends.peer_port);
		if (n < 0 || (size_t)n >= size - used)
			break;
		used += (size_t)n;
		if (p.control >= 0)
			real_fcntl(p.control, F_SETFD, 0);
	}
	text[used] = '\0';
	return used > 0;
}

bool sx_carried_before_exec(void)
{
	char text[4096];
	int fd = sx_fdtab_next(&sx_carried_fds, 0);

	/* a child of vfork() has its parent's memory */
	if (fd < 0 || !sx_fdtab_own(&sx_carried_fds, fd) ||
		!describe_kept(text, sizeof(text)))
		return false;
	sx_env_keep(VARIABLE, text);
	return true;
}

void sx_carried_after_exec(void)
{
	struct passed p;
	int fd;

	sx_env_drop(VARIABLE);
	for (fd = sx_fdtab_next(&sx_carried_fds, 0); fd >= 0;
		fd = sx_fdtab_next(&sx_carried_fds, (unsigned)fd + 1))
		if (describe(fd, &p) && p.control >= 0)
			real_fcntl(p.control, F_SETFD, FD_CLOEXEC);
}

static void take_control(int control)
{
	sx_pending_lock_all();
	sx_fdtab_set(&sx_ownfds, control, &sx_ownfds);
	sx_pending_unlock();
	real_fcntl(control, F_SETFD, FD_CLOEXEC);
}

/* It is known here from now on as it was there. */
static void take(const struct passed *p, const struct sx_hook_sock *sock)
{
	struct sx_carried_dest to = {.ip = p->ends.peer};
	struct sx_dest dest;
	struct sx_verdict verdict;

	if (p->ends.peer.family &&
		sx_engine_dest(sx_hook_engine(), &p->ends.peer,
			p->ends.peer_port, &dest))
		return;
	if (p->ends.peer.family) {
		dest.transport = SX_TRANSPORT_UDP;
		verdict = sx_engine_decide(sx_hook_engine(), &dest);
		to.dest = &dest;
		to.verdict = &verdict;
	}
	if (sx_carried_adopt(p->fd, sock, p->control, &p->ends.relay,
		    p->ends.relay_port, p->ends.peer.family ? &to : NULL) &&
		p->control >= 0)
		take_control(p->control);
}

static void take_if_it_is(const struct passed *p)
{
	struct sx_hook_sock sock;
	uint64_t cookie;

	if (sx_hook_cookie(p->fd, &cookie) && cookie == p->cookie &&
		sx_hook_is_inet(p->fd, &sock) && sx_hook_engine())
		take(p, &sock);
}

void sx_carried_from_exec(void)
{
	const char *text = sx_env_get(VARIABLE);
	char relay[46], peer[46];
	struct passed p;
	int n;

	if (!text)
		return;
	for (; sscanf(text, FORMAT_IN, &p.fd, &p.cookie, &p.control, relay,
		       &p.ends.relay_port, peer, &p.ends.peer_port, &n) == 7;
		text += n) {
		if (sx_ip_parse(relay, &p.ends.relay))
			p.ends.relay.family = AF_UNSPEC;
		if (sx_ip_parse(peer, &p.ends.peer))
			p.ends.peer.family = AF_UNSPEC;
		take_if_it_is(&p);
	}
	sx_env_drop(VARIABLE);
	unsetenv(VARIABLE); /* it is no child's */
}

/* By SCM_RIGHTS. */

static uint64_t network(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) ? 0 : st.st_ino;
}

void sx_carried_give(int fd)
{
	struct passed p;
	int saved = errno;

	if (!sx_carried_get(fd) || !describe(fd, &p))
		return;
	sx_handed_put(sx_engine_handed(sx_hook_engine()), network(), p.cookie,
		&p.ends);
	errno = saved;
}

static void take_given(int fd)
{
	struct passed p = {.fd = fd, .control = -1};
	struct sx_hook_sock sock;
	uint64_t cookie;

	if (!sx_hook_is_inet(fd, &sock) || sock.type != SOCK_DGRAM ||
		!sx_hook_cookie(fd, &cookie) || !sx_hook_engine() ||
		!sx_handed_get(sx_engine_handed(sx_hook_engine()), network(),
			cookie, &p.ends))
		return;
	take(&p, &sock);
}

void sx_carried_received(const struct msghdr *msg)
{
	int saved = errno;

	sx_passed_fds(msg, take_given);
	errno = saved;
}

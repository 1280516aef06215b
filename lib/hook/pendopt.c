#include "hook/pendopt.h"

#include "hook/pending.h"
#include "hook/real.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

/* SO_RCVLOWAT is the dial's for now. */
static int set(struct sx_pending *p, int level, int name, const void *val,
	socklen_t len)
{
	int sock = sx_pending_sock(p), bytes = 1;
	int r = real_setsockopt(sock, level, name, val, len);

	if (r || level != SOL_SOCKET || name != SO_RCVLOWAT)
		return r;
	memcpy(sx_pending_rcvlowat(p), val, sizeof(int));
	return real_setsockopt(sock, level, name, &bytes, sizeof(bytes));
}

static int give(int value, void *val, socklen_t *len)
{
	if (*len > sizeof(value))
		*len = sizeof(value);
	memcpy(val, &value, *len);
	return 0;
}

/* The server's answers are not the program's: no error yet, no state but that
 * of a connection that is being made. */
static int get(
	struct sx_pending *p, int level, int name, void *val, socklen_t *len)
{
	int sock = sx_pending_sock(p);

	if (!val || !len)
		return real_getsockopt(sock, level, name, val, len);
	if (level == SOL_SOCKET && name == SO_ERROR)
		return give(0, val, len);
	if (level == SOL_SOCKET && name == SO_RCVLOWAT)
		return give(*sx_pending_rcvlowat(p), val, len);
	int r = real_getsockopt(sock, level, name, val, len);
	if (r == 0 && level == IPPROTO_TCP && name == TCP_INFO && *len)
		*(uint8_t *)val = TCP_SYN_SENT;
	return r;
}

bool sx_pendopt_set(
	int fd, int level, int name, const void *val, socklen_t len, int *r)
{
	struct sx_pending *p = sx_pending_lock(fd);

	if (!p)
		return false;
	*r = set(p, level, name, val, len);
	sx_pending_unlock();
	return true;
}

bool sx_pendopt_get(
	int fd, int level, int name, void *val, socklen_t *len, int *r)
{
	struct sx_pending *p = sx_pending_lock(fd);

	if (!p)
		return false;
	*r = get(p, level, name, val, len);
	sx_pending_unlock();
	return true;
}

bool sx_pendopt_name(int fd, struct sockaddr *sa, socklen_t *len, int *r)
{
	struct sx_pending *p = sx_pending_lock(fd);

	if (!p)
		return false;
	*r = real_getsockname(sx_pending_sock(p), sa, len);
	sx_pending_unlock();
	return true;
}

/*
 * Old functions of libc that look names up or connect inside libc, past every
 * other hook. What nobody needs any more is refused.
 */
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static int refuse(const char *what)
{
	return sx_hook_refuse(ENOSYS, what, NULL, NULL);
}

SX_EXPORT int rcmd_af(char **host, unsigned short port, const char *local,
	const char *remote, const char *command, int *error_fd,
	sa_family_t family)
{
	(void)host, (void)port, (void)local, (void)remote, (void)command;
	(void)error_fd, (void)family;
	return refuse("rcmd");
}

SX_EXPORT int rcmd(char **host, unsigned short port, const char *local,
	const char *remote, const char *command, int *error_fd)
{
	return rcmd_af(host, port, local, remote, command, error_fd, AF_INET);
}

SX_EXPORT int rexec_af(char **host, int port, const char *name,
	const char *password, const char *command, int *error_fd,
	sa_family_t family)
{
	(void)host, (void)port, (void)name, (void)password, (void)command;
	(void)error_fd, (void)family;
	return refuse("rexec");
}

SX_EXPORT int rexec(char **host, int port, const char *name,
	const char *password, const char *command, int *error_fd)
{
	return rexec_af(host, port, name, password, command, error_fd, AF_INET);
}

SX_EXPORT int ruserok_af(const char *host, int superuser, const char *remote,
	const char *local, sa_family_t family)
{
	(void)host, (void)superuser, (void)remote, (void)local, (void)family;
	return refuse("ruserok");
}

SX_EXPORT int ruserok(
	const char *host, int superuser, const char *remote, const char *local)
{
	return ruserok_af(host, superuser, remote, local, AF_UNSPEC);
}

static bool read_hostid(int32_t *id)
{
	int fd = open("/etc/hostid", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	bool ok = real_read(fd, id, sizeof(*id)) == sizeof(*id);
	real_close(fd);
	return ok;
}

/* libc makes it of the address of this machine's name, which it asks the
 * name server for if no file knows it; without one it is 0. */
SX_EXPORT long gethostid(void)
{
	char name[HOST_NAME_MAX + 1] = "";
	struct sx_lookup found;
	int32_t id;
	uint32_t address;

	if (read_hostid(&id))
		return id;
	if (gethostname(name, sizeof(name) - 1) || !sx_hook_engine() ||
		sx_engine_lookup(sx_hook_engine(), name, AF_INET, &found) ||
		found.kind != SX_LOOKUP_LOCAL)
		return 0;
	memcpy(&address, found.host.ips[0].bytes, sizeof(address));
	return (int32_t)(address << 16 | address >> 16);
}

#include "hook/real.h"

#include "hook/nss.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

static struct sx_real table;
static atomic_bool bound;

/* dlsym() is our own here; before glibc 2.34 it was in another library, of the
 * version that the machine's ABI began with. */
SX_EARLY static __typeof__(dlsym) *libc_dlsym(void)
{
	static const char *const versions[] = {
		"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.0"};
	void *found = NULL;

	for (size_t i = 0; !found && i < sizeof(versions) / sizeof(*versions);
		i++)
		found = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
	return (__typeof__(dlsym) *)found;
}

/* Threads that race here write the same values. */
SX_EARLY static void bind_all(void)
{
	__typeof__(dlsym) *next = libc_dlsym();

	if (!next)
		return; /* another libc; nothing can work then */
#define SX_HOOK(name) table.name = (__typeof__(name) *)next(RTLD_NEXT, #name);
#include "hook/hooks.def"
#undef SX_HOOK
	atomic_store_explicit(&bound, true, memory_order_release);
}

SX_EARLY const struct sx_real *sx_real(void)
{
	if (!atomic_load_explicit(&bound, memory_order_acquire))
		bind_all();
	return &table;
}

static int sys_socket(int domain, int type, int protocol)
{
	return real_socket(domain, type, protocol);
}

static int sys_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	return real_connect(fd, sa, len);
}

static ssize_t sys_send(int fd, const void *buf, size_t n, int flags)
{
	return real_send(fd, buf, n, flags);
}

static ssize_t sys_recv(int fd, void *buf, size_t n, int flags)
{
	return real_recv(fd, buf, n, flags);
}

static int sys_getsockopt(
	int fd, int level, int name, void *val, socklen_t *len)
{
	return real_getsockopt(fd, level, name, val, len);
}

static int sys_setsockopt(
	int fd, int level, int name, const void *val, socklen_t len)
{
	return real_setsockopt(fd, level, name, val, len);
}

static int sys_getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	return real_getsockname(fd, sa, len);
}

static int sys_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	return real_bind(fd, sa, len);
}

static int sys_fcntl(int fd, int cmd, long arg)
{
	return real_fcntl(fd, cmd, arg);
}

static int sys_dup3(int from, int to, int flags)
{
	return real_dup3(from, to, flags);
}

static int sys_close(int fd)
{
	return real_close(fd);
}

static int sys_getaddrinfo(const char *host, const char *service,
	const struct addrinfo *hints, struct addrinfo **res)
{
	return SX_ALLOWED_LOOKUP(real_getaddrinfo(host, service, hints, res));
}

const struct sx_sys sx_sys_real = {
	.socket = sys_socket,
	.connect = sys_connect,
	.send = sys_send,
	.recv = sys_recv,
	.poll = poll,
	.getsockopt = sys_getsockopt,
	.setsockopt = sys_setsockopt,
	.getsockname = sys_getsockname,
	.bind = sys_bind,
	.fcntl = sys_fcntl,
	.dup3 = sys_dup3,
	.close = sys_close,
	.clock_gettime = clock_gettime,
	.getaddrinfo = sys_getaddrinfo,
	.freeaddrinfo = freeaddrinfo,
};

#include "hook/real.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

static struct sx_real table;
static atomic_bool bound;

/* Threads that race here write the same values. */
static void bind_all(void)
{
#define SX_HOOK(name) table.name = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);
#include "hook/hooks.def"
#undef SX_HOOK
	atomic_store_explicit(&bound, true, memory_order_release);
}

const struct sx_real *sx_real(void)
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

static int sys_getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getsockname(fd, sa, len);
}

static int sys_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	return bind(fd, sa, len);
}

static int sys_fcntl(int fd, int cmd, long arg)
{
	return fcntl(fd, cmd, arg);
}

static int sys_getaddrinfo(const char *host, const char *service,
	const struct addrinfo *hints, struct addrinfo **res)
{
	return real_getaddrinfo(host, service, hints, res);
}

const struct sx_sys sx_sys_real = {
	.socket = sys_socket,
	.connect = sys_connect,
	.send = send,
	.recv = recv,
	.poll = poll,
	.getsockopt = getsockopt,
	.setsockopt = setsockopt,
	.getsockname = sys_getsockname,
	.bind = sys_bind,
	.fcntl = sys_fcntl,
	.dup3 = dup3,
	.close = close,
	.clock_gettime = clock_gettime,
	.getaddrinfo = sys_getaddrinfo,
	.freeaddrinfo = freeaddrinfo,
};

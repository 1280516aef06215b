/*
 * libc's own functions behind the names that are interposed.
 *
 * Three names for each: real_connect() is libc's, hook_connect() is ours,
 * connect() is the export. Nothing but lib/hook may use this.
 */
#ifndef SX_HOOK_REAL_H
#define SX_HOOK_REAL_H

#include "base/sys.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <resolv.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* libc's headers declare them only under _FORTIFY_SOURCE. */
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags,
	struct sockaddr *sa, socklen_t *len);

struct sx_real {
#define SX_HOOK(name) __typeof__(name) *name;
#include "hook/hooks.def"
#undef SX_HOOK
};

/* Bound by the constructor, or by the first hook that runs before it (in
 * another library's constructor). [any thread] [signal-safe] once bound */
const struct sx_real *sx_real(void);

#define real_connect          (sx_real()->connect)
#define real_socket           (sx_real()->socket)
#define real_setsockopt       (sx_real()->setsockopt)
#define real_getsockopt       (sx_real()->getsockopt)
#define real_getsockname      (sx_real()->getsockname)
#define real_bind             (sx_real()->bind)
#define real_listen           (sx_real()->listen)
#define real_accept4          (sx_real()->accept4)
#define real_dlopen           (sx_real()->dlopen)
#define real_dlsym            (sx_real()->dlsym)
#define real_sendto           (sx_real()->sendto)
#define real_sendmsg          (sx_real()->sendmsg)
#define real_sendmmsg         (sx_real()->sendmmsg)
#define real_recvfrom         (sx_real()->recvfrom)
#define real_recvfrom_chk     (sx_real()->__recvfrom_chk)
#define real_recvmsg          (sx_real()->recvmsg)
#define real_recvmmsg         (sx_real()->recvmmsg)
#define real_getpeername      (sx_real()->getpeername)
#define real_getaddrinfo      (sx_real()->getaddrinfo)
#define real_getnameinfo      (sx_real()->getnameinfo)
#define real_gethostbyname2   (sx_real()->gethostbyname2)
#define real_gethostbyname2_r (sx_real()->gethostbyname2_r)
#define real_gethostbyaddr    (sx_real()->gethostbyaddr)
#define real_gethostbyaddr_r  (sx_real()->gethostbyaddr_r)
#define real_syscall          (sx_real()->syscall)
#define real_close            (sx_real()->close)
#define real_fclose           (sx_real()->fclose)
#define real_close_range      (sx_real()->close_range)
#define real_dup              (sx_real()->dup)
#define real_dup2             (sx_real()->dup2)
#define real_dup3             (sx_real()->dup3)
#define real_fcntl            (sx_real()->fcntl)
#define real_shutdown         (sx_real()->shutdown)
#define real_epoll_ctl        (sx_real()->epoll_ctl)
#define real_read             (sx_real()->read)
#define real_read_chk         (sx_real()->__read_chk)
#define real_write            (sx_real()->write)
#define real_readv            (sx_real()->readv)
#define real_writev           (sx_real()->writev)
#define real_recv             (sx_real()->recv)
#define real_recv_chk         (sx_real()->__recv_chk)
#define real_send             (sx_real()->send)
#define real_res_query        (sx_real()->res_query)
#define real_res_search       (sx_real()->res_search)
#define real_res_nquery       (sx_real()->res_nquery)
#define real_res_nsearch      (sx_real()->res_nsearch)
#define real_execve           (sx_real()->execve)
#define real_execveat         (sx_real()->execveat)
#define real_posix_spawn      (sx_real()->posix_spawn)
#define real_posix_spawnp     (sx_real()->posix_spawnp)
#define real_system           (sx_real()->system)
#define real_popen            (sx_real()->popen)

/* The core's table of system calls over them. */
extern const struct sx_sys sx_sys_real;

/* Marks what may run before a sanitizer's runtime is ready. */
#if __has_attribute(no_sanitize)
#define SX_EARLY __attribute__((no_sanitize("address", "undefined", "thread")))
#else
#define SX_EARLY
#endif

/* Marks what the library exports; all else is hidden. */
#define SX_EXPORT __attribute__((visibility("default")))

/* A second name for an exported function. */
#if __has_attribute(copy) /* gcc warns of attributes that differ */
#define SX_COPY_ATTRIBUTES(name) __attribute__((copy(name)))
#else
#define SX_COPY_ATTRIBUTES(name)
#endif
#define SX_EXPORT_ALIAS(other, name)                                           \
	extern __typeof__(name) other SX_COPY_ATTRIBUTES(name)                 \
		__attribute__((alias(#name), visibility("default")))

#endif

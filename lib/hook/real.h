/*
 * libc's own functions behind the names that are interposed.
 *
 * Three names for each: real_connect() is libc's, hook_connect() is ours,
 * connect() is the export. Nothing but lib/hook may use this.
 */
#ifndef SX_HOOK_REAL_H
#define SX_HOOK_REAL_H

#include "base/sys.h"

#include <netdb.h>
#include <sys/socket.h>

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
#define real_sendto           (sx_real()->sendto)
#define real_sendmsg          (sx_real()->sendmsg)
#define real_sendmmsg         (sx_real()->sendmmsg)
#define real_getpeername      (sx_real()->getpeername)
#define real_getaddrinfo      (sx_real()->getaddrinfo)
#define real_getnameinfo      (sx_real()->getnameinfo)
#define real_gethostbyname    (sx_real()->gethostbyname)
#define real_gethostbyname2   (sx_real()->gethostbyname2)
#define real_gethostbyname_r  (sx_real()->gethostbyname_r)
#define real_gethostbyname2_r (sx_real()->gethostbyname2_r)
#define real_gethostbyaddr    (sx_real()->gethostbyaddr)
#define real_gethostbyaddr_r  (sx_real()->gethostbyaddr_r)

/* The core's table of system calls over them. */
extern const struct sx_sys sx_sys_real;

/* Marks what the library exports; all else is hidden. */
#define SX_EXPORT __attribute__((visibility("default")))

#endif

/*
 * Services of this machine that look names up for whoever asks: libc's
 * modules reach them by unix sockets, and so may a program.
 */
#ifndef SX_HOOK_NSS_H
#define SX_HOOK_NSS_H

#include <stdbool.h>
#include <sys/socket.h>

/* True when connecting there would ask somebody for names. Not while this
 * thread's libc does a look-up that may be done. */
bool sx_hook_is_name_service(const struct sockaddr *sa, socklen_t len);

/* Around a look-up by libc that a rule allows; they nest. */
void sx_hook_begin_lookup(void);
void sx_hook_end_lookup(void);

/* The same around a call; its value. */
#define SX_ALLOWED_LOOKUP(call)                                                \
	({                                                                     \
		sx_hook_begin_lookup();                                        \
		__typeof__(call) result_ = (call);                             \
		sx_hook_end_lookup();                                          \
		result_;                                                       \
	})

#endif

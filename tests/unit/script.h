/*
 * A scripted table of system calls: each step names the call that must come
 * next, what it must be given and what it gives back. A call out of order, a
 * byte that differs and a step that is left over fail the test. Time passes
 * only as the steps say.
 */
#ifndef SX_TESTS_SCRIPT_H
#define SX_TESTS_SCRIPT_H

#include "base/sys.h"

#include <stdint.h>

struct step {
	enum call {
		CALL_END,
		CALL_CONNECT,
		CALL_SEND,
		CALL_RECV,
		CALL_PEEK, /* recv with MSG_PEEK */
		CALL_POLL,
		CALL_SO_ERROR,
		CALL_SETFL,
		CALL_V6ONLY,
		CALL_SET_V6ONLY,
		CALL_TCP_INFO,
		CALL_SOCKET,
		CALL_GETADDRINFO,
	} call;
	int err;           /* errno: the call returns -1; 0: it succeeds */
	const char *text;  /* connect: the address; getaddrinfo: the host */
	const char *bytes; /* what send() must be given, recv() gives */
	size_t n;
	long ret;         /* poll: revents; send: how many it takes; recv:
			     how many it must be asked for, 0: n or more */
	unsigned long ms; /* time that passes in this call */
	long max_ms;      /* poll: the timeout it must be given; 0: any */
};

/* "" for "unspec" addresses; bytes as string literals without their NUL. */
#define CONNECT(to, e)                                                         \
	{                                                                      \
		.call = CALL_CONNECT, .text = to, .err = e                     \
	}
#define DISCONNECT                                                             \
	{                                                                      \
		.call = CALL_CONNECT, .text = "unspec"                         \
	}
#define CLEAR_ERROR                                                            \
	{                                                                      \
		.call = CALL_SO_ERROR                                          \
	}
#define SETFL(flags)                                                           \
	{                                                                      \
		.call = CALL_SETFL, .ret = flags                               \
	}
#define DISSOLVE DISCONNECT, CLEAR_ERROR
#define SEND(b)                                                                \
	{                                                                      \
		.call = CALL_SEND, .bytes = b, .n = sizeof(b) - 1,             \
		.ret = sizeof(b) - 1                                           \
	}
#define SEND_PART(b, took)                                                     \
	{                                                                      \
		.call = CALL_SEND, .bytes = b, .n = sizeof(b) - 1, .ret = took \
	}
#define SEND_FAILS(e)                                                          \
	{                                                                      \
		.call = CALL_SEND, .err = e                                    \
	}
#define RECV(b)                                                                \
	{                                                                      \
		.call = CALL_RECV, .bytes = b, .n = sizeof(b) - 1              \
	}
/* What was peeked at, n bytes of it, leaves the socket. */
#define TAKE(b)                                                                \
	{                                                                      \
		.call = CALL_RECV, .bytes = b, .n = sizeof(b) - 1,             \
		.ret = sizeof(b) - 1                                           \
	}
#define PEEK(b)                                                                \
	{                                                                      \
		.call = CALL_PEEK, .bytes = b, .n = sizeof(b) - 1              \
	}
#define PEEK_FAILS(e)                                                          \
	{                                                                      \
		.call = CALL_PEEK, .err = e                                    \
	}
#define RECV_EOF                                                               \
	{                                                                      \
		.call = CALL_RECV, .bytes = "", .n = 0                         \
	}
#define RECV_FAILS(e)                                                          \
	{                                                                      \
		.call = CALL_RECV, .err = e                                    \
	}
#define POLL(events)                                                           \
	{                                                                      \
		.call = CALL_POLL, .ret = events                               \
	}
#define POLL_LATE(after)                                                       \
	{                                                                      \
		.call = CALL_POLL, .ret = 0, .ms = after                       \
	}
#define POLL_FAILS(e)                                                          \
	{                                                                      \
		.call = CALL_POLL, .err = e                                    \
	}
#define RESOLVES(host, to)                                                     \
	{                                                                      \
		.call = CALL_GETADDRINFO, .text = host, .bytes = to            \
	}
#define END                                                                    \
	{                                                                      \
		.call = CALL_END                                               \
	}

extern const struct sx_sys script_sys;

void script_start(const struct step *steps);

/* Fails the test if steps are left. */
void script_finish(void);

/* The script's clock, in ms since its start. */
uint64_t script_now_ms(void);

#endif

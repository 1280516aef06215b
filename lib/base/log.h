/*
 * Log lines: one write(2) each, from a buffer on the stack.
 *
 * Standard error belongs to the application: it may close the descriptor and
 * open a file of its own under the same number. So the file behind it is
 * remembered at the start, and a line for another file is not written.
 * A log file is opened for each line: nothing stays open. errno is kept.
 * Never give a password to a log function.
 */
#ifndef SX_BASE_LOG_H
#define SX_BASE_LOG_H

#include <stdbool.h>

enum sx_log_level {
	SX_LOG_NONE,
	SX_LOG_ERROR, /* socksify cannot work: configuration */
	SX_LOG_WARN,  /* something was refused, or a server does not work */
	SX_LOG_INFO,  /* each connection and where it went */
	SX_LOG_DEBUG, /* each step */
};

/* Remembers what standard error is now. */
void sx_log_take_stderr(void);

/* path: a file to append to instead of standard error, borrowed for ever;
 * NULL: none. Nothing is logged before this. */
void sx_log_init(enum sx_log_level level, const char *path);

bool sx_log_enabled(enum sx_log_level level);

/* Writes "socksify: text\n", cut at 512 bytes. [any thread] [after fork] */
void sx_log(enum sx_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512

static enum sx_log_level log_level = SX_LOG_NONE;
static const char *log_path;
static dev_t stderr_dev;
static ino_t stderr_ino;

void sx_log_take_stderr(void)
{
	struct stat st;
	int saved = errno;

	if (fstat(STDERR_FILENO, &st) == 0) {
		stderr_dev = st.st_dev;
		stderr_ino = st.st_ino;
	}
	errno = saved;
}

void sx_log_init(enum sx_log_level level, const char *path)
{
	log_path = path;
	log_level = level;
}

bool sx_log_enabled(enum sx_log_level level)
{
	return level <= log_level;
}

static bool stderr_is_ours(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == stderr_dev &&
	       st.st_ino == stderr_ino;
}

static void write_line(const char *line, size_t n)
{
	ssize_t written;

	if (!log_path) {
		if (stderr_is_ours())
			written = write(STDERR_FILENO, line, n);
		return;
	}
	int fd = open(log_path,
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
			O_NONBLOCK,
		0600);
	if (fd < 0)
		return;
	written = write(fd, line, n);
	(void)written; /* there is nobody to tell */
	close(fd);
}

void sx_log(enum sx_log_level level, const char *fmt, ...)
{
	static const char prefix[] = "socksify: ";
	char line[LINE_MAX_BYTES];
	int saved = errno;
	size_t n = sizeof(prefix) - 1;
	va_list ap;

	if (!sx_log_enabled(level))
		return;
	memcpy(line, prefix, n);
	va_start(ap, fmt);
	int r = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (r > 0)
		n += strlen(line + n);
	line[n++] = '\n';
	write_line(line, n);
	errno = saved;
}

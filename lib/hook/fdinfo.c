#include "hook/fdinfo.h"

#include "hook/real.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A file of lines, the longest of which is short. */
struct lines {
	int fd;
	char buf[4096];
	size_t at, have;
};

static bool fill(struct lines *l)
{
	memmove(l->buf, l->buf + l->at, l->have - l->at);
	l->have -= l->at;
	l->at = 0;
	ssize_t n =
		real_read(l->fd, l->buf + l->have, sizeof(l->buf) - l->have);
	if (n <= 0)
		return false;
	l->have += (size_t)n;
	return true;
}

/* The next one, without its end; NULL: there is none. */
static const char *next(struct lines *l)
{
	do {
		char *line = l->buf + l->at;
		char *end = memchr(line, '\n', l->have - l->at);
		if (end) {
			*end = '\0';
			l->at = (size_t)(end + 1 - l->buf);
			return line;
		}
	} while (fill(l));
	return NULL;
}

/*
 *	tfd: number events: hex data: hex pos: number ino: hex ...
 *
 * Another file that was registered by the same number may be in the set
 * still, because a child has it: so it is told by its inode.
 */
static bool parse(const char *line, int fd, const struct stat *st,
	struct epoll_event *out)
{
	unsigned long long data;
	unsigned long ino = 0;
	unsigned events;
	int number;
	int n = sscanf(line, "tfd: %d events: %x data: %llx pos:%*d ino:%lx",
		&number, &events, &data, &ino);

	if (n < 3 || number != fd || (n == 4 && ino != st->st_ino))
		return false;
	*out = (struct epoll_event){.events = events, .data.u64 = data};
	return true;
}

bool sx_fdinfo_watch(int set, int fd, struct epoll_event *out)
{
	char path[64];
	const char *line;
	struct stat st;
	bool found = false;

	if (fstat(fd, &st))
		return false;
	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", set);
	struct lines l = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
	if (l.fd < 0)
		return false;
	while (!found && (line = next(&l)))
		found = parse(line, fd, &st, out);
	real_close(l.fd);
	return found;
}

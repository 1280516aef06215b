/*
 * A library that connects: loaded where libc's own connect() is nearer than
 * that of a preloaded library.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int socksify_probe_dial(const struct sockaddr *sa, socklen_t len);

/* 0 or an errno value. */
__attribute__((visibility("default"))) int socksify_probe_dial(
	const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(sa->sa_family, SOCK_STREAM, 0);
	int r = connect(fd, sa, len) ? errno : 0;

	close(fd);
	return r;
}

#include "leak_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 2000

static const struct {
	const char *name;
	int (*go)(const struct probe *p);
} ways[] = {
#define SX_WAY(name, text, flags) {#name, probe_##name},
#include "leak_ways.def"
#undef SX_WAY
};

int probe_static_launch(const struct probe *p)
{
	(void)p;
	return ENOSYS; /* not ours to go */
}

int probe_close(int fd, int r)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return r;
}

int probe_wait(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, WAIT_MS) == 1 ? 0 : ETIMEDOUT;
}

int probe_talk(int fd)
{
	static const char words[] = "who is there?";
	char back[sizeof(words)];
	size_t n = 0;

	if (send(fd, words, sizeof(words), MSG_NOSIGNAL) < 0)
		return probe_close(fd, errno);
	while (n < sizeof(back)) {
		int r = probe_wait(fd);
		ssize_t got = r ? 0 : recv(fd, back + n, sizeof(back) - n, 0);
		if (got <= 0)
			return probe_close(fd, r ? r : got ? errno : EPIPE);
		n += (size_t)got;
	}
	return probe_close(
		fd, memcmp(back, words, sizeof(words)) ? PROBE_OTHER : 0);
}

int probe_dial(const void *sa, socklen_t len)
{
	int family = ((const struct sockaddr *)sa)->sa_family;
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	if (connect(fd, sa, len))
		return probe_close(fd, errno);
	return probe_talk(fd);
}

int probe_reap(pid_t pid)
{
	int status;

	if (pid < 0)
		return errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	if (!WIFEXITED(status))
		return EINTR;
	return WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 1
		       ? PROBE_SAID
		       : WEXITSTATUS(status);
}

const char *probe_file(const char *suffix)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 16);

	snprintf(path + (n < 0 ? 0 : n), 16, "%s", suffix);
	return path;
}

static void say(int r)
{
	const char *name = r == PROBE_NO_NAME ? "no-name"
			   : r == PROBE_OTHER ? "other"
			   : r                ? strerrorname_np(r)
					      : "ok";

	printf("%s\n", name ? name : "error");
	fflush(stdout);
}

static int read_arguments(struct probe *p, char **argv)
{
	const in_port_t port = htons((uint16_t)strtoul(argv[3], NULL, 10));

	p->argv = argv;
	p->v4_text = argv[2];
	p->port_text = argv[3];
	p->name = argv[5];
	p->v4.sin_family = p->group.sin_family = AF_INET;
	p->v6.sin6_family = AF_INET6;
	p->v4.sin_port = p->group.sin_port = p->v6.sin6_port = port;
	return inet_pton(AF_INET, argv[2], &p->v4.sin_addr) == 1 &&
			       inet_pton(AF_INET6, argv[4], &p->v6.sin6_addr) ==
				       1 &&
			       inet_pton(AF_INET, argv[6],
				       &p->group.sin_addr) == 1
		       ? 0
		       : -1;
}

int main(int argc, char **argv)
{
	struct probe p = {0};

	if (argc != 7 || read_arguments(&p, argv)) {
		fputs("This program is run by `socksify leaktest`.\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (strcmp(argv[1], ways[i].name) != 0)
			continue;
		int r = ways[i].go(&p);
		if (r != PROBE_SAID)
			say(r);
		return r ? 1 : 0;
	}
	return 2;
}

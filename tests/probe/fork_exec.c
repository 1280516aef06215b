/*
 * A connect in a child, after exec, under another root or user.
 *
 * fork_exec HOST PORT [--only PART]
 * HOST PORT	an echo; a name is looked up again in most parts
 * --only PART	one of the names in the table at the end
 * Parts that need root are passed over without.
 */
#include "probe.h"

#include <spawn.h>
#include <sys/stat.h>

#define ARGS "HOST PORT [--only PART]"

extern char **environ;

static const char *host, *port;
static struct probe_addr known; /* looked up before anything happened */

static void by_address(void)
{
	int fd = probe_connected(&known);

	probe_echo(fd);
	close(fd);
}

static void by_name(void)
{
	struct probe_addr a;

	probe_resolve(&a, host, port);
	int fd = probe_connected(&a);
	probe_echo(fd);
	close(fd);
}

static void both(void)
{
	by_address();
	by_name();
}

static void twice_forked(void)
{
	pid_t child = fork();

	if (child == 0) {
		both();
		_exit(0);
	}
	both();
	probe_reap(child, "grandchild");
}

/* The image after exec is this program again, for the part "forked". */
static char exe[] = "/proc/self/exe", only[] = "--only", part[] = "forked";
static char *again[] = {exe, NULL, NULL, only, part, NULL};

static void vforked(void)
{
	pid_t child = vfork();

	if (child == 0) {
		execv(again[0], again);
		_exit(127);
	}
	probe_reap(child, "vfork and exec");
	both();
}

static void spawned(void)
{
	pid_t child = 0;
	int e = posix_spawn(&child, again[0], NULL, NULL, again, environ);

	CHECK(!e, "posix_spawn: %s", probe_errno(e));
	probe_reap(child, "posix_spawn");
}

/* An empty root: no configuration, no hosts file, no /proc, no /dev. */
static void other_root(void)
{
	char empty[] = "/tmp/probe-XXXXXX";

	if (geteuid() || !mkdtemp(empty))
		return;
	CHECK(!chroot(empty) && !chdir("/"), "chroot: %s", probe_errno(errno));
	rmdir("/");
	by_address();
}

static void other_user(void)
{
	umask(0777);
	if (geteuid() || chdir("/proc") || setgid(65534) || setuid(65534))
		return;
	both();
}

static const struct part {
	const char *name;
	void (*run)(void);
} parts[] = {
	{"forked", both},
	{"twice-forked", twice_forked},
	{"vforked", vforked},
	{"spawned", spawned},
	{"other-root", other_root},
	{"other-user", other_user},
};

int main(int argc, char **argv)
{
	const char *name = probe_value(&argc, argv, "--only", NULL);

	probe_positional(argc, argv, 2, 2, ARGS);
	probe_watchdog(120);
	host = again[1] = argv[1];
	port = again[2] = argv[2];
	probe_resolve(&known, host, port);
	for (const struct part *p = parts; p < parts + PROBE_LEN(parts); p++) {
		if (name && strcmp(name, p->name))
			continue;
		pid_t child = fork();
		if (child == 0) {
			probe_watchdog(60);
			p->run();
			_exit(0);
		}
		probe_reap(child, p->name);
	}
	return 0;
}

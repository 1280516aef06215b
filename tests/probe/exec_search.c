/*
 * Which file is run where a name is looked for in PATH, and which error comes
 * when none is: execvp() and posix_spawnp() as libc has them.
 *
 * exec_search FOLDER
 * FOLDER	an empty folder; it is left so
 */
#include "probe.h"

#include <limits.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

#define TEXT(n) "#!/bin/sh\nexit " n "\n"

/* In two folders below FOLDER. */
static const struct file {
	const char *path, *text;
	mode_t mode;
} files[] = {
	{"a/plain", TEXT("9"), 0644}, /* may not be run */
	{"b/plain", TEXT("11"), 0755},
	{"a/both", TEXT("12"), 0755},
	{"b/both", TEXT("13"), 0755},
	{"b/shell", "exit 14\n", 0755}, /* a text without #! */
	{"b/no-interpreter", "#!/no/such\n", 0755},
	{"here", TEXT("15"), 0755},
	{"a/args", "test \"$#:$1:$2\" = '2::x y' && exit 16\n", 0755},
	{"a/never", TEXT("9"), 0644},
};

static char long_name[NAME_MAX + 2];
static char empty[] = "", x_y[] = "x y";

/* What becomes of the name with this PATH (NULL: none): an exit status, or
 * -errno of execvp(), and of posix_spawnp() where it is different. */
static const struct row {
	const char *name, *path;
	int exec, spawn;
} rows[] = {
	{"plain", "a:b", 11, 11},
	{"both", "a:b", 12, 12},
	{"both", "b:a", 13, 13},
	{"both", "no/such:here:b", 13, 13},
	{"shell", "a:b", 14, -ENOEXEC},
	{"./b/shell", "", 14, -ENOEXEC},
	{"no-interpreter", "b:a", -ENOENT, -ENOENT},
	{"here", "a:", 15, 15},
	{"here", ":a", 15, 15},
	{"here", "a::b", 15, 15},
	{"here", "", 15, 15},
	{"here", "a:b", -ENOENT, -ENOENT},
	{"never", "a:b", -EACCES, -EACCES},
	{"a/never", "b", -EACCES, -EACCES},
	{"a/both", "b", 12, 12},
	{"no-such", "a:b", -ENOENT, -ENOENT},
	{"a/no-such", "a:b", -ENOENT, -ENOENT},
	{"here/below", "a", -ENOTDIR, -ENOTDIR},
	{"", "a:b", -ENOENT, -ENOENT},
	{long_name, "a:b", -ENAMETOOLONG, -ENAMETOOLONG},
	{"args", "a", 16, -ENOEXEC},
	{"true", NULL, 0, 0},
};

static void make(bool there)
{
	if (there)
		CHECK(!mkdir("a", 0755) && !mkdir("b", 0755), "mkdir: %s",
			probe_errno(errno));
	for (int i = 0; i < PROBE_LEN(files); i++) {
		const struct file *f = &files[i];
		if (!there) {
			unlink(f->path);
			continue;
		}
		int fd = open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC, f->mode);
		CHECK(fd >= 0, "%s: %s", f->path, probe_errno(errno));
		CHECK(write(fd, f->text, strlen(f->text)) > 0, "%s: %s",
			f->path, probe_errno(errno));
		close(fd);
	}
	if (!there) {
		rmdir("a");
		rmdir("b");
	}
}

static void set_path(const struct row *r)
{
	if (r->path)
		setenv("PATH", r->path, 1);
	else
		unsetenv("PATH");
}

static int status_of(pid_t child)
{
	int status = 0;

	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status),
		"a signal: %#x", (unsigned)status);
	return WEXITSTATUS(status);
}

/* The errno of a child that could not exec comes through a pipe. */
static int by_exec(const struct row *r, char **argv)
{
	int fds[2], result = 0;

	CHECK(!pipe2(fds, O_CLOEXEC), "pipe: %s", probe_errno(errno));
	pid_t child = fork();
	if (child == 0) {
		set_path(r);
		execvp(r->name, argv);
		result = -errno;
		_exit(write(fds[1], &result, sizeof(result)) < 0);
	}
	close(fds[1]);
	ssize_t n = read(fds[0], &result, sizeof(result));
	close(fds[0]);
	int status = status_of(child);
	return n == sizeof(result) ? result : status;
}

static int by_spawn(const struct row *r, char **argv)
{
	pid_t child = 0;

	set_path(r);
	int e = posix_spawnp(&child, r->name, NULL, NULL, argv, environ);
	return e ? -e : status_of(child);
}

static const char *shown(int result)
{
	static char text[2][32];
	static int i;

	i ^= 1;
	if (result < 0)
		return probe_errno(-result);
	snprintf(text[i], sizeof(text[i]), "exit %d", result);
	return text[i];
}

int main(int argc, char **argv)
{
	probe_positional(argc, argv, 1, 1, "FOLDER");
	probe_watchdog(60);
	memset(long_name, 'x', sizeof(long_name) - 1);
	CHECK(!chdir(argv[1]), "chdir: %s", probe_errno(errno));
	make(true);
	for (int i = 0; i < PROBE_LEN(rows); i++) {
		const struct row *r = &rows[i];
		char *child[] = {(char *)r->name, empty, x_y, NULL};
		int exec = by_exec(r, child), spawn = by_spawn(r, child);
		if (exec != r->exec || spawn != r->spawn)
			make(false);
		CHECK(exec == r->exec, "execvp %s in %s: %s, not %s", r->name,
			r->path, shown(exec), shown(r->exec));
		CHECK(spawn == r->spawn, "posix_spawnp %s in %s: %s, not %s",
			r->name, r->path, shown(spawn), shown(r->spawn));
	}
	make(false);
	return 0;
}

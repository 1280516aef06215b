/*
 * Every way to start a program, with an environment that holds nothing but
 * what the form itself needs: the program that is started connects.
 *
 * exec_forms HOST PORT [--only FORM] [--big]
 * HOST PORT	an echo
 * --only FORM	one of the names in the table at the end
 * --big	an environment of 20000 variables
 */
#include "probe.h"

#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ARGS  "HOST PORT [--only FORM] [--big]"
#define N_BIG 20000

extern char **environ;

static char exe[] = "/proc/self/exe", child_word[] = "child", odd[] = "a 'b";
static char empty[] = "";
static char *args[] = {exe, NULL, NULL, child_word, odd, empty, NULL};
static char marker[] = "PROBE=mine";
static char *bare[] = {marker, NULL};
static char *big[N_BIG + 2], numbers[N_BIG][12];
static char **given = bare; /* what forms with an environment give */

static void end(const char *form)
{
	CHECK(0, "%s: %s", form, probe_errno(errno));
}

/* Of the forms that take the process's own environment. */
static void clean(void)
{
	clearenv();
	environ = given;
}

static void by_execve(void)
{
	execve(exe, args, given);
}

static void by_execv(void)
{
	clean();
	execv(exe, args);
}

static void by_execvp(void)
{
	clean();
	execvp(exe, args);
}

static void by_execvpe(void)
{
	setenv("PATH", "/no/such:/proc/self", 1);
	execvpe("exe", args, given);
}

static void by_execl(void)
{
	clean();
	execl(exe, exe, args[1], args[2], child_word, odd, empty, NULL);
}

static void by_execlp(void)
{
	clean();
	execlp(exe, exe, args[1], args[2], child_word, odd, empty, NULL);
}

static void by_execle(void)
{
	execle(exe, exe, args[1], args[2], child_word, odd, empty, NULL, given);
}

static void by_fexecve(void)
{
	fexecve(open(exe, O_RDONLY | O_CLOEXEC), args, given);
}

static void by_path_fexecve(void)
{
	fexecve(open(exe, O_PATH | O_CLOEXEC), args, given);
}

static void by_execveat(void)
{
	int folder = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);

	execveat(folder, "exe", args, given, 0);
}

static void by_number(void)
{
	syscall(SYS_execve, exe, args, given);
}

static void by_number_at(void)
{
	int fd = open(exe, O_RDONLY | O_CLOEXEC);

	syscall(SYS_execveat, fd, "", args, given, AT_EMPTY_PATH);
}

/* For the kernel NULL is an empty one. */
static void without_environment(void)
{
	char *const *none = NULL;

	args[5] = child_word; /* no marker is expected */
	execve(exe, args, none);
}

static void by_vfork(void)
{
	pid_t child = vfork();

	if (child == 0) {
		execve(exe, args, given);
		_exit(127);
	}
	probe_reap(child, "vfork");
	_exit(0);
}

static void by_posix_spawn(void)
{
	posix_spawn_file_actions_t actions;
	pid_t child = 0;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	int e = posix_spawn(&child, exe, &actions, NULL, args, given);
	CHECK(!e, "posix_spawn: %s", probe_errno(e));
	probe_reap(child, "posix_spawn");
	_exit(0);
}

static void by_posix_spawnp(void)
{
	posix_spawnattr_t attr;
	pid_t child = 0;

	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_RESETIDS);
	setenv("PATH", "/no/such:/proc/self", 1);
	int e = posix_spawnp(&child, "exe", NULL, &attr, args, given);
	CHECK(!e, "posix_spawnp: %s", probe_errno(e));
	probe_reap(child, "posix_spawnp");
	_exit(0);
}

static char line[4096];

static const char *command(void)
{
	char self[3000];
	ssize_t n = readlink(exe, self, sizeof(self) - 1);

	CHECK(n > 0, "readlink: %s", probe_errno(errno));
	self[n] = '\0';
	snprintf(line, sizeof(line), "'%s' %s %s child \"a 'b\" ''", self,
		args[1], args[2]);
	return line;
}

static void by_system(void)
{
	command();
	clean();
	char **was = environ;
	int status = system(line);
	CHECK(status == 0, "system: %#x", (unsigned)status);
	CHECK(was[0] == given[0] && was[1] == given[1],
		"the old environment has changed");
	CHECK(getenv("PROBE"), "a variable of ours is gone");
	CHECK(system(NULL) == 1, "there is no shell");
	/* and again, with one that is the program's */
	unsetenv("LD_PRELOAD");
	status = system(line);
	CHECK(status == 0, "system again: %#x", (unsigned)status);
	_exit(0);
}

static void by_popen(void)
{
	char said[200] = "";

	command();
	clean();
	FILE *f = popen(line, "r");
	CHECK(f, "popen: %s", probe_errno(errno));
	CHECK(!fgets(said, sizeof(said), f), "%s", said);
	int status = pclose(f);
	CHECK(status == 0, "pclose: %#x", (unsigned)status);
	_exit(0);
}

static const struct form {
	const char *name;
	void (*run)(void);
} forms[] = {
	{"execve", by_execve},
	{"execv", by_execv},
	{"execvp", by_execvp},
	{"execvpe", by_execvpe},
	{"execl", by_execl},
	{"execlp", by_execlp},
	{"execle", by_execle},
	{"fexecve", by_fexecve},
	{"fexecve-path", by_path_fexecve},
	{"execveat", by_execveat},
	{"syscall", by_number},
	{"syscall-at", by_number_at},
	{"null", without_environment},
	{"vfork", by_vfork},
	{"posix_spawn", by_posix_spawn},
	{"posix_spawnp", by_posix_spawnp},
	{"system", by_system},
	{"popen", by_popen},
};

/* The program that was started: are the arguments and the variable there? */
static void as_child(char **argv)
{
	struct probe_addr a;
	const char *mine = getenv("PROBE");
	bool expected = !*argv[5];

	CHECK(!strcmp(argv[4], odd), "not the argument that was given");
	CHECK(expected ? mine && !strcmp(mine, "mine") : !mine,
		"not the variable that was given");
	CHECK(!getenv("NUMBER"), "a variable that nobody gave");
	probe_resolve(&a, argv[1], argv[2]);
	int fd = probe_connected(&a);
	probe_echo(fd);
	close(fd);
}

static void make_big(void)
{
	for (int i = 0; i < N_BIG; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "N%d=", i);
		big[i] = numbers[i];
	}
	big[N_BIG] = marker;
	given = big;
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[3], child_word)) {
		probe_watchdog(30);
		as_child(argv);
		return 0;
	}
	const char *name = probe_value(&argc, argv, "--only", NULL);
	if (probe_flag(&argc, argv, "--big"))
		make_big();
	probe_positional(argc, argv, 2, 2, ARGS);
	probe_watchdog(120);
	args[1] = argv[1];
	args[2] = argv[2];
	setenv("NUMBER", "1", 1);
	for (const struct form *f = forms; f < forms + PROBE_LEN(forms); f++) {
		if (name && strcmp(name, f->name))
			continue;
		pid_t child = fork();
		if (child == 0) {
			f->run();
			end(f->name);
		}
		probe_reap(child, f->name);
	}
	return 0;
}

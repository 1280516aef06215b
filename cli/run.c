#include "command.h"
#include "core/program.h"
#include "pipelining.h"
#include "preload.h"
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The configuration is the library's to use; it is read here first so that
 * mistakes stop the run before it begins. */
static int read_conf(const struct sx_opts *opts, struct sx_conf *conf)
{
	if (sx_settings_load(opts, sx_program_name(opts->operands[0]), conf))
		return -1;
	return conf->path ? setenv("SOCKSIFY_CONF", conf->path, 1) : 0;
}

/* As a shell does it: a text without "#!" is a shell's. Returns only when
 * nothing could be run. */
static void exec_program(const char *path, char **argv)
{
	execv(path, argv);
	if (errno != ENOEXEC)
		return;
	size_t n = 0;
	while (argv[n])
		n++;
	char **sh = calloc(n + 2, sizeof(*sh));
	if (!sh)
		return;
	sh[0] = (char *)"/bin/sh";
	sh[1] = (char *)path;
	if (n)
		memcpy(sh + 2, argv + 1, n * sizeof(*sh));
	execv(sh[0], sh);
	free(sh);
}

static int find_program(const char *name, char *path, size_t size)
{
	const char *dirs = getenv("PATH");
	int err = sx_program_find(
		name, dirs ? dirs : "/usr/local/bin:/bin:/usr/bin", path, size);

	if (!err)
		return 0;
	fprintf(stderr, "socksify: %s: %s\n", name,
		err == -ENOENT ? "not found" : strerror(-err));
	return err == -ENOENT ? SX_EXIT_NOT_FOUND : SX_EXIT_CANNOT_RUN;
}

/* False when the program is not to be run, after a message. */
static bool may_run(const char *path, const char *entry, bool allow_leaks)
{
	struct sx_program_file file = {AT_FDCWD, path, false};
	struct sx_program_library library = {.entry = entry};
	struct sx_program program;

	if (sx_program_inspect(&file, &library, &program) ||
		program.obstacle == SX_OBSTACLE_NONE)
		return true;
	fprintf(stderr, "socksify: %s: %s; it %s around the proxy%s\n",
		*program.interpreter ? program.interpreter : path, program.text,
		allow_leaks ? "goes" : "would go",
		allow_leaks ? ""
			    : ", so it is not run (--allow-leaks runs it)");
	return allow_leaks;
}

static bool is_direct(const struct sx_conf *conf, const char *path)
{
	return sx_program_is_listed(
		conf->direct_apps, conf->n_direct_apps, sx_program_name(path));
}

/* Makes the environment for it; 0, or the exit status. */
static int prepare(const struct sx_conf *conf, const char *path)
{
	char entry[2 * PATH_MAX];

	if (sx_preload_find(entry, sizeof(entry)))
		return SX_EXIT_OWN;
	if (is_direct(conf, path)) {
		if (conf->log_level >= SX_LOG_INFO)
			fprintf(stderr,
				"socksify: %s runs without socksify: "
				"[apps] direct\n",
				path);
		return sx_preload_withdraw(entry) ? SX_EXIT_OWN : 0;
	}
	if (!may_run(path, entry, conf->allow_leaks))
		return SX_EXIT_CANNOT_RUN;
	return sx_preload_export(entry) ? SX_EXIT_OWN : 0;
}

/* conf is used up when the program can be run. */
static int run_program(const struct sx_opts *opts, struct sx_conf *conf)
{
	char path[PATH_MAX];
	int status = find_program(opts->operands[0], path, sizeof(path));

	if (!status)
		status = prepare(conf, path);
	if (status)
		return status;
	if (!is_direct(conf, path))
		sx_pipelining_learn(conf);
	exec_program(path, opts->operands);
	fprintf(stderr, "socksify: %s: %s\n", path, strerror(errno));
	return errno == ENOENT ? SX_EXIT_NOT_FOUND : SX_EXIT_CANNOT_RUN;
}

static int run(const struct sx_opts *opts)
{
	struct sx_conf conf = {0};
	int status = SX_EXIT_OWN;

	if (!opts->operands[0]) {
		fputs("socksify: no program given\nTry 'socksify --help'.\n",
			stderr);
		return SX_EXIT_OWN;
	}
	if (read_conf(opts, &conf) == 0)
		status = run_program(opts, &conf);
	sx_conf_fini(&conf);
	return status;
}

const struct sx_command sx_command_run = {
	.bit = SX_FOR_RUN,
	.usage = "[OPTION]... [--] PROGRAM [ARGUMENT]...",
	.text = "Runs PROGRAM with its TCP connections and name lookups "
		"carried "
		"by a SOCKS server.",
	.more = "Without -p: the servers of $SOCKSIFY_PROXY, else of the "
		"configuration, else\n$ALL_PROXY, else "
		"socks5h://127.0.0.1:1080. Without -f: $SOCKSIFY_CONF, else\n"
		"~/.config/socksify/socksify.conf, else "
		"/etc/socksify/socksify.conf.\n\n"
		"Exit status: that of PROGRAM; 125 if socksify itself fails, "
		"126 "
		"if PROGRAM\ncannot be run, 127 if it is not found.",
	.is_open_ended = true,
	.run = run,
};

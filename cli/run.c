#include "command.h"
#include "pipelining.h"
#include "preload.h"
#include "program.h"
#include "settings.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The configuration is the library's to use; it is read here first so that
 * mistakes stop the run before it begins. */
static int prepare(const struct sx_opts *opts, struct sx_conf *conf)
{
	if (sx_settings_load(opts, base_name(opts->operands[0]), conf))
		return -1;
	if (conf->path && setenv("SOCKSIFY_CONF", conf->path, 1))
		return -1;
	return sx_preload_export();
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

/* conf is used up where the program can be run. */
static int run_program(const struct sx_opts *opts, struct sx_conf *conf)
{
	const char *name = opts->operands[0];
	struct sx_program program;
	char path[PATH_MAX];
	int err = sx_program_find(name, path, sizeof(path));

	if (err) {
		fprintf(stderr, "socksify: %s: %s\n", name,
			err == -ENOENT ? "not found" : strerror(-err));
		return err == -ENOENT ? SX_EXIT_NOT_FOUND : SX_EXIT_CANNOT_RUN;
	}
	sx_program_inspect(path, &program);
	if (program.obstacle != SX_OBSTACLE_NONE) {
		fprintf(stderr, "socksify: %s: %s; it %s around the proxy%s\n",
			program.path, program.text,
			opts->allow_leaks ? "goes" : "would go",
			opts->allow_leaks ? ""
					  : ", so it is not run "
					    "(--allow-leaks runs it)");
		if (!opts->allow_leaks)
			return SX_EXIT_CANNOT_RUN;
	}
	sx_pipelining_learn(conf);
	exec_program(path, opts->operands);
	fprintf(stderr, "socksify: %s: %s\n", path, strerror(errno));
	return errno == ENOENT ? SX_EXIT_NOT_FOUND : SX_EXIT_CANNOT_RUN;
}

static int run(const struct sx_opts *opts)
{
	if (!opts->operands[0]) {
		fputs("socksify: no program given\nTry 'socksify --help'.\n",
			stderr);
		return SX_EXIT_OWN;
	}
	struct sx_conf conf = {0};
	int status = SX_EXIT_OWN;
	if (prepare(opts, &conf) == 0)
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

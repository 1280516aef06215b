#include "run.h"

#include "conf/conf.h"
#include "opts.h"
#include "preload.h"
#include "program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define cleanup(f) __attribute__((cleanup(f)))

/* All -p as one list for $SOCKSIFY_PROXY. */
static int export_urls(const struct sx_opts *opts)
{
	char *list = NULL;
	size_t size;
	FILE *f = open_memstream(&list, &size);

	if (!f)
		return -1;
	for (size_t i = 0; i < opts->n_urls; i++)
		fprintf(f, "%s%s", i ? " " : "", opts->urls[i]);
	int r = fclose(f) ? -1 : setenv("SOCKSIFY_PROXY", list, 1);
	free(list);
	return r;
}

static int check_urls(const struct sx_opts *opts)
{
	int r = 0;

	for (size_t i = 0; i < opts->n_urls; i++) {
		struct sx_server_conf server = {0};
		const char *why;
		if (sx_url_parse(opts->urls[i], &server, &why)) {
			fprintf(stderr, "socksify: -p, URL %zu: %s\n", i + 1,
				why);
			r = -1;
		}
		sx_server_conf_fini(&server);
	}
	return r;
}

/* The program may change its folder; the library reads the file again in
 * each process. */
static int export_conf_path(const char *path)
{
	char absolute[PATH_MAX];
	struct stat st;

	if (stat(path, &st)) {
		fprintf(stderr, "socksify: %s: %s\n", path, strerror(errno));
		return -1;
	}
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)) {
		fprintf(stderr,
			"socksify: %s: expected a regular file, since every "
			"process of the program reads it\n",
			path);
		return -1;
	}
	if (!realpath(path, absolute)) {
		fprintf(stderr, "socksify: %s: %s\n", path, strerror(errno));
		return -1;
	}
	return setenv("SOCKSIFY_CONF", absolute, 1);
}

static int export_options(const struct sx_opts *opts)
{
	if (check_urls(opts))
		return -1;
	if (opts->n_urls && export_urls(opts))
		return -1;
	if (opts->conf_path && export_conf_path(opts->conf_path))
		return -1;
	if (opts->log_level)
		return setenv("SOCKSIFY_LOG", opts->log_level, 1);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The configuration is the library's to use; it is read here first so that
 * mistakes stop the run before it begins. */
static int check_conf(const struct sx_opts *opts)
{
	struct sx_conf_source source = {.program = base_name(opts->program[0])};
	struct sx_diags diags cleanup(sx_diags_fini) = {0};
	struct sx_conf conf cleanup(sx_conf_fini) = {0};
	bool quiet = opts->log_level && strcmp(opts->log_level, "none") == 0;
	int err = sx_conf_load(&conf, &source, &diags);

	for (size_t i = 0; i < diags.n; i++)
		if (!quiet || diags.items[i].severity == SX_SEVERITY_ERROR)
			fprintf(stderr, "socksify: %s\n", diags.items[i].text);
	if (err)
		return -1;
	if (conf.path)
		return setenv("SOCKSIFY_CONF", conf.path, 1);
	return 0;
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

static int run_program(const struct sx_opts *opts)
{
	const char *name = opts->program[0];
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
	exec_program(path, opts->program);
	fprintf(stderr, "socksify: %s: %s\n", path, strerror(errno));
	return errno == ENOENT ? SX_EXIT_NOT_FOUND : SX_EXIT_CANNOT_RUN;
}

static int run(const struct sx_opts *opts)
{
	if (export_options(opts) || check_conf(opts) || sx_preload_export())
		return SX_EXIT_OWN;
	return run_program(opts);
}

int sx_run(int argc, char **argv)
{
	struct sx_opts opts cleanup(sx_opts_fini);

	if (sx_opts_parse(&opts, argc, argv))
		return SX_EXIT_OWN;
	if (opts.help) {
		sx_opts_print_help();
		return 0;
	}
	if (opts.version) {
		puts("socksify " SX_VERSION);
		return 0;
	}
	if (!opts.program[0]) {
		fputs("socksify: no program given\nTry 'socksify --help'.\n",
			stderr);
		return SX_EXIT_OWN;
	}
	return run(&opts);
}

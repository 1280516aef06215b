#include "settings.h"

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
	if (opts->allow_leaks && setenv("SOCKSIFY_ALLOW_LEAKS", "1", 1))
		return -1;
	if (opts->log_level)
		return setenv("SOCKSIFY_LOG", opts->log_level, 1);
	return 0;
}

static void print(const struct sx_diags *diags, bool quiet)
{
	for (size_t i = 0; i < diags->n; i++)
		if (!quiet || diags->items[i].severity == SX_SEVERITY_ERROR)
			fprintf(stderr, "socksify: %s\n", diags->items[i].text);
}

int sx_settings_load(
	const struct sx_opts *opts, const char *program, struct sx_conf *conf)
{
	const struct sx_conf_source source = {.program = program};
	struct sx_diags diags cleanup(sx_diags_fini) = {0};
	bool quiet = opts->log_level && strcmp(opts->log_level, "none") == 0;

	memset(conf, 0, sizeof(*conf));
	if (export_options(opts))
		return -1;
	int err = sx_conf_load(conf, &source, &diags);
	print(&diags, quiet);
	return err ? -1 : 0;
}

static const char *get(const char *name)
{
	return getenv(name);
}

static int open_state(struct sx_state *state, struct sx_err *err)
{
	struct sx_state_path path;

	sx_state_path(&path, sx_conf_place(get, "SOCKSIFY_XDG_RUNTIME_DIR"),
		SX_STATE_TMP, geteuid());
	return sx_state_open(state, &path, err);
}

int sx_settings_open_state(struct sx_state *state)
{
	struct sx_err err;
	int r = open_state(state, &err);

	if (r == SX_STATE_SHARED)
		return 0;
	fprintf(stderr, "socksify: %s\n", r < 0 ? strerror(-r) : err.text);
	return -1;
}

bool sx_settings_try_state(struct sx_state *state)
{
	return open_state(state, NULL) == SX_STATE_SHARED;
}

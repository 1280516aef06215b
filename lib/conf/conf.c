#include "conf/conf.h"

#include "conf/env.h"
#include "conf/file.h"
#include "conf/resolve.h"
#include "conf/secret.h"
#include "conf/sections.h"
#include "conf/servers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SX_SYSCONFDIR
#define SX_SYSCONFDIR "/etc"
#endif
#define FILE_MAX (16U * 1024 * 1024)

enum found {
	MISSING,
	FOUND, /* read, or reported */
};

static const struct sx_conf defaults = {
	.connect_timeout_ms = 10 * 1000,
	.handshake_timeout_ms = 10 * 1000,
	.reply_timeout_ms = 135 * 1000,
	.deadline_ms = 150 * 1000,
	.retry_after_ms = 30 * 1000,
	.backoff_ms = 100,
	.attempts_per_server = 1,
	.fail_threshold = 1,
	.log_level = SX_LOG_WARN,
};

static const char *libc_getenv(const char *name)
{
	return getenv(name);
}

static void error(struct sx_origin *origin, const char *where, const char *text)
{
	sx_diags_add(&origin->diags, SX_SEVERITY_ERROR, where, 0, "%s", text);
}

static void parse_file(
	struct sx_draft *draft, struct sx_origin *origin, struct sx_file *file)
{
	sx_sections_parse(draft, origin, file->bytes, file->len);
	if (origin->secret_line && sx_file_is_exposed(file))
		sx_diags_add(&origin->diags, SX_SEVERITY_WARNING, origin->name,
			origin->secret_line,
			"a password in a file that others can read, expected "
			"mode 0600 or password_file");
}

/* Takes path over; NULL: there was no memory for it. */
static enum found load_file(
	struct sx_draft *draft, struct sx_origin *origin, char *path)
{
	struct sx_file file;
	struct sx_err err;
	int r;

	origin->name = path;
	origin->folder = path ? sx_path_folder(path) : NULL;
	if (!origin->folder) {
		draft->out_of_memory = true;
		return FOUND;
	}
	r = sx_file_read(&file, path, FILE_MAX, true, &err);
	if (r == 0) {
		parse_file(draft, origin, &file);
		sx_file_fini(&file);
		return FOUND;
	}
	if (r == -ENOENT || r == -ENOTDIR || r == -ENAMETOOLONG) {
		free(origin->name);
		free(origin->folder);
		origin->name = origin->folder = NULL;
		return MISSING;
	}
	if (r == -ENOMEM)
		draft->out_of_memory = true;
	error(origin, path, err.text);
	return FOUND;
}

/* A file that was asked for; variable: by whom. */
static void load_named(
	struct sx_draft *draft, const char *path, const char *variable)
{
	struct sx_origin *main = &draft->origins[SX_ORIGIN_MAIN];
	char *absolute;
	int r;

	/* mistaken for a proxy; a password may be in it */
	if (strstr(path, "://")) {
		error(main, variable, "expected the path of a file, not a URL");
		return;
	}
	r = sx_path_absolute(&absolute, path, NULL, sx_draft_home(draft));
	if (r == -ENOMEM)
		draft->out_of_memory = true;
	else if (r)
		error(main, variable,
			"expected an absolute path: HOME or "
			"the working folder is not known");
	else if (load_file(draft, main, absolute) == MISSING)
		sx_diags_add(&main->diags, SX_SEVERITY_ERROR, variable, 0,
			"there is no %s, expected a configuration file",
			strchr(path, '@') ? "such file" : path);
}

static char *join(struct sx_draft *draft, const char *a, const char *b)
{
	char *text;

	if (asprintf(&text, "%s%s", a, b) >= 0)
		return text;
	draft->out_of_memory = true;
	return NULL;
}

/* The user's folder of configuration files (XDG Base Directory: a relative
 * path is to be ignored). NULL: there is none. */
static char *user_folder(struct sx_draft *draft)
{
	const char *home = sx_draft_home(draft);
	const char *config =
		sx_conf_place(draft->getenv, "SOCKSIFY_XDG_CONFIG_HOME");

	if (config && config[0] == '/')
		return join(draft, config, "/socksify");
	return home ? join(draft, home, "/.config/socksify") : NULL;
}

/* folder: the user's; NULL: none. */
static void load_main(struct sx_draft *draft,
	const struct sx_conf_source *source, const char *folder)
{
	static const char system_wide[] =
		SX_SYSCONFDIR "/socksify/socksify.conf";
	struct sx_origin *main = &draft->origins[SX_ORIGIN_MAIN];
	const char *named = sx_draft_getenv(draft, "SOCKSIFY_CONF");
	enum found found = MISSING;

	if (source->path) {
		load_named(draft, source->path, "-f");
		return;
	}
	if (named) {
		load_named(draft, named, "SOCKSIFY_CONF");
		return;
	}
	if (folder)
		found = load_file(
			draft, main, join(draft, folder, "/socksify.conf"));
	if (found == MISSING)
		load_file(draft, main, strdup(system_wide));
}

/* Beside the main file, or where the user's would be. */
static void load_app(
	struct sx_draft *draft, const char *program, const char *folder)
{
	const char *beside = draft->origins[SX_ORIGIN_MAIN].folder;
	char *path;

	if (beside)
		folder = beside;
	if (!program || !*program || strchr(program, '/') || !folder)
		return;
	if (asprintf(&path, "%s/apps/%s.conf", folder, program) < 0)
		draft->out_of_memory = true;
	else
		load_file(draft, &draft->origins[SX_ORIGIN_APP], path);
}

static void load_files(
	struct sx_draft *draft, const struct sx_conf_source *source)
{
	char *folder = user_folder(draft);
	const char *path;

	load_main(draft, source, folder);
	load_app(draft, source->program, folder);
	free(folder);
	path = draft->origins[SX_ORIGIN_MAIN].name;
	if (!path)
		return;
	draft->out->path = strdup(path);
	if (!draft->out->path)
		draft->out_of_memory = true;
}

static void collect(struct sx_draft *draft, struct sx_diags *diags)
{
	sx_diags_move(diags, &draft->origins[SX_ORIGIN_MAIN].diags);
	sx_diags_move(diags, &draft->origins[SX_ORIGIN_APP].diags);
	sx_diags_move(diags, &draft->origins[SX_ORIGIN_ENV].diags);
	if (draft->out_of_memory)
		diags->out_of_memory = 1;
}

static void settle_tor(struct sx_conf *conf)
{
	if (!conf->tor)
		return;
	conf->strict = true;
	if (conf->isolate == SX_ISOLATE_NONE)
		conf->isolate = SX_ISOLATE_PROGRAM;
	if (conf->inbound == SX_INBOUND_ANY)
		conf->inbound = SX_INBOUND_LOCAL;
}

int sx_conf_load(struct sx_conf *out, const struct sx_conf_source *source,
	struct sx_diags *diags)
{
	struct sx_draft draft = {
		.out = out,
		.getenv = source->getenv ? source->getenv : libc_getenv,
	};
	bool last_is_default;

	*out = defaults;
	if (!source->no_files)
		load_files(&draft, source);
	sx_resolve_refs(&draft);
	sx_chains_resolve(&draft);
	last_is_default = sx_env_servers(&draft);
	sx_env_pipeline(&draft);
	settle_tor(out);
	sx_servers_settle(&draft);
	sx_env_rules(&draft);
	sx_env_log(&draft);
	sx_env_leaks(&draft);
	sx_resolve(&draft, last_is_default);
	collect(&draft, diags);
	sx_draft_fini(&draft);
	return sx_diags_failed(diags) ? -EINVAL : 0;
}

static void fini_pools(struct sx_conf *conf)
{
	for (unsigned i = 0; i < conf->n_pools; i++) {
		free(conf->pools[i].name);
		free(conf->pools[i].servers);
	}
	free(conf->pools);
}

static void fini_rules(struct sx_conf *conf)
{
	for (unsigned i = 0; i < conf->n_rules; i++) {
		free(conf->rules[i].domain);
		free(conf->rules[i].where);
	}
	free(conf->rules);
}

void sx_conf_fini(struct sx_conf *conf)
{
	for (unsigned i = 0; i < conf->n_servers; i++)
		sx_server_conf_fini(&conf->servers[i]);
	free(conf->servers);
	fini_pools(conf);
	fini_rules(conf);
	free(conf->log_file);
	free(conf->path);
	for (unsigned i = 0; i < conf->n_direct_apps; i++)
		free(conf->direct_apps[i]);
	free(conf->direct_apps);
	memset(conf, 0, sizeof(*conf));
}

bool sx_conf_may_carry_udp(const struct sx_conf *conf, unsigned i)
{
	int at = (int)i;

	for (unsigned n = 0; at >= 0; n++) {
		const struct sx_server_conf *s = &conf->servers[at];
		if (n == SX_UDP_SERVERS || s->proto != SX_PROTO_SOCKS5 ||
			s->udp == SX_SERVER_UDP_BLOCK)
			return false;
		at = s->via;
	}
	return true;
}

#include "conf/env.h"

#include "conf/file.h"
#include "conf/rules.h"
#include "conf/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_URL "socks5h://127.0.0.1:1080"
#define TOR_URL     "socks5h://127.0.0.1:9050"

static struct sx_place env_place(struct sx_draft *draft)
{
	return (struct sx_place){&draft->origins[SX_ORIGIN_ENV], 0};
}

static void error(
	struct sx_draft *draft, const char *variable, const char *text)
{
	sx_diags_add(&draft->origins[SX_ORIGIN_ENV].diags, SX_SEVERITY_ERROR,
		variable, 0, "%s", text);
}

/* The lower case name is looked at first, as curl does it. */
static const char *either(const struct sx_draft *draft, const char *lower,
	const char *upper, const char **name)
{
	const char *value = sx_draft_getenv(draft, lower);

	*name = value ? lower : upper;
	return value ? value : sx_draft_getenv(draft, upper);
}

static void add_server(struct sx_draft *draft, struct sx_draft_pool *pool,
	const struct sx_server_conf *conf, const char *variable)
{
	struct sx_place place = env_place(draft);
	struct sx_draft_server *server =
		sx_draft_add_server(draft, place, NULL);
	struct sx_draft_ref *ref = sx_draft_add_ref(draft, pool, place, NULL);

	if (!server || !ref) {
		struct sx_server_conf unused = *conf;
		sx_server_conf_fini(&unused);
		return;
	}
	server->conf = *conf;
	server->variable = variable;
	ref->server = (unsigned)(server - draft->servers);
}

/* The URL itself is not repeated: it may hold a password. */
static void add_url(struct sx_draft *draft, struct sx_draft_pool *pool,
	const char *url, const char *variable, size_t number)
{
	struct sx_server_conf conf;
	const char *why;
	int r = sx_url_parse(url, &conf, &why);

	if (r == 0)
		add_server(draft, pool, &conf, variable);
	else if (r == -ENOMEM)
		draft->out_of_memory = true;
	else if (number)
		sx_diags_add(&draft->origins[SX_ORIGIN_ENV].diags,
			SX_SEVERITY_ERROR, variable, 0, "URL %zu: %s", number,
			why);
	else
		error(draft, variable, why);
}

static void add_urls(struct sx_draft *draft, struct sx_draft_pool *pool,
	const char *list, const char *variable)
{
	const char *item;
	size_t n, number = 0;

	while (sx_list_next(&list, &item, &n)) {
		char *url = strndup(item, n);
		if (url)
			add_url(draft, pool, url, variable, ++number);
		else
			draft->out_of_memory = true;
		sx_text_wipe(&url);
	}
	if (number > SX_POOL_SERVERS_MAX)
		error(draft, variable, "too many URLs, expected at most 64");
	if (number == 0)
		error(draft, variable,
			"no URL in it, expected "
			"socks5://[USER[:PASSWORD]@]HOST[:PORT]");
}

bool sx_env_servers(struct sx_draft *draft)
{
	const char *list = sx_draft_getenv(draft, "SOCKSIFY_PROXY");
	const char *variable = "the default", *url;
	struct sx_draft_pool *pool;

	if (!list && draft->n_servers)
		return false;
	pool = sx_draft_add_pool(draft, env_place(draft), "default");
	if (!pool)
		return true;
	if (list) {
		add_urls(draft, pool, list, "SOCKSIFY_PROXY");
		return true;
	}
	url = either(draft, "all_proxy", "ALL_PROXY", &variable);
	draft->out->is_by_all_proxy = url != NULL;
	if (!url)
		url = draft->out->tor ? TOR_URL : DEFAULT_URL;
	add_url(draft, pool, url, variable, 0);
	return true;
}

void sx_env_pipeline(struct sx_draft *draft)
{
	const char *value = sx_draft_getenv(draft, "SOCKSIFY_PIPELINE");

	if (value &&
		sx_word_parse(SX_PIPELINE_WORDS, value, &draft->out->pipeline))
		error(draft, "SOCKSIFY_PIPELINE",
			"expected " SX_PIPELINE_WORDS);
}

void sx_env_rules(struct sx_draft *draft)
{
	struct sx_place place = env_place(draft);
	const char *name;
	const char *list = either(draft, "no_proxy", "NO_PROXY", &name);

	if (list && sx_draft_add_target(draft, place, "direct"))
		sx_conditions_add(draft, place, name, "", list);
}

static void set_log_file(struct sx_draft *draft, const char *value)
{
	char *path;
	int r = sx_path_absolute(&path, value, NULL, sx_draft_home(draft));

	if (r == 0) {
		free(draft->out->log_file);
		draft->out->log_file = path;
	} else if (r == -ENOMEM) {
		draft->out_of_memory = true;
	} else {
		error(draft, "SOCKSIFY_LOG_FILE",
			"expected an absolute path: HOME or the working "
			"folder is not known");
	}
}

void sx_env_log(struct sx_draft *draft)
{
	const char *level = sx_draft_getenv(draft, "SOCKSIFY_LOG");
	const char *path = sx_draft_getenv(draft, "SOCKSIFY_LOG_FILE");

	if (level && sx_log_level_parse(level, &draft->out->log_level))
		error(draft, "SOCKSIFY_LOG", "expected " SX_LOG_LEVELS);
	if (path)
		set_log_file(draft, path);
}

void sx_env_leaks(struct sx_draft *draft)
{
	const char *value = sx_draft_getenv(draft, "SOCKSIFY_ALLOW_LEAKS");

	if (value && sx_flag_parse(value, &draft->out->allow_leaks))
		error(draft, "SOCKSIFY_ALLOW_LEAKS", "expected " SX_FLAGS);
}

#include "conf/keys.h"

#include "conf/rules.h"
#include "conf/secret.h"
#include "conf/values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(struct sx_file_parser *p, const char *why)
{
	sx_draft_error(&p->place, "%s: %s", p->key->name, why);
	return SX_KEY_REPORTED;
}

static int parse_duration(
	struct sx_file_parser *p, const char *value, void *field)
{
	(void)p;
	return sx_duration_parse(value, field);
}

static int parse_level(struct sx_file_parser *p, const char *value, void *field)
{
	(void)p;
	return sx_log_level_parse(value, field);
}

static int parse_choice(
	struct sx_file_parser *p, const char *value, void *field)
{
	(void)p;
	(void)field;
	return strcmp(value, "failover") == 0 ? 0 : -EINVAL;
}

static int absolute(struct sx_file_parser *p, const char *value, char **path)
{
	int r;

	*path = NULL;
	if (!*value)
		return -EINVAL;
	r = sx_path_absolute(path, value, p->place.origin->folder,
		sx_draft_getenv(p->draft, "HOME"));
	if (r == -ENOENT)
		return fail(p, "HOME is not set, expected a path without ~/");
	return r;
}

static int parse_path(struct sx_file_parser *p, const char *value, void *field)
{
	char *path, **out = field;
	int r = absolute(p, value, &path);

	if (r == 0) {
		free(*out);
		*out = path;
	}
	return r;
}

static void note_secret(struct sx_file_parser *p)
{
	if (!p->place.origin->secret_line)
		p->place.origin->secret_line = p->place.line;
}

static int parse_url(struct sx_file_parser *p, const char *value, void *field)
{
	struct sx_draft_server *server = field;
	struct sx_server_conf conf;
	const char *why;
	int r = sx_url_parse(value, &conf, &why);

	/* one that is wrong may hold a password, too */
	if (r ? strchr(value, '@') != NULL : conf.password != NULL)
		note_secret(p);
	if (r)
		return r == -ENOMEM ? r : fail(p, why);
	/* here the section names it */
	char *name = server->conf.name;
	free(conf.name);
	server->conf = conf;
	server->conf.name = name;
	return 0;
}

static int parse_user(struct sx_file_parser *p, const char *value, void *field)
{
	char **user = field;

	(void)p;
	if (!*value || strlen(value) > SX_CREDENTIAL_MAX)
		return -EINVAL;
	*user = strdup(value);
	return *user ? 0 : -ENOMEM;
}

/* False when another key of this server has given one. */
static bool is_first_password(
	struct sx_file_parser *p, struct sx_draft_server *server)
{
	if (server->password_key) {
		sx_draft_error(&p->place,
			"%s: the password is also given by %s, expected one "
			"of password, password_file, password_env",
			p->key->name, server->password_key);
		return false;
	}
	server->password_key = p->key->name;
	return true;
}

static int parse_password(
	struct sx_file_parser *p, const char *value, void *field)
{
	struct sx_draft_server *server = field;

	note_secret(p);
	if (!is_first_password(p, server))
		return SX_KEY_REPORTED;
	if (!*value || strlen(value) > SX_CREDENTIAL_MAX)
		return -EINVAL;
	server->password = strdup(value);
	return server->password ? 0 : -ENOMEM;
}

/* The path is told only of a file that is there: somebody may have written
 * the password itself where its file is expected. */
static int read_password(struct sx_file_parser *p,
	struct sx_draft_server *server, const char *path)
{
	struct sx_err err;
	bool exposed;
	int r = sx_secret_read(&server->password, path, &exposed, &err);

	if (r == -ENOMEM)
		return r;
	if (r) {
		sx_draft_error(&p->place, "%s: %s, expected %s", p->key->name,
			err.text, p->key->expected);
		return SX_KEY_REPORTED;
	}
	if (exposed)
		sx_diags_add(&p->place.origin->diags, SX_SEVERITY_WARNING,
			p->place.origin->name, p->place.line,
			"%s: others can read %s, expected mode 0600",
			p->key->name, path);
	return 0;
}

static int parse_password_file(
	struct sx_file_parser *p, const char *value, void *field)
{
	char *path;
	int r;

	if (!is_first_password(p, field))
		return SX_KEY_REPORTED;
	r = absolute(p, value, &path);
	if (r == 0)
		r = read_password(p, field, path);
	free(path);
	return r;
}

static int parse_password_env(
	struct sx_file_parser *p, const char *value, void *field)
{
	struct sx_draft_server *server = field;
	const char *password;

	if (!is_first_password(p, server))
		return SX_KEY_REPORTED;
	password = *value ? sx_draft_getenv(p->draft, value) : NULL;
	if (!password || strlen(password) > SX_CREDENTIAL_MAX)
		return -EINVAL;
	server->password = strdup(password);
	return server->password ? 0 : -ENOMEM;
}

static int parse_servers(
	struct sx_file_parser *p, const char *value, void *field)
{
	const char *item;
	size_t n;

	while (sx_list_next(&value, &item, &n)) {
		p->n_items++;
		char name[SX_LABEL_MAX + 2];
		snprintf(name, sizeof(name), "%.*s", (int)n, item);
		if (!sx_label_ok(name))
			return -EINVAL;
		if (!sx_draft_add_ref(p->draft, field, p->place, name))
			return -ENOMEM;
	}
	return 0;
}

static int parse_conditions(
	struct sx_file_parser *p, const char *value, void *field)
{
	struct sx_draft *draft = field;

	p->n_items += sx_conditions_add(draft, p->place, NULL,
		draft->targets[draft->n_targets - 1].name, value);
	return 0;
}

#define DURATION                                                               \
	"a duration from 1ms to 24h, such as 150s, "                           \
	"500ms or 2m"
#define IN_CONF(member)   offsetof(struct sx_conf, member)
#define IN_SERVER(member) offsetof(struct sx_draft_server, member)

const struct sx_key sx_keys[SX_N_KEYS] = {
	{SX_SECTION_DEFAULTS, "deadline", parse_duration, DURATION,
		IN_CONF(deadline_ms), 0},
	{SX_SECTION_DEFAULTS, "connect_timeout", parse_duration, DURATION,
		IN_CONF(connect_timeout_ms), 0},
	{SX_SECTION_DEFAULTS, "handshake_timeout", parse_duration, DURATION,
		IN_CONF(handshake_timeout_ms), 0},
	{SX_SECTION_DEFAULTS, "reply_timeout", parse_duration, DURATION,
		IN_CONF(reply_timeout_ms), 0},
	{SX_SECTION_DEFAULTS, "log", parse_level, SX_LOG_LEVELS,
		IN_CONF(log_level), 0},
	{SX_SECTION_DEFAULTS, "log_file", parse_path, "the path of a file",
		IN_CONF(log_file), 0},
	{SX_SECTION_SERVER, "url", parse_url,
		"SCHEME://[USER[:PASSWORD]@]HOST[:PORT]", 0, 0},
	{SX_SECTION_SERVER, "user", parse_user, "a name of 1 to 255 bytes",
		IN_SERVER(user), 0},
	{SX_SECTION_SERVER, "password", parse_password, "1 to 255 bytes", 0,
		SX_KEY_VERBATIM},
	{SX_SECTION_SERVER, "password_file", parse_password_file,
		"a file of at most 4 KiB with the password in its first line",
		0, 0},
	{SX_SECTION_SERVER, "password_env", parse_password_env,
		"the name of a variable that holds 1 to 255 bytes", 0, 0},
	{SX_SECTION_POOL, "servers", parse_servers, "names of servers", 0,
		SX_KEY_LIST},
	{SX_SECTION_POOL, "choose", parse_choice, "failover", 0, 0},
	{SX_SECTION_RULES, "direct", parse_conditions, SX_CONDITION_FORMS, 0,
		SX_KEY_LIST | SX_KEY_REPEATS},
	{SX_SECTION_RULES, "block", parse_conditions, SX_CONDITION_FORMS, 0,
		SX_KEY_LIST | SX_KEY_REPEATS},
	{SX_SECTION_RULES, "proxy", parse_conditions, SX_CONDITION_FORMS, 0,
		SX_KEY_LIST | SX_KEY_REPEATS},
	{SX_SECTION_RULES, NULL, parse_conditions, SX_CONDITION_FORMS, 0,
		SX_KEY_LIST | SX_KEY_REPEATS},
};

#include "conf/keys_server.h"

#include "conf/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void note_secret(struct sx_file_parser *p)
{
	if (!p->place.origin->secret_line)
		p->place.origin->secret_line = p->place.line;
}

int sx_key_url(struct sx_file_parser *p, const char *value, void *field)
{
	struct sx_draft_server *server = field;
	struct sx_server_conf conf;
	const char *why;
	int r = sx_url_parse(value, &conf, &why);

	/* one that is wrong may hold a password, too */
	if (r ? strchr(value, '@') != NULL
	      : conf.n_users && conf.users[0].password)
		note_secret(p);
	if (r)
		return r == -ENOMEM ? r : sx_key_fail(p, why);
	/* here the section names it */
	char *name = server->conf.name;
	free(conf.name);
	server->conf = conf;
	server->conf.name = name;
	return 0;
}

int sx_key_user(struct sx_file_parser *p, const char *value, void *field)
{
	struct sx_draft_server *server = field;

	(void)p;
	if (!*value || strlen(value) > SX_CREDENTIAL_MAX)
		return -EINVAL;
	server->user = strdup(value);
	return server->user ? 0 : -ENOMEM;
}

/* False when another key of this server has given one. */
static bool is_first_password(
	struct sx_file_parser *p, struct sx_draft_server *server)
{
	if (server->password_key) {
		sx_draft_error(&p->place,
			"%s: the password is also given by %s, expected one "
			"of password, password_file, password_env, users_file",
			p->key->name, server->password_key);
		return false;
	}
	server->password_key = p->key->name;
	return true;
}

int sx_key_password(struct sx_file_parser *p, const char *value, void *field)
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

/* Says what sx_secret_read() or sx_users_read() returned for path. That is told
 * only of a file that is there: somebody may have written the password itself
 * where its file is expected. */
static int report_read(struct sx_file_parser *p, int r, const char *path,
	bool exposed, const struct sx_err *err)
{
	if (r == -ENOMEM)
		return r;
	if (r) {
		sx_draft_error(&p->place, "%s: %s, expected %s", p->key->name,
			err->text, p->key->expected);
		return SX_KEY_REPORTED;
	}
	if (exposed)
		sx_diags_add(&p->place.origin->diags, SX_SEVERITY_WARNING,
			p->place.origin->name, p->place.line,
			"%s: others can read %s, expected mode 0600",
			p->key->name, path);
	return 0;
}

static int read_password(struct sx_draft_server *server, const char *path,
	bool *exposed, struct sx_err *err)
{
	return sx_secret_read(&server->password, path, exposed, err);
}

static int read_users(struct sx_draft_server *server, const char *path,
	bool *exposed, struct sx_err *err)
{
	return sx_users_read(&server->users, path, exposed, err);
}

/* A file with secrets; read: what of it is put into the server. */
static int take_file(struct sx_file_parser *p, const char *value,
	struct sx_draft_server *server,
	int (*read)(struct sx_draft_server *server, const char *path,
		bool *exposed, struct sx_err *err))
{
	bool exposed = false;
	struct sx_err err;
	char *path;
	int r;

	if (!is_first_password(p, server))
		return SX_KEY_REPORTED;
	r = sx_key_path(p, value, &path);
	if (r)
		return r;
	r = read(server, path, &exposed, &err);
	r = report_read(p, r, path, exposed, &err);
	free(path);
	return r;
}

int sx_key_password_file(
	struct sx_file_parser *p, const char *value, void *field)
{
	return take_file(p, value, field, read_password);
}

int sx_key_users_file(struct sx_file_parser *p, const char *value, void *field)
{
	return take_file(p, value, field, read_users);
}

int sx_key_password_env(
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

int sx_key_via(struct sx_file_parser *p, const char *value, void *field)
{
	struct sx_draft_server *server = field;

	(void)p;
	if (!sx_label_ok(value))
		return -EINVAL;
	server->via = strdup(value);
	return server->via ? 0 : -ENOMEM;
}

static void error_at(struct sx_file_parser *p, unsigned line, const char *key,
	const char *why)
{
	struct sx_place place = {p->place.origin, line};

	sx_draft_error(&place, "%s: %s", key, why);
}

/* What is wrong with the key that passwords come from; NULL: nothing. */
static const char *check_password(
	const struct sx_draft_server *server, bool is_list)
{
	const struct sx_server_conf *conf = &server->conf;

	if (is_list && (server->user || conf->n_users))
		return "there is a user as well, expected one of them";
	if (conf->n_users && conf->users[0].password)
		return "the url has a password, expected one of them";
	if (!sx_users_have_passwords(conf->proto))
		return "SOCKS4 has no password, expected a socks5 url";
	if (!is_list && !server->user && !conf->n_users)
		return "a password without a user, expected user = NAME";
	return NULL;
}

static void check_user(struct sx_file_parser *p)
{
	const struct sx_draft_server *server = p->base;
	const struct sx_server_conf *conf = &server->conf;
	unsigned line = sx_key_line(p, "user");

	if (conf->n_users)
		error_at(p, line, "user",
			"the url has one as well, expected one of them");
	else if (conf->proto == SX_PROTO_HTTP && strchr(server->user, ':'))
		error_at(p, line, "user",
			"a colon in it, expected none for an http url");
}

static int add_user(struct sx_users *users, struct sx_draft_server *server)
{
	char *user = server->user, *password = server->password;

	server->user = server->password = NULL;
	return sx_users_add(users, user, password);
}

/* Whatever is wrong, no string gets lost. */
static void take_users(struct sx_draft *draft, struct sx_draft_server *server)
{
	struct sx_server_conf *conf = &server->conf;
	struct sx_users none = {0}, *from = &server->users;

	if (conf->n_users) {
		if (!conf->users[0].password) {
			conf->users[0].password = server->password;
			server->password = NULL;
		}
		return;
	}
	if (server->user && add_user(from, server))
		draft->out_of_memory = true;
	conf->users = from->items;
	conf->n_users = from->n;
	*from = none;
}

void sx_server_keys_end(struct sx_file_parser *p)
{
	struct sx_draft_server *server = p->base;
	const char *key = server->password_key, *why;

	server->auth_line = sx_key_line(p, "auth");
	server->isolate_line = sx_key_line(p, "isolate");
	server->pipeline_line = sx_key_line(p, "pipeline");
	server->udp_line = sx_key_line(p, "udp");
	server->via_line = sx_key_line(p, "via");
	if (!sx_key_line(p, "url")) {
		struct sx_place header = {p->place.origin, p->header};
		sx_draft_error(&header, "no url in this section, expected "
					"url = socks5://HOST:PORT");
	}
	if (!server->conf.host)
		return;
	if (server->user)
		check_user(p);
	why = key ? check_password(server, !strcmp(key, "users_file")) : NULL;
	if (why)
		error_at(p, sx_key_line(p, key), key, why);
	take_users(p->draft, server);
}

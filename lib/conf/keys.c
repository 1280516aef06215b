#include "conf/keys.h"

#include "conf/file.h"
#include "conf/keys_server.h"
#include "conf/rules.h"
#include "conf/values.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t sx_key_find(enum sx_section section, const char *name)
{
	size_t i = 0;

	while (i < SX_N_KEYS &&
		(sx_keys[i].section != section ||
			(sx_keys[i].name && strcmp(sx_keys[i].name, name))))
		i++;
	return i;
}

unsigned sx_key_line(const struct sx_file_parser *p, const char *name)
{
	return p->seen[sx_key_find(p->section, name)];
}

int sx_key_fail(struct sx_file_parser *p, const char *why)
{
	sx_draft_error(&p->place, "%s: %s", p->key->name, why);
	return SX_KEY_REPORTED;
}

int sx_key_path(struct sx_file_parser *p, const char *value, char **path)
{
	int r;

	*path = NULL;
	if (!*value)
		return -EINVAL;
	r = sx_path_absolute(
		path, value, p->place.origin->folder, sx_draft_home(p->draft));
	if (r == -ENOENT)
		return sx_key_fail(
			p, "HOME is not set, expected a path without ~/");
	return r;
}

int sx_key_word(struct sx_file_parser *p, const char *value, void *field)
{
	return sx_word_parse(p->key->expected, value, field);
}

static int parse_yes_no(
	struct sx_file_parser *p, const char *value, void *field)
{
	unsigned is_no;
	int r = sx_key_word(p, value, &is_no);

	if (r == 0)
		*(bool *)field = !is_no;
	return r;
}

/* 1 to max. */
static int parse_number(const char *value, unsigned max, unsigned *number)
{
	size_t n = strspn(value, "0123456789");
	unsigned long v;

	if (n == 0 || value[n])
		return -EINVAL;
	v = strtoul(value, NULL, 10);
	if (v < 1 || v > max)
		return -EINVAL;
	*number = (unsigned)v;
	return 0;
}

static int parse_to_100(
	struct sx_file_parser *p, const char *value, void *field)
{
	(void)p;
	return parse_number(value, 100, field);
}

static int parse_to_1000(
	struct sx_file_parser *p, const char *value, void *field)
{
	(void)p;
	return parse_number(value, 1000, field);
}

static int parse_duration(
	struct sx_file_parser *p, const char *value, void *field)
{
	(void)p;
	return sx_duration_parse(value, field);
}

static int parse_backoff(
	struct sx_file_parser *p, const char *value, void *field)
{
	unsigned *ms = field;

	(void)p;
	if (strcmp(value, "none"))
		return sx_duration_parse(value, ms);
	*ms = 0;
	return 0;
}

static int parse_level(struct sx_file_parser *p, const char *value, void *field)
{
	(void)p;
	return sx_log_level_parse(value, field);
}

static int parse_path(struct sx_file_parser *p, const char *value, void *field)
{
	char *path, **out = field;
	int r = sx_key_path(p, value, &path);

	if (r == 0) {
		free(*out);
		*out = path;
	}
	return r;
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

/* A file's name, as the last part of a path. */
static bool is_file_name(const char *item, size_t n)
{
	return n <= NAME_MAX && !memchr(item, '/', n);
}

static int parse_apps(struct sx_file_parser *p, const char *value, void *field)
{
	struct sx_conf *conf = field;
	const char *item;
	size_t n;

	while (sx_list_next(&value, &item, &n)) {
		p->n_items++;
		if (!is_file_name(item, n))
			return -EINVAL;
		char **grown = sx_array_grow(
			conf->direct_apps, conf->n_direct_apps, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		conf->direct_apps = grown;
		grown[conf->n_direct_apps] = strndup(item, n);
		if (!grown[conf->n_direct_apps])
			return -ENOMEM;
		conf->n_direct_apps++;
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
#define NUMBER_100  "a number from 1 to 100"
#define NUMBER_1000 "a number from 1 to 1000"

/* Words in the order of their enums. */
#define CHOOSE      "failover, round-robin, random, hash or latched"
#define CHOOSE_USER "random or sticky"
#define AUTH        "optional or required"
#define ISOLATE     "none, process, program or destination"
#define ALL_DOWN    "try or fail"
#define UDP         "associate, block or direct"
#define SERVER_UDP  "associate or block"
#define DNS         "auto, table or carry"
#define INBOUND     "any, local or none"

#define IN_CONF(member)   offsetof(struct sx_conf, member)
#define IN_SERVER(member) offsetof(struct sx_draft_server, member)
#define IN_POOL(member)   offsetof(struct sx_draft_pool, member)

const struct sx_key sx_keys[SX_N_KEYS] = {
	{SX_SECTION_DEFAULTS, "deadline", parse_duration, DURATION,
		IN_CONF(deadline_ms), 0},
	{SX_SECTION_DEFAULTS, "connect_timeout", parse_duration, DURATION,
		IN_CONF(connect_timeout_ms), 0},
	{SX_SECTION_DEFAULTS, "handshake_timeout", parse_duration, DURATION,
		IN_CONF(handshake_timeout_ms), 0},
	{SX_SECTION_DEFAULTS, "reply_timeout", parse_duration, DURATION,
		IN_CONF(reply_timeout_ms), 0},
	{SX_SECTION_DEFAULTS, "attempts", parse_to_1000, NUMBER_1000,
		IN_CONF(attempts), 0},
	{SX_SECTION_DEFAULTS, "attempts_per_server", parse_to_100, NUMBER_100,
		IN_CONF(attempts_per_server), 0},
	{SX_SECTION_DEFAULTS, "fail_threshold", parse_to_100, NUMBER_100,
		IN_CONF(fail_threshold), 0},
	{SX_SECTION_DEFAULTS, "retry_after", parse_duration, DURATION,
		IN_CONF(retry_after_ms), 0},
	{SX_SECTION_DEFAULTS, "when_all_down", sx_key_word, ALL_DOWN,
		IN_CONF(when_all_down), 0},
	{SX_SECTION_DEFAULTS, "backoff", parse_backoff, "none or " DURATION,
		IN_CONF(backoff_ms), 0},
	{SX_SECTION_DEFAULTS, "pipeline", sx_key_word, SX_PIPELINE_WORDS,
		IN_CONF(pipeline), 0},
	{SX_SECTION_DEFAULTS, "auth", sx_key_word, AUTH, IN_CONF(auth), 0},
	{SX_SECTION_DEFAULTS, "isolate", sx_key_word, ISOLATE, IN_CONF(isolate),
		0},
	{SX_SECTION_DEFAULTS, "udp", sx_key_word, UDP, IN_CONF(udp), 0},
	{SX_SECTION_DEFAULTS, "dns", sx_key_word, DNS, IN_CONF(dns), 0},
	{SX_SECTION_DEFAULTS, "inbound", sx_key_word, INBOUND, IN_CONF(inbound),
		0},
	{SX_SECTION_DEFAULTS, "strict", parse_yes_no, "yes or no",
		IN_CONF(strict), 0},
	{SX_SECTION_DEFAULTS, "tor", parse_yes_no, "yes or no", IN_CONF(tor),
		0},
	{SX_SECTION_DEFAULTS, "log", parse_level, SX_LOG_LEVELS,
		IN_CONF(log_level), 0},
	{SX_SECTION_DEFAULTS, "log_file", parse_path, "the path of a file",
		IN_CONF(log_file), 0},
	{SX_SECTION_DEFAULTS, "allow_leaks", parse_yes_no, "yes or no",
		IN_CONF(allow_leaks), 0},
	{SX_SECTION_SERVER, "url", sx_key_url,
		"SCHEME://[USER[:PASSWORD]@]HOST[:PORT]", 0, 0},
	{SX_SECTION_SERVER, "via", sx_key_via, "the name of a server", 0, 0},
	{SX_SECTION_SERVER, "user", sx_key_user, "a name of 1 to 255 bytes", 0,
		0},
	{SX_SECTION_SERVER, "password", sx_key_password, "1 to 255 bytes", 0,
		SX_KEY_VERBATIM},
	{SX_SECTION_SERVER, "password_file", sx_key_password_file,
		"a file of at most 4 KiB with the password in its first line",
		0, 0},
	{SX_SECTION_SERVER, "password_env", sx_key_password_env,
		"the name of a variable that holds 1 to 255 bytes", 0, 0},
	{SX_SECTION_SERVER, "users_file", sx_key_users_file,
		"a file of at most 1 MiB with a USER:PASSWORD in each line, "
		"1 to 255 bytes each",
		0, 0},
	{SX_SECTION_SERVER, "choose_user", sx_key_word, CHOOSE_USER,
		IN_SERVER(choose_user), 0},
	{SX_SECTION_SERVER, "auth", sx_key_word, AUTH, IN_SERVER(auth), 0},
	{SX_SECTION_SERVER, "isolate", sx_key_word, ISOLATE, IN_SERVER(isolate),
		0},
	{SX_SECTION_SERVER, "pipeline", sx_key_word, SX_PIPELINE_WORDS,
		IN_SERVER(pipeline), 0},
	{SX_SECTION_SERVER, "udp", sx_key_word, SERVER_UDP, IN_SERVER(udp), 0},
	{SX_SECTION_POOL, "servers", parse_servers, "names of servers", 0,
		SX_KEY_LIST},
	{SX_SECTION_POOL, "choose", sx_key_word, CHOOSE, IN_POOL(choose), 0},
	{SX_SECTION_POOL, "retry_on_refusal", parse_yes_no, "yes or no",
		IN_POOL(retry_on_refusal), 0},
	{SX_SECTION_RULES, "direct", parse_conditions, SX_CONDITION_FORMS, 0,
		SX_KEY_LIST | SX_KEY_REPEATS},
	{SX_SECTION_RULES, "block", parse_conditions, SX_CONDITION_FORMS, 0,
		SX_KEY_LIST | SX_KEY_REPEATS},
	{SX_SECTION_RULES, "proxy", parse_conditions, SX_CONDITION_FORMS, 0,
		SX_KEY_LIST | SX_KEY_REPEATS},
	{SX_SECTION_RULES, NULL, parse_conditions, SX_CONDITION_FORMS, 0,
		SX_KEY_LIST | SX_KEY_REPEATS},
	{SX_SECTION_APPS, "direct", parse_apps,
		"names of programs, without a path", 0,
		SX_KEY_LIST | SX_KEY_REPEATS},
};

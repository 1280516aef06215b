#include "conf/draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest lists names: struct sx_names. */
#define ERROR_MAX 1024

const char *sx_draft_getenv(const struct sx_draft *draft, const char *name)
{
	const char *value = draft->getenv(name);

	return value && *value ? value : NULL;
}

const char *sx_draft_home(const struct sx_draft *draft)
{
	return sx_conf_place(draft->getenv, "SOCKSIFY_HOME");
}

void sx_draft_error(const struct sx_place *place, const char *fmt, ...)
{
	struct sx_diags *diags = &place->origin->diags;
	char text[ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sx_diags_add(diags, SX_SEVERITY_ERROR, place->origin->name, place->line,
		"%s", text);
}

/* One more zeroed item of size bytes in *items; NULL when memory is out. */
static void *add(struct sx_draft *draft, void **items, size_t *n, size_t size)
{
	void *grown = sx_array_grow(*items, *n, size);
	char *item;

	if (!grown) {
		draft->out_of_memory = true;
		return NULL;
	}
	*items = grown;
	item = (char *)grown + *n * size;
	memset(item, 0, size);
	++*n;
	return item;
}

#define ADD(draft, items, n)                                                   \
	({                                                                     \
		void *items_ = (items);                                        \
		void *item_ = add((draft), &items_, &(n), sizeof(*(items)));   \
		(items) = items_;                                              \
		item_;                                                         \
	})

/* False when memory is out. */
static bool set_name(struct sx_draft *draft, char **out, const char *name)
{
	if (!name)
		return true;
	*out = strdup(name);
	if (!*out)
		draft->out_of_memory = true;
	return *out != NULL;
}

struct sx_draft_server *sx_draft_add_server(
	struct sx_draft *draft, struct sx_place place, const char *name)
{
	struct sx_draft_server *server =
		ADD(draft, draft->servers, draft->n_servers);

	if (!server)
		return NULL;
	server->place = place;
	return set_name(draft, &server->conf.name, name) ? server : NULL;
}

struct sx_draft_pool *sx_draft_add_pool(
	struct sx_draft *draft, struct sx_place place, const char *name)
{
	struct sx_draft_pool *pool = ADD(draft, draft->pools, draft->n_pools);

	if (!pool)
		return NULL;
	pool->place = place;
	return set_name(draft, &pool->name, name) ? pool : NULL;
}

struct sx_draft_ref *sx_draft_add_ref(struct sx_draft *draft,
	struct sx_draft_pool *pool, struct sx_place place, const char *name)
{
	struct sx_draft_ref *ref = ADD(draft, pool->refs, pool->n_refs);

	if (!ref)
		return NULL;
	ref->place = place;
	return set_name(draft, &ref->name, name) ? ref : NULL;
}

struct sx_draft_target *sx_draft_add_target(
	struct sx_draft *draft, struct sx_place place, const char *name)
{
	struct sx_draft_target *target =
		ADD(draft, draft->targets, draft->n_targets);

	if (!target)
		return NULL;
	target->place = place;
	return set_name(draft, &target->name, name) ? target : NULL;
}

static char *format_where(struct sx_place place, const char *where)
{
	char *text;

	if (where)
		return strdup(where);
	if (asprintf(&text, "%s:%u", place.origin->name, place.line) < 0)
		return NULL;
	return text;
}

void sx_draft_add_rule(struct sx_draft *draft, struct sx_place place,
	const char *where, struct sx_rule_conf conf)
{
	struct sx_draft_rule *rule = NULL;

	conf.where = format_where(place, where);
	if (conf.where && draft->n_targets)
		rule = ADD(draft, draft->rules, draft->n_rules);
	if (!rule) {
		draft->out_of_memory = true;
		free(conf.where);
		free(conf.domain);
		return;
	}
	rule->origin = place.origin;
	rule->target = draft->n_targets - 1;
	rule->conf = conf;
}

/* Names are NULL where memory was out. */
static bool is_named(const char *have, const char *want)
{
	return have && strcmp(have, want) == 0;
}

struct sx_draft_server *sx_draft_find_server(
	const struct sx_draft *draft, const char *name)
{
	for (size_t i = 0; i < draft->n_servers; i++) {
		if (is_named(draft->servers[i].conf.name, name))
			return &draft->servers[i];
	}
	return NULL;
}

struct sx_draft_pool *sx_draft_find_pool(
	const struct sx_draft *draft, const char *name)
{
	for (size_t i = 0; i < draft->n_pools; i++) {
		if (is_named(draft->pools[i].name, name))
			return &draft->pools[i];
	}
	return NULL;
}

void sx_draft_unknown_server(const struct sx_draft *draft,
	const struct sx_place *place, const char *name)
{
	struct sx_names names = {.n = 0};

	for (size_t i = 0; i < draft->n_servers; i++) {
		if (draft->servers[i].conf.name)
			sx_names_add(&names, draft->servers[i].conf.name);
	}
	sx_draft_error(place, "unknown server \"%s\", expected one of: %s",
		name, names.n ? names.text : "(there is no [server NAME])");
}

void sx_draft_clear_server(struct sx_draft_server *server)
{
	sx_server_conf_fini(&server->conf);
	free(server->user);
	free(server->via);
	sx_text_wipe(&server->password);
	sx_users_fini(&server->users);
	memset(server, 0, sizeof(*server));
}

void sx_draft_clear_pool(struct sx_draft_pool *pool)
{
	for (size_t i = 0; i < pool->n_refs; i++)
		free(pool->refs[i].name);
	free(pool->refs);
	free(pool->name);
	memset(pool, 0, sizeof(*pool));
}

static void fini_rules(struct sx_draft *draft)
{
	for (size_t i = 0; i < draft->n_targets; i++)
		free(draft->targets[i].name);
	for (size_t i = 0; i < draft->n_rules; i++) {
		free(draft->rules[i].conf.domain);
		free(draft->rules[i].conf.where);
	}
	free(draft->targets);
	free(draft->rules);
}

void sx_draft_fini(struct sx_draft *draft)
{
	for (size_t i = 0; i < draft->n_servers; i++)
		sx_draft_clear_server(&draft->servers[i]);
	for (size_t i = 0; i < draft->n_pools; i++)
		sx_draft_clear_pool(&draft->pools[i]);
	free(draft->servers);
	free(draft->pools);
	fini_rules(draft);
	for (size_t i = 0; i < SX_N_ORIGINS; i++) {
		free(draft->origins[i].name);
		free(draft->origins[i].folder);
		sx_diags_fini(&draft->origins[i].diags);
	}
	memset(draft, 0, sizeof(*draft));
}

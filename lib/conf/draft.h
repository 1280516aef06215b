/*
 * The configuration while it is read: names are not looked up yet, and each
 * part remembers where it was written.
 */
#ifndef SX_CONF_DRAFT_H
#define SX_CONF_DRAFT_H

#include "conf/conf.h"
#include "conf/text.h"
#include "conf/users.h"

/* In the order in which their rules take precedence. */
enum sx_origin_kind {
	SX_ORIGIN_APP,
	SX_ORIGIN_MAIN,
	SX_ORIGIN_ENV,
	SX_N_ORIGINS,
};

struct sx_origin {
	char *name;   /* absolute path; NULL: not there, or the environment */
	char *folder; /* what relative paths in it start from; NULL: the
			 working folder */
	unsigned secret_line; /* the first password in it; 0: none */
	struct sx_diags diags;
};

/* Where something was written. */
struct sx_place {
	struct sx_origin *origin;
	unsigned line;
};

struct sx_draft_server {
	struct sx_place place;
	const char *variable;       /* it came from; NULL: a file */
	struct sx_server_conf conf; /* host NULL: no usable URL */
	char *user, *password;      /* of the keys */
	struct sx_users users;      /* of users_file */
	const char *password_key;   /* the one they came from; NULL: none */
	/* What its keys say, and in which line; 0: nothing, [defaults] do. */
	enum sx_auth auth;
	enum sx_pipeline pipeline;
	enum sx_isolate isolate;
	enum sx_udp udp; /* ASSOCIATE or BLOCK */
	unsigned auth_line, pipeline_line, isolate_line, udp_line;
	enum sx_choose_user choose_user;
	char *via; /* NULL: none */
	unsigned via_line;
	unsigned visit; /* of the search for circles */
	bool is_hop;    /* another one is reached through it */
};

/* A server that a pool names. */
struct sx_draft_ref {
	struct sx_place place;
	char *name;      /* NULL: index is known */
	unsigned server; /* index */
};

struct sx_draft_pool {
	struct sx_place place;
	char *name;
	struct sx_draft_ref *refs;
	size_t n_refs;
	enum sx_choose choose;
	bool retry_on_refusal;
};

/* A key of [rules]: what all conditions in its value lead to. */
struct sx_draft_target {
	struct sx_place place;
	char *name;
	enum sx_action action; /* once it is resolved, as is pool */
	unsigned pool;
};

struct sx_draft_rule {
	const struct sx_origin *origin;
	size_t target; /* index */
	struct sx_rule_conf conf;
};

struct sx_draft {
	struct sx_conf *out; /* [defaults] goes there at once */
	const char *(*getenv)(const char *name);
	struct sx_origin origins[SX_N_ORIGINS];
	struct sx_draft_server *servers;
	size_t n_servers;
	struct sx_draft_pool *pools;
	size_t n_pools;
	struct sx_draft_target *targets;
	size_t n_targets;
	struct sx_draft_rule *rules;
	size_t n_rules;
	bool out_of_memory;
};

/* NULL for a variable that is empty, too. */
const char *sx_draft_getenv(const struct sx_draft *draft, const char *name);

/* The user's home, for "~/"; NULL: not known. */
const char *sx_draft_home(const struct sx_draft *draft);

void sx_draft_error(const struct sx_place *place, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * These add an empty item and return it, valid until the next one is added;
 * NULL when memory is out, which the draft remembers. name is copied; NULL
 * leaves it NULL.
 */
struct sx_draft_server *sx_draft_add_server(
	struct sx_draft *draft, struct sx_place place, const char *name);
struct sx_draft_pool *sx_draft_add_pool(
	struct sx_draft *draft, struct sx_place place, const char *name);
struct sx_draft_ref *sx_draft_add_ref(struct sx_draft *draft,
	struct sx_draft_pool *pool, struct sx_place place, const char *name);
struct sx_draft_target *sx_draft_add_target(
	struct sx_draft *draft, struct sx_place place, const char *name);

/*
 * Adds a rule for the last target and takes conf.domain over, also on
 * failure. where names a variable; NULL: place says it.
 */
void sx_draft_add_rule(struct sx_draft *draft, struct sx_place place,
	const char *where, struct sx_rule_conf conf);

/* "unknown server ..., expected one of ..." */
void sx_draft_unknown_server(const struct sx_draft *draft,
	const struct sx_place *place, const char *name);

/* NULL if there is none. Linear: there are few. */
struct sx_draft_server *sx_draft_find_server(
	const struct sx_draft *draft, const char *name);
struct sx_draft_pool *sx_draft_find_pool(
	const struct sx_draft *draft, const char *name);

/* Empties an item, so that one of the same name can replace it. */
void sx_draft_clear_server(struct sx_draft_server *server);
void sx_draft_clear_pool(struct sx_draft_pool *pool);

/* Frees all but out. */
void sx_draft_fini(struct sx_draft *draft);

#endif

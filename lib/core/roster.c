#include "core/roster.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE 1024

int sx_roster_init(struct sx_roster *r, const struct sx_conf *conf)
{
	r->conf = conf;
	r->servers = calloc(conf->n_servers + 1UL, sizeof(*r->servers));
	r->pools = calloc(conf->n_pools + 1UL, sizeof(*r->pools));
	if (!r->servers || !r->pools)
		return -ENOMEM;
	for (unsigned i = 0; i < conf->n_servers; i++)
		sx_server_init(&r->servers[i], &conf->servers[i]);
	return 0;
}

void sx_roster_fini(struct sx_roster *r)
{
	free(r->servers);
	free(r->pools);
	memset(r, 0, sizeof(*r));
}

struct key {
	char text[KEY_SIZE]; /* cut, if it must be */
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void append(
	struct key *key, const char *fmt, ...)
{
	size_t room = sizeof(key->text) - key->len;
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(key->text + key->len, room, fmt, args);
	va_end(args);
	key->len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

/* The server and all that it is reached through. */
static struct key key_of_server(const struct sx_conf *conf, unsigned i)
{
	struct key key = {.len = 0};
	int at = (int)i;

	for (; at >= 0; at = conf->servers[at].via) {
		const struct sx_server_conf *s = &conf->servers[at];
		append(&key, "%s%d %s %u %s", at == (int)i ? "" : " via ",
			(int)s->proto, s->host, s->port,
			s->n_users ? s->users[0].user : "");
	}
	return key;
}

static struct key key_of_pool(
	const struct sx_conf *conf, const struct sx_pool_conf *pool)
{
	struct key key = {.len = 0};

	append(&key, "%s", pool->name);
	for (unsigned i = 0; i < pool->n_servers; i++)
		append(&key, " %s", conf->servers[pool->servers[i]].name);
	return key;
}

void sx_roster_attach(struct sx_roster *r, struct sx_state *state)
{
	const struct sx_conf *conf = r->conf;

	for (unsigned i = 0; i < conf->n_servers; i++) {
		struct key key = key_of_server(conf, i);
		r->servers[i].state =
			sx_state_server(state, key.text, conf->servers[i].name);
	}
	for (unsigned i = 0; i < conf->n_pools; i++) {
		struct key key = key_of_pool(conf, &conf->pools[i]);
		r->pools[i] =
			sx_state_pool(state, key.text, conf->pools[i].name);
	}
}

void sx_roster_before_fork(struct sx_roster *r)
{
	for (unsigned i = 0; i < r->conf->n_servers; i++)
		sx_server_before_fork(&r->servers[i]);
}

void sx_roster_after_fork(struct sx_roster *r)
{
	for (unsigned i = r->conf->n_servers; i-- > 0;)
		sx_server_after_fork(&r->servers[i]);
}

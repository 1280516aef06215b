#include "conf/servers.h"

#include <stdio.h>
#include <string.h>

/* NULL: the hop can be asked for the server. */
static const char *not_carried(
	const struct sx_server_conf *hop, const struct sx_server_conf *server)
{
	bool takes_names = hop->proto != SX_PROTO_SOCKS4;
	bool takes_ipv6 = takes_names && hop->proto != SX_PROTO_SOCKS4A;

	if (server->unix_path)
		return "a unix socket is not reached through a server, "
		       "expected no via";
	if (server->host && !server->ip.family && !takes_names)
		return "SOCKS4 carries no host names, expected an address in "
		       "url, or a via that speaks socks4a or socks5";
	if (server->ip.family == AF_INET6 && !takes_ipv6)
		return "SOCKS4 carries no IPv6 addresses, expected a via that "
		       "speaks socks5 or http";
	return NULL;
}

static void resolve_via(struct sx_draft *draft, struct sx_draft_server *server)
{
	struct sx_place place = {server->place.origin, server->via_line};
	struct sx_draft_server *via;

	server->conf.via = -1;
	if (!server->via)
		return;
	via = sx_draft_find_server(draft, server->via);
	if (!via) {
		sx_draft_unknown_server(draft, &place, server->via);
		return;
	}
	server->conf.via = (int)(via - draft->servers);
	via->is_hop = true;
	const char *why = not_carried(&via->conf, &server->conf);
	if (why)
		sx_draft_error(&place, "via: %s", why);
}

static struct sx_draft_server *via_of(
	struct sx_draft *draft, const struct sx_draft_server *server)
{
	return server->conf.via < 0 ? NULL : &draft->servers[server->conf.via];
}

/* "a -> b -> a" */
static void report_circle(
	struct sx_draft *draft, const struct sx_draft_server *first)
{
	struct sx_place place = {first->place.origin, first->via_line};
	struct sx_names path = {.separator = " -> "};
	const struct sx_draft_server *server = first;

	do {
		sx_names_add(&path, server->conf.name);
		server = via_of(draft, server);
	} while (server != first);
	sx_names_add(&path, first->conf.name);
	sx_draft_error(&place,
		"via: %s is a circle, expected a chain with an end", path.text);
}

/* visit: another number each time. Follows the chain to where any search has
 * been; if that was this one, it is a circle. */
static void search_circle(
	struct sx_draft *draft, struct sx_draft_server *server, unsigned visit)
{
	while (server && !server->visit) {
		server->visit = visit;
		server = via_of(draft, server);
	}
	if (server && server->visit == visit)
		report_circle(draft, server);
}

void sx_chains_resolve(struct sx_draft *draft)
{
	if (draft->out_of_memory)
		return; /* names are missing */
	for (size_t i = 0; i < draft->n_servers; i++)
		resolve_via(draft, &draft->servers[i]);
	for (size_t i = 0; i < draft->n_servers; i++)
		search_circle(draft, &draft->servers[i], (unsigned)i + 1);
}

/* line: of the key; 0: it is [defaults] that say so. */
static void error(const struct sx_draft_server *server, unsigned line,
	const char *key, const char *why)
{
	struct sx_place place = server->place;

	if (line)
		place.line = line;
	if (server->variable)
		sx_diags_add(&place.origin->diags, SX_SEVERITY_ERROR,
			server->variable, 0, "%s: %s of [defaults]: %s",
			server->conf.name, key, why);
	else
		sx_draft_error(&place, "%s%s: %s", key,
			line ? "" : " of [defaults]", why);
}

static bool has_credentials(const struct sx_draft_server *server)
{
	/* a file that could not be read is reported already */
	return server->conf.n_users || server->password_key;
}

static void check_auth(const struct sx_draft_server *server)
{
	const struct sx_server_conf *conf = &server->conf;

	if (conf->auth != SX_AUTH_REQUIRED)
		return;
	if (conf->proto != SX_PROTO_SOCKS5)
		error(server, server->auth_line, "auth",
			"only SOCKS5 can require it, expected auth = optional");
	else if (!has_credentials(server) && conf->isolate == SX_ISOLATE_NONE)
		error(server, server->auth_line, "auth",
			"required without credentials, expected user, "
			"users_file or isolate as well");
}

static void check_isolate(const struct sx_draft_server *server)
{
	const struct sx_server_conf *conf = &server->conf;

	if (conf->isolate == SX_ISOLATE_NONE)
		return;
	if (has_credentials(server))
		error(server, server->isolate_line, "isolate",
			"the server has a user as well, expected one of them");
	else if (!sx_users_have_passwords(conf->proto))
		error(server, server->isolate_line, "isolate",
			"SOCKS4 has no password, expected isolate = none");
}

static bool carries_datagrams(const struct sx_server_conf *conf)
{
	return conf->proto == SX_PROTO_SOCKS5 &&
	       conf->udp != SX_SERVER_UDP_BLOCK;
}

/* Each server of a chain carries them to the next one's relay: straight from
 * here they would go around it. */
static void check_udp_chain(
	struct sx_draft *draft, const struct sx_draft_server *server)
{
	const struct sx_draft_server *hop = server;
	char why[SX_NAME_MAX + 80];

	for (unsigned n = 1; (hop = via_of(draft, hop)); n++) {
		if (n == SX_UDP_SERVERS) {
			error(server, server->udp_line, "udp",
				"datagrams pass 3 servers before this one at "
				"most, expected udp = block, or fewer of them");
			return;
		}
		if (!hop->conf.host || carries_datagrams(&hop->conf))
			continue;
		snprintf(why, sizeof(why),
			"datagrams cannot pass %s before it, expected "
			"udp = block, or another via",
			hop->conf.name);
		error(server, server->udp_line, "udp", why);
		return;
	}
}

static void check_udp(
	struct sx_draft *draft, const struct sx_draft_server *server)
{
	if (server->conf.udp != SX_SERVER_UDP_ASSOCIATE)
		return;
	if (server->conf.proto != SX_PROTO_SOCKS5)
		error(server, server->udp_line, "udp",
			"only SOCKS5 carries datagrams, expected udp = block");
	else
		check_udp_chain(draft, server);
}

static void settle_udp(struct sx_draft_server *server)
{
	if (server->udp_line)
		server->conf.udp = server->udp == SX_UDP_BLOCK
					   ? SX_SERVER_UDP_BLOCK
					   : SX_SERVER_UDP_ASSOCIATE;
}

static void settle(
	const struct sx_conf *defaults, struct sx_draft_server *server)
{
	struct sx_server_conf *conf = &server->conf;

	conf->choose_user = server->choose_user;
	conf->auth = server->auth_line ? server->auth : defaults->auth;
	conf->pipeline =
		server->pipeline_line ? server->pipeline : defaults->pipeline;
	if (server->isolate_line)
		conf->isolate = server->isolate;
	else if (!has_credentials(server))
		conf->isolate = defaults->isolate;
	check_auth(server);
	check_isolate(server);
	settle_udp(server);
}

void sx_servers_settle(struct sx_draft *draft)
{
	for (size_t i = 0; i < draft->n_servers; i++) {
		/* without it there is an error already */
		if (draft->servers[i].conf.host)
			settle(draft->out, &draft->servers[i]);
	}
	for (size_t i = 0; i < draft->n_servers; i++)
		check_udp(draft, &draft->servers[i]);
}

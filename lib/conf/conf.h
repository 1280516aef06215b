/*
 * The configuration as plain data.
 *
 * Loaded once, immutable afterwards, so reading it takes no lock. Where it
 * comes from, later ones over earlier ones (keys replace, [rules] of the
 * later file come first):
 *
 *	1. the file: path argument, else $SOCKSIFY_CONF, else
 *	   $XDG_CONFIG_HOME/socksify/socksify.conf (~/.config if unset), else
 *	   /etc/socksify/socksify.conf; the first two must exist, and one of
 *	   the others that exists must be readable
 *	2. apps/PROGRAM.conf in the folder of that file, or in the user's if
 *	   there is none, if it exists; its sections of the same name replace
 *	3. $SOCKSIFY_PROXY: servers that replace the default pool
 *	   otherwise, where the files name no server: $all_proxy or
 *	   $ALL_PROXY, else socks5h://127.0.0.1:1080
 *	4. $no_proxy or $NO_PROXY: direct rules behind those of the files
 *	5. $SOCKSIFY_PIPELINE, over the key of [defaults]
 *	6. $SOCKSIFY_LOG, $SOCKSIFY_LOG_FILE, $SOCKSIFY_ALLOW_LEAKS
 *
 * A variable that is empty counts as not set. $SOCKSIFY_HOME,
 * $SOCKSIFY_XDG_CONFIG_HOME and $SOCKSIFY_XDG_RUNTIME_DIR, even empty ones,
 * take the place of those without SOCKSIFY_: so a program that was given
 * another home is configured as the one that started it (core/childenv.h).
 *
 * The file is INI as inih reads it, but with "=" alone between key and value.
 * Sections: [defaults], [server NAME], [pool NAME], [rules], [apps]. One table
 * row per key in conf/keys.c is the whole list; anything else is an error with
 *path, line and what was expected.
 */
#ifndef SX_CONF_CONF_H
#define SX_CONF_CONF_H

#include "base/cidr.h"
#include "base/log.h"
#include "base/proto.h"
#include "conf/diag.h"

#include <stdbool.h>

struct sx_user_conf {
	char *user;     /* 1 to 255 bytes; no ":" in it for HTTP */
	char *password; /* NULL: none; from the URL, a file or a variable */
};

/* Which of several users a connection is made as. */
enum sx_choose_user {
	SX_USER_RANDOM, /* another one each time */
	SX_USER_STICKY, /* one for the life of the process */
};

enum sx_auth {
	SX_AUTH_OPTIONAL, /* a server that asks for no credentials is fine */
	SX_AUTH_REQUIRED, /* SOCKS5 that takes credentials, or no connection */
};

/* Greeting, credentials and request in one segment. */
enum sx_pipeline {
	SX_PIPELINE_AUTO, /* where the server is known to take it */
	SX_PIPELINE_ON,
	SX_PIPELINE_OFF,
};

/* Derived credentials, so that the server keeps streams apart: for each ... */
enum sx_isolate {
	SX_ISOLATE_NONE,
	SX_ISOLATE_PROCESS,
	SX_ISOLATE_PROGRAM,
	SX_ISOLATE_DESTINATION,
};

/* Whether a server is to carry datagrams. */
enum sx_server_udp {
	SX_SERVER_UDP_UNSAID,    /* as [defaults] say */
	SX_SERVER_UDP_ASSOCIATE, /* SOCKS5, and so all before it */
	SX_SERVER_UDP_BLOCK,     /* it is passed over for them */
};

/* Of a chain that carries datagrams, at most: they have a header for each. */
#define SX_UDP_SERVERS 4

/* A proxy server as it was written. */
struct sx_server_conf {
	char *name; /* of its section, or its URL without credentials */
	enum sx_proto proto;
	struct sx_ip ip; /* family 0: host is a name, or unix_path */
	char *host;      /* as normalised; numeric text for an address */
	uint16_t port;
	/* NULL: TCP. Else the absolute path of its unix socket, 2 to 107
	 * bytes; host is the same text, ip.family and port are 0, via is -1 */
	char *unix_path;
	struct sx_user_conf *users;
	unsigned n_users; /* 0: none; always 0 with isolate */
	enum sx_choose_user choose_user;
	enum sx_auth auth; /* REQUIRED: SOCKS5, with users or isolate */
	enum sx_pipeline pipeline;
	enum sx_isolate isolate; /* never for SOCKS4 */
	enum sx_server_udp udp;
	/* The server that this one is reached through: an index into
	 * sx_conf.servers, never in a circle; -1: it is reached directly */
	int via;
};

#define SX_POOL_SERVERS_MAX 64

/* Where the tries of a connection begin; they go on in the order of the pool.
 */
enum sx_choose {
	SX_CHOOSE_FAILOVER,    /* with the first */
	SX_CHOOSE_ROUND_ROBIN, /* one further than the connection before */
	SX_CHOOSE_RANDOM,
	SX_CHOOSE_HASH,    /* the same destination, the same server */
	SX_CHOOSE_LATCHED, /* with the last one that worked */
};

/* Servers to try, in this order. */
struct sx_pool_conf {
	char *name;         /* "default" for the unnamed one */
	unsigned *servers;  /* indices into sx_conf.servers */
	unsigned n_servers; /* 1 to SX_POOL_SERVERS_MAX */
	enum sx_choose choose;
	bool retry_on_refusal; /* a refused destination: the next server */
};

/* What becomes of a connection when all servers of its pool are down. */
enum sx_all_down {
	SX_ALL_DOWN_TRY, /* they are tried, the least recently failed first */
	SX_ALL_DOWN_FAIL,
};

/* Datagrams to destinations of a pool. */
enum sx_udp {
	SX_UDP_ASSOCIATE, /* by its servers, where they can */
	SX_UDP_BLOCK,
	SX_UDP_DIRECT, /* around the proxy */
};

/* What a program asks a nameserver by itself. */
enum sx_dns {
	/* UDP, and TCP to loopback and private addresses, is answered from
	 * the fake-DNS table; other TCP is a connection like any other */
	SX_DNS_AUTO,
	SX_DNS_TABLE, /* all is answered from the table */
	SX_DNS_CARRY, /* only what goes to the loopback is */
};

/* Connections from outside to the program. */
enum sx_inbound {
	SX_INBOUND_ANY,
	SX_INBOUND_LOCAL, /* from this machine alone */
	SX_INBOUND_NONE,
};

enum sx_action {
	SX_ACTION_DIRECT,
	SX_ACTION_BLOCK,
	SX_ACTION_PROXY, /* rule.pool says which */
};

/* One condition and what follows from it; first match wins. */
struct sx_rule_conf {
	enum sx_action action;
	unsigned pool; /* index into sx_conf.pools, for PROXY */
	enum sx_match {
		SX_MATCH_ANY,   /* "*", ":25" */
		SX_MATCH_CIDR,  /* a prefix; no name matches it, but /0 of a
				   block rule means every destination */
		SX_MATCH_NAME,  /* "example.org": it and its subdomains */
		SX_MATCH_BELOW, /* "*.example.org": its subdomains only */
		SX_MATCH_EXACT, /* the name alone; built-in rules only */
	} match;
	enum sx_match_transport {
		SX_MATCH_BOTH,
		SX_MATCH_TCP,
		SX_MATCH_UDP, /* everything but TCP */
	} transport;
	struct sx_cidr cidr;
	char *domain; /* as normalised, without "*." */
	struct sx_ports ports;
	char *where; /* "path:12", or "NO_PROXY" or "no_proxy" as it
			was found, for people */
};

struct sx_conf {
	/* Times in milliseconds, > 0 but for backoff_ms */
	unsigned connect_timeout_ms;   /* to reach one server: 10 s */
	unsigned handshake_timeout_ms; /* greeting and credentials: 10 s */
	unsigned reply_timeout_ms;     /* the answer to the request: 135 s */
	unsigned deadline_ms;          /* the whole connect(): 150 s */
	unsigned retry_after_ms; /* a server that is down is left alone: 30 s */
	unsigned backoff_ms;     /* before another round: 100 ms; 0: no wait */

	/* of one connection; 0: as many as the pool has servers, at least 4 */
	unsigned attempts;
	unsigned attempts_per_server;   /* in a row, >= 1: 1 */
	unsigned fail_threshold;        /* failures until it is down: 1 */
	enum sx_all_down when_all_down; /* try */

	enum sx_udp udp;         /* associate */
	enum sx_dns dns;         /* auto */
	enum sx_inbound inbound; /* any */
	/* The loopback is no exception, nothing unusual passes. */
	bool strict;
	/* For Tor: strict; inbound is local and isolate is program where they
	 * would be any and none; without a server it is 127.0.0.1:9050. */
	bool tor;

	/* For servers that do not say; theirs are filled in already. */
	enum sx_pipeline pipeline; /* auto */
	enum sx_auth auth;         /* optional */
	enum sx_isolate isolate;   /* none; only for servers without users */

	struct sx_server_conf *servers;
	unsigned n_servers;
	/* the first one is the default pool: [pool default], else the first
	 * [pool], else all servers that no other is reached through; a server
	 * that a rule names is a pool of one, behind these */
	struct sx_pool_conf *pools;
	unsigned n_pools;
	struct sx_rule_conf *rules; /* in order of precedence */
	unsigned n_rules;

	enum sx_log_level log_level; /* warn */
	char *log_file;              /* NULL: standard error */
	char *path; /* of the main file, absolute; NULL: none */

	/* What is known to go around the proxy runs all the same: no */
	bool allow_leaks;
	/* Programs, by the name of their file, that run without socksify */
	char **direct_apps;
	unsigned n_direct_apps;

	bool is_by_all_proxy; /* $ALL_PROXY or $all_proxy names the server */
};

/* Where the parts come from. All may be NULL. Tests give their own. */
struct sx_conf_source {
	const char *path;    /* as -f says; relative to the working folder */
	const char *program; /* whose apps/ file is laid over it: a name */
	const char *(*getenv)(const char *name); /* NULL: libc's */
	bool no_files; /* the caller knows that there are none */
};

/*
 * A variable that has a second name with SOCKSIFY_ in front, by that name:
 * "SOCKSIFY_HOME" is $SOCKSIFY_HOME if there is one, else $HOME. NULL when it
 * is not set or empty.
 */
const char *sx_conf_place(
	const char *(*get)(const char *name), const char *name);

/*
 * False when the environment alone decides: no file is named and no folder is
 * there that could hold one. Allocates nothing and opens nothing.
 */
bool sx_conf_may_have_files(const struct sx_conf_source *source);

/*
 * Loads into *out, which sx_conf_fini() frees, also after a failure. 0, or
 * -EINVAL when diags holds at least one error or memory was out: then nothing
 * of *out may be used. All errors are reported, not only the first: those of
 * the main file, the apps file, the environment. Warnings (a password in
 * a file that others can read) leave it usable. diags must be initialised
 * (zeroed) by the caller. Not [signal-safe]: it allocates and reads files.
 */
int sx_conf_load(struct sx_conf *out, const struct sx_conf_source *source,
	struct sx_diags *diags);

/* Wipes passwords and frees all; twice is harmless. */
void sx_conf_fini(struct sx_conf *conf);

/* Whether servers[i] may be asked to carry datagrams: it and all before it
 * speak SOCKS5, none has udp = block, and they are not too many. Whether they
 * can is only known when they are asked. */
bool sx_conf_may_carry_udp(const struct sx_conf *conf, unsigned i);

/*
 * The URL of a server: SCHEME://[USER[:PASSWORD]@]HOST[:PORT] with scheme
 * socks5, socks5h, socks4, socks4a or http (names always go to the server:
 * socks5 and socks5h are the same), percent-encoding in user and password,
 * IPv6 in brackets, port 1080 if none, 8080 for http. For SOCKS also
 * unix:/PATH, percent-encoded, in the place of host and port. out->name
 * becomes the URL without credentials, out->via -1, and what a URL does not
 * say 0; sx_server_conf_fini() frees out. 0; -EINVAL, or -ENOMEM, with a
 * static text in *why that says what was expected and repeats no part of the
 * URL. On failure out is untouched.
 */
int sx_url_parse(const char *url, struct sx_server_conf *out, const char **why);

/* Wipes passwords and frees all; twice is harmless. */
void sx_server_conf_fini(struct sx_server_conf *server);

#endif

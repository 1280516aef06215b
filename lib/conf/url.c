#include "conf/conf.h"
#include "conf/text.h"
#include "conf/users.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SCHEMES      "socks5://, socks5h://, socks4://, socks4a:// or http://"
#define URL_FORM     "SCHEME://[USER[:PASSWORD]@]HOST[:PORT]"
#define DEFAULT_PORT 1080
#define HTTP_PORT    8080

/* A unix socket's path fits in struct sockaddr_un with a NUL behind it. */
#define UNIX_PREFIX "unix:"
#define UNIX_MAX    107

/* Every byte of user and password as %XX, and the longest host, fit in. */
#define URL_MAX 2048

struct url {
	char text[URL_MAX]; /* the parts are cut out of it */
	const char *scheme;
	enum sx_proto proto;
	bool has_user, has_password;
	char user[SX_CREDENTIAL_MAX + 1];
	char password[SX_CREDENTIAL_MAX + 1];
	struct sx_ip ip;
	char host[SX_NAME_MAX + 1];
	unsigned port;
	char path[SX_CREDENTIAL_MAX + 1]; /* of a unix socket; "": none */
};

/* The steps below return NULL, or what was expected. They never quote the
 * URL: where it is broken, no part of it is known to be no password. */

static const char *parse_scheme(struct url *u, char **rest)
{
	static const struct {
		const char *name;
		enum sx_proto proto;
	} schemes[] = {
		{"socks5", SX_PROTO_SOCKS5},
		{"socks5h", SX_PROTO_SOCKS5},
		{"socks4", SX_PROTO_SOCKS4},
		{"socks4a", SX_PROTO_SOCKS4A},
		{"http", SX_PROTO_HTTP},
	};
	char *end = strstr(u->text, "://");

	if (!end)
		return "no scheme, expected " SCHEMES " before the host";
	*end = '\0';
	*rest = end + 3;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strcasecmp(u->text, schemes[i].name) == 0) {
			u->scheme = schemes[i].name;
			u->proto = schemes[i].proto;
			if (u->proto == SX_PROTO_HTTP)
				u->port = HTTP_PORT;
			return NULL;
		}
	}
	if (!strcasecmp(u->text, "https"))
		return "TLS to the proxy is not supported, expected " SCHEMES;
	return "unknown scheme, expected " SCHEMES;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of percent-encoded text (RFC 3986 section 2.1); -1: malformed. */
static int decode_byte(const char **p)
{
	const char *s = *p;

	if (s[0] != '%') {
		*p = s + 1;
		return (unsigned char)s[0];
	}
	int hi = hex_digit(s[1]), lo = hi < 0 ? -1 : hex_digit(s[2]);
	if (lo < 0)
		return -1;
	*p = s + 3;
	return hi * 16 + lo;
}

static const char *decode(const char *s, char out[SX_CREDENTIAL_MAX + 1])
{
	size_t n = 0;

	while (*s) {
		int byte = decode_byte(&s);
		if (byte < 0)
			return "expected two hexadecimal digits behind each "
			       "% of user and password";
		if (byte == 0)
			return "%00 in user or password, expected no NUL byte";
		if (n == SX_CREDENTIAL_MAX)
			return "expected user and password of at most 255 "
			       "bytes each";
		out[n++] = (char)byte;
	}
	out[n] = '\0';
	return NULL;
}

static bool is_unix_path(const char *host)
{
	return strncasecmp(host, UNIX_PREFIX "/", strlen(UNIX_PREFIX "/")) == 0;
}

/* "unix:/run/a@b" may be a path, or the user "unix" of the host "b". */
static bool is_ambiguous(const char *userinfo)
{
	for (const char *at = userinfo; at; at = strchr(at, '@')) {
		at += *at == '@';
		if (is_unix_path(at))
			return true;
	}
	return false;
}

/* The last "@" ends it: user names with one in them are common. */
static const char *parse_userinfo(struct url *u, char **rest)
{
	char *at = strrchr(*rest, '@'), *user = *rest, *colon;
	const char *why;

	if (!at)
		return NULL;
	*at = '\0';
	*rest = at + 1;
	if (is_ambiguous(user))
		return "an @ behind unix:/, expected %40 for it, or %2F for "
		       "the / of a password";
	u->has_user = true;
	colon = strchr(user, ':');
	if (colon) {
		*colon = '\0';
		u->has_password = true;
		why = decode(colon + 1, u->password);
		if (why)
			return why;
		if (!sx_users_have_passwords(u->proto))
			return "SOCKS4 has no password, expected USER@ alone";
	}
	why = decode(user, u->user);
	if (why)
		return why;
	if (u->proto == SX_PROTO_HTTP && strchr(u->user, ':'))
		return "a colon in the user, expected none for http://";
	return u->user[0] ? NULL : "empty user, expected " URL_FORM;
}

static const char *parse_port(struct url *u, const char *text)
{
	struct sx_ports ports;

	if (strchr(text, '-') || sx_ports_parse(text, &ports) || !ports.lo)
		return "expected a port from 1 to 65535 behind the host";
	u->port = ports.lo;
	return NULL;
}

static const char *parse_v6(struct url *u, char *text)
{
	char *end = strchr(text, ']');

	if (!end || (end[1] && end[1] != ':'))
		return "expected [IPV6] or [IPV6]:PORT";
	if (end[1] && parse_port(u, end + 2))
		return parse_port(u, end + 2);
	end[1] = '\0';
	if (sx_ip_parse(text, &u->ip))
		return "expected an IPv6 address in the brackets";
	return NULL;
}

static const char *parse_name(struct url *u, const char *text)
{
	if (!text[0])
		return "no host, expected " URL_FORM;
	if (strchr(text, '/'))
		return "expected nothing behind HOST:PORT but a /";
	if (sx_ip_parse(text, &u->ip) == 0)
		return NULL;
	int r = sx_host_parse(text, u->host);
	if (r == -ERANGE)
		return "the host ends in a number but is no IPv4 address, "
		       "expected A.B.C.D or a name";
	return r ? "expected an address or a name of letters, digits, "
		   "hyphens and dots as the host"
		 : NULL;
}

static bool has_control(const char *text)
{
	while (*text && (unsigned char)*text >= ' ' && *text != 0x7f)
		text++;
	return *text != '\0';
}

static const char *parse_unix(struct url *u, const char *path)
{
	if (u->proto == SX_PROTO_HTTP)
		return "a unix socket behind http://, expected HOST[:PORT]";
	if (path[0] != '/' || decode(path, u->path) || has_control(u->path) ||
		strlen(u->path) > UNIX_MAX ||
		u->path[strlen(u->path) - 1] == '/')
		return "expected unix:/PATH, an absolute path of at most 107 "
		       "bytes, without control characters";
	u->port = 0;
	memcpy(u->host, u->path, strlen(u->path) + 1);
	return NULL;
}

static const char *parse_host(struct url *u, char *text)
{
	size_t n = strlen(text), n_unix = strlen(UNIX_PREFIX);
	char *colon;

	if (strncasecmp(text, UNIX_PREFIX, n_unix) == 0 &&
		(text[n_unix] < '0' || text[n_unix] > '9'))
		return parse_unix(u, text + n_unix);
	if (n && text[n - 1] == '/')
		text[n - 1] = '\0';
	if (text[0] == '[')
		return parse_v6(u, text);
	colon = strchr(text, ':');
	if (colon && strchr(colon + 1, ':'))
		return "more than one colon in HOST:PORT, expected an IPv6 "
		       "address in brackets";
	if (colon && parse_port(u, colon + 1))
		return parse_port(u, colon + 1);
	if (colon)
		*colon = '\0';
	return parse_name(u, text);
}

static const char *parse(struct url *u, const char *url)
{
	char *rest = NULL;
	const char *why;
	size_t n = strlen(url);

	if (n >= sizeof(u->text))
		return "expected a URL of less than 2048 bytes";
	memcpy(u->text, url, n + 1);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)url[i] <= ' ' || url[i] == 0x7f)
			return "expected no white space or control "
			       "character; it can be written as %XX";
	}
	why = parse_scheme(u, &rest);
	if (!why)
		why = parse_userinfo(u, &rest);
	if (!why)
		why = parse_host(u, rest);
	if (!why && u->ip.family)
		sx_ip_format(&u->ip, u->host, sizeof(u->host));
	return why;
}

/* NULL when memory is out. */
static char *format_name(const struct url *u)
{
	bool v6 = u->ip.family == AF_INET6;
	char *name;
	int r;

	if (u->path[0])
		r = asprintf(
			&name, "%s://" UNIX_PREFIX "%s", u->scheme, u->path);
	else
		r = asprintf(&name, "%s://%s%s%s:%u", u->scheme, v6 ? "[" : "",
			u->host, v6 ? "]" : "", u->port);
	return r < 0 ? NULL : name;
}

static int fill_user(struct sx_server_conf *server, const struct url *u)
{
	struct sx_users users = {0};
	char *password = u->has_password ? strdup(u->password) : NULL;

	if (u->has_password && !password)
		return -ENOMEM;
	int r = sx_users_add(&users, strdup(u->user), password);
	server->users = users.items;
	server->n_users = users.n;
	return r;
}

static int fill(struct sx_server_conf *server, const struct url *u)
{
	server->proto = u->proto;
	server->ip = u->ip;
	server->port = (uint16_t)u->port;
	server->via = -1;
	server->name = format_name(u);
	server->host = strdup(u->host);
	if (u->path[0])
		server->unix_path = strdup(u->path);
	if (!server->name || !server->host || !server->unix_path != !u->path[0])
		return -ENOMEM;
	return u->has_user ? fill_user(server, u) : 0;
}

int sx_url_parse(const char *url, struct sx_server_conf *out, const char **why)
{
	struct sx_server_conf server = {0};
	struct url u = {.port = DEFAULT_PORT};
	int r = 0;

	*why = parse(&u, url);
	if (*why) {
		r = -EINVAL;
	} else if (fill(&server, &u)) {
		sx_server_conf_fini(&server);
		*why = "out of memory";
		r = -ENOMEM;
	} else {
		*out = server;
	}
	explicit_bzero(&u, sizeof(u));
	return r;
}

void sx_server_conf_fini(struct sx_server_conf *server)
{
	struct sx_users users = {server->users, server->n_users};

	free(server->name);
	free(server->host);
	free(server->unix_path);
	sx_users_fini(&users);
	memset(server, 0, sizeof(*server));
}

/* URLs of servers. */
#include "test_conf_fixture.h"

#include <errno.h>

#define U255                                                                   \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define P106                                                                   \
	"ppppppppppppppppppppppppppppppppppppppppppppppppppppp"                \
	"ppppppppppppppppppppppppppppppppppppppppppppppppppppp"

static const struct {
	const char *url;
	enum sx_proto proto;
	sa_family_t family;
	const char *host;
	unsigned port;
	const char *user, *password, *name;
} good[] = {
	{"socks5://127.0.0.1:9050", SX_PROTO_SOCKS5, AF_INET, "127.0.0.1", 9050,
		NULL, NULL, "socks5://127.0.0.1:9050"},
	{"socks5h://Proxy.Example.ORG.", SX_PROTO_SOCKS5, 0,
		"proxy.example.org", 1080, NULL, NULL,
		"socks5h://proxy.example.org:1080"},
	{"SOCKS4://h:1", SX_PROTO_SOCKS4, 0, "h", 1, NULL, NULL,
		"socks4://h:1"},
	{"Socks4A://bob@h:65535/", SX_PROTO_SOCKS4A, 0, "h", 65535, "bob", NULL,
		"socks4a://h:65535"},
	{"socks5://[2001:DB8::1]:81", SX_PROTO_SOCKS5, AF_INET6, "2001:db8::1",
		81, NULL, NULL, "socks5://[2001:db8::1]:81"},
	{"socks5://[::1]", SX_PROTO_SOCKS5, AF_INET6, "::1", 1080, NULL, NULL,
		"socks5://[::1]:1080"},
	{"socks5://[::ffff:192.0.2.1]/", SX_PROTO_SOCKS5, AF_INET, "192.0.2.1",
		1080, NULL, NULL, "socks5://192.0.2.1:1080"},
	{"socks5://a:b@h", SX_PROTO_SOCKS5, 0, "h", 1080, "a", "b",
		"socks5://h:1080"},
	{"socks5://a:@h", SX_PROTO_SOCKS5, 0, "h", 1080, "a", "",
		"socks5://h:1080"},
	{"socks5://a@b.org:c:d@e@h:2", SX_PROTO_SOCKS5, 0, "h", 2, "a@b.org",
		"c:d@e", "socks5://h:2"},
	{"socks5://%41%3a:%2F%40%c3%A4@h", SX_PROTO_SOCKS5, 0, "h", 1080,
		"A:", "/@\xc3\xa4", "socks5://h:1080"},
	{"socks5://" U255 ":" U255 "@h", SX_PROTO_SOCKS5, 0, "h", 1080, U255,
		U255, "socks5://h:1080"},
	{"socks5://my_host-1.x2", SX_PROTO_SOCKS5, 0, "my_host-1.x2", 1080,
		NULL, NULL, "socks5://my_host-1.x2:1080"},
	{"http://h", SX_PROTO_HTTP, 0, "h", 8080, NULL, NULL, "http://h:8080"},
	{"HTTP://a:b:%3a@[2001:db8::1]:3128/", SX_PROTO_HTTP, AF_INET6,
		"2001:db8::1", 3128, "a", "b::", "http://[2001:db8::1]:3128"},
	{"socks5://unix:/run/tor/socks", SX_PROTO_SOCKS5, 0, "/run/tor/socks",
		0, NULL, NULL, "socks5://unix:/run/tor/socks"},
	{"Socks5h://a:b@UNIX:/r%40n/%20%25?:1", SX_PROTO_SOCKS5, 0,
		"/r@n/ %?:1", 0, "a", "b", "socks5h://unix:/r@n/ %?:1"},
	{"socks4://a@unix:/x", SX_PROTO_SOCKS4, 0, "/x", 0, "a", NULL,
		"socks4://unix:/x"},
	{"socks4a://unix:/" P106, SX_PROTO_SOCKS4A, 0, "/" P106, 0, NULL, NULL,
		"socks4a://unix:/" P106},
	{"socks5://unix:%2fx@h", SX_PROTO_SOCKS5, 0, "h", 1080, "unix", "/x",
		"socks5://h:1080"},
	{"socks5://unix:x@h", SX_PROTO_SOCKS5, 0, "h", 1080, "unix", "x",
		"socks5://h:1080"},
	{"socks5://unix", SX_PROTO_SOCKS5, 0, "unix", 1080, NULL, NULL,
		"socks5://unix:1080"},
	{"socks5://unix:1080", SX_PROTO_SOCKS5, 0, "unix", 1080, NULL, NULL,
		"socks5://unix:1080"},
};

static void assert_text(const char *have, const char *want)
{
	if (want)
		ck_assert_str_eq(have, want);
	else
		ck_assert_ptr_null(have);
}

START_TEST(urls_become_servers)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct sx_server_conf s;
		const char *why;
		int r = sx_url_parse(good[i].url, &s, &why);

		ck_assert_msg(r == 0, "%s: %s", good[i].url, why);
		ck_assert_int_eq(s.proto, good[i].proto);
		ck_assert_int_eq(s.ip.family, good[i].family);
		ck_assert_str_eq(s.host, good[i].host);
		ck_assert_uint_eq(s.port, good[i].port);
		assert_text(fix_user(&s), good[i].user);
		assert_text(fix_password(&s), good[i].password);
		ck_assert_str_eq(s.name, good[i].name);
		ck_assert_uint_eq(s.n_users, good[i].user ? 1 : 0);
		assert_text(s.unix_path, s.host[0] == '/' ? s.host : NULL);
		ck_assert_int_eq(s.via, -1);
		sx_server_conf_fini(&s);
		sx_server_conf_fini(&s);
		ck_assert_ptr_null(s.users);
	}
}
END_TEST

#define SCHEMES "socks5://, socks5h://, socks4://, socks4a:// or http://"
#define PORT    "expected a port from 1 to 65535 behind the host"
#define NO_HOST "no host, expected SCHEME://[USER[:PASSWORD]@]HOST[:PORT]"
#define NUMERIC                                                                \
	"the host ends in a number but is no IPv4 address, expected A.B.C.D "  \
	"or a name"
#define HOST                                                                   \
	"expected an address or a name of letters, digits, hyphens and dots "  \
	"as the host"
#define PERCENT                                                                \
	"expected two hexadecimal digits behind each % of user and password"
#define LENGTH "expected user and password of at most 255 bytes each"

#define UNIX                                                                   \
	"expected unix:/PATH, an absolute path of at most 107 bytes, without " \
	"control characters"
#define AT                                                                     \
	"an @ behind unix:/, expected %40 for it, or %2F for the / of a "      \
	"password"

static const struct {
	const char *url, *why;
} bad[] = {
	{"", "no scheme, expected " SCHEMES " before the host"},
	{"h:1080", "no scheme, expected " SCHEMES " before the host"},
	{"socks5:h", "no scheme, expected " SCHEMES " before the host"},
	{"socks://h", "unknown scheme, expected " SCHEMES},
	{"://h", "unknown scheme, expected " SCHEMES},
	{"HTTPS://h", "TLS to the proxy is not supported, expected " SCHEMES},
	{"http://a%3ab:c@h", "a colon in the user, expected none for http://"},
	{"http://unix:/run/proxy",
		"a unix socket behind http://, expected HOST[:PORT]"},
	{"socks5://unix:run/x", UNIX},
	{"socks5://unix:", UNIX},
	{"socks5://unix:/", UNIX},
	{"socks5://unix:/run/x/", UNIX},
	{"socks5://unix:/run/%", UNIX},
	{"socks5://unix:/run/%00x", UNIX},
	{"socks5://unix:/run/%0ax", UNIX},
	{"socks5://unix:/run/%7f", UNIX},
	{"socks5://unix:/" P106 "a", UNIX},
	{"socks5://unix:/" U255, UNIX},
	{"socks5://unix:/run/a@b", AT},
	{"socks5://Unix:/run/a@b@c", AT},
	{"socks5://a:b@unix:/run/a@b", AT},
	{"socks5://a@b:c@unix:/p@h", AT},
	{"socks5://", NO_HOST},
	{"socks5:///", NO_HOST},
	{"socks5://:1080", NO_HOST},
	{"socks5://a:b@", NO_HOST},
	{"socks5://h:", PORT},
	{"socks5://h:0", PORT},
	{"socks5://h:65536", PORT},
	{"socks5://h:1-2", PORT},
	{"socks5://h:+1", PORT},
	{"socks5://h:1x", PORT},
	{"socks5://h:1/x", PORT},
	{"socks5://[::1]:0", PORT},
	{"socks5://[::1]:", PORT},
	{"socks5://h/x", "expected nothing behind HOST:PORT but a /"},
	{"socks5://h//", "expected nothing behind HOST:PORT but a /"},
	{"socks5://[::1", "expected [IPV6] or [IPV6]:PORT"},
	{"socks5://[::1]1", "expected [IPV6] or [IPV6]:PORT"},
	{"socks5://[::1%eth0]", "expected an IPv6 address in the brackets"},
	{"socks5://[h]", "expected an IPv6 address in the brackets"},
	{"socks5://[]", "expected an IPv6 address in the brackets"},
	{"socks5://2001:db8::1", "more than one colon in HOST:PORT, expected "
				 "an IPv6 address in brackets"},
	{"socks5://1.2.3", NUMERIC},
	{"socks5://1.2.3.4.5", NUMERIC},
	{"socks5://256.0.0.1", NUMERIC},
	{"socks5://0x7f000001", NUMERIC},
	{"socks5://a.0X1", NUMERIC},
	{"socks5://a..b", HOST},
	{"socks5://a*b", HOST},
	{"socks5://h?x", HOST},
	{"socks5://\xc3\xa4", HOST},
	{"socks5://a b@h", "expected no white space or control character; it "
			   "can be written as %XX"},
	{"socks5://h\n", "expected no white space or control character; it "
			 "can be written as %XX"},
	{"socks5://@h", "empty user, expected "
			"SCHEME://[USER[:PASSWORD]@]HOST[:PORT]"},
	{"socks5://:b@h", "empty user, expected "
			  "SCHEME://[USER[:PASSWORD]@]HOST[:PORT]"},
	{"socks5://a%@h", PERCENT},
	{"socks5://a%4@h", PERCENT},
	{"socks5://a:%4g@h", PERCENT},
	{"socks5://a:%g4@h", PERCENT},
	{"socks5://a:b%00@h", "%00 in user or password, expected no NUL byte"},
	{"socks5://a" U255 "@h", LENGTH},
	{"socks5://a:b" U255 "@h", LENGTH},
	{"socks4://a:b@h", "SOCKS4 has no password, expected USER@ alone"},
	{"socks4a://a:@h", "SOCKS4 has no password, expected USER@ alone"},
	{"socks5://" U255 U255 U255 U255 U255 U255 U255 U255 U255 "@h",
		"expected a URL of less than 2048 bytes"},
};

START_TEST(what_is_wrong_with_a_url_is_said)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sx_server_conf s = {.port = 7};
		const char *why = NULL;

		ck_assert_int_eq(sx_url_parse(bad[i].url, &s, &why), -EINVAL);
		ck_assert_msg(strcmp(why, bad[i].why) == 0, "%s: %s",
			bad[i].url, why);
		ck_assert_uint_eq(s.port, 7);
		ck_assert_ptr_null(s.name);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		urls_become_servers,
		what_is_wrong_with_a_url_is_said,
	};
	Suite *suite = suite_create("conf_url");

	fix_add_tests(suite, "url", tests, sizeof(tests) / sizeof(tests[0]));
	return sx_unit_main(suite);
}

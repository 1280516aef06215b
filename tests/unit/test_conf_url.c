/* URLs of servers. */
#include "test_conf_fixture.h"

#include <errno.h>

#define U255                                                                   \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

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
		assert_text(s.user, good[i].user);
		assert_text(s.password, good[i].password);
		ck_assert_str_eq(s.name, good[i].name);
		sx_server_conf_fini(&s);
		sx_server_conf_fini(&s);
		ck_assert_ptr_null(s.password);
	}
}
END_TEST

#define SCHEMES "socks5://, socks5h://, socks4:// or socks4a://"
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

static const struct {
	const char *url, *why;
} bad[] = {
	{"", "no scheme, expected " SCHEMES " before the host"},
	{"h:1080", "no scheme, expected " SCHEMES " before the host"},
	{"socks5:h", "no scheme, expected " SCHEMES " before the host"},
	{"socks://h", "unknown scheme, expected " SCHEMES},
	{"://h", "unknown scheme, expected " SCHEMES},
	{"http://h:8080",
		"HTTP proxies are not supported yet, expected " SCHEMES},
	{"HTTPS://h", "HTTP proxies are not supported yet, expected " SCHEMES},
	{"socks5://unix:/run/tor/socks",
		"unix sockets are not supported yet, expected HOST:PORT"},
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

/*
 * Names that are answered without a name server, and the hosts file.
 */
#include "core/names.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sx_conf conf;
static struct sx_rule_conf direct_rule;
static struct sx_rules *rules;
static struct sx_fakedns *table;

static void setup(void)
{
	direct_rule = (struct sx_rule_conf){.action = SX_ACTION_DIRECT,
		.match = SX_MATCH_NAME,
		.domain = (char *)"corp.example",
		.ports = SX_PORTS_ALL};
	conf = (struct sx_conf){.rules = &direct_rule, .n_rules = 1};
	ck_assert_int_eq(sx_rules_new(&rules, &conf), 0);
	ck_assert_int_eq(
		sx_fakedns_new(&table, &sx_sys_libc, SX_FAKEDNS_MAX), 0);
}

static void teardown(void)
{
	sx_rules_free(rules);
	sx_fakedns_free(table);
}

static struct sx_lookup found;

static int look_up(const char *host, int family)
{
	return sx_names_lookup(rules, table, host, family, &found);
}

static const char *nth(unsigned i)
{
	static char text[INET6_ADDRSTRLEN];

	ck_assert_uint_lt(i, found.host.n_ips);
	return sx_ip_format(&found.host.ips[i], text, sizeof(text));
}

START_TEST(a_name_gets_an_address_of_the_table)
{
	ck_assert_int_eq(look_up("WWW.Example.ORG.", AF_UNSPEC), 0);
	ck_assert_int_eq(found.kind, SX_LOOKUP_FAKE);
	ck_assert_str_eq(found.host.canon, "www.example.org");
	ck_assert_uint_eq(found.host.n_ips, 1);
	ck_assert_int_eq(found.host.ips[0].family, AF_INET);
	ck_assert(sx_fakedns_contains(&found.host.ips[0]));
	ck_assert_int_eq(look_up("www.example.org", AF_INET6), 0);
	ck_assert_int_eq(found.host.ips[0].family, AF_INET6);
	ck_assert(sx_fakedns_contains(&found.host.ips[0]));
}
END_TEST

START_TEST(all_forms_of_an_address_are_numeric)
{
	static const char *const cases[][2] = {{"192.0.2.1", "192.0.2.1"},
		{"127.1", "127.0.0.1"}, {"0x7f.1", "127.0.0.1"},
		{"2130706433", "127.0.0.1"}, {"::1", "::1"},
		{"::ffff:192.0.2.1", "192.0.2.1"}, {"fe80::1%lo", "fe80::1"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_int_eq(look_up(cases[i][0], AF_UNSPEC), 0);
		ck_assert_int_eq(found.kind, SX_LOOKUP_NUMERIC);
		ck_assert_str_eq(nth(0), cases[i][1]);
	}
}
END_TEST

START_TEST(what_cannot_be_a_name_is_not_found)
{
	char label[65], name[300];

	memset(label, 'a', 64);
	label[64] = '\0';
	memset(name, 0, sizeof(name));
	for (int i = 0; i < 127; i++)
		strcat(name, "a.");
	ck_assert_int_eq(look_up("", AF_UNSPEC), -ENOENT);
	ck_assert_int_eq(look_up(".", AF_UNSPEC), -ENOENT);
	ck_assert_int_eq(look_up("a..b", AF_UNSPEC), -ENOENT);
	ck_assert_int_eq(look_up("a b", AF_UNSPEC), -ENOENT);
	ck_assert_int_eq(look_up("[::1]", AF_UNSPEC), -ENOENT);
	ck_assert_int_eq(look_up("m\xc3\xbcller.example", AF_UNSPEC), -ENOENT);
	ck_assert_int_eq(look_up(label, AF_UNSPEC), -ENOENT);
	ck_assert_int_eq(look_up(name, AF_UNSPEC), 0); /* 253 and a dot */
	strcat(name, "bc");
	ck_assert_int_eq(look_up(name, AF_UNSPEC), -ENOENT);
}
END_TEST

START_TEST(localhost_and_what_is_below_stay_here)
{
	ck_assert_int_eq(look_up("a.localhost", AF_UNSPEC), 0);
	ck_assert_int_eq(found.kind, SX_LOOKUP_LOCAL);
	ck_assert_str_eq(nth(0), "::1");
	ck_assert_str_eq(nth(1), "127.0.0.1");
	ck_assert_int_eq(look_up("LOCALHOST", AF_INET), 0);
	ck_assert_int_eq(found.kind, SX_LOOKUP_LOCAL);
	ck_assert_str_eq(nth(0), "127.0.0.1");
	ck_assert_int_eq(look_up("notlocalhost", AF_INET), 0);
	ck_assert_int_eq(found.kind, SX_LOOKUP_FAKE);
}
END_TEST

START_TEST(a_direct_name_is_libcs)
{
	ck_assert_int_eq(look_up("git.corp.example", AF_UNSPEC), 0);
	ck_assert_int_eq(found.kind, SX_LOOKUP_DIRECT);
}
END_TEST

START_TEST(addresses_give_their_names_back_and_others_none)
{
	char name[SX_NAME_MAX + 1];
	struct sx_ip ip;

	look_up("www.example.org", AF_INET);
	ip = found.host.ips[0];
	ck_assert_int_eq(sx_names_reverse(rules, table, &ip, name), 0);
	ck_assert_str_eq(name, "www.example.org");
	ip.bytes[2] ^= 1;
	ck_assert_int_eq(sx_names_reverse(rules, table, &ip, name), -ENOENT);
	sx_ip_parse("203.0.113.9", &ip);
	ck_assert_int_eq(sx_names_reverse(rules, table, &ip, name), -ENOENT);
	sx_ip_parse("127.3.4.5", &ip);
	ck_assert_int_eq(sx_names_reverse(rules, table, &ip, name), -ENOENT);
}
END_TEST

/* Hosts files of our own. */
static char hosts_path[64];

static void write_hosts(const char *text)
{
	snprintf(hosts_path, sizeof(hosts_path), "%s/hosts-XXXXXX",
		sx_unit_scratch());
	int fd = mkstemp(hosts_path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

static void remove_hosts(void)
{
	unlink(hosts_path);
}

START_TEST(a_hosts_file_gives_all_addresses_of_a_name)
{
	struct sx_host host;
	char text[INET6_ADDRSTRLEN];

	write_hosts("# comment\n\n192.0.2.1\tone.example One  # first\n"
		    "2001:db8::1 other.example one\r\n"
		    "bad line one\n192.0.2.1 one\n192.0.2.2 one");
	ck_assert_int_eq(sx_hosts_by_name(hosts_path, "one", &host), 0);
	remove_hosts();
	ck_assert_str_eq(host.canon, "one.example");
	ck_assert_uint_eq(host.n_ips, 3);
	sx_ip_format(&host.ips[1], text, sizeof(text));
	ck_assert_str_eq(text, "2001:db8::1");
	sx_ip_format(&host.ips[2], text, sizeof(text));
	ck_assert_str_eq(text, "192.0.2.2");
}
END_TEST

START_TEST(a_name_that_the_hosts_file_lacks_is_not_found)
{
	struct sx_host host;

	write_hosts("192.0.2.1 one #two\n");
	ck_assert_int_eq(sx_hosts_by_name(hosts_path, "two", &host), -ENOENT);
	ck_assert_int_eq(sx_hosts_by_name(hosts_path, "on", &host), -ENOENT);
	remove_hosts();
	ck_assert_int_eq(sx_hosts_by_name(hosts_path, "one", &host), -ENOENT);
}
END_TEST

START_TEST(more_addresses_than_fit_are_left_out)
{
	struct sx_host host;
	char text[2048] = "", line[64];

	for (unsigned i = 0; i < SX_HOSTS_MAX_IPS + 5; i++) {
		snprintf(line, sizeof(line), "192.0.2.%u many\n", i);
		strcat(text, line);
	}
	write_hosts(text);
	ck_assert_int_eq(sx_hosts_by_name(hosts_path, "many", &host), 0);
	remove_hosts();
	ck_assert_uint_eq(host.n_ips, SX_HOSTS_MAX_IPS);
}
END_TEST

START_TEST(an_address_of_the_hosts_file_has_its_first_name)
{
	char name[SX_NAME_MAX + 1];
	struct sx_ip ip;

	write_hosts("192.0.2.1 One.example one\n192.0.2.1 second\n");
	sx_ip_parse("192.0.2.1", &ip);
	ck_assert_int_eq(sx_hosts_by_ip(hosts_path, &ip, name), 0);
	ck_assert_str_eq(name, "one.example");
	sx_ip_parse("192.0.2.2", &ip);
	ck_assert_int_eq(sx_hosts_by_ip(hosts_path, &ip, name), -ENOENT);
	remove_hosts();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("names");
	TCase *t = tcase_create("names");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_name_gets_an_address_of_the_table);
	tcase_add_test(t, all_forms_of_an_address_are_numeric);
	tcase_add_test(t, what_cannot_be_a_name_is_not_found);
	tcase_add_test(t, localhost_and_what_is_below_stay_here);
	tcase_add_test(t, a_direct_name_is_libcs);
	tcase_add_test(t, addresses_give_their_names_back_and_others_none);
	tcase_add_test(t, a_hosts_file_gives_all_addresses_of_a_name);
	tcase_add_test(t, a_name_that_the_hosts_file_lacks_is_not_found);
	tcase_add_test(t, more_addresses_than_fit_are_left_out);
	tcase_add_test(t, an_address_of_the_hosts_file_has_its_first_name);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

/*
 * Which server and which user a connection takes, by the numbers of the
 * requirements: ATS-5 to ATS-17, V-2, V-4, V-5, V-23.
 */
#include "core/user.h"
#include "engine_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* ATS-10 has the later one win: here the first does, as all rules do. */
START_TEST(ats_5_ats_10_exemptions_are_prefixes_names_and_ports)
{
	start(SERVERS "[rules]\ndirect = 10.0.0.0/8, 2001:db8:1::/48\n"
		      "  corp.example, :22\na = 10.1.0.0/16\n");
	ck_assert_int_eq(action("10.0.0.0", 80), SX_ACTION_DIRECT);
	ck_assert_int_eq(action("10.255.255.255", 80), SX_ACTION_DIRECT);
	ck_assert_int_eq(action("11.0.0.0", 80), SX_ACTION_PROXY);
	ck_assert_int_eq(action("9.255.255.255", 80), SX_ACTION_PROXY);
	ck_assert_int_eq(action("2001:db8:1::5", 80), SX_ACTION_DIRECT);
	ck_assert_int_eq(action("2001:db8:2::5", 80), SX_ACTION_PROXY);
	ck_assert_int_eq(action("www.corp.example", 80), SX_ACTION_DIRECT);
	ck_assert_int_eq(action("203.0.113.9", 22), SX_ACTION_DIRECT);
	ck_assert_int_eq(action("10.1.2.3", 80), SX_ACTION_DIRECT);
}
END_TEST

START_TEST(ats_6_ats_7_the_loopback_is_direct_unless_a_rule_says_otherwise)
{
	start(SERVERS "[rules]\nproxy = 127.0.0.9\n");
	ck_assert_int_eq(action("127.0.0.1", 80), SX_ACTION_DIRECT);
	ck_assert_int_eq(action("127.255.0.1", 80), SX_ACTION_DIRECT);
	ck_assert_int_eq(action("::1", 80), SX_ACTION_DIRECT);
	ck_assert_int_eq(action("127.0.0.9", 80), SX_ACTION_PROXY);
}
END_TEST

START_TEST(ats_8_bug_14_an_engine_without_configuration_is_closed)
{
	ck_assert_int_eq(sx_engine_new_closed(&engine, &net), 0);
	ck_assert_int_eq(action("203.0.113.9", 80), SX_ACTION_BLOCK);
	ck_assert_int_eq(action("2001:db8::1", 80), SX_ACTION_BLOCK);
	ck_assert_int_eq(action("www.example.org", 80), SX_ACTION_BLOCK);
	ck_assert_int_eq(action("127.0.0.1", 80), SX_ACTION_DIRECT);
	ck_assert_int_eq(action("127.0.0.53", 53), SX_ACTION_BLOCK);
}
END_TEST

START_TEST(ats_9_ats_11_rules_choose_a_pool_and_the_default_has_the_rest)
{
	start(SERVERS "[pool p]\nservers = a\n[pool q]\nservers = b\n"
		      "[rules]\nq = 203.0.113.0/24\nc = *.onion\n");
	ck_assert_int_eq(go("203.0.113.9"), 0);
	ck_assert_int_eq(go("www.onion"), 0);
	ck_assert_int_eq(go("203.0.114.9"), 0);
	ck_assert_int_eq(go("www.example.org"), 0);
	ck_assert_str_eq(tried, "2311");
}
END_TEST

/* V-4 as well. */
START_TEST(ats_12_when_no_server_is_left_it_fails_and_nothing_goes_direct)
{
	start(POOL("failover") "when_all_down = fail\n");
	is_dead[1] = is_dead[2] = is_dead[3] = true;
	ck_assert_int_eq(go("203.0.113.9"), -ENETUNREACH);
	ck_assert_str_eq(tried, "123");
	ck_assert_int_eq(go("203.0.113.9"), -ENETUNREACH);
	ck_assert_str_eq(tried, "123");
}
END_TEST

START_TEST(ats_14_failover_begins_with_the_first)
{
	start(POOL("failover") "fail_threshold = 100\n");
	go_ok(3);
	is_dead[1] = true;
	go_ok(2);
	is_dead[1] = false;
	go_ok(1);
	ck_assert_str_eq(tried, "11112121");
}
END_TEST

START_TEST(ats_15_round_robin_goes_on_where_the_last_process_stopped)
{
	for (unsigned i = 0; i < 5; i++) {
		pid_t pid = fork();
		char want[3] = {(char)('1' + 2 * i % 3),
			(char)('1' + (2 * i + 1) % 3), '\0'};
		int status;
		if (pid == 0) {
			start(POOL("round-robin"));
			go_ok(2);
			_exit(strcmp(tried, want) != 0);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(status == 0, "process %u, not %s", i, want);
	}
}
END_TEST

enum {
	N_PROCESSES = 8,
	N_EACH = 6000
};

struct control {
	pthread_barrier_t barrier;
	_Atomic unsigned n[N_SERVERS + 1];
};

static struct control *new_control(void)
{
	struct control *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t shared;

	ck_assert_ptr_ne(c, MAP_FAILED);
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&c->barrier, &shared, N_PROCESSES);
	return c;
}

/* Half of them with a mapping of their own, half with their parent's. */
static void connect_often(struct control *c, unsigned number)
{
	if (number % 2)
		start_again();
	pthread_barrier_wait(&c->barrier);
	for (unsigned i = 0; i < N_EACH; i++) {
		tried[0] = '\0';
		go_ok(1);
		c->n[tried[0] - '0']++;
	}
}

START_TEST(ats_15_round_robin_shares_evenly_among_processes_at_once)
{
	struct control *c = new_control();
	int status;

	start(POOL("round-robin"));
	go_ok(3); /* this opens the state */
	for (unsigned i = 0; i < N_PROCESSES; i++) {
		if (fork())
			continue;
		connect_often(c, i);
		_exit(0);
	}
	for (unsigned i = 0; i < N_PROCESSES; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	for (unsigned i = 1; i <= N_SERVERS; i++)
		ck_assert_uint_eq(c->n[i], N_PROCESSES * N_EACH / N_SERVERS);
	munmap(c, sizeof(*c));
}
END_TEST

START_TEST(ats_16_by_hash_a_destination_stays_with_its_server)
{
	bool used[N_SERVERS + 1] = {false};
	char host[32];

	start(POOL("hash"));
	for (unsigned i = 0; i < 50; i++) {
		snprintf(host, sizeof(host), "host%u.example", i);
		memset(tried, 0, sizeof(tried));
		for (int k = 0; k < 3; k++)
			ck_assert_int_eq(go(host), 0);
		ck_assert_uint_eq(strspn(tried, (char[]){tried[0], 0}), 3);
		used[tried[0] - '0'] = true;
	}
	ck_assert(used[1] && used[2] && used[3]);
}
END_TEST

START_TEST(ats_17_latched_stays_with_the_last_server_that_worked)
{
	start(POOL("latched") "fail_threshold = 100\n");
	go_ok(1);
	is_dead[1] = true;
	go_ok(2);
	is_dead[1] = false;
	go_ok(1);
	is_dead[2] = true;
	go_ok(1);
	is_dead[2] = false;
	go_ok(1);
	ck_assert_str_eq(tried, "1"
				"122"
				"2"
				"233");
}
END_TEST

START_TEST(v_2_each_attempt_takes_the_next_server)
{
	start(POOL("round-robin") "fail_threshold = 100\n");
	is_dead[1] = is_dead[2] = true;
	go_ok(3);
	ck_assert_str_eq(tried, "123"
				"23"
				"3");
}
END_TEST

START_TEST(the_random_choice_takes_every_server)
{
	start(POOL("random"));
	go_ok(200);
	for (unsigned i = 1; i <= N_SERVERS; i++)
		ck_assert_ptr_nonnull(strchr(tried, (int)('0' + i)));
}
END_TEST

#define USERS                                                                  \
	"[server a]\nurl = socks5://192.0.2.1\nusers_file = users\n"           \
	"[server b]\nurl = socks5://192.0.2.2\nuser = lone\n"                  \
	"[rules]\nb = b.example\n[pool p]\nservers = a\n"

START_TEST(v_5_each_connection_draws_one_of_the_users)
{
	unsigned n[256] = {0};

	fix_write("users", "x:1\ny:2\nz:3\n");
	start(USERS);
	go_ok(240);
	for (const char *t = told; *t; t++)
		n[(uint8_t)*t]++;
	ck_assert_uint_eq(n['x'] + n['y'] + n['z'], 240);
	/* 80 each, give or take 7 */
	ck_assert_uint_gt(n['x'], 30);
	ck_assert_uint_gt(n['y'], 30);
	ck_assert_uint_gt(n['z'], 30);
}
END_TEST

START_TEST(v_5_one_user_is_always_taken_and_none_is_none)
{
	fix_write("users", "x:1\ny:2\nz:3\n");
	start(USERS);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(go("b.example"), 0);
	ck_assert_str_eq(told, "llllllllllllllllllll");
	sx_engine_free(engine);
	memset(told, 0, sizeof(told));
	start(SERVERS);
	go_ok(3);
	ck_assert_str_eq(told, "");
}
END_TEST

/* The number of the user that a new process has for its life. */
static int sticky_user(void)
{
	static struct sx_user_conf users[2] = {
		{(char *)"x", (char *)"1"}, {(char *)"y", (char *)"2"}};
	const struct sx_server_conf server = {
		.users = users, .n_users = 2, .choose_user = SX_USER_STICKY};
	const struct sx_dest dest = dest_of("www.example.org", 80);
	struct sx_user first, user;

	sx_user_choose(&server, &dest, &first);
	for (int i = 0; i < 50; i++) {
		sx_user_choose(&server, &dest, &user);
		if (user.credentials.user != first.credentials.user)
			return 2;
	}
	return first.credentials.user == users[1].user;
}

START_TEST(v_5_a_sticky_user_stays_for_the_life_of_the_process)
{
	unsigned n[3] = {0};
	int status;

	/* all alike once in 2^63 */
	for (int i = 0; i < 64; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(sticky_user());
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= 2);
		n[WEXITSTATUS(status)]++;
	}
	ck_assert_uint_eq(n[2], 0);
	ck_assert(n[0] && n[1]);
}
END_TEST

START_TEST(v_23_an_address_of_the_pool_that_stands_for_nothing_is_no_target)
{
	static const char *const none[] = {"198.18.0.1", "198.18.7.7",
		"198.19.255.254", "fd53:6f63:6b73::c612:1"};
	struct sx_dest dest;
	struct sx_lookup lookup;
	struct sx_ip ip;

	start(SERVERS);
	for (size_t i = 0; i < N_ELEMENTS(none); i++) {
		sx_ip_parse(none[i], &ip);
		ck_assert_int_eq(
			sx_engine_dest(engine, &ip, 80, &dest), -EHOSTUNREACH);
	}
	sx_engine_lookup(engine, "www.example.org", AF_INET, &lookup);
	ck_assert_int_eq(
		sx_engine_dest(engine, &lookup.host.ips[0], 80, &dest), 0);
	ck_assert_int_eq(dest.kind, SX_DEST_NAME);
	ck_assert_str_eq(dest.name, "www.example.org");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ats_5_ats_10_exemptions_are_prefixes_names_and_ports,
		ats_6_ats_7_the_loopback_is_direct_unless_a_rule_says_otherwise,
		ats_8_bug_14_an_engine_without_configuration_is_closed,
		ats_9_ats_11_rules_choose_a_pool_and_the_default_has_the_rest,
		ats_12_when_no_server_is_left_it_fails_and_nothing_goes_direct,
		ats_14_failover_begins_with_the_first,
		ats_15_round_robin_goes_on_where_the_last_process_stopped,
		ats_15_round_robin_shares_evenly_among_processes_at_once,
		ats_16_by_hash_a_destination_stays_with_its_server,
		ats_17_latched_stays_with_the_last_server_that_worked,
		v_2_each_attempt_takes_the_next_server,
		the_random_choice_takes_every_server,
		v_5_each_connection_draws_one_of_the_users,
		v_5_one_user_is_always_taken_and_none_is_none,
		v_5_a_sticky_user_stays_for_the_life_of_the_process,
		v_23_an_address_of_the_pool_that_stands_for_nothing_is_no_target,
	};
	Suite *s = suite_create("requirements_choice");
	TCase *t = tcase_create("choice");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, reset, clean_up);
	for (size_t i = 0; i < N_ELEMENTS(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

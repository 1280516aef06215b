/*
 * Attempts and marks of a dial, by the numbers of the requirements: ATS-13,
 * ATS-19 to ATS-27 and some of the BUGs. Which failures count as what stands
 * in test_requirements_retry.c, time limits in test_requirements_times.c, the
 * arithmetic of marks in test_state_health.c.
 */
#include "core/counters.h"
#include "requirements_fixture.h"

static uint64_t attempts_of(unsigned i)
{
	struct sx_counters c;

	sx_server_counters(&states[i], &c);
	return c.attempts;
}

START_TEST(ats_13_a_server_without_an_address_is_down)
{
	static const struct step first[] = {
		RESOLVES("proxy.example.org", NULL), TUNNEL(A), END};
	static const struct step second[] = {TUNNEL(A), END};
	static const unsigned name_first[] = {3, 0};

	plan.order = name_first;
	plan.marks.fail_threshold = 1;
	ck_assert_int_eq(run(first), 0);
	ck_assert_int_eq(run(second), 0);
}
END_TEST

START_TEST(ats_13_all_addresses_of_a_name_are_one_attempt)
{
	static const struct step steps[] = {REFUSED("192.0.2.8:1083"),
		REFUSED("192.0.2.9:1083"), TUNNEL(A), END};
	static const unsigned name_first[] = {3, 0};

	plan.order = name_first;
	sx_ip_parse("192.0.2.8", &servers[3].ips[0]);
	sx_ip_parse("192.0.2.9", &servers[3].ips[1]);
	servers[3].n_ips = 2;
	ck_assert_int_eq(run(steps), 0);
	ck_assert_uint_eq(attempts_of(3), 1);
	ck_assert_uint_eq(sx_server_fails(&states[3]), 1);
}
END_TEST

START_TEST(ats_19_when_all_are_down_the_least_recently_failed_is_tried)
{
	static const struct step steps[] = {REFUSED(B), TUNNEL(A), END};

	for (unsigned k = 0; k < 2; k++) {
		sx_server_mark_failed(&states[0], 999990, WINDOW_MS);
		sx_server_mark_failed(&states[1], 999980, WINDOW_MS);
	}
	ck_assert_int_eq(run(steps), 0);
	ck_assert_uint_eq(script_now_ms(), 0);
}
END_TEST

START_TEST(ats_20_a_server_is_marked_once_when_its_attempts_are_spent)
{
	static const struct step steps[] = {REFUSED(A), REFUSED(A), REFUSED(A),
		REFUSED(B), REFUSED(B), REFUSED(B), END};

	plan.limits = (struct sx_pool_limits){6, 3, true};
	ck_assert_int_eq(run(steps), -ENETUNREACH);
	ck_assert_uint_eq(sx_server_fails(&states[0]), 1);
	ck_assert_uint_eq(sx_server_fails(&states[1]), 1);
}
END_TEST

START_TEST(ats_20_a_server_that_comes_back_within_its_attempts_is_not_marked)
{
	static const struct step steps[] = {
		REFUSED(A), REFUSED(A), TUNNEL(A), END};

	plan.limits = (struct sx_pool_limits){6, 3, true};
	ck_assert_int_eq(run(steps), 0);
	ck_assert_uint_eq(sx_server_fails(&states[0]), 0);
	ck_assert_uint_eq(attempts_of(0), 3);
}
END_TEST

START_TEST(ats_22_at_the_threshold_of_marks_a_server_is_passed_over)
{
	static const struct step both[] = {REFUSED(A), TUNNEL(B), END};
	static const struct step second[] = {TUNNEL(B), END};

	ck_assert_int_eq(run(both), 0);
	ck_assert_int_eq(run(both), 0);
	ck_assert_int_eq(run(second), 0);
	later_ms = WINDOW_MS; /* the last moment of it */
	ck_assert_int_eq(run(second), 0);
	ck_assert_uint_eq(attempts_of(0), 2);
}
END_TEST

static void mark_first_down(void)
{
	for (unsigned k = 0; k < 2; k++)
		sx_server_mark_failed(&states[0], 1000000, WINDOW_MS);
}

START_TEST(ats_23_a_failed_probe_begins_another_window)
{
	static const struct step probe[] = {REFUSED(A), TUNNEL(B), END};
	static const struct step second[] = {TUNNEL(B), END};

	mark_first_down();
	later_ms = WINDOW_MS + 1;
	ck_assert_int_eq(run(probe), 0);
	ck_assert_int_eq(run(second), 0);
	later_ms = 2 * WINDOW_MS + 1;
	ck_assert_int_eq(run(second), 0);
	later_ms = 2 * WINDOW_MS + 2;
	ck_assert_int_eq(run(probe), 0);
}
END_TEST

START_TEST(ats_23_a_probe_that_succeeds_restores_the_server)
{
	static const struct step first[] = {TUNNEL(A), END};

	mark_first_down();
	later_ms = WINDOW_MS + 1;
	ck_assert_int_eq(run(first), 0);
	ck_assert_uint_eq(sx_server_fails(&states[0]), 0);
	ck_assert_int_eq(run(first), 0);
}
END_TEST

START_TEST(ats_23_while_one_connection_probes_the_others_pass_by)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS), TUNNEL(B),
		TUNNEL(B), CONNECT(A, 0), SEND(GREETING), END};
	struct sx_dial probe, other;

	mark_first_down();
	later_ms = WINDOW_MS + 1;
	script_start(steps);
	sx_dial_init(&probe, &plan, 7, AF_INET, O_NONBLOCK);
	ck_assert_int_eq(sx_dial_step(&probe, 0), SX_DIAL_WAIT);
	for (int i = 0; i < 2; i++) {
		sx_dial_init(&other, &plan, 8, AF_INET, O_NONBLOCK);
		ck_assert_int_eq(sx_dial_run(&other, SX_NEVER, NULL), 0);
		ck_assert_uint_eq(other.place, 1);
	}
	ck_assert_int_eq(sx_dial_step(&probe, POLLOUT), SX_DIAL_WAIT);
	script_finish();
}
END_TEST

START_TEST(ats_25_a_server_is_tried_again_at_once)
{
	static const struct step steps[] = {
		REFUSED(A), REFUSED(A), TUNNEL(B), END};

	plan.limits.attempts_per_server = 2;
	plan.backoff_ms = 100;
	ck_assert_int_eq(run(steps), 0);
	ck_assert_uint_eq(script_now_ms(), 0);
}
END_TEST

START_TEST(ats_26_two_dead_servers_are_tried_in_turn_up_to_the_cap)
{
	static const struct step steps[] = {
		REFUSED(A), REFUSED(B), REFUSED(A), REFUSED(B), END};

	ck_assert_int_eq(run(steps), -ENETUNREACH);
	ck_assert_uint_eq(script_now_ms(), 0);
}
END_TEST

START_TEST(ats_27_the_cap_holds_within_a_row)
{
	static const struct step steps[] = {
		REFUSED(A), REFUSED(A), REFUSED(A), REFUSED(B), END};

	plan.limits.attempts_per_server = 3;
	ck_assert_int_eq(run(steps), -ENETUNREACH);
	ck_assert_uint_eq(attempts_of(0) + attempts_of(1), 4);
}
END_TEST

START_TEST(bug_2_the_request_holds_the_destination_and_not_the_server)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), RECV(METHOD),
		SEND("\x05\x01\x00\x01\xcb\x00\x71\x09\x01\x02"), POLL(POLLIN),
		RECV(REPLY_5), RECV(REPLY_10), END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

/* What comes behind the reply is the application's: never asked for. */
START_TEST(bug_5_no_byte_more_than_the_answers_is_asked_for)
{
	static const struct step steps[] = {CONNECT(A, 0), SEND(GREETING),
		POLL(POLLIN), TAKE(METHOD), SEND(REQUEST), POLL(POLLIN),
		TAKE(REPLY_5), TAKE(REPLY_10), END};

	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(bug_8_an_attempt_is_dissolved_before_the_next_one_begins)
{
	static const struct step steps[] = {CONNECT(A, EINPROGRESS),
		WAIT(10000, 10000, 0), DISSOLVE, CONNECT(A, EINPROGRESS),
		WAIT(10000, 10000, 0), DISSOLVE, TUNNEL(B), END};

	plan.limits.attempts_per_server = 2;
	ck_assert_int_eq(run(steps), 0);
}
END_TEST

START_TEST(bug_10_a_server_on_the_loopback_is_a_server_like_others)
{
	static const struct step first[] = {
		REFUSED("127.0.0.1:1080"), TUNNEL(B), END};
	static const struct step second[] = {TUNNEL("127.0.0.1:1080"), END};

	server(0, "127.0.0.1", 1080);
	servers[0].state = &states[0];
	ck_assert_int_eq(run(first), 0);
	ck_assert_int_eq(run(second), 0);
	ck_assert_uint_eq(sx_server_fails(&states[0]), 0);
}
END_TEST

static void read_file(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
}

START_TEST(bug_15_no_level_of_the_log_tells_user_or_password)
{
	static const struct step steps[] = {CONNECT(A, 0),
		SEND("\x05\x02\x00\x02"), POLL(POLLIN), RECV("\x05\x02"),
		SEND("\x01\x05"
		     "alice\x06secret"),
		POLL(POLLIN), RECV("\x01\x01"), DISSOLVE, END};
	static struct sx_user_conf user = {(char *)"alice", (char *)"secret"};
	static char text[65536];
	char path[64];

	snprintf(path, sizeof(path), "%s/log", sx_unit_scratch());
	sx_log_init(SX_LOG_DEBUG, path);
	confs[0].users = &user;
	confs[0].n_users = 1;
	plan.n_order = plan.limits.attempts = 1;
	ck_assert_int_eq(run(steps), -EACCES);
	read_file(path, text, sizeof(text));
	unlink(path);
	ck_assert_ptr_nonnull(strstr(text, "refused"));
	ck_assert_ptr_null(strstr(text, "alice"));
	ck_assert_ptr_null(strstr(text, "secret"));
	ck_assert_ptr_null(strstr(dial.cause.text, "secret"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ats_13_a_server_without_an_address_is_down,
		ats_13_all_addresses_of_a_name_are_one_attempt,
		ats_19_when_all_are_down_the_least_recently_failed_is_tried,
		ats_20_a_server_is_marked_once_when_its_attempts_are_spent,
		ats_20_a_server_that_comes_back_within_its_attempts_is_not_marked,
		ats_22_at_the_threshold_of_marks_a_server_is_passed_over,
		ats_23_a_failed_probe_begins_another_window,
		ats_23_a_probe_that_succeeds_restores_the_server,
		ats_23_while_one_connection_probes_the_others_pass_by,
		ats_25_a_server_is_tried_again_at_once,
		ats_26_two_dead_servers_are_tried_in_turn_up_to_the_cap,
		ats_27_the_cap_holds_within_a_row,
		bug_2_the_request_holds_the_destination_and_not_the_server,
		bug_5_no_byte_more_than_the_answers_is_asked_for,
		bug_8_an_attempt_is_dissolved_before_the_next_one_begins,
		bug_10_a_server_on_the_loopback_is_a_server_like_others,
		bug_15_no_level_of_the_log_tells_user_or_password,
	};
	Suite *s = suite_create("requirements_attempts");
	TCase *t = tcase_create("attempts");

	tcase_add_checked_fixture(t, prepare, NULL);
	for (size_t i = 0; i < N_ELEMENTS(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

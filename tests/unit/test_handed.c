/*
 * What processes know of UDP sockets that are handed to them.
 */
#include "core/handed.h"
#include "state_fixture.h"
#include "unit.h"

#include <string.h>

static struct sx_handed_table ours, theirs;

static void open_both(void)
{
	struct sx_state_path path = fix_path();

	ck_assert_int_eq(sx_handed_open(&ours, &path), 0);
	ck_assert_int_eq(sx_handed_open(&theirs, &path), 0);
}

static struct sx_handed socket_of(const char *relay, const char *peer)
{
	struct sx_handed h = {.relay_port = 0x0102, .peer_port = 65535};

	if (relay)
		sx_ip_parse(relay, &h.relay);
	if (peer)
		sx_ip_parse(peer, &h.peer);
	return h;
}

static void same(const struct sx_handed *a, const struct sx_handed *b)
{
	ck_assert(sx_ip_equal(&a->relay, &b->relay));
	ck_assert(sx_ip_equal(&a->peer, &b->peer));
	ck_assert_uint_eq(a->relay.family, b->relay.family);
	ck_assert_uint_eq(a->peer.family, b->peer.family);
	ck_assert_uint_eq(a->relay_port, b->relay_port);
	ck_assert_uint_eq(a->peer_port, b->peer_port);
}

START_TEST(another_process_finds_it)
{
	const struct sx_handed h[] = {
		socket_of("192.0.2.1", "198.18.0.7"),
		socket_of("2001:db8::1", "2001:db8::2"),
		socket_of("192.0.2.1", NULL),
		socket_of(NULL, "203.0.113.9"),
	};
	struct sx_handed got;

	open_both();
	for (uint64_t i = 0; i < 4; i++)
		sx_handed_put(&ours, 4026531840, 1000 + i, &h[i]);
	for (uint64_t i = 0; i < 4; i++) {
		ck_assert(sx_handed_get(&theirs, 4026531840, 1000 + i, &got));
		same(&got, &h[i]);
	}
}
END_TEST

START_TEST(the_latest_word_counts)
{
	const struct sx_handed first = socket_of("192.0.2.1", "203.0.113.9"),
			       second = socket_of("192.0.2.2", NULL);
	struct sx_handed got;

	open_both();
	sx_handed_put(&ours, 1, 7, &first);
	sx_handed_put(&theirs, 1, 7, &second);
	ck_assert(sx_handed_get(&ours, 1, 7, &got));
	same(&got, &second);
}
END_TEST

START_TEST(another_socket_or_network_is_not_it)
{
	const struct sx_handed h = socket_of("192.0.2.1", "203.0.113.9");
	struct sx_handed got;

	open_both();
	sx_handed_put(&ours, 1, 7, &h);
	ck_assert(!sx_handed_get(&ours, 1, 8, &got));
	ck_assert(!sx_handed_get(&ours, 2, 7, &got));
	ck_assert(!sx_handed_get(&ours, 7, 1, &got));
}
END_TEST

START_TEST(without_a_file_nothing_is_kept)
{
	static struct sx_handed_table none;
	const struct sx_handed h = socket_of("192.0.2.1", "203.0.113.9");
	struct sx_handed got;

	sx_handed_put(&none, 1, 7, &h);
	ck_assert(!sx_handed_get(&none, 1, 7, &got));
}
END_TEST

START_TEST(closing_twice_is_harmless)
{
	struct sx_handed got;

	open_both();
	sx_handed_close(&ours);
	sx_handed_close(&ours);
	ck_assert(!sx_handed_get(&ours, 1, 7, &got));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		another_process_finds_it,
		the_latest_word_counts,
		another_socket_or_network_is_not_it,
		without_a_file_nothing_is_kept,
		closing_twice_is_harmless,
	};
	Suite *s = suite_create("handed");

	fix_add_tests(s, "handed", tests, sizeof(tests) / sizeof(*tests));
	return sx_unit_main(s);
}

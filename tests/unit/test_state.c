/* The records of the shared state: found, claimed, named, listed. */
#include "core/counters.h"
#include "core/health.h"
#include "core/learned.h"
#include "state_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

static struct sx_state st;

static struct sx_server_state *numbered(unsigned i)
{
	char text[32];

	snprintf(text, sizeof(text), "socks5://h%u:1080", i);
	return sx_state_server(&st, text, text);
}

static void assert_name(const struct sx_server_state *s, const char *name)
{
	char buf[SX_RECORD_NAME_SIZE];

	memset(buf, 'x', sizeof(buf));
	ck_assert_str_eq(sx_record_name(&s->record, buf), name);
}

START_TEST(a_server_has_one_record_for_each_key)
{
	fix_open(&st);
	struct sx_server_state *a = sx_state_server(&st, "a", "one");
	struct sx_server_state *b = sx_state_server(&st, "b", "two");

	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_nonnull(b);
	ck_assert_ptr_ne(a, b);
	ck_assert_ptr_eq(sx_state_server(&st, "a", "one"), a);
	ck_assert_ptr_eq(sx_state_server(&st, "b", "two"), b);
	assert_name(a, "one");
	assert_name(b, "two");
	sx_state_close(&st);
}
END_TEST

START_TEST(pools_and_servers_do_not_meet)
{
	fix_open(&st);
	void *server = sx_state_server(&st, "a", "server");
	void *pool = sx_state_pool(&st, "a", "pool");

	ck_assert_ptr_nonnull(server);
	ck_assert_ptr_nonnull(pool);
	ck_assert_ptr_ne(server, pool);
	ck_assert_ptr_eq(sx_state_pool(&st, "a", "pool"), pool);
	assert_name(server, "server");
	sx_state_close(&st);
}
END_TEST

START_TEST(two_mappings_of_a_file_see_each_other)
{
	struct sx_state other;

	fix_open(&st);
	fix_open(&other);
	struct sx_server_state *a = fix_server(&st), *b = fix_server(&other);
	ck_assert_ptr_ne(a, b);
	sx_server_mark_failed(a, 1000, 30000);
	ck_assert_uint_eq(sx_server_failed_at(b), 1000);
	ck_assert_uint_eq(sx_server_mark_ok(b), 1);
	ck_assert_uint_eq(sx_server_failed_at(a), 0);
	sx_server_set_pipeline(b, SX_PIPELINING_SAFE, 5);
	ck_assert_int_eq(sx_server_pipeline(a, 5), SX_PIPELINING_SAFE);
	struct sx_pool_state *p = sx_state_pool(&st, "p", "p");
	struct sx_pool_state *q = sx_state_pool(&other, "p", "p");
	ck_assert_uint_eq(sx_pool_turn(p, 3), 0);
	ck_assert_uint_eq(sx_pool_turn(q, 3), 1);
	ck_assert_uint_eq(sx_pool_turn(p, 3), 2);
	sx_state_close(&st);
	ck_assert_uint_eq(sx_pool_turn(q, 3), 0);
	sx_state_close(&other);
}
END_TEST

START_TEST(what_is_known_stays_when_all_have_gone)
{
	fix_open(&st);
	sx_server_count_attempt(fix_server(&st));
	sx_state_close(&st);
	fix_open(&st);
	struct sx_counters c;
	sx_server_counters(fix_server(&st), &c);
	ck_assert_uint_eq(c.attempts, 1);
	sx_state_close(&st);
}
END_TEST

START_TEST(a_full_table_gives_no_record_and_loses_none)
{
	struct sx_server_state *all[SX_STATE_SERVERS];

	fix_open(&st);
	for (unsigned i = 0; i < SX_STATE_SERVERS; i++) {
		all[i] = numbered(i);
		ck_assert_ptr_nonnull(all[i]);
		sx_server_mark_failed(all[i], 1 + i, 30000);
	}
	ck_assert_ptr_null(numbered(SX_STATE_SERVERS));
	ck_assert_ptr_null(numbered(SX_STATE_SERVERS + 1));
	for (unsigned i = 0; i < SX_STATE_SERVERS; i++) {
		char name[32];
		snprintf(name, sizeof(name), "socks5://h%u:1080", i);
		ck_assert_ptr_eq(numbered(i), all[i]);
		ck_assert_uint_eq(sx_server_failed_at(all[i]), 1 + i);
		assert_name(all[i], name);
		ck_assert_ptr_nonnull(sx_state_server_at(&st, i));
	}
	sx_state_close(&st);
}
END_TEST

START_TEST(a_full_table_of_pools_gives_no_record)
{
	char key[16];

	fix_open(&st);
	for (unsigned i = 0; i <= SX_STATE_POOLS; i++) {
		snprintf(key, sizeof(key), "%u", i);
		void *pool = sx_state_pool(&st, key, key);
		ck_assert_int_eq(pool != NULL, i < SX_STATE_POOLS);
	}
	for (unsigned i = 0; i < SX_STATE_POOLS; i++)
		ck_assert_ptr_nonnull(sx_state_pool_at(&st, i));
	sx_state_close(&st);
}
END_TEST

START_TEST(a_list_has_the_claimed_records_and_no_others)
{
	unsigned n = 0, n_pools = 0;

	fix_open(&st);
	for (unsigned i = 0; i < 10; i++)
		numbered(i);
	sx_state_pool(&st, "p", "p");
	for (unsigned i = 0; i < SX_STATE_SERVERS; i++) {
		struct sx_server_state *s = sx_state_server_at(&st, i);
		char name[SX_RECORD_NAME_SIZE];
		if (!s)
			continue;
		n++;
		sx_record_name(&s->record, name);
		ck_assert_ptr_eq(sx_state_server(&st, name, name), s);
	}
	for (unsigned i = 0; i < SX_STATE_POOLS; i++)
		n_pools += sx_state_pool_at(&st, i) != NULL;
	ck_assert_uint_eq(n, 10);
	ck_assert_uint_eq(n_pools, 1);
	sx_state_close(&st);
}
END_TEST

START_TEST(a_long_name_is_cut_and_nothing_behind_it_touched)
{
	char name[200];

	fix_open(&st);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	struct sx_server_state *s = sx_state_server(&st, "a", name);
	name[SX_RECORD_NAME_SIZE - 1] = '\0';
	assert_name(s, name);
	ck_assert_uint_eq(s->health, 0);
	sx_state_close(&st);
}
END_TEST

START_TEST(the_first_name_stays)
{
	fix_open(&st);
	struct sx_server_state *s = sx_state_server(&st, "a", "office-one");
	sx_state_server(&st, "a", "office-other");
	sx_state_server(&st, "a", "another name that is much longer");
	sx_state_server(&st, "a", "short");
	sx_state_server(&st, "a", "");
	assert_name(s, "office-one");
	sx_state_close(&st);
}
END_TEST

START_TEST(a_name_can_have_control_bytes_but_does_not_give_them_back)
{
	fix_open(&st);
	assert_name(sx_state_server(&st, "a", "a\033[2Jb\nc\x7f"), "a?[2Jb?c?");
	sx_state_close(&st);
}
END_TEST

/* What a claimer leaves that is killed after its first, second ... word */
START_TEST(a_record_claimed_half_way_is_made_whole)
{
	uint64_t key[2];

	fix_open(&st);
	struct sx_server_state *s = sx_state_server(&st, "a", "0123456789abc");
	sx_record_hash("a", key);
	s->record.name[1] = 0;
	ck_assert_ptr_eq(sx_state_server(&st, "a", "0123456789abc"), s);
	assert_name(s, "0123456789abc");

	s->record.name[0] = s->record.name[1] = s->record.key[1] = 0;
	unsigned i = (unsigned)(s - st.map->servers);
	ck_assert_ptr_null(sx_state_server_at(&st, i));
	ck_assert_ptr_eq(sx_state_server(&st, "a", "0123456789abc"), s);
	ck_assert_uint_eq(s->record.key[1], key[1]);
	assert_name(s, "0123456789abc");
	ck_assert_ptr_eq(sx_state_server_at(&st, i), s);
	sx_state_close(&st);
}
END_TEST

START_TEST(two_keys_with_the_same_first_half_have_two_records)
{
	fix_open(&st);
	struct sx_server_state *s = sx_state_server(&st, "a", "a");
	s->record.key[1] ^= 2; /* now it is another key's */
	struct sx_server_state *t = sx_state_server(&st, "a", "a");
	ck_assert_ptr_nonnull(t);
	ck_assert_ptr_ne(s, t);
	ck_assert_ptr_eq(sx_state_server(&st, "a", "a"), t);
	sx_state_close(&st);
}
END_TEST

START_TEST(names_of_two_claimers_do_not_mix)
{
	fix_open(&st);
	struct sx_server_state *s = sx_state_server(&st, "a", "officeXX-one");
	s->record.name[1] = 0; /* the claimer was killed */
	sx_state_server(&st, "a", "elsewhere-two");
	assert_name(s, "officeXX");
	sx_state_server(&st, "a", "officeXX-three-four");
	assert_name(s, "officeXX-three-four");
	sx_state_server(&st, "a", "officeXX-one");
	assert_name(s, "officeXX-three-four");
	sx_state_close(&st);
}
END_TEST

START_TEST(hashes_of_similar_keys_differ_in_both_halves)
{
	enum {
		N = 20000
	};
	static uint64_t hashes[2][N];
	char key[32];

	for (unsigned i = 0; i < N; i++) {
		uint64_t h[2];
		snprintf(key, sizeof(key), "socks5 10.0.%u.%u 1080", i / 256,
			i % 256);
		sx_record_hash(key, h);
		hashes[0][i] = h[0];
		hashes[1][i] = h[1];
		ck_assert(h[0] && h[1] && h[0] != h[1]);
	}
	for (unsigned k = 0; k < 2; k++) {
		/* one of 20000 in each 20000th part: about 12600 are met */
		static char met[N];
		unsigned n_met = 0;
		memset(met, 0, sizeof(met));
		for (unsigned i = 0; i < N; i++)
			met[(hashes[k][i] >> 32) % N] = 1;
		for (unsigned i = 0; i < N; i++)
			n_met += met[i];
		ck_assert_uint_gt(n_met, 12200);
		ck_assert_uint_lt(n_met, 13100);
	}
	uint64_t empty[2];
	sx_record_hash("", empty);
	ck_assert(empty[0] && empty[1]);
}
END_TEST

static void use_everything(void)
{
	struct sx_server_state *s = numbered(0);
	struct sx_pool_state *p = sx_state_pool(&st, "p", "p");
	struct sx_counters c;
	char name[SX_RECORD_NAME_SIZE];

	for (unsigned i = 0; i < SX_STATE_SERVERS; i++) {
		s = sx_state_server_at(&st, i);
		sx_server_admit(s, 1000, 2, 30000);
		sx_server_mark_failed(s, 1000, 30000);
		sx_server_admit(s, 2000000, 2, 30000);
		sx_server_mark_ok(s);
		ck_assert_int_eq(
			sx_server_admit(s, 3000, 1, 30000), SX_ADMIT_UP);
		ck_assert_int_le(
			sx_server_pipeline(s, 1000), SX_PIPELINING_UNSAFE);
		sx_server_lacks(s, SX_LACK_UDP, 1000);
		sx_server_count_success(s, 1000);
		sx_server_counters(s, &c);
		ck_assert_uint_le(
			sx_counters_quantile(&c, 500), UINT64_C(1) << 32);
		if (s)
			ck_assert_uint_lt(
				strlen(sx_record_name(&s->record, name)),
				sizeof(name));
	}
	ck_assert_uint_lt(sx_pool_turn(p, 5), 5);
	ck_assert_uint_lt(sx_pool_latched(p, 5), 5);
	for (unsigned i = 0; i < SX_STATE_POOLS; i++)
		ck_assert_uint_lt(
			sx_pool_latched(sx_state_pool_at(&st, i), 5), 5);
}

START_TEST(records_full_of_anything_do_no_harm)
{
	fix_open(&st);
	for (unsigned seed = 0; seed < 50; seed++) {
		unsigned char *p = (unsigned char *)st.map->servers;
		unsigned char *end = (unsigned char *)(st.map + 1);
		uint32_t x = seed * 2654435761U + 1;
		for (; p < end; p++) {
			x = x * 1664525 + 1013904223;
			*p = seed ? (unsigned char)(x >> 24) : 0xff;
		}
		use_everything();
	}
	sx_state_close(&st);
}
END_TEST

START_TEST(without_a_mapping_nothing_is_known_and_all_goes_on)
{
	struct sx_server_state *s;
	struct sx_counters c;

	st = (struct sx_state){.place = -1};
	s = numbered(0);
	ck_assert_ptr_null(s);
	ck_assert_ptr_null(sx_state_pool(&st, "p", "p"));
	ck_assert_ptr_null(sx_state_server_at(&st, 0));
	ck_assert_ptr_null(sx_state_pool_at(&st, 0));
	ck_assert_uint_eq(sx_server_mark_failed(s, 1, 1), 0);
	ck_assert_uint_eq(sx_server_mark_ok(s), 0);
	ck_assert_int_eq(sx_server_admit(s, 1, 1, 1), SX_ADMIT_UP);
	ck_assert_uint_eq(sx_server_failed_at(s), 0);
	ck_assert_uint_eq(sx_server_fails(s), 0);
	ck_assert_uint_eq(sx_server_down_until(s, 1, 1), 0);
	sx_server_count_attempt(s);
	sx_server_count_failure(s, SX_FAILURE_OTHER);
	sx_server_count_success(s, 1);
	sx_server_counters(s, &c);
	ck_assert_uint_eq(c.attempts, 0);
	sx_server_reset(s);
	sx_server_set_pipeline(s, SX_PIPELINING_SAFE, 1);
	ck_assert_int_eq(sx_server_pipeline(s, 1), SX_PIPELINING_UNKNOWN);
	sx_server_set_lack(s, SX_LACK_UDP, true, 1);
	ck_assert(!sx_server_lacks(s, SX_LACK_UDP, 1));
	ck_assert_uint_eq(sx_pool_turn(NULL, 5), 0);
	sx_pool_latch(NULL, 3);
	ck_assert_uint_eq(sx_pool_latched(NULL, 5), 0);
	sx_state_close(&st);
	sx_state_close(&st);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_server_has_one_record_for_each_key,
		pools_and_servers_do_not_meet,
		two_mappings_of_a_file_see_each_other,
		what_is_known_stays_when_all_have_gone,
		a_full_table_gives_no_record_and_loses_none,
		a_full_table_of_pools_gives_no_record,
		a_list_has_the_claimed_records_and_no_others,
		a_long_name_is_cut_and_nothing_behind_it_touched,
		the_first_name_stays,
		a_name_can_have_control_bytes_but_does_not_give_them_back,
		a_record_claimed_half_way_is_made_whole,
		two_keys_with_the_same_first_half_have_two_records,
		names_of_two_claimers_do_not_mix,
		hashes_of_similar_keys_differ_in_both_halves,
		records_full_of_anything_do_no_harm,
		without_a_mapping_nothing_is_known_and_all_goes_on,
	};
	Suite *suite = suite_create("state");

	fix_add_tests(suite, "records", tests, N_ELEMENTS(tests));
	return sx_unit_main(suite);
}

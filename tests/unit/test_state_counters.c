/* Counters, handshake times, what was learned of a server, turns of a pool.
 * No file is needed. */
#include "core/counters.h"
#include "core/health.h"
#include "core/learned.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define WEEK          (7 * 24 * 3600U)
#define NOW           1800000000U

static struct sx_server_state server;
static struct sx_pool_state pool;
static struct sx_counters c;

static void clear(void)
{
	server = (struct sx_server_state){0};
	pool = (struct sx_pool_state){0};
}

START_TEST(ats_48_each_outcome_has_a_counter_of_its_own)
{
	for (unsigned i = 0; i < SX_N_FAILURES; i++)
		for (unsigned k = 0; k <= i; k++) {
			sx_server_count_attempt(&server);
			sx_server_count_failure(&server, (enum sx_failure)i);
		}
	for (unsigned k = 0; k < 9; k++) {
		sx_server_count_attempt(&server);
		sx_server_count_success(&server, 100);
	}
	sx_server_count_attempt(&server); /* still under way */
	sx_server_counters(&server, &c);
	ck_assert_uint_eq(c.attempts, 21 + 9 + 1);
	ck_assert_uint_eq(c.successes, 9);
	for (unsigned i = 0; i < SX_N_FAILURES; i++)
		ck_assert_uint_eq(c.failures[i], i + 1);
}
END_TEST

START_TEST(counters_have_64_bits)
{
	server.attempts = UINT32_MAX;
	sx_server_count_attempt(&server);
	sx_server_counters(&server, &c);
	ck_assert_uint_eq(c.attempts, UINT64_C(1) << 32);
}
END_TEST

START_TEST(failures_have_different_names)
{
	for (unsigned i = 0; i < SX_N_FAILURES; i++)
		for (unsigned k = 0; k < i; k++)
			ck_assert_str_ne(sx_failure_name((enum sx_failure)i),
				sx_failure_name((enum sx_failure)k));
	ck_assert_str_eq(
		sx_failure_name(SX_FAILURE_CREDENTIALS), "credentials");
}
END_TEST

START_TEST(times_fall_into_buckets_of_powers_of_two)
{
	static const struct {
		uint64_t us;
		unsigned bucket;
	} rows[] = {
		{0, 0},
		{1, 0},
		{2, 1},
		{3, 1},
		{4, 2},
		{7, 2},
		{8, 3},
		{1023, 9},
		{1024, 10},
		{50000, 15},
		{(UINT64_C(1) << 31) - 1, 30},
		{UINT64_C(1) << 31, 31},
		{UINT64_C(1) << 32, 31},
		{UINT64_MAX, 31},
	};

	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		clear();
		sx_server_count_success(&server, rows[i].us);
		sx_server_counters(&server, &c);
		for (unsigned k = 0; k < SX_HISTOGRAM_SIZE; k++)
			ck_assert_uint_eq(c.handshakes[k], k == rows[i].bucket);
	}
}
END_TEST

START_TEST(quantiles_of_small_histograms)
{
	static const struct {
		uint64_t n_in[6];
		unsigned permille;
		uint64_t want;
	} rows[] = {
		{{0}, 500, 0},
		{{0, 0, 0, 0, 0, 1}, 500, 48}, /* 32..64 */
		{{0, 0, 0, 0, 0, 1}, 0, 48},
		{{0, 0, 0, 0, 0, 1}, 1000, 48},
		{{1}, 500, 1},
		{{2}, 500, 0},
		{{2}, 501, 1},
		{{0, 0, 0, 0, 0, 2}, 500, 40},
		{{0, 0, 0, 0, 0, 2}, 501, 56},
		{{0, 0, 0, 0, 0, 2}, 950, 56},
		{{0, 0, 1, 0, 0, 1}, 500, 6}, /* the lower one */
		{{0, 0, 1, 0, 0, 1}, 501, 48},
		{{0, 0, 19, 0, 0, 1}, 950, 7},
		{{0, 0, 18, 0, 0, 2}, 950, 40},
		{{0, 0, 99, 0, 0, 1}, 990, 7},
		{{0, 0, 99, 0, 0, 1}, 991, 48},
		{{UINT64_C(1) << 60, 0, 0, UINT64_C(1) << 60}, 501, 8},
	};

	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		c = (struct sx_counters){0};
		memcpy(c.handshakes, rows[i].n_in, sizeof(rows[i].n_in));
		uint64_t got = sx_counters_quantile(&c, rows[i].permille);
		ck_assert_msg(got == rows[i].want, "row %zu: %llu", i,
			(unsigned long long)got);
	}
}
END_TEST

START_TEST(the_longest_times_stay_below_the_end)
{
	for (unsigned i = 0; i < 1000; i++)
		sx_server_count_success(&server, UINT64_MAX);
	sx_server_counters(&server, &c);
	ck_assert_uint_lt(sx_counters_quantile(&c, 1000), UINT64_C(1) << 32);
	ck_assert_uint_ge(sx_counters_quantile(&c, 1), UINT64_C(1) << 31);
}
END_TEST

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

START_TEST(quantiles_keep_to_their_bound)
{
	enum {
		N = 501
	};
	uint64_t us[N], x = 88172645463325252;

	for (unsigned round = 0; round < 200; round++) {
		clear();
		for (unsigned i = 0; i < N; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			us[i] = 2 + (x >> (33 + x % 31));
			sx_server_count_success(&server, us[i]);
		}
		qsort(us, N, sizeof(us[0]), compare);
		sx_server_counters(&server, &c);
		for (unsigned permille = 1; permille <= 1000; permille += 37) {
			uint64_t truth = us[(permille * N + 999) / 1000 - 1];
			uint64_t got = sx_counters_quantile(&c, permille);
			ck_assert_uint_lt(got, 2 * truth);
			ck_assert_uint_gt(2 * got, truth);
		}
	}
}
END_TEST

START_TEST(a_reset_forgets_numbers_and_marks_but_not_what_was_learned)
{
	uint64_t key[2] = {7, 8};

	server.record.key[0] = key[0];
	server.record.key[1] = key[1];
	server.record.name[0] = 'n';
	sx_server_count_attempt(&server);
	for (unsigned i = 0; i < SX_N_FAILURES; i++)
		sx_server_count_failure(&server, (enum sx_failure)i);
	for (unsigned i = 0; i < 64; i++)
		sx_server_count_success(&server, UINT64_C(1) << i);
	sx_server_mark_failed(&server, 1000, 30000);
	sx_server_set_pipeline(&server, SX_PIPELINING_SAFE, NOW);
	sx_server_set_lack(&server, SX_LACK_UDP, true, NOW);
	sx_server_reset(&server);

	struct sx_counters none = {0};
	sx_server_counters(&server, &c);
	ck_assert_mem_eq(&c, &none, sizeof(c));
	ck_assert_uint_eq(sx_server_failed_at(&server), 0);
	ck_assert_int_eq(sx_server_pipeline(&server, NOW), SX_PIPELINING_SAFE);
	ck_assert(sx_server_lacks(&server, SX_LACK_UDP, NOW));
	ck_assert_uint_eq(server.record.key[0], 7);
	ck_assert_uint_eq(server.record.key[1], 8);
	ck_assert_uint_eq(server.record.name[0], 'n');
}
END_TEST

START_TEST(a_verdict_is_believed_for_a_week)
{
	static const struct {
		uint64_t now_s;
		bool is_believed;
	} rows[] = {
		{NOW, true},
		{NOW + 1, true},
		{NOW + WEEK - 1, true},
		{NOW + WEEK, false},
		{NOW + 10 * WEEK, false},
		{NOW - 3600, true}, /* the clock was set back */
		{NOW - WEEK, false},
		{0, false},
	};

	ck_assert_int_eq(
		sx_server_pipeline(&server, NOW), SX_PIPELINING_UNKNOWN);
	for (int v = SX_PIPELINING_SAFE; v <= SX_PIPELINING_UNSAFE; v++) {
		sx_server_set_pipeline(&server, (enum sx_pipelining)v, NOW);
		for (size_t i = 0; i < N_ELEMENTS(rows); i++)
			ck_assert_int_eq(
				sx_server_pipeline(&server, rows[i].now_s),
				rows[i].is_believed ? v
						    : SX_PIPELINING_UNKNOWN);
	}
	sx_server_set_pipeline(&server, SX_PIPELINING_UNKNOWN, NOW);
	ck_assert_int_eq(
		sx_server_pipeline(&server, NOW), SX_PIPELINING_UNKNOWN);
	ck_assert_uint_eq(server.pipeline, 0);
	server.pipeline = (uint64_t)NOW << 8 | 3; /* nobody wrote this */
	ck_assert_int_eq(
		sx_server_pipeline(&server, NOW), SX_PIPELINING_UNKNOWN);
}
END_TEST

START_TEST(a_lack_is_believed_for_a_week)
{
	ck_assert(!sx_server_lacks(&server, SX_LACK_UDP, NOW));
	sx_server_set_lack(&server, SX_LACK_UDP, true, NOW);
	ck_assert(sx_server_lacks(&server, SX_LACK_UDP, NOW + WEEK - 1));
	ck_assert(!sx_server_lacks(&server, SX_LACK_UDP, NOW + WEEK));
	sx_server_set_lack(&server, SX_LACK_UDP, false, NOW + 2);
	ck_assert(!sx_server_lacks(&server, SX_LACK_UDP, NOW + 2));
	ck_assert_int_eq(
		sx_server_pipeline(&server, NOW), SX_PIPELINING_UNKNOWN);
}
END_TEST

START_TEST(a_doubt_is_believed_for_a_short_while)
{
	sx_server_doubt(&server, SX_LACK_UDP, NOW);
	ck_assert(sx_server_lacks(&server, SX_LACK_UDP, NOW));
	ck_assert(
		sx_server_lacks(&server, SX_LACK_UDP, NOW + SX_DOUBTED_S - 1));
	ck_assert(!sx_server_lacks(&server, SX_LACK_UDP, NOW + SX_DOUBTED_S));
	/* again, and then for sure */
	sx_server_doubt(&server, SX_LACK_UDP, NOW + SX_DOUBTED_S);
	ck_assert(sx_server_lacks(&server, SX_LACK_UDP, NOW + SX_DOUBTED_S));
	sx_server_set_lack(&server, SX_LACK_UDP, true, NOW);
	sx_server_doubt(&server, SX_LACK_UDP, NOW + 1);
	ck_assert(sx_server_lacks(&server, SX_LACK_UDP, NOW + WEEK - 1));
	sx_server_set_lack(&server, SX_LACK_UDP, false, NOW);
	ck_assert(!sx_server_lacks(&server, SX_LACK_UDP, NOW));
	sx_server_doubt(NULL, SX_LACK_UDP, NOW);
}
END_TEST

START_TEST(one_caller_in_a_minute_is_to_probe_what_is_not_known)
{
	ck_assert(sx_server_claim_probe(&server, NOW));
	ck_assert(!sx_server_claim_probe(&server, NOW));
	ck_assert(!sx_server_claim_probe(&server, NOW + SX_PROBED_S - 1));
	ck_assert(sx_server_claim_probe(&server, NOW + SX_PROBED_S));
	sx_server_set_pipeline(&server, SX_PIPELINING_UNSAFE, NOW);
	ck_assert(!sx_server_claim_probe(&server, NOW + WEEK - 1));
	ck_assert(sx_server_claim_probe(&server, NOW + WEEK));
	ck_assert(sx_server_claim_probe(&server, NOW - WEEK)); /* set back */
	ck_assert(!sx_server_claim_probe(NULL, NOW));
}
END_TEST

START_TEST(ats_15_turns_go_round)
{
	static const uint64_t starts[] = {0, UINT32_MAX - 4ULL,
		(UINT64_C(1) << 32) - 1, INT64_MAX - 3ULL};

	for (size_t i = 0; i < N_ELEMENTS(starts); i++)
		for (unsigned n = 1; n <= 64; n++) {
			pool.cursor = starts[i];
			unsigned turn = sx_pool_turn(&pool, n);
			for (unsigned k = 0; k < 3 * n; k++) {
				ck_assert_uint_lt(turn, n);
				unsigned next = sx_pool_turn(&pool, n);
				ck_assert_uint_eq(next, (turn + 1) % n);
				turn = next;
			}
		}
}
END_TEST

START_TEST(ats_17_the_latched_server_stays)
{
	ck_assert_uint_eq(sx_pool_latched(&pool, 3), 0);
	sx_pool_latch(&pool, 2);
	ck_assert_uint_eq(sx_pool_latched(&pool, 3), 2);
	ck_assert_uint_eq(sx_pool_latched(&pool, 3), 2);
	/* a shorter list of another configuration */
	ck_assert_uint_eq(sx_pool_latched(&pool, 2), 0);
	sx_pool_latch(&pool, 0);
	ck_assert_uint_eq(sx_pool_latched(&pool, 3), 0);
	ck_assert_uint_eq(pool.cursor, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ats_48_each_outcome_has_a_counter_of_its_own,
		counters_have_64_bits,
		failures_have_different_names,
		times_fall_into_buckets_of_powers_of_two,
		quantiles_of_small_histograms,
		the_longest_times_stay_below_the_end,
		quantiles_keep_to_their_bound,
		a_reset_forgets_numbers_and_marks_but_not_what_was_learned,
		a_verdict_is_believed_for_a_week,
		a_lack_is_believed_for_a_week,
		a_doubt_is_believed_for_a_short_while,
		one_caller_in_a_minute_is_to_probe_what_is_not_known,
		ats_15_turns_go_round,
		ats_17_the_latched_server_stays,
	};
	Suite *suite = suite_create("state_counters");
	TCase *tcase = tcase_create("counters");

	tcase_add_checked_fixture(tcase, clear, NULL);
	for (size_t i = 0; i < N_ELEMENTS(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return sx_unit_main(suite);
}

/* The shared state under processes and threads at once: exact totals, one
 * probe, one file. */
#include "core/counters.h"
#include "core/health.h"
#include "core/learned.h"
#include "state_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

enum {
	N = 8,
	N_ROUNDS = 60000,
	N_MARKS = 4000,
	N_ROWS = 30,
	N_WINDOWS = 2000,
	N_CREATORS = 16,
	N_FILES = 40,
	RETRY = 900,
};

/* What the processes of a test have in common apart from the state. */
static struct control {
	pthread_barrier_t barrier;
	_Atomic unsigned n_probes[N_WINDOWS];
	_Atomic unsigned n_turns[N];
} * control;

static void make_control(unsigned n)
{
	pthread_barrierattr_t attr;

	control = fix_shared(sizeof(*control));
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	ck_assert_int_eq(pthread_barrier_init(&control->barrier, &attr, n), 0);
}

static void count(struct sx_state *st, unsigned number)
{
	for (unsigned i = 0; i < N_ROUNDS; i++) {
		struct sx_server_state *s = fix_server(st);
		struct sx_pool_state *p = sx_state_pool(st, "p", "p");
		sx_server_count_attempt(s);
		if (i % 2)
			sx_server_count_success(s, 1ULL << number);
		else
			sx_server_count_failure(
				s, (enum sx_failure)(i % SX_N_FAILURES));
		unsigned turn = sx_pool_turn(p, N);
		atomic_fetch_add(&control->n_turns[turn], 1);
	}
}

static void assert_totals(struct sx_state *st)
{
	struct sx_counters c;
	uint64_t n_failures = 0;

	sx_server_counters(fix_server(st), &c);
	ck_assert_uint_eq(c.attempts, N * N_ROUNDS);
	ck_assert_uint_eq(c.successes, N * N_ROUNDS / 2);
	for (unsigned i = 0; i < SX_N_FAILURES; i++)
		n_failures += c.failures[i];
	ck_assert_uint_eq(n_failures, N * N_ROUNDS / 2);
	for (unsigned i = 0; i < N; i++) {
		ck_assert_uint_eq(c.handshakes[i], N_ROUNDS / 2);
		ck_assert_uint_eq(control->n_turns[i], N_ROUNDS);
	}
}

static int count_in_process(unsigned number)
{
	struct sx_state st;
	struct sx_state_path path = fix_path();

	if (sx_state_open(&st, &path, NULL) != SX_STATE_SHARED)
		return 1;
	pthread_barrier_wait(&control->barrier);
	count(&st, number);
	sx_state_close(&st);
	return 0;
}

START_TEST(eight_processes_count_exactly)
{
	struct sx_state st;

	make_control(N);
	ck_assert_uint_eq(fix_processes(N, count_in_process), 0);
	fix_open(&st);
	assert_totals(&st);
	sx_state_close(&st);
}
END_TEST

static void *count_in_thread(void *number)
{
	struct sx_state st;
	struct sx_state_path path;

	sx_state_path(&path, fix_dir, fix_dir, geteuid());
	if (sx_state_open(&st, &path, NULL) != SX_STATE_SHARED)
		return number;
	pthread_barrier_wait(&control->barrier);
	count(&st, *(unsigned *)number);
	sx_state_close(&st);
	return NULL;
}

/* The sanitizer for threads sees these. */
START_TEST(eight_threads_count_exactly)
{
	struct sx_state st;
	struct sx_state_path path;
	pthread_t threads[N];
	unsigned numbers[N];
	void *bad = NULL;

	make_control(N);
	for (unsigned i = 0; i < N; i++) {
		numbers[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
					 count_in_thread, &numbers[i]),
			0);
	}
	for (unsigned i = 0; i < N; i++) {
		pthread_join(threads[i], &bad);
		ck_assert_ptr_null(bad);
	}
	sx_state_path(&path, fix_dir, fix_dir, geteuid());
	ck_assert_int_eq(sx_state_open(&st, &path, NULL), SX_STATE_SHARED);
	assert_totals(&st);
	sx_state_close(&st);
}
END_TEST

static int probe(unsigned number)
{
	struct sx_state st;
	struct sx_state_path path = fix_path();

	if (sx_state_open(&st, &path, NULL) != SX_STATE_SHARED)
		return 1;
	struct sx_server_state *s = fix_server(&st);
	for (unsigned i = 0; i < N_WINDOWS; i++) {
		/* the clocks of the processes differ by a little */
		uint64_t now = 100000 + i * 1000ULL + number % 4;
		pthread_barrier_wait(&control->barrier);
		for (unsigned k = 0; k < 4; k++)
			if (sx_server_admit(s, now + k, 2, RETRY) ==
				SX_ADMIT_PROBE)
				atomic_fetch_add(&control->n_probes[i], 1);
	}
	sx_state_close(&st);
	return 0;
}

START_TEST(ats_23_one_of_eight_processes_gets_the_probe_of_each_window)
{
	struct sx_state st;

	make_control(N);
	fix_open(&st);
	sx_server_mark_failed(fix_server(&st), 1, RETRY);
	sx_server_mark_failed(fix_server(&st), 2, RETRY);
	ck_assert_uint_eq(fix_processes(N, probe), 0);
	for (unsigned i = 0; i < N_WINDOWS; i++)
		ck_assert_uint_eq(control->n_probes[i], 1);
	sx_state_close(&st);
}
END_TEST

static int mark(unsigned number)
{
	struct sx_state st;
	struct sx_state_path path = fix_path();

	if (sx_state_open(&st, &path, NULL) != SX_STATE_SHARED)
		return 1;
	struct sx_server_state *s = fix_server(&st);
	for (unsigned i = 0; i < N_ROWS; i++) {
		pthread_barrier_wait(&control->barrier);
		for (unsigned k = 0; k < N_MARKS; k++)
			sx_server_mark_failed(s, 1000 + number, RETRY);
		pthread_barrier_wait(&control->barrier);
		if (sx_server_fails(s) != N * N_MARKS ||
			sx_server_failed_at(s) != 1000 + N - 1)
			return 2;
		pthread_barrier_wait(&control->barrier);
		sx_server_mark_ok(s);
	}
	sx_state_close(&st);
	return 0;
}

START_TEST(no_mark_of_eight_processes_is_lost)
{
	make_control(N);
	ck_assert_uint_eq(fix_processes(N, mark), 0);
}
END_TEST

/* Each restarts a row that is too old; the others add to that one. */
static int restart(unsigned number)
{
	struct sx_state st;
	struct sx_state_path path = fix_path();

	if (sx_state_open(&st, &path, NULL) != SX_STATE_SHARED)
		return 1;
	struct sx_server_state *s = fix_server(&st);
	for (unsigned i = 1; i <= N_WINDOWS; i++) {
		uint64_t now = i * 1000ULL + number;
		pthread_barrier_wait(&control->barrier);
		sx_server_mark_failed(s, now, RETRY);
		pthread_barrier_wait(&control->barrier);
		if (sx_server_fails(s) != N)
			return 2;
	}
	sx_state_close(&st);
	return 0;
}

START_TEST(ats_21_one_of_eight_processes_begins_a_new_row)
{
	make_control(N);
	ck_assert_uint_eq(fix_processes(N, restart), 0);
}
END_TEST

/* All claim the same servers, in another order each. */
static int claim(unsigned number)
{
	struct sx_state st;
	struct sx_state_path path = fix_path();
	char key[64], name[SX_RECORD_NAME_SIZE];

	if (sx_state_open(&st, &path, NULL) != SX_STATE_SHARED)
		return 1;
	pthread_barrier_wait(&control->barrier);
	for (unsigned i = 0; i < SX_STATE_SERVERS; i++) {
		unsigned server = (i * (2 * number + 1)) % SX_STATE_SERVERS;
		snprintf(key, sizeof(key),
			"socks5://server-with-a-long-name-%u.example:1080",
			server);
		struct sx_server_state *s = sx_state_server(&st, key, key);
		if (!s || strcmp(sx_record_name(&s->record, name), key) != 0)
			return 2;
		sx_server_count_attempt(s);
	}
	pthread_barrier_wait(&control->barrier);
	for (unsigned i = 0; i < SX_STATE_SERVERS; i++) {
		struct sx_counters c;
		sx_server_counters(sx_state_server_at(&st, i), &c);
		if (c.attempts != N)
			return 3;
	}
	sx_state_close(&st);
	return 0;
}

START_TEST(eight_processes_claim_each_record_once)
{
	for (unsigned i = 0; i < N_FILES; i++) {
		make_control(N);
		ck_assert_uint_eq(fix_processes(N, claim), 0);
		ck_assert_int_eq(unlink(fix_file(FIX_STATE)), 0);
	}
}
END_TEST

static bool is_without_proc;

static int create(unsigned number)
{
	struct sx_state st;
	struct sx_state_path path = fix_path();
	char key[16];
	unsigned n = 0;

	if (is_without_proc) {
		if (chroot(fix_dir))
			return 1;
		sx_state_path(&path, "/run", "/tmp", geteuid());
	}
	pthread_barrier_wait(&control->barrier);
	int r = sx_state_open(&st, &path, NULL);
	snprintf(key, sizeof(key), "%u", number);
	if (r == SX_STATE_SHARED)
		sx_server_count_attempt(sx_state_server(&st, key, key));
	pthread_barrier_wait(&control->barrier);
	for (unsigned i = 0; i < SX_STATE_SERVERS; i++)
		n += sx_state_server_at(&st, i) != NULL;
	sx_state_close(&st);
	return r != SX_STATE_SHARED || n != N_CREATORS;
}

static void create_at_once(void)
{
	for (unsigned i = 0; i < N_FILES; i++) {
		make_control(N_CREATORS);
		ck_assert_uint_eq(fix_processes(N_CREATORS, create), 0);
		ck_assert_int_eq(unlink(fix_file(FIX_STATE)), 0);
		/* there was no other, and the folder goes as well */
		ck_assert_int_eq(rmdir(fix_file("run/socksify")), 0);
	}
}

START_TEST(sixteen_processes_make_one_file)
{
	create_at_once();
}
END_TEST

/* Files without a name cannot get one there. */
START_TEST(sixteen_processes_make_one_file_without_proc)
{
	if (!fix_is_root())
		return;
	is_without_proc = true;
	create_at_once();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		eight_processes_count_exactly,
		eight_threads_count_exactly,
		ats_23_one_of_eight_processes_gets_the_probe_of_each_window,
		no_mark_of_eight_processes_is_lost,
		ats_21_one_of_eight_processes_begins_a_new_row,
		eight_processes_claim_each_record_once,
		sixteen_processes_make_one_file,
		sixteen_processes_make_one_file_without_proc,
	};
	Suite *suite = suite_create("state_race");

	fix_add_tests(suite, "races", tests, N_ELEMENTS(tests));
	return sx_unit_main(suite);
}

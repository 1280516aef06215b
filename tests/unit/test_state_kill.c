/*
 * Processes killed at any instruction while eight others use the shared
 * state: nobody hangs, no record is wrong, and nothing lies about.
 */
#include "core/counters.h"
#include "core/health.h"
#include "core/learned.h"
#include "state_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

enum {
	N_WORKERS = 8,
	N_KILLS = 1000,
	N_KILLS_AT_BIRTH = 300,
	N_SERVERS = 4,
	N_IN_POOL = 5,
	N_CLAIMS = 200,
	RETRY = 50,
	WEEK = 7 * 24 * 3600,
};

/* Longer than a word, so that they can be half written. */
static const char *const names[N_SERVERS] = {
	"socks5://first.example:1080",
	"socks5://second-server.example:1081",
	"socks4://192.0.2.3:1082",
	"socks5://[2001:db8::4]:1083",
};

/* What the processes have in common apart from the state. */
static struct control {
	_Atomic uint64_t clock_ms;
	_Atomic uint64_t n_rounds[N_WORKERS];
	_Atomic unsigned n_started, n_admitted;
	_Atomic int place[N_SERVERS]; /* of the record, plus 1 */
	_Atomic int is_over;
} * control;

static struct sx_state st;
static uint64_t chance_state;

static unsigned chance(unsigned n)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return (unsigned)((chance_state >> 20) % n);
}

static void wait_us(unsigned us)
{
	struct timespec t = {.tv_nsec = us * 1000L};

	nanosleep(&t, NULL);
}

/* Every process finds the same record, whoever claimed it. */
static struct sx_server_state *server(unsigned i)
{
	struct sx_server_state *s = sx_state_server(&st, names[i], names[i]);
	char name[SX_RECORD_NAME_SIZE];
	int none = 0;

	if (!s || strcmp(sx_record_name(&s->record, name), names[i]) != 0)
		return NULL;
	int place = (int)(s - st.map->servers) + 1;
	if (!atomic_compare_exchange_strong(&control->place[i], &none, place) &&
		none != place)
		return NULL;
	return s;
}

static void attempt(struct sx_server_state *s)
{
	uint64_t now = atomic_fetch_add(&control->clock_ms, 1);
	enum sx_admission admission = sx_server_admit(s, now, 2, RETRY);

	atomic_fetch_add(&control->n_admitted, admission != SX_ADMIT_DOWN);
	sx_server_count_attempt(s);
	if (chance(3)) {
		sx_server_count_success(s, chance(1000000));
		sx_server_mark_ok(s);
		return;
	}
	sx_server_count_failure(s, (enum sx_failure)chance(SX_N_FAILURES));
	sx_server_mark_failed(s, now, RETRY);
}

static void learn(struct sx_server_state *s)
{
	sx_server_set_pipeline(s, (enum sx_pipelining)chance(3), 1000);
	sx_server_set_lack(
		s, (enum sx_lack)chance(2), chance(2), 1000 + chance(WEEK));
	sx_pool_latch(sx_state_pool(&st, "p", "p"), chance(N_IN_POOL));
}

static uint64_t n_outcomes(const struct sx_counters *c)
{
	uint64_t n = c->successes;

	for (unsigned i = 0; i < SX_N_FAILURES; i++)
		n += c->failures[i];
	return n;
}

static uint64_t n_handshakes(const struct sx_counters *c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SX_HISTOGRAM_SIZE; i++)
		n += c->handshakes[i];
	return n;
}

static bool counters_are_right(const struct sx_server_state *s)
{
	struct sx_counters c;

	sx_server_counters(s, &c);
	return n_outcomes(&c) <= c.attempts &&
	       n_handshakes(&c) <= c.successes && c.handshakes[20] == 0;
}

/* When nobody is at work: each kill can have lost one count of a kind. */
static uint64_t n_unfinished(const struct sx_server_state *s)
{
	struct sx_counters c;

	sx_server_counters(s, &c);
	return (c.attempts - n_outcomes(&c)) + (c.successes - n_handshakes(&c));
}

/* Only what somebody has written, in the words it was written to. */
static bool is_right(const struct sx_server_state *s)
{
	uint64_t at = sx_server_failed_at(s);
	uint64_t pipeline = atomic_load(&s->pipeline);

	for (unsigned i = 0; i < N_ELEMENTS(s->spare); i++)
		if (atomic_load(&s->spare[i]) != 0)
			return false;
	return at <= atomic_load(&control->clock_ms) &&
	       (at == 0 || at >= 1000000) &&
	       (pipeline == 0 || pipeline >> 8 == 1000) &&
	       sx_server_pipeline(s, 1000) <= SX_PIPELINING_UNSAFE &&
	       counters_are_right(s);
}

static bool pool_is_right(void)
{
	struct sx_pool_state *p = sx_state_pool(&st, "p", "p");

	return p && sx_pool_turn(p, N_IN_POOL) < N_IN_POOL &&
	       atomic_load(&p->latched) < N_IN_POOL;
}

/* No more records than there are keys. */
static bool list_is_right(void)
{
	unsigned n = 0, n_pools = 0;

	for (unsigned i = 0; i < SX_STATE_SERVERS; i++)
		n += sx_state_server_at(&st, i) != NULL;
	for (unsigned i = 0; i < SX_STATE_POOLS; i++)
		n_pools += sx_state_pool_at(&st, i) != NULL;
	return n <= N_SERVERS && n_pools <= 1;
}

static bool one_round(void)
{
	struct sx_server_state *s = server(chance(N_SERVERS));

	if (!s)
		return false;
	attempt(s);
	if (chance(4) == 0)
		learn(s);
	return is_right(s) && pool_is_right();
}

static bool open_again(void)
{
	struct sx_state_path path = fix_path();

	return sx_state_open(&st, &path, NULL) == SX_STATE_SHARED;
}

/* 0 if all was right until the end. */
static int work(unsigned number)
{
	chance_state = number * 7919 + 1;
	if (!open_again())
		return 1;
	while (!atomic_load(&control->is_over)) {
		for (unsigned i = 0; i < 50; i++)
			if (!one_round())
				return 2;
		if (!list_is_right())
			return 3;
		atomic_fetch_add(&control->n_rounds[number], 1);
		wait_us(100);
	}
	return 0;
}

static void be_killed(unsigned number)
{
	chance_state = number * 104729 + 1;
	atomic_fetch_add(&control->n_started, 1);
	while (open_again()) {
		for (unsigned i = 0; i < 20; i++)
			if (!one_round())
				_exit(1);
		sx_state_close(&st);
	}
	_exit(1);
}

/* Starts one, lets it run for a while, and kills it. */
static void kill_one(unsigned number, void (*victim)(unsigned), unsigned max_us)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		victim(number);
	while (atomic_load(&control->n_started) <= number)
		wait_us(10);
	wait_us(chance(max_us));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* it found nothing wrong before */
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void make_control(void)
{
	control = fix_shared(sizeof(*control));
	control->clock_ms = 1000000;
	chance_state = 42;
}

static void start_workers(pid_t pids[N_WORKERS])
{
	for (unsigned i = 0; i < N_WORKERS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			_exit(work(i));
	}
}

/* All get on, even now; then they end. */
static void end_workers(const pid_t pids[N_WORKERS])
{
	int status;

	for (unsigned i = 0; i < N_WORKERS; i++) {
		uint64_t n = atomic_load(&control->n_rounds[i]);
		while (atomic_load(&control->n_rounds[i]) <= n + 1) {
			ck_assert_int_eq(waitpid(pids[i], &status, WNOHANG), 0);
			wait_us(100);
		}
	}
	atomic_store(&control->is_over, 1);
	for (unsigned i = 0; i < N_WORKERS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
}

START_TEST(killed_processes_leave_right_records)
{
	pid_t pids[N_WORKERS];
	uint64_t n = 0;

	make_control();
	start_workers(pids);
	for (unsigned i = 0; i < N_KILLS; i++)
		kill_one(i, be_killed, 400);
	end_workers(pids);
	fix_open(&st);
	for (unsigned i = 0; i < N_SERVERS; i++) {
		ck_assert_ptr_nonnull(server(i));
		ck_assert(is_right(server(i)));
		n += n_unfinished(server(i));
	}
	ck_assert_uint_le(n, N_KILLS);
	ck_assert(list_is_right());
	ck_assert_uint_gt(control->n_admitted, 0);
	sx_state_close(&st);
}
END_TEST

static const char *claim_name(unsigned i)
{
	static char name[SX_RECORD_NAME_SIZE];

	snprintf(name, sizeof(name), "socks5://a-server-of-number-%u.example",
		i);
	return name;
}

static bool claim_all(void)
{
	char name[SX_RECORD_NAME_SIZE];

	for (unsigned i = 0; i < N_CLAIMS; i++) {
		struct sx_server_state *s =
			sx_state_server(&st, claim_name(i), claim_name(i));
		if (!s || strcmp(sx_record_name(&s->record, name),
				  claim_name(i)) != 0)
			return false;
		sx_server_count_attempt(s);
	}
	return true;
}

static void be_killed_at_birth(unsigned number)
{
	(void)number;
	atomic_fetch_add(&control->n_started, 1);
	if (!open_again() || !claim_all())
		_exit(1);
	for (;;)
		pause();
}

/* What a killed process has left in the folder. */
static unsigned count_left(void)
{
	const char *folder = fix_file("run/socksify");

	return access(folder, F_OK) == 0 ? fix_count_entries(folder) : 0;
}

START_TEST(killed_processes_leave_a_whole_file_or_none)
{
	make_control();
	for (unsigned i = 0; i < N_KILLS_AT_BIRTH; i++) {
		unsigned n = 0;
		kill_one(i, be_killed_at_birth, 150);
		ck_assert_uint_le(count_left(), 1);
		fix_open(&st);
		ck_assert(claim_all());
		for (unsigned k = 0; k < SX_STATE_SERVERS; k++)
			n += sx_state_server_at(&st, k) != NULL;
		ck_assert_uint_eq(n, N_CLAIMS);
		sx_state_close(&st);
		ck_assert_int_eq(unlink(fix_file(FIX_STATE)), 0);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		killed_processes_leave_right_records,
		killed_processes_leave_a_whole_file_or_none,
	};
	Suite *suite = suite_create("state_kill");

	fix_add_tests(suite, "kills", tests, N_ELEMENTS(tests));
	return sx_unit_main(suite);
}

/*
 * Processes killed at any instruction while eight others look names up in the
 * same table and a day passes with every 48th: what was answered to a living
 * process stays true, and nothing is lost for ever.
 */
#include "fakedns_fixture.h"
#include "state_fixture.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

enum {
	N_WORKERS = 8,
	N_KILLS = 1000,
	N_KILLS_AT_WRITING = 200,
	N_RECORDS = 4000,
	N_AT_A_TIME = 1000, /* names that are asked for, and so many are new */
	N_NEW = 20,         /* with each kill: 2000 a day */
	N_HELD = 64,
	STEP_S = 1800,
	DAY_S = 24 * 3600,
};

static struct control {
	_Atomic long clock_s;
	_Atomic unsigned first; /* name */
	_Atomic unsigned n_started, n_checked, n_lost, n_written;
	_Atomic unsigned n_rounds[N_WORKERS];
	_Atomic int is_over;
} * control;

/* What a process was told, and when it used it last. */
struct held {
	unsigned name;
	struct sx_ip ip;
	long used_s; /* 0: nothing */
};

static struct sx_fakedns *table;
static struct sx_state_path path;
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

static bool open_again(void)
{
	sx_fakedns_free(table);
	if (sx_fakedns_new(&table, &fix_sys, N_RECORDS))
		return false;
	sx_fakedns_share(table, &path);
	return true;
}

static bool leads_to(const struct sx_ip *ip, unsigned name)
{
	char back[SX_NAME_MAX + 1];

	return sx_fakedns_name(table, ip, back) &&
	       strcmp(back, fix_name(name)) == 0;
}

/* Unless a day has passed while we slept. */
static bool is_true_still(struct held *h)
{
	long now_s = control->clock_s;

	if (h->used_s && !leads_to(&h->ip, h->name) &&
		control->clock_s - h->used_s < DAY_S) {
		control->n_lost++;
		return false;
	}
	control->n_checked += h->used_s != 0;
	if (control->clock_s - h->used_s < DAY_S)
		h->used_s = now_s;
	else
		h->used_s = 0;
	return true;
}

static bool one_round(struct held held[N_HELD])
{
	struct held *h = &held[chance(N_HELD)];

	if (!is_true_still(h))
		return false;
	h->name = control->first + chance(N_AT_A_TIME);
	h->used_s = control->clock_s;
	if (sx_fakedns_get(table, fix_name(h->name), AF_INET, &h->ip))
		return false;
	return is_true_still(h) && is_true_still(&held[chance(N_HELD)]);
}

static int work(unsigned number)
{
	struct held held[N_HELD] = {0};

	chance_state = number * 7919 + 1;
	if (!open_again())
		return 1;
	while (!control->is_over) {
		for (unsigned i = 0; i < 50; i++)
			if (!one_round(held))
				return 2;
		control->n_rounds[number]++;
		wait_us(100);
	}
	return 0;
}

static void be_killed(unsigned number)
{
	struct held held[N_HELD] = {0};

	chance_state = number * 104729 + 1;
	control->n_started++;
	while (open_again())
		for (unsigned i = 0; i < 50; i++)
			if (!one_round(held))
				_exit(1);
	_exit(1);
}

/* Nothing but new names: half of the time a record is being written. */
static void be_killed_at_writing(unsigned number)
{
	struct sx_ip ip;

	control->n_started++;
	if (!open_again())
		_exit(1);
	for (unsigned i = 0;; i++) {
		sx_fakedns_get(
			table, fix_name(number * 100000 + i), AF_INET, &ip);
		control->n_written++;
	}
}

/* Starts one, lets it run for a while, and kills it. */
static void kill_one(unsigned number, void (*victim)(unsigned))
{
	unsigned until = control->n_written + 1 + chance(500);
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		victim(number);
	while (control->n_started <= number)
		wait_us(10);
	if (victim == be_killed)
		wait_us(chance(400));
	else
		while (control->n_written < until)
			;
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* it found nothing wrong before */
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	control->clock_s += STEP_S;
	control->first += N_NEW;
}

static void end_workers(const pid_t pids[N_WORKERS])
{
	int status;

	for (unsigned i = 0; i < N_WORKERS; i++) {
		unsigned n = control->n_rounds[i];
		while (control->n_rounds[i] <= n + 1) {
			ck_assert_int_eq(waitpid(pids[i], &status, WNOHANG), 0);
			wait_us(100);
		}
	}
	control->is_over = 1;
	for (unsigned i = 0; i < N_WORKERS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
}

static void make_control(void)
{
	control = fix_shared(sizeof(*control));
	control->clock_s = 1000000;
	fix_clock_s = &control->clock_s;
	chance_state = 42;
	path = fix_path();
}

static void assert_all_own(void)
{
	unsigned n_own = 0;

	ck_assert(open_again());
	for (unsigned i = 0; i < SX_FAKEDNS_MAX; i++) {
		/* each look makes a name fresh, and one that nothing leads to
		 * needs room for another record */
		if (i < N_RECORDS && i % 500 == 0)
			control->clock_s += FIX_STALE_S;
		n_own += fix_is_own(table, i);
	}
	ck_assert_uint_eq(n_own, SX_FAKEDNS_MAX);
}

/* All that the killed have taken comes back. */
static void assert_all_can_be_had(void)
{
	control->clock_s += FIX_STALE_S;
	for (unsigned i = 0; i < N_RECORDS; i++)
		if (!fix_is_known(table, fix_name(1000000000 + i)))
			ck_abort_msg("no room for name %u", i);
}

START_TEST(killed_processes_leave_a_name_or_none)
{
	pid_t pids[N_WORKERS];

	make_control();
	for (unsigned i = 0; i < N_WORKERS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			_exit(work(i));
	}
	for (unsigned i = 0; i < N_KILLS; i++)
		kill_one(i, be_killed);
	end_workers(pids);
	ck_assert_uint_eq(control->n_lost, 0);
	ck_assert_uint_gt(control->n_checked, 10000);
	/* before the look at all of them, which makes all fresh: nobody may
	 * have asked for the newest yet */
	ck_assert(open_again());
	for (unsigned i = 0; i < N_AT_A_TIME; i++)
		ck_assert(fix_is_known(table, fix_name(control->first + i)));
	assert_all_own();
	assert_all_can_be_had();
	sx_fakedns_free(table);
}
END_TEST

START_TEST(killed_at_writing_they_leave_a_name_or_none)
{
	make_control();
	for (unsigned i = 0; i < N_KILLS_AT_WRITING; i++) {
		kill_one(i, be_killed_at_writing);
		control->clock_s += FIX_STALE_S;
		if (i % 100 == 0)
			assert_all_own();
	}
	assert_all_own();
	assert_all_can_be_had();
	sx_fakedns_free(table);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {killed_processes_leave_a_name_or_none,
		killed_at_writing_they_leave_a_name_or_none};
	Suite *suite = suite_create("fakedns_kill");

	fix_add_tests(suite, "kills", tests, N_ELEMENTS(tests));
	return sx_unit_main(suite);
}

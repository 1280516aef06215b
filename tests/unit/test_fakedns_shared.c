/*
 * The fake-DNS table as a file that processes share: what one looks up, the
 * others know, and what is in the file is not believed.
 */
#include "core/nametable.h"
#include "fakedns_fixture.h"
#include "state_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define FILE_OF_NAMES "run/socksify/names"
#define N_PROCESSES   8U
#define N_COMMON      3000U

static struct sx_state_path path;
static struct sx_fakedns *table;

static struct sx_fakedns *new_table(uint32_t n)
{
	struct sx_fakedns *t;

	path = fix_path();
	ck_assert_int_eq(sx_fakedns_new(&t, &fix_sys, n), 0);
	sx_fakedns_share(t, &path);
	return t;
}

static struct sx_ip get(struct sx_fakedns *t, const char *name)
{
	struct sx_ip ip;

	ck_assert_int_eq(sx_fakedns_get(t, name, AF_INET, &ip), 0);
	return ip;
}

static bool leads_to(
	struct sx_fakedns *t, const struct sx_ip *ip, const char *name)
{
	char back[SX_NAME_MAX + 1];

	return sx_fakedns_name(t, ip, back) && strcmp(back, name) == 0;
}

/* -- between processes -- */

static struct sx_ip *told; /* by processes to each other */

static int look_up(unsigned number)
{
	told[number] = get(table, fix_name(number));
	return 0;
}

START_TEST(what_one_process_looks_up_all_know)
{
	told = fix_shared(sizeof(*told) * 4);
	table = new_table(SX_FAKEDNS_MAX);
	/* the first ones before this process has opened anything */
	ck_assert_uint_eq(fix_processes(2, look_up), 0);
	for (unsigned i = 0; i < 2; i++)
		ck_assert(leads_to(table, &told[i], fix_name(i)));
	ck_assert_uint_eq(fix_processes(4, look_up), 0);
	struct sx_fakedns *other = new_table(SX_FAKEDNS_MAX);
	for (unsigned i = 0; i < 4; i++) {
		struct sx_ip ip = get(other, fix_name(i));
		ck_assert(sx_ip_equal(&ip, &told[i]));
		ck_assert(leads_to(table, &told[i], fix_name(i)));
	}
	sx_fakedns_free(other);
	sx_fakedns_free(table);
}
END_TEST

static _Atomic unsigned *n_ready;

/* All ask for the same names at the same time. */
static int look_up_all(unsigned number)
{
	struct sx_fakedns *t = new_table(SX_FAKEDNS_MAX);

	++*n_ready;
	while (*n_ready < N_PROCESSES)
		usleep(10);
	for (unsigned i = 0; i < N_COMMON; i++)
		told[number * N_COMMON + i] = get(t, fix_name(i));
	for (unsigned i = 0; i < N_COMMON; i++)
		if (!leads_to(t, &told[number * N_COMMON + i], fix_name(i)))
			return 1;
	return 0;
}

static unsigned count_named(void)
{
	char name[SX_NAME_MAX + 1];
	unsigned n = 0;

	for (unsigned i = 0; i < SX_FAKEDNS_MAX; i++) {
		struct sx_ip ip = fix_nth(i);
		n += sx_fakedns_name(table, &ip, name);
	}
	return n;
}

START_TEST(all_addresses_of_a_name_lead_to_it)
{
	told = fix_shared(sizeof(*told) * N_COMMON * N_PROCESSES);
	n_ready = fix_shared(sizeof(*n_ready));
	ck_assert_uint_eq(fix_processes(N_PROCESSES, look_up_all), 0);
	table = new_table(SX_FAKEDNS_MAX);
	unsigned n_right = 0;
	for (unsigned i = 0; i < N_COMMON * N_PROCESSES; i++)
		n_right += leads_to(table, &told[i], fix_name(i % N_COMMON));
	ck_assert_uint_eq(n_right, N_COMMON * N_PROCESSES);
	/* nearly always there is one: processes do not waste them */
	ck_assert_uint_le(count_named(), N_COMMON + N_COMMON / 10);
	sx_fakedns_free(table);
}
END_TEST

/* -- the file -- */

START_TEST(the_file_is_the_users_and_small)
{
	const struct sx_shared_file file = sx_nametable_file(SX_FAKEDNS_MAX);
	unsigned n = fix_count_entries("/proc/self/fd");
	struct stat st;

	table = new_table(SX_FAKEDNS_MAX);
	ck_assert_int_ne(access(fix_file("run/socksify"), F_OK), 0);
	for (unsigned i = 0; i < 10; i++)
		get(table, fix_name(i));
	ck_assert_uint_eq(fix_count_entries("/proc/self/fd"), n);
	ck_assert_uint_eq(fix_count_entries(fix_file("run/socksify")), 1);
	ck_assert_int_eq(stat(fix_file(FILE_OF_NAMES), &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
	ck_assert_int_eq(st.st_size, file.size);
	ck_assert_int_le(st.st_blocks * 512, 128L * 1024);
	sx_fakedns_free(table);
}
END_TEST

static int make_private(const char *why, int (*spoil)(const char *file))
{
	struct stat before, after;
	char file[256];

	strcpy(file, fix_file(FILE_OF_NAMES));
	table = new_table(SX_FAKEDNS_MAX);
	get(table, "a.example");
	sx_fakedns_free(table);
	ck_assert_msg(spoil(file) == 0, "%s", why);
	ck_assert_int_eq(stat(file, &before), 0);
	table = new_table(SX_FAKEDNS_MAX);
	struct sx_ip ip = get(table, "b.example");
	ck_assert_int_eq(stat(file, &after), 0);
	ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	ck_assert_int_eq(before.st_size, after.st_size);
	ck_assert(leads_to(table, &ip, "b.example"));
	sx_fakedns_free(table);
	return unlink(file);
}

static int cut(const char *file)
{
	return truncate(file, 4096);
}

static int show(const char *file)
{
	return chmod(file, 0644);
}

static int change_version(const char *file)
{
	int fd = open(file, O_WRONLY), version = 99;
	ssize_t n = pwrite(fd, &version, sizeof(version),
		offsetof(struct sx_shared_head, version));

	return close(fd) || n != sizeof(version);
}

START_TEST(a_file_that_is_not_as_it_must_be_is_left_alone)
{
	ck_assert_int_eq(make_private("size", cut), 0);
	ck_assert_int_eq(make_private("mode", show), 0);
	ck_assert_int_eq(make_private("version", change_version), 0);
}
END_TEST

/* All of the file, in its own mapping. */
static uint64_t *map_all(uint32_t n, size_t *n_words)
{
	const struct sx_shared_file file = sx_nametable_file(n);
	int fd = open(fix_file(FILE_OF_NAMES), O_RDWR);
	void *map = mmap(
		NULL, file.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	close(fd);
	*n_words = file.size / sizeof(uint64_t);
	return map;
}

/* Whatever has a name has one of ours. */
static void assert_sound(unsigned n_names)
{
	char name[SX_NAME_MAX + 1];
	unsigned i;

	for (unsigned k = 0; k < SX_FAKEDNS_MAX; k++) {
		struct sx_ip ip = fix_nth(k);
		if (sx_fakedns_name(table, &ip, name) &&
			(sscanf(name, "n%u.example", &i) != 1 ||
				strcmp(name, fix_name(i)) != 0 || i >= n_names))
			ck_abort_msg("%s", name);
	}
}

static uint64_t chance(void)
{
	static uint64_t state = 4711;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

START_TEST(damage_makes_no_name_wrong)
{
	const unsigned n = 1000;
	struct sx_ip ip;
	size_t n_words;

	table = new_table(n);
	for (unsigned i = 0; i < n / 2; i++)
		get(table, fix_name(i));
	uint64_t *words = map_all(n, &n_words);
	for (unsigned round = 0; round < 200; round++) {
		/* behind the head; single bits, words, pages */
		size_t at = 512 + chance() % (n_words - 512);
		size_t size = round % 3 ? 1 : 1 + chance() % 512;
		for (size_t i = at; i < at + size && i < n_words; i++)
			words[i] ^= round % 3 == 1 ? 1ULL << chance() % 64
						   : chance();
		for (unsigned i = 0; i < 20; i++) {
			const char *name = fix_name((unsigned)(chance() % n));
			if (sx_fakedns_get(table, name, AF_INET, &ip) == 0)
				ck_assert(leads_to(table, &ip, name));
		}
		if (round % 20 == 0)
			assert_sound(n);
	}
	assert_sound(n);
	sx_fakedns_free(table);
}
END_TEST

START_TEST(a_file_of_nonsense_does_no_harm)
{
	static const uint64_t fillings[] = {0, UINT64_MAX, 2, 1};
	const unsigned n = 300;
	struct sx_ip ip;
	size_t n_words;

	table = new_table(n);
	get(table, "a.example");
	uint64_t *words = map_all(n, &n_words);
	for (unsigned f = 0; f <= N_ELEMENTS(fillings); f++) {
		for (size_t i = 4; i < n_words; i++)
			words[i] = f < N_ELEMENTS(fillings) ? fillings[f]
							    : chance();
		ck_assert_uint_eq(count_named(), 0);
		for (unsigned i = 0; i < 50; i++)
			if (!sx_fakedns_get(table, fix_name(i), AF_INET, &ip))
				ck_assert(leads_to(table, &ip, fix_name(i)));
	}
	sx_fakedns_free(table);
}
END_TEST

/* Another name under the same hash: as if it had been written by hand. */
START_TEST(a_name_that_its_hash_does_not_fit_is_none)
{
	size_t n_words;

	table = new_table(10);
	struct sx_ip ip = get(table, "good.example");
	uint64_t *words = map_all(10, &n_words);
	for (size_t i = 0; i < n_words; i++)
		if (memcmp(&words[i], "good.exa", 8) == 0)
			memcpy(&words[i], "evil.exa", 8);
	ck_assert(!leads_to(table, &ip, "good.example"));
	ck_assert(!leads_to(table, &ip, "evil.example"));
	/* and the name gets another address */
	struct sx_ip again = get(table, "good.example");
	ck_assert(!sx_ip_equal(&ip, &again));
	ck_assert(leads_to(table, &again, "good.example"));
	sx_fakedns_free(table);
}
END_TEST

/* As above, but with the right hash. */
START_TEST(a_name_in_another_form_is_none)
{
	static const char *const bad[] = {"Upper.example", "a..example",
		"two words", "dot.example.", "evil\n", "-x"};
	char name[SX_NAME_MAX + 1];

	table = new_table(100);
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		struct sx_ip ip = get(table, bad[i]);
		ck_assert(!sx_fakedns_name(table, &ip, name));
	}
	sx_fakedns_free(table);
}
END_TEST

START_TEST(errno_is_kept)
{
	struct sx_ip ip = fix_nth(5);
	char name[SX_NAME_MAX + 1];

	for (int i = 0; i < 4; i++) { /* with a file and without */
		table = new_table(SX_FAKEDNS_MAX);
		if (i == 2)
			ck_assert_int_eq(chmod(fix_file(FILE_OF_NAMES), 0), 0);
		errno = EXDEV;
		if (i % 2)
			sx_fakedns_name(table, &ip, name);
		else
			sx_fakedns_get(table, "a.example", AF_INET, &ip);
		ck_assert_int_eq(errno, EXDEV);
		sx_fakedns_free(table);
	}
}
END_TEST

/* -- time -- */

static struct sx_namerecord *records(uint32_t n)
{
	size_t n_words;

	/* the head and a page of the index */
	return (void *)(map_all(n, &n_words) + 2 * 4096 / sizeof(uint64_t));
}

START_TEST(a_record_that_nobody_finishes_makes_room_in_a_day)
{
	const unsigned n = 15;
	struct sx_ip ip;

	table = new_table(n);
	for (unsigned i = 0; i < n; i++)
		get(table, fix_name(i));
	struct sx_namerecord *r = records(n);
	for (unsigned i = 0; i < n; i++)
		r[i].state -= 1; /* as if its writer were dead */
	char name[SX_NAME_MAX + 1];
	for (unsigned i = 0; i < SX_FAKEDNS_MAX; i++) {
		ip = fix_nth(i);
		if (sx_fakedns_name(table, &ip, name))
			ck_abort_msg("%s", name);
	}
	ck_assert_int_eq(
		sx_fakedns_get(table, fix_name(3), AF_INET, &ip), -EAGAIN);
	*fix_clock_s += FIX_STALE_S;
	for (unsigned i = 0; i < n; i++)
		ck_assert(fix_is_known(table, fix_name(i)));
	sx_fakedns_free(table);
}
END_TEST

START_TEST(a_full_table_is_looked_through_once_a_minute)
{
	const unsigned n = 1000;
	struct sx_ip ip;
	size_t n_words;

	table = new_table(n);
	for (unsigned i = 0; i < n; i++)
		get(table, fix_name(i));
	struct sx_nametable_head *head = (void *)map_all(n, &n_words);
	ck_assert_uint_eq(head->next, n);
	for (unsigned i = 0; i < 50; i++)
		sx_fakedns_get(table, "more.example", AF_INET, &ip);
	ck_assert_uint_eq(head->next, 2 * n);
	*fix_clock_s += 60;
	sx_fakedns_get(table, "more.example", AF_INET, &ip);
	ck_assert_uint_eq(head->next, 3 * n);
	sx_fakedns_free(table);
}
END_TEST

/* Makes all states those of another boot. */
static void reboot(uint32_t n)
{
	struct sx_namerecord *r = records(n);
	struct sx_shared_head *head = (void *)((char *)r - 2 * 4096);

	head->boot ^= 1ULL << 60;
	for (unsigned i = 0; i < n; i++)
		r[i].state ^= 1ULL << 40;
}

START_TEST(after_a_boot_names_are_known_and_make_room)
{
	const unsigned n = 15; /* a page of records */
	struct sx_ip old[15];

	table = new_table(n);
	for (unsigned i = 0; i < n; i++)
		old[i] = get(table, fix_name(i));
	reboot(n);
	*fix_clock_s += 3600;
	sx_fakedns_free(table);
	table = new_table(n);
	ck_assert(leads_to(table, &old[7], fix_name(7)));
	for (unsigned i = 0; i < n - 1; i++)
		ck_assert(fix_is_known(table, fix_name(100 + i)));
	ck_assert(leads_to(table, &old[7], fix_name(7)));
	ck_assert_int_eq(
		sx_fakedns_get(table, "more.example", AF_INET, &old[0]),
		-EAGAIN);
	sx_fakedns_free(table);
}
END_TEST

/* Whoever holds a record at rest finds it unwritten. */
START_TEST(a_record_is_written_once_a_minute)
{
	table = new_table(1);
	struct sx_ip ip = get(table, "a.example");
	const _Atomic uint64_t *state = &records(1)->state;
	*fix_clock_s -= *fix_clock_s % 60;
	leads_to(table, &ip, "a.example");
	uint64_t was = *state;
	ck_assert_uint_ne(was, 0);
	for (unsigned i = 0; i < 59; i++) {
		++*fix_clock_s;
		leads_to(table, &ip, "a.example");
		get(table, "a.example");
		ck_assert_uint_eq(*state, was);
	}
	++*fix_clock_s;
	leads_to(table, &ip, "a.example");
	ck_assert_uint_ne(*state, was);
	sx_fakedns_free(table);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_one_process_looks_up_all_know,
		all_addresses_of_a_name_lead_to_it,
		the_file_is_the_users_and_small,
		a_file_that_is_not_as_it_must_be_is_left_alone,
		damage_makes_no_name_wrong,
		a_file_of_nonsense_does_no_harm,
		a_name_that_its_hash_does_not_fit_is_none,
		a_name_in_another_form_is_none,
		a_full_table_is_looked_through_once_a_minute,
		errno_is_kept,
		a_record_that_nobody_finishes_makes_room_in_a_day,
		after_a_boot_names_are_known_and_make_room,
		a_record_is_written_once_a_minute,
	};
	Suite *suite = suite_create("fakedns_shared");

	fix_add_tests(suite, "file", tests, N_ELEMENTS(tests));
	return sx_unit_main(suite);
}

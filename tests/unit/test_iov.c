/*
 * iovecs, and the table of descriptor numbers.
 */
#include "hook/fdtab.h"
#include "hook/io.h"
#include "unit.h"

#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char parts[5][64];
static struct iovec iov[5];

/* Cuts text into pieces of these lengths; the rest of each part is '-'. */
static unsigned lay_out(const char *text, const unsigned lens[5])
{
	unsigned n = 0;

	memset(parts, '-', sizeof(parts));
	for (; n < 5 && lens[n] != 99; n++) {
		size_t have = strlen(text);
		memcpy(parts[n], text, have < lens[n] ? have : lens[n]);
		text += have < lens[n] ? have : lens[n];
		iov[n] = (struct iovec){parts[n], lens[n]};
	}
	return n;
}

static const char *all(unsigned n)
{
	static char text[400];
	size_t len = sx_iov_read(iov, n, 0, text, sizeof(text) - 1);

	text[len] = '\0';
	return text;
}

static const unsigned cuts[][5] = {{26, 99}, {1, 25, 99}, {10, 0, 6, 10, 99},
	{0, 0, 26, 99}, {5, 5, 5, 5, 6}, {25, 1, 99}};

START_TEST(what_is_scattered_is_read_from_any_place)
{
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		unsigned n = lay_out("abcdefghijklmnopqrstuvwxyz", cuts[i]);
		char out[4] = "";

		ck_assert_uint_eq(sx_iov_len(iov, n), 26);
		ck_assert_str_eq(all(n), "abcdefghijklmnopqrstuvwxyz");
		ck_assert_uint_eq(sx_iov_read(iov, n, 9, out, 3), 3);
		ck_assert_str_eq(out, "jkl");
		ck_assert_uint_eq(sx_iov_read(iov, n, 24, out, 3), 2);
		ck_assert_uint_eq(sx_iov_read(iov, n, 26, out, 3), 0);
	}
}
END_TEST

START_TEST(it_moves_both_ways_over_itself)
{
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		unsigned n = lay_out("abcdefghijklmnopqrstuvwxyz", cuts[i]);

		sx_iov_move(iov, n, 10, 13, 13);
		ck_assert_str_eq(all(n), "abcdefghijnopqrstuvwxyzxyz");
		sx_iov_move(iov, n, 13, 10, 13);
		ck_assert_str_eq(all(n), "abcdefghijnopnopqrstuvwxyz");
		sx_iov_move(iov, n, 3, 3, 20);
		ck_assert_str_eq(all(n), "abcdefghijnopnopqrstuvwxyz");
	}
}
END_TEST

/* More than it copies at once. */
START_TEST(a_large_payload_moves_as_a_whole)
{
	static char big[5000], want[5000];
	const struct iovec two[] = {{big, 1234}, {big + 1234, 3766}};

	for (unsigned i = 0; i < sizeof(big); i++)
		want[i] = big[i] = (char)(i * 7 + i / 251);
	sx_iov_move(two, 2, 10, 22, sizeof(big) - 22);
	memmove(want + 10, want + 22, sizeof(big) - 22);
	ck_assert_mem_eq(big, want, sizeof(big));
	sx_iov_move(two, 2, 22, 10, sizeof(big) - 22);
	memmove(want + 22, want + 10, sizeof(big) - 22);
	ck_assert_mem_eq(big, want, sizeof(big));
}
END_TEST

static struct sx_fdtab tab;
static int one, other;

START_TEST(numbers_mean_what_they_were_set_to)
{
	static const int fds[] = {0, 1, 1023, 1024, 70000};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		ck_assert_int_eq(sx_fdtab_set(&tab, fds[i], &one), 0);
	ck_assert_int_eq(sx_fdtab_set(&tab, 1, &other), 0);
	ck_assert_uint_eq(tab.n, 5);
	ck_assert_ptr_eq(sx_fdtab_get(&tab, 1), &other);
	ck_assert_ptr_eq(sx_fdtab_get(&tab, 1024), &one);
	ck_assert_ptr_null(sx_fdtab_get(&tab, 2));
	ck_assert_ptr_null(sx_fdtab_get(&tab, -1));
	ck_assert_int_eq(sx_fdtab_next(&tab, 2), 1023);
	ck_assert_int_eq(sx_fdtab_next(&tab, 1025), 70000);
	ck_assert_int_eq(sx_fdtab_next(&tab, 70001), -1);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		sx_fdtab_set(&tab, fds[i], NULL);
	sx_fdtab_set(&tab, 5, NULL);
	ck_assert_uint_eq(tab.n, 0);
	ck_assert_int_eq(sx_fdtab_next(&tab, 0), -1);
	ck_assert_int_lt(sx_fdtab_set(&tab, -1, &one), 0);
}
END_TEST

START_TEST(another_process_has_none_until_it_inherits_them)
{
	sx_fdtab_set(&tab, 7, &one);
	pid_t child = fork();
	if (child == 0) {
		bool ok = !sx_fdtab_own(&tab, 7);
		sx_fdtab_inherit(&tab);
		_exit(ok && sx_fdtab_own(&tab, 7) == &one ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_ptr_eq(sx_fdtab_own(&tab, 7), &one);
	sx_fdtab_set(&tab, 7, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("iov");
	TCase *c = tcase_create("iov");

	tcase_add_test(c, what_is_scattered_is_read_from_any_place);
	tcase_add_test(c, it_moves_both_ways_over_itself);
	tcase_add_test(c, a_large_payload_moves_as_a_whole);
	tcase_add_test(c, numbers_mean_what_they_were_set_to);
	tcase_add_test(c, another_process_has_none_until_it_inherits_them);
	suite_add_tcase(s, c);
	return sx_unit_main(s);
}

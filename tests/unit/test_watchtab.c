/*
 * What is known of registrations in epoll sets.
 */
#include "hook/watchtab.h"
#include "unit.h"

#include <sys/wait.h>
#include <unistd.h>

#define N_FDS  3000
#define A_SET  70
#define IN_OUT (EPOLLIN | EPOLLOUT)

static struct sx_watchtab_item items[SX_WATCHTAB_SETS];

static void put(int set, int fd, uint32_t events, uint64_t data)
{
	sx_watchtab_put(set, fd,
		&(struct epoll_event){.events = events, .data.u64 = data});
}

START_TEST(nothing_goes_for_want_of_room)
{
	for (int fd = 0; fd < N_FDS; fd++)
		for (int set = 0; set < (int)SX_WATCHTAB_SETS; set++)
			put(A_SET + set, fd, IN_OUT, (uint64_t)(fd + set));
	for (int fd = 0; fd < N_FDS; fd++) {
		ck_assert_int_eq(sx_watchtab_get(fd, items), SX_WATCHTAB_SETS);
		for (int i = 0; i < (int)SX_WATCHTAB_SETS; i++) {
			ck_assert_int_eq(items[i].set, A_SET + i);
			ck_assert_uint_eq(items[i].event.events, IN_OUT);
			ck_assert_uint_eq(
				items[i].event.data.u64, (uint64_t)(fd + i));
		}
	}
	ck_assert_int_eq(sx_watchtab_get(N_FDS, items), 0);
}
END_TEST

START_TEST(the_latest_counts)
{
	put(A_SET, 5, EPOLLIN, 1);
	put(A_SET, 5, EPOLLOUT | EPOLLET, 2);
	ck_assert_int_eq(sx_watchtab_get(5, items), 1);
	ck_assert_uint_eq(items[0].event.events, EPOLLOUT | EPOLLET);
	ck_assert_uint_eq(items[0].event.data.u64, 2);
	put(A_SET + 1, 5, EPOLLIN, 3);
	sx_watchtab_put(A_SET, 5, NULL);
	sx_watchtab_put(A_SET + 2, 5, NULL);
	ck_assert_int_eq(sx_watchtab_get(5, items), 1);
	ck_assert_int_eq(items[0].set, A_SET + 1);
	sx_watchtab_clear(5);
	ck_assert_int_eq(sx_watchtab_get(5, items), 0);
}
END_TEST

START_TEST(with_too_many_sets_it_is_not_known)
{
	for (int set = 0; set <= (int)SX_WATCHTAB_SETS; set++)
		put(A_SET + set, 5, EPOLLIN, 0);
	put(A_SET, 6, EPOLLIN, 0);
	ck_assert_int_eq(sx_watchtab_get(5, items), -1);
	sx_watchtab_put(A_SET, 5, NULL);
	ck_assert_int_eq(sx_watchtab_get(5, items), -1);
	ck_assert_int_eq(sx_watchtab_get(6, items), 1);
	sx_watchtab_clear(5);
	ck_assert_int_eq(sx_watchtab_get(5, items), 0);
}
END_TEST

START_TEST(a_number_beyond_the_table_makes_all_unknown)
{
	put(A_SET, 5, EPOLLIN, 0);
	sx_watchtab_clear(1 << 30);
	ck_assert_int_eq(sx_watchtab_get(5, items), 1);
	put(A_SET, 1 << 30, EPOLLIN, 0);
	ck_assert_int_eq(sx_watchtab_get(5, items), -1);
}
END_TEST

static int count_in_child(void)
{
	sx_watchtab_clear(5);
	return sx_watchtab_get(5, items);
}

/* One that does not know that it is a child has its parent's table. */
START_TEST(only_the_owner_clears)
{
	int status;

	put(A_SET, 5, EPOLLIN, 0);
	pid_t child = fork();
	if (child == 0) {
		int before = count_in_child();
		sx_watchtab_inherit();
		_exit(before == 1 && count_in_child() == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("watchtab");
	TCase *c = tcase_create("watchtab");

	tcase_add_test(c, nothing_goes_for_want_of_room);
	tcase_add_test(c, the_latest_counts);
	tcase_add_test(c, with_too_many_sets_it_is_not_known);
	tcase_add_test(c, a_number_beyond_the_table_makes_all_unknown);
	tcase_add_test(c, only_the_owner_clears);
	suite_add_tcase(s, c);
	return sx_unit_main(s);
}

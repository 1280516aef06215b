/*
 * What is known of a socket, by its cookie: over dup, close, reuse and fork.
 */
#include "hook/hook.h"
#include "hook/socktab.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in6 peer(unsigned number)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	in6.sin6_port = htons((uint16_t)number);
	memcpy(in6.sin6_addr.s6_addr, &number, sizeof(number));
	in6.sin6_scope_id = ~number;
	return in6;
}

static void put(int fd, unsigned number)
{
	struct sockaddr_in6 in6 = peer(number);

	sx_socktab_put(fd, (struct sockaddr *)&in6, sizeof(in6));
}

static bool has(int fd, unsigned number)
{
	struct sockaddr_in6 want = peer(number), got = {0};
	socklen_t len = sizeof(got);

	return sx_socktab_peer(fd, (struct sockaddr *)&got, &len) &&
	       len == sizeof(got) && memcmp(&want, &got, len) == 0;
}

static bool has_any(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return sx_socktab_peer(fd, (struct sockaddr *)&ss, &len);
}

static int tcp(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* The hooks' own, over plain libc. */
bool sx_hook_cookie(int fd, uint64_t *cookie)
{
	socklen_t len = sizeof(*cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &len) == 0;
}

START_TEST(a_socket_keeps_its_peer_under_every_number)
{
	int fd = tcp();
	put(fd, 7);
	int copy = dup(fd);

	ck_assert(has(copy, 7));
	close(fd);
	ck_assert(has(copy, 7));
	close(copy);
}
END_TEST

START_TEST(a_number_that_is_used_again_has_no_peer)
{
	int fd = tcp();
	put(fd, 7);
	close(fd);
	int next = tcp();

	ck_assert_int_eq(next, fd);
	ck_assert(!has_any(next));
	close(next);
}
END_TEST

START_TEST(a_child_knows_its_parents_sockets)
{
	int fd = tcp(), status;
	put(fd, 9);
	pid_t pid = fork();

	if (pid == 0)
		_exit(has(fd, 9) ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(fd);
}
END_TEST

START_TEST(the_last_peer_counts_and_can_be_forgotten)
{
	int fd = tcp();

	put(fd, 1);
	put(fd, 2);
	ck_assert(has(fd, 2));
	sx_socktab_forget(fd);
	ck_assert(!has_any(fd));
	put(fd, 3);
	ck_assert(has(fd, 3));
	close(fd);
}
END_TEST

START_TEST(the_address_is_cut_to_the_callers_room_and_its_length_told)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = 5};
	char room[8], after = 'x';
	struct {
		char buf[4];
		char guard;
	} small = {.guard = after};
	socklen_t len = sizeof(small.buf);
	int fd = tcp();

	sx_socktab_put(fd, (struct sockaddr *)&in, sizeof(in));
	ck_assert(sx_socktab_peer(fd, (struct sockaddr *)(void *)&small, &len));
	ck_assert_uint_eq(len, sizeof(in));
	ck_assert_int_eq(small.guard, after);
	memcpy(room, &in, sizeof(small.buf));
	ck_assert_mem_eq(small.buf, room, sizeof(small.buf));
	close(fd);
}
END_TEST

START_TEST(thousands_of_open_sockets_each_have_their_own)
{
	enum {
		N = 900
	};
	int fds[N];

	for (unsigned i = 0; i < N; i++) {
		fds[i] = tcp();
		put(fds[i], i);
	}
	for (unsigned i = 0; i < N; i++) {
		ck_assert(has(fds[i], i));
		close(fds[i]);
	}
}
END_TEST

START_TEST(when_it_is_full_the_newest_are_still_known)
{
	for (unsigned i = 0; i < 60000; i++) {
		int fd = tcp();
		put(fd, i);
		ck_assert(has(fd, i));
		close(fd);
	}
}
END_TEST

START_TEST(no_socket_has_no_peer)
{
	int fd = tcp(), fds[2];

	put(fd, 1); /* so that the table is in use */
	ck_assert_int_eq(pipe(fds), 0);
	put(fds[0], 2);
	ck_assert(!has_any(fds[0]));
	ck_assert(!has_any(-1));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("socktab");
	TCase *t = tcase_create("socktab");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_socket_keeps_its_peer_under_every_number);
	tcase_add_test(t, a_number_that_is_used_again_has_no_peer);
	tcase_add_test(t, a_child_knows_its_parents_sockets);
	tcase_add_test(t, the_last_peer_counts_and_can_be_forgotten);
	tcase_add_test(
		t, the_address_is_cut_to_the_callers_room_and_its_length_told);
	tcase_add_test(t, thousands_of_open_sockets_each_have_their_own);
	tcase_add_test(t, when_it_is_full_the_newest_are_still_known);
	tcase_add_test(t, no_socket_has_no_peer);
	suite_add_tcase(s, t);
	return sx_unit_main(s);
}

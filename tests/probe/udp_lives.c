/*
 * Copies, threads and processes that share a socket for datagrams, and what
 * is left when it is closed. Arguments: see probe_udp.h.
 */
#include "probe_udp.h"

#include <sys/resource.h>
#include <sys/wait.h>

#define N_SOCKETS  200
#define N_THREADS  8
#define N_MESSAGES 15 /* of each */

static void copies(void)
{
	int fd = udp_connected(), other = udp_socket(0);

	int copy = dup(fd);
	udp_talk(copy);
	CHECK(dup2(fd, other) == other, "dup2");
	udp_say(other, "one", NULL);
	udp_hear(fd, "one", &udp_to);
	int third = fcntl(copy, F_DUPFD_CLOEXEC, 50);
	close(fd);
	udp_say(copy, "two", NULL);
	udp_hear(third, "two", &udp_to);
	close(copy);
	close(third);
	udp_talk(other);
}

/* Copies that were made before it ever sent anything. */
static void early_copies(void)
{
	int fd = udp_socket(0);
	int copy = dup(fd);

	udp_say(copy, "one", &udp_to);
	udp_hear(fd, "one", &udp_to);
	close(fd);
	udp_ask(copy, &udp_to);
}

/* The number is soon another socket's. */
static void number_again(void)
{
	for (int i = 0; i < 20; i++) {
		int fd = i % 2 ? udp_connected() : udp_socket(0);
		if (i % 2)
			udp_talk(fd);
		else
			udp_ask(fd, &udp_to);
		close(fd);
		int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		CHECK(tcp == fd, "number %d, not %d", tcp, fd);
		CHECK_ERR(recv(tcp, &i, 0, MSG_DONTWAIT), ENOTCONN);
		close(tcp);
	}
}

static void forked(void)
{
	int fd = udp_connected();

	udp_talk(fd);
	pid_t child = check_fork();
	if (child == 0) {
		udp_talk(fd);
		close(fd);
		_exit(0);
	}
	probe_reap(child, "child");
	udp_talk(fd);
}

/* Nothing was sent before. */
static void forked_early(void)
{
	int fd = udp_socket(0);

	pid_t child = check_fork();
	if (child == 0) {
		udp_ask(fd, &udp_to);
		_exit(0);
	}
	probe_reap(child, "child");
	udp_ask(fd, &udp_to);
	child = check_fork();
	if (child == 0) {
		udp_ask(fd, &udp_to);
		_exit(0);
	}
	probe_reap(child, "second child");
}

static void *say_all(void *arg)
{
	for (int i = 0; i < N_MESSAGES; i++)
		udp_say(*(int *)arg, "from a thread", NULL);
	return NULL;
}

/* None of them has sent before. */
static void threads(void)
{
	pthread_t all[N_THREADS];
	int fd = udp_connected();

	for (int i = 0; i < N_THREADS; i++)
		CHECK(!pthread_create(&all[i], NULL, say_all, &fd), "thread");
	for (int i = 0; i < N_THREADS * N_MESSAGES; i++)
		udp_hear(fd, "from a thread", &udp_to);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(all[i], NULL);
	udp_talk(fd);
}

static void *listen_once(void *arg)
{
	udp_hear(*(int *)arg, "for the listener", &udp_to);
	return NULL;
}

/* It waits in recvfrom() since before there is an association. */
static void waiting_thread(void)
{
	int fd = udp_connected();
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, listen_once, &fd), "thread");
	udp_say(fd, "for the listener", NULL);
	pthread_join(thread, NULL);
}

static void many_sockets(void)
{
	static int fd[N_SOCKETS];
	char text[32];

	for (int i = 0; i < N_SOCKETS; i++) {
		fd[i] = udp_socket(i % 20 ? SOCK_NONBLOCK : 0);
		snprintf(text, sizeof(text), "socket %d", i);
		udp_say(fd[i], text, &udp_to);
	}
	for (int i = 0; i < N_SOCKETS; i++) {
		snprintf(text, sizeof(text), "socket %d", i);
		udp_hear(fd[i], text, &udp_to);
		close(fd[i]);
	}
}

static void nothing_is_left(void)
{
	int n = probe_count_fds();

	for (int i = 0; i < 10; i++) {
		int fd = i % 2 ? udp_connected() : udp_socket(SOCK_NONBLOCK);
		if (i % 2)
			udp_talk(fd);
		else
			udp_ask(fd, &udp_to);
		int copy = dup(fd);
		close(fd);
		close(copy);
	}
	check_fds(n);
}

/* While an association is being made. No answer comes: the next socket, of
 * another check perhaps, may have got the port. */
static void closed_early(void)
{
	struct probe_addr discard = udp_to;
	int n = probe_count_fds();

	discard.in.sin_port = htons(9); /* where sin6_port is, too */

	for (int i = 0; i < 10; i++) {
		int fd = udp_socket(SOCK_NONBLOCK);
		udp_say(fd, "nobody waits for it", &discard);
		close(fd);
	}
	int fd = udp_socket(0);
	udp_ask(fd, &udp_to);
	close(fd);
	check_fds(n);
}

static void closes_all(void)
{
	for (int i = 0; i < 3; i++) {
		int fd = udp_connected();
		udp_talk(fd);
		udp_ask(udp_socket(0), &udp_to);
		closefrom(3);
		CHECK_ERR(send(fd, "x", 1, 0), EBADF);
	}
	CHECK(udp_socket(0) == 3, "not the number 3");
}

/* No number is free for one of the library's own. */
static void few_numbers(void)
{
	struct rlimit limit = {.rlim_cur = 8, .rlim_max = 8};
	int fd = udp_socket(0), n = probe_count_fds();

	CHECK(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	udp_ask(fd, &udp_to);
	close(fd);
	check_fds(n - 1);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"copies", copies, false},
		{"early copies", early_copies, false},
		{"a number again", number_again, false},
		{"fork", forked, false},
		{"fork, early", forked_early, false},
		{"threads", threads, false},
		{"a thread that waits", waiting_thread, false},
		{"many sockets", many_sockets, false},
		{"nothing is left", nothing_is_left, false},
		{"closed early", closed_early, false},
		{"closefrom", closes_all, false},
		{"few numbers", few_numbers, false},
	};

	return udp_run(argc, argv, checks, PROBE_LEN(checks));
}

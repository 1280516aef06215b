/*
 * Other processes while a connect is pending: children, other programs, and
 * those that are given the socket.
 *
 * Arguments: see probe_gate.h. An exec of the probe itself adds to the command
 * line, behind HOST CONTROL and options,
 *	--go-on FD	FD is connected, or will be
 *	--closed FD	FD is not to be open
 */
#include "probe_gate.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static struct gate g;
static char true_path[] = "/bin/true", *true_argv[] = {true_path, NULL};

static int begin(void)
{
	gate_new(&g);
	return gate_begin(&g);
}

/* The child has nothing of the attempt; the kernel's child would share it. */
static void fork_child_is_told(void)
{
	int fd = begin();
	pid_t child = check_fork();

	if (child == 0) {
		int events = probe_wait(fd, POLLOUT, 20000);
		CHECK((events & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP),
			"in the child: events %#x", events);
		CHECK(probe_so_error(fd), "in the child: no SO_ERROR");
		_exit(0);
	}
	probe_reap(child, "the child");
	gate_finish(&g, fd);
	close(fd);
}

static void fork_child_closes(void)
{
	int fd = begin();
	pid_t child = check_fork();

	if (child == 0) {
		close(fd);
		_exit(0);
	}
	probe_reap(child, "the child");
	CHECK(!probe_wait(fd, POLLIN | POLLOUT, 20), "ready by now");
	gate_finish(&g, fd);
	close(fd);
	gate_gone(&g);
	CHECK(gate_seen(&g) == 1, "asked for %d times", gate_seen(&g));
}

/* The child lives longer than the attempt, and connects itself. */
static void fork_child_connects(void)
{
	struct gate other;
	int fd = begin(), ends[2];

	gate_new(&other);
	CHECK(!pipe(ends), "pipe: %s", probe_errno(errno));
	pid_t child = check_fork();
	if (child == 0) {
		close(fd);
		close(ends[1]);
		int own = gate_begin(&other);
		CHECK_ERR(
			connect(own, &other.addr.sa, other.addr.len), EALREADY);
		int copy = dup(own);
		close(own);
		gate_finish(&other, copy);
		CHECK(probe_wait(ends[0], POLLHUP, 20000), "no end");
		_exit(0);
	}
	gate_finish(&g, fd);
	close(fd);
	close(ends[0]);
	close(ends[1]);
	probe_reap(child, "the child");
}

/* A child's copy does not keep the attempt: the program has closed it, and
 * the child has nothing of it. */
static void fork_parent_closes(void)
{
	int fd = begin(), ends[2];

	CHECK(!pipe(ends), "pipe: %s", probe_errno(errno));
	pid_t child = check_fork();
	if (child == 0) {
		close(ends[1]);
		CHECK(probe_wait(ends[0], POLLHUP, 20000), "no end");
		_exit(0);
	}
	close(fd);
	gate_gone(&g);
	close(ends[1]);
	probe_reap(child, "the child");
}

static void vforked(void)
{
	int fd = begin();
	pid_t child = vfork();

	if (child == 0) {
		execv(true_path, true_argv);
		_exit(127);
	}
	probe_reap(child, "vfork");
	child = vfork();
	if (child == 0)
		_exit(0);
	probe_reap(child, "vfork");
	CHECK(!probe_wait(fd, POLLIN | POLLOUT, 0), "ready by now");
	gate_finish(&g, fd);
	close(fd);
}

static void spawned(void)
{
	posix_spawn_file_actions_t actions;
	int fd = begin();
	pid_t child;

	CHECK(!posix_spawn(&child, true_path, NULL, NULL, true_argv, environ),
		"posix_spawn");
	probe_reap(child, "posix_spawn");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, fd);
	CHECK(!posix_spawn(
		      &child, true_path, &actions, NULL, true_argv, environ),
		"posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	probe_reap(child, "posix_spawn");
	CHECK(!system("exit 0"), "system");
	CHECK(!probe_wait(fd, POLLIN | POLLOUT, 0), "ready by now");
	gate_finish(&g, fd);
	close(fd);
	gate_gone(&g);
}

/* ---- exec */

__attribute__((noreturn)) static void go_on_in_exec(char *what, int fd)
{
	char fd_text[12], *argv[12];
	int n = 0;

	for (; gate_again[n]; n++)
		argv[n] = gate_again[n];
	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	argv[n++] = what;
	argv[n++] = fd_text;
	argv[n] = NULL;
	execv(argv[0], argv);
	probe_fail(__LINE__, "exec: %s", probe_errno(errno));
}

static char go_on[] = "--go-on", closed[] = "--closed";

static void exec_keeps(void)
{
	gate_new(&g);
	gate_help(&g);
	go_on_in_exec(go_on, gate_begin(&g));
}

static void exec_in_a_child(void)
{
	gate_new(&g);
	pid_t child = check_fork();
	if (child == 0)
		exec_keeps();
	probe_reap(child, "exec");
}

/* Nobody is going to answer: what exec closes anyway is not waited for. */
static void exec_closes(void)
{
	gate_new(&g);
	pid_t child = check_fork();
	if (child == 0) {
		int fd = gate_begin(&g);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		go_on_in_exec(closed, fd);
	}
	probe_reap(child, "exec");
	gate_gone(&g);
}

static void exec_fails(void)
{
	char none[] = "/nonexistent", *argv[] = {none, NULL};
	int fd = begin();

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	CHECK_ERR(execv(none, argv), ENOENT);
	CHECK(!probe_wait(fd, POLLIN | POLLOUT, 0), "ready by now");
	gate_finish(&g, fd);
	close(fd);
}

/* ---- the end of the process */

__attribute__((noreturn)) static void end_by_return(int status)
{
	exit(status);
}

/* Nobody is going to answer, and that keeps no process alive. */
static void ends(void (*end)(int))
{
	gate_new(&g);
	pid_t child = check_fork();
	if (child == 0) {
		gate_begin(&g);
		end(0);
	}
	probe_reap(child, "the end of a process");
	gate_gone(&g);
}

static void ends_at_once(void)
{
	ends(_exit);
}

static void ends_by_return(void)
{
	ends(end_by_return);
}

static void killed(void)
{
	int status, ends[2];
	char c;

	gate_new(&g);
	CHECK(!pipe(ends), "pipe: %s", probe_errno(errno));
	pid_t child = check_fork();
	if (child == 0) {
		gate_begin(&g);
		CHECK(write(ends[1], "x", 1) == 1, "write");
		for (;;)
			pause();
	}
	CHECK(read(ends[0], &c, 1) == 1, "read: %s", probe_errno(errno));
	kill(child, SIGTERM);
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
			WTERMSIG(status) == SIGTERM,
		"status %#x", status);
	gate_gone(&g);
}

/* ---- a socket is given away */

union rights {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

static void give(int by, int fd)
{
	union rights rights = {0};
	struct iovec iov = {(char[1]){'f'}, 1};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = rights.space,
		.msg_controllen = sizeof(rights.space)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	CHECK(sendmsg(by, &msg, 0) == 1, "sendmsg: %s", probe_errno(errno));
}

static int take(int by)
{
	union rights rights;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = rights.space,
		.msg_controllen = sizeof(rights.space)};
	int fd;

	CHECK(recvmsg(by, &msg, MSG_CMSG_CLOEXEC) == 1, "recvmsg: %s",
		probe_errno(errno));
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	CHECK(c && c->cmsg_type == SCM_RIGHTS, "no descriptor has come");
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void given(bool kept)
{
	int pair[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
		"socketpair: %s", probe_errno(errno));
	gate_new(&g);
	pid_t child = check_fork();
	if (child == 0) {
		int fd = take(pair[1]);
		gate_check_given(fd);
		_exit(0);
	}
	pid_t helper = gate_help(&g);
	int fd = gate_begin(&g);
	give(pair[0], fd);
	if (!kept)
		close(fd);
	gate_helped();
	probe_reap(helper, "the helper");
	probe_reap(child, "who was given it");
	if (kept)
		gate_check(&g, fd);
}

static void given_away(void)
{
	given(false);
}

static void given_and_kept(void)
{
	given(true);
}

/* What an exec of this program is for. */
static int after_exec(int argc, char **argv)
{
	const char *end = probe_value(&argc, argv, closed, NULL);

	program_invocation_short_name = (char *)"nb_process after exec";
	probe_watchdog(30);
	if (end) {
		CHECK_ERR(fcntl(atoi(end), F_GETFD), EBADF);
		return 0;
	}
	gate_check_given(atoi(probe_value(&argc, argv, go_on, "-1")));
	return 0;
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{.name = "fork-child-is-told",
			.run = fork_child_is_told,
			.only_proxied = true},
		{.name = "fork-child-closes", .run = fork_child_closes},
		{.name = "fork-child-connects", .run = fork_child_connects},
		{.name = "fork-parent-closes",
			.run = fork_parent_closes,
			.only_proxied = true},
		{.name = "vforked", .run = vforked},
		{.name = "spawned", .run = spawned},
		{.name = "exec-keeps", .run = exec_keeps},
		{.name = "exec-in-a-child", .run = exec_in_a_child},
		{.name = "exec-closes", .run = exec_closes},
		{.name = "exec-fails", .run = exec_fails},
		{.name = "ends-at-once", .run = ends_at_once},
		{.name = "ends-by-return", .run = ends_by_return},
		{.name = "killed", .run = killed},
		{.name = "given-away", .run = given_away},
		{.name = "given-and-kept", .run = given_and_kept},
	};

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], go_on) || !strcmp(argv[i], closed))
			return after_exec(argc, argv);
	}
	return checks_run(argc, argv, checks, PROBE_LEN(checks));
}

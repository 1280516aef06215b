/*
 * What may happen to a socket while its connect is pending.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pending.h"

#define CHILD_WAIT_MS 30000

/* How a child ends */
enum child_exit {
	CHILD_OK,
	CHILD_NOT_READY,
	CHILD_ANSWER,
	CHILD_ABORTED,
	CHILD_NOT_ABORTED,
	CHILD_ERROR /* and above it: the value of SO_ERROR is added */
};

const char *const action_names[N_ACTIONS] = {
#define X(upper, lower) #lower,
	ACTIONS(X)
#undef X
};
static const char letters[] = "cd2rftksequ";

static bool is_ready(int fd, short events, int ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, ms) == 1 && (p.revents & (events | POLLERR));
}

static bool act_close(struct task *t)
{
	pass(t);
	return false;
}

/* Under another number from now on. */
static void renumber(struct task *t, int fd)
{
	bool watched = t->is_watched;

	unwatch(t);
	close(t->fd);
	t->fd = fd;
	if (watched)
		watch(t);
}

static bool act_dup(struct task *t)
{
	int fd = dup(t->fd);

	if (fd < 0) {
		fail(t, "dup: %s", strerrorname_np(errno));
		return false;
	}
	renumber(t, fd);
	return true;
}

static bool act_dup2(struct task *t)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || dup2(t->fd, fd) != fd) {
		fail(t, "dup2: %s", strerrorname_np(errno));
		return false;
	}
	renumber(t, fd);
	return true;
}

/* Another file under its number: it must stay there. */
static bool act_replace(struct task *t)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	unwatch(t);
	if (null < 0 || dup2(null, t->fd) != t->fd) {
		fail(t, "dup2 onto it: %s", strerrorname_np(errno));
		return false;
	}
	close(null);
	t->is_replaced = true;
	t->state = SILENT;
	return true;
}

static int look(int fd)
{
	return is_ready(fd, POLLOUT, CHILD_WAIT_MS) ? CHILD_OK
						    : CHILD_NOT_READY;
}

/* The exchange, in a child of a process with threads: no libc but calls. */
static int exchange(const struct task *t)
{
	struct pollfd p = {.fd = t->fd, .events = POLLOUT};
	char in[sizeof(t->want)];
	int err = 0;
	socklen_t len = sizeof(err);

	if (poll(&p, 1, CHILD_WAIT_MS) != 1)
		return CHILD_NOT_READY;
	bool is_broken = p.revents & POLLERR && p.revents & POLLHUP;
	getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err == ECONNABORTED && is_under_library)
		return is_broken ? CHILD_ABORTED : CHILD_NOT_ABORTED;
	if (!is_expected(t, err))
		return CHILD_ERROR + err;
	if (err)
		return CHILD_OK;
	if (send(t->fd, "x\n", 2, MSG_NOSIGNAL) != 2)
		return CHILD_ANSWER;
	for (size_t n = 0, whole = strlen(t->want); n < whole;) {
		if (!is_ready(t->fd, POLLIN, CHILD_WAIT_MS))
			return CHILD_ANSWER;
		ssize_t r = recv(t->fd, in + n, whole - n, 0);
		if (r <= 0 || memcmp(in + n, t->want + n, (size_t)r))
			return CHILD_ANSWER;
		n += (size_t)r;
	}
	return CHILD_OK;
}

static void in_child(const struct task *t, enum action action)
{
	if (action == ACT_KILL)
		for (;;)
			pause();
	_exit(action == ACT_FORK ? look(t->fd) : exchange(t));
}

/* Still, and so it was when the child was made. SO_ERROR or connect() would
 * take the error away from the child. */
static bool is_pending(const struct task *t)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(t->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state == TCP_SYN_SENT;
}

static bool act_fork(struct worker *w, struct task *t, enum action action)
{
	if (t->child)
		return true;
	t->child = fork();
	if (t->child == 0)
		in_child(t, action);
	if (t->child < 0) {
		t->child = 0;
		fail(t, "fork: %s", strerrorname_np(errno));
		return false;
	}
	if (action == ACT_KILL)
		t->kill_ms = now_ms() + 1 + pick(w, 30);
	if (action == ACT_TAKE) {
		t->is_aborted = is_under_library && is_pending(t);
		close_task(t);
		t->state = IN_CHILD;
	}
	return true;
}

static bool act_shutdown(struct worker *w, struct task *t)
{
	static const int hows[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};

	if (shutdown(t->fd, hows[pick(w, 3)]) && errno != ENOTCONN) {
		fail(t, "shutdown: %s", strerrorname_np(errno));
		return false;
	}
	unwatch(t);
	t->state = SILENT;
	return true;
}

/* Changed, or taken out and put back. */
static void act_epoll(struct worker *w, struct task *t)
{
	if (pick(w, 2))
		unwatch(t);
	watch(t);
}

static bool connect_again(struct task *t)
{
	if (connect(t->fd, (struct sockaddr *)&t->dest, sizeof(t->dest)) == 0 ||
		errno == EALREADY || errno == EISCONN)
		return true;
	if (is_expected(t, errno))
		pass(t);
	else
		fail(t, "connect again: %s", strerrorname_np(errno));
	return false;
}

static bool ask_error(struct task *t)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err == 0)
		return true;
	if (is_expected(t, err))
		pass(t);
	else
		fail(t, "SO_ERROR while pending: %s", strerrorname_np(err));
	return false;
}

static bool ask_peer(struct task *t)
{
	struct sockaddr_in sa = {0};
	socklen_t len = sizeof(sa);

	if (getpeername(t->fd, (struct sockaddr *)&sa, &len)) {
		if (errno == ENOTCONN)
			return true;
		fail(t, "getpeername: %s", strerrorname_np(errno));
		return false;
	}
	if (sa.sin_addr.s_addr == t->dest.sin_addr.s_addr &&
		sa.sin_port == t->dest.sin_port)
		return true;
	fail(t, "getpeername: another");
	return false;
}

static bool look_ahead(struct task *t)
{
	char c;

	if (t->kind >= REFUSED || recv(t->fd, &c, 1, MSG_PEEK) == 1 ||
		errno == EAGAIN)
		return true;
	fail(t, "recv while pending: %s", strerrorname_np(errno));
	return false;
}

static bool use_options(struct task *t)
{
	int on = 1, flags = fcntl(t->fd, F_GETFL);
	socklen_t len = sizeof(on);

	if (flags == (O_RDWR | O_NONBLOCK) &&
		!setsockopt(t->fd, SOL_SOCKET, SO_KEEPALIVE, &on, len) &&
		!getsockopt(t->fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len) && on)
		return true;
	fail(t, "flags %#x, SO_KEEPALIVE %d", (unsigned)flags, on);
	return false;
}

static bool act_query(struct worker *w, struct task *t)
{
	switch (pick(w, 5)) {
	case 0:
		return connect_again(t);
	case 1:
		return ask_error(t);
	case 2:
		return ask_peer(t);
	case 3:
		return look_ahead(t);
	default:
		return use_options(t);
	}
}

static bool act_hand(struct worker *w, struct task *t)
{
	struct worker *to = other_worker(w);

	if (to == w)
		return true;
	unwatch(t);
	t->is_handed = true;
	atomic_store(&t->owner, to);
	return false;
}

static bool perform(struct worker *w, struct task *t, enum action action)
{
	switch (action) {
	case ACT_CLOSE:
		return act_close(t);
	case ACT_DUP:
		return act_dup(t);
	case ACT_DUP2:
		return act_dup2(t);
	case ACT_REPLACE:
		return act_replace(t);
	case ACT_FORK:
	case ACT_TAKE:
	case ACT_KILL:
		return act_fork(w, t, action);
	case ACT_SHUTDOWN:
		return act_shutdown(w, t);
	case ACT_EPOLL:
		act_epoll(w, t);
		return true;
	case ACT_QUERY:
		return act_query(w, t);
	case ACT_HAND:
		return act_hand(w, t);
	case N_ACTIONS:
		break;
	}
	return true;
}

bool act(struct worker *w, struct task *t)
{
	enum action action = (enum action)pick(w, N_ACTIONS);

	t->n_acts--;
	if (!(actions & 1U << action))
		return true;
	/* A child takes over only what has not begun to talk */
	if (action == ACT_TAKE && t->state != CONNECTING)
		return true;
	if (t->n_trace < sizeof(t->trace) - 1)
		t->trace[t->n_trace++] = letters[action];
	return perform(w, t, action) && t->state <= ASKED;
}

/* must: the connection was pending. Else it may have been. */
static bool is_good(int code, bool must)
{
	return code == CHILD_ABORTED || (code == CHILD_OK && !must);
}

static const char *words_of(int code)
{
	switch ((enum child_exit)code) {
	case CHILD_OK:
		return "it has the pending connection";
	case CHILD_NOT_READY:
		return "is never writable";
	case CHILD_ANSWER:
		return "another answer";
	case CHILD_ABORTED:
		return "aborted";
	case CHILD_NOT_ABORTED:
		return "aborted, but without POLLERR and POLLHUP";
	case CHILD_ERROR:
		break;
	}
	return strerrorname_np(code - CHILD_ERROR);
}

bool mind_child(struct task *t)
{
	int status;

	if (t->kill_ms && now_ms() >= t->kill_ms)
		kill(t->child, SIGKILL);
	pid_t pid = waitpid(t->child, &status, WNOHANG);
	if (pid == 0)
		return true;
	bool killed = t->kill_ms != 0, is_aborted = t->is_aborted;
	t->child = 0;
	t->kill_ms = 0;
	t->is_aborted = false;
	if (pid > 0 &&
		(killed ? WIFSIGNALED(status)
			: WIFEXITED(status) && is_good(WEXITSTATUS(status),
						       is_aborted)))
		return true;
	fail(t, "child: waitpid %d, status %#x: %s", (int)pid, (unsigned)status,
		pid > 0 && WIFEXITED(status) ? words_of(WEXITSTATUS(status))
					     : "killed");
	return false;
}

#include "leak_run.h"

#include "base/clock.h"
#include "base/sys.h"
#include "leak_serve.h"
#include "leak_sniff.h"
#include "opts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 5000 /* for one probe */
#define CALL_S   2    /* for a word from a program that listens */

const struct sx_way sx_ways[SX_N_WAYS] = {
#define SX_WAY(name, text, flags) {#name, text, flags},
#include "leak_ways.def"
#undef SX_WAY
};

/* All that running a probe needs. */
struct runner {
	const struct sx_leak_plan *plan;
	const struct sx_leak_programs *programs;
	char probe[PATH_MAX]; /* under the name it shall have */
	char v4[INET6_ADDRSTRLEN], v6[INET6_ADDRSTRLEN];
	char group[INET6_ADDRSTRLEN], port[8];
	int sniffer;
	bool has_uring;
};

/* One probe while it runs. */
struct attempt {
	const struct sx_way *way;
	struct sx_leak_seen seen;
	char said[64]; /* the line so far */
	size_t n_said;
	bool late;
	int status;
};

static int fail(const char *what, int err)
{
	fprintf(stderr, "socksify: leaktest: %s: %s\n", what, strerror(err));
	return -1;
}

/* ---- running one */

/* Becomes the probe, under socksify. Warnings of the library are not for the
 * user's log. */
static void become(const struct runner *r, const struct sx_way *way, int out)
{
	const char *argv[12] = {r->programs->command, "-q", "--"};
	int nothing = open("/dev/null", O_RDWR);
	size_t n = 3;

	setpgid(0, 0);
	if (dup2(nothing, 0) < 0 || dup2(out, 1) < 0 || dup2(nothing, 2) < 0)
		_exit(SX_EXIT_OWN);
	if (way->flags & SX_WAY_LAUNCH) {
		argv[n++] = r->programs->probe_static;
	} else {
		argv[n++] = r->probe;
		argv[n++] = way->name;
	}
	argv[n++] = r->v4;
	argv[n++] = r->port;
	argv[n++] = r->v6;
	argv[n++] = r->plan->name;
	argv[n++] = r->group;
	execv(argv[0], (char *const *)argv);
	_exit(SX_EXIT_OWN);
}

static pid_t start(const struct runner *r, const struct sx_way *way, int *out)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		become(r, way, ends[1]);
	close(ends[1]);
	*out = ends[0];
	if (pid < 0)
		close(ends[0]);
	else
		setpgid(pid, pid); /* whoever of the two comes first */
	return pid;
}

/* Somebody outside calls a program that listens: a leak if it answers. */
static void call(const struct runner *r, struct attempt *a, uint16_t port)
{
	const struct timeval limit = {.tv_sec = CALL_S};
	struct sockaddr_storage sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	socklen_t len = sx_ip_to_sockaddr(&r->plan->outside4, 0, AF_INET, &sa);
	bool good = bind(fd, (struct sockaddr *)&sa, len) == 0;
	len = sx_ip_to_sockaddr(&r->plan->target4, port, AF_INET, &sa);
	if (good && connect(fd, (struct sockaddr *)&sa, len) == 0 &&
		recv(fd, &byte, 1, 0) == 1)
		a->seen.leak = "inbound";
	close(fd);
}

/* Takes what the probe has said; false at the end. The last line counts. */
static bool listen_to(const struct runner *r, struct attempt *a, int out)
{
	char c;
	ssize_t n = read(out, &c, 1);
	unsigned port;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	if (c != '\n') {
		if (a->n_said == sizeof(a->said) - 1)
			a->n_said = 0;
		a->said[a->n_said++] = c;
		a->said[a->n_said] = '\0';
		return true;
	}
	a->n_said = 0;
	if (a->way->flags & SX_WAY_INBOUND &&
		sscanf(a->said, "port %u", &port) == 1)
		call(r, a, (uint16_t)port);
	return true;
}

/* Ends what the probe has left: its children are in its group, and become
 * ours. */
static void sweep(pid_t pid)
{
	kill(-pid, SIGKILL);
	while (waitpid(-pid, NULL, 0) > 0)
		continue;
}

/* Until the probe and its children have closed their standard output. */
static int watch(const struct runner *r, struct attempt *a, pid_t pid, int out)
{
	struct sx_deadline until =
		sx_deadline_in(sx_clock_ns(&sx_sys_libc), LIMIT_MS);
	int err = 0;

	for (;;) {
		struct pollfd fds[2] = {{.fd = out, .events = POLLIN},
			{.fd = r->sniffer, .events = POLLIN}};
		uint64_t now = sx_clock_ns(&sx_sys_libc);
		a->late = sx_deadline_passed(until, now);
		poll(fds, 2, sx_deadline_poll_ms(until, now));
		if (fds[1].revents && !err)
			err = sx_leak_sniff_read(r->sniffer, r->plan, &a->seen);
		if (a->late || (fds[0].revents && !listen_to(r, a, out)))
			break;
	}
	if (a->late)
		kill(pid, SIGKILL);
	if (waitpid(pid, &a->status, 0) < 0)
		err = -errno;
	sweep(pid);
	int last = sx_leak_sniff_read(r->sniffer, r->plan, &a->seen);
	return err ? err : last;
}

/* ---- judging */

static void set(
	struct sx_leak_outcome *o, enum sx_leak_result result, const char *why)
{
	o->result = result;
	snprintf(o->why, sizeof(o->why), "%.23s", why);
}

static void refuse(struct sx_leak_outcome *o, const struct attempt *a)
{
	if (a->late)
		set(o, SX_LEAK_REFUSED, "silent");
	else if (a->way->flags & SX_WAY_LAUNCH)
		set(o, SX_LEAK_REFUSED, "launch");
	else if (WIFSIGNALED(a->status))
		set(o, SX_LEAK_REFUSED, "crashed");
	else
		set(o, SX_LEAK_REFUSED, a->said);
}

static void judge(struct sx_leak_outcome *o, const struct attempt *a)
{
	if (a->seen.leak)
		set(o, SX_LEAK_LEAKS, a->seen.leak);
	else if (a->seen.carried)
		set(o, SX_LEAK_CARRIED, a->seen.carried);
	else if (strcmp(a->said, "ok") == 0)
		set(o, SX_LEAK_LOCAL, "answered");
	else
		refuse(o, a);
}

/* A probe that did not run at all is no good news. */
static bool has_run(const struct attempt *a)
{
	if (a->seen.leak || a->late || WIFSIGNALED(a->status))
		return true;
	if (a->way->flags & SX_WAY_LAUNCH)
		return WEXITSTATUS(a->status) == SX_EXIT_CANNOT_RUN;
	return *a->said;
}

static bool is_here(const struct runner *r, const struct sx_way *way)
{
	if (way->flags & SX_WAY_V6 && !r->plan->has_v6)
		return false;
	if (way->flags & SX_WAY_STATIC && !*r->programs->probe_static)
		return false;
	return !(way->flags & SX_WAY_URING) || r->has_uring;
}

static int try(const struct runner *r, const struct sx_way *way,
	struct sx_leak_outcome *outcome)
{
	struct attempt a = {.way = way};
	int out;
	pid_t pid = start(r, way, &out);

	if (pid < 0)
		return fail(way->name, errno);
	int err = watch(r, &a, pid, out);
	close(out);
	if (err)
		return fail("not all packets could be seen", -err);
	if (!has_run(&a)) {
		fprintf(stderr,
			"socksify: leaktest: the probe %s could not be run\n",
			way->name);
		return -1;
	}
	judge(outcome, &a);
	return 0;
}

/* ---- all of them */

static bool has_uring(void)
{
	char params[256] = {0}; /* struct io_uring_params has 120 bytes */
	long fd = syscall(SYS_io_uring_setup, 2, params);

	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

/* The configuration goes by the name a program is called by. */
static int name_probe(
	struct runner *r, const struct sx_leak_room *room, const char *app)
{
	snprintf(r->probe, sizeof(r->probe), "%s", r->programs->probe);
	if (!app)
		return 0;
	int n = snprintf(r->probe, sizeof(r->probe), "%s/bin", room->scratch);
	if (n < 0 || mkdir(r->probe, 0700))
		return fail(r->probe, errno);
	snprintf(r->probe + n, sizeof(r->probe) - (size_t)n, "/%s", app);
	return symlink(r->programs->probe, r->probe) ? fail(r->probe, errno)
						     : 0;
}

/* The state of the user's processes is not to learn of servers that are
 * only played. */
static int take_state_along(const struct sx_leak_room *room)
{
	char path[sizeof(room->scratch) + 8];

	snprintf(path, sizeof(path), "%s/run", room->scratch);
	if (mkdir(path, 0700) || setenv("XDG_RUNTIME_DIR", path, 1))
		return fail(path, errno);
	return 0;
}

int sx_leak_run(struct sx_leak_room *room,
	const struct sx_leak_programs *programs, const char *app,
	struct sx_leak_outcome *outcomes)
{
	const struct sx_leak_plan *plan = room->plan;
	struct runner r = {.plan = plan, .programs = programs};

	if (name_probe(&r, room, app) || take_state_along(room))
		return -1;
	sx_ip_format(&plan->target4, r.v4, sizeof(r.v4));
	sx_ip_format(&plan->target6, r.v6, sizeof(r.v6));
	sx_ip_format(&plan->group4, r.group, sizeof(r.group));
	snprintf(r.port, sizeof(r.port), "%u", plan->port);
	r.has_uring = has_uring();
	r.sniffer = sx_leak_sniff_open();
	if (r.sniffer < 0)
		return fail("no packet socket", -r.sniffer);
	int err = sx_leak_serve(room);
	if (err)
		return fail("nothing can listen", -err);
	for (unsigned i = 0; i < SX_N_WAYS; i++)
		if (is_here(&r, &sx_ways[i]) &&
			try(&r, &sx_ways[i], &outcomes[i]))
			return -1;
	return 0;
}

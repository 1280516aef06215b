/* The destinations' half of probe_gate.h. */
#include "probe_gate.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/un.h>

#define LIMIT_MS 25000

bool gate_proxied;
char *gate_again[8];
static int control = -1, in_the_way = -1;

/* The process that has it open; a child needs one of its own. */
static pid_t owner;

static void dial_control(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (owner == getpid())
		return;
	if (owner)
		close(control);
	owner = getpid();
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", gate_again[2]);
	control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(!connect(control, (struct sockaddr *)&un, sizeof(un)), "%s: %s",
		un.sun_path, probe_errno(errno));
}

static int answer(void)
{
	char line[64] = "";

	for (size_t n = 0; !strchr(line, '\n'); n++) {
		CHECK(n + 1 < sizeof(line), "control: a long line");
		CHECK(probe_recv(control, line + n, 1, LIMIT_MS) == 1,
			"control: no answer");
	}
	CHECK(strncmp(line, "error", 5), "control: %s", line);
	return atoi(line);
}

__attribute__((format(printf, 1, 2))) static void tell(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	dial_control();
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	CHECK(n < (int)sizeof(line), "control: a long command");
	probe_send(control, line, n);
}

static void set_address(struct gate *g, int port)
{
	char text[12];

	snprintf(text, sizeof(text), "%d", port);
	probe_resolve(&g->addr, gate_again[1], text);
	if (gate_again[3] && !strcmp(gate_again[3], "--mapped"))
		probe_map(&g->addr);
	g->port = port;
}

void gate_new(struct gate *g)
{
	tell("new\n");
	set_address(g, answer());
}

void gate_held(const struct gate *g)
{
	tell("held %d\n", g->port);
	answer();
}

void gate_go_soon(const struct gate *g)
{
	tell("go %d\n", g->port);
}

void gate_sync(void)
{
	answer();
}

void gate_go(const struct gate *g)
{
	gate_go_soon(g);
	gate_sync();
}

void gate_go_saying(const struct gate *g, const char *text)
{
	char hex[101] = "";

	for (int i = 0; text[i] && i < 50; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)text[i]);
	tell("go %d %s\n", g->port, hex);
	answer();
}

void gate_refuse(const struct gate *g)
{
	tell("refuse %d\n", g->port);
	answer();
}

int gate_seen(const struct gate *g)
{
	tell("seen %d\n", g->port);
	return answer();
}

void gate_gone(const struct gate *g)
{
	tell("gone %d\n", g->port);
	answer();
}

void gate_connect(const struct gate *g, int fd)
{
	CHECK_ERR(connect(fd, &g->addr.sa, g->addr.len), EINPROGRESS);
	gate_held(g);
}

int gate_begin(const struct gate *g)
{
	dial_control(); /* so that its number is below the socket's */
	int fd = probe_socket(&g->addr, SOCK_NONBLOCK);
	gate_connect(g, fd);
	return fd;
}

static void is_ready(int fd)
{
	int events = probe_wait(
		fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, LIMIT_MS);

	CHECK(events == POLLOUT, "when connected: poll: events %#x", events);
	int e = probe_so_error(fd);
	CHECK(!e, "when connected: SO_ERROR %s", probe_errno(e));
}

void gate_check_given(int fd)
{
	is_ready(fd);
	probe_echo(fd);
}

void gate_check(const struct gate *g, int fd)
{
	struct probe_addr peer = {.len = sizeof(peer.storage)};

	is_ready(fd);
	CHECK(!getpeername(fd, &peer.sa, &peer.len), "getpeername: %s",
		probe_errno(errno));
	CHECK(probe_same(&peer, &g->addr), "getpeername: %s, not %s",
		probe_str(&peer), probe_str(&g->addr));
	probe_echo(fd);
}

void gate_finish(const struct gate *g, int fd)
{
	gate_go(g);
	gate_check(g, fd);
}

pid_t check_fork(void)
{
	pid_t parent = getpid(), child = fork();

	CHECK(child >= 0, "fork: %s", probe_errno(errno));
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		CHECK(getppid() == parent, "the parent has ended");
		probe_watchdog(40);
	}
	return child;
}

pid_t gate_help(const struct gate *g)
{
	int ends[2];

	CHECK(!pipe2(ends, O_CLOEXEC), "pipe: %s", probe_errno(errno));
	pid_t child = check_fork();
	if (child == 0) {
		close(ends[1]);
		probe_wait(ends[0], POLLIN, 300);
		gate_go(g);
		_exit(0);
	}
	close(ends[0]);
	in_the_way = ends[1];
	return child;
}

void gate_helped(void)
{
	close(in_the_way);
}

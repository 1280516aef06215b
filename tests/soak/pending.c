/*
 * Non-blocking connects by the thousand, and what may happen to each while it
 * is pending.
 *
 *     pending COUNT SEED THREADS ACTIONS PORT
 *
 * Under the library, with late.c as its SOCKS server: PORT is 0. Without it:
 * late.c, plain, is at PORT of every address in 10.0.0.0/8. ACTIONS: names
 * with commas between them, each with "-" before it if all the others are
 * meant; or "all".
 *
 * Each thread has an event loop; a connection goes to a destination that it
 * alone has, some by name, of which some refuse, close or reset. What failed is
 * said on stderr with what was done before, a letter each: c close, d dup,
 * 2 dup2, r replace, f fork, t take (a child goes on with it; under the
 * library one that is pending is aborted there), k kill, s shutdown, e epoll,
 * q query, u hand (to another thread).
 *
 * At the end no descriptor and no thread may be left, and the memory of the
 * process must be what it was at a fifth of the way. Prints
 *
 *     N passed, N failed
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pending.h"

#define MAX_THREADS 64
#define N_TASKS     256 /* under way at once */
#define MAX_ACTS    4   /* so that one that nothing happens to is seen */
#define MAX_EVENTS  32
#define LATE_MS     60000
#define SETTLE_MS   20000
#define MAX_SAID    30
#define RSS_FROM    100000 /* fewer do not fill what has a fixed size */
#define RSS_PERCENT 110

unsigned actions;
bool is_under_library;

static struct worker workers[MAX_THREADS];
static struct task tasks[N_TASKS];
static unsigned n_workers, n_all, plain_port;
static atomic_uint n_begun, n_passed, n_failed, n_ended;
static atomic_long rss_early, rss_late;

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* splitmix64 */
unsigned pick(struct worker *w, unsigned n)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (unsigned)((z ^ z >> 31) % n);
}

struct worker *other_worker(struct worker *w)
{
	unsigned self = (unsigned)(w - workers);

	if (n_workers == 1)
		return w;
	return &workers[(self + 1 + pick(w, n_workers - 1)) % n_workers];
}

static void free_slot(struct task *t)
{
	t->generation++;
	atomic_fetch_add(&n_ended, 1);
	atomic_store(&t->owner, NULL);
}

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
	va_list ap;

	if (atomic_fetch_add(&n_failed, 1) >= MAX_SAID)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
}

void fail(struct task *t, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("%u, fd %d, kind %d, state %d, after '%.*s': %s\n", t->number,
		t->fd, (int)t->kind, (int)t->state, (int)t->n_trace, t->trace,
		text);
	if (t->child) {
		kill(t->child, SIGKILL);
		waitpid(t->child, NULL, 0);
	}
	if (t->fd >= 0)
		close_task(t);
	free_slot(t);
}

void pass(struct task *t)
{
	if (t->fd >= 0)
		close_task(t);
	t->state = ENDED;
	if (t->child)
		return;
	atomic_fetch_add(&n_passed, 1);
	free_slot(t);
}

void watch(struct task *t)
{
	struct epoll_event e = {.events = t->events,
		.data.u64 =
			(uint64_t)t->generation << 32 | (uint64_t)(t - tasks)};
	int op = t->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (t->by_poll)
		return;
	if (epoll_ctl(atomic_load(&t->owner)->epoll, op, t->fd, &e))
		say("%u: epoll_ctl %d: %s\n", t->number, op,
			strerrorname_np(errno));
	t->is_watched = true;
}

void unwatch(struct task *t)
{
	struct worker *w = atomic_load(&t->owner);

	if (!t->is_watched)
		return;
	if (epoll_ctl(w->epoll, EPOLL_CTL_DEL, t->fd, NULL))
		say("%u: EPOLL_CTL_DEL: %s\n", t->number,
			strerrorname_np(errno));
	t->is_watched = false;
}

/* A copy in a child keeps the registration of one that was only closed. */
void close_task(struct task *t)
{
	if (pick(atomic_load(&t->owner), 4))
		unwatch(t);
	else
		t->lazy_generation = t->generation;
	t->is_watched = false;
	close(t->fd);
	t->fd = -1;
}

bool is_expected(const struct task *t, int err)
{
	switch (t->kind) {
	case REFUSED:
		return err == ECONNREFUSED;
	case CLOSED:
	case RESET:
		return err == ECONNREFUSED || err == ECONNRESET;
	case BANNER:
	case ANSWER:
		break;
	}
	return err == 0;
}

static unsigned pick_delay(struct worker *w)
{
	unsigned which = pick(w, 100);

	return pick(w, which < 50   ? 4
		       : which < 90 ? 30
		       : which < 99 ? 300
				    : 1000);
}

static enum kind pick_kind(struct worker *w)
{
	unsigned which = pick(w, 100);

	if (plain_port)
		return which < 5 ? REFUSED : ANSWER;
	return which < 5    ? REFUSED
	       : which < 8  ? CLOSED
	       : which < 10 ? RESET
	       : which < 50 ? BANNER
			    : ANSWER;
}

/* A destination that no other connection has at this time. */
static bool choose(struct worker *w, struct task *t)
{
	struct addrinfo hints = {.ai_family = AF_INET}, *res;
	unsigned port = (unsigned)t->kind * 1000 + pick_delay(w);
	char host[32];
	uint32_t address = 10U << 24 | (t->number + 1);

	if (plain_port)
		port = t->kind == REFUSED ? 1 : plain_port;
	t->dest = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(address)};
	inet_ntop(AF_INET, &t->dest.sin_addr, host, sizeof(host));
	if (!plain_port && pick(w, 10) == 0) {
		snprintf(host, sizeof(host), "n%u.soak.test",
			(unsigned)(t - tasks));
		if (getaddrinfo(host, NULL, &hints, &res))
			return false;
		t->dest.sin_addr =
			((struct sockaddr_in *)(void *)res->ai_addr)->sin_addr;
		freeaddrinfo(res);
	}
	snprintf(t->want, sizeof(t->want), "%s %u\n", host, port);
	return true;
}

static void begin_task(struct worker *w, struct task *t)
{
	static const uint32_t ways[] = {0, EPOLLET, EPOLLONESHOT};

	t->kind = pick_kind(w);
	t->state = CONNECTING;
	t->by_poll = pick(w, 4) == 0;
	t->events = EPOLLIN | EPOLLOUT | ways[pick(w, 3)];
	t->late_ms = now_ms() + LATE_MS;
	t->n_in = t->n_trace = 0;
	t->is_watched = t->is_handed = t->is_replaced = false;
	t->give_up_ms = 0;
	t->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (t->fd < 0 || !choose(w, t)) {
		fail(t, "no socket or no name: %s", strerrorname_np(errno));
		return;
	}
	if (pick(w, 2))
		watch(t);
	if (connect(t->fd, (struct sockaddr *)&t->dest, sizeof(t->dest)) &&
		errno != EINPROGRESS) {
		if (is_expected(t, errno))
			pass(t);
		else
			fail(t, "connect: %s", strerrorname_np(errno));
		return;
	}
	if (!t->is_watched)
		watch(t);
	t->n_acts = pick(w, MAX_ACTS + 1);
	while (t->n_acts && pick(w, 3) && act(w, t))
		;
}

static void connected(struct task *t)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (!is_expected(t, err)) {
		fail(t, "SO_ERROR: %s", err ? strerrorname_np(err) : "0");
		return;
	}
	if (err) {
		pass(t);
		return;
	}
	t->state = ASKED;
	if (send(t->fd, "x\n", 2, MSG_NOSIGNAL) != 2) {
		fail(t, "send: %s", strerrorname_np(errno));
		return;
	}
	t->events &= ~(uint32_t)EPOLLOUT;
	watch(t);
}

static void readable(struct task *t)
{
	ssize_t n;

	while ((n = recv(t->fd, t->in + t->n_in, sizeof(t->in) - t->n_in, 0)) >
		0) {
		t->n_in += (size_t)n;
		if (t->n_in < strlen(t->want))
			continue;
		if (t->n_in == strlen(t->want) &&
			!memcmp(t->in, t->want, t->n_in))
			pass(t);
		else
			fail(t, "got '%.*s', not '%s'", (int)t->n_in, t->in,
				t->want);
		return;
	}
	if (n == 0 || errno != EAGAIN)
		fail(t, "no answer: %s", n ? strerrorname_np(errno) : "EOF");
	else if (t->events & EPOLLONESHOT)
		watch(t);
}

static void happens(struct task *t, uint32_t events)
{
	if (t->state == CONNECTING && (events & (EPOLLOUT | EPOLLERR)))
		connected(t);
	else if (t->state == ASKED)
		readable(t);
	else if (t->state == CONNECTING)
		fail(t, "events %#x while pending", events);
}

static void event(struct worker *w, const struct epoll_event *e)
{
	struct task *t = &tasks[e->data.u64 % N_TASKS];
	uint32_t generation = (uint32_t)(e->data.u64 >> 32);

	if (atomic_load(&t->owner) == w && t->generation == generation &&
		t->is_watched)
		happens(t, e->events);
	else if (atomic_load(&t->owner) == w && generation < t->generation &&
		 generation > t->lazy_generation)
		say("an event of a registration that is gone\n");
}

static void check_replaced(struct task *t)
{
	struct stat st;

	if (t->is_replaced && (fstat(t->fd, &st) || !S_ISCHR(st.st_mode)))
		fail(t, "what replaced it is gone");
	else
		pass(t);
}

static void poll_task(struct task *t)
{
	struct pollfd p = {.fd = t->fd,
		.events = t->state == CONNECTING ? POLLIN | POLLOUT : POLLIN};

	if (poll(&p, 1, 0) == 1)
		happens(t, (uint32_t)p.revents);
}

static void look_after(struct worker *w, struct task *t)
{
	if (t->is_handed) {
		t->is_handed = false;
		watch(t);
	}
	if (t->child && !mind_child(t))
		return;
	if (t->state == SILENT && !t->give_up_ms)
		t->give_up_ms = now_ms() + pick(w, 20);
	if (t->child == 0 && (t->state == ENDED || t->state == IN_CHILD))
		pass(t);
	else if (t->state == SILENT && now_ms() >= t->give_up_ms)
		check_replaced(t);
	else if (now_ms() > t->late_ms)
		fail(t, "nothing in %d s", LATE_MS / 1000);
	else if (t->state <= ASKED && (!t->n_acts || pick(w, 8) || act(w, t)) &&
		 t->by_poll)
		poll_task(t);
}

static long rss_kb(void)
{
	char line[128];
	long kb = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmRSS:", 6))
			kb = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

static void begin_some(struct worker *w)
{
	for (size_t i = 0; i < N_TASKS && n_begun < n_all; i++) {
		struct worker *none = NULL;
		if (!atomic_compare_exchange_strong(&tasks[i].owner, &none, w))
			continue;
		unsigned number = atomic_fetch_add(&n_begun, 1);
		if (number >= n_all) {
			atomic_store(&tasks[i].owner, NULL);
			return;
		}
		if (number == n_all / 5)
			rss_early = rss_kb();
		if (number == n_all - 1)
			rss_late = rss_kb();
		tasks[i].number = number;
		begin_task(w, &tasks[i]);
		if (pick(w, 4) == 0)
			return;
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct epoll_event events[MAX_EVENTS];

	while (n_ended < n_all) {
		begin_some(w);
		int n = epoll_wait(w->epoll, events, MAX_EVENTS, 2);
		for (int i = 0; i < n; i++)
			event(w, &events[i]);
		for (size_t i = 0; i < N_TASKS; i++)
			if (atomic_load(&tasks[i].owner) == w)
				look_after(w, &tasks[i]);
	}
	return NULL;
}

static int count(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		return -1;
	for (struct dirent *d; (d = readdir(dir));)
		n += d->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* Waits until path has n entries. */
static void check_left(const char *path, int n)
{
	uint64_t end = now_ms() + SETTLE_MS;

	while (count(path) != n && now_ms() < end)
		poll(NULL, 0, 10);
	if (count(path) == n)
		atomic_fetch_add(&n_passed, 1);
	else
		say("%s: %d entries, not %d\n", path, count(path), n);
}

static void check_memory(void)
{
	printf("VmRSS %ld kB after a fifth, %ld kB at the end\n", rss_early,
		rss_late);
	if (n_all < RSS_FROM)
		return;
	if (rss_late * 100 <= rss_early * RSS_PERCENT)
		atomic_fetch_add(&n_passed, 1);
	else
		say("the memory has grown\n");
}

static unsigned read_actions(char *text)
{
	unsigned chosen = 0, left_out = 0;

	for (char *p = text; (p = strsep(&text, ",")) != NULL;)
		for (unsigned i = 0; i < N_ACTIONS; i++) {
			chosen |= strcmp(p, action_names[i]) ? 0 : 1U << i;
			left_out |= *p != '-' || strcmp(p + 1, action_names[i])
					    ? 0
					    : 1U << i;
		}
	return chosen ? chosen : ((1U << N_ACTIONS) - 1) & ~left_out;
}

static void run_workers(uint64_t seed)
{
	for (unsigned i = 0; i < n_workers; i++) {
		workers[i].epoll = epoll_create1(EPOLL_CLOEXEC);
		workers[i].random = seed * 1000003 + i;
	}
	for (unsigned i = 0; i < n_workers; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			exit(2);
	for (unsigned i = 0; i < n_workers; i++) {
		pthread_join(workers[i].thread, NULL);
		close(workers[i].epoll);
	}
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	n_all = (unsigned)strtoul(argv[1], NULL, 10);
	n_workers = (unsigned)strtoul(argv[3], NULL, 10);
	plain_port = (unsigned)strtoul(argv[5], NULL, 10);
	actions = read_actions(argv[4]);
	is_under_library = plain_port == 0;
	if (n_workers < 1 || n_workers > MAX_THREADS)
		return 2;
	for (size_t i = 0; i < N_TASKS; i++)
		tasks[i].generation = 1;
	int n_fds = count("/proc/self/fd");
	run_workers(strtoul(argv[2], NULL, 10));
	check_left("/proc/self/task", 1);
	check_left("/proc/self/fd", n_fds);
	check_memory();
	printf("%u passed, %u failed\n", n_passed, n_failed);
	return n_failed > 0;
}

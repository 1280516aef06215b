/*
 * Who asks a nameserver: threads, children, a process that closes all its
 * descriptors, strangers; and what is left of it.
 *
 * dns_lives ADDR NAME
 * ADDR	a nameserver, IPv4; NAME has one IPv4 address
 */
#include "probe_dns.h"

#include <dirent.h>
#include <pthread.h>

#define ARGS      "ADDR NAME"
#define N_THREADS 16
#define N_TIMES   100

static struct probe_addr ns;
static const char *name;

static int connected(void)
{
	int fd = probe_udp(&ns, 0);

	CHECK(!connect(fd, &ns.sa, ns.len), "connect: %s", probe_errno(errno));
	return fd;
}

static void *ask_often(void *arg)
{
	for (int i = 0; i < N_TIMES; i++) {
		int fd = i % 2 ? connected() : probe_udp(&ns, 0);
		if (i % 2)
			probe_ask(fd, name);
		else
			probe_ask_at(fd, &ns, name);
		close(fd);
	}
	return arg;
}

static void threads(void)
{
	pthread_t list[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		CHECK(!pthread_create(&list[i], NULL, ask_often, NULL),
			"pthread_create");
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(list[i], NULL);
}

static void child_of(int inherited)
{
	struct in_addr mine = probe_ask(inherited, name);
	int fd = connected();
	struct in_addr again = probe_ask(fd, name);

	CHECK(mine.s_addr == again.s_addr, "another address");
	_exit(0);
}

static void children(void)
{
	int fd = connected();

	probe_ask(fd, name);
	for (int i = 0; i < 4; i++) {
		pid_t child = fork();
		if (child == 0)
			child_of(fd);
		probe_reap(child, "child");
	}
	probe_ask(fd, name);
	close(fd);
}

/* Threads ask while others fork. */
static void children_of_threads(void)
{
	pthread_t list[4];

	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&list[i], NULL, ask_often, NULL),
			"pthread_create");
	for (int i = 0; i < 10; i++) {
		pid_t child = fork();
		if (child == 0) {
			probe_ask(connected(), name);
			_exit(0);
		}
		probe_reap(child, "child of threads");
	}
	for (int i = 0; i < 4; i++)
		pthread_join(list[i], NULL);
}

static void close_all(void)
{
	int fd = connected();

	probe_ask(fd, name);
	closefrom(3);
	fd = connected();
	CHECK(fd == 3, "the lowest number is %d", fd);
	probe_ask(fd, name);
	close(fd);
}

/* The port that a connected socket's datagrams go to, of the kernel. */
static int kernel_port(int fd)
{
	struct probe_addr own = {.len = sizeof(own.storage)};
	unsigned local, remote;
	int found = 0;
	char line[300];
	FILE *f = fopen("/proc/net/udp", "r");

	CHECK(f, "/proc/net/udp: %s", probe_errno(errno));
	CHECK(!getsockname(fd, &own.sa, &own.len), "getsockname");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d: %*x:%x %*x:%x", &local, &remote) == 2 &&
			local == ntohs(own.in.sin_port))
			found = remote;
	fclose(f);
	return found;
}

/*
 * A socket that was not let in asks where this process' questions go. The
 * question behind it is answered, so that one was seen before. Comes first:
 * the port of one that was let in is known for a second after it is closed,
 * and the kernel may give it to the next.
 */
static void stranger(void)
{
	int fd = connected(), other;
	struct probe_addr a;
	struct question q;
	char port[8], in[ANSWER_MAX];

	snprintf(port, sizeof(port), "%d", kernel_port(fd));
	probe_resolve(&a, "127.0.0.1", port);
	other = probe_udp(&a, 0);
	question_make(&q, name);
	CHECK(sendto(other, q.bytes, q.len, 0, &a.sa, a.len) == q.len,
		"sendto: %s", probe_errno(errno));
	probe_ask(fd, name);
	CHECK_ERR(recv(other, in, sizeof(in), MSG_DONTWAIT), EAGAIN);
	close(other);
	close(fd);
}

static int count_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	CHECK(d, "/proc/self/task");
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* When nobody asks any more, nothing is left of it; and it comes back. */
static void end(void)
{
	long until = probe_now_ms() + 30000;
	int fd = connected();

	probe_ask(fd, name);
	CHECK(count_threads() > 1, "no thread while a socket can ask");
	close(fd);
	while (count_threads() > 1 && probe_now_ms() < until)
		usleep(20000);
	CHECK(count_threads() == 1, "%d threads", count_threads());
	fd = connected();
	probe_ask(fd, name);
	probe_ask_at(fd, &ns, name);
	close(fd);
}

int main(int argc, char **argv)
{
	probe_dns_proxied = probe_flag(&argc, argv, "--proxied");
	bool no_fork = probe_flag(&argc, argv, "--no-fork");
	probe_positional(argc, argv, 2, 2, ARGS);
	probe_watchdog(80);
	probe_resolve(&ns, argv[1], "53");
	name = argv[2];
	CHECK(count_threads() == 1, "%d threads", count_threads());
	if (probe_dns_proxied)
		stranger();
	threads();
	if (!no_fork) {
		children();
		children_of_threads();
	}
	close_all();
	if (probe_dns_proxied)
		end();
	return 0;
}

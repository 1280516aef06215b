/*
 * Connects from many threads, and counts what becomes of it.
 *
 *     threads HOST PORT THREADS EACH
 *
 * Each thread makes EACH connections to HOST, an IPv4 address, one after
 * another; each must echo a byte. Prints:
 *
 *     carried failed nanoseconds
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 256
#define ECHO_S      20 /* a tunnel that says nothing is a failure */

static struct sockaddr_in target = {.sin_family = AF_INET};
static unsigned long n_each;
static atomic_ulong n_carried, n_failed;
static pthread_barrier_t barrier;

static bool echoes(int fd)
{
	const struct timeval tv = {.tv_sec = ECHO_S};
	char byte = 'x';

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return send(fd, &byte, 1, MSG_NOSIGNAL) == 1 &&
	       recv(fd, &byte, 1, 0) == 1;
}

static bool connect_once(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool is_carried = connect(fd, (const struct sockaddr *)&target,
				  sizeof(target)) == 0 &&
			  echoes(fd);

	close(fd);
	return is_carried;
}

static void *work(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier);
	for (unsigned long i = 0; i < n_each; i++)
		atomic_fetch_add(connect_once() ? &n_carried : &n_failed, 1);
	return NULL;
}

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	pthread_t threads[MAX_THREADS];
	unsigned n = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;

	if (n < 1 || n > MAX_THREADS ||
		inet_pton(AF_INET, argv[1], &target.sin_addr) != 1)
		return 2;
	target.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	n_each = strtoul(argv[4], NULL, 10);
	pthread_barrier_init(&barrier, NULL, n);
	long long took = -now_ns();
	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			return 1;
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	took += now_ns();
	printf("%lu %lu %lld\n", n_carried, n_failed, took);
	return 0;
}

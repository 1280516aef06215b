/*
 * A link to another network namespace that holds every packet for a while.
 *
 *     delay MICROSECONDS NEAR FAR NETNS
 *
 * Makes the TUN devices NEAR here and FAR in the network namespace of the file
 * NETNS, and hands on what is sent into one to the other, MICROSECONDS later.
 * Prints a line when they are there; they go with it, and it goes with the
 * process that started it. A direction that holds MAX_HELD packets loses more.
 */
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MAX_HELD   4096U
#define MAX_PACKET 1500U /* the MTU of a TUN device */
#define NS_PER_S   1000000000LL

struct packet {
	long long due_ns;
	size_t n;
	char bytes[MAX_PACKET];
};

/* A ring: all packets are held equally long, so the first is due first. */
struct direction {
	int from, to;
	size_t first, n_held;
	struct packet held[MAX_HELD];
};

static int fail(const char *what)
{
	fprintf(stderr, "delay: %s: %s\n", what, strerror(errno));
	return 1;
}

/* A device belongs to the namespace in which /dev/net/tun was opened. */
static int make_device(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		return -1;
	return fd;
}

static bool enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
}

/* Without a place left the packet is read all the same, and lost. */
static bool take(struct direction *d, long long hold_ns)
{
	char lost[MAX_PACKET];
	struct packet *p = &d->held[(d->first + d->n_held) % MAX_HELD];
	bool is_full = d->n_held == MAX_HELD;
	ssize_t n = read(d->from, is_full ? lost : p->bytes, MAX_PACKET);

	if (n <= 0)
		return false;
	if (!is_full) {
		p->n = (size_t)n;
		p->due_ns = now_ns() + hold_ns;
		d->n_held++;
	}
	return true;
}

static bool is_due(const struct direction *d, long long now)
{
	return d->n_held && d->held[d->first].due_ns <= now;
}

/* A device that is down takes no packet; then it is lost. */
static void hand_on(struct direction *d)
{
	const struct packet *p = &d->held[d->first];
	ssize_t n = write(d->to, p->bytes, p->n);

	(void)n;
	d->first = (d->first + 1) % MAX_HELD;
	d->n_held--;
}

/* How long until the first packet of all is due; NULL: there is none. */
static struct timespec *until_due(
	const struct direction *ds, size_t n, struct timespec *ts)
{
	long long due = 0, left;

	for (size_t i = 0; i < n; i++) {
		long long own = ds[i].held[ds[i].first].due_ns;
		if (ds[i].n_held && (!due || own < due))
			due = own;
	}
	if (!due)
		return NULL;
	left = due - now_ns();
	if (left < 0)
		left = 0;
	ts->tv_sec = left / NS_PER_S;
	ts->tv_nsec = left % NS_PER_S;
	return ts;
}

static int carry(struct direction *ds, long long hold_ns)
{
	struct pollfd fds[2] = {{.fd = ds[0].from, .events = POLLIN},
		{.fd = ds[1].from, .events = POLLIN}};
	struct timespec ts;

	for (;;) {
		int r = ppoll(fds, 2, until_due(ds, 2, &ts), NULL);
		if (r < 0 && errno != EINTR)
			return fail("ppoll");
		for (size_t i = 0; i < 2; i++) {
			while (is_due(&ds[i], now_ns()))
				hand_on(&ds[i]);
			while (take(&ds[i], hold_ns))
				;
		}
	}
}

int main(int argc, char **argv)
{
	static struct direction ds[2];
	long long hold_us = argc == 5 ? strtoll(argv[1], NULL, 10) : -1;

	if (hold_us < 0)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1UL);
	ds[0].from = ds[1].to = make_device(argv[2]);
	if (ds[0].from < 0)
		return fail(argv[2]);
	if (!enter(argv[4]))
		return fail(argv[4]);
	ds[1].from = ds[0].to = make_device(argv[3]);
	if (ds[1].from < 0)
		return fail(argv[3]);
	puts("ready");
	fflush(stdout);
	return carry(ds, hold_us * 1000);
}

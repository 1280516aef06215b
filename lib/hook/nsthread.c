#include "hook/nsthread.h"

#include "hook/fdtab.h"
#include "hook/nameserver.h"
#include "hook/real.h"
#include "hook/thread.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#define N_CONNECTIONS 64
#define BACKLOG       64
#define N_AT_A_TIME   32 /* datagrams between looks at the rest */
/* How long nothing is asked before it looks whether anybody is left; from
 * one time to the next twice as long. */
#define IDLE_MIN_MS 3000
#define IDLE_MAX_MS 48000

/* The rest of struct server's descriptors are connections. */
enum {
	UDP,
	LISTENER,
	FIRST_CONNECTION
};
#define N_POLLED (FIRST_CONNECTION + N_CONNECTIONS)

struct server {
	struct sx_nameserver *ns;
	struct pollfd fds[N_POLLED];
	struct sx_dns_stream *streams[N_POLLED]; /* of the connections */
	unsigned n_fds;
	int proc[2]; /* the lists of the kernel's UDP sockets, or -1 */
	int idle_ms;
};

struct start {
	struct sx_nameserver *ns;
	sem_t is_done;
	int err;
};

static uint64_t now(void)
{
	return sx_clock_ns(&sx_sys_real);
}

static bool may_ask(struct server *s, const struct sockaddr_storage *from,
	socklen_t len, bool is_tcp)
{
	struct sx_asker who = {.is_tcp = is_tcp};
	enum sx_may_ask r = SX_ASK_CHECK;

	if (sx_ip_from_sockaddr(from, len, &who.ip, &who.port))
		return false;
	while (r == SX_ASK_CHECK) {
		sx_nameserver_lock();
		r = sx_askers_take(&s->ns->askers, &who, now());
		sx_nameserver_unlock();
		if (r == SX_ASK_CHECK)
			sx_nameserver_look(s->ns, s->proc);
	}
	return r == SX_ASK_YES;
}

/* False when there is no more. */
static bool answer_datagram(struct server *s)
{
	uint8_t msg[SX_DNS_QUERY_MAX], out[SX_DNS_ANSWER_MAX];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n = real_recvfrom(s->fds[UDP].fd, msg, sizeof(msg), 0,
		(struct sockaddr *)&from, &len);

	size_t size = 0;

	/* A socket that is gone since is told by an error of the next call */
	if (n < 0)
		return errno != EAGAIN;
	if (may_ask(s, &from, len, false))
		size = sx_nameserver_answer(msg, (size_t)n, out);
	if (size)
		real_sendto(s->fds[UDP].fd, out, size, MSG_NOSIGNAL,
			(struct sockaddr *)&from, len);
	return true;
}

static void answer_datagrams(struct server *s)
{
	for (unsigned i = 0; i < N_AT_A_TIME && answer_datagram(s); i++)
		continue;
}

static void accept_one(struct server *s)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd = real_accept4(s->fds[LISTENER].fd, (struct sockaddr *)&from,
		&len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	struct sx_dns_stream *stream = calloc(1, sizeof(*stream));
	if (!stream || !may_ask(s, &from, len, true)) {
		free(stream);
		real_close(fd);
		return;
	}
	s->fds[s->n_fds] = (struct pollfd){.fd = fd, .events = POLLIN};
	s->streams[s->n_fds++] = stream;
}

static void hang_up(struct server *s, unsigned i)
{
	real_close(s->fds[i].fd);
	free(s->streams[i]);
	s->n_fds--;
	s->fds[i] = s->fds[s->n_fds];
	s->streams[i] = s->streams[s->n_fds];
}

/* Who does not read the answers is hung up on. */
static bool answer_message(int fd, const struct sx_dns_stream *stream)
{
	uint8_t out[2 + SX_DNS_ANSWER_MAX];
	size_t n =
		sx_nameserver_answer(stream->buf + 2, stream->len - 2, out + 2);

	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	return n && real_send(fd, out, n + 2, MSG_NOSIGNAL) == (ssize_t)(n + 2);
}

/* False when the connection is at its end. */
static bool read_connection(struct server *s, unsigned i)
{
	uint8_t bytes[2048];
	ssize_t n = real_recv(s->fds[i].fd, bytes, sizeof(bytes), 0);
	size_t used;

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	for (size_t at = 0; at < (size_t)n; at += used) {
		switch (sx_dns_feed(
			s->streams[i], bytes + at, (size_t)n - at, &used)) {
		case SX_DNS_MORE:
			break;
		case SX_DNS_MESSAGE:
			if (!answer_message(s->fds[i].fd, s->streams[i]))
				return false;
			break;
		case SX_DNS_TOO_LONG:
			return false;
		}
	}
	return true;
}

/* Whether it ended: nobody is left who could ask. */
static bool end_if_unused(struct server *s)
{
	if (s->n_fds > FIRST_CONNECTION)
		return false;
	sx_nameserver_look_well(s->ns, s->proc);
	sx_nameserver_lock();
	sx_askers_expire(&s->ns->askers, now());
	bool ends = s->ns->askers.n == 0;
	if (ends)
		sx_nameserver_ends(s->ns);
	sx_nameserver_unlock();
	return ends;
}

/* False at the end. */
static bool turn(struct server *s)
{
	bool has_room = s->n_fds < N_POLLED;

	s->fds[LISTENER].events = has_room ? POLLIN : 0;
	int n = poll(s->fds, s->n_fds, s->idle_ms);
	if (n == 0) {
		if (s->idle_ms < IDLE_MAX_MS)
			s->idle_ms *= 2;
		return !end_if_unused(s);
	}
	s->idle_ms = IDLE_MIN_MS;
	for (unsigned i = s->n_fds; i-- > FIRST_CONNECTION;)
		if (s->fds[i].revents && !read_connection(s, i))
			hang_up(s, i);
	if (s->fds[UDP].revents)
		answer_datagrams(s);
	if (s->fds[LISTENER].revents)
		accept_one(s);
	return true;
}

/* A socket at a port of the kernel's choice on the loopback. Its number or a
 * negative errno value. */
static int open_socket(sa_family_t family, int type, uint16_t *port)
{
	struct sx_ip ip = sx_ip_loopback(family);
	struct sockaddr_storage sa;
	socklen_t len = sx_ip_to_sockaddr(&ip, 0, family, &sa);
	int fd = real_socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || real_bind(fd, (struct sockaddr *)&sa, len) ||
		real_getsockname(fd, (struct sockaddr *)&sa, &len) ||
		sx_ip_from_sockaddr(&sa, len, &ip, port))
		return -errno;
	return fd;
}

/* What goes to a loopback that is down is lost without a word. */
static bool is_loopback_up(int fd)
{
	struct ifreq ifr = {.ifr_name = "lo"};

	return ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 && ifr.ifr_flags & IFF_UP;
}

/*
 * Where the loopback has no address of the family, what goes to it would
 * leave this machine, from another source than it. Nothing is sent to find
 * out.
 */
static bool is_source_loopback(int fd, sa_family_t family, uint16_t port)
{
	struct sx_ip ip = sx_ip_loopback(family), source = {0};
	struct sockaddr_storage sa;
	socklen_t len = sx_ip_to_sockaddr(&ip, port, family, &sa);

	return !real_connect(fd, (struct sockaddr *)&sa, len) &&
	       !real_getsockname(fd, (struct sockaddr *)&sa, &len) &&
	       !sx_ip_from_sockaddr(&sa, len, &source, NULL) &&
	       sx_ip_equal(&source, &ip);
}

static bool is_reached_by_loopback(sa_family_t family, uint16_t port)
{
	int fd = real_socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is = fd >= 0 && is_loopback_up(fd) &&
		  is_source_loopback(fd, family, port);

	if (fd >= 0)
		real_close(fd);
	return is;
}

static int open_sockets(struct server *s)
{
	struct sx_nameserver *ns = s->ns;
	int udp = open_socket(ns->ip.family, SOCK_DGRAM, &ns->udp_port);
	int tcp = open_socket(ns->ip.family, SOCK_STREAM, &ns->tcp_port);

	if (udp < 0 || tcp < 0)
		return udp < 0 ? udp : tcp;
	if (!is_reached_by_loopback(ns->ip.family, ns->udp_port))
		return -ENETUNREACH;
	if (real_listen(tcp, BACKLOG))
		return -errno;
	s->fds[UDP] = (struct pollfd){.fd = udp, .events = POLLIN};
	s->fds[LISTENER] = (struct pollfd){.fd = tcp};
	s->n_fds = FIRST_CONNECTION;
	sx_nameserver_open_lists(s->proc); /* before it changes its root */
	s->idle_ms = IDLE_MIN_MS;
	return 0;
}

/* From here on this thread has a table of descriptors of its own, without
 * the program's. It is gone, with what is in it, when the thread ends. */
static int leave_descriptors(void)
{
	sx_fdtab_is_apart = true;
	return real_close_range(0, ~0U, CLOSE_RANGE_UNSHARE) ? -errno : 0;
}

static void *serve(void *arg)
{
	struct start *start = arg;
	struct server s = {.ns = start->ns};
	int err = leave_descriptors();

	if (!err)
		err = open_sockets(&s);
	start->err = err;
	sem_post(&start->is_done); /* start is gone from here on */
	if (err)
		return NULL;
	prctl(PR_SET_NAME, "socksify-dns");
	while (turn(&s))
		continue;
	return NULL;
}

int sx_nsthread_start(struct sx_nameserver *ns)
{
	struct start start = {.ns = ns};

	sem_init(&start.is_done, 0, 0);
	int err = sx_thread_start(serve, &start);
	if (err)
		return err;
	while (sem_wait(&start.is_done))
		continue;
	sem_destroy(&start.is_done);
	return start.err;
}

#include "leak_serve.h"

#include "leak_relay.h"
#include "opts.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define STACK_SIZE (256 * 1024)
#define MESSAGE    2048

enum role {
	ROLE_RELAY,
	ROLE_ECHO,
	ROLE_DNS,
};

struct post {
	const struct sx_leak_plan *plan;
	enum role role;
	bool is_datagram;
	int fd;
};

/* All that is listened at. */
struct posts {
	struct post *list;
	size_t n;
};

/* ---- serving */

static bool start(void *(*run)(void *), struct post post)
{
	struct post *own = malloc(sizeof(*own));
	pthread_attr_t attr;
	pthread_t thread;

	if (!own)
		return false;
	*own = post;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	bool good = pthread_create(&thread, &attr, run, own) == 0;
	pthread_attr_destroy(&attr);
	if (!good)
		free(own);
	return good;
}

static void echo(int fd)
{
	char buf[MESSAGE];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		if (send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n)
			break;
}

/* RFC 1035, 4.2.2: two bytes of length before each message. */
static void answer_stream(const struct sx_leak_plan *plan, int fd)
{
	uint8_t buf[2 + MESSAGE];

	while (recv(fd, buf, 2, MSG_WAITALL) == 2) {
		size_t n = (size_t)(buf[0] << 8 | buf[1]);
		if (n > MESSAGE ||
			recv(fd, buf + 2, n, MSG_WAITALL) != (ssize_t)n)
			return;
		n = sx_leak_dns_answer(plan, buf + 2, n, MESSAGE);
		buf[0] = (uint8_t)(n >> 8);
		buf[1] = (uint8_t)n;
		if (!n || send(fd, buf, n + 2, MSG_NOSIGNAL) < 0)
			return;
	}
}

static void *serve_client(void *arg)
{
	struct post post = *(struct post *)arg;

	free(arg);
	switch (post.role) {
	case ROLE_RELAY:
		sx_leak_relay(post.plan, post.fd);
		return NULL;
	case ROLE_ECHO:
		echo(post.fd);
		break;
	case ROLE_DNS:
		answer_stream(post.plan, post.fd);
		break;
	}
	close(post.fd);
	return NULL;
}

static void answer_datagrams(const struct post *post)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	uint8_t buf[MESSAGE];

	for (;; len = sizeof(from)) {
		ssize_t got = recvfrom(post->fd, buf, sizeof(buf), 0,
			(struct sockaddr *)&from, &len);
		size_t n = got < 0 ? 0 : (size_t)got;
		if (post->role == ROLE_DNS)
			n = sx_leak_dns_answer(post->plan, buf, n, sizeof(buf));
		if (n)
			sendto(post->fd, buf, n, MSG_NOSIGNAL,
				(struct sockaddr *)&from, len);
	}
}

static void *serve_post(void *arg)
{
	struct post post = *(struct post *)arg;

	free(arg);
	if (post.is_datagram && post.role == ROLE_RELAY)
		sx_leak_relay_datagrams(post.plan, post.fd);
	if (post.is_datagram)
		answer_datagrams(&post);
	for (;;) {
		struct post client = post;
		client.fd = accept4(post.fd, NULL, NULL, SOCK_CLOEXEC);
		if (client.fd >= 0 && !start(serve_client, client))
			close(client.fd);
	}
	return NULL;
}

static void serve_all(const struct posts *posts)
{
	for (size_t i = 0; i < posts->n; i++)
		if (!start(serve_post, posts->list[i]))
			_exit(SX_EXIT_OWN);
	for (;;)
		pause();
}

/* ---- listening */

static void add(struct posts *posts, const struct sx_leak_plan *plan,
	enum role role, bool is_datagram, int fd)
{
	posts->list[posts->n++] = (struct post){plan, role, is_datagram, fd};
}

/* A bound socket that listens, or -errno. */
static int listen_at(const struct sx_ip *ip, uint16_t port, int type)
{
	const int one = 1;
	struct sockaddr_storage sa;
	socklen_t len = sx_ip_to_sockaddr(ip, port, ip->family, &sa);
	int fd = socket(ip->family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (ip->family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, len) ||
		(type == SOCK_STREAM && listen(fd, 64))) {
		int err = errno;
		close(fd);
		return -err;
	}
	return fd;
}

static int add_target(struct posts *posts, const struct sx_leak_plan *plan,
	const struct sx_ip *ip)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

	for (size_t i = 0; i < 2; i++) {
		int fd = listen_at(ip, plan->port, types[i]);
		if (fd < 0)
			return fd;
		add(posts, plan, ROLE_ECHO, types[i] == SOCK_DGRAM, fd);
		fd = listen_at(ip, SX_DNS_PORT, types[i]);
		if (fd < 0)
			return fd;
		add(posts, plan, ROLE_DNS, types[i] == SOCK_DGRAM, fd);
	}
	return 0;
}

/* Where libc, and where systemd, has a resolver on the loopback; a server of
 * the user's may have the place. */
static void add_loopback_resolvers(
	struct posts *posts, const struct sx_leak_plan *plan)
{
	static const char *const texts[] = {"127.0.0.1", "127.0.0.53"};

	for (size_t i = 0; i < 2; i++) {
		struct sx_ip ip;
		sx_ip_parse(texts[i], &ip);
		int fd = listen_at(&ip, SX_DNS_PORT, SOCK_DGRAM);
		if (fd >= 0)
			add(posts, plan, ROLE_DNS, true, fd);
	}
}

/* Our socket over the one that is there; -errno when none is. */
static int listen_unix(
	const struct sx_leak_room *room, const char *path, unsigned i)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/server-%u",
		room->scratch, i);
	int r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 64)
			? -errno
			: sx_leak_room_cover(sa.sun_path, path);
	if (!r)
		return fd;
	close(fd);
	return r;
}

/* Servers of one address share a post. */
static bool is_first(const struct sx_leak_plan *plan, unsigned i)
{
	const struct sx_leak_server *s = &plan->servers[i];

	for (unsigned k = 0; k < i; k++) {
		const struct sx_leak_server *o = &plan->servers[k];
		if (s->conf->unix_path
				? o->conf->unix_path &&
					  strcmp(o->conf->unix_path,
						  s->conf->unix_path) == 0
				: o->ip.family &&
					  o->conf->port == s->conf->port &&
					  sx_ip_equal(&o->ip, &s->ip))
			return false;
	}
	return true;
}

static void add_server(
	struct posts *posts, const struct sx_leak_room *room, unsigned i)
{
	const struct sx_leak_server *s = &room->plan->servers[i];
	int fd;

	if ((!s->ip.family && !s->conf->unix_path) || !is_first(room->plan, i))
		return;
	fd = s->conf->unix_path ? listen_unix(room, s->conf->unix_path, i)
				: listen_at(&s->ip, s->conf->port, SOCK_STREAM);
	if (fd < 0) {
		sx_leak_plan_note(room->plan, "server %.100s is not played: %s",
			s->conf->name, strerror(-fd));
		return;
	}
	add(posts, room->plan, ROLE_RELAY, false, fd);
	if (s->conf->unix_path)
		return;
	fd = listen_at(&s->ip, s->conf->port, SOCK_DGRAM);
	if (fd >= 0)
		add(posts, room->plan, ROLE_RELAY, true, fd);
}

static int listen_everywhere(
	struct posts *posts, const struct sx_leak_room *room)
{
	const struct sx_leak_plan *plan = room->plan;
	int r = add_target(posts, plan, &plan->target4);

	if (!r && plan->has_v6)
		r = add_target(posts, plan, &plan->target6);
	if (r)
		return r;
	for (unsigned i = 0; i < plan->n_servers; i++)
		add_server(posts, room, i);
	add_loopback_resolvers(posts, plan);
	return 0;
}

int sx_leak_serve(struct sx_leak_room *room)
{
	struct posts posts = {.list = calloc(room->plan->n_servers * 2UL + 16UL,
				      sizeof(*posts.list))};
	int r = posts.list ? listen_everywhere(&posts, room) : -ENOMEM;
	pid_t pid = r ? -1 : fork();

	if (pid == 0)
		serve_all(&posts);
	if (!r && pid < 0)
		r = -errno;
	for (size_t i = 0; i < posts.n; i++)
		close(posts.list[i].fd);
	free(posts.list);
	return r;
}

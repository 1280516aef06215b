#include "hook/nameserver.h"

#include "base/cache.h"
#include "base/lock.h"
#include "base/log.h"
#include "hook/nsthread.h"
#include "hook/real.h"
#include "hook/socktab.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define N_NAMESERVERS 8

/* Guards the nameservers and their askers. Outside of all others; held while
 * a thread starts, which takes part of a millisecond. */
static struct sx_lock lock = SX_LOCK_INIT;
static struct sx_nameserver nameservers[N_NAMESERVERS];

/* From a responder's port to the nameserver it speaks for: receiving takes
 * no lock. */
static struct sx_cache_set set;
static struct sx_cache by_port = {.sets = &set, .n_sets = 1};
static_assert(N_NAMESERVERS <= SX_CACHE_WAYS, "none is pushed out");
atomic_bool sx_nameserver_asked;

union words {
	struct sx_ip ip;
	uint64_t words[SX_CACHE_WORDS];
};
static_assert(sizeof(struct sx_ip) <= SX_CACHE_WORDS * 8, "fits its words");

/* One for all nameservers: what a program has asked one it need not ask
 * another. */
static struct sx_responder_given given;

size_t sx_nameserver_answer(
	const uint8_t *msg, size_t n, uint8_t out[SX_DNS_ANSWER_MAX])
{
	struct sx_responder r = {.engine = sx_hook_engine(),
		.sys = &sx_sys_real,
		.given = &given};

	return sx_responder_answer(&r, msg, n, out);
}

static uint64_t key_of(sa_family_t family, uint16_t port)
{
	return (uint64_t)family << 16 | port;
}

void sx_nameserver_lock(void)
{
	sx_lock(&lock);
}

void sx_nameserver_unlock(void)
{
	sx_unlock(&lock);
}

void sx_nameserver_before_fork(void)
{
	sx_lock(&lock);
}

void sx_nameserver_after_fork(void)
{
	sx_unlock(&lock);
}

/* The threads are the parent's. They go on answering the sockets that the
 * child has inherited. */
void sx_nameserver_after_fork_in_child(void)
{
	for (unsigned i = 0; i < N_NAMESERVERS; i++)
		nameservers[i].is_up = false;
	sx_unlock(&lock);
}

void sx_nameserver_ends(struct sx_nameserver *ns)
{
	ns->is_up = false;
	sx_cache_del(&by_port, key_of(ns->ip.family, ns->udp_port));
}

static void log_start(const struct sx_ip *ip)
{
	struct sx_dest dest = {
		.kind = SX_DEST_IP, .ip = *ip, .port = SX_DNS_PORT};
	char text[SX_DEST_STRLEN];

	if (sx_log_enabled(SX_LOG_INFO))
		sx_log(SX_LOG_INFO, "questions to %s are answered here",
			sx_dest_format(&dest, text, sizeof(text)));
}

static int start(struct sx_nameserver *ns, const struct sx_ip *ip)
{
	union words value = {.words = {0}};

	ns->askers.n = 0;
	ns->ip = *ip;
	ns->pid = getpid();
	int err = sx_nsthread_start(ns);
	if (err)
		return err;
	ns->is_up = true;
	value.ip = *ip;
	sx_cache_put(&by_port, key_of(ip->family, ns->udp_port), value.words);
	atomic_store(&sx_nameserver_asked, true);
	log_start(ip);
	return 0;
}

/* The lock is held. The process may be a child of which nobody has told
 * us: of clone(2), vfork(2). */
static int find_or_start(const struct sx_ip *ip, struct sx_nameserver **out)
{
	struct sx_nameserver *free_one = NULL;
	int pid = getpid();

	for (unsigned i = 0; i < N_NAMESERVERS; i++) {
		struct sx_nameserver *ns = &nameservers[i];
		bool is_up = ns->is_up && ns->pid == pid;
		if (is_up && sx_ip_equal(&ns->ip, ip)) {
			*out = ns;
			return 0;
		}
		if (!is_up && !free_one)
			free_one = ns;
	}
	*out = free_one;
	return free_one ? start(free_one, ip) : -ENOBUFS;
}

void sx_nameserver_open_lists(int lists[2])
{
	lists[0] = open("/proc/thread-self/net/udp", O_RDONLY | O_CLOEXEC);
	lists[1] = open("/proc/thread-self/net/udp6", O_RDONLY | O_CLOEXEC);
}

/* One piece of whole lines at a time: the kernel gives no half of one. */
static bool read_list(int fd, const uint64_t *inodes, bool *found, unsigned n)
{
	char lines[8192];
	off_t at = 0;
	ssize_t got;

	while ((got = pread(fd, lines, sizeof(lines) - 1, at)) > 0) {
		lines[got] = '\0';
		sx_askers_read(lines, inodes, found, n);
		at += got;
	}
	return got == 0;
}

void sx_nameserver_look(struct sx_nameserver *ns, const int lists[2])
{
	uint64_t inodes[SX_ASKERS_MAX];
	bool found[SX_ASKERS_MAX] = {false};

	sx_lock(&lock);
	unsigned n = sx_askers_inodes(&ns->askers, inodes);
	sx_unlock(&lock);
	if (n == 0)
		return;
	bool could = read_list(lists[0], inodes, found, n);
	read_list(lists[1], inodes, found, n);
	for (unsigned i = 0; i < n && !could; i++)
		found[i] = true;
	sx_lock(&lock);
	sx_askers_found(
		&ns->askers, inodes, found, n, sx_clock_ns(&sx_sys_real));
	sx_unlock(&lock);
}

void sx_nameserver_look_well(struct sx_nameserver *ns, const int lists[2])
{
	for (unsigned i = 0; i < SX_ASKERS_MISSED_MAX; i++)
		sx_nameserver_look(ns, lists);
}

/* The table is full: most of them are gone, presumably. */
static void make_room(struct sx_nameserver *ns)
{
	int lists[2];

	sx_nameserver_open_lists(lists);
	sx_nameserver_look_well(ns, lists);
	for (unsigned i = 0; i < 2; i++)
		if (lists[i] >= 0)
			real_close(lists[i]);
}

static int get_name(int fd, struct sx_ip *ip, uint16_t *port)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (real_getsockname(fd, (struct sockaddr *)&sa, &len))
		return -errno;
	return sx_ip_from_sockaddr(&sa, len, ip, port);
}

/* The address that the responder sees: it has to be known before the first
 * byte gets there, so the socket takes its port now. */
static int source_of(int fd, const struct sx_hook_sock *sock,
	sa_family_t family, struct sx_asker *out)
{
	struct sockaddr_storage any = {.ss_family = (sa_family_t)sock->domain};
	socklen_t len = sock->domain == AF_INET ? sizeof(struct sockaddr_in)
						: sizeof(struct sockaddr_in6);
	int err = get_name(fd, &out->ip, &out->port);

	if (!err && out->port == 0) {
		if (real_bind(fd, (struct sockaddr *)&any, len))
			return -errno;
		err = get_name(fd, &out->ip, &out->port);
	}
	if (err)
		return err;
	if (sx_ip_is_any(&out->ip))
		out->ip = sx_ip_loopback(family);
	out->is_tcp = sx_hook_is_tcp(sock);
	/* 0: IP_BIND_ADDRESS_NO_PORT */
	return out->port ? 0 : -EADDRNOTAVAIL;
}

static int let_in(const struct sx_ip *ip, const struct sx_asker *who,
	uint64_t inode, uint16_t *port, struct sx_nameserver **out)
{
	struct sx_nameserver *ns;

	sx_lock(&lock);
	int err = find_or_start(ip, &ns);
	if (!err && !sx_askers_let(
			    &ns->askers, who, inode, sx_clock_ns(&sx_sys_real)))
		err = -ENOBUFS;
	if (!err)
		*port = who->is_tcp ? ns->tcp_port : ns->udp_port;
	sx_unlock(&lock);
	*out = ns;
	return err;
}

static int get_port(const struct sx_ip *ip, const struct sx_asker *who,
	uint64_t inode, uint16_t *port)
{
	struct sx_nameserver *ns;
	int err = let_in(ip, who, inode, port, &ns);

	if (err != -ENOBUFS || !ns)
		return err;
	make_room(ns);
	return let_in(ip, who, inode, port, &ns);
}

/* inode 0: for one datagram or connection. */
static int redirect(int fd, const struct sx_hook_sock *sock,
	const struct sx_ip *ip, uint64_t inode, struct sockaddr_storage *to,
	socklen_t *len)
{
	struct sx_ip loopback = sx_ip_loopback(ip->family);
	struct sx_asker who;
	uint16_t port = 0;

	if (sx_hook_is_tied(fd, sock->domain))
		return -ENETUNREACH;
	int err = source_of(fd, sock, ip->family, &who);
	if (!err)
		err = get_port(ip, &who, inode, &port);
	if (err)
		return err;
	*len = sx_ip_to_sockaddr(
		&loopback, port, (sa_family_t)sock->domain, to);
	return *len ? 0 : -ENETUNREACH;
}

static bool is_private(const struct sx_ip *ip)
{
	static const char *const prefixes[] = {"10.0.0.0/8", "172.16.0.0/12",
		"192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7",
		"fe80::/10"};
	struct sx_cidr cidr;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!sx_cidr_parse(prefixes[i], &cidr) &&
			sx_cidr_contains(&cidr, ip))
			return true;
	return false;
}

/* Rather than carried. A loopback is this machine's, and nothing on the
 * server's; a private address means little behind a server. */
static bool is_answered(const struct sx_dest *dest, bool is_udp)
{
	bool is_ip = dest->kind == SX_DEST_IP;

	if (is_ip && sx_ip_is_loopback(&dest->ip))
		return true;
	switch (sx_engine_conf(sx_hook_engine())->dns) {
	case SX_DNS_AUTO:
		return is_udp || (is_ip && is_private(&dest->ip));
	case SX_DNS_TABLE:
		return true;
	case SX_DNS_CARRY:
		break;
	}
	return false;
}

bool sx_nameserver_is(
	const struct sx_hook_sock *sock, const struct sx_dest *dest)
{
	bool is_udp = sock->type == SOCK_DGRAM && sock->protocol == IPPROTO_UDP;

	if (dest->port != SX_DNS_PORT)
		return false;
	return (is_udp || sx_hook_is_tcp(sock)) && is_answered(dest, is_udp);
}

int sx_nameserver_redirect(int fd, const struct sx_hook_sock *sock,
	const struct sx_ip *ip, struct sockaddr_storage *to, socklen_t *len)
{
	int saved = errno;
	int err = redirect(fd, sock, ip, 0, to, len);

	errno = saved;
	return err;
}

static int refuse(const struct sx_ip *ip)
{
	struct sx_dest dest = {
		.kind = SX_DEST_IP, .ip = *ip, .port = SX_DNS_PORT};

	return sx_hook_refuse(ENETUNREACH,
		"questions that cannot be answered here,", &dest, NULL);
}

int sx_nameserver_connect(int fd, const struct sx_hook_sock *sock,
	const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_storage to;
	socklen_t to_len;
	struct stat st = {0};
	struct sx_ip ip;
	int saved = errno;

	if (!sx_hook_is_tcp(sock) && fstat(fd, &st))
		return -1;
	if (sx_ip_from_sockaddr(sa, len, &ip, NULL) ||
		redirect(fd, sock, &ip, st.st_ino, &to, &to_len))
		return refuse(&ip);
	errno = saved;
	int r = real_connect(fd, (struct sockaddr *)&to, to_len);
	if (r == 0 || errno == EINPROGRESS) {
		saved = errno;
		sx_socktab_put(fd, sa, len);
		errno = saved;
	}
	return r;
}

void sx_nameserver_restore(struct sockaddr *sa, socklen_t room, socklen_t *len)
{
	struct sockaddr_storage out;
	struct sx_ip ip, loopback;
	union words value;
	uint16_t port;

	if (sx_ip_from_sockaddr(sa, *len < room ? *len : room, &ip, &port))
		return;
	loopback = sx_ip_loopback(ip.family);
	if (!sx_ip_equal(&ip, &loopback) ||
		!sx_cache_get(&by_port, key_of(ip.family, port), value.words))
		return;
	*len = sx_ip_to_sockaddr(
		&value.ip, SX_DNS_PORT, sx_sockaddr_family(sa, room), &out);
	memcpy(sa, &out, *len < room ? *len : room);
}

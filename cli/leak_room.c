#include "leak_room.h"

#include "core/state.h"
#include "leak_link.h"
#include "opts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACES (CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID)

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP};
#define N_DEADLY (sizeof(deadly) / sizeof(*deadly))

static struct sigaction former[N_DEADLY]; /* what was done about them */
static volatile sig_atomic_t caught;      /* 0: no signal yet */
static volatile pid_t inmate;             /* 0: no room yet */

static int fail(const char *what, int err)
{
	fprintf(stderr, "socksify: leaktest: %s: %s\n", what, strerror(err));
	return SX_EXIT_OWN;
}

/* ---- inside */

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t n = strlen(text);

	if (fd < 0)
		return -errno;
	int r = write(fd, text, n) == (ssize_t)n ? 0 : -EIO;
	close(fd);
	return r;
}

/* The user and group that we were are the only ones there are. */
static int map_ids(uid_t uid, gid_t gid)
{
	char text[64];

	write_file("/proc/self/setgroups", "deny"); /* kernels since 3.19 */
	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	int r = write_file("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	return r ? r : write_file("/proc/self/gid_map", text);
}

int sx_leak_room_cover(const char *file, const char *path)
{
	return mount(file, path, NULL, MS_BIND, NULL) ? -errno : 0;
}

/* A file that is not there is not covered: libc then does as an empty one
 * would have it. */
static int replace(const struct sx_leak_room *room, const char *name,
	const char *path, const char *text)
{
	char file[sizeof(room->scratch) + 32];

	snprintf(file, sizeof(file), "%s/%s", room->scratch, name);
	int r = write_file(file, text);
	if (!r)
		r = sx_leak_room_cover(file, path);
	return r == -ENOENT ? 0 : r;
}

static int replace_hosts(const struct sx_leak_room *room)
{
	const struct sx_leak_plan *plan = room->plan;
	char *text = NULL, ip[INET6_ADDRSTRLEN];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -ENOMEM;
	fputs("127.0.0.1 localhost\n::1 localhost\n", f);
	for (unsigned i = 0; i < plan->n_servers; i++) {
		const struct sx_leak_server *s = &plan->servers[i];
		if (s->ip.family && !s->conf->ip.family)
			fprintf(f, "%s %s\n",
				sx_ip_format(&s->ip, ip, sizeof(ip)),
				s->conf->host);
	}
	int r = fclose(f) ? -ENOMEM
			  : replace(room, "hosts", "/etc/hosts", text);
	free(text);
	return r;
}

/* A name that gets out is to get to our name server: no daemon outside is
 * asked, and none of the user's is. */
static int replace_resolver(const struct sx_leak_room *room)
{
	char ip[INET6_ADDRSTRLEN], text[128];

	mount("tmpfs", "/run/nscd", "tmpfs", 0, NULL); /* if it is there */
	snprintf(text, sizeof(text),
		"nameserver %s\noptions timeout:1 attempts:1\n",
		sx_ip_format(&room->plan->target4, ip, sizeof(ip)));
	int r = replace(room, "resolv.conf", "/etc/resolv.conf", text);
	if (r)
		return r;
	return replace(room, "nsswitch.conf", "/etc/nsswitch.conf",
		"passwd: files\ngroup: files\nhosts: files dns\n");
}

static int mount_files(const struct sx_leak_room *room)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("tmpfs", room->scratch, "tmpfs", MS_NODEV,
			"mode=0700,size=256m"))
		return -errno;
	/* Where it cannot be had, /proc/self of the one outside will do */
	mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	int r = replace_hosts(room);
	return r ? r : replace_resolver(room);
}

static int add_target(const struct sx_ip *ip)
{
	return ip->family ? sx_leak_link_add(ip) : 0;
}

/* A server whose address this machine cannot have is not played. */
static void add_server(struct sx_leak_plan *plan, struct sx_leak_server *s)
{
	if (!s->ip.family || sx_ip_is_loopback(&s->ip) || sx_ip_is_any(&s->ip))
		return;
	int r = sx_leak_link_add(&s->ip);
	if (!r)
		return;
	sx_leak_plan_note(plan, "server %.100s is not played: %s",
		s->conf->name, strerror(-r));
	s->ip.family = 0;
}

static int set_up_network(struct sx_leak_plan *plan)
{
	int r = sx_leak_link_up();

	if (!r)
		r = add_target(&plan->target4);
	if (!r)
		r = add_target(&plan->relay4);
	if (!r)
		r = add_target(&plan->outside4);
	if (!r)
		r = sx_leak_link_default();
	if (r)
		return r;
	write_file("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "0");
	plan->has_v6 = add_target(&plan->target6) == 0 &&
		       add_target(&plan->relay6) == 0;
	if (!plan->has_v6)
		sx_leak_plan_note(plan, "this kernel has no IPv6");
	for (unsigned i = 0; i < plan->n_servers; i++)
		add_server(plan, &plan->servers[i]);
	return 0;
}

/* Ping sockets are for those groups that the namespace allows. */
static void allow_ping(gid_t gid)
{
	char text[64];

	snprintf(text, sizeof(text), "%u %u", gid, gid);
	write_file("/proc/sys/net/ipv4/ping_group_range", text);
}

/* From now on we end with the command, even if that is killed. alive: a
 * pipe whose other end it holds. */
static void follow(int alive)
{
	struct pollfd end = {.fd = alive};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&end, 1, 0) > 0 && end.revents & POLLHUP)
		_exit(SX_EXIT_OWN);
	close(alive);
}

static int enter(struct sx_leak_room *room, bool new_user, uid_t uid, gid_t gid)
{
	int r = new_user ? map_ids(uid, gid) : 0;

	if (r)
		return fail("no user namespace", -r);
	r = mount_files(room);
	if (r)
		return fail("no file system of its own", -r);
	r = set_up_network(room->plan);
	if (r)
		return fail("no network of its own", -r);
	allow_ping(gid);
	return room->run(room, room->arg);
}

/* ---- outside */

static void on_deadly(int sig)
{
	caught = sig;
	if (inmate > 0)
		kill(inmate, SIGKILL);
}

/* What is ignored stays ignored. */
static void catch_deadly(void)
{
	const struct sigaction ours = {.sa_handler = on_deadly};

	for (size_t i = 0; i < N_DEADLY; i++) {
		sigaction(deadly[i], NULL, &former[i]);
		if (former[i].sa_handler != SIG_IGN)
			sigaction(deadly[i], &ours, NULL);
	}
}

static void restore_signals(void)
{
	for (size_t i = 0; i < N_DEADLY; i++)
		sigaction(deadly[i], &former[i], NULL);
}

/* As fork(). */
static pid_t clone_self(unsigned long namespaces)
{
#ifdef __s390x__
	return (pid_t)syscall(SYS_clone, 0, namespaces | SIGCHLD, 0, 0, 0);
#else
	return (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0);
#endif
}

/* The pid, or 0 inside, or -errno. */
static pid_t make(bool *new_user)
{
	pid_t pid = -1;

	*new_user = geteuid() != 0;
	if (!*new_user)
		pid = clone_self(NAMESPACES);
	if (pid < 0) { /* also for a root that has lost its powers */
		*new_user = true;
		pid = clone_self(NAMESPACES | CLONE_NEWUSER);
	}
	return pid < 0 ? -errno : pid;
}

static int wait_for(pid_t pid)
{
	int status;

	inmate = pid;
	if (caught)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail("waitpid", errno);
	inmate = 0;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (!caught)
		fputs("socksify: leaktest: its process was killed\n", stderr);
	return SX_EXIT_OWN;
}

static int live(struct sx_leak_room *room)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool new_user;
	int alive[2];

	if (pipe2(alive, O_CLOEXEC))
		return fail("pipe", errno);
	fflush(NULL);
	pid_t pid = make(&new_user);
	if (pid == 0) {
		restore_signals();
		close(alive[1]);
		follow(alive[0]);
		int status = enter(room, new_user, uid, gid);
		fflush(NULL);
		_exit(status);
	}
	close(alive[0]);
	int status = pid < 0 ? fail("it needs root or unprivileged user "
				    "namespaces",
				       -(int)pid)
			     : wait_for(pid);
	close(alive[1]);
	return status;
}

/* The folder as a descriptor, made if it is missing, or -errno. Another user
 * may have put something of that name there. */
static int open_scratch(const char *path, bool *made)
{
	struct stat st;

	*made = mkdir(path, 0700) == 0;
	if (!*made && errno != EEXIST)
		return -errno;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid())
		return fd;
	close(fd);
	return -EPERM;
}

static bool is_still_at(const char *path, int fd)
{
	struct stat a, b;

	return stat(path, &a) == 0 && fstat(fd, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* One room at a time: the folder that goes with one would take what is
 * mounted there in another with it. A locked descriptor, or -errno. */
static int lock_scratch(const char *path, bool *made)
{
	while (!caught) {
		int fd = open_scratch(path, made);
		if (fd == -ENOENT)
			continue; /* gone just now */
		if (fd < 0)
			return fd;
		if (flock(fd, LOCK_EX) == 0 && is_still_at(path, fd))
			return fd;
		close(fd);
	}
	return -EINTR;
}

int sx_leak_room_run(struct sx_leak_room *room)
{
	bool made;

	catch_deadly();
	snprintf(room->scratch, sizeof(room->scratch),
		SX_STATE_TMP "/socksify-%lu", (unsigned long)geteuid());
	int lock = lock_scratch(room->scratch, &made);
	int status = lock < 0 ? fail(room->scratch, -lock) : live(room);
	if (lock >= 0 && made) /* unless another process uses it by now */
		rmdir(room->scratch);
	if (lock >= 0)
		close(lock);
	restore_signals();
	if (caught)
		kill(getpid(), caught);
	return status;
}

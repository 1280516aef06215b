#include "core/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME    "state"
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define MAX_TRIES    8 /* files that are deleted while we open them */

static void add_place(struct sx_state_path *path, const char *parent,
	bool is_users, const char *folder)
{
	struct sx_state_place *place = &path->places[path->n_places];

	if (parent[0] != '/' || strlen(parent) >= sizeof(place->parent))
		return;
	memcpy(place->parent, parent, strlen(parent) + 1);
	memcpy(place->folder, folder, strlen(folder) + 1);
	place->parent_is_users = is_users;
	path->n_places++;
}

void sx_state_path(struct sx_state_path *out, const char *runtime_dir,
	const char *tmp, uid_t uid)
{
	char folder[sizeof(out->places[0].folder)];

	memset(out, 0, sizeof(*out));
	out->uid = uid;
	if (runtime_dir)
		add_place(out, runtime_dir, true, "socksify");
	snprintf(folder, sizeof(folder), "socksify-%lu", (unsigned long)uid);
	add_place(out, tmp, false, folder);
}

static int fault(
	struct sx_err *err, const struct sx_state_place *p, const char *what)
{
	return sx_err_set(err, EINVAL,
		"the state file cannot be used: %s: %s/%s", what, p->parent,
		p->folder);
}

static int fault_errno(
	struct sx_err *err, const struct sx_state_place *p, const char *what)
{
	int sys = errno;

	return sx_err_set(err, sys,
		"the state file cannot be used: %s: %s: %s/%s", what,
		strerrordesc_np(sys), p->parent, p->folder);
}

/* NULL: the folder is the user's alone. */
static const char *folder_fault(int fd, uid_t uid)
{
	struct stat st;

	if (fstat(fd, &st))
		return "its folder cannot be examined";
	if (st.st_uid != uid)
		return "its folder is another user's";
	if ((st.st_mode & 0777) != 0700)
		return "the mode of its folder is not 0700";
	return NULL;
}

static bool is_owned(int fd, uid_t uid)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == uid;
}

/* Makes the folder if it is missing. A link in its place is not followed:
 * anybody can put one into /tmp. */
static int open_in_parent(int parent, const char *folder)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, folder, flags);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(parent, folder, 0700) == 0)
		fchmodat(parent, folder, 0700, 0); /* whatever the umask */
	else if (errno != EEXIST)
		return -1;
	return openat(parent, folder, flags);
}

/* The folder as a descriptor, or -errno. */
static int open_folder(
	const struct sx_state_place *p, uid_t uid, struct sx_err *err)
{
	int parent =
		openat(AT_FDCWD, p->parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return fault_errno(err, p, "the folder above it");
	if (p->parent_is_users && !is_owned(parent, uid)) {
		close(parent);
		return fault(err, p, "the folder above it is another user's");
	}
	int fd = open_in_parent(parent, p->folder);
	if (fd < 0)
		fd = fault_errno(err, p, "its folder");
	close(parent);
	const char *what = fd < 0 ? NULL : folder_fault(fd, uid);
	if (!what)
		return fd;
	close(fd);
	return fault(err, p, what);
}

/* A number for the boot whose clock this is; 0: it cannot be known. */
static uint64_t boot_now(void)
{
	char id[64] = {0};
	uint64_t hash[2];
	int fd = openat(AT_FDCWD, BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	ssize_t n = read(fd, id, sizeof(id) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	sx_record_hash(id, hash);
	return hash[0];
}

/* Makes the new file complete: every block is there, since a hole that the
 * disk has no room for would be a SIGBUS later. 0 or -1. */
static int fill(int fd)
{
	const struct sx_state_head head = {
		.magic = SX_STATE_MAGIC,
		.version = SX_STATE_VERSION,
		.size = sizeof(struct sx_state_map),
		.boot = boot_now(),
	};

	if (fchmod(fd, 0600))
		return -1;
	errno = posix_fallocate(fd, 0, sizeof(struct sx_state_map));
	if (errno)
		return -1;
	return pwrite(fd, &head, sizeof(head), 0) == sizeof(head) ? 0 : -1;
}

/* A file that has no name until it is complete: nothing is left of it when
 * we are killed. 0 or -1. */
static int create_unnamed(int dir)
{
	char self[48];
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	int r = fill(fd);
	if (!r)
		r = linkat(AT_FDCWD, self, dir, FILE_NAME, AT_SYMLINK_FOLLOW);
	int sys = errno;
	close(fd);
	errno = sys;
	return r;
}

/* The same where the file system or a missing /proc does not allow that. */
static int create_named(int dir)
{
	char tmp[48];
	uint64_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (uint64_t)getpid();
	snprintf(tmp, sizeof(tmp), "." FILE_NAME "-%016llx",
		(unsigned long long)chance);
	int fd = openat(dir, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	int r = fill(fd);
	if (!r)
		r = linkat(dir, tmp, dir, FILE_NAME, 0);
	int sys = errno;
	unlinkat(dir, tmp, 0);
	close(fd);
	errno = sys;
	return r;
}

/* 0 when there is a file now, ours or another's; or -1. */
static int create(int dir)
{
	struct rlimit limit;

	/* A program that may not write files of this size would be killed */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
		limit.rlim_cur < sizeof(struct sx_state_map)) {
		errno = EFBIG;
		return -1;
	}
	if (create_unnamed(dir) == 0 || errno == EEXIST)
		return 0;
	return create_named(dir) == 0 || errno == EEXIST ? 0 : -1;
}

static int open_file(int dir)
{
	for (unsigned i = 0; i < MAX_TRIES; i++) {
		int fd = openat(dir, FILE_NAME,
			O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			return fd;
		if (create(dir))
			return -1;
	}
	return -1;
}

/* NULL: the file is a state of this version, and the user's alone. */
static const char *file_fault(int fd, uid_t uid)
{
	struct stat st;
	struct sx_state_head head;

	if (fstat(fd, &st))
		return "it cannot be examined";
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	if (st.st_uid != uid)
		return "it is another user's";
	if ((st.st_mode & 07777) != 0600)
		return "its mode is not 0600";
	if (st.st_size != sizeof(struct sx_state_map))
		return "it has another size";
	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return "it cannot be read";
	if (head.magic != SX_STATE_MAGIC)
		return "it is something else";
	if (head.version != SX_STATE_VERSION || head.size != st.st_size)
		return "it is of another version";
	return NULL;
}

static struct sx_state_map *map_file(int fd)
{
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	void *map = mmap(NULL, sizeof(struct sx_state_map),
		PROT_READ | PROT_WRITE, flags, fd, 0);

	return map == MAP_FAILED ? NULL : map;
}

/* Times of another boot are of another clock. The boot is stored last: when
 * we are killed before, the next one begins anew. */
static void adopt(struct sx_state_map *map)
{
	uint64_t boot = boot_now();

	if (!boot || atomic_load(&map->head.boot) == boot)
		return;
	for (unsigned i = 0; i < SX_STATE_SERVERS; i++)
		atomic_store(&map->servers[i].health, 0);
	atomic_store(&map->head.boot, boot);
}

/* 0 or -errno. */
static int open_in_folder(struct sx_state *st, int dir,
	const struct sx_state_place *p, uid_t uid, struct sx_err *err)
{
	int fd = open_file(dir);

	if (fd < 0)
		return fault_errno(err, p, "opening it");
	const char *what = file_fault(fd, uid);
	if (!what)
		st->map = map_file(fd);
	int r = what       ? fault(err, p, what)
		: !st->map ? fault_errno(err, p, "mapping it")
			   : 0;
	close(fd);
	if (!r)
		adopt(st->map);
	return r;
}

/* The next place serves where the folder of one cannot be used; but a file
 * that cannot, means private memory: who knows what the other one holds. */
static int open_shared(struct sx_state *st, const struct sx_state_path *path,
	struct sx_err *err)
{
	if (geteuid() != path->uid)
		return sx_err_set(err, EPERM,
			"the state file cannot be used: the process has "
			"become another user's");
	for (unsigned i = 0; i < path->n_places; i++) {
		const struct sx_state_place *p = &path->places[i];
		int dir = open_folder(p, path->uid, err);
		if (dir < 0)
			continue;
		int r = open_in_folder(st, dir, p, path->uid, err);
		close(dir);
		st->place = r ? -1 : (int)i;
		return r;
	}
	return -ENOENT;
}

int sx_state_open(struct sx_state *st, const struct sx_state_path *path,
	struct sx_err *err)
{
	*st = (struct sx_state){.place = -1};
	if (open_shared(st, path, err) == 0)
		return SX_STATE_SHARED;
	st->map = map_file(-1);
	return st->map ? SX_STATE_PRIVATE : -ENOMEM;
}

void sx_state_close(struct sx_state *st)
{
	if (st->map)
		munmap(st->map, sizeof(*st->map));
	*st = (struct sx_state){.place = -1};
}

struct sx_server_state *sx_state_server(
	struct sx_state *st, const char *key, const char *name)
{
	if (!st->map)
		return NULL;
	return (void *)sx_record_find(st->map->servers, SX_STATE_SERVERS,
		sizeof(st->map->servers[0]), key, name);
}

struct sx_pool_state *sx_state_pool(
	struct sx_state *st, const char *key, const char *name)
{
	if (!st->map)
		return NULL;
	return (void *)sx_record_find(st->map->pools, SX_STATE_POOLS,
		sizeof(st->map->pools[0]), key, name);
}

struct sx_server_state *sx_state_server_at(struct sx_state *st, unsigned i)
{
	if (!st->map || !sx_record_is_claimed(&st->map->servers[i].record))
		return NULL;
	return &st->map->servers[i];
}

struct sx_pool_state *sx_state_pool_at(struct sx_state *st, unsigned i)
{
	if (!st->map || !sx_record_is_claimed(&st->map->pools[i].record))
		return NULL;
	return &st->map->pools[i];
}

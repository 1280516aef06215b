#include "core/shared.h"

#include "core/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Which file it is about, and where the words go. */
struct report {
	const struct sx_shared_file *file;
	const struct sx_state_place *place;
	struct sx_err *err;
};

static int fault(const struct report *r, const char *what)
{
	return sx_err_set(r->err, EINVAL,
		"the %s file cannot be used: %s: %s/%s", r->file->name, what,
		r->place->parent, r->place->folder);
}

static int fault_errno(const struct report *r, const char *what)
{
	int sys = errno;

	return sx_err_set(r->err, sys,
		"the %s file cannot be used: %s: %s: %s/%s", r->file->name,
		what, strerrordesc_np(sys), r->place->parent, r->place->folder);
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
static int open_folder(const struct report *r, uid_t uid)
{
	const struct sx_state_place *p = r->place;
	int parent =
		openat(AT_FDCWD, p->parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return fault_errno(r, "the folder above it");
	if (p->parent_is_users && !is_owned(parent, uid)) {
		close(parent);
		return fault(r, "the folder above it is another user's");
	}
	int fd = open_in_parent(parent, p->folder);
	if (fd < 0)
		fd = fault_errno(r, "its folder");
	close(parent);
	const char *what = fd < 0 ? NULL : folder_fault(fd, uid);
	if (!what)
		return fd;
	close(fd);
	return fault(r, what);
}

uint64_t sx_shared_boot(void)
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

static uint64_t draw(void)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = sx_record_mix(
			(uint64_t)getpid() ^ (uint64_t)(uintptr_t)&number);
	return number;
}

/* Makes the new file complete. 0 or -1. */
static int fill(int fd, const struct sx_shared_file *file)
{
	const struct sx_shared_head head = {
		.magic = file->magic,
		.version = file->version,
		.size = file->size,
		.boot = sx_shared_boot(),
		.id = draw(),
	};

	if (fchmod(fd, 0600))
		return -1;
	errno = posix_fallocate(fd, 0, file->solid);
	if (errno || ftruncate(fd, file->size))
		return -1;
	return pwrite(fd, &head, sizeof(head), 0) == sizeof(head) ? 0 : -1;
}

/* A file that has no name until it is complete: nothing is left of it when
 * we are killed. 0 or -1. */
static int create_unnamed(int dir, const struct sx_shared_file *file)
{
	char self[48];
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	int r = fill(fd, file);
	if (!r)
		r = linkat(AT_FDCWD, self, dir, file->name, AT_SYMLINK_FOLLOW);
	int sys = errno;
	close(fd);
	errno = sys;
	return r;
}

/* The same where the file system or a missing /proc does not allow that. */
static int create_named(int dir, const struct sx_shared_file *file)
{
	char tmp[48];

	snprintf(tmp, sizeof(tmp), ".%s-%016llx", file->name,
		(unsigned long long)draw());
	int fd = openat(dir, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	int r = fill(fd, file);
	if (!r)
		r = linkat(dir, tmp, dir, file->name, 0);
	int sys = errno;
	unlinkat(dir, tmp, 0);
	close(fd);
	errno = sys;
	return r;
}

/* 0 when there is a file now, ours or another's; or -1. */
static int create(int dir, const struct sx_shared_file *file)
{
	struct rlimit limit;

	/* A program that may not write files of this size would be killed */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
		limit.rlim_cur < file->size) {
		errno = EFBIG;
		return -1;
	}
	if (create_unnamed(dir, file) == 0 || errno == EEXIST)
		return 0;
	return create_named(dir, file) == 0 || errno == EEXIST ? 0 : -1;
}

static int open_existing(int dir, const struct sx_shared_file *file)
{
	return openat(dir, file->name,
		O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static int open_file(int dir, const struct sx_shared_file *file)
{
	for (unsigned i = 0; i < MAX_TRIES; i++) {
		int fd = open_existing(dir, file);
		if (fd >= 0 || errno != ENOENT)
			return fd;
		if (create(dir, file))
			return -1;
	}
	return -1;
}

/* NULL: the file is of this kind and version, and the user's alone. */
static const char *file_fault(
	int fd, uid_t uid, const struct sx_shared_file *file)
{
	struct stat st;
	struct sx_shared_head head;

	if (fstat(fd, &st))
		return "it cannot be examined";
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	if (st.st_uid != uid)
		return "it is another user's";
	if ((st.st_mode & 07777) != 0600)
		return "its mode is not 0600";
	if (st.st_size != (off_t)file->size)
		return "it has another size";
	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return "it cannot be read";
	if (head.magic != file->magic)
		return "it is something else";
	if (head.version != file->version || head.size != file->size)
		return "it is of another version";
	return NULL;
}

static void *map_fd(int fd, int flags, uint32_t size)
{
	void *map = mmap(
		NULL, size, PROT_READ | PROT_WRITE, flags | MAP_SHARED, fd, 0);

	return map == MAP_FAILED ? NULL : map;
}

void *sx_shared_private(const struct sx_shared_file *file)
{
	int flags = MAP_ANONYMOUS;

	if (file->solid < file->size)
		flags |= MAP_NORESERVE; /* most of it is never touched */
	struct sx_shared_head *map = map_fd(-1, flags, file->size);
	if (map)
		atomic_store(&map->id, draw());
	return map;
}

/* 0 or -errno. */
static int open_in_folder(
	const struct report *r, int dir, uid_t uid, void **map)
{
	int fd = open_file(dir, r->file), err = 0;

	if (fd < 0)
		return fault_errno(r, "opening it");
	const char *what = file_fault(fd, uid, r->file);
	if (what)
		err = fault(r, what);
	else if (!(*map = map_fd(fd, 0, r->file->size)))
		err = fault_errno(r, "mapping it");
	close(fd);
	return err;
}

/* The next place serves where the folder of one cannot be used; but a file
 * that cannot, means private memory: who knows what the other one holds. */
int sx_shared_open(const struct sx_shared_file *file,
	const struct sx_state_path *path, void **map, struct sx_err *err)
{
	if (geteuid() != path->uid)
		return sx_err_set(err, EPERM,
			"the %s file cannot be used: the process has become "
			"another user's",
			file->name);
	for (unsigned i = 0; i < path->n_places; i++) {
		const struct report report = {file, &path->places[i], err};
		int dir = open_folder(&report, path->uid);
		if (dir < 0)
			continue;
		int r = open_in_folder(&report, dir, path->uid, map);
		close(dir);
		return r ? r : (int)i;
	}
	return -ENOENT;
}

/* A descriptor of the file that is mapped there, or -1. */
static int reopen(const struct sx_shared_file *file,
	const struct sx_state_path *path, const struct sx_state_place *place,
	const struct sx_shared_head *mapped)
{
	const struct report report = {file, place, NULL};
	struct sx_shared_head head;
	int dir = open_folder(&report, path->uid);

	if (dir < 0)
		return -1;
	int fd = open_existing(dir, file);
	close(dir);
	if (fd < 0)
		return -1;
	if (!file_fault(fd, path->uid, file) &&
		pread(fd, &head, sizeof(head), 0) == sizeof(head) &&
		atomic_load(&head.id) == atomic_load(&mapped->id))
		return fd;
	close(fd);
	return -1;
}

static int allocate(const struct sx_shared_file *file,
	const struct sx_state_path *path, void *map, size_t offset, size_t n)
{
	int fd = -1;

	for (unsigned i = 0; i < path->n_places && fd < 0; i++)
		fd = reopen(file, path, &path->places[i], map);
	if (fd < 0)
		return -1;
	int r = posix_fallocate(fd, (off_t)offset, (off_t)n);
	close(fd);
	return r ? -1 : 0;
}

int sx_shared_make_solid(const struct sx_shared_file *file,
	const struct sx_state_path *path, void *map, size_t offset, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t start = offset / page * page;

	n += offset - start;
	if (madvise((char *)map + start, n, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL) /* Linux before 5.14 */
		return -1;
	return path ? allocate(file, path, map, start, n) : 0;
}

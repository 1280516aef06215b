#include "core/program.h"

#include "core/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_SCRIPT_DEPTH 5 /* as the kernel's */

static const char *const texts[] = {
	[SX_OBSTACLE_NONE] = "",
	[SX_OBSTACLE_STATIC] =
		"is statically linked: no library can be loaded into it",
	[SX_OBSTACLE_GO] = "is a Go program: it calls the kernel past libc",
	[SX_OBSTACLE_OTHER_LIBC] =
		"uses another C library: this one cannot be loaded into it",
	[SX_OBSTACLE_OTHER_CLASS] =
		"is for another kind of processor (32-bit or 64-bit) than "
		"the library",
	[SX_OBSTACLE_PRIVILEGED] =
		"is setuid or setgid: the dynamic linker does not load the "
		"library into it",
	[SX_OBSTACLE_IDS] =
		"would have another effective user or group than its real "
		"one: the dynamic linker does not load the library then",
	[SX_OBSTACLE_CAPABILITIES] =
		"has file capabilities: the dynamic linker does not load the "
		"library into it",
	[SX_OBSTACLE_NO_LIBRARY] =
		"cannot be given the library, which cannot be read by this "
		"user or below this root",
};

/* A file while it is looked at. */
struct look {
	struct sx_program_file file;
	struct stat st;
	struct sx_elf_file elf;
	bool is_ours; /* elf.fd is */
};

bool sx_program_is_listed(char *const *names, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

const char *sx_program_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

int sx_program_find(const char *name, const char *dirs, char *path, size_t size)
{
	size_t len = strlen(name) + 1;
	int err = -ENOENT;

	if (!*name)
		return -ENOENT;
	if (strchr(name, '/')) {
		if (len > size)
			return -ENAMETOOLONG;
		memcpy(path, name, len);
		if (is_executable(path))
			return 0;
		return access(path, F_OK) ? -errno : -EACCES;
	}
	for (;; dirs++) {
		size_t n = strcspn(dirs, ":");
		if (n + 1 + len <= size) { /* empty: this folder */
			char *end = mempcpy(path, dirs, n);
			if (n)
				*end++ = '/';
			memcpy(end, name, len);
			if (is_executable(path))
				return 0;
			if (access(path, F_OK) == 0)
				err = -EACCES;
		}
		dirs += n;
		if (!*dirs)
			return err;
	}
}

/* Its path, for what the descriptor cannot tell; NULL: there is none. */
static const char *path_of(const struct look *look)
{
	bool is_absolute = *look->file.path == '/';

	return is_absolute || look->file.dirfd == AT_FDCWD ? look->file.path
							   : NULL;
}

static bool is_on_nosuid(const struct look *look)
{
	const char *path = path_of(look);
	struct statvfs fs;
	int r = -1;

	if (look->elf.fd >= 0)
		r = fstatvfs(look->elf.fd, &fs);
	else if (path)
		r = statvfs(path, &fs);
	return r == 0 && fs.f_flag & ST_NOSUID;
}

static bool has_capabilities(const struct look *look)
{
	static const char name[] = "security.capability";
	const char *path = path_of(look);

	if (look->elf.fd >= 0)
		return fgetxattr(look->elf.fd, name, NULL, 0) > 0;
	return path && getxattr(path, name, NULL, 0) > 0;
}

/*
 * What makes the kernel set AT_SECURE, so that the dynamic linker ignores
 * LD_PRELOAD: another effective user or group than the real one after
 * execve(), and for all but root, file capabilities (even where
 * no_new_privs takes them away again).
 */
static enum sx_obstacle privileges(const struct look *look)
{
	const mode_t setgid = S_ISGID | S_IXGRP; /* both, or it means nothing */
	uid_t real_uid = getuid(), uid = geteuid();
	gid_t real_gid = getgid(), gid = getegid();
	mode_t mode = look->st.st_mode;
	bool is_set = mode & S_ISUID || (mode & setgid) == setgid;

	if (look->file.resets_ids) {
		uid = real_uid;
		gid = real_gid;
	}
	if (is_set && (is_on_nosuid(look) ||
			      prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1))
		is_set = false;
	if (is_set && mode & S_ISUID)
		uid = look->st.st_uid;
	if (is_set && (mode & setgid) == setgid)
		gid = look->st.st_gid;
	if (uid != real_uid || gid != real_gid)
		return is_set ? SX_OBSTACLE_PRIVILEGED : SX_OBSTACLE_IDS;
	if (real_uid != 0 && has_capabilities(look) && !is_on_nosuid(look))
		return SX_OBSTACLE_CAPABILITIES;
	return SX_OBSTACLE_NONE;
}

static bool is_out_of_room(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM;
}

/* For "" the descriptor itself, or what it stands for where it is O_PATH. */
static int open_it(struct look *look)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	const struct sx_program_file *file = &look->file;
	char name[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

	look->is_ours = *file->path != '\0';
	if (look->is_ours) {
		look->elf.fd = openat(file->dirfd, file->path, flags);
	} else {
		look->elf.fd = file->dirfd;
		if (pread(file->dirfd, name, 1, 0) >= 0)
			return 0;
		snprintf(name, sizeof(name), "/proc/self/fd/%d", file->dirfd);
		look->elf.fd = open(name, flags);
		look->is_ours = true;
	}
	return look->elf.fd < 0 && is_out_of_room(errno) ? -errno : 0;
}

/* What is after "#!": the interpreter, without its argument. False when there
 * is none. */
static bool read_interpreter(const struct look *look, char out[])
{
	char line[SX_PROGRAM_LINE_MAX];
	size_t n = look->elf.n_head < sizeof(line) ? look->elf.n_head
						   : sizeof(line) - 1;

	if (n < 3 || memcmp(look->elf.head, "#!", 2) != 0)
		return false;
	memcpy(line, look->elf.head, n);
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	const char *word = line + 2 + strspn(line + 2, " \t");
	n = strcspn(word, " \t");
	memcpy(out, word, n);
	out[n] = '\0';
	return n > 0;
}

static bool is_readable(const struct sx_program_library *library)
{
	const char *path = library->path ? library->path : library->entry;

	/* With "$LIB" in it the dynamic linker alone knows the path */
	return !path || *path != '/' || strchr(path, '$') ||
	       faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
}

static enum sx_obstacle judge(
	const struct look *look, const struct sx_program_library *library)
{
	enum sx_obstacle found = privileges(look);
	struct sx_elf elf;

	if (found != SX_OBSTACLE_NONE || !sx_elf_read(&look->elf, &elf))
		return found;
	if (elf.is_go)
		return SX_OBSTACLE_GO;
	/* The dynamic linker may be run by its name, as ldd does it */
	const char *loader = elf.has_interpreter
				     ? elf.interpreter
				     : sx_program_name(look->file.path);
	if (!sx_elf_is_glibc_loader(loader))
		return elf.has_interpreter ? SX_OBSTACLE_OTHER_LIBC
					   : SX_OBSTACLE_STATIC;
	if (!sx_elf_is_own_kind(&elf))
		return sx_elf_library_for(&elf, library->entry)
			       ? SX_OBSTACLE_NONE
			       : SX_OBSTACLE_OTHER_CLASS;
	return is_readable(library) ? SX_OBSTACLE_NONE : SX_OBSTACLE_NO_LIBRARY;
}

/* Looks at one file. 1: it is a script, and out->interpreter the next one to
 * look at; 0: out->obstacle is the answer; negative as
 * sx_program_inspect(). */
static int look_at(struct look *look, const struct sx_program_library *library,
	struct sx_program *out)
{
	out->obstacle = SX_OBSTACLE_NONE;
	if (fstatat(look->file.dirfd, look->file.path, &look->st,
		    AT_EMPTY_PATH) ||
		!S_ISREG(look->st.st_mode))
		return 0;
	out->dev = look->st.st_dev;
	out->ino = look->st.st_ino;
	int err = open_it(look);
	if (err)
		return err;
	sx_elf_read_head(&look->elf);
	/* The kernel takes rights from the interpreter, not from the script */
	int is_script = read_interpreter(look, out->interpreter);
	if (!is_script)
		out->obstacle = judge(look, library);
	if (look->is_ours && look->elf.fd >= 0)
		close(look->elf.fd);
	return is_script;
}

int sx_program_inspect(const struct sx_program_file *file,
	const struct sx_program_library *library, struct sx_program *out)
{
	struct look look = {.file = *file};
	char path[SX_PROGRAM_LINE_MAX];
	int r = 1;

	out->interpreter[0] = '\0';
	out->dev = 0;
	out->ino = 0;
	for (int i = 0; r == 1 && i <= MAX_SCRIPT_DEPTH; i++) {
		r = look_at(&look, library, out);
		memcpy(path, out->interpreter, sizeof(path));
		look.file.dirfd = AT_FDCWD;
		look.file.path = path;
	}
	out->text = texts[out->obstacle];
	return r < 0 ? r : 0;
}

#include "program.h"

#include "preload.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_SCRIPT_DEPTH 5 /* as the kernel's */
#define HEAD_SIZE        4096

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
	[SX_OBSTACLE_CAPABILITIES] =
		"has file capabilities: the dynamic linker does not load the "
		"library into it",
};

/* What the parts of an ELF file say, of either class. */
struct elf {
	unsigned char elf_class;
	unsigned machine;
	bool has_interpreter, is_glibc, is_go;
};

static bool is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

int sx_program_find(const char *name, char *path, size_t size)
{
	const char *dirs = getenv("PATH");
	int err = -ENOENT;

	if (!*name)
		return -ENOENT;
	if (strchr(name, '/')) {
		if (snprintf(path, size, "%s", name) >= (int)size)
			return -ENAMETOOLONG;
		if (is_executable(path))
			return 0;
		return access(path, F_OK) ? -errno : -EACCES;
	}
	if (!dirs)
		dirs = "/usr/local/bin:/bin:/usr/bin";
	for (;;) {
		int n = (int)strcspn(dirs, ":");
		const char *sep = n ? "/" : ""; /* empty: this folder */
		int r = snprintf(path, size, "%.*s%s%s", n, dirs, sep, name);
		if (r < (int)size && is_executable(path))
			return 0;
		if (r < (int)size && access(path, F_OK) == 0)
			err = -EACCES;
		if (!dirs[n])
			return err;
		dirs += n + 1;
	}
}

/* After execve() with another effective user or group than the real one the
 * dynamic linker ignores LD_PRELOAD (AT_SECURE). */
static enum sx_obstacle privileges(const char *path)
{
	struct stat st;
	struct statvfs fs;

	if (stat(path, &st) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return SX_OBSTACLE_NONE;
	if (statvfs(path, &fs) == 0 && fs.f_flag & ST_NOSUID)
		return SX_OBSTACLE_NONE;
	if (st.st_mode & S_ISUID && st.st_uid != getuid())
		return SX_OBSTACLE_PRIVILEGED;
	if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
		st.st_gid != getgid())
		return SX_OBSTACLE_PRIVILEGED;
	if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		return SX_OBSTACLE_CAPABILITIES;
	return SX_OBSTACLE_NONE;
}

static void see_interpreter(struct elf *elf, int fd, uint64_t at, uint64_t len)
{
	char name[PATH_MAX] = "";

	if (len == 0 || len >= sizeof(name) ||
		pread(fd, name, len, (off_t)at) != (ssize_t)len)
		return;
	elf->has_interpreter = true;
	/* ld-linux-x86-64.so.2, ld-linux.so.2, ld64.so.1; not ld-musl-* */
	const char *base = strrchr(name, '/');
	base = base ? base + 1 : name;
	elf->is_glibc = strncmp(base, "ld-linux", 8) == 0 ||
			strncmp(base, "ld64.so", 7) == 0 ||
			strncmp(base, "ld.so", 5) == 0;
}

/* Go's linker writes its build ID into a note of the owner "Go". */
static void see_notes(struct elf *elf, int fd, uint64_t at, uint64_t len)
{
	char notes[HEAD_SIZE];
	size_t n = len < sizeof(notes) ? len : sizeof(notes);

	if (pread(fd, notes, n, (off_t)at) != (ssize_t)n)
		return;
	for (size_t pos = 0; pos + sizeof(Elf32_Nhdr) + 4 <= n;) {
		Elf32_Nhdr note; /* the same for both classes */
		memcpy(&note, notes + pos, sizeof(note));
		if (note.n_namesz == 4 &&
			memcmp(notes + pos + sizeof(note), "Go\0\0", 4) == 0)
			elf->is_go = true;
		uint64_t size = sizeof(note) +
				((note.n_namesz + 3ULL) & ~3ULL) +
				((note.n_descsz + 3ULL) & ~3ULL);
		if (size > n - pos)
			return;
		pos += size;
	}
}

static void see_segment(
	struct elf *elf, int fd, uint32_t type, uint64_t at, uint64_t len)
{
	if (type == PT_INTERP)
		see_interpreter(elf, fd, at, len);
	else if (type == PT_NOTE)
		see_notes(elf, fd, at, len);
}

#define N_SEGMENTS_MAX 256U

#define SEE_SEGMENTS(bits)                                                     \
	static bool see_segments_##bits(                                       \
		struct elf *elf, int fd, const char *head, size_t n)           \
	{                                                                      \
		Elf##bits##_Ehdr eh;                                           \
		Elf##bits##_Phdr ph;                                           \
		if (n < sizeof(eh))                                            \
			return false;                                          \
		memcpy(&eh, head, sizeof(eh));                                 \
		elf->machine = eh.e_machine;                                   \
		for (unsigned i = 0; i < eh.e_phnum && i < N_SEGMENTS_MAX;     \
			i++) {                                                 \
			off_t at = (off_t)(eh.e_phoff + i * sizeof(ph));       \
			if (pread(fd, &ph, sizeof(ph), at) != sizeof(ph))      \
				return false;                                  \
			see_segment(                                           \
				elf, fd, ph.p_type, ph.p_offset, ph.p_filesz); \
		}                                                              \
		return true;                                                   \
	}
SEE_SEGMENTS(32)
SEE_SEGMENTS(64)

/* The ELF file this command is: what a program must be like. */
static bool is_own_kind(const struct elf *elf)
{
	const ElfW(Ehdr) * self;
	char head[sizeof(*self)];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bool read_it = fd >= 0 &&
		       read(fd, head, sizeof(head)) == (ssize_t)sizeof(head);
	ElfW(Ehdr) own;

	if (fd >= 0)
		close(fd);
	if (!read_it)
		return true;
	memcpy(&own, head, sizeof(own));
	return own.e_ident[EI_CLASS] == elf->elf_class &&
	       own.e_machine == elf->machine;
}

static enum sx_obstacle judge_elf(int fd, const char *head, size_t n)
{
	struct elf elf = {.elf_class = (unsigned char)head[EI_CLASS]};
	bool whole = elf.elf_class == ELFCLASS64
			     ? see_segments_64(&elf, fd, head, n)
			     : see_segments_32(&elf, fd, head, n);

	if (!whole)
		return SX_OBSTACLE_NONE;
	if (elf.is_go)
		return SX_OBSTACLE_GO;
	if (!elf.has_interpreter)
		return SX_OBSTACLE_STATIC;
	if (!elf.is_glibc)
		return SX_OBSTACLE_OTHER_LIBC;
	if (!is_own_kind(&elf) && !sx_preload_has(elf.elf_class, elf.machine))
		return SX_OBSTACLE_OTHER_CLASS;
	return SX_OBSTACLE_NONE;
}

/*
 * The program a "#!" line runs: its interpreter, or what env(1) is asked to
 * find there. Returns false when there is none to look at.
 */
static bool script_program(char *head, char *path, size_t size)
{
	char *save, *word;

	head[strcspn(head, "\n")] = '\0';
	word = strtok_r(head + 2, " \t", &save);
	if (!word)
		return false;
	const char *base = strrchr(word, '/');
	if (!base || strcmp(base, "/env") != 0)
		return snprintf(path, size, "%s", word) < (int)size;
	while ((word = strtok_r(NULL, " \t", &save)))
		if (*word != '-' && !strchr(word, '='))
			return sx_program_find(word, path, size) == 0;
	return false;
}

static ssize_t read_head(const char *path, char head[HEAD_SIZE + 1], int *fd)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = *fd < 0 ? 0 : read(*fd, head, HEAD_SIZE);

	head[n < 0 ? 0 : n] = '\0';
	return n;
}

static enum sx_obstacle judge(struct sx_program *p, int depth)
{
	char head[HEAD_SIZE + 1];
	enum sx_obstacle found = SX_OBSTACLE_NONE;
	int fd;
	ssize_t n = read_head(p->path, head, &fd);
	bool is_script = n > 2 && memcmp(head, "#!", 2) == 0;

	/* The kernel ignores the setuid bit of a script */
	if (!is_script)
		found = privileges(p->path);
	if (found == SX_OBSTACLE_NONE && n > EI_NIDENT &&
		memcmp(head, ELFMAG, SELFMAG) == 0)
		found = judge_elf(fd, head, (size_t)n);
	if (fd >= 0)
		close(fd);
	if (is_script && depth < MAX_SCRIPT_DEPTH &&
		script_program(head, p->path, sizeof(p->path)))
		return judge(p, depth + 1);
	return found;
}

void sx_program_inspect(const char *path, struct sx_program *out)
{
	snprintf(out->path, sizeof(out->path), "%s", path);
	out->obstacle = judge(out, 0);
	out->text = texts[out->obstacle];
}

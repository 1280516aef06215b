#include "core/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#define N_SEGMENTS_MAX 256U
#define N_NOTES_MAX    64U
#define LIB_TOKEN      "$LIB"

/* The header of the object that this is linked into. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

void sx_elf_read_head(struct sx_elf_file *file)
{
	ssize_t n = pread(file->fd, file->head, sizeof(file->head), 0);

	file->n_head = n > 0 ? (size_t)n : 0;
}

/* From the head where it reaches that far. */
static bool read_at(
	const struct sx_elf_file *file, uint64_t at, void *out, size_t n)
{
	if (at <= file->n_head && n <= file->n_head - at) {
		memcpy(out, file->head + at, n);
		return true;
	}
	return pread(file->fd, out, n, (off_t)at) == (ssize_t)n;
}

/* The end of it is enough: the last part of the path. */
static void see_interpreter(struct sx_elf *elf, const struct sx_elf_file *file,
	uint64_t at, uint64_t len)
{
	size_t n = sizeof(elf->interpreter);

	if (len < n)
		n = (size_t)len;
	if (n == 0 || !read_at(file, at + len - n, elf->interpreter, n))
		return;
	elf->has_interpreter = true;
	elf->interpreter[n - 1] = '\0';
	const char *slash = strrchr(elf->interpreter, '/');
	if (slash)
		memmove(elf->interpreter, slash + 1, strlen(slash + 1) + 1);
}

static uint64_t padded(uint32_t n)
{
	return (n + 3ULL) & ~3ULL;
}

/* Go's linker writes its build ID into a note of the owner "Go". */
static void see_notes(struct sx_elf *elf, const struct sx_elf_file *file,
	uint64_t at, uint64_t len)
{
	struct {
		Elf32_Nhdr head; /* the same for both classes */
		char owner[4];
	} note;
	uint64_t end = at + len;

	for (unsigned i = 0; i < N_NOTES_MAX; i++) {
		if (at >= end || end - at < sizeof(note) ||
			!read_at(file, at, &note, sizeof(note)))
			return;
		if (note.head.n_namesz == 4 &&
			memcmp(note.owner, "Go\0\0", 4) == 0)
			elf->is_go = true;
		at += sizeof(note.head) + padded(note.head.n_namesz) +
		      padded(note.head.n_descsz);
	}
}

static void see_segment(struct sx_elf *elf, const struct sx_elf_file *file,
	uint32_t type, uint64_t at, uint64_t len)
{
	if (type == PT_INTERP)
		see_interpreter(elf, file, at, len);
	else if (type == PT_NOTE)
		see_notes(elf, file, at, len);
}

#define SEE_SEGMENTS(bits)                                                     \
	static bool see_segments_##bits(                                       \
		struct sx_elf *elf, const struct sx_elf_file *file)            \
	{                                                                      \
		Elf##bits##_Ehdr eh;                                           \
		Elf##bits##_Phdr ph;                                           \
		if (file->n_head < sizeof(eh))                                 \
			return false;                                          \
		memcpy(&eh, file->head, sizeof(eh));                           \
		elf->machine = eh.e_machine;                                   \
		for (unsigned i = 0; i < eh.e_phnum && i < N_SEGMENTS_MAX;     \
			i++) {                                                 \
			uint64_t at = eh.e_phoff + i * sizeof(ph);             \
			if (!read_at(file, at, &ph, sizeof(ph)))               \
				return false;                                  \
			see_segment(elf, file, ph.p_type, ph.p_offset,         \
				ph.p_filesz);                                  \
		}                                                              \
		return true;                                                   \
	}
SEE_SEGMENTS(32)
SEE_SEGMENTS(64)

bool sx_elf_read(const struct sx_elf_file *file, struct sx_elf *out)
{
	memset(out, 0, sizeof(*out));
	if (file->n_head <= EI_NIDENT || memcmp(file->head, ELFMAG, SELFMAG))
		return false;
	out->elf_class = (unsigned char)file->head[EI_CLASS];
	return out->elf_class == ELFCLASS64 ? see_segments_64(out, file)
					    : see_segments_32(out, file);
}

bool sx_elf_is_glibc_loader(const char *name)
{
	/* ld-linux-x86-64.so.2, ld-linux.so.2, ld64.so.1; not ld-musl-* */
	return strncmp(name, "ld-linux", 8) == 0 ||
	       strncmp(name, "ld64.so", 7) == 0 ||
	       strncmp(name, "ld.so", 5) == 0;
}

bool sx_elf_is_own_kind(const struct sx_elf *elf)
{
	return __ehdr_start.e_ident[EI_CLASS] == elf->elf_class &&
	       __ehdr_start.e_machine == elf->machine;
}

/* What the dynamic linkers for other kinds have in the place of $LIB. */
static const struct {
	unsigned char elf_class;
	unsigned machine;
	const char *folders[3];
} foreign[] = {
	{ELFCLASS32, EM_386, {"lib/i386-linux-gnu", "lib32", "lib"}},
	{ELFCLASS64, EM_X86_64, {"lib/x86_64-linux-gnu", "lib64", "lib"}},
	{ELFCLASS32, EM_ARM, {"lib/arm-linux-gnueabihf", "lib32", "lib"}},
	{ELFCLASS64, EM_AARCH64, {"lib/aarch64-linux-gnu", "lib64", "lib"}},
};

/* True if the file is there and of that kind. */
static bool is_library(const char *path, const struct sx_elf *like)
{
	unsigned char ident[EI_NIDENT];
	uint16_t type_and_machine[2]; /* at the same place in both classes */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return false;
	bool whole = pread(fd, ident, sizeof(ident), 0) == sizeof(ident) &&
		     pread(fd, type_and_machine, sizeof(type_and_machine),
			     sizeof(ident)) == sizeof(type_and_machine);
	close(fd);
	return whole && memcmp(ident, ELFMAG, SELFMAG) == 0 &&
	       ident[EI_CLASS] == like->elf_class &&
	       type_and_machine[1] == like->machine;
}

static bool is_there(const struct sx_elf *elf, const char *entry,
	const char *token, const char *folder)
{
	char path[512];
	const char *rest = token + strlen(LIB_TOKEN);
	size_t before = (size_t)(token - entry);

	if (before + strlen(folder) + strlen(rest) >= sizeof(path))
		return false;
	char *end = mempcpy(path, entry, before);
	end = stpcpy(end, folder);
	memcpy(end, rest, strlen(rest) + 1);
	return is_library(path, elf);
}

bool sx_elf_library_for(const struct sx_elf *elf, const char *entry)
{
	const char *token = entry ? strstr(entry, LIB_TOKEN) : NULL;

	for (size_t i = 0; token && i < sizeof(foreign) / sizeof(*foreign);
		i++) {
		if (foreign[i].elf_class != elf->elf_class ||
			foreign[i].machine != elf->machine)
			continue;
		for (size_t j = 0; j < 3; j++)
			if (is_there(elf, entry, token, foreign[i].folders[j]))
				return true;
	}
	return false;
}

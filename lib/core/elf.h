/*
 * What a program's ELF file says of how it is loaded, of either class. Reads
 * the file's head once, and more only where that is not enough.
 * [any thread] [signal-safe] [after fork]
 */
#ifndef SX_CORE_ELF_H
#define SX_CORE_ELF_H

#include <stdbool.h>
#include <stddef.h>

/* The headers, the interpreter's name and the first notes of most programs. */
#define SX_ELF_HEAD 1024U

struct sx_elf_file {
	int fd; /* borrowed; -1: cannot be read */
	size_t n_head;
	char head[SX_ELF_HEAD];
};

struct sx_elf {
	unsigned char elf_class; /* ELFCLASS32 or ELFCLASS64 */
	unsigned machine;        /* EM_386 ... */
	bool has_interpreter;
	bool is_go;
	char interpreter[64]; /* the last part of its path */
};

/* Fills head from fd; n_head is 0 when it cannot be read. */
void sx_elf_read_head(struct sx_elf_file *file);

/* False when it is not an ELF file, or cut off. */
bool sx_elf_read(const struct sx_elf_file *file, struct sx_elf *out);

/* The name of a dynamic linker of the GNU C library. */
bool sx_elf_is_glibc_loader(const char *name);

/* Of the class and machine of this process. */
bool sx_elf_is_own_kind(const struct sx_elf *elf);

/*
 * True when entry, as in LD_PRELOAD, holds "$LIB" and names a library for
 * programs of that class and machine, where Debian and others have one.
 * entry may be NULL.
 */
bool sx_elf_library_for(const struct sx_elf *elf, const char *entry);

#endif

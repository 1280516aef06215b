/*
 * Finding a program, and seeing before it runs whether the library can be
 * loaded into it.
 *
 * Nothing is allocated, nothing but the caller's memory is written, and at
 * most one descriptor is open at a time (close-on-exec): so this can be used
 * between vfork() and exec. errno changes.
 * [any thread] [signal-safe] [after fork]
 */
#ifndef SX_CORE_PROGRAM_H
#define SX_CORE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum sx_obstacle {
	SX_OBSTACLE_NONE,
	SX_OBSTACLE_STATIC,
	SX_OBSTACLE_GO,           /* speaks to the kernel itself */
	SX_OBSTACLE_OTHER_LIBC,   /* musl and others */
	SX_OBSTACLE_OTHER_CLASS,  /* 32-bit, or another machine */
	SX_OBSTACLE_PRIVILEGED,   /* setuid, setgid */
	SX_OBSTACLE_IDS,          /* of the process: another effective one */
	SX_OBSTACLE_CAPABILITIES, /* file capabilities */
	SX_OBSTACLE_NO_LIBRARY,   /* it cannot be read from here */
};

/* A file that is to be run. */
struct sx_program_file {
	int dirfd;        /* as for execveat(); AT_FDCWD */
	const char *path; /* "": dirfd itself is the file */
	bool resets_ids;  /* the effective ids become the real ones before */
};

/* The library that is to be preloaded. */
struct sx_program_library {
	const char *entry; /* as in LD_PRELOAD; NULL: not known */
	const char *path;  /* of the file for our own class; NULL: as entry */
};

#define SX_PROGRAM_LINE_MAX 256 /* of "#!" lines, the kernel's limit */

struct sx_program {
	enum sx_obstacle obstacle;
	const char *text; /* what it means, for people; static */
	/* Of a script: the last interpreter in the chain, whose obstacle it
	 * is; else "" */
	char interpreter[SX_PROGRAM_LINE_MAX];
	dev_t dev; /* of the file that was looked at last */
	ino_t ino;
};

/*
 * Looks into the file, and for a script into its interpreter. A file that is
 * not there, may not be read, or is neither ELF nor a script has no obstacle:
 * the kernel will say what it thinks of it. 0; -EMFILE, -ENFILE, -ENOMEM:
 * there is nothing to open it with, *out is not filled.
 */
int sx_program_inspect(const struct sx_program_file *file,
	const struct sx_program_library *library, struct sx_program *out);

/* The last part of a path. */
const char *sx_program_name(const char *path);

/* Whether that name is one of n. [any thread] [signal-safe] [after fork] */
bool sx_program_is_listed(char *const *names, unsigned n, const char *name);

/*
 * The path that execvp() would run; dirs: $PATH. 0; -ENOENT; -EACCES when
 * what was found may not be executed; -ENAMETOOLONG.
 */
int sx_program_find(
	const char *name, const char *dirs, char *path, size_t size);

#endif

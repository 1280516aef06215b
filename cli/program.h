/*
 * Finding a program, and seeing before it runs whether the library can be
 * loaded into it.
 */
#ifndef SX_CLI_PROGRAM_H
#define SX_CLI_PROGRAM_H

#include <limits.h>
#include <stddef.h>

enum sx_obstacle {
	SX_OBSTACLE_NONE,
	SX_OBSTACLE_STATIC,
	SX_OBSTACLE_GO,           /* speaks to the kernel itself */
	SX_OBSTACLE_OTHER_LIBC,   /* musl and others */
	SX_OBSTACLE_OTHER_CLASS,  /* 32-bit, or another machine */
	SX_OBSTACLE_PRIVILEGED,   /* setuid, setgid */
	SX_OBSTACLE_CAPABILITIES, /* file capabilities */
};

struct sx_program {
	enum sx_obstacle obstacle;
	char path[PATH_MAX]; /* of the file that has it: the program, or the
				interpreter of a script */
	const char *text;    /* what it means, for people; static */
};

/*
 * The path execvp() would run. 0; -ENOENT; -EACCES when what was found may
 * not be executed; -ENAMETOOLONG.
 */
int sx_program_find(const char *name, char *path, size_t size);

/*
 * Looks into the file, and for a script into its interpreter. A file that
 * cannot be read, or is neither ELF nor a script, has no obstacle: the kernel
 * will say what it thinks of it.
 */
void sx_program_inspect(const char *path, struct sx_program *out);

#endif

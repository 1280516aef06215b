/*
 * Small files, read whole, and where they are.
 *
 * Through stdio, because close() and its relatives may be the library's own
 * hooks where this runs; inside libc, stdio calls the real ones.
 */
#ifndef SX_CONF_FILE_H
#define SX_CONF_FILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct sx_file {
	char *bytes; /* with a NUL behind them */
	size_t len;
	unsigned mode;   /* permission bits */
	bool is_regular; /* so that mode means something */
};

/*
 * Reads at most max bytes of a regular file, or also of a pipe or /dev/null.
 * Opening a FIFO waits for its writer, as cat would. 0, or -errno of open and
 * read with words in err; -ENOENT and -ENOTDIR: there is no such file;
 * -EFBIG: longer than max; -EISDIR, -EINVAL: of another type. On failure
 * *file is untouched.
 */
int sx_file_read(struct sx_file *file, const char *path, size_t max,
	bool or_pipe, struct sx_err *err);

/* Wipes and frees; twice is harmless. */
void sx_file_fini(struct sx_file *file);

/*
 * path as an absolute one: "~/" is home, another relative path is below
 * folder, or below the working folder if that is NULL. home may be NULL.
 * *out is the caller's. 0; -ENOMEM; -ENOENT for "~/" without a home; what
 * getcwd() says.
 */
int sx_path_absolute(
	char **out, const char *path, const char *folder, const char *home);

/* The folder of an absolute path; NULL when memory is out. */
char *sx_path_folder(const char *path);

#endif

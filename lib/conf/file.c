#include "conf/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FIRST_READ 4096

static int fail(struct sx_err *err, int sys)
{
	return sx_err_set(err, sys, "%s", strerror(sys));
}

static bool is_dev_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static int check_type(const struct stat *st, bool or_pipe, struct sx_err *err)
{
	if (S_ISREG(st->st_mode))
		return 0;
	if (or_pipe && (S_ISFIFO(st->st_mode) || is_dev_null(st)))
		return 0;
	if (S_ISDIR(st->st_mode))
		return fail(err, EISDIR);
	return sx_err_set(err, EINVAL, "not a regular file");
}

/* Like realloc(), but leaves no copy of a password behind. */
static char *grow(char *bytes, size_t len, size_t size)
{
	char *larger = malloc(size);

	if (larger && len)
		memcpy(larger, bytes, len);
	if (bytes)
		explicit_bzero(bytes, len);
	free(bytes);
	return larger;
}

static int read_all(
	FILE *stream, struct sx_file *file, size_t max, struct sx_err *err)
{
	size_t size = 0, n;

	do {
		size = size ? 2 * size : FIRST_READ;
		file->bytes = grow(file->bytes, file->len, size);
		if (!file->bytes)
			return fail(err, ENOMEM);
		/* one byte stays free for the NUL */
		n = fread(file->bytes + file->len, 1, size - file->len - 1,
			stream);
		file->len += n;
		if (ferror(stream))
			return fail(err, errno ? errno : EIO);
		if (file->len > max)
			return sx_err_set(
				err, EFBIG, "longer than %zu bytes", max);
	} while (!feof(stream));
	file->bytes[file->len] = '\0';
	return 0;
}

static int read_stream(FILE *stream, struct sx_file *file, size_t max,
	bool or_pipe, struct sx_err *err)
{
	struct stat st;
	int r;

	/* no buffer, so that none keeps a password */
	setvbuf(stream, NULL, _IONBF, 0);
	if (fstat(fileno(stream), &st))
		return fail(err, errno);
	r = check_type(&st, or_pipe, err);
	if (r)
		return r;
	file->mode = st.st_mode & 07777;
	file->is_regular = S_ISREG(st.st_mode);
	return read_all(stream, file, max, err);
}

int sx_file_read(struct sx_file *file, const char *path, size_t max,
	bool or_pipe, struct sx_err *err)
{
	struct sx_file got = {0};
	struct stat st;
	int r;

	/* looked at before it is opened: that alone can wait, or have an
	 * effect, where the file is a FIFO or a device */
	if (stat(path, &st))
		return fail(err, errno);
	r = check_type(&st, or_pipe, err);
	if (r)
		return r;
	FILE *stream = fopen(path, "re");
	if (!stream)
		return fail(err, errno);
	r = read_stream(stream, &got, max, or_pipe, err);
	fclose(stream);
	if (r)
		sx_file_fini(&got);
	else
		*file = got;
	return r;
}

void sx_file_fini(struct sx_file *file)
{
	if (file->bytes)
		explicit_bzero(file->bytes, file->len);
	free(file->bytes);
	memset(file, 0, sizeof(*file));
}

static int join(char **out, const char *folder, const char *name)
{
	if (asprintf(out, "%s/%s", folder, name) >= 0)
		return 0;
	*out = NULL;
	return -ENOMEM;
}

int sx_path_absolute(
	char **out, const char *path, const char *folder, const char *home)
{
	char *cwd;
	int r;

	*out = NULL;
	if (path[0] == '/') {
		*out = strdup(path);
		return *out ? 0 : -ENOMEM;
	}
	if (strncmp(path, "~/", 2) == 0)
		return home ? join(out, home, path + 2) : -ENOENT;
	if (folder)
		return join(out, folder, path);
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return -errno;
	r = join(out, cwd, path);
	free(cwd);
	return r;
}

char *sx_path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return strdup("/");
	return strndup(path, (size_t)(slash - path));
}

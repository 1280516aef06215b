#include "conf/secret.h"

#include "base/proto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX 4096

bool sx_file_is_exposed(const struct sx_file *file)
{
	return file->is_regular && (file->mode & (S_IRGRP | S_IROTH));
}

static int first_line(
	char **out, const struct sx_file *file, struct sx_err *err)
{
	const char *newline = memchr(file->bytes, '\n', file->len);
	size_t n = newline ? (size_t)(newline - file->bytes) : file->len;

	if (n && file->bytes[n - 1] == '\r')
		n--;
	if (n == 0)
		return sx_err_set(err, EINVAL, "the first line is empty");
	if (n > SX_CREDENTIAL_MAX)
		return sx_err_set(err, EINVAL, "longer than 255 bytes");
	if (memchr(file->bytes, '\0', n))
		return sx_err_set(err, EINVAL, "a NUL byte in it");
	*out = strndup(file->bytes, n);
	return *out ? 0 : sx_err_set(err, ENOMEM, "out of memory");
}

int sx_secret_read(
	char **out, const char *path, bool *exposed, struct sx_err *err)
{
	struct sx_file file;
	int r;

	*out = NULL;
	r = sx_file_read(&file, path, FILE_MAX, false, err);
	if (r)
		return r;
	*exposed = sx_file_is_exposed(&file);
	r = first_line(out, &file, err);
	sx_file_fini(&file);
	return r;
}

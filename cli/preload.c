#include "preload.h"

#include "core/childenv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libsocksify.so"

/* Writes the folder of this command; false if it cannot be known. */
static bool own_folder(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);

	if (n <= 0)
		return false;
	buf[n] = '\0';
	char *slash = strrchr(buf, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

static bool is_readable(const char *prefix, const char *rest)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", prefix, rest);

	return n > 0 && (size_t)n < sizeof(path) && access(path, R_OK) == 0;
}

/* The prefix under which the library is installed: that of the command, so
 * that a moved tree works, else the configured one. */
static bool installed_prefix(char *buf, size_t size)
{
	static const char rest[] = SX_LIBDIR "/socksify/" LIBRARY;

	if (own_folder(buf, size)) {
		char *slash = strrchr(buf, '/');
		if (slash) {
			*slash = '\0';
			if (is_readable(buf, rest))
				return true;
		}
	}
	snprintf(buf, size, "%s", SX_PREFIX);
	return is_readable(buf, rest);
}

/* $LIB lets each program's own linker choose between a 32-bit and a 64-bit
 * library; it is used where it means our folder. */
static const char *libdir_token(void)
{
	return strcmp(SX_LIBDIR, SX_DST_LIB) == 0 ? "$LIB" : SX_LIBDIR;
}

static bool find_library(char *buf, size_t size)
{
	char folder[PATH_MAX];
	int n = -1;

	if (own_folder(folder, sizeof(folder)) &&
		is_readable(folder, "../lib/" LIBRARY)) {
		char built[PATH_MAX + 32];
		snprintf(built, sizeof(built), "%s/../lib/" LIBRARY, folder);
		char *real = realpath(built, NULL);
		n = real ? snprintf(buf, size, "%s", real) : -1;
		free(real);
	} else if (installed_prefix(folder, sizeof(folder))) {
		n = snprintf(buf, size, "%s/%s/socksify/" LIBRARY, folder,
			libdir_token());
	}
	return n > 0 && (size_t)n < size;
}

static int set_preload(const char *entry)
{
	const char *old = getenv("LD_PRELOAD");

	if (!old)
		old = "";
	char *value = malloc(strlen(old) + strlen(entry) + 2);
	if (!value)
		return -1;
	sx_preload_add(value, old, entry);
	int r = setenv("LD_PRELOAD", value, 1);
	free(value);
	return r;
}

int sx_preload_find(char *entry, size_t size)
{
	if (!find_library(entry, size)) {
		fputs("socksify: " LIBRARY " is neither beside this command "
		      "nor installed\n",
			stderr);
		return -1;
	}
	if (strpbrk(entry, " :\t\n")) {
		fprintf(stderr,
			"socksify: %s: the dynamic linker cannot load "
			"a library whose path holds a space or colon\n",
			entry);
		return -1;
	}
	return 0;
}

int sx_preload_export(const char *entry)
{
	if (set_preload(entry) == 0)
		return 0;
	fputs("socksify: out of memory\n", stderr);
	return -1;
}

int sx_preload_withdraw(const char *entry)
{
	void *room = malloc(sx_childenv_bare_room(environ));

	if (!room) {
		fputs("socksify: out of memory\n", stderr);
		return -1;
	}
	environ = sx_childenv_bare(entry, environ, room);
	return 0;
}

#include "preload.h"

#include <elf.h>
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

int sx_preload_export(void)
{
	const char *old = getenv("LD_PRELOAD");
	char path[2 * PATH_MAX];
	char *value;

	if (!find_library(path, sizeof(path))) {
		fputs("socksify: " LIBRARY " is neither beside this command "
		      "nor installed\n",
			stderr);
		return -1;
	}
	if (strpbrk(path, " :\t\n")) {
		fprintf(stderr,
			"socksify: %s: the dynamic linker cannot load "
			"a library whose path holds a space or colon\n",
			path);
		return -1;
	}
	bool more = old && *old;
	if (asprintf(&value, "%s%s%s", path, more ? ":" : "", more ? old : "") <
		0)
		return -1;
	int r = setenv("LD_PRELOAD", value, 1);
	free(value);
	return r;
}

static const struct {
	unsigned char elf_class;
	unsigned machine;
	const char *libdirs[3];
} foreign[] = {
	{ELFCLASS32, EM_386, {"lib/i386-linux-gnu", "lib32", "lib"}},
	{ELFCLASS64, EM_X86_64, {"lib/x86_64-linux-gnu", "lib64", "lib"}},
	{ELFCLASS32, EM_ARM, {"lib/arm-linux-gnueabihf", "lib32", "lib"}},
	{ELFCLASS64, EM_AARCH64, {"lib/aarch64-linux-gnu", "lib64", "lib"}},
};

bool sx_preload_has(unsigned char elf_class, unsigned machine)
{
	char prefix[PATH_MAX], rest[128];

	if (strcmp(libdir_token(), "$LIB") != 0 ||
		!installed_prefix(prefix, sizeof(prefix)))
		return false;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		if (foreign[i].elf_class != elf_class ||
			foreign[i].machine != machine)
			continue;
		for (size_t j = 0; j < 3; j++) {
			snprintf(rest, sizeof(rest), "%s/socksify/" LIBRARY,
				foreign[i].libdirs[j]);
			if (strcmp(foreign[i].libdirs[j], SX_LIBDIR) != 0 &&
				is_readable(prefix, rest))
				return true;
		}
	}
	return false;
}

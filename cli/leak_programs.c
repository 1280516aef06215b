/*
 * Where the programs of `socksify leaktest` are.
 */
#include "leak_run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROBE "socksify-probe"

static bool is_program(const char *path)
{
	return access(path, X_OK) == 0;
}

/* Writes FOLDER/REST; false when it does not fit. */
static bool join(char out[PATH_MAX], const char *folder, const char *rest)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", folder, rest);

	return n > 0 && n < PATH_MAX;
}

int sx_leak_programs_find(struct sx_leak_programs *p)
{
	static const char *const places[] = {
		PROBE, "../" SX_LIBEXECDIR "/socksify/" PROBE};
	char folder[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", p->command, PATH_MAX - 1);

	p->command[n < 0 ? 0 : n] = '\0';
	snprintf(folder, sizeof(folder), "%s", p->command);
	char *slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; slash && i < 2; i++) {
		char other[PATH_MAX];
		if (!join(p->probe, folder, places[i]) || !is_program(p->probe))
			continue;
		snprintf(other, sizeof(other), "%s-static", places[i]);
		if (!join(p->probe_static, folder, other) ||
			!is_program(p->probe_static))
			p->probe_static[0] = '\0';
		return 0;
	}
	fputs("socksify: leaktest: " PROBE
	      " is neither beside this command nor installed\n",
		stderr);
	return -1;
}

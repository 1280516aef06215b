#include "conf/conf.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SX_SYSCONFDIR
#define SX_SYSCONFDIR "/etc"
#endif

static bool is_set(const struct sx_conf_source *source, const char *name)
{
	const char *value =
		source->getenv ? source->getenv(name) : getenv(name);

	return value && *value;
}

/* True if there is such a folder, or it cannot be known. */
static bool may_exist(const char *base, const char *rest)
{
	char path[PATH_MAX];
	size_t n = strlen(base), m = strlen(rest);

	if (n + m >= sizeof(path))
		return true;
	memcpy(path, base, n);
	memcpy(path + n, rest, m + 1);
	return access(path, F_OK) == 0 || errno != ENOENT;
}

const char *sx_conf_place(
	const char *(*get)(const char *name), const char *name)
{
	const char *value = get(name);

	if (!value)
		value = get(name + strlen("SOCKSIFY_"));
	return value && *value ? value : NULL;
}

static const char *libc_getenv(const char *name)
{
	return getenv(name);
}

bool sx_conf_may_have_files(const struct sx_conf_source *source)
{
	const char *(*get)(const char *) =
		source->getenv ? source->getenv : libc_getenv;
	const char *config = sx_conf_place(get, "SOCKSIFY_XDG_CONFIG_HOME");
	const char *home = sx_conf_place(get, "SOCKSIFY_HOME");

	if (source->path || is_set(source, "SOCKSIFY_CONF") ||
		is_set(source, "SOCKSIFY_LOG_FILE") ||
		may_exist(SX_SYSCONFDIR, "/socksify"))
		return true;
	if (config && config[0] == '/')
		return may_exist(config, "/socksify");
	return home && may_exist(home, "/.config/socksify");
}

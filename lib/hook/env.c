#include "hook/env.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* With "=": what conf/env.c and conf/conf.c ask for. */
static const char *const names[] = {
	"SOCKSIFY_PROXY=",
	"SOCKSIFY_CONF=",
	"SOCKSIFY_PIPELINE=",
	"SOCKSIFY_LOG=",
	"SOCKSIFY_LOG_FILE=",
	"ALL_PROXY=",
	"all_proxy=",
	"NO_PROXY=",
	"no_proxy=",
	"XDG_CONFIG_HOME=",
	"XDG_RUNTIME_DIR=",
	"HOME=",
};
#define N_NAMES (sizeof(names) / sizeof(*names))

static char room[2048];
static const char *values[N_NAMES];

static bool take_one(size_t i, const char *entry, size_t *used)
{
	size_t n = strlen(entry) + 1;

	if (values[i]) /* the first one counts, as for getenv() */
		return true;
	if (n > sizeof(room) - *used)
		return false;
	memcpy(room + *used, entry, n);
	values[i] = room + *used + strlen(names[i]);
	*used += n;
	return true;
}

bool sx_env_take(void)
{
	size_t used = 0;

	if (!environ)
		return false;
	for (char **entry = environ; *entry; entry++)
		for (size_t i = 0; i < N_NAMES; i++)
			if (strncmp(*entry, names[i], strlen(names[i])) == 0 &&
				!take_one(i, *entry, &used))
				return false;
	return true;
}

const char *sx_env_get(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < N_NAMES; i++)
		if (strncmp(names[i], name, n) == 0 && names[i][n] == '=')
			return values[i];
	return NULL;
}

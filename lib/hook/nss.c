#include "hook/nss.h"

#include "base/addr.h"

#include <string.h>
#include <sys/un.h>

static __thread unsigned n_lookups;

void sx_hook_begin_lookup(void)
{
	n_lookups++;
}

void sx_hook_end_lookup(void)
{
	n_lookups--;
}

/* systemd-resolved (varlink), nscd, Avahi; /var/run is /run. */
static const char *const services[] = {
	"/run/systemd/resolve/io.systemd.Resolve",
	"/run/nscd/socket",
	"/run/avahi-daemon/socket",
};

bool sx_hook_is_name_service(const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_un un = {0};
	const char *path = un.sun_path;

	if (n_lookups || sx_sockaddr_family(sa, len) != AF_UNIX)
		return false;
	memcpy(&un, sa, len < sizeof(un) - 1 ? len : sizeof(un) - 1);
	if (strncmp(path, "/var/run/", 9) == 0)
		path += 4;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strncmp(path, services[i], strlen(services[i])) == 0)
			return true;
	return false;
}

/*
 * Ways around the names that a library can stand in for: each leads to the
 * same place, or is refused.
 *
 * ways_around HOST PORT LIBRARY [--proxied]
 * HOST PORT	an echo
 * LIBRARY	ways_lib.so: connects as it finds connect()
 * --proxied	the library is there: what must be refused is
 */
#include "probe.h"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <sys/un.h>

typedef int connect_fn(int, const struct sockaddr *, socklen_t);

static struct probe_addr echo;

static void echoes(connect_fn *fn, const char *what)
{
	int fd = socket(echo.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fn, "%s: nothing is found", what);
	CHECK(!fn(fd, &echo.sa, echo.len), "%s: %s", what, probe_errno(errno));
	probe_echo(fd);
	close(fd);
}

static void check_dlsym(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);

	CHECK(libc, "libc is not found");
	echoes((connect_fn *)dlsym(libc, "connect"), "dlsym of libc");
	echoes((connect_fn *)dlsym(RTLD_NEXT, "connect"), "RTLD_NEXT");
	echoes((connect_fn *)dlsym(RTLD_DEFAULT, "connect"), "RTLD_DEFAULT");
	echoes((connect_fn *)dlsym(libc, "__connect"), "dlsym of __connect");
	CHECK(!dlsym(libc, "no_such_symbol") && dlerror(), "found");
	CHECK(dlsym(libc, "getpid") == dlsym(RTLD_DEFAULT, "getpid"),
		"another getpid()");
}

/* The program asks, so what is next is the library that comes first. */
static void check_caller(void)
{
	Dl_info asked, libc;

	CHECK(dladdr(dlsym(RTLD_NEXT, "gethostid"), &asked) &&
			dladdr(dlsym(RTLD_NEXT, "getpid"), &libc),
		"dladdr");
	CHECK(asked.dli_fbase != libc.dli_fbase, "next is libc");
}

static void check_dlopen(const char *library)
{
	void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);

	CHECK(lib, "dlopen: %s", dlerror());
	echoes((connect_fn *)dlsym(lib, "lib_connect"), "RTLD_DEEPBIND");
	echoes((connect_fn *)dlsym(lib, "lib_connect_next"),
		"RTLD_NEXT of a library");
	dlclose(lib);
}

static void check_dlmopen(const char *library, bool proxied)
{
	void *lib = dlmopen(LM_ID_NEWLM, library, RTLD_NOW);

	CHECK(!lib == proxied, "dlmopen: %s", lib ? "works" : dlerror());
	if (!lib)
		CHECK(strstr(dlerror(), "dlmopen"), "no word of dlmopen()");
	CHECK(dlmopen(LM_ID_BASE, "libc.so.6", RTLD_NOW), "LM_ID_BASE: %s",
		dlerror());
}

static void refused(int domain, int type, int protocol, int err)
{
	int fd = socket(domain, type, protocol);

	CHECK(fd < 0 && errno == err, "socket %d %d %d: %s", domain, type,
		protocol, fd < 0 ? probe_errno(errno) : "made");
}

static void check_sockets(void)
{
	refused(AF_PACKET, SOCK_RAW, 0, EPERM);
	refused(AF_INET, SOCK_PACKET, 0, EPERM);
	refused(AF_INET, SOCK_STREAM, IPPROTO_SCTP, EPROTONOSUPPORT);
	refused(AF_INET6, SOCK_SEQPACKET, IPPROTO_SCTP, EPROTONOSUPPORT);
	CHECK_ERR(syscall(SYS_io_uring_setup, 1, NULL), EPERM);
}

static void check_name_services(void)
{
	static const char *const paths[] = {
		"/run/systemd/resolve/io.systemd.Resolve",
		"/var/run/nscd/socket", "/var/run/avahi-daemon/socket"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct sockaddr_un un = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		strcpy(un.sun_path, paths[i]);
		CHECK_ERR(connect(fd, (struct sockaddr *)&un, sizeof(un)),
			EACCES);
		close(fd);
	}
}

static void check_legacy(void)
{
	char *host = (char *)"localhost";

	CHECK_ERR(rcmd(&host, 514, "a", "b", "c", NULL), ENOSYS);
	CHECK_ERR(rexec(&host, 512, "a", "b", "c", NULL), ENOSYS);
	CHECK_ERR(ruserok("localhost", 0, "a", "b"), ENOSYS);
}

int main(int argc, char **argv)
{
	bool proxied = probe_flag(&argc, argv, "--proxied");

	probe_positional(argc, argv, 3, 3, "HOST PORT LIBRARY [--proxied]");
	probe_watchdog(20);
	probe_resolve(&echo, argv[1], argv[2]);
	check_dlsym();
	check_dlopen(argv[3]);
	check_dlmopen(argv[3], proxied);
	gethostid(); /* asks nobody: the case sees it */
	if (proxied) {
		check_caller();
		check_sockets();
		check_name_services();
		check_legacy();
	}
	return 0;
}

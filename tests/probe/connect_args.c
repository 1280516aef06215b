/*
 * Arguments of connect() that a careful program never gives get the kernel's
 * answers, and unusual but right ones work.
 *
 * connect_args HOST PORT [--wild]
 * HOST PORT	an echo
 * --wild	also pointers to nowhere: EFAULT, as for a system call
 */
#include "probe.h"

#include <sys/mman.h>

static struct probe_addr a;

static int try(int fd, const void *sa, socklen_t len)
{
	return connect(fd, sa, len);
}

/* On a new socket, which must be no worse for it: it connects afterwards. */
#define REFUSED(sa, len, error)                                                \
	do {                                                                   \
		int fd_ = probe_socket(&a, 0);                                 \
		CHECK_ERR(try(fd_, sa, len), error);                           \
		probe_connect(fd_, &a);                                        \
		probe_echo(fd_);                                               \
		close(fd_);                                                    \
	} while (0)

static void works(const void *sa, socklen_t len, const char *what)
{
	int fd = probe_socket(&a, 0);

	CHECK(!try(fd, sa, len), "%s: %s", what, probe_errno(errno));
	probe_echo(fd);
	close(fd);
}

static void descriptors(void)
{
	int pipes[2], gone;

	CHECK(!pipe(pipes), "pipe");
	gone = dup(1);
	close(gone);
	CHECK_ERR(try(-1, &a.sa, a.len), EBADF);
	CHECK_ERR(try(gone, &a.sa, a.len), EBADF);
	CHECK_ERR(try(1 << 20, &a.sa, a.len), EBADF);
	CHECK_ERR(try(pipes[0], &a.sa, a.len), ENOTSOCK);
	CHECK_ERR(try(-1, NULL, 0), EBADF);
	close(pipes[0]);
	close(pipes[1]);
}

static void lengths(void)
{
	struct probe_addr big = a;
	bool v6 = a.sa.sa_family == AF_INET6;

	REFUSED(&a.sa, 0, EINVAL);
	REFUSED(&a.sa, 1, EINVAL);
	REFUSED(&a.sa, 2, EINVAL);
	REFUSED(&a.sa, v6 ? 23 : 15, EINVAL);
	REFUSED(&a.sa, sizeof(a.storage) + 1, EINVAL);
	REFUSED(&a.sa, -1, EINVAL);
	works(&big.sa, a.len + 1, "one byte more than the address");
	works(&big.sa, sizeof(big.storage), "sizeof(struct sockaddr_storage)");
	if (v6) /* RFC 2133, without the scope */
		works(&a.sa, 24, "24 bytes of a struct sockaddr_in6");
}

static void pointers(bool wild)
{
	long page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char odd[sizeof(a.storage) + 1];

	CHECK(map != MAP_FAILED, "mmap");
	mprotect(map + page, page, PROT_NONE);
	memcpy(map + page - a.len, &a.storage, a.len);
	REFUSED(NULL, a.len, EFAULT);
	if (wild) {
		REFUSED((void *)16, a.len, EFAULT);
		REFUSED(map + page, a.len, EFAULT);
		REFUSED(map + page - a.len, sizeof(a.storage), EFAULT);
	}
	works(map + page - a.len, a.len, "an address at the end of a page");
	memcpy(odd + 1, &a.storage, a.len);
	works(odd + 1, a.len, "an address at an odd place");
	munmap(map, 2 * page);
}

static void families(void)
{
	struct probe_addr other = a;
	bool v6 = a.sa.sa_family == AF_INET6;

	other.sa.sa_family = v6 ? AF_INET : AF_INET6;
	REFUSED(&other.sa, sizeof(struct sockaddr_in6), EAFNOSUPPORT);
	if (v6)
		REFUSED(&other.sa, sizeof(struct sockaddr_in), EINVAL);
	other.sa.sa_family = 77;
	REFUSED(&other.sa, other.len, EAFNOSUPPORT);
	other.sa.sa_family = AF_UNIX;
	REFUSED(&other.sa, other.len, EAFNOSUPPORT);
}

static void unspec(void)
{
	struct sockaddr_storage none = {.ss_family = AF_UNSPEC};
	struct probe_addr peer = {.len = sizeof(peer.storage)};
	int fd = probe_socket(&a, 0);

	CHECK(!try(fd, &none, a.len), "AF_UNSPEC, not yet connected: %s",
		probe_errno(errno));
	for (int i = 0; i < 3; i++) {
		probe_connect(fd, &a);
		probe_echo(fd);
		CHECK(!try(fd, &none, i ? sizeof(none) : 2), "AF_UNSPEC: %s",
			probe_errno(errno));
		CHECK_ERR(getpeername(fd, &peer.sa, &peer.len), ENOTCONN);
	}
	close(fd);
}

static void listening(void)
{
	struct probe_addr own;
	const char *loopback = a.sa.sa_family == AF_INET ? "127.0.0.1" : "::1";
	int fd = probe_listen(&own, loopback);

	CHECK_ERR(try(fd, &a.sa, a.len), EISCONN);
	int c = probe_connected(&own), s = accept(fd, NULL, NULL);
	CHECK(s >= 0, "it does not listen any more");
	close(c);
	close(s);
	close(fd);
}

int main(int argc, char **argv)
{
	bool wild = probe_flag(&argc, argv, "--wild");

	probe_positional(argc, argv, 2, 2, "HOST PORT [--wild]");
	probe_watchdog(60);
	probe_resolve(&a, argv[1], argv[2]);
	descriptors();
	lengths();
	pointers(wild);
	families();
	unspec();
	listening();
	return 0;
}

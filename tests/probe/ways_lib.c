/* A library that a program loads: connects as it finds connect(). */
#include <dlfcn.h>
#include <sys/socket.h>

int lib_connect(int fd, const struct sockaddr *sa, socklen_t len);
int lib_connect_next(int fd, const struct sockaddr *sa, socklen_t len);

int lib_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	return connect(fd, sa, len);
}

int lib_connect_next(int fd, const struct sockaddr *sa, socklen_t len)
{
	int (*next)(int, const struct sockaddr *, socklen_t) = (int (*)(int,
		const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");

	return next ? next(fd, sa, len) : -1;
}

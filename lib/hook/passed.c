#include "hook/passed.h"

#include <string.h>

static void in_one(struct cmsghdr *c, void (*each)(int fd))
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		each(fd);
	}
}

void sx_passed_fds(const struct msghdr *msg, void (*each)(int fd))
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR((void *)msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			in_one(c, each);
}

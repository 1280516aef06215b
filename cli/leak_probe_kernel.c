/*
 * Past libc, or past its symbols: where a preloaded library does not stand.
 */
#include "leak_probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/lib-names.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int dial_fn(const struct sockaddr *sa, socklen_t len);
typedef int connect_fn(int fd, const struct sockaddr *sa, socklen_t len);

int probe_libc_symbol(const struct probe *p)
{
	void *libc = dlopen(LIBC_SO, RTLD_NOW | RTLD_NOLOAD);
	connect_fn *own = libc ? (connect_fn *)dlsym(libc, "connect") : NULL;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (!own)
		return ELIBACC;
	if (own(fd, (const struct sockaddr *)&p->v4, sizeof(p->v4)))
		return probe_close(fd, errno);
	return probe_talk(fd);
}

static int dial_by(void *library, const struct probe *p)
{
	dial_fn *dial =
		library ? (dial_fn *)dlsym(library, "socksify_probe_dial")
			: NULL;

	if (!dial)
		return ELIBACC;
	return dial((const struct sockaddr *)&p->v4, sizeof(p->v4));
}

int probe_deepbind(const struct probe *p)
{
	return dial_by(dlopen(probe_file(".so"), RTLD_NOW | RTLD_DEEPBIND), p);
}

int probe_dlmopen(const struct probe *p)
{
	return dial_by(dlmopen(LM_ID_NEWLM, probe_file(".so"), RTLD_NOW), p);
}

#if defined(__x86_64__)
static long machine_call(long number, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}
#elif defined(__aarch64__)
static long machine_call(long number, long a, long b, long c)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2)
			 : "memory");
	return x0;
}
#endif

#if defined(__x86_64__) || defined(__aarch64__)
int probe_machine_code(const struct probe *p)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	long r = machine_call(
		SYS_connect, fd, (long)(intptr_t)&p->v4, sizeof(p->v4));

	return r ? probe_close(fd, (int)-r) : probe_talk(fd);
}
#endif

/* A ring of two entries, and how to reach it. */
struct ring {
	int fd;
	struct io_uring_params params;
	char *sq, *cq; /* the mapped queues */
	struct io_uring_sqe *entries;
};

static unsigned *at(char *base, uint32_t offset)
{
	return (unsigned *)(void *)(base + offset);
}

static char *map(const struct ring *r, size_t size, off_t what)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_POPULATE, r->fd, what);
}

/* 0 or an errno value. */
static int make_ring(struct ring *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = (int)syscall(SYS_io_uring_setup, 2, &r->params);
	if (r->fd < 0)
		return errno;
	r->sq = map(r,
		r->params.sq_off.array +
			r->params.sq_entries * sizeof(unsigned),
		IORING_OFF_SQ_RING);
	r->cq = map(r,
		r->params.cq_off.cqes +
			r->params.cq_entries * sizeof(struct io_uring_cqe),
		IORING_OFF_CQ_RING);
	r->entries = (void *)map(
		r, r->params.sq_entries * sizeof(*r->entries), IORING_OFF_SQES);
	return r->sq == MAP_FAILED || r->cq == MAP_FAILED ||
			       (void *)r->entries == MAP_FAILED
		       ? ENOMEM
		       : 0;
}

/* One connect(), and its result: 0 or an errno value. */
static int ring_connect(struct ring *r, int fd, const struct sockaddr_in *to)
{
	const struct io_uring_cqe *done =
		(void *)(r->cq + r->params.cq_off.cqes);

	r->entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
		.fd = fd,
		.addr = (uint64_t)(uintptr_t)to,
		.off = sizeof(*to)};
	*at(r->sq, r->params.sq_off.array) = 0;
	__atomic_store_n(at(r->sq, r->params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		return errno;
	return -done->res;
}

int probe_io_uring(const struct probe *p)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct ring ring;
	int r = make_ring(&ring);

	if (!r)
		r = ring_connect(&ring, fd, &p->v4);
	return r ? probe_close(fd, r) : probe_talk(fd);
}

#include "hook/fdtab.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#define PER_PAGE 1024U
#define N_PAGES  4096U

/* 8 KiB; made at its first entry, and then it stays. */
struct page {
	_Atomic(struct sx_pending *) of[PER_PAGE];
};

static _Atomic(struct page *) pages[N_PAGES];
static atomic_int owner; /* the process whose numbers they are */
atomic_uint sx_fdtab_n;

static struct page *page_of(unsigned fd)
{
	return fd < N_PAGES * PER_PAGE ? atomic_load(&pages[fd / PER_PAGE])
				       : NULL;
}

static struct sx_pending *look(unsigned fd)
{
	struct page *page = page_of(fd);

	return page ? atomic_load(&page->of[fd % PER_PAGE]) : NULL;
}

struct sx_pending *sx_fdtab_find(int fd)
{
	struct sx_pending *p = look((unsigned)fd);

	return p && getpid() == atomic_load(&owner) ? p : NULL;
}

static struct page *make_page(unsigned fd)
{
	if (fd >= N_PAGES * PER_PAGE)
		return NULL;
	void *m = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return NULL;
	atomic_store(&pages[fd / PER_PAGE], (struct page *)m);
	return (struct page *)m;
}

int sx_fdtab_set(int fd, struct sx_pending *p)
{
	struct page *page = page_of((unsigned)fd);

	if (!page && p)
		page = make_page((unsigned)fd);
	if (!page)
		return p ? -ENOMEM : 0;
	if (p && atomic_load(&sx_fdtab_n) == 0)
		atomic_store(&owner, getpid());
	bool was = atomic_exchange(&page->of[(unsigned)fd % PER_PAGE], p);
	if (p && !was)
		atomic_fetch_add(&sx_fdtab_n, 1);
	if (!p && was)
		atomic_fetch_sub(&sx_fdtab_n, 1);
	return 0;
}

int sx_fdtab_next(unsigned fd)
{
	while (fd < N_PAGES * PER_PAGE) {
		if (!page_of(fd))
			fd = (fd / PER_PAGE + 1) * PER_PAGE;
		else if (look(fd))
			return (int)fd;
		else
			fd++;
	}
	return -1;
}

void sx_fdtab_clear(void)
{
	for (int fd = sx_fdtab_next(0); fd >= 0;
		fd = sx_fdtab_next((unsigned)fd + 1))
		sx_fdtab_set(fd, NULL);
}

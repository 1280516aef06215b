#include "hook/fdtab.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define PER_PAGE 1024U

/* 8 KiB; made at its first entry, and then it stays. */
struct sx_fdtab_page {
	_Atomic(void *) of[PER_PAGE];
};

_Thread_local bool sx_fdtab_is_apart;

static struct sx_fdtab_page *page_of(const struct sx_fdtab *t, unsigned fd)
{
	return fd < SX_FDTAB_PAGES * PER_PAGE
		       ? atomic_load(&t->pages[fd / PER_PAGE])
		       : NULL;
}

void *sx_fdtab_look(const struct sx_fdtab *t, int fd)
{
	struct sx_fdtab_page *page = page_of(t, (unsigned)fd);

	return page && !sx_fdtab_is_apart
		       ? atomic_load(&page->of[(unsigned)fd % PER_PAGE])
		       : NULL;
}

void *sx_fdtab_own(const struct sx_fdtab *t, int fd)
{
	void *p = sx_fdtab_get(t, fd);

	return p && getpid() == atomic_load(&t->owner) ? p : NULL;
}

static struct sx_fdtab_page *make_page(struct sx_fdtab *t, unsigned fd)
{
	if (fd >= SX_FDTAB_PAGES * PER_PAGE)
		return NULL;
	void *m = mmap(NULL, sizeof(struct sx_fdtab_page),
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return NULL;
	atomic_store(&t->pages[fd / PER_PAGE], (struct sx_fdtab_page *)m);
	return (struct sx_fdtab_page *)m;
}

int sx_fdtab_set(struct sx_fdtab *t, int fd, void *meaning)
{
	struct sx_fdtab_page *page = page_of(t, (unsigned)fd);

	if (!page && meaning)
		page = make_page(t, (unsigned)fd);
	if (!page)
		return meaning ? -ENOMEM : 0;
	if (meaning && atomic_load(&t->n) == 0)
		atomic_store(&t->owner, getpid());
	bool was = atomic_exchange(&page->of[(unsigned)fd % PER_PAGE], meaning);
	if (meaning && !was)
		atomic_fetch_add(&t->n, 1);
	if (!meaning && was)
		atomic_fetch_sub(&t->n, 1);
	return 0;
}

int sx_fdtab_next(const struct sx_fdtab *t, unsigned fd)
{
	while (atomic_load(&t->n) && fd < SX_FDTAB_PAGES * PER_PAGE) {
		if (!page_of(t, fd))
			fd = (fd / PER_PAGE + 1) * PER_PAGE;
		else if (sx_fdtab_look(t, (int)fd))
			return (int)fd;
		else
			fd++;
	}
	return -1;
}

void sx_fdtab_inherit(struct sx_fdtab *t)
{
	atomic_store(&t->owner, getpid());
}

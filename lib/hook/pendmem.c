#include "hook/pendmem.h"

#include <string.h>
#include <sys/mman.h>

#define PER_CHUNK 32U
#define N_CHUNKS  512U

struct chunk {
	struct sx_pending of[PER_CHUNK];
};

static struct chunk *chunks[N_CHUNKS];
static unsigned n_chunks, n_used;
static uint32_t latest; /* generation */

static struct sx_pending *at(uint32_t index)
{
	return index < n_chunks * PER_CHUNK
		       ? &chunks[index / PER_CHUNK]->of[index % PER_CHUNK]
		       : NULL;
}

static bool grow(void)
{
	if (n_chunks == N_CHUNKS)
		return false;
	void *m = mmap(NULL, sizeof(struct chunk), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return false;
	chunks[n_chunks++] = m;
	return true;
}

/* Begins at the place of the last one that went. */
static struct sx_pending *find_free(void)
{
	static uint32_t hint;
	uint32_t n = n_chunks * PER_CHUNK;

	for (uint32_t i = 0; i < n && n_used < n; i++) {
		uint32_t index = (hint + i) % n;
		if (at(index)->phase == SX_PENDING_FREE) {
			hint = index + 1;
			at(index)->index = index;
			return at(index);
		}
	}
	if (!grow())
		return NULL;
	hint = n + 1;
	at(n)->index = n;
	return at(n);
}

struct sx_pending *sx_pendmem_new(void)
{
	struct sx_pending *p = find_free();

	if (!p)
		return NULL;
	uint32_t index = p->index;
	memset(p, 0, sizeof(*p));
	p->index = index;
	p->generation = ++latest;
	p->phase = SX_PENDING_MADE;
	p->sock = p->standin.peer = -1;
	n_used++;
	return p;
}

/* What it knew of credentials goes with it. */
void sx_pendmem_free(struct sx_pending *p)
{
	explicit_bzero(&p->dialed, sizeof(p->dialed));
	p->phase = SX_PENDING_FREE;
	n_used--;
}

unsigned sx_pendmem_count(void)
{
	return n_used;
}

struct sx_pending *sx_pendmem_find(uint32_t index, uint32_t generation)
{
	struct sx_pending *p = at(index);

	return p && p->phase != SX_PENDING_FREE && p->generation == generation
		       ? p
		       : NULL;
}

struct sx_pending *sx_pendmem_next(uint32_t index)
{
	for (; at(index); index++)
		if (at(index)->phase != SX_PENDING_FREE)
			return at(index);
	return NULL;
}

void sx_pendmem_release(void)
{
	while (n_chunks > 0)
		munmap(chunks[--n_chunks], sizeof(struct chunk));
}

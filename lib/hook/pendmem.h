/*
 * The records of pending connections: memory that is not the heap's, since
 * connect() may be called in a signal handler. The lock of hook/pending.h is
 * held.
 */
#ifndef SX_HOOK_PENDMEM_H
#define SX_HOOK_PENDMEM_H

#include "hook/dialer.h"

/* A new record, zero but for index and generation; NULL: no memory, or too
 * many. */
struct sx_pending *sx_pendmem_new(void);

void sx_pendmem_free(struct sx_pending *p);

/* How many there are. */
unsigned sx_pendmem_count(void);

/* The one of that index, if it is still of that generation. */
struct sx_pending *sx_pendmem_find(uint32_t index, uint32_t generation);

/* The first one from the index on; NULL: none. */
struct sx_pending *sx_pendmem_next(uint32_t index);

/* There is none: the memory goes. */
void sx_pendmem_release(void);

#endif

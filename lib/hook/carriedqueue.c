/*
 * The first datagrams of a socket that does not block, while its association
 * is made.
 */
#include "hook/carrying.h"
#include "hook/real.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define N_WAITING 16U
#define ROOM      2048U /* for each; a larger one does not wait */

struct sx_carried_queue {
	unsigned first, n;
	struct {
		size_t len;
		uint8_t bytes[ROOM];
	} of[N_WAITING];
};

static struct sx_carried_queue *queue_of(struct sx_carried *c)
{
	if (c->queue)
		return c->queue;
	void *m = mmap(NULL, sizeof(struct sx_carried_queue),
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	c->queue = m == MAP_FAILED ? NULL : m;
	return c->queue;
}

void sx_carried_put(struct sx_carried *c, const struct iovec *iov, size_t n)
{
	struct sx_carried_queue *q = queue_of(c);
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (!q || len > ROOM)
		return;
	if (q->n == N_WAITING) {
		q->first++;
		q->n--;
	}
	unsigned place = (q->first + q->n++) % N_WAITING;
	q->of[place].len = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(q->of[place].bytes + q->of[place].len, iov[i].iov_base,
			iov[i].iov_len);
		q->of[place].len += iov[i].iov_len;
	}
}

void sx_carried_flush(struct sx_carried *c, int fd)
{
	struct sx_carried_queue *q = c->queue;
	struct sx_carried_relay *relay = sx_carried_relay(c);
	bool is_connected = atomic_load(&c->is_connected);
	struct iovec iov[2] = {{relay->lead, relay->lead_len}};
	const struct msghdr msg = {
		.msg_name = is_connected ? NULL : &relay->sa,
		.msg_namelen = is_connected ? 0 : relay->len,
		.msg_iov = iov,
		.msg_iovlen = 2,
	};

	for (; q && q->n; q->first++, q->n--) {
		unsigned place = q->first % N_WAITING;
		iov[1] = (struct iovec){q->of[place].bytes, q->of[place].len};
		real_sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	sx_carried_drop_queue(c);
}

void sx_carried_drop_queue(struct sx_carried *c)
{
	if (c->queue)
		munmap(c->queue, sizeof(*c->queue));
	c->queue = NULL;
}

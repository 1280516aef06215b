#include "core/fakedns.h"

#include "base/lock.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define CHUNK     1024U
#define N_CHUNKS  (SX_FAKEDNS_MAX / CHUNK)
#define NO_RECORD SX_FAKEDNS_MAX

static_assert(SX_FAKEDNS_MAX % CHUNK == 0, "chunks are full");

static const uint8_t v4_prefix[2] = {198, 18};
static const uint8_t v6_prefix[8] = {0xfd, 0x53, 0x6f, 0x63, 0x6b, 0x73, 0, 0};

struct record {
	UT_hash_handle hh;
	uint32_t index;
	char name[];
};

struct slot {
	_Atomic(struct record *) record;
};

struct sx_fakedns {
	/* guards by_name and n_records; the slots below are read without */
	struct sx_lock lock;
	struct record *by_name;
	uint32_t n_records;
	_Atomic(struct slot *) chunks[N_CHUNKS];
};

int sx_fakedns_new(struct sx_fakedns **out)
{
	struct sx_fakedns *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->lock = (struct sx_lock)SX_LOCK_INIT;
	*out = t;
	return 0;
}

void sx_fakedns_free(struct sx_fakedns *t)
{
	struct record *r, *next;

	if (!t)
		return;
	HASH_ITER (hh, t->by_name, r, next) {
		HASH_DEL(t->by_name, r);
		free(r);
	}
	for (unsigned i = 0; i < N_CHUNKS; i++)
		free(atomic_load(&t->chunks[i]));
	free(t);
}

/* Number 0 is 198.18.0.1, 253 is 198.18.0.254, 254 is 198.18.1.1. */
static void address_of(uint32_t index, sa_family_t family, struct sx_ip *out)
{
	uint32_t net = index / 254, host = 1 + index % 254;
	uint8_t v4[4] = {v4_prefix[0], (uint8_t)(v4_prefix[1] + net / 256),
		(uint8_t)(net % 256), (uint8_t)host};

	memset(out, 0, sizeof(*out));
	out->family = family;
	if (family == AF_INET) {
		memcpy(out->bytes, v4, 4);
		return;
	}
	memcpy(out->bytes, v6_prefix, sizeof(v6_prefix));
	memcpy(out->bytes + 12, v4, 4);
}

static bool v4_in_pool(const uint8_t *v4)
{
	return v4[0] == v4_prefix[0] && (v4[1] & 0xfe) == v4_prefix[1];
}

bool sx_fakedns_contains(const struct sx_ip *ip)
{
	if (ip->family == AF_INET)
		return v4_in_pool(ip->bytes);
	return memcmp(ip->bytes, v6_prefix, sizeof(v6_prefix)) == 0;
}

static uint32_t index_of(const struct sx_ip *ip)
{
	static const uint8_t zeros[4];
	const uint8_t *v4 = ip->bytes;

	if (!sx_fakedns_contains(ip))
		return NO_RECORD;
	if (ip->family == AF_INET6) {
		v4 = ip->bytes + 12;
		if (memcmp(ip->bytes + 8, zeros, 4) != 0 || !v4_in_pool(v4))
			return NO_RECORD;
	}
	if (v4[3] == 0 || v4[3] == 255)
		return NO_RECORD;
	return ((uint32_t)(v4[1] & 1) * 256 + v4[2]) * 254 + v4[3] - 1;
}

const char *sx_fakedns_name(const struct sx_fakedns *t, const struct sx_ip *ip)
{
	uint32_t i = index_of(ip);
	struct slot *chunk =
		i == NO_RECORD ? NULL : atomic_load(&t->chunks[i / CHUNK]);
	struct record *r = chunk ? atomic_load(&chunk[i % CHUNK].record) : NULL;

	return r ? r->name : NULL;
}

/* The chunk is there when the record is: readers take no lock. */
static int publish(struct sx_fakedns *t, struct record *r)
{
	struct slot *chunk = atomic_load(&t->chunks[r->index / CHUNK]);

	if (!chunk) {
		chunk = calloc(CHUNK, sizeof(*chunk));
		if (!chunk)
			return -ENOMEM;
		atomic_store(&t->chunks[r->index / CHUNK], chunk);
	}
	atomic_store(&chunk[r->index % CHUNK].record, r);
	return 0;
}

static int add_record(
	struct sx_fakedns *t, const char *name, size_t len, struct record **out)
{
	if (t->n_records == SX_FAKEDNS_MAX)
		return -EAGAIN;
	struct record *r = calloc(1, sizeof(*r) + len + 1);
	if (!r)
		return -ENOMEM;
	memcpy(r->name, name, len);
	r->index = t->n_records;
	HASH_ADD_KEYPTR(hh, t->by_name, r->name, len, r);
	if (!r->hh.tbl) { /* uthash could not allocate */
		free(r);
		return -ENOMEM;
	}
	if (publish(t, r)) {
		HASH_DEL(t->by_name, r);
		free(r);
		return -ENOMEM;
	}
	t->n_records++;
	*out = r;
	return 0;
}

int sx_fakedns_get(struct sx_fakedns *t, const char *name, sa_family_t family,
	struct sx_ip *out)
{
	size_t len = strlen(name);
	struct record *r;
	int err = 0;

	sx_lock(&t->lock);
	HASH_FIND(hh, t->by_name, name, len, r);
	if (!r)
		err = add_record(t, name, len, &r);
	sx_unlock(&t->lock);
	if (!err)
		address_of(r->index, family, out);
	return err;
}

void sx_fakedns_before_fork(struct sx_fakedns *t)
{
	sx_lock(&t->lock);
}

void sx_fakedns_after_fork(struct sx_fakedns *t)
{
	sx_unlock(&t->lock);
}

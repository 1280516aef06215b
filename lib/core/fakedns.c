#include "core/fakedns.h"

#include "base/log.h"
#include "core/nametable.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NO_INDEX SX_FAKEDNS_MAX

/* What a program gets that has little memory left. */
#define N_FEW (4U * 254U)

static const uint8_t v4_prefix[2] = {198, 18};
static const uint8_t v6_prefix[8] = {0xfd, 0x53, 0x6f, 0x63, 0x6b, 0x73, 0, 0};

/* Where the mapping is, and in the low bits, what it is: one word, so that
 * the first of several threads can set it. */
enum {
	MAP_IS_FILE = 1,
	MAP_IS_SMALL = 2,
	MAP_BITS = MAP_IS_FILE | MAP_IS_SMALL,
};

struct sx_fakedns {
	const struct sx_sys *sys;
	const struct sx_state_path *path; /* NULL: nothing is shared */
	uint32_t n;
	_Atomic uintptr_t map; /* 0: not opened yet */
	_Atomic uint16_t boot;
	_Atomic uint64_t ready[SX_NAMETABLE_READY_WORDS];
};

int sx_fakedns_new(
	struct sx_fakedns **out, const struct sx_sys *sys, uint32_t n)
{
	struct sx_fakedns *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->sys = sys;
	t->n = n;
	*out = t;
	return 0;
}

void sx_fakedns_share(struct sx_fakedns *t, const struct sx_state_path *path)
{
	t->path = path;
}

static uint32_t minutes(const struct sx_sys *sys)
{
	struct timespec ts = {0};

	sys->clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint32_t)(ts.tv_sec / 60) + 1;
}

static uint32_t n_records(const struct sx_fakedns *t, uintptr_t map)
{
	return map & MAP_IS_SMALL ? N_FEW : t->n;
}

static struct sx_nametable view(struct sx_fakedns *t, uintptr_t map)
{
	return (struct sx_nametable){
		.map = (void *)(map & ~(uintptr_t)MAP_BITS),
		.n_records = n_records(t, map),
		.now = minutes(t->sys),
		.boot = atomic_load(&t->boot),
		.ready = t->ready,
		.path = map & MAP_IS_FILE ? t->path : NULL,
	};
}

static void unmap(const struct sx_fakedns *t, uintptr_t map)
{
	struct sx_shared_file file = sx_nametable_file(n_records(t, map));

	if (map)
		munmap((void *)(map & ~(uintptr_t)MAP_BITS), file.size);
}

void sx_fakedns_free(struct sx_fakedns *t)
{
	if (!t)
		return;
	unmap(t, atomic_load(&t->map));
	free(t);
}

static uintptr_t map_memory(const struct sx_fakedns *t)
{
	const struct sx_shared_file file = sx_nametable_file(t->n);
	const struct sx_shared_file few = sx_nametable_file(N_FEW);
	uintptr_t map = (uintptr_t)sx_shared_private(&file);

	if (map || t->n < N_FEW)
		return map;
	map = (uintptr_t)sx_shared_private(&few);
	return map ? map | MAP_IS_SMALL : 0;
}

static uintptr_t map_any(const struct sx_fakedns *t)
{
	const struct sx_shared_file file = sx_nametable_file(t->n);
	struct sx_err why;
	void *map;

	if (!t->path)
		return map_memory(t);
	if (sx_shared_open(&file, t->path, &map, &why) >= 0)
		return (uintptr_t)map | MAP_IS_FILE;
	sx_log(SX_LOG_INFO, "names are not shared: %s", why.text);
	return map_memory(t);
}

/* The first of several threads decides for all. */
static uintptr_t open_map(struct sx_fakedns *t)
{
	uintptr_t map = map_any(t), was = 0;

	if (!map)
		return 0;
	struct sx_nametable table = view(t, map);
	sx_nametable_init(&table);
	atomic_store(&t->boot, table.boot);
	if (atomic_compare_exchange_strong(&t->map, &was, map))
		return map;
	unmap(t, map);
	return was;
}

static bool open_table(struct sx_fakedns *t, struct sx_nametable *out)
{
	uintptr_t map = atomic_load(&t->map);

	if (!map)
		map = open_map(t);
	if (map)
		*out = view(t, map);
	return map != 0;
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
		return NO_INDEX;
	if (ip->family == AF_INET6) {
		v4 = ip->bytes + 12;
		if (memcmp(ip->bytes + 8, zeros, 4) != 0 || !v4_in_pool(v4))
			return NO_INDEX;
	}
	if (v4[3] == 0 || v4[3] == 255)
		return NO_INDEX;
	return ((uint32_t)(v4[1] & 1) * 256 + v4[2]) * 254 + v4[3] - 1;
}

/* The index of record 0: a small table has a part of the pool. */
static uint32_t first_index(const struct sx_nametable *table)
{
	uint32_t n_parts = SX_FAKEDNS_MAX / table->n_records;

	return (uint32_t)(sx_nametable_seed(table) >> 32) % n_parts *
	       table->n_records;
}

int sx_fakedns_get(struct sx_fakedns *t, const char *name, sa_family_t family,
	struct sx_ip *out)
{
	struct sx_nametable table;
	uint32_t number;
	int saved = errno;
	int err = open_table(t, &table)
			  ? sx_nametable_find(&table, name, &number)
			  : -EAGAIN;

	if (!err)
		address_of(first_index(&table) + number, family, out);
	errno = saved;
	return err;
}

bool sx_fakedns_name(struct sx_fakedns *t, const struct sx_ip *ip,
	char name[SX_NAME_MAX + 1])
{
	uint32_t i = index_of(ip);
	struct sx_nametable table;
	int saved = errno;

	if (i == NO_INDEX)
		return false;
	/* what is before the first one is a large number, too */
	bool found = open_table(t, &table) &&
		     sx_nametable_name(&table, i - first_index(&table), name);
	errno = saved;
	return found;
}

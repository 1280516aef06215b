/*
 * The table behind fakedns.h: numbered records that hold a name each, in
 * memory that all processes of a user share and any of which may be killed,
 * stopped or gone mad. It knows of no addresses.
 *
 * A record is what it says of itself. Its state word tells whether a name
 * stands in it, since which minute it has not been used, and counts the names
 * it has had; only whole atomic operations change the word, and a record that
 * is not yet complete is not live. So a process killed at any instruction
 * leaves a name or none, and at worst a slot that nobody can use until it is
 * stale. Who reads, copies the name and looks at the state again; the hash of
 * the name stands beside it, so what two writers have mixed, or what is
 * damaged, is no name.
 *
 * A record that is used stays: each lookup and each use notes the minute. One
 * that is not for SX_NAMETABLE_FRESH minutes, or that is of an earlier boot,
 * may be given to another name.
 *
 * The index leads from a hash to records. It is nothing but a help: a wrong
 * or missing entry makes a name get a second record, no more. Buckets have a
 * fixed size, so that a lookup takes the same time in a full table as in an
 * empty one.
 *
 * Nothing here takes a lock or allocates. All functions: [any thread]
 * [signal-safe] [after fork]; they change errno.
 */
#ifndef SX_CORE_NAMETABLE_H
#define SX_CORE_NAMETABLE_H

#include "base/addr.h"
#include "core/shared.h"

#include <assert.h>

#define SX_NAMETABLE_MAGIC   0x73656d616e5f7873ULL /* "sx_names" */
#define SX_NAMETABLE_VERSION 1U
#define SX_NAMETABLE_PAGE    4096U
/* A day in minutes, and some more, since they are cut off. */
#define SX_NAMETABLE_FRESH (24U * 60U + 3U)

#define SX_NAMETABLE_BUCKET   32U /* cells; at most 8 are in use on average */
#define SX_NAMETABLE_WORDS    32U
#define SX_NAMETABLE_PER_PAGE 15U

/* One bit for each page of the largest table. */
#define SX_NAMETABLE_READY_WORDS 144U

struct sx_namerecord {
	_Atomic uint64_t state;
	_Atomic uint64_t hash; /* of the name, with the seed of the table */
	_Atomic uint64_t name[SX_NAMETABLE_WORDS]; /* NUL behind it */
};

struct sx_nametable_head {
	struct sx_shared_head shared;
	_Atomic uint64_t next; /* how many records were looked at for use */
	_Atomic uint64_t full; /* when none was to be had, as a state word */
};

static_assert(sizeof(struct sx_namerecord) == 272, "layout");
static_assert(SX_NAMETABLE_PER_PAGE * sizeof(struct sx_namerecord) <=
		      SX_NAMETABLE_PAGE,
	"no record lies in two pages");
static_assert(offsetof(struct sx_nametable_head, full) == 40, "layout");
static_assert(sizeof(((struct sx_namerecord *)0)->name) > SX_NAME_MAX + 1,
	"a name and its NUL");

/* A table as a process sees it; made for one operation. */
struct sx_nametable {
	void *map;
	uint32_t n_records;
	uint32_t now;            /* minutes of CLOCK_BOOTTIME, plus 1 */
	uint16_t boot;           /* what the time counts from; 0: not known */
	_Atomic uint64_t *ready; /* of the process, for this mapping */
	const struct sx_state_path *path; /* of the file; NULL: memory */
};

/* The file of a table for n_records, which are at most 2^17 - 1. */
struct sx_shared_file sx_nametable_file(uint32_t n_records);

/* To be called once for a mapping: fills in table->boot. */
void sx_nametable_init(struct sx_nametable *table);

/* A number that was drawn when the table was made. */
uint64_t sx_nametable_seed(const struct sx_nametable *table);

/*
 * The number of a record that holds name, which is normalised; it is fresh
 * from now on. 0; -EAGAIN: all records are fresh, or there is no room for
 * one.
 */
int sx_nametable_find(
	const struct sx_nametable *table, const char *name, uint32_t *number);

/* The name in a record, which is fresh from now on. False: there is none. */
bool sx_nametable_name(const struct sx_nametable *table, uint32_t number,
	char name[SX_NAME_MAX + 1]);

#endif

#include "core/nametable.h"

#include "core/record.h"

#include <errno.h>
#include <string.h>

#define PAGE         SX_NAMETABLE_PAGE
#define BUCKET       SX_NAMETABLE_BUCKET
#define WORDS        SX_NAMETABLE_WORDS
#define NUMBER_BITS  17
#define NO_NUMBER    UINT32_MAX
#define MAX_RETRIES  8
#define BUCKET_BYTES (BUCKET * sizeof(uint32_t))

/*
 * The state word:
 *
 *      bits   0-1   2-25     26-41   42-63
 *             kind  minute   boot    how many names it has had
 */
enum kind {
	KIND_FREE,  /* never used, or given back by the one who has taken it */
	KIND_TAKEN, /* somebody writes a name */
	KIND_LIVE,
};
#define MINUTE_BITS 24
#define MINUTE_UNIT (1ULL << 2)
#define TURN_UNIT   (1ULL << 42)

static enum kind kind_of(uint64_t state)
{
	return (enum kind)(state & 3);
}

static uint32_t minute_of(uint64_t state)
{
	return state >> 2 & ((1U << MINUTE_BITS) - 1);
}

static uint16_t boot_of(uint64_t state)
{
	return (uint16_t)(state >> 26);
}

/* The same turn of the record, now. */
static uint64_t stamped(
	const struct sx_nametable *t, uint64_t state, enum kind kind)
{
	uint64_t minute = t->now & ((1U << MINUTE_BITS) - 1);

	return (state & ~(TURN_UNIT - 1)) | (uint64_t)t->boot << 26 |
	       minute << 2 | (uint64_t)kind;
}

/* The same name stands in it, if any. */
static bool is_same_turn(uint64_t a, uint64_t b)
{
	return a / TURN_UNIT == b / TURN_UNIT && kind_of(a) == kind_of(b);
}

static bool is_of_another_boot(const struct sx_nametable *t, uint64_t state)
{
	return t->boot && boot_of(state) && t->boot != boot_of(state);
}

/* A clock that is a little ahead of ours is right, too. */
static bool is_fresh(const struct sx_nametable *t, uint64_t state)
{
	uint32_t now = t->now & ((1U << MINUTE_BITS) - 1);
	uint32_t at = minute_of(state);

	return !is_of_another_boot(t, state) &&
	       (now > at ? now - at : at - now) <= SX_NAMETABLE_FRESH;
}

/* -- where things lie: the head, the index, the records -- */

/* A power of two. */
static uint32_t n_buckets(uint32_t n_records)
{
	uint32_t least = (n_records + 7) / 8;

	return least < 2 ? 1 : 1U << (32 - __builtin_clz(least - 1));
}

static size_t pages_of_index(uint32_t n_records)
{
	return (n_buckets(n_records) * BUCKET_BYTES + PAGE - 1) / PAGE;
}

struct sx_shared_file sx_nametable_file(uint32_t n_records)
{
	size_t n_pages =
		1 + pages_of_index(n_records) +
		(n_records + SX_NAMETABLE_PER_PAGE - 1) / SX_NAMETABLE_PER_PAGE;

	return (struct sx_shared_file){
		.name = "names",
		.magic = SX_NAMETABLE_MAGIC,
		.version = SX_NAMETABLE_VERSION,
		.size = (uint32_t)(n_pages * PAGE),
		.solid = PAGE,
	};
}

static struct sx_nametable_head *head_of(const struct sx_nametable *t)
{
	return t->map;
}

static bool make_ready(const struct sx_nametable *t, size_t page)
{
	const struct sx_shared_file file = sx_nametable_file(t->n_records);

	if (sx_shared_make_solid(&file, t->path, t->map, page * PAGE, PAGE))
		return false;
	atomic_fetch_or(&t->ready[page / 64], 1ULL << page % 64);
	return true;
}

/* The page, NULL if there is no room for it: where the file has a hole, even
 * reading may be a SIGBUS. */
static void *page_at(const struct sx_nametable *t, size_t page)
{
	uint64_t ready = atomic_load_explicit(
		&t->ready[page / 64], memory_order_relaxed);

	if (!(ready >> page % 64 & 1) && !make_ready(t, page))
		return NULL;
	return (char *)t->map + page * PAGE;
}

static _Atomic uint32_t *bucket_at(const struct sx_nametable *t, uint64_t hash)
{
	size_t offset = (hash & (n_buckets(t->n_records) - 1)) * BUCKET_BYTES;
	char *page = page_at(t, 1 + offset / PAGE);

	return page ? (void *)(page + offset % PAGE) : NULL;
}

static struct sx_namerecord *record_at(
	const struct sx_nametable *t, uint32_t number)
{
	struct sx_namerecord *page =
		page_at(t, 1 + pages_of_index(t->n_records) +
				   number / SX_NAMETABLE_PER_PAGE);

	return page ? page + number % SX_NAMETABLE_PER_PAGE : NULL;
}

/* -- a name, as it stands in a record -- */

struct key {
	uint64_t words[WORDS]; /* zeros behind the name */
	uint64_t hash;
	unsigned n_words; /* with the NUL */
};

static void make_hash(const struct sx_nametable *t, struct key *key)
{
	key->hash = sx_nametable_seed(t);
	for (unsigned i = 0; i < key->n_words; i++)
		key->hash = sx_record_mix(key->hash ^ key->words[i]);
}

static void make_key(
	const struct sx_nametable *t, const char *name, struct key *key)
{
	size_t len = strnlen(name, SX_NAME_MAX);

	key->n_words = (unsigned)(len / sizeof(uint64_t)) + 1;
	key->words[key->n_words - 1] = 0;
	memcpy(key->words, name, len);
	make_hash(t, key);
}

/* Notes that the record is used; false: its turn is over. A minute is noted
 * once, so that records that are used much are not written all the time. */
static bool touch(
	const struct sx_nametable *t, struct sx_namerecord *r, uint64_t seen)
{
	uint64_t state = atomic_load(&r->state);

	while (is_same_turn(state, seen)) {
		if (is_fresh(t, state) && minute_of(state) >= t->now)
			return true;
		if (atomic_compare_exchange_strong(
			    &r->state, &state, stamped(t, state, KIND_LIVE)))
			return true;
	}
	return false;
}

/* The record holds that name, and is fresh now. */
static bool holds(const struct sx_nametable *t, struct sx_namerecord *r,
	const struct key *key)
{
	uint64_t state = atomic_load(&r->state);

	if (kind_of(state) != KIND_LIVE || atomic_load(&r->hash) != key->hash)
		return false;
	for (unsigned i = 0; i < key->n_words; i++)
		if (atomic_load(&r->name[i]) != key->words[i])
			return false;
	return touch(t, r, state);
}

static bool has_end(uint64_t word)
{
	return memchr(&word, '\0', sizeof(word)) != NULL;
}

/* Copies what stands there, be it what it may. */
static void copy_key(struct sx_namerecord *r, struct key *key)
{
	key->n_words = 0;
	do {
		key->words[key->n_words] = atomic_load(&r->name[key->n_words]);
	} while (!has_end(key->words[key->n_words++]) && key->n_words < WORDS);
	key->hash = atomic_load(&r->hash);
}

/* It is a name in the form that is stored, and the one that was. */
static bool is_sound(const struct sx_nametable *t, const struct key *key,
	char name[SX_NAME_MAX + 1])
{
	struct key again = {.n_words = key->n_words};
	char text[sizeof(key->words)];

	memcpy(again.words, key->words, key->n_words * sizeof(uint64_t));
	memcpy(text, key->words, key->n_words * sizeof(uint64_t));
	make_hash(t, &again);
	return again.hash == key->hash &&
	       has_end(key->words[key->n_words - 1]) &&
	       sx_name_normalize(text, name) == 0 && strcmp(text, name) == 0;
}

bool sx_nametable_name(const struct sx_nametable *t, uint32_t number,
	char name[SX_NAME_MAX + 1])
{
	struct sx_namerecord *r =
		number < t->n_records ? record_at(t, number) : NULL;
	struct key key;

	for (unsigned i = 0; r && i < MAX_RETRIES; i++) {
		uint64_t state = atomic_load(&r->state);
		if (kind_of(state) != KIND_LIVE)
			return false;
		copy_key(r, &key);
		if (!is_same_turn(state, atomic_load(&r->state)))
			continue;
		if (!is_sound(t, &key, name))
			return false;
		if (touch(t, r, state))
			return true;
	}
	return false;
}

/* -- new records -- */

/*
 * The record is ours to write; *state is what it says now. It is used since a
 * minute ago, so that whoever finds it notes his minute, and we know of him.
 */
static bool take(
	const struct sx_nametable *t, struct sx_namerecord *r, uint64_t *state)
{
	uint64_t was = atomic_load(&r->state);

	if (kind_of(was) != KIND_FREE && is_fresh(t, was))
		return false;
	*state = stamped(t, was + TURN_UNIT, KIND_TAKEN) - MINUTE_UNIT;
	return atomic_compare_exchange_strong(&r->state, &was, *state);
}

/* Any record that can be had. When all have been looked at in vain, nobody
 * looks again in this minute. */
static uint32_t take_any(const struct sx_nametable *t, uint64_t *state)
{
	struct sx_nametable_head *head = head_of(t);
	uint64_t mark = stamped(t, 0, KIND_LIVE);
	uint32_t n = t->n_records;

	if (atomic_load(&head->full) == mark)
		return NO_NUMBER;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t turn = atomic_fetch_add(&head->next, 1);
		uint32_t number =
			(uint32_t)((turn % n + sx_nametable_seed(t) % n) % n);
		struct sx_namerecord *r = record_at(t, number);
		if (!r)
			return NO_NUMBER;
		if (take(t, r, state))
			return number;
	}
	atomic_store(&head->full, mark);
	return NO_NUMBER;
}

/*
 * The record is taken, in that state. False: another one has taken it over,
 * for we were stopped so long that it was stale; then at most the word that
 * we were about to write is wrong, which the hash shows.
 */
static bool write_key(
	struct sx_namerecord *r, const struct key *key, uint64_t *state)
{
	uint64_t live = *state ^ KIND_TAKEN ^ KIND_LIVE;

	atomic_store_explicit(&r->hash, key->hash, memory_order_release);
	for (unsigned i = 0; i < key->n_words; i++) {
		if (atomic_load(&r->state) != *state)
			return false;
		atomic_store_explicit(
			&r->name[i], key->words[i], memory_order_release);
	}
	if (!atomic_compare_exchange_strong(&r->state, state, live))
		return false;
	*state = live;
	return true;
}

/* -- the index: cells of 17 bits for the number, plus 1, and 15 of the hash;
 * the first that is 0 ends a bucket -- */

static uint32_t cell_of(uint64_t hash, uint32_t number)
{
	return (uint32_t)(hash >> (32 + NUMBER_BITS) << NUMBER_BITS) |
	       (number + 1);
}

static uint32_t number_in(uint32_t cell)
{
	return (cell & ((1U << NUMBER_BITS) - 1)) - 1;
}

static bool is_tagged(uint32_t cell, uint64_t hash)
{
	return (cell ^ cell_of(hash, 0)) >> NUMBER_BITS == 0;
}

/* A record with the name, or NO_NUMBER. *n_cells: how many stand before one
 * that is 0, if there is no such record. */
static uint32_t search(const struct sx_nametable *t, _Atomic uint32_t *cells,
	const struct key *key, unsigned *n_cells)
{
	for (*n_cells = 0; *n_cells < BUCKET; ++*n_cells) {
		uint32_t cell = atomic_load(&cells[*n_cells]);
		uint32_t number = number_in(cell);
		if (!cell)
			break;
		if (!is_tagged(cell, key->hash) || number >= t->n_records)
			continue;
		struct sx_namerecord *r = record_at(t, number);
		if (r && holds(t, r, key))
			return number;
	}
	return NO_NUMBER;
}

/* The cell leads to a record that has another name by now, or none. */
static bool is_outlived(
	const struct sx_nametable *t, uint32_t cell, uint64_t hash)
{
	uint32_t number = number_in(cell);
	struct sx_namerecord *r;

	if (number >= t->n_records)
		return true;
	r = record_at(t, number);
	if (!r)
		return false;
	if (kind_of(atomic_load(&r->state)) != KIND_LIVE)
		return true;
	uint64_t there = atomic_load(&r->hash);
	return !is_tagged(cell, there) ||
	       (there ^ hash) & (n_buckets(t->n_records) - 1);
}

/* Puts the record into the bucket: into the first cell that is 0, so that two
 * with the same name meet there; else into one that leads to nothing. False:
 * somebody was faster, or *is_full. */
static bool put(const struct sx_nametable *t, _Atomic uint32_t *cells,
	const struct key *key, uint32_t number, unsigned place, bool *is_full)
{
	uint32_t was = 0;

	if (place == BUCKET)
		for (place = 0; place < BUCKET; place++) {
			was = atomic_load(&cells[place]);
			if (is_outlived(t, was, key->hash))
				break;
		}
	*is_full = place == BUCKET;
	return !*is_full && atomic_compare_exchange_strong(&cells[place], &was,
				    cell_of(key->hash, number));
}

/* Nobody has got to know of the record, or else it stays. */
static void give_back(
	const struct sx_nametable *t, uint32_t number, uint64_t state)
{
	struct sx_namerecord *r = record_at(t, number);

	if (r)
		atomic_compare_exchange_strong(
			&r->state, &state, stamped(t, state, KIND_FREE));
}

/* Makes our record be found, and returns its number; or that of another one,
 * which had the same name at the same time and was faster. */
static uint32_t publish(const struct sx_nametable *t, _Atomic uint32_t *cells,
	const struct key *key, uint32_t own, uint64_t state)
{
	bool is_full = false;
	unsigned n_cells;
	uint32_t other;

	do {
		other = search(t, cells, key, &n_cells);
		if (other != NO_NUMBER || is_full)
			break;
		if (put(t, cells, key, own, n_cells, &is_full))
			return own;
	} while (true);
	give_back(t, own, state);
	return other;
}

static uint32_t insert(const struct sx_nametable *t, _Atomic uint32_t *cells,
	const struct key *key)
{
	uint64_t state;
	uint32_t own = take_any(t, &state);

	if (own == NO_NUMBER || !write_key(record_at(t, own), key, &state))
		return NO_NUMBER;
	return publish(t, cells, key, own, state);
}

int sx_nametable_find(
	const struct sx_nametable *t, const char *name, uint32_t *number)
{
	struct key key;
	unsigned n_cells;

	make_key(t, name, &key);
	_Atomic uint32_t *cells = bucket_at(t, key.hash);
	if (!cells)
		return -EAGAIN;
	*number = search(t, cells, &key, &n_cells);
	if (*number == NO_NUMBER)
		*number = insert(t, cells, &key);
	return *number == NO_NUMBER ? -EAGAIN : 0;
}

/* -- the head -- */

uint64_t sx_nametable_seed(const struct sx_nametable *t)
{
	return atomic_load_explicit(
		&head_of(t)->shared.id, memory_order_relaxed);
}

/* A process that cannot know the boot takes the word of the others. */
void sx_nametable_init(struct sx_nametable *t)
{
	struct sx_shared_head *head = &head_of(t)->shared;
	uint64_t boot = sx_shared_boot(), there = atomic_load(&head->boot);

	if (!boot)
		boot = there;
	else if (boot != there)
		atomic_store(&head->boot, boot);
	t->boot = boot ? (uint16_t)(boot >> 48 | 1) : 0;
}

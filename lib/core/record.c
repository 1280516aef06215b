#include "core/record.h"

#include "base/hash.h"

#include <string.h>

/* The last step of MurmurHash3. */
uint64_t sx_record_mix(uint64_t h)
{
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}

/* Two hashes of different kinds, so that a collision of one is none of the
 * other. Never 0: that is a free record. */
void sx_record_hash(const char *key, uint64_t out[2])
{
	uint64_t a = sx_hash(SX_HASH_START, key, strlen(key));
	uint64_t b = 0;

	for (; *key; key++)
		b = sx_record_mix(b * 31 + (unsigned char)*key + 1);
	out[0] = sx_record_mix(a) | 1;
	out[1] = b | 1;
}

/* True if the word holds the value, be it that it was 0 and now does. */
static bool take(_Atomic uint64_t *word, uint64_t value)
{
	uint64_t was = atomic_load(word);

	if (was == 0 && atomic_compare_exchange_strong(word, &was, value))
		return true;
	return was == value;
}

/*
 * Both words are taken one after the other. A claimer killed in between
 * leaves a record that is found, and made whole, by the next one with its
 * key. Another key with the same first word may take it before: then it is
 * that key's for all, also for a claimer that was merely slow.
 */
static bool take_key(struct sx_record *r, const uint64_t key[2])
{
	return take(&r->key[0], key[0]) && take(&r->key[1], key[1]);
}

/* Whoever finds another's word stops there, so words of two names never
 * stand one behind the other. */
static void take_name(struct sx_record *r, const char *name)
{
	char text[SX_RECORD_NAME_SIZE] = {0};
	uint64_t word;

	memcpy(text, name, strnlen(name, sizeof(text) - 1));
	for (size_t i = 0; i < sizeof(text) / sizeof(word); i++) {
		memcpy(&word, text + i * sizeof(word), sizeof(word));
		if (!word || !take(&r->name[i], word))
			return;
	}
}

struct sx_record *sx_record_find(
	void *table, size_t n, size_t size, const char *key, const char *name)
{
	uint64_t hash[2];

	sx_record_hash(key, hash);
	size_t start = (hash[0] >> 32) % n;
	for (size_t i = 0; i < n; i++) {
		size_t place = (start + i) % n;
		void *r = (char *)table + place * size;
		if (take_key(r, hash)) {
			take_name(r, name);
			return r;
		}
	}
	return NULL;
}

bool sx_record_is_claimed(const struct sx_record *record)
{
	return atomic_load(&record->key[0]) && atomic_load(&record->key[1]);
}

const char *sx_record_name(
	const struct sx_record *record, char buf[SX_RECORD_NAME_SIZE])
{
	uint64_t word;

	for (size_t i = 0; i < SX_RECORD_NAME_SIZE / sizeof(word); i++) {
		word = atomic_load(&record->name[i]);
		memcpy(buf + i * sizeof(word), &word, sizeof(word));
	}
	buf[SX_RECORD_NAME_SIZE - 1] = '\0';
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return buf;
}

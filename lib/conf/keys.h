/*
 * The keys of a configuration file, one table row each. What a row says
 * drives the parsing, the checks and the texts of the diagnostics.
 */
#ifndef SX_CONF_KEYS_H
#define SX_CONF_KEYS_H

#include "conf/draft.h"

enum sx_section {
	SX_SECTION_NONE, /* above the first header */
	SX_SECTION_DEFAULTS,
	SX_SECTION_SERVER,
	SX_SECTION_POOL,
	SX_SECTION_RULES,
	SX_SECTION_APPS,
	SX_SECTION_UNKNOWN, /* reported; its keys are not looked at */
	SX_N_SECTIONS,
};

#define SX_N_KEYS 41

struct sx_key;

/* One file while it is read. */
struct sx_file_parser {
	struct sx_draft *draft;
	struct sx_place place; /* of the line that is parsed */
	enum sx_section section;
	unsigned header;                /* line of its header */
	unsigned firsts[SX_N_SECTIONS]; /* where each first was; 0: nowhere */
	void *base;               /* what the offsets of its keys count from */
	const struct sx_key *key; /* the last one; NULL: it was wrong */
	unsigned key_line;
	size_t n_items;           /* in its list, so far */
	unsigned seen[SX_N_KEYS]; /* line of each in this section */
};

enum sx_key_flags {
	SX_KEY_LIST = 1,     /* may go on in indented lines */
	SX_KEY_REPEATS = 2,  /* may stand in a section more than once */
	SX_KEY_VERBATIM = 4, /* "#" and ";" start no comment */
};

#define SX_KEY_REPORTED 1

struct sx_key {
	enum sx_section section;
	const char *name; /* NULL: any other */
	/*
	 * Stores value in the field at offset. 0; negative: it is not what
	 * is expected; -ENOMEM; SX_KEY_REPORTED: it has said so itself. No
	 * diagnostic repeats the value, which may be a misplaced password.
	 */
	int (*parse)(struct sx_file_parser *p, const char *value, void *field);
	const char *expected;
	size_t offset; /* in sx_conf, sx_draft_server, _pool or sx_draft */
	unsigned flags;
};

extern const struct sx_key sx_keys[SX_N_KEYS];

/* The row of a key of that section; SX_N_KEYS: there is none. */
size_t sx_key_find(enum sx_section section, const char *name);

/* Where a known key stands in the section that is read; 0: nowhere. */
unsigned sx_key_line(const struct sx_file_parser *p, const char *name);

/* Reports why for the key that is read; returns SX_KEY_REPORTED. */
int sx_key_fail(struct sx_file_parser *p, const char *why);

/* value as an absolute path, which is the caller's. Returns as parse does;
 * *path is NULL if not 0. */
int sx_key_path(struct sx_file_parser *p, const char *value, char **path);

/* A parse for an enum: the row's `expected` lists the words, "a, b or c", in
 * the order of its values. */
int sx_key_word(struct sx_file_parser *p, const char *value, void *field);

#endif

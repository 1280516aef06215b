/*
 * The INI text of one file as a row of events, read with inih.
 *
 * What inih does not tell is found here: where the errors are, a header or
 * key that it would cut, an indented line that is no key. Knows no key.
 */
#ifndef SX_CONF_INI_H
#define SX_CONF_INI_H

#include <stddef.h>

/* A line without its end. */
#define SX_INI_LINE_MAX 65536

/* Strings are valid during the call; values may be written to. */
struct sx_ini_events {
	/* [name], with the white space at its ends cut; NULL: a header that
	 * error() was told of */
	void (*section)(void *user, unsigned line, char *name);
	void (*key)(void *user, unsigned line, const char *name, char *value);
	/* an indented line, which goes on with the value of the last key */
	void (*more)(void *user, unsigned line, char *value);
	/* text says what was expected; the line counts for nothing */
	void (*error)(void *user, unsigned line, const char *text);
};

/*
 * Parses all of it, whatever is wrong. bytes[len] must be writable, and bytes
 * is changed. 0 or -ENOMEM. Sets inih's variables, so one call at a time.
 */
int sx_ini_parse(char *bytes, size_t len, const struct sx_ini_events *events,
	void *user);

#endif

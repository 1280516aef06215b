/*
 * Small helpers that the parsers share: lists, names, growing arrays and
 * strings that must not stay in memory.
 */
#ifndef SX_CONF_TEXT_H
#define SX_CONF_TEXT_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

/* Servers and pools; what a section header of inih holds behind "server ". */
#define SX_LABEL_MAX 42

/*
 * Room for one more item in an array that holds n items of the given size
 * and was grown by nothing else: its new address, or NULL when memory is out;
 * items stays valid then. The new item is not initialised.
 */
void *sx_array_grow(void *items, size_t n, size_t size);

/* Overwrites and frees *text, and makes it NULL. *text may be NULL. */
void sx_text_wipe(char **text);

/*
 * The next item of a list whose separators are commas and white space: false
 * at the end. *rest is moved behind the item; *item points into the list.
 */
bool sx_list_next(const char **rest, const char **item, size_t *n);

/* White space at both ends is cut, in place; returns where the text starts. */
char *sx_text_trim(char *text);

/* Cuts what stands behind a "#" or ";" that starts the text or follows white
 * space. */
void sx_text_cut_comment(char *text);

/* 1 to SX_LABEL_MAX of the bytes A-Z a-z 0-9 _ . - : the name of a server or
 * pool. Nothing else is ever repeated in a diagnostic. */
bool sx_label_ok(const char *text);

/*
 * A host name of letters, digits, "-", "_" and "." in its normal form. 0;
 * -EINVAL for another byte or what sx_name_normalize() refuses; -ERANGE when
 * the last label is a number, so that it would be taken for an address.
 */
int sx_host_parse(const char *text, char out[SX_NAME_MAX + 1]);

/* "a, b, c" in a bounded buffer, for diagnostics; ends in "..." if cut. */
struct sx_names {
	char text[512];
	size_t n;
	const char *separator; /* NULL: ", " */
};

void sx_names_add(struct sx_names *names, const char *name);

#endif

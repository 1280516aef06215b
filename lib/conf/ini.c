#include "conf/ini.h"

#include "conf/text.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <string.h>

/* Arrays of this size hold the section and the last key inside inih; a longer
 * name would be cut without a word. */
#define INIH_NAME_SIZE 50

#define EXPECTED_LINE "expected KEY = VALUE or [SECTION]"

struct reader {
	const struct sx_ini_events *events;
	void *user;
	char *next, *end; /* what is not read yet */
	unsigned line;    /* of text, which is the line that inih has */
	char *text;
	size_t len;
	char *copy;    /* inih's own */
	bool has_name; /* inih knows a key that an indented line goes on with */
	size_t longest; /* line copied so far, with its NUL */
};

static void error(struct reader *r, const char *text)
{
	r->events->error(r->user, r->line, text);
}

static void take_line(struct reader *r)
{
	size_t left = (size_t)(r->end - r->next);
	char *newline = memchr(r->next, '\n', left);

	r->text = r->next;
	r->len = newline ? (size_t)(newline - r->next) : left;
	r->next += newline ? r->len + 1 : r->len;
	r->text[r->len] = '\0';
	r->line++;
}

static bool is_usable(struct reader *r)
{
	if (memchr(r->text, '\0', r->len)) {
		error(r, "a NUL byte, " EXPECTED_LINE);
		return false;
	}
	if (r->len > SX_INI_LINE_MAX) {
		error(r, "expected a line of at most 65536 bytes");
		return false;
	}
	return true;
}

/* Indented behind a key, "[2001:db8::]/32" goes on with a list. */
static bool is_header(const struct reader *r)
{
	const char *p = r->text;

	while (isspace((unsigned char)*p))
		p++;
	return *p == '[' && (p == r->text || !r->has_name);
}

/* What was expected, or NULL: then *name is what stands in the brackets. */
static const char *cut_header(char *text, char **name)
{
	char *start = strchr(text, '[') + 1, *end = strchr(start, ']');

	if (!end)
		return EXPECTED_LINE;
	*end++ = '\0';
	end += strspn(end, " \t\r");
	if (*end && *end != '#' && *end != ';')
		return "expected nothing behind [SECTION]";
	start = sx_text_trim(start);
	if (strlen(start) >= INIH_NAME_SIZE)
		return "expected a [SECTION] of at most 49 bytes";
	*name = start;
	return NULL;
}

static void parse_header(struct reader *r)
{
	char *name = NULL;
	const char *why = cut_header(r->text, &name);

	r->has_name = false;
	if (why)
		error(r, why);
	r->events->section(r->user, r->line, name);
}

/*
 * An ini_reader. A line that is reported is replaced by an empty one: after
 * its first error inih would no longer say where a value is missing. Headers
 * are told by us; inih gets an empty one, so that it forgets the last key.
 */
static char *next_line(char *copy, int size, void *user)
{
	struct reader *r = user;
	const char *text;

	(void)size;
	if (r->next == r->end) {
		/* it held passwords and is about to be freed */
		explicit_bzero(copy, r->longest);
		return NULL;
	}
	take_line(r);
	r->copy = copy;
	text = r->text;
	if (!is_usable(r)) {
		text = "";
	} else if (is_header(r)) {
		parse_header(r);
		text = "[]";
	}
	size_t n = strlen(text) + 1;
	if (n > r->longest)
		r->longest = n;
	return memcpy(copy, text, n);
}

static bool is_indented(const struct reader *r)
{
	return isspace((unsigned char)r->text[0]);
}

/* inih also takes "KEY: VALUE", which would make keys of stray URLs. */
static bool has_equals_sign(const struct reader *r)
{
	const char *sign = strpbrk(r->text, "=:");

	return sign && *sign == '=';
}

/* An ini_handler. Its value points into the copy, which may be written. */
static int take_value(
	void *user, const char *section, const char *name, const char *value)
{
	struct reader *r = user;

	(void)section;
	if (!value) {
		error(r, EXPECTED_LINE);
		return 1;
	}
	char *own = r->copy + (value - r->copy);
	if (r->has_name && is_indented(r)) {
		r->events->more(r->user, r->line, own);
		return 1;
	}
	r->has_name = *name != '\0';
	if (!*name || !has_equals_sign(r))
		error(r, EXPECTED_LINE);
	else
		r->events->key(r->user, r->line, name, own);
	return 1;
}

/* The library has inih to itself: linked in and not exported. */
static void set_up_inih(void)
{
	ini_use_stack = false;
	ini_allow_realloc = false;
	ini_initial_alloc = ini_max_line = SX_INI_LINE_MAX + 3;
	ini_allow_multiline = true;
	ini_allow_no_value = true;
	ini_stop_on_first_error = false;
	/* a password may hold them; other values are cut by their keys */
	ini_allow_inline_comments = false;
}

int sx_ini_parse(
	char *bytes, size_t len, const struct sx_ini_events *events, void *user)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct reader r = {.events = events, .user = user, .next = bytes};

	r.end = bytes + len;
	if (len >= 3 && memcmp(bytes, bom, 3) == 0)
		r.next += 3;
	set_up_inih();
	return ini_parse_stream(next_line, &r, take_value, &r) == -2 ? -ENOMEM
								     : 0;
}

#include "conf/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char separators[] = ", \t\r\n\v\f";

void *sx_array_grow(void *items, size_t n, size_t size)
{
	/* it was grown at each power of two, so there is room in between */
	if (n & (n - 1))
		return items;
	if (n > SIZE_MAX / 2 / size)
		return NULL;
	return realloc(items, (n ? 2 * n : 1) * size);
}

void sx_text_wipe(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

bool sx_list_next(const char **rest, const char **item, size_t *n)
{
	*item = *rest + strspn(*rest, separators);
	*n = strcspn(*item, separators);
	*rest = *item + *n;
	return *n != 0;
}

char *sx_text_trim(char *text)
{
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	return text;
}

void sx_text_cut_comment(char *text)
{
	bool was_space = true;

	for (char *p = text; *p; p++) {
		if (was_space && (*p == '#' || *p == ';')) {
			*p = '\0';
			sx_text_trim(text);
			return;
		}
		was_space = isspace((unsigned char)*p);
	}
}

/* isalnum() would depend on the program's locale. */
static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static bool is_name(const char *text)
{
	while (is_name_byte(*text))
		text++;
	return !*text;
}

bool sx_label_ok(const char *text)
{
	return *text && strlen(text) <= SX_LABEL_MAX && is_name(text);
}

/* "1.2.3", "0x7f000001": libc and browsers take them for IPv4 addresses. */
static bool looks_numeric(const char *name)
{
	const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;

	if (last[0] == '0' && last[1] == 'x')
		return last[2 + strspn(last + 2, "0123456789abcdef")] == '\0';
	return last[strspn(last, "0123456789")] == '\0';
}

int sx_host_parse(const char *text, char out[SX_NAME_MAX + 1])
{
	if (!is_name(text) || sx_name_normalize(text, out))
		return -EINVAL;
	return looks_numeric(out) ? -ERANGE : 0;
}

void sx_names_add(struct sx_names *names, const char *name)
{
	const char *separator = names->separator ? names->separator : ", ";
	size_t room = sizeof(names->text) - names->n;
	size_t need = strlen(separator) + strlen(name);
	size_t more = strlen(separator) + sizeof("...");

	if (room <= more)
		return;
	if (need + more >= room) {
		snprintf(names->text + names->n, room, "%s...", separator);
		names->n = sizeof(names->text);
		return;
	}
	names->n += (size_t)snprintf(names->text + names->n, room, "%s%s",
		names->n ? separator : "", name);
}

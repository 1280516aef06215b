#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct sx_table *t, char *text)
{
	char **cells = realloc(t->cells, (t->n_cells + 1) * sizeof(*cells));

	if (!cells || !text) {
		fputs("socksify: out of memory\n", stderr);
		exit(125);
	}
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	t->cells = cells;
	t->cells[t->n_cells++] = text;
}

void sx_table_begin(struct sx_table *t, const char *const *headings)
{
	memset(t, 0, sizeof(*t));
	for (; headings[t->n_columns]; t->n_columns++)
		put(t, strdup(headings[t->n_columns]));
}

void sx_table_add(struct sx_table *t, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (text && !*text) {
		free(text);
		text = strdup("-");
	}
	put(t, text);
}

static int width_of(const struct sx_table *t, unsigned column)
{
	size_t width = 0;

	for (unsigned i = column; i < t->n_cells; i += t->n_columns) {
		size_t n = strlen(t->cells[i]);
		width = n > width ? n : width;
	}
	return (int)width;
}

void sx_table_end(struct sx_table *t)
{
	int widths[SX_TABLE_COLUMNS];

	for (unsigned c = 0; c < t->n_columns; c++)
		widths[c] = width_of(t, c);
	for (unsigned i = 0; i < t->n_cells; i++) {
		unsigned c = i % t->n_columns;
		if (c + 1 == t->n_columns)
			printf("%s\n", t->cells[i]);
		else
			printf("%-*s  ", widths[c], t->cells[i]);
		free(t->cells[i]);
	}
	free(t->cells);
	memset(t, 0, sizeof(*t));
}

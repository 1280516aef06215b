#include "conf/diag.h"

#include "conf/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes text over. */
static void keep(struct sx_diags *diags, enum sx_severity severity,
	unsigned line, char *text)
{
	void *items =
		sx_array_grow(diags->items, diags->n, sizeof(*diags->items));

	if (!items || !text) {
		diags->out_of_memory = 1;
		free(text);
		if (items)
			diags->items = items;
		return;
	}
	diags->items = items;
	diags->items[diags->n++] =
		(struct sx_diag){.severity = severity, text, line};
}

static char *one_line(char *text)
{
	for (char *p = text; p && *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	return text;
}

static char *join(const char *where, unsigned line, const char *text)
{
	char *joined;
	int r;

	if (line)
		r = asprintf(&joined, "%s:%u: %s", where, line, text);
	else
		r = asprintf(&joined, "%s: %s", where, text);
	return r < 0 ? NULL : joined;
}

void sx_diags_add(struct sx_diags *diags, enum sx_severity severity,
	const char *where, unsigned line, const char *fmt, ...)
{
	char *text;
	va_list ap;

	if (severity == SX_SEVERITY_ERROR)
		diags->n_errors++;
	if (diags->n >= SX_DIAGS_MAX)
		return;
	va_start(ap, fmt);
	int r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0) {
		diags->out_of_memory = 1;
		return;
	}
	keep(diags, severity, line, one_line(join(where, line, text)));
	free(text);
}

/* An insertion sort: there are few, nearly in order, and qsort() is neither
 * stable nor free of allocations. */
static void sort_by_line(struct sx_diags *diags)
{
	for (size_t i = 1; i < diags->n; i++) {
		struct sx_diag diag = diags->items[i];
		size_t at = i;
		while (at && diags->items[at - 1].line > diag.line) {
			diags->items[at] = diags->items[at - 1];
			at--;
		}
		diags->items[at] = diag;
	}
}

void sx_diags_move(struct sx_diags *diags, struct sx_diags *from)
{
	sort_by_line(from);
	for (size_t i = 0; i < from->n; i++) {
		struct sx_diag *diag = &from->items[i];
		if (diags->n < SX_DIAGS_MAX)
			keep(diags, diag->severity, diag->line, diag->text);
		else
			free(diag->text);
	}
	from->n = 0;
	diags->n_errors += from->n_errors;
	diags->out_of_memory |= from->out_of_memory;
	sx_diags_fini(from);
}

int sx_diags_failed(const struct sx_diags *diags)
{
	return diags->n_errors != 0 || diags->out_of_memory;
}

void sx_diags_fini(struct sx_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		free(diags->items[i].text);
	free(diags->items);
	memset(diags, 0, sizeof(*diags));
}

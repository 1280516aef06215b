/*
 * A table for people: columns as wide as they must be.
 */
#ifndef SX_CLI_TABLE_H
#define SX_CLI_TABLE_H

#define SX_TABLE_COLUMNS 12

struct sx_table {
	char **cells; /* row by row */
	unsigned n_cells, n_columns;
};

/* The headings, NULL-terminated, SX_TABLE_COLUMNS at most; the first row. */
void sx_table_begin(struct sx_table *table, const char *const *headings);

/* The next cell, row by row. An empty text is printed as "-". Control
 * characters become "?". */
void sx_table_add(struct sx_table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints it on standard output and frees it. */
void sx_table_end(struct sx_table *table);

#endif

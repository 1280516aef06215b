/*
 * Diagnostics of the configuration: what is wrong, where, and what was
 * expected. Parsers collect them here, all at once; they never print and
 * never exit.
 */
#ifndef SX_CONF_DIAG_H
#define SX_CONF_DIAG_H

#include <stddef.h>

enum sx_severity {
	SX_SEVERITY_WARNING,
	SX_SEVERITY_ERROR,
};

struct sx_diag {
	enum sx_severity severity;
	/* "PATH:LINE: text", or "SOCKSIFY_PROXY: text", one line; never
	 * holds a password */
	char *text;
	unsigned line; /* 0: none */
};

/* So many are kept, in case a wrong file of 16 MiB is one long list of
 * errors: it is read inside somebody else's program. */
#define SX_DIAGS_MAX 1000

struct sx_diags {
	struct sx_diag *items; /* by file, and by line in each file */
	size_t n;
	size_t n_errors; /* those beyond SX_DIAGS_MAX are counted too */
	/* an allocation failed: diagnostics are missing, and it counts as
	 * an error */
	int out_of_memory;
};

/* where: a path, or the name of a variable or option; line 0: none. Control
 * characters in the text become "?". */
void sx_diags_add(struct sx_diags *diags, enum sx_severity severity,
	const char *where, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Moves what from holds behind what diags holds, in the order of its lines.
 * from is empty afterwards. */
void sx_diags_move(struct sx_diags *diags, struct sx_diags *from);

/* True when the configuration must not be used. */
int sx_diags_failed(const struct sx_diags *diags);

/* Frees the contents; diags is empty afterwards and can be used again. */
void sx_diags_fini(struct sx_diags *diags);

#endif

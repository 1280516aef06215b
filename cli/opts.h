/*
 * The command's options: one table drives parsing and --help.
 */
#ifndef SX_CLI_OPTS_H
#define SX_CLI_OPTS_H

#include <stdbool.h>
#include <stddef.h>

/* The exit statuses of the command itself, as a shell and env(1) have them. */
enum {
	SX_EXIT_OWN = 125,        /* socksify cannot do its part */
	SX_EXIT_CANNOT_RUN = 126, /* the program is there, but may not run */
	SX_EXIT_NOT_FOUND = 127,
};

struct sx_opts {
	const char **urls; /* of -p, in order; strings borrowed from argv */
	size_t n_urls;
	const char *conf_path;
	const char *log_level; /* NULL: as configured */
	bool allow_leaks;
	bool help, version;
	char **program; /* the rest of argv, NULL-terminated */
};

/*
 * Parses argv up to the program's name. 0, or -1 after a message on standard
 * error. sx_opts_fini() frees, also after a failure.
 */
int sx_opts_parse(struct sx_opts *opts, int argc, char **argv);
void sx_opts_fini(struct sx_opts *opts);

void sx_opts_print_help(void);

#endif

/*
 * The command's options: one table drives parsing and --help.
 */
#ifndef SX_CLI_OPTS_H
#define SX_CLI_OPTS_H

#include <stdbool.h>
#include <stddef.h>

/* The exit statuses of the command itself, as a shell and env(1) have them. */
enum {
	SX_EXIT_BAD = 1,          /* what was asked about is not well */
	SX_EXIT_OWN = 125,        /* socksify cannot do its part */
	SX_EXIT_CANNOT_RUN = 126, /* the program is there, but may not run */
	SX_EXIT_NOT_FOUND = 127,
};

/* Which commands an option is for. */
enum sx_for {
	SX_FOR_RUN = 1,
	SX_FOR_CHECK = 2,
	SX_FOR_STATUS = 4,
	SX_FOR_EXPLAIN = 8,
	SX_FOR_LEAKTEST = 16,
};

/* Strings are borrowed from argv. */
struct sx_opts {
	const char **urls; /* of -p, in order */
	size_t n_urls;
	const char *conf_path;
	const char *log_level; /* NULL: as configured */
	bool allow_leaks;
	bool json, reset, udp;
	const char *to, *app;
	bool help, version;
	char **operands; /* the rest of argv, NULL-terminated */
};

struct sx_command;

/*
 * Parses the options of the command, argv[0] being its name, and says in a
 * message on standard error what is wrong with them. 0 or -1.
 * sx_opts_fini() frees, also after a failure.
 */
int sx_opts_parse(struct sx_opts *opts, const struct sx_command *command,
	int argc, char **argv);
void sx_opts_fini(struct sx_opts *opts);

void sx_opts_print_help(const struct sx_command *command);

#endif

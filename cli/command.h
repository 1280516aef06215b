/*
 * What the first argument may be instead of a program's name. One file for
 * each; main.c has the table.
 */
#ifndef SX_CLI_COMMAND_H
#define SX_CLI_COMMAND_H

#include "opts.h"

struct sx_command {
	const char *name;   /* NULL: run a program */
	enum sx_for bit;    /* of the rows in the table of options */
	const char *usage;  /* behind "socksify " */
	const char *text;   /* what it does, for --help */
	const char *more;   /* behind the options; NULL: nothing */
	bool is_open_ended; /* what follows the first operand is its own */
	int (*run)(const struct sx_opts *opts); /* the exit status */
};

extern const struct sx_command sx_command_run;
extern const struct sx_command sx_command_check;
extern const struct sx_command sx_command_status;
extern const struct sx_command sx_command_explain;
extern const struct sx_command sx_command_leaktest;

#endif

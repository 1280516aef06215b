#include "command.h"

#include <stdio.h>
#include <string.h>

static const struct sx_command *const commands[] = {
	&sx_command_check,
	&sx_command_status,
	&sx_command_explain,
	&sx_command_leaktest,
};
#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

/* A program of the same name runs behind "--". */
static const struct sx_command *find(const char *name)
{
	for (size_t i = 0; name && i < N_COMMANDS; i++)
		if (strcmp(name, commands[i]->name) == 0)
			return commands[i];
	return &sx_command_run;
}

static void print_commands(void)
{
	puts("\nCommands instead of PROGRAM (socksify COMMAND --help says "
	     "more):");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-10s%s\n", commands[i]->name, commands[i]->text);
}

static int run(const struct sx_command *command, const struct sx_opts *opts)
{
	if (opts->help) {
		sx_opts_print_help(command);
		if (command == &sx_command_run)
			print_commands();
		return 0;
	}
	if (opts->version) {
		puts("socksify " SX_VERSION);
		return 0;
	}
	return command->run(opts);
}

int main(int argc, char **argv)
{
	const struct sx_command *command = find(argc > 1 ? argv[1] : NULL);
	int skip = command->name ? 1 : 0;
	struct sx_opts opts;
	int status = SX_EXIT_OWN;

	argv[skip] = argv[0]; /* for getopt's messages */
	if (sx_opts_parse(&opts, command, argc - skip, argv + skip) == 0)
		status = run(command, &opts);
	sx_opts_fini(&opts);
	return status;
}

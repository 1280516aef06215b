#include "opts.h"

#include "command.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What to do with an option; field: where in struct sx_opts. */

static void take_flag(struct sx_opts *o, size_t field, const char *arg)
{
	(void)arg;
	*(bool *)(void *)((char *)o + field) = true;
}

static void take_text(struct sx_opts *o, size_t field, const char *arg)
{
	*(const char **)(void *)((char *)o + field) = arg;
}

static void take_url(struct sx_opts *o, size_t field, const char *arg)
{
	(void)field;
	o->urls[o->n_urls++] = arg; /* room for argc of them */
}

static void take_verbose(struct sx_opts *o, size_t field, const char *arg)
{
	(void)field, (void)arg;
	bool again = o->log_level && strcmp(o->log_level, "info") == 0;
	o->log_level = again ? "debug" : "info";
}

static void take_quiet(struct sx_opts *o, size_t field, const char *arg)
{
	(void)field, (void)arg;
	o->log_level = "none";
}

#define TEXT(member) take_text, offsetof(struct sx_opts, member)
#define FLAG(member) take_flag, offsetof(struct sx_opts, member)

#define FOR_ASKING                                                             \
	(SX_FOR_CHECK | SX_FOR_STATUS | SX_FOR_EXPLAIN | SX_FOR_LEAKTEST)
#define FOR_ALL (SX_FOR_RUN | FOR_ASKING)

static const struct row {
	unsigned commands; /* bits of enum sx_for */
	char letter;       /* 0: none */
	const char *name;
	const char *arg; /* NULL: takes none */
	const char *help;
	void (*take)(struct sx_opts *o, size_t field, const char *arg);
	size_t field;
} table[] = {
	{FOR_ALL, 'p', "proxy", "URL",
		"proxy server: socks5://[USER[:PASSWORD]@]HOST[:PORT], "
		"socks4://,"
		"\nsocks4a:// or http://; more than once: a list, the first"
		" that works is used",
		take_url, 0},
	{FOR_ALL, 'f', "config", "FILE", "configuration file", TEXT(conf_path)},
	{FOR_ASKING, 0, "app", "NAME",
		"as configured for the program of that name", TEXT(app)},
	{SX_FOR_CHECK, 0, "to", "HOST:PORT",
		"also ask for a connection to that destination", TEXT(to)},
	{SX_FOR_EXPLAIN, 0, "udp", NULL, "datagrams, not a connection",
		FLAG(udp)},
	{SX_FOR_STATUS, 0, "reset", NULL,
		"forget counters and that servers are down", FLAG(reset)},
	{FOR_ASKING, 0, "json", NULL, "print JSON", FLAG(json)},
	{SX_FOR_RUN, 'v', "verbose", NULL,
		"log each connection; twice: each step", take_verbose, 0},
	{SX_FOR_RUN, 'q', "quiet", NULL, "log nothing", take_quiet, 0},
	{SX_FOR_RUN, 0, "allow-leaks", NULL,
		"run programs, children too, even if their traffic would\n"
		"go around the proxy",
		FLAG(allow_leaks)},
	{FOR_ALL, 'h', "help", NULL, "print this", FLAG(help)},
	{FOR_ALL, 'V', "version", NULL, "print the version", FLAG(version)},
};
#define N_ROWS (sizeof(table) / sizeof(*table))

#define LONG_ONLY 256 /* getopt values of options without a letter */

static int value_of(size_t row)
{
	return table[row].letter ? table[row].letter : LONG_ONLY + (int)row;
}

/* What getopt_long() takes, of the rows that are the command's. */
static void make_getopt(
	const struct sx_command *command, char *letters, struct option *names)
{
	if (command->is_open_ended)
		*letters++ = '+';
	for (size_t i = 0; i < N_ROWS; i++) {
		const struct row *row = &table[i];
		if (!(row->commands & command->bit))
			continue;
		*names++ = (struct option){row->name,
			row->arg ? required_argument : no_argument, NULL,
			value_of(i)};
		if (!row->letter)
			continue;
		*letters++ = row->letter;
		if (row->arg)
			*letters++ = ':';
	}
	*letters = '\0';
	*names = (struct option){0};
}

static const struct row *row_of(int val)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (val == value_of(i))
			return &table[i];
	return NULL;
}

/* getopt has said what is wrong. */
static int usage_error(const struct sx_command *command)
{
	fprintf(stderr, "Try 'socksify%s%s --help'.\n",
		command->name ? " " : "", command->name ? command->name : "");
	return -1;
}

int sx_opts_parse(struct sx_opts *o, const struct sx_command *command, int argc,
	char **argv)
{
	char letters[2 * N_ROWS + 2];
	struct option names[N_ROWS + 1];
	int val;

	memset(o, 0, sizeof(*o));
	o->urls = calloc((size_t)argc + 1, sizeof(*o->urls));
	if (!o->urls) {
		fputs("socksify: out of memory\n", stderr);
		return -1;
	}
	make_getopt(command, letters, names);
	while ((val = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		const struct row *row = row_of(val);
		if (!row)
			return usage_error(command);
		row->take(o, row->field, optarg);
	}
	o->operands = argv + optind;
	return 0;
}

void sx_opts_fini(struct sx_opts *o)
{
	free(o->urls);
	o->urls = NULL;
}

#define HELP_COLUMN 24

static void print_row(const struct row *row)
{
	char left[64], letter[8] = "    ";

	if (row->letter)
		snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	snprintf(left, sizeof(left), "  %s--%s%s%s", letter, row->name,
		row->arg ? " " : "", row->arg ? row->arg : "");
	for (const char *text = row->help; *text;) {
		int n = (int)strcspn(text, "\n");
		printf("%-*s%.*s\n", HELP_COLUMN, text == row->help ? left : "",
			n, text);
		text += n + (text[n] == '\n');
	}
}

void sx_opts_print_help(const struct sx_command *command)
{
	printf("Usage: socksify %s\n%s\n\n", command->usage, command->text);
	for (size_t i = 0; i < N_ROWS; i++)
		if (table[i].commands & command->bit)
			print_row(&table[i]);
	if (command->more)
		printf("\n%s\n", command->more);
}

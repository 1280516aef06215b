#include "opts.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_url(struct sx_opts *o, const char *arg)
{
	o->urls[o->n_urls++] = arg; /* room for argc of them */
	return 0;
}

static int take_conf(struct sx_opts *o, const char *arg)
{
	o->conf_path = arg;
	return 0;
}

static int take_verbose(struct sx_opts *o, const char *arg)
{
	(void)arg;
	bool again = o->log_level && strcmp(o->log_level, "info") == 0;
	o->log_level = again ? "debug" : "info";
	return 0;
}

static int take_quiet(struct sx_opts *o, const char *arg)
{
	(void)arg;
	o->log_level = "none";
	return 0;
}

static int take_allow_leaks(struct sx_opts *o, const char *arg)
{
	(void)arg;
	o->allow_leaks = true;
	return 0;
}

static int take_help(struct sx_opts *o, const char *arg)
{
	(void)arg;
	o->help = true;
	return 0;
}

static int take_version(struct sx_opts *o, const char *arg)
{
	(void)arg;
	o->version = true;
	return 0;
}

static const struct row {
	char letter; /* 0: none */
	const char *name;
	const char *arg; /* NULL: takes none */
	const char *help;
	int (*take)(struct sx_opts *o, const char *arg);
} table[] = {
	{'p', "proxy", "URL",
		"proxy server: socks5://[USER[:PASSWORD]@]HOST[:PORT], "
		"socks4://,"
		"\nsocks4a:// or http://; more than once: a list, the first"
		" that works is used",
		take_url},
	{'f', "config", "FILE", "configuration file", take_conf},
	{'v', "verbose", NULL, "log each connection; twice: each step",
		take_verbose},
	{'q', "quiet", NULL, "log nothing", take_quiet},
	{0, "allow-leaks", NULL,
		"run a program even if its traffic would go around the proxy",
		take_allow_leaks},
	{'h', "help", NULL, "print this", take_help},
	{'V', "version", NULL, "print the version", take_version},
};
#define N_ROWS (sizeof(table) / sizeof(*table))

#define LONG_ONLY 256 /* getopt values of options without a letter */

static void make_getopt(char *letters, struct option *names)
{
	*letters++ = '+'; /* what follows the program's name is its own */
	for (size_t i = 0; i < N_ROWS; i++) {
		int val =
			table[i].letter ? table[i].letter : LONG_ONLY + (int)i;
		names[i] = (struct option){table[i].name,
			table[i].arg ? required_argument : no_argument, NULL,
			val};
		if (!table[i].letter)
			continue;
		*letters++ = table[i].letter;
		if (table[i].arg)
			*letters++ = ':';
	}
	*letters = '\0';
	names[N_ROWS] = (struct option){0};
}

static const struct row *row_of(int val)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (val == table[i].letter || val == LONG_ONLY + (int)i)
			return &table[i];
	return NULL;
}

int sx_opts_parse(struct sx_opts *o, int argc, char **argv)
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
	make_getopt(letters, names);
	while ((val = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		const struct row *row = row_of(val);
		if (!row) { /* getopt has said what is wrong */
			fputs("Try 'socksify --help'.\n", stderr);
			return -1;
		}
		if (row->take(o, optarg))
			return -1;
	}
	o->program = argv + optind;
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

void sx_opts_print_help(void)
{
	puts("Usage: socksify [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
	     "Runs PROGRAM with its TCP connections and name lookups carried "
	     "by a SOCKS server.\n");
	for (size_t i = 0; i < N_ROWS; i++)
		print_row(&table[i]);
	puts("\nWithout -p: the servers of $SOCKSIFY_PROXY, else of the "
	     "configuration, else\n$ALL_PROXY, else "
	     "socks5h://127.0.0.1:1080. Without -f: $SOCKSIFY_CONF, else\n"
	     "~/.config/socksify/socksify.conf, else "
	     "/etc/socksify/socksify.conf.\n\n"
	     "Exit status: that of PROGRAM; 125 if socksify itself fails, 126 "
	     "if PROGRAM\ncannot be run, 127 if it is not found.");
}

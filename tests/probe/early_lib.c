/*
 * The library of early_late. It does not depend on a preloaded library, so its
 * constructor runs before that one's, and its destructor after.
 */
#include "early_lib.h"

static int n_arguments;
static char **arguments;

/* glibc gives a constructor what main gets. */
__attribute__((constructor)) static void construct(int argc, char **argv)
{
	n_arguments = argc;
	arguments = argv;
	early_once("library constructor", argc, argv);
}

__attribute__((destructor)) static void destruct(void)
{
	early_once("library destructor", n_arguments, arguments);
}

void early_needed(void)
{
}

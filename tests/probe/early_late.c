/*
 * A connect at every stage of a program's life: in the constructor of a
 * library, before that of a preloaded one has run; in the program's own; in
 * main; in an atexit handler; in the destructors, the program's and, after
 * that of a preloaded library, the other library's.
 *
 * early_late HOST PORT
 * HOST PORT	an echo; a name is looked up each time
 */
#include "early_lib.h"
#include "probe.h"

static int connected;

void early_once(const char *where, int argc, char **argv)
{
	struct probe_addr a;

	if (argc != 3)
		return;
	probe_resolve(&a, argv[1], argv[2]);
	int fd = socket(a.sa.sa_family, SOCK_STREAM, 0);
	CHECK(!connect(fd, &a.sa, a.len), "%s: connect: %s", where,
		probe_errno(errno));
	probe_echo(fd);
	close(fd);
	connected++;
	if (!strcmp(where, "library destructor") && connected != 6)
		probe_fail(__LINE__, "%d of 6 connects", connected);
}

static int n_arguments;
static char **arguments;

__attribute__((constructor)) static void construct(int argc, char **argv)
{
	n_arguments = argc;
	arguments = argv;
	early_once("constructor", argc, argv);
}

static void at_exit(void)
{
	early_once("atexit", n_arguments, arguments);
}

__attribute__((destructor)) static void destruct(void)
{
	early_once("destructor", n_arguments, arguments);
}

int main(int argc, char **argv)
{
	probe_positional(argc, argv, 2, 2, "HOST PORT");
	probe_watchdog(60);
	early_needed();
	atexit(at_exit);
	early_once("main", argc, argv);
	return 0;
}

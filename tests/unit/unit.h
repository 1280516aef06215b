/*
 * What every unit test program shares: one suite, run with TAP on standard
 * output, each test in a process of its own unless CK_FORK=no.
 */
#ifndef SX_TESTS_UNIT_H
#define SX_TESTS_UNIT_H

#include <sys/socket.h>
#include <check.h>

/* A folder for the files of tests; it is removed when all have run, also
 * those that failed. */
const char *sx_unit_scratch(void);

/* Runs suite, which is consumed. 0 when every test passed, else 1: what
 * main() returns. */
int sx_unit_main(Suite *suite);

/* setsockopt() that takes everything. */
static inline int ignore_option(
	int fd, int level, int name, const void *val, socklen_t len)
{
	(void)fd;
	(void)level;
	(void)name;
	(void)val;
	(void)len;
	return 0;
}

#endif

/*
 * socksify PROGRAM: runs a program with the library in it.
 */
#ifndef SX_CLI_RUN_H
#define SX_CLI_RUN_H

/* The exit status, if the program did not take the place of this one. */
int sx_run(int argc, char **argv);

#endif

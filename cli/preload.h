/*
 * Where the library is, and how the dynamic linker is told.
 */
#ifndef SX_CLI_PRELOAD_H
#define SX_CLI_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The library as an entry of $LD_PRELOAD: that of the build folder when the
 * command runs from there, else the installed one, with "$LIB" where the
 * dynamic linker may choose between several. 0, or -1 after a message on
 * standard error.
 */
int sx_preload_find(char *entry, size_t size);

/* Puts that entry at the head of $LD_PRELOAD. Returns as above. */
int sx_preload_export(const char *entry);

/* Takes that entry and all SOCKSIFY_ variables out of the environment, which
 * is a new one then. Returns as above. */
int sx_preload_withdraw(const char *entry);

#endif

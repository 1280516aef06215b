/*
 * Where the library is, and how the dynamic linker is told.
 */
#ifndef SX_CLI_PRELOAD_H
#define SX_CLI_PRELOAD_H

#include <stdbool.h>

/*
 * Puts the library at the head of $LD_PRELOAD: that of the build folder when
 * the command runs from there, else the installed one. 0, or -1 after a
 * message on standard error.
 */
int sx_preload_export(void);

/* True when a library for programs of that ELF class and machine (ELFCLASS32
 * or ELFCLASS64, EM_386 ...) is installed beside the command's own. */
bool sx_preload_has(unsigned char elf_class, unsigned machine);

#endif

/* What early_late and its library know of each other. */
#ifndef EARLY_LIB_H
#define EARLY_LIB_H

#define EARLY_EXPORT __attribute__((visibility("default")))

/* The library calls it, the program has it. */
EARLY_EXPORT void early_once(const char *where, int argc, char **argv);

/* The program calls it, so that the library is not dropped as unused. */
EARLY_EXPORT void early_needed(void);

#endif

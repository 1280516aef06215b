/*
 * The variables that configure the library, as they were when the process
 * began: a program may change or clear its environment before it connects
 * for the first time, or give its children another one.
 */
#ifndef SX_HOOK_ENV_H
#define SX_HOOK_ENV_H

#include "core/childenv.h"

#include <stdbool.h>

/*
 * Copies them into memory of our own; false if there is no environment yet,
 * or no memory. Allocates nothing where they are of ordinary length. Before
 * any thread uses the rest.
 */
bool sx_env_take(void);

/* As getenv(3), for the variables that were taken. [any thread]
 * [signal-safe] */
const char *sx_env_get(const char *name);

/* As getenv(3) itself; another variable than those that were taken (it holds a
 * password, for one) is kept from then on. As sx_env_take(). */
const char *sx_env_note(const char *name);

/* From now on name=value is among them, in the place of what was taken of
 * that name. Allocates; without memory nothing changes. As sx_env_take(). */
void sx_env_keep(const char *name, const char *value);

/* name is not to be given to children. As sx_env_take(). */
void sx_env_drop(const char *name);

/* What children are to have. [any thread] [signal-safe] [after fork] */
const struct sx_childenv *sx_env_of_children(void);

/* The path of the library's file; NULL: not known. The same guarantees. */
const char *sx_env_library(void);

#endif

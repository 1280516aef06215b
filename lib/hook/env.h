/*
 * The variables that configure the library, as they were when the process
 * began: a program may change or clear its environment before it connects
 * for the first time.
 */
#ifndef SX_HOOK_ENV_H
#define SX_HOOK_ENV_H

#include <stdbool.h>

/* Copies them into memory of our own; false if they do not fit, or there is
 * no environment yet. Allocates nothing. */
bool sx_env_take(void);

/* As getenv(3), for the variables that were taken. */
const char *sx_env_get(const char *name);

#endif

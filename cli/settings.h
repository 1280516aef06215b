/*
 * From options and environment to the configuration: the same for the
 * command itself and for the library in the program that it runs.
 */
#ifndef SX_CLI_SETTINGS_H
#define SX_CLI_SETTINGS_H

#include "conf/conf.h"
#include "core/state.h"
#include "opts.h"

/*
 * Puts what the options say into the environment and loads the configuration
 * for a program of that name (NULL: none). Says on standard error what is
 * wrong. 0, or -1; sx_conf_fini() frees conf, also after a failure.
 */
int sx_settings_load(
	const struct sx_opts *opts, const char *program, struct sx_conf *conf);

/* Opens the state that the user's processes share. 0; -1 after a message on
 * standard error: it cannot be shared. sx_state_close() it in any case. */
int sx_settings_open_state(struct sx_state *state);

/* The same without a word. False: it cannot be shared. */
bool sx_settings_try_state(struct sx_state *state);

#endif

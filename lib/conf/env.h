/*
 * What the environment adds to the files.
 */
#ifndef SX_CONF_ENV_H
#define SX_CONF_ENV_H

#include "conf/draft.h"

/*
 * Puts the servers of SOCKSIFY_PROXY into the draft, or, where it names none,
 * that of ALL_PROXY or the default. True when they are the default pool,
 * which is then the last one in the draft.
 */
bool sx_env_servers(struct sx_draft *draft);

/* NO_PROXY, as rules behind all others. */
void sx_env_rules(struct sx_draft *draft);

/* SOCKSIFY_PIPELINE: for all servers that do not say. Before they are
 * settled. */
void sx_env_pipeline(struct sx_draft *draft);

/* SOCKSIFY_LOG and SOCKSIFY_LOG_FILE. */
void sx_env_log(struct sx_draft *draft);

/* SOCKSIFY_ALLOW_LEAKS. */
void sx_env_leaks(struct sx_draft *draft);

#endif

/*
 * From the draft to the configuration: names become indices.
 */
#ifndef SX_CONF_RESOLVE_H
#define SX_CONF_RESOLVE_H

#include "conf/draft.h"

/* Looks up the servers that the pools of the files name; before
 * sx_env_servers(), so that all of them are checked. */
void sx_resolve_refs(struct sx_draft *draft);

/*
 * Moves servers, pools and rules to draft->out. last_is_default: the last
 * pool of the draft takes the place of the default pool. After an error or
 * without memory, out holds what there is, for sx_conf_fini() alone.
 */
void sx_resolve(struct sx_draft *draft, bool last_is_default);

#endif

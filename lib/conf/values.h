/*
 * Values that are more than a string.
 */
#ifndef SX_CONF_VALUES_H
#define SX_CONF_VALUES_H

#include "base/log.h"

#define SX_LOG_LEVELS "none, error, warn, info or debug"

/* One of SX_LOG_LEVELS. 0 or -EINVAL. */
int sx_log_level_parse(const char *text, enum sx_log_level *out);

/* "150s", "500ms", "2m", "1h", "30" (seconds), from 1 ms to 24 h, in
 * milliseconds. 0 or -EINVAL. */
int sx_duration_parse(const char *text, unsigned *ms);

#endif

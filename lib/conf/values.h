/*
 * Values that are more than a string.
 */
#ifndef SX_CONF_VALUES_H
#define SX_CONF_VALUES_H

#include "base/log.h"

#include <stdbool.h>

#define SX_LOG_LEVELS "none, error, warn, info or debug"

#define SX_PIPELINE_WORDS "auto, on or off" /* by enum sx_pipeline */

/* Which of the words, "this, that or those", the value is, counted from 0.
 * 0 or -EINVAL. */
int sx_word_parse(const char *words, const char *value, unsigned *index);

/* One of SX_LOG_LEVELS. 0 or -EINVAL. */
int sx_log_level_parse(const char *text, enum sx_log_level *out);

#define SX_FLAGS "1, yes, 0 or no"

/* One of SX_FLAGS. 0, or -EINVAL and *out untouched. [signal-safe] */
int sx_flag_parse(const char *text, bool *out);

/* "150s", "500ms", "2m", "1h", "30" (seconds), from 1 ms to 24 h, in
 * milliseconds. 0 or -EINVAL. */
int sx_duration_parse(const char *text, unsigned *ms);

#endif

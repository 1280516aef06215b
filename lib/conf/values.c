#include "conf/values.h"

#include "conf/text.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define DAY_MS (24U * 60 * 60 * 1000)

int sx_log_level_parse(const char *text, enum sx_log_level *out)
{
	static const char *const levels[] = {
		[SX_LOG_NONE] = "none",
		[SX_LOG_ERROR] = "error",
		[SX_LOG_WARN] = "warn",
		[SX_LOG_INFO] = "info",
		[SX_LOG_DEBUG] = "debug",
	};

	for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(text, levels[i]) == 0) {
			*out = (enum sx_log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

int sx_flag_parse(const char *text, bool *out)
{
	bool yes = strcmp(text, "1") == 0 || strcmp(text, "yes") == 0;

	if (!yes && strcmp(text, "0") && strcmp(text, "no"))
		return -EINVAL;
	*out = yes;
	return 0;
}

/* Milliseconds; 0: no such unit. */
static unsigned unit_ms(const char *unit)
{
	static const struct {
		const char *name;
		unsigned ms;
	} units[] = {
		{"", 1000},
		{"ms", 1},
		{"s", 1000},
		{"m", 60 * 1000},
		{"h", 60 * 60 * 1000},
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) == 0)
			return units[i].ms;
	}
	return 0;
}

int sx_word_parse(const char *words, const char *value, unsigned *index)
{
	const char *word;
	size_t n;

	for (unsigned i = 0; sx_list_next(&words, &word, &n);) {
		if (n == 2 && strncmp(word, "or", n) == 0)
			continue;
		if (strlen(value) == n && strncmp(word, value, n) == 0) {
			*index = i;
			return 0;
		}
		i++;
	}
	return -EINVAL;
}

int sx_duration_parse(const char *text, unsigned *ms)
{
	size_t n_digits = strspn(text, "0123456789");
	uint64_t v = 0;

	if (n_digits == 0 || n_digits > 9)
		return -EINVAL;
	for (size_t i = 0; i < n_digits; i++)
		v = v * 10 + (unsigned)(text[i] - '0');
	v *= unit_ms(text + n_digits);
	if (v < 1 || v > DAY_MS)
		return -EINVAL;
	*ms = (unsigned)v;
	return 0;
}

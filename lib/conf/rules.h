/*
 * One condition of a rule, as text: "10.0.0.0/8", "*.example.org:443", ":25".
 */
#ifndef SX_CONF_RULES_H
#define SX_CONF_RULES_H

#include "conf/draft.h"

#define SX_CONDITION_FORMS                                                     \
	"a prefix, a name, *.NAME or *, each with or without :PORT or "        \
	":LO-HI, or :PORT alone, and with or without tcp: or udp: before it"

/*
 * Parses n bytes. 0; -EINVAL with a static text in *why that says what was
 * expected; -ENOMEM. On success the caller owns rule->domain; action, pool
 * and where are not set. On failure *rule is untouched.
 */
int sx_condition_parse(const char *text, size_t n, struct sx_rule_conf *rule,
	const char **why);

/*
 * Adds a rule for each condition of a list, all for the last target, and
 * reports the others as errors of key at place. where as in
 * sx_draft_add_rule(). Returns how many items the list had.
 */
size_t sx_conditions_add(struct sx_draft *draft, struct sx_place place,
	const char *where, const char *key, const char *list);

#endif

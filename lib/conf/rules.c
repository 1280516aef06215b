#include "conf/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "udp:*." NAME ":65535-65535" */
#define CONDITION_MAX (SX_NAME_MAX + 20)

/* The steps below return NULL, or what was expected. */

static const char *parse_ports(const char *text, struct sx_rule_conf *rule)
{
	if (!text)
		return NULL;
	if (sx_ports_parse(text, &rule->ports) || !rule->ports.lo)
		return "expected :PORT or :LO-HI from 1 to 65535";
	return NULL;
}

static const char *parse_cidr(const char *text, struct sx_rule_conf *rule)
{
	rule->match = SX_MATCH_CIDR;
	if (sx_cidr_parse(text, &rule->cidr))
		return "expected a prefix such as 10.0.0.0/8 or 2001:db8::/32";
	return NULL;
}

static const char *parse_name(
	const char *text, struct sx_rule_conf *rule, char *name)
{
	rule->match = SX_MATCH_NAME;
	if (strncmp(text, "*.", 2) == 0) {
		rule->match = SX_MATCH_BELOW;
		text += 2;
	} else if (text[0] == '.') {
		text++;
	}
	int r = sx_host_parse(text, name);
	if (r == -ERANGE)
		return "ends in a number but is no IPv4 address, "
		       "expected A.B.C.D, a prefix or a name";
	return r ? "expected " SX_CONDITION_FORMS : NULL;
}

/* "[V6]", "[V6]:PORTS", "[V6]/LEN:PORTS", "[V6/LEN]:PORTS" */
static const char *parse_bracketed(char *text, struct sx_rule_conf *rule)
{
	static const char form[] = "expected [IPV6], [IPV6]/LEN or "
				   "[IPV6/LEN], with or without :PORT";
	char *end = strchr(text, ']'), *colon;

	if (!end || !memchr(text, ':', (size_t)(end - text)))
		return form;
	colon = strchr(end, ':');
	if (colon)
		*colon++ = '\0';
	/* sx_cidr_parse() takes the length behind the bracket alone */
	if (end[1] && end[1] != '/')
		return form;
	memmove(end, end + 1, strlen(end));
	if (parse_cidr(text + 1, rule))
		return form;
	return parse_ports(colon, rule);
}

/* "udp:" before a condition, or "udp:53" for "udp:*:53". Returns what is
 * behind it, with the colon of a port alone. */
static char *take_transport(char *text, struct sx_rule_conf *rule)
{
	if (strncmp(text, "tcp:", 4) == 0)
		rule->transport = SX_MATCH_TCP;
	else if (strncmp(text, "udp:", 4) == 0)
		rule->transport = SX_MATCH_UDP;
	else
		return text;
	text += 4;
	bool is_port = *text && !text[strspn(text, "0123456789-")];
	return is_port ? text - 1 : text;
}

static const char *parse(char *text, struct sx_rule_conf *rule, char *name)
{
	text = take_transport(text, rule);
	char *colon = strchr(text, ':');

	if (text[0] == '[')
		return parse_bracketed(text, rule);
	if (colon && strchr(colon + 1, ':'))
		return parse_cidr(text, rule)
			       ? "expected an IPv6 prefix; a "
				 "port needs brackets: [IPV6]:PORT"
			       : NULL;
	if (colon)
		*colon++ = '\0';
	const char *why = parse_ports(colon, rule);
	if (why)
		return why;
	rule->match = SX_MATCH_ANY;
	if (strcmp(text, "*") == 0 || (!*text && colon))
		return NULL;
	if (strchr(text, '/') || sx_ip_parse(text, &(struct sx_ip){0}) == 0)
		return parse_cidr(text, rule);
	return parse_name(text, rule, name);
}

int sx_condition_parse(
	const char *text, size_t n, struct sx_rule_conf *rule, const char **why)
{
	struct sx_rule_conf got = {.ports = SX_PORTS_ALL};
	char copy[CONDITION_MAX + 1], name[SX_NAME_MAX + 1] = "";

	*why = "expected " SX_CONDITION_FORMS;
	if (n == 0 || n > CONDITION_MAX)
		return -EINVAL;
	memcpy(copy, text, n);
	copy[n] = '\0';
	*why = parse(copy, &got, name);
	if (*why)
		return -EINVAL;
	if (*name) {
		got.domain = strdup(name);
		if (!got.domain)
			return -ENOMEM;
	}
	*rule = got;
	return 0;
}

/*
 * Nothing is repeated that may be a password: a URL, or a password or url key
 * whose section header was forgotten.
 */
static bool may_be_quoted(const char *key, const char *list)
{
	static const char *const plain[] = {"", "direct", "block", "proxy"};

	if (strchr(list, '@') || strstr(list, "//"))
		return false;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(key, plain[i]) == 0)
			return true;
	}
	return false;
}

static void report(struct sx_place place, const char *where, const char *key,
	const char *item, const char *why)
{
	sx_diags_add(&place.origin->diags, SX_SEVERITY_ERROR,
		where ? where : place.origin->name, place.line, "%s%s%s: %s",
		key, *key ? ": " : "", item, why);
}

size_t sx_conditions_add(struct sx_draft *draft, struct sx_place place,
	const char *where, const char *key, const char *list)
{
	struct sx_rule_conf rule;
	const char *rest = list, *item, *why;
	char label[CONDITION_MAX + 3];
	bool quote = may_be_quoted(key, list);
	size_t n, n_items = 0;

	while (sx_list_next(&rest, &item, &n)) {
		n_items++;
		int r = sx_condition_parse(item, n, &rule, &why);
		if (quote && n <= CONDITION_MAX)
			snprintf(
				label, sizeof(label), "\"%.*s\"", (int)n, item);
		else
			snprintf(label, sizeof(label), "item %zu", n_items);
		if (r == 0)
			sx_draft_add_rule(draft, place, where, rule);
		else if (r == -ENOMEM)
			draft->out_of_memory = true;
		else
			report(place, where, key, label, why);
	}
	return n_items;
}

#include "conf/sections.h"

#include "conf/ini.h"
#include "conf/keys_server.h"

#include <errno.h>
#include <string.h>

#define EXPECTED_SECTIONS                                                      \
	"[defaults], [server NAME], [pool NAME], [rules] or [apps]"
#define MAX_RESERVED 4

static const struct {
	const char *word, *form;
	bool is_named;
	const char *reserved[MAX_RESERVED]; /* they mean something in [rules] */
} sections[SX_N_SECTIONS] = {
	[SX_SECTION_DEFAULTS] = {"defaults", "[defaults]", false, {NULL}},
	[SX_SECTION_SERVER] = {"server", "[server NAME]", true,
		{"default", "direct", "block", "proxy"}},
	[SX_SECTION_POOL] = {"pool", "[pool NAME]", true,
		{"direct", "block", "proxy"}},
	[SX_SECTION_RULES] = {"rules", "[rules]", false, {NULL}},
	[SX_SECTION_APPS] = {"apps", "[apps]", false, {NULL}},
};

/* A list may start on the line below its key. */
static void end_key(struct sx_file_parser *p)
{
	if (p->key && p->key->flags & SX_KEY_LIST && p->n_items == 0) {
		struct sx_place place = {p->place.origin, p->key_line};
		sx_draft_error(
			&place, "an empty list, expected %s", p->key->expected);
	}
	p->key = NULL;
}

static void end_section(struct sx_file_parser *p)
{
	end_key(p);
	if (p->section == SX_SECTION_SERVER && p->base)
		sx_server_keys_end(p);
	if (p->section == SX_SECTION_POOL && !sx_key_line(p, "servers")) {
		struct sx_place header = {p->place.origin, p->header};
		sx_draft_error(&header, "no servers in this section, expected "
					"servers = NAME, NAME");
	}
	memset(p->seen, 0, sizeof(p->seen));
	p->base = NULL;
	p->section = SX_SECTION_UNKNOWN;
}

static void check_name(struct sx_file_parser *p, const char *name)
{
	for (size_t i = 0; i < MAX_RESERVED; i++) {
		const char *reserved = sections[p->section].reserved[i];
		if (reserved && strcmp(name, reserved) == 0)
			sx_draft_error(&p->place,
				"the name \"%s\" is reserved, expected "
				"another one in %s",
				name, sections[p->section].form);
	}
}

/* True when the item at place comes from an earlier file and gives way. */
static bool gives_way(struct sx_file_parser *p, struct sx_place earlier)
{
	if (earlier.origin != p->place.origin)
		return true;
	sx_draft_error(&p->place,
		"the same section is in line %u, expected it once",
		earlier.line);
	return false;
}

/* A repeated section is added like a new one, so that its keys are checked;
 * what is loaded counts for nothing then. */
static void *open_server(struct sx_file_parser *p, const char *name)
{
	struct sx_draft_server *old =
		*name ? sx_draft_find_server(p->draft, name) : NULL;

	if (!old || !gives_way(p, old->place))
		return sx_draft_add_server(p->draft, p->place, name);
	char *same = old->conf.name;
	old->conf.name = NULL;
	sx_draft_clear_server(old);
	old->conf.name = same;
	old->place = p->place;
	return old;
}

static void *open_pool(struct sx_file_parser *p, const char *name)
{
	struct sx_draft_pool *old =
		*name ? sx_draft_find_pool(p->draft, name) : NULL;

	if (!old || !gives_way(p, old->place))
		return sx_draft_add_pool(p->draft, p->place, name);
	char *same = old->name;
	old->name = NULL;
	sx_draft_clear_pool(old);
	old->name = same;
	old->place = p->place;
	return old;
}

static void *open_named(struct sx_file_parser *p, const char *name)
{
	if (sx_label_ok(name)) {
		check_name(p, name);
	} else {
		sx_draft_error(&p->place,
			"expected %s with a name of 1 to %d letters, digits, "
			"hyphens, dots and underscores",
			sections[p->section].form, SX_LABEL_MAX);
		name = "";
	}
	return p->section == SX_SECTION_SERVER ? open_server(p, name)
					       : open_pool(p, name);
}

static void *open_plain(struct sx_file_parser *p, const char *name)
{
	unsigned *first = &p->firsts[p->section];

	if (*name)
		sx_draft_error(&p->place, "expected %s without a name",
			sections[p->section].form);
	if (*first)
		gives_way(p, (struct sx_place){p->place.origin, *first});
	else
		*first = p->place.line;
	return p->section == SX_SECTION_RULES ? (void *)p->draft
					      : (void *)p->draft->out;
}

static enum sx_section find_section(const char *word, size_t n)
{
	for (int i = 0; i < SX_N_SECTIONS; i++) {
		const char *known = sections[i].word;
		if (known && strlen(known) == n && !strncmp(known, word, n))
			return (enum sx_section)i;
	}
	return SX_SECTION_UNKNOWN;
}

static void on_section(void *user, unsigned line, char *name)
{
	struct sx_file_parser *p = user;

	end_section(p);
	p->place.line = p->header = line;
	if (!name)
		return;
	size_t n = strcspn(name, " \t");
	p->section = find_section(name, n);
	name += n + strspn(name + n, " \t");
	if (p->section == SX_SECTION_UNKNOWN)
		sx_draft_error(&p->place,
			"unknown section, expected " EXPECTED_SECTIONS);
	else if (sections[p->section].is_named)
		p->base = open_named(p, name);
	else
		p->base = open_plain(p, name);
}

/* The key is not repeated: it may be a password on a line of its own. */
static void unknown_key(struct sx_file_parser *p)
{
	struct sx_names names = {.n = 0};

	for (size_t i = 0; i < SX_N_KEYS; i++) {
		if (sx_keys[i].section == p->section && sx_keys[i].name)
			sx_names_add(&names, sx_keys[i].name);
	}
	sx_draft_error(&p->place, "unknown key in %s, expected one of %s",
		sections[p->section].form, names.text);
}

/* The row for a key that may stand here; NULL: reported. */
static const struct sx_key *admit(struct sx_file_parser *p, const char *name)
{
	size_t i = sx_key_find(p->section, name);

	if (p->section == SX_SECTION_NONE) {
		sx_draft_error(&p->place,
			"a key outside of a section, "
			"expected " EXPECTED_SECTIONS " above it");
		return NULL;
	}
	if (i == SX_N_KEYS) {
		unknown_key(p);
		return NULL;
	}
	if (!sx_keys[i].name && !sx_label_ok(name)) {
		sx_draft_error(&p->place,
			"expected direct, block, proxy or "
			"the name of a server or pool as the key");
		return NULL;
	}
	if (p->seen[i] && !(sx_keys[i].flags & SX_KEY_REPEATS)) {
		sx_draft_error(&p->place,
			"%s is in line %u as well, expected it once",
			sx_keys[i].name, p->seen[i]);
		return NULL;
	}
	p->seen[i] = p->place.line;
	return &sx_keys[i];
}

static void parse_value(struct sx_file_parser *p, char *value)
{
	int r;

	if (!(p->key->flags & SX_KEY_VERBATIM))
		sx_text_cut_comment(value);
	r = p->key->parse(p, value, (char *)p->base + p->key->offset);
	if (r == -ENOMEM)
		p->draft->out_of_memory = true;
	else if (r < 0)
		sx_draft_error(&p->place, "%s: expected %s", p->key->name,
			p->key->expected);
}

static void on_key(void *user, unsigned line, const char *name, char *value)
{
	struct sx_file_parser *p = user;

	end_key(p);
	p->place.line = p->key_line = line;
	p->n_items = 0;
	if (p->section == SX_SECTION_UNKNOWN)
		return;
	p->key = admit(p, name);
	if (p->section == SX_SECTION_RULES && p->key &&
		!sx_draft_add_target(p->draft, p->place, name))
		p->key = NULL;
	if (p->section != SX_SECTION_NONE && !p->base)
		p->key = NULL; /* no memory for the section */
	if (p->key)
		parse_value(p, value);
}

static void on_more(void *user, unsigned line, char *value)
{
	struct sx_file_parser *p = user;

	p->place.line = line;
	if (!p->key)
		return;
	if (!(p->key->flags & SX_KEY_LIST) || strchr(value, '='))
		sx_draft_error(&p->place,
			"an indented line goes on with a list, "
			"expected %s without white space before it",
			p->key->flags & SX_KEY_LIST ? "a key" : "KEY = VALUE");
	else
		parse_value(p, value);
}

static void on_error(void *user, unsigned line, const char *text)
{
	struct sx_file_parser *p = user;

	/* what is indented below it belongs to it */
	end_key(p);
	p->place.line = line;
	sx_diags_add(&p->place.origin->diags, SX_SEVERITY_ERROR,
		p->place.origin->name, line, "%s", text);
}

void sx_sections_parse(struct sx_draft *draft, struct sx_origin *origin,
	char *bytes, size_t len)
{
	static const struct sx_ini_events events = {
		.section = on_section,
		.key = on_key,
		.more = on_more,
		.error = on_error,
	};
	struct sx_file_parser p = {
		.draft = draft,
		.place = {.origin = origin},
	};

	if (sx_ini_parse(bytes, len, &events, &p))
		draft->out_of_memory = true;
	end_section(&p);
}

/*
 * A server that was sent to a name may answer with the address that it found
 * for it: which of the names it is. What was sent to an address comes from
 * that address, and needs nothing of this.
 */
#include "hook/carrying.h"

#include <string.h>

/* A signal handler may have interrupted the one who has it: do not wait. */
static bool take(struct sx_carried *c)
{
	for (int i = 0; i < 1000; i++)
		if (!atomic_flag_test_and_set(&c->names_busy))
			return true;
	return false;
}

static void give(struct sx_carried *c)
{
	atomic_flag_clear(&c->names_busy);
}

static struct sx_carried_name *find(
	struct sx_carried *c, const struct sx_ip *fake, uint16_t port)
{
	for (unsigned i = 0; i < c->n_names; i++)
		if (c->names[i].port == port &&
			sx_ip_equal(&c->names[i].fake, fake))
			return &c->names[i];
	return NULL;
}

static void add(struct sx_carried *c, const struct sx_ip *fake, uint16_t port)
{
	struct sx_carried_name *name =
		&c->names[c->next_name++ % SX_CARRIED_NAMES];

	*name = (struct sx_carried_name){.fake = *fake, .port = port};
	if (c->n_names < SX_CARRIED_NAMES)
		atomic_fetch_add(&c->n_names, 1);
}

void sx_carried_note(
	struct sx_carried *c, const struct sx_ip *fake, uint16_t port)
{
	if (!take(c))
		return;
	if (!find(c, fake, port))
		add(c, fake, port);
	give(c);
}

/* The one that has answered so before; else the first that was asked and whose
 * address is not known yet: with several at once it is a guess, which servers
 * that say the name do not need. */
static struct sx_carried_name *find_real(
	struct sx_carried *c, const struct sx_ip *real, uint16_t port)
{
	struct sx_carried_name *first = NULL;

	for (unsigned i = 0; i < c->n_names; i++) {
		struct sx_carried_name *n = &c->names[i];
		if (n->port != port)
			continue;
		if (n->real.family && sx_ip_equal(&n->real, real))
			return n;
		if (!n->real.family && !first)
			first = n;
	}
	if (first)
		first->real = *real;
	return first;
}

/* By the name; a socket of both families may have asked for either. */
static bool find_said(struct sx_carried *c, const char *name, uint16_t port,
	struct sx_ip *fake)
{
	struct sx_dest dest;

	for (unsigned i = 0; i < c->n_names; i++) {
		struct sx_carried_name *n = &c->names[i];
		if (n->port != port ||
			sx_engine_dest(
				sx_hook_engine(), &n->fake, port, &dest) ||
			dest.kind != SX_DEST_NAME || strcmp(dest.name, name))
			continue;
		*fake = n->fake;
		return true;
	}
	return false;
}

bool sx_carried_name_said(struct sx_carried *c, const char *name, uint16_t port,
	struct sx_ip *fake)
{
	if (!take(c))
		return false;
	bool found = find_said(c, name, port, fake);
	give(c);
	return found;
}

bool sx_carried_name_of(struct sx_carried *c, const struct sx_ip *real,
	uint16_t port, struct sx_ip *fake)
{
	if (atomic_load(&c->n_names) == 0 || !take(c))
		return false;
	struct sx_carried_name *n = find_real(c, real, port);
	if (n)
		*fake = n->fake;
	give(c);
	return n != NULL;
}

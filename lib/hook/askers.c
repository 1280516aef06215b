#include "hook/askers.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKET_NS (5000 * SX_NS_PER_MS)
#define SURE_NS   (1000 * SX_NS_PER_MS)

static bool is_same(const struct sx_asker *a, const struct sx_asker *b)
{
	return a->port == b->port && a->is_tcp == b->is_tcp &&
	       sx_ip_equal(&a->ip, &b->ip);
}

static struct sx_asker_entry *find(
	struct sx_askers *t, const struct sx_asker *who)
{
	for (unsigned i = 0; i < t->n; i++)
		if (is_same(&t->items[i].who, who))
			return &t->items[i];
	return NULL;
}

static void drop(struct sx_askers *t, struct sx_asker_entry *e)
{
	*e = t->items[--t->n];
}

bool sx_askers_let(struct sx_askers *t, const struct sx_asker *who,
	uint64_t inode, uint64_t now_ns)
{
	struct sx_asker_entry *e = find(t, who);

	if (!e && t->n == SX_ASKERS_MAX)
		sx_askers_expire(t, now_ns);
	if (!e && t->n == SX_ASKERS_MAX)
		return false;
	if (!e) {
		e = &t->items[t->n++];
		*e = (struct sx_asker_entry){.who = *who};
	}
	/* A socket that is connected may send with an address too */
	if (inode)
		e->inode = inode;
	else
		e->tickets++;
	e->seen_ns = now_ns;
	e->missed = 0;
	return true;
}

enum sx_may_ask sx_askers_take(
	struct sx_askers *t, const struct sx_asker *who, uint64_t now_ns)
{
	struct sx_asker_entry *e = find(t, who);

	if (!e)
		return SX_ASK_NO;
	if (e->tickets) {
		e->tickets--;
		if (!e->tickets && !e->inode)
			drop(t, e);
		return SX_ASK_YES;
	}
	return now_ns - e->seen_ns < SURE_NS ? SX_ASK_YES : SX_ASK_CHECK;
}

unsigned sx_askers_inodes(
	const struct sx_askers *t, uint64_t inodes[SX_ASKERS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++)
		if (t->items[i].inode)
			inodes[n++] = t->items[i].inode;
	return n;
}

/* Its socket is gone. The next one may have got its port already, and a
 * ticket: that stays. */
static void forget_socket(struct sx_askers *t, struct sx_asker_entry *e)
{
	e->inode = 0;
	e->missed = 0;
	if (!e->tickets)
		drop(t, e);
}

static void found_one(
	struct sx_askers *t, uint64_t inode, bool is_there, uint64_t now_ns)
{
	for (unsigned i = t->n; i-- > 0;) {
		struct sx_asker_entry *e = &t->items[i];
		if (e->inode != inode)
			continue;
		if (is_there)
			e->seen_ns = now_ns;
		e->missed = is_there ? 0 : e->missed + 1;
		if (e->missed == SX_ASKERS_MISSED_MAX)
			forget_socket(t, e);
	}
}

void sx_askers_found(struct sx_askers *t, const uint64_t *inodes,
	const bool *found, unsigned n, uint64_t now_ns)
{
	for (unsigned i = 0; i < n; i++)
		found_one(t, inodes[i], found[i], now_ns);
}

void sx_askers_expire(struct sx_askers *t, uint64_t now_ns)
{
	for (unsigned i = t->n; i-- > 0;) {
		struct sx_asker_entry *e = &t->items[i];
		if (!e->inode && now_ns - e->seen_ns >= TICKET_NS)
			drop(t, e);
	}
}

/*
 *	sl: local remote st tx:rx tr:when retrnsmt uid timeout inode ...
 */
static uint64_t inode_of(char *line)
{
	char *save, *word = strtok_r(line, " ", &save);

	for (unsigned i = 0; word && i < 9; i++)
		word = strtok_r(NULL, " ", &save);
	return word ? strtoull(word, NULL, 10) : 0;
}

void sx_askers_read(
	char *lines, const uint64_t *inodes, bool *found, unsigned n)
{
	char *save, *line = strtok_r(lines, "\n", &save);

	for (; line; line = strtok_r(NULL, "\n", &save)) {
		uint64_t inode = inode_of(line);
		for (unsigned i = 0; i < n; i++)
			found[i] = found[i] || (inode && inodes[i] == inode);
	}
}

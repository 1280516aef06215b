/*
 * The facade of the core: decide, connect, resolve. One engine serves all
 * threads of a process and what it forks. Opaque; made from a configuration.
 */
#ifndef SX_CORE_ENGINE_H
#define SX_CORE_ENGINE_H

#include "base/clock.h"
#include "base/err.h"
#include "conf/conf.h"
#include "core/names.h"
#include "core/rule.h"

struct sx_engine;
struct sx_handed_table;

/*
 * Takes over *conf and leaves it empty. sys is borrowed for ever. 0, or
 * -ENOMEM: conf is untouched then.
 */
int sx_engine_new(
	struct sx_engine **out, struct sx_conf *conf, const struct sx_sys *sys);

/*
 * An engine that lets nothing pass but the loopback: what a process gets
 * whose configuration cannot be used. 0 or -ENOMEM.
 */
int sx_engine_new_closed(struct sx_engine **out, const struct sx_sys *sys);

void sx_engine_free(struct sx_engine *e); /* NULL is harmless */

/*
 * The destination that an address means: the name behind an address of the
 * fake-DNS table, else the address. 0; -EHOSTUNREACH for an address of its
 * pools that stands for no name. [any thread] [signal-safe] [after fork]
 */
int sx_engine_dest(const struct sx_engine *e, const struct sx_ip *ip,
	uint16_t port, struct sx_dest *out);

/*
 * What becomes of it. Datagrams for a pool are carried by its servers, unless
 * `udp` of [defaults] says otherwise; a rule for datagrams alone and a server
 * of the pool with `udp = associate` stand above that. It says nothing of
 * port 53, where questions are answered from the table of names.
 * [any thread] [signal-safe] [after fork]
 */
struct sx_verdict sx_engine_decide(
	const struct sx_engine *e, const struct sx_dest *dest);

/* For people: the configuration, and the rules behind verdicts. They live as
 * long as the engine. */
const struct sx_conf *sx_engine_conf(const struct sx_engine *e);
const struct sx_rules *sx_engine_rules(const struct sx_engine *e);

/* libc found this address for a name that the rule of that rank sends
 * direct (struct sx_lookup). [any thread] */
void sx_engine_learn_direct(
	struct sx_engine *e, const struct sx_ip *ip, unsigned rank);

/* core/names.h with this engine's rules and table. */
int sx_engine_lookup(struct sx_engine *e, const char *host, int family,
	struct sx_lookup *out);
int sx_engine_reverse(struct sx_engine *e, const struct sx_ip *ip,
	char name[SX_NAME_MAX + 1]);

/*
 * From now on the engine shares what it learns of servers (core/state.h) and
 * its names (core/fakedns.h) with the user's other processes; the files are
 * opened at the first connection and the first name. runtime_dir:
 * $XDG_RUNTIME_DIR or NULL. Without this it learns nothing of servers. Before
 * any thread uses the engine.
 */
void sx_engine_share_state(struct sx_engine *e, const char *runtime_dir);

/* core/handed.h, in the place of the other shared files; opened at the first
 * use. [any thread] */
struct sx_handed_table *sx_engine_handed(struct sx_engine *e);

/* Around fork(): [signal-safe]. */
void sx_engine_before_fork(struct sx_engine *e);
void sx_engine_after_fork(struct sx_engine *e);

#endif

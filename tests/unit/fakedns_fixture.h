/*
 * What the tests of the fake-DNS table have in common: a clock that stands
 * until it is put forward, for all processes of a test, and names by number.
 */
#ifndef SX_TESTS_UNIT_FAKEDNS_FIXTURE_H
#define SX_TESTS_UNIT_FAKEDNS_FIXTURE_H

#include "core/fakedns.h"

#include <stdbool.h>

/* A day, and a bit. */
#define FIX_STALE_S (24 * 3600 + 300)

/* The system's clock alone. fix_clock_s points to its seconds; a test that
 * shares it with other processes lets it point to shared memory. */
extern const struct sx_sys fix_sys;
extern _Atomic long *fix_clock_s;

/* "n7.example", in one of a few buffers of the thread. */
const char *fix_name(unsigned number);

/* An address in the same way; "none" where there is none to be had. */
const char *fix_text(const struct sx_ip *ip);

/* True if name gets an address of each family, and both lead to it. */
bool fix_is_known(struct sx_fakedns *table, const char *name);

/* True if the IPv4 address with this number in the table's order, from 0 on,
 * has no name, or the one that a lookup of it leads back to. */
bool fix_is_own(struct sx_fakedns *table, unsigned number);

/* The IPv4 address with this number. */
struct sx_ip fix_nth(unsigned number);

#endif

/*
 * What the tests of the shared state have in common: a folder for each test,
 * removed by the parent even when the test has failed, and processes that
 * work at the same time.
 */
#ifndef SX_TESTS_UNIT_STATE_FIXTURE_H
#define SX_TESTS_UNIT_STATE_FIXTURE_H

#include "core/state.h"
#include "unit.h"

/* The test's own folder. In it are, in place of the real ones: run, for
 * $XDG_RUNTIME_DIR, and tmp, for /tmp. */
extern char fix_dir[];

/* FOLDER/name, in one of a few buffers. */
char *fix_file(const char *name);

/* The state file below run. */
#define FIX_STATE "run/socksify/state"

/* run and tmp as places, for the effective user. */
struct sx_state_path fix_path(void);

/* Opens; fails the test unless the file is shared. */
void fix_open(struct sx_state *st);

/* The record "a" of a state that is open. */
struct sx_server_state *fix_server(struct sx_state *st);

/* Some cases need another user, or another root. */
bool fix_is_root(void);

/* "tmp/socksify-UID" */
const char *fix_tmp_folder(void);

/* How many entries a folder has. */
unsigned fix_count_entries(const char *name);

/* Fails the test unless FOLDER/folder and the state in it are complete,
 * private to uid, and alone. */
void fix_assert_state_file(const char *folder, uid_t uid);

/* Fails the test unless the return of sx_state_open() was private memory
 * that works, and err says why. Closes. */
void fix_assert_private(
	struct sx_state *st, const struct sx_err *err, int r, const char *why);

/* Starts n processes that return work(number), 0 for good, and waits until all
 * have ended. How many were not good. */
unsigned fix_processes(unsigned n, int (*work)(unsigned number));

/* Zeroed memory shared with processes that are started later. */
void *fix_shared(size_t n_bytes);

/* Consumes nothing. All tests get a folder and a time limit of 200 s. */
void fix_add_tests(
	Suite *suite, const char *name, const TTest *const *tests, size_t n);

#endif

/*
 * The files that all processes of a user share and map: where they are, and
 * how one is made and opened. What stands in them: state.h, nametable.h.
 *
 * They lie in $XDG_RUNTIME_DIR/socksify/, else in /tmp/socksify-UID/. Folder
 * and file are the user's alone (0700, 0600). A file that is not as it must
 * be is never changed. One is made complete before it gets its name, which
 * only one process can give it, so nobody ever waits for another.
 *
 * To start anew, delete the file: processes that have it mapped go on with
 * it among themselves. Cutting it short is another matter, which the kernel
 * answers with SIGBUS; no process of socksify ever does it.
 */
#ifndef SX_CORE_SHARED_H
#define SX_CORE_SHARED_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SX_STATE_TMP        "/tmp"
#define SX_STATE_PARENT_MAX 200U

/* A folder that the files may be in. */
struct sx_state_place {
	char parent[SX_STATE_PARENT_MAX]; /* exists */
	char folder[24];                  /* in it; made where it is missing */
	bool parent_is_users;             /* not used if it is another user's */
};

/* Plain data, from strings alone. */
struct sx_state_path {
	struct sx_state_place places[2]; /* the first one that can be used */
	unsigned n_places;
	uid_t uid; /* whose; the effective one when a file is opened */
};

/*
 * Where the files of the user are. runtime_dir: $XDG_RUNTIME_DIR; NULL, empty,
 * not absolute or too long: left out. tmp: SX_STATE_TMP. [signal-safe]
 */
void sx_state_path(struct sx_state_path *out, const char *runtime_dir,
	const char *tmp, uid_t uid);

/* What a file begins with. All but boot is written before others can see the
 * file. */
struct sx_shared_head {
	uint64_t magic;
	uint32_t version;
	uint32_t size;         /* of the whole */
	_Atomic uint64_t boot; /* whose clock it is; 0: not known */
	_Atomic uint64_t id;   /* drawn for this very file */
};

/* A kind of file. The words in it are in the machine's byte order, which the
 * magic number shows. */
struct sx_shared_file {
	const char *name;
	uint64_t magic;
	uint32_t version;
	uint32_t size;  /* in bytes */
	uint32_t solid; /* so many of them are on the disk from the start: a
			   hole that it has no room for is a SIGBUS */
};

/*
 * Maps the file, making it where there is none. The index of its place in
 * path; or -errno, and *map is untouched. *err says why, also of an earlier
 * place that was passed over; NULL is allowed. Keeps no descriptor, allocates
 * nothing and takes no lock; changes errno. [any thread] [signal-safe]
 * [after fork]
 */
int sx_shared_open(const struct sx_shared_file *file,
	const struct sx_state_path *path, void **map, struct sx_err *err);

/* Memory of that size, with nothing in it but an id, that belongs to the
 * process and what it forks, NULL: there is none. The same guarantees. */
void *sx_shared_private(const struct sx_shared_file *file);

/*
 * Sees to it that n bytes of a mapping, at offset, can be touched, as what
 * stands behind the solid part cannot yet. path: where the file was found,
 * NULL for private memory. 0; -1: there is no room, or none can be had by a
 * kernel before 5.14 since the file is gone. The same guarantees.
 */
int sx_shared_make_solid(const struct sx_shared_file *file,
	const struct sx_state_path *path, void *map, size_t offset, size_t n);

/* A number for the boot that CLOCK_MONOTONIC and CLOCK_BOOTTIME count from;
 * 0: it cannot be known. The same guarantees. */
uint64_t sx_shared_boot(void);

#endif

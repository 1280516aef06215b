/*
 * Passwords from files.
 */
#ifndef SX_CONF_SECRET_H
#define SX_CONF_SECRET_H

#include "conf/file.h"

/*
 * The first line of a regular file of at most 4 KiB, without its end: 1 to
 * 255 bytes. *exposed: others than the owner can read it. 0, or negative
 * errno with words in err, never with a part of the file; *out is NULL then.
 * Free it with sx_text_wipe().
 */
int sx_secret_read(
	char **out, const char *path, bool *exposed, struct sx_err *err);

/* The same question for any file. */
bool sx_file_is_exposed(const struct sx_file *file);

#endif

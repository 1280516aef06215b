/*
 * One configuration file: its sections, in which order they may stand and
 * what a section must hold as a whole.
 */
#ifndef SX_CONF_SECTIONS_H
#define SX_CONF_SECTIONS_H

#include "conf/draft.h"

/* Reads one file into the draft. bytes[len] must be writable, and bytes is
 * changed. origin is one of the draft's, with name and folder set. */
void sx_sections_parse(struct sx_draft *draft, struct sx_origin *origin,
	char *bytes, size_t len);

#endif

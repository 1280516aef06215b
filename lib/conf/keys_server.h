/*
 * The keys of [server NAME] that are more than a word or number, and what they
 * must be together. What they say is left in the draft until all files are
 * read.
 */
#ifndef SX_CONF_KEYS_SERVER_H
#define SX_CONF_KEYS_SERVER_H

#include "conf/keys.h"

/* As in struct sx_key; field is a struct sx_draft_server. */
int sx_key_url(struct sx_file_parser *p, const char *value, void *field);
int sx_key_via(struct sx_file_parser *p, const char *value, void *field);
int sx_key_user(struct sx_file_parser *p, const char *value, void *field);
int sx_key_password(struct sx_file_parser *p, const char *value, void *field);
int sx_key_password_file(
	struct sx_file_parser *p, const char *value, void *field);
int sx_key_password_env(
	struct sx_file_parser *p, const char *value, void *field);
int sx_key_users_file(struct sx_file_parser *p, const char *value, void *field);

/* The end of the section, whose server is p->base: gives it its users. */
void sx_server_keys_end(struct sx_file_parser *p);

#endif

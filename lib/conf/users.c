#include "conf/users.h"

#include "conf/secret.h"
#include "conf/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX    (1024U * 1024)
#define NUMBERS_MAX 20 /* fit in a struct sx_err */

int sx_users_add(struct sx_users *users, char *user, char *password)
{
	void *grown =
		sx_array_grow(users->items, users->n, sizeof(*users->items));

	if (grown)
		users->items = grown;
	if (!grown || !user) {
		sx_text_wipe(&user);
		sx_text_wipe(&password);
		return -ENOMEM;
	}
	users->items[users->n++] = (struct sx_user_conf){user, password};
	return 0;
}

void sx_users_fini(struct sx_users *users)
{
	for (unsigned i = 0; i < users->n; i++) {
		/* the two may have been written the wrong way round */
		sx_text_wipe(&users->items[i].user);
		sx_text_wipe(&users->items[i].password);
	}
	free(users->items);
	memset(users, 0, sizeof(*users));
}

bool sx_users_have_passwords(enum sx_proto proto)
{
	return proto != SX_PROTO_SOCKS4 && proto != SX_PROTO_SOCKS4A;
}

static bool is_credential(size_t n)
{
	return n >= 1 && n <= SX_CREDENTIAL_MAX;
}

/* 0, -EINVAL or -ENOMEM. */
static int parse_line(struct sx_users *users, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	size_t n_user = colon ? (size_t)(colon - line) : 0;
	size_t n_password = colon ? n - n_user - 1 : 0;

	if (!is_credential(n_user) || !is_credential(n_password) ||
		memchr(line, '\0', n))
		return -EINVAL;
	char *password = strndup(colon + 1, n_password);
	if (!password)
		return -ENOMEM;
	return sx_users_add(users, strndup(line, n_user), password);
}

/* Line numbers. */
struct numbers {
	unsigned n;
	struct sx_names names;
};

static void add_number(struct numbers *numbers, unsigned number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	if (numbers->n++ <= NUMBERS_MAX)
		sx_names_add(&numbers->names,
			numbers->n <= NUMBERS_MAX ? text : "...");
}

/* The numbers of wrong lines go to *wrong. 0 or -ENOMEM. */
static int parse_lines(struct sx_users *users, const struct sx_file *file,
	struct numbers *wrong)
{
	const char *line = file->bytes, *end = line + file->len;

	for (unsigned number = 1; line < end; number++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((newline ? newline : end) - line);
		const char *next = line + n + 1;
		if (n && line[n - 1] == '\r')
			n--;
		int r = n && line[0] != '#' ? parse_line(users, line, n) : 0;
		if (r == -ENOMEM)
			return r;
		if (r)
			add_number(wrong, number);
		line = next;
	}
	return 0;
}

static int parse(
	struct sx_users *users, const struct sx_file *file, struct sx_err *err)
{
	struct numbers wrong = {.n = 0};

	if (parse_lines(users, file, &wrong))
		return sx_err_set(err, ENOMEM, "out of memory");
	if (wrong.n)
		return sx_err_set(
			err, EINVAL, "not so in line %s", wrong.names.text);
	if (users->n == 0)
		return sx_err_set(err, EINVAL, "no user in it");
	return 0;
}

int sx_users_read(struct sx_users *users, const char *path, bool *exposed,
	struct sx_err *err)
{
	struct sx_file file;
	int r = sx_file_read(&file, path, FILE_MAX, false, err);

	if (r)
		return r;
	*exposed = sx_file_is_exposed(&file);
	r = parse(users, &file, err);
	sx_file_fini(&file);
	if (r)
		sx_users_fini(users);
	return r;
}

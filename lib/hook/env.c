#include "hook/env.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIBRARY "libsocksify.so"
#define OURS    "SOCKSIFY_"
#define PRELOAD "LD_PRELOAD="

/* With "=": what conf/ asks for beside our own. */
static const char *const names[] = {
	"ALL_PROXY=",
	"all_proxy=",
	"NO_PROXY=",
	"no_proxy=",
};

/* These are kept with SOCKSIFY_ in front, which conf/ asks for first, so that
 * a child with another home is configured as its parent. */
static const char *const places[] = {
	"HOME=",
	"XDG_CONFIG_HOME=",
	"XDG_RUNTIME_DIR=",
};
#define N_NAMES  (sizeof(names) / sizeof(*names))
#define N_PLACES (sizeof(places) / sizeof(*places))

static char room[2048];
static struct sx_childenv env = {.items = room};
static char *items = room; /* env.items, where it is written */
static char *heap;         /* items, if it is malloc()'s */
static size_t used;        /* bytes in items but the NUL behind the last */
static const char *library;

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool is_one_of(const char *entry, const char *const *list, size_t n_list)
{
	for (size_t i = 0; i < n_list; i++)
		if (begins(entry, list[i]))
			return true;
	return false;
}

static bool is_wanted(const char *entry)
{
	return begins(entry, OURS) || is_one_of(entry, names, N_NAMES);
}

static bool is_place(const char *entry)
{
	return is_one_of(entry, places, N_PLACES);
}

const char *sx_env_get(const char *name)
{
	size_t n = strlen(name);

	for (const char *item = items; *item; item += strlen(item) + 1)
		if (strncmp(item, name, n) == 0 && item[n] == '=')
			return item + n + 1;
	return NULL;
}

/* There is room for it. */
static void add(const char *prefix, const char *entry)
{
	char *end = stpcpy(stpcpy(items + used, prefix), entry);

	used = (size_t)(end - items) + 1;
	items[used] = '\0';
}

static size_t size_of_all(void)
{
	size_t size = 1;

	for (char **entry = environ; *entry; entry++)
		if (is_wanted(*entry) || is_place(*entry))
			size += strlen(OURS) + strlen(*entry) + 1;
	for (size_t i = 0; i < N_PLACES; i++)
		size += strlen(OURS) + strlen(places[i]) + 1;
	return size;
}

/* As it is, or that it is not there; unless the parent has said it. */
static void add_place(const char *place)
{
	char name[sizeof(OURS) + 24];

	char *end = stpcpy(stpcpy(name, OURS), place);
	end[-1] = '\0';
	if (sx_env_get(name))
		return;
	for (char **entry = environ; *entry; entry++)
		if (begins(*entry, place)) {
			add(OURS, *entry);
			return;
		}
	add(OURS, place);
}

/* True if there is room for size bytes. */
static bool make_room(size_t size)
{
	if (size <= sizeof(room) - (size_t)(items - room))
		return true;
	char *more = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (more == MAP_FAILED)
		return false;
	env.items = items = more;
	return true;
}

struct entry {
	const char *text;
	size_t n;
};

static bool is_library(const char *text, size_t n)
{
	const size_t len = strlen(LIBRARY);

	return n >= len && memcmp(text + n - len, LIBRARY, len) == 0 &&
	       (n == len || text[n - len - 1] == '/');
}

/* The entry of value that is our file: the one that is its path, or one that
 * the dynamic linker has completed. n_alike: how many look like it. */
static struct entry find_entry(
	const char *value, const char *path, unsigned *n_alike)
{
	struct entry found = {NULL, 0};

	*n_alike = 0;
	while (*(value += strspn(value, " :"))) {
		size_t n = strcspn(value, " :");
		if (is_library(value, n)) {
			bool is_path = path && strlen(path) == n &&
				       memcmp(path, value, n) == 0;
			if (is_path || !found.text)
				found = (struct entry){value, n};
			++*n_alike;
		}
		value += n;
	}
	return found;
}

/* Of a path relative to the folder where the program was started. */
static const char *absolute(const char *path)
{
	return path && *path != '/' && strchr(path, '/') ? realpath(path, NULL)
							 : path;
}

/* In the room, in front of the items, where it fits. */
static void keep_entry(struct entry entry)
{
	char *copy = room;

	if (entry.n >= sizeof(room) / 4)
		copy = malloc(entry.n + 1);
	else
		items = room + entry.n + 1;
	if (!copy)
		return;
	memcpy(copy, entry.text, entry.n);
	copy[entry.n] = '\0';
	env.entry = copy;
	env.items = items;
}

/* Its value, as sx_childenv_preload() would find it: that one is far from here,
 * a page fault for every process. */
static const char *preload_value(void)
{
	const char *value = "";

	for (char **entry = environ; entry && *entry; entry++)
		if (begins(*entry, PRELOAD))
			value = *entry + strlen(PRELOAD);
	return value;
}

/* Our entry of LD_PRELOAD. Where its text does not say all, the dynamic linker
 * is asked which file we are. */
static void take_entry(void)
{
	const char *value = preload_value();
	Dl_info info = {0};
	unsigned n;
	struct entry found = find_entry(value, NULL, &n);

	if (n == 1 && *found.text == '/' && !memchr(found.text, '$', found.n)) {
		keep_entry(found);
		return;
	}
	if (dladdr(room, &info))
		library = absolute(info.dli_fname);
	if (n)
		found = find_entry(value, library, &n);
	if (n && memchr(found.text, '$', found.n))
		keep_entry(found);
	else
		env.entry = library;
}

bool sx_env_take(void)
{
	take_entry();
	if (!environ || !make_room(size_of_all()))
		return false;
	used = 0;
	for (char **entry = environ; *entry; entry++)
		if (is_wanted(*entry))
			add("", *entry);
	for (size_t i = 0; i < N_PLACES; i++)
		add_place(places[i]);
	return true;
}

void sx_env_drop(const char *name)
{
	const char *value;

	while ((value = sx_env_get(name))) {
		char *item = (char *)value - strlen(name) - 1;
		size_t size = (size_t)(value - item) + strlen(value) + 1;
		/* with the NUL behind the last */
		memmove(item, item + size,
			used - (size_t)(item - items) - size + 1);
		used -= size;
	}
}

void sx_env_keep(const char *name, const char *value)
{
	sx_env_drop(name);
	char *more = malloc(used + strlen(name) + strlen(value) + 3);
	if (!more)
		return;
	memcpy(more, items, used);
	env.items = items = more;
	char *end = stpcpy(stpcpy(items + used, name), "=");
	end = stpcpy(end, value);
	used = (size_t)(end - items) + 1;
	items[used] = '\0';
	free(heap);
	heap = more;
}

const char *sx_env_note(const char *name)
{
	const char *value = getenv(name);
	char entry[32];

	if (!value)
		return NULL;
	size_t n = strnlen(name, sizeof(entry));
	if (n + 1 < sizeof(entry)) {
		stpcpy(stpcpy(entry, name), "=");
		if (is_wanted(entry) || is_place(entry))
			return value;
	} else if (begins(name, OURS)) {
		return value;
	}
	sx_env_keep(name, value);
	return value;
}

const struct sx_childenv *sx_env_of_children(void)
{
	return &env;
}

const char *sx_env_library(void)
{
	return library;
}

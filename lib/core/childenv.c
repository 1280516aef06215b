#include "core/childenv.h"

#include <string.h>

#define PRELOAD   "LD_PRELOAD="
#define OURS      "SOCKSIFY_"
#define SEPARATOR " :" /* as the dynamic linker has it */

static const char *const places[] = {
	"SOCKSIFY_HOME",
	"SOCKSIFY_XDG_CONFIG_HOME",
	"SOCKSIFY_XDG_RUNTIME_DIR",
};
#define N_PLACES (sizeof(places) / sizeof(*places))

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* The next entry of *rest; false at the end. */
static bool next_entry(const char **rest, const char **entry, size_t *n)
{
	*entry = *rest + strspn(*rest, SEPARATOR);
	*n = strcspn(*entry, SEPARATOR);
	*rest = *entry + *n;
	return *n > 0;
}

static bool is_entry(const char *found, size_t n, const char *entry)
{
	return strlen(entry) == n && memcmp(found, entry, n) == 0;
}

bool sx_preload_has(const char *value, const char *entry)
{
	const char *found;
	size_t n;

	while (next_entry(&value, &found, &n))
		if (is_entry(found, n, entry))
			return true;
	return false;
}

void sx_preload_add(char *out, const char *value, const char *entry)
{
	if (!sx_preload_has(value, entry)) {
		out = stpcpy(out, entry);
		if (*value)
			*out++ = ':';
	}
	memcpy(out, value, strlen(value) + 1);
}

void sx_preload_remove(char *out, const char *value, const char *entry)
{
	const char *found;
	bool first = true;
	size_t n;

	while (next_entry(&value, &found, &n)) {
		if (is_entry(found, n, entry))
			continue;
		if (!first)
			*out++ = ':';
		out = mempcpy(out, found, n);
		first = false;
	}
	*out = '\0';
}

/* The length of NAME in "NAME=VALUE". */
static size_t name_len(const char *item)
{
	return strcspn(item, "=");
}

static const char *find(char *const envp[], const char *name, size_t n)
{
	for (; envp && *envp; envp++)
		if (**envp == *name && strncmp(*envp, name, n) == 0 &&
			(*envp)[n] == '=')
			return *envp + n + 1;
	return NULL;
}

const char *sx_childenv_get(char *const envp[], const char *name)
{
	return find(envp, name, strlen(name));
}

const char *sx_childenv_preload(char *const envp[])
{
	const char *value = NULL;

	for (; envp && *envp; envp++)
		if (begins(*envp, PRELOAD))
			value = *envp + strlen(PRELOAD);
	return value;
}

static bool is_place(const char *item, size_t n)
{
	for (size_t i = 0; i < N_PLACES; i++)
		if (is_entry(item, n, places[i]))
			return true;
	return false;
}

/* The program's own variable says the same as ours would. */
static bool says_the_same(char *const envp[], const char *item, size_t n)
{
	const size_t skip = strlen(OURS);
	const char *theirs = find(envp, item + skip, n - skip);

	return strcmp(theirs ? theirs : "", item + n + 1) == 0;
}

static bool is_missing(char *const envp[], const char *item)
{
	size_t n = name_len(item);

	if (find(envp, item, n))
		return false;
	return !is_place(item, n) || !says_the_same(envp, item, n);
}

static const char *next_item(const char *item)
{
	return item + strlen(item) + 1;
}

static size_t count(char *const envp[])
{
	size_t n = 0;

	while (envp && envp[n])
		n++;
	return n;
}

/* Bytes for the new LD_PRELOAD; 0: it is as it must be. */
static size_t preload_room(const struct sx_childenv *env, char *const envp[])
{
	const char *value = sx_childenv_preload(envp);

	if (!env->entry || (value && sx_preload_has(value, env->entry)))
		return 0;
	return sizeof(PRELOAD) + strlen(env->entry) + 1 +
	       (value ? strlen(value) : 0);
}

size_t sx_childenv_room(const struct sx_childenv *env, char *const envp[])
{
	size_t more = 0, text = preload_room(env, envp);

	for (const char *item = env->items; *item; item = next_item(item))
		more += is_missing(envp, item);
	if (!more && !text)
		return 0;
	/* with places for LD_PRELOAD and the NULL */
	return (count(envp) + more + 2) * sizeof(char *) + text;
}

static void write_preload(
	const struct sx_childenv *env, char *const envp[], char *out)
{
	const char *value = sx_childenv_preload(envp);

	out = stpcpy(out, PRELOAD);
	sx_preload_add(out, value ? value : "", env->entry);
}

/* Puts text where the last LD_PRELOAD of the n in made is, or behind them;
 * returns how many there are now. */
static size_t set_preload(char **made, size_t n, char *text)
{
	for (size_t i = n; i-- > 0;)
		if (begins(made[i], PRELOAD)) {
			made[i] = text;
			return n;
		}
	made[n] = text;
	return n + 1;
}

char **sx_childenv_make(
	const struct sx_childenv *env, char *const envp[], void *room)
{
	char **made = room;
	size_t n = count(envp), room_n = n + 2;

	if (n)
		memcpy(made, envp, n * sizeof(*made));
	for (const char *item = env->items; *item; item = next_item(item))
		if (is_missing(envp, item)) {
			made[n++] = (char *)item;
			room_n++;
		}
	if (preload_room(env, envp)) {
		char *text = (char *)(made + room_n);
		write_preload(env, envp, text);
		n = set_preload(made, n, text);
	}
	made[n] = NULL;
	return made;
}

size_t sx_childenv_bare_room(char *const envp[])
{
	size_t text = 0;

	for (char *const *e = envp; e && *e; e++)
		if (begins(*e, PRELOAD))
			text += strlen(*e) + 1;
	return (count(envp) + 1) * sizeof(char *) + text;
}

char **sx_childenv_bare(const char *entry, char *const envp[], void *room)
{
	char **made = room;
	char *text = (char *)(made + count(envp) + 1);
	size_t n = 0;

	for (; envp && *envp; envp++) {
		if (begins(*envp, OURS))
			continue;
		made[n] = *envp;
		if (entry && begins(*envp, PRELOAD)) {
			made[n] = text;
			text = stpcpy(text, PRELOAD);
			sx_preload_remove(text, *envp + strlen(PRELOAD), entry);
			bool empty = !*text;
			text += strlen(text) + 1;
			if (empty)
				continue;
		}
		n++;
	}
	made[n] = NULL;
	return made;
}

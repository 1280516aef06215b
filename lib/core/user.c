#include "core/user.h"

#include "core/record.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

unsigned sx_random_below(unsigned n)
{
	uint64_t x;

	/* early at boot there may be no randomness yet: do not wait for it */
	if (getrandom(&x, sizeof(x), GRND_NONBLOCK) != sizeof(x)) {
		struct timespec ts;
		clock_gettime(CLOCK_MONOTONIC, &ts);
		x = (uint64_t)ts.tv_nsec * 0x9e3779b97f4a7c15ULL >> 16;
	}
	return (unsigned)(x % n);
}

/* The same number for the life of the process. */
static unsigned sticky_below(unsigned n)
{
	static _Atomic unsigned chosen; /* 0: not yet */
	unsigned x = atomic_load(&chosen), fresh;

	if (!x) {
		fresh = 1 + sx_random_below(1U << 30);
		if (atomic_compare_exchange_strong(&chosen, &x, fresh))
			x = fresh;
	}
	return x % n;
}

/* Different for each process, also for those it forks. */
static void process_key(char *buf, size_t size)
{
	snprintf(buf, size, "process %u %d", sticky_below(1U << 30), getpid());
}

static void isolate(
	enum sx_isolate by, const struct sx_dest *dest, struct sx_user *out)
{
	static char user[] = "<torS0X>0";
	char key[SX_DEST_STRLEN + 300], text[SX_DEST_STRLEN] = "";
	uint64_t hash[2];

	if (by == SX_ISOLATE_DESTINATION)
		sx_dest_format(dest, text, sizeof(text));
	if (by == SX_ISOLATE_PROCESS)
		process_key(key, sizeof(key));
	else
		snprintf(key, sizeof(key), "program %.250s %s",
			program_invocation_short_name, text);
	sx_record_hash(key, hash);
	snprintf(out->token, sizeof(out->token), "%016llx%016llx",
		(unsigned long long)hash[0], (unsigned long long)hash[1]);
	out->credentials = (struct sx_credentials){user, out->token};
}

static struct sx_credentials choose(const struct sx_server_conf *server)
{
	unsigned i = 0;

	if (server->n_users == 0)
		return (struct sx_credentials){NULL, NULL};
	if (server->n_users > 1)
		i = server->choose_user == SX_USER_STICKY
			    ? sticky_below(server->n_users)
			    : sx_random_below(server->n_users);
	return (struct sx_credentials){
		server->users[i].user, server->users[i].password};
}

void sx_user_choose(const struct sx_server_conf *server,
	const struct sx_dest *dest, struct sx_user *out)
{
	if (server->isolate == SX_ISOLATE_NONE)
		out->credentials = choose(server);
	else
		isolate(server->isolate, dest, out);
}

void sx_user_moved(struct sx_user *user, const struct sx_user *from)
{
	if (user->credentials.password == from->token)
		user->credentials.password = user->token;
}

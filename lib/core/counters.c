#include "core/counters.h"

static const char *const failure_names[] = {
	[SX_FAILURE_UNREACHABLE] = "unreachable",
	[SX_FAILURE_TIMEOUT] = "timeout",
	[SX_FAILURE_HANDSHAKE] = "handshake",
	[SX_FAILURE_CREDENTIALS] = "credentials",
	[SX_FAILURE_DESTINATION] = "destination",
	[SX_FAILURE_OTHER] = "other",
};
static_assert(sizeof(failure_names) / sizeof(*failure_names) == SX_N_FAILURES,
	"a name for each");
static_assert(SX_N_FAILURES <= SX_FAILURE_SLOTS, "a word for each");

const char *sx_failure_name(enum sx_failure failure)
{
	return failure_names[failure];
}

void sx_server_count_attempt(struct sx_server_state *server)
{
	if (server)
		atomic_fetch_add(&server->attempts, 1);
}

void sx_server_count_failure(
	struct sx_server_state *server, enum sx_failure failure)
{
	if (server)
		atomic_fetch_add(&server->failures[failure], 1);
}

static unsigned bucket_of(uint64_t us)
{
	unsigned log2 = us ? 63U - (unsigned)__builtin_clzll(us) : 0;

	return log2 < SX_HISTOGRAM_SIZE ? log2 : SX_HISTOGRAM_SIZE - 1;
}

void sx_server_count_success(
	struct sx_server_state *server, uint64_t handshake_us)
{
	if (!server)
		return;
	atomic_fetch_add(&server->successes, 1);
	atomic_fetch_add(&server->handshakes[bucket_of(handshake_us)], 1);
}

/* In the reverse of the order in which they are counted. */
void sx_server_counters(
	const struct sx_server_state *server, struct sx_counters *out)
{
	*out = (struct sx_counters){0};
	if (!server)
		return;
	for (unsigned i = 0; i < SX_HISTOGRAM_SIZE; i++)
		out->handshakes[i] = atomic_load(&server->handshakes[i]);
	for (unsigned i = 0; i < SX_N_FAILURES; i++)
		out->failures[i] = atomic_load(&server->failures[i]);
	out->successes = atomic_load(&server->successes);
	out->attempts = atomic_load(&server->attempts);
}

static uint64_t total(const struct sx_counters *c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SX_HISTOGRAM_SIZE; i++)
		n += c->handshakes[i];
	return n;
}

/* The time of number rank, counted from 1, of the n in a bucket. */
static uint64_t interpolated(unsigned bucket, uint64_t rank, uint64_t n)
{
	uint64_t lo = bucket ? 1ULL << bucket : 0, hi = 2ULL << bucket;
	double part = ((double)rank - 0.5) / (double)n;

	return lo + (uint64_t)(part * (double)(hi - lo));
}

uint64_t sx_counters_quantile(const struct sx_counters *c, unsigned permille)
{
	uint64_t n = total(c);
	/* rounded up; not as n * permille, which need not fit */
	uint64_t rank =
		n / 1000 * permille + (n % 1000 * permille + 999) / 1000;

	if (rank == 0)
		rank = 1;
	for (unsigned i = 0; i < SX_HISTOGRAM_SIZE; i++) {
		if (rank <= c->handshakes[i])
			return interpolated(i, rank, c->handshakes[i]);
		rank -= c->handshakes[i];
	}
	return 0;
}

void sx_server_reset(struct sx_server_state *server)
{
	if (!server)
		return;
	atomic_store(&server->health, 0);
	for (unsigned i = 0; i < SX_HISTOGRAM_SIZE; i++)
		atomic_store(&server->handshakes[i], 0);
	for (unsigned i = 0; i < SX_FAILURE_SLOTS; i++)
		atomic_store(&server->failures[i], 0);
	atomic_store(&server->successes, 0);
	atomic_store(&server->attempts, 0);
}

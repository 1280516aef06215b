/*
 * The constructor, the engine of this process, and fork().
 *
 * Files are read when the process begins: later it may have changed its root
 * or its user. Where the environment alone decides, it is copied and the rest
 * waits for the first use of the network, so that a program without one pays
 * next to nothing.
 *
 * A configuration that cannot be used never ends the process: an engine that
 * lets nothing pass takes its place, and one line says why.
 */
#include "base/log.h"
#include "hook/env.h"
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sx_engine *engine;
static bool is_started;   /* the constructor has run */
static bool env_is_taken; /* the environment alone decides, and is copied */

/* Children may start in another folder: they are to find the same file. */
static void pin_conf_path(void)
{
	const char *path = getenv("SOCKSIFY_CONF");
	char cwd[PATH_MAX], absolute[2 * PATH_MAX];

	if (!path || !*path || *path == '/' || !getcwd(cwd, sizeof(cwd)))
		return;
	snprintf(absolute, sizeof(absolute), "%s/%s", cwd, path);
	setenv("SOCKSIFY_CONF", absolute, 1);
}

static void report(const struct sx_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		if (diags->items[i].severity == SX_SEVERITY_ERROR)
			sx_log(SX_LOG_ERROR, "%s", diags->items[i].text);
	sx_log(SX_LOG_ERROR, "the configuration cannot be used: all "
			     "connections but local ones are refused");
}

static void before_fork(void)
{
	if (engine)
		sx_engine_before_fork(engine);
}

static void after_fork(void)
{
	if (engine)
		sx_engine_after_fork(engine);
}

static void load(void)
{
	struct sx_conf_source source = {
		.program = program_invocation_short_name,
		.getenv = env_is_taken ? sx_env_get : NULL,
		.no_files = env_is_taken};
	struct sx_diags diags = {0};
	struct sx_conf conf = {0};
	static char log_file[PATH_MAX];

	if (!env_is_taken)
		pin_conf_path();
	int err = sx_conf_load(&conf, &source, &diags);
	if (!err && conf.log_file)
		snprintf(log_file, sizeof(log_file), "%s", conf.log_file);
	sx_log_init(err ? SX_LOG_ERROR : conf.log_level,
		*log_file ? log_file : NULL);
	if (err || sx_engine_new(&engine, &conf, &sx_sys_real)) {
		report(&diags);
		sx_conf_fini(&conf);
		sx_engine_new_closed(&engine, &sx_sys_real);
		sx_log_init(SX_LOG_WARN, NULL);
	}
	if (engine)
		sx_engine_share_state(
			engine, env_is_taken ? sx_env_get("XDG_RUNTIME_DIR")
					     : getenv("XDG_RUNTIME_DIR"));
	sx_diags_fini(&diags);
	pthread_atfork(before_fork, after_fork, after_fork);
}

struct sx_engine *sx_hook_engine(void)
{
	if (is_started || environ) /* a program may clear it later */
		pthread_once(&once, load);
	return engine;
}

__attribute__((constructor)) static void start(void)
{
	struct sx_conf_source source = {.getenv = sx_env_get};
	int saved = errno;

	sx_log_take_stderr();
	sx_real();
	env_is_taken = sx_env_take() && !sx_conf_may_have_files(&source);
	is_started = true;
	if (!env_is_taken)
		sx_hook_engine();
	errno = saved;
}

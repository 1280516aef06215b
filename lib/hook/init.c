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
#include "conf/values.h"
#include "hook/env.h"
#include "hook/exec.h"
#include "hook/hook.h"
#include "hook/carried.h"
#include "hook/nameserver.h"
#include "hook/pending.h"
#include "hook/real.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sx_engine *engine;
static pthread_once_t start_once = PTHREAD_ONCE_INIT;
static atomic_bool is_started; /* the constructor has run, or its work was
				  done for a hook before it */
static bool env_is_taken; /* the environment alone decides, and is copied */

static bool is_set(const char *name)
{
	const char *value = sx_env_get(name);

	return value && *value;
}

/* What did not decide the configuration is left to the program. */
static void drop_what_decides_nothing(bool by_all_proxy)
{
	if (!by_all_proxy)
		sx_env_drop("all_proxy");
	if (!by_all_proxy || is_set("all_proxy"))
		sx_env_drop("ALL_PROXY");
	if (is_set("no_proxy"))
		sx_env_drop("NO_PROXY");
}

/* Children may start in another folder, or with another home: they are to
 * find the same file. */
static void keep_file(const char *path)
{
	const char *named = getenv("SOCKSIFY_CONF");

	sx_env_keep("SOCKSIFY_CONF", path);
	if (!named || strcmp(named, path) != 0)
		setenv("SOCKSIFY_CONF", path, 1);
}

/* Takes the list of programs out of the configuration. */
static void keep_policy(struct sx_conf *conf)
{
	sx_exec_configure(&(struct sx_exec_policy){
		conf->allow_leaks, conf->direct_apps, conf->n_direct_apps});
	conf->direct_apps = NULL;
	conf->n_direct_apps = 0;
}

static void keep_for_children(struct sx_conf *conf)
{
	keep_policy(conf);
	drop_what_decides_nothing(conf->is_by_all_proxy);
	if (conf->path)
		keep_file(conf->path);
}

/* The same without a configuration, which waits for the network. */
static void keep_environment(void)
{
	const char *level_text = sx_env_get("SOCKSIFY_LOG");
	const char *leaks = sx_env_get("SOCKSIFY_ALLOW_LEAKS");
	enum sx_log_level level = SX_LOG_WARN;
	struct sx_exec_policy policy = {false, NULL, 0};

	if (level_text)
		sx_log_level_parse(level_text, &level);
	if (leaks)
		sx_flag_parse(leaks, &policy.allow_leaks);
	sx_log_init(level, NULL);
	sx_exec_configure(&policy);
	drop_what_decides_nothing(!is_set("SOCKSIFY_PROXY"));
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
	sx_nameserver_before_fork();
	sx_carried_before_fork();
	sx_pending_before_fork();
	if (engine)
		sx_engine_before_fork(engine);
}

static void after_fork(void)
{
	if (engine)
		sx_engine_after_fork(engine);
	sx_pending_after_fork();
	sx_carried_after_fork();
	sx_nameserver_after_fork();
}

static void after_fork_in_child(void)
{
	if (engine)
		sx_engine_after_fork(engine);
	sx_pending_after_fork_in_child();
	sx_carried_after_fork_in_child();
	sx_nameserver_after_fork_in_child();
}

static void load(void)
{
	struct sx_conf_source source = {
		.program = program_invocation_short_name,
		.getenv = env_is_taken ? sx_env_get : sx_env_note,
		.no_files = env_is_taken};
	struct sx_diags diags = {0};
	struct sx_conf conf = {0};
	const char *log_file = NULL; /* borrowed by the log for ever */

	int err = sx_conf_load(&conf, &source, &diags);
	if (!err) {
		log_file = conf.log_file;
		conf.log_file = NULL;
	}
	sx_log_init(err ? SX_LOG_ERROR : conf.log_level, log_file);
	if (!err && !env_is_taken)
		keep_for_children(&conf);
	if (err || sx_engine_new(&engine, &conf, &sx_sys_real)) {
		report(&diags);
		sx_conf_fini(&conf);
		sx_engine_new_closed(&engine, &sx_sys_real);
		sx_log_init(SX_LOG_WARN, NULL);
	}
	if (engine)
		sx_engine_share_state(
			engine, sx_conf_place(source.getenv,
					"SOCKSIFY_XDG_RUNTIME_DIR"));
	sx_diags_fini(&diags);
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

static void start_now(void)
{
	struct sx_conf_source source = {.getenv = sx_env_get};

	sx_log_take_stderr();
	sx_real();
	env_is_taken = sx_env_take() && !sx_conf_may_have_files(&source);
	if (env_is_taken)
		keep_environment();
	is_started = true;
	if (!env_is_taken)
		sx_hook_engine();
}

bool sx_hook_start(void)
{
	if (is_started)
		return true;
	if (!environ)
		return false;
	pthread_once(&start_once, start_now);
	return true;
}

struct sx_engine *sx_hook_engine(void)
{
	if (sx_hook_start()) /* a program may clear its environment later */
		pthread_once(&once, load);
	return engine;
}

__attribute__((constructor)) static void start(void)
{
	int saved = errno;

	pthread_once(&start_once, start_now);
	sx_carried_from_exec();
	errno = saved;
}

/*
 * Threads of our own: few, with small stacks, never in the way.
 */
#ifndef SX_HOOK_THREAD_H
#define SX_HOOK_THREAD_H

/*
 * Starts a detached thread. The caller has all signals blocked (base/lock.h),
 * and so has the thread for ever. 0, or -errno.
 */
int sx_thread_start(void *(*run)(void *), void *arg);

#endif

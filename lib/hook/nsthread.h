/*
 * The thread that answers the questions to one nameserver.
 */
#ifndef SX_HOOK_NSTHREAD_H
#define SX_HOOK_NSTHREAD_H

#include "base/addr.h"
#include "hook/askers.h"

/* How the thread and the rest of the process see each other; all of it is
 * guarded by sx_nameserver_lock(). */
struct sx_nameserver {
	bool is_up;
	int pid;         /* of the process that has the thread */
	struct sx_ip ip; /* that the program knows */
	uint16_t udp_port, tcp_port;
	struct sx_askers askers;
};

/* Starts it; ns->ip is set. When this returns 0 both ports answer; else a
 * negative errno value. The lock is held. */
int sx_nsthread_start(struct sx_nameserver *ns);

/* Of nameserver.c, for the thread. */
void sx_nameserver_lock(void);
void sx_nameserver_unlock(void);
void sx_nameserver_ends(struct sx_nameserver *ns); /* the lock is held */

/*
 * Looks which askers are still there, in the kernel's lists of UDP sockets
 * (both families; closed by the caller). Where these cannot be read nobody is
 * known to be gone. "Well": as often as it takes for one to be gone. The lock
 * is not held.
 */
void sx_nameserver_open_lists(int lists[2]);
void sx_nameserver_look(struct sx_nameserver *ns, const int lists[2]);
void sx_nameserver_look_well(struct sx_nameserver *ns, const int lists[2]);

#endif

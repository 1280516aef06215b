/*
 * What the parts of hook/carried.h share.
 */
#ifndef SX_HOOK_CARRYING_H
#define SX_HOOK_CARRYING_H

#include "hook/carried.h"

#include <sys/uio.h>

enum sx_carried_state {
	SX_CARRIED_NONE,   /* no association */
	SX_CARRIED_MAKING, /* somebody makes one */
	SX_CARRIED_UP,
};

/* Names that were sent to, and the addresses that answered for them. */
#define SX_CARRIED_NAMES 16

struct sx_carried_name {
	struct sx_ip fake, real; /* real: family 0 while nobody answered */
	uint16_t port;
};

/* Where datagrams are sent, and what stands in front of their headers. */
struct sx_carried_relay {
	struct sockaddr_storage sa;
	socklen_t len;
	size_t lead_len;
	uint8_t lead[SX_UDP_LEAD_MAX];
};

/* Memory of its own, of whole pages. Guarded by the lock of carried.c but for
 * what is atomic or said otherwise. */
struct sx_carried {
	unsigned n_fds; /* the program's numbers */
	int domain;
	sa_family_t family; /* in which it can send; AF_UNSPEC: both */
	atomic_int state;   /* also a futex */
	struct sx_udp_assoc assoc;
	struct sx_carried_relay relays[2]; /* of which one is in use */
	atomic_uint relay;                 /* which */
	_Atomic uint64_t looked_ns, failed_ns;
	bool is_given_up;    /* while somebody makes its association */
	atomic_bool is_told; /* the socket has an error for ENETUNREACH */

	/* connected by the program */
	atomic_bool is_connected;
	struct sx_dest peer;
	struct sx_ip peer_ip; /* as the program said it */
	struct sx_verdict verdict;

	atomic_flag names_busy;
	struct sx_carried_name names[SX_CARRIED_NAMES];
	unsigned next_name;
	atomic_uint n_names;

	atomic_uint head_len; /* that the latest datagram had */
	struct sx_carried_queue *queue;
	int own_fd; /* the socket, while the dialer makes the association */
};

struct sx_carried *sx_carried_make(int fd, const struct sx_hook_sock *sock);

/* A socket that another process or program has made what it is. control: the
 * number of the association's connection, or -1; relay: family 0 for none; to:
 * whom it is connected to, or NULL. False: no memory. */
bool sx_carried_adopt(int fd, const struct sx_hook_sock *sock, int control,
	const struct sx_ip *relay, uint16_t relay_port,
	const struct sx_carried_dest *to);

/* What follows when an association is to be had. */
enum sx_carried_ready {
	SX_CARRIED_NOW = 0,
	SX_CARRIED_LATER = 1, /* the datagram is to wait in the queue */
};

/* For a datagram that is to be sent with these flags. One of the above, or a
 * negative errno value. */
int sx_carried_ready(struct sx_carried *c, int fd, int flags,
	const struct sx_dest *dest, const struct sx_verdict *verdict);

/* The relay's address, in the socket's family, while an association stands. */
struct sx_carried_relay *sx_carried_relay(struct sx_carried *c);

/* Lets the datagram wait for the association that is being made; false: it
 * is not being made any more. */
bool sx_carried_enqueue(
	struct sx_carried *c, const struct iovec *iov, size_t n);

/* Ends the association, if one stands. */
void sx_carried_dissociate(struct sx_carried *c);

/* hook/carriedpeer.c. The kernel keeps the own address that went with the
 * first peer, so it is to choose again; the port stays if nobody takes it
 * meanwhile. 0 or -1. */
int sx_carried_connect_anew(int fd, const struct sx_carried_relay *relay);

/* Whoever relays to an AF_INET6 socket may have IPv4 alone. No more possible
 * once it is bound. */
void sx_carried_allow_ipv4(int fd);

/* Without an association yet: a peer, to whom nothing is sent, and who is
 * nobody should libc itself send what the program has printed to it. */
bool sx_carried_connect_for_now(int fd, int domain);

/* hook/carriederror.c: the socket fd is to say ENETUNREACH, for datagrams
 * that it has taken; errno after a call that failed. */
void sx_carried_tell(struct sx_carried *c, int fd);
void sx_carried_correct_errno(struct sx_carried *c);

/* hook/carriednames.c: which address of the fake-DNS table answers. */
void sx_carried_note(
	struct sx_carried *c, const struct sx_ip *fake, uint16_t port);
bool sx_carried_name_of(struct sx_carried *c, const struct sx_ip *real,
	uint16_t port, struct sx_ip *fake);
bool sx_carried_name_said(struct sx_carried *c, const char *name, uint16_t port,
	struct sx_ip *fake);

/* hook/carriedqueue.c: datagrams that wait, with their headers; the oldest
 * goes, and one that is too large. The lock is held. */
void sx_carried_put(struct sx_carried *c, const struct iovec *iov, size_t n);
void sx_carried_flush(struct sx_carried *c, int fd);
void sx_carried_drop_queue(struct sx_carried *c);

#endif

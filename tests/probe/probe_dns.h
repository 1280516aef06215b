/*
 * Questions to a nameserver, put together by hand as resolvers do that are
 * not libc's.
 */
#ifndef PROBE_DNS_H
#define PROBE_DNS_H

#include "probe.h"

struct question {
	unsigned char bytes[300];
	int len;
};

#define ANSWER_MAX 600

/* For the IPv4 address of NAME, with an ID that no other question has. */
void question_make(struct question *q, const char *name);

/* The bytes are the answer to q, with one IPv4 address. Returns it. With
 * --proxied (probe_dns_proxied) it is of the reserved range. */
struct in_addr question_check(
	const struct question *q, const void *answer, ssize_t n);

/* As question_check(), without ending the probe. */
bool question_is_answered(
	const struct question *q, const void *answer, ssize_t n);

extern bool probe_dns_proxied;

/* A datagram socket for the address's family. */
int probe_udp(const struct probe_addr *a, int flags);

/* Asks on a connected socket and gets the answer. */
struct in_addr probe_ask(int fd, const char *name);

/* Asks on an unconnected one; the answer comes from the nameserver. */
struct in_addr probe_ask_at(
	int fd, const struct probe_addr *ns, const char *name);

#endif

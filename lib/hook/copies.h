/*
 * The other numbers of a socket that the program made with dup() and its
 * relatives before it connected it: all of them have to show what it becomes.
 */
#ifndef SX_HOOK_COPIES_H
#define SX_HOOK_COPIES_H

#define SX_COPIES_MAX 8U

/* to is a copy of fd now. [any thread] [signal-safe] */
void sx_copies_note(int fd, int to);

/* All numbers known that show the same socket as fd, fd first; how many. */
unsigned sx_copies_of(int fd, int out[SX_COPIES_MAX]);

#endif

/*
 * What went wrong, in words for people.
 *
 * Functions return negative errno values; where a person may want to know
 * more, they also fill an optional struct sx_err. Setting one never
 * allocates and never prints. Any layer may use this.
 */
#ifndef SX_BASE_ERR_H
#define SX_BASE_ERR_H

#define SX_ERR_TEXT 256

struct sx_err {
	int sys;                /* positive errno value, 0: no error */
	char text[SX_ERR_TEXT]; /* one line without newline, cut if too long */
};

/*
 * Fills err and returns -sys, so that `return sx_err_set(...)` reads well.
 * err may be NULL: then only the value is returned. [any thread]
 */
int sx_err_set(struct sx_err *err, int sys, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif

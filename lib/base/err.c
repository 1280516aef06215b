#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

int sx_err_set(struct sx_err *err, int sys, const char *fmt, ...)
{
	if (err) {
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
		err->sys = sys;
	}
	return -sys;
}

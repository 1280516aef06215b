/* Preloaded with a sanitizer's runtime, linked with "-z initfirst": starts the
 * runtime before any constructor. Else its start can happen inside a malloc()
 * of newlocale(), in libp11-kit's constructor, where it unlocks the locale's
 * lock behind newlocale's back: curl and wget then hang in setlocale(). */
#include <stdlib.h>

__attribute__((constructor)) static void early(void)
{
	free(malloc(1));
}

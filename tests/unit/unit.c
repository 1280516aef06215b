#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static char scratch[] = "/tmp/socksify-unit-XXXXXX";

const char *sx_unit_scratch(void)
{
	return scratch;
}

static int remove_entry(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int sx_unit_main(Suite *suite)
{
	if (!mkdtemp(scratch)) {
		perror(scratch);
		return 1;
	}
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return n_failed ? 1 : 0;
}

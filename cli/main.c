#include "run.h"

int main(int argc, char **argv)
{
	return sx_run(argc, argv);
}

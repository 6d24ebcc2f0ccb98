/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: opens and reads the files named, as a program that does nothing else would. What
 * bulkhead costs above it is bulkhead's.
 */
#include "../../src/util.h"

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		char data[65536];

		if (fd < 0)
			continue;
		while (read(fd, data, sizeof(data)) > 0)
			;
		close(fd);
	}
	return 0;
}

/*
 * Bytes from hexadecimal, standard input to standard output; white space does
 * not count.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

int
main(void)
{
	static const char digits[] = "0123456789abcdef";
	int byte = 1, c;

	while ((c = getchar()) != EOF) {
		const char *digit = c == '\0' ? NULL : strchr(digits, c);

		if (isspace(c))
			continue;
		if (digit == NULL) {
			(void)fprintf(
			    stderr, "unhex: not hexadecimal: %c\n", c);
			return 1;
		}
		byte = byte << 4 | (int)(digit - digits);
		if (byte >= 0x100) {
			(void)putchar(byte & 0xff);
			byte = 1;
		}
	}
	return byte == 1 && fflush(stdout) == 0 ? 0 : 1;
}

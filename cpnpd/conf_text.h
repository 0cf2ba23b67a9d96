/*
 * The text of a configuration, as libconfuse can be given it: without its
 * comments, in which libconfuse 3.3 counts each line up to three times.  It
 * also ends the process when it is told to read a directory, and takes a
 * section that is never closed for complete; so the file is read here.  Nor
 * does it tell of an empty list, which becomes one of a value of its own.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_CONF_TEXT_H
#define CPNPD_CONF_TEXT_H

#define CPNP_CONF_TEXT_MAX (4 * 1024 * 1024)

/* Read a file; text is the caller's to free.  unclosed is the line of a brace
 * that is never closed, 0 when there is none.  0 or the number of a system
 * error: EFBIG when it is too long, EILSEQ when there is a zero byte in it. */
int cpnp_conf_text_read(const char *path, char **text, unsigned *unclosed);

/* What stands for the values of "option = {}". */
#define CPNP_CONF_TEXT_EMPTY "\001"

/* Make blanks of the comments, and of each empty list CPNP_CONF_TEXT_EMPTY;
 * returns unclosed. */
unsigned cpnp_conf_text_strip(char *text);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_text.h"

/* Where in the text we are, and how deep. */
struct scan {
	char *text;
	char *at;
	unsigned line;
	unsigned depth;
	unsigned opened; /* line of the outermost brace that is open */
};

static void
advance(struct scan *s)
{
	s->line += *s->at++ == '\n';
}

/* Line ends stay, so that lines can be counted. */
static void
blank(struct scan *s)
{
	char *at = s->at;

	advance(s);
	if (*at != '\n')
		*at = ' ';
}

static void
blank_line(struct scan *s)
{
	while (*s->at != '\n' && *s->at != '\0')
		blank(s);
}

/* One that does not end stays, for libconfuse to complain of. */
static void
blank_comment(struct scan *s)
{
	const char *end = strstr(s->at + 2, "*/");

	if (end == NULL)
		s->at += strlen(s->at);
	while (end != NULL && s->at < end + 2)
		blank(s);
}

static void
skip_quoted(struct scan *s)
{
	char quote = *s->at;

	advance(s);
	while (*s->at != quote && *s->at != '\0') {
		if (*s->at == '\\' && s->at[1] != '\0')
			advance(s);
		advance(s);
	}
	if (*s->at != '\0')
		advance(s);
}

/* What stands before at, blanks apart; the comments are blanks by now. */
static char *
before(const struct scan *s, char *at)
{
	while (at > s->text && strchr(" \t\r\n", *--at) != NULL)
		continue;
	return at;
}

/* A list ends; a section has no "=". */
static void
mark_empty(struct scan *s)
{
	char *open = before(s, s->at);

	if (*open != '{' || *before(s, open) != '=')
		return;
	*open = CPNP_CONF_TEXT_EMPTY[0];
	*s->at = ' ';
}

/* A word may have slashes in it that begin no comment. */
static void
skip_word(struct scan *s)
{
	size_t n = strcspn(s->at, " \t\r\n\"'={}()+,#");

	if (n > 0) {
		s->at += n;
		return;
	}
	if (*s->at == '{' && s->depth++ == 0) {
		s->opened = s->line;
	} else if (*s->at == '}' && s->depth > 0) {
		s->depth--;
		mark_empty(s);
	}
	advance(s);
}

unsigned
cpnp_conf_text_strip(char *text)
{
	struct scan s = {.text = text, .at = text, .line = 1};

	while (*s.at != '\0') {
		if (*s.at == '"' || *s.at == '\'')
			skip_quoted(&s);
		else if (*s.at == '#' || strncmp(s.at, "//", 2) == 0)
			blank_line(&s);
		else if (strncmp(s.at, "/*", 2) == 0)
			blank_comment(&s);
		else
			skip_word(&s);
	}
	return s.depth > 0 ? s.opened : 0;
}

static int
read_all(FILE *file, char *text, size_t *len)
{
	*len = fread(text, 1, CPNP_CONF_TEXT_MAX + 1, file);
	if (ferror(file))
		return errno != 0 ? errno : EIO;
	if (*len > CPNP_CONF_TEXT_MAX)
		return EFBIG;
	text[*len] = '\0';
	return memchr(text, '\0', *len) != NULL ? EILSEQ : 0;
}

int
cpnp_conf_text_read(const char *path, char **text, unsigned *unclosed)
{
	FILE *file = fopen(path, "re");
	char *all;
	size_t len;
	int err;

	if (file == NULL)
		return errno;
	all = malloc(CPNP_CONF_TEXT_MAX + 1);
	errno = 0;
	err = all == NULL ? ENOMEM : read_all(file, all, &len);
	(void)fclose(file);
	if (err != 0) {
		free(all);
		return err;
	}
	*unclosed = cpnp_conf_text_strip(all);
	*text = all;
	return 0;
}
